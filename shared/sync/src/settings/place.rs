//! Where each setting of a stack is: its whole name, the item of the table, the field in it.

use model::{Direction, Pair, PairKind, System};
use serde_json::{Map, Value};

use super::table::{ELSEWHERE, Item, SETTINGS, Scope, Setting, direction_name};
use crate::pairs::pair_spec;

/// A setting of a system, of a pair, of a direction, or a map.
#[derive(Clone, Debug)]
pub struct Place {
    /// The row.
    pub setting: &'static Setting,
    /// Its whole name: `mautic-contacts.to-corebos.delete`.
    pub name: String,
    /// Its whole name with the name of the instance: `mautic:main.active`. Only of systems.
    pub long_name: Option<String>,
    /// What coreBOS calls it.
    pub known_as: Option<&'static str>,
    /// The key of the item.
    pub key: String,
    /// The way to it in the item, which is a JSON object; blank for the whole item.
    pub path: Vec<&'static str>,
    /// The pair, where it is of one.
    pub pair: Option<PairKind>,
}

/// The key of a pair's settings.
pub fn pair_key(kind: PairKind) -> String {
    format!("pair:{}", kind.as_str())
}

/// The key of the settings of a system's polls.
pub fn poll_key(system: &System) -> String {
    format!("poll:{system}")
}

/// The key of what an administrator sets about a system.
pub fn system_key(system: &System) -> String {
    format!("system:{system}")
}

/// The key of a map.
pub fn map_key(name: &str) -> String {
    format!("map:{name}")
}

/// The member of an item that holds the switches of a direction.
pub(super) fn direction_field(direction: Direction) -> &'static str {
    match direction {
        Direction::ToHub => "to_hub",
        Direction::ToRemote => "to_remote",
    }
}

/// The map that makes users of sites. They are no pair.
const MAP_OF_SITES: &str = "MauticToUsers";

/// All settings of a stack with these pairs and WordPress sites: of its systems, of its pairs, its maps.
pub fn places(pairs: &[Pair], sites: &[System]) -> Vec<Place> {
    let mut systems: Vec<&System> = pairs.iter().flat_map(|pair| [&pair.hub, &pair.remote]).collect();
    systems.extend(sites);
    systems.sort();
    systems.dedup();
    let is_alone =
        |system: &System| systems.iter().filter(|other| other.kind() == system.kind()).count() == 1;
    let of_systems = systems.iter().flat_map(|system| of_system(system, is_alone(system)));
    let of_pairs = pairs.iter().flat_map(|pair| of_pair(pair.kind));
    let of_maps = pairs.iter().flat_map(|pair| of_maps(pair.kind));
    let of_sites = SETTINGS.iter().filter(|setting| setting.scope == Scope::Map && !sites.is_empty());
    let of_sites = of_sites.map(|setting| of_map(setting, MAP_OF_SITES, None));
    of_systems.chain(of_pairs).chain(of_maps).chain(of_sites).collect()
}

/// The settings of a system. Several of a kind are called by the names of the instances, and coreBOS knows one only.
fn of_system(system: &System, is_alone: bool) -> Vec<Place> {
    let rows = SETTINGS.iter().filter(|setting| setting.is_of(system.kind()));
    let place = |setting: &'static Setting| Place {
        setting,
        name: if is_alone {
            format!("{}.{}", system.kind().as_str(), setting.name)
        } else {
            format!("{system}.{}", setting.name)
        },
        long_name: Some(format!("{system}.{}", setting.name)),
        known_as: setting
            .known_as
            .iter()
            .find(|(kind, _)| is_alone && *kind == system.kind())
            .map(|(_, name)| *name),
        key: if setting.item == Item::Poll { poll_key(system) } else { system_key(system) },
        path: vec![setting.field],
        pair: None,
    };
    rows.map(place).collect()
}

fn of_pair(kind: PairKind) -> Vec<Place> {
    let spec = pair_spec(kind);
    let place = |setting: &'static Setting, within: Option<Direction>| {
        let direction = within.map(|direction| direction_name(direction, spec.remote_kind));
        let parts = std::iter::once(kind.as_str()).chain(direction.as_deref());
        Place {
            setting,
            name: parts.chain([setting.name]).collect::<Vec<_>>().join("."),
            long_name: None,
            known_as: None,
            key: pair_key(kind),
            path: within.map(direction_field).into_iter().chain([setting.field]).collect(),
            pair: Some(kind),
        }
    };
    let of_pair = SETTINGS.iter().filter(|setting| setting.scope == Scope::Pair);
    let mut places: Vec<Place> = of_pair.map(|setting| place(setting, None)).collect();
    for direction in [Direction::ToHub, Direction::ToRemote] {
        // What a pair has not, it cannot carry.
        let has = |setting: &&Setting| match setting.field {
            "opt_outs" => spec.opt_out.is_some(),
            "associations" => !spec.associations.is_empty() && spec.beside().is_none(),
            _ => setting.scope == Scope::Direction,
        };
        places.extend(SETTINGS.iter().filter(has).map(|setting| place(setting, Some(direction))));
    }
    places
}

fn of_maps(kind: PairKind) -> Vec<Place> {
    let spec = pair_spec(kind);
    let rows = SETTINGS.iter().filter(|setting| setting.scope == Scope::Map);
    let named = |setting: &'static Setting| {
        [spec.map_to_hub, spec.map_to_remote].map(|map| of_map(setting, map, Some(kind)))
    };
    rows.flat_map(named).collect()
}

fn of_map(setting: &'static Setting, map: &str, pair: Option<PairKind>) -> Place {
    Place {
        setting,
        name: format!("map.{map}"),
        long_name: None,
        known_as: None,
        key: map_key(map),
        path: Vec::new(),
        pair,
    }
}

/// Why there is no such setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoSuchSetting {
    /// coreBOS has it, and here it is something else.
    #[error("{name} of coreBOS is no setting here: {instead}")]
    Elsewhere {
        /// What coreBOS calls it.
        name: String,
        /// What there is instead.
        instead: &'static str,
    },
    /// Nobody knows it.
    #[error("there is no setting {name}{}", meant.as_ref().map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default())]
    Unknown {
        /// As it was written.
        name: String,
        /// What was probably meant.
        meant: Option<String>,
    },
}

/// The setting of this name: its own, with or without the instance, or coreBOS's.
///
/// # Errors
/// There is none; and what was probably meant.
pub fn find<'p>(places: &'p [Place], name: &str) -> Result<&'p Place, NoSuchSetting> {
    let wanted = name.trim();
    let is = |known: &str| known.eq_ignore_ascii_case(wanted);
    let found = places.iter().find(|place| {
        is(&place.name) || place.long_name.as_deref().is_some_and(is) || place.known_as.is_some_and(is)
    });
    if let Some(place) = found {
        return Ok(place);
    }
    if let Some((known, instead)) = ELSEWHERE.iter().find(|(known, _)| is(known)) {
        return Err(NoSuchSetting::Elsewhere { name: (*known).to_owned(), instead });
    }
    let names = places.iter().map(|place| place.name.as_str());
    let names = names.chain(places.iter().filter_map(|place| place.known_as));
    let meant = mapping::suggestion(wanted, names).map(str::to_owned);
    // Whoever writes only the last words of a name is not asked to guess the first ones.
    let ends_so = |place: &&Place| place.name.ends_with(&format!(".{}", wanted.to_lowercase()));
    let meant = meant.or_else(|| places.iter().find(ends_so).map(|place| place.name.clone()));
    Err(NoSuchSetting::Unknown { name: name.to_owned(), meant })
}

impl Place {
    /// What is set in an item; `None`: the default holds.
    pub fn value<'v>(&self, item: &'v Value) -> Option<&'v Value> {
        self.path.iter().try_fold(item, |value, field| value.get(field)).filter(|value| !value.is_null())
    }

    /// The default.
    pub fn default(&self) -> Value {
        // A test parses every default of the table.
        self.setting.kind.parse(self.setting.default).unwrap_or_default()
    }

    /// The item with this value; `None` where nothing is left in it. Nothing else in it is touched.
    ///
    /// # Errors
    /// The item is no JSON object, so that nothing can be put into it.
    pub fn put(&self, item: Option<&Value>, value: Option<Value>) -> Result<Option<Value>, String> {
        let Some((last, within)) = self.path.split_last() else { return Ok(value) };
        let not_an_object = || format!("what is stored as {} is no JSON object: unset it first", self.key);
        let mut root = match item {
            None | Some(Value::Null) => Map::new(),
            Some(item) => item.as_object().ok_or_else(not_an_object)?.clone(),
        };
        let mut object = &mut root;
        for field in within {
            let inner = object.entry(*field).or_insert_with(|| Value::Object(Map::new()));
            object = inner.as_object_mut().ok_or_else(not_an_object)?;
        }
        match value {
            Some(value) => {
                object.insert((*last).to_owned(), value);
            }
            None => {
                object.remove(*last);
            }
        }
        root.retain(|_, value| value.as_object().is_none_or(|inner| !inner.is_empty()));
        Ok(Some(Value::Object(root)).filter(|root| root.as_object().is_some_and(|root| !root.is_empty())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn all() -> Vec<Place> {
        let system = |text: &str| text.parse::<System>().unwrap();
        let remote = |kind| System::new(crate::pair_spec(kind).remote_kind, "main").unwrap();
        let pairs =
            PairKind::ALL.map(|kind| Pair { kind, hub: system("corebos:main"), remote: remote(kind) });
        places(&pairs, &[system("wordpress:shop")])
    }

    fn place(name: &str) -> Place {
        find(&all(), name).unwrap().clone()
    }

    #[test]
    fn a_setting_is_found_by_its_name_by_the_instance_s_and_by_corebos_s() {
        for (name, key, path) in [
            ("mautic.active", "system:mautic:main", vec!["active"]),
            ("mautic:main.active", "system:mautic:main", vec!["active"]),
            ("MAUTIC_ISACTIVE", "system:mautic:main", vec!["active"]),
            ("corebos.poll-frequency", "poll:corebos:main", vec!["every_seconds"]),
            ("mautic-contacts.to-corebos.delete", "pair:mautic-contacts", vec!["to_hub", "delete"]),
            ("mautic-contacts.to-mautic.opt-outs", "pair:mautic-contacts", vec!["to_remote", "opt_outs"]),
            ("mautic-companies.conflict", "pair:mautic-companies", vec!["conflict"]),
            ("map.ContactsToMautic", "map:ContactsToMautic", vec![]),
            ("wordpress.users-tag", "system:wordpress:shop", vec!["users_tag"]),
            ("wordpress:shop.when-deleted", "system:wordpress:shop", vec!["when_deleted"]),
            ("map.MauticToUsers", "map:MauticToUsers", vec![]),
        ] {
            let found = place(name);
            assert_eq!((found.key.as_str(), found.path), (key, path), "{name}");
        }
    }

    #[test]
    fn of_several_systems_of_a_kind_each_is_called_by_its_name() {
        let system = |text: &str| text.parse::<System>().unwrap();
        let kind = PairKind::MauticContacts;
        let pair = |remote| Pair { kind, hub: system("corebos:main"), remote: system(remote) };
        let places = places(&[pair("mautic:shop"), pair("mautic:blog")], &[]);
        assert_eq!(find(&places, "mautic:blog.active").unwrap().key, "system:mautic:blog");
        assert_eq!(find(&places, "mautic:shop.active").unwrap().key, "system:mautic:shop");
        assert!(find(&places, "mautic.active").is_err() && find(&places, "mautic_isactive").is_err());
        assert_eq!(find(&places, "corebos.sessions").unwrap().key, "system:corebos:main");
    }

    #[test]
    fn each_operation_of_each_direction_of_each_pair_has_a_switch() {
        for pair in PairKind::ALL {
            let remote = format!("to-{}", crate::pair_spec(pair).remote_kind.as_str());
            for direction in ["to-corebos", &remote] {
                for operation in ["create", "update", "delete"] {
                    let name = format!("{}.{direction}.{operation}", pair.as_str());
                    assert_eq!(place(&name).default(), json!(true), "{name}");
                }
            }
        }
    }

    #[test]
    fn a_name_that_is_none_is_answered_with_what_was_meant() {
        let told = |name: &str| find(&all(), name).unwrap_err().to_string();
        assert!(told("mautic-contacts.to-corebos.delte").contains("`mautic-contacts.to-corebos.delete`?"));
        assert!(told("mautic_isactiv").contains("`mautic_isactive`?"));
        assert!(told("conflict").contains("`mautic-contacts.conflict`?"));
        assert_eq!(told("xyzzy"), "there is no setting xyzzy");
        assert!(told("maleadsync").contains("bridge import --pair contacts --from mautic"));
        assert!(told("mautic-companies.to-corebos.associations").contains("no setting"));
        let mautic: Vec<Place> = all().into_iter().filter(|place| !place.name.contains("hubspot")).collect();
        let told = find(&mautic, "hubspot_isactive").unwrap_err().to_string();
        assert!(told.contains("no setting"), "no such system here");
    }

    #[test]
    fn a_value_is_put_and_taken_and_nothing_else_is_touched() {
        let delete = place("mautic-contacts.to-corebos.delete");
        let item = json!({ "conflict": "remote", "to_hub": { "create": false } });
        let put = delete.put(Some(&item), Some(json!(false))).unwrap().unwrap();
        let expected = json!({ "conflict": "remote", "to_hub": { "create": false, "delete": false } });
        assert_eq!(put, expected);
        assert_eq!(delete.value(&put), Some(&json!(false)));
        assert_eq!(delete.put(Some(&put), None).unwrap(), Some(item));
        let alone = delete.put(None, Some(json!(false))).unwrap().unwrap();
        assert_eq!(alone, json!({ "to_hub": { "delete": false } }));
        assert_eq!(delete.put(Some(&alone), None).unwrap(), None, "an empty item is none");
        assert!(delete.put(Some(&json!("rubbish")), Some(json!(false))).is_err());
        let map = place("map.ContactsToMautic");
        assert_eq!(map.put(Some(&json!("<old/>")), Some(json!("<new/>"))), Ok(Some(json!("<new/>"))));
        assert_eq!(map.put(Some(&json!("<old/>")), None), Ok(None));
    }
}
