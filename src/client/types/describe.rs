//! Types of `Records.Describe`: the pack as one caller sees it.

use serde::{Serialize, Serializer};
use serde_json::json;

/// What a value must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueKind {
    /// Any text.
    Text,
    /// A person's name.
    Name,
    /// A civil date.
    Date,
    /// A French social security number.
    Nir,
    /// A telephone number.
    Phone,
    /// An e-mail address.
    Email,
    /// A French postcode.
    Postcode,
    /// One of a list.
    Code,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// Any text, of several lines.
    Note,
    /// The id of a record.
    Reference,
}

impl ValueKind {
    /// As the pack writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Name => "name",
            Self::Date => "date",
            Self::Nir => "nir",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Postcode => "postcode",
            Self::Code => "code",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::Note => "note",
            Self::Reference => "reference",
        }
    }
}

/// Bounds of a whole number, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Range {
    /// Smallest.
    pub min: i64,
    /// Largest.
    pub max: i64,
}

/// How a value must look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueType {
    /// What it is.
    pub kind: ValueKind,
    /// For text and notes: most bytes of UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u32>,
    /// For a reference: the collection it points into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collection: Option<String>,
    /// For a code: the whole list.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<String>,
    /// For a whole number: its bounds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<Range>,
}

/// What the pack says about one collection.
#[derive(Debug, Clone, Serialize)]
pub struct Collection {
    /// Its name.
    pub name: String,
    /// For people; empty = none.
    pub label: String,
    /// ISO 8601 period from the collection date.
    pub period: String,
    /// Classes that go before the record does, each with its period.
    #[serde(serialize_with = "class_periods")]
    pub class_periods: Vec<(String, String)>,
    /// What is sealed.
    pub fields: Vec<FieldDescription>,
    /// Non-identifying.
    pub attributes: Vec<AttributeDescription>,
}

impl Collection {
    /// The kind of a field's values; `None` for a name that is no field.
    #[must_use]
    pub fn field_kind(&self, name: &str) -> Option<ValueKind> {
        self.fields.iter().find(|f| f.name == name).map(|f| f.value.kind)
    }

    /// The kind of an attribute's values; `None` for a name that is no attribute.
    #[must_use]
    pub fn attribute_kind(&self, name: &str) -> Option<ValueKind> {
        self.attributes.iter().find(|a| a.name == name).map(|a| a.value.kind)
    }
}

/// One field of a collection.
#[derive(Debug, Clone, Serialize)]
pub struct FieldDescription {
    /// Its name.
    pub name: String,
    /// The class it belongs to: what a reveal asks for.
    pub class: String,
    /// How its values must look.
    pub value: ValueType,
    /// Whether a record must have it.
    pub required: bool,
    /// Whether find and match take it.
    pub searchable: bool,
    /// What is shown of it where its class is only masked.
    pub mask: String,
}

/// One attribute of a collection.
#[derive(Debug, Clone, Serialize)]
pub struct AttributeDescription {
    /// Its name.
    pub name: String,
    /// How its values must look.
    pub value: ValueType,
    /// Whether a record must have it.
    pub required: bool,
}

/// Who asks, as the policies see him.
#[derive(Debug, Clone, Serialize)]
pub struct CallerDescription {
    /// The login name.
    pub agent: String,
    /// The role.
    pub role: String,
    /// The unit.
    pub unit: Option<String>,
    /// The territory.
    pub territory: Option<String>,
}

/// The pack, as this caller sees it.
#[derive(Debug, Clone, Serialize)]
pub struct Description {
    /// The pack's name.
    pub pack: String,
    /// SHA-256, hexadecimal.
    pub pack_hash: String,
    /// From 00:00 of this date on nothing is readable.
    pub end_date: String,
    /// The pack's zone.
    pub zone: String,
    /// Purposes with their descriptions.
    #[serde(serialize_with = "described")]
    pub purposes: Vec<(String, String)>,
    /// Classes with their descriptions.
    #[serde(serialize_with = "described")]
    pub classes: Vec<(String, String)>,
    /// Collections.
    pub collections: Vec<Collection>,
    /// What some policy could allow this caller: collection, class, verbs.
    #[serde(serialize_with = "abilities")]
    pub abilities: Vec<(String, String, Vec<String>)>,
    /// Who asks.
    pub caller: CallerDescription,
}

impl Description {
    /// A collection by its name.
    #[must_use]
    pub fn collection(&self, name: &str) -> Option<&Collection> {
        self.collections.iter().find(|c| c.name == name)
    }
}

/// Names with their descriptions, as objects.
fn described<S: Serializer>(list: &[(String, String)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(list.iter().map(|(name, text)| json!({"name": name, "description": text})))
}

fn class_periods<S: Serializer>(list: &[(String, String)], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(list.iter().map(|(class, period)| json!({"class": class, "period": period})))
}

fn abilities<S: Serializer>(
    list: &[(String, String, Vec<String>)],
    to: S,
) -> Result<S::Ok, S::Error> {
    let one = |(collection, class, verbs): &(String, String, Vec<String>)| json!({"collection": collection, "class": class, "verbs": verbs});
    to.collect_seq(list.iter().map(one))
}
