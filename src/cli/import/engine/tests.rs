//! The engine against a scripted vault that cuts the stream wherever it likes.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, VecDeque},
    future::pending,
    rc::Rc,
};

use tonic::Status;

use super::*;
use crate::{
    cli::import::line::{bad, invalid},
    client::types::{Intent, NewRecord},
    ids::{RecordId, RequestId, SubjectId},
};

/// What the vault does after some answers of one stream.
#[derive(Clone, Copy)]
enum Then {
    /// Files so many more records, answers none of them, and breaks the connection.
    Cut { unanswered: usize },
    /// Ends the stream as if all were done.
    End,
    /// Refuses the stream for good.
    Refuse,
    /// Says nothing any more.
    Hang,
}

#[derive(Default)]
struct World {
    /// What each stream does: so many answers, then this. Streams beyond the list answer everything.
    script: VecDeque<(usize, Then)>,
    /// Positions that are refused for a while: how often still.
    busy: BTreeMap<u64, u32>,
    /// Which record a request id filed.
    filed: BTreeMap<RequestId, u64>,
    /// Everything sent: stream, position, request id.
    sent: Vec<(usize, u64, RequestId)>,
    streams: usize,
    finished: usize,
}

#[derive(Clone, Default)]
struct Double(Rc<RefCell<World>>);

struct DoubleCall {
    world: Double,
    stream: usize,
    queue: VecDeque<ImportItem>,
    finished: bool,
    answers_left: Option<usize>,
    then: Then,
}

impl Vault for Double {
    type Call = DoubleCall;

    fn open(&mut self) -> DoubleCall {
        let mut world = self.0.borrow_mut();
        world.streams += 1;
        let scripted = world.script.pop_front();
        DoubleCall {
            world: self.clone(),
            stream: world.streams,
            queue: VecDeque::new(),
            finished: false,
            answers_left: scripted.map(|(answers, _)| answers),
            then: scripted.map_or(Then::Hang, |(_, then)| then),
        }
    }
}

impl World {
    /// What the vault does with one record: once, however often it comes.
    fn file(&mut self, item: &ImportItem) -> Result<Created, ItemRefusal> {
        if let Some(left) = self.busy.get_mut(&item.position).filter(|left| **left > 0) {
            *left -= 1;
            return Err(ItemRefusal { reason: "NO_SEGMENT".into(), ..invalid("", "") });
        }
        if item.record.collected_on == "refused" {
            return Err(invalid("fields[0].value", "is not a date"));
        }
        let repeated = self.filed.contains_key(&item.why.request.unwrap());
        self.filed.entry(item.why.request.unwrap()).or_insert(item.position);
        Ok(Created {
            record: RecordId::from_bytes([1; 16]),
            subject: SubjectId::from_bytes([2; 16]),
            version: 1,
            expires_on: "2021-02-23".into(),
            repeated,
        })
    }
}

impl Call for DoubleCall {
    fn send(&mut self, item: ImportItem) {
        let id = item.why.request.unwrap();
        self.world.0.borrow_mut().sent.push((self.stream, item.position, id));
        assert!(!self.finished, "sent after the end");
        self.queue.push_back(item);
    }

    fn finish(&mut self) {
        self.finished = true;
        self.world.0.borrow_mut().finished += 1;
    }

    async fn next(&mut self) -> Result<Option<Imported>, ClientError> {
        if self.answers_left == Some(0) {
            match self.then {
                Then::Cut { unanswered } => {
                    for item in self.queue.iter().take(unanswered) {
                        let _ = self.world.0.borrow_mut().file(item);
                    }
                    return Err(Status::unavailable("cut").into());
                }
                Then::End => return Ok(None),
                Then::Refuse => return Err(Status::unimplemented("never").into()),
                Then::Hang => pending::<()>().await,
            }
        }
        let Some(item) = self.queue.pop_front() else {
            if self.finished {
                return Ok(None);
            }
            return pending().await;
        };
        self.answers_left = self.answers_left.map(|left| left - 1);
        let result = self.world.0.borrow_mut().file(&item);
        Ok(Some(Imported { position: item.position, result }))
    }
}

/// Writes down what it is told.
#[derive(Default)]
struct Noted {
    filed: Vec<(u64, bool)>,
    refused: Vec<(u64, String)>,
    order: Vec<u64>,
    cuts: usize,
}

impl Report for Noted {
    fn filed(&mut self, sent: &Sent, created: &Created) -> Result<(), Failure> {
        self.order.push(sent.item.position);
        self.filed.push((sent.item.position, created.repeated));
        Ok(())
    }

    fn refused(&mut self, sent: &Sent, refusal: &ItemRefusal) -> Result<(), Failure> {
        self.order.push(sent.item.position);
        self.refused.push((sent.item.position, refusal.reason.clone()));
        Ok(())
    }

    fn faulty(&mut self, faulty: &Faulty) -> Result<(), Failure> {
        self.order.push(faulty.number);
        self.refused.push((faulty.number, faulty.refusal.reason.clone()));
        Ok(())
    }

    fn cut(&mut self, _: &ClientError) {
        self.cuts += 1;
    }
}

/// Waits no time and counts.
#[derive(Default)]
struct Counted(RefCell<Vec<u64>>);

impl Sleeper for Counted {
    async fn sleep(&self, millis: u64) {
        self.0.borrow_mut().push(millis);
    }
}

fn record(number: u64) -> Read {
    let id = RequestId::from_bytes(u128::from(number).to_be_bytes());
    let record = NewRecord {
        collection: "files".into(),
        subject: None,
        collected_on: "2020-11-23".into(),
        attributes: vec![],
        fields: vec![],
    };
    let why = Intent { request: Some(id), ..Intent::of("p") };
    let item = ImportItem { position: number, why, record };
    Read::Record(Box::new(Sent { item, bytes: 100, end: number * 100, put_off: 0 }))
}

fn refused(number: u64) -> Read {
    let Read::Record(mut sent) = record(number) else { panic!("a record") };
    sent.item.record.collected_on = "refused".into();
    Read::Record(sent)
}

fn faulty(number: u64) -> Read {
    Read::Faulty(Faulty { number, end: number * 100, refusal: bad("is not JSON") })
}

struct Outcome {
    result: Result<(), Stopped>,
    noted: Noted,
    waits: Vec<u64>,
    world: Rc<RefCell<World>>,
}

fn run_with(lines: Vec<Read>, world: World, strict: bool, roll: u64) -> Outcome {
    let double = Double(Rc::new(RefCell::new(world)));
    let shared = Rc::clone(&double.0);
    let (sender, receiver) = mpsc::channel(lines.len().max(1));
    lines.into_iter().for_each(|line| assert!(sender.try_send(line).is_ok()));
    drop(sender);
    let (mut noted, counted) = (Noted::default(), Counted::default());
    let mut engine = Engine::new(double, receiver, &counted, &mut noted, strict);
    engine.roll = roll;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let result = runtime.block_on(engine.run());
    Outcome { result, noted, waits: counted.0.into_inner(), world: shared }
}

fn run(lines: Vec<Read>, script: Vec<(usize, Then)>) -> Outcome {
    let world = World { script: script.into(), ..World::default() };
    run_with(lines, world, false, u64::MAX)
}

fn count(n: u64) -> Vec<u64> {
    (1..=n).collect()
}

#[test]
fn every_line_is_sent_answered_and_reported_once_and_in_order() {
    let outcome = run((1..=3000).map(record).collect(), vec![]);
    assert!(outcome.result.is_ok());
    assert_eq!(outcome.noted.order, count(3000));
    let world = outcome.world.borrow();
    assert_eq!((world.streams, world.finished, world.sent.len()), (1, 1, 3000));
}

#[test]
fn a_stream_cut_after_every_batch_files_each_line_once_under_one_id() {
    for unanswered in [0, 1, 7, 10_000] {
        // 40 streams of 25 answers and a cut; the rest goes through.
        let script = vec![(25, Then::Cut { unanswered }); 40];
        let outcome = run((1..=1500).map(record).collect(), script);
        assert!(outcome.result.is_ok());
        assert_eq!(outcome.noted.order, count(1500), "{unanswered}");
        assert_eq!(outcome.noted.cuts, 40);
        let world = outcome.world.borrow();
        assert_eq!(world.streams, 41);
        assert_eq!(world.filed.values().copied().collect::<Vec<_>>(), count(1500));
        let pairs: BTreeSet<_> = world.sent.iter().map(|(_, line, id)| (*line, *id)).collect();
        assert_eq!(pairs.len(), 1500, "a line was sent under two ids");
        // What was filed and not answered is answered as repeated.
        let repeated = outcome.noted.filed.iter().filter(|(_, repeated)| *repeated).count();
        assert_eq!(repeated > 0, unanswered > 0, "{unanswered}");
    }
}

#[test]
fn a_new_stream_begins_with_the_first_unanswered_line() {
    let outcome = run((1..=9).map(record).collect(), vec![(4, Then::Cut { unanswered: 2 })]);
    let world = outcome.world.borrow();
    let second: Vec<u64> =
        world.sent.iter().filter(|(stream, ..)| *stream == 2).map(|(_, line, _)| *line).collect();
    assert_eq!(second, [5, 6, 7, 8, 9]);
}

#[test]
fn a_stream_that_ends_early_is_a_cut_and_a_refused_one_ends_the_import() {
    let ended = run((1..=9).map(record).collect(), vec![(4, Then::End)]);
    assert!(ended.result.is_ok());
    assert_eq!((ended.noted.order, ended.noted.cuts), (count(9), 1));
    let refused = run((1..=9).map(record).collect(), vec![(4, Then::Refuse)]);
    assert!(matches!(refused.result, Err(Stopped::There(_))));
    assert_eq!((refused.noted.order, refused.noted.cuts), (count(4), 0));
}

#[test]
fn cuts_without_an_answer_are_bounded_and_wait_longer_each_time() {
    let outcome = run(vec![record(1)], vec![(0, Then::Cut { unanswered: 0 }); 100]);
    assert!(matches!(outcome.result, Err(Stopped::There(_))));
    let tries = usize::try_from(limits::IMPORT_TRIES_MAX).unwrap();
    assert_eq!(outcome.world.borrow().streams, tries);
    assert_eq!(outcome.waits.len(), tries - 1);
    assert!(outcome.waits.is_sorted() && outcome.waits[0] < outcome.waits[3]);
    assert!(outcome.noted.order.is_empty());
}

#[test]
fn faulty_and_refused_lines_are_reported_in_their_place_and_stop_nothing() {
    let lines = vec![faulty(1), record(2), faulty(3), refused(4), record(5), faulty(6)];
    let outcome = run(lines, vec![(1, Then::Cut { unanswered: 1 })]);
    assert!(outcome.result.is_ok());
    assert_eq!(outcome.noted.order, count(6));
    let reasons: Vec<&str> = outcome.noted.refused.iter().map(|(_, r)| r.as_str()).collect();
    assert_eq!(reasons, ["BAD_LINE", "BAD_LINE", "INVALID_FIELDS", "BAD_LINE"]);
    let only_faulty = run(vec![faulty(1)], vec![]);
    assert!(only_faulty.result.is_ok());
    assert_eq!((only_faulty.noted.order, only_faulty.world.borrow().streams), (vec![1], 0));
}

#[test]
fn a_strict_import_settles_what_it_read_and_reads_no_further() {
    let lines = || vec![record(1), record(2), faulty(3), record(4)];
    let strict = run_with(lines(), World::default(), true, u64::MAX);
    assert!(strict.result.is_ok());
    assert_eq!(strict.noted.order, count(3));
    assert_eq!(run(lines(), vec![]).noted.order, count(4));
}

#[test]
fn a_reader_that_fails_is_told_after_everything_before_it_is_settled() {
    let lines = vec![record(1), record(2), Read::Failed(Failure::new("broken"))];
    let outcome = run(lines, vec![(1, Then::Cut { unanswered: 0 })]);
    assert!(matches!(outcome.result, Err(Stopped::Here(_))));
    assert_eq!(outcome.noted.order, count(2));
}

#[test]
fn a_record_that_is_put_off_is_sent_again_with_its_id_and_refused_after_a_bound() {
    let world = |times| World { busy: BTreeMap::from([(2, times)]), ..World::default() };
    let outcome = run_with((1..=4).map(record).collect(), world(3), false, u64::MAX);
    assert!(outcome.result.is_ok());
    assert_eq!(outcome.noted.order, [1, 3, 4, 2]);
    assert_eq!(outcome.waits.len(), 3);
    let ids: BTreeSet<_> = {
        let world = outcome.world.borrow();
        world.sent.iter().filter(|(_, line, _)| *line == 2).map(|(.., id)| *id).collect()
    };
    assert_eq!(ids.len(), 1);
    let outcome = run_with((1..=4).map(record).collect(), world(u32::MAX), false, u64::MAX);
    assert_eq!(outcome.noted.refused, [(2, "NO_SEGMENT".to_owned())]);
    assert_eq!(outcome.waits.len(), usize::try_from(limits::IMPORT_TRIES_MAX).unwrap());
}

#[test]
fn an_answer_for_another_line_ends_the_import() {
    struct Liar;
    struct LiarCall;
    impl Vault for Liar {
        type Call = LiarCall;
        fn open(&mut self) -> LiarCall {
            LiarCall
        }
    }
    impl Call for LiarCall {
        fn send(&mut self, _: ImportItem) {}
        fn finish(&mut self) {}
        async fn next(&mut self) -> Result<Option<Imported>, ClientError> {
            Ok(Some(Imported { position: 99, result: Err(invalid("", "")) }))
        }
    }
    let (sender, receiver) = mpsc::channel(1);
    assert!(sender.try_send(record(1)).is_ok());
    let (mut noted, counted) = (Noted::default(), Counted::default());
    let engine = Engine::new(Liar, receiver, &counted, &mut noted, false);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let result = runtime.block_on(engine.run());
    assert!(matches!(result, Err(Stopped::There(ClientError::Answer("position")))));
}

#[test]
fn a_long_import_goes_on_in_a_new_stream_once_all_is_answered() {
    let outcome = run_with((1..=10).map(record).collect(), World::default(), false, 4);
    assert!(outcome.result.is_ok());
    assert_eq!(outcome.noted.order, count(10));
    assert_eq!(outcome.noted.cuts, 0);
    let world = outcome.world.borrow();
    assert_eq!(world.streams, 3);
    let streams: Vec<usize> = world.sent.iter().map(|(stream, ..)| *stream).collect();
    assert_eq!(streams, [1, 1, 1, 1, 2, 2, 2, 2, 3, 3]);
}

/// What is sent to a vault that answers nothing, however long it is given.
fn sent_unanswered(lines: Vec<Read>) -> usize {
    let world = World { script: vec![(0, Then::Hang)].into(), ..World::default() };
    let double = Double(Rc::new(RefCell::new(world)));
    let shared = Rc::clone(&double.0);
    let (sender, receiver) = mpsc::channel(lines.len());
    lines.into_iter().for_each(|line| assert!(sender.try_send(line).is_ok()));
    let (mut noted, counted) = (Noted::default(), Counted::default());
    let engine = Engine::new(double, receiver, &counted, &mut noted, false);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let turns = async {
        for _ in 0..20_000 {
            tokio::task::yield_now().await;
        }
    };
    runtime.block_on(async {
        tokio::select! { biased; _ = engine.run() => panic!("it ended"), () = turns => {} }
    });
    shared.borrow().sent.len()
}

#[test]
fn what_is_unanswered_is_bounded_in_number_and_in_bytes() {
    let many = (1..=3000).map(record).collect();
    assert_eq!(sent_unanswered(many), limits::IMPORT_WINDOW_RECORDS);
    let large = |number| {
        let Read::Record(mut sent) = record(number) else { panic!("a record") };
        sent.bytes = limits::IMPORT_WINDOW_BYTES / 4;
        Read::Record(sent)
    };
    assert_eq!(sent_unanswered((1..=100).map(large).collect()), 4);
}
