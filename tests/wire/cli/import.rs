//! `oubliette import` as an import job runs it: files with good and bad lines, run again, corrected,
//! from standard input, and over a connection that breaks all the time.

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use serde_json::{Value as Json, json};

use super::{Desk, Done};

/// A record of a line, with this name.
fn line(name: &str) -> Json {
    json!({
        "collected_on": Desk::today(),
        "attributes": {"territory": "reunion", "state": "new"},
        "fields": {"last_name": name, "first_names": "Exemple", "birth_date": "1970-01-01"},
    })
}

fn text(lines: &[Json]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

impl Desk {
    fn import(&self, file: &str, more: &[&str]) -> Done {
        let args = ["import", file, "--collection", "cases", "--purpose", "p1", "--json"];
        self.home.run_as("feed-974", &[&args, more].concat())
    }

    /// Ids of all cases with this name, as a physician finds them.
    fn named(&self, name: &str) -> BTreeSet<String> {
        let args = ["find", "--collection", "cases", "--purpose", "p1"];
        let values = json!({"last_name": name}).to_string();
        let found = self.home.run_as_with("med-974", &args, &values);
        assert_eq!(found.code, 0, "{}", found.err);
        found.out.lines().map(str::to_owned).collect()
    }

    /// Rows of a file of results.
    fn rows(&self, name: &str) -> Vec<Json> {
        let text = fs::read_to_string(self.home.path(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// The summary, whatever the exit code.
fn summary(done: &Done) -> Json {
    serde_json::from_str(done.out.trim()).unwrap_or_else(|_| panic!("{}{}", done.out, done.err))
}

#[test]
fn good_lines_of_ndjson_are_filed_bad_ones_are_told_by_line_and_a_second_run_files_nothing() {
    let desk = Desk::opened();
    let mut old = line("EXEMPLE-VIEUX");
    old["collected_on"] = json!("2015-01-01");
    let mut elsewhere = line("EXEMPLE-NOTE");
    elsewhere["collection"] = json!("contacts");
    let mut wrong = line("EXEMPLE-FAUX");
    wrong["fields"]["birth_date"] = json!("SECRET-DATE");
    let good = [line("EXEMPLE-UN"), line("EXEMPLE-DEUX")];
    let lines = [good[0].clone(), old, elsewhere, wrong, good[1].clone()];
    let file = desk.home.secret_file("day.ndjson", &(text(&lines) + "\n{\"SECRET\"\n"));
    let results = desk.home.text("results");
    let rejects = desk.home.text("rejects");
    let more = ["--results", &results, "--rejects", &rejects];
    let first = desk.import(&file, &more);
    assert_eq!(first.code, 1, "{}{}", first.out, first.err);
    assert_eq!(
        summary(&first),
        json!({"filed": 2, "repeated": 0,
            "refused": {"ALREADY_EXPIRED": 1, "BAD_LINE": 1, "INVALID_FIELDS": 2}})
    );
    for said in [
        "day.ndjson:2: ALREADY_EXPIRED",
        "day.ndjson:3: INVALID_FIELDS collection: ",
        "day.ndjson:4: INVALID_FIELDS fields.birth_date: ",
        "day.ndjson:7: BAD_LINE the record is not JSON",
    ] {
        assert!(first.err.contains(said), "{said}: {}", first.err);
    }
    assert!(!first.err.contains("SECRET"), "{}", first.err);
    let filed = desk.rows("results");
    assert_eq!(filed.iter().map(|r| r["line"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 5]);
    let refused: Vec<u64> =
        desk.rows("rejects").iter().map(|r| r["line"].as_u64().unwrap()).collect();
    assert_eq!(refused, [2, 3, 4, 7]);

    let second = desk.import(&file, &more);
    assert_eq!((second.code, &summary(&second)["filed"]), (1, &json!(0)), "{}", second.err);
    assert_eq!(summary(&second)["repeated"], 2);
    let again: Vec<Json> = desk.rows("results").iter().map(|r| r["record_id"].clone()).collect();
    assert_eq!(again, filed.iter().map(|r| r["record_id"].clone()).collect::<Vec<_>>());
    assert_eq!(desk.named("EXEMPLE-UN").len(), 1);
    // The data folder of the vault holds neither name, nor does the file of state.
    let state = fs::read_to_string(desk.home.path("day.ndjson.oubliette-import")).unwrap();
    assert!(!state.contains("EXEMPLE") && state.contains("import_id"), "{state}");
}

#[test]
fn a_corrected_file_files_what_was_refused_and_a_changed_one_is_not_taken_for_the_same() {
    let desk = Desk::opened();
    let mut wrong = line("EXEMPLE-FAUX");
    wrong["fields"]["birth_date"] = json!("1970-13-01");
    let file = desk.home.secret_file("day.ndjson", &text(&[line("EXEMPLE-UN"), wrong]));
    assert_eq!(desk.import(&file, &[]).code, 1);
    desk.home.secret_file("day.ndjson", &text(&[line("EXEMPLE-UN"), line("EXEMPLE-JUSTE")]));
    desk.import(&file, &[]).failed_saying(1, &["--corrected", "delete"]);
    assert!(desk.named("EXEMPLE-JUSTE").is_empty());
    let corrected = desk.import(&file, &["--corrected"]);
    assert_eq!(corrected.json(), json!({"filed": 1, "repeated": 1, "refused": {}}));
    assert_eq!(desk.named("EXEMPLE-JUSTE").len(), 1);
    // A line that was filed keeps its id: other content under it is refused, not filed beside it.
    desk.home.secret_file("day.ndjson", &text(&[line("EXEMPLE-AUTRE"), line("EXEMPLE-JUSTE")]));
    let other = desk.import(&file, &["--corrected"]);
    assert_eq!(summary(&other)["refused"], json!({"REQUEST_ID_REUSED": 1}));
}

#[test]
fn a_table_is_filed_by_its_columns_and_an_unknown_column_stops_it_before_anything_is_sent() {
    let desk = Desk::opened();
    let day = Desk::today();
    // On the other side of the ocean it may still be the day before.
    let there = day.parse::<chrono::NaiveDate>().unwrap().pred_opt().unwrap();
    let table = format!(
        "collected_on;territory;state;last_name;first_names;birth_date;confirmed\r\n\
         {day};reunion;new;EXEMPLE-TABLE;\"Exemple\nExemple\";1970-01-01;true\r\n\
         {day};reunion;new;EXEMPLE-TABLE;Exemple;1970-01-01;peut-être\r\n\
         \r\n\
         {day};reunion;new;EXEMPLE-TABLE;Exemple;1970-01-01;\r\n\
         {there};guadeloupe;new;EXEMPLE-TABLE;Exemple;1970-01-01;\r\n\
         {day};reunion\r\n"
    );
    let file = desk.home.secret_file("day.csv", &table);
    let done = desk.import(&file, &[]);
    assert_eq!(done.code, 1, "{}{}", done.out, done.err);
    for said in [
        "day.csv:2: INVALID_FIELDS fields.first_names: ",
        "day.csv:4: INVALID_FIELDS fields.confirmed: must be true or false",
        "day.csv:7: DENIED",
        "day.csv:8: BAD_LINE has 2 cells, and the first line names 7 columns",
    ] {
        assert!(done.err.contains(said), "{said}: {}", done.err);
    }
    assert_eq!(summary(&done)["filed"], 1);
    let [record] = Vec::from_iter(desk.named("EXEMPLE-TABLE")).try_into().unwrap();
    let shown = super::identity_of(&desk.home, "med-974", &record).json();
    assert_eq!(shown["fields"][0]["value"], "EXEMPLE-TABLE");
    let wrong = desk.home.secret_file("wrong.csv", &table.replacen("last_name", "nom", 1));
    desk.import(&wrong, &[]).failed_saying(1, &["wrong.csv:1:", "`nom`", "last_name"]);
    assert!(!desk.home.path("wrong.csv.oubliette-import").exists());
    assert_eq!(desk.named("EXEMPLE-TABLE").len(), 1);
}

#[test]
fn standard_input_is_resumed_by_the_import_id_that_was_said() {
    let desk = Desk::opened();
    let lines: Vec<Json> = (0..5).map(|_| line("EXEMPLE-FLUX")).collect();
    let args = ["import", "-", "--collection", "cases", "--purpose", "p1", "--json"];
    // The first time the source breaks off.
    let cut = desk.home.run_as_with("feed-974", &args, &text(&lines[..3]));
    assert_eq!((cut.code, &cut.json()["filed"]), (0, &json!(3)));
    let id = cut.err.split("import id ").nth(1).unwrap().get(..32).unwrap().to_owned();
    let resumed = [&args[..], &["--import-id", &id]].concat();
    let whole = desk.home.run_as_with("feed-974", &resumed, &text(&lines));
    assert_eq!(whole.json(), json!({"filed": 2, "repeated": 3, "refused": {}}));
    assert_eq!(desk.named("EXEMPLE-FLUX").len(), 5);
    // Another import of the same lines is another import.
    desk.home.run_as_with("feed-974", &args, &text(&lines[..1])).json();
    assert_eq!(desk.named("EXEMPLE-FLUX").len(), 6);
}

#[test]
fn an_import_by_somebody_who_may_not_file_is_refused_line_by_line_and_a_wrong_purpose_as_a_whole() {
    let desk = Desk::opened();
    let file =
        desk.home.secret_file("day.ndjson", &text(&[line("EXEMPLE-UN"), line("EXEMPLE-DEUX")]));
    let args = ["import", &file, "--collection", "cases", "--json"];
    let denied = desk.home.run_as("robot", &[&args[..], &["--purpose", "p1"]].concat());
    assert_eq!(
        (denied.code, &summary(&denied)["refused"]),
        (1, &json!({"DENIED": 2})),
        "{}",
        denied.err
    );
    let unknown = desk.home.run_as("feed-974", &[&args[..], &["--purpose", "none"]].concat());
    unknown.failed_saying(2, &["no purpose of this name", "p1, p2"]);
    let twice = ["--purpose", "p1", "--results", &file];
    let twice = desk.home.run_as("feed-974", &[&args[..], &twice].concat());
    twice.failed_saying(2, &["named twice"]);
    assert!(desk.named("EXEMPLE-UN").is_empty());
}

/// A way to the vault that breaks each connection after so many bytes of answers.
struct Breaking {
    address: String,
    /// Bytes of answers of each connection from now on.
    most: Arc<AtomicUsize>,
    broken: Arc<AtomicUsize>,
}

impl Breaking {
    fn before(vault: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let breaking = Self {
            address: listener.local_addr().unwrap().to_string(),
            most: Arc::new(AtomicUsize::new(usize::MAX)),
            broken: Arc::default(),
        };
        let (vault, most) = (vault.to_owned(), Arc::clone(&breaking.most));
        let broken = Arc::clone(&breaking.broken);
        thread::spawn(move || {
            for caller in listener.incoming().map_while(Result::ok) {
                let Ok(there) = TcpStream::connect(&vault) else { continue };
                let (up, down) = (caller.try_clone().unwrap(), there.try_clone().unwrap());
                thread::spawn(move || pass(up, there, usize::MAX));
                let (most, broken) = (most.load(Ordering::SeqCst), Arc::clone(&broken));
                thread::spawn(move || {
                    if pass(down, caller, most) {
                        broken.fetch_add(1, Ordering::SeqCst);
                    }
                });
            }
        });
        breaking
    }
}

/// Passes bytes on, at most so many; then both ends are broken, and true is answered.
fn pass(mut from: TcpStream, mut to: TcpStream, most: usize) -> bool {
    let (mut buffer, mut left) = ([0; 4096], most);
    loop {
        let count = from.read(&mut buffer).unwrap_or(0);
        let part = count.min(left);
        left -= part;
        let gone = to.write_all(&buffer[..part]).is_err();
        if count == 0 || gone || left == 0 {
            // Gone already, perhaps.
            let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
            return left == 0;
        }
    }
}

#[test]
fn an_import_over_a_connection_that_breaks_all_the_time_files_each_record_once() {
    const LINES: usize = 900;
    let desk = Desk::opened();
    let way = Breaking::before(&desk.serving.address);
    assert_eq!(desk.home.login("feed-974", &way.address).code, 0);
    let lines: Vec<Json> = (0..LINES).map(|_| line("EXEMPLE-COUPE")).collect();
    let file = desk.home.secret_file("day.ndjson", &text(&lines));
    let results = desk.home.text("results");
    // Room for the description of the pack and some answers; far too little for all of them.
    way.most.store(24 * 1024, Ordering::SeqCst);
    let done = desk.import(&file, &["--results", &results]);
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    assert!(done.err.contains("going on from the first unanswered line"), "{}", done.err);
    assert!(way.broken.load(Ordering::SeqCst) >= 2, "it broke too rarely to prove anything");
    let rows = desk.rows("results");
    let lines: Vec<usize> =
        rows.iter().map(|r| usize::try_from(r["line"].as_u64().unwrap()).unwrap()).collect();
    assert_eq!(lines, (1..=LINES).collect::<Vec<_>>());
    let records: BTreeSet<String> =
        rows.iter().map(|r| r["record_id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(records.len(), LINES);
    assert_eq!(desk.named("EXEMPLE-COUPE"), records, "the vault holds others than were answered");
}

#[test]
fn an_import_whose_session_ends_gives_up_with_the_command_that_goes_on() {
    let desk = Desk::opened();
    let lines: Vec<Json> = (0..5).map(|_| line("EXEMPLE-FIN")).collect();
    let args = ["import", "-", "--collection", "cases", "--purpose", "p1", "--json"];
    let mut import = desk.home.begin("feed-974", &args);
    import.say(&text(&lines[..3]));
    // Ends as soon as the vault has filed them; the bound keeps a fault from hanging the run.
    let filed = (0..1_000).any(|_| desk.named("EXEMPLE-FIN").len() == 3);
    assert!(filed, "what was sent is not filed while the stream is open");
    assert_eq!(desk.home.run_as("feed-974", &["logout"]).code, 0);
    import.say(&text(&lines[3..]));
    let done = import.end();
    done.failed_saying(
        1,
        &["3 filed", "UNAUTHENTICATED", "ended before its end", "go on: oubliette import -"],
    );
    let id = done.err.split("--import-id ").last().unwrap().get(..32).unwrap();
    assert_eq!(desk.home.login("feed-974", &desk.serving.address).code, 0);
    let resumed = [&args[..], &["--import-id", id]].concat();
    let whole = desk.home.run_as_with("feed-974", &resumed, &text(&lines));
    assert_eq!(whole.json(), json!({"filed": 2, "repeated": 3, "refused": {}}));
    assert_eq!(desk.named("EXEMPLE-FIN").len(), 5);
}
