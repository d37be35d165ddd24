//! The custom fields in Mautic that the map of visitor events fills and that are not there yet.

use anyhow::{Result, anyhow};
use connector_signal::{SignalPreferences, settings::preferences_key};
use mapping::{FieldMap, Semantics};
use model::SystemKind;

use crate::stack::Stack;

/// What the map fills besides fields: Mautic takes them by these names, whatever fields there are.
const NO_FIELDS: [&str; 2] = ["ipAddress", "lastActive"];
/// The map of visitor events.
const MAP: &str = "SignalToMautic";

/// The aliases that the map of visitor events fills; none where the stack takes no such events.
///
/// # Errors
/// The table does not answer, or what stands there cannot be used.
pub async fn wanted_fields(stack: &Stack) -> Result<Vec<String>> {
    if stack.environment.secret(SystemKind::Signal).is_err() {
        return Ok(Vec::new());
    }
    let store = stack.store()?;
    let system = stack.environment.instance(SystemKind::Signal)?;
    let preferences: SignalPreferences = store.setting(&preferences_key(&system)).await?.unwrap_or_default();
    let own: Option<String> = store.setting(&format!("map:{MAP}")).await?;
    let shipped = || mapping::shipped::find(MAP).map(|map| map.xml.to_owned());
    let xml = own.or_else(shipped).ok_or_else(|| anyhow!("there is no map {MAP}"))?;
    let map =
        FieldMap::compile(MAP, xml.as_bytes(), Semantics::Bridge).map_err(|error| anyhow!("{error}"))?;
    let is_no_field =
        |name: &str| NO_FIELDS.contains(&name) || name.starts_with("utm_") && !preferences.utm.has_fields();
    Ok(map
        .targets()
        .map(mapping::Target::name)
        .filter(|name| !is_no_field(name))
        .map(str::to_owned)
        .collect())
}

/// What a field is called in Mautic's pages: `utm_source` is `UTM source`.
pub fn label(alias: &str) -> String {
    let words = alias.replace('_', " ");
    let words = words.strip_prefix("utm ").map_or_else(|| words.clone(), |rest| format!("UTM {rest}"));
    let mut letters = words.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_words() {
        assert_eq!(label("utm_source"), "UTM source");
        assert_eq!(label("signal_signup_method"), "Signal signup method");
    }
}
