//! `bridge settings set` and `unset`: over what was read, and only that.

use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail};
use aws::SystemClock;
use serde_json::Value;
use sync::Clock as _;
use sync::settings::{Place, ValueKind, WrongSetting, find};

use super::IN_EFFECT;
use super::table::Stored;
use crate::local::FROM_THE_FILE;
use crate::screen::{BOLD, CARE, GOOD, NAME, clean, line, styled};
use crate::stack::Stack;

/// How often a change is tried again that met another one.
const ATTEMPTS: u32 = 5;

pub(super) async fn set(stack: &Stack, name: &str, value: &str) -> Result<ExitCode> {
    let text = match value.strip_prefix('@') {
        None => value.to_owned(),
        Some(file) => std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?,
    };
    let places = Stored::read(stack).await?.places;
    let place = find(&places, name)?;
    let kind = place.setting.kind;
    if kind == ValueKind::Map && !value.starts_with('@') {
        bail!(
            "{}: write the name of a file behind an @: `bridge settings set {} @FILE`",
            place.name,
            place.name
        );
    }
    let new = kind.parse(&text).map_err(|problem| anyhow!("{}: {}", place.name, clean(&problem)))?;
    // `none` is the default of what can be none.
    change(stack, place, (!new.is_null()).then_some(new)).await
}

pub(super) async fn unset(stack: &Stack, name: &str) -> Result<ExitCode> {
    let stored = Stored::read(stack).await?;
    // What is wrong has no row, or is no value of it.
    if let Some(wrong) = stored.problems().into_iter().find(|wrong| wrong.name == name.trim()) {
        return remove(stack, &stored, &wrong).await;
    }
    change(stack, find(&stored.places, name)?, None).await
}

async fn change(stack: &Stack, place: &Place, new: Option<Value>) -> Result<ExitCode> {
    let (store, by, setting) = (stack.store()?, who(), place.setting);
    for _ in 0..ATTEMPTS {
        let read = store.stored_setting(&place.key).await?;
        let item = read.as_ref().map(|read| &read.value);
        let old = item.and_then(|item| place.value(item)).cloned();
        if old == new {
            let held = new
                .map_or_else(|| format!("{} (the default)", setting.default), |new| setting.kind.show(&new));
            line(&format!("{} is {} already", styled(NAME, &place.name), styled(BOLD, &clean(&held))));
            return Ok(ExitCode::SUCCESS);
        }
        let item = place.put(item, new.clone()).map_err(|problem| anyhow!(problem))?;
        if !store.change_setting(&place.key, read.as_ref(), item.as_ref(), (SystemClock.now(), &by)).await? {
            continue;
        }
        let shown = |value: Option<&Value>| match value {
            Some(value) => clean(&setting.kind.show(value)),
            None => format!("{} (the default)", setting.default),
        };
        let (old, new) = (shown(old.as_ref()), shown(new.as_ref()));
        line(&format!("{}: {old} ▶ {}", styled(NAME, &place.name), styled(GOOD, &new)));
        line(&format!("  {}", setting.meaning));
        line(IN_EFFECT);
        let by_file = read.and_then(|read| read.changed).is_some_and(|(_, by)| by == FROM_THE_FILE);
        if by_file {
            line(&styled(
                CARE,
                "bridge.toml has settings of this kind and sets them at each start: change it there, too.",
            ));
        }
        return Ok(ExitCode::SUCCESS);
    }
    bail!("{} keeps being changed by somebody else; nothing has been changed here", place.name)
}

/// Removes what is stored and should not be.
async fn remove(stack: &Stack, stored: &Stored, wrong: &WrongSetting) -> Result<ExitCode> {
    let read = stored.item(&wrong.key);
    let item = match wrong.field.as_str() {
        "all" => None,
        field => read.and_then(|read| without(&read.value, field)),
    };
    let store = stack.store()?;
    if !store.change_setting(&wrong.key, read, item.as_ref(), (SystemClock.now(), &who())).await? {
        bail!("{} was changed by somebody else meanwhile; look again", wrong.key);
    }
    line(&format!("{} is removed: {}", styled(NAME, &clean(&wrong.name)), clean(&wrong.problem)));
    line(IN_EFFECT);
    Ok(ExitCode::SUCCESS)
}

/// An item without one of its fields; nothing where nothing is left.
fn without(item: &Value, field: &str) -> Option<Value> {
    let mut item = item.clone();
    let object = match field.split_once('.') {
        // A name from outside may hold a dot itself.
        Some((within, field))
            if item.get(field).is_none() && item.get(within).is_some_and(Value::is_object) =>
        {
            item.get_mut(within)?.as_object_mut()?.remove(field);
            item.as_object_mut()?
        }
        _ => {
            let object = item.as_object_mut()?;
            object.remove(field);
            object
        }
    };
    object.retain(|_, value| value.as_object().is_none_or(|inner| !inner.is_empty()));
    (!object.is_empty()).then_some(item)
}

/// Who types: written down beside the change.
#[expect(clippy::disallowed_methods, reason = "who is at the keyboard stands in the environment only")]
pub(super) fn who() -> String {
    let name = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|variable| std::env::var(variable).ok());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "somebody".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_wrong_field_is_taken_out_and_nothing_else() {
        let item = json!({ "conflict": "newest", "to_hub": { "delte": true }, "a.b": 1 });
        let left = json!({ "conflict": "newest", "a.b": 1 });
        assert_eq!(without(&item, "to_hub.delte"), Some(left));
        assert_eq!(without(&item, "a.b").unwrap().get("a.b"), None);
        assert_eq!(without(&json!({ "x": 1 }), "x"), None);
    }
}
