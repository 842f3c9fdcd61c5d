//! The built program in a home of its own: a temporary folder with a pack, two key places, secrets in
//! files, and nothing of the caller's environment.
//!
//! Waits end with the line or the exit waited for; `SAFETY_NET` only keeps a fault from hanging the run.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::shipped_pack;

pub(super) const SAFETY_NET: Duration = Duration::from_secs(300);
/// The root passphrase of every home.
pub(super) const PASSPHRASE: &str = "le phare du bout de l'ile est blanc";

/// What a command left behind.
pub(super) struct Done {
    /// Exit code; -1 for a signal.
    pub(super) code: i32,
    pub(super) out: String,
    pub(super) err: String,
}

impl Done {
    /// The first line of the output as JSON. Panics unless the command succeeded.
    pub(super) fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        serde_json::from_str(self.out.lines().next().unwrap()).unwrap()
    }

    /// Asserts an exit code and that the error output says all of this.
    pub(super) fn failed_saying(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        for word in words {
            assert!(self.err.contains(word), "`{word}` is not said: {}", self.err);
        }
    }
}

/// A command that waits for its input.
pub(super) struct Begun(Child);

impl Begun {
    /// Writes to its standard input.
    pub(super) fn say(&mut self, text: &str) {
        // A command that reads no further closes the pipe: its own words say why.
        let _ = self.0.stdin.as_mut().unwrap().write_all(text.as_bytes());
    }

    /// Ends its input and waits for its end.
    pub(super) fn end(mut self) -> Done {
        drop(self.0.stdin.take());
        Home::to_its_end(self.0, &["a command with input"])
    }
}

/// A home.
pub(super) struct Home {
    folder: TempDir,
}

impl Home {
    /// A pack that lives until 2099 and never closes on the island, a passphrase file, and no vault.
    pub(super) fn new() -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(home.path("policy")).unwrap();
        for entry in fs::read_dir(shipped_pack()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, home.path("policy").join(path.file_name().unwrap())).unwrap();
            }
        }
        // The program runs on the real clock: at whatever year and hour.
        let edit = |file: &str, from: &str, to: &str| {
            let path = home.path("policy").join(file);
            let text = fs::read_to_string(&path).unwrap();
            let edited = text.replace(from, to);
            assert_ne!(text, edited, "{file} has no `{from}`");
            fs::write(path, edited).unwrap();
        };
        edit("pack.toml", "end_date = \"2021-04-01\"", "end_date = \"2099-04-01\"");
        edit("hours.cedar", "context.local_minutes < 1050", "context.local_minutes < 1440");
        edit("hours.cedar", "context.local_minutes >= 480", "context.local_minutes >= 0");
        edit(
            "scenarios.toml",
            "at = \"2020-11-23T17:30\"\nexpect = \"deny\"\npolicy",
            "at = \"2020-11-23T17:30\"\nexpect = \"allow\"\nnot_policy",
        );
        home.secret_file("passphrase", PASSPHRASE);
        home
    }

    /// A path inside.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The same as text.
    pub(super) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    /// Writes a file that only its owner may read.
    pub(super) fn secret_file(&self, name: &str, content: &str) -> String {
        fs::write(self.path(name), content).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600)).unwrap();
        self.text(name)
    }

    /// A command in this home, not started yet.
    pub(super) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_oubliette"));
        command.args(args).env_clear().env("HOME", self.folder.path());
        command.current_dir(self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub(super) fn run(&self, args: &[&str]) -> Done {
        Self::to_its_end(self.command(args).spawn().unwrap(), args)
    }

    /// The same with something on its standard input, under the session file of an agent.
    pub(super) fn run_as_with(&self, agent: &str, args: &[&str], input: &str) -> Done {
        let mut begun = self.begin(agent, args);
        begun.say(input);
        begun.end()
    }

    /// A command whose standard input is written piece by piece.
    pub(super) fn begin(&self, agent: &str, args: &[&str]) -> Begun {
        let session = self.text(&format!("session-{agent}"));
        let args = [args, &["--session", &session]].concat();
        let child = self.command(&args).stdin(Stdio::piped()).spawn().unwrap();
        Begun(child)
    }

    fn to_its_end(child: Child, args: &[&str]) -> Done {
        let id = child.id();
        let (sender, receiver) = channel();
        thread::spawn(move || sender.send(child.wait_with_output()));
        let Ok(output) = receiver.recv_timeout(SAFETY_NET) else {
            signal(id, Signal::KILL);
            panic!("{args:?} does not end")
        };
        let output = output.unwrap();
        Done {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// `init` with both places of this home; as JSON.
    pub(super) fn init(&self) -> serde_json::Value {
        let (data, policy) = (self.text("data"), self.text("policy"));
        let (a, b) = (self.text("place-a"), self.text("place-b"));
        let passphrase = self.text("passphrase");
        let done = self.run(&[
            "init",
            "--data",
            &data,
            "--keys",
            &a,
            "--keys",
            &b,
            "--policy",
            &policy,
            "--key-admin",
            "keys-1",
            "--dpo",
            "dpo-1",
            "--passphrase-file",
            &passphrase,
            "--yes",
            "--json",
        ]);
        done.json()
    }

    /// Arguments of `serve` on a free port, the passphrase from this file.
    pub(super) fn serve_args(&self, passphrase: &str) -> Vec<String> {
        let mut args = vec!["serve".to_owned(), "--accept-swap".to_owned()];
        let listen = "127.0.0.1:0".to_owned();
        for (flag, value) in [
            ("--data", self.text("data")),
            ("--keys", self.text("place-a")),
            ("--keys", self.text("place-b")),
            ("--policy", self.text("policy")),
            ("--passphrase-file", self.text(passphrase)),
            ("--listen", listen),
        ] {
            args.extend([flag.to_owned(), value]);
        }
        args
    }

    /// Serves until stopped.
    pub(super) fn serve(&self) -> Serving {
        let args = self.serve_args("passphrase");
        self.serve_with(&args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// The same with other arguments.
    pub(super) fn serve_with(&self, args: &[&str]) -> Serving {
        Serving::start(self.command(args).spawn().unwrap())
    }

    /// A command under the session file of an agent.
    pub(super) fn run_as(&self, agent: &str, args: &[&str]) -> Done {
        let session = self.text(&format!("session-{agent}"));
        self.run(&[args, &["--session", &session]].concat())
    }

    /// Logs in with a one-time secret and changes it to the agent's own.
    pub(super) fn first_login(&self, agent: &str, one_time: &str, address: &str) -> Done {
        self.first_login_by(agent, one_time, &["--address", address])
    }

    /// The same with the flags of a connection.
    pub(super) fn first_login_by(&self, agent: &str, one_time: &str, flags: &[&str]) -> Done {
        let one_time = self.secret_file(&format!("one-time-{agent}"), one_time);
        let own = self.secret_file(&format!("own-{agent}"), &own_secret(agent));
        let args =
            ["login", "--agent", agent, "--secret-file", &one_time, "--new-secret-file", &own];
        self.run_as(agent, &[&args, flags].concat())
    }

    /// Logs in with the agent's own secret.
    pub(super) fn login(&self, agent: &str, address: &str) -> Done {
        self.login_by(agent, &["--address", address])
    }

    /// The same with the flags of a connection.
    pub(super) fn login_by(&self, agent: &str, flags: &[&str]) -> Done {
        let own = self.secret_file(&format!("own-{agent}"), &own_secret(agent));
        let args = ["login", "--agent", agent, "--secret-file", &own];
        self.run_as(agent, &[&args, flags].concat())
    }
}

/// A file of a whole tree, with its content.
pub(super) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found
}

fn own_secret(agent: &str) -> String {
    format!("{agent} counts 9 Green turtles\n")
}

fn signal(id: u32, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(id).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// A vault being served. Dropping it kills the process, should a test have failed before.
pub(super) struct Serving {
    child: Child,
    lines: Receiver<String>,
    errors: Receiver<String>,
    /// Where it listens.
    pub(super) address: String,
}

impl Serving {
    fn start(mut child: Child) -> Self {
        let lines = lines_of(child.stdout.take().unwrap());
        let errors = lines_of(child.stderr.take().unwrap());
        let mut serving = Self { child, lines, errors, address: String::new() };
        let Ok(line) = serving.lines.recv_timeout(SAFETY_NET) else {
            panic!("it does not listen: {:?}", serving.errors.iter().collect::<Vec<_>>())
        };
        let address = line.strip_prefix("listening on ");
        serving.address = address.unwrap_or_else(|| panic!("`{line}`")).to_owned();
        serving
    }

    /// Waits for a line of the error output that holds these words.
    pub(super) fn error_line(&self, words: &str) {
        loop {
            match self.errors.recv_timeout(SAFETY_NET) {
                Ok(line) if line.contains(words) => return,
                Ok(_) => {}
                Err(_) => panic!("`{words}` is not said"),
            }
        }
    }

    /// SIGTERM; the exit code, the rest of the output and the error output.
    pub(super) fn terminate(mut self) -> Done {
        signal(self.child.id(), Signal::TERM);
        // Both end when the process does.
        let out: Vec<String> = self.lines.iter().collect();
        let err: Vec<String> = self.errors.iter().collect();
        let code = self.child.wait().unwrap().code().unwrap_or(-1);
        Done { code, out: out.join("\n"), err: err.join("\n") }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // Gone already after `terminate`.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(pipe: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}
