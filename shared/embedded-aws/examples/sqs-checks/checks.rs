//! What a queue service must do, as named checks that run against any endpoint.
//!
//! Each check makes queues of its own, so that all of them can run at the same time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message, MessageAttributeValue,
    MessageSystemAttributeName, QueueAttributeName, SendMessageBatchRequestEntry,
};

type Outcome = anyhow::Result<()>;

/// A client for an endpoint that checks no credentials.
pub(crate) fn client(endpoint: &str) -> Client {
    let config = aws_sdk_sqs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(Credentials::new("local", "local", None, None, "checks"))
        .build();
    Client::from_conf(config)
}

/// Runs every check; name and result of each. Some implementations put `AWS.SimpleQueueService.` before codes that SQS
/// has without; that is only looked at with `exact_codes`.
pub(crate) async fn run_all(endpoint: &str, exact_codes: bool) -> Vec<(&'static str, Outcome)> {
    let mut running = tokio::task::JoinSet::new();
    let mut names = Vec::new();
    // Each a task of its own: together on one stack they would overflow it.
    macro_rules! run {
        ($($name:ident),* $(,)?) => {$(
            let queues = Queues::new(endpoint, stringify!($name), exact_codes);
            running.spawn(async move { (stringify!($name), bounded($name(queues)).await) });
            names.push(stringify!($name));
        )*};
    }
    run!(
        a_group_waits_while_one_of_its_messages_is_in_flight,
        messages_of_a_group_come_in_order,
        one_receive_takes_many_messages_of_a_group,
        equal_bodies_are_sent_once_with_content_deduplication,
        a_deduplication_id_counts_per_group_when_the_scope_says_so,
        sequence_numbers_rise,
        the_receive_count_rises,
        visibility_zero_gives_a_message_back_at_once,
        a_message_received_too_often_goes_to_the_dead_letters,
        a_dead_letter_names_its_source,
        a_fifo_dead_letter_keeps_its_group_and_frees_it,
        a_delayed_message_comes_later,
        a_long_poll_wakes_up_when_a_message_arrives,
        a_fifo_queue_refuses_a_delay_of_one_message,
        ids_of_batches_are_checked,
        an_id_of_a_batch_may_have_80_characters_and_no_more,
        one_entry_of_a_batch_fails_alone,
        a_message_may_have_one_mebibyte_and_no_more,
        a_batch_may_have_one_mebibyte_and_no_more,
        a_bad_receipt_handle_is_refused,
        a_dead_letter_queue_must_be_of_the_same_type,
        message_attributes_come_back_with_their_checksum,
        a_missing_queue_has_its_own_error,
        an_expired_handle_of_a_fifo_queue_deletes_nothing,
        making_a_queue_twice_is_one_queue_unless_it_differs,
        a_standard_queue_refuses_a_deduplication_id,
        a_fifo_message_needs_a_group_and_a_deduplication_id,
        counts_tell_visible_and_in_flight,
        batches_change_visibility_and_delete,
        a_bad_handle_in_a_batch_fails_alone,
    );
    let mut results: Vec<_> = running.join_all().await;
    results.sort_by_key(|(name, _)| names.iter().position(|known| known == name));
    results
}

async fn bounded(check: impl Future<Output = Outcome>) -> Outcome {
    tokio::time::timeout(Duration::from_secs(60), check).await.context("took more than a minute")?
}

/// The queues of one check.
struct Queues {
    client: Client,
    prefix: String,
    exact_codes: bool,
}

impl Queues {
    fn new(endpoint: &str, check: &str, exact_codes: bool) -> Self {
        let unique = uuid::Uuid::new_v4().simple().to_string();
        let short: String = check.split('_').filter_map(|word| word.chars().next()).collect();
        Self { client: client(endpoint), prefix: format!("{short}-{}", &unique[..12]), exact_codes }
    }

    async fn make(&self, name: &str, attributes: &[(QueueAttributeName, &str)]) -> anyhow::Result<String> {
        let attributes: HashMap<_, _> =
            attributes.iter().map(|(key, value)| (key.clone(), (*value).to_owned())).collect();
        let name = format!("{}-{name}", self.prefix);
        let made =
            self.client.create_queue().queue_name(name).set_attributes(Some(attributes)).send().await?;
        made.queue_url.context("no URL")
    }

    async fn fifo(&self, name: &str, attributes: &[(QueueAttributeName, &str)]) -> anyhow::Result<String> {
        let mut all = vec![(QueueAttributeName::FifoQueue, "true")];
        all.extend(attributes.iter().cloned());
        self.make(&format!("{name}.fifo"), &all).await
    }

    async fn arn(&self, url: &str) -> anyhow::Result<String> {
        let wanted =
            self.client.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::QueueArn);
        let attributes = wanted.send().await?.attributes.unwrap_or_default();
        attributes.get(&QueueAttributeName::QueueArn).cloned().context("no ARN")
    }

    async fn send(&self, url: &str, body: &str, group: &str, id: &str) -> anyhow::Result<String> {
        let message = self.client.send_message().queue_url(url).message_body(body).message_group_id(group);
        let sent = message.message_deduplication_id(id).send().await?;
        sent.sequence_number.context("no sequence number")
    }

    /// Receives up to `count`, waiting up to `wait` seconds.
    async fn receive(&self, url: &str, count: i32, wait: i32) -> anyhow::Result<Vec<Message>> {
        let request = self.client.receive_message().queue_url(url).max_number_of_messages(count);
        let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
        let request = request.message_attribute_names("All").wait_time_seconds(wait);
        Ok(request.send().await?.messages.unwrap_or_default())
    }

    async fn receive_one(&self, url: &str, wait: i32) -> anyhow::Result<Message> {
        self.receive(url, 1, wait).await?.pop().context("no message came")
    }

    async fn delete(&self, url: &str, message: &Message) -> Outcome {
        let handle = message.receipt_handle.clone().unwrap_or_default();
        self.client.delete_message().queue_url(url).receipt_handle(handle).send().await?;
        Ok(())
    }

    /// Receives and deletes until nothing comes any more.
    async fn drain(&self, url: &str) -> anyhow::Result<Vec<String>> {
        let mut drained = Vec::new();
        loop {
            let messages = self.receive(url, 10, 0).await?;
            if messages.is_empty() {
                return Ok(drained);
            }
            for message in messages {
                self.delete(url, &message).await?;
                drained.extend(message.body);
            }
        }
    }

    /// The call must fail with one of the codes.
    fn refused<T, E, R>(&self, result: Result<T, SdkError<E, R>>, codes: &[&str]) -> Outcome
    where
        E: ProvideErrorMetadata,
    {
        match result {
            Ok(_) => anyhow::bail!("was accepted; expected {codes:?}"),
            Err(error) => {
                let code = error.code().unwrap_or("no code");
                let last = |code: &str| code.rsplit('.').next().unwrap_or_default().to_owned();
                let same =
                    |expected: &&str| code == *expected || !self.exact_codes && last(code) == last(expected);
                ensure!(codes.iter().any(same), "was refused with {code}; expected {codes:?}");
                Ok(())
            }
        }
    }

    async fn show_again(&self, url: &str, message: &Message) -> Outcome {
        let handle = message.receipt_handle.clone().unwrap_or_default();
        let change = self.client.change_message_visibility().queue_url(url).receipt_handle(handle);
        change.visibility_timeout(0).send().await?;
        Ok(())
    }
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages.iter().filter_map(Message::body).collect()
}

fn system<'m>(message: &'m Message, name: &MessageSystemAttributeName) -> &'m str {
    message.attributes.as_ref().and_then(|all| all.get(name)).map_or("", String::as_str)
}

async fn a_group_waits_while_one_of_its_messages_is_in_flight(queues: Queues) -> Outcome {
    let url = queues.fifo("q", &[]).await?;
    for (body, group) in [("a1", "a"), ("a2", "a"), ("b1", "b")] {
        queues.send(&url, body, group, body).await?;
    }
    let first = queues.receive_one(&url, 0).await?;
    ensure!(first.body() == Some("a1"), "first was {:?}", first.body());
    let others = queues.receive(&url, 10, 0).await?;
    ensure!(bodies(&others) == ["b1"], "while a1 is in flight came {:?}", bodies(&others));
    queues.delete(&url, &first).await?;
    let next = queues.receive(&url, 10, 0).await?;
    ensure!(bodies(&next) == ["a2"], "after a1 was deleted came {:?}", bodies(&next));
    Ok(())
}

async fn messages_of_a_group_come_in_order(queues: Queues) -> Outcome {
    let url = queues.fifo("q", &[]).await?;
    let expected: Vec<String> = (0..8).map(|number| number.to_string()).collect();
    for body in &expected {
        queues.send(&url, body, "g", body).await?;
    }
    let found = queues.drain(&url).await?;
    ensure!(found == expected, "came as {found:?}");
    Ok(())
}

async fn one_receive_takes_many_messages_of_a_group(queues: Queues) -> Outcome {
    let url = queues.fifo("q", &[]).await?;
    let expected = ["0", "1", "2"];
    for body in expected {
        queues.send(&url, body, "g", body).await?;
    }
    let first = queues.receive(&url, 10, 0).await?;
    ensure!(bodies(&first) == expected, "came as {:?}", bodies(&first));
    // Given back in another order, they come again in theirs.
    for message in first.iter().rev() {
        queues.show_again(&url, message).await?;
    }
    let again = queues.receive(&url, 10, 1).await?;
    ensure!(bodies(&again) == expected, "came again as {:?}", bodies(&again));
    Ok(())
}

async fn equal_bodies_are_sent_once_with_content_deduplication(queues: Queues) -> Outcome {
    let url = queues.fifo("q", &[(QueueAttributeName::ContentBasedDeduplication, "true")]).await?;
    let send = |body: &str| {
        queues.client.send_message().queue_url(&url).message_body(body).message_group_id("g").send()
    };
    let first = send("same").await?;
    let second = send("same").await?;
    send("other").await?;
    ensure!(first.message_id == second.message_id, "the repeated message got another id");
    ensure!(first.sequence_number == second.sequence_number, "the repeated message got another number");
    let found = queues.drain(&url).await?;
    ensure!(found == ["same", "other"], "came {found:?}");
    // Deleting does not make the queue forget.
    send("same").await?;
    ensure!(
        queues.receive(&url, 10, 0).await?.is_empty(),
        "a repeated message came after the first was deleted"
    );
    Ok(())
}

async fn a_deduplication_id_counts_per_group_when_the_scope_says_so(queues: Queues) -> Outcome {
    let per_group = [
        (QueueAttributeName::DeduplicationScope, "messageGroup"),
        (QueueAttributeName::FifoThroughputLimit, "perMessageGroupId"),
    ];
    for (name, attributes, expected) in
        [("wide", &[][..], vec!["1"]), ("narrow", &per_group[..], vec!["1", "2"])]
    {
        let url = queues.fifo(name, attributes).await?;
        queues.send(&url, "1", "a", "id").await?;
        queues.send(&url, "2", "b", "id").await?;
        let mut found = queues.drain(&url).await?;
        found.sort_unstable();
        ensure!(found == expected, "{name}: came {found:?}");
    }
    Ok(())
}

async fn sequence_numbers_rise(queues: Queues) -> Outcome {
    let url = queues.fifo("q", &[]).await?;
    let first = queues.send(&url, "1", "g", "1").await?;
    let mut last = first.clone();
    for number in 2..8 {
        let id = number.to_string();
        let next = queues.send(&url, &id, &format!("g{id}"), &id).await?;
        ensure!(next.len() == 20, "not of 20 digits: {next}");
        ensure!(last < next, "{last} is not before {next}");
        last = next;
    }
    let message = queues.receive_one(&url, 0).await?;
    ensure!(
        system(&message, &MessageSystemAttributeName::SequenceNumber) == first,
        "another number on receiving"
    );
    ensure!(system(&message, &MessageSystemAttributeName::MessageGroupId) == "g", "no group on receiving");
    ensure!(
        system(&message, &MessageSystemAttributeName::MessageDeduplicationId) == "1",
        "no id on receiving"
    );
    Ok(())
}

async fn the_receive_count_rises(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    queues.client.send_message().queue_url(&url).message_body("x").send().await?;
    let mut first_received = String::new();
    for expected in ["1", "2", "3"] {
        let message = queues.receive_one(&url, 1).await?;
        let count = system(&message, &MessageSystemAttributeName::ApproximateReceiveCount);
        ensure!(count == expected, "count is {count}, expected {expected}");
        let time = system(&message, &MessageSystemAttributeName::ApproximateFirstReceiveTimestamp);
        ensure!(first_received.is_empty() || first_received == time, "the first receive moved");
        time.clone_into(&mut first_received);
        queues.show_again(&url, &message).await?;
    }
    Ok(())
}

async fn visibility_zero_gives_a_message_back_at_once(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    queues.client.send_message().queue_url(&url).message_body("x").send().await?;
    let first = queues.receive_one(&url, 1).await?;
    ensure!(queues.receive(&url, 1, 0).await?.is_empty(), "came while in flight");
    queues.show_again(&url, &first).await?;
    let second = queues.receive_one(&url, 0).await?;
    ensure!(second.message_id == first.message_id, "another message came");
    ensure!(second.receipt_handle != first.receipt_handle, "the handle is the same");
    // And a visibility in seconds ends by itself.
    let handle = second.receipt_handle.clone().unwrap_or_default();
    let change = queues.client.change_message_visibility().queue_url(&url).receipt_handle(handle);
    change.visibility_timeout(1).send().await?;
    let third = queues.receive_one(&url, 5).await?;
    ensure!(third.message_id == first.message_id, "another message came after a second");
    Ok(())
}

async fn a_message_received_too_often_goes_to_the_dead_letters(queues: Queues) -> Outcome {
    let dead = queues.make("dead", &[]).await?;
    let policy = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":"2"}}"#, queues.arn(&dead).await?);
    let url = queues.make("q", &[(QueueAttributeName::RedrivePolicy, &policy)]).await?;
    let sent = queues.client.send_message().queue_url(&url).message_body("poison").send().await?;
    for _ in 0..2 {
        let message = queues.receive_one(&url, 1).await?;
        queues.show_again(&url, &message).await?;
    }
    ensure!(queues.receive(&url, 1, 0).await?.is_empty(), "came a third time");
    let letter = queues.receive_one(&dead, 2).await?;
    ensure!(
        letter.body() == Some("poison") && letter.message_id == sent.message_id,
        "not the message that was sent"
    );
    Ok(())
}

async fn a_dead_letter_names_its_source(queues: Queues) -> Outcome {
    let dead = queues.make("dead", &[]).await?;
    let policy = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":1}}"#, queues.arn(&dead).await?);
    let url = queues.make("q", &[(QueueAttributeName::RedrivePolicy, &policy)]).await?;
    queues.client.send_message().queue_url(&url).message_body("x").send().await?;
    let message = queues.receive_one(&url, 1).await?;
    queues.show_again(&url, &message).await?;
    queues.receive(&url, 1, 0).await?;
    let letter = queues.receive_one(&dead, 2).await?;
    let source = system(&letter, &MessageSystemAttributeName::DeadLetterQueueSourceArn).to_owned();
    ensure!(source == queues.arn(&url).await?, "its source is {source:?}");
    Ok(())
}

async fn a_fifo_dead_letter_keeps_its_group_and_frees_it(queues: Queues) -> Outcome {
    let dead = queues.fifo("dead", &[]).await?;
    let policy = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":1}}"#, queues.arn(&dead).await?);
    let url = queues.fifo("q", &[(QueueAttributeName::RedrivePolicy, &policy)]).await?;
    queues.send(&url, "poison", "g", "1").await?;
    queues.send(&url, "next", "g", "2").await?;
    let first = queues.receive_one(&url, 0).await?;
    queues.show_again(&url, &first).await?;
    let next = queues.receive_one(&url, 1).await?;
    ensure!(next.body() == Some("next"), "after the poison came {:?}", next.body());
    let letter = queues.receive_one(&dead, 2).await?;
    ensure!(letter.body() == Some("poison"), "the dead letter is {:?}", letter.body());
    let group = system(&letter, &MessageSystemAttributeName::MessageGroupId);
    ensure!(group == "g", "its group is {group:?}");
    Ok(())
}

async fn a_delayed_message_comes_later(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    let send = |body: &str| queues.client.send_message().queue_url(&url).message_body(body);
    send("later").delay_seconds(2).send().await?;
    send("now").send().await?;
    let messages = queues.receive(&url, 10, 1).await?;
    ensure!(bodies(&messages) == ["now"], "came {:?}", bodies(&messages));
    let later = queues.receive_one(&url, 6).await?;
    ensure!(later.body() == Some("later"), "then came {:?}", later.body());
    let delayed = queues.make("delayed", &[(QueueAttributeName::DelaySeconds, "1")]).await?;
    queues.client.send_message().queue_url(&delayed).message_body("x").send().await?;
    ensure!(queues.receive(&delayed, 1, 0).await?.is_empty(), "the queue's delay was ignored");
    queues.receive_one(&delayed, 5).await?;
    Ok(())
}

async fn a_long_poll_wakes_up_when_a_message_arrives(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    let begun = Instant::now();
    let (received, sent) = tokio::join!(queues.receive(&url, 1, 20), async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        queues.client.send_message().queue_url(&url).message_body("x").send().await
    });
    sent?;
    ensure!(bodies(&received?) == ["x"], "the poll came back empty");
    ensure!(begun.elapsed() < Duration::from_secs(15), "the poll slept on for {:?}", begun.elapsed());
    let begun = Instant::now();
    ensure!(queues.receive(&url, 1, 1).await?.is_empty(), "there was nothing to receive");
    ensure!(begun.elapsed() >= Duration::from_millis(900), "the poll did not wait: {:?}", begun.elapsed());
    Ok(())
}

async fn a_fifo_queue_refuses_a_delay_of_one_message(queues: Queues) -> Outcome {
    let url = queues.fifo("q", &[]).await?;
    let message = queues.client.send_message().queue_url(&url).message_body("x").message_group_id("g");
    queues.refused(
        message.message_deduplication_id("1").delay_seconds(1).send().await,
        &["InvalidParameterValue"],
    )
}

async fn ids_of_batches_are_checked(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    let entry = |id: &str| SendMessageBatchRequestEntry::builder().id(id).message_body("x").build();
    let many: Vec<String> = (0..11).map(|number| number.to_string()).collect();
    for (ids, code) in [
        (vec![], "AWS.SimpleQueueService.EmptyBatchRequest"),
        (many.iter().map(String::as_str).collect(), "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"),
        (vec!["a", "a"], "AWS.SimpleQueueService.BatchEntryIdsNotDistinct"),
        (vec!["not allowed"], "AWS.SimpleQueueService.InvalidBatchEntryId"),
    ] {
        let entries: Vec<_> = ids.iter().map(|id| entry(id)).collect::<Result<_, _>>()?;
        let sent = queues.client.send_message_batch().queue_url(&url).set_entries(Some(entries)).send().await;
        queues
            .refused(sent, &[code])
            .with_context(|| format!("{} ids, first {:?}", ids.len(), ids.first()))?;
    }
    ensure!(queues.receive(&url, 10, 0).await?.is_empty(), "a refused batch sent something");
    Ok(())
}

async fn an_id_of_a_batch_may_have_80_characters_and_no_more(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    let entry = |length: usize| {
        SendMessageBatchRequestEntry::builder().id("x".repeat(length)).message_body("x").build()
    };
    queues.client.send_message_batch().queue_url(&url).entries(entry(80)?).send().await?;
    let sent = queues.client.send_message_batch().queue_url(&url).entries(entry(81)?).send().await;
    queues.refused(sent, &["AWS.SimpleQueueService.InvalidBatchEntryId"])
}

async fn one_entry_of_a_batch_fails_alone(queues: Queues) -> Outcome {
    let url = queues.fifo("q", &[]).await?;
    let entry = |id: &str| SendMessageBatchRequestEntry::builder().id(id).message_body(id);
    let sent = queues
        .client
        .send_message_batch()
        .queue_url(&url)
        .entries(entry("good").message_group_id("g").message_deduplication_id("1").build()?)
        .entries(entry("bad").message_group_id("g").build()?)
        .send()
        .await?;
    let good: Vec<&str> =
        sent.successful.iter().map(aws_sdk_sqs::types::SendMessageBatchResultEntry::id).collect();
    let bad: Vec<(&str, bool)> = sent.failed.iter().map(|entry| (entry.id(), entry.sender_fault)).collect();
    ensure!(good == ["good"] && bad == [("bad", true)], "good {good:?}, bad {bad:?}");
    let messages = queues.receive(&url, 10, 0).await?;
    ensure!(bodies(&messages) == ["good"], "came {:?}", bodies(&messages));
    Ok(())
}

async fn a_message_may_have_one_mebibyte_and_no_more(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    let send =
        |bytes: usize| queues.client.send_message().queue_url(&url).message_body("x".repeat(bytes)).send();
    send(1_048_576).await.context("one MiB was refused")?;
    queues.refused(send(1_048_577).await, &["InvalidParameterValue"])?;
    let message = queues.receive_one(&url, 1).await?;
    ensure!(message.body().map(str::len) == Some(1_048_576), "came cut");
    Ok(())
}

async fn a_batch_may_have_one_mebibyte_and_no_more(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    let entry = |id: &str, bytes: usize| {
        SendMessageBatchRequestEntry::builder().id(id).message_body("x".repeat(bytes)).build()
    };
    let send = |first, second| {
        queues.client.send_message_batch().queue_url(&url).entries(first).entries(second).send()
    };
    send(entry("a", 524_288)?, entry("b", 524_288)?).await.context("one MiB together was refused")?;
    let too_long = send(entry("a", 524_288)?, entry("b", 524_289)?).await;
    queues.refused(too_long, &["AWS.SimpleQueueService.BatchRequestTooLong"])
}

async fn a_bad_receipt_handle_is_refused(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    let delete = queues.client.delete_message().queue_url(&url).receipt_handle("made-up").send().await;
    queues.refused(delete, &["ReceiptHandleIsInvalid"])?;
    let change = queues.client.change_message_visibility().queue_url(&url).receipt_handle("made-up");
    queues.refused(change.visibility_timeout(1).send().await, &["ReceiptHandleIsInvalid"])
}

async fn a_dead_letter_queue_must_be_of_the_same_type(queues: Queues) -> Outcome {
    let dead = queues.make("dead", &[]).await?;
    let policy = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":1}}"#, queues.arn(&dead).await?);
    let url = queues.fifo("q", &[]).await?;
    let set = queues.client.set_queue_attributes().queue_url(&url);
    let set = set.attributes(QueueAttributeName::RedrivePolicy, policy).send().await;
    // The words of SQS are known, its code is not.
    queues.refused(set, &["InvalidParameterValue", "InvalidParameterCombination"])
}

async fn message_attributes_come_back_with_their_checksum(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    let number =
        MessageAttributeValue::builder().data_type("Number").string_value("1493147359900").build()?;
    let sent = queues.client.send_message().queue_url(&url).message_body("x");
    let sent = sent.message_attributes("timestamp", number.clone()).send().await?;
    let checksum = Some("235c5c510d26fb653d073faed50ae77c");
    ensure!(sent.md5_of_message_attributes() == checksum, "sent with {:?}", sent.md5_of_message_attributes());
    ensure!(
        sent.md5_of_message_body() == Some("9dd4e461268c8034f5c8564e155c67a6"),
        "another checksum of the body"
    );
    let message = queues.receive_one(&url, 1).await?;
    let attributes = message.message_attributes.clone().unwrap_or_default();
    ensure!(attributes.get("timestamp") == Some(&number), "came back as {attributes:?}");
    ensure!(
        message.md5_of_message_attributes() == checksum,
        "received with {:?}",
        message.md5_of_message_attributes()
    );
    Ok(())
}

async fn a_missing_queue_has_its_own_error(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    let missing = format!("{url}-missing");
    let code = &["AWS.SimpleQueueService.NonExistentQueue"];
    queues.refused(queues.client.send_message().queue_url(&missing).message_body("x").send().await, code)?;
    queues.refused(queues.client.receive_message().queue_url(&missing).send().await, code)?;
    queues.refused(queues.client.get_queue_url().queue_name("missing").send().await, code)
}

async fn an_expired_handle_of_a_fifo_queue_deletes_nothing(queues: Queues) -> Outcome {
    let url = queues.fifo("q", &[]).await?;
    queues.send(&url, "x", "g", "1").await?;
    let first = queues.receive_one(&url, 0).await?;
    queues.show_again(&url, &first).await?;
    let second = queues.receive_one(&url, 1).await?;
    let stale = first.receipt_handle.clone().unwrap_or_default();
    let delete = queues.client.delete_message().queue_url(&url).receipt_handle(stale).send().await;
    queues.refused(delete, &["InvalidParameterValue"])?;
    queues.show_again(&url, &second).await?;
    let third = queues.receive_one(&url, 1).await?;
    queues.delete(&url, &third).await?;
    ensure!(queues.receive(&url, 1, 0).await?.is_empty(), "came after it was deleted");
    Ok(())
}

async fn making_a_queue_twice_is_one_queue_unless_it_differs(queues: Queues) -> Outcome {
    let first = queues.make("q", &[(QueueAttributeName::VisibilityTimeout, "40")]).await?;
    let second = queues.make("q", &[(QueueAttributeName::VisibilityTimeout, "40")]).await?;
    let third = queues.make("q", &[]).await?;
    ensure!(first == second && second == third, "{first}, {second} and {third} differ");
    let name = format!("{}-q", queues.prefix);
    let other =
        queues.client.create_queue().queue_name(name).attributes(QueueAttributeName::VisibilityTimeout, "41");
    queues.refused(other.send().await, &["QueueAlreadyExists"])
}

async fn a_standard_queue_refuses_a_deduplication_id(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    let message = queues.client.send_message().queue_url(&url).message_body("x");
    queues.refused(message.message_deduplication_id("1").send().await, &["InvalidParameterValue"])
}

async fn a_fifo_message_needs_a_group_and_a_deduplication_id(queues: Queues) -> Outcome {
    let url = queues.fifo("q", &[]).await?;
    let message = || queues.client.send_message().queue_url(&url).message_body("x");
    queues.refused(message().message_deduplication_id("1").send().await, &["MissingParameter"])?;
    queues.refused(message().message_group_id("g").send().await, &["InvalidParameterValue"])
}

async fn counts_tell_visible_and_in_flight(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    for _ in 0..3 {
        queues.client.send_message().queue_url(&url).message_body("x").send().await?;
    }
    queues.client.send_message().queue_url(&url).message_body("x").delay_seconds(60).send().await?;
    queues.receive_one(&url, 1).await?;
    let request =
        queues.client.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
    let attributes = request.send().await?.attributes.unwrap_or_default();
    let count = |name: QueueAttributeName| attributes.get(&name).map_or("", String::as_str).to_owned();
    let counts = [
        count(QueueAttributeName::ApproximateNumberOfMessages),
        count(QueueAttributeName::ApproximateNumberOfMessagesNotVisible),
        count(QueueAttributeName::ApproximateNumberOfMessagesDelayed),
    ];
    ensure!(counts == ["2", "1", "1"], "visible, in flight and delayed are {counts:?}");
    Ok(())
}

async fn batches_change_visibility_and_delete(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    for body in ["1", "2"] {
        queues.client.send_message().queue_url(&url).message_body(body).send().await?;
    }
    let mut messages = queues.receive(&url, 10, 1).await?;
    if messages.len() == 1 {
        messages.extend(queues.receive(&url, 10, 1).await?);
    }
    ensure!(messages.len() == 2, "{} came", messages.len());
    let mut change = queues.client.change_message_visibility_batch().queue_url(&url);
    for (number, message) in messages.iter().enumerate() {
        let entry =
            ChangeMessageVisibilityBatchRequestEntry::builder().id(number.to_string()).visibility_timeout(0);
        change = change.entries(entry.receipt_handle(message.receipt_handle().unwrap_or_default()).build()?);
    }
    let changed = change.send().await?;
    ensure!(changed.successful.len() == 2 && changed.failed.is_empty(), "changing failed: {changed:?}");
    let mut messages = queues.receive(&url, 10, 1).await?;
    if messages.len() == 1 {
        messages.extend(queues.receive(&url, 10, 1).await?);
    }
    let mut delete = queues.client.delete_message_batch().queue_url(&url);
    for (number, message) in messages.iter().enumerate() {
        let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
        delete = delete.entries(entry.receipt_handle(message.receipt_handle().unwrap_or_default()).build()?);
    }
    let deleted = delete.send().await?;
    ensure!(deleted.successful.len() == 2 && deleted.failed.is_empty(), "deleting failed: {deleted:?}");
    Ok(())
}

async fn a_bad_handle_in_a_batch_fails_alone(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    queues.client.send_message().queue_url(&url).message_body("x").send().await?;
    let message = queues.receive_one(&url, 1).await?;
    let entry = |id: &str, handle: &str| {
        DeleteMessageBatchRequestEntry::builder().id(id).receipt_handle(handle).build()
    };
    let delete = queues.client.delete_message_batch().queue_url(&url);
    let delete = delete.entries(entry("good", message.receipt_handle().unwrap_or_default())?);
    let deleted = delete.entries(entry("bad", "made-up")?).send().await?;
    let failed: Vec<(&str, &str)> = deleted.failed.iter().map(|entry| (entry.id(), entry.code())).collect();
    ensure!(deleted.successful.len() == 1, "{} were deleted", deleted.successful.len());
    ensure!(failed == [("bad", "ReceiptHandleIsInvalid")], "failed: {failed:?}");
    Ok(())
}
