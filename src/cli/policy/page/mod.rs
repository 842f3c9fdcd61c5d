//! `oubliette policy page`: the public page that says who manages the storage, where the data are, who has
//! access to what, how the data move, which uses are refused, and for how long anything is kept.
//!
//! What the rules say comes from the pack and its engine; what no rule can know, from `page.toml`; the
//! sentences, from one file per language. Nothing of it is written here.

mod html;
mod refused;
mod tell;
mod texts;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use self::{
    html::{Page, escape},
    tell::Teller,
    texts::{Facts, Lang},
};
use super::{
    cells::{self, Cells},
    matrix::loaded,
};
use crate::{
    cli::{failure::Failure, out},
    policy::{Act, explore::Need},
};

const AFTER: &str = "\
Example:
  oubliette policy page --policy /etc/oubliette/policy --lang fr

Prints one HTML page without anything to load. Access and refusals are asked of the engine, periods are the
pack's own, and the page is stamped with the pack's hash: make it anew whenever the pack changes. What no
rule can know stands in page.toml beside the pack, or in the file of --facts:
  pack_language = \"en\"        # of the pack's labels and reasons
  [fr]                         # the same for [en]
  manager = \"...\"              # who manages the storage
  host = \"...\"                 # where the data are
  moves = [\"...\"]              # by which ways data come and go
  [fr.roles]                   # the pack's words in this language; also purposes, collections, classes, professions
  NAME = \"...\"
                               # and territories
  [fr.facts]                   # conditions on attributes; [fr.values] their values, by \"NAME=VALUE\"
  NAME = \"... {values}\"
  [fr.reasons]                 # the reasons of policies, by id; [fr.laws] their laws
  ID = \"...\"";

/// Arguments of `policy page`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(in crate::cli) struct Args {
    /// The pack
    #[arg(long, value_name = "DIR")]
    policy: PathBuf,
    /// Language of the page
    #[arg(long)]
    lang: Lang,
    /// What no rule can know [default: page.toml of the pack]
    #[arg(long, value_name = "FILE")]
    facts: Option<PathBuf>,
}

/// Runs the subcommand.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let pack = loaded(&args.policy)?;
    let facts = Facts::read(args.facts.as_deref(), &args.policy, &pack)?;
    let cells = cells::of(&pack)?;
    let tell = Teller::new(&pack, &facts, args.lang)?;
    let mut page = Page::new(args.lang.code(), &tell.texts.title);
    page.paragraph(&escape(&tell.texts.intro));
    page.paragraph(&tell.stamp());
    for (heading, said) in
        [(&tell.texts.manager, &tell.local.manager), (&tell.texts.host, &tell.local.host)]
    {
        page.section(heading);
        page.paragraph(&escape(said.as_ref().unwrap_or(&tell.texts.not_stated)));
    }
    access(&mut page, &tell, &cells);
    moves(&mut page, &tell, &cells);
    refused::tell(&mut page, &tell, &cells)?;
    retention(&mut page, &tell);
    out::bytes(page.end().as_bytes());
    Ok(())
}

/// Who has access to what: one table per role, then the purposes.
fn access(page: &mut Page, tell: &Teller<'_>, cells: &Cells) {
    let texts = &tell.texts;
    page.section(&texts.access);
    page.paragraph(&escape(&texts.access_intro));
    for (role, label) in tell.pack.roles() {
        let name = tell.word(&tell.local.roles, role.as_str(), label);
        page.heading(&name);
        let (by_home, cells) = cells::of_role(cells, role.as_str());
        if cells.is_empty() {
            page.paragraph(&escape(&texts.access_none));
        } else {
            role_table(page, tell, &name, (by_home, &cells));
        }
        let duties: Vec<String> = tell
            .pack
            .duties(role)
            .into_iter()
            .map(|(action, _)| format!("<code>{action}</code>"))
            .collect();
        if !duties.is_empty() {
            page.paragraph(&escape(&texts.duties).replace("{actions}", &duties.join(", ")));
        }
    }
    page.heading(&escape(&texts.purposes));
    page.paragraph(&escape(&texts.purposes_intro));
    let row = |(name, label): &(crate::ids::PurposeName, String)| {
        let mut meaning = tell.word(&tell.local.purposes, name.as_str(), label);
        if cells.keys().all(|place| place.purpose != name.as_str()) {
            meaning.push_str(&format!(" ({})", escape(&texts.purpose_none)));
        }
        vec![format!("<code>{name}</code>"), meaning]
    };
    let rows: Vec<_> = tell.pack.purposes().iter().map(row).collect();
    page.table(&escape(&texts.purposes), &[&texts.purpose, &texts.meaning], &rows);
}

/// What holds for all that a role may do, and the rest as a table.
fn role_table(
    page: &mut Page,
    tell: &Teller<'_>,
    name: &str,
    (by_home, cells): (Option<cells::ByHome>, &Cells),
) {
    let texts = &tell.texts;
    let common = common(cells);
    if !common.is_empty() {
        let needs = tell.needs(&common);
        page.paragraph(&escape(&texts.access_always.replace("{needs}", &needs)));
    }
    for (home, values) in by_home.iter().flat_map(|by_home| {
        by_home.values.iter().map(|(home, values)| {
            let need =
                |fact: &str, values| Need { fact: fact.to_owned(), values, stopped_by: vec![] };
            (need("home", vec![home.clone()]), need(&by_home.fact, values.clone()))
        })
    }) {
        let text = texts.access_by_home.replace("{home}", &tell.needs(&[&home]));
        page.paragraph(&escape(&text.replace("{needs}", &tell.needs(&[&values]))));
    }
    let heads = [
        texts.records.as_str(),
        &texts.data,
        &texts.acts_column,
        &texts.purposes_column,
        &texts.conditions,
    ];
    page.table(name, &heads, &rows(tell, cells, &common));
}

/// What must hold for everything.
fn common(cells: &Cells) -> Vec<&Need> {
    let first = cells.values().flatten().next().into_iter().flatten();
    first.filter(|need| cells.values().flatten().all(|way| way.contains(need))).collect()
}

/// One row of a role's table: collection, alternatives, purposes, acts.
type Row<'c> = (&'c str, Vec<Vec<&'c Need>>, BTreeSet<&'c str>, BTreeSet<Act>);

/// What a role may do: acts, and then classes, with the same purposes and conditions are one row.
fn rows(tell: &Teller<'_>, cells: &Cells, common: &[&Need]) -> Vec<Vec<String>> {
    // For each act, each way with its purposes; then the ways that have the same purposes together.
    let mut each: BTreeMap<(&str, &str, Act, Vec<&Need>), BTreeSet<&str>> = BTreeMap::new();
    for (place, ways) in cells {
        for way in ways {
            let key = (&*place.collection, &*place.class, place.act, way.iter().collect());
            each.entry(key).or_default().insert(&place.purpose);
        }
    }
    let mut together: BTreeMap<_, Vec<Vec<&Need>>> = BTreeMap::new();
    for ((collection, class, act, way), purposes) in each {
        together.entry((collection, class, act, purposes)).or_default().push(way);
    }
    let mut acts: BTreeMap<_, BTreeSet<Act>> = BTreeMap::new();
    for ((collection, class, act, purposes), ways) in together {
        acts.entry((collection, class, ways, purposes)).or_default().insert(act);
    }
    let mut rows: BTreeMap<Row<'_>, BTreeSet<&str>> = BTreeMap::new();
    for ((collection, class, ways, purposes), acts) in acts {
        rows.entry((collection, ways, purposes, acts)).or_default().insert(class);
    }
    let row = |((collection, ways, purposes, acts), classes): (&Row<'_>, &BTreeSet<&str>)| {
        let classes: Vec<String> = classes.iter().map(|class| tell.class(class)).collect();
        let acts: Vec<&str> = acts.iter().map(|act| tell.act(*act)).collect();
        let purposes: Vec<String> = purposes.iter().map(|p| format!("<code>{p}</code>")).collect();
        vec![
            tell.collection(collection),
            classes.join(&tell.texts.list),
            escape(&acts.join(", ")),
            purposes.join(" "),
            escape(&tell.ways(ways, common)),
        ]
    };
    rows.iter().map(row).collect()
}

/// How the data move: what holds of every vault, who files and hands out, and the deployment's own ways.
fn moves(page: &mut Page, tell: &Teller<'_>, cells: &Cells) {
    page.section(&tell.texts.moves);
    let mut items: Vec<String> = tell.texts.moves_fixed.iter().map(|text| escape(text)).collect();
    for (sentence, act) in [
        (&tell.texts.files, Act::Create),
        (&tell.texts.hands_out, Act::Assign),
        (&tell.texts.matches, Act::Match),
    ] {
        let may: BTreeSet<&str> =
            cells.keys().filter(|p| p.act == act).map(|p| p.role.as_str()).collect();
        let names = tell.pack.roles().iter().filter(|(name, _)| may.contains(name.as_str()));
        let names: Vec<String> =
            names.map(|(name, label)| tell.word(&tell.local.roles, name.as_str(), label)).collect();
        if !names.is_empty() {
            items.push(escape(sentence).replace("{roles}", &names.join(&tell.texts.list)));
        }
    }
    items.extend(tell.local.moves.iter().map(|text| escape(text)));
    page.list(items);
}

/// For how long: each collection's period, the end date, holds, and whose midnight counts.
fn retention(page: &mut Page, tell: &Teller<'_>) {
    let texts = &tell.texts;
    page.section(&texts.retention);
    page.paragraph(&escape(&texts.retention_intro));
    let row = |spec: &crate::policy::CollectionSpec| {
        let mut periods = vec![escape(&tell.period(spec.period))];
        periods.extend(spec.class_periods.iter().map(|(class, period)| {
            let text = escape(&texts.class_period).replace("{class}", &tell.class(class.as_str()));
            text.replace("{period}", &escape(&tell.period(*period)))
        }));
        let clock = texts.clocks.get(&spec.clock).unwrap_or(&spec.clock);
        vec![tell.collection(spec.name.as_str()), periods.join(&texts.list), escape(clock)]
    };
    let rows: Vec<_> = tell.pack.collections().iter().map(row).collect();
    page.table(&escape(&texts.retention), &[&texts.records, &texts.period, &texts.from], &rows);
    let end = tell.pack.end_date().to_string();
    page.paragraph(&escape(&texts.end_date.replace("{date}", &end)));
    if tell.pack.hold_purpose().is_some() {
        page.paragraph(&escape(&texts.holds));
    }
    let zones: Vec<String> = tell.pack.zones().iter().map(|zone| zone.name().to_owned()).collect();
    page.paragraph(&escape(&texts.zones.replace("{zones}", &zones.join(", "))));
}
