//! What becomes of each line: counted, said on the error output where it was refused, and written to
//! the files that were asked for. Ids, paths and reasons only; never a value.

use std::{
    collections::BTreeMap,
    fs::{File, Permissions},
    io::{BufWriter, Write},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::json;

use super::{
    Failure,
    engine::Report,
    line::named_path,
    window::{Faulty, Sent},
};
use crate::{
    cli::{
        out,
        progress::{Progress, bar},
    },
    client::{
        ClientError, Reason,
        types::{Created, ItemRefusal},
    },
};

/// What was done.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Summary {
    /// Filed by this run.
    pub(super) filed: u64,
    /// Filed by an earlier one.
    pub(super) repeated: u64,
    /// Refused, by reason.
    pub(super) refused: BTreeMap<String, u64>,
}

impl Summary {
    /// Lines that were not filed.
    pub(super) fn refusals(&self) -> u64 {
        self.refused.values().fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// In one line.
    pub(super) fn line(&self) -> String {
        format!("{} filed, {} filed before, {} refused", self.filed, self.repeated, self.refusals())
    }

    /// For people.
    pub(super) fn print(&self) {
        out::line(&self.line());
        for (reason, count) in &self.refused {
            let meaning = Reason::parse(reason).map_or("", Reason::message);
            out::line(format!("  {reason} {count}  {meaning}").trim_end());
        }
    }
}

/// A file of results, one JSON object a line.
pub(super) struct Results {
    path: PathBuf,
    file: BufWriter<File>,
}

impl Results {
    /// Begins the file anew, for its owner alone. It must not be one of `others`.
    pub(super) fn create(path: &Path, others: &[&Path]) -> Result<Self, Failure> {
        let fault = |e| Failure::file("writing", path, &e);
        if others.iter().any(|other| same_file(path, other)) {
            let message = format!("`{}` is named twice", path.display());
            return Err(Failure::usage(message).hint("results go into files of their own"));
        }
        let mut options = File::options();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(path).map_err(fault)?;
        // A file that was there keeps its mode when it is opened.
        file.set_permissions(Permissions::from_mode(0o600)).map_err(fault)?;
        let file = BufWriter::new(file);
        Ok(Self { path: path.to_owned(), file })
    }

    fn write(&mut self, value: &serde_json::Value) -> Result<(), Failure> {
        writeln!(self.file, "{value}").map_err(|e| Failure::file("writing", &self.path, &e))
    }

    fn finish(&mut self) -> Result<(), Failure> {
        self.file.flush().map_err(|e| Failure::file("writing", &self.path, &e))
    }
}

fn same_file(one: &Path, other: &Path) -> bool {
    let id = |path: &Path| path.metadata().map(|m| (m.dev(), m.ino()));
    one == other || matches!((id(one), id(other)), (Ok(one), Ok(other)) if one == other)
}

/// Counts, says and writes.
pub(super) struct Told<'c, W: Write> {
    pub(super) summary: Summary,
    /// The name of the file in messages.
    pub(super) name: String,
    pub(super) results: Option<Results>,
    pub(super) rejects: Option<Results>,
    pub(super) progress: Progress<'c, W>,
    /// Length of the file, where it is known.
    pub(super) whole: Option<u64>,
}

impl<W: Write> Told<'_, W> {
    /// Takes the progress line away and writes what is left, also after a failure.
    pub(super) fn finish(&mut self) -> Result<(), Failure> {
        self.progress.clear();
        let files = [&mut self.results, &mut self.rejects];
        files.into_iter().flatten().try_for_each(Results::finish)
    }

    fn show(&mut self, end: u64) {
        let Self { progress, summary, whole, .. } = self;
        progress.show(|| format!("{}{}", bar(end, *whole), summary.line()));
    }

    fn refuse(
        &mut self,
        line: u64,
        reason: &str,
        message: &str,
        violations: &[(String, String)],
    ) -> Result<(), Failure> {
        let count = self.summary.refused.entry(reason.to_owned()).or_default();
        *count = count.saturating_add(1);
        for text in sentences(reason, message, violations) {
            self.progress.say(&format!("{}:{line}: {}", self.name, out::plain(&text)));
        }
        let Some(rejects) = &mut self.rejects else { return Ok(()) };
        let listed: Vec<_> = violations
            .iter()
            .map(|(path, why)| json!({"path": path, "description": why}))
            .collect();
        let mut reject = json!({"line": line, "reason": reason, "violations": listed});
        if let (false, Some(object)) = (message.is_empty(), reject.as_object_mut()) {
            object.insert("message".to_owned(), json!(message));
        }
        rejects.write(&reject)
    }
}

/// One sentence a violation, or one for the reason alone.
fn sentences(reason: &str, message: &str, violations: &[(String, String)]) -> Vec<String> {
    match (violations, message) {
        ([], "") => vec![reason.to_owned()],
        ([], message) => vec![format!("{reason} {message}")],
        (all, _) => all.iter().map(|(path, why)| format!("{reason} {path}: {why}")).collect(),
    }
}

impl<W: Write> Report for Told<'_, W> {
    fn filed(&mut self, sent: &Sent, created: &Created) -> Result<(), Failure> {
        let count = match created.repeated {
            true => &mut self.summary.repeated,
            false => &mut self.summary.filed,
        };
        *count = count.saturating_add(1);
        if let Some(results) = &mut self.results {
            results.write(&json!({
                "line": sent.item.position,
                "record_id": created.record.to_string(),
                "subject_id": created.subject.to_string(),
                "version": created.version,
                "expires_on": created.expires_on,
                "repeated": created.repeated,
            }))?;
        }
        self.show(sent.end);
        Ok(())
    }

    fn refused(&mut self, sent: &Sent, refusal: &ItemRefusal) -> Result<(), Failure> {
        let named =
            |(path, why): &(String, String)| (named_path(path, &sent.item.record), why.clone());
        let violations: Vec<_> = refusal.violations.iter().map(named).collect();
        self.refuse(sent.item.position, &refusal.reason, &refusal.message, &violations)?;
        self.show(sent.end);
        Ok(())
    }

    fn faulty(&mut self, faulty: &Faulty) -> Result<(), Failure> {
        let Faulty { number, refusal, end } = faulty;
        self.refuse(*number, &refusal.reason, &refusal.message, &refusal.violations)?;
        self.show(*end);
        Ok(())
    }

    fn cut(&mut self, error: &ClientError) {
        // The transport's own words are many for one thing.
        let why = error.reason().map_or("the connection broke", |reason| reason.message());
        self.progress.say(&format!("{why}; going on from the first unanswered line"));
    }
}

#[cfg(test)]
mod tests;
