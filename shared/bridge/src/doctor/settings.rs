//! The settings: none that is unknown or cannot be meant, and which systems are switched off.

use aws::DynamoStore;
use model::System;

use super::check::Checks;
use crate::settings::Stored;
use crate::stack::Stack;

/// So many remembered records are counted; more are told as that.
const COUNTED: usize = 1_000;

pub(super) async fn examine(stack: &Stack, store: &DynamoStore, checks: &mut Checks) {
    let stored = match Stored::read(stack).await {
        Ok(stored) => stored,
        Err(error) => {
            checks.problem("settings", format!("{error:#}"), "check your rights on the table");
            return;
        }
    };
    let problems = stored.problems();
    for wrong in &problems {
        let remedy =
            format!("correct it with `bridge settings`, or `bridge settings unset '{}'`", wrong.name);
        checks.problem(format!("setting {}", wrong.name), wrong.to_string(), remedy);
    }
    if problems.is_empty() {
        let set = stored.places.iter().filter(|place| stored.is_set(place)).count();
        checks.ok("settings", format!("{set} of {} are set", stored.places.len()));
    }
    let Ok(pairs) = stack.pairs() else { return };
    let mut remotes: Vec<(System, System)> = pairs.into_iter().map(|pair| (pair.remote, pair.hub)).collect();
    remotes.dedup();
    for (remote, hub) in remotes {
        switched_off(store, &remote, &hub, checks).await;
    }
}

async fn switched_off(store: &DynamoStore, remote: &System, hub: &System, checks: &mut Checks) {
    // One that cannot be read has been told.
    let Ok((settings, _)) = wiring::systems::settings_of(store, remote).await else { return };
    if settings.active {
        return;
    }
    let mut waiting = 0;
    for towards in [remote, hub] {
        waiting +=
            wiring::switched_off::remembered(store, remote, towards, COUNTED).await.unwrap_or_default();
    }
    let more = if waiting >= COUNTED { " or more" } else { "" };
    checks.warning(
        format!("{remote}: active"),
        format!(
            "switched off by the settings; {waiting}{more} records that changed meanwhile are remembered"
        ),
        format!("`bridge settings set {}.active on` switches it on", remote.kind().as_str()),
    );
}
