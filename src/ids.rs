//! Newtypes for every identifier, so that one kind cannot be passed for another.
//!
//! Random ids are 16 bytes from the operating system's generator and mean nothing by themselves:
//! they may appear in logs, errors and certificates. Names are short ASCII words chosen by the
//! policy author or the key admin, never by a data subject.

use std::{fmt, sync::Arc};

use crate::random::Random;

/// Why an identifier was refused. Carries no input: an id in the wrong place may be personal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// A random id is exactly 16 bytes, or 32 hexadecimal digits.
    #[error("a {0} id is 16 bytes; as text, 32 hexadecimal digits")]
    Length(&'static str),
    /// A name is 1 to 64 of `a-z 0-9 _ - .`, first a letter, digit or `_`.
    #[error("a {0} name is 1 to 64 characters of `a-z`, `0-9`, `_`, `-`, `.`")]
    Name(&'static str),
}

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// Draws a new random id.
            #[must_use]
            pub fn make(random: &dyn Random) -> Self {
                let mut bytes = [0; 16];
                random.fill(&mut bytes);
                Self(bytes)
            }

            /// The id with these 16 bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// Reads 16 raw bytes. Errors: [`IdError::Length`].
            pub fn from_slice(bytes: &[u8]) -> Result<Self, IdError> {
                bytes.try_into().map(Self).map_err(|_| IdError::Length($kind))
            }

            /// Reads 32 hexadecimal digits. Errors: [`IdError::Length`].
            pub fn parse(text: &str) -> Result<Self, IdError> {
                let bytes = hex::decode(text).map_err(|_| IdError::Length($kind))?;
                Self::from_slice(&bytes)
            }

            /// The 16 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($kind, ":{}"), hex::encode(self.0))
            }
        }
    };
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and wraps a name: 1 to 64 of `a-z 0-9 _ - .`. Errors: [`IdError::Name`].
            pub fn parse(text: &str) -> Result<Self, IdError> {
                if is_name(text) { Ok(Self(Arc::from(text))) } else { Err(IdError::Name($kind)) }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($kind, ":{}"), &self.0)
            }
        }
    };
}

random_id!(/// One vault: drawn at `init`, in every aad.
    VaultId, "vault");
random_id!(/// One place of the keyring.
    PlaceId, "place");
random_id!(/// One record: opaque, never derived from the person.
    RecordId, "record");
random_id!(/// One person, as the calling service knows her.
    SubjectId, "subject");
random_id!(/// One cohort: records of a collection that expire on the same date in the same zone.
    CohortId, "cohort");
random_id!(/// One segment: a key tree of a cohort.
    SegmentId, "segment");
random_id!(/// One audit event; also the record id of its sealed detail.
    EventId, "event");
random_id!(/// One request, chosen by the client; makes a write idempotent.
    RequestId, "request");
random_id!(/// One import, drawn and kept by the client: what request ids are derived from.
    ImportId, "import");
random_id!(/// One certificate of a purge or an erasure batch.
    CertificateId, "certificate");
random_id!(/// One alarm.
    AlarmId, "alarm");
random_id!(/// One hold.
    HoldId, "hold");
random_id!(/// One approval that was asked for.
    ApprovalId, "approval");
random_id!(/// One review of broken glass.
    ReviewId, "review");

name!(/// An agent: a person's or a service account's login name.
    AgentId, "agent");
name!(/// A collection of the pack, or the reserved `_audit`.
    CollectionName, "collection");
name!(/// A field class of the pack, or one of the reserved `_head`, `event`.
    ClassName, "class");
name!(/// A field or an attribute of a collection.
    FieldName, "field");
name!(/// A purpose from the pack's closed list.
    PurposeName, "purpose");
name!(/// A role of the pack.
    RoleName, "role");
name!(/// A unit (cell) of the pack.
    UnitName, "unit");
name!(/// A territory of the pack.
    TerritoryName, "territory");

/// One leaf of one segment: the place of one record's keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotRef {
    /// The segment.
    pub seg: SegmentId,
    /// The leaf, below 2^24.
    pub index: u32,
}

fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.".contains(&b);
    (1..=64).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with(['-', '.'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_plain_ascii_is_accepted() {
        assert!(CollectionName::parse("lab_results").is_ok());
        assert!(AgentId::parse("inv-974.01").is_ok());
        assert!(ClassName::parse("_head").is_ok());
    }

    #[test]
    fn a_name_with_space_capital_accent_or_wrong_length_is_refused() {
        let long = "a".repeat(65);
        for text in ["", "Nom", "a b", "été", "-x", ".x", long.as_str()] {
            assert!(CollectionName::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_random_id_reads_back_from_its_text_and_refuses_other_lengths() {
        let id = RecordId::from_bytes([7; 16]);
        assert_eq!(RecordId::parse(&id.to_string()), Ok(id));
        assert_eq!(RecordId::parse("07"), Err(IdError::Length("record")));
        assert_eq!(RecordId::from_slice(&[0; 17]), Err(IdError::Length("record")));
    }
}
