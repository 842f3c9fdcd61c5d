//! The one projection: decision and disclosed values in, a status per field out.
//!
//! Every output path goes through [`answer`]; there is no second one. "Denied" is never confused with
//! "absent": a field the caller may not see is DENIED whether or not the record has it.

use crate::{
    audit::FieldGiven,
    ids::{ClassName, FieldName, RecordId},
    policy::{ClassDecision, CollectionSpec, FieldStatus, FieldType, Mask, Value, Verdict, mask},
};

use super::{
    FieldAnswer,
    disclose::{ATTRIBUTES, Disclosed, Opened},
};

/// A field or attribute as the projection needs it.
struct Shown<'a> {
    name: &'a FieldName,
    kind: &'a FieldType,
    mask: &'a Mask,
}

/// Attributes have no mask of their own: masked attributes are hidden.
const HIDDEN: Mask = Mask::Hidden;

/// Status and value of every field of every class asked, in the order asked.
pub(crate) fn answer(
    decisions: &[ClassDecision],
    spec: &CollectionSpec,
    disclosed: &Disclosed,
) -> Vec<FieldAnswer> {
    let mut answers = Vec::new();
    for decision in decisions {
        let opened = disclosed.classes.iter().find(|(c, _)| *c == decision.class).map(|(_, o)| o);
        let policies: Vec<String> = decision.policies.iter().map(|p| p.id.clone()).collect();
        for shown in fields_of(spec, &decision.class) {
            let (status, value) = project(&shown, &decision.verdict, opened);
            answers.push(FieldAnswer {
                class: decision.class.clone(),
                field: shown.name.clone(),
                status,
                value,
                policies: policies.clone(),
            });
        }
    }
    answers
}

/// The fields an answer may give, with their mask, present or not: what the audit event lists.
pub(crate) fn given(
    decisions: &[ClassDecision],
    spec: &CollectionSpec,
    record: Option<RecordId>,
) -> Vec<FieldGiven> {
    let mut given = Vec::new();
    for decision in decisions {
        let masked = match decision.verdict {
            Verdict::Allow => false,
            Verdict::Mask => true,
            Verdict::Deny => continue,
        };
        for shown in fields_of(spec, &decision.class) {
            given.push(FieldGiven {
                record,
                class: decision.class.clone(),
                field: shown.name.clone(),
                mask: masked.then(|| shown.mask.word().to_owned()),
            });
        }
    }
    given
}

/// How many fields an answer about these classes has, whatever their status.
pub(crate) fn asked_fields(decisions: &[ClassDecision], spec: &CollectionSpec) -> usize {
    decisions.iter().map(|decision| fields_of(spec, &decision.class).count()).sum()
}

fn fields_of<'a>(
    spec: &'a CollectionSpec,
    class: &'a ClassName,
) -> Box<dyn Iterator<Item = Shown<'a>> + 'a> {
    if class.as_str() == ATTRIBUTES {
        return Box::new(spec.attributes.iter().map(|a| Shown {
            name: &a.name,
            kind: &a.kind,
            mask: &HIDDEN,
        }));
    }
    Box::new(spec.fields.iter().filter(move |f| f.class == *class).map(|f| Shown {
        name: &f.name,
        kind: &f.kind,
        mask: &f.mask,
    }))
}

fn project(
    shown: &Shown<'_>,
    verdict: &Verdict,
    opened: Option<&Opened>,
) -> (FieldStatus, Option<Value>) {
    let masked = match verdict {
        Verdict::Deny => return (FieldStatus::Denied, None),
        Verdict::Mask => true,
        Verdict::Allow => false,
    };
    let value = match opened {
        Some(Opened::Fields(fields)) => {
            fields.iter().find(|(name, _)| name == shown.name).map(|(_, value)| value)
        }
        Some(Opened::Expired) => return (FieldStatus::Expired, None),
        Some(Opened::Absent) => None,
        // Decided but not opened: never guess.
        None => return (FieldStatus::Denied, None),
    };
    match value {
        None => (FieldStatus::Absent, None),
        Some(value) if masked => (FieldStatus::Masked, mask(shown.mask, shown.kind, value)),
        Some(value) => (FieldStatus::Value, Some(value.clone())),
    }
}
