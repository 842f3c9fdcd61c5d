//! A log that cannot be written stops everything, on the wire as well: no call answers, and health
//! says so.

use std::collections::BTreeSet;

use oubliette::{
    client::{
        Client, ClientError, Reason,
        types::{Assignee, Change, ImportItem, Intent},
    },
    ids::RecordId,
    storage::memory::{Counted, Fault},
};
use tonic::Code;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{
    coverage,
    support::{DPO, House, KEYS, Served, case, lab_result, run, text},
};

/// Every built call of `Records` that touches a record, by name, with who makes it.
const DATA_CALLS: [(&str, &str); 12] = [
    ("Create", "feed-974"),
    ("Derive", "med-974"),
    ("Import", "feed-974"),
    ("Reveal", "inv-974"),
    ("RevealMany", "inv-974"),
    ("Find", "inv-974"),
    ("Match", "inv-974"),
    ("Worklist", "inv-974"),
    ("Update", "inv-974"),
    ("Assign", "inv-974"),
    ("Unassign", "inv-974"),
    // Last: after it the record is gone.
    ("Erase", "desk-974"),
];

/// What the calls touch: a case at a version, and a result that no case was made of.
#[derive(Clone, Copy)]
struct Touched {
    record: RecordId,
    version: u32,
    result: RecordId,
}

async fn call(client: &Client, name: &str, touched: Touched) -> Result<(), ClientError> {
    let Touched { record, version, result } = touched;
    let p2 = Intent::of("p2");
    let me = Assignee::Agent("inv-974".to_owned());
    let change = Change {
        record,
        expected_version: version,
        attributes: Vec::new(),
        fields: vec![("city".to_owned(), Some(text("Exempleville")))],
    };
    match name {
        "Create" => {
            let new = case("reunion", "EXEMPLE-SUITE", "2020-11-22");
            client.create(&Intent::of("p1"), new).await.map(drop)
        }
        "Derive" => client.derive(&Intent::of("p1"), result).await.map(drop),
        "Import" => {
            let new = case("reunion", "EXEMPLE-SUITE", "2020-11-22");
            let (sender, mut answers) = client.import();
            sender.send(ImportItem { position: 1, why: Intent::of("p1"), record: new }).await?;
            drop(sender);
            match answers.next().await?.unwrap().result {
                Ok(_) => Ok(()),
                Err(refused) => panic!("{refused:?}"),
            }
        }
        "Reveal" => client.reveal(&p2, record, &["identity"]).await.map(drop),
        "RevealMany" => client.reveal_many(&p2, &[record], &["identity"]).await.map(drop),
        "Find" => {
            let by = vec![("last_name".to_owned(), text("EXEMPLE-SCELLE"))];
            client.find(&p2, "cases", by, 0, &[]).await.map(drop)
        }
        "Match" => {
            let field = ("last_name".to_owned(), text("EXEMPLE-SCELLE"));
            client.matches(&p2, record, field).await.map(drop)
        }
        "Worklist" => client.worklist(&p2, "cases", None, 0, &[]).await.map(drop),
        "Update" => client.update(&p2, change).await.map(drop),
        "Assign" => client.assign(&p2, record, &me, None).await.map(drop),
        "Erase" => {
            let justification = Some("objection upheld".to_owned());
            let why = Intent { justification, ..Intent::of("p7") };
            let erased = client.erase(&why, &[record]).await?;
            assert_eq!(erased.items[0].reason, None);
            Ok(())
        }
        "Unassign" => client.unassign(&p2, record, &me).await.map(drop),
        other => panic!("no call {other}"),
    }
}

async fn filed(served: &Served<'_>) -> Touched {
    let new = case("reunion", "EXEMPLE-SCELLE", "2020-11-22");
    let filed = served.queue("reunion", new, "investigation-974").await;
    let result = lab_result("reunion", "EXEMPLE-LABO", "2020-11-22");
    let result = served.file("reunion", result).await.record;
    Touched { record: filed.record, version: filed.version, result }
}

fn is_unwritable(result: Result<(), ClientError>, what: &str) {
    let Err(ClientError::Refused(refusal)) = result else { panic!("{what} was answered") };
    assert_eq!(refusal.code, Code::Unavailable, "{what}");
    assert_eq!(refusal.reason, Some(Reason::AuditUnwritable), "{what}");
}

#[test]
fn every_built_call_that_touches_a_record_is_among_the_data_calls() {
    let mut expected = coverage::built("Records");
    assert!(expected.remove("Describe"), "it reads no record");
    assert_eq!(DATA_CALLS.map(|(name, _)| name).into_iter().collect::<BTreeSet<_>>(), expected);
}

#[test]
fn a_log_that_cannot_be_written_stops_every_data_call_on_the_wire() {
    run(async {
        let house = House::in_memory(400);
        let served = house.serve().await;
        let touched = filed(&served).await;
        for (_, agent) in DATA_CALLS {
            served.token(agent).await;
        }
        house.disk().inject(Counted::Commits, Fault::DeadFrom(0));
        for (name, agent) in DATA_CALLS {
            let client = served.as_agent(agent).await;
            is_unwritable(call(&client, name, touched).await, name);
        }
        // The disk is sound again; the log stays latched, and no call is answered.
        house.disk().heal();
        let rows = house.disk().calls(Counted::Commits);
        for (name, agent) in DATA_CALLS {
            let client = served.as_agent(agent).await;
            is_unwritable(call(&client, name, touched).await, name);
        }
        assert_eq!(house.disk().calls(Counted::Commits), rows, "nothing is tried again");
        served.stop().await;
        // A restart finds the record as it was before.
        let served = house.serve().await;
        let investigator = served.as_agent("inv-974").await;
        let revealed = investigator.reveal(&Intent::of("p2"), touched.record, &["identity"]).await;
        let revealed = revealed.ok().unwrap();
        assert_eq!(revealed.version, touched.version);
        assert!(revealed.field("last_name").unwrap().value == Some(text("EXEMPLE-SCELLE")));
        for (name, agent) in DATA_CALLS {
            let client = served.as_agent(agent).await;
            assert!(call(&client, name, touched).await.is_ok(), "{name} works again");
        }
        served.stop().await;
    });
}

#[test]
fn each_data_call_alone_meets_the_failing_write_and_tells_nothing() {
    run(async {
        let house = House::in_memory(410);
        for (name, agent) in DATA_CALLS {
            // A start heals the disk, and ends what the last failure latched.
            let served = house.serve().await;
            let touched = filed(&served).await;
            let client = served.as_agent(agent).await;
            house.disk().inject(Counted::Commits, Fault::FailAndNotPersist(0));
            is_unwritable(call(&client, name, touched).await, name);
            served.stop().await;
        }
    });
}

#[test]
fn without_a_log_nobody_logs_in_audits_or_appoints() {
    run(async {
        let house = House::in_memory(401);
        let served = house.serve().await;
        let (dpo, keys) = (served.as_agent(DPO).await, served.as_agent(KEYS).await);
        let status = keys.status().await.unwrap();
        assert!(status.log_writable);
        house.disk().inject(Counted::Commits, Fault::DeadFrom(0));
        is_unwritable(dpo.checkpoint().await.map(drop), "checkpoint");
        is_unwritable(dpo.export_log().await.map(drop), "export");
        is_unwritable(keys.list_agents().await.map(drop), "list of agents");
        let own = crate::support::secret(&crate::support::secret_of(DPO));
        is_unwritable(served.open.login(DPO, &own).await.map(drop), "login");
        served.stop().await;
    });
}

#[test]
fn a_disk_that_neither_reads_nor_writes_answers_no_data_call() {
    run(async {
        let house = House::in_memory(402);
        let served = house.serve().await;
        let touched = filed(&served).await;
        for (_, agent) in DATA_CALLS {
            served.token(agent).await;
        }
        house.disk().inject(Counted::All, Fault::DeadFrom(0));
        for (name, agent) in DATA_CALLS {
            let client = served.as_agent(agent).await;
            let Err(ClientError::Refused(refusal)) = call(&client, name, touched).await else {
                panic!("{name} was answered")
            };
            assert_eq!(refusal.code, Code::Unavailable, "{name}: {refusal}");
        }
        served.stop().await;
    });
}

#[test]
fn health_says_serving_until_the_log_fails_and_then_no_more() {
    run(async {
        let house = House::in_memory(403);
        let served = house.serve().await;
        let dpo = served.as_agent(DPO).await;
        let mut health = HealthClient::new(served.open.channel());
        let request = HealthCheckRequest { service: "oubliette.v1.Records".to_owned() };
        let mut said = health.watch(request).await.unwrap().into_inner();
        let mut until = async |wanted: ServingStatus| {
            // The stream tells each change; it never ends by itself.
            while said.message().await.unwrap().unwrap().status() != wanted {}
        };
        until(ServingStatus::Serving).await;
        house.disk().inject(Counted::Commits, Fault::DeadFrom(0));
        is_unwritable(dpo.checkpoint().await.map(drop), "checkpoint");
        until(ServingStatus::NotServing).await;
        served.stop().await;
    });
}
