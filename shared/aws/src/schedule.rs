//! The envelope of poll functions: what a schedule, or a person who does not want to wait, sends.
//!
//! The schedule's own event says nothing that is needed. `{"detail": {"at_once": true}}` polls although the settings
//! say that it is not time. Source: "Schedule targets" in the EventBridge Scheduler user guide.

use std::future::Future;

use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

/// So long before the end of the invocation, no page is begun.
const BEGIN_BEFORE_END: SignedDuration = SignedDuration::from_secs(10);

/// One firing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// Unique: the id of the invocation.
    pub id: String,
    /// Whether to poll although it is not time.
    pub at_once: bool,
    /// No page is begun later than this.
    pub until: Timestamp,
}

impl Firing {
    /// What an event asks for, in an invocation that ends at `end`.
    pub fn of(event: &Value, id: &str, end: Timestamp) -> Self {
        let at_once = event["detail"]["at_once"].as_bool().unwrap_or(false);
        let until = end.checked_sub(BEGIN_BEFORE_END).unwrap_or(end);
        Self { id: id.to_owned(), at_once, until }
    }
}

/// Runs a poll function until Lambda ends the process. What the handler gives is the invocation's answer.
///
/// # Errors
/// The Runtime API cannot be reached.
pub async fn serve<H, F>(handler: H) -> Result<(), lambda_runtime::Error>
where
    H: Fn(Firing) -> F,
    F: Future<Output = Value>,
{
    let handler = &handler;
    let service = service_fn(move |event: LambdaEvent<Value>| async move {
        let (event, context) = event.into_parts();
        let end = i64::try_from(context.deadline).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
        let firing = Firing::of(&event, &context.request_id, end.unwrap_or(Timestamp::MAX));
        Ok::<_, lambda_runtime::Error>(handler(firing).await)
    });
    lambda_runtime::run(service).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_a_clear_word_polls_at_once_and_time_is_left_to_finish() {
        let end: Timestamp = "2026-11-21T10:01:00Z".parse().unwrap();
        let at_once = |event: Value| Firing::of(&event, "r", end).at_once;
        assert!(at_once(json!({ "detail": { "at_once": true } })));
        for other in
            [json!({}), json!(null), json!({ "detail": "{}" }), json!({ "detail": { "at_once": "true" } })]
        {
            assert!(!at_once(other.clone()), "{other}");
        }
        assert_eq!(Firing::of(&json!({}), "r", end).until.to_string(), "2026-11-21T10:00:50Z");
        assert_eq!(Firing::of(&json!({}), "r", Timestamp::MIN).until, Timestamp::MIN);
    }
}
