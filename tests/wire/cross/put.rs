//! Puts the questions to the served vault and compares each answer.

use std::collections::BTreeSet;

use oubliette::{
    client::{
        Client, ClientError,
        types::{Change, Field, Intent},
    },
    ids::RecordId,
};

use super::{
    asked::{self, Expected, Question},
    expect::Given,
    filed::{Ends, Kept, new_record},
    table::F0,
    world::{Who, World},
};

pub(super) const WHY: &str = "request 0, fictional";

/// A question that was put: what is compared with the log.
pub(super) struct Put {
    pub(super) told: String,
    pub(super) verb: &'static str,
    pub(super) purpose: String,
    pub(super) expected: Expected,
    /// The records that the event must name.
    pub(super) records: Vec<RecordId>,
}

/// What one role was answered.
#[derive(Default)]
pub(super) struct Answered {
    pub(super) put: Vec<Put>,
    pub(super) wrong: Vec<String>,
    /// How many classes were asked.
    pub(super) classes: usize,
}

/// What came back of a call.
struct Back {
    fields: Vec<Field>,
    matches: Option<bool>,
    made: Option<RecordId>,
    version: Option<u32>,
}

const NOTHING: Back = Back { fields: Vec::new(), matches: None, made: None, version: None };

/// Puts every question to this role, one after the other.
pub(super) async fn all(
    world: &World,
    client: &Client,
    who: Who,
    mut kept: Vec<Kept>,
    ends: Option<Ends>,
) -> Answered {
    let mut answered = Answered::default();
    for question in asked::all(world, &kept) {
        let expected = asked::expected(world, who, &question, &kept, ends.as_ref());
        let told = format!(
            "{} for {}: {} {} of {}",
            who.role,
            question.purpose,
            question.verb,
            question.classes.join(" "),
            kept[question.at].shape.name
        );
        let back = send(client, who, &question, &kept[question.at], ends.as_ref()).await;
        if let Some(why) = otherwise(&question, &kept[question.at], &expected, &back) {
            answered.wrong.push(format!("{told}: {why}"));
        }
        let records = match (&back, question.verb) {
            (Ok(back), "create") => back.made.into_iter().collect(),
            (Err(_), "create") => Vec::new(),
            _ => vec![kept[question.at].record],
        };
        if let (Ok(Back { version: Some(version), .. }), "write") = (&back, question.verb) {
            kept[question.at].version = *version;
        }
        answered.classes += question.classes.len();
        let (verb, purpose) = (question.verb, question.purpose.to_owned());
        answered.put.push(Put { told, verb, purpose, expected, records });
    }
    answered
}

async fn send(
    client: &Client,
    who: Who,
    question: &Question<'_>,
    kept: &Kept,
    ends: Option<&Ends>,
) -> Result<Back, ClientError> {
    let why = Intent { justification: Some(WHY.to_owned()), ..Intent::of(question.purpose) };
    let classes: Vec<&str> = question.classes.iter().map(String::as_str).collect();
    let shape = &kept.shape;
    // Who knows of no case and no contact names two that are none.
    let nowhere = ("0".repeat(32), "0".repeat(32));
    match question.verb {
        "reveal" => {
            let fields = client.reveal(&why, kept.record, &classes).await?.fields;
            Ok(Back { fields, ..NOTHING })
        }
        "match" => {
            let field = asked::field_of(shape, classes[0]);
            let asked = (field.name.clone(), field.sample(None));
            let matched = client.matches(&why, kept.record, asked).await?;
            Ok(Back { matches: Some(matched.matches), ..NOTHING })
        }
        "create" => {
            let classes: BTreeSet<&str> = classes.into_iter().collect();
            let ends = Some(ends.unwrap_or(&nowhere));
            let new = new_record(shape, &classes, who.territory(), ends);
            let made = client.create(&why, new).await?;
            Ok(Back { made: Some(made.record), ..NOTHING })
        }
        _ => {
            let field = asked::field_of(shape, classes[0]);
            let value = kept.values.get(&field.name).cloned();
            let changed = vec![(field.name.clone(), value.or_else(|| Some(field.sample(None))))];
            let (attributes, fields) =
                if classes[0] == F0 { (changed, Vec::new()) } else { (Vec::new(), changed) };
            let (record, expected_version) = (kept.record, kept.version);
            let change = Change { record, expected_version, attributes, fields };
            let version = Some(client.update(&why, change).await?.version);
            Ok(Back { version, ..NOTHING })
        }
    }
}

/// What is answered otherwise than expected.
fn otherwise(
    question: &Question<'_>,
    kept: &Kept,
    expected: &Expected,
    back: &Result<Back, ClientError>,
) -> Option<String> {
    let back = match back {
        Ok(back) => back,
        Err(ClientError::Refused(refusal)) => {
            let reason = refusal.reason.map_or("none", |reason| reason.as_str());
            if reason != expected.outcome {
                return Some(format!("refused: {refusal}; expected {}", expected.outcome));
            }
            let ids: BTreeSet<String> = refusal.policies.iter().cloned().collect();
            let told = match expected.outcome {
                // Permits of other classes may be named beside the refusals.
                "DENIED" => expected.refused_by.is_subset(&ids),
                _ => ids.is_empty(),
            };
            return (!told).then(|| format!("by {ids:?}; expected {:?}", expected.refused_by));
        }
        Err(error) => return Some(format!("neither answer nor refusal: {error}")),
    };
    if expected.outcome != "OK" {
        return Some(format!("answered; expected {}", expected.outcome));
    }
    match question.verb {
        "reveal" => shown_otherwise(kept, expected, &back.fields),
        "match" => {
            let field = asked::field_of(&kept.shape, &question.classes[0]);
            let there = kept.values.contains_key(&field.name);
            (back.matches != Some(there)).then(|| format!("matches: {:?}", back.matches))
        }
        _ => None,
    }
}

/// The first field that is shown otherwise than what is given of its class says.
fn shown_otherwise(kept: &Kept, expected: &Expected, fields: &[Field]) -> Option<String> {
    let mut left: BTreeSet<(&str, &str)> =
        fields.iter().map(|field| (field.class.as_str(), field.field.as_str())).collect();
    for (class, answer) in &expected.answers {
        for field in kept.shape.of_class(class) {
            let of = |shown: &&Field| shown.class == *class && shown.field == field.name;
            let Some(shown) = fields.iter().find(of) else {
                return Some(format!("{class}.{} is not in the answer", field.name));
            };
            left.remove(&(class.as_str(), field.name.as_str()));
            let filed = kept.values.get(&field.name);
            let wanted = asked::status(answer.given, filed.is_some());
            let value = match answer.given {
                Given::Whole => shown.value.as_ref() == filed,
                Given::Masked => shown.value.is_none() || shown.value.as_ref() != filed,
                Given::Nothing => shown.value.is_none(),
            };
            let by: BTreeSet<String> = shown.policies.iter().cloned().collect();
            let refused = answer.given != Given::Nothing || by == answer.refused_by;
            if shown.status != wanted || !value || !refused {
                let told = (shown.status, value, by);
                return Some(format!("{class}.{}: {told:?}; expected {wanted:?}", field.name));
            }
        }
    }
    (!left.is_empty()).then(|| format!("shown beside what was asked: {left:?}"))
}
