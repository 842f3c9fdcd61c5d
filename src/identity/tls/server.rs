//! The certificate and key that the vault shows to its callers, and how they are exchanged while it
//! serves.
//!
//! A pair is shown only if it was read whole and key and certificate belong together; one that is not
//! leaves the pair before it in force. Connections that stand keep what they were made with. Sessions
//! are never resumed: each new connection is signed for anew by the pair in force.

use std::{
    fmt, fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::{Mutex, RwLock};
use rustls::{
    Error, InconsistentKeys, ServerConfig,
    crypto::ring::sign::any_supported_type,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
    server::{ClientHello, NoServerSessionStorage, ResolvesServerCert},
    sign::CertifiedKey,
};
use zeroize::Zeroize as _;

use super::{ALPN, Read, TlsError, VERSIONS, provider, read, read_certificates};

/// The vault's side of TLS. Shared by everything that listens.
pub struct ServerTls {
    config: Arc<ServerConfig>,
    shown: Arc<Shown>,
    cert: PathBuf,
    key: PathBuf,
    /// What the files were when they were last read, in the order certificate, key.
    seen: Mutex<[Option<Stamp>; 2]>,
}

impl ServerTls {
    /// Reads a chain (the server's own certificate first) and its key, both PEM.
    ///
    /// Errors: [`TlsError`]; a key file that others may read is refused.
    pub fn load(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        // Looked at before they are read: a change in between is then seen by the next look.
        let seen = look(cert, key);
        let shown = Arc::new(Shown(RwLock::new(Arc::new(read_pair(cert, key)?))));
        let resolver = Arc::clone(&shown) as Arc<dyn ResolvesServerCert>;
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(VERSIONS)
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(resolver);
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        let (cert, key) = (cert.to_owned(), key.to_owned());
        Ok(Self { config: Arc::new(config), shown, cert, key, seen: Mutex::new(seen) })
    }

    /// The configuration for each new connection; it follows every reload by itself.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.config)
    }

    /// Reads the files again if one of them is not what it was; whether a new pair is now shown. Blocks.
    ///
    /// Errors: [`TlsError`], once for each state of the files; the pair before stays in force.
    pub fn reload_if_changed(&self) -> Result<bool, TlsError> {
        let mut seen = self.seen.lock();
        let now = look(&self.cert, &self.key);
        if *seen == now {
            return Ok(false);
        }
        // Noted before it is known to read: what does not is told once, not at every look.
        let before = std::mem::replace(&mut *seen, now);
        match read_pair(&self.cert, &self.key) {
            Ok(fresh) => {
                *self.shown.0.write() = Arc::new(fresh);
                Ok(true)
            }
            Err(error) => {
                // A disk or a table of files that failed for a moment says nothing about the files.
                if error.passes() {
                    *seen = before;
                }
                Err(error)
            }
        }
    }
}

/// The pair in force.
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read()))
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

/// What tells one state of a file from another. The time of the last change of the inode is part of it:
/// a `chmod` that mends a refused key changes nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// The states of both files; `None` for one that is not there.
fn look(cert: &Path, key: &Path) -> [Option<Stamp>; 2] {
    [cert, key].map(|path| {
        let metadata = fs::metadata(path).ok()?;
        Some(Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    })
}

fn read_pair(cert: &Path, key: &Path) -> Result<CertifiedKey, TlsError> {
    let chain = read_certificates(cert)?;
    let pem = read(key, Read::Owners)?;
    // EXPOSE: the key is taken out of its PEM.
    let der = PrivateKeyDer::from_pem_slice(pem.expose());
    let mut der = der.map_err(|error| match error {
        rustls::pki_types::pem::Error::NoItemsFound => TlsError::NoKey(key.to_owned()),
        _ => TlsError::Pem(key.to_owned()),
    })?;
    let signer = any_supported_type(&der);
    der.zeroize();
    let pair = CertifiedKey::new(chain, signer.map_err(|_| TlsError::KeyKind(key.to_owned()))?);
    match pair.keys_match() {
        Ok(()) => Ok(pair),
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(TlsError::Mismatch { cert: cert.to_owned(), key: key.to_owned() })
        }
        Err(_) => Err(TlsError::Certificate(cert.to_owned())),
    }
}
