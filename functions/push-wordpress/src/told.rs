//! One log line and one count per message: ids, codes and names of fields, never values.

use aws::events::Delivery;
use aws::telemetry::{Counter, Metrics};
use model::Notice;

use crate::memory::Seen;

fn site(delivery: &Delivery) -> String {
    delivery.target.as_ref().map(ToString::to_string).unwrap_or_default()
}

pub(crate) fn done(notice: &Notice, seen: &Seen, delivery: &Delivery, metrics: &Metrics) {
    let refused: Vec<&str> = seen.refused.keys().map(String::as_str).collect();
    let site = site(delivery);
    tracing::info!(
        change.id = seen.id,
        target.system = site,
        record.id = notice.record.id,
        event = seen.event,
        outcome = seen.outcome,
        fields = seen.fields.join(" "),
        refused = refused.join(" "),
        attempt = delivery.receive_count,
        "user pushed"
    );
    metrics.count(Counter::Changes { outcome: &seen.outcome }, 1, &[("site", &site)]);
    if !refused.is_empty() || seen.outcome == "not_ours" {
        metrics.count(Counter::Parked, 1, &[("reason", &seen.outcome)]);
    }
}

pub(crate) fn waits(notice: &Notice, reason: &str, detail: &str, delivery: &Delivery) {
    tracing::warn!(
        change.id = notice.receipt,
        target.system = site(delivery),
        record.id = notice.record.id,
        outcome = "retry",
        reason,
        detail,
        attempt = delivery.receive_count,
        "user waits"
    );
}

pub(crate) fn stopped(notice: &Notice, reason: &str, detail: &str, delivery: &Delivery, metrics: &Metrics) {
    tracing::error!(
        change.id = notice.receipt,
        target.system = site(delivery),
        record.id = notice.record.id,
        outcome = "stopped",
        reason,
        detail,
        attempt = delivery.receive_count,
        "user waits for an administrator"
    );
    metrics.count(Counter::Stopped, 1, &[("reason", reason)]);
}
