//! T2 of an erasure: from when on no searchable value of what was erased can be confirmed.
//!
//! Row 'm/rekey/' says for which cohorts an index key must still be exchanged, and on whose certificate
//! that waits; it is written in the commit of the certificate. The exchange itself needs records opened
//! and is the vault's (`vault::rekey`). Invariant: revision 2 of a certificate, the event and the end of
//! what was owed are one commit, after the old keys are gone.

use std::collections::BTreeSet;

use super::{
    Retention, RetentionError,
    certificate::{self, Certificate, Forgotten, GenerationReference, readable},
    context::{Context, draft_event},
    sweep::Pages,
};
use crate::{
    audit::clear::GenerationDetail,
    clock::Timestamp,
    ids::{CertificateId, CohortId},
    storage::{Group, Op, Store, keys},
    wire::store::GenerationRow,
};
use prost::Message as _;

/// An exchange of index keys that a certificate waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owed {
    /// The cohort whose index keys must go.
    pub cohort: CohortId,
    /// The certificate that waits for it.
    pub certificate: CertificateId,
}

impl Owed {
    /// The row that says so.
    pub(super) fn row(&self) -> Op {
        Op::Put(keys::rekey(&self.cohort, &self.certificate), Vec::new())
    }
}

impl Retention {
    /// What is owed.
    ///
    /// # Errors
    /// Reading storage.
    pub fn owed(&self) -> Result<Vec<Owed>, RetentionError> {
        owed(self.log.store().as_ref())
    }

    /// Notes that the old index keys of these are gone since `t2`: every certificate that waits for
    /// nothing else gets its second revision. Returns how many did. Blocks.
    ///
    /// # Errors
    /// A certificate that does not parse; storage and log errors.
    pub fn settle(
        &self,
        pack_hash: [u8; 32],
        settled: &[Owed],
        (t2, retokened): (Timestamp, u64),
    ) -> Result<usize, RetentionError> {
        let cx = Context { log: &self.log, pack_hash, by: None };
        let open = self.owed()?;
        let waits = |id: CertificateId| {
            open.iter().any(|owed| owed.certificate == id && !settled.contains(owed))
        };
        let certificates: BTreeSet<CertificateId> =
            settled.iter().map(|owed| owed.certificate).filter(|id| !waits(*id)).collect();
        let mut ops: Vec<Op> = settled
            .iter()
            .map(|owed| Op::Delete(keys::rekey(&owed.cohort, &owed.certificate)))
            .collect();
        for id in &certificates {
            ops.push(self.revised(*id, t2)?);
        }
        let cohorts: BTreeSet<CohortId> = settled.iter().map(|owed| owed.cohort).collect();
        let mut event = draft_event(&cx, "rekey", "OK");
        event.notes = vec![
            format!("cohorts={}", cohorts.len()),
            format!("records={retokened}"),
            format!("certificates={}", certificates.len()),
            format!("generation={}", self.log.keyring().generation()),
        ];
        let sealed = self.log.seal(&event)?;
        let group = Group { preconditions: Vec::new(), ops };
        let _receipt = self.log.commit_blocking(group, &[], Some(sealed))?;
        Ok(certificates.len())
    }

    /// The row of revision 2: the same certificate, with T2 and a checkpoint of now.
    fn revised(&self, id: CertificateId, t2: Timestamp) -> Result<Op, RetentionError> {
        let keyring = self.log.keyring();
        let json = certificate::read(self.log.store().as_ref(), Some(id))?;
        let first: Certificate =
            serde_json::from_str(&json).map_err(|_| RetentionError::Tampered("k"))?;
        let forgotten = Forgotten {
            what: &first.what,
            unsearchable: true,
            holds: first.holds_in_force > 0,
            unscrubbed: !first.removed_places.is_empty(),
        };
        let still_readable = readable(forgotten);
        // RFC 3339 in UTC sorts as text. A clock set back a little puts no step before the one it follows.
        let t2 = t2.to_string().max(first.t1.clone());
        let finished_at = self.log.clock().now().to_string().max(t2.clone());
        let t2_generation = Some(logged_generation(self.log.store().as_ref())?);
        let t2 = Some(t2);
        let mut second =
            Certificate { revision: 2, t2, t2_generation, finished_at, still_readable, ..first };
        second.audit.checkpoint = self.log.checkpoint();
        let json = second.sign(&keyring.certificate_signer())?;
        Ok(Op::Put(keys::certificate(&id, second.revision), json.into_bytes()))
    }
}

/// The newest generation whose leaf is durable, so that a checkpoint signed from now on covers it.
fn logged_generation(store: &dyn Store) -> Result<GenerationReference, RetentionError> {
    let broken = || RetentionError::Tampered("m/generation");
    let row = store.get(keys::GENERATION)?.ok_or_else(broken)?;
    let row = GenerationRow::decode(row.as_slice()).map_err(|_| broken())?;
    let detail = GenerationDetail::parse(&row.detail).ok_or_else(broken)?;
    Ok(GenerationReference {
        generation: detail.generation,
        keyring_hash: hex::encode(detail.keyring_hash),
    })
}

fn owed(store: &dyn Store) -> Result<Vec<Owed>, RetentionError> {
    let broken = || RetentionError::Tampered("m/rekey");
    let (mut all, mut pages) = (Vec::new(), Pages::over(keys::REKEYS.to_vec()));
    while let Some(page) = pages.next(store)? {
        for (key, _) in page {
            let ids = key.strip_prefix(keys::REKEYS).and_then(|ids| ids.split_at_checked(16));
            let (cohort, certificate) = ids.ok_or_else(broken)?;
            all.push(Owed {
                cohort: CohortId::from_slice(cohort).map_err(|_| broken())?,
                certificate: CertificateId::from_slice(certificate).map_err(|_| broken())?,
            });
        }
    }
    Ok(all)
}
