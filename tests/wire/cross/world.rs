//! Who asks and about what: the roles' agents, the pack's collections by their fields, and the one
//! circumstance in which everything is asked.
//!
//! The circumstance: own territory, in hours, nothing restricted or held, no link named, a justification
//! given; a school situation, referred, with a home visit booked for today, a result that was received;
//! support once as a sick note and once as social support with consent. A record is filed by the agent
//! himself where his role may file it, else by another, and a case, contact or link is in the queue of the
//! agent's unit where he has one. It must not know a policy.

use std::{fs, path::Path};

use oubliette::client::types::Value;
use serde::Deserialize;

use super::{
    expect::{Answer, Given, Relevant},
    facts::{Fact, Facts},
    table::{F0, Oracle, Question},
};
use crate::support::{NIR_A, date, shipped_pack, text};

/// A role that somebody can have, and who has it here.
#[derive(Clone, Copy)]
pub(super) struct Who {
    pub(super) role: &'static str,
    pub(super) agent: &'static str,
    pub(super) unit: &'static str,
    pub(super) physician: bool,
}

const fn who(role: &'static str, agent: &'static str, unit: &'static str) -> Who {
    Who { role, agent, unit, physician: false }
}

/// One agent a role; who files for the others comes first.
pub(super) const ALL: [Who; 17] = [
    who("investigator", "inv-974", "investigation-974"),
    who("operator", "ope-974", "operators-974"),
    who("intake", "feed-974", ""),
    who("pilotage", "pil-974", "pilotage-974"),
    who("clusters", "clu-974", "clusters-974"),
    who("screening", "scr-974", "screening-974"),
    who("education", "edu-974", "education-974"),
    Who { physician: true, ..who("medical_service", "med-974", "medical-974") },
    Who { physician: true, ..who("level1", "doc-974", "") },
    who("pharmacist", "pha-974", ""),
    who("laboratory", "lab-974", ""),
    who("public_health", "spf-974", ""),
    who("rights_desk", "desk-974", ""),
    who("dpo", "dpo-974", ""),
    who("purge_robot", "robot-974", ""),
    who("key_admin", "keys-974", ""),
    who("cgss_desk", "cgss-971", "desk-971"),
];

/// One attribute or field of the pack, as far as a question about it needs.
#[derive(Deserialize, Clone)]
pub(super) struct Field {
    pub(super) name: String,
    #[serde(default)]
    pub(super) class: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    pub(super) required: bool,
    #[serde(default)]
    pub(super) search: bool,
    mask: Option<String>,
    to: Option<String>,
}

/// One collection, and for support of which kind.
#[derive(Deserialize, Clone)]
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) attributes: Vec<Field>,
    pub(super) fields: Vec<Field>,
    #[serde(skip)]
    pub(super) social: bool,
}

/// How a record stands to who asks.
#[derive(Clone, Copy)]
pub(super) struct Standing {
    pub(super) own: bool,
    pub(super) queued: bool,
}

/// The oracle and the pack's collections.
pub(super) struct World {
    pub(super) oracle: Oracle,
    pub(super) shapes: Vec<Shape>,
}

// === impl Who ===

impl Who {
    pub(super) fn is_elsewhere(self) -> bool {
        self.agent.ends_with("-971")
    }

    pub(super) fn territory(self) -> &'static str {
        if self.is_elsewhere() { "guadeloupe" } else { "reunion" }
    }
}

// === impl Field ===

impl Field {
    /// A value of its kind. The ends of a link are given.
    pub(super) fn sample(&self, ends: Option<(&str, &str)>) -> Value {
        match (self.kind.as_str(), &self.to) {
            ("reference", Some(to)) => {
                let (case, contact) = ends.unwrap();
                text(if to == "cases" { case } else { contact })
            }
            ("date", _) => date("2020-11-20"),
            ("nir", _) => text(NIR_A),
            ("phone", _) => text("+262639980001"),
            ("email", _) => text("exemple@example.org"),
            ("postcode", _) => text("97400"),
            ("boolean", _) => Value::Boolean(true),
            ("code", _) => text(&self.values[0]),
            ("name" | "text", _) => text("Exemple"),
            (kind, _) => panic!("no sample of {kind}"),
        }
    }

    pub(super) fn is_reference(&self) -> bool {
        self.to.is_some()
    }

    /// The mask that an event names.
    pub(super) fn mask(&self) -> &str {
        self.mask.as_deref().unwrap_or("hidden")
    }
}

// === impl Shape ===

impl Shape {
    pub(super) fn of_class(&self, class: &str) -> Vec<&Field> {
        match class {
            F0 => self.attributes.iter().collect(),
            class => self.fields.iter().filter(|field| field.class == class).collect(),
        }
    }

    /// Whether a record cannot be without this class.
    pub(super) fn needs(&self, class: &str) -> bool {
        self.of_class(class).iter().any(|field| field.required)
    }

    /// The attributes of every record here: what the circumstance says, and no other.
    pub(super) fn circumstance(&self, territory: &str) -> Vec<(String, Value)> {
        let kind = if self.social { "social" } else { "sick_note" };
        let known = |name: &str| match name {
            "territory" => Some(text(territory)),
            "kind" if self.name == "support" => Some(text(kind)),
            "social_consent" => self.social.then_some(Value::Boolean(true)),
            "school" | "referred" => Some(Value::Boolean(true)),
            "home_visit_on" => Some(date("2020-11-23")),
            _ => None,
        };
        let one = |field: &Field| {
            let value = known(&field.name).or_else(|| field.required.then(|| field.sample(None)));
            Some((field.name.clone(), value?))
        };
        self.attributes.iter().filter_map(one).collect()
    }
}

// === impl World ===

impl World {
    pub(super) fn read() -> Self {
        #[derive(Deserialize)]
        struct File {
            collections: Vec<Shape>,
        }
        let path = Path::new(&shipped_pack()).join("pack.toml");
        let file: File = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let mut shapes = file.collections;
        let support = shapes.iter().find(|shape| shape.name == "support").unwrap().clone();
        shapes.push(Shape { social: true, ..support });
        // A link is filed after its ends.
        shapes.sort_by_key(|shape| shape.name == "links");
        Self { oracle: Oracle::read(), shapes }
    }

    /// The circumstance in the oracle's words.
    fn facts(&self, who: Who, shape: &Shape, standing: Standing) -> Facts {
        Facts::plain()
            .with(Fact::Service, usize::from(self.oracle.is_service(who.role)))
            .with(Fact::CallerTerritory, usize::from(who.is_elsewhere()))
            .with(Fact::Assigned, if standing.queued { 2 } else { 0 })
            .with(Fact::FiledBy, usize::from(standing.own))
            .with(Fact::School, 1)
            .with(Fact::Referred, 1)
            .with(Fact::HomeVisit, 2)
            .with(Fact::SupportKind, usize::from(shape.social))
            .with(Fact::SocialConsent, usize::from(shape.social))
            .with(Fact::Profession, if who.physician { 2 } else { 0 })
            .with(Fact::Justification, 1)
    }

    /// What the oracle says to one class of one record.
    pub(super) fn says(
        &self,
        who: Who,
        (verb, purpose, class): (&str, &str, &str),
        shape: &Shape,
        standing: Standing,
    ) -> Answer {
        let question = Question { role: who.role, purpose, collection: &shape.name, class, verb };
        Relevant::of(&self.oracle, question).answer(&self.facts(who, shape, standing))
    }

    /// Whether who asks may know of a record: some of its attributes are his to see.
    pub(super) fn knows(&self, who: Who, purpose: &str, shape: &Shape, standing: Standing) -> bool {
        self.says(who, ("reveal", purpose, F0), shape, standing).given == Given::Whole
    }
}
