//! `cargo bench --bench decide`: what one decision of the shipped pack costs, without a vault.
//!
//! In process and on one thread: an operator asks for one and for three classes of a contact of his
//! unit's queue, and for one class that is refused.

use std::{
    error::Error,
    hint::black_box,
    io::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use oubliette::{
    clock::Timestamp,
    identity::{AgentKind, Caller, Habilitation},
    ids::{
        AgentId, ClassName, CollectionName, FieldName, PurposeName, RecordId, RoleName,
        TerritoryName, UnitName,
    },
    policy::{Pack, RequestContext, Resource, Value, Verb},
};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// 2020-11-23T08:00 in La Réunion.
const NOW: Timestamp = Timestamp::from_millis(1_606_104_000_000);
/// Decisions before any is counted.
const WARM_UP: usize = 500;
/// Decisions counted.
const DECISIONS: usize = 5_000;

fn main() -> Outcome<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/contact-tracing");
    let pack = Pack::load(&folder).map_err(|errors| format!("{errors:#?}"))?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "| classes asked | p50 µs | p99 µs |\n|---|--:|--:|")?;
    for (classes, allowed) in [
        (vec!["coordinates"], true),
        (vec!["identity", "coordinates", "symptoms"], true),
        (vec!["nir"], false),
    ] {
        let mut taken = decide(&pack, &classes, allowed)?;
        taken.sort_unstable();
        let at = |percent: usize| {
            let position = taken.len().saturating_sub(1).saturating_mul(percent) / 100;
            taken.get(position).map_or(0.0, |d| d.as_secs_f64() * 1e6)
        };
        let outcome = if allowed { "allowed" } else { "refused" };
        writeln!(out, "| {} ({outcome}) | {:.1} | {:.1} |", classes.join(", "), at(50), at(99))?;
    }
    Ok(())
}

/// How long each decision took. A decision that is not the expected one is an error.
fn decide(pack: &Pack, classes: &[&str], allowed: bool) -> Outcome<Vec<Duration>> {
    let who = operator()?;
    let classes: Vec<ClassName> =
        classes.iter().map(|c| ClassName::parse(c)).collect::<Result<_, _>>()?;
    let (collection, territory) =
        (CollectionName::parse("contacts")?, TerritoryName::parse("reunion")?);
    let attributes = [
        (FieldName::parse("territory")?, Value::Text("reunion".to_owned())),
        (FieldName::parse("state")?, Value::Text("to_call".to_owned())),
    ];
    let queue = [UnitName::parse("operators-974")?];
    let purpose = PurposeName::parse("p3")?;
    let on = Resource {
        record: RecordId::from_bytes([7; 16]),
        collection: &collection,
        territory: Some(&territory),
        attributes: &attributes,
        assigned_agents: &[],
        assigned_units: &queue,
        restricted: false,
        held: false,
        filed_by: None,
        age_hours: 1,
    };
    let context = RequestContext {
        purpose: &purpose,
        now: NOW,
        justification: false,
        recent_subjects: 0,
        break_glass: false,
        link: None,
        approved: false,
        assignee_agent: None,
        assignee_unit: None,
    };
    let mut taken = Vec::with_capacity(DECISIONS);
    for turn in 0..WARM_UP.saturating_add(DECISIONS) {
        let begin = now();
        let decision = pack.decide(&who, Verb::Reveal, &on, black_box(&classes), &context);
        let elapsed = begin.elapsed();
        if decision.all_allowed() != allowed {
            return Err("the pack decided otherwise".into());
        }
        if turn >= WARM_UP {
            taken.push(elapsed);
        }
    }
    Ok(taken)
}

fn operator() -> Outcome<Caller> {
    Ok(Caller {
        agent: AgentId::parse("operator-974")?,
        kind: AgentKind::Person,
        habilitation: Habilitation {
            role: RoleName::parse("operator")?,
            unit: Some(UnitName::parse("operators-974")?),
            territory: Some(TerritoryName::parse("reunion")?),
            valid_from: "2020-11-01".parse()?,
            valid_to: "2021-12-31".parse()?,
            authority: "the bench".to_owned(),
            profession: None,
            sworn: false,
            undertaking_on: Some("2020-11-01".parse()?),
            undertaking_ref: None,
        },
        service: None,
    })
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Instant {
    Instant::now()
}
