//! `oubliette serve`: opens a vault and serves it until SIGTERM or SIGINT.
//!
//! The background work (due purges, tomorrow's segments, checkpoints) runs on a thread of its own: it
//! blocks. The order at the end is: no new calls, calls in flight end, the background thread ends, the
//! log drains and writes its last checkpoint.

use std::{
    fs,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{oneshot, watch},
    task::JoinSet,
};

use super::{
    alarm_exec::{AlarmExec, Telling},
    config::Config,
    failure::Failure,
    folders, out,
    policy::PackFolder,
    secrets::RootArgs,
    tls::{self, TlsArgs},
};
use crate::{
    client::DEFAULT_ADDRESS,
    clock::SystemClock,
    identity::tls::ServerTls,
    ids::{IdError, PlaceId},
    keyring::RootSource,
    limits,
    random::OsRandom,
    secret::{MemoryLock, lock_memory},
    server::{self, Entry},
    storage::Engine,
    vault::{
        RootReader, RootUnreadable, Swept, Vault,
        startup::{Folders, Parts, start},
    },
};

const AFTER: &str = "\
Example:
  oubliette serve --data /var/lib/oubliette --keys /mnt/key-a --keys /mnt/key-b \\
      --policy /etc/oubliette/policy --passphrase-credential root

The configuration file may say (flags override it, unknown keys are refused):
  data = \"/var/lib/oubliette\"
  keys = [\"/mnt/key-a\", \"/mnt/key-b\"]
  policy = \"policy\"                     # relative to the file's folder
  listen = [\"0.0.0.0:7443\"]             # loopback only, unless TLS is spoken
  tls_cert = \"server.pem\"               # both or neither
  tls_key = \"server-key.pem\"
  passphrase_credential = \"root\"        # or passphrase_file, or key_file
  accept_swap = false
  without_places = []                   # ids of places to start without, for a repair only
  alarm.exec = [\"tell\", \"--pager\"]       # run for each alarm, with its kind and its id added; no shell

A place that does not answer stops the start, and the refusal names its id. `--without-place ID` starts
without it: it misses every change, is no disaster copy, and no purge erases anything until it is back.

With --tls-cert and --tls-key callers speak TLS 1.3, and any address may be served. Both files are read
again within seconds of a change; a pair that does not read or match leaves the running one in force.
`oubliette cert dev DIR` makes a pair to try with. Without them everything is in clear, so only this
machine is served.

It prints one line `listening on ADDRESS` per address once calls are answered.";

/// Arguments of `serve`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// Configuration file, TOML
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder: ciphertext, random ids, the log
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Key place; repeat for each, the primary first, in the order of `init`
    #[arg(long, value_name = "DIR")]
    keys: Vec<PathBuf>,
    /// Start although the key place with this id does not answer; repeat for several
    #[arg(long, value_name = "ID", value_parser = place_id)]
    without_place: Vec<PlaceId>,
    /// Policy pack
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,
    /// Address to serve, a loopback one without TLS; repeat for several [default: 127.0.0.1:7443]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Vec<SocketAddr>,
    #[command(flatten)]
    tls: TlsArgs,
    #[command(flatten)]
    root: RootArgs,
    /// Serve although memory cannot be locked and a swap is on: keys may reach that disk
    #[arg(long)]
    accept_swap: bool,
}

/// What to serve, from flags and file.
struct Settings {
    data: PathBuf,
    keys: Vec<PathBuf>,
    without_places: Vec<PlaceId>,
    policy: PathBuf,
    listen: Vec<SocketAddr>,
    tls: Option<(PathBuf, PathBuf)>,
    root: RootArgs,
    accept_swap: bool,
    alarm_exec: Option<AlarmExec>,
}

/// Serves until a signal.
pub(super) fn run(args: Args) -> Result<(), Failure> {
    // Before anything secret is in memory.
    let memory = lock_memory();
    let settings = settings(args)?;
    folders::vault(&settings.data)?;
    folders::pack(&settings.policy)?;
    let swap_accepted = check_memory(memory, settings.accept_swap)?;
    let tls = tls::load(settings.tls.as_ref())?;
    let entry = tls::entry(tls.as_ref());
    let listeners = bind(&settings.listen, &entry)?;
    warn_single_place(&settings.keys);
    let vault = open(&settings, swap_accepted)?;
    warn_stale_places(&vault);
    tell_swept(&vault);
    tell_end_date(&vault, &settings.policy)?;
    let background = start_ticks(Arc::clone(&vault))?;
    let telling = Telling::start(&vault, settings.alarm_exec)?;
    let served = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::of(&e))?
        .block_on(serve_all(&vault, Doors { listeners, entry, tls }, background.ended));
    drop(background.stop);
    if let Some(telling) = telling {
        telling.end();
    }
    // A panic of the thread has been told already, and ended the serving.
    let _ = background.thread.join();
    vault.drain();
    out::line("stopped");
    served
}

fn settings(args: Args) -> Result<Settings, Failure> {
    let config = match &args.config {
        Some(path) => Config::read(path)?,
        None => Config::default(),
    };
    let missing = |what: &str, flag: &str| {
        Failure::usage(format!("no {what} was given"))
            .hint(format!("give --{flag} DIR, or `{flag}` in the configuration file"))
    };
    let folder = args.config.as_deref().and_then(Path::parent).unwrap_or(Path::new(""));
    let alarm_exec = config.alarm.map(|alarm| alarm.command(folder)).transpose()?;
    let keys = if args.keys.is_empty() { config.keys } else { args.keys };
    if keys.is_empty() {
        return Err(missing("key place", "keys"));
    }
    let without_places = if args.without_place.is_empty() {
        let ids = config.without_places.iter().map(|id| place_id(id));
        ids.collect::<Result<_, _>>().map_err(|e| {
            Failure::usage(format!("`without_places`: {e}"))
                .hint("`oubliette status` shows the ids of places")
        })?
    } else {
        args.without_place
    };
    let tls = args.tls.or(TlsArgs { tls_cert: config.tls_cert, tls_key: config.tls_key })?;
    let mut listen = if args.listen.is_empty() { config.listen } else { args.listen };
    if listen.is_empty() {
        listen.push(DEFAULT_ADDRESS.parse().map_err(|_| Failure::new("no default address"))?);
    }
    let from_config = RootArgs {
        passphrase_file: config.passphrase_file,
        passphrase_fd: None,
        passphrase_credential: config.passphrase_credential,
        key_file: config.key_file,
    };
    Ok(Settings {
        data: args.data.or(config.data).ok_or_else(|| missing("data folder", "data"))?,
        policy: args.policy.or(config.policy).ok_or_else(|| missing("policy pack", "policy"))?,
        keys,
        without_places,
        listen,
        tls,
        root: if args.root.is_given() { args.root } else { from_config },
        accept_swap: args.accept_swap || config.accept_swap,
        alarm_exec,
    })
}

/// Whether keys may reach a swap device, if the operator accepts that; refused otherwise.
fn check_memory(memory: MemoryLock, accept_swap: bool) -> Result<bool, Failure> {
    match (memory, accept_swap) {
        (MemoryLock::Locked | MemoryLock::UnlockedNoSwap, _) => Ok(false),
        (MemoryLock::UnlockedSwap, true) => {
            out::note("WARNING: memory is not locked and a swap is on: keys may reach that disk");
            Ok(true)
        }
        (MemoryLock::UnlockedSwap, false) => {
            Err(Failure::new("memory cannot be locked and a swap is on: keys could reach that disk")
                .hint("set LimitMEMLOCK=infinity (ulimit -l unlimited), or switch the swap off (swapoff -a), or pass --accept-swap"))
        }
    }
}

fn bind(addresses: &[SocketAddr], entry: &Entry) -> Result<Vec<TcpListener>, Failure> {
    let one = |address: &SocketAddr| {
        server::check_listen(*address, entry)?;
        let taken = |e: std::io::Error| {
            Failure::new(format!("listening on {address} failed: {e}"))
                .hint("stop what listens there, or choose another --listen")
        };
        let listener = TcpListener::bind(address).map_err(taken)?;
        listener.set_nonblocking(true).map_err(taken)?;
        Ok(listener)
    };
    addresses.iter().map(one).collect()
}

fn warn_single_place(keys: &[PathBuf]) {
    if keys.len() < 2 {
        out::note("WARNING: one key place only. If it is lost, every record is lost, for good.");
        out::note("WARNING: a backup of the data folder does not help: the keys are not in it.");
    }
}

/// A place's id on the command line or in the file.
pub(super) fn place_id(text: &str) -> Result<PlaceId, IdError> {
    PlaceId::parse(text)
}

fn warn_stale_places(vault: &Vault) {
    for place in vault.log().keyring().places().iter().filter(|place| place.stale) {
        out::note(&format!("WARNING: the key place {} takes no part in this run.", place.id));
        out::note(
            "WARNING: it is no disaster copy, and no purge erases anything until it is back.",
        );
    }
}

/// Says so when the data folder was an older one: what of it has no key any more is gone again.
fn tell_swept(vault: &Vault) {
    if let Some(Swept { rows, log_origin }) = vault.swept_at_start() {
        out::note(&format!(
            "NOTE: the data folder is older than its key places, as after a restore. The log goes on in \
             origin {log_origin}, and its first event says what was lost; swept, for no key reaches \
             them: {rows} rows. An alarm is open: `oubliette alarm list`."
        ));
    }
}

/// Reads the root secret again, where it came from at start.
struct Reread(RootArgs);

impl RootReader for Reread {
    fn read(&self) -> Result<RootSource, RootUnreadable> {
        self.0.reread().map_err(|failure| {
            out::note("root rotation: the new secret cannot be read");
            let _ = failure.report();
            RootUnreadable
        })
    }
}

fn open(settings: &Settings, swap_accepted: bool) -> Result<Arc<Vault>, Failure> {
    let folders = Folders {
        data: &settings.data,
        places: &settings.keys,
        policy: &settings.policy,
        engine: Engine::default(),
    };
    let root = settings.root.root()?;
    let (clock, random) = (Arc::new(SystemClock), Arc::new(OsRandom));
    let mut parts = Parts::in_folders(&folders, root, clock, random, swap_accepted)?;
    parts.without_places.clone_from(&settings.without_places);
    let vault = start(parts)?;
    vault.read_root_by(Arc::new(Reread(settings.root.clone())));
    vault.read_pack_by(Arc::new(PackFolder(settings.policy.clone())));
    Ok(vault)
}

/// Says so when the pack's own end has come, and which line to edit.
fn tell_end_date(vault: &Vault, policy: &Path) -> Result<(), Failure> {
    if !vault.state()?.end_date_passed {
        return Ok(());
    }
    let line = end_date_line(policy).map_or_else(String::new, |n| format!(" line {n}"));
    out::note(&format!(
        "WARNING: the pack's end_date {} has passed: nothing is readable and nothing can be filed. \
         If the law gave it a longer life, edit `end_date` in {}{line}, found a new vault with it, \
         or apply the changed retention rules.",
        vault.pack().end_date(),
        policy.join("pack.toml").display(),
    ));
    Ok(())
}

/// The line, from 1, on which a pack says its end date.
pub(super) fn end_date_line(policy: &Path) -> Option<usize> {
    let text = fs::read_to_string(policy.join("pack.toml")).ok()?;
    let is_end = |line: &str| {
        line.trim_start().strip_prefix("end_date").is_some_and(|r| r.trim_start().starts_with('='))
    };
    text.lines().position(is_end).and_then(|n| n.checked_add(1))
}

/// The background thread.
struct Background {
    /// It ends when this is dropped.
    stop: mpsc::Sender<()>,
    /// Ready when it has ended, for whatever reason.
    ended: oneshot::Receiver<()>,
    thread: thread::JoinHandle<()>,
}

fn start_ticks(vault: Arc<Vault>) -> Result<Background, Failure> {
    let (stop, stopped) = mpsc::channel::<()>();
    let (alive, ended) = oneshot::channel::<()>();
    let work = move || {
        // Dropped at the end, also by a panic: a vault that no longer forgets on time must not serve.
        let _alive = alive;
        let every = Duration::from_millis(limits::TICK_MS);
        let mut last = String::new();
        while stopped.recv_timeout(every) == Err(mpsc::RecvTimeoutError::Timeout) {
            let now = vault.tick().err().map(|e| e.to_string()).unwrap_or_default();
            // Said once, not every 20 seconds; the alarm stays open meanwhile.
            if now != last && !now.is_empty() {
                out::note(&format!("error: background work: {now}"));
            }
            last = now;
        }
    };
    let thread = thread::Builder::new().name("background".to_owned()).spawn(work);
    Ok(Background { stop, ended, thread: thread.map_err(|e| Failure::of(&e))? })
}

/// Where callers come in.
struct Doors {
    listeners: Vec<TcpListener>,
    entry: Entry,
    tls: Option<Arc<ServerTls>>,
}

async fn serve_all(
    vault: &Arc<Vault>,
    doors: Doors,
    background_ended: oneshot::Receiver<()>,
) -> Result<(), Failure> {
    let (stop, stopping) = watch::channel(false);
    let calls = server::Calls::default();
    let mut serving = JoinSet::new();
    let mut terminate = signal(SignalKind::terminate()).map_err(|e| Failure::of(&e))?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(|e| Failure::of(&e))?;
    for listener in doors.listeners {
        let listener = tokio::net::TcpListener::from_std(listener).map_err(|e| Failure::of(&e))?;
        let address = listener.local_addr().map_err(|e| Failure::of(&e))?;
        let mut stopping = stopping.clone();
        let shutdown = async move {
            // An error means that the sender is gone, which is the end as well.
            let _ = stopping.wait_for(|stop| *stop).await;
        };
        let (own, entry, calls) = (Arc::clone(vault), doors.entry.clone(), calls.clone());
        serving.spawn(server::serve_within(own, listener, (entry, calls), shutdown));
        out::line(&format!("listening on {address}"));
    }
    // Ends with the runtime.
    doors.tls.map(|tls| tokio::spawn(tls::watch(tls)));
    let mut outcome = Ok(());
    tokio::select! {
        _ = terminate.recv() => out::note("SIGTERM: draining"),
        _ = interrupt.recv() => out::note("SIGINT: draining"),
        Some(ended) = serving.join_next() => outcome = flatten(ended),
        _ = background_ended => {
            outcome = Err(Failure::new("the background work ended by a fault of its own")
                .hint("start the vault again; due purges are caught up at start"));
        }
    }
    // The receivers are in the tasks; none left means that all have ended.
    let _ = stop.send(true);
    while let Some(ended) = serving.join_next().await {
        outcome = outcome.and(flatten(ended));
    }
    outcome
}

fn flatten(
    ended: Result<Result<(), server::ServeError>, tokio::task::JoinError>,
) -> Result<(), Failure> {
    ended.map_err(|e| Failure::of(&e))?.map_err(Failure::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> Args {
        Args {
            config: None,
            data: Some("/data".into()),
            keys: vec!["/keys".into()],
            without_place: Vec::new(),
            policy: Some("/policy".into()),
            listen: Vec::new(),
            tls: TlsArgs::default(),
            root: RootArgs::default(),
            accept_swap: false,
        }
    }

    #[test]
    fn flags_alone_are_enough_and_a_missing_folder_is_named() {
        let settings = settings(args()).map_err(|e| e.text()).unwrap();
        assert_eq!(settings.listen, [DEFAULT_ADDRESS.parse().unwrap()]);
        let bare = |args| super::settings(args).err().unwrap().text();
        assert!(bare(Args { data: None, ..args() }).contains("--data"));
        assert!(bare(Args { keys: vec![], ..args() }).contains("--keys"));
        assert!(bare(Args { policy: None, ..args() }).contains("--policy"));
    }

    #[test]
    fn a_flag_overrides_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("oubliette.toml");
        let text = "data = \"/from-file\"\nkey_file = \"root.key\"\nlisten = [\"[::1]:9\"]\n";
        fs::write(&path, text).unwrap();
        let mut args = args();
        args.config = Some(path);
        args.root.passphrase_fd = Some(3);
        let settings = settings(args).map_err(|e| e.text()).unwrap();
        assert_eq!(settings.data, Path::new("/data"));
        assert_eq!(settings.listen, ["[::1]:9".parse().unwrap()]);
        assert!(settings.root.key_file.is_none());
        assert_eq!(settings.root.passphrase_fd, Some(3));
    }

    #[test]
    fn a_place_to_start_without_is_read_from_flags_or_the_file_and_a_wrong_id_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("oubliette.toml");
        let with = |text: &str, flags: Vec<PlaceId>| {
            fs::write(&path, text).unwrap();
            let config = Some(path.clone());
            settings(Args { config, without_place: flags, ..args() }).map(|s| s.without_places)
        };
        let (one, two) = (PlaceId::from_bytes([1; 16]), PlaceId::from_bytes([2; 16]));
        let file = format!("without_places = [\"{one}\"]");
        assert_eq!(with(&file, vec![]).map_err(|e| e.text()).unwrap(), [one]);
        assert_eq!(with(&file, vec![two]).map_err(|e| e.text()).unwrap(), [two]);
        assert_eq!(with("", vec![]).map_err(|e| e.text()).unwrap(), []);
        let wrong = with("without_places = [\"second\"]", vec![]);
        assert_eq!(wrong.err().map(|e| e.code()), Some(2));
        assert!(place_id("second").is_err());
    }

    #[test]
    fn unlocked_memory_with_a_swap_is_refused_unless_accepted() {
        assert!(check_memory(MemoryLock::UnlockedSwap, false).is_err());
        assert!(check_memory(MemoryLock::UnlockedSwap, true).unwrap());
        assert!(!check_memory(MemoryLock::UnlockedNoSwap, false).unwrap());
        assert!(!check_memory(MemoryLock::Locked, true).unwrap());
    }

    #[test]
    fn an_address_that_others_could_reach_is_not_bound_in_clear_and_both_ways_out_are_named() {
        let clear = |address: &str| bind(&[address.parse().unwrap()], &Entry::plain());
        let text = clear("0.0.0.0:0").err().unwrap().text();
        assert!(text.contains("--tls-cert") && text.contains("--listen 127.0.0.1"), "{text}");
        assert_eq!(clear("127.0.0.1:0").map_err(|e| e.text()).unwrap().len(), 1);
    }

    #[test]
    fn the_line_of_the_end_date_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let text = "name = \"x\"\n# end_date is law\n  end_date = \"2021-04-01\"\n";
        fs::write(folder.path().join("pack.toml"), text).unwrap();
        assert_eq!(end_date_line(folder.path()), Some(3));
        assert_eq!(end_date_line(Path::new("/nowhere")), None);
    }
}
