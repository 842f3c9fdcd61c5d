//! Which service answers which path, and who must be authenticated before it does.
//!
//! A protected service sees only calls whose session was found here, before their message is read:
//! no method can forget it, and an unauthenticated caller learns nothing, not even which methods
//! are built. Every call has its place among the calls in progress before its message is read. This
//! stands in for tonic's router, which would bring a web framework along.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use tonic::{
    Status,
    body::Body,
    codegen::{BoxFuture, Service, http},
    metadata::MetadataMap,
    server::NamedService,
};
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_reflection::server::{v1, v1alpha};

use super::{
    admin, agents, audit, auth,
    methods::{self, Access, HEALTH, REFLECTION, REFLECTION_ALPHA},
    places::{Calls, Kind, Place},
    records, retention, rights,
};
use crate::{
    limits::{MESSAGE_BYTES_MAX, OPEN_MESSAGE_BYTES_MAX},
    vault::Vault,
    wire::api::{
        admin_server::AdminServer, agents_server::AgentsServer, audit_server::AuditServer,
        records_server::RecordsServer, retention_server::RetentionServer,
        rights_server::RightsServer,
    },
};

/// The services of one vault. A clone shares them.
pub(super) struct Routes<H, R, A> {
    vault: Arc<Vault>,
    calls: Calls,
    records: RecordsServer<records::Records>,
    rights: RightsServer<rights::Rights>,
    retention: RetentionServer<retention::Retention>,
    audit: AuditServer<audit::Audit>,
    agents: AgentsServer<agents::Agents>,
    admin: AdminServer<admin::Admin>,
    health: HealthServer<H>,
    reflection: v1::ServerReflectionServer<R>,
    /// The same under its older name, which most clients still ask for.
    reflection_alpha: v1alpha::ServerReflectionServer<A>,
}

impl<H, R, A> Clone for Routes<H, R, A> {
    fn clone(&self) -> Self {
        Self {
            vault: Arc::clone(&self.vault),
            calls: self.calls.clone(),
            records: self.records.clone(),
            rights: self.rights.clone(),
            retention: self.retention.clone(),
            audit: self.audit.clone(),
            agents: self.agents.clone(),
            admin: self.admin.clone(),
            health: self.health.clone(),
            reflection: self.reflection.clone(),
            reflection_alpha: self.reflection_alpha.clone(),
        }
    }
}

/// Bounds the messages of a service, both ways.
macro_rules! bounded {
    ($server:expr) => {
        bounded!($server, MESSAGE_BYTES_MAX)
    };
    ($server:expr, $request:expr) => {
        $server.max_decoding_message_size($request).max_encoding_message_size(MESSAGE_BYTES_MAX)
    };
}

impl<H: Health, R: v1::ServerReflection, A: v1alpha::ServerReflection> Routes<H, R, A> {
    /// The services over `vault`; `calls` are those in progress.
    pub(super) fn new(
        vault: Arc<Vault>,
        calls: Calls,
        health: HealthServer<H>,
        reflection: v1::ServerReflectionServer<R>,
        reflection_alpha: v1alpha::ServerReflectionServer<A>,
    ) -> Self {
        Self {
            records: bounded!(RecordsServer::new(records::Records::new(
                Arc::clone(&vault),
                calls.bounds().stream_idle_ms
            ))),
            rights: bounded!(RightsServer::new(rights::Rights(Arc::clone(&vault)))),
            retention: bounded!(RetentionServer::new(retention::Retention(Arc::clone(&vault)))),
            audit: bounded!(AuditServer::new(audit::Audit(Arc::clone(&vault)))),
            agents: bounded!(AgentsServer::new(agents::Agents(Arc::clone(&vault)))),
            admin: bounded!(AdminServer::new(admin::Admin(Arc::clone(&vault), calls.clone()))),
            health: bounded!(health, OPEN_MESSAGE_BYTES_MAX),
            reflection: bounded!(reflection, OPEN_MESSAGE_BYTES_MAX),
            reflection_alpha: bounded!(reflection_alpha, OPEN_MESSAGE_BYTES_MAX),
            vault,
            calls,
        }
    }
}

type Answer = BoxFuture<http::Response<Body>, Infallible>;

impl<H: Health, R: v1::ServerReflection, A: v1alpha::ServerReflection> Service<http::Request<Body>>
    for Routes<H, R, A>
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Answer {
        let path = request.uri().path();
        let (access, shape, time) =
            (methods::access(path), methods::shape(path), methods::time(path));
        let kind = Kind { access, shape, time };
        self.admitted(kind, request).unwrap_or_else(refuse)
    }
}

impl<H: Health, R: v1::ServerReflection, A: v1alpha::ServerReflection> Routes<H, R, A> {
    /// 1. Authenticates. 2. Takes a place. 3. Runs the call of the path's service.
    fn admitted(&self, kind: Kind, mut request: http::Request<Body>) -> Result<Answer, Status> {
        if kind.access == Access::Session {
            request = authenticate(&self.vault, request)?;
        }
        let place = self.calls.admit(kind)?;
        self.run(kind, place, request)
    }

    fn run(
        &self,
        kind: Kind,
        place: Place,
        request: http::Request<Body>,
    ) -> Result<Answer, Status> {
        macro_rules! run {
            ($service:ident) => {
                Ok(self.calls.run(kind, place, request, self.$service.clone()))
            };
        }
        match methods::service(request.uri().path()) {
            RecordsServer::<records::Records>::NAME => run!(records),
            RightsServer::<rights::Rights>::NAME => run!(rights),
            RetentionServer::<retention::Retention>::NAME => run!(retention),
            AuditServer::<audit::Audit>::NAME => run!(audit),
            AdminServer::<admin::Admin>::NAME => run!(admin),
            AgentsServer::<agents::Agents>::NAME => run!(agents),
            HEALTH => run!(health),
            REFLECTION => run!(reflection),
            REFLECTION_ALPHA => run!(reflection_alpha),
            _ => Err(Status::unimplemented("no such service")),
        }
    }
}

/// Puts the caller of the request's session into its extensions.
fn authenticate(
    vault: &Vault,
    request: http::Request<Body>,
) -> Result<http::Request<Body>, Status> {
    let (mut parts, body) = request.into_parts();
    let metadata = MetadataMap::from_headers(std::mem::take(&mut parts.headers));
    parts.extensions.insert(auth::session(vault, &metadata)?);
    parts.headers = metadata.into_headers();
    Ok(http::Request::from_parts(parts, body))
}

fn refuse(status: Status) -> Answer {
    Box::pin(std::future::ready(Ok(status.into_http())))
}
