//! `oubliette restore`: a new data folder out of a backup, while no vault runs.
//!
//! Order: the backup is verified whole; the key places are taken and asked whose they are; the rows are
//! written beside the new folder's name, read back and compared; then the folder gets its name. A restore
//! that is cut leaves a folder `NEW.partial` that no vault starts from. It writes nothing to a key place,
//! and erases nothing: the next start does what is due.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{
    backup::{self, Manifest, Verified},
    failure::Failure,
    out,
    place::at_rest::AtRest,
    progress::{Progress, bar},
    secrets::shell,
};
use crate::{
    clock::SystemClock,
    storage::Engine,
    vault::startup::{PlacesOfBackup, Refill, StartError, prepare_data_folder},
};

const AFTER: &str = "\
Example:
  mv /var/lib/oubliette /var/lib/oubliette.old
  oubliette restore /media/usb/backup-2020-11-23 --data /var/lib/oubliette \\
      --keys /mnt/key-a --keys /mnt/key-b --passphrase-file /run/keys/passphrase

Only the data folder is restored; the key places stay as they are and must be those of the vault that the
backup is of. An existing data folder is never written to: move it away first.

What the next start then does, by itself: whatever was erased or purged since the backup has no key any
more, is deleted again and counted in an event `sweep` (or in a certificate, where the backup caught a
purge or an erasure in its middle); the audit log goes on in a new origin, whose first event says what was
lost; an alarm is open until somebody takes note of it. Agents who were revoked stay revoked.

What was filed, changed or appointed after the backup is lost with the old data folder: keep that until
you are sure, do not serve it again once this one was served, and then destroy it: what is only in it
cannot be erased from the restored vault. An agent who was appointed since must be appointed again.

--store may name another engine than the vault had: this is how a vault moves from sled to fjall.";

/// Arguments of `restore`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// Folder of the backup
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// What shall keep the new data folder: fjall, or sled
    #[arg(long, value_name = "ENGINE", default_value = Engine::Fjall.name())]
    store: Engine,
    /// The log's verifier key, to see first whether the vault signed the end of the log in the backup
    #[arg(long, value_name = "VKEY")]
    log_key: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    at_rest: AtRest,
}

/// Restores.
pub(super) fn run(args: Args) -> Result<(), Failure> {
    let Args { folder, store, log_key, json, at_rest } = args;
    let target = Target::of(at_rest.data()?)?;
    // 1. The backup, whole.
    let verified = match backup::verify(&folder, log_key.as_deref())? {
        Ok(verified) => verified,
        Err(faults) => {
            faults.iter().for_each(|f| out::note(&format!("WRONG: {}: {}", f.file, f.what)));
            return Err(backup::broken());
        }
    };
    let Verified { manifest, .. } = &verified;
    // 2. The key places: whose they are, and locked until the end. Nothing is written to them.
    let _locked = places(at_rest, manifest)?;
    // 3. The rows, under another name. A crash here leaves a folder that no vault starts from.
    target.make()?;
    let filled = fill(&target.partial, store, &folder, manifest);
    // 4. The name, last.
    if let Err(failure) = filled.and_then(|()| target.finish()) {
        // Best effort: what is told is why. It was empty before, so it holds only what was restored.
        let _ = fs::remove_dir_all(&target.partial);
        return Err(failure);
    }
    tell(&target.data, manifest, store, json)
}

fn places(at_rest: AtRest, manifest: &Manifest) -> Result<PlacesOfBackup, Failure> {
    let vault = manifest.vault().ok_or_else(backup::broken)?;
    let (places, without, root) = at_rest.places()?;
    Ok(PlacesOfBackup::take(places, &without, root, (vault, manifest.generation))?)
}

fn fill(to: &Path, engine: Engine, from: &Path, manifest: &Manifest) -> Result<(), Failure> {
    let clock = SystemClock;
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let mut progress = Progress::on_stderr(&clock, terminal);
    let store = Engine::open(to, engine).map_err(StartError::from)?;
    let mut refill = Refill::of(store)?;
    let mut rows = 0_u64;
    let written = backup::rows(from, manifest, |row| {
        rows = rows.saturating_add(1);
        progress.show(|| format!("{}{rows} rows restored", bar(rows, Some(manifest.rows))));
        Ok(refill.row(row)?)
    });
    progress.clear();
    written?;
    progress.show(|| "reading them back".to_owned());
    // The store is closed by then: its last handle went with it.
    let read_back = refill.finish(manifest.log.size_at_end);
    progress.clear();
    let (count, sha256) = read_back?;
    if (count, hex::encode(sha256)) == (manifest.rows, manifest.rows_sha256.clone()) {
        return Ok(());
    }
    Err(Failure::new("the new data folder does not hold what the backup does")
        .hint("the disk returned other bytes than were written: look at it, and choose another"))
}

/// Where the new data folder goes, and what it is called meanwhile.
struct Target {
    data: PathBuf,
    partial: PathBuf,
}

impl Target {
    /// Refuses what is there already.
    fn of(data: PathBuf) -> Result<Self, Failure> {
        let mut partial = data.clone().into_os_string();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let empty = |path: &Path| fs::read_dir(path).is_ok_and(|mut e| e.next().is_none());
        if data.exists() && !empty(&data) {
            let old = format!("{}.old", data.display());
            return Err(Failure::new(format!("`{}` is not empty", data.display())).hint(format!(
                "nothing is restored over a data folder: stop the vault, and move it away \
                 (`mv {} {}`)",
                shell(&data),
                shell(Path::new(&old))
            )));
        }
        if partial.exists() {
            return Err(Failure::new(format!("`{}` is there already", partial.display())).hint(
                format!(
                    "a restore that was cut left it; no vault starts from it: `rm -r {}`",
                    shell(&partial)
                ),
            ));
        }
        Ok(Self { data, partial })
    }

    fn make(&self) -> Result<(), Failure> {
        Ok(prepare_data_folder(&self.partial)?)
    }

    fn finish(&self) -> Result<(), Failure> {
        let failed = |e: std::io::Error| Failure::file("naming", &self.data, &e);
        let sync = |path: &Path| File::open(path).and_then(|f| f.sync_all()).map_err(failed);
        sync(&self.partial)?;
        fs::rename(&self.partial, &self.data).map_err(failed)?;
        let parent = self.data.parent().filter(|parent| !parent.as_os_str().is_empty());
        sync(parent.unwrap_or(Path::new(".")))
    }
}

fn tell(data: &Path, manifest: &Manifest, engine: Engine, as_json: bool) -> Result<(), Failure> {
    let machine = json!({
        "data": data.display().to_string(), "vault": manifest.vault_id, "rows": manifest.rows,
        "as_of": manifest.started, "engine": engine.name(), "generation": manifest.generation,
        "log_origin": manifest.log.origin, "log_size": manifest.log.size,
    });
    out::either(as_json, &machine, || {
        out::line(&format!(
            "{} rows of {}/{}, as of {}, are in {}",
            manifest.rows,
            manifest.vault_name,
            manifest.node,
            manifest.started,
            data.display()
        ));
        out::line(
            "Filed, changed or appointed since is lost with the old data folder: keep that for now.",
        );
        out::line(&format!(
            "Next: `oubliette serve --data {} ...` as before. It sweeps and counts what was forgotten \
             since, and begins a new origin of the audit log.",
            shell(data)
        ));
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_folder_that_holds_anything_is_refused_and_how_to_move_it_away_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        assert!(Target::of(data.clone()).is_ok());
        fs::create_dir(&data).unwrap();
        assert!(Target::of(data.clone()).is_ok(), "an empty one is no vault");
        fs::write(data.join("lock"), "").unwrap();
        let text = Target::of(data.clone()).err().map(|e| e.text()).unwrap();
        assert!(text.contains("is not empty") && text.contains("mv "), "{text}");
        fs::remove_file(data.join("lock")).unwrap();
        fs::create_dir(folder.path().join("data.partial")).unwrap();
        let text = Target::of(data).err().map(|e| e.text()).unwrap();
        assert!(text.contains("a restore that was cut left it"), "{text}");
    }

    #[test]
    fn the_folder_gets_its_name_when_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = Target::of(folder.path().join("data")).unwrap();
        target.make().unwrap();
        fs::write(target.partial.join("lock"), "").unwrap();
        assert!(!target.data.exists());
        target.finish().unwrap();
        assert!(target.data.join("lock").exists() && !target.partial.exists());
    }
}
