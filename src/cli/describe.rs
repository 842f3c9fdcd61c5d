//! `oubliette describe`: the pack as the person who is logged in meets it, and what he could do with
//! it. Reads no record.

use super::{
    connect::{Connection, block_on},
    failure::Failure,
    out,
};
use crate::client::types::{Collection, Description, FieldDescription, ValueType};

const AFTER: &str = "\
Example:
  oubliette describe
  oubliette describe --collection files --json

YOU MAY lists what some policy could allow you on a class of fields:
  reveal  see its fields           mask    see part of them
  match   ask whether a value is right; find needs it too
  write   change its fields
It promises nothing: each call is decided on the record in hand.";

/// Arguments of `describe`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER)]
pub(super) struct Args {
    /// Only this collection
    #[arg(long, value_name = "NAME")]
    collection: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Prints the description.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let mut description =
        block_on(async { Ok(args.connection.client().await?.describe().await?) })?;
    if let Some(name) = &args.collection {
        known(&description, name)?;
        description.collections.retain(|c| c.name == *name);
        description.abilities.retain(|(collection, ..)| collection == name);
    }
    out::either(args.json, &description, || print(&description))
}

/// The collection of this name, or a failure that lists those there are.
pub(super) fn known<'d>(
    description: &'d Description,
    name: &str,
) -> Result<&'d Collection, Failure> {
    description.collection(name).ok_or_else(|| {
        let names: Vec<&str> = description.collections.iter().map(|c| c.name.as_str()).collect();
        Failure::usage("the pack has no collection of this name")
            .hint(format!("its collections are {}", names.join(", ")))
    })
}

/// A failure that lists the purposes there are, unless this is one of them.
pub(super) fn check_purpose(description: &Description, name: &str) -> Result<(), Failure> {
    let names: Vec<&str> = description.purposes.iter().map(|(name, _)| name.as_str()).collect();
    if names.contains(&name) {
        return Ok(());
    }
    Err(Failure::usage("the pack has no purpose of this name")
        .hint(format!("its purposes are {}", names.join(", "))))
}

fn print(description: &Description) {
    let of = |text: &Option<String>| text.as_deref().map_or_else(|| "-".to_owned(), out::plain);
    let who = &description.caller;
    out::line(&format!("pack {} {}", description.pack, description.pack_hash));
    out::line(&format!(
        "nothing is readable from {} 00:00 on, by the midnight of its territory ({} where there is none)",
        description.end_date, description.zone
    ));
    let (unit, territory) = (of(&who.unit), of(&who.territory));
    out::line(&format!("you: {}, {}, unit {unit}, territory {territory}", who.agent, who.role));
    named("PURPOSE", &description.purposes);
    named("CLASS", &description.classes);
    for collection in &description.collections {
        print_collection(collection, &description.abilities);
    }
}

fn named(heading: &str, list: &[(String, String)]) {
    out::line("");
    let rows: Vec<_> = list.iter().map(|(name, text)| [name.clone(), out::plain(text)]).collect();
    out::table([heading, "MEANING"], &rows);
}

fn print_collection(collection: &Collection, abilities: &[(String, String, Vec<String>)]) {
    let own = |a: &&(String, String, Vec<String>)| a.0 == collection.name;
    let may = |class: &str| {
        let found = abilities.iter().filter(own).find(|(_, c, _)| c == class);
        found.map_or_else(|| "-".to_owned(), |(.., verbs)| verbs.join(" "))
    };
    out::line("");
    out::line(&format!("COLLECTION {}  {}", collection.name, out::plain(&collection.label)));
    out::line(&format!("kept {} from collected_on", collection.period));
    for (class, period) in &collection.class_periods {
        out::line(&format!("class {class} kept {period} only"));
    }
    let classes: Vec<&str> = collection.fields.iter().map(|f| f.class.as_str()).collect();
    let beyond = abilities.iter().filter(own).filter(|(_, c, _)| !classes.contains(&c.as_str()));
    for (_, class, verbs) in beyond {
        out::line(&format!("on {class} you may: {}", verbs.join(" ")));
    }
    let row = |f: &FieldDescription| {
        [
            f.name.clone(),
            f.class.clone(),
            shape(&f.value),
            mark(f.required, "required"),
            mark(f.searchable, "searchable"),
            f.mask.clone(),
            may(&f.class),
        ]
    };
    let rows: Vec<_> = collection.fields.iter().map(row).collect();
    out::table(["FIELD", "CLASS", "VALUE", "NEEDED", "FIND", "MASK", "YOU MAY"], &rows);
    let row = |a: &crate::client::types::AttributeDescription| {
        [a.name.clone(), shape(&a.value), mark(a.required, "required")]
    };
    let rows: Vec<_> = collection.attributes.iter().map(row).collect();
    out::table(["ATTRIBUTE", "VALUE", "NEEDED"], &rows);
}

fn mark(truth: bool, word: &str) -> String {
    if truth { word.to_owned() } else { "-".to_owned() }
}

/// A type in one cell: its kind, and its bounds or list.
fn shape(value: &ValueType) -> String {
    let kind = value.kind.as_str();
    if let Some(collection) = &value.collection {
        return format!("{kind} to {collection}");
    }
    match (&value.max_bytes, &value.range, value.codes.as_slice()) {
        (Some(most), ..) => format!("{kind}, at most {most} bytes"),
        (_, Some(range), _) => format!("{kind} {} to {}", range.min, range.max),
        (.., []) => kind.to_owned(),
        (.., codes) => format!("{kind}: {}", codes.join(" | ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::types::{Range, ValueKind};

    #[test]
    fn a_type_is_shown_with_its_own_bounds() {
        let of = |kind, max_bytes, codes: &[&str], range| {
            let codes = codes.iter().map(|c| (*c).to_owned()).collect();
            shape(&ValueType { kind, max_bytes, collection: None, codes, range })
        };
        assert_eq!(of(ValueKind::Text, Some(200), &[], None), "text, at most 200 bytes");
        assert_eq!(of(ValueKind::Code, None, &["f", "m"], None), "code: f | m");
        let range = Some(Range { min: 0, max: 9 });
        assert_eq!(of(ValueKind::Integer, None, &[], range), "integer 0 to 9");
        assert_eq!(of(ValueKind::Nir, None, &[], None), "nir");
        let (kind, collection) = (ValueKind::Reference, Some("cases".to_owned()));
        let end = ValueType { kind, max_bytes: None, collection, codes: vec![], range: None };
        assert_eq!(shape(&end), "reference to cases");
    }
}
