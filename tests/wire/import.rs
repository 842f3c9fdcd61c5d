//! The stream of Import over a real socket: answers in order, one event a batch, refusals by
//! themselves, ends with a reason, and nothing more once the session is gone.

use oubliette::{
    client::{Client, types::EventFilter},
    server::Bounds,
    wire::api,
};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Status, Streaming, transport::Channel};
use tonic_types::StatusExt as _;

use crate::support::{House, Served, run};

type Records = api::records_client::RecordsClient<Channel>;

/// An open import: what is sent, and what comes back.
struct Import {
    send: mpsc::Sender<api::ImportRequest>,
    answers: Streaming<api::ImportResponse>,
}

fn text(text: &str) -> Option<api::Value> {
    Some(api::Value { kind: Some(api::value::Kind::Text(text.to_owned())) })
}

fn named(values: &[(&str, &str)]) -> Vec<api::NamedValue> {
    values
        .iter()
        .map(|(name, v)| api::NamedValue { name: (*name).into(), value: text(v) })
        .collect()
}

/// A synthetic record, whose request id repeats this byte; 0 = none.
fn record(position: u64, collection: &str, id: u8, day: &str) -> api::ImportRequest {
    let state = if collection == "contacts" { "to_call" } else { "new" };
    let purpose = if collection == "contacts" { "p2" } else { "p1" };
    let mut fields = named(&[("last_name", "EXEMPLE-LOT"), ("first_names", "Exemple")]);
    let born = api::value::Kind::Date("1970-01-01".to_owned());
    let born = Some(api::Value { kind: Some(born) });
    fields.push(api::NamedValue { name: "birth_date".into(), value: born });
    api::ImportRequest {
        position,
        record: Some(api::CreateRequest {
            intent: Some(api::Intent {
                purpose: purpose.to_owned(),
                justification: String::new(),
                request_id: if id == 0 { Vec::new() } else { vec![id; 16] },
            }),
            collection: collection.to_owned(),
            subject_id: Vec::new(),
            collected_on: day.to_owned(),
            attributes: named(&[("territory", "reunion"), ("state", state)]),
            fields,
        }),
    }
}

async fn open(served: &Served<'_>, agent: &str) -> Import {
    open_at(served, agent, served.open.channel()).await
}

async fn open_at(served: &Served<'_>, agent: &str, channel: Channel) -> Import {
    let (send, sent) = mpsc::channel(4);
    let mut request = Request::new(ReceiverStream::new(sent));
    // EXPOSE: sent as a program without our client would.
    let token = served.token(agent).await;
    let token = format!("Bearer {}", std::str::from_utf8(token.expose()).unwrap());
    request.metadata_mut().insert("authorization", token.parse().unwrap());
    let answers = Records::new(channel).import(request).await.unwrap().into_inner();
    Import { send, answers }
}

impl Import {
    /// Sends all, ends the stream, and takes every answer.
    async fn all(
        self,
        records: Vec<api::ImportRequest>,
    ) -> Result<Vec<api::ImportResponse>, Status> {
        let Self { send, mut answers } = self;
        let sending = tokio::spawn(async move {
            for record in records {
                if send.send(record).await.is_err() {
                    return;
                }
            }
        });
        let mut taken = Vec::new();
        while let Some(answer) = answers.message().await? {
            taken.push(answer);
        }
        sending.await.unwrap();
        Ok(taken)
    }

    async fn one(&mut self, record: api::ImportRequest) -> Result<api::ImportResponse, Status> {
        self.send.send(record).await.unwrap();
        Ok(self.answers.message().await?.unwrap())
    }
}

fn reason(status: &Status) -> String {
    status.get_error_details().error_info().map(|info| info.reason.clone()).unwrap_or_default()
}

#[test]
fn answers_come_in_the_order_sent_and_each_batch_has_one_event() {
    run(async {
        let house = House::in_memory(600);
        let served = house.serve().await;
        served.token("dpo-2").await;
        let mut records: Vec<_> = (0..300).map(|n| record(n, "cases", 0, "2020-11-20")).collect();
        // Another collection, and another purpose, are other batches.
        records.push(record(300, "contacts", 0, "2020-11-20"));
        records.push(record(301, "cases", 0, "2020-11-20"));
        let answers = open(&served, "feed-974").await.all(records).await.unwrap();
        let positions: Vec<u64> = answers.iter().map(|answer| answer.position).collect();
        assert_eq!(positions, (0..302).collect::<Vec<u64>>());
        assert!(answers.iter().all(|answer| answer.created.is_some()));
        let dpo = served.as_agent("dpo-2").await;
        let filter = EventFilter { kind: Some("import".to_owned()), ..EventFilter::default() };
        let page = dpo.list_events(&filter, None, 100).await.unwrap();
        let mut sizes = Vec::new();
        for event in &page.events {
            let oubliette::client::types::Detail::Open(detail) = &event.detail else {
                panic!("open")
            };
            sizes.push(detail.records.0.len());
        }
        assert_eq!(sizes.iter().sum::<usize>(), 302);
        assert!(sizes.iter().all(|size| *size <= 256));
        assert_eq!((sizes[0], sizes[1]), (1, 1), "newest first: the last two batches");
        served.stop().await;
    });
}

#[test]
fn a_record_of_the_wrong_shape_is_refused_by_its_path_and_the_others_are_filed() {
    run(async {
        let house = House::in_memory(601);
        let served = house.serve().await;
        let mut shapeless = record(2, "cases", 0, "2020-11-20");
        shapeless.record.as_mut().unwrap().collected_on = "yesterday".to_owned();
        let mut unknown = record(3, "cases", 0, "2020-11-20");
        unknown.record.as_mut().unwrap().fields.extend(named(&[("remark", "EXEMPLE-SECRET")]));
        let empty = api::ImportRequest { position: 4, record: None };
        let nowhere = record(5, "nowhere", 0, "2020-11-20");
        let records = vec![
            record(1, "cases", 0, "2020-11-20"),
            shapeless,
            unknown,
            empty,
            nowhere,
            record(6, "cases", 0, "2020-07-01"),
            record(7, "cases", 0, "2020-11-21"),
        ];
        let answers = open(&served, "feed-974").await.all(records).await;
        let answers = answers.unwrap_or_else(|status| panic!("{status:?}"));
        let told: Vec<(u64, &str)> =
            answers.iter().map(|answer| (answer.position, answer.reason.as_str())).collect();
        let expected = [
            (1, ""),
            (2, "INVALID_FIELDS"),
            (3, "INVALID_FIELDS"),
            (4, "INVALID_FIELDS"),
            (5, "UNKNOWN_COLLECTION"),
            (6, "ALREADY_EXPIRED"),
            (7, ""),
        ];
        assert_eq!(told, expected);
        assert_eq!(answers[1].violations[0].path, "collected_on");
        assert_eq!(answers[2].violations[0].path, "fields.remark");
        let description = &answers[2].violations[0].description;
        assert!(!description.contains("EXEMPLE-SECRET"), "{description}");
        served.stop().await;
    });
}

#[test]
fn a_stream_cut_by_its_sender_leaves_what_was_answered_and_is_taken_up_where_it_was() {
    run(async {
        let house = House::in_memory(602);
        let served = house.serve().await;
        let day = "2020-11-20";
        let mut import = open(&served, "feed-974").await;
        let first = import.one(record(1, "cases", 1, day)).await.unwrap();
        let second = import.one(record(2, "cases", 2, day)).await.unwrap();
        drop(import);
        let again = (1..4).map(|n| record(n, "cases", u8::try_from(n).unwrap(), day)).collect();
        let answers = open(&served, "feed-974").await.all(again).await.unwrap();
        let created: Vec<_> = answers.iter().map(|a| a.created.clone().unwrap()).collect();
        assert_eq!(created[0].record_id, first.created.unwrap().record_id);
        assert_eq!(created[1].record_id, second.created.unwrap().record_id);
        let repeated: Vec<bool> = created.iter().map(|created| created.repeated).collect();
        assert_eq!(repeated, [true, true, false]);
        served.stop().await;
    });
}

#[test]
fn an_agent_whose_session_ends_files_nothing_more_through_an_open_stream() {
    run(async {
        let house = House::in_memory(603);
        let served = house.serve().await;
        let mut import = open(&served, "feed-974").await;
        assert!(import.one(record(1, "cases", 1, "2020-11-20")).await.unwrap().created.is_some());
        let before = served.log_size();
        served.as_agent("feed-974").await.logout().await.unwrap();
        let status = import.one(record(2, "cases", 2, "2020-11-20")).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::Unauthenticated, "UNAUTHENTICATED")
        );
        // The logout is the last event of all.
        assert_eq!(served.log_size(), before + 1);
        served.stop().await;
    });
}

#[test]
fn a_message_beyond_the_bound_ends_the_stream_with_its_reason_and_one_at_it_is_read() {
    run(async {
        use prost::Message as _;
        let house = House::in_memory(604);
        let served = house.serve().await;
        let sized = |bytes: usize| {
            let mut request = record(1, "cases", 0, "2020-11-20");
            let grow = bytes - request.encoded_len();
            // What the contract does not name is skipped by the reader, and counts.
            request.record.as_mut().unwrap().subject_id = vec![0; grow];
            let over = request.encoded_len() - bytes;
            request.record.as_mut().unwrap().subject_id.truncate(grow - over);
            assert_eq!(request.encoded_len(), bytes);
            request
        };
        let bound = 4 * 1024 * 1024;
        let answers = open(&served, "feed-974").await.all(vec![sized(bound)]).await.unwrap();
        assert_eq!(answers[0].reason, "INVALID_FIELDS", "read, and no subject's id");
        let status = open(&served, "feed-974").await.all(vec![sized(bound + 1)]).await.unwrap_err();
        assert_eq!(reason(&status), "LIMIT");
        served.stop().await;
    });
}

#[test]
fn a_stream_on_which_nothing_is_sent_ends_with_its_reason_and_what_was_sent_is_filed() {
    run(async {
        let house = House::in_memory(606);
        let served = house.serve().await;
        let within = served.within(Bounds { stream_idle_ms: 300, ..Bounds::default() }).await;
        let other = Client::connect(&within.address.to_string()).await.unwrap();
        let mut import = open_at(&served, "feed-974", other.channel()).await;
        let filed = import.one(record(1, "cases", 1, "2020-11-20")).await.unwrap();
        assert!(filed.created.is_some());
        // The sender stays, and sends nothing.
        let status = import.answers.message().await.unwrap_err();
        let told = (status.code(), reason(&status));
        assert_eq!(told, (Code::DeadlineExceeded, "STREAM_IDLE".to_owned()));
        served.stop().await;
    });
}

#[test]
fn as_many_imports_as_the_bound_are_open_at_one_time_and_one_more_is_refused() {
    run(async {
        let house = House::in_memory(605);
        let served = house.serve().await;
        let mut open_now = Vec::new();
        for n in 0..16 {
            let mut import = open(&served, "feed-974").await;
            import.one(record(n, "cases", 0, "2020-11-20")).await.unwrap();
            open_now.push(import);
        }
        let (_send, sent) = mpsc::channel::<api::ImportRequest>(1);
        let mut request = Request::new(ReceiverStream::new(sent));
        // EXPOSE: sent as a program without our client would.
        let token = served.token("feed-974").await;
        let token = format!("Bearer {}", std::str::from_utf8(token.expose()).unwrap());
        request.metadata_mut().insert("authorization", token.parse().unwrap());
        let mut client = Records::new(served.open.channel());
        let status = client.import(request).await.unwrap_err();
        assert_eq!(
            (status.code(), reason(&status).as_str()),
            (Code::ResourceExhausted, "OVERLOADED")
        );
        assert!(status.get_error_details().retry_info().is_some());
        // The others go on.
        let mut last = open_now.pop().unwrap();
        assert!(last.one(record(99, "cases", 0, "2020-11-20")).await.unwrap().created.is_some());
        drop((last, open_now));
        served.stop().await;
    });
}
