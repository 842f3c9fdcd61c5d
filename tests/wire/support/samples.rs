//! Synthetic records. Names say EXEMPLE, telephone numbers are of the range kept for fiction, and the
//! NIRs have valid keys and belong to nobody (département 99, order 999).

use oubliette::{
    client::types::{NewRecord, Value},
    ids::RecordId,
};

/// A NIR with a valid key.
pub(crate) const NIR_A: &str = "299019999999929";

/// A text value.
pub(crate) fn text(value: &str) -> Value {
    Value::Text(value.to_owned())
}

/// A date value.
pub(crate) fn date(value: &str) -> Value {
    Value::Date(value.to_owned())
}

fn named<const N: usize>(values: [(&str, Value); N]) -> Vec<(String, Value)> {
    values.map(|(name, value)| (name.to_owned(), value)).to_vec()
}

/// A case without its NIR.
pub(crate) fn case(territory: &str, last_name: &str, collected_on: &str) -> NewRecord {
    NewRecord {
        collection: "cases".to_owned(),
        subject: None,
        collected_on: collected_on.to_owned(),
        attributes: named([("territory", text(territory)), ("state", text("new"))]),
        fields: named([
            ("last_name", text(last_name)),
            ("first_names", text("Exemple")),
            ("birth_date", date("1970-01-01")),
            ("street", text("1 rue de l'Exemple")),
            ("phone", text("+262639980001")),
            ("confirmed", Value::Boolean(true)),
        ]),
    }
}

/// A contact without its NIR.
pub(crate) fn contact(territory: &str, last_name: &str, collected_on: &str) -> NewRecord {
    NewRecord {
        collection: "contacts".to_owned(),
        subject: None,
        collected_on: collected_on.to_owned(),
        attributes: named([("territory", text(territory)), ("state", text("to_call"))]),
        fields: named([
            ("last_name", text(last_name)),
            ("first_names", text("Exemple")),
            ("phone", text("+262639980002")),
        ]),
    }
}

/// A positive laboratory result, with its NIR.
pub(crate) fn lab_result(territory: &str, last_name: &str, collected_on: &str) -> NewRecord {
    NewRecord {
        collection: "lab_results".to_owned(),
        subject: None,
        collected_on: collected_on.to_owned(),
        attributes: named([("territory", text(territory)), ("state", text("received"))]),
        fields: named([
            ("last_name", text(last_name)),
            ("first_names", text("Exemple")),
            ("birth_date", date("1970-01-01")),
            ("nir", text(NIR_A)),
            ("analysis", text("94500-6")),
            ("finding", text("10828004")),
            ("sampled_on", date(collected_on)),
        ]),
    }
}

/// The same with one attribute more.
pub(crate) fn with(mut record: NewRecord, attribute: &str, value: Value) -> NewRecord {
    record.attributes.push((attribute.to_owned(), value));
    record
}

fn open<const N: usize>(
    (collection, territory, state): (&str, &str, &str),
    collected_on: &str,
    fields: [(&str, Value); N],
) -> NewRecord {
    NewRecord {
        collection: collection.to_owned(),
        subject: None,
        collected_on: collected_on.to_owned(),
        attributes: named([("territory", text(territory)), ("state", text(state))]),
        fields: named(fields),
    }
}

/// A place.
pub(crate) fn place(territory: &str, collected_on: &str) -> NewRecord {
    open(("places", territory, "open"), collected_on, [("site", text("Exemple"))])
}

/// A call made.
pub(crate) fn call(territory: &str, collected_on: &str) -> NewRecord {
    open(("calls", territory, "done"), collected_on, [("outcome", text("reached"))])
}

/// A sick note, with its NIR.
pub(crate) fn sick_note(territory: &str, collected_on: &str) -> NewRecord {
    let fields = [("nir", text(NIR_A)), ("from", date(collected_on))];
    let note = open(("support", territory, "open"), collected_on, fields);
    with(note, "kind", text("sick_note"))
}

/// A need for social support, to which the person consents or not.
pub(crate) fn social(territory: &str, collected_on: &str, consent: bool) -> NewRecord {
    let fields = [("need", text("care_of_children"))];
    let need = open(("support", territory, "open"), collected_on, fields);
    with(with(need, "kind", text("social")), "social_consent", Value::Boolean(consent))
}

/// Who was exposed to whom, and whether the case agrees to be named.
pub(crate) fn link(
    territory: &str,
    collected_on: &str,
    (case, contact): (RecordId, RecordId),
    consent: &str,
) -> NewRecord {
    let ends = [("case", text(&case.to_string())), ("contact", text(&contact.to_string()))];
    let link = open(("links", territory, "open"), collected_on, ends);
    with(link, "consent", text(consent))
}
