//! `oubliette init`: founds a vault. Nothing that exists is written over.
//!
//! Its first two agents are two persons: one appoints agents, one audits; neither sees content. What
//! it prints once (two one-time secrets) is nowhere else.

use std::{
    io::IsTerminal as _,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use chrono::NaiveDate;
use serde_json::json;

use super::{
    failure::Failure,
    folders::{self, Fresh},
    out, prompt,
    secrets::{RootArgs, shell},
    serve::end_date_line,
};
use crate::{
    clock::{Clock as _, SystemClock},
    identity::{AgentKind, Habilitation, NewAgent, OneTimeSecret},
    ids::{AgentId, RoleName},
    policy::Pack,
    random::OsRandom,
    secret::lock_memory,
    storage::{Engine, StoreError},
    vault::startup::{Folders, Founded, Founders, Parts, StartError, found},
};

const AFTER: &str = "\
Example:
  oubliette init --data /var/lib/oubliette --keys /mnt/key-a --keys /mnt/key-b \\
      --policy /etc/oubliette/policy --key-admin keys-1 --dpo dpo-1

The keys are never in the data folder. Each --keys folder is a whole copy of them: put the second on
another device, in another room. Back up the data folder as you like; a backup of a key place opens
nothing once a later generation was written. LOSING ALL KEY PLACES, OR THE ROOT PASSPHRASE, IS TOTAL
LOSS, by design: that is what makes forgetting real.";

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// Data folder to make; empty or not there yet
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Key place outside the data folder; give it twice, on two devices
    #[arg(long, value_name = "DIR", required = true)]
    keys: Vec<PathBuf>,
    /// Policy pack
    #[arg(long, value_name = "DIR")]
    policy: PathBuf,
    /// What keeps the data folder: fjall, or sled; the folder keeps it ever after
    #[arg(long, value_name = "ENGINE", default_value = Engine::Fjall.name())]
    store: Engine,
    /// Name of the vault: first part of the log's origin
    #[arg(long, default_value = "vault")]
    name: String,
    /// Name of this node: second part of the log's origin
    #[arg(long, default_value = "node-1")]
    node: String,
    /// Login name of the key admin, who appoints and revokes agents
    #[arg(long, value_name = "ID")]
    key_admin: String,
    /// The key admin's role in the pack
    #[arg(long, value_name = "ROLE", default_value = "key_admin")]
    key_admin_role: String,
    /// Login name of the data-protection officer: another person
    #[arg(long, value_name = "ID")]
    dpo: String,
    /// The officer's role in the pack
    #[arg(long, value_name = "ROLE", default_value = "dpo")]
    dpo_role: String,
    /// Who issues these two habilitations
    #[arg(long, value_name = "TEXT", default_value = "founding of the vault")]
    authority: String,
    /// Last day of these two habilitations [default: in one year]
    #[arg(long, value_name = "YYYY-MM-DD")]
    valid_to: Option<NaiveDate>,
    #[command(flatten)]
    root: RootArgs,
    /// Accept one key place only: if it is lost, everything is
    #[arg(long)]
    accept_single_place: bool,
    /// Accept key places on one device without being asked: they will be lost together
    #[arg(long)]
    yes: bool,
    /// Print the result as JSON, secrets included
    #[arg(long)]
    json: bool,
}

/// Founds the vault.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    // The outcome matters to a vault that serves; here it is best effort, and core files are off.
    let _ = lock_memory();
    check_origin(&args.name, "--name")?;
    check_origin(&args.node, "--node")?;
    check_node(&args.node)?;
    folders::pack(&args.policy)?;
    let pack = Pack::load(&args.policy).map_err(|errors| Failure::pack(&errors))?;
    let today = SystemClock.now().date_in(pack.zone());
    let founders = founders(args, &pack, today)?;
    confirm_places(args)?;
    let root = args.root.new_root()?;
    let fresh = Fresh::prepare(&args.data)?;
    let folders =
        Folders { data: &args.data, places: &args.keys, policy: &args.policy, engine: args.store };
    let (clock, random) = (Arc::new(SystemClock), Arc::new(OsRandom));
    let founded = Parts::in_folders(&folders, root, clock, random, false)
        .and_then(|parts| found(parts, founders));
    match &founded {
        // Another process founds in it at this moment: what is there is not ours to take away.
        Ok(_) | Err(StartError::Store(StoreError::Locked)) => fresh.keep(),
        Err(_) => drop(fresh),
    }
    tell(args, &pack, &founded?, today)
}

/// A part of the log's origin: it may hold no space, no plus and no slash.
fn check_origin(text: &str, flag: &str) -> Result<(), Failure> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    if (1..=64).contains(&text.len()) && text.bytes().all(plain) {
        return Ok(());
    }
    Err(Failure::usage(format!("{flag} is 1 to 64 letters, digits, `-`, `_`, `.`")))
}

/// Later origins of a log are `NAME/NODE/NUMBER`: a node that is a number could be taken for one.
fn check_node(node: &str) -> Result<(), Failure> {
    if node.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Failure::usage("--node must not be a number").hint("for example `node-1`"));
    }
    Ok(())
}

fn founders(args: &Args, pack: &Pack, today: NaiveDate) -> Result<Founders, Failure> {
    if args.key_admin == args.dpo {
        return Err(Failure::usage("the key admin and the DPO are two different persons")
            .hint("who appoints agents must not be who audits them"));
    }
    let last = match args.valid_to {
        Some(date) if date < today => {
            return Err(Failure::usage("--valid-to lies in the past").hint("name a later day"));
        }
        Some(date) => date,
        None => today
            .checked_add_months(chrono::Months::new(12))
            .ok_or_else(|| Failure::new("today is at the end of the calendar"))?,
    };
    let agent = |id: &str, role: &str, flag: &str| {
        let name = RoleName::parse(role).ok().filter(|role| pack.has_role(role));
        let role = name.ok_or_else(|| {
            Failure::usage(format!("the pack has no role `{role}`"))
                .hint(format!("say which role of the pack it is: --{flag}-role ROLE"))
        })?;
        Ok::<_, Failure>(NewAgent {
            agent: AgentId::parse(id).map_err(|e| Failure::usage(format!("--{flag}: {e}")))?,
            kind: AgentKind::Person,
            display_name: id.to_owned(),
            habilitation: Habilitation {
                role,
                unit: None,
                territory: None,
                valid_from: today,
                valid_to: last,
                authority: args.authority.clone(),
                profession: None,
                sworn: false,
                undertaking_on: None,
                undertaking_ref: None,
            },
        })
    };
    Ok(Founders {
        vault_name: args.name.clone(),
        node: args.node.clone(),
        key_admin: agent(&args.key_admin, &args.key_admin_role, "key-admin")?,
        dpo: agent(&args.dpo, &args.dpo_role, "dpo")?,
    })
}

/// What the operator must accept before keys are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Risk {
    /// One place.
    Single,
    /// Two or more, of which two are on one device.
    OneDevice,
}

impl Risk {
    fn of(keys: &[PathBuf]) -> Option<Self> {
        if keys.len() < 2 {
            return Some(Self::Single);
        }
        let pairs =
            keys.iter().zip(1..).flat_map(|(one, n)| keys.iter().skip(n).map(move |o| (one, o)));
        pairs.into_iter().any(|(one, other)| same_device(one, other)).then_some(Self::OneDevice)
    }

    /// Whether a flag has accepted it. Who accepts one place accepts two on one device.
    fn accepted(self, single: bool, yes: bool) -> bool {
        single || (yes && self == Self::OneDevice)
    }

    fn question(self) -> &'static str {
        match self {
            Self::Single => "Type `one place` to accept that: ",
            Self::OneDevice => {
                "Both places are on one device. Accept that they will be lost together? [y/N] "
            }
        }
    }

    fn agrees(self, answer: &str) -> bool {
        match self {
            Self::Single => answer == "one place",
            Self::OneDevice => ["y", "yes"].contains(&answer),
        }
    }

    fn refusal(self) -> Failure {
        match self {
            Self::Single => Failure::usage("one key place was not accepted")
                .hint("give a second --keys DIR on another device, or --accept-single-place"),
            Self::OneDevice => Failure::usage(
                "both key places are on one device, and that they will be lost together was not accepted",
            )
            .hint("choose a second --keys DIR on another device, or say --yes"),
        }
    }
}

/// The operator accepts what the places risk, by a flag or at the terminal; silence is a refusal.
fn confirm_places(args: &Args) -> Result<(), Failure> {
    let Some(risk) = Risk::of(&args.keys) else {
        out::note(
            "note: the key places are on different file systems; see to it that these are two devices, not two parts of one",
        );
        return Ok(());
    };
    match risk {
        Risk::Single => {
            out::note(
                "WARNING: one key place only. If it is lost, every record is lost, for good.",
            );
        }
        Risk::OneDevice if args.yes || args.accept_single_place => {
            out::note("WARNING: key places on one device: they will be lost together.");
        }
        Risk::OneDevice => {}
    }
    let accepted = risk.accepted(args.accept_single_place, args.yes)
        || (std::io::stdin().is_terminal() && risk.agrees(&prompt::ask(risk.question())?));
    if accepted { Ok(()) } else { Err(risk.refusal()) }
}

/// Whether two folders, or the nearest that exist above them, are on one device.
fn same_device(one: &Path, other: &Path) -> bool {
    let device = |path: &Path| {
        let absolute = std::path::absolute(path).ok()?;
        absolute.ancestors().find_map(|p| p.metadata().ok()).map(|m| m.dev())
    };
    device(one).is_some_and(|d| device(other) == Some(d))
}

fn tell(args: &Args, pack: &Pack, founded: &Founded, today: NaiveDate) -> Result<(), Failure> {
    let (key_admin, dpo) =
        (secret_text(&founded.key_admin_secret), secret_text(&founded.dpo_secret));
    let class = format!("{:?}", founded.class);
    if args.json {
        return out::json(&json!({
            "vault": founded.vault.to_string(),
            "class": class,
            "log_verifier_key": founded.log_verifier_key,
            "certificate_verifier_key": founded.certificate_verifier_key,
            "key_admin": {"agent": args.key_admin, "one_time_secret": key_admin},
            "dpo": {"agent": args.dpo, "one_time_secret": dpo},
        }));
    }
    out::line(&format!("vault {} is founded", founded.vault));
    out::line(&format!("class of its key places: {class}"));
    out::line("");
    out::line("One-time secrets, shown once, changed at first login:");
    out::line(&format!("  key admin  {}  {key_admin}", args.key_admin));
    out::line(&format!("  DPO        {}  {dpo}", args.dpo));
    out::line("");
    out::line("Verifier keys; keep them outside, with the DPO:");
    out::line(&format!("  log           {}", founded.log_verifier_key));
    out::line(&format!("  certificates  {}", founded.certificate_verifier_key));
    out::line("");
    out::line("Losing all key places, or the root passphrase, is total loss, by design.");
    if pack.end_date() <= today {
        let line = end_date_line(&args.policy).map_or_else(String::new, |n| format!(" line {n}"));
        out::note(&format!(
            "WARNING: the pack's end_date {} has passed: nothing can be filed. Edit it in {}{line} \
             before init if that is not meant; afterwards it is pinned.",
            pack.end_date(),
            args.policy.join("pack.toml").display()
        ));
    }
    out::line(&format!("Next: {}", serve_line(args)));
    Ok(())
}

/// The command that runs what was founded, with the same source of the root key.
fn serve_line(args: &Args) -> String {
    let keys: String = args.keys.iter().map(|k| format!(" --keys {}", shell(k))).collect();
    format!(
        "oubliette serve --data {}{keys} --policy {}{}",
        shell(&args.data),
        shell(&args.policy),
        args.root.flags()
    )
}

fn secret_text(secret: &OneTimeSecret) -> String {
    // EXPOSE: shown once to the operator, who hands it to its agent.
    String::from_utf8_lossy(secret.0.expose()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_origin_is_accepted_and_one_that_breaks_a_note_refused() {
        assert!(check_origin("oubliette-974.2", "--name").is_ok());
        for name in ["", "a b", "a+b", "a/b", "é", &"a".repeat(65)] {
            assert_eq!(check_origin(name, "--name").unwrap_err().code(), 2, "{name}");
        }
    }

    #[test]
    fn a_named_node_is_accepted_and_a_number_refused() {
        for node in ["node-1", "1a", "2.0"] {
            assert!(check_node(node).is_ok(), "{node}");
        }
        for node in ["1", "007", "974"] {
            assert_eq!(check_node(node).unwrap_err().code(), 2, "{node}");
        }
    }

    #[test]
    fn two_folders_of_one_temporary_folder_are_on_one_device() {
        let folder = tempfile::tempdir().unwrap();
        assert!(same_device(&folder.path().join("not/yet"), folder.path()));
        assert!(!same_device(folder.path(), Path::new("/proc")));
    }

    fn args(more: &[&str]) -> Args {
        #[derive(clap::Parser)]
        struct Line {
            #[command(flatten)]
            args: Args,
        }
        let line = ["init", "--data", "/d", "--keys", "/a", "--keys", "/b c", "--policy", "/p"];
        let people = ["--key-admin", "one", "--dpo", "two"];
        let all = line.iter().chain(&people).chain(more);
        <Line as clap::Parser>::try_parse_from(all).unwrap().args
    }

    #[test]
    fn the_next_line_repeats_the_source_of_the_root_key() {
        let places = "oubliette serve --data /d --keys /a --keys '/b c' --policy /p";
        assert_eq!(serve_line(&args(&[])), places);
        let file = serve_line(&args(&["--passphrase-file", "/s/pass"]));
        assert_eq!(file, format!("{places} --passphrase-file /s/pass"));
        assert!(serve_line(&args(&["--key-file", "k"])).ends_with(" --key-file k"));
        assert!(serve_line(&args(&["--passphrase-fd", "3"])).ends_with(" --passphrase-fd 3"));
    }

    #[test]
    fn places_on_one_device_are_accepted_in_words_or_by_a_flag_and_never_by_silence() {
        let folder = tempfile::tempdir().unwrap();
        let keys = [folder.path().join("a"), folder.path().join("b")];
        let risk = Risk::of(&keys).unwrap();
        assert_eq!(risk, Risk::OneDevice);
        assert!(risk.accepted(false, true) && risk.accepted(true, false));
        assert!(!risk.accepted(false, false));
        assert!(risk.agrees("y") && !risk.agrees("") && !risk.agrees("n"));
        assert_eq!(risk.refusal().code(), 2);
        assert_eq!(Risk::of(&[folder.path().join("a"), PathBuf::from("/proc")]), None);
    }

    #[test]
    fn one_place_is_accepted_by_its_own_flag_only() {
        let risk = Risk::of(&[PathBuf::from("/a")]).unwrap();
        assert_eq!(risk, Risk::Single);
        assert!(risk.accepted(true, false));
        assert!(!risk.accepted(false, true));
        assert!(risk.agrees("one place") && !risk.agrees("y"));
    }
}
