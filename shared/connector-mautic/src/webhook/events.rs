//! What Mautic's events mean to the bridge: one table.

use model::{NoticeKind, ObjectName};

use super::item::ItemIds;
use crate::objects::{COMPANY, CONTACT};

/// What an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A contact became known or was changed, its points included.
    ContactSaved,
    /// A contact is gone: deleted, or merged into another one.
    ContactDeleted,
    /// A contact may or may not be written to by a channel any more.
    Subscription,
    /// A contact was put into a company or taken out.
    Association,
    /// A contact was put into a segment or taken out.
    Segment,
    /// A company was created or changed.
    CompanySaved,
    /// A company is gone, or about to be.
    CompanyDeleted,
    /// Something that a contact did: a mail was opened, a form sent, a page seen.
    Activity,
    /// An event that a plugin or a later Mautic has added.
    Unknown,
}

impl Meaning {
    /// The meaning of an event key. Mautic lists its own at `GET /api/hooks/triggers`; plugins add to them.
    pub fn of(event: &str) -> Self {
        match event {
            "mautic.lead_post_save_new" | "mautic.lead_post_save_update" | "mautic.lead_points_change" => {
                Self::ContactSaved
            }
            "mautic.lead_post_delete" => Self::ContactDeleted,
            "mautic.lead_channel_subscription_changed" => Self::Subscription,
            "mautic.lead_company_change" => Self::Association,
            "mautic.lead_list_change" => Self::Segment,
            "mautic.company_post_save" => Self::CompanySaved,
            "mautic.company_post_delete" | "mautic.company_soft_delete" => Self::CompanyDeleted,
            "mautic.form_on_submit"
            | "mautic.page_on_hit"
            | "mautic.email_on_send"
            | "mautic.email_on_open"
            | "mautic.sms_on_send" => Self::Activity,
            _ => Self::Unknown,
        }
    }

    /// What one item of such an event becomes.
    pub(super) fn outcome(self, ids: &ItemIds) -> Outcome {
        let (object, kind, id) = match self {
            // A membership and a subscription are no updates of the contact in Mautic, and fields of it here.
            Self::ContactSaved | Self::Subscription | Self::Association => {
                (CONTACT, NoticeKind::Saved, ids.contact)
            }
            // The contact inside carries the values of the dead record, and null as its id.
            Self::ContactDeleted => (CONTACT, NoticeKind::Deleted, ids.item),
            Self::CompanySaved => (COMPANY, NoticeKind::Saved, ids.company),
            Self::CompanyDeleted => (COMPANY, NoticeKind::Deleted, ids.item),
            Self::Segment => return ids.contact.map_or(Outcome::NoId, Outcome::Membership),
            Self::Activity | Self::Unknown => return Outcome::Nothing,
        };
        match id {
            Some(id) => Outcome::Notice(ObjectName::new(object), id, kind),
            None => Outcome::NoId,
        }
    }
}

/// What becomes of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A notice about this record.
    Notice(ObjectName, u64, NoticeKind),
    /// A contact is in other segments than before: no field of it, and what decides who becomes a user of a site.
    Membership(u64),
    /// Nothing that any pair is interested in.
    Nothing,
    /// The event is about a record and does not name it.
    NoId,
}
