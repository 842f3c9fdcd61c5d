//! An update that has the former version forgotten: every section and the head move to fresh slots with the
//! change, and the slots they leave are erased before the answer.
//!
//! It changes nothing itself: `update` seals what changes under the new slots, and `change` commits. Here is
//! what that commit takes along, and what follows it. Steps:
//! 1. slots of open segments (`leave`); a crash burns them;
//! 2. no generation is written any more, and every place answers (`ready`); a crash leaves nothing;
//! 3. one commit: the next version under its new slots, the slots it left in its head, row 'p' and, with a
//!    request id, row 'q' with the certificate's id (`note`); a crash leaves both versions openable, and
//!    the next start's first generation erases the former one;
//! 4. the generation without the former slots (`finish`); as for every erasure;
//! 5. certificate, final event, end of row 'p'; then the answer.

use std::sync::Arc;

use crate::{
    audit::EventDraft,
    ids::{CertificateId, RecordId},
    keyring::Pause,
    policy::Pack,
    retention::Retention,
};

use super::{super::VaultError, Leaving, Moves, doomed, leaving};
use crate::vault::{change::NextVersion, head::Loaded, segments::Segments};

/// What forgetting touches.
#[derive(Clone)]
pub(in super::super) struct Forget {
    pub(in super::super) segments: Arc<Segments>,
    pub(in super::super) retention: Arc<Retention>,
}

impl Forget {
    /// Step 1: fresh slots for everything of the record.
    pub(in super::super) async fn leave(&self, record: &Loaded) -> Result<Moves, VaultError> {
        let log = self.segments.log();
        let left = leaving(record, Leaving::All, log.keyring(), log.civil_now());
        self.segments.open(left.iter().map(|(_, key)| key.clone()).collect()).await?;
        Moves::of(log.keyring(), left)
    }

    /// Step 2. While the pause lives no generation is written; the commit comes under it.
    ///
    /// Errors: [`VaultError::Held`], for what a hold keeps is kept as it is.
    pub(in super::super) async fn ready(&self, record: RecordId) -> Result<Pause, VaultError> {
        let log = Arc::clone(self.segments.log());
        let ready = move || {
            let mut draft = log.keyring().draft();
            if log.keyring().is_record_held(&record) {
                return Err(VaultError::Held);
            }
            draft.ready_to_erase(log.random().as_ref())?;
            Ok(draft.into_pause())
        };
        tokio::task::spawn_blocking(ready).await.map_err(|_| VaultError::Interrupted)?
    }

    /// Adds to the next version, and to its event, what the commit of step 3 says of the slots left.
    pub(in super::super) fn note(
        &self,
        pack: &Pack,
        (record, moves): (&Loaded, &Moves),
        next: &mut NextVersion,
        event: &mut EventDraft,
    ) -> Result<(), VaultError> {
        let doomed = doomed(record, moves);
        let left = self.retention.leave(pack, event.action, &doomed)?;
        next.ops.push(left.row);
        next.forgets = Some(left.certificate);
        event.notes.extend(left.notes);
        event.slots = doomed.slots;
        Ok(())
    }

    /// Steps 4 and 5; at once if another call, or a start, did them.
    pub(in super::super) async fn finish(
        &self,
        pack: &Arc<Pack>,
        certificate: CertificateId,
    ) -> Result<(), VaultError> {
        let (retention, pack) = (Arc::clone(&self.retention), Arc::clone(pack));
        let erase = move || retention.erase_left(&pack, certificate);
        let erased = tokio::task::spawn_blocking(erase).await;
        erased.map_err(|_| VaultError::Interrupted)??;
        Ok(())
    }
}
