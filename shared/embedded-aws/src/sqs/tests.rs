//! Rules of the queues that take longer than a test may, with a time that the test owns.

use std::collections::BTreeMap;

use super::message::SendRequest;
use super::receive::{ReceiveRequest, ReceivedMessage};
use super::state::State;
use super::{QueueCounts, SqsError};
use crate::names::LocalNames;

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
const START: i64 = 1_795_000_000_000;

fn is_fifo(queue: &str) -> bool {
    queue.strip_suffix(".fifo").is_some()
}

struct World {
    state: State,
    now_ms: i64,
}

impl World {
    fn new() -> Self {
        let names = LocalNames {
            region: "us-east-1".to_owned(),
            stack_name: "s".to_owned(),
            sqs_endpoint: "http://q".to_owned(),
            front_url: String::new(),
        };
        Self { state: State::new(names, BTreeMap::new()), now_ms: START }
    }

    fn queue(&mut self, name: &str, attributes: &[(&str, &str)]) {
        let mut given: BTreeMap<String, String> =
            attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        if is_fifo(name) {
            given.insert("FifoQueue".to_owned(), "true".to_owned());
        }
        self.state.create(name, &given, self.now_ms).unwrap();
    }

    fn send(&mut self, queue: &str, body: &str, group: &str, id: &str) -> String {
        let request = SendRequest {
            message_body: Some(body.to_owned()),
            message_group_id: Some(group.to_owned()).filter(|group| !group.is_empty()),
            message_deduplication_id: Some(id.to_owned()).filter(|id| !id.is_empty()),
            ..SendRequest::default()
        };
        self.state.send(queue, request, self.now_ms).unwrap().id
    }

    fn receive(&mut self, queue: &str, count: usize) -> Vec<ReceivedMessage> {
        self.state.receive(queue, &ReceiveRequest::everything(count, 0), self.now_ms).unwrap()
    }

    fn bodies(&mut self, queue: &str) -> Vec<String> {
        self.receive(queue, 10).into_iter().map(|message| message.body).collect()
    }

    fn delete(&mut self, queue: &str, message: &ReceivedMessage) -> Result<(), SqsError> {
        self.state.delete(queue, &message.receipt_handle, self.now_ms)
    }

    fn change(&mut self, queue: &str, message: &ReceivedMessage, seconds: i64) -> Result<(), SqsError> {
        self.state.change_visibility(queue, &message.receipt_handle, seconds, self.now_ms)
    }

    fn counts(&mut self, queue: &str) -> QueueCounts {
        self.state.queue(queue, self.now_ms).unwrap().messages.counts()
    }
}

#[test]
fn a_deduplication_id_is_remembered_for_five_minutes_and_no_longer() {
    let mut world = World::new();
    world.queue("q.fifo", &[]);
    let first = world.send("q.fifo", "1", "g", "id");
    world.now_ms += 300 * SECOND - 1;
    assert_eq!(world.send("q.fifo", "2", "g", "id"), first);
    world.now_ms += 1;
    assert_ne!(world.send("q.fifo", "3", "g", "id"), first);
    assert_eq!(world.bodies("q.fifo"), ["1", "3"]);
}

#[test]
fn messages_are_kept_for_their_retention() {
    let mut world = World::new();
    world.queue("q", &[("MessageRetentionPeriod", "60")]);
    world.send("q", "1", "", "");
    world.now_ms += 60 * SECOND;
    assert_eq!(world.counts("q").visible, 1);
    world.now_ms += 1;
    assert_eq!(world.counts("q"), QueueCounts::default());
}

#[test]
fn a_dead_letter_of_a_standard_queue_keeps_its_age_and_that_of_a_fifo_queue_does_not() {
    for (queue, dead, kept) in [("q", "dead", 0), ("q.fifo", "dead.fifo", 1)] {
        let mut world = World::new();
        world.queue(dead, &[("MessageRetentionPeriod", "86400")]);
        let policy = format!(
            r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":1}}"#,
            world.state.names.queue_arn(dead)
        );
        world.queue(queue, &[("RedrivePolicy", &policy), ("MessageRetentionPeriod", "1209600")]);
        let fifo = is_fifo(queue);
        world.send(queue, "1", if fifo { "g" } else { "" }, if fifo { "id" } else { "" });
        world.now_ms += 20 * HOUR;
        assert_eq!(world.receive(queue, 1).len(), 1);
        world.now_ms += HOUR;
        assert!(world.receive(queue, 1).is_empty());
        assert_eq!(world.state.dead_letters.len(), 1);
        world.now_ms += 10 * HOUR;
        assert_eq!(world.counts(dead).visible, kept, "{queue}");
    }
}

#[test]
fn a_message_stays_where_it_is_when_its_dead_letter_queue_is_gone() {
    let mut world = World::new();
    world.queue("dead", &[]);
    let policy =
        format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":1}}"#, world.state.names.queue_arn("dead"));
    world.queue("q", &[("RedrivePolicy", &policy)]);
    world.send("q", "1", "", "");
    world.receive("q", 1);
    world.state.delete_queue("dead", world.now_ms).unwrap();
    world.now_ms += HOUR;
    let again = world.receive("q", 1);
    assert_eq!(again[0].attributes["ApproximateReceiveCount"], "2");
}

#[test]
fn a_receive_takes_dead_letters_out_of_the_way_of_the_living() {
    let mut world = World::new();
    world.queue("dead.fifo", &[]);
    let arn = world.state.names.queue_arn("dead.fifo");
    let policy = format!(r#"{{"deadLetterTargetArn":"{arn}","maxReceiveCount":2}}"#);
    world.queue("q.fifo", &[("RedrivePolicy", &policy)]);
    world.send("q.fifo", "poison", "g", "1");
    for _ in 0..2 {
        assert_eq!(world.bodies("q.fifo"), ["poison"]);
        world.now_ms += 30 * SECOND;
    }
    world.send("q.fifo", "living", "g", "2");
    assert_eq!(world.bodies("q.fifo"), ["living"]);
    let letter = world.receive("dead.fifo", 1).remove(0);
    assert_eq!((letter.body.as_str(), letter.attributes["MessageGroupId"].as_str()), ("poison", "g"));
    assert_eq!(letter.attributes["ApproximateReceiveCount"], "3");
    // Moved back it is new: another id, no receives.
    world.now_ms += HOUR;
    world.state.move_messages(&arn, None, world.now_ms).unwrap();
    world.now_ms += HOUR;
    let back: Vec<_> = world.receive("q.fifo", 10);
    let moved = back.iter().find(|message| message.body == "poison").unwrap();
    assert_eq!(moved.attributes["ApproximateReceiveCount"], "1");
    assert_ne!(moved.message_id, letter.message_id);
    let other = world.state.names.queue_arn("q.fifo");
    assert_eq!(
        world.state.move_messages(&other, None, world.now_ms).unwrap_err().code,
        "InvalidParameterValue"
    );
}

#[test]
fn a_message_is_not_hidden_for_more_than_twelve_hours_in_all() {
    let mut world = World::new();
    world.queue("q", &[]);
    world.send("q", "1", "", "");
    let message = world.receive("q", 1).remove(0);
    world.change("q", &message, 43_200).unwrap();
    world.now_ms += HOUR;
    world.change("q", &message, 11 * 3_600).unwrap();
    assert_eq!(world.change("q", &message, 11 * 3_600 + 1).unwrap_err().code, "InvalidParameterValue");
    assert_eq!(world.change("q", &message, 43_201).unwrap_err().code, "InvalidParameterValue");
    assert_eq!(world.change("q", &message, -1).unwrap_err().code, "InvalidParameterValue");
}

#[test]
fn only_a_message_in_flight_can_be_hidden_longer() {
    let mut world = World::new();
    world.queue("q", &[("VisibilityTimeout", "10")]);
    world.send("q", "1", "", "");
    let message = world.receive("q", 1).remove(0);
    world.now_ms += 10 * SECOND;
    let code = "AWS.SimpleQueueService.MessageNotInflight";
    assert_eq!(world.change("q", &message, 5).unwrap_err().code, code);
    let again = world.receive("q", 1).remove(0);
    // The handle of the first receive is outdated: it deletes nothing and says nothing.
    assert_eq!(world.delete("q", &message), Ok(()));
    assert_eq!(world.counts("q").in_flight, 1);
    assert_eq!(world.delete("q", &again), Ok(()));
    assert_eq!(world.delete("q", &again), Ok(()));
    assert_eq!(world.change("q", &again, 5).unwrap_err().code, "InvalidParameterValue");
}

#[test]
fn a_fifo_handle_ends_with_the_visibility() {
    let mut world = World::new();
    world.queue("q.fifo", &[("VisibilityTimeout", "10")]);
    world.send("q.fifo", "1", "g", "1");
    let message = world.receive("q.fifo", 1).remove(0);
    world.now_ms += 10 * SECOND;
    assert_eq!(world.delete("q.fifo", &message).unwrap_err().code, "InvalidParameterValue");
    assert_eq!(world.counts("q.fifo").visible, 1);
}

#[test]
fn a_delayed_message_of_a_fifo_queue_holds_up_its_group_and_no_other() {
    let mut world = World::new();
    world.queue("q.fifo", &[("DelaySeconds", "60")]);
    world.send("q.fifo", "a1", "a", "1");
    world.now_ms += 30 * SECOND;
    world.send("q.fifo", "a2", "a", "2");
    world.send("q.fifo", "b1", "b", "3");
    assert_eq!(world.counts("q.fifo").delayed, 3);
    world.now_ms += 30 * SECOND;
    let first = world.receive("q.fifo", 10);
    assert_eq!(first.iter().map(|message| message.body.as_str()).collect::<Vec<_>>(), ["a1"]);
    world.now_ms += 29 * SECOND;
    world.delete("q.fifo", &first[0]).unwrap();
    assert_eq!(world.bodies("q.fifo"), [""; 0]);
    world.now_ms += SECOND;
    assert_eq!(world.bodies("q.fifo"), ["a2", "b1"]);
}

#[test]
fn a_queue_is_purged_at_most_once_a_minute() {
    let mut world = World::new();
    world.queue("q", &[]);
    world.send("q", "1", "", "");
    world.state.purge("q", world.now_ms).unwrap();
    assert_eq!(world.counts("q"), QueueCounts::default());
    world.now_ms += 59 * SECOND;
    let code = "AWS.SimpleQueueService.PurgeQueueInProgress";
    assert_eq!(world.state.purge("q", world.now_ms).unwrap_err().code, code);
    world.now_ms += SECOND;
    world.state.purge("q", world.now_ms).unwrap();
}

#[test]
fn the_name_of_a_deleted_queue_is_free_after_a_minute() {
    let mut world = World::new();
    world.queue("q", &[]);
    world.send("q", "1", "", "");
    world.state.delete_queue("q", world.now_ms).unwrap();
    let again = |world: &mut World| world.state.create("q", &BTreeMap::new(), world.now_ms);
    assert_eq!(again(&mut world).unwrap_err().code, "AWS.SimpleQueueService.QueueDeletedRecently");
    world.now_ms += 60 * SECOND;
    again(&mut world).unwrap();
    assert_eq!(world.counts("q"), QueueCounts::default());
}

#[test]
fn attributes_have_limits_and_belong_to_a_type() {
    let mut world = World::new();
    for (name, attributes, code) in [
        ("q", &[("DelaySeconds", "901")][..], "InvalidAttributeValue"),
        ("q", &[("VisibilityTimeout", "-1")], "InvalidAttributeValue"),
        ("q", &[("MessageRetentionPeriod", "59")], "InvalidAttributeValue"),
        ("q", &[("ReceiveMessageWaitTimeSeconds", "21")], "InvalidAttributeValue"),
        ("q", &[("MaximumMessageSize", "1048577")], "InvalidAttributeValue"),
        ("q", &[("ContentBasedDeduplication", "true")], "InvalidAttributeName"),
        ("q", &[("FifoQueue", "false")], "InvalidAttributeName"),
        ("q", &[("Unknown", "1")], "InvalidAttributeName"),
        ("q", &[("RedrivePolicy", "{")], "InvalidParameterValue"),
        (
            "q",
            &[("RedrivePolicy", r#"{"deadLetterTargetArn":"x","maxReceiveCount":1}"#)],
            "InvalidParameterValue",
        ),
        (
            "q",
            &[("RedrivePolicy", r#"{"deadLetterTargetArn":"x","maxReceiveCount":1001}"#)],
            "InvalidParameterValue",
        ),
        ("q.fifo", &[], "InvalidParameterValue"),
        ("q", &[("FifoQueue", "true")], "InvalidParameterValue"),
        ("a b", &[], "InvalidParameterValue"),
        ("", &[], "InvalidParameterValue"),
        (
            "q.fifo",
            &[("FifoQueue", "true"), ("FifoThroughputLimit", "perMessageGroupId")],
            "InvalidAttributeValue",
        ),
    ] {
        let given: BTreeMap<String, String> =
            attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let error = world.state.create(name, &given, world.now_ms).unwrap_err();
        assert_eq!(error.code, code, "{name} {attributes:?}: {error}");
    }
    let long = "x".repeat(80);
    world.queue(&long, &[("VisibilityTimeout", "0"), ("DelaySeconds", "900")]);
    assert!(world.state.create(&format!("{long}x"), &BTreeMap::new(), world.now_ms).is_err());
}

#[test]
fn numbers_rise_over_a_restart_with_empty_queues() {
    let mut world = World::new();
    let before = (0..5_000).map(|_| world.state.next_number(START)).max().unwrap();
    let mut after = State::new(world.state.names.clone(), BTreeMap::new());
    // A restart takes longer than the milliseconds that 5,000 messages at one moment have used up.
    assert!(after.next_number(START + 10) > before);
}

#[test]
fn contents_that_sqs_does_not_take_are_refused() {
    let mut world = World::new();
    world.queue("q", &[]);
    for (body, code) in [
        ("", "MissingParameter"),
        ("a\u{0}b", "InvalidMessageContents"),
        ("\u{FFFE}", "InvalidMessageContents"),
    ] {
        let request = SendRequest { message_body: Some(body.to_owned()), ..SendRequest::default() };
        assert_eq!(world.state.send("q", request, world.now_ms).unwrap_err().code, code, "{body:?}");
    }
    world.send("q", "\t\r\n ü 🦀 \u{FFFD}", "", "");
    world.now_ms += DAY;
    assert_eq!(world.counts("q").visible, 1);
}
