//! The agents of the tests: one a role, and one just outside each rule about who somebody is.
//!
//! Nobody here exists; ids say the role and the territory.

use oubliette::client::types::{AgentKind, Habilitation, NewAgent};

/// An agent in one line.
struct Person {
    id: &'static str,
    role: &'static str,
    unit: &'static str,
    territory: &'static str,
    profession: &'static str,
    service: bool,
    undertaking: bool,
    valid_to: &'static str,
}

const fn person(
    id: &'static str,
    role: &'static str,
    unit: &'static str,
    territory: &'static str,
) -> Person {
    Person {
        id,
        role,
        unit,
        territory,
        profession: "",
        service: false,
        undertaking: true,
        valid_to: "2021-12-31",
    }
}

const fn service(id: &'static str, role: &'static str, territory: &'static str) -> Person {
    Person { service: true, undertaking: false, ..person(id, role, "", territory) }
}

const fn professional(
    id: &'static str,
    unit: &'static str,
    territory: &'static str,
    profession: &'static str,
) -> Person {
    Person { profession, ..person(id, "medical_service", unit, territory) }
}

/// Whom a test may ask for.
const AGENTS: &[Person] = &[
    person("inv-974", "investigator", "investigation-974", "reunion"),
    person("inv-974-b", "investigator", "investigation-974", "reunion"),
    person("inv-971", "investigator", "investigation-971", "guadeloupe"),
    Person {
        undertaking: false,
        ..person("inv-974-unsigned", "investigator", "investigation-974", "reunion")
    },
    Person {
        valid_to: "2020-11-23",
        ..professional("med-974-last-day", "medical-974", "reunion", "physician")
    },
    person("pil-974", "pilotage", "pilotage-974", "reunion"),
    person("clu-974", "clusters", "clusters-974", "reunion"),
    person("spf-974", "public_health", "", "reunion"),
    person("ope-974", "operator", "operators-974", "reunion"),
    person("ope-974-b", "operator", "operators-974", "reunion"),
    person("ope-974-c", "operator", "operators-974", "reunion"),
    person("ope-971", "operator", "operators-971", "guadeloupe"),
    person("scr-974", "screening", "screening-974", "reunion"),
    person("edu-974", "education", "education-974", "reunion"),
    person("cgss-971", "cgss_desk", "desk-971", "guadeloupe"),
    person("cgss-971-b", "cgss_desk", "desk-971", "guadeloupe"),
    Person { profession: "physician", ..person("doc-974", "level1", "", "reunion") },
    Person { profession: "physician", ..person("doc-974-b", "level1", "", "reunion") },
    Person { profession: "administrative", ..person("doc-974-none", "level1", "", "reunion") },
    person("pha-974", "pharmacist", "", "reunion"),
    person("lab-974", "laboratory", "", "reunion"),
    person("lab-974-b", "laboratory", "", "reunion"),
    person("keys-974", "key_admin", "", "reunion"),
    service("robot-974", "purge_robot", "reunion"),
    professional("med-974", "medical-974", "reunion", "physician"),
    professional("med-971", "medical-971", "guadeloupe", "physician"),
    professional("adm-974", "medical-974", "reunion", "administrative"),
    service("feed-974", "intake", "reunion"),
    service("feed-971", "intake", "guadeloupe"),
    person("feed-person", "intake", "", "reunion"),
    person("desk-974", "rights_desk", "", "reunion"),
    person("dpo-2", "dpo", "", ""),
    person("dpo-974", "dpo", "", "reunion"),
    service("robot", "purge_robot", ""),
    person("robot-person", "purge_robot", "", ""),
    // Of the second pack, the desk of a town.
    person("front-desk", "receptionist", "", "town"),
    person("duty", "duty_officer", "", "town"),
];

/// The agent as somebody of this role, under another id.
pub(crate) fn as_role(id: &str, role: &str) -> NewAgent {
    let mut agent = new_agent(id);
    agent.agent = format!("{id}-as-{role}");
    agent.habilitation.role = role.to_owned();
    agent
}

/// The agent as the key admin appoints it. Panics for an id that is not of the list.
pub(crate) fn new_agent(id: &str) -> NewAgent {
    let person = AGENTS.iter().find(|p| p.id == id);
    let person = person.unwrap_or_else(|| panic!("no agent {id} in the list"));
    let optional = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
    NewAgent {
        agent: id.to_owned(),
        kind: if person.service { AgentKind::Service } else { AgentKind::Person },
        display_name: format!("Test agent {id}"),
        habilitation: Habilitation {
            role: person.role.to_owned(),
            unit: optional(person.unit),
            territory: optional(person.territory),
            valid_from: "2020-11-01".to_owned(),
            valid_to: person.valid_to.to_owned(),
            authority: "Test authority".to_owned(),
            profession: optional(person.profession),
            sworn: false,
            undertaking_on: person.undertaking.then(|| "2020-11-02".to_owned()),
            undertaking_ref: person.undertaking.then(|| "register".to_owned()),
        },
    }
}

/// The secret an agent chooses at first login.
pub(crate) fn secret_of(agent: &str) -> String {
    format!("{agent} sings 47 Blue canticles")
}
