//! The session file: where the command line keeps the token between two commands.
//!
//! The file belongs to its owner alone (mode 0600): one that others may read or write is refused on
//! read, and written anew on login. It is replaced whole, never changed in place.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::secret::SecretBytes;

/// Largest session file that is read, in bytes.
const BYTES_MAX: u64 = 16 * 1024;

/// Why a session file could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// Nobody logged in.
    #[error("no session; log in first")]
    Missing,
    /// Somebody else may have read the token.
    #[error(
        "the session file `{0}` may be read by others or is not yours; it must be a file of yours with mode 0600"
    )]
    Loose(PathBuf),
    /// Not a session file.
    #[error("the session file `{0}` does not read")]
    Malformed(PathBuf),
    /// No place to keep it.
    #[error("no home folder is known, so there is no place for the session file")]
    NoHome,
    /// The file system refused.
    #[error("the session file `{0}` cannot be used")]
    Io(PathBuf, #[source] io::Error),
}

/// One session as the file keeps it. No `Debug`: it holds a token.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// `host:port` of the vault, or a URI of it, as it was given at login.
    pub address: String,
    /// The CA that the vault's certificate is judged by; `None` for a session in clear. Absolute: the
    /// next command may be run elsewhere. Left out of the file then, as files before TLS did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<PathBuf>,
    /// Who logged in.
    pub agent: String,
    /// When it ends at the latest, in milliseconds since the epoch, by the vault's clock.
    pub expires_at_ms: i64,
    token: String,
}

impl Session {
    /// A session to be kept.
    #[must_use]
    pub fn new(address: String, agent: String, expires_at_ms: i64, token: &SecretBytes) -> Self {
        // EXPOSE: the file is where the command line keeps the token, readable by its owner alone.
        let token = String::from_utf8_lossy(token.expose()).into_owned();
        Self { address, ca: None, agent, expires_at_ms, token }
    }

    /// The same with the CA that was given at login.
    ///
    /// Errors: [`SessionError::Io`] where no absolute path of it can be told.
    pub fn with_ca(self, ca: Option<&Path>) -> Result<Self, SessionError> {
        let absolute =
            |ca: &Path| std::path::absolute(ca).map_err(|e| SessionError::Io(ca.into(), e));
        Ok(Self { ca: ca.map(absolute).transpose()?, ..self })
    }

    /// The token for [`super::Client::with_token`].
    #[must_use]
    pub fn token(&self) -> SecretBytes {
        SecretBytes::new(self.token.clone().into_bytes())
    }

    /// Reads the file. Errors: [`SessionError`]; looser permissions than 0600 are refused.
    pub fn read(path: &Path) -> Result<Self, SessionError> {
        let io = |e: io::Error| match e.kind() {
            io::ErrorKind::NotFound => SessionError::Missing,
            _ => SessionError::Io(path.to_owned(), e),
        };
        let file = fs::File::open(path).map_err(io)?;
        // Asked of the open file, so that it cannot be exchanged in between.
        let metadata = file.metadata().map_err(io)?;
        let mine = metadata.uid() == rustix::process::geteuid().as_raw();
        if !metadata.is_file() || !mine || metadata.mode() & 0o077 != 0 {
            return Err(SessionError::Loose(path.to_owned()));
        }
        let malformed = || SessionError::Malformed(path.to_owned());
        if metadata.len() > BYTES_MAX {
            return Err(malformed());
        }
        serde_json::from_reader(file).map_err(|_| malformed())
    }

    /// Writes the file with mode 0600, replacing an older one. Makes its folder if needed.
    pub fn write(&self, path: &Path) -> Result<(), SessionError> {
        let io = |e: io::Error| SessionError::Io(path.to_owned(), e);
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(io)?;
        }
        let text = serde_json::to_string(self).map_err(|e| io(e.into()))?;
        let fresh = path.with_extension("new");
        // A leftover may have any mode: make the file new, so that ours is the only one.
        match fs::remove_file(&fresh) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(io(e)),
            _ => {}
        }
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh).map_err(io)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        fs::rename(&fresh, path).map_err(io)
    }

    /// Removes the file, if it is there.
    pub fn forget(path: &Path) -> Result<(), SessionError> {
        match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                Err(SessionError::Io(path.to_owned(), e))
            }
            _ => Ok(()),
        }
    }

    /// Where the file is kept by default: `$XDG_RUNTIME_DIR/oubliette/session`, else
    /// `$HOME/.config/oubliette/session`.
    pub fn default_path() -> Result<PathBuf, SessionError> {
        let folder = |name: &str| {
            std::env::var_os(name).map(PathBuf::from).filter(|folder| folder.is_absolute())
        };
        let base = folder("XDG_RUNTIME_DIR").or_else(|| folder("HOME").map(|h| h.join(".config")));
        base.map(|b| b.join("oubliette").join("session")).ok_or(SessionError::NoHome)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn session() -> Session {
        let token = SecretBytes::new(b"dG9rZW4".to_vec());
        Session::new("127.0.0.1:7443".into(), "dpo".into(), 5, &token)
    }

    #[test]
    fn a_session_reads_back_from_a_file_of_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/session");
        session().write(&path).unwrap();
        session().write(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let read = Session::read(&path).unwrap();
        assert_eq!(read.agent, "dpo");
        assert_eq!(read.token().expose(), b"dG9rZW4");
    }

    #[test]
    fn a_session_keeps_its_ca_by_an_absolute_path_and_one_in_clear_has_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session");
        session().with_ca(Some(Path::new("tls/ca.pem"))).unwrap().write(&path).unwrap();
        let ca = Session::read(&path).unwrap().ca.unwrap();
        assert!(ca.is_absolute() && ca.ends_with("tls/ca.pem"), "{}", ca.display());
        session().with_ca(None).unwrap().write(&path).unwrap();
        assert_eq!(Session::read(&path).unwrap().ca, None);
        assert!(!fs::read_to_string(&path).unwrap().contains("ca"), "as before TLS");
    }

    #[test]
    fn a_file_from_before_tls_is_read_and_one_with_an_unknown_key_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session");
        session().write(&path).unwrap();
        let old = "{\"address\":\"127.0.0.1:7443\",\"agent\":\"dpo\",\"expires_at_ms\":5,\"token\":\"dA\"";
        fs::write(&path, format!("{old}}}")).unwrap();
        assert_eq!(Session::read(&path).unwrap().agent, "dpo");
        fs::write(&path, format!("{old},\"trust\":\"any\"}}")).unwrap();
        assert!(matches!(Session::read(&path), Err(SessionError::Malformed(_))));
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session");
        session().write(&path).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(Session::read(&path), Err(SessionError::Loose(_))), "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(Session::read(&path).is_ok());
    }

    #[test]
    fn a_missing_a_foreign_and_a_forgotten_file_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("session");
        assert!(matches!(Session::read(&path), Err(SessionError::Missing)));
        session().write(&path).unwrap();
        fs::write(&path, "{\"unknown\":1}").unwrap();
        assert!(matches!(Session::read(&path), Err(SessionError::Malformed(_))));
        Session::forget(&path).unwrap();
        Session::forget(&path).unwrap();
        assert!(matches!(Session::read(&path), Err(SessionError::Missing)));
    }
}
