//! `oubliette certificate`: the proof of a purge or an erasure, fetched and verified.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{
    connect::{Connection, block_on},
    failure::Failure,
    offline, out,
};
use crate::{
    client::{ClientError, Reason},
    ids::CertificateId,
    limits,
    retention::CertificateSummary,
};

const AFTER_VERIFY: &str = "\
Example:
  oubliette certificate get > purge.json
  oubliette certificate verify purge.json --key 'NAME/certificates+0a1b2c3d+AX...'

The key is the certificates' verifier key that `init` printed (NAME is the vault's). Needs no vault and no network.";

/// Subcommands of `certificate`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Print a certificate, the newest by default, byte for byte as it was signed
    #[command(after_help = "Example:\n  oubliette certificate get > purge.json")]
    Get {
        /// Its id, 32 hexadecimal digits
        #[arg(long, value_name = "HEX", value_parser = certificate_id)]
        id: Option<CertificateId>,
        #[command(flatten)]
        connection: Connection,
    },
    /// Verify a certificate, offline
    #[command(after_help = AFTER_VERIFY)]
    Verify {
        /// The certificate
        file: PathBuf,
        /// The certificates' verifier key
        #[arg(long, value_name = "VKEY")]
        key: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

fn certificate_id(text: &str) -> Result<CertificateId, String> {
    CertificateId::parse(text).map_err(|e| e.to_string())
}

/// Runs one subcommand.
pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Get { id, connection } => {
            let certificate = block_on(async {
                let answer = connection.client().await?.certificate(*id).await;
                answer.map_err(|error| not_found(id.is_some(), error))
            })?;
            out::line(&certificate);
            Ok(())
        }
        Command::Verify { file, key, json } => verify(file, key, *json),
    }
}

/// Without an id there is nothing to mistype: then nothing has been purged yet.
fn not_found(by_id: bool, error: ClientError) -> Failure {
    if by_id || error.reason() != Some(Reason::NoCertificate) {
        return error.into();
    }
    Failure::new("no certificate yet: nothing has been purged or erased")
        .hint("`oubliette purge --dry-run` says what is due")
}

fn verify(file: &Path, key: &str, as_json: bool) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::file("reading", file, &e);
    let bound = u64::try_from(limits::MESSAGE_BYTES_MAX).unwrap_or(u64::MAX);
    let mut text = String::new();
    fs::File::open(file).map_err(failed)?.take(bound).read_to_string(&mut text).map_err(failed)?;
    let summary = offline::certificate(&text, key)?;
    let machine = json!({
        "id": summary.id, "revision": summary.revision, "vault": summary.vault,
        "t1": summary.t1, "t2": summary.t2, "class": summary.class,
        "records": summary.records, "failures": summary.failures,
    });
    out::either(as_json, &machine, || print(&summary))
}

fn print(summary: &CertificateSummary) {
    out::line(&format!(
        "certificate {} (revision {}) of {} holds",
        summary.id, summary.revision, summary.vault
    ));
    out::line(&format!("unreadable since {}", summary.t1));
    match &summary.t2 {
        Some(time) => out::line(&format!("searchable values not confirmable since {time}")),
        None => out::line("searchable values: still confirmable until revision 2"),
    }
    out::line(&format!(
        "{} cohorts, {} records, {} sections, {} index rows, {} event details; generation {} -> {}",
        summary.cohorts,
        summary.records,
        summary.sections,
        summary.index_rows,
        summary.events,
        summary.generations.0,
        summary.generations.1
    ));
    for failure in &summary.failures {
        out::line(&format!("failure: {failure}"));
    }
    out::line(&format!("class {}: {}", summary.class, summary.statement));
    out::line(&summary.statement_fr);
}
