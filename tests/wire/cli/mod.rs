//! The program from the outside: found a vault, serve it, use it, stop it, start it again, and be told
//! what to do where it refuses.

mod backup;
mod day;
mod holds;
mod import;
mod keys;
mod offline;
mod program;
mod proof;
mod tls;

use std::fs;

use oubliette::clock::{Clock as _, SystemClock};
use serde_json::Value as Json;

use crate::support::{DAY_MS, DPO, House, case, run, shipped_pack};
use program::{Done, Home, PASSPHRASE, Serving, files};

/// Appoints an agent; his one-time secret.
fn appoint(home: &Home, agent: &str, more: &[&str]) -> String {
    let always = [
        "agent",
        "create",
        "--agent",
        agent,
        "--name",
        agent,
        "--from",
        "2020-01-01",
        "--to",
        "2098-12-31",
        "--authority",
        "test",
        "--json",
    ];
    let created = home.run_as("keys-1", &[&always, more].concat()).json();
    created["one_time_secret"].as_str().unwrap().to_owned()
}

/// A served vault with its founders and an agent of each role needed here, all logged in.
struct Desk {
    home: Home,
    serving: Serving,
    founded: Json,
}

impl Desk {
    fn opened() -> Self {
        let home = Home::new();
        let founded = home.init();
        let serving = home.serve();
        let desk = Self { home, serving, founded };
        for who in ["key_admin", "dpo"] {
            let agent = desk.founded[who]["agent"].as_str().unwrap();
            let secret = desk.founded[who]["one_time_secret"].as_str().unwrap();
            desk.first_login(agent, secret);
        }
        let signed = [
            "--territory",
            "reunion",
            "--undertaking-on",
            "2020-01-01",
            "--undertaking-ref",
            "register",
        ];
        for (agent, role) in [
            ("feed-974", ["--service-account", "--role", "intake"].as_slice()),
            ("inv-974", &["--role", "investigator", "--unit", "investigation-974"]),
            ("med-974", &["--role", "medical_service", "--profession", "physician"]),
            ("robot", &["--service-account", "--role", "purge_robot"]),
            ("desk-974", &["--role", "rights_desk"]),
        ] {
            let secret = appoint(&desk.home, agent, &[role, &signed].concat());
            desk.first_login(agent, &secret);
        }
        desk
    }

    fn first_login(&self, agent: &str, one_time: &str) {
        let done = self.home.first_login(agent, one_time, &self.serving.address);
        assert_eq!(done.code, 0, "{agent}: {}", done.err);
        assert!(done.out.contains(&format!("logged in as {agent}")), "{}", done.out);
    }

    /// Today where the records of these tests are from.
    fn today() -> String {
        SystemClock.now().date_in(chrono_tz::Indian::Reunion).to_string()
    }

    /// Files a case as the feed does, from a JSON file.
    fn filed(&self) -> String {
        let record = serde_json::json!({
            "collection": "cases",
            "collected_on": Self::today(),
            "attributes": {"territory": "reunion", "state": "new"},
            "fields": {
                "last_name": "EXEMPLE-CLI", "first_names": "Exemple", "birth_date": "1970-01-01",
                "confirmed": true,
            },
        });
        let path = self.home.secret_file("record.json", &record.to_string());
        let args = ["create", "--purpose", "p1", "--file", &path, "--json"];
        let created = self.home.run_as("feed-974", &args).json();
        assert_eq!(created["version"], 1);
        created["record"].as_str().unwrap().to_owned()
    }
}

fn identity_of(home: &Home, agent: &str, record: &str) -> Done {
    let args = ["reveal", record, "--class", "identity", "--purpose", "p1", "--json"];
    home.run_as(agent, &args)
}

#[test]
fn a_vault_is_founded_served_used_stopped_and_still_knows_after_a_restart() {
    let desk = Desk::opened();
    let record = desk.filed();
    let shown = identity_of(&desk.home, "med-974", &record).json();
    let name = |answer: &Json| {
        let fields = answer["fields"].as_array().unwrap().clone();
        fields.into_iter().find(|f| f["field"] == "last_name").unwrap()
    };
    assert_eq!(
        (name(&shown)["status"].as_str(), name(&shown)["value"].as_str()),
        (Some("VALUE"), Some("EXEMPLE-CLI"))
    );
    // Nobody gave it to the investigator.
    let refused = identity_of(&desk.home, "inv-974", &record);
    refused.failed_saying(3, &["NOT_AVAILABLE", "next:"]);
    assert!(!refused.out.contains("EXEMPLE"), "{}", refused.out);

    let status = desk.home.run_as("keys-1", &["status", "--json"]).json();
    assert_eq!(
        (status["well"].as_bool(), status["status"]["class"].as_str()),
        (Some(true), Some("L0"))
    );
    desk.home.run_as("inv-974", &["status"]).failed_saying(3, &["DENIED"]);
    let agents = desk.home.run_as("keys-1", &["agent", "list", "--json"]).json();
    assert_eq!(agents.as_array().unwrap().len(), 7);
    let dry = desk.home.run_as("robot", &["purge", "--dry-run", "--json"]).json();
    assert_eq!(dry["cohorts"].as_array().unwrap().len(), 0);
    desk.home
        .run_as("dpo-1", &["certificate", "get"])
        .failed_saying(1, &["nothing has been purged", "next:"]);

    let Desk { home, serving, .. } = desk;
    let stopped = serving.terminate();
    assert_eq!(stopped.code, 0, "{}", stopped.err);
    assert!(stopped.out.ends_with("stopped") && stopped.err.contains("SIGTERM"), "{}", stopped.out);
    let nobody = identity_of(&home, "med-974", &record);
    nobody.failed_saying(1, &["no vault answers", "next:", "serve"]);

    let serving = home.serve();
    assert_eq!(home.login("med-974", &serving.address).code, 0);
    let again = identity_of(&home, "med-974", &record).json();
    assert_eq!(name(&again)["value"], "EXEMPLE-CLI");
    assert_eq!(home.run_as("med-974", &["logout"]).code, 0);
    identity_of(&home, "med-974", &record).failed_saying(1, &["no session", "login"]);
    assert_eq!(serving.terminate().code, 0);
}

#[test]
fn the_log_is_listed_exported_and_verified_offline_and_a_changed_copy_is_refused() {
    let desk = Desk::opened();
    let record = desk.filed();
    assert_eq!(identity_of(&desk.home, "med-974", &record).code, 0);
    let listed = desk.home.run_as("dpo-1", &["audit", "list", "--record", &record, "--json"]);
    let events: Vec<Json> =
        listed.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = events.iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|k| **k == "reveal").count(), 1, "{kinds:?}");
    assert!(kinds.contains(&"create"), "{kinds:?}");
    assert!(!listed.out.contains("EXEMPLE"));
    desk.home.run_as("inv-974", &["audit", "list"]).failed_saying(3, &["DENIED"]);

    let folder = desk.home.text("export");
    let exported = desk.home.run_as("dpo-1", &["audit", "export", &folder, "--json"]).json();
    let paths = files(&desk.home.path("export"));
    assert_eq!(exported["files"].as_u64(), Some(paths.len() as u64));
    let key = desk.founded["log_verifier_key"].as_str().unwrap().to_owned();
    let Desk { home, serving, .. } = desk;
    assert_eq!(serving.terminate().code, 0);
    let verify = || home.run(&["audit", "verify", &folder, "--key", &key, "--json"]);
    let said = verify().json();
    assert!(said["size"].as_u64().unwrap() > 10);
    assert!(said["generations"]["leaves"].as_u64().unwrap() > 2);
    assert_eq!(said["generations"]["leaves"], said["generations"]["details"]);
    for path in paths {
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 1;
        fs::write(&path, changed).unwrap();
        verify().failed_saying(1, &["error:", "next:"]);
        fs::write(&path, whole).unwrap();
    }
    assert_eq!(verify().code, 0);
}

#[test]
fn a_certificate_is_verified_offline_and_a_changed_one_is_refused() {
    let (certificate, key) = run(async {
        let house = House::in_memory(700);
        let served = house.serve().await;
        served.file("reunion", case("reunion", "EXEMPLE-DU", "2020-08-24")).await;
        house.clock.advance_millis(DAY_MS);
        served.forget_sessions().await;
        let purged = served.as_agent("robot").await.run_purge().await.unwrap();
        let certificate = served.as_agent(DPO).await.certificate(purged.certificate).await.unwrap();
        let key = served.vault.state().unwrap().certificate_verifier_key;
        served.stop().await;
        (certificate, key)
    });
    let home = Home::new();
    let file = home.secret_file("certificate.json", &certificate);
    let verify = || home.run(&["certificate", "verify", &file, "--key", &key, "--json"]);
    assert_eq!(verify().json()["records"], 1);
    let changed = certificate.replacen("\"records\":1", "\"records\":0", 1);
    assert_ne!(changed, certificate);
    home.secret_file("certificate.json", &changed);
    verify().failed_saying(1, &["error:", "next:"]);
}

#[test]
fn a_key_place_inside_the_data_folder_is_refused_and_one_outside_is_not() {
    let home = Home::new();
    let (data, policy, passphrase) =
        (home.text("data"), home.text("policy"), home.text("passphrase"));
    let init = |first: &str, second: &str, more: &[&str]| {
        let args = [
            "init",
            "--data",
            &data,
            "--keys",
            &home.text(first),
            "--keys",
            &home.text(second),
            "--policy",
            &policy,
            "--key-admin",
            "keys-1",
            "--passphrase-file",
            &passphrase,
            "--yes",
        ];
        home.run(&[&args[..], more].concat())
    };
    let founders = ["--dpo", "dpo-1"];
    init("data/keys", "place-b", &founders).failed_saying(1, &["inside the data folder"]);
    init("place-a", "data/keys", &founders).failed_saying(1, &["inside the data folder"]);
    init("place-a", "place-b", &["--dpo", "keys-1"]).failed_saying(2, &["two different persons"]);
    assert!(!home.path("place-a/anchor").exists() && !home.path("data/keys").exists());
    home.secret_file("passphrase", "short");
    init("place-a", "place-b", &founders).failed_saying(1, &["16 characters", "next:"]);
    home.secret_file("passphrase", PASSPHRASE);
    // The refusals left folders at most: a founding in the same places goes through.
    let _ = fs::remove_dir_all(home.path("data"));
    assert_eq!(init("place-a", "place-b", &founders).code, 0);
    // And what was founded is never founded over.
    assert_eq!(init("place-a", "place-b", &founders).code, 1);
    assert!(home.path("place-a/anchor").exists());
}

#[test]
fn a_start_that_must_not_be_is_refused_with_a_way_out() {
    let home = Home::new();
    home.init();
    home.secret_file("wrong", "le phare du bout de l'ile est noir");
    let with = |args: Vec<String>| home.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    with(home.serve_args("wrong")).failed_saying(1, &["passphrase"]);
    let mut open = home.serve_args("passphrase");
    *open.last_mut().unwrap() = "0.0.0.0:0".to_owned();
    with(open).failed_saying(1, &["not a loopback address", "--tls-cert", "--listen 127.0.0.1"]);
    let config = home.secret_file("bad.toml", "data = \"data\"\nacept_swap = true\n");
    let unknown = home.run(&["serve", "--config", &config]);
    unknown.failed_saying(1, &["acept_swap", "next:", "serve --help"]);
    let config = "data = \"data\"\nkeys = [\"place-a\", \"place-b\"]\npolicy = \"policy\"\n\
        passphrase_file = \"passphrase\"\nlisten = [\"127.0.0.1:0\"]\naccept_swap = true\n";
    let config = home.secret_file("good.toml", config);
    let serving = home.serve_with(&["serve", "--config", &config]);
    // One process owns a data folder.
    let second = with(home.serve_args("passphrase"));
    second.failed_saying(1, &["another process"]);
    assert_eq!(serving.terminate().code, 0);
    // The pack that was founded with has another end date.
    let mut shipped = home.serve_args("passphrase");
    let at = shipped.iter().position(|a| a == "--policy").unwrap() + 1;
    shipped[at] = shipped_pack().to_str().unwrap().to_owned();
    with(shipped).failed_saying(1, &["end_date"]);
}
