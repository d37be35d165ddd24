//! The settings of a stack as they are stored, beside the table of what there is.

use anyhow::Result;
use aws::store::StoredSetting;
use jiff::Timestamp;
use model::System;
use serde_json::{Value, json};
use sync::settings::{Place, WrongSetting, places, problems};

use crate::stack::Stack;

/// What is stored, and what there is.
#[derive(Debug)]
pub struct Stored {
    /// What there is.
    pub places: Vec<Place>,
    /// What is stored.
    pub items: Vec<StoredSetting>,
}

impl Stored {
    /// Reads all settings of a stack.
    ///
    /// # Errors
    /// The stack is not complete, or its table does not answer.
    pub async fn read(stack: &Stack) -> Result<Self> {
        let sites: Vec<System> =
            crate::site::sites(&stack.environment)?.into_iter().map(|site| site.system).collect();
        let places = places(&stack.pairs()?, &sites);
        Ok(Self { places, items: stack.store()?.stored_settings().await? })
    }

    /// The item that a setting is in.
    pub(super) fn item(&self, key: &str) -> Option<&StoredSetting> {
        self.items.iter().find(|item| item.key == key)
    }

    /// What is set.
    pub(super) fn set(&self, place: &Place) -> Option<&Value> {
        place.value(&self.item(&place.key)?.value)
    }

    /// Whether a setting is set.
    pub fn is_set(&self, place: &Place) -> bool {
        self.set(place).is_some()
    }

    /// When the item of a setting was changed, and by whom.
    pub(super) fn changed(&self, place: &Place) -> Option<&(Timestamp, String)> {
        self.item(&place.key)?.changed.as_ref()
    }

    /// Everything that is wrong or unknown.
    pub fn problems(&self) -> Vec<WrongSetting> {
        problems_of(&self.places, &self.items)
    }

    pub(super) fn as_json(&self, place: &Place) -> Value {
        let (setting, set) = (place.setting, self.set(place));
        let changed = self.changed(place);
        json!({
            "name": place.name,
            "value": set.cloned().unwrap_or_else(|| place.default()),
            "shown": set.map_or_else(|| setting.default.to_owned(), |value| setting.kind.show(value)),
            "default": setting.default,
            "set": set.is_some(),
            "meaning": setting.meaning,
            "allowed": setting.kind.allowed(),
            "corebos": place.known_as,
            "key": place.key,
            "field": place.path.join("."),
            "changed_at": changed.map(|(at, _)| at.to_string()),
            "changed_by": changed.map(|(_, by)| by.clone()),
        })
    }
}

/// Everything that is wrong or unknown among stored settings.
pub fn problems_of(places: &[Place], items: &[StoredSetting]) -> Vec<WrongSetting> {
    items.iter().flat_map(|item| problems(places, &item.key, &item.value)).collect()
}

/// Where it is, for whoever looks into the table.
pub(super) fn stored_as(place: &Place) -> String {
    let key = format!("settings / {}", place.key);
    if place.path.is_empty() { key } else { format!("{key}, {}", place.path.join(".")) }
}
