//! `oubliette policy matrix`: the whole table, one line per thing that is allowed.

use std::{collections::BTreeMap, path::PathBuf};

use super::cells::{self, Cells};
use crate::{
    cli::{failure::Failure, folders, out},
    policy::{ATTRIBUTES_CLASS, Act, Pack},
};

const AFTER: &str = "\
Example:
  oubliette policy matrix --policy /etc/oubliette/policy

For each role, collection and class: the acts that are allowed, for which purposes, and what must hold. It
is asked of the engine, not read from the policies: a line is there because the engine allowed it. Keep the
output beside the pack, so that an edit shows as a difference; `oubliette policy diff` compares two packs.";

/// Arguments of `policy matrix`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(in crate::cli) struct Args {
    /// The pack
    #[arg(long, value_name = "DIR")]
    policy: PathBuf,
}

/// Runs the subcommand.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let pack = loaded(&args.policy)?;
    out::bytes(text(&pack)?.as_bytes());
    Ok(())
}

/// A pack that passes.
pub(super) fn loaded(folder: &std::path::Path) -> Result<std::sync::Arc<Pack>, Failure> {
    folders::pack(folder)?;
    Pack::load(folder).map_err(|errors| Failure::pack(&errors))
}

/// The table.
fn text(pack: &Pack) -> Result<String, Failure> {
    let cells = cells::of(pack)?;
    let mut lines = vec![
        format!("# What {} allows, asked of its engine: `oubliette policy matrix`.", pack.name()),
        "# r see, m see masked, x match, w write, c create, a hand out, e erase, h hold, d derive, f restrict;"
            .to_owned(),
        "# then for which purposes, and what must hold. Lines under one class are alternatives; `-` is nothing, ever."
            .to_owned(),
        "# What stands below a role's name holds for all of its lines.".to_owned(),
    ];
    for (role, _) in pack.roles() {
        lines.extend([String::new(), format!("[{role}]")]);
        let (by_home, cells) = cells::of_role(&cells, role.as_str());
        lines.extend(by_home.iter().flat_map(|by_home| {
            let of = |(home, values): (&String, &Vec<String>)| {
                format!("home={home}: {}={}", by_home.fact, values.join("|"))
            };
            by_home.values.iter().map(of)
        }));
        for collection in pack.collections() {
            let classes = collection.classes.iter().map(|class| class.as_str());
            for class in [ATTRIBUTES_CLASS].into_iter().chain(classes) {
                let of = (role.as_str(), collection.name.as_str(), class);
                let own = of_class(&cells, of);
                let nothing = if own.is_empty() { "  -" } else { "" };
                lines.push(format!("{} {class}{nothing}", collection.name));
                lines.extend(own);
            }
        }
        lines.push(format!("vault  {}", duties(pack, role)));
    }
    lines.push(String::new());
    Ok(lines.join("\n"))
}

/// The lines of one role, collection and class.
fn of_class(cells: &Cells, (role, collection, class): (&str, &str, &str)) -> Vec<String> {
    let mut purposes: BTreeMap<(Act, String), Vec<&str>> = BTreeMap::new();
    for (place, ways) in cells {
        if (&*place.role, &*place.collection, &*place.class) == (role, collection, class) {
            for way in cells::texts(ways) {
                purposes.entry((place.act, way)).or_default().push(&place.purpose);
            }
        }
    }
    let line = |((act, way), purposes): ((Act, String), Vec<&str>)| {
        format!("  {}  {}  {way}", act.letter(), purposes.join(" "))
    };
    purposes.into_iter().map(line).collect()
}

/// The vault's own actions that a role may do.
fn duties(pack: &Pack, role: &crate::ids::RoleName) -> String {
    let all = pack.duties(role).into_iter();
    let all: Vec<String> = all
        .map(|(action, accounts)| match accounts.as_slice() {
            [one] => format!("{action} ({one})"),
            _ => action.to_owned(),
        })
        .collect();
    if all.is_empty() { "-".to_owned() } else { all.join(", ") }
}
