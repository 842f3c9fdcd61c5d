//! TLS 1.3, and nothing older: the certificate and key that the vault shows (`server`), certificates
//! that a client trusts, and a pair to try things with (`development`).
//!
//! Both sides take their primitives from ring, which does TLS alone: no section, key or leaf of the log
//! is made or opened with it. TLS draws its randomness from ring as well, which asks the operating
//! system; `random::Random` is not in between. A TLS key is read through `SecretBytes`, but while it
//! serves it lies in ring's own memory, and neither that nor the buffer of the PEM reader is wiped. It
//! opens no record: whoever has it can pass for the vault, and cannot read its folders.
//!
//! No message here holds anything of a file but its path.

mod development;
mod server;

#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    SupportedProtocolVersion,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, pem::PemObject as _},
    version::TLS13,
};

pub use self::{
    development::{Development, make_development},
    server::ServerTls,
};
use crate::{limits, secret::SecretBytes};

/// What the protocol inside is called in the handshake (ALPN): gRPC is HTTP/2.
pub const ALPN: &[u8] = b"h2";

/// The versions that both sides speak.
pub const VERSIONS: &[&SupportedProtocolVersion] = &[&TLS13];

/// Why certificates or keys could not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The file system refused.
    #[error("reading `{0}` failed")]
    Io(PathBuf, #[source] io::Error),
    /// Nothing that is read here is so large.
    #[error("`{0}` is larger than any certificate or key")]
    TooLarge(PathBuf),
    /// Somebody else may have the key.
    #[error(
        "the key file `{0}` may be read by others or is another's; it must be yours, mode 0600"
    )]
    Loose(PathBuf),
    /// PEM begins and does not end, or its inside is not base64.
    #[error("`{0}` is damaged: its PEM does not read")]
    Pem(PathBuf),
    /// No `BEGIN CERTIFICATE`.
    #[error("`{0}` holds no certificate in PEM")]
    NoCertificate(PathBuf),
    /// PEM, but what is in it is no certificate.
    #[error("`{0}` is damaged: a certificate in it does not read")]
    Certificate(PathBuf),
    /// No `BEGIN PRIVATE KEY`, or an encrypted one.
    #[error("`{0}` holds no private key in PEM, or an encrypted one")]
    NoKey(PathBuf),
    /// A key that TLS 1.3 does not sign with here.
    #[error("the key in `{0}` is none of RSA, ECDSA P-256, ECDSA P-384 and Ed25519")]
    KeyKind(PathBuf),
    /// Key and certificate are of two pairs.
    #[error("the key in `{key}` is not that of the first certificate in `{cert}`")]
    Mismatch {
        /// The certificate's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// Not a host as a certificate names one.
    #[error("`{0}` is not a host name or an IP address")]
    Name(String),
    /// A development certificate could not be made.
    #[error("the certificate could not be made")]
    Make(#[source] rcgen::Error),
    /// The clock shows a day that no certificate can bear.
    #[error("the clock shows a day that no certificate can bear")]
    Day,
    /// The library refused the configuration.
    #[error("TLS cannot be set up")]
    Setup(#[source] rustls::Error),
}

impl TlsError {
    /// Whether the same files may read at the next look.
    fn passes(&self) -> bool {
        let lasting = [io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied];
        matches!(self, Self::Io(_, error) if !lasting.contains(&error.kind()))
    }
}

/// The primitives of both sides.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Every certificate of a PEM file, in its order; at least one.
///
/// Errors: [`TlsError::Io`], `TooLarge`, `Pem`, `NoCertificate`. What is inside the certificates is not
/// looked at.
pub fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(path, Read::Anybodys)?;
    // EXPOSE: certificates are public; only the reader is shared with that of keys.
    let all = CertificateDer::pem_slice_iter(pem.expose()).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|_| TlsError::Pem(path.to_owned()))?;
    if all.is_empty() { Err(TlsError::NoCertificate(path.to_owned())) } else { Ok(all) }
}

/// Whose a file must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    /// Anybody may read it.
    Anybodys,
    /// Its owner alone may read it, who is the process or root.
    Owners,
}

/// Reads a bounded file whole.
fn read(path: &Path, whose: Read) -> Result<SecretBytes, TlsError> {
    let io = |e: io::Error| TlsError::Io(path.to_owned(), e);
    let file = File::open(path).map_err(io)?;
    // Asked of the open file, so that it cannot be exchanged in between.
    let metadata = file.metadata().map_err(io)?;
    let mine = [rustix::process::geteuid().as_raw(), 0].contains(&metadata.uid());
    if whose == Read::Owners && (!mine || metadata.mode() & 0o077 != 0) {
        return Err(TlsError::Loose(path.to_owned()));
    }
    let most = limits::TLS_FILE_BYTES_MAX.saturating_add(1);
    // Room for all of it from the start: growing would leave a copy of the key behind.
    let room = metadata.len().min(most).saturating_add(1);
    let mut bytes = Vec::with_capacity(usize::try_from(room).unwrap_or_default());
    file.take(most).read_to_end(&mut bytes).map_err(io)?;
    let bytes = SecretBytes::new(bytes);
    // EXPOSE: its length is looked at.
    if bytes.expose().len() as u64 >= most {
        return Err(TlsError::TooLarge(path.to_owned()));
    }
    Ok(bytes)
}
