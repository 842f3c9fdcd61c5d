//! The built program in a home of its own, under a clock whose hands the test holds, and with a way to
//! stop it at its n-th call (`shim.c`).
//!
//! Everything it is given is synthetic. Its clock begins at the date of the shipped pack, so the pack is
//! used as it is, and no test depends on the day.

use std::{
    cell::{Cell, RefCell},
    fs::{self, File, OpenOptions},
    io::{BufRead as _, BufReader, Read as _},
    os::unix::{
        fs::{FileExt as _, OpenOptionsExt as _},
        process::ExitStatusExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use chrono::{DateTime, Months, NaiveDate};
use serde_json::Value as Json;
use tempfile::TempDir;

/// Keeps a fault from hanging the run; every wait ends with the thing waited for.
const SAFETY_NET: Duration = Duration::from_secs(300);
/// Between two looks, where only looking tells.
const A_MOMENT: Duration = Duration::from_millis(1);
/// As many looks as the safety net holds.
const LOOKS: u32 = 300_000;
/// 2020-11-23T08:00 in La Réunion.
const START_MS: i64 = 1_606_104_000_000;
/// One day.
pub(crate) const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Those who use the vault: login, and the flags of their appointment.
const PEOPLE: [(&str, &[&str]); 4] = [
    ("feed-974", &["--service-account", "--role", "intake"]),
    ("desk-974", &["--role", "rights_desk"]),
    ("med-974", &["--role", "medical_service", "--profession", "physician"]),
    ("robot-974", &["--service-account", "--role", "purge_robot"]),
];

/// Fields of the control file, each eight bytes.
#[derive(Clone, Copy)]
enum Hand {
    Clock,
    Since,
    Left,
    Dump,
    Counted,
}

/// How a command ended.
pub(crate) struct Done {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// The first line of the output as JSON. Panics unless the command succeeded.
    pub(crate) fn json(&self) -> Json {
        assert_eq!(self.code, Some(0), "{}{}", self.out, self.err);
        serde_json::from_str(self.out.lines().next().unwrap()).unwrap()
    }
}

/// A home with a vault.
pub(crate) struct House {
    folder: TempDir,
    control: File,
    days: Cell<i64>,
    /// Name of the data folder in use.
    data: RefCell<String>,
    server: RefCell<Option<(Child, Receiver<String>)>>,
    address: RefCell<String>,
}

impl House {
    /// Builds the shim, founds a vault, serves it, and logs its people in.
    pub(crate) fn founded() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["attic", "backups", "desk"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let open = |name| {
            let path = folder.path().join(name);
            OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(true)
                .open(path)
                .unwrap()
        };
        let control = open("control");
        control.set_len(40).unwrap();
        let house = Self {
            folder,
            control,
            days: Cell::new(0),
            data: RefCell::new("data".to_owned()),
            server: RefCell::default(),
            address: RefCell::default(),
        };
        house.build_shim();
        house.stop_counting();
        house.set_clock();
        house.secret_file("root.key", &(0..32).map(|i| i * 7 + 1).collect::<Vec<u8>>());
        house.found();
        house
    }

    fn build_shim(&self) {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/forensics/shim.c");
        let mut cc = Command::new("cc");
        cc.args(["-O1", "-shared", "-fPIC", "-o"]).arg(self.path("shim.so")).arg(source);
        let built = cc.args(["-ldl", "-lpthread"]).output();
        let built = built.expect("a C compiler (cc) is needed for the shim of this test");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }

    fn found(&self) {
        let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/contact-tracing");
        std::os::unix::fs::symlink(policy, self.path("policy")).unwrap();
        let founders = [
            "--key-admin",
            "keys-1",
            "--dpo",
            "dpo-1",
            "--yes",
            "--json",
            "--valid-to",
            "2021-11-22",
        ];
        let folders = self.folders();
        let init: Vec<&str> =
            ["init"].into_iter().chain(folders.iter().map(String::as_str)).collect();
        let founded = self.run(&[&init, &founders[..]].concat()).json();
        self.serve();
        self.first_login("keys-1", founded["key_admin"]["one_time_secret"].as_str().unwrap());
        for (agent, role) in PEOPLE {
            let always = [
                "agent",
                "create",
                "--agent",
                agent,
                "--name",
                "Test (fictional)",
                "--territory",
                "reunion",
                "--undertaking-on",
                "2020-11-01",
                "--undertaking-ref",
                "register",
                "--from",
                "2020-11-01",
                "--to",
                "2021-03-31",
                "--authority",
                "Test (fictional)",
                "--json",
            ];
            let made = self.run_as("keys-1", &[&always, role].concat()).json();
            self.first_login(agent, made["one_time_secret"].as_str().unwrap());
        }
    }

    /// A path inside.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// The root key, as its file says.
    pub(crate) fn root(&self) -> [u8; 32] {
        fs::read(self.path("root.key")).unwrap().try_into().unwrap()
    }

    /// The key places, primary first.
    pub(crate) fn places(&self) -> Vec<PathBuf> {
        ["place-a", "place-b"].map(|name| self.path(name)).to_vec()
    }

    /// The data folder in use.
    pub(crate) fn data(&self) -> PathBuf {
        self.path(&self.data.borrow())
    }

    fn folders(&self) -> Vec<String> {
        let policy = ["--policy".to_owned(), self.text("policy")];
        [&self.at_rest(&self.data.borrow())[..], &policy].concat()
    }

    /// Flags of commands that run while no vault does.
    fn at_rest(&self, data: &str) -> Vec<String> {
        let pairs = [
            ("--data", data),
            ("--keys", "place-a"),
            ("--keys", "place-b"),
            ("--key-file", "root.key"),
        ];
        pairs.into_iter().flat_map(|(flag, name)| [flag.to_owned(), self.text(name)]).collect()
    }

    /// Takes a backup of the running vault into this folder; how many rows it has.
    pub(crate) fn backup(&self, name: &str) -> u64 {
        let done = self.run_as("keys-1", &["backup", &self.text(name), "--json"]);
        done.json()["rows"].as_u64().unwrap()
    }

    /// Restores a backup into a new folder, which is the one in use from then on. No vault runs.
    pub(crate) fn restore(&self, backup: &str, data: &str) {
        let (from, at_rest) = (self.text(backup), self.at_rest(data));
        let flags: Vec<&str> = at_rest.iter().map(String::as_str).collect();
        let done = self.run(&[&["restore", &from, "--json"][..], &flags].concat());
        assert_eq!(done.code, Some(0), "{}", done.err);
        *self.data.borrow_mut() = data.to_owned();
    }

    /// Writes a file of what people bring along; not one of the vault.
    pub(crate) fn brought(&self, name: &str, content: &str) -> String {
        self.secret_file(&format!("desk/{name}"), content.as_bytes())
    }

    fn secret_file(&self, name: &str, content: &[u8]) -> String {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let file = options.open(self.path(name)).unwrap();
        file.write_all_at(content, 0).unwrap();
        self.text(name)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oubliette"));
        command.args(args).env_clear().env("HOME", self.folder.path());
        command.env("LD_PRELOAD", self.path("shim.so"));
        command.env("OUBLIETTE_SHIM_CONTROL", self.path("control"));
        command.env("OUBLIETTE_SHIM_ATTIC", self.path("attic"));
        command.current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Begins a command.
    pub(crate) fn begin(&self, args: &[&str]) -> Child {
        self.command(args).spawn().unwrap()
    }

    /// Waits for its end.
    pub(crate) fn end(child: Child) -> Done {
        let output = child.wait_with_output().unwrap();
        Done {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Done {
        Self::end(self.begin(args))
    }

    /// The same as an agent.
    pub(crate) fn run_as(&self, agent: &str, args: &[&str]) -> Done {
        Self::end(self.begin_as(agent, args))
    }

    /// Begins a command as an agent.
    pub(crate) fn begin_as(&self, agent: &str, args: &[&str]) -> Child {
        let session = self.text(&format!("desk/session-{agent}"));
        self.begin(&[args, &["--session", &session]].concat())
    }

    fn first_login(&self, agent: &str, one_time: &str) {
        let old = self.brought("one-time", one_time);
        let own = self.brought("own", &format!("{agent} counts 9 Green turtles"));
        let address = self.address.borrow().clone();
        let args = ["login", "--agent", agent, "--secret-file", &old, "--new-secret-file", &own];
        let done = self.run_as(agent, &[&args[..], &["--address", &address]].concat());
        assert_eq!(done.code, Some(0), "{}", done.err);
    }

    /// Logs an agent in again, after a restart.
    pub(crate) fn login(&self, agent: &str) {
        let own = self.brought("own", &format!("{agent} counts 9 Green turtles"));
        let address = self.address.borrow().clone();
        let args = ["login", "--agent", agent, "--secret-file", &own, "--address", &address];
        let done = self.run_as(agent, &args);
        assert_eq!(done.code, Some(0), "{}", done.err);
    }

    /// Serves; true once calls are answered, false if it was killed by its own count before.
    pub(crate) fn try_serve(&self) -> bool {
        let folders = self.folders();
        let mut args = vec!["serve", "--accept-swap", "--listen", "127.0.0.1:0"];
        args.extend(folders.iter().map(String::as_str));
        let mut command = self.command(&args);
        command.env("OUBLIETTE_SHIM_COUNTS", "1");
        command.env("OUBLIETTE_SHIM_DUMP", self.path("desk/dump"));
        let mut child = command.spawn().unwrap();
        let (sender, lines) = channel();
        let out = child.stdout.take().unwrap();
        thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        match lines.recv_timeout(SAFETY_NET) {
            Ok(line) => {
                let address =
                    line.strip_prefix("listening on ").unwrap_or_else(|| panic!("`{line}`"));
                *self.address.borrow_mut() = address.to_owned();
                *self.server.borrow_mut() = Some((child, lines));
                true
            }
            Err(_) => {
                let mut said = String::new();
                child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
                let status = child.wait().unwrap();
                assert_eq!(status.signal(), Some(9), "the vault does not start: {said}");
                false
            }
        }
    }

    /// Serves, and must.
    pub(crate) fn serve(&self) {
        assert!(self.try_serve(), "killed while it started");
    }

    /// SIGTERM, and its end.
    pub(crate) fn terminate(&self) {
        let (mut child, _lines) = self.server.borrow_mut().take().unwrap();
        let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        assert_eq!(child.wait().unwrap().code(), Some(0), "it ends well");
    }

    /// SIGKILL.
    pub(crate) fn kill(&self) {
        let (mut child, _lines) = self.server.borrow_mut().take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits for the end of the server by its own count, or of this command, whichever is first. True
    /// for the former; then the command is given up, unless it had its answer.
    pub(crate) fn killed_before(&self, mut command: Child) -> (bool, Done) {
        let mut looks = 0..LOOKS;
        let killed = loop {
            let mut server = self.server.borrow_mut();
            if server.as_mut().unwrap().0.try_wait().unwrap().is_some() {
                *server = None;
                break true;
            }
            if command.try_wait().unwrap().is_some() {
                break false;
            }
            assert!(looks.next().is_some(), "neither the server nor the command ends");
            drop(server);
            thread::sleep(A_MOMENT);
        };
        self.stop_counting();
        if killed && command.try_wait().unwrap().is_none() {
            // It would try again, and there is nobody to answer. Gone by now, perhaps.
            let _ = command.kill();
        }
        (killed, Self::end(command))
    }

    fn hand(&self, hand: Hand) -> i64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, hand as u64 * 8).unwrap();
        i64::from_ne_bytes(bytes)
    }

    fn set(&self, hand: Hand, value: i64) {
        self.control.write_all_at(&value.to_ne_bytes(), hand as u64 * 8).unwrap();
    }

    /// The server kills itself before its n-th call from now on.
    pub(crate) fn kill_at(&self, n: i64) {
        self.set(Hand::Left, n);
    }

    /// It does not.
    pub(crate) fn stop_counting(&self) {
        self.set(Hand::Left, -1);
    }

    /// Calls counted so far, armed or not.
    pub(crate) fn counted(&self) -> i64 {
        self.hand(Hand::Counted)
    }

    /// The hands go to the beginning of the day; from then on the clock runs.
    fn set_clock(&self) {
        self.set(Hand::Clock, START_MS + self.days.get() * DAY_MS);
        self.set(Hand::Since, 0);
    }

    /// A day passes.
    pub(crate) fn next_day(&self) {
        self.days.set(self.days.get() + 1);
        self.set_clock();
    }

    fn today(&self) -> NaiveDate {
        let now = DateTime::from_timestamp_millis(START_MS + self.days.get() * DAY_MS);
        now.unwrap().date_naive()
    }

    /// The day whose records, kept for three months, are due tomorrow. The last days of some months are
    /// no such day's.
    pub(crate) fn three_months_before_tomorrow(&self) -> Option<String> {
        let (tomorrow, period) = (self.today().succ_opt().unwrap(), Months::new(3));
        let collected = tomorrow.checked_sub_months(period).unwrap();
        (collected.checked_add_months(period) == Some(tomorrow)).then(|| collected.to_string())
    }

    /// Has the server write its own memory to a file, and reads that.
    pub(crate) fn dump(&self) -> (Vec<u8>, String) {
        self.set(Hand::Dump, 1);
        let mut looks = 0..LOOKS;
        while self.hand(Hand::Dump) == 1 {
            assert!(looks.next().is_some(), "the memory is not dumped");
            thread::sleep(A_MOMENT);
        }
        assert_eq!(self.hand(Hand::Dump), 2, "the shim could not write the memory");
        let pages = fs::read(self.path("desk/dump")).unwrap();
        let maps = fs::read_to_string(self.path("desk/dump.maps")).unwrap();
        fs::remove_file(self.path("desk/dump")).unwrap();
        (pages, maps)
    }
}

impl Drop for House {
    fn drop(&mut self) {
        if let Some((mut child, _)) = self.server.borrow_mut().take() {
            // Gone already, perhaps.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
