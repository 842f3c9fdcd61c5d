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
    retention::{CertificateSummary, Evidence, Finding, LogCopy, Proven, Verdict},
};

const AFTER_VERIFY: &str = "\
Example:
  oubliette certificate get > purge.json
  oubliette audit export ./log
  oubliette certificate verify purge.json --key 'NAME/certificates+0a1b2c3d+AX...' \\
      --log ./log --log-key 'NAME/NODE+4e5f6a7b+AX...' --keyring /keys-a/keyring.7

The keys are the verifier keys that `init` printed (NAME is the vault's): take them from the DPO, never from
what they are to check. Needs no vault and no network.

Checks, one line each:
  signature    the certificate is as its vault signed it
  content      it does not contradict itself
  checkpoint   the log's checkpoint in it is signed by the log's key
  log          the exported log holds and continues that checkpoint
  intent       the leaf it names announced this purge or erasure, before it happened
  generations  the log has each generation of the keyring up to the erasing one, with its hash
  t2           the log has the generation without the old index keys
  keyring      the file is the keyring of the erasing generation

Exit status: 0 nothing that was checked failed (what was not checked is said); 1 something did.";

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
        #[command(flatten)]
        against: Against,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// What a certificate is compared with.
#[derive(Debug, clap::Args)]
pub(super) struct Against {
    /// Exported log of the vault
    #[arg(long, value_name = "DIR", requires = "log_key")]
    log: Option<PathBuf>,
    /// The log's verifier key
    #[arg(long, value_name = "VKEY", requires = "log")]
    log_key: Option<String>,
    /// Keyring file of a key place
    #[arg(long, value_name = "FILE")]
    keyring: Option<PathBuf>,
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
        Command::Verify { file, key, against, json } => verify(file, key, against, *json),
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

fn verify(file: &Path, key: &str, against: &Against, as_json: bool) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Failure::file("reading", file, &e);
    // One byte more than the largest, so that a longer one is refused and not cut.
    let bound = u64::try_from(limits::CERTIFICATE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut text = String::new();
    fs::File::open(file).map_err(failed)?.take(bound).read_to_string(&mut text).map_err(failed)?;
    let log = against.log.as_deref().zip(against.log_key.as_deref());
    let evidence = Evidence {
        log: log.map(|(folder, key)| LogCopy { folder, key }),
        keyring: against.keyring.as_deref(),
    };
    let proven = offline::certificate(&text, key, evidence)?;
    out::either(as_json, &machine(&proven), || {
        if let Some(summary) = &proven.summary {
            print(summary);
        }
        proven.findings.iter().for_each(tell);
    })?;
    let failed: Vec<&str> = proven
        .findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Failed)
        .map(|finding| finding.check)
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    let message = format!("the certificate is not proven: {} failed", failed.join(", "));
    Err(Failure::new(message).hint(
        "check that keys, log and file are of the same vault; then keep all of them: they are evidence",
    ))
}

fn machine(proven: &Proven) -> serde_json::Value {
    let checks = json!({"holds": proven.holds(), "checks": proven.findings});
    let Some(summary) = &proven.summary else { return checks };
    json!({
        "holds": proven.holds(), "checks": proven.findings,
        "id": summary.id, "revision": summary.revision, "vault": summary.vault,
        "what": summary.what, "t1": summary.t1, "t2": summary.t2, "class": summary.class,
        "records": summary.records, "failures": summary.failures,
        "still_readable": summary.still_readable.iter().map(|(code, en, _)| {
            json!({"code": code, "text": en})
        }).collect::<Vec<_>>(),
    })
}

fn tell(finding: &Finding) {
    let verdict = match finding.verdict {
        Verdict::Ok => "ok",
        Verdict::Failed => "FAILED",
        Verdict::NotChecked => "not checked",
    };
    out::line(&format!("{:<12} {verdict:<12} {}", finding.check, finding.text));
}

fn print(summary: &CertificateSummary) {
    out::line(&format!(
        "certificate {} (revision {}) of {}, of one {}",
        summary.id, summary.revision, summary.vault, summary.what
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
    if summary.holds.0 > 0 {
        let (all, past) = summary.holds;
        out::line(&format!(
            "holds in force: {all}; {past} of those listed keep data past its date"
        ));
    }
    for failure in &summary.failures {
        out::line(&format!("failure: {failure}"));
    }
    out::line(&format!("class {}: {}", summary.class, summary.statement));
    out::line(&summary.statement_fr);
    out::line("still readable:");
    for (_, text, _) in &summary.still_readable {
        out::line(&format!("  {text}"));
    }
}
