//! The field-by-field difference of two retention parts, in words an operator can act on: for a start
//! and for a reload alike.
//!
//! Bytes decide whether they differ (`open`); this file only says where. It changes nothing.

use prost::Message as _;

use crate::{
    policy::Violation,
    wire::store::{CollectionRetention, RetentionPart},
};

/// One per difference: what it is about, and `pinned -> pack`.
pub(super) fn differences(pinned: &[u8], pack: &[u8]) -> Vec<Violation> {
    let (Ok(old), Ok(new)) = (RetentionPart::decode(pinned), RetentionPart::decode(pack)) else {
        return vec![said("the pinned retention part cannot be read")];
    };
    let mut lines = Vec::new();
    compare(&mut lines, "end_date", &old.end_date, &new.end_date);
    compare(&mut lines, "zone", &old.zone, &new.zone);
    let territory = |part: &RetentionPart| -> Vec<(String, String)> {
        part.territories.iter().map(|t| (t.territory.clone(), t.zone.clone())).collect()
    };
    keyed(&mut lines, "territory", &territory(&old), &territory(&new));
    keyed(&mut lines, "collection", &collections(&old), &collections(&new));
    if lines.is_empty() {
        lines.push(said("the same rules in another encoding"));
    }
    lines
}

/// What is true of the part as a whole.
fn said(reason: &str) -> Violation {
    Violation { path: "retention".to_owned(), reason: reason.to_owned() }
}

fn collections(part: &RetentionPart) -> Vec<(String, String)> {
    part.collections.iter().flat_map(rules).collect()
}

fn rules(collection: &CollectionRetention) -> Vec<(String, String)> {
    let own = format!("{} from {}", collection.period, collection.from);
    let mut rules = vec![(collection.collection.clone(), own)];
    for class in &collection.classes {
        let period = if class.period.is_empty() { "as its record" } else { &class.period };
        rules.push((format!("{}.{}", collection.collection, class.class), period.to_owned()));
    }
    rules
}

fn keyed(
    lines: &mut Vec<Violation>,
    what: &str,
    old: &[(String, String)],
    new: &[(String, String)],
) {
    let find = |all: &[(String, String)], name: &str| {
        all.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone())
    };
    for (name, value) in old {
        let now = find(new, name).unwrap_or_else(|| "(none)".to_owned());
        compare(lines, &format!("{what} {name}"), value, &now);
    }
    for (name, value) in new {
        if find(old, name).is_none() {
            compare(lines, &format!("{what} {name}"), "(none)", value);
        }
    }
}

fn compare(lines: &mut Vec<Violation>, what: &str, old: &str, new: &str) {
    if old != new {
        lines.push(Violation { path: what.to_owned(), reason: format!("{old} -> {new}") });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(period: &str, end: &str) -> Vec<u8> {
        RetentionPart {
            end_date: end.to_owned(),
            zone: "Europe/Paris".to_owned(),
            collections: vec![CollectionRetention {
                collection: "files".to_owned(),
                period: period.to_owned(),
                from: "collected_on".to_owned(),
                classes: Vec::new(),
            }],
            territories: Vec::new(),
        }
        .encode_to_vec()
    }

    #[test]
    fn a_changed_period_and_end_date_are_named_with_both_values() {
        let lines = differences(&part("P3M", "2021-04-01"), &part("P6M", "2021-05-01"));
        assert_eq!(
            lines,
            [
                ("end_date", "2021-04-01 -> 2021-05-01"),
                ("collection files", "P3M from collected_on -> P6M from collected_on"),
            ]
            .map(|(path, reason)| Violation { path: path.to_owned(), reason: reason.to_owned() })
        );
    }

    #[test]
    fn unreadable_bytes_are_said_to_be_unreadable() {
        let lines = differences(&[0xff], &part("P3M", "2021-04-01"));
        assert_eq!(lines, [said("the pinned retention part cannot be read")]);
    }
}
