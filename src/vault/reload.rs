//! Another policy pack, while the vault runs or at its start: whole or not at all.
//!
//! The call carries no pack and no path: the vault reads its configured folder again. A pack that is
//! refused leaves the running one in force and nothing written but the refusal. Invariants: no call is
//! decided by a pack whose hash is not pinned; a pack of another retention part is never in force; who may
//! is decided before (`duties`). A call takes the pack once, when it begins, and ends under it.

use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, RwLock};

use crate::{
    audit::{AuditLog, EventDraft},
    policy::{Pack, PackError},
    storage::Group,
};

use super::{VaultError, request, retention_diff::differences};

/// Kind of the event that names the old and the new pack, at a reload and at a start.
const KIND: &str = "policy-reload";
/// Kind of the one before: what is about to be pinned.
const KIND_INTENT: &str = "policy-reload-intent";

/// The pack that calls begin under.
pub(super) type InForce = Arc<RwLock<Arc<Pack>>>;

/// Reads the policy pack again from where the vault got it.
pub trait PackReader: Send + Sync {
    /// The pack that is there now, validated, its scenarios run. Blocks.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    fn read(&self) -> Result<Arc<Pack>, Vec<PackError>>;
}

/// What a reload did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reloaded {
    /// `<name>/<profile>` of the pack in force now.
    pub name: String,
    /// Its hash.
    pub hash: [u8; 32],
    /// The hash of the one before; the same where nothing changed.
    pub previous: [u8; 32],
    /// The generation that pinned it; `None` where nothing changed and none was written.
    pub generation: Option<u64>,
}

/// What a reload touches.
pub(crate) struct Reload {
    log: Arc<AuditLog>,
    in_force: InForce,
    reader: OnceLock<Arc<dyn PackReader>>,
    /// One reload at a time: the pack pinned last is the pack in force.
    turn: Mutex<()>,
}

impl Reload {
    pub(super) fn new(log: Arc<AuditLog>, in_force: InForce) -> Self {
        Self { log, in_force, reader: OnceLock::new(), turn: Mutex::new(()) }
    }

    /// Says where the pack is read. Once.
    pub(super) fn read_by(&self, reader: Arc<dyn PackReader>) {
        let _ = self.reader.set(reader);
    }

    /// Puts the folder's pack in force. `event` is the caller's, allowed under the pack in force. Blocks.
    pub(crate) fn run(&self, event: &EventDraft) -> Result<Reloaded, VaultError> {
        let _turn = self.turn.lock();
        // 1. The folder is read, each file once; validated; its scenarios run. A crash leaves nothing.
        let reader = self.reader.get().ok_or_else(|| VaultError::PackRefused(vec![no_folder()]))?;
        let pack = reader.read().map_err(VaultError::PackRefused)?;
        // 2. Nothing new: the event of the call, and no generation. Another retention part: refused.
        let previous = self.in_force.read().hash();
        let (pinned, retention) = self.log.keyring().pinned_pack();
        let mut done = Reloaded {
            name: pack.name().to_owned(),
            hash: pack.hash(),
            previous,
            generation: None,
        };
        if previous == pack.hash() && pinned == pack.hash() {
            let unchanged = vec![hash_note("unchanged", pack.hash())];
            let event = EventDraft { notes: unchanged, ..ok(event) };
            record(&self.log, &event)?;
            return Ok(done);
        }
        if retention != pack.retention_part() {
            return Err(VaultError::RetentionChanged(differences(
                &retention,
                &pack.retention_part(),
            )));
        }
        // 3. to 6. Told, pinned, told.
        done.generation = Some(pin(&self.log, &pack, previous, event)?);
        // 7. Whoever begins a call from here on is decided by the new pack. A crash before loses only the
        //    answer: the next start reads the folder, and its pack is pinned.
        *self.in_force.write() = pack;
        Ok(done)
    }
}

/// Pins the pack of a start whose hash is not the pinned one. Its retention part is, which the start has
/// looked at before. Blocks.
pub(crate) fn pin_at_start(log: &Arc<AuditLog>, pack: &Pack) -> Result<(), VaultError> {
    let (pinned, _) = log.keyring().pinned_pack();
    if pinned == pack.hash() {
        return Ok(());
    }
    let event = EventDraft { pack_hash: pack.hash(), ..EventDraft::new(KIND) };
    pin(log, pack, pinned, &event).map(drop)
}

/// Steps 3 to 6 of a reload, and all of what a start does. The generation that pinned the pack.
fn pin(
    log: &Arc<AuditLog>,
    pack: &Pack,
    previous: [u8; 32],
    event: &EventDraft,
) -> Result<u64, VaultError> {
    let mut draft = log.keyring().draft();
    let generation = draft.generation();
    let mut told = EventDraft { action: KIND_INTENT, ..event.clone() };
    told.outcome = "STARTED".to_owned();
    told.notes = vec![
        hash_note("old", previous),
        hash_note("new", pack.hash()),
        format!("generation={generation}"),
    ];
    // 3. Intent durable: both hashes, and g + 1. A crash here leaves it without an effect and the old pack
    //    pinned: over-reporting is allowed. The next start takes the pack of the folder, whichever it is.
    record(log, &told)?;
    // 4. Generation g + 1 pins the new hash. A crash before its commit point leaves the old one pinned,
    //    after it the new one. No start is refused for either: it compares retention parts, which are the
    //    same, and pins what its folder holds.
    draft.pin_pack(pack.hash(), pack.retention_part());
    let unpublished = draft.write(log.state(), log.random().as_ref())?;
    // 5. The generation's leaf. A crash before leaves g + 1 without it: the next start writes it first.
    log.publish(unpublished)?;
    // 6. The event. A crash before leaves the intent and the leaf of the generation that it names.
    record(log, &EventDraft { notes: told.notes, ..ok(event) })?;
    Ok(generation)
}

fn ok(event: &EventDraft) -> EventDraft {
    EventDraft { outcome: request::OK.to_owned(), ..event.clone() }
}

fn hash_note(what: &str, hash: [u8; 32]) -> String {
    format!("{what}={}", hex::encode(hash))
}

fn no_folder() -> PackError {
    let reason = "this vault was started without a folder to read a pack from again".to_owned();
    PackError { file: String::new(), line: 0, reason }
}

fn record(log: &AuditLog, event: &EventDraft) -> Result<(), VaultError> {
    let sealed = log.seal(event)?;
    let _receipt = log.commit_blocking(Group::default(), &[], Some(sealed))?;
    Ok(())
}
