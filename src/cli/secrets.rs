//! Where secrets come from: a prompt, a file, a file descriptor, a systemd credential. Never an
//! argument, never an environment variable (one may only name a file).

use std::{
    env,
    fs::File,
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use super::{advice, failure::Failure, out};
use crate::{keyring::RootSource, limits, secret::SecretBytes};

/// Names a file that holds the passphrase; the passphrase itself is never taken from there.
const FILE_VARIABLE: &str = "OUBLIETTE_PASSPHRASE_FILE";
/// Set by systemd for a service with `LoadCredential=`.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// Where the root key comes from. Without any of these it is asked for at the terminal.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(multiple = false)]
pub(super) struct RootArgs {
    /// Read the root passphrase from this file (or name the file in OUBLIETTE_PASSPHRASE_FILE)
    #[arg(long, value_name = "FILE")]
    pub(super) passphrase_file: Option<PathBuf>,
    /// Read the root passphrase from this open file descriptor
    #[arg(long, value_name = "N")]
    pub(super) passphrase_fd: Option<u32>,
    /// Read the root passphrase from this systemd credential
    #[arg(long, value_name = "NAME")]
    pub(super) passphrase_credential: Option<String>,
    /// Use a key file of exactly 32 raw bytes instead of a passphrase
    #[arg(long, value_name = "FILE")]
    pub(super) key_file: Option<PathBuf>,
}

impl RootArgs {
    /// Whether a source was named.
    pub(super) fn is_given(&self) -> bool {
        self.passphrase_file.is_some()
            || self.passphrase_fd.is_some()
            || self.passphrase_credential.is_some()
            || self.key_file.is_some()
    }

    /// The same source as flags of a command line, each with a space before it; none for the terminal.
    pub(super) fn flags(&self) -> String {
        let file = |flag: &str, path: &Option<PathBuf>| {
            path.as_ref().map(|path| format!(" {flag} {}", shell(path)))
        };
        let descriptor = self.passphrase_fd.map(|n| format!(" --passphrase-fd {n}"));
        let credential = self
            .passphrase_credential
            .as_ref()
            .map(|name| format!(" --passphrase-credential {name}"));
        [
            file("--passphrase-file", &self.passphrase_file),
            descriptor,
            credential,
            file("--key-file", &self.key_file),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// The root key of an existing vault.
    pub(super) fn root(&self) -> Result<RootSource, Failure> {
        if let Some(path) = &self.key_file {
            return key_file(path);
        }
        let passphrase = match self.unprompted()? {
            Some(passphrase) => passphrase,
            None => prompt("Root passphrase: ")?,
        };
        RootSource::passphrase(&passphrase).map_err(|e| Failure::of(&e).hint(advice::keyring(&e)))
    }

    /// The root key of a new vault: a passphrase typed is asked for twice, and any is long enough.
    pub(super) fn new_root(&self) -> Result<RootSource, Failure> {
        if let Some(path) = &self.key_file {
            return key_file(path);
        }
        let passphrase = match self.unprompted()? {
            Some(passphrase) => passphrase,
            None => prompt_twice("New root passphrase: ")?,
        };
        check_length(&passphrase)?;
        RootSource::passphrase(&passphrase).map_err(|e| Failure::of(&e).hint(advice::keyring(&e)))
    }

    /// What the source gives now, for a rotation. The terminal and a file descriptor give nothing a
    /// second time; nobody may be waited for.
    pub(super) fn reread(&self) -> Result<RootSource, Failure> {
        let again = self.passphrase_file.is_some()
            || self.passphrase_credential.is_some()
            || self.key_file.is_some()
            || (!self.is_given() && env::var_os(FILE_VARIABLE).is_some());
        if again {
            return self.new_root();
        }
        Err(Failure::new("the root secret came from a terminal or a file descriptor").hint(
            "start the vault with a passphrase file, a credential or a key file, then rotate",
        ))
    }

    fn unprompted(&self) -> Result<Option<SecretBytes>, Failure> {
        if let Some(path) = &self.passphrase_file {
            return read(path).map(Some);
        }
        if let Some(descriptor) = self.passphrase_fd {
            return read(&descriptor_path(descriptor)).map(Some);
        }
        if let Some(name) = &self.passphrase_credential {
            return read(&credential_path(name, env::var_os(CREDENTIALS).map(PathBuf::from))?)
                .map(Some);
        }
        match env::var_os(FILE_VARIABLE) {
            Some(path) => read(Path::new(&path)).map(Some),
            None => Ok(None),
        }
    }
}

/// A path as a shell reads it back.
pub(super) fn shell(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+,:@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// An agent's secret from a file, a descriptor or the terminal; a final line end is not part of it.
pub(super) fn agent_secret(
    file: Option<&Path>,
    descriptor: Option<u32>,
    question: &str,
) -> Result<SecretBytes, Failure> {
    match (file, descriptor) {
        (Some(path), _) => read(path).map(|secret| without_line_end(&secret)),
        (None, Some(n)) => read(&descriptor_path(n)).map(|secret| without_line_end(&secret)),
        (None, None) => prompt(question),
    }
}

/// Asks at the terminal, without echo.
pub(super) fn prompt(question: &str) -> Result<SecretBytes, Failure> {
    rpassword::prompt_password(question).map(|text| SecretBytes::new(text.into_bytes())).map_err(
        |e| {
            Failure::new(format!("no secret could be asked for at a terminal: {e}"))
                .hint("give it by a file or a file descriptor; --help names the flags")
        },
    )
}

/// Asks twice; both must be the same.
pub(super) fn prompt_twice(question: &str) -> Result<SecretBytes, Failure> {
    let first = prompt(question)?;
    let second = prompt("The same again: ")?;
    // EXPOSE: compared with what the same person typed a moment ago.
    if first.expose() == second.expose() {
        return Ok(first);
    }
    Err(Failure::new("the two entries differ").hint("run the command again"))
}

fn key_file(path: &Path) -> Result<RootSource, Failure> {
    let bytes = read(path)?;
    RootSource::key_file(&bytes).map_err(|e| {
        Failure::of(&e).hint("make one: `head -c 32 /dev/urandom > root.key && chmod 600 root.key`")
    })
}

fn check_length(passphrase: &SecretBytes) -> Result<(), Failure> {
    // EXPOSE: its length is looked at.
    let text = std::str::from_utf8(passphrase.expose()).map_err(|_| {
        Failure::new("a passphrase is UTF-8 text").hint("use --key-file for raw bytes")
    })?;
    let least = limits::PASSPHRASE_CHARS_MIN;
    if text.trim_end_matches(['\r', '\n']).chars().count() < least {
        return Err(Failure::new(format!("a root passphrase has {least} characters or more"))
            .hint("five or six random words are easy to type and hard to guess"));
    }
    Ok(())
}

fn descriptor_path(descriptor: u32) -> PathBuf {
    Path::new("/dev/fd").join(descriptor.to_string())
}

fn credential_path(name: &str, folder: Option<PathBuf>) -> Result<PathBuf, Failure> {
    if name.is_empty() || name.contains('/') || name == "." || name == ".." {
        return Err(Failure::usage("a credential's name is one word without `/`")
            .hint("give the NAME of `LoadCredential=NAME:/path`"));
    }
    let folder = folder.filter(|f| f.is_absolute()).ok_or_else(|| {
        Failure::new(format!("{CREDENTIALS} is not set"))
            .hint(format!("add `LoadCredential={name}:/path` to the systemd service"))
    })?;
    Ok(folder.join(name))
}

/// Reads a bounded secret whole. Warns when others may read its file.
fn read(path: &Path) -> Result<SecretBytes, Failure> {
    // A final line end may come on top of the longest secret.
    let most = limits::SECRET_BYTES_MAX.saturating_add(2);
    let io = |e: io::Error| Failure::file("reading", path, &e);
    let file = File::open(path).map_err(io)?;
    let metadata = file.metadata().map_err(io)?;
    if metadata.is_file() && metadata.mode() & 0o077 != 0 {
        out::note(&format!("warning: `{}` may be read by others; chmod 600 it", path.display()));
    }
    // Room for all of it, so that growing leaves no copy behind.
    let mut bytes = Vec::with_capacity(most.saturating_add(1));
    let bound = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = file.take(bound).read_to_end(&mut bytes);
    let secret = SecretBytes::new(bytes);
    if read.map_err(io)? > most {
        let message = format!("`{}` is longer than a secret may be", path.display());
        return Err(
            Failure::new(message).hint(format!("at most {} bytes", limits::SECRET_BYTES_MAX))
        );
    }
    Ok(secret)
}

fn without_line_end(secret: &SecretBytes) -> SecretBytes {
    // EXPOSE: copied without its line end into a secret again.
    let bytes = secret.expose();
    let bytes = bytes.strip_suffix(b"\n").map_or(bytes, |b| b.strip_suffix(b"\r").unwrap_or(b));
    SecretBytes::new(bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _};

    use super::*;

    fn file(content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        (folder, path)
    }

    #[test]
    fn an_agents_secret_loses_one_final_line_end_and_no_more() {
        for (content, secret) in [
            (&b"word"[..], &b"word"[..]),
            (b"word\n", b"word"),
            (b"word\r\n", b"word"),
            (b"word\n\n", b"word\n"),
            (b" word \r", b" word \r"),
        ] {
            let (_folder, path) = file(content);
            let read = agent_secret(Some(&path), None, "").unwrap();
            assert_eq!(read.expose(), secret);
        }
    }

    #[test]
    fn a_secret_of_the_longest_length_is_read_and_an_endless_one_refused() {
        let (_folder, path) = file(&vec![b'x'; limits::SECRET_BYTES_MAX]);
        assert_eq!(read(&path).unwrap().expose().len(), limits::SECRET_BYTES_MAX);
        let (_folder, path) = file(&vec![b'x'; limits::SECRET_BYTES_MAX + 3]);
        assert!(read(&path).is_err());
        assert!(read(Path::new("/dev/zero")).is_err());
    }

    #[test]
    fn a_root_passphrase_is_long_enough_or_refused() {
        let check = |text: &str| check_length(&SecretBytes::new(text.as_bytes().to_vec()));
        assert!(check("sixteen letters!").is_ok());
        assert!(check("é".repeat(16).as_str()).is_ok());
        assert!(check("fifteen letters").is_err());
        assert!(check("fifteen letters\n\n").is_err());
    }

    #[test]
    fn a_credential_is_one_file_of_systemds_folder() {
        let folder = || Some(PathBuf::from("/run/credentials/x"));
        assert_eq!(
            credential_path("root", folder()).unwrap(),
            Path::new("/run/credentials/x/root")
        );
        for name in ["", "..", "../root", "/etc/shadow"] {
            assert_eq!(credential_path(name, folder()).unwrap_err().code(), 2, "{name}");
        }
        assert!(credential_path("root", None).unwrap_err().text().contains("LoadCredential"));
    }
}
