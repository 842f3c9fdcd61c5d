//! `oubliette audit export`: the public part of the log as a folder in C2SP tlog-tiles layout.
//!
//! Paths come from the vault, so they are checked before anything is written: nothing outside the
//! folder, and nothing over a file that is there.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::{Component, Path, PathBuf},
};

use serde_json::json;

use crate::cli::{
    connect::{Connection, block_on},
    failure::Failure,
    out,
};

const AFTER: &str = "\
Example:
  oubliette audit export /media/usb/log-2020-11-23
  oubliette audit verify /media/usb/log-2020-11-23 --key \"$LOG_KEY\"

Hash tiles, entry bundles, the generations of the keyring (number and hashes) and a signed checkpoint. No
detail of any other event is in it, so it may leave the house: keep one elsewhere, and later verify against
its checkpoint.";

/// Arguments of `audit export`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(in crate::cli) struct Args {
    /// Folder to write; empty or not there yet
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Writes the files as they arrive.
pub(in crate::cli) fn run(args: &Args) -> Result<(), Failure> {
    prepare(&args.folder)?;
    let (files, bytes) = block_on(async {
        let mut stream = args.connection.client().await?.export_log().await?;
        let (mut files, mut bytes) = (0_u64, 0_usize);
        while let Some((path, content)) = stream.next().await? {
            write(&args.folder, &path, &content)?;
            files = files.saturating_add(1);
            bytes = bytes.saturating_add(content.len());
        }
        Ok((files, bytes))
    })?;
    out::either(args.json, &json!({"files": files, "bytes": bytes}), || {
        out::line(&format!("{files} files, {bytes} bytes in {}", args.folder.display()));
        out::line("verify: `oubliette audit verify DIR --key LOG_VERIFIER_KEY`");
    })
}

fn prepare(folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|e| Failure::file("making", folder, &e))?;
    let mut entries = fs::read_dir(folder).map_err(|e| Failure::file("reading", folder, &e))?;
    if entries.next().is_some() {
        let message = format!("`{}` is not empty", folder.display());
        return Err(Failure::usage(message).hint("name a new folder for each export"));
    }
    Ok(())
}

fn write(folder: &Path, path: &str, content: &[u8]) -> Result<(), Failure> {
    let relative = Path::new(path);
    let inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
    if path.is_empty() || !inside {
        return Err(Failure::new(
            "the vault named a file outside the folder; nothing was written there",
        ));
    }
    let target = folder.join(relative);
    let failed = |e: std::io::Error| Failure::file("writing", &target, &e);
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(failed)?;
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&target).map_err(failed)?;
    file.write_all(content).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_written_inside_the_folder_once() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "tile/0/x001/234.p/17", b"hashes").unwrap();
        let path = folder.path().join("tile/0/x001/234.p/17");
        assert_eq!(fs::read(path).unwrap(), b"hashes");
        assert!(write(folder.path(), "tile/0/x001/234.p/17", b"others").is_err());
    }

    #[test]
    fn a_path_that_leads_out_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["", "../x", "/etc/x", "tile/../../x", "."] {
            assert!(write(folder.path(), path, b"x").is_err(), "{path}");
        }
    }

    #[test]
    fn a_folder_with_something_in_it_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(prepare(&folder.path().join("new")).is_ok());
        assert!(prepare(folder.path()).is_err());
    }
}
