//! The parts of a head as they are stored: attributes, assignments, section references, slots.
//!
//! What does not read back is `None`; the caller says what is corrupt.

use crate::{
    clock::Timestamp,
    ids::{AgentId, ClassName, CohortId, FieldName, SegmentId, SlotRef, UnitName},
    policy::Value,
    wire::store,
};

use super::{Assignment, SectionRef};
use crate::vault::Assignee;

pub(super) fn encode_attribute((name, value): &(FieldName, Value)) -> store::Attribute {
    store::Attribute { name: name.to_string(), value: Some(encode_value(value)) }
}

pub(super) fn decode_attribute(stored: store::Attribute) -> Option<(FieldName, Value)> {
    Some((FieldName::parse(&stored.name).ok()?, decode_value(stored.value?)?))
}

/// A value as it is stored, in heads and in sections.
pub(crate) fn encode_value(value: &Value) -> store::StoredValue {
    use store::stored_value::Kind;
    let kind = match value {
        Value::Text(text) => Kind::Text(text.clone()),
        Value::Integer(number) => Kind::Integer(*number),
        Value::Date(date) => Kind::Date(date.to_string()),
        Value::Boolean(yes) => Kind::Boolean(*yes),
    };
    store::StoredValue { kind: Some(kind) }
}

/// A stored value read back; `None` if it is no value of ours.
pub(crate) fn decode_value(stored: store::StoredValue) -> Option<Value> {
    use store::stored_value::Kind;
    Some(match stored.kind? {
        Kind::Text(text) => Value::Text(text),
        Kind::Integer(number) => Value::Integer(number),
        Kind::Date(date) => Value::Date(date.parse().ok()?),
        Kind::Boolean(yes) => Value::Boolean(yes),
    })
}

pub(super) fn encode_assignment(assignment: &Assignment) -> store::Assignee {
    let (agent_id, unit) = match &assignment.to {
        Assignee::Agent(agent) => (agent.to_string(), String::new()),
        Assignee::Unit(unit) => (String::new(), unit.to_string()),
    };
    store::Assignee { agent_id, unit, until_ms: assignment.until.map_or(0, Timestamp::as_millis) }
}

pub(super) fn decode_assignment(stored: &store::Assignee) -> Option<Assignment> {
    let to = match (stored.agent_id.as_str(), stored.unit.as_str()) {
        (agent, "") => Assignee::Agent(AgentId::parse(agent).ok()?),
        ("", unit) => Assignee::Unit(UnitName::parse(unit).ok()?),
        _ => return None,
    };
    let until = (stored.until_ms != 0).then(|| Timestamp::from_millis(stored.until_ms));
    Some(Assignment { to, until })
}

pub(super) fn encode_section_ref(at: &SectionRef) -> store::SectionRef {
    store::SectionRef {
        class: at.class.to_string(),
        version: at.version,
        cohort_id: at.cohort.as_bytes().to_vec(),
        seg_id: at.slot.seg.as_bytes().to_vec(),
        index: at.slot.index,
    }
}

pub(super) fn encode_slot(slot: &SlotRef) -> Vec<u8> {
    [slot.seg.as_bytes().as_slice(), &slot.index.to_be_bytes()].concat()
}

pub(super) fn decode_slot(bytes: &[u8]) -> Option<SlotRef> {
    let (seg, index) = bytes.split_at_checked(16)?;
    let index = u32::from_be_bytes(index.try_into().ok()?);
    Some(SlotRef { seg: SegmentId::from_slice(seg).ok()?, index })
}

pub(super) fn decode_section_ref(stored: &store::SectionRef) -> Option<SectionRef> {
    let seg = SegmentId::from_slice(&stored.seg_id).ok()?;
    Some(SectionRef {
        class: ClassName::parse(&stored.class).ok()?,
        version: stored.version,
        cohort: CohortId::from_slice(&stored.cohort_id).ok()?,
        slot: SlotRef { seg, index: stored.index },
    })
}
