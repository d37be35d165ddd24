//! Schedules that fire.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use embedded_aws::{Clock, StackEvent};
use serde_json::{Value, json};

use crate::support::{options, start_with, until};

const TEMPLATE: &str = r#"
Resources:
  Poll:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: poll
      CodeUri: functions/poll
      Events:
        Tick: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 minute), Name: poll-tick}}
        Nightly: {Type: ScheduleV2, Properties: {ScheduleExpression: cron(0 3 * * ? *), Input: '{"at": "<aws.scheduler.scheduled-time>"}'}}
        Old: {Type: Schedule, Properties: {Schedule: rate(1 hour), Enabled: false}}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn schedules_fire_when_the_clock_says_so() {
    let start: i64 = "2026-11-21T10:00:00Z".parse::<jiff::Timestamp>().unwrap().as_millisecond();
    let now = Arc::new(AtomicI64::new(start));
    let mut wanted = options(TEMPLATE);
    let told = Arc::clone(&now);
    wanted.clock = Clock::from_fn(move || {
        jiff::Timestamp::from_millisecond(told.load(Ordering::Relaxed)).unwrap_or_default()
    });
    let mut running = start_with(wanted).await;
    let fired = |event: &StackEvent| match event {
        StackEvent::ScheduleFired { schedule, function } => Some((schedule.clone(), function.clone())),
        _ => None,
    };
    let tick = ("poll-tick".to_owned(), "poll".to_owned());
    // At once, as a schedule without a start date does.
    assert_eq!(running.wait("the first tick", fired).await, tick);
    now.fetch_add(60_000, Ordering::Relaxed);
    assert_eq!(running.wait("the second tick", fired).await, tick);
    // Many were missed: one makes up for them. Then the nightly one.
    now.store(start + 17 * 3_600_000, Ordering::Relaxed);
    let mut both = [running.wait("a tick", fired).await, running.wait("the night", fired).await];
    both.sort();
    assert_eq!(both, [("PollNightly".to_owned(), "poll".to_owned()), tick]);
    let counts = || running.stack.status().functions["poll"];
    until("all four have run", async || counts().invocations == 4 && counts().running == 0).await;
    assert_eq!(counts().errors, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_by_hand_sends_the_event_of_each_schedule() {
    let mut wanted = options(TEMPLATE);
    wanted.run_schedules = false;
    wanted.clock = Clock::from_fn(|| "2026-11-21T10:00:00.5Z".parse().unwrap());
    let running = start_with(wanted).await;
    let answers = running.stack.tick_now("poll").await.unwrap();
    let events: Vec<Value> = answers
        .iter()
        .map(|answer| serde_json::from_slice::<Value>(&answer.payload).unwrap()["echo"].clone())
        .collect();
    let mut scheduler = events[0].clone();
    assert!(scheduler["id"].as_str().is_some_and(|id| id.len() == 36));
    scheduler["id"] = json!("ID");
    assert_eq!(
        scheduler,
        json!({
            "version": "0",
            "id": "ID",
            "detail-type": "Scheduled Event",
            "source": "aws.scheduler",
            "account": "000000000000",
            "time": "2026-11-21T10:00:00Z",
            "region": "us-east-1",
            "resources": ["arn:aws:scheduler:us-east-1:000000000000:schedule/default/poll-tick"],
            "detail": "{}",
        })
    );
    assert_eq!(events[1], json!({"at": "2026-11-21T10:00:00Z"}));
    assert_eq!((&events[2]["source"], &events[2]["detail"]), (&json!("aws.events"), &json!({})));
    assert_eq!(events.len(), 3);
}
