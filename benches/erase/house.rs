//! A vault in folders of its own, in process: an embedded store, two key places, the shipped pack.
//!
//! Its clock is the offset clock of a served demo, since the shipped pack's end date has passed.

use std::{path::Path, sync::Arc};

use oubliette::{
    clock::{OffsetClock, Timestamp},
    identity::{AgentKind, Caller, Habilitation, NewAgent},
    ids::{AgentId, CollectionName, FieldName, PurposeName, RecordId, RoleName, SegmentId},
    keyring::{CohortKey, Draft, Keyring, KeyringError, RootSource},
    policy::Value,
    random::OsRandom,
    secret::Secret,
    storage::Engine,
    vault::{
        CreateInput, ImportBatch, ImportRecord, Intent, Vault,
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

/// A running vault.
pub(crate) struct House {
    folder: TempDir,
    pub(crate) vault: Arc<Vault>,
    pub(crate) runtime: Runtime,
}

impl House {
    /// Founds and starts a vault.
    pub(crate) fn open() -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let vault = found_and_start(folder.path())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        Ok(Self { folder, vault, runtime })
    }

    /// A folder on the file system of the data.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its keyring.
    pub(crate) fn keyring(&self) -> &Arc<Keyring> {
        self.vault.log().keyring()
    }

    /// Writes and publishes a generation.
    pub(crate) fn generation(
        &self,
        change: impl FnOnce(&mut Draft) -> Result<(), KeyringError>,
    ) -> Outcome<()> {
        let log = self.vault.log();
        let mut draft = log.keyring().draft();
        change(&mut draft)?;
        log.publish(draft.write(log.state(), log.random().as_ref())?)?;
        Ok(())
    }

    /// Opens a segment of a cohort of its own, the `number`th, and hands out so many slots of it.
    pub(crate) fn segment(&self, number: u64, slots: usize) -> Outcome<SegmentId> {
        let first: chrono::NaiveDate = "2030-01-01".parse()?;
        let date = first.checked_add_days(chrono::Days::new(number)).ok_or("a date")?;
        let key = CohortKey {
            collection: CollectionName::parse("contacts")?,
            expires_on: date,
            zone: chrono_tz::Indian::Reunion,
        };
        let mut seg = None;
        self.generation(|draft| {
            seg = Some(draft.open_segment(&key, &OsRandom)?);
            Ok(())
        })?;
        for _ in 0..slots {
            self.keyring().hand_out(&key)?;
        }
        seg.ok_or_else(|| "a segment is opened".into())
    }

    /// Files so many contacts.
    pub(crate) fn file(&self, records: usize) -> Outcome<Vec<RecordId>> {
        let who = caller("feed-974", AgentKind::Service, "intake", Some("reunion"))?;
        let why = intent("p1")?;
        let mut filed = Vec::with_capacity(records);
        while filed.len() < records {
            let next = (records - filed.len()).min(256);
            let one = |number| Ok(ImportRecord { request: None, input: contact(number)? });
            let batch = ImportBatch {
                collection: CollectionName::parse("contacts")?,
                records: (0..next).map(one).collect::<Outcome<_>>()?,
            };
            let answers = self.runtime.block_on(self.vault.import(&who, &why, batch))?;
            for answer in answers {
                filed.push(answer?.record);
            }
        }
        Ok(filed)
    }

    /// Drains.
    pub(crate) fn close(self) {
        self.vault.drain();
    }
}

/// Who erases, and why.
pub(crate) fn rights_desk() -> Outcome<(Caller, Intent)> {
    let who = caller("desk-974", AgentKind::Person, "rights_desk", Some("reunion"))?;
    let justification = Some("objection upheld".to_owned());
    Ok((who, Intent { justification, ..intent("p7")? }))
}

fn intent(purpose: &str) -> Outcome<Intent> {
    Ok(Intent { purpose: PurposeName::parse(purpose)?, justification: None, request: None })
}

fn caller(name: &str, kind: AgentKind, role: &str, territory: Option<&str>) -> Outcome<Caller> {
    let mut habilitation = habilitation(role)?;
    habilitation.territory = territory.map(oubliette::ids::TerritoryName::parse).transpose()?;
    Ok(Caller { agent: AgentId::parse(name)?, kind, habilitation, service: None })
}

/// A contact of the shipped pack with values in three classes. Visibly nobody.
fn contact(number: usize) -> Outcome<CreateInput> {
    let text = |text: &str| Value::Text(text.to_owned());
    let named = |pairs: Vec<(&str, Value)>| -> Outcome<Vec<(FieldName, Value)>> {
        pairs.into_iter().map(|(name, value)| Ok((FieldName::parse(name)?, value))).collect()
    };
    Ok(CreateInput {
        collection: CollectionName::parse("contacts")?,
        subject: None,
        collected_on: TODAY.parse()?,
        attributes: named(vec![("territory", text("reunion")), ("state", text("to_call"))])?,
        fields: named(vec![
            ("last_name", text("Exemple")),
            ("first_names", text("Personne Fictive")),
            ("nir", text("199089741100165")),
            ("street", text(&format!("{number} rue de l'Exemple"))),
            ("phone", text("0692000000")),
        ])?,
    })
}

fn found_and_start(folder: &Path) -> Outcome<Arc<Vault>> {
    let key = Secret::<32>::make(&OsRandom);
    // EXPOSE: the same random key is given twice, to found and to start.
    let key = *key.expose();
    let data = folder.join("data");
    prepare_data_folder(&data)?;
    let places = [folder.join("keys-a"), folder.join("keys-b")];
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/contact-tracing");
    let parts = || {
        let engine = Engine::Fjall;
        let folders = Folders { data: &data, places: &places, policy: &policy, engine };
        let clock = Arc::new(OffsetClock::starting_at(Timestamp::from_millis(START_MS)));
        let root = RootSource::KeyFile(Secret::from_bytes(key));
        Parts::in_folders(&folders, root, clock, Arc::new(OsRandom), false)
    };
    let founders = Founders {
        vault_name: "bench".to_owned(),
        node: "node-1".to_owned(),
        key_admin: founder("keys-1", "key_admin")?,
        dpo: founder("dpo-1", "dpo")?,
    };
    found(parts()?, founders)?;
    Ok(start(parts()?)?)
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
