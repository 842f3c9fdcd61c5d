//! Loads a pack, whole or not at all.
//!
//! Loading reads each file once, resolves the vocabulary, validates the policies against the schema
//! generated from it, and runs the pack's scenarios. Whatever is wrong is reported with file, line
//! and reason, as much of it as can be found. Invariant: no pack leaves here whose scenarios fail.

use std::{path::Path, sync::Arc};

use super::{
    engine::Engine,
    hash::{PackFile, pack_hash},
    pack::{
        Pack,
        error::{PackError, Source},
        files, vocabulary,
    },
    scenarios,
};

impl Pack {
    /// Loads `pack.toml`, `*.cedar`, `scenarios.toml`; validates; runs the scenarios.
    /// Errors: everything found, in the order of the files.
    pub fn load(dir: &Path) -> Result<Arc<Self>, Vec<PackError>> {
        Self::from_files(&files::read(dir)?)
    }

    pub(super) fn from_files(files: &[PackFile]) -> Result<Arc<Self>, Vec<PackError>> {
        let mut errors = Vec::new();
        let mut texts: Vec<(&str, &str)> = Vec::new();
        for file in files {
            match std::str::from_utf8(&file.bytes) {
                Ok(text) => texts.push((&file.path, text)),
                Err(_) => errors.push(PackError {
                    file: file.path.clone(),
                    line: 0,
                    reason: "the file is not UTF-8".into(),
                }),
            }
        }
        texts.sort_unstable();
        let text_of = |path| texts.iter().find(|(p, _)| *p == path).map_or("", |(_, text)| text);
        let mut source = Source::new(files::PACK_FILE, text_of(files::PACK_FILE));
        let vocabulary = vocabulary::read(&mut source);
        errors.append(&mut source.errors);
        let policies: Vec<_> =
            texts.iter().filter(|(path, _)| path.ends_with(".cedar")).copied().collect();
        let engine = Engine::compile(vocabulary.as_ref(), &policies, &mut errors);
        let (Some(vocabulary), Some(engine), true) = (vocabulary, engine, errors.is_empty()) else {
            // The scenarios cannot run, but their own slips can be shown at once.
            let text = text_of(files::SCENARIOS_FILE);
            let mut source = Source::new(files::SCENARIOS_FILE, text);
            let _ = scenarios::read(&mut source);
            errors.append(&mut source.errors);
            return Err(errors);
        };
        let pack = Self::of(vocabulary, engine, pack_hash(files));
        let mut failed = pack.idle_break_glass(files::PACK_FILE);
        failed.extend(scenarios::run(&pack, files::SCENARIOS_FILE, text_of(files::SCENARIOS_FILE)));
        if failed.is_empty() { Ok(Arc::new(pack)) } else { Err(failed) }
    }
}
