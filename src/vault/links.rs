//! Links: records whose two sealed references name records of other collections, their ends.
//!
//! A link is found from either end by a keyed token and believed only once its references are opened.
//! Here an end is looked at when a link is filed, the one link that a reveal names is verified, and the
//! links of an end are found when it is to go. Invariants: whoever may not know an end learns nothing
//! from naming it, in a new link or in a link that is named; what is absent and what is forbidden cost
//! the same; no reference leaves here but to the vault's own use.

use crate::{
    audit::AuditLog,
    identity::Caller,
    ids::{ClassName, CollectionName, FieldName, RecordId, TerritoryName},
    keyring::CohortInfo,
    policy::{CollectionSpec, FieldType, LinkFacts, Pack, RequestContext, Value, Verb},
    storage::{Precondition, keys},
};

use super::{
    VaultError,
    candidates::{Candidate, Candidates, Wanted},
    disclose::{self, ATTRIBUTES},
    head::{self, Loaded},
    tokens,
};

/// Who names a link or its ends, and for what.
pub(crate) struct Asker<'a> {
    pub(crate) log: &'a AuditLog,
    pub(crate) pack: &'a Pack,
    pub(crate) who: &'a Caller,
    pub(crate) context: &'a RequestContext<'a>,
}

/// What the ends of a new link give it: a latest date, and the state in which they were looked at.
pub(crate) struct Ends {
    /// The cohort of the end that goes first.
    pub(crate) first_to_go: CohortInfo,
    /// Both are as they were.
    pub(crate) unchanged: [Precondition; 2],
}

/// The one link that a request names, verified.
pub(crate) struct Named {
    collection: CollectionName,
    territory: Option<TerritoryName>,
    attributes: Vec<(FieldName, Value)>,
    other_assigned_to_me: bool,
    other_in_my_unit: bool,
    /// It is as it was: consent that is withdrawn meanwhile counts.
    pub(crate) unchanged: Precondition,
}

// === impl Named ===

impl Named {
    /// What the policies may know of it.
    pub(crate) fn facts(&self) -> LinkFacts<'_> {
        LinkFacts {
            collection: &self.collection,
            territory: self.territory.as_ref(),
            attributes: &self.attributes,
            other_assigned_to_me: self.other_assigned_to_me,
            other_in_my_unit: self.other_in_my_unit,
        }
    }
}

// === impl Asker ===

impl Asker<'_> {
    /// Looks at both ends of a link that is to be filed.
    ///
    /// Errors: [`VaultError::NotAvailable`] if the caller may not know one of them, or it is absent, past
    /// its date, or of another collection than the pack says; which of all these is not said.
    pub(crate) fn ends(
        &self,
        spec: &CollectionSpec,
        fields: &[(FieldName, Value)],
    ) -> Result<Ends, VaultError> {
        let mut found = Vec::new();
        for (field, to) in spec.ends() {
            let given = fields.iter().find(|(name, _)| *name == field.name);
            let id = given.and_then(|(_, value)| tokens::reference(value));
            // Both are looked at, whatever the first one gives: one answer for all that is wrong.
            found.push(match id {
                Some(id) => self.known(id, &[])?.filter(|end| end.head.collection == *to),
                None => None,
            });
        }
        let mut ends = found.into_iter();
        let (Some(Some(one)), Some(Some(other)), None) = (ends.next(), ends.next(), ends.next())
        else {
            return Err(VaultError::NotAvailable);
        };
        let unchanged = [&one, &other]
            .map(|end| Precondition::Unchanged(keys::record(&end.id), end.row.clone()));
        let earlier = one.cohort.expires_at <= other.cohort.expires_at;
        let first_to_go = if earlier { one.cohort } else { other.cohort };
        Ok(Ends { first_to_go, unchanged })
    }

    /// The link that a request about `record` names, if it is one, the caller may know it, and one of its
    /// ends is that record. `None` for anything else, after the same work.
    pub(crate) fn named(
        &self,
        link: RecordId,
        record: Option<&Loaded>,
        asked: RecordId,
    ) -> Result<Option<Named>, VaultError> {
        let classes = self.reference_classes();
        let found = self.known(link, &classes)?;
        let ends = match found.as_ref().and_then(|link| self.spec(link).map(|spec| (link, spec))) {
            Some((link, spec)) => disclose::ends(link, spec, self.log.keyring())?,
            None => Vec::new(),
        };
        let is_end = ends.iter().any(|(to, id)| {
            *id == asked && record.is_some_and(|record| record.head.collection == *to)
        });
        let other = ends.iter().find(|(_, id)| *id != asked);
        // Where there is no other end, a record is read all the same.
        let (log, now) = (self.log, self.context.now);
        let read = other.map_or(asked, |(_, id)| *id);
        let read = match Loaded::read(log.store().as_ref(), log.keyring(), read, &[]) {
            Err(VaultError::Corrupt(_)) => None,
            read => read?,
        };
        let other = read.filter(|end| {
            other.is_some_and(|(to, _)| end.head.collection == *to) && !end.expired(now)
        });
        let (Some(link), Some(other), true) = (found, other, is_end) else { return Ok(None) };
        let standing = other.standing(now);
        let unit = self.who.habilitation.unit.as_ref();
        Ok(Some(Named {
            unchanged: Precondition::Unchanged(keys::record(&link.id), link.row),
            collection: link.head.collection,
            territory: link.head.territory,
            attributes: link.head.attributes,
            other_assigned_to_me: standing.agents().contains(&self.who.agent),
            other_in_my_unit: unit.is_some_and(|unit| standing.units().contains(unit)),
        }))
    }

    /// A record that the caller may know, with sealed sections. Absent and forbidden cost the same.
    fn known(&self, id: RecordId, classes: &[ClassName]) -> Result<Option<Loaded>, VaultError> {
        let (log, now) = (self.log, self.context.now);
        let read = match Loaded::read(log.store().as_ref(), log.keyring(), id, classes) {
            // What was changed on disk is no business of who names it here; reading it tells.
            Err(VaultError::Corrupt(_)) => None,
            read => read?,
        };
        let attributes: Vec<ClassName> = ClassName::parse(ATTRIBUTES).into_iter().collect();
        let knows = match &read {
            Some(record) => {
                let standing = record.standing(now);
                let on = record.resource(&standing);
                self.pack.decide(self.who, Verb::Reveal, &on, &attributes, self.context).may_know
            }
            None => {
                let decided =
                    self.pack.decide_decoy(self.who, Verb::Reveal, &attributes, self.context);
                decided.may_know
            }
        };
        Ok(read.filter(|record| knows && !record.expired(now)))
    }

    /// The collection of a record, if it holds links.
    fn spec(&self, record: &Loaded) -> Option<&CollectionSpec> {
        self.pack.collection(&record.head.collection).filter(|spec| spec.is_link())
    }

    fn reference_classes(&self) -> Vec<ClassName> {
        reference_classes(self.pack.collections())
    }
}

/// The links that have this record as an end, each with every section, verified.
///
/// Errors: [`VaultError::TooMany`] beyond `limits::CANDIDATES_MAX`; storage errors.
pub(crate) fn of(
    log: &AuditLog,
    pack: &Pack,
    (id, collection): (RecordId, &CollectionName),
) -> Result<Vec<Loaded>, VaultError> {
    let (store, keyring, now) = (log.store().as_ref(), log.keyring(), log.civil_now());
    let mut found = Vec::new();
    for spec in pack.collections() {
        if !spec.ends().any(|(_, to)| to == collection) {
            continue;
        }
        let wanted = vec![Wanted { field: tokens::LINK, value: id.as_bytes() }];
        let classes = reference_classes([spec]);
        let mut candidates = Candidates::of(store, keyring, &spec.name, wanted, (now, None));
        while let Some(Candidate { record, .. }) = candidates.next()? {
            // An index row is no proof, and one record changed on disk keeps nobody from the others.
            if head::read_listed(log, record)?.is_none() {
                continue;
            }
            let Some(link) = Loaded::read(store, keyring, record, &classes)? else { continue };
            let is_end = |(to, end): &(CollectionName, RecordId)| *end == id && to == collection;
            match disclose::ends(&link, spec, keyring) {
                Ok(ends) if ends.iter().any(is_end) => found.push(link),
                Ok(_) => {}
                // Erased between the reading and the opening.
                Err(VaultError::NotAvailable) => {}
                Err(VaultError::Corrupt(_)) => {
                    log.raise_alarm(head::ALARM_CORRUPT, "a link's references do not verify");
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(found)
}

/// The classes that hold references.
fn reference_classes<'a>(specs: impl IntoIterator<Item = &'a CollectionSpec>) -> Vec<ClassName> {
    let mut classes: Vec<ClassName> = Vec::new();
    for field in specs.into_iter().flat_map(|spec| &spec.fields) {
        if matches!(field.kind, FieldType::Reference { .. }) && !classes.contains(&field.class) {
            classes.push(field.class.clone());
        }
    }
    classes
}
