//! The gRPC server over one vault: wiring, and nothing that decides.
//!
//! Every method but `Agents.Login`, health and reflection needs a session. Messages are bounded
//! before they are read, and so are connections (`listen`). Without TLS only loopback addresses are
//! served.

mod admin;
mod agents;
mod answer;
mod audit;
mod auth;
mod backup;
mod body;
mod calls;
mod connection;
mod convert;
mod import;
mod listen;
mod methods;
mod places;
mod records;
mod retention;
mod rights;
mod route;
mod status;
#[cfg(test)]
mod testing;

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use prost::Message as _;
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic_health::{ServingStatus, server::HealthReporter};

pub use self::{
    listen::{Bounds as ConnectionBounds, Entry},
    places::{Bounds, Calls, InProgress},
};

use crate::{limits, vault::Vault, wire::api};

/// The package that reflection shows; stored messages stay inside.
const PACKAGE: &str = "oubliette.v1";

/// How often the health service looks at the vault.
const HEALTH_EVERY: Duration = Duration::from_secs(1);

/// Why serving did not start, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// Records and secrets would cross a network in clear.
    #[error(
        "`{0}` is not a loopback address, and without TLS secrets would cross a network in clear; serve with a certificate and its key, or on 127.0.0.1 or [::1] with a tunnel for callers"
    )]
    NotLoopback(SocketAddr),
    /// The listening socket does not answer.
    #[error("the listening socket failed")]
    Socket(#[source] std::io::Error),
    /// The descriptors built into this program do not read.
    #[error("the program's own descriptors do not read; it was not built right")]
    Descriptors,
    /// The transport failed.
    #[error("serving failed")]
    Transport(#[source] tonic::transport::Error),
}

/// Refuses an address that other machines could reach, unless callers must speak TLS.
pub fn check_listen(address: SocketAddr, entry: &Entry) -> Result<(), ServeError> {
    let safe = entry.is_tls() || address.ip().is_loopback();
    if safe { Ok(()) } else { Err(ServeError::NotLoopback(address)) }
}

/// Serves `vault` on `listener`, to callers that come in by `entry`, until `shutdown` is ready, then lets calls in flight finish for at
/// most [`limits::DRAIN_MS`] milliseconds. The vault itself is drained by the caller afterwards.
///
/// Errors: [`ServeError`]; the listener's own address is checked here again.
pub async fn serve(
    vault: Arc<Vault>,
    listener: TcpListener,
    entry: Entry,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    serve_within(vault, listener, (entry, Calls::default()), shutdown).await
}

/// [`serve`] for one of several listeners: `calls` are those in progress on all of them.
///
/// Errors: as of [`serve`].
pub async fn serve_within(
    vault: Arc<Vault>,
    listener: TcpListener,
    (entry, calls): (Entry, Calls),
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), ServeError> {
    check_listen(listener.local_addr().map_err(ServeError::Socket)?, &entry)?;
    let (reporter, health) = tonic_health::server::health_reporter();
    let alpha = reflection()?.build_v1alpha().map_err(|_| ServeError::Descriptors)?;
    let reflection = reflection()?.build_v1().map_err(|_| ServeError::Descriptors)?;
    let routes = route::Routes::new(Arc::clone(&vault), calls.clone(), health, reflection, alpha);
    let watch = tokio::spawn(watch_health(vault, reporter));
    let (stopping, stopped) = tokio::sync::oneshot::channel::<()>();
    let signal = async move {
        shutdown.await;
        // The other end is gone only when serving has ended by itself.
        let _ = stopping.send(());
    };
    let serving = Server::builder()
        .max_concurrent_streams(limits::CALLS_PER_CONNECTION_MAX)
        .http2_max_header_list_size(limits::HEADER_LIST_BYTES_MAX)
        .http2_keepalive_interval(Some(entry.bounds().keepalive_interval))
        .http2_keepalive_timeout(Some(entry.bounds().keepalive_timeout))
        .serve_with_incoming_shutdown(routes, entry.incoming(listener), signal);
    let overdue = async {
        if stopped.await.is_err() {
            std::future::pending::<()>().await;
        }
        tokio::time::sleep(Duration::from_millis(limits::DRAIN_MS)).await;
    };
    let serving = async {
        serving.await?;
        // Those whose caller went away end as well.
        calls.ended().await;
        Ok(())
    };
    let result = tokio::select! {
        result = serving => result.map_err(ServeError::Transport),
        // Calls that did not end in time are cut; what they committed is durable.
        () = overdue => Ok(()),
    };
    watch.abort();
    result
}

/// Reflection over the public package, health, and the details of errors.
fn reflection() -> Result<tonic_reflection::server::Builder<'static>, ServeError> {
    let mut files = prost_types::FileDescriptorSet::decode(api::DESCRIPTORS)
        .map_err(|_| ServeError::Descriptors)?;
    files.file.retain(|file| file.package() == PACKAGE);
    Ok(tonic_reflection::server::Builder::configure()
        .register_file_descriptor_set(files)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        // What errors carry: without it a client by reflection cannot read their reason.
        .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET))
}

/// Health says SERVING exactly while the audit log can be written: without it no call is answered.
async fn watch_health(vault: Arc<Vault>, reporter: HealthReporter) {
    const NAMES: [&str; 7] = [
        "",
        "oubliette.v1.Records",
        "oubliette.v1.Rights",
        "oubliette.v1.Retention",
        "oubliette.v1.Audit",
        "oubliette.v1.Agents",
        "oubliette.v1.Admin",
    ];
    let mut every = tokio::time::interval(HEALTH_EVERY);
    loop {
        every.tick().await;
        let status = if vault.log().is_writable() {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        for name in NAMES {
            reporter.set_service_status(name, status).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_address_may_be_served() {
        for address in ["127.0.0.1:0", "127.8.0.1:7000", "[::1]:7000"] {
            assert!(check_listen(address.parse().unwrap(), &Entry::plain()).is_ok(), "{address}");
        }
    }

    #[test]
    fn any_other_address_is_refused_in_clear_with_both_ways_out() {
        for address in ["0.0.0.0:7000", "[::]:7000", "192.168.1.2:7000", "[2001:db8::1]:1"] {
            let error = check_listen(address.parse().unwrap(), &Entry::plain()).unwrap_err();
            for way in ["127.0.0.1", "certificate"] {
                assert!(error.to_string().contains(way), "{address}");
            }
        }
    }

    #[test]
    fn reflection_shows_the_public_package_and_no_stored_message() {
        assert!(reflection().is_ok());
        let mut files = prost_types::FileDescriptorSet::decode(api::DESCRIPTORS).unwrap();
        let all = files.file.len();
        files.file.retain(|file| file.package() == PACKAGE);
        assert_eq!(files.file.len(), 7);
        assert!(all > 7);
    }
}
