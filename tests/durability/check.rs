//! Opens the folders that a cut left, with the code of a start, and holds them to the ledger.
//!
//! Each sentence is one that the vault promises: it starts, without an alarm and without a new log; what
//! was acknowledged is there and what was never asked for is not; nothing erased opens, not even with a
//! key of an older generation; every answer has its event; every erasure its certificate; and one can go
//! on working with it.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use oubliette::{
    audit::{EventDetail, EventFilter},
    clock::Timestamp,
    ids::{ClassName, CollectionName, FieldName, RecordId},
    policy::Value,
    retention::verify,
    vault::{CreateInput, RevealManyInput, Vault, VaultError},
};

use crate::{
    home::{self, care, watch, worker},
    ledger::{Erasure, Ledger, Shown},
    load,
};

/// Bytes of one slot of an anchor, and of the part that its checksum is over.
const SLOT: usize = 4096;
const CHECKED: usize = 122 + 48;
/// Records looked at with their notes, which are long.
const WITH_NOTES: usize = 16;
/// Records asked for at once.
const AT_ONCE: usize = 256;

/// Why the folders do not hold what was promised, one reason a line.
pub(crate) type Broken = String;

/// Checks the folders below `root` after a cut at the moment `cut`; `now` is what the clock says.
pub(crate) async fn check(
    root: &Path,
    (ledger, due): (&Ledger, &[RecordId]),
    cut: u64,
    now: Timestamp,
) -> Result<(), Broken> {
    let erased = ledger.last_erasure(cut);
    let anchors = match &erased {
        Some(erased) => anchors_hold_nothing_before(root, erased.generation),
        None => Ok(()),
    };
    let vault = match home::open(root, now) {
        Ok(vault) => vault,
        Err(error) => return all(vec![anchors, Err(format!("no start: {}", chain(&error)))]),
    };
    let found = vec![
        anchors,
        state(&vault).await,
        records(&vault, ledger, cut).await,
        nothing_due(&vault, due).await,
        answers(&vault, ledger, cut).await,
        certificate(&vault, erased).await,
        goes_on(&vault).await,
    ];
    vault.drain();
    all(found)
}

fn all(found: Vec<Result<(), Broken>>) -> Result<(), Broken> {
    let broken: Vec<Broken> = found.into_iter().filter_map(Result::err).collect();
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
}

async fn state(vault: &Vault) -> Result<(), Broken> {
    let state = vault.state().map_err(|e| e.to_string())?;
    let alarms = vault.list_alarms(&watch()).await.map_err(|e| e.to_string())?;
    if state.log_origin != 0 || !alarms.is_empty() {
        let kinds: Vec<&str> = alarms.iter().map(|alarm| alarm.kind.as_str()).collect();
        return Err(format!("the log was lost: origin {}, alarms {kinds:?}", state.log_origin));
    }
    if state.overdue_ms == 0 { Ok(()) } else { Err("what was due is not purged".to_owned()) }
}

async fn nothing_due(vault: &Vault, due: &[RecordId]) -> Result<(), Broken> {
    match look(vault, due, &["identity"]).await?.iter().find(|(_, shown)| shown.is_some()) {
        Some((record, _)) => Err(format!("{record} was due and is readable")),
        None => Ok(()),
    }
}

async fn certificate(vault: &Vault, erased: Option<Erasure>) -> Result<(), Broken> {
    let Some(erased) = erased else { return Ok(()) };
    let key = vault.state().map_err(|e| e.to_string())?.certificate_verifier_key;
    let json = vault.certificate(&watch(), Some(erased.certificate)).await;
    let json = json.map_err(|e| format!("an erasure has no certificate: {}", chain(&e)))?;
    verify(&json, &key).map(|_| ()).map_err(|e| format!("a certificate: {}", chain(&e)))
}

async fn records(vault: &Vault, ledger: &Ledger, cut: u64) -> Result<(), Broken> {
    let entries = ledger.entries();
    let all: Vec<RecordId> = entries.iter().map(|entry| entry.record).collect();
    let mut shown = BTreeMap::new();
    for some in all.chunks(AT_ONCE) {
        shown.extend(look(vault, some, &["identity"]).await?);
    }
    for entry in &entries {
        let (found, allowed) = (&shown[&entry.record], entry.allowed(cut));
        if !allowed.contains(found) {
            return Err(match (found, allowed.as_slice()) {
                (None, _) => format!("{}: acknowledged and lost: {allowed:?}", entry.record),
                (Some(_), [None]) => format!("{}: erased and back, or never filed", entry.record),
                (Some(name), _) => format!("{}: shows {name}, not {allowed:?}", entry.record),
            });
        }
    }
    // The newest and the oldest: in the journal, and in a table.
    let alive: Vec<RecordId> = all.iter().copied().filter(|id| shown[id].is_some()).collect();
    let step = (alive.len() / WITH_NOTES).max(1);
    let some: Vec<RecordId> = alive.iter().step_by(step).copied().collect();
    if !some.is_empty() {
        look(vault, &some, &["identity", "note"]).await?;
    }
    Ok(())
}

/// What each of these records shows; its notes, where it has any, must be those of its name.
async fn look(
    vault: &Vault,
    records: &[RecordId],
    classes: &[&str],
) -> Result<Vec<(RecordId, Shown)>, Broken> {
    let classes = classes.iter().map(|class| ClassName::parse(class).unwrap()).collect();
    let input = RevealManyInput { records: records.to_vec(), classes };
    let items = vault.reveal_many(&worker(), &care(), input).await;
    let mut shown = Vec::with_capacity(records.len());
    for item in items.map_err(|error| format!("no reveal: {}", chain(&error)))? {
        let revealed = match item.result {
            Ok(revealed) => revealed,
            Err(VaultError::NotAvailable) => {
                shown.push((item.record, None));
                continue;
            }
            Err(error) => return Err(format!("{}: {}", item.record, chain(&error))),
        };
        let text = |value: &Option<Value>| match value {
            Some(Value::Text(text)) => Some(text.clone()),
            _ => None,
        };
        let field = |name: &str| revealed.fields.iter().find(|f| f.field.as_str() == name);
        let name = field("family_name").and_then(|field| text(&field.value));
        let name = name.ok_or_else(|| format!("{}: no name", item.record))?;
        let notes = revealed.fields.iter().filter(|f| f.class.as_str() == "note");
        if notes.filter_map(|f| text(&f.value)).any(|said| said != load::note(&name)) {
            return Err(format!("{}: a note of another record or version", item.record));
        }
        shown.push((item.record, Some(name)));
    }
    Ok(shown)
}

/// Every value that was answered has its event in the log.
async fn answers(vault: &Vault, ledger: &Ledger, cut: u64) -> Result<(), Broken> {
    let mut logged: BTreeMap<RecordId, usize> = BTreeMap::new();
    let filter = EventFilter { kind: Some("reveal".to_owned()), ..EventFilter::default() };
    let mut after = None;
    loop {
        let page = vault.list_events(&watch(), filter.clone(), after, 500).await;
        let page = page.map_err(|e| format!("the log is not readable: {}", chain(&e)))?;
        for event in page.events {
            match event.detail {
                EventDetail::Open(detail) => {
                    for record in detail.records {
                        *logged.entry(record).or_default() += 1;
                    }
                }
                _ => return Err("an event without its detail".to_owned()),
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    for (record, count) in ledger.answers(cut) {
        if logged.get(&record).copied().unwrap_or_default() < count {
            return Err(format!("{record}: a value was answered and its event is lost"));
        }
    }
    Ok(())
}

/// A record can be filed, and is there.
async fn goes_on(vault: &Arc<Vault>) -> Result<(), Broken> {
    let field = |name: &str| FieldName::parse(name).unwrap();
    let text = |text: &str| Value::Text(text.to_owned());
    let input = CreateInput {
        collection: CollectionName::parse("files").unwrap(),
        subject: None,
        collected_on: home::today(),
        attributes: vec![(field("territory"), text("island")), (field("state"), text("open"))],
        fields: vec![(field("family_name"), text("EXEMPLE-SUITE"))],
    };
    let filed = vault.create(&worker(), &care(), input).await;
    let filed = filed.map_err(|error| format!("nothing can be filed: {}", chain(&error)))?;
    let shown = look(vault, &[filed.record], &["identity"]).await?;
    let there = shown.first().is_some_and(|(_, name)| name.as_deref() == Some("EXEMPLE-SUITE"));
    there.then_some(()).ok_or_else(|| "what is filed now is not there".to_owned())
}

/// No anchor has a whole slot of a generation before the one that erased.
fn anchors_hold_nothing_before(root: &Path, generation: u64) -> Result<(), Broken> {
    for place in ["place-a", "place-b"] {
        let anchor = fs::read(root.join(place).join("anchor")).map_err(|e| e.to_string())?;
        for slot in anchor.chunks(SLOT) {
            let (Some(checked), Some(crc)) = (slot.get(..CHECKED), slot.get(CHECKED..CHECKED + 4))
            else {
                return Err(format!("{place}: the anchor is short"));
            };
            let whole = crc == crc32c::crc32c(checked).to_be_bytes();
            let held = u64::from_be_bytes(checked[5..13].try_into().unwrap());
            if checked.starts_with(b"OUBA\x01") && whole && held < generation {
                return Err(format!(
                    "{place}: the key of generation {held} is back; {generation} erased"
                ));
            }
        }
    }
    Ok(())
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
