//! A vault of the shipped pack, in process, on a memory store or on fjall, that can be started again.
//!
//! The clock is the offset clock of a served demo, since the shipped pack's end date has passed. Nothing
//! here knows how the vault decides.

use std::{path::Path, sync::Arc};

use oubliette::{
    clock::{OffsetClock, Timestamp},
    identity::{AgentKind, Caller, Habilitation, NewAgent},
    ids::{
        AgentId, ClassName, CollectionName, FieldName, PurposeName, RecordId, RoleName,
        TerritoryName, UnitName,
    },
    keyring::{MemoryPlaces, RootSource},
    policy::{Pack, Value},
    random::OsRandom,
    secret::Secret,
    storage::{Engine, memory::MemoryDisk},
    vault::{
        CreateInput, ImportBatch, ImportRecord, Intent, RevealInput, Vault, VaultError,
        startup::{Folders, Founders, Parts, found, prepare_data_folder, start},
    },
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::Outcome;

/// 2020-11-23T08:00 in La Réunion.
const START_MS: i64 = 1_606_104_000_000;
/// The civil date there.
const TODAY: &str = "2020-11-23";
const ROOT: [u8; 32] = [7; 32];

/// What keeps the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Keeper {
    /// No device at all: nothing but the vault's own work.
    Memory,
    /// As it is served.
    Fjall,
}

/// Which records are asked for by an operator of La Réunion whose they are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Records {
    /// Of the same territory, in nobody's hands.
    Unassigned,
    /// Of the other territory.
    Elsewhere,
}

/// A running vault.
pub(crate) struct House {
    folder: TempDir,
    keeper: Keeper,
    disk: MemoryDisk,
    places: MemoryPlaces,
    vault: Option<Arc<Vault>>,
    runtime: Runtime,
    operator: Caller,
    why: Intent,
}

impl Keeper {
    pub(crate) const ALL: [Self; 2] = [Self::Memory, Self::Fjall];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Fjall => "fjall",
        }
    }
}

impl Records {
    pub(crate) const ALL: [Self; 2] = [Self::Unassigned, Self::Elsewhere];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Unassigned => "in nobody's hands",
            Self::Elsewhere => "of the other territory",
        }
    }
}

impl House {
    /// Founds and starts a vault.
    pub(crate) fn open(keeper: Keeper) -> Outcome<Self> {
        let mut house = Self {
            folder: tempfile::tempdir()?,
            keeper,
            disk: MemoryDisk::new(),
            places: MemoryPlaces::new(2),
            vault: None,
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
            operator: caller("operator-974", AgentKind::Person, "operator", "reunion")?,
            why: intent("p2")?,
        };
        house.operator.habilitation.unit = Some(UnitName::parse("operators-974")?);
        let founders = Founders {
            vault_name: "bench".to_owned(),
            node: "node-1".to_owned(),
            key_admin: founder("keys-1", "key_admin")?,
            dpo: founder("dpo-1", "dpo")?,
        };
        prepare_data_folder(&house.folder.path().join("data"))?;
        found(house.parts()?, founders)?;
        house.start()?;
        Ok(house)
    }

    /// Starts again: no key of a record is in memory then.
    pub(crate) fn restart(&mut self) -> Outcome<()> {
        if let Some(vault) = self.vault.take() {
            vault.drain();
        }
        self.places.restart();
        self.start()
    }

    fn start(&mut self) -> Outcome<()> {
        let vault = start(self.parts()?)?;
        // What the background thread of `serve` does first: today's and tomorrow's segments.
        vault.tick()?;
        self.vault = Some(vault);
        Ok(())
    }

    fn parts(&self) -> Outcome<Parts> {
        let root = RootSource::KeyFile(Secret::from_bytes(ROOT));
        let clock = Arc::new(OffsetClock::starting_at(Timestamp::from_millis(START_MS)));
        let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/contact-tracing");
        if self.keeper == Keeper::Fjall {
            let data = self.folder.path().join("data");
            let places = [self.folder.path().join("keys-a"), self.folder.path().join("keys-b")];
            let folders =
                Folders { data: &data, places: &places, policy: &policy, engine: Engine::Fjall };
            return Ok(Parts::in_folders(&folders, root, clock, Arc::new(OsRandom), false)?);
        }
        Ok(Parts {
            store: Arc::new(self.disk.open()),
            places: self.places.places(),
            without_places: Vec::new(),
            root,
            pack: Pack::load(&policy).map_err(|errors| format!("{errors:#?}"))?,
            clock,
            random: Arc::new(OsRandom),
            swap_accepted: false,
        })
    }

    fn vault(&self) -> Outcome<&Arc<Vault>> {
        self.vault.as_ref().ok_or_else(|| "no vault runs".into())
    }

    /// Files so many contacts that the operator may not know of.
    pub(crate) fn file(&self, records: Records, count: usize) -> Outcome<Vec<RecordId>> {
        let territory = match records {
            Records::Unassigned => "reunion",
            Records::Elsewhere => "guadeloupe",
        };
        let (who, why) = (caller("feed", AgentKind::Service, "intake", territory)?, intent("p1")?);
        let mut filed = Vec::with_capacity(count);
        while filed.len() < count {
            let next = (count - filed.len()).min(256);
            let one = |n| Ok(ImportRecord { request: None, input: contact(n, territory)? });
            let batch = ImportBatch {
                collection: CollectionName::parse("contacts")?,
                records: (0..next).map(one).collect::<Outcome<_>>()?,
            };
            for answer in self.runtime.block_on(self.vault()?.import(&who, &why, batch))? {
                filed.push(answer?.record);
            }
        }
        Ok(filed)
    }

    /// The operator asks for a record that is none of his business, or none at all.
    pub(crate) fn ask(&self, record: RecordId) -> Outcome<()> {
        let classes = vec![ClassName::parse("identity")?, ClassName::parse("coordinates")?];
        let input = RevealInput { record, classes, approval: None };
        let call = self.vault()?.reveal(&self.operator, &self.why, input);
        match self.runtime.block_on(call) {
            Err(VaultError::NotAvailable) => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Err("a record that is none of his business was shown".into()),
        }
    }

    /// Drains.
    pub(crate) fn close(self) {
        if let Some(vault) = self.vault {
            vault.drain();
        }
    }
}

fn intent(purpose: &str) -> Outcome<Intent> {
    Ok(Intent { purpose: PurposeName::parse(purpose)?, justification: None, request: None })
}

fn caller(name: &str, kind: AgentKind, role: &str, territory: &str) -> Outcome<Caller> {
    let mut habilitation = habilitation(role)?;
    habilitation.territory = Some(TerritoryName::parse(territory)?);
    Ok(Caller { agent: AgentId::parse(name)?, kind, habilitation, service: None })
}

/// A contact of the shipped pack with values in three classes. Visibly nobody.
fn contact(number: usize, territory: &str) -> Outcome<CreateInput> {
    let text = |text: &str| Value::Text(text.to_owned());
    let named = |pairs: Vec<(&str, Value)>| -> Outcome<Vec<(FieldName, Value)>> {
        pairs.into_iter().map(|(name, value)| Ok((FieldName::parse(name)?, value))).collect()
    };
    Ok(CreateInput {
        collection: CollectionName::parse("contacts")?,
        subject: None,
        collected_on: TODAY.parse()?,
        attributes: named(vec![("territory", text(territory)), ("state", text("to_call"))])?,
        fields: named(vec![
            ("last_name", text("Exemple")),
            ("first_names", text("Personne Fictive")),
            ("nir", text("199089741100165")),
            ("street", text(&format!("{number} rue de l'Exemple"))),
            ("phone", text("0692000000")),
        ])?,
    })
}

fn founder(name: &str, role: &str) -> Outcome<NewAgent> {
    Ok(NewAgent {
        agent: AgentId::parse(name)?,
        kind: AgentKind::Person,
        display_name: name.to_owned(),
        habilitation: habilitation(role)?,
    })
}

fn habilitation(role: &str) -> Outcome<Habilitation> {
    Ok(Habilitation {
        role: RoleName::parse(role)?,
        unit: None,
        territory: None,
        valid_from: TODAY.parse()?,
        valid_to: "2021-12-31".parse()?,
        authority: "the bench".to_owned(),
        profession: None,
        sworn: false,
        undertaking_on: Some(TODAY.parse()?),
        undertaking_ref: Some("bench".to_owned()),
    })
}
