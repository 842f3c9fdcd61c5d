//! Every stored message is pinned: a field's number and type never change, for the rows and keyrings
//! written with them live for years. Adding a field changes `tests/output/store-messages.txt` by
//! lines that are only added, which a reviewer sees.

use std::{collections::BTreeMap, path::Path};

use prost::Message;
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorSet, field_descriptor_proto::Label,
};

/// The package of stored messages.
const PACKAGE: &str = "oubliette.store.v1";

/// Fails, with the text that would be right, if the stored messages are not as pinned.
pub(crate) fn hold_snapshot() {
    let now = print(&descriptors());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/output/store-messages.txt");
    let pinned = std::fs::read_to_string(&path).unwrap();
    let changed = changed(&pinned, &now);
    let hint = "a stored field was changed or removed; add a new one instead:";
    assert!(changed.is_empty(), "{hint}\n{}\n", changed.join("\n"));
    let file = path.display();
    assert!(pinned == now, "stored messages were added; {file} must become:\n\n{now}\n");
}

fn descriptors() -> FileDescriptorSet {
    FileDescriptorSet::decode(oubliette::wire::api::DESCRIPTORS).unwrap()
}

/// One line per message and per field, sorted by message, then number.
fn print(set: &FileDescriptorSet) -> String {
    let mut messages = BTreeMap::new();
    for file in set.file.iter().filter(|f| f.package() == PACKAGE) {
        for message in &file.message_type {
            collect(PACKAGE, message, &mut messages);
        }
    }
    let text: Vec<String> = messages.into_values().flatten().collect();
    text.join("\n") + "\n"
}

fn collect(scope: &str, message: &DescriptorProto, into: &mut BTreeMap<String, Vec<String>>) {
    let name = format!("{scope}.{}", message.name());
    let is_map = message.options.as_ref().is_some_and(|o| o.map_entry());
    assert!(!is_map, "{name}: a map field has no one encoding, so no mac or hash can rest on it");
    let mut fields: Vec<_> = message.field.iter().collect();
    fields.sort_by_key(|f| f.number());
    let mut lines = vec![name.clone()];
    lines.extend(fields.into_iter().map(|f| print_field(&name, message, f)));
    for nested in &message.nested_type {
        collect(&name, nested, into);
    }
    into.insert(name, lines);
}

fn print_field(of: &str, message: &DescriptorProto, field: &FieldDescriptorProto) -> String {
    let repeated = if field.label() == Label::Repeated { "repeated " } else { "" };
    let kind = match field.type_name() {
        "" => field.r#type().as_str_name().trim_start_matches("TYPE_").to_lowercase(),
        name => name.trim_start_matches('.').into(),
    };
    let one_of = field.oneof_index.and_then(|i| message.oneof_decl.get(usize::try_from(i).ok()?));
    let one_of = one_of.map(|o| format!(" oneof {}", o.name())).unwrap_or_default();
    format!("{of} {} {} {repeated}{kind}{one_of}", field.number(), field.name())
}

/// Pinned lines that are gone.
fn changed(pinned: &str, now: &str) -> Vec<String> {
    pinned.lines().filter(|line| !now.lines().any(|l| l == *line)).map(Into::into).collect()
}

#[test]
fn a_field_added_is_no_change_and_a_field_renumbered_or_retyped_is_one() {
    let pinned = print(&descriptors());
    let doctor = |change: fn(&mut FieldDescriptorProto)| {
        let mut set = descriptors();
        let file = set.file.iter_mut().find(|f| f.package() == PACKAGE).unwrap();
        change(&mut file.message_type[0].field[0]);
        changed(&pinned, &print(&set))
    };
    assert!(doctor(|_| {}).is_empty());
    assert_eq!(doctor(|f| f.number = Some(999)).len(), 1);
    assert_eq!(doctor(|f| f.r#type = Some(1)).len(), 1);
    let mut more = descriptors();
    let file = more.file.iter_mut().find(|f| f.package() == PACKAGE).unwrap();
    let mut field = file.message_type[0].field[0].clone();
    (field.number, field.name) = (Some(999), Some("novel".into()));
    file.message_type[0].field.push(field);
    assert!(changed(&pinned, &print(&more)).is_empty());
    assert_ne!(pinned, print(&more));
}

#[test]
fn messages_of_the_public_api_are_not_pinned_here_and_stored_ones_are() {
    let text = print(&descriptors());
    assert!(text.contains("oubliette.store.v1.AgentRow 2 revision uint64\n"), "{text}");
    assert!(!text.contains("oubliette.v1."));
}
