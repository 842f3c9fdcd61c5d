//! One call of a script on the real vault, and its answer in the model's words.

use std::collections::BTreeMap;

use oubliette::{
    audit::AuditError,
    ids::{CollectionName, RecordId, RequestId, UnitName},
    policy::Value,
    retention::RetentionError,
    vault::{
        AssignInput, Assignee, Changed, CreateInput, Created, FindInput, ImportBatch, ImportRecord,
        Intent, MatchInput, PageRequest, RequestKey, RevealInput, RevealManyInput, Revealed,
        UpdateInput, Vault, VaultError, WorklistInput, WorklistPage,
    },
};

use super::{
    script::{DAYS, NAMES, New, Op, PHONES, UNITS},
    world::{Answer, Call, Number, part},
};
use crate::house::{caller, care, class, field, head, island_file_without_note, text_of};

/// The records' real ids, by the number of the call that filed them.
pub(super) type Ids = BTreeMap<Number, RecordId>;

/// The answer never came: nobody knows whether the call was done.
pub(super) struct Lost;

/// A real answer, and the ids it told.
pub(super) type Told = (Answer, Vec<(Number, RecordId)>);

pub(super) async fn send(vault: &Vault, call: &Call, ids: &Ids) -> Result<Told, Lost> {
    let why = intent(call.request, &format!("{:?} {:?} {}", call.op, call.record, call.expected));
    let record = call.record.and_then(|n| ids.get(&n).copied());
    let record = record.unwrap_or(RecordId::from_bytes([0xee; 16]));
    let unit = |unit: usize| UnitName::parse(UNITS[unit]).unwrap();
    let clerk = |n: usize| caller(&format!("clerk-{n}"), "clerk", Some(UNITS[n]));
    let answer = match &call.op {
        Op::Create(new) => {
            let why = intent(call.request, &format!("{new:?}"));
            let filed = told(vault.create(&head(), &why, input(new)).await)?;
            return Ok(filed_as(filed, call.number, ids));
        }
        Op::Import(all) => return import(vault, call, all, ids).await,
        Op::Update { unit, name, phone, .. } => {
            let text = |text: &str| Some(Value::Text(text.to_owned()));
            let name = name.map(|name| (field("family_name"), text(NAMES[name])));
            let phone = phone.map(|phone| (field("phone"), text(PHONES[phone])));
            let fields = name.into_iter().chain(phone).collect();
            let expected_version = call.expected;
            let input = UpdateInput { record, expected_version, attributes: Vec::new(), fields };
            version(told(vault.update(&clerk(*unit), &why, input).await)?)
        }
        Op::Assign { unit: to, .. } => {
            let input = AssignInput { record, to: Assignee::Unit(unit(*to)), until: None };
            version(told(vault.assign(&head(), &why, input).await)?)
        }
        Op::Unassign { unit: from, .. } => {
            let from = Assignee::Unit(unit(*from));
            version(told(vault.unassign(&head(), &why, record, from).await)?)
        }
        Op::Reveal { unit, .. } => {
            let input = RevealInput { record, classes: vec![class("identity")], approval: None };
            shown(told(vault.reveal(&clerk(*unit), &why, input).await)?)
        }
        Op::RevealMany { unit } => {
            let all: Vec<(Number, RecordId)> = ids.iter().map(|(n, id)| (*n, *id)).collect();
            if all.is_empty() {
                return Ok((Answer::Many(Vec::new()), Vec::new()));
            }
            let records = all.iter().map(|(_, id)| *id).collect();
            let input = RevealManyInput { records, classes: vec![class("identity")] };
            match told(vault.reveal_many(&clerk(*unit), &why, input).await)? {
                Err(refused) => refused,
                Ok(items) => {
                    let mut many: Vec<(Number, Answer)> = Vec::new();
                    for ((number, _), item) in all.into_iter().zip(items) {
                        many.push((number, shown(told(item.result)?)));
                    }
                    Answer::Many(many)
                }
            }
        }
        Op::Find { unit, name, phone } => {
            let name = name.map(|name| (field("family_name"), Value::Text(NAMES[name].into())));
            let phone = phone.map(|phone| (field("phone"), Value::Text(PHONES[phone].into())));
            let conditions = name.into_iter().chain(phone).collect();
            let page = PageRequest { size: 256, after: None };
            let input = FindInput { collection: files(), conditions, page };
            let found = told(vault.find(&clerk(*unit), &why, input).await)?;
            found.map_or_else(|refused| refused, |page| listed(page.records, ids))
        }
        Op::Match { unit, phone, .. } => {
            let value = Value::Text(PHONES[*phone].into());
            let input = MatchInput { record, field: field("phone"), value };
            let matched = told(vault.matches(&clerk(*unit), &why, input).await)?;
            matched.map_or_else(|refused| refused, |matched| Answer::Matched(matched.matches))
        }
        Op::Worklist { unit } => {
            let page = PageRequest { size: 256, after: None };
            let input = WorklistInput { collection: files(), of: None, page };
            let list = told(vault.worklist(&clerk(*unit), &why, input).await)?;
            let records = |page: WorklistPage| {
                listed(page.entries.into_iter().map(|entry| entry.record).collect(), ids)
            };
            list.map_or_else(|refused| refused, records)
        }
    };
    Ok((answer, Vec::new()))
}

async fn import(vault: &Vault, call: &Call, all: &[New], ids: &Ids) -> Result<Told, Lost> {
    let one = |(place, new): (usize, &New)| {
        let request = call.request.map(|request| key(part(request, place), &format!("{new:?}")));
        ImportRecord { request, input: input(new) }
    };
    let records = all.iter().enumerate().map(one).collect();
    let batch = ImportBatch { collection: files(), records };
    let answers = match told(vault.import(&head(), &care(), batch).await)? {
        Ok(answers) => answers,
        Err(refused) => return Ok((refused, Vec::new())),
    };
    let (mut imported, mut new_ids) = (Vec::new(), Vec::new());
    for (place, answer) in answers.into_iter().enumerate() {
        let (answer, new) = filed_as(told(answer)?, part(call.number, place), ids);
        imported.push(answer);
        new_ids.extend(new);
    }
    Ok((Answer::Imported(imported), new_ids))
}

fn files() -> CollectionName {
    CollectionName::parse("files").unwrap()
}

fn key(number: usize, content: &str) -> RequestKey {
    let mut id = [0x51; 16];
    id[..8].copy_from_slice(&u64::try_from(number).unwrap().to_be_bytes());
    RequestKey::new(RequestId::from_bytes(id), "call", content.as_bytes())
}

fn intent(request: Option<usize>, content: &str) -> Intent {
    Intent { request: request.map(|number| key(number, content)), ..care() }
}

fn input(new: &New) -> CreateInput {
    let mut input = island_file_without_note(NAMES[new.name], DAYS[new.day]);
    input.fields[1].1 = Value::Text(PHONES[new.phone].to_owned());
    input
}

/// A definite answer, a refusal in the model's words, or none.
fn told<T>(answer: Result<T, VaultError>) -> Result<Result<T, Answer>, Lost> {
    let refused = match answer {
        Ok(done) => return Ok(Ok(done)),
        Err(VaultError::NotAvailable) => "NOT_AVAILABLE",
        Err(VaultError::VersionMismatch) => "VERSION_MISMATCH",
        Err(VaultError::RequestIdReused) => "REQUEST_ID_REUSED",
        Err(VaultError::Denied { .. }) => "DENIED",
        Err(VaultError::Retention(RetentionError::AlreadyExpired)) => "ALREADY_EXPIRED",
        Err(VaultError::Audit(AuditError::Unwritable | AuditError::Read(_)))
        | Err(VaultError::Store(_)) => return Err(Lost),
        Err(other) => panic!("no answer of this contract: {other:?}"),
    };
    Ok(Err(Answer::Refused(refused)))
}

/// A record that was filed: known by an earlier number if it is a repetition, else by this one.
fn filed_as(filed: Result<Created, Answer>, number: Number, ids: &Ids) -> Told {
    match filed {
        Err(refused) => (refused, Vec::new()),
        Ok(created) => match ids.iter().find(|(_, id)| **id == created.record) {
            Some((known, _)) => (Answer::Filed(*known, created.repeated), Vec::new()),
            None => (Answer::Filed(number, created.repeated), vec![(number, created.record)]),
        },
    }
}

fn version(changed: Result<Changed, Answer>) -> Answer {
    changed.map_or_else(|refused| refused, |c| Answer::Version(c.version, c.repeated))
}

fn shown(revealed: Result<Revealed, Answer>) -> Answer {
    revealed.map_or_else(
        |refused| refused,
        |revealed| {
            let name = text_of(&revealed, "family_name").unwrap();
            let name = NAMES.iter().position(|known| *known == name).unwrap();
            Answer::Shown { name, version: revealed.version }
        },
    )
}

/// Records by their numbers; one that nobody filed has none and shows as a number nobody has.
fn listed(records: Vec<RecordId>, ids: &Ids) -> Answer {
    let number = |id: RecordId| {
        ids.iter().find(|(_, known)| **known == id).map_or(usize::MAX, |(number, _)| *number)
    };
    Answer::Listed(records.into_iter().map(number).collect())
}
