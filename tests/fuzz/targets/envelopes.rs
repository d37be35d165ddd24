//! What Lambda hands over: events of API Gateway, of queues and of the schedule, whatever stands in them.
#![no_main]

use std::time::Duration;

use aws::events::{BatchOptions, Delivery, MemoryQueueControl, Outcome, run_batch};
use aws::gateway::Request;
use bridge_fuzz::wait_for;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use model::Notice;
use serde_json::Value;
use sync::memory::MemoryClock;

fuzz_target!(|data: &[u8]| {
    let Ok(event) = serde_json::from_slice::<Value>(data) else { return };
    if let Ok(request) = Request::from_event(event.clone()) {
        assert!(!request.method.is_empty());
        let _ =
            (request.header("Webhook-Signature"), request.query_value("contact_id"), format!("{request:?}"));
    }
    let clock = MemoryClock::default();
    let queue = MemoryQueueControl::default();
    let handler = |notice: Notice, delivery: Delivery| async move {
        let _ = (notice.record.key(), delivery.backoff());
        match delivery.receive_count % 3 {
            0 => Outcome::Done,
            1 => Outcome::Retry { after: None },
            _ => Outcome::Retry { after: Some(Duration::from_secs(delivery.receive_count.into())) },
        }
    };
    let options = BatchOptions::default();
    let done = wait_for(run_batch(event, Timestamp::MAX, &queue, &clock, options, handler));
    let _ = done.map(|answer| serde_json::to_string(&answer).expect("the answer is JSON"));
});
