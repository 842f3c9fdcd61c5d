//! What each method asks of its caller and how its messages travel, by path.
//!
//! Nothing is called here. Whatever is not named needs a session, takes one message and gives one
//! within the vault's bound: a path that does not exist included.

/// Full name of the health service.
pub(super) const HEALTH: &str = "grpc.health.v1.Health";
/// Full name of the reflection service.
pub(super) const REFLECTION: &str = "grpc.reflection.v1.ServerReflection";
/// The same under its older name, which most clients still ask for.
pub(super) const REFLECTION_ALPHA: &str = "grpc.reflection.v1alpha.ServerReflection";

/// What a path asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Anybody may call it.
    Open,
    /// The method looks at the token itself: it accepts a session that may only change its secret.
    Token,
    /// A full session, found before the message is read.
    Session,
}

/// How the messages of a method travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// One message each way.
    Unary,
    /// One message in, many out.
    Answers,
    /// Many in, as many out as there are.
    Stream,
}

/// Whether the vault's own bound on a call's time holds for a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Time {
    /// It does.
    Bounded,
    /// Only a deadline of the caller's own does.
    Long,
}

/// Whatever is not named here needs a session, a path that does not exist included.
pub(super) fn access(path: &str) -> Access {
    match path {
        "/oubliette.v1.Agents/Login" => Access::Open,
        "/oubliette.v1.Agents/Logout" | "/oubliette.v1.Agents/ChangeSecret" => Access::Token,
        _ if matches!(service(path), HEALTH | REFLECTION | REFLECTION_ALPHA) => Access::Open,
        _ => Access::Session,
    }
}

/// How the messages of this path's method travel.
pub(super) fn shape(path: &str) -> Shape {
    match path {
        "/oubliette.v1.Records/Import" => Shape::Stream,
        "/oubliette.v1.Audit/ExportLog"
        | "/oubliette.v1.Rights/ExportSubject"
        | "/oubliette.v1.Admin/Backup"
        | "/grpc.health.v1.Health/Watch" => Shape::Answers,
        _ if matches!(service(path), REFLECTION | REFLECTION_ALPHA) => Shape::Stream,
        _ => Shape::Unary,
    }
}

/// The methods that may take longer than a call may.
pub(super) fn time(path: &str) -> Time {
    match path {
        // Reads every member row of every cohort that is due, to count them.
        "/oubliette.v1.Retention/PreviewPurge" => Time::Long,
        // Sweeps every row of what it destroyed before it certifies that.
        "/oubliette.v1.Retention/RunPurge" => Time::Long,
        // Does the same.
        "/oubliette.v1.Retention/ReleaseHold" => Time::Long,
        // Sends every row there is; its time and its silences have bounds of their own.
        "/oubliette.v1.Admin/Backup" => Time::Long,
        // Answers while it is sent to; its batches and its silences have bounds of their own.
        _ if shape(path) == Shape::Stream => Time::Long,
        _ => Time::Bounded,
    }
}

/// The service of a path `/<service>/<method>`.
pub(super) fn service(path: &str) -> &str {
    path.strip_prefix('/').and_then(|rest| rest.split_once('/')).map_or("", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use prost::Message as _;
    use prost_types::FileDescriptorSet;
    use tonic::server::NamedService as _;
    use tonic_health::pb::health_server::HealthServer;

    use super::*;
    use crate::wire::api;

    /// Every method of the packages of these descriptors that `keep` wants, with its shape.
    fn methods(descriptors: &[u8], keep: &str) -> Vec<(String, Shape)> {
        let files = FileDescriptorSet::decode(descriptors).unwrap();
        let mut found = Vec::new();
        for file in files.file.iter().filter(|f| f.package() == keep) {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/{keep}.{}/{}", service.name(), method.name());
                    let shape = match (method.client_streaming(), method.server_streaming()) {
                        (false, false) => Shape::Unary,
                        (false, true) => Shape::Answers,
                        (true, _) => Shape::Stream,
                    };
                    found.push((path, shape));
                }
            }
        }
        found
    }

    fn own() -> Vec<(String, Shape)> {
        methods(api::DESCRIPTORS, "oubliette.v1")
    }

    #[test]
    fn every_method_but_three_needs_a_full_session() {
        let methods = own();
        assert!(methods.len() > 40);
        let of = |access_: Access| {
            let found = methods.iter().map(|(path, _)| path.as_str());
            found.filter(|path| access(path) == access_).collect::<Vec<_>>()
        };
        assert_eq!(of(Access::Open), ["/oubliette.v1.Agents/Login"]);
        assert_eq!(
            of(Access::Token),
            ["/oubliette.v1.Agents/Logout", "/oubliette.v1.Agents/ChangeSecret"]
        );
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
    fn every_method_travels_as_its_descriptor_says() {
        let health = methods(tonic_health::pb::FILE_DESCRIPTOR_SET, "grpc.health.v1");
        let v1 = tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET;
        let reflection = methods(v1, "grpc.reflection.v1");
        let alpha = tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET;
        let alpha = methods(alpha, "grpc.reflection.v1alpha");
        assert!(health.len() > 1 && reflection.len() == 1 && alpha.len() == 1);
        for (path, described) in own().into_iter().chain(health).chain(reflection).chain(alpha) {
            assert_eq!(shape(&path), described, "{path}");
        }
    }

    #[test]
    fn the_methods_without_a_bound_on_their_time_are_five_that_exist() {
        let mut long: Vec<_> =
            own().into_iter().map(|(p, _)| p).filter(|p| time(p) == Time::Long).collect();
        long.sort();
        assert_eq!(
            long,
            [
                "/oubliette.v1.Admin/Backup",
                "/oubliette.v1.Records/Import",
                "/oubliette.v1.Retention/PreviewPurge",
                "/oubliette.v1.Retention/ReleaseHold",
                "/oubliette.v1.Retention/RunPurge",
            ]
        );
    }

    #[test]
    fn the_names_of_the_open_services_are_those_of_their_descriptors() {
        type Check = tonic_health::server::HealthService;
        assert_eq!(HEALTH, HealthServer::<Check>::NAME);
        let known = tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET;
        let files = FileDescriptorSet::decode(known).unwrap();
        let name = files.file.iter().flat_map(|f| &f.service).map(|s| s.name().to_owned()).next();
        assert_eq!(REFLECTION, format!("grpc.reflection.v1.{}", name.unwrap()));
    }
}
