//! `oubliette policy diff`: what a changed pack allows that the other did not, and the other way round.

use std::{collections::BTreeSet, path::PathBuf};

use serde::Serialize;

use super::{
    cells::{self, Place},
    matrix::loaded,
};
use crate::{
    cli::{failure::Failure, out},
    policy::Pack,
};

const AFTER: &str = "\
Example:
  oubliette policy diff /etc/oubliette/policy new-policy

`+` is allowed by NEW alone, `-` by OLD alone, each with what must hold; a condition that changed is one of
each. Both packs are asked, so that a policy that was only written otherwise does not show.
Exit code 0: both allow the same. 1: they do not, or a pack is refused.";

/// Arguments of `policy diff`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(in crate::cli) struct Args {
    /// The pack as it was
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The pack as it will be
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// One thing that one of the packs alone allows.
#[derive(Debug, Serialize, PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    role: String,
    /// `collection class`, or `vault`.
    what: String,
    act: String,
    purpose: String,
    /// What must hold.
    needs: String,
    /// `+` or `-`.
    sign: char,
}

/// Runs the subcommand.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (old, new) = (loaded(&args.old)?, loaded(&args.new)?);
    let (old, new) = (allowed(&old)?, allowed(&new)?);
    let change = |sign: char| {
        move |(role, what, act, purpose, needs): &Allowed| Change {
            role: role.clone(),
            what: what.clone(),
            act: act.clone(),
            purpose: purpose.clone(),
            needs: needs.clone(),
            sign,
        }
    };
    let mut changes: Vec<Change> = old.difference(&new).map(change('-')).collect();
    changes.extend(new.difference(&old).map(change('+')));
    changes.sort();
    out::either(args.json, &changes, || {
        for c in &changes {
            let purpose = if c.purpose.is_empty() { "" } else { " for " };
            out::line(&format!(
                "{} {}: {} {}{purpose}{}: {}",
                c.sign, c.role, c.act, c.what, c.purpose, c.needs
            ));
        }
        if changes.is_empty() {
            out::line("both packs allow the same");
        }
    })?;
    if changes.is_empty() { Ok(()) } else { Err(Failure::silent()) }
}

/// Role, what, act, purpose, what must hold.
type Allowed = (String, String, String, String, String);

fn allowed(pack: &Pack) -> Result<BTreeSet<Allowed>, Failure> {
    let mut all = BTreeSet::new();
    for (Place { role, collection, class, act, purpose }, ways) in cells::of(pack)? {
        let what = format!("{collection} {class}");
        for way in cells::texts(&ways) {
            let act = act.word().to_owned();
            all.insert((role.clone(), what.clone(), act, purpose.clone(), way));
        }
    }
    for (role, _) in pack.roles() {
        for (action, accounts) in pack.duties(role) {
            let needs = format!("account={}", accounts.join("|"));
            let (vault, none) = ("the vault".to_owned(), String::new());
            all.insert((role.to_string(), vault, action.to_owned(), none, needs));
        }
    }
    Ok(all)
}
