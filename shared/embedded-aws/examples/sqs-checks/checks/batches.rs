//! Batches and sizes.

use anyhow::{Context as _, ensure};
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, SendMessageBatchRequestEntry,
};

use super::{Outcome, Queues, bodies};

pub(super) async fn ids_of_batches_are_checked(queues: Queues) -> Outcome {
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

pub(super) async fn an_id_of_a_batch_may_have_80_characters_and_no_more(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    let entry = |length: usize| {
        SendMessageBatchRequestEntry::builder().id("x".repeat(length)).message_body("x").build()
    };
    queues.client.send_message_batch().queue_url(&url).entries(entry(80)?).send().await?;
    let sent = queues.client.send_message_batch().queue_url(&url).entries(entry(81)?).send().await;
    queues.refused(sent, &["AWS.SimpleQueueService.InvalidBatchEntryId"])
}

pub(super) async fn one_entry_of_a_batch_fails_alone(queues: Queues) -> Outcome {
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

pub(super) async fn a_message_may_have_one_mebibyte_and_no_more(queues: Queues) -> Outcome {
    let url = queues.make("q", &[]).await?;
    let send =
        |bytes: usize| queues.client.send_message().queue_url(&url).message_body("x".repeat(bytes)).send();
    send(1_048_576).await.context("one MiB was refused")?;
    queues.refused(send(1_048_577).await, &["InvalidParameterValue"])?;
    let message = queues.receive_one(&url, 1).await?;
    ensure!(message.body().map(str::len) == Some(1_048_576), "came cut");
    Ok(())
}

pub(super) async fn a_batch_may_have_one_mebibyte_and_no_more(queues: Queues) -> Outcome {
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

pub(super) async fn batches_change_visibility_and_delete(queues: Queues) -> Outcome {
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

pub(super) async fn a_bad_handle_in_a_batch_fails_alone(queues: Queues) -> Outcome {
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
