//! What the table of settings must hold.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use super::super::{PairSettings, SystemSettings};
use super::*;
use crate::PollSettings;

fn object(of: &impl Serialize) -> Map<String, Value> {
    serde_json::to_value(of).unwrap().as_object().unwrap().clone()
}

/// The settings of an item, each with its default, once per field.
fn rows(wanted: impl Fn(&Setting) -> bool) -> Map<String, Value> {
    let rows = SETTINGS.iter().filter(|setting| wanted(setting));
    rows.map(|row| (row.field.to_owned(), row.kind.parse(row.default).unwrap())).collect()
}

#[test]
fn everything_that_is_read_from_settings_has_a_row_with_its_default_and_no_row_is_for_nothing() {
    let mut pair = object(&PairSettings::default());
    let to_hub = pair.remove("to_hub").unwrap();
    let to_remote = pair.remove("to_remote").unwrap();
    assert_eq!(rows(|row| row.item == Item::Pair && row.scope == Scope::Pair), pair);
    let direction = rows(|row| row.item == Item::Pair && row.scope == Scope::Direction);
    assert_eq!(Value::Object(direction.clone()), to_hub);
    assert_eq!(Value::Object(direction), to_remote);
    assert_eq!(rows(|row| row.item == Item::Poll), object(&PollSettings::default()));
    assert_eq!(
        rows(|row| row.item == Item::System && row.field == "active"),
        object(&SystemSettings::default())
    );
}

#[test]
fn names_are_unique_and_plain() {
    let mut seen = BTreeSet::new();
    for setting in SETTINGS {
        assert!(seen.insert(setting.name), "{} is there twice", setting.name);
        let plain = |c: char| c.is_ascii_lowercase() || c == '-';
        assert!(setting.name.chars().all(plain), "{}", setting.name);
        assert!(!setting.meaning.is_empty() && !setting.meaning.ends_with('.'), "{}", setting.name);
    }
}

/// The settings of coreBOS's own Mautic integration, from its table `cb_settings`.
#[test]
fn every_setting_of_corebos_s_own_mautic_integration_is_here_or_is_told_where_it_is() {
    let known: Vec<&str> = SETTINGS
        .iter()
        .flat_map(|setting| setting.known_as.iter().map(|(_, name)| *name))
        .chain(ELSEWHERE.iter().map(|(name, _)| *name))
        .collect();
    for name in "mautic_isactive mabaseurl maversion maclientkey maclientsecret macallback maaccesstoken \
                 maaccesstokensecret maaccesstokenexpires matokentype marefreshtoken maleadsync macompaniessync \
                 mauticusername mauticpassword mauticwebhooksecret"
        .split_whitespace()
    {
        assert_eq!(known.iter().filter(|known| **known == name).count(), 1, "{name}");
    }
}

#[test]
fn the_readme_s_table_has_a_row_for_each_setting_of_the_systems_that_are_connected() {
    let text = settings_as_markdown(&[SystemKind::CoreBos, SystemKind::Mautic]);
    assert!(text.contains("| `mautic.active` (`mautic_isactive`) | on | on or off |"), "{text}");
    assert!(text.contains("| `corebos.poll-frequency`, `mautic.poll-frequency` | 6 min |"), "{text}");
    assert!(text.contains("| `PAIR.to-SYSTEM.delete` |"), "{text}");
    assert!(!text.contains("hubspot"), "{text}");
    assert!(text.lines().all(|line| line.matches(" | ").count() == 3 || line.starts_with("|---")), "{text}");
}
