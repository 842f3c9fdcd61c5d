//! The head of a record: opened for the vault's own use, shown to nobody.
//!
//! It is what the policies may know of a record, and the list of (class, version, slot) of its other
//! sections; a section is opened only with what the verified head of the same record lists. Nothing
//! here answers a caller: values leave through `disclose` alone. Invariant: a [`Loaded`] is one
//! consistent state (row, head and asked sections of the same version).

use chrono::NaiveDate;
use chrono_tz::Tz;
use prost::Message as _;

use crate::{
    audit::AuditLog,
    clock::Timestamp,
    crypto::section::{self, SectionAddress, SlotSecret},
    ids::{
        AgentId, ClassName, CohortId, CollectionName, FieldName, RecordId, SegmentId, SlotRef,
        SubjectId, TerritoryName, UnitName,
    },
    keyring::{CohortInfo, Keyring, SegmentState},
    policy::{AGE_UNKNOWN, Resource, Value},
    random::Random,
    storage::{Store, keys},
    wire::store,
};

use super::{Assignee, VaultError};
use stored::{
    decode_assignment, decode_attribute, decode_section_ref, decode_slot, encode_assignment,
    encode_attribute, encode_section_ref, encode_slot,
};
pub(crate) use stored::{decode_value, encode_value};

mod stored;

/// Alarm: a record was changed on disk.
pub(crate) const ALARM_CORRUPT: &str = "record-changed";
/// The reserved class of the head.
const HEAD: &str = "_head";
/// Milliseconds of an hour.
const HOUR_MS: i64 = 60 * 60 * 1000;
/// `Head.state` of a live record.
const LIVE: u32 = 1;
/// How often a read is repeated when writers keep changing the record under it.
const READ_TRIES: usize = 8;

/// One assignment, with its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) to: Assignee,
    pub(crate) until: Option<Timestamp>,
}

/// Where the current section of a class is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SectionRef {
    pub(crate) class: ClassName,
    pub(crate) version: u32,
    pub(crate) cohort: CohortId,
    pub(crate) slot: SlotRef,
}

/// The plaintext of the reserved class `_head`.
pub(crate) struct Head {
    pub(crate) collection: CollectionName,
    pub(crate) subject: SubjectId,
    pub(crate) collected_on: NaiveDate,
    pub(crate) expires_on: NaiveDate,
    pub(crate) zone: Tz,
    pub(crate) territory: Option<TerritoryName>,
    pub(crate) restricted: bool,
    pub(crate) attributes: Vec<(FieldName, Value)>,
    pub(crate) assignments: Vec<Assignment>,
    pub(crate) sections: Vec<SectionRef>,
    /// Slots that it was moved out of and that may still live: an erasure must reach them too.
    pub(crate) former: Vec<SlotRef>,
    /// Who created the record, and when; heads of before it was kept do not say.
    pub(crate) filed: Option<Filed>,
}

/// Who created a record, and when. Set once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Filed {
    pub(crate) by: AgentId,
    pub(crate) at: Timestamp,
}

/// A record as one consistent state: row, verified head, and sections still sealed.
pub struct Loaded {
    pub(crate) id: RecordId,
    pub(crate) version: u32,
    pub(crate) slot: SlotRef,
    pub(crate) cohort: CohortInfo,
    /// When the last of the holds ends that keep it.
    held_until: Option<Timestamp>,
    pub(crate) head: Head,
    pub(crate) index_row_keys: Vec<Vec<u8>>,
    /// The row's exact bytes: the precondition of any change.
    pub(crate) row: Vec<u8>,
    /// Sealed sections of the asked classes that the record has.
    pub(crate) sealed: Vec<(SectionRef, Vec<u8>)>,
}

/// How a record stands at an instant: who is assigned, split as the policies want it, and whether it is
/// held.
pub(crate) struct Standing {
    agents: Vec<AgentId>,
    units: Vec<UnitName>,
    held: bool,
    age_hours: u32,
}

// === impl Loaded ===

impl Loaded {
    /// Reads a record and the sealed sections of `classes` in one consistent state.
    ///
    /// `None` where the record is absent, marked for erasure, or its slot is gone. Errors:
    /// [`VaultError::Corrupt`] when the head does not verify.
    pub(crate) fn read(
        store: &dyn Store,
        keyring: &Keyring,
        id: RecordId,
        classes: &[ClassName],
    ) -> Result<Option<Self>, VaultError> {
        Self::read_with(store, keyring, id, &|at| classes.contains(&at.class))
    }

    /// The same with every sealed section that it has.
    pub(crate) fn read_whole(
        store: &dyn Store,
        keyring: &Keyring,
        id: RecordId,
    ) -> Result<Option<Self>, VaultError> {
        Self::read_with(store, keyring, id, &|_| true)
    }

    /// The same with the sealed sections that lie in this cohort.
    pub(crate) fn read_in(
        store: &dyn Store,
        keyring: &Keyring,
        id: RecordId,
        cohort: &CohortId,
    ) -> Result<Option<Self>, VaultError> {
        Self::read_with(store, keyring, id, &|at| at.cohort == *cohort)
    }

    fn read_with(
        store: &dyn Store,
        keyring: &Keyring,
        id: RecordId,
        wanted: &dyn Fn(&SectionRef) -> bool,
    ) -> Result<Option<Self>, VaultError> {
        let key = keys::record(&id);
        for _ in 0..READ_TRIES {
            let Some(row) = store.get(&key)? else { return Ok(None) };
            let Some(mut loaded) = Self::open_row(keyring, id, row)? else { return Ok(None) };
            loaded.fetch(store, wanted)?;
            // A writer replaces row and sections in one commit: same row, same sections.
            if store.get(&key)?.as_deref() == Some(loaded.row.as_slice()) {
                return Ok(Some(loaded));
            }
        }
        // Not a word about the version: this caller may not know that the record exists.
        Err(VaultError::Interrupted)
    }

    fn open_row(
        keyring: &Keyring,
        id: RecordId,
        bytes: Vec<u8>,
    ) -> Result<Option<Self>, VaultError> {
        let row = store::RecordRow::decode(bytes.as_slice())
            .map_err(|_| VaultError::Corrupt("record row"))?;
        let corrupt = |_| VaultError::Corrupt("record row");
        let cohort_id = CohortId::from_slice(&row.cohort_id).map_err(corrupt)?;
        let seg = SegmentId::from_slice(&row.seg_id).map_err(corrupt)?;
        let slot = SlotRef { seg, index: row.index };
        // The row names its cohort in clear; the segment's own cohort is the one that counts.
        let SegmentState::Live { cohort: own, .. } = keyring.segment(&seg) else { return Ok(None) };
        if own != cohort_id {
            return Err(VaultError::Corrupt("record row"));
        }
        let Some(cohort) = keyring.cohort(&cohort_id) else { return Ok(None) };
        let Ok(secret) = keyring.derive_slot(&slot) else { return Ok(None) };
        if row.erasing_generation != 0 {
            return Ok(None);
        }
        let class = head_class()?;
        let address = SectionAddress {
            vault: keyring.vault(),
            slot,
            collection: &cohort.key.collection,
            record: id,
            class: &class,
            version: row.head_version,
        };
        let opened = section::open(&secret, &address, &row.head_section)
            .map_err(|_| VaultError::Corrupt("record head"))?;
        // EXPOSE: the head is decoded here and shown to nobody.
        let head = Head::decode(opened.expose())?;
        if head.collection != cohort.key.collection {
            return Err(VaultError::Corrupt("record head"));
        }
        Ok(Some(Self {
            id,
            version: row.head_version,
            slot,
            cohort,
            held_until: keyring.held_until(&id),
            head,
            index_row_keys: row.index_row_keys,
            row: bytes,
            sealed: Vec::new(),
        }))
    }

    fn fetch(
        &mut self,
        store: &dyn Store,
        wanted: &dyn Fn(&SectionRef) -> bool,
    ) -> Result<(), VaultError> {
        for at in self.head.sections.iter().filter(|at| wanted(at)) {
            let key = keys::section(&at.cohort, &self.id, &at.class);
            if let Some(sealed) = store.get(&key)? {
                self.sealed.push((at.clone(), sealed));
            }
        }
        Ok(())
    }

    /// The sealed section of a class, with where the head says it is.
    pub(crate) fn section(&self, class: &ClassName) -> Option<(&SectionRef, &[u8])> {
        let found = self.sealed.iter().find(|(at, _)| at.class == *class)?;
        Some((&found.0, &found.1))
    }

    /// Where the head says the section of a class is, whether or not its row was found.
    pub(crate) fn listed(&self, class: &ClassName) -> Option<&SectionRef> {
        self.head.sections.iter().find(|at| at.class == *class)
    }

    /// Whether the whole record is past its date.
    pub(crate) fn expired(&self, now: Timestamp) -> bool {
        now >= self.cohort.expires_at
    }

    /// Whether a hold keeps it that has not ended at `now`.
    pub(crate) fn held(&self, now: Timestamp) -> bool {
        self.held_until.is_some_and(|until| now < until)
    }

    /// Assignments and holds that have not run out at `now`.
    pub(crate) fn standing(&self, now: Timestamp) -> Standing {
        let mut standing = Standing {
            agents: Vec::new(),
            units: Vec::new(),
            held: self.held(now),
            age_hours: self.head.filed.as_ref().map_or(AGE_UNKNOWN, |filed| filed.age_hours(now)),
        };
        for assignment in &self.head.assignments {
            if assignment.until.is_some_and(|until| until <= now) {
                continue;
            }
            match &assignment.to {
                Assignee::Agent(agent) => standing.agents.push(agent.clone()),
                Assignee::Unit(unit) => standing.units.push(unit.clone()),
            }
        }
        standing
    }

    /// What the policies may know of this record.
    pub(crate) fn resource<'a>(&'a self, standing: &'a Standing) -> Resource<'a> {
        Resource {
            record: self.id,
            collection: &self.head.collection,
            territory: self.head.territory.as_ref(),
            attributes: &self.head.attributes,
            assigned_agents: &standing.agents,
            assigned_units: &standing.units,
            restricted: self.head.restricted,
            held: standing.held,
            filed_by: self.head.filed.as_ref().map(|filed| &filed.by),
            age_hours: standing.age_hours,
        }
    }
}

/// Reads the head of a record that an index lists. One that was changed on disk is left out of the
/// list, so that it keeps nobody from the others, and raises an alarm.
pub(crate) fn read_listed(log: &AuditLog, id: RecordId) -> Result<Option<Loaded>, VaultError> {
    match Loaded::read(log.store().as_ref(), log.keyring(), id, &[]) {
        Err(VaultError::Corrupt(_)) => {
            log.raise_alarm(ALARM_CORRUPT, "a listed record does not verify");
            Ok(None)
        }
        read => read,
    }
}

// === impl Standing ===

impl Standing {
    /// Agents to whom it is assigned now.
    pub(crate) fn agents(&self) -> &[AgentId] {
        &self.agents
    }

    /// Units in whose queue it is now.
    pub(crate) fn units(&self) -> &[UnitName] {
        &self.units
    }
}

// === impl Filed ===

impl Filed {
    /// Whole hours from then to `now`; none where the clock stands before it.
    fn age_hours(&self, now: Timestamp) -> u32 {
        let hours = now.as_millis().saturating_sub(self.at.as_millis()) / HOUR_MS;
        u32::try_from(hours.max(0)).unwrap_or(AGE_UNKNOWN)
    }
}

// === impl Head ===

impl Head {
    /// Seals this head as version `version` and returns the whole record row.
    pub(crate) fn seal_row(
        &self,
        id: RecordId,
        version: u32,
        slot: (&SlotRef, &SlotSecret, &CohortInfo),
        index_row_keys: Vec<Vec<u8>>,
        keyring: &Keyring,
        random: &dyn Random,
    ) -> Result<Vec<u8>, VaultError> {
        let (at, secret, cohort) = slot;
        let class = head_class()?;
        let address = SectionAddress {
            vault: keyring.vault(),
            slot: *at,
            collection: &self.collection,
            record: id,
            class: &class,
            version,
        };
        let head_section = section::seal(secret, &address, &self.encode(), random)?;
        let row = store::RecordRow {
            cohort_id: cohort.id.as_bytes().to_vec(),
            seg_id: at.seg.as_bytes().to_vec(),
            index: at.index,
            head_version: version,
            erasing_generation: 0,
            index_row_keys,
            head_section,
        };
        Ok(row.encode_to_vec())
    }

    fn encode(&self) -> zeroize::Zeroizing<Vec<u8>> {
        let head = store::Head {
            collection: self.collection.to_string(),
            subject_id: self.subject.as_bytes().to_vec(),
            collected_on: self.collected_on.to_string(),
            state: LIVE,
            restricted: self.restricted,
            attributes: self.attributes.iter().map(encode_attribute).collect(),
            assignees: self.assignments.iter().map(encode_assignment).collect(),
            sections: self.sections.iter().map(encode_section_ref).collect(),
            expires_on: self.expires_on.to_string(),
            zone: self.zone.name().to_owned(),
            territory: self.territory.as_ref().map(ToString::to_string).unwrap_or_default(),
            created_by_request: Vec::new(),
            former_slots: self.former.iter().map(encode_slot).collect(),
            filed_by: self.filed.as_ref().map(|filed| filed.by.to_string()).unwrap_or_default(),
            filed_at_ms: self.filed.as_ref().map_or(0, |filed| filed.at.as_millis()),
        };
        zeroize::Zeroizing::new(head.encode_to_vec())
    }

    fn decode(bytes: &[u8]) -> Result<Self, VaultError> {
        let head = store::Head::decode(bytes).map_err(|_| VaultError::Corrupt("record head"))?;
        Self::from_stored(head).ok_or(VaultError::Corrupt("record head"))
    }

    fn from_stored(head: store::Head) -> Option<Self> {
        let territory = match head.territory.as_str() {
            "" => None,
            name => Some(TerritoryName::parse(name).ok()?),
        };
        let filed = match head.filed_by.as_str() {
            "" => None,
            agent => Some(Filed {
                by: AgentId::parse(agent).ok()?,
                at: Timestamp::from_millis(head.filed_at_ms),
            }),
        };
        Some(Self {
            filed,
            collection: CollectionName::parse(&head.collection).ok()?,
            subject: SubjectId::from_slice(&head.subject_id).ok()?,
            collected_on: head.collected_on.parse().ok()?,
            expires_on: head.expires_on.parse().ok()?,
            zone: head.zone.parse().ok()?,
            territory,
            restricted: head.restricted,
            attributes: head.attributes.into_iter().map(decode_attribute).collect::<Option<_>>()?,
            assignments: head.assignees.iter().map(decode_assignment).collect::<Option<_>>()?,
            sections: head.sections.iter().map(decode_section_ref).collect::<Option<_>>()?,
            former: head
                .former_slots
                .iter()
                .map(|slot| decode_slot(slot))
                .collect::<Option<_>>()?,
        })
    }
}

fn head_class() -> Result<ClassName, VaultError> {
    ClassName::parse(HEAD).map_err(|_| VaultError::Corrupt("class name"))
}

#[cfg(test)]
mod tests;
