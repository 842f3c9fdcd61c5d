//! Everything the demo has: folders, clock, secrets, and what was filed under which name.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use tempfile::TempDir;

use super::{
    DemoError, Tell,
    script::{Filing, Script},
    served::{Home, Means},
    shipped,
};
use crate::{
    client::types::{Description, RecordFile},
    clock::{Clock, ManualClock, OffsetClock, Timestamp},
    ids::RecordId,
    random::{OsRandom, Random as _},
    secret::SecretBytes,
};

/// The demo's world. Its folders vanish with it.
pub(super) struct World<'a> {
    pub(super) tell: &'a mut Tell,
    pub(super) script: Script,
    pub(super) folder: TempDir,
    pub(super) home: Home,
    pub(super) means: Means,
    /// The hands of the clock; a served vault's clock runs by itself and has none.
    pub(super) clock: Arc<ManualClock>,
    pub(super) before_jump: Option<Timestamp>,
    pub(super) secrets: BTreeMap<String, Arc<SecretBytes>>,
    pub(super) records: BTreeMap<String, RecordId>,
    pub(super) description: Option<Description>,
    /// Values of the sample that must be found in clear in no file.
    pub(super) clear_values: Vec<String>,
    /// As `init` printed it: a certificate is never verified with a key found beside it.
    pub(super) certificate_key: String,
    /// The same for the log.
    pub(super) log_key: String,
    /// The data folder as it was before the first purge.
    pub(super) old_data: Option<PathBuf>,
}

impl<'a> World<'a> {
    /// A world whose clock only the demo moves.
    pub(super) fn manual(
        policy: Option<&Path>,
        within: &Path,
        tell: &'a mut Tell,
    ) -> Result<Self, DemoError> {
        Self::new(policy, within, tell, |clock, _| clock)
    }

    /// A world whose clock runs, from the script's start.
    pub(super) fn running(
        policy: Option<&Path>,
        within: &Path,
        tell: &'a mut Tell,
    ) -> Result<Self, DemoError> {
        Self::new(policy, within, tell, |_, start| Arc::new(OffsetClock::starting_at(start)))
    }

    fn new(
        policy: Option<&Path>,
        within: &Path,
        tell: &'a mut Tell,
        choose: impl FnOnce(Arc<dyn Clock>, Timestamp) -> Arc<dyn Clock>,
    ) -> Result<Self, DemoError> {
        let folder = tempfile::tempdir_in(within)?;
        let policy = match policy {
            Some(folder) => folder.to_owned(),
            None => {
                let unpacked = folder.path().join("policy");
                shipped::unpack(&unpacked)?;
                unpacked
            }
        };
        let script: Script = toml::from_str(&fs::read_to_string(policy.join("demo.toml"))?)?;
        let start = script.start.and_local_timezone(script.zone).earliest();
        let start = start.ok_or(DemoError::Calendar)?.timestamp_millis();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(start)));
        let mut root = vec![0; 32];
        OsRandom.fill(&mut root);
        let chosen = choose(Arc::clone(&clock) as Arc<dyn Clock>, Timestamp::from_millis(start));
        let places = ["place-1", "place-2"].map(|name| folder.path().join(name)).to_vec();
        Ok(Self {
            home: Home { data: folder.path().join("data"), places, policy },
            means: Means { clock: chosen, root: Arc::new(SecretBytes::new(root)) },
            tell,
            script,
            folder,
            clock,
            before_jump: None,
            secrets: BTreeMap::new(),
            records: BTreeMap::new(),
            description: None,
            clear_values: Vec::new(),
            certificate_key: String::new(),
            log_key: String::new(),
            old_data: None,
        })
    }

    /// The secret of an agent.
    pub(super) fn secret(&self, who: &str) -> Result<Arc<SecretBytes>, DemoError> {
        self.secrets.get(who).cloned().ok_or_else(|| DemoError::NoAgent(who.to_owned()))
    }

    /// The id of a record by its name in the script.
    pub(super) fn record(&self, name: &str) -> Result<RecordId, DemoError> {
        self.records.get(name).copied().ok_or_else(|| DemoError::NoRecord(name.to_owned()))
    }

    /// The lines of a filing with their names.
    pub(super) fn lines(&self, filing: &Filing) -> Result<Vec<(String, RecordFile)>, DemoError> {
        let path = self.home.policy.join(&filing.file);
        let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
        let stem = filing.named.as_deref().unwrap_or(stem);
        let text = fs::read_to_string(&path)?;
        let lines = text.lines().zip(1_usize..).map(|(line, number)| {
            let record = serde_json::from_str(line).map_err(|_| DemoError::Sample)?;
            Ok((format!("{stem}:{number}"), record))
        });
        lines.collect()
    }

    /// Remembers the longer text values of a line, to look for them in files later.
    pub(super) fn remember_clear_values(&mut self, line: &RecordFile) {
        // A date or a code says nothing about anybody, and occurs in rows that are not sealed.
        let telling = |t: &&str| t.len() > 9 && t.parse::<chrono::NaiveDate>().is_err();
        let texts = line.fields.values().filter_map(serde_json::Value::as_str);
        self.clear_values.extend(texts.filter(telling).map(str::to_owned));
    }
}
