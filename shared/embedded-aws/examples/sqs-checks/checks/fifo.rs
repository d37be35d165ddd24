//! Groups, order, deduplication: what only FIFO queues have.

use anyhow::ensure;
use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};

use super::{Outcome, Queues, bodies, system};

pub(super) async fn a_group_waits_while_one_of_its_messages_is_in_flight(queues: Queues) -> Outcome {
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

pub(super) async fn messages_of_a_group_come_in_order(queues: Queues) -> Outcome {
    let url = queues.fifo("q", &[]).await?;
    let expected: Vec<String> = (0..8).map(|number| number.to_string()).collect();
    for body in &expected {
        queues.send(&url, body, "g", body).await?;
    }
    let found = queues.drain(&url).await?;
    ensure!(found == expected, "came as {found:?}");
    Ok(())
}

pub(super) async fn one_receive_takes_many_messages_of_a_group(queues: Queues) -> Outcome {
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

pub(super) async fn equal_bodies_are_sent_once_with_content_deduplication(queues: Queues) -> Outcome {
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

pub(super) async fn a_deduplication_id_counts_per_group_when_the_scope_says_so(queues: Queues) -> Outcome {
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

pub(super) async fn sequence_numbers_rise(queues: Queues) -> Outcome {
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

pub(super) async fn a_fifo_dead_letter_keeps_its_group_and_frees_it(queues: Queues) -> Outcome {
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

pub(super) async fn a_fifo_queue_refuses_a_delay_of_one_message(queues: Queues) -> Outcome {
    let url = queues.fifo("q", &[]).await?;
    let message = queues.client.send_message().queue_url(&url).message_body("x").message_group_id("g");
    queues.refused(
        message.message_deduplication_id("1").delay_seconds(1).send().await,
        &["InvalidParameterValue"],
    )
}

pub(super) async fn a_dead_letter_queue_must_be_of_the_same_type(queues: Queues) -> Outcome {
    let dead = queues.make("dead", &[]).await?;
    let policy = format!(r#"{{"deadLetterTargetArn":"{}","maxReceiveCount":1}}"#, queues.arn(&dead).await?);
    let url = queues.fifo("q", &[]).await?;
    let set = queues.client.set_queue_attributes().queue_url(&url);
    let set = set.attributes(QueueAttributeName::RedrivePolicy, policy).send().await;
    // The words of SQS are known, its code is not.
    queues.refused(set, &["InvalidParameterValue", "InvalidParameterCombination"])
}

pub(super) async fn an_expired_handle_of_a_fifo_queue_deletes_nothing(queues: Queues) -> Outcome {
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

pub(super) async fn a_fifo_message_needs_a_group_and_a_deduplication_id(queues: Queues) -> Outcome {
    let url = queues.fifo("q", &[]).await?;
    let message = || queues.client.send_message().queue_url(&url).message_body("x");
    queues.refused(message().message_deduplication_id("1").send().await, &["MissingParameter"])?;
    queues.refused(message().message_group_id("g").send().await, &["InvalidParameterValue"])
}
