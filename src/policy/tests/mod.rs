//! The shipped pack, what a broken one is told, and what the engine answers.

mod bounds;
mod broken;
mod callers;
mod decisions;
mod derive;
mod glass;
mod mistakes;
mod records;
mod shipped;
mod ties;

use std::{path::PathBuf, sync::Arc};

use super::{engine::Principal, hash::PackFile, *};
use crate::{
    clock::Timestamp,
    ids::{
        AgentId, ClassName, CollectionName, PurposeName, RecordId, RoleName, TerritoryName,
        UnitName,
    },
};

/// 2020-11-23T08:00 in La Réunion.
pub(super) const MONDAY: Timestamp = Timestamp::from_millis(1_606_104_000_000);

/// The folder of the shipped pack.
pub(super) fn shipped_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("policies/contact-tracing")
}

/// The files of the shipped pack that count.
pub(super) fn shipped_files() -> Vec<PackFile> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(shipped_folder()).unwrap() {
        let entry = entry.unwrap();
        let path = entry.file_name().into_string().unwrap();
        if path.ends_with(".cedar") || path == "pack.toml" || path == "scenarios.toml" {
            files.push(PackFile { path, bytes: std::fs::read(entry.path()).unwrap() });
        }
    }
    files
}

/// The errors, one per line.
pub(super) fn listed(errors: &[PackError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The shipped pack; its errors, if any, fail the test.
pub(super) fn shipped_pack() -> Arc<Pack> {
    Pack::load(&shipped_folder()).unwrap_or_else(|errors| panic!("{}", listed(&errors)))
}

/// The shipped pack with more policies, for what it does not hold by itself. Its scenarios about the cap
/// are left out: the policies added here err on the fact that those are about.
pub(super) fn shipped_pack_and(policies: &str) -> Arc<Pack> {
    let mut files = shipped_files();
    let scenarios = files.iter_mut().find(|file| file.path == "scenarios.toml").unwrap();
    let text = String::from_utf8(scenarios.bytes.clone()).unwrap();
    let kept = text.split("[[scenarios]]").filter(|one| !one.contains("recent_subjects"));
    scenarios.bytes = kept.collect::<Vec<_>>().join("[[scenarios]]").into_bytes();
    files.push(PackFile { path: "more.cedar".into(), bytes: policies.into() });
    Pack::from_files(&files).unwrap_or_else(|errors| panic!("{}", listed(&errors)))
}

/// A person or service account of the shipped pack, and the words it is made of.
pub(super) struct Someone {
    agent: AgentId,
    role: RoleName,
    unit: Option<UnitName>,
    territory: Option<TerritoryName>,
    profession: Option<String>,
    service: bool,
}

impl Someone {
    pub(super) fn new(agent: &str, role: &str, unit: &str, territory: &str) -> Self {
        Self {
            agent: AgentId::parse(agent).unwrap(),
            role: RoleName::parse(role).unwrap(),
            unit: UnitName::parse(unit).ok(),
            territory: TerritoryName::parse(territory).ok(),
            profession: (role == "medical_service").then(|| "physician".into()),
            service: matches!(role, "intake" | "purge_robot"),
        }
    }

    pub(super) fn principal(&self) -> Principal<'_> {
        Principal {
            agent: &self.agent,
            role: &self.role,
            unit: self.unit.as_ref(),
            territory: self.territory.as_ref(),
            profession: self.profession.as_deref(),
            service: self.service,
            sworn: false,
            undertaking: true,
            valid_today: true,
        }
    }
}

/// A record and a request about it, as words.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) collection: CollectionName,
    pub(super) territory: TerritoryName,
    pub(super) units: Vec<UnitName>,
    pub(super) agents: Vec<AgentId>,
    pub(super) restricted: bool,
    pub(super) purpose: PurposeName,
    pub(super) to_agent: Option<AgentId>,
    pub(super) recent_subjects: u32,
    pub(super) break_glass: bool,
}

pub(super) const RECORD: RecordId = RecordId::from_bytes([7; 16]);

impl Asked {
    /// A record of La Réunion in this unit's queue, asked for purpose p2.
    pub(super) fn about(collection: &str, unit: &str) -> Self {
        Self {
            collection: CollectionName::parse(collection).unwrap(),
            territory: TerritoryName::parse("reunion").unwrap(),
            units: UnitName::parse(unit).into_iter().collect(),
            agents: Vec::new(),
            restricted: false,
            purpose: PurposeName::parse("p2").unwrap(),
            to_agent: None,
            recent_subjects: 0,
            break_glass: false,
        }
    }

    pub(super) fn context(&self) -> RequestContext<'_> {
        RequestContext {
            purpose: &self.purpose,
            now: MONDAY,
            justification: false,
            recent_subjects: self.recent_subjects,
            link: None,
            approved: false,
            break_glass: self.break_glass,
            assignee_agent: self.to_agent.as_ref(),
            assignee_unit: None,
        }
    }

    pub(super) fn decide(&self, pack: &Pack, who: &Someone, verb: Verb, classes: &str) -> Decision {
        self.decide_in(pack, who, verb, classes, &self.context())
    }

    /// The same in a context of the test's own.
    pub(super) fn decide_in(
        &self,
        pack: &Pack,
        who: &Someone,
        verb: Verb,
        classes: &str,
        context: &RequestContext<'_>,
    ) -> Decision {
        let spec = pack.collection(&self.collection).unwrap();
        let attributes = engine::ask::plausible(spec);
        let on = Resource {
            record: RECORD,
            collection: &self.collection,
            territory: Some(&self.territory),
            attributes: &attributes,
            assigned_agents: &self.agents,
            assigned_units: &self.units,
            restricted: self.restricted,
            held: false,
            filed_by: None,
            age_hours: 0,
        };
        let at = pack.moment(who.territory.as_ref(), MONDAY);
        let classes = class_names(classes);
        pack.decide_as(&who.principal(), verb, &on, &classes, context, at)
    }

    pub(super) fn decoy(&self, pack: &Pack, who: &Someone, verb: Verb, classes: &str) -> Decision {
        let at = pack.moment(who.territory.as_ref(), MONDAY);
        pack.decoy_as(&who.principal(), verb, &class_names(classes), &self.context(), at)
    }
}

pub(super) fn class_names(words: &str) -> Vec<ClassName> {
    words.split_whitespace().map(|word| ClassName::parse(word).unwrap()).collect()
}
