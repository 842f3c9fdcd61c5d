//! Root rotation, as a call: the order of its events around the generation that does it.
//!
//! The call carries no secret: the new root secret comes from the source that the vault was started
//! with, read again. Who may is decided before (`duties`). No record is touched.

use std::sync::Arc;

use crate::{
    audit::{AuditLog, EventDraft},
    keyring::RootSource,
    storage::Group,
};

use super::{VaultError, request};

/// Reads the root secret again from where the vault got it.
pub trait RootReader: Send + Sync {
    /// The secret that is there now. Blocks. What failed is told to the operator by the reader itself.
    ///
    /// # Errors
    /// When there is no such source, or what it gives cannot be a root secret.
    fn read(&self) -> Result<RootSource, RootUnreadable>;
}

/// The configured source gives no root secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the configured source gives no root secret")]
pub struct RootUnreadable;

/// Puts the root key of the source's present secret in force. The generation that did it. Blocks.
pub(crate) fn rotate(
    log: &Arc<AuditLog>,
    reader: Option<&Arc<dyn RootReader>>,
    event: &EventDraft,
) -> Result<u64, VaultError> {
    let (keyring, random) = (log.keyring(), log.random().as_ref());
    // 1. The new root key, derived before any turn is taken. A crash here leaves nothing.
    let source = reader.ok_or(RootUnreadable).and_then(|reader| reader.read())?;
    let new = keyring.derive_root(&source, random)?;
    drop(source);
    let mut draft = keyring.draft();
    let generation = draft.generation();
    // 2. Intent durable, naming g + 1. A crash here leaves it without an effect, and the old root key
    //    in force: over-reporting is allowed.
    let mut intent = EventDraft { action: "key-rotate-intent", ..event.clone() };
    intent.outcome = "STARTED".to_owned();
    intent.notes = vec![format!("generation={generation}")];
    record(log, &intent)?;
    // 3. Generation g + 1 under the new root key: file at every place, anchors (commit point), old
    //    slots scrubbed. A crash before the commit point leaves the old root key in force; after it,
    //    the new one, with which the next start finishes the scrub. Never neither.
    draft.rotate_root(new, log.clock().now());
    let unpublished = draft.write(log.state(), random)?;
    // 4. Generation leaf durable. A crash before leaves g + 1 without its leaf: the next start writes
    //    it before anything else, and the intent says whose it is.
    log.publish(unpublished)?;
    // 5. The event of the rotation. A crash before leaves the intent and the leaf it names.
    let mut done = event.clone();
    done.outcome = request::OK.to_owned();
    done.notes = vec![format!("generation={generation}"), format!("class={:?}", keyring.class())];
    record(log, &done)?;
    Ok(generation)
}

fn record(log: &AuditLog, event: &EventDraft) -> Result<(), VaultError> {
    let sealed = log.seal(event)?;
    let _receipt = log.commit_blocking(Group::default(), &[], Some(sealed))?;
    Ok(())
}
