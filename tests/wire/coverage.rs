//! Every method of every service meets an unauthenticated caller here: the list comes from the
//! descriptors, so that a new method is covered without being listed.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use oubliette::{
    server::{self, Entry, ServeError},
    wire::api,
};
use prost::Message as _;
use tokio::{net::TcpListener, sync::OnceCell};
use tonic::{Code, Request, Status, client::Grpc, codegen::http::uri::PathAndQuery};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};
use tonic_types::StatusExt as _;

use crate::support::{House, Served, run};

/// What each method does with a caller who has no session, and whether it is built.
///
/// A method of the descriptors that is missing here, or the other way round, fails
/// `every_method_of_the_descriptors_is_in_the_table`.
const METHODS: &[(&str, Unauthenticated, Built)] = &[
    ("Records/Describe", Unauthenticated::Refused, Built::Yes),
    ("Records/Create", Unauthenticated::Refused, Built::Yes),
    ("Records/Derive", Unauthenticated::Refused, Built::Yes),
    ("Records/Import", Unauthenticated::Refused, Built::Yes),
    ("Records/Reveal", Unauthenticated::Refused, Built::Yes),
    ("Records/RevealMany", Unauthenticated::Refused, Built::Yes),
    ("Records/Update", Unauthenticated::Refused, Built::Yes),
    ("Records/Find", Unauthenticated::Refused, Built::Yes),
    ("Records/Match", Unauthenticated::Refused, Built::Yes),
    ("Records/Assign", Unauthenticated::Refused, Built::Yes),
    ("Records/Unassign", Unauthenticated::Refused, Built::Yes),
    ("Records/Worklist", Unauthenticated::Refused, Built::Yes),
    ("Records/Erase", Unauthenticated::Refused, Built::Yes),
    ("Rights/ExportSubject", Unauthenticated::Refused, Built::NotYet),
    ("Rights/EraseSubject", Unauthenticated::Refused, Built::Yes),
    ("Rights/RestrictSubject", Unauthenticated::Refused, Built::Yes),
    ("Rights/ListAccesses", Unauthenticated::Refused, Built::NotYet),
    ("Retention/PreviewPurge", Unauthenticated::Refused, Built::Yes),
    ("Retention/RunPurge", Unauthenticated::Refused, Built::Yes),
    ("Retention/GetCertificate", Unauthenticated::Refused, Built::Yes),
    ("Retention/PlaceHold", Unauthenticated::Refused, Built::Yes),
    ("Retention/ReleaseHold", Unauthenticated::Refused, Built::Yes),
    ("Retention/ListHolds", Unauthenticated::Refused, Built::Yes),
    ("Audit/ListEvents", Unauthenticated::Refused, Built::Yes),
    ("Audit/GetCheckpoint", Unauthenticated::Refused, Built::Yes),
    ("Audit/ExportLog", Unauthenticated::Refused, Built::Yes),
    ("Audit/ListReviews", Unauthenticated::Refused, Built::Yes),
    ("Audit/CloseReview", Unauthenticated::Refused, Built::Yes),
    ("Agents/Login", Unauthenticated::Answered, Built::Yes),
    ("Agents/Logout", Unauthenticated::Refused, Built::Yes),
    ("Agents/ChangeSecret", Unauthenticated::Refused, Built::Yes),
    ("Agents/Create", Unauthenticated::Refused, Built::Yes),
    ("Agents/Revoke", Unauthenticated::Refused, Built::Yes),
    ("Agents/List", Unauthenticated::Refused, Built::Yes),
    ("Admin/Status", Unauthenticated::Refused, Built::Yes),
    ("Admin/ConfirmClock", Unauthenticated::Refused, Built::Yes),
    ("Admin/ListAlarms", Unauthenticated::Refused, Built::Yes),
    ("Admin/AckAlarm", Unauthenticated::Refused, Built::Yes),
    ("Admin/RequestApproval", Unauthenticated::Refused, Built::Yes),
    ("Admin/Approve", Unauthenticated::Refused, Built::Yes),
    ("Admin/ListApprovals", Unauthenticated::Refused, Built::Yes),
    ("Admin/RotateRootKey", Unauthenticated::Refused, Built::Yes),
    ("Admin/Backup", Unauthenticated::Refused, Built::Yes),
    ("Admin/ReloadPolicies", Unauthenticated::Refused, Built::Yes),
];

/// What a caller without a session gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unauthenticated {
    Refused,
    Answered,
}

/// Whether a method of the contract is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Built {
    Yes,
    NotYet,
}

/// The built methods of a service, by name.
pub(crate) fn built(service: &str) -> BTreeSet<&'static str> {
    let there = METHODS.iter().filter(|(.., built)| *built == Built::Yes);
    let names = there.filter_map(|(method, ..)| method.split_once('/'));
    names.filter(|(of, _)| *of == service).map(|(_, name)| name).collect()
}

async fn shared() -> &'static Served<'static> {
    static SHARED: OnceCell<Served<'static>> = OnceCell::const_new();
    SHARED
        .get_or_init(|| async {
            let house: &'static House = Box::leak(Box::new(House::in_memory(100)));
            house.serve().await
        })
        .await
}

/// `Service/Method` of every method of the public package.
fn described() -> BTreeSet<String> {
    let files = prost_types::FileDescriptorSet::decode(api::DESCRIPTORS).unwrap();
    let public = files.file.iter().filter(|file| file.package() == "oubliette.v1");
    let services = public.flat_map(|file| &file.service);
    let methods = services.flat_map(|service| {
        service.method.iter().map(move |m| format!("{}/{}", service.name(), m.name()))
    });
    methods.collect()
}

/// Calls a method with an empty message, as a program without our client would.
async fn call(served: &Served<'_>, method: &str, token: Option<&str>) -> Result<(), Status> {
    let mut grpc = Grpc::new(served.open.channel());
    grpc.ready().await.unwrap();
    let path: PathAndQuery = format!("/oubliette.v1.{method}").parse().unwrap();
    let mut request = Request::new(());
    if let Some(token) = token {
        request.metadata_mut().insert("authorization", token.parse().unwrap());
    }
    grpc.unary(request, path, ProstCodec::<(), ()>::default()).await.map(drop)
}

fn reason(status: &Status) -> Option<String> {
    let details = status.get_error_details();
    details.error_info().filter(|info| info.domain == "oubliette").map(|info| info.reason.clone())
}

#[test]
fn every_method_of_the_descriptors_is_in_the_table() {
    let table: BTreeSet<String> = METHODS.iter().map(|(method, ..)| (*method).to_owned()).collect();
    assert_eq!(table.len(), METHODS.len(), "a method is listed twice");
    assert_eq!(table, described());
}

#[test]
fn every_method_refuses_a_caller_without_a_session() {
    run(async {
        let served = shared().await;
        // No token, one that is none, one of the right length that nobody was given, another scheme.
        let unknown = format!("Bearer {}", "A".repeat(43));
        let bad = [None, Some("Bearer x"), Some(unknown.as_str()), Some("Basic a2V5cw==")];
        for (method, expected, _) in METHODS {
            for token in bad {
                let status = call(served, method, token).await.unwrap_err();
                let refused = status.code() == Code::Unauthenticated
                    && reason(&status).as_deref() == Some("UNAUTHENTICATED");
                let wanted = *expected == Unauthenticated::Refused;
                assert_eq!(refused, wanted, "{method} with {token:?}: {status:?}");
            }
        }
    });
}

#[test]
fn login_answers_a_caller_without_a_session() {
    run(async {
        let status = call(shared().await, "Agents/Login", None).await.unwrap_err();
        let reason = reason(&status).unwrap();
        assert!(["BAD_CREDENTIALS", "INVALID_FIELDS"].contains(&reason.as_str()), "{reason}");
    });
}

#[test]
fn exactly_the_methods_marked_so_answer_that_they_are_not_built_yet() {
    run(async {
        let served = shared().await;
        // EXPOSE: sent as a program without our client would.
        let token = served.token("inv-974").await;
        let token = format!("Bearer {}", std::str::from_utf8(token.expose()).unwrap());
        // Last, because it ends the session.
        let (last, first): (Vec<&_>, Vec<&_>) =
            METHODS.iter().partition(|(method, ..)| *method == "Agents/Logout");
        for (method, _, built) in first.into_iter().chain(last) {
            let status = call(served, method, Some(&token)).await.err();
            let code = status.as_ref().map(Status::code);
            let reason = status.as_ref().and_then(reason);
            let unbuilt = reason.as_deref() == Some("NOT_BUILT_YET");
            assert_eq!(unbuilt, *built == Built::NotYet, "{method}: {status:?}");
            assert_eq!(unbuilt, code == Some(Code::Unimplemented), "{method}: {status:?}");
            assert_ne!(reason.as_deref(), Some("UNAUTHENTICATED"), "{method}: {status:?}");
        }
    });
}

/// The methods in the table of a document under this heading: one row a service, its name first.
fn documented(text: &str, heading: &str) -> BTreeSet<String> {
    let part = text.lines().skip_while(|line| *line != heading).skip(1);
    let part = part.take_while(|line| !line.starts_with("## "));
    let rows = part.filter(|line| line.starts_with("| `"));
    let methods = rows.flat_map(|row| {
        let mut quoted = row.split('`').skip(1).step_by(2);
        let service = quoted.next().unwrap_or_default();
        quoted.map(move |method| format!("{service}/{method}"))
    });
    methods.collect()
}

fn not_built() -> BTreeSet<String> {
    let missing = METHODS.iter().filter(|(.., built)| *built == Built::NotYet);
    missing.map(|(method, ..)| (*method).to_owned()).collect()
}

#[test]
fn the_readme_lists_exactly_what_is_not_built_yet() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(documented(&text, "## What is not there yet"), not_built());
}

/// Asks the health service as any orchestrator would.
async fn health(served: &Served<'_>, service: &str) -> ServingStatus {
    let mut client = HealthClient::new(served.open.channel());
    let request = HealthCheckRequest { service: service.to_owned() };
    client.check(request).await.unwrap().into_inner().status()
}

#[test]
fn health_answers_without_a_session() {
    run(async {
        let served = shared().await;
        for service in ["", "oubliette.v1.Records", "oubliette.v1.Rights"] {
            // The service says "unknown" until the watch has looked for the first time.
            let mut status = health(served, service).await;
            while status == ServingStatus::Unknown {
                tokio::task::yield_now().await;
                status = health(served, service).await;
            }
            assert_eq!(status, ServingStatus::Serving, "{service}");
        }
    });
}

#[test]
fn reflection_shows_the_public_package_and_its_errors_without_a_session_and_no_stored_message() {
    run(async {
        let served = shared().await;
        let mut client = ServerReflectionClient::new(served.open.channel());
        let ask = |request| ServerReflectionRequest {
            host: String::new(),
            message_request: Some(request),
        };
        let symbol = |name: &str| ask(MessageRequest::FileContainingSymbol(name.to_owned()));
        let asked = [
            ask(MessageRequest::ListServices(String::new())),
            symbol("oubliette.v1.Records"),
            symbol("google.rpc.ErrorInfo"),
            symbol("oubliette.store.v1.Keyring"),
        ];
        let answers = client.server_reflection_info(tokio_stream::iter(asked)).await.unwrap();
        let mut answers = answers.into_inner();
        let Some(MessageResponse::ListServicesResponse(list)) =
            answers.message().await.unwrap().unwrap().message_response
        else {
            panic!("no list of services")
        };
        let shown: BTreeSet<String> = list.service.into_iter().map(|s| s.name).collect();
        for method in described() {
            let service = format!("oubliette.v1.{}", method.split('/').next().unwrap());
            assert!(shown.contains(&service), "{service}");
        }
        for public in ["a service", "what an error carries"] {
            let answer = answers.message().await.unwrap().unwrap().message_response;
            assert!(matches!(answer, Some(MessageResponse::FileDescriptorResponse(_))), "{public}");
        }
        match answers.message().await {
            Err(status) => assert_eq!(status.code(), Code::NotFound),
            Ok(answer) => assert!(matches!(
                answer.unwrap().message_response,
                Some(MessageResponse::ErrorResponse(_))
            )),
        }
    });
}

#[test]
fn a_listener_that_other_machines_could_reach_is_refused_and_a_loopback_one_serves() {
    run(async {
        let served = shared().await;
        let open = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let refused =
            server::serve(Arc::clone(&served.vault), open, Entry::plain(), async {}).await;
        assert!(matches!(refused, Err(ServeError::NotLoopback(_))));
        let own = TcpListener::bind("127.0.0.1:0").await.unwrap();
        server::serve(Arc::clone(&served.vault), own, Entry::plain(), async {}).await.unwrap();
    });
}

#[test]
fn the_list_of_a_document_is_read_to_the_next_heading_and_no_further() {
    let text = "| `Records` | `Reveal` |\n## Gaps\n`Rights`\n| `Records` | `Find`, `Match` |\n\
        | `Admin` | `Approve` |\n## More\n| `Records` | `Import` |\n";
    let expected = ["Admin/Approve", "Records/Find", "Records/Match"].map(str::to_owned);
    assert_eq!(documented(text, "## Gaps"), BTreeSet::from(expected));
    assert!(documented(text, "## Other").is_empty());
}
