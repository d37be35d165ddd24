//! What all systems have in common: configuration, secret, identity, clock, rivals.

use aws::config::SystemConfig;
use aws::{DynamoStore, SystemClock};
use jiff::{SignedDuration, Timestamp};
use model::SystemKind;
use serde_json::{Map, Value};
use sync::{Clock as _, Opens};

use super::check::Checks;
use crate::stack::Stack;

/// Clocks that differ by more than this make the later of two edits uncertain.
const CLOCK_WARNING: SignedDuration = SignedDuration::from_secs(5);
/// Clocks that differ by more than this make polls miss records.
const CLOCK_PROBLEM: SignedDuration = SignedDuration::from_secs(50);

/// What a system proves its webhooks with.
#[derive(Clone, Copy)]
pub(super) enum Signs {
    /// Secrets or keys in this member of its secret, which the bridge makes.
    Listed(&'static str),
    /// The client secret of an app, if there is one: without it there are no webhooks.
    ClientSecret,
}

/// The URL, the secret and the connector of a system.
pub(super) async fn open<C: Opens>(
    stack: &Stack,
    store: &DynamoStore,
    kind: SystemKind,
    signs: Signs,
    checks: &mut Checks,
) -> Option<(SystemConfig, C)> {
    let config = match stack.environment.system(kind) {
        Ok(config) => config,
        Err(error) => {
            checks.problem(
                format!("{}: configuration", kind.as_str()),
                error.to_string(),
                "deploy with the right parameter",
            );
            return None;
        }
    };
    let name = |what: &str| format!("{}: {what}", config.system);
    let secrets = stack.secrets();
    match secrets.secret::<Map<String, Value>>(&config.secret).await {
        Ok(secret) => match signs {
            Signs::Listed(member) => secret_s_shape(&secret, member, &name("secret"), checks),
            Signs::ClientSecret => client_secret(&secret, &name("secret"), checks),
        },
        Err(error) => {
            checks.problem(name("secret"), error.to_string(), "create the secret, or let us read it");
            return None;
        }
    }
    match wiring::systems::connect(&config, &secrets, store).await {
        Ok(connector) => Some((config, connector)),
        Err(error) => {
            checks.problem(name("secret"), error.to_string(), "correct the secret, or the setting it names");
            None
        }
    }
}

/// Whether the secret has what webhooks need; what calls need is told when it is opened.
fn secret_s_shape(secret: &Map<String, Value>, member: &str, name: &str, checks: &mut Checks) {
    let listed = secret.get(member).and_then(Value::as_array);
    let texts = || listed.into_iter().flatten().filter_map(Value::as_str).filter(|text| !text.is_empty());
    let setup = format!("run `bridge setup {}`, which makes one", name.split(':').next().unwrap_or_default());
    match (listed, texts().count()) {
        (None, _) => checks.problem(name, format!("it has no list {member}"), setup),
        (Some(_), 0) => checks.problem(name, format!("{member} is empty: every webhook is refused"), setup),
        (Some(_), _) if texts().any(|text| text.chars().count() < 16) => {
            checks.warning(
                name,
                format!("{member} holds one that can be guessed"),
                format!("{setup}: add --rotate"),
            );
        }
        (Some(_), count @ 1..=2) => checks.ok(name, format!("readable, {member} has {count}")),
        (Some(_), count) => {
            checks.warning(
                name,
                format!("{member} holds {count}"),
                "keep the current and the previous one only",
            );
        }
    }
}

/// Whether the secret has what the webhooks of an app are signed with.
fn client_secret(secret: &Map<String, Value>, name: &str, checks: &mut Checks) {
    let is_there = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let listed = secret.get("webhook_secrets").and_then(Value::as_array).into_iter().flatten();
    if secret.get("client_secret").into_iter().chain(listed).any(is_there) {
        checks.ok(name, "readable, with the client secret of an app");
    } else {
        let remedy = "as it must be with a service key; an app sends webhooks, see `bridge setup hubspot --project DIR`";
        checks.warning(
            name,
            "it has no client secret: webhooks are refused, and changes wait for a poll",
            remedy,
        );
    }
}

/// Whether the system is the one that it was at first contact.
pub(super) async fn identity<C: Opens>(store: &DynamoStore, system: &C, checks: &mut Checks) {
    let name = format!("{}: identity", system.system());
    let stored = store.setting::<String>(&aws::store::keys::identity_setting(system.system())).await;
    match (system.identity().await, stored) {
        (Ok(seen), Ok(None)) => checks.ok(name, format!("{seen}, for the first time")),
        (Ok(seen), Ok(Some(first))) if seen == first => checks.ok(name, seen),
        (Ok(seen), Ok(Some(first))) => checks.problem(
            name,
            format!("it was {first} at first contact and is {seen} now; its pairs are stopped"),
            format!(
                "put the old URL or user back; or confirm the change with `bridge settings confirm-identity {}`",
                system.system().kind().as_str()
            ),
        ),
        (Err(error), _) => checks.refused(name, &error),
        (Ok(_), Err(error)) => checks.problem(name, error.to_string(), ""),
    }
}

/// How far the system's clock is from ours.
pub(super) fn clock(name: &str, server_time: Option<Timestamp>, checks: &mut Checks) {
    let name = format!("{name}: clock");
    let Some(server_time) = server_time else {
        checks.warning(name, "the system does not tell its time", "look at it yourself");
        return;
    };
    let differs = server_time.duration_since(SystemClock.now());
    let seen = format!("differs from ours by {} s", differs.as_secs());
    let remedy =
        "let both machines keep time by NTP: who wins a conflict, and what polls ask for, goes by it";
    match differs.abs() {
        differs if differs > CLOCK_PROBLEM => checks.problem(name, seen, remedy),
        differs if differs > CLOCK_WARNING => checks.warning(name, seen, remedy),
        _ => checks.ok(name, seen),
    }
}

/// Whether another integration is switched on.
pub(super) async fn rivals<C: Opens>(
    store: &DynamoStore,
    system: &C,
    allowed: bool,
    by_hand: &str,
    checks: &mut Checks,
) {
    let name = format!("{}: other integrations", system.system());
    match wiring::rivals::look(store, system).await {
        Err(error) => checks.problem(name, error.to_string(), ""),
        Ok(Err(error)) => checks.warning(name, format!("cannot be seen: {error}"), by_hand),
        Ok(Ok(seen)) if seen.running.is_empty() => checks.ok(name, "none is to be seen"),
        Ok(Ok(seen)) if allowed => {
            checks.warning(
                name,
                seen.running.join("; "),
                "a setting lets both run; they answer each other for ever",
            );
        }
        Ok(Ok(seen)) => checks.problem(
            name,
            format!("{}; the pairs do not start beside it", seen.running.join("; ")),
            "run `bridge setup` for coreBOS and Mautic with --replace-integration",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;

    fn told(seconds: Option<i64>) -> Verdict {
        let mut checks = Checks::default();
        let server_time = seconds.map(|seconds| SystemClock.now() + SignedDuration::from_secs(seconds));
        clock("mautic:main", server_time, &mut checks);
        let told = checks.into_list().remove(0);
        assert_eq!(told.remedy.is_some(), told.verdict != Verdict::Ok, "{told:?}");
        told.verdict
    }

    #[test]
    fn a_clock_that_is_wrong_in_either_direction_is_told() {
        assert_eq!(told(Some(0)), Verdict::Ok);
        assert_eq!((told(Some(20)), told(Some(-20))), (Verdict::Warning, Verdict::Warning));
        assert_eq!((told(Some(90)), told(Some(-90))), (Verdict::Problem, Verdict::Problem));
        assert_eq!(told(None), Verdict::Warning);
    }
}
