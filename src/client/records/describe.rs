//! Describe: the pack as this caller sees it.

use crate::{
    client::{
        Client, ClientError, service,
        types::{
            AttributeDescription, CallerDescription, Collection, Description, FieldDescription,
            Range, ValueKind, ValueType,
        },
    },
    wire::api,
};

impl Client {
    /// What the pack holds and what this caller could do with it.
    pub async fn describe(&self) -> Result<Description, ClientError> {
        let request = self.request(api::DescribeRequest {});
        let answer = service!(self, records_client, RecordsClient).describe(request).await?;
        Ok(description(answer.into_inner()))
    }
}

fn description(answer: api::DescribeResponse) -> Description {
    Description {
        pack: answer.pack_name,
        pack_hash: hex::encode(answer.pack_hash),
        end_date: answer.end_date,
        zone: answer.zone,
        purposes: answer.purposes.into_iter().map(|p| (p.name, p.description)).collect(),
        classes: answer.classes.into_iter().map(|c| (c.name, c.description)).collect(),
        collections: answer.collections.into_iter().map(collection).collect(),
        abilities: answer.abilities.into_iter().map(|a| (a.collection, a.class, a.verbs)).collect(),
        caller: caller(answer.caller.unwrap_or_default()),
    }
}

fn caller(answer: api::CallerDescription) -> CallerDescription {
    let optional = |text: String| Some(text).filter(|t| !t.is_empty());
    CallerDescription {
        agent: answer.agent,
        role: answer.role,
        unit: optional(answer.unit),
        territory: optional(answer.territory),
    }
}

fn collection(answer: api::Collection) -> Collection {
    let field = |f: api::FieldDescription| FieldDescription {
        value: value_type(f.r#type),
        name: f.name,
        class: f.class,
        required: f.required,
        searchable: f.searchable,
        mask: f.mask,
    };
    let attribute = |a: api::AttributeDescription| AttributeDescription {
        value: value_type(a.r#type),
        name: a.name,
        required: a.required,
    };
    Collection {
        name: answer.name,
        label: answer.label,
        period: answer.period,
        class_periods: answer.class_periods.into_iter().map(|c| (c.class, c.period)).collect(),
        fields: answer.fields.into_iter().map(field).collect(),
        attributes: answer.attributes.into_iter().map(attribute).collect(),
    }
}

/// A kind that this version does not know is sent as text, for the vault to judge.
fn value_type(answer: Option<api::ValueType>) -> ValueType {
    let answer = answer.unwrap_or_default();
    let kind = match answer.kind() {
        api::ValueKind::Unspecified | api::ValueKind::Text => ValueKind::Text,
        api::ValueKind::Name => ValueKind::Name,
        api::ValueKind::Date => ValueKind::Date,
        api::ValueKind::Nir => ValueKind::Nir,
        api::ValueKind::Phone => ValueKind::Phone,
        api::ValueKind::Email => ValueKind::Email,
        api::ValueKind::Postcode => ValueKind::Postcode,
        api::ValueKind::Code => ValueKind::Code,
        api::ValueKind::Integer => ValueKind::Integer,
        api::ValueKind::Boolean => ValueKind::Boolean,
        api::ValueKind::Note => ValueKind::Note,
        api::ValueKind::Reference => ValueKind::Reference,
    };
    let range = Range { min: answer.min, max: answer.max };
    ValueType {
        kind,
        max_bytes: (matches!(kind, ValueKind::Text | ValueKind::Note) && answer.max_bytes > 0)
            .then_some(answer.max_bytes),
        collection: (kind == ValueKind::Reference).then_some(answer.collection),
        codes: answer.codes,
        range: (kind == ValueKind::Integer).then_some(range),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(kind: api::ValueKind) -> ValueType {
        let mut given = api::ValueType { max_bytes: 9, min: -1, max: 5, ..Default::default() };
        given.set_kind(kind);
        value_type(Some(given))
    }

    #[test]
    fn each_kind_keeps_the_bounds_that_are_its_own() {
        assert_eq!(
            (of(api::ValueKind::Text).max_bytes, of(api::ValueKind::Text).range),
            (Some(9), None)
        );
        let number = of(api::ValueKind::Integer);
        assert_eq!((number.max_bytes, number.range), (None, Some(Range { min: -1, max: 5 })));
        assert_eq!(of(api::ValueKind::Nir).kind, ValueKind::Nir);
        assert_eq!(value_type(None).kind, ValueKind::Text);
    }

    #[test]
    fn a_caller_without_a_unit_has_none_and_one_with_a_unit_has_it() {
        let given = api::CallerDescription { unit: "ward-1".into(), ..Default::default() };
        let known = caller(given);
        assert_eq!((known.unit.as_deref(), known.territory), (Some("ward-1"), None));
    }
}
