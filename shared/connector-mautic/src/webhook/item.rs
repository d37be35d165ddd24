//! One item of a webhook: the ids in it, and nothing else.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// The longest id, in digits: those of the largest one that a database counts up to.
const MAX_ID_DIGITS: usize = 20;

/// The ids that an item names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ItemIds {
    /// Of the item itself: the dead record of a deletion.
    pub(super) item: Option<u64>,
    /// Of the contact inside.
    pub(super) contact: Option<u64>,
    /// Of the company inside.
    pub(super) company: Option<u64>,
}

/// Lets a visitor accept shapes that it is not interested in, at the price of reading past them.
macro_rules! passed_over {
    ($nothing:expr; $($shape:ident),+) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("any JSON")
        }

        $(passed_over!(@$shape $nothing);)+
    };
    (@map $nothing:expr) => {
        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
            while map.next_key_seed(super::item::Name)?.is_some() {
                map.next_value::<serde::de::IgnoredAny>()?;
            }
            Ok($nothing)
        }
    };
    (@list $nothing:expr) => {
        fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<Self::Value, S::Error> {
            while list.next_element::<serde::de::IgnoredAny>()?.is_some() {}
            Ok($nothing)
        }
    };
    (@scalars $nothing:expr) => {
        fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Self::Value, E> {
            Ok($nothing)
        }

        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok($nothing)
        }

        fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
            Ok($nothing)
        }
    };
    (@text $nothing:expr) => {
        fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Self::Value, E> {
            Ok($nothing)
        }
    };
    (@numbers $nothing:expr) => {
        fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
            Ok($nothing)
        }

        fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
            Ok($nothing)
        }
    };
}
pub(super) use passed_over;

/// The name of a member. Bytes that are no UTF-8 are replaced: such a name is none that we know.
pub(super) struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Name {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<String, E> {
        Ok(String::from_utf8_lossy(name).into_owned())
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<String, E> {
        Ok(name.to_owned())
    }
}

/// One item: the ids in it; nothing where it is no object.
pub(super) struct Item;

impl<'de> DeserializeSeed<'de> for Item {
    type Value = Option<ItemIds>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Item {
    type Value = Option<ItemIds>;

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut ids = ItemIds::default();
        let mut lead = None;
        while let Some(name) = map.next_key_seed(Name)? {
            match name.as_str() {
                "id" => ids.item = map.next_value_seed(Id)?,
                "contact" => ids.contact = map.next_value_seed(Inside("id"))?,
                // Mautic 2 called contacts leads; forms and pages still do.
                "lead" => lead = map.next_value_seed(Inside("id"))?,
                "company" => ids.company = map.next_value_seed(Inside("id"))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        ids.contact = ids.contact.or(lead);
        Ok(Some(ids))
    }

    passed_over!(None; list, scalars, text, numbers);
}

/// The id that a member of an object holds.
struct Inside(&'static str);

impl<'de> DeserializeSeed<'de> for Inside {
    type Value = Option<u64>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Inside {
    type Value = Option<u64>;

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut id = None;
        while let Some(name) = map.next_key_seed(Name)? {
            if name == self.0 {
                id = map.next_value_seed(Id)?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(id)
    }

    passed_over!(None; list, scalars, text, numbers);
}

/// A positive integer, as number or as text; nothing where it is anything else.
struct Id;

impl<'de> DeserializeSeed<'de> for Id {
    type Value = Option<u64>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Id {
    type Value = Option<u64>;

    fn visit_u64<E: Error>(self, id: u64) -> Result<Self::Value, E> {
        Ok((id > 0).then_some(id))
    }

    fn visit_i64<E: Error>(self, id: i64) -> Result<Self::Value, E> {
        Ok(u64::try_from(id).ok().filter(|&id| id > 0))
    }

    fn visit_str<E: Error>(self, id: &str) -> Result<Self::Value, E> {
        let digits =
            id.len() <= MAX_ID_DIGITS && !id.starts_with('0') && id.bytes().all(|b| b.is_ascii_digit());
        Ok(if digits { id.parse().ok() } else { None })
    }

    passed_over!(None; map, list, scalars);
}
