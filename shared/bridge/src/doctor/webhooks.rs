//! The way in: Mautic's webhook, the maps of coreBOS that call us, and our own URLs, tried with a signed body that
//! changes nothing. What HubSpot's app sends cannot be asked for: no API tells the subscriptions of a project app.

use aws::secrets::ExposeSecret as _;
use aws::{DynamoStore, SecretString, SystemClock};
use connector_corebos::admin::WEBSERVICE_MAP;
use connector_hubspot::webhook as hubspot;
use connector_mautic::admin::Webhook;
use connector_mautic::webhook::sign;
use http_client::{Client, ClientSettings, Method, Request};
use model::SystemKind;
use serde::Deserialize;
use serde_json::json;
use sync::{Clock as _, Connector as _};

use super::check::Checks;
use super::{corebos, mautic};
use crate::setup::corebos::{KEY_SETTING, WEBSERVICE_MAPS};
use crate::setup::mautic::ours;
use crate::stack::Stack;
use crate::times::{ago, shown};

/// A body without an event.
const NO_EVENT: &str = "{}";

/// The same for HubSpot, which sends lists.
const NO_EVENTS: &str = "[]";

#[derive(Deserialize)]
struct Live {
    #[serde(default)]
    client_secret: Option<SecretString>,
    #[serde(default)]
    webhook_secrets: Vec<SecretString>,
    #[serde(default)]
    webhook_keys: Vec<SecretString>,
}

pub(super) async fn examine(
    stack: &Stack,
    corebos: Option<&corebos::Examined>,
    mautic: Option<&mautic::Examined>,
    checks: &mut Checks,
) {
    let mut urls: Vec<(&str, String)> =
        stack.webhook_urls.iter().map(|(function, url)| (function.as_str(), url.clone())).collect();
    if let Some(mautic) = mautic
        && let (Some(webhooks), Some(secrets)) = (&mautic.webhooks, live(stack, SystemKind::Mautic).await)
        && let Some(url) = stack.webhook_urls.get("webhook-mautic")
    {
        let name = format!("{}: webhook", mautic.connector.system());
        let events = crate::setup::mautic::wanted_events(stack);
        let wanted = (url.as_str(), events.as_slice());
        urls.extend(mautics_webhook(&name, webhooks, wanted, &secrets.webhook_secrets, checks));
    }
    if let Some(corebos) = corebos
        && let Some(keys) = live(stack, SystemKind::CoreBos).await
    {
        urls.extend(corebos_s_maps(corebos, &keys.webhook_keys, checks).await);
    }
    urls.sort();
    urls.dedup();
    let Ok(client) = Client::new(ClientSettings::default()) else { return };
    for (function, url) in urls {
        try_out(stack, &client, function, &url, checks).await;
    }
}

/// When the systems have called last, as far as a call had something to tell: what shows that the way in is open. To
/// ten minutes, as it is kept.
pub(super) async fn heard(stack: &Stack, store: &DynamoStore, checks: &mut Checks) {
    for (kind, instead) in [
        (SystemKind::CoreBos, "see whether its workflows run; until then changes wait for a poll"),
        (SystemKind::Mautic, "see whether its webhook is on; until then changes wait for a poll"),
        (
            SystemKind::HubSpot,
            "see whether the app is installed in the portal; without one, changes wait for a poll, which is enough",
        ),
    ] {
        let Ok(config) = stack.environment.system(kind) else { continue };
        let name = format!("{}: last webhook", config.system);
        match store.last_heard(&config.system).await {
            Err(error) => checks.problem(name, error.to_string(), "see whether the table answers"),
            Ok(Some(at)) => {
                let ago = ago(at, SystemClock.now());
                checks.ok(name, format!("heard {ago}, at {} or up to ten minutes later", shown(at)));
            }
            Ok(None) => checks.ok(name, format!("none with a record was heard yet: {instead}")),
        }
    }
}

async fn live(stack: &Stack, kind: SystemKind) -> Option<Live> {
    let config = stack.environment.secret(kind).ok()?;
    stack.secrets().secret(&config.secret).await.ok()
}

/// The webhook that leads to us: the one at our URL, else any that leads to our path, behind a tunnel or a name of the
/// user's own.
fn mautics_webhook(
    name: &str,
    webhooks: &[Webhook],
    (url, events): (&str, &[&'static str]),
    secrets: &[SecretString],
    checks: &mut Checks,
) -> Vec<(&'static str, String)> {
    let mut found = ours(webhooks, url);
    if found.is_empty() {
        let ends = |webhook: &&Webhook| {
            let path = webhook.webhook_url.split(['?', '#']).next().unwrap_or_default();
            path.trim_end_matches('/').ends_with("/webhooks/mautic")
        };
        found = webhooks.iter().filter(ends).collect();
    }
    let setup = "run `bridge setup mautic --apply`";
    let Some(webhook) = found.first() else {
        checks.problem(name, format!("none leads to {url}: every change waits for a poll"), setup);
        return Vec::new();
    };
    if found.len() > 1 {
        let ids = found.iter().map(|webhook| webhook.id.to_string()).collect::<Vec<_>>().join(", ");
        let seen = format!("{} lead to us, so every event is sent as often: {ids}", found.len());
        checks.warning(name, seen, "delete all but one in Mautic (Settings, Webhooks)");
    }
    let lacks = webhook.lacks(events);
    if !webhook.is_published {
        let seen = format!("webhook {} is switched off: Mautic does that after failures", webhook.id);
        checks.problem(name, seen, format!("{setup}; the setting repair_webhooks lets polls do it"));
    } else if webhook.signs_with(secrets).is_none() {
        let seen = format!("webhook {} signs with a secret that we do not know: all is refused", webhook.id);
        checks.problem(name, seen, setup);
    } else if !lacks.is_empty() {
        let seen = format!("webhook {} lacks the events {}", webhook.id, lacks.join(", "));
        checks.problem(name, seen, setup);
    } else {
        checks.ok(
            name,
            format!("webhook {} leads to {}, signed, with all events", webhook.id, webhook.webhook_url),
        );
    }
    if webhook.webhook_url.starts_with("http://127.") || webhook.webhook_url.starts_with("https://") {
        vec![("webhook-mautic", webhook.webhook_url.clone())]
    } else {
        checks.problem(name, format!("it leads to {}", webhook.webhook_url), "lead it to an https address");
        Vec::new()
    }
}

/// The maps that call us, and the key that they send.
async fn corebos_s_maps(
    corebos: &corebos::Examined,
    keys: &[SecretString],
    checks: &mut Checks,
) -> Vec<(&'static str, String)> {
    let connector = &corebos.connector;
    let (mut urls, setup) = (Vec::new(), "run `bridge setup corebos --apply`");
    for (map, _) in WEBSERVICE_MAPS {
        let name = format!("{}: business map {map}", connector.system());
        match connector.maps_named(map).await {
            Err(error) => checks.refused(name, &error),
            Ok(found) => match found.iter().find(|found| found.kind == WEBSERVICE_MAP) {
                None => checks.warning(name, "there is none: changes wait for a poll", setup),
                Some(found) => match called(&found.content) {
                    Some(url) => {
                        checks.ok(name, format!("calls {url}"));
                        urls.push(("webhook-corebos", url));
                    }
                    None => checks.problem(name, "it names no URL", setup),
                },
            },
        }
    }
    let name = format!("{}: key", connector.system());
    match connector.setting(KEY_SETTING).await {
        Err(error) => {
            let seen = format!("cannot be seen: {error}");
            checks.warning(
                name,
                seen,
                "the test of our URL below does not tell it either: save a record and look at the log",
            );
        }
        Ok(stored) if stored.is_empty() => {
            checks.problem(name, format!("the setting {KEY_SETTING} is not there: all is refused"), setup);
        }
        Ok(stored) if keys.iter().any(|key| key.expose_secret() == stored) => {
            checks.ok(name, "known on both sides");
        }
        Ok(_) => {
            checks.problem(name, format!("the setting {KEY_SETTING} holds a key that we do not know"), setup);
        }
    }
    urls
}

/// The URL in a Webservice Mapping map.
fn called(content: &str) -> Option<String> {
    let (_, rest) = content.split_once("<wsurl>")?;
    let (url, _) = rest.split_once("</wsurl>")?;
    let url = url.trim().replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    (!url.is_empty()).then_some(url)
}

/// Sends what changes nothing to a URL of ours, signed with the current secret.
async fn try_out(stack: &Stack, client: &Client, function: &str, url: &str, checks: &mut Checks) {
    let name = format!("{function} at {url}");
    let Ok(parsed) = url::Url::parse(url) else {
        checks.problem(name, "this is no URL", "correct it where it stands");
        return;
    };
    let kind = match function {
        "webhook-corebos" => SystemKind::CoreBos,
        "webhook-mautic" => SystemKind::Mautic,
        "webhook-signal" => SystemKind::Signal,
        "webhook-hubspot" => SystemKind::HubSpot,
        _ => return,
    };
    let Some(live) = live(stack, kind).await else { return };
    let request = Request::read(Method::POST, parsed);
    let request = if kind == SystemKind::Signal {
        let Some(key) = super::visitors::a_key(stack).await else { return };
        // No table of events has this one, so that nothing is queued.
        let body = json!({ "type": "track", "event": "bridge doctor", "userId": "bridge-doctor" });
        request.json(&body).map(|request| request.header("x-write-key", key.expose_secret()))
    } else if kind == SystemKind::CoreBos {
        let Some(key) = live.webhook_keys.first() else { return };
        // No pair has this module, so that no notice is made of it.
        let body = json!({ "event": "save", "module": "BridgeDoctor", "id": "1x1" });
        request.json(&body).map(|request| request.header("x-bridge-key", key.expose_secret()))
    } else if kind == SystemKind::HubSpot {
        let secrets = live.client_secret.iter().chain(&live.webhook_secrets);
        let Some(secret) = secrets.into_iter().find(|secret| !secret.expose_secret().is_empty()) else {
            return;
        };
        let configured = stack.environment.webhook_url(kind).ok().flatten();
        let signed = configured.unwrap_or_else(|| crate::simulated::hubspot::signed_url(url));
        let now = SystemClock.now().as_millisecond();
        let Some(signature) = hubspot::sign(secret, &signed, NO_EVENTS.as_bytes(), now) else { return };
        let time = now.to_string();
        request.json(&json!([])).map(|request| {
            request.header("x-hubspot-signature-v3", &signature).header("x-hubspot-request-timestamp", &time)
        })
    } else {
        let Some(secret) = live.webhook_secrets.first() else { return };
        let signature = sign(secret, NO_EVENT.as_bytes());
        request.json(&json!({})).map(|request| request.header("webhook-signature", &signature))
    };
    let Ok(request) = request else { return };
    match client.send(&request).await {
        Err(error) => checks.problem(
            name,
            format!("does not answer: {error}"),
            "see whether the name, the certificate and the way from here to it are right",
        ),
        Ok(answer) if answer.status == 200 && !answer.is_html() => {
            checks.ok(name, "answers, and knows our signature");
        }
        Ok(answer) if answer.status == 401 => checks.problem(
            name,
            "another stack answers there, or its secret is not ours (HTTP 401)",
            "lead the webhook to this stack; or run `bridge setup`",
        ),
        Ok(answer) if answer.is_redirect() => {
            let seen = format!(
                "answers with a redirect (HTTP {}), which Mautic and coreBOS do not follow",
                answer.status
            );
            checks.problem(name, seen, "write the URL that it leads to");
        }
        Ok(answer) => {
            let seen = format!("answers with HTTP {}", answer.status);
            checks.problem(name, seen, "see the function's log; check the path of the URL");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_corebos::admin::{WebhookEvent, webservice_map};

    #[test]
    fn the_url_of_a_map_is_read_back() {
        let url = "https://h.example.com/webhooks/corebos?a=1&b=2";
        assert_eq!(called(&webservice_map(url, "k", WebhookEvent::Save)).as_deref(), Some(url));
        for none in ["", "<map/>", "<wsurl> </wsurl>", "<wsurl>https://x"] {
            assert_eq!(called(none), None, "{none}");
        }
    }

    #[test]
    fn the_headers_are_those_that_the_functions_read() {
        assert!(connector_corebos::webhook::KEY_HEADER.eq_ignore_ascii_case("x-bridge-key"));
        assert!(hubspot::SIGNATURE_HEADER.eq_ignore_ascii_case("x-hubspot-signature-v3"));
        assert!(hubspot::TIMESTAMP_HEADER.eq_ignore_ascii_case("x-hubspot-request-timestamp"));
        assert!(connector_mautic::webhook::SIGNATURE_HEADER.eq_ignore_ascii_case("webhook-signature"));
    }
}
