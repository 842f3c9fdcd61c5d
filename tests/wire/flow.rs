//! What a caller meets in a day: log in, file, assign, reveal, be refused, change, be revoked.

use oubliette::{
    client::{
        Client, ClientError, Reason, Refusal,
        types::{Assignee, Change, FieldStatus, Intent, NewRecord, Revealed, Value},
    },
    ids::RecordId,
    wire::api::{RevealRequest, records_client::RecordsClient},
};
use tokio::sync::OnceCell;
use tonic::{Code, Request, Status};

use crate::support::{
    House, KEYS, NIR_A, Served, case, contact, lab_result, refused, secret, secret_of, text,
};

async fn shared() -> &'static Served<'static> {
    static SHARED: OnceCell<Served<'static>> = OnceCell::const_new();
    SHARED
        .get_or_init(|| async {
            let house: &'static House = Box::leak(Box::new(House::in_folders(200)));
            house.serve().await
        })
        .await
}

fn p2() -> Intent {
    Intent::of("p2")
}

fn unit(name: &str) -> Assignee {
    Assignee::Unit(name.to_owned())
}

fn status_of(revealed: &Revealed, field: &str) -> FieldStatus {
    revealed.field(field).unwrap_or_else(|| panic!("no field {field} in the answer")).status
}

fn is_text(revealed: &Revealed, field: &str, expected: &str) -> bool {
    revealed.field(field).is_some_and(|f| f.value == Some(text(expected)))
}

fn change(record: RecordId, expected_version: u32, field: &str, value: Value) -> Change {
    let fields = vec![(field.to_owned(), Some(value))];
    Change { record, expected_version, attributes: Vec::new(), fields }
}

fn refusal<T>(result: Result<T, ClientError>) -> Refusal {
    match result {
        Err(ClientError::Refused(refusal)) => *refusal,
        Err(other) => panic!("not a refusal of the vault: {other}"),
        Ok(_) => panic!("an answer where a refusal was due"),
    }
}

#[test]
fn the_right_secret_opens_a_session_and_a_wrong_one_or_an_unknown_agent_do_not() {
    crate::support::run(async {
        let served = shared().await;
        served.token("inv-974").await;
        let right = served.open.login("inv-974", &secret(&secret_of("inv-974"))).await;
        let session = right.unwrap_or_else(|error| panic!("{error}"));
        assert!(!session.must_change_secret);
        assert_eq!(session.habilitation.role, "investigator");
        let wrong = refusal(served.open.login("inv-974", &secret("wrong 47 Blue")).await);
        let nobody = refusal(served.open.login("nobody-1", &secret("wrong 47 Blue")).await);
        assert_eq!(wrong.reason, Some(Reason::BadCredentials));
        assert_eq!(wrong, nobody, "which of the two it was is not said");
    });
}

#[test]
fn a_one_time_session_may_only_change_its_secret() {
    crate::support::run(async {
        let house = House::in_memory(201);
        let served = house.serve().await;
        let one_time = house.known.lock()[0].1.clone().unwrap();
        let session = served.open.login(KEYS, &secret(&one_time)).await.ok().unwrap();
        assert!(session.must_change_secret);
        let client = served.open.with_token(&session.token).unwrap();
        assert_eq!(refused(client.list_agents().await), Reason::MustChangeSecret);
        assert_eq!(refused(client.describe().await), Reason::MustChangeSecret);
        let weak = client.change_secret(&secret(&one_time), &secret("short")).await;
        assert_eq!(refused(weak), Reason::WeakSecret);
        let own = secret(&secret_of(KEYS));
        client.change_secret(&secret(&one_time), &own).await.unwrap();
        assert_eq!(
            refused(served.open.login(KEYS, &secret(&one_time)).await),
            Reason::BadCredentials
        );
        let session = served.open.login(KEYS, &own).await.ok().unwrap();
        let client = served.open.with_token(&session.token).unwrap();
        assert_eq!(client.list_agents().await.unwrap().len(), 2);
        served.stop().await;
    });
}

#[test]
fn a_case_is_filed_assigned_and_revealed_with_a_status_for_each_field() {
    crate::support::run(async {
        let served = shared().await;
        let mut new = case("reunion", "EXEMPLE-FLUX", "2020-11-23");
        new.fields.push(("nir".to_owned(), text(NIR_A)));
        let filed = served.queue("reunion", new, "investigation-974").await;
        assert_eq!((filed.version, filed.expires_on.as_str()), (2, "2021-02-23"));
        let investigator = served.as_agent("inv-974").await;
        let classes = ["identity", "coordinates", "nir"];
        let revealed = investigator.reveal(&p2(), filed.record, &classes).await.ok().unwrap();
        assert_eq!(revealed.collection, "cases");
        assert_eq!(revealed.version, 2);
        assert!(is_text(&revealed, "last_name", "EXEMPLE-FLUX"));
        assert_eq!(status_of(&revealed, "last_name"), FieldStatus::Value);
        assert_eq!(status_of(&revealed, "email"), FieldStatus::Absent);
        // Not hers to see, not even in part.
        assert_eq!(status_of(&revealed, "nir"), FieldStatus::Denied);
        assert!(revealed.field("nir").unwrap().value.is_none());
        assert_eq!(revealed.fields.len(), 10, "every field of every asked class");
        // The physician may see the same class whole.
        let physician = served.as_agent("med-974").await;
        let why = Intent::of("p3");
        let revealed = physician.reveal(&why, filed.record, &["nir"]).await.ok().unwrap();
        assert!(is_text(&revealed, "nir", NIR_A));
    });
}

#[test]
fn an_investigator_is_refused_the_raw_result_that_a_physician_reads() {
    crate::support::run(async {
        let served = shared().await;
        let lab = served.file("reunion", lab_result("reunion", "EXEMPLE-LABO", "2020-11-22")).await;
        let investigator = served.as_agent("inv-974").await;
        let answer = investigator.reveal(&p2(), lab.record, &["result"]).await;
        assert!(matches!(refused(answer), Reason::Denied | Reason::NotAvailable));
        let physician = served.as_agent("med-974").await;
        let revealed = physician.reveal(&Intent::of("p3"), lab.record, &["result"]).await;
        assert!(is_text(&revealed.ok().unwrap(), "finding", "10828004"));
    });
}

#[test]
fn an_operator_reads_his_contact_but_not_its_nir_and_nothing_of_the_other_territory() {
    crate::support::run(async {
        let served = shared().await;
        let mine = served
            .queue("reunion", contact("reunion", "EXEMPLE-ICI", "2020-11-22"), "operators-974")
            .await;
        let theirs = contact("guadeloupe", "EXEMPLE-AILLEURS", "2020-11-22");
        let theirs = served.queue("guadeloupe", theirs, "operators-971").await;
        let over_there = case("guadeloupe", "EXEMPLE-AILLEURS", "2020-11-22");
        let over_there = served.file("guadeloupe", over_there).await;
        let operator = served.as_agent("ope-974").await;
        let revealed =
            operator.reveal(&p2(), mine.record, &["coordinates", "nir"]).await.ok().unwrap();
        assert_eq!(status_of(&revealed, "phone"), FieldStatus::Value);
        assert_eq!(status_of(&revealed, "nir"), FieldStatus::Denied);
        assert!(revealed.field("nir").unwrap().value.is_none());
        // Asked alone, the class is denied as a whole, with the rule's name or none.
        let alone = refusal(operator.reveal(&p2(), mine.record, &["nir"]).await);
        assert_eq!((alone.code, alone.reason), (Code::PermissionDenied, Some(Reason::Denied)));
        let other = operator.reveal(&p2(), theirs.record, &["coordinates"]).await;
        assert_eq!(refused(other), Reason::NotAvailable);
        // Over there it is midnight: who asks is the physician, who has no hours of service.
        let neighbour = served.as_agent("med-971").await;
        let why = Intent::of("p3");
        let answer = neighbour.reveal(&why, over_there.record, &["coordinates"]).await;
        assert!(is_text(&answer.ok().unwrap(), "phone", "+262639980001"));
    });
}

/// The whole answer of a refused call, as it is on the wire, but for the time of day.
async fn raw_refusal(
    served: &Served<'_>,
    agent: &str,
    record: &[u8],
) -> (Code, String, Vec<u8>, Vec<String>) {
    let token = served.token(agent).await;
    // EXPOSE: sent as a program without our client would.
    let bearer = format!("Bearer {}", std::str::from_utf8(token.expose()).unwrap());
    let mut request = Request::new(RevealRequest {
        break_glass: None,
        intent: Some(oubliette::wire::api::Intent {
            purpose: "p2".to_owned(),
            justification: String::new(),
            request_id: Vec::new(),
        }),
        record_id: record.to_vec(),
        classes: vec!["identity".to_owned(), "nir".to_owned()],
        approval_id: Vec::new(),
        link_id: Vec::new(),
    });
    request.metadata_mut().insert("authorization", bearer.parse().unwrap());
    let status: Status =
        RecordsClient::new(served.open.channel()).reveal(request).await.err().unwrap();
    let mut headers: Vec<String> = status
        .metadata()
        .clone()
        .into_headers()
        .iter()
        .filter(|(name, _)| *name != "date")
        .map(|(name, value)| format!("{name}: {value:?}"))
        .collect();
    headers.sort();
    (status.code(), status.message().to_owned(), status.details().to_vec(), headers)
}

#[test]
fn absent_and_forbidden_records_give_the_same_answer_on_the_wire() {
    crate::support::run(async {
        let served = shared().await;
        let ours = served.file("reunion", case("reunion", "EXEMPLE-LIBRE", "2020-11-22")).await;
        let theirs = case("guadeloupe", "EXEMPLE-AUTRE", "2020-11-22");
        let theirs = served.queue("guadeloupe", theirs, "investigation-971").await;
        let absent = raw_refusal(served, "inv-974", &[7; 16]).await;
        assert_eq!((absent.0, absent.1.as_str()), (Code::NotFound, "not available"));
        for forbidden in [ours.record, theirs.record] {
            assert_eq!(raw_refusal(served, "inv-974", forbidden.as_bytes()).await, absent);
        }
        // Whoever may know of it is answered otherwise, so the comparison compares something.
        let neighbour = served.as_agent("med-971").await;
        let why = Intent::of("p3");
        assert!(neighbour.reveal(&why, theirs.record, &["identity"]).await.is_ok());
    });
}

#[test]
fn an_update_with_the_present_version_is_made_and_one_with_an_older_is_aborted() {
    crate::support::run(async {
        let served = shared().await;
        let filed = case("reunion", "EXEMPLE-AVANT", "2020-11-22");
        let filed = served.queue("reunion", filed, "investigation-974").await;
        let investigator = served.as_agent("inv-974").await;
        let new = change(filed.record, filed.version, "last_name", text("EXEMPLE-APRES"));
        assert_eq!(investigator.update(&p2(), new).await.unwrap().version, 3);
        let stale = change(filed.record, filed.version, "last_name", text("EXEMPLE-PERDU"));
        let aborted = refusal(investigator.update(&p2(), stale).await);
        assert_eq!((aborted.code, aborted.reason), (Code::Aborted, Some(Reason::VersionMismatch)));
        let revealed = investigator.reveal(&p2(), filed.record, &["identity"]).await.ok().unwrap();
        assert!(is_text(&revealed, "last_name", "EXEMPLE-APRES"));
        assert_eq!(revealed.expires_on, "2021-02-22", "an edit never moves the date");
    });
}

#[test]
fn a_refused_value_is_named_by_its_path_and_never_repeated() {
    crate::support::run(async {
        let served = shared().await;
        let feed = served.as_agent("feed-974").await;
        let mut new = case("reunion", "EXEMPLE", "2020-11-22");
        let nir = new.fields.len();
        new.fields.push(("nir".to_owned(), text("299019999999928")));
        new.attributes[1].1 = text("MARKED-STATE");
        let refusal = refusal(feed.create(&Intent::of("p1"), new).await);
        assert_eq!(
            (refusal.code, refusal.reason),
            (Code::InvalidArgument, Some(Reason::InvalidFields))
        );
        let paths: Vec<&str> = refusal.violations.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths.len(), 2, "{paths:?}");
        assert!(
            paths.iter().any(|p| p.contains("nir") || p.contains(&format!("fields[{nir}]"))),
            "{paths:?}"
        );
        assert!(
            paths.iter().any(|p| p.contains("state") || p.contains("attributes[1]")),
            "{paths:?}"
        );
        let whole = format!("{refusal:?}");
        assert!(!whole.contains("299019999999928") && !whole.contains("MARKED-STATE"), "{whole}");
    });
}

#[test]
fn a_date_of_tomorrow_an_unknown_purpose_and_an_unknown_collection_are_refused_by_name() {
    crate::support::run(async {
        let served = shared().await;
        let feed = served.as_agent("feed-974").await;
        let file = async |purpose: &str, record: NewRecord| {
            refused(feed.create(&Intent::of(purpose), record).await)
        };
        let tomorrow = case("reunion", "EXEMPLE", "2020-11-24");
        assert_eq!(file("p1", tomorrow).await, Reason::InvalidFields);
        let today = case("reunion", "EXEMPLE", "2020-11-23");
        assert_eq!(file("curiosity", today.clone()).await, Reason::UnknownPurpose);
        let unknown = NewRecord { collection: "gossip".to_owned(), ..today };
        assert_eq!(file("p1", unknown).await, Reason::UnknownCollection);
        let old = case("reunion", "EXEMPLE", "2020-08-23");
        assert_eq!(file("p1", old).await, Reason::AlreadyExpired);
    });
}

#[test]
fn revoking_an_agent_ends_his_session_and_his_login_and_no_other() {
    crate::support::run(async {
        let house = House::in_memory(202);
        let served = house.serve().await;
        let (keys, revoked): (Client, Client) =
            (served.as_agent(KEYS).await, served.as_agent("inv-974").await);
        let other = served.as_agent("ope-974").await;
        assert!(revoked.describe().await.is_ok());
        keys.revoke_agent("inv-974").await.unwrap();
        assert_eq!(refused(revoked.describe().await), Reason::Unauthenticated);
        let login = served.open.login("inv-974", &secret(&secret_of("inv-974"))).await;
        assert_eq!(refused(login), Reason::BadCredentials);
        assert!(other.describe().await.is_ok());
        assert_eq!(refused(keys.revoke_agent("nobody-1").await), Reason::UnknownAgent);
        // A restart does not bring him back.
        served.stop().await;
        let served = house.serve().await;
        let login = served.open.login("inv-974", &secret(&secret_of("inv-974"))).await;
        assert_eq!(refused(login), Reason::BadCredentials);
        served.stop().await;
    });
}

#[test]
fn a_case_taken_from_the_queue_is_open_and_one_given_back_by_name_is_not() {
    crate::support::run(async {
        let served = shared().await;
        let filed = case("reunion", "EXEMPLE-FILE", "2020-11-22");
        let filed = served.queue("reunion", filed, "investigation-974").await;
        let investigator = served.as_agent("inv-974").await;
        let me = Assignee::Agent("inv-974".to_owned());
        investigator.assign(&p2(), filed.record, &me, None).await.unwrap();
        let queue = unit("investigation-974");
        investigator.unassign(&p2(), filed.record, &queue).await.unwrap();
        assert!(investigator.reveal(&p2(), filed.record, &["identity"]).await.is_ok());
        let colleague = served.as_agent("inv-974-b").await;
        let hers = colleague.reveal(&p2(), filed.record, &["identity"]).await;
        assert_eq!(refused(hers), Reason::NotAvailable, "it left the queue");
    });
}
