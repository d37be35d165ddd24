//! A notice as a message of a FIFO queue. No personal data outside the body, and in the body ids only.

use std::borrow::Cow;

use model::{Fingerprint, Notice, System, SystemKind};
use serde::Serialize;
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
    /// The message of a notice towards a system. All sites of WordPress share a queue: there the system is part of
    /// everything, so that a site that is away holds up nobody else's notices.
    pub(super) fn of(target: &System, notice: &Notice) -> Result<Self, StoreError> {
        let shared = shares_queue(target);
        let addressed = Addressed { notice, target: shared.then_some(target) };
        let body = serde_json::to_string(&addressed);
        let body =
            body.map_err(|_| StoreError { detail: "a notice cannot be written as JSON".to_owned() })?;
        let id =
            |text: String| queue_id(&if shared { format!("{target}/{text}") } else { text }).into_owned();
        Ok(Self { body, group: id(notice.record.key()), deduplication: id(notice.receipt.clone()) })
    }
}

/// A notice with the system that it leads to, where the queue alone does not say.
#[derive(Serialize)]
struct Addressed<'a> {
    #[serde(flatten)]
    notice: &'a Notice,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a System>,
}

/// Whether systems of this kind share one queue.
fn shares_queue(target: &System) -> bool {
    target.kind() == SystemKind::WordPress
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
    fn two_sites_share_a_queue_and_not_their_groups() {
        let notice: Notice = serde_json::from_value(serde_json::json!({
            "record": { "system": "mautic:main", "object": "contact", "id": "47" },
            "kind": "saved", "receipt": "r/0", "received_at": "2026-11-21T08:00:00Z",
        }))
        .unwrap();
        let message = |target: &str| Message::of(&target.parse().unwrap(), &notice).unwrap();
        let (shop, blog, corebos) =
            (message("wordpress:shop"), message("wordpress:blog"), message("corebos:main"));
        assert_eq!(shop.group, "wordpress:shop/mautic:main#contact#47");
        assert!(shop.group != blog.group && shop.deduplication != blog.deduplication);
        assert!(shop.body.contains("\"target\":\"wordpress:shop\""), "{}", shop.body);
        assert_eq!(
            (corebos.group.as_str(), corebos.body.contains("target")),
            ("mautic:main#contact#47", false)
        );
    }

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
