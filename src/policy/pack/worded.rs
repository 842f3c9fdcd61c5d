//! An entry of a list of words: a bare label, or a table that says more.
//!
//! Its own small reader, because serde's untagged enums forget which key was wrong and where.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};

/// A `T` that was written as a table, or as its label alone.
pub(super) struct Worded<T>(pub(super) T);

impl<'de, T: Deserialize<'de> + From<String>> Deserialize<'de> for Worded<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LabelOrTable(PhantomData))
    }
}

struct LabelOrTable<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de> + From<String>> Visitor<'de> for LabelOrTable<T> {
    type Value = Worded<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a label, or a table with a label")
    }

    fn visit_str<E>(self, label: &str) -> Result<Worded<T>, E> {
        Ok(Worded(T::from(label.to_owned())))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Worded<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Worded)
    }
}
