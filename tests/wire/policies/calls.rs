//! Makes the table's calls.

use oubliette::client::{
    Client, ClientError, Reason, Refusal,
    types::{Assignee, BreakGlass, HoldOrder, Intent},
};

use super::{
    records::{DAY, Records, sample},
    table::Call,
};
use crate::support::{link, text};

/// Asks for what the desk would hold or read, has the DPO give leave, and sends it.
async fn with_leave(
    call: &Call,
    client: &Client,
    dpo: &Client,
    records: &Records,
) -> Result<(), ClientError> {
    let why = |purpose: &str| Intent {
        justification: Some("requisition, fictional".to_owned()),
        ..Intent::of(purpose)
    };
    let order = |record: &str| HoldOrder {
        records: vec![records.id(record)],
        authority: "Tribunal (fictif)".to_owned(),
        reason: "dossier 0".to_owned(),
        ends_on: "2021-01-31".to_owned(),
    };
    match *call {
        Call::Hold(record, purpose) => {
            let (why, order) = (why(purpose), order(record));
            let asked = client.ask_hold(&why, &order, "requisition").await?;
            dpo.approve(asked.approval).await?;
            client.place_hold(&why, &order, Some(asked.approval)).await.map(drop)
        }
        Call::ReadHeld(record, class) => {
            let (why, record) = (why("hold"), records.id(record));
            let asked = client.ask_reveal(&why, record, &[class], "requisition").await?;
            dpo.approve(asked.approval).await?;
            client.reveal_approved(&why, record, &[class], Some(asked.approval)).await.map(drop)
        }
        Call::Ask(record) => client.ask_hold(&why("p7"), &order(record), "why").await.map(drop),
        _ => panic!("it takes one person"),
    }
}

/// Makes one call of this agent's.
pub(super) async fn make(
    call: &Call,
    (who, client): (&str, &Client),
    dpo: &Client,
    records: &mut Records,
) -> Result<(), ClientError> {
    match *call {
        Call::Hold(..) | Call::ReadHeld(..) | Call::Ask(_) => {
            with_leave(call, client, dpo, records).await
        }
        Call::Create(..) | Call::Link(..) | Call::Derive(..) => {
            files(call, (who, client), records).await
        }
        Call::Write(..) | Call::Mark(..) | Call::Assign(..) | Call::Erase(..) => {
            changes(call, client, records).await
        }
        Call::Restrict(record, purpose, justification) => {
            let subject = records.created(record).subject;
            let why = justified(purpose, justification);
            client.restrict_subject(&why, subject, true).await.map(drop)
        }
        Call::ListHolds => client.list_holds().await.map(drop),
        Call::ListReviews => client.list_reviews(true).await.map(drop),
        Call::Checkpoint => client.checkpoint().await.map(drop),
        Call::PreviewPurge => client.preview_purge().await.map(drop),
        Call::ListAgents => client.list_agents().await.map(drop),
        Call::ReloadPolicies => client.reload_policies().await.map(drop),
        _ => reads(call, client, records).await,
    }
}

fn justified(purpose: &str, justification: &str) -> Intent {
    let justification = Some(justification.to_owned()).filter(|text| !text.is_empty());
    Intent { justification, ..Intent::of(purpose) }
}

async fn reads(call: &Call, client: &Client, records: &Records) -> Result<(), ClientError> {
    match *call {
        Call::Reveal(record, class, purpose) => {
            client.reveal(&Intent::of(purpose), records.id(record), &[class]).await.map(drop)
        }
        Call::RevealFor(record, class, purpose, justification) => {
            let why = justified(purpose, justification);
            client.reveal(&why, records.id(record), &[class]).await.map(drop)
        }
        Call::RevealAfterForty(record, class, purpose) => {
            for other in records.crowd() {
                client.reveal(&Intent::of(purpose), other, &[class]).await?;
            }
            client.reveal(&Intent::of(purpose), records.id(record), &[class]).await.map(drop)
        }
        Call::Through(record, link, purpose) => {
            let (why, link) = (Intent::of(purpose), records.id(link));
            client.reveal_through(&why, records.id(record), &["identity"], link).await.map(drop)
        }
        Call::BreakGlass(record, class, purpose) => {
            let (code, text) = ("urgent_care".to_owned(), "EXEMPLE, urgent".to_owned());
            let (why, stated) = (Intent::of(purpose), BreakGlass { code, text });
            client.break_glass(&why, records.id(record), &[class], &stated).await.map(drop)
        }
        Call::Match(record, field, value, purpose) => {
            let field = (field.to_owned(), text(value));
            client.matches(&Intent::of(purpose), records.id(record), field).await.map(drop)
        }
        Call::Listed(collection, nir, purpose) => {
            let by = vec![("nir".to_owned(), text(nir))];
            let answer = client.listed(&Intent::of(purpose), collection, by).await?;
            assert!(answer.listed, "somebody with this NIR is on file");
            Ok(())
        }
        _ => panic!("{call:?} is no reading"),
    }
}

async fn files(
    call: &Call,
    (who, client): (&str, &Client),
    records: &mut Records,
) -> Result<(), ClientError> {
    let territory = if who.ends_with("-971") { "guadeloupe" } else { "reunion" };
    match *call {
        Call::Create(what, purpose) => {
            let new = sample(what, territory);
            client.create(&Intent::of(purpose), new).await.map(drop)
        }
        Call::Link(case, contact, purpose) => {
            let ends = (records.id(case), records.id(contact));
            let new = link(territory, DAY, ends, "none");
            client.create(&Intent::of(purpose), new).await.map(drop)
        }
        Call::Derive(record, purpose) => {
            let made = client.derive(&Intent::of(purpose), records.id(record)).await?;
            records.keep("case-derived", made);
            Ok(())
        }
        _ => panic!("{call:?} files nothing"),
    }
}

async fn changes(call: &Call, client: &Client, records: &mut Records) -> Result<(), ClientError> {
    let to = |who: &str| match who.split_once(':') {
        Some(("agent", name)) => Assignee::Agent(name.to_owned()),
        Some(("unit", name)) => Assignee::Unit(name.to_owned()),
        _ => panic!("`{who}` is neither agent: nor unit:"),
    };
    let version = match *call {
        Call::Write(record, field, value, purpose) => {
            let change = records.change(record, "", field, value);
            (record, client.update(&Intent::of(purpose), change).await?.version)
        }
        Call::Mark(record, state, purpose) => {
            let change = records.change(record, "state", "", state);
            (record, client.update(&Intent::of(purpose), change).await?.version)
        }
        Call::Assign(record, who, purpose) => {
            let (why, id) = (Intent::of(purpose), records.id(record));
            (record, client.assign(&why, id, &to(who), None).await?.version)
        }
        Call::Erase(record, purpose, justification) => {
            let why = justified(purpose, justification);
            let erased = client.erase(&why, &[records.id(record)]).await?;
            return erased.items[0].reason.as_deref().map_or(Ok(()), |r| Err(refusal(r)));
        }
        _ => panic!("{call:?} changes nothing"),
    };
    records.is_at(version);
    Ok(())
}

/// One record's refusal as the error that a call about it alone would be.
fn refusal(reason: &str) -> ClientError {
    let reason = Reason::ALL.iter().copied().find(|known| known.as_str() == reason).unwrap();
    ClientError::Refused(Box::new(Refusal {
        code: reason.code(),
        reason: Some(reason),
        message: reason.message().to_owned(),
        violations: Vec::new(),
        policies: Vec::new(),
        retry_after_ms: None,
    }))
}
