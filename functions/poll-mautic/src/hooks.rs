//! The webhooks that lead to us: a switched off one is told, and switched on again where the setting says so.

use aws::telemetry::{Counter, Metrics};
use connector_mautic::{Mautic, Webhook};
use serde_json::{Value, json};

/// What the addresses of our webhooks end with, whatever host stands before it.
const OUR_PATH: &str = "/webhooks/mautic";

/// Looks at the webhooks. What goes wrong is told and harms no poll.
pub(crate) async fn check(mautic: &Mautic, repair: bool, metrics: &Metrics) -> Value {
    let hooks = match mautic.webhooks().await {
        Ok(hooks) => hooks,
        Err(error) => {
            tracing::warn!(reason = error.code(), detail = %error, "the webhooks of Mautic cannot be looked at");
            return json!(error.code());
        }
    };
    let ours: Vec<&Webhook> = hooks.iter().filter(|hook| leads_to_us(&hook.webhook_url)).collect();
    if ours.is_empty() {
        let detail = "every change waits for a poll; create the webhook, see the output MauticWebhookUrl";
        tracing::warn!(reason = "no_webhook", detail, "no webhook of Mautic leads to us");
        return json!("none");
    }
    let off: Vec<&Webhook> = ours.into_iter().filter(|hook| !hook.is_published).collect();
    let (mut repaired, mut left) = (0, 0);
    for hook in &off {
        if repair {
            match mautic.publish_webhook(hook.id).await {
                Ok(()) => {
                    repaired += 1;
                    tracing::warn!(
                        webhook = hook.id,
                        reason = "webhook_repaired",
                        "a webhook was off and is on again"
                    );
                    continue;
                }
                Err(error) => tracing::warn!(
                    webhook = hook.id,
                    reason = error.code(),
                    detail = %error,
                    "a webhook cannot be switched on"
                ),
            }
        }
        left += 1;
        tracing::error!(
            webhook = hook.id,
            reason = "webhook_off",
            detail = "publish it in Mautic (Configuration, Webhooks), or set repair_webhooks; until then every change \
                      waits for a poll",
            "Mautic has switched a webhook of ours off"
        );
    }
    if left > 0 {
        metrics.count(Counter::Stopped, 1, &[("reason", "webhook_off")]);
    }
    json!({ "off": left, "repaired": repaired })
}

fn leads_to_us(url: &str) -> bool {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.trim_end_matches('/').ends_with(OUR_PATH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_webhooks_are_known_by_their_path() {
        for ours in [
            "https://abc.execute-api.eu-west-1.amazonaws.com/webhooks/mautic",
            "https://hooks.example.com/bridge/webhooks/mautic/?x=1",
        ] {
            assert!(leads_to_us(ours), "{ours}");
        }
        for other in ["https://example.com/mautic", "https://example.com/?u=/webhooks/mautic", ""] {
            assert!(!leads_to_us(other), "{other}");
        }
    }
}
