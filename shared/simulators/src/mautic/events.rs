//! Webhook events: their keys, and the items that are sent for them.

use indexmap::IndexMap;
use jiff::Timestamp;

use super::php::Php;
use super::stamp::iso;

pub(crate) const CONTACT_NEW: &str = "mautic.lead_post_save_new";
pub(crate) const CONTACT_UPDATE: &str = "mautic.lead_post_save_update";
pub(crate) const CONTACT_DELETE: &str = "mautic.lead_post_delete";
pub(crate) const POINTS_CHANGE: &str = "mautic.lead_points_change";
pub(crate) const SUBSCRIPTION_CHANGED: &str = "mautic.lead_channel_subscription_changed";
pub(crate) const COMPANY_CHANGE: &str = "mautic.lead_company_change";
pub(crate) const SEGMENT_CHANGE: &str = "mautic.lead_list_change";
pub(crate) const COMPANY_SAVE: &str = "mautic.company_post_save";
pub(crate) const COMPANY_DELETE: &str = "mautic.company_post_delete";
pub(crate) const FORM_SUBMIT: &str = "mautic.form_on_submit";

/// Something that happened, as it is told to webhooks.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) key: &'static str,
    pub(crate) item: Php,
}

impl Event {
    /// An item with these entries, closed by its `timestamp`.
    pub(crate) fn new<const N: usize>(key: &'static str, now: Timestamp, entries: [(&str, Php); N]) -> Self {
        let mut item: IndexMap<String, Php> =
            entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        item.insert("timestamp".to_owned(), Php::Text(iso(now)));
        Self { key, item: Php::Map(item) }
    }

    /// Puts `fields.all` into the contact: batches leave it in what they tell (captures E03, E11).
    pub(crate) fn add_all(&mut self, all: &Php) {
        if let Php::Map(item) = &mut self.item
            && let Some(Php::Map(contact)) = item.get_mut("contact")
            && let Some(Php::Map(fields)) = contact.get_mut("fields")
        {
            fields.insert("all".to_owned(), all.clone());
        }
    }
}

/// What `GET /api/hooks/triggers` answers: key, label, description. Source: capture A02.
pub(crate) const TRIGGERS: [(&str, &str, &str); 14] = [
    (COMPANY_SAVE, "Company Create/Update Event", "Triggered when a company is created/updated"),
    (COMPANY_DELETE, "Company Deleted Event", "Triggered when a company is deleted"),
    (
        SUBSCRIPTION_CHANGED,
        "Contact Channel Subscription Change Event",
        "Triggered when a contact's channel subscription status changes.",
    ),
    (
        COMPANY_CHANGE,
        "Contact Company Subscription Change Event",
        "Triggered when a commpany is added or removed to/from contact",
    ),
    (CONTACT_DELETE, "Contact Deleted Event", "Triggered when a contact is deleted."),
    (CONTACT_NEW, "Contact Identified Event", "Triggered when a contact is identified."),
    (POINTS_CHANGE, "Contact Points Changed Event", "Triggered when a contact's points are modified."),
    (
        SEGMENT_CHANGE,
        "Contact Segment Membership Change Event",
        "Triggered when a contact segment membership is changed",
    ),
    (CONTACT_UPDATE, "Contact Updated Event", "Triggered when a contact is updated."),
    ("mautic.email_on_open", "Email Open Event", "mautic.email.webhook.event.open_desc"),
    ("mautic.email_on_send", "Email Send Event", "mautic.email.webhook.event.send_desc"),
    (FORM_SUBMIT, "Form Submit Event", "mautic.form.webhook.event.form.submit_desc"),
    ("mautic.page_on_hit", "Page Hit Event", "mautic.page.webhook.event.hit_desc"),
    ("mautic.sms_on_send", "Text Send Event", "mautic.sms.webhook.event.send_desc"),
];
