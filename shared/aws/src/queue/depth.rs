//! How much waits in a queue.

use aws_sdk_sqs::types::QueueAttributeName;
use sync::StoreError;

use crate::aws_error::store_error;

/// What SQS tells of a queue: counts that it calls approximate. It tells no contents and no ages; the age of the
/// oldest message is a metric of CloudWatch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Messages that can be received now.
    pub waiting: u64,
    /// Messages that somebody has received and not yet deleted, those included whose next attempt is put off.
    pub in_flight: u64,
}

/// How much waits in the queue at `url`.
///
/// # Errors
/// There is no such queue, or we may not look at it.
pub async fn depth(client: &aws_sdk_sqs::Client, url: &str) -> Result<Depth, StoreError> {
    let wanted = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
    ];
    let call = client.get_queue_attributes().queue_url(url).set_attribute_names(Some(wanted.to_vec()));
    let answer = call.send().await.map_err(|error| store_error("GetQueueAttributes", &error))?;
    let attributes = answer.attributes.unwrap_or_default();
    let count = |name: &QueueAttributeName| -> u64 {
        attributes.get(name).and_then(|text| text.parse().ok()).unwrap_or_default()
    };
    let [visible, in_flight, delayed] = &wanted;
    Ok(Depth { waiting: count(visible) + count(delayed), in_flight: count(in_flight) })
}
