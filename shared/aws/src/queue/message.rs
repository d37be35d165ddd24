//! A notice as a message of a FIFO queue. No personal data outside the body, and in the body ids only.

use std::borrow::Cow;

use model::{Fingerprint, Notice};
use sync::StoreError;

/// The longest group id and deduplication id, in characters.
///
/// Source: `SendMessage` in the SQS API reference, `MessageGroupId` and `MessageDeduplicationId`.
const LONGEST_ID: usize = 128;

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// The notice as JSON.
    pub(super) body: String,
    /// The record: its notices run in order, and a record that fails holds up only itself.
    pub(super) group: String,
    /// Unique per receipt. Never made from content: two edits may look alike.
    pub(super) deduplication: String,
}

impl Message {
    pub(super) fn of(notice: &Notice) -> Result<Self, StoreError> {
        let body = serde_json::to_string(notice);
        let body =
            body.map_err(|_| StoreError { detail: "a notice cannot be written as JSON".to_owned() })?;
        Ok(Self {
            body,
            group: queue_id(&notice.record.key()).into_owned(),
            deduplication: queue_id(&notice.receipt).into_owned(),
        })
    }
}

/// A text as SQS takes it for an id: up to 128 letters, digits and punctuation marks of ASCII; others are hashed.
pub(crate) fn queue_id(text: &str) -> Cow<'_, str> {
    let fits = (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(format!("sha256-{}", Fingerprint::of_bytes(text.as_bytes()).as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_sqs_would_refuse_are_hashed_and_stay_different() {
        assert_eq!(queue_id("mautic:main#contact#47"), "mautic:main#contact#47");
        assert_eq!(queue_id(&"x".repeat(128)).len(), 128);
        let odd = ["", "a b", "é", "a\n", &"x".repeat(129), &"x".repeat(130)];
        let hashed: std::collections::BTreeSet<_> =
            odd.iter().map(|text| queue_id(text).into_owned()).collect();
        assert_eq!(hashed.len(), odd.len());
        for id in hashed {
            assert!(id.starts_with("sha256-") && id.len() <= LONGEST_ID, "{id}");
        }
    }
}
