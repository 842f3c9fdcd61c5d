//! The built program, serving a home: by itself, or under the recorder.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
};

use oubliette::{client::Client, secret::SecretBytes};
use rustix::process::{Pid, Signal, kill_process};

use crate::home::{FOLDERS, Home, WORKER};

/// The secret that the worker chooses.
const SECRET: &str = "worker-1 sings 47 Blue canticles";
/// What a command says that was killed: 128 and SIGKILL.
const KILLED: i32 = 137;

/// The recorder, compiled on first use.
pub(crate) fn recorder() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/record.c");
        let built = Path::new(env!("CARGO_TARGET_TMPDIR")).join("record");
        let mut cc = Command::new("cc");
        cc.args(["-O2", "-Wall", "-Wextra", "-Werror", "-o"]).arg(&built).arg(source);
        assert!(cc.status().unwrap().success(), "the recorder does not compile");
        built
    })
}

/// How a server is run.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Under<'a> {
    /// By itself.
    Nothing,
    /// Recorded into this trace, and killed at the entry of this change or sync, if any.
    Recorder(&'a Path, Option<u64>),
}

/// A server that answers, or did.
pub(crate) struct Serving {
    child: Child,
    pub(crate) address: String,
    recorded: bool,
}

impl Serving {
    /// Starts the program. `Err` with what it said when it ended before it served.
    pub(crate) fn start(home: &Home, under: Under<'_>) -> Result<Self, Ended> {
        let root = &home.root;
        let program = env!("CARGO_BIN_EXE_oubliette");
        let mut command = match under {
            Under::Nothing => Command::new(program),
            Under::Recorder(trace, kill_at) => {
                let mut command = Command::new(recorder());
                command.arg(trace);
                if let Some(at) = kill_at {
                    command.args(["-k", &at.to_string()]);
                }
                command.args(FOLDERS.map(|name| root.join(name))).args(["--", program]);
                command
            }
        };
        command.args(["serve", "--accept-swap", "--listen", "127.0.0.1:0", "--policy"]);
        command.arg(crate::home::policy());
        for (flag, name) in [
            ("--data", "data"),
            ("--keys", "place-a"),
            ("--keys", "place-b"),
            ("--key-file", "root.key"),
        ] {
            command.arg(flag).arg(root.join(name));
        }
        let said = std::fs::File::create(root.join("said")).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(said);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.find_map(|line| {
            line.ok().and_then(|line| Some(line.strip_prefix("listening on ")?.to_owned()))
        });
        // What it says at its end must find a reader.
        std::thread::spawn(move || lines.count());
        let recorded = matches!(under, Under::Recorder(..));
        match address {
            Some(address) => Ok(Self { child, address, recorded }),
            None => Err(Ended::of(child, root)),
        }
    }

    /// A connection under the worker's session.
    pub(crate) async fn log_in(
        &self,
        one_time: &SecretBytes,
        first: bool,
    ) -> Result<Client, oubliette::client::ClientError> {
        let client = Client::connect(&self.address).await?;
        let own = SecretBytes::new(SECRET.as_bytes().to_vec());
        let session = if first {
            client.login_first(WORKER, one_time, &own).await?
        } else {
            client.login(WORKER, &own).await?
        };
        client.with_token(&session.token)
    }

    /// SIGKILL: at once, or, of a recorded one, when no change is half done.
    pub(crate) fn kill(mut self) {
        let signal = if self.recorded { Signal::USR1 } else { Signal::KILL };
        // It may have been killed already: then there is nobody to signal.
        let _ = kill_process(self.pid(), signal);
        self.child.wait().unwrap();
    }

    /// Waits for the end that somebody else has ordered.
    pub(crate) fn wait(mut self) {
        self.child.wait().unwrap();
    }

    /// SIGTERM: it drains and ends well.
    pub(crate) fn stop(mut self) {
        kill_process(self.pid(), Signal::TERM).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "the program did not end well: {status}");
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap()
    }
}

/// A program that ended before it served.
pub(crate) struct Ended {
    pub(crate) killed: bool,
    pub(crate) said: String,
}

impl Ended {
    fn of(mut child: Child, root: &Path) -> Self {
        let status = child.wait().unwrap();
        let killed = status.code() == Some(KILLED) || status.code().is_none();
        Self { killed, said: std::fs::read_to_string(root.join("said")).unwrap() }
    }
}
