//! What a queue service must do, as named checks that run against any endpoint.
//!
//! Each check makes queues of its own, so that all of them can run at the same time.

mod batches;
mod fifo;
mod standard;

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_sqs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName, QueueAttributeName};

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
        ($($module:ident: $($name:ident),* $(,)?;)*) => {$($(
            let queues = Queues::new(endpoint, stringify!($name), exact_codes);
            running.spawn(async move { (stringify!($name), bounded($module::$name(queues)).await) });
            names.push(stringify!($name));
        )*)*};
    }
    run!(
        fifo:
            a_group_waits_while_one_of_its_messages_is_in_flight,
            messages_of_a_group_come_in_order,
            one_receive_takes_many_messages_of_a_group,
            equal_bodies_are_sent_once_with_content_deduplication,
            a_deduplication_id_counts_per_group_when_the_scope_says_so,
            sequence_numbers_rise,
            a_fifo_dead_letter_keeps_its_group_and_frees_it,
            a_fifo_queue_refuses_a_delay_of_one_message,
            a_dead_letter_queue_must_be_of_the_same_type,
            an_expired_handle_of_a_fifo_queue_deletes_nothing,
            a_fifo_message_needs_a_group_and_a_deduplication_id,
        ;
        standard:
            the_receive_count_rises,
            visibility_zero_gives_a_message_back_at_once,
            a_message_received_too_often_goes_to_the_dead_letters,
            a_dead_letter_names_its_source,
            a_delayed_message_comes_later,
            a_long_poll_wakes_up_when_a_message_arrives,
            a_bad_receipt_handle_is_refused,
            message_attributes_come_back_with_their_checksum,
            a_missing_queue_has_its_own_error,
            making_a_queue_twice_is_one_queue_unless_it_differs,
            a_standard_queue_refuses_a_deduplication_id,
            counts_tell_visible_and_in_flight,
        ;
        batches:
            ids_of_batches_are_checked,
            an_id_of_a_batch_may_have_80_characters_and_no_more,
            one_entry_of_a_batch_fails_alone,
            a_message_may_have_one_mebibyte_and_no_more,
            a_batch_may_have_one_mebibyte_and_no_more,
            batches_change_visibility_and_delete,
            a_bad_handle_in_a_batch_fails_alone,
        ;
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
