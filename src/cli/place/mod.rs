//! `oubliette place`: the list of key places. `list` asks the running vault; everything else works while
//! none runs, under the locks of the data folder and of every place.

pub(super) mod at_rest;
mod verify;

use std::path::PathBuf;

use self::at_rest::AtRest;
use super::{
    connect::{Connection, block_on},
    failure::Failure,
    out,
    secrets::shell,
    serve::place_id,
};
use crate::{
    client::types::Place,
    ids::{IdError, PlaceId},
    keyring,
};

const LIST: &str = "\
Example:
  oubliette place list

The first is the primary. Ask `oubliette place verify` while no vault runs.";

const ADD: &str = "\
Example:
  oubliette place add /mnt/key-c --data /var/lib/oubliette --keys /mnt/key-a --keys /mnt/key-b \\
      --passphrase-file /run/keys/passphrase

The folder must be empty or not there yet, and outside the data folder. From then on every start wants
it, as the last of the places. The next start writes the event, before it serves.";

const VERIFY: &str = "\
Example:
  oubliette place verify --data /var/lib/oubliette --keys /mnt/key-a --keys /mnt/key-b \\
      --passphrase-file /run/keys/passphrase

Reads identity, anchor and keyring of every place and changes nothing. Exits 1 when anything is wrong.";

const PROMOTE: &str = "\
Example:
  oubliette place promote 000102030405060708090a0b0c0d0e0f --data /var/lib/oubliette \\
      --keys /mnt/key-a --keys /mnt/key-b --passphrase-file /run/keys/passphrase

For a primary that is lost, or was rolled back. The place must hold the newest generation of all that
answer, and not less than the data folder knows. The old primary stays on the list, as a follower: bring
it back, start with --without-place, or remove it. The next start writes the event, before it serves.";

const REMOVE: &str = "\
Example:
  oubliette place remove 000102030405060708090a0b0c0d0e0f --data /var/lib/oubliette \\
      --keys /mnt/key-a --passphrase-file /run/keys/passphrase

A place that answers (give its folder with --keys too) is scrubbed. One that does not may still open
older generations: destroy it by hand; every later certificate names it. It can never come back. The
primary is not removed: promote another first. The next start writes the event, before it serves.";

/// Subcommands of `place`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the places of the running vault, the primary first
    #[command(after_help = LIST)]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        connection: Connection,
    },
    /// Make an empty folder one more place, while no vault runs
    #[command(after_help = ADD)]
    Add {
        /// The new place's folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        #[command(flatten)]
        at_rest: AtRest,
    },
    /// Look at every place, while no vault runs
    #[command(after_help = VERIFY)]
    Verify {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        at_rest: AtRest,
    },
    /// Make another place the primary, while no vault runs
    #[command(after_help = PROMOTE)]
    Promote {
        /// The place's id
        #[arg(value_name = "ID", value_parser = id)]
        place: PlaceId,
        #[command(flatten)]
        at_rest: AtRest,
    },
    /// Take a place off the list, while no vault runs
    #[command(after_help = REMOVE)]
    Remove {
        /// The place's id
        #[arg(value_name = "ID", value_parser = id)]
        place: PlaceId,
        #[command(flatten)]
        at_rest: AtRest,
    },
}

fn id(text: &str) -> Result<PlaceId, IdError> {
    place_id(text)
}

/// Runs one subcommand.
pub(super) fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::List { json, connection } => {
            let status = block_on(async { Ok(connection.client().await?.status().await?) })
                .map_err(Failure::on_the_vault)?;
            out::either(json, &status.places, || list(&status.places))
        }
        Command::Verify { json, at_rest } => verify::run(at_rest, json),
        Command::Add { folder, at_rest } => add(&folder, at_rest),
        Command::Promote { place, at_rest } => {
            let generation = at_rest.open()?.promote_place(&place)?;
            out::line(&format!("the place {place} is the primary (generation {generation})"));
            out::line("Next: name its folder first among --keys, then start the vault");
            Ok(())
        }
        Command::Remove { place, at_rest } => {
            let removed = at_rest.open()?.remove_place(&place)?;
            if removed.place.scrubbed {
                out::line(&format!("the place {place} is scrubbed and removed"));
            } else {
                out::line(&format!("the place {place} is removed"));
                out::note(
                    "WARNING: it did not answer and was not scrubbed: who finds it may open older \
                     generations with the root key. Destroy it; later certificates name it.",
                );
            }
            if removed.left < 2 {
                out::note(
                    "WARNING: one key place is left. If it is lost, every record is lost, for good: \
                     `oubliette place add` one on another device.",
                );
            }
            out::line("Next: take its folder out of --keys, then start the vault");
            Ok(())
        }
    }
}

fn add(folder: &std::path::Path, at_rest: AtRest) -> Result<(), Failure> {
    let keyring = |e: keyring::KeyringError| crate::vault::startup::StartError::from(e);
    let place = keyring::Place::folder(folder, &at_rest.data()?).map_err(keyring)?;
    let id = at_rest.open()?.add_place(place)?;
    out::line(&format!("the place {id} is added"));
    out::line(&format!("Next: give --keys {} as the last of the places", shell(folder)));
    Ok(())
}

fn list(places: &[Place]) {
    let row = |(number, place): (usize, &Place)| {
        [
            if number == 1 { "primary".to_owned() } else { number.to_string() },
            place.place.clone(),
            place.class.to_owned(),
            if place.stale { "STALE: no disaster copy" } else { "current" }.to_owned(),
            place.description.clone(),
        ]
    };
    let rows: Vec<_> = (1..).zip(places).map(row).collect();
    out::table(["ORDER", "PLACE", "CLASS", "STATE", "FOLDER"], &rows);
}
