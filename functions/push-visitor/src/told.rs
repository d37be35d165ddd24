//! One log line and one count per event: ids, codes and names of fields, never values.

use aws::events::Delivery;
use aws::telemetry::{Counter, Metrics};
use connector_signal::{Seen, VisitorEvent};

pub(crate) fn done(event: &VisitorEvent, seen: &Seen, delivery: &Delivery, metrics: &Metrics) {
    let refused: Vec<&str> = seen.refused.keys().map(String::as_str).collect();
    tracing::info!(
        change.id = event.id,
        source = event.source,
        event = event.kind.as_str(),
        outcome = seen.outcome,
        http.status = seen.status,
        fields = seen.fields.join(" "),
        refused = refused.join(" "),
        attempt = delivery.receive_count,
        "visitor event pushed"
    );
    metrics.count(Counter::Changes { outcome: &seen.outcome }, 1, &[("source", &event.source)]);
    if !refused.is_empty() {
        metrics.count(Counter::Parked, 1, &[("reason", "refused")]);
    }
}

pub(crate) fn waits(event: &VisitorEvent, reason: &str, detail: &str, delivery: &Delivery) {
    tracing::warn!(
        change.id = event.id,
        source = event.source,
        event = event.kind.as_str(),
        outcome = "retry",
        reason,
        detail,
        attempt = delivery.receive_count,
        "visitor event waits"
    );
}

pub(crate) fn stopped(
    event: &VisitorEvent,
    reason: &str,
    detail: &str,
    delivery: &Delivery,
    metrics: &Metrics,
) {
    tracing::error!(
        change.id = event.id,
        source = event.source,
        event = event.kind.as_str(),
        outcome = "stopped",
        reason,
        detail,
        attempt = delivery.receive_count,
        "visitor event waits for an administrator"
    );
    metrics.count(Counter::Stopped, 1, &[("reason", reason)]);
}
