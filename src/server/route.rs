//! Which service answers which path, and who must be authenticated before it does.
//!
//! A protected service sees only calls whose session was found here, before their message is read:
//! no method can forget it, and an unauthenticated caller learns nothing, not even which methods
//! are built. This stands in for tonic's router, which would bring a web framework along.

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

use super::{admin, agents, audit, auth, records, retention, rights};
use crate::{
    limits::MESSAGE_BYTES_MAX,
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
        $server
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX)
    };
}

impl<H: Health, R: v1::ServerReflection, A: v1alpha::ServerReflection> Routes<H, R, A> {
    /// The services over `vault`.
    pub(super) fn new(
        vault: Arc<Vault>,
        health: HealthServer<H>,
        reflection: v1::ServerReflectionServer<R>,
        reflection_alpha: v1alpha::ServerReflectionServer<A>,
    ) -> Self {
        Self {
            records: bounded!(RecordsServer::new(records::Records::new(Arc::clone(&vault)))),
            rights: bounded!(RightsServer::new(rights::Rights)),
            retention: bounded!(RetentionServer::new(retention::Retention(Arc::clone(&vault)))),
            audit: bounded!(AuditServer::new(audit::Audit(Arc::clone(&vault)))),
            agents: bounded!(AgentsServer::new(agents::Agents(Arc::clone(&vault)))),
            admin: bounded!(AdminServer::new(admin::Admin(Arc::clone(&vault)))),
            health,
            reflection,
            reflection_alpha,
            vault,
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

    fn call(&mut self, mut request: http::Request<Body>) -> Answer {
        let access = access(request.uri().path());
        if access == Access::Session {
            request = match authenticate(&self.vault, request) {
                Ok(request) => request,
                Err(status) => return refuse(status),
            };
        }
        match service(request.uri().path()) {
            RecordsServer::<records::Records>::NAME => self.records.call(request),
            RightsServer::<rights::Rights>::NAME => self.rights.call(request),
            RetentionServer::<retention::Retention>::NAME => self.retention.call(request),
            AuditServer::<audit::Audit>::NAME => self.audit.call(request),
            AdminServer::<admin::Admin>::NAME => self.admin.call(request),
            AgentsServer::<agents::Agents>::NAME => self.agents.call(request),
            HEALTH => self.health.call(request),
            REFLECTION => self.reflection.call(request),
            REFLECTION_ALPHA => self.reflection_alpha.call(request),
            _ => refuse(Status::unimplemented("no such service")),
        }
    }
}

const HEALTH: &str = "grpc.health.v1.Health";
const REFLECTION: &str = "grpc.reflection.v1.ServerReflection";
const REFLECTION_ALPHA: &str = "grpc.reflection.v1alpha.ServerReflection";

/// What a path asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Anybody may call it.
    Open,
    /// The method looks at the token itself: it accepts a session that may only change its secret.
    Token,
    /// A full session, found before the message is read.
    Session,
}

/// Whatever is not named here needs a session, a path that does not exist included.
fn access(path: &str) -> Access {
    match path {
        "/oubliette.v1.Agents/Login" => Access::Open,
        "/oubliette.v1.Agents/Logout" | "/oubliette.v1.Agents/ChangeSecret" => Access::Token,
        _ if matches!(service(path), HEALTH | REFLECTION | REFLECTION_ALPHA) => Access::Open,
        _ => Access::Session,
    }
}

/// The service of a path `/<service>/<method>`.
fn service(path: &str) -> &str {
    path.strip_prefix('/').and_then(|rest| rest.split_once('/')).map_or("", |(name, _)| name)
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

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::wire::api;

    /// Every method of the public package, as a path.
    fn methods() -> Vec<String> {
        let files = prost_types::FileDescriptorSet::decode(api::DESCRIPTORS).unwrap();
        let mut paths = Vec::new();
        for file in files.file.iter().filter(|f| f.package() == "oubliette.v1") {
            for service in &file.service {
                for method in &service.method {
                    paths.push(format!("/oubliette.v1.{}/{}", service.name(), method.name()));
                }
            }
        }
        paths
    }

    #[test]
    fn every_method_but_three_needs_a_full_session() {
        let methods = methods();
        assert!(methods.len() > 40);
        let open: Vec<_> = methods.iter().filter(|p| access(p) == Access::Open).collect();
        assert_eq!(open, ["/oubliette.v1.Agents/Login"]);
        let token: Vec<_> = methods.iter().filter(|p| access(p) == Access::Token).collect();
        assert_eq!(token, ["/oubliette.v1.Agents/Logout", "/oubliette.v1.Agents/ChangeSecret"]);
    }

    #[test]
    fn health_and_reflection_are_open_and_a_path_of_no_service_is_not() {
        assert_eq!(access("/grpc.health.v1.Health/Check"), Access::Open);
        for version in ["v1", "v1alpha"] {
            let path = format!("/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
            assert_eq!(access(&path), Access::Open);
        }
        for path in ["", "/", "//", "/oubliette.v1.Agents/Login/", "/oubliette.v1.Agents"] {
            assert_eq!(access(path), Access::Session, "{path}");
        }
    }

    #[test]
    fn the_names_of_the_open_services_are_those_of_their_descriptors() {
        type Check = tonic_health::server::HealthService;
        assert_eq!(HEALTH, HealthServer::<Check>::NAME);
        let known = tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET;
        let files = prost_types::FileDescriptorSet::decode(known).unwrap();
        let name = files.file.iter().flat_map(|f| &f.service).map(|s| s.name().to_owned()).next();
        assert_eq!(REFLECTION, format!("grpc.reflection.v1.{}", name.unwrap()));
    }
}
