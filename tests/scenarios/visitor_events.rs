//! Every sample event of the functions for visitors is fed to its function, and does what it says here.

use aws::gateway::Request;
use aws::queue::MemoryMessageQueue;
use bridge::simulated::with_visitors;
use connector_signal::{SignalSecret, VisitorEvent};
use scenarios::{Unusual, World, simulators, text, unusual_world};
use serde_json::{Value, json};
use sync::memory::MemoryClock;
use webhook_signal::Ports;

use crate::BRIDGE;
use crate::events::event;

/// File, status, and what is queued: each event by its kind, or its name.
pub(crate) const WEBHOOKS: &[(&str, u16, &str)] = &[
    ("browser-leaves-the-page", 200, "page"),
    ("jitsu", 200, "Signed Up"),
    ("no-events", 400, ""),
    ("no-key", 401, ""),
    ("not-json", 400, ""),
    ("nothing-of-interest", 200, ""),
    ("preflight", 204, ""),
    ("rudder-node-gzip", 200, "Signed Up, page"),
    ("segment-browser", 200, "identify"),
    // The event of the group is dropped.
    ("segment-node", 200, "identify, Signed Up, page, alias, screen"),
    ("segment-python", 200, "identify, Lead Captured, page"),
    ("signal-custom-webhook", 200, "Lead Captured"),
    ("signal-put-list", 200, "Lead Captured, page"),
    ("some-events-are-wrong", 200, "Lead Captured"),
    ("wrong-key", 401, ""),
];

/// The files for push-visitor; each has a test below.
pub(crate) const PUSHES: &[&str] = &["identify", "nobody", "poison"];

#[tokio::test]
async fn a_request_becomes_the_events_that_it_holds() {
    let config = with_visitors(simulators().await.config().unwrap()).unwrap();
    let signal = config.signal.as_ref().unwrap();
    let secret: SignalSecret = serde_json::from_value(signal.secret().unwrap()).unwrap();
    let preferences = signal.preferences();
    let clock = MemoryClock::at("2026-11-21T02:45:06Z".parse().unwrap());
    for (case, status, events) in WEBHOOKS {
        let queue = MemoryMessageQueue::default();
        let ports = Ports { secret: &secret, preferences: &preferences, queue: &queue, clock: &clock };
        let request = Request::from_event(event(&format!("webhook-signal.{case}"))).expect(case);
        let answer = webhook_signal::handle(&request, &ports).await;
        let queued = queue.take();
        let taken: Vec<VisitorEvent> =
            queued.iter().map(|message| serde_json::from_str(&message.body).unwrap()).collect();
        let names = taken.iter().map(VisitorEvent::label).collect::<Vec<_>>().join(", ");
        assert_eq!((answer.status, names.as_str()), (*status, *events), "{case}: {}", answer.body);
        for message in &queued {
            assert!(!message.group.contains("user-123") && !message.group.contains('@'), "{case}");
        }
        let down = MemoryMessageQueue::down();
        let again = webhook_signal::handle(&request, &ports_of(&secret, &preferences, &down, &clock)).await;
        let expected = if events.is_empty() { *status } else { 503 };
        assert_eq!(again.status, expected, "{case}: what was not queued is sent again");
    }
}

fn ports_of<'a>(
    secret: &'a SignalSecret,
    preferences: &'a connector_signal::SignalPreferences,
    queue: &'a MemoryMessageQueue,
    clock: &'a MemoryClock,
) -> Ports<'a, MemoryMessageQueue, MemoryClock> {
    Ports { secret, preferences, queue, clock }
}

#[tokio::test]
async fn a_browser_may_send_from_its_own_pages_only() {
    let config = with_visitors(simulators().await.config().unwrap()).unwrap();
    let signal = config.signal.as_ref().unwrap();
    let secret: SignalSecret = serde_json::from_value(signal.secret().unwrap()).unwrap();
    let (preferences, queue, clock) =
        (signal.preferences(), MemoryMessageQueue::default(), MemoryClock::default());
    let ports = ports_of(&secret, &preferences, &queue, &clock);
    for (case, origin, allowed) in [
        ("preflight", "http://127.0.0.1:3000", true),
        ("preflight", "https://evil.example", false),
        ("browser-leaves-the-page", "http://127.0.0.1:3000", true),
        ("browser-leaves-the-page", "https://evil.example", false),
    ] {
        let mut sent = event(&format!("webhook-signal.{case}"));
        sent["headers"]["origin"] = json!(origin);
        let answer = webhook_signal::handle(&Request::from_event(sent).unwrap(), &ports).await;
        let told = answer.headers.iter().find(|(name, _)| *name == "access-control-allow-origin");
        assert_eq!(told.map(|(_, origin)| origin.as_str()), allowed.then_some(origin), "{case} {origin}");
    }
}

async fn pushed(case: &str) -> (World, Value) {
    let mut world = unusual_world(BRIDGE, Unusual::default(), |config| with_visitors(config).unwrap()).await;
    let answer =
        world.local.stack.invoke("push-visitor", &event(&format!("push-visitor.{case}"))).await.unwrap();
    assert_eq!(answer.error, None, "{:#?}", answer.log_lines);
    world.listen();
    (world, serde_json::from_slice(&answer.payload).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identify_is_pushed() {
    let (world, answer) = pushed("identify").await;
    assert_eq!(answer["batchItemFailures"], json!([]));
    let contacts = world.systems.mautic.contacts();
    assert_eq!(contacts.len(), 1);
    assert_eq!(
        (text(&contacts[0], "lastname"), text(&contacts[0], "country")),
        ("Doe".into(), "United Kingdom".into())
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_nobody_changes_nothing() {
    let (world, answer) = pushed("nobody").await;
    assert_eq!(answer["batchItemFailures"], json!([]));
    assert_eq!(world.mautic_writes(), 0);
    assert_eq!(text(&world.told("visitor event pushed")[0], "outcome"), "dropped_no_email");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_no_event_goes_to_the_dead_letters_and_the_next_one_is_pushed() {
    let (world, answer) = pushed("poison").await;
    assert_eq!(answer["batchItemFailures"], json!([]));
    assert_eq!(world.systems.mautic.contacts().len(), 1);
    let queues = world.local.stack.status().queues;
    let letters = queues.iter().find(|(name, _)| name.starts_with("visitor-events-dead")).unwrap();
    assert_eq!(letters.1.visible, 1, "{queues:?}");
    world.stop().await;
}
