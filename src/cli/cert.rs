//! `oubliette cert dev`: a certification authority and a server certificate to try TLS with. Nothing
//! is written over, and the authority's key is not kept.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::{failure::Failure, out, secrets::shell};
use crate::{
    clock::{Clock as _, SystemClock},
    identity::tls::make_development,
    limits,
};

const AFTER: &str = "\
Example:
  oubliette cert dev ./tls --name vault.example.org --name 192.0.2.7

It writes three files into DIR:
  ca.pem          what callers trust: `--ca DIR/ca.pem`
  server.pem      what the vault shows: `--tls-cert DIR/server.pem`
  server-key.pem  its key, mode 0600: `--tls-key DIR/server-key.pem`

The certificate names localhost, 127.0.0.1, ::1 and each --name, and is good for 30 days. It is for
development: for real data take a certificate of your own authority. The key of this one is not kept,
so nothing else can ever be signed with it; when the days are over, make a new pair in a new folder.";

/// Commands about certificates of TLS.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make an authority and a server certificate for development
    Dev(DevArgs),
}

/// Arguments of `cert dev`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct DevArgs {
    /// Folder for the three files; made if it is missing
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// One more host name or IP address of the vault; repeat for several
    #[arg(long = "name", value_name = "HOST")]
    names: Vec<String>,
}

/// Runs one of them.
pub(super) fn run(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Dev(args) => dev(args),
    }
}

fn dev(args: &DevArgs) -> Result<(), Failure> {
    let made = make_development(&args.names, SystemClock.now())?;
    let path = |name: &str| args.folder.join(name);
    let (ca, cert, key) = (path("ca.pem"), path("server.pem"), path("server-key.pem"));
    for path in [&ca, &cert, &key] {
        // Looked at before anything is written, so that a refusal leaves the folder as it was.
        if fs::symlink_metadata(path).is_ok() {
            return Err(Failure::new(format!("`{}` is there already", path.display()))
                .hint("nothing is written over: name another folder"));
        }
    }
    fs::create_dir_all(&args.folder).map_err(|e| Failure::file("making", &args.folder, &e))?;
    // EXPOSE: the key is made to be in a file, readable by its owner alone.
    write(&key, made.key.expose(), 0o600)?;
    write(&cert, made.cert.as_bytes(), 0o644)?;
    write(&ca, made.ca.as_bytes(), 0o644)?;
    let days = limits::DEVELOPMENT_CERT_DAYS;
    out::line(&format!(
        "made {}, {} and {}, for development only",
        ca.display(),
        cert.display(),
        key.display()
    ));
    out::line(&format!("good for {days} days, until {} by UTC", made.until));
    out::line("next:");
    out::line(&format!(
        "  oubliette serve --data DIR --keys DIR --policy DIR --tls-cert {} --tls-key {}",
        shell(&cert),
        shell(&key)
    ));
    out::line(&format!(
        "  oubliette login ID --address https://localhost:7443 --ca {}",
        shell(&ca)
    ));
    Ok(())
}

/// A new file; an existing one is an error.
fn write(path: &Path, content: &[u8], mode: u32) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    options
        .open(path)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .map_err(|e| Failure::file("writing", path, &e))
}
