//! One log line and one count per push: ids and names of fields, never values.

use aws::events::Delivery;
use aws::telemetry::{Counter, Metrics};
use model::Notice;
use sync::Outcome;

/// Tells what became of a notice.
pub(crate) fn tell(notice: &Notice, delivery: &Delivery, outcome: &Outcome, metrics: &Metrics) {
    let (change, record) = (&notice.receipt, &notice.record);
    match outcome {
        Outcome::Done(report) => {
            let target = report.target.as_ref().map(ToString::to_string).unwrap_or_default();
            let fields = report.fields.join(" ");
            tracing::info!(
                change.id = change,
                record.system = %record.system,
                record.object = %record.object,
                record.id = record.id,
                target,
                outcome = report.outcome,
                reason = report.reason,
                fields,
                attempt = delivery.receive_count,
                "change pushed"
            );
            metrics.count(Counter::Changes { outcome: report.outcome }, 1, &[("reason", report.reason)]);
            if report.outcome == "parked" {
                metrics.count(Counter::Parked, 1, &[("reason", report.reason)]);
            }
        }
        Outcome::Retry { reason, detail, .. } => tracing::warn!(
            change.id = change,
            record.system = %record.system,
            record.object = %record.object,
            record.id = record.id,
            outcome = "retry",
            reason,
            detail,
            attempt = delivery.receive_count,
            "change waits"
        ),
        Outcome::Stop { reason, detail } => {
            tracing::error!(
                change.id = change,
                record.system = %record.system,
                record.object = %record.object,
                record.id = record.id,
                outcome = "stopped",
                reason,
                detail,
                attempt = delivery.receive_count,
                "change waits for an administrator"
            );
            metrics.count(Counter::Stopped, 1, &[("reason", reason)]);
        }
    }
}
