//! The only way out for field values: permit in, receipt in, then the answer.
//!
//! [`Withheld`] holds decrypted values that nobody may see yet. It has no accessor, no `Debug` and no
//! `Serialize`; opening one consumes the engine's [`Permit`], releasing it consumes the log's
//! [`Receipt`] of the same request and looks again that every slot still lives. Forgetting either
//! does not compile:
//!
//! ```
//! use oubliette::{audit::Receipt, keyring::Keyring};
//! use oubliette::vault::disclose::{Disclosed, Withheld};
//!
//! fn answer(withheld: Withheld, receipt: Receipt, keys: &Keyring) -> Option<Disclosed> {
//!     withheld.release(receipt, keys).ok()
//! }
//! ```
//! ```compile_fail
//! use oubliette::{audit::Receipt, keyring::Keyring};
//! use oubliette::vault::disclose::{Disclosed, Withheld};
//!
//! fn answer(withheld: Withheld, keys: &Keyring) -> Option<Disclosed> {
//!     withheld.release(keys).ok() // no receipt: the event may not be on disk
//! }
//! ```
//!
//! ```
//! use oubliette::{audit::SealedEvent, keyring::Keyring, policy::Permit};
//! use oubliette::vault::{disclose::Withheld, head::Loaded};
//!
//! fn open(permit: Permit, event: &SealedEvent, record: &Loaded, keys: &Keyring) {
//!     let _ = Withheld::open(permit, event, record, keys);
//! }
//! ```
//! ```compile_fail
//! use oubliette::{audit::SealedEvent, keyring::Keyring, policy::Permit};
//! use oubliette::vault::{disclose::Withheld, head::Loaded};
//!
//! fn open_twice(permit: Permit, event: &SealedEvent, record: &Loaded, keys: &Keyring) {
//!     let _ = Withheld::open(permit, event, record, keys);
//!     let _ = Withheld::open(permit, event, record, keys); // the permit is spent
//! }
//! ```
//!
//! `amend` opens a section to change it and seals it again at once: it consumes a write permit and
//! gives back ciphertext only; `reseal` does the same without a change and without a caller, for a record
//! that moves to other slots. `index_rows` opens sections for the vault's own exchange of index keys and
//! gives back tokens only; `ends` opens a link's references for the vault itself.

use prost::Message as _;
use zeroize::Zeroizing;

use crate::{
    audit::{Receipt, SealedEvent},
    crypto::section::{self, SectionAddress},
    ids::{ClassName, CohortId, CollectionName, EventId, FieldName, RecordId, SlotRef},
    keyring::Keyring,
    policy::{CollectionSpec, Pack, Permit, Value, Verb},
    random::Random,
    secret::SecretBytes,
    wire::store,
};

use super::{
    VaultError,
    head::{Loaded, SectionRef, decode_value, encode_value},
    tokens::{self, Tokens},
};

/// The class under which a record's attributes are asked for.
pub(crate) const ATTRIBUTES: &str = "attributes";

/// Fields of one section.
pub(crate) type Fields = Vec<(FieldName, Value)>;

/// What became of one permitted class.
pub(crate) enum Opened {
    /// Decrypted.
    Fields(Fields),
    /// Its own, shorter period ended.
    Expired,
    /// The record has no section of this class.
    Absent,
}

/// Decrypted values of one request that nobody may see before its event is durable.
pub struct Withheld {
    event: EventId,
    slots: Vec<SlotRef>,
    classes: Vec<(ClassName, Opened)>,
}

/// What was decrypted of several records, for one request and its one event.
pub struct WithheldMany {
    event: EventId,
    records: Vec<Withheld>,
}

/// Values that may leave: their event is on disk and their slots live.
pub struct Disclosed {
    pub(crate) event: EventId,
    pub(crate) classes: Vec<(ClassName, Opened)>,
}

impl Withheld {
    /// Decrypts what the permit allows of this record, for the request of `event`.
    ///
    /// Errors: [`VaultError::Denied`] if the permit is for another record or verb;
    /// [`VaultError::Corrupt`] if a section does not verify; [`VaultError::NotAvailable`] if the
    /// record's slot went meanwhile.
    pub fn open(
        permit: Permit,
        event: &SealedEvent,
        record: &Loaded,
        keyring: &Keyring,
    ) -> Result<Self, VaultError> {
        if permit.record() != record.id || *permit.verb() != Verb::Reveal {
            return Err(VaultError::Denied { classes: Vec::new(), policies: Vec::new() });
        }
        let mut withheld =
            Self { event: event.id(), slots: vec![record.slot], classes: Vec::new() };
        let past_date = permit.reads_past_date();
        for (class, _) in permit.classes() {
            let opened = if class.as_str() == ATTRIBUTES {
                Opened::Fields(record.head.attributes.clone())
            } else {
                open_class(record, class, (event, past_date), keyring)?
            };
            if let (Opened::Fields(_), Some((at, _))) = (&opened, record.section(class)) {
                withheld.slots.push(at.slot);
            }
            withheld.classes.push((class.clone(), opened));
        }
        Ok(withheld)
    }

    /// Lets the values go, for the receipt of the same request's event.
    ///
    /// Errors: [`VaultError::WrongReceipt`]; [`VaultError::NotAvailable`] if a slot was erased since.
    pub fn release(self, receipt: Receipt, keyring: &Keyring) -> Result<Disclosed, VaultError> {
        if receipt.event() != self.event {
            return Err(VaultError::WrongReceipt);
        }
        if !self.slots.iter().all(|slot| keyring.slot_lives(slot)) {
            return Err(VaultError::NotAvailable);
        }
        Ok(Disclosed { event: self.event, classes: self.classes })
    }
}

impl WithheldMany {
    /// Nothing yet, for the request of `event`.
    #[must_use]
    pub fn of(event: &SealedEvent) -> Self {
        Self { event: event.id(), records: Vec::new() }
    }

    /// Decrypts one more record. Errors: those of [`Withheld::open`], and nothing is added.
    pub fn open(
        &mut self,
        permit: Permit,
        event: &SealedEvent,
        record: &Loaded,
        keyring: &Keyring,
    ) -> Result<(), VaultError> {
        if event.id() != self.event {
            return Err(VaultError::WrongReceipt);
        }
        self.records.push(Withheld::open(permit, event, record, keyring)?);
        Ok(())
    }

    /// Lets the values go, in the order opened, for the receipt of the same request's event. `None`
    /// for a record of which a slot was erased since.
    ///
    /// Errors: [`VaultError::WrongReceipt`].
    pub fn release(
        self,
        receipt: Receipt,
        keyring: &Keyring,
    ) -> Result<Vec<Option<Disclosed>>, VaultError> {
        if receipt.event() != self.event {
            return Err(VaultError::WrongReceipt);
        }
        let alive = |record: Withheld| {
            let lives = record.slots.iter().all(|slot| keyring.slot_lives(slot));
            lives.then_some(Disclosed { event: record.event, classes: record.classes })
        };
        Ok(self.records.into_iter().map(alive).collect())
    }
}

/// A changed section, sealed, with the values it had and has (for its index rows).
pub(crate) struct Amended {
    pub(crate) section: Vec<u8>,
    pub(crate) version: u32,
    pub(crate) before: Fields,
    pub(crate) after: Fields,
}

/// Where an amended section is sealed.
pub(crate) enum Under<'a> {
    /// The slot that the head lists for the class.
    Listed,
    /// The slot chosen for a class that the record did not have.
    New(&'a SlotRef),
    /// Opened where the head lists it, and sealed under this slot.
    Moved(&'a SlotRef),
}

/// Opens one section of `record`, applies `changes` (`None` clears a field) and seals it again as
/// the next version. Gives back ciphertext, and the values for their index rows alone.
///
/// Errors: [`VaultError::Denied`] if the permit is for another record, verb or class;
/// [`VaultError::Corrupt`] if a section that the head lists is missing or does not verify.
pub(crate) fn amend(
    permit: &Permit,
    record: &Loaded,
    class: &ClassName,
    under: &Under<'_>,
    changes: &[(FieldName, Option<Value>)],
    (keyring, random): (&Keyring, &dyn Random),
) -> Result<Amended, VaultError> {
    let allowed = permit.classes().iter().any(|(c, _)| c == class);
    if permit.record() != record.id || *permit.verb() != Verb::Write || !allowed {
        return Err(VaultError::Denied { classes: Vec::new(), policies: Vec::new() });
    }
    let (slot, version, before) = match under {
        Under::New(slot) => (**slot, 0, Vec::new()),
        Under::Listed | Under::Moved(_) => {
            let found = record.section(class).ok_or(VaultError::Corrupt("section row"))?;
            let plain = open_section(record, found.0, found.1, keyring)?;
            let slot = if let Under::Moved(slot) = under { **slot } else { found.0.slot };
            (slot, found.0.version, decode_fields(&plain)?)
        }
    };
    let mut after = before.clone();
    for (name, value) in changes {
        after.retain(|(n, _)| n != name);
        if let Some(value) = value {
            after.push((name.clone(), value.clone()));
        }
    }
    let version = version.checked_add(1).ok_or(VaultError::Corrupt("section version"))?;
    let secret = keyring.derive_slot(&slot)?;
    let address = SectionAddress {
        vault: keyring.vault(),
        slot,
        collection: &record.head.collection,
        record: record.id,
        class,
        version,
    };
    let section = seal_fields(&secret, &address, &after, random)?;
    Ok(Amended { section, version, before, after })
}

/// A section under its new slot.
pub(crate) struct Resealed {
    pub(crate) section: Vec<u8>,
    pub(crate) version: u32,
    /// Its index rows in the new slot's cohort, where that is another one.
    pub(crate) index: Vec<Vec<u8>>,
}

/// Opens the section of a class and seals it, as it is, under another slot as the next version. For the
/// vault itself: ciphertext and, for another cohort, tokens come out, no value.
///
/// Errors: [`VaultError::Corrupt`] if a section that the head lists is missing or does not verify.
pub(crate) fn reseal(
    pack: &Pack,
    record: &Loaded,
    class: &ClassName,
    (slot, cohort): (&SlotRef, &CohortId),
    (keyring, random): (&Keyring, &dyn Random),
) -> Result<Resealed, VaultError> {
    let (at, sealed) = record.section(class).ok_or(VaultError::Corrupt("section row"))?;
    let plain = open_section(record, at, sealed, keyring)?;
    let mut index = Vec::new();
    if at.cohort != *cohort
        && let Some(spec) = pack.collection(&record.head.collection)
    {
        let tokens = Tokens { keyring, collection: &record.head.collection, record: record.id };
        index = tokens.fields(cohort, spec, &decode_fields(&plain)?);
    }
    let version = at.version.checked_add(1).ok_or(VaultError::Corrupt("section version"))?;
    let address = SectionAddress {
        vault: keyring.vault(),
        slot: *slot,
        collection: &record.head.collection,
        record: record.id,
        class,
        version,
    };
    let secret = keyring.derive_slot(slot)?;
    // EXPOSE: sealed again at once, byte for byte.
    let section = section::seal(&secret, &address, plain.expose(), random)?;
    Ok(Resealed { section, version, index })
}

/// Index rows, under the newest keys, of the searchable fields of a record read with its sections of this
/// cohort ([`Loaded::read_in`]). Opens them for the vault itself: tokens come out, no value. What is past
/// its own period is left out.
///
/// Errors: [`VaultError::Corrupt`] if a section that the head lists is missing or does not verify;
/// [`VaultError::NotAvailable`] if its slot is gone.
pub(crate) fn index_rows(
    keyring: &Keyring,
    pack: &Pack,
    record: &Loaded,
    cohort: &CohortId,
) -> Result<Vec<Vec<u8>>, VaultError> {
    let Some(spec) = pack.collection(&record.head.collection) else { return Ok(Vec::new()) };
    let tokens = Tokens { keyring, collection: &record.head.collection, record: record.id };
    let mut rows = Vec::new();
    for at in record.head.sections.iter().filter(|at| at.cohort == *cohort) {
        let searchable = spec.fields.iter().any(|f| tokens::is_indexed(f) && f.class == at.class);
        if !searchable || !keyring.slot_lives(&at.slot) {
            continue;
        }
        let (at, sealed) = record.section(&at.class).ok_or(VaultError::Corrupt("section row"))?;
        let plain = open_section(record, at, sealed, keyring)?;
        rows.extend(tokens.fields(cohort, spec, &decode_fields(&plain)?));
    }
    Ok(rows)
}

/// The ends of a link, each with the collection that it is of. Opens the references for the vault's own use,
/// where a request names the link and where an end goes; no other value comes out.
///
/// Errors: [`VaultError::Corrupt`] if a reference is missing or does not verify; [`VaultError::NotAvailable`]
/// if the link's slot is gone.
pub(crate) fn ends(
    link: &Loaded,
    spec: &CollectionSpec,
    keyring: &Keyring,
) -> Result<Vec<(CollectionName, RecordId)>, VaultError> {
    let mut ends = Vec::new();
    for (field, to) in spec.ends() {
        let (at, sealed) = link.section(&field.class).ok_or(VaultError::Corrupt("section row"))?;
        let fields = decode_fields(&open_section(link, at, sealed, keyring)?)?;
        let value = fields.iter().find(|(name, _)| *name == field.name);
        let id = value.and_then(|(_, value)| tokens::reference(value));
        ends.push((to.clone(), id.ok_or(VaultError::Corrupt("link"))?));
    }
    Ok(ends)
}

/// Seals fields, sorted by name, as one section.
pub(crate) fn seal_fields(
    secret: &section::SlotSecret,
    address: &SectionAddress<'_>,
    fields: &[(FieldName, Value)],
    random: &dyn Random,
) -> Result<Vec<u8>, VaultError> {
    let mut sorted: Vec<_> = fields.iter().collect();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    let body = store::SectionBody {
        fields: sorted
            .into_iter()
            .map(|(name, value)| store::StoredField {
                name: name.to_string(),
                value: Some(encode_value(value)),
            })
            .collect(),
    };
    let plain = Zeroizing::new(body.encode_to_vec());
    Ok(section::seal(secret, address, &plain, random)?)
}

fn open_class(
    record: &Loaded,
    class: &ClassName,
    (event, past_date): (&SealedEvent, bool),
    keyring: &Keyring,
) -> Result<Opened, VaultError> {
    let Some(listed) = record.head.sections.iter().find(|s| s.class == *class) else {
        return Ok(Opened::Absent);
    };
    let own_cohort = listed.cohort != record.cohort.id;
    let in_time = keyring.cohort(&listed.cohort).is_some_and(|c| event.time() < c.expires_at);
    let lives = in_time || (past_date && keyring.is_held(&listed.slot));
    if own_cohort && !(lives && keyring.slot_lives(&listed.slot)) {
        return Ok(Opened::Expired);
    }
    let Some((at, sealed)) = record.section(class) else {
        return Err(VaultError::Corrupt("section row"));
    };
    let plain = open_section(record, at, sealed, keyring)?;
    Ok(Opened::Fields(decode_fields(&plain)?))
}

fn open_section(
    record: &Loaded,
    at: &SectionRef,
    sealed: &[u8],
    keyring: &Keyring,
) -> Result<SecretBytes, VaultError> {
    let secret = keyring.derive_slot(&at.slot).map_err(|_| VaultError::NotAvailable)?;
    let collection: &CollectionName = &record.head.collection;
    let address = SectionAddress {
        vault: keyring.vault(),
        slot: at.slot,
        collection,
        record: record.id,
        class: &at.class,
        version: at.version,
    };
    Ok(section::open(&secret, &address, sealed)?)
}

fn decode_fields(plain: &SecretBytes) -> Result<Fields, VaultError> {
    let corrupt = VaultError::Corrupt("section");
    // EXPOSE: decoded into values that stay withheld until the receipt.
    let Ok(body) = store::SectionBody::decode(plain.expose()) else { return Err(corrupt) };
    body.fields
        .into_iter()
        .map(|f| Some((FieldName::parse(&f.name).ok()?, decode_value(f.value?)?)))
        .collect::<Option<_>>()
        .ok_or(corrupt)
}
