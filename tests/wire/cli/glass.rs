//! Broken glass as an operator, an officer on call and a data-protection officer meet it; under another
//! pack than the shipped one, with a command that is run for each alarm.

use std::{
    fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command, sync::mpsc, thread,
};

use serde_json::Value as Json;

use super::{
    appoint,
    program::{Done, Home, SAFETY_NET, Serving},
};

/// Fails until the file `works` is there; then writes kind and id into the pipe.
const TELL: &str = "#!/bin/sh\ntest -e \"$1/works\" || exit 1\necho \"$2 $3\" > \"$1/pipe\"\n";

struct Town {
    home: Home,
    serving: Serving,
}

impl Town {
    /// The desk of a town, served with `alarm.exec`, with its agents logged in.
    fn opened() -> Self {
        let home = Home::new();
        fs::remove_dir_all(home.path("policy")).unwrap();
        fs::create_dir(home.path("policy")).unwrap();
        let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/municipal-desk");
        for entry in fs::read_dir(pack).unwrap() {
            let path = entry.unwrap().path();
            fs::copy(&path, home.path("policy").join(path.file_name().unwrap())).unwrap();
        }
        let founded = home.init();
        fs::write(home.path("tell"), TELL).unwrap();
        fs::set_permissions(home.path("tell"), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(Command::new("mkfifo").arg(home.path("pipe")).status().unwrap().success());
        let config = format!("alarm.exec = [\"tell\", {:?}]\n", home.text("."));
        fs::write(home.path("serve.toml"), config).unwrap();
        let mut args = home.serve_args("passphrase");
        args.extend(["--config".to_owned(), home.text("serve.toml")]);
        let serving = home.serve_with(&args.iter().map(String::as_str).collect::<Vec<_>>());
        let town = Self { home, serving };
        for who in ["key_admin", "dpo"] {
            let agent = founded[who]["agent"].as_str().unwrap();
            town.first_login(agent, founded[who]["one_time_secret"].as_str().unwrap());
        }
        let signed = [
            ["--territory", "town"],
            ["--undertaking-on", "2020-01-01"],
            ["--undertaking-ref", "register"],
        ]
        .concat();
        for (agent, role) in [("anne", "receptionist"), ("duty", "duty_officer")] {
            let secret = appoint(&town.home, agent, &[&["--role", role], &signed[..]].concat());
            town.first_login(agent, &secret);
        }
        town
    }

    fn first_login(&self, agent: &str, secret: &str) {
        let done = self.home.first_login(agent, secret, &self.serving.address);
        assert_eq!(done.code, 0, "{agent}: {}", done.err);
    }

    fn filed(&self) -> String {
        let record = serde_json::json!({
            "collection": "requests",
            "collected_on": "2026-01-05",
            "attributes": {"territory": "town", "state": "received", "kind": "energy"},
            "fields": {
                "last_name": "EXEMPLE-VILLE", "first_names": "Exemple", "phone": "0639980002",
            },
        });
        let path = self.home.secret_file("record.json", &record.to_string());
        let args = ["create", "--purpose", "assistance", "--file", &path, "--json"];
        self.home.run_as("anne", &args).json()["record"].as_str().unwrap().to_owned()
    }

    fn reveal(&self, record: &str, more: &[&str]) -> Done {
        let args = ["reveal", record, "--class", "contact", "--purpose", "emergency", "--json"];
        self.home.run_as("duty", &[&args, more].concat())
    }

    fn status(&self) -> Json {
        let done = self.home.run_as("dpo-1", &["status", "--json"]);
        serde_json::from_str(done.out.lines().next().unwrap()).unwrap()
    }

    /// What the command for alarms writes next.
    fn heard(&self) -> String {
        let (pipe, (sender, heard)) = (self.home.path("pipe"), mpsc::channel());
        thread::spawn(move || sender.send(fs::read_to_string(pipe)));
        heard.recv_timeout(SAFETY_NET).unwrap().unwrap()
    }
}

#[test]
fn the_officer_on_call_breaks_the_glass_the_command_hears_of_it_and_the_dpo_reviews() {
    let town = Town::opened();
    let (home, record) = (&town.home, town.filed());
    town.reveal(&record, &[]).failed_saying(3, &["NOT_AVAILABLE"]);
    town.reveal(&record, &["--break-glass", "bored", "--why", "x"])
        .failed_saying(1, &["INVALID_FIELDS", "break_glass.code"]);
    town.reveal(&record, &["--break-glass", "person_in_danger"]).failed_saying(2, &["--why"]);
    let described = home.run_as("duty", &["describe"]).out;
    assert!(described.contains("you may break the glass: identity contact of requests"));
    assert_eq!(town.status()["well"], true);

    let why = "EXEMPLE-WHY neighbour hears nothing since Monday";
    let shown = town.reveal(&record, &["--break-glass", "person_in_danger", "--why", why]).json();
    assert!(shown["fields"].to_string().contains("+262639980002"), "{shown}");
    let review = shown["broken"]["review"].as_str().unwrap();
    assert!(town.reveal(&record, &[]).json()["broken"]["review"] == review, "for its minutes");

    // The command fails at first, which the state shows; then it hears kind and id, and no more.
    while town.status()["status"]["untold_alarms"] != 1 {}
    let state = home.run_as("dpo-1", &["status"]);
    assert_eq!(state.code, 1);
    assert!(state.out.contains("could NOT be told"), "{}", state.out);
    fs::write(home.path("works"), "").unwrap();
    let alarms = home.run_as("dpo-1", &["alarm", "list", "--json"]).json();
    let alarm = alarms[0]["alarm"].as_str().unwrap();
    assert_eq!(town.heard(), format!("break-glass {alarm}\n"));
    while town.status()["status"]["untold_alarms"] != 0 {}

    let listed = home.run_as("dpo-1", &["review", "list", "--open"]).out;
    for told in [review, "OPEN", "broken by duty", "person_in_danger", why, &record, "contact"] {
        assert!(listed.contains(told), "{told}: {listed}");
    }
    let close = ["review", "close", review, "--verdict", "justified", "--why", "a life was saved"];
    home.run_as("duty", &close).failed_saying(3, &["DENIED"]);
    assert_eq!(home.run_as("dpo-1", &close).code, 0);
    home.run_as("dpo-1", &close).failed_saying(1, &["NO_REVIEW", "review list"]);
    let closed = home.run_as("dpo-1", &["review", "list", "--json"]).json();
    assert_eq!(
        (&closed[0]["verdict"], &closed[0]["closed_by"]),
        (&"justified".into(), &"dpo-1".into())
    );
    assert_eq!(closed[0]["conclusion"], "a life was saved");
    assert_eq!(home.run_as("dpo-1", &["alarm", "ack", alarm]).code, 0);
    assert_eq!(home.run_as("dpo-1", &["status"]).code, 0);
    assert_eq!(town.serving.terminate().code, 0);
}
