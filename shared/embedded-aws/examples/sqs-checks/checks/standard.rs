//! Visibility, delay, dead letters, attributes: what standard queues have.

use std::time::{Duration, Instant};

use anyhow::ensure;
use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName};

use super::{Outcome, Queues, bodies, system};

pub(super) async fn the_receive_count_rises(queues: Queues) -> Outcome {
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

pub(super) async fn visibility_zero_gives_a_message_back_at_once(queues: Queues) -> Outcome {
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

pub(super) async fn a_message_received_too_often_goes_to_the_dead_letters(queues: Queues) -> Outcome {
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

pub(super) async fn a_dead_letter_names_its_source(queues: Queues) -> Outcome {
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

pub(super) async fn a_delayed_message_comes_later(queues: Queues) -> Outcome {
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

pub(super) async fn a_long_poll_wakes_up_when_a_message_arrives(queues: Queues) -> Outcome {
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

pub(super) async fn a_bad_receipt_handle_is_refused(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    let delete = queues.client.delete_message().queue_url(&url).receipt_handle("made-up").send().await;
    queues.refused(delete, &["ReceiptHandleIsInvalid"])?;
    let change = queues.client.change_message_visibility().queue_url(&url).receipt_handle("made-up");
    queues.refused(change.visibility_timeout(1).send().await, &["ReceiptHandleIsInvalid"])
}

pub(super) async fn message_attributes_come_back_with_their_checksum(queues: Queues) -> Outcome {
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

pub(super) async fn a_missing_queue_has_its_own_error(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    let missing = format!("{url}-missing");
    let code = &["AWS.SimpleQueueService.NonExistentQueue"];
    queues.refused(queues.client.send_message().queue_url(&missing).message_body("x").send().await, code)?;
    queues.refused(queues.client.receive_message().queue_url(&missing).send().await, code)?;
    queues.refused(queues.client.get_queue_url().queue_name("missing").send().await, code)
}

pub(super) async fn making_a_queue_twice_is_one_queue_unless_it_differs(queues: Queues) -> Outcome {
    let first = queues.make("q", &[(QueueAttributeName::VisibilityTimeout, "40")]).await?;
    let second = queues.make("q", &[(QueueAttributeName::VisibilityTimeout, "40")]).await?;
    let third = queues.make("q", &[]).await?;
    ensure!(first == second && second == third, "{first}, {second} and {third} differ");
    let name = format!("{}-q", queues.prefix);
    let other =
        queues.client.create_queue().queue_name(name).attributes(QueueAttributeName::VisibilityTimeout, "41");
    queues.refused(other.send().await, &["QueueAlreadyExists"])
}

pub(super) async fn a_standard_queue_refuses_a_deduplication_id(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    let message = queues.client.send_message().queue_url(&url).message_body("x");
    queues.refused(message.message_deduplication_id("1").send().await, &["InvalidParameterValue"])
}

pub(super) async fn counts_tell_visible_and_in_flight(queues: Queues) -> Outcome {
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
