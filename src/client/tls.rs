//! A client's side of TLS: whom it trusts, the connection it makes, and what it says when it is not
//! the vault that answers.
//!
//! Trust comes from one file that the caller names, and from nowhere else: the system's authorities
//! have no say in who may pass for the vault. Certificates are judged by the clock that was given.

use std::{
    error::Error,
    fmt, io,
    path::{Path, PathBuf},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper_util::rt::TokioIo;
use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{ServerName, UnixTime},
    time_provider::TimeProvider,
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::codegen::{BoxFuture, Service, http::Uri};

use super::ClientError;
use crate::{
    clock::Clock,
    identity::tls::{ALPN, TlsError, VERSIONS, provider, read_certificates},
};

/// The authorities that may have signed the vault's certificate. A clone shares them.
#[derive(Clone)]
pub struct Trust {
    ca: PathBuf,
    config: Arc<ClientConfig>,
}

/// Why TLS did not come about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsRefusal {
    /// It may be another server, or somebody in between.
    #[error("the certificate of what answers was not signed by the CA in `{0}`")]
    OtherCa(PathBuf),
    /// The CA is right, and the certificate is another machine's.
    #[error("the vault's certificate is not for `{asked}` but for {names}")]
    OtherName {
        /// The host of the address.
        asked: String,
        /// What the certificate is for.
        names: String,
    },
    /// By the caller's clock.
    #[error("the vault's certificate has expired")]
    Expired,
    /// By the caller's clock.
    #[error("the vault's certificate is not valid yet")]
    NotYet,
    /// Anything else that is wrong with it.
    #[error("the vault's certificate is refused: {0}")]
    Certificate(String),
    /// It closed before anything was agreed: a vault that has as many connections as it may does so.
    #[error("the connection was closed before TLS was agreed")]
    Closed,
    /// It answered something else, or an older version.
    #[error("what answers at this address does not speak TLS 1.3 ({0})")]
    NotTls(String),
    /// TLS, and something other than gRPC inside.
    #[error("what answers at this address speaks TLS, but not gRPC")]
    NotGrpc,
}

impl TlsRefusal {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::OtherCa(_) => {
                "give the vault's own CA with --ca FILE, as its operator handed it to you; do not go on without"
            }
            Self::OtherName { .. } => {
                "use an address whose host is named there, or ask for a certificate that names this one"
            }
            Self::Expired => {
                "the vault's operator must renew the certificate; check your clock too"
            }
            Self::NotYet => "check your clock and the vault's",
            Self::Certificate(_) => "the vault's operator must give it another certificate",
            Self::Closed => {
                "try again in a moment: the vault may have all the connections it may have"
            }
            Self::NotTls(_) => {
                "check the address; a vault served without --tls-cert is spoken to without --ca"
            }
            Self::NotGrpc => "check the address: a web server, for instance, listens there",
        }
    }

    /// The refusal that is among the causes of an error, if one is.
    pub(super) fn among(error: &(dyn Error + 'static)) -> Option<Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(refusal) = error.downcast_ref::<Self>() {
                return Some(refusal.clone());
            }
            cause = error.source();
        }
        None
    }
}

impl Trust {
    /// Trusts every certificate of a PEM file as an authority.
    ///
    /// Errors: [`ClientError::Ca`].
    pub fn read(ca: &Path, clock: Arc<dyn Clock>) -> Result<Self, ClientError> {
        let mut roots = RootCertStore::empty();
        for certificate in read_certificates(ca)? {
            let damaged = |_| TlsError::Certificate(ca.to_owned());
            roots.add(certificate).map_err(damaged)?;
        }
        let mut config = ClientConfig::builder_with_details(provider(), Arc::new(TlsClock(clock)))
            .with_protocol_versions(VERSIONS)
            .map_err(TlsError::Setup)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![ALPN.to_vec()];
        // The vault resumes no session either: each connection is judged anew.
        config.resumption = Resumption::disabled();
        Ok(Self { ca: ca.to_owned(), config: Arc::new(config) })
    }

    /// What a handshake failed by.
    fn refused(&self, error: &io::Error, asked: &ServerName<'_>) -> TlsRefusal {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(error) => self.refusal(error, asked),
            // The socket's own: an end or a reset.
            None => TlsRefusal::Closed,
        }
    }

    fn refusal(&self, error: &rustls::Error, asked: &ServerName<'_>) -> TlsRefusal {
        let rustls::Error::InvalidCertificate(why) = error else {
            return TlsRefusal::NotTls(error.to_string());
        };
        match why {
            // Two authorities of one name differ only in their signature.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                TlsRefusal::OtherCa(self.ca.clone())
            }
            CertificateError::NotValidForNameContext { presented, .. } => TlsRefusal::OtherName {
                asked: asked.to_str().into_owned(),
                names: presented.iter().map(|name| bare(name)).collect::<Vec<_>>().join(", "),
            },
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                TlsRefusal::Expired
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                TlsRefusal::NotYet
            }
            other => TlsRefusal::Certificate(other.to_string()),
        }
    }
}

/// `localhost` of `DnsName("localhost")`, as the library presents a name.
fn bare(presented: &str) -> &str {
    let inside = presented.split_once('(').map_or(presented, |(_, inside)| inside);
    inside.trim_end_matches(')').trim_matches('"')
}

/// The clock that certificates are judged by.
struct TlsClock(Arc<dyn Clock>);

impl TimeProvider for TlsClock {
    fn current_time(&self) -> Option<UnixTime> {
        let millis = u64::try_from(self.0.now().as_millis()).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_millis(millis)))
    }
}

impl fmt::Debug for TlsClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsClock")
    }
}

/// The host of an address as a certificate names it: without the brackets of IPv6.
pub(super) fn server_name(host: &str) -> Option<ServerName<'static>> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(bare.to_owned()).ok()
}

/// Makes the connections of a channel, the first and each that replaces a broken one.
#[derive(Clone)]
pub(super) struct Connector(pub(super) Trust);

impl Service<Uri> for Connector {
    type Response = TokioIo<TlsStream<TcpStream>>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let trust = self.0.clone();
        Box::pin(async move {
            let (host, port) = uri.host().zip(uri.port_u16()).ok_or(ClientError::Address)?;
            let name = server_name(host).ok_or(ClientError::Address)?;
            let stream = TcpStream::connect((name.to_str().as_ref(), port)).await?;
            stream.set_nodelay(true)?;
            let connector = TlsConnector::from(Arc::clone(&trust.config));
            let connected = connector.connect(name.clone(), stream).await;
            let stream = connected.map_err(|error| trust.refused(&error, &name))?;
            if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
                return Err(TlsRefusal::NotGrpc.into());
            }
            Ok(TokioIo::new(stream))
        })
    }
}

#[cfg(test)]
mod tests;
