//! Values of a record that is known by its id alone: what kind a name wants is looked up in every
//! collection of the pack, or in the one that was named.

use super::failure::Failure;
use crate::client::types::{Collection, Description, JsonMap, Value, ValueKind, typed_value};

/// Where names are looked up.
pub(super) struct Names<'d>(Vec<&'d Collection>);

/// Which list of a record a name is in.
#[derive(Clone, Copy)]
pub(super) enum List {
    Attributes,
    Fields,
}

impl List {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Attributes => "attributes",
            Self::Fields => "fields",
        }
    }
}

impl<'d> Names<'d> {
    /// Those of one collection, or of all.
    pub(super) fn of(description: &'d Description, one: Option<&str>) -> Result<Self, Failure> {
        Ok(Self(match one {
            Some(name) => vec![super::describe::known(description, name)?],
            None => description.collections.iter().collect(),
        }))
    }

    /// The kind of a name's values; `None` for a name that nobody knows, which the vault refuses.
    fn kind(&self, list: List, name: &str) -> Result<Option<ValueKind>, Failure> {
        let one = |c: &&Collection| match list {
            List::Attributes => c.attribute_kind(name),
            List::Fields => c.field_kind(name),
        };
        let mut kinds = self.0.iter().filter_map(one);
        let Some(first) = kinds.next() else { return Ok(None) };
        // Only a date is written differently from text.
        let is_date = |kind: ValueKind| kind == ValueKind::Date;
        if kinds.all(|kind| is_date(kind) == is_date(first)) {
            return Ok(Some(first));
        }
        let path = format!("{}.{name}", list.as_str());
        let message = format!("{path} is a date in one collection and none in another");
        Err(Failure::usage(message).hint("say which: --collection NAME"))
    }

    /// One value.
    pub(super) fn value(
        &self,
        list: List,
        name: &str,
        json: serde_json::Value,
    ) -> Result<Value, Failure> {
        let kind = self.kind(list, name)?;
        typed_value(json, kind).ok_or_else(|| {
            let name = super::json::quoted(name).unwrap_or("a name of it");
            let wants = "must be a string, an integer or a boolean";
            Failure::new(format!("{}.{name}: {wants}", list.as_str()))
                .hint("the same command with --help shows the form")
        })
    }

    /// Values of one list.
    pub(super) fn values(
        &self,
        list: List,
        given: JsonMap,
    ) -> Result<Vec<(String, Value)>, Failure> {
        let one = |(name, json): (String, serde_json::Value)| {
            let value = self.value(list, &name, json)?;
            Ok((name, value))
        };
        given.into_iter().map(one).collect()
    }

    /// Changes of one list: null clears.
    pub(super) fn changes(
        &self,
        list: List,
        given: JsonMap,
    ) -> Result<Vec<(String, Option<Value>)>, Failure> {
        let one = |(name, json): (String, serde_json::Value)| {
            let value = if json.is_null() { None } else { Some(self.value(list, &name, json)?) };
            Ok((name, value))
        };
        given.into_iter().map(one).collect()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::client::types::{
        AttributeDescription, CallerDescription, FieldDescription, ValueType,
    };

    pub(in crate::cli) fn of_kind(kind: ValueKind) -> ValueType {
        ValueType { kind, max_bytes: None, collection: None, codes: vec![], range: None }
    }

    /// A collection with these fields and an attribute `state`.
    pub(in crate::cli) fn collection(name: &str, fields: &[(&str, ValueKind)]) -> Collection {
        let field = |(name, kind): &(&str, ValueKind)| FieldDescription {
            name: (*name).into(),
            class: "identity".into(),
            value: of_kind(*kind),
            required: false,
            searchable: true,
            mask: "hidden".into(),
        };
        let state = AttributeDescription {
            name: "state".into(),
            value: of_kind(ValueKind::Code),
            required: true,
        };
        Collection {
            name: name.into(),
            label: String::new(),
            period: "P3M".into(),
            class_periods: vec![],
            fields: fields.iter().map(field).collect(),
            attributes: vec![state],
        }
    }

    /// A pack of these collections.
    pub(in crate::cli) fn description(collections: Vec<Collection>) -> Description {
        Description {
            pack: "p".into(),
            pack_hash: String::new(),
            end_date: "2099-01-01".into(),
            zone: "Europe/Paris".into(),
            purposes: vec![],
            classes: vec![],
            collections,
            abilities: vec![],
            caller: CallerDescription {
                agent: "a".into(),
                role: "r".into(),
                unit: None,
                territory: None,
            },
        }
    }

    fn given(json: serde_json::Value) -> JsonMap {
        json.as_object().unwrap().clone()
    }

    fn pack() -> Description {
        let files = [("born", ValueKind::Date), ("name", ValueKind::Name)];
        let notes = [("born", ValueKind::Text), ("name", ValueKind::Text)];
        description(vec![collection("files", &files), collection("notes", &notes)])
    }

    #[test]
    fn a_string_is_a_date_exactly_where_the_named_collection_wants_one() {
        let pack = pack();
        let born = |one: &str| {
            let names = Names::of(&pack, Some(one)).unwrap();
            names.values(List::Fields, given(json!({"born": "1970-01-01"}))).unwrap().remove(0).1
        };
        assert!(born("files") == Value::Date("1970-01-01".into()));
        assert!(born("notes") == Value::Text("1970-01-01".into()));
        assert_eq!(Names::of(&pack, Some("none")).err().unwrap().code(), 2);
    }

    #[test]
    fn a_name_that_collections_disagree_on_asks_for_the_collection_and_another_does_not() {
        let pack = pack();
        let names = Names::of(&pack, None).unwrap();
        let refused = names.values(List::Fields, given(json!({"born": "1970-01-01"})));
        let refused = refused.err().unwrap();
        assert_eq!(refused.code(), 2);
        assert!(refused.text().contains("fields.born") && refused.text().contains("--collection"));
        assert!(names.values(List::Fields, given(json!({"name": "EXAMPLE"}))).is_ok());
        // Nobody knows it: the vault says so.
        assert!(names.values(List::Fields, given(json!({"novel": 5}))).is_ok());
    }

    #[test]
    fn null_clears_and_a_list_is_refused_without_being_quoted() {
        let pack = pack();
        let names = Names::of(&pack, None).unwrap();
        let changes = names.changes(List::Attributes, given(json!({"state": null}))).unwrap();
        assert!(changes[0].1.is_none());
        let set = names.changes(List::Attributes, given(json!({"state": "new"}))).unwrap();
        assert!(set[0].1 == Some(Value::Text("new".into())));
        let list = names.changes(List::Fields, given(json!({"name": ["SECRET"]})));
        let text = list.err().unwrap().text();
        assert!(text.contains("fields.name") && !text.contains("SECRET"), "{text}");
    }
}
