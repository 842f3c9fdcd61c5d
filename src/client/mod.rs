//! A typed client of the gRPC API, used by `cli`, the demo and the benchmarks.
//!
//! It shows plain types (`types`), never generated ones, and turns each refusal into a readable
//! [`ClientError`] with an advice. Without TLS it speaks to loopback addresses only: secrets and
//! records do not cross a network in clear. It keeps a token in memory; only `session` writes one to
//! disk.

mod admin;
mod agents;
mod audit;
pub mod error;
pub mod reason;
mod records;
mod retention;
mod reviews;
mod second;
pub mod session;
mod tls;
pub mod types;

use std::{net::IpAddr, time::Duration};

use tonic::{
    Request,
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};

pub use admin::BackupParts;
pub use error::{ClientError, Refusal};
pub use reason::Reason;
pub use records::{ImportAnswers, ImportSender};
pub use tls::{TlsRefusal, Trust};

use crate::{limits, secret::SecretBytes};

/// Where a vault is served when nobody says otherwise.
pub const DEFAULT_ADDRESS: &str = "127.0.0.1:7443";

/// A connection to one vault, with the session it works under. A clone shares the connection.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    token: Option<MetadataValue<Ascii>>,
}

impl Client {
    /// Connects to `host:port` (or `http://host:port`) of this machine in clear, without a session.
    ///
    /// Errors: [`ClientError::Address`], [`ClientError::NotLoopback`], [`ClientError::NoCa`],
    /// [`ClientError::Unreachable`].
    pub async fn connect(address: &str) -> Result<Self, ClientError> {
        Self::connect_by(address, None).await
    }

    /// The same with TLS where there is a `trust`, and then to any machine: `host:port` or
    /// `https://host:port`.
    ///
    /// Errors: those of [`Client::connect`], [`ClientError::PlainWithCa`], [`ClientError::Tls`].
    pub async fn connect_by(address: &str, trust: Option<&Trust>) -> Result<Self, ClientError> {
        let uri = uri(address, trust.is_some())?;
        let endpoint = Endpoint::from_shared(uri)
            .map_err(|_| ClientError::Address)?
            .connect_timeout(Duration::from_millis(limits::CONNECT_MS))
            .tcp_nodelay(true)
            // A vault that vanished without a word must not hold a long import for ever.
            .http2_keep_alive_interval(Duration::from_millis(limits::KEEP_ALIVE_MS))
            .keep_alive_timeout(Duration::from_millis(limits::KEEP_ALIVE_MS));
        let connected = match trust {
            Some(trust) => endpoint.connect_with_connector(tls::Connector(trust.clone())).await,
            None => endpoint.connect().await,
        };
        let failed = |error| match TlsRefusal::among(&error) {
            Some(refusal) => ClientError::Tls(refusal),
            None => ClientError::Unreachable(error),
        };
        Ok(Self { channel: connected.map_err(failed)?, token: None })
    }

    /// The same connection under the session of this token.
    ///
    /// Errors: [`ClientError::Token`] when the text cannot be a token.
    pub fn with_token(&self, token: &SecretBytes) -> Result<Self, ClientError> {
        // EXPOSE: the token travels in the metadata of each call.
        let text = std::str::from_utf8(token.expose()).map_err(|_| ClientError::Token)?;
        let mut value: MetadataValue<Ascii> =
            format!("Bearer {text}").parse().map_err(|_| ClientError::Token)?;
        // Keeps it out of every debug output of the transport.
        value.set_sensitive(true);
        Ok(Self { channel: self.channel.clone(), token: Some(value) })
    }

    /// The same connection without a session.
    #[must_use]
    pub fn without_token(&self) -> Self {
        Self { channel: self.channel.clone(), token: None }
    }

    /// The connection, for calls that this client has no method for.
    #[must_use]
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.clone());
        }
        request
    }
}

/// The address as a URI. In clear only if it is a loopback one.
fn uri(address: &str, with_tls: bool) -> Result<String, ClientError> {
    let rest = match (address.split_once("://"), with_tls) {
        (Some(("http", rest)), false) | (Some(("https", rest)), true) => rest,
        (Some(("https", _)), false) => return Err(ClientError::NoCa),
        (Some(("http", _)), true) => return Err(ClientError::PlainWithCa),
        (Some(_), _) => return Err(ClientError::Address),
        (None, _) => address,
    };
    let rest = rest.trim_end_matches('/');
    let (host, port) = rest.rsplit_once(':').ok_or(ClientError::Address)?;
    port.parse::<u16>().map_err(|_| ClientError::Address)?;
    if with_tls {
        tls::server_name(host).ok_or(ClientError::Address)?;
        return Ok(format!("https://{rest}"));
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if loopback { Ok(format!("http://{rest}")) } else { Err(ClientError::NotLoopback) }
}

/// A service's generated client over this connection, bounded like the server.
macro_rules! service {
    ($client:expr, $module:ident, $name:ident) => {
        crate::wire::api::$module::$name::new($client.channel.clone())
            .max_decoding_message_size(crate::limits::MESSAGE_BYTES_MAX)
            .max_encoding_message_size(crate::limits::MESSAGE_BYTES_MAX)
    };
}
use service;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_address_is_accepted_in_each_spelling() {
        for address in ["127.0.0.1:7443", "http://127.0.0.1:7443/", "localhost:1", "[::1]:7443"] {
            assert!(uri(address, false).unwrap().starts_with("http://"), "{address}");
        }
    }

    #[test]
    fn an_address_across_a_network_or_without_a_port_is_refused_in_clear() {
        for address in ["10.0.0.1:7443", "vault.example.org:7443", "[2001:db8::1]:1"] {
            assert!(matches!(uri(address, false), Err(ClientError::NotLoopback)), "{address}");
        }
        for address in ["127.0.0.1", "ftp://127.0.0.1:1", "127.0.0.1:port", ""] {
            assert!(matches!(uri(address, false), Err(ClientError::Address)), "{address}");
        }
    }

    #[test]
    fn with_tls_any_host_is_accepted_in_each_spelling_and_a_malformed_one_is_refused() {
        for address in ["10.0.0.1:7443", "https://vault.example.org:7443/", "[2001:db8::1]:1"] {
            assert!(uri(address, true).unwrap().starts_with("https://"), "{address}");
        }
        for address in ["vault.example.org", "a host:1", ":7443", "ftp://127.0.0.1:1"] {
            assert!(matches!(uri(address, true), Err(ClientError::Address)), "{address}");
        }
    }

    #[test]
    fn a_scheme_and_a_trust_that_contradict_each_other_are_refused() {
        let address = "127.0.0.1:7443";
        assert!(matches!(uri(&format!("https://{address}"), false), Err(ClientError::NoCa)));
        assert!(matches!(uri(&format!("http://{address}"), true), Err(ClientError::PlainWithCa)));
    }
}
