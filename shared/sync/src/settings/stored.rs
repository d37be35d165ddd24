//! Settings as they are stored: checked against the table before anybody uses them. What the table does not know is
//! never ignored.

use model::{PairKind, System};
use serde_json::{Map, Value};

use super::place::{direction_field, pair_key, poll_key, system_key};
use super::table::{Item, SETTINGS, Scope, Setting, direction_name};
use super::value::ValueKind;
use super::{PairSettings, Place, SystemSettings};
use crate::pairs::pair_spec;
use crate::poll::PollSettings;

/// What is wrong with something that is stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the setting {name} ({field} in {key}): {problem}")]
pub struct WrongSetting {
    /// The key of the item.
    pub key: String,
    /// The way to it in the item.
    pub field: String,
    /// Its name, or how it is called where it is none.
    pub name: String,
    /// What is wrong, and what may be written. Never the value: it may be anything.
    pub problem: String,
}

/// An item whose settings are known.
#[derive(Clone, Debug)]
enum Known {
    Pair(PairKind),
    Poll(System),
    System(System),
}

impl Known {
    fn key(&self) -> String {
        match self {
            Self::Pair(kind) => pair_key(*kind),
            Self::Poll(system) => poll_key(system),
            Self::System(system) => system_key(system),
        }
    }

    /// The rows of the fields on the first level, or of those of a direction.
    fn rows(&self, in_direction: bool) -> Vec<&'static Setting> {
        let fits = |row: &&Setting| match self {
            Self::Pair(_) if in_direction => row.scope == Scope::Direction,
            Self::Pair(_) => row.scope == Scope::Pair,
            Self::Poll(system) => row.item == Item::Poll && row.is_of(system.kind()),
            Self::System(system) => row.item == Item::System && row.is_of(system.kind()),
        };
        SETTINGS.iter().filter(fits).collect()
    }

    fn prefix(&self) -> &str {
        match self {
            Self::Pair(kind) => kind.as_str(),
            Self::Poll(system) | Self::System(system) => system.kind().as_str(),
        }
    }

    /// Everything that is wrong in the item.
    fn check(&self, item: &Value) -> Vec<WrongSetting> {
        let mut wrong = Vec::new();
        let Some(object) = item.as_object() else {
            wrong.push(self.wrong("", self.prefix().to_owned(), "it is no JSON object".to_owned()));
            return wrong;
        };
        let mut first = object.clone();
        if let Self::Pair(kind) = self {
            for direction in [model::Direction::ToHub, model::Direction::ToRemote] {
                let field = direction_field(direction);
                let Some(inner) = first.remove(field) else { continue };
                let name =
                    format!("{}.{}", kind.as_str(), direction_name(direction, pair_spec(*kind).remote_kind));
                match inner.as_object() {
                    Some(inner) => self.check_fields(inner, &name, &format!("{field}."), true, &mut wrong),
                    None => wrong.push(self.wrong(field, name, "it is no JSON object".to_owned())),
                }
            }
        }
        self.check_fields(&first, self.prefix(), "", false, &mut wrong);
        wrong
    }

    fn check_fields(
        &self,
        object: &Map<String, Value>,
        prefix: &str,
        path: &str,
        in_direction: bool,
        wrong: &mut Vec<WrongSetting>,
    ) {
        let rows = self.rows(in_direction);
        for (field, value) in object {
            let at = format!("{path}{field}");
            let row = rows.iter().find(|row| row.field == field);
            let checked = match row {
                Some(row) => row.kind.check(value),
                None => Err(no_such_setting(field, &rows)),
            };
            if let Err(problem) = checked {
                let name = row.map_or(field.as_str(), |row| row.name);
                wrong.push(self.wrong(&at, format!("{prefix}.{name}"), problem));
            }
        }
    }

    fn wrong(&self, field: &str, name: String, problem: String) -> WrongSetting {
        let field = if field.is_empty() { "all" } else { field };
        WrongSetting { key: self.key(), field: field.to_owned(), name, problem }
    }

    /// What is stored, as whoever uses it needs it.
    fn read<T: serde::de::DeserializeOwned + Default>(&self, item: Option<Value>) -> Result<T, WrongSetting> {
        let Some(item) = item else { return Ok(T::default()) };
        if let Some(wrong) = self.check(&item).into_iter().next() {
            return Err(wrong);
        }
        // The table has allowed all of it: this is for a row that does not fit its struct.
        serde_json::from_value(item)
            .map_err(|_| self.wrong("", self.prefix().to_owned(), "it cannot be read".to_owned()))
    }
}

fn no_such_setting(field: &str, rows: &[&Setting]) -> String {
    let meant = mapping::suggestion(field, rows.iter().map(|row| row.field));
    let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
    format!("there is no such setting{meant}")
}

/// The settings of a pair, from the item [`pair_key`].
///
/// # Errors
/// One that is unknown or cannot be meant.
pub fn pair_settings(kind: PairKind, item: Option<Value>) -> Result<PairSettings, WrongSetting> {
    Known::Pair(kind).read(item)
}

/// The settings of a system's polls, from the item [`poll_key`].
///
/// # Errors
/// One that is unknown or cannot be meant.
pub fn poll_settings(system: &System, item: Option<Value>) -> Result<PollSettings, WrongSetting> {
    Known::Poll(system.clone()).read(item)
}

/// What an administrator has set about a system, from the item [`system_key`]: the bridge's part, and the rest, which
/// its connector reads.
///
/// # Errors
/// One that is unknown or cannot be meant.
pub fn system_settings(
    system: &System,
    item: Option<Value>,
) -> Result<(SystemSettings, Value), WrongSetting> {
    let all: Map<String, Value> = Known::System(system.clone()).read(item)?;
    let (mut own, mut rest) = (Map::new(), Map::new());
    for (field, value) in all {
        if field == "active" {
            own.insert(field, value);
        } else if !value.is_null() {
            rest.insert(field, value);
        }
    }
    Ok((Known::System(system.clone()).read(Some(Value::Object(own)))?, Value::Object(rest)))
}

/// What is wrong with the settings of a pair as a file names them.
pub fn problems_of_pair(kind: PairKind, item: &Value) -> Vec<WrongSetting> {
    Known::Pair(kind).check(item)
}

/// What is wrong with the settings of a system as a file names them.
pub fn problems_of_system(system: &System, item: &Value) -> Vec<WrongSetting> {
    Known::System(system.clone()).check(item)
}

/// Everything that is wrong with an item of the settings, by its key. Keys that the bridge itself keeps things under
/// are no settings and all right.
pub fn problems(places: &[Place], key: &str, item: &Value) -> Vec<WrongSetting> {
    let whole = |problem: String| {
        vec![WrongSetting { key: key.to_owned(), field: "all".to_owned(), name: key.to_owned(), problem }]
    };
    if key.starts_with("identity#") || key.starts_with("rivals#") {
        return Vec::new();
    }
    // Visitors are no pair: the functions that take their events check what stands there.
    if key.starts_with("visitors:") {
        return Vec::new();
    }
    if key == "map:SignalToMautic" {
        return ValueKind::Map.check(item).map_or_else(whole, |()| Vec::new());
    }
    let Some(place) = places.iter().find(|place| place.key == key) else {
        let meant = mapping::suggestion(key, places.iter().map(|place| place.key.as_str()));
        let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        return whole(format!("no function of this stack reads it{meant}"));
    };
    let known = match place.setting.item {
        Item::Map => {
            let checked = place.setting.kind.check(item);
            return checked.map_or_else(whole, |()| Vec::new());
        }
        Item::Pair => place.pair.map(Known::Pair),
        Item::Poll => system_of(key).map(Known::Poll),
        Item::System => system_of(key).map(Known::System),
    };
    known.map(|known| known.check(item)).unwrap_or_default()
}

fn system_of(key: &str) -> Option<System> {
    key.split_once(':')?.1.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::{Winner, places};
    use super::*;
    use model::Pair;
    use serde_json::json;

    const CONTACTS: PairKind = PairKind::MauticContacts;

    fn system(text: &str) -> System {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_set_is_read_and_everything_else_is_the_default() {
        let stored = json!({ "conflict": "remote", "to_hub": { "delete": false } });
        let settings = pair_settings(CONTACTS, Some(stored)).unwrap();
        let mut expected = PairSettings { conflict: Winner::Remote, ..PairSettings::default() };
        expected.to_hub.delete = false;
        assert_eq!(settings, expected);
        assert_eq!(pair_settings(CONTACTS, None).unwrap(), PairSettings::default());
        let whole = serde_json::to_value(PairSettings::default()).unwrap();
        assert_eq!(pair_settings(CONTACTS, Some(whole)).unwrap(), PairSettings::default());
        let mut poll = serde_json::to_value(PollSettings::default()).unwrap();
        // HubSpot's.
        poll.as_object_mut().unwrap().remove("walk_pages");
        assert_eq!(poll_settings(&system("mautic:main"), Some(poll)).unwrap(), PollSettings::default());
    }

    #[test]
    fn what_is_unknown_or_nonsense_is_told_by_name_and_without_the_value() {
        for (stored, told) in [
            (
                json!({ "to_hub": { "delte": true } }),
                "mautic-contacts.to-corebos.delte (to_hub.delte in pair:mautic-contacts)",
            ),
            (json!({ "to_hub": { "delte": true } }), "did you mean `delete`?"),
            (json!({ "to_remote": { "create": "hunter2" } }), "mautic-contacts.to-mautic.create"),
            (json!({ "to_remote": "hunter2" }), "no JSON object"),
            (json!({ "writes_per_link": 0 }), "mautic-contacts.writes-per-link (writes_per_link in"),
            (json!({ "conflict": "hunter2" }), "newest (the later edit)"),
            (json!({ "hunter": 2 }), "no such setting"),
            (json!(["hunter2"]), "no JSON object"),
        ] {
            let error = pair_settings(CONTACTS, Some(stored)).unwrap_err().to_string();
            assert!(error.contains(told) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn polls_that_cannot_be_meant_are_refused() {
        for wrong in [
            json!({ "every_seconds": 5 }),
            json!({ "faster_hours": { "from": "08:00", "to": "18:00", "every_seconds": 0 } }),
            json!({ "overlap_seconds": 90_000 }),
            json!({ "time_zone": "Europe/Atlantis" }),
            json!({ "every": 60 }),
            json!({ "quiet_days": ["caturday"] }),
            json!({ "quiet_hours": { "from": "25:00", "to": "1:0" } }),
        ] {
            assert!(poll_settings(&system("mautic:main"), Some(wrong.clone())).is_err(), "{wrong}");
        }
        let roll = json!({ "call_roll": false });
        assert!(poll_settings(&system("mautic:main"), Some(roll.clone())).is_ok());
        assert!(poll_settings(&system("corebos:main"), Some(roll)).is_err(), "coreBOS tells its deletes");
        let walk = json!({ "walk_pages": 100 });
        assert!(poll_settings(&system("hubspot:main"), Some(walk.clone())).is_ok());
        assert!(
            poll_settings(&system("mautic:main"), Some(walk)).is_err(),
            "an association moves Mautic's dates"
        );
        assert!(poll_settings(&system("hubspot:main"), Some(json!({ "walk_pages": 101 }))).is_err());
    }

    #[test]
    fn what_is_the_bridge_s_and_what_is_the_connector_s_are_told_apart() {
        let (settings, rest) =
            system_settings(&system("mautic:main"), Some(json!({ "active": false }))).unwrap();
        assert_eq!((settings, rest), (SystemSettings { active: false }, json!({})));
        let stored = json!({ "default_owner": "20x3", "sessions": 1 });
        let (settings, rest) = system_settings(&system("corebos:main"), Some(stored.clone())).unwrap();
        assert_eq!((settings, rest), (SystemSettings::default(), stored));
        let none = json!({ "default_owner": null });
        assert_eq!(system_settings(&system("corebos:main"), Some(none)).unwrap().1, json!({}));
        let error = system_settings(&system("corebos:main"), Some(json!({ "sessions": 99 }))).unwrap_err();
        assert!(error.to_string().contains("a number from 1 to 16"), "{error}");
        assert!(system_settings(&system("corebos:main"), Some(json!({ "active": false }))).is_err());
    }

    #[test]
    fn every_item_is_known_or_told() {
        let pair = |kind| Pair { kind, hub: system("corebos:main"), remote: system("mautic:main") };
        let places = places(&PairKind::ALL.map(pair), &[]);
        for (key, item, told) in [
            ("pair:mautic-contacts", json!({ "conflict": "newest" }), None),
            ("poll:mautic:main", json!({ "every_seconds": 60 }), None),
            ("identity#mautic:main", json!("https://m.example as user 1"), None),
            ("rivals#corebos:main", json!({}), None),
            ("map:ContactsToMautic", json!(mapping::shipped::find("ContactsToMautic").unwrap().xml), None),
            ("map:ContactsToMautic", json!("<map>"), Some("map:ContactsToMautic")),
            ("pair:mautic-contact", json!({}), Some("did you mean `pair:mautic-contacts`?")),
            ("poll:mautic:old", json!({}), Some("no function of this stack reads it")),
            ("poll:mautic:main", json!({ "every_seconds": 1 }), Some("mautic.poll-frequency")),
            ("system:mautic:main", json!({ "activ": false }), Some("did you mean `active`?")),
        ] {
            let found = problems(&places, key, &item);
            match told {
                None => assert_eq!(found, [], "{key}"),
                Some(told) => assert!(found[0].to_string().contains(told), "{key}: {found:?}"),
            }
        }
    }
}
