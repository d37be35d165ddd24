//! The events that schedules send.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::names::{ACCOUNT_ID, LocalNames};
use crate::template::{Schedule, ScheduleKind};

/// The payload of one firing: the schedule's `Input` if it has one, else the standard event.
///
/// EventBridge Scheduler replaces `<aws.scheduler.scheduled-time>` and its siblings in the input; a rule does not.
/// Source: EventBridge Scheduler user guide, "Adding context attributes".
pub(crate) fn scheduled_event(
    schedule: &Schedule,
    names: &LocalNames,
    time: Timestamp,
    attempt: u32,
) -> Vec<u8> {
    let id = uuid::Uuid::new_v4().to_string();
    let seconds = Timestamp::from_second(time.as_second()).unwrap_or(time).to_string();
    let region = &names.region;
    let name = &schedule.name;
    let scheduler_arn = format!("arn:aws:scheduler:{region}:{ACCOUNT_ID}:schedule/default/{name}");
    let event: Json = match (schedule.kind, &schedule.input) {
        (ScheduleKind::Rule, Some(input)) => return input.clone().into_bytes(),
        (ScheduleKind::Scheduler, Some(input)) => {
            return input
                .replace("<aws.scheduler.schedule-arn>", &scheduler_arn)
                .replace("<aws.scheduler.scheduled-time>", &seconds)
                .replace("<aws.scheduler.execution-id>", &id)
                .replace("<aws.scheduler.attempt-number>", &attempt.to_string())
                .into_bytes();
        }
        (ScheduleKind::Scheduler, None) => json!({
            "version": "0",
            "id": id,
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": ACCOUNT_ID,
            "time": seconds,
            "region": region,
            "resources": [scheduler_arn],
            "detail": "{}",
        }),
        (ScheduleKind::Rule, None) => json!({
            "version": "0",
            "id": id,
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT_ID,
            "time": seconds,
            "region": region,
            "resources": [format!("arn:aws:events:{region}:{ACCOUNT_ID}:rule/{name}")],
            "detail": {},
        }),
    };
    event.to_string().into_bytes()
}
