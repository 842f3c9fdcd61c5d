//! Every question to one role, one call each, in the order they are put; what must be answered and what
//! must be in the log, as the oracle says.
//!
//! A reveal asks all classes of a record at once, masks included; match, create and write ask one class a
//! call. A create cannot leave out a class that the pack requires, so those are always filed with it. A
//! match names a field, and F0 has none: over the wire nobody can ask it.

use std::collections::BTreeSet;

use oubliette::client::types::FieldStatus;

use super::{
    expect::{Answer, Given},
    filed::{Ends, Kept},
    table::F0,
    world::{Shape, Standing, Who, World},
};

/// One question.
pub(super) struct Question<'w> {
    pub(super) verb: &'static str,
    pub(super) purpose: &'w str,
    /// Which of the role's records; for a create, of which shape.
    pub(super) at: usize,
    /// The classes asked; for a create, those filed.
    pub(super) classes: Vec<String>,
}

/// What must come of it.
#[derive(Clone)]
pub(super) struct Expected {
    pub(super) outcome: &'static str,
    pub(super) decision: &'static str,
    pub(super) collection: String,
    pub(super) asked: BTreeSet<String>,
    /// Class, field, mask.
    pub(super) given: BTreeSet<(String, String, String)>,
    /// The refusals by name that decided.
    pub(super) refused_by: BTreeSet<String>,
    /// Whether a permit decided as well.
    pub(super) permitted: bool,
    /// By class, what is given of it.
    pub(super) answers: Vec<(String, Answer)>,
}

/// Every question to this role.
pub(super) fn all<'w>(world: &'w World, kept: &[Kept]) -> Vec<Question<'w>> {
    let mut questions = Vec::new();
    // What is written last changes nothing that is asked before.
    for verb in ["reveal", "match", "create", "write"] {
        for purpose in world.oracle.purposes() {
            for (at, kept) in kept.iter().enumerate() {
                for classes in classes(world, verb, &kept.shape) {
                    questions.push(Question { verb, purpose, at, classes });
                }
            }
        }
    }
    questions
}

fn classes(world: &World, verb: &str, shape: &Shape) -> Vec<Vec<String>> {
    let all: Vec<String> =
        world.oracle.classes(&shape.name).into_iter().map(str::to_owned).collect();
    let single = |classes: &[String]| classes.iter().map(|class| vec![class.clone()]).collect();
    match verb {
        "reveal" => vec![all],
        "match" => single(&all[1..]),
        "create" => {
            let needed: Vec<String> =
                all.iter().filter(|class| *class == F0 || shape.needs(class)).cloned().collect();
            let more = all.iter().filter(|class| !needed.contains(class));
            let with = more.map(|class| needed.iter().chain([class]).cloned().collect());
            std::iter::once(needed.clone()).chain(with).collect()
        }
        _ => single(&all),
    }
}

/// What the oracle and the contract say to it.
pub(super) fn expected(
    world: &World,
    who: Who,
    question: &Question<'_>,
    kept: &[Kept],
    ends: Option<&Ends>,
) -> Expected {
    let Kept { shape, standing, .. } = &kept[question.at];
    let created = Standing { own: true, queued: false };
    let standing = if question.verb == "create" { created } else { *standing };
    let answer = |class: &String| {
        let asked = (question.verb, question.purpose, class.as_str());
        (class.clone(), world.says(who, asked, shape, standing))
    };
    let answers: Vec<(String, Answer)> = question.classes.iter().map(answer).collect();
    let allowed = answers.iter().filter(|(_, answer)| answer.given != Given::Nothing).count();
    let knows = allowed > 0 || world.knows(who, question.purpose, shape, standing);
    let outcome = outcome(world, who, question, (kept, ends), (allowed, knows));
    let decided = outcome != "APPROVAL_NEEDED" && !is_unfounded(question, shape, outcome);
    let done = outcome == "OK";
    let decision = match allowed {
        _ if !done => "deny",
        n if n == answers.len() => "allow",
        _ => "partial",
    };
    let named = match question.verb {
        "create" => true,
        "write" => done,
        _ => knows && outcome != "APPROVAL_NEEDED",
    };
    let refusals = answers.iter().flat_map(|(_, answer)| answer.refused_by.iter().cloned());
    Expected {
        outcome,
        decision,
        collection: if named { shape.name.clone() } else { String::new() },
        asked: asked(question, shape, outcome),
        given: if done && question.verb == "reveal" { given(shape, &answers) } else { [].into() },
        refused_by: if decided { refusals.collect() } else { [].into() },
        permitted: decided && allowed > 0,
        answers,
    }
}

/// A link whose ends are not both known is refused before anything is decided.
fn is_unfounded(question: &Question<'_>, shape: &Shape, outcome: &str) -> bool {
    question.verb == "create" && shape.name == "links" && outcome == "NOT_AVAILABLE"
}

fn outcome(
    world: &World,
    who: Who,
    question: &Question<'_>,
    (kept, ends): (&[Kept], Option<&Ends>),
    (allowed, knows): (usize, bool),
) -> &'static str {
    let shape = &kept[question.at].shape;
    match question.verb {
        "reveal" if question.purpose == "hold" => "APPROVAL_NEEDED",
        "create" => {
            let end = |name: &str| {
                let end = kept.iter().find(|kept| kept.shape.name == name).unwrap();
                world.knows(who, question.purpose, &end.shape, end.standing)
            };
            let known = ends.is_some() && end("cases") && end("contacts");
            match allowed == question.classes.len() {
                _ if shape.name == "links" && !known => "NOT_AVAILABLE",
                true => "OK",
                false => "DENIED",
            }
        }
        _ if !knows => "NOT_AVAILABLE",
        "match" if !field_of(shape, &question.classes[0]).search => "INVALID_FIELDS",
        _ if allowed == 0 => "DENIED",
        _ => "OK",
    }
}

/// The field that stands for a class in a match and in a write: the one that can be searched, if one can.
pub(super) fn field_of<'s>(shape: &'s Shape, class: &str) -> &'s super::world::Field {
    let fields = shape.of_class(class);
    if class == F0 {
        return fields.into_iter().find(|field| field.name == "state").unwrap();
    }
    let found = fields.iter().find(|field| field.search);
    found.or_else(|| fields.iter().find(|field| !field.is_reference())).unwrap()
}

fn asked(question: &Question<'_>, shape: &Shape, outcome: &str) -> BTreeSet<String> {
    let all = question.classes.iter();
    match question.verb {
        "create" if is_unfounded(question, shape, outcome) => BTreeSet::new(),
        "create" => all.filter(|class| *class != F0).cloned().collect(),
        "match" => all.map(|c| format!("{c}.{}", field_of(shape, c).name)).collect(),
        _ => all.cloned().collect(),
    }
}

fn given(shape: &Shape, answers: &[(String, Answer)]) -> BTreeSet<(String, String, String)> {
    let shown = answers.iter().filter(|(_, answer)| answer.given != Given::Nothing);
    let fields = shown.flat_map(|(class, answer)| {
        let masked = answer.given == Given::Masked;
        shape.of_class(class).into_iter().map(move |field| {
            let mask = if masked { field.mask().to_owned() } else { String::new() };
            (class.clone(), field.name.clone(), mask)
        })
    });
    fields.collect()
}

/// The status of a field that is there or not, by what is given of its class.
pub(super) fn status(given: Given, is_there: bool) -> FieldStatus {
    match given {
        Given::Nothing => FieldStatus::Denied,
        _ if !is_there => FieldStatus::Absent,
        Given::Masked => FieldStatus::Masked,
        Given::Whole => FieldStatus::Value,
    }
}
