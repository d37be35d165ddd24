//! The table of settings as the README shows it.

use std::fmt::Write as _;

use model::SystemKind;

use super::{SETTINGS, Scope};

/// The table as the README shows it, for the kinds of system that are connected so far.
pub fn settings_as_markdown(kinds: &[SystemKind]) -> String {
    let mut text = "| setting | default | may be | meaning |\n|---|---|---|---|\n".to_owned();
    for setting in SETTINGS {
        let name = match setting.scope {
            Scope::System(of) => {
                let of: Vec<&str> =
                    of.iter().filter(|kind| kinds.contains(kind)).map(|kind| kind.as_str()).collect();
                if of.is_empty() {
                    continue;
                }
                format!("`{}.{}`", of.join("`, `"), setting.name)
                    .replace("`, `", &format!(".{}`, `", setting.name))
            }
            Scope::Pair => format!("`PAIR.{}`", setting.name),
            Scope::Direction => format!("`PAIR.to-SYSTEM.{}`", setting.name),
            Scope::Map => "`map.NAME`".to_owned(),
        };
        let known_as = setting.known_as.iter().filter(|(kind, _)| kinds.contains(kind));
        let known_as: Vec<&str> = known_as.map(|(_, name)| *name).collect();
        let known_as =
            if known_as.is_empty() { String::new() } else { format!(" (`{}`)", known_as.join("`, `")) };
        let (default, allowed, meaning) = (setting.default, setting.kind.allowed(), setting.meaning);
        let _ = writeln!(text, "| {name}{known_as} | {default} | {allowed} | {meaning} |");
    }
    text
}
