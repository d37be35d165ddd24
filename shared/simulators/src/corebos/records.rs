//! The records by number, and found by what a field holds, as the database's own indexes find them.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Deref;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::query::folded;
use super::schema::{Field, Kind};
use super::store::Record;

/// Values as the database compares them, and the numbers of the records that hold them.
type Index = HashMap<String, BTreeSet<u64>>;

/// All records. They are changed by [`Self::put`] alone, so that what was found once is kept up to date.
#[derive(Clone, Default)]
pub(crate) struct Records {
    by_number: BTreeMap<u64, Record>,
    /// By field; made when somebody asks for the field first.
    indexes: RefCell<HashMap<String, Index>>,
}

impl Records {
    /// Puts a record in the place of the one with its number, if there is one.
    pub(crate) fn put(&mut self, record: Record) {
        let number = record.crmid;
        let before = self.by_number.get(&number);
        for (field, index) in self.indexes.get_mut() {
            let held = before.and_then(|before| before.values.get(field));
            let holds = record.values.get(field);
            if held == holds {
                continue;
            }
            if let Some(held) = held
                && let Some(numbers) = index.get_mut(&folded(held))
            {
                numbers.remove(&number);
            }
            if let Some(holds) = holds {
                index.entry(folded(holds)).or_default().insert(number);
            }
        }
        self.by_number.insert(number, record);
    }

    /// The numbers of the records of any module whose field equals one of these texts, letter case and accents aside;
    /// none for a field that is not among a record's values, or is compared as a number.
    pub(crate) fn holding<'a>(
        &self,
        field: &Field,
        texts: impl Iterator<Item = &'a str>,
    ) -> Option<BTreeSet<u64>> {
        let as_text = matches!(
            field.kind,
            Kind::Text | Kind::Area | Kind::Email | Kind::AutoNumber | Kind::MultiPicklist | Kind::Boolean
        );
        let elsewhere = ["createdtime", "modifiedtime", "modifiedby", "created_user_id"];
        if !as_text || elsewhere.contains(&field.name.as_str()) {
            return None;
        }
        let mut indexes = self.indexes.borrow_mut();
        let index = indexes.entry(field.name.clone()).or_insert_with(|| {
            let mut index = Index::new();
            for record in self.by_number.values() {
                if let Some(value) = record.values.get(&field.name) {
                    index.entry(folded(value)).or_default().insert(record.crmid);
                }
            }
            index
        });
        Some(texts.filter_map(|text| index.get(&folded(text))).flatten().copied().collect())
    }
}

impl Deref for Records {
    type Target = BTreeMap<u64, Record>;

    fn deref(&self) -> &Self::Target {
        &self.by_number
    }
}

impl Serialize for Records {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.by_number.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Records {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self { by_number: BTreeMap::deserialize(deserializer)?, indexes: RefCell::default() })
    }
}
