//! The rows of the table of pairs.

use model::{PairKind, SystemKind};

use super::{AssociationSpec, Gate, HubGone, ITSELF, KeptWhere, Mark, Marked, PairSpec, RidesAlong};

/// What coreBOS records are marked with whose partner in Mautic is gone.
const MAUTIC_MARKS: &[Mark] = &[
    Mark { field: "mautic_id", marked: Marked::As(""), unmarked: None },
    Mark { field: "deleted_in_mautic", marked: Marked::As("1"), unmarked: Some("0") },
];

/// The same for HubSpot. The id stays: it leads to the recycle bin.
const HUBSPOT_MARKS: &[Mark] = &[
    Mark { field: "hubspotsyncwith", marked: Marked::As("0"), unmarked: Some("1") },
    Mark { field: "hubspotdeleted", marked: Marked::As("1"), unmarked: Some("0") },
    Mark { field: "hubspotdeletedon", marked: Marked::Now, unmarked: Some("") },
];

/// Whether a coreBOS record is kept in step with HubSpot at all.
const HUBSPOT_GATE: Gate = Gate { opted_in: "hubspotsyncwith", gone: "hubspotdeleted" };

/// What coreBOS records show of their partners in HubSpot; never a reason for a write.
const HUBSPOT_RIDES_ALONG: &[(&str, RidesAlong)] =
    &[("hubspotrecord", RidesAlong::Field("record_url")), ("hubspotlastsync", RidesAlong::Now)];

/// What coreBOS records get that come from HubSpot.
const FROM_HUBSPOT: &[(&str, &str)] = &[("hubspotsyncwith", "1"), ("hubspotcreated", "1")];

/// A row for HubSpot, without what differs.
const HUBSPOT: PairSpec = PairSpec {
    kind: PairKind::HubSpotContacts,
    remote_kind: SystemKind::HubSpot,
    hub_object: "",
    remote_object: "",
    map_to_hub: "",
    map_to_remote: "",
    remote_id_on_hub: "hubspotid",
    hub_id_on_remote: "corebos_id",
    forced_to_hub: &[],
    opt_out: None,
    identified_by: None,
    rides_along: HUBSPOT_RIDES_ALONG,
    given_at_birth: FROM_HUBSPOT,
    gate: Some(HUBSPOT_GATE),
    marks_on_hub: HUBSPOT_MARKS,
    hub_gone: HubGone::RemoteIsArchived,
    natural_keys: &[],
    associations: &[],
    succeeds: None,
    kept_where: None,
};

/// All pairs.
pub const PAIRS: &[PairSpec] = &[
    PairSpec {
        kind: PairKind::MauticContacts,
        remote_kind: SystemKind::Mautic,
        hub_object: "Contacts",
        remote_object: "contact",
        map_to_hub: "MauticToContacts",
        map_to_remote: "ContactsToMautic",
        remote_id_on_hub: "mautic_id",
        hub_id_on_remote: "corebos_id",
        forced_to_hub: &[("contact_points", "points")],
        opt_out: Some(("emailoptout", "do-not-contact-email")),
        identified_by: Some("dateIdentified"),
        rides_along: &[],
        given_at_birth: &[],
        gate: None,
        marks_on_hub: MAUTIC_MARKS,
        hub_gone: HubGone::IdIsBlanked,
        natural_keys: &[("email", "email")],
        succeeds: None,
        kept_where: None,
        associations: &[AssociationSpec {
            hub_field: "account_id",
            remote_field: "primary-company",
            parents: PairKind::MauticCompanies,
            // Mautic writes the name of the primary company there; whoever else does makes or moves a membership.
            follow_on_remote: &["company"],
            needed_on_hub: false,
            needed_on_remote: false,
        }],
    },
    PairSpec {
        kind: PairKind::MauticCompanies,
        remote_kind: SystemKind::Mautic,
        hub_object: "Accounts",
        remote_object: "company",
        map_to_hub: "MauticToAccounts",
        map_to_remote: "AccountsToMautic",
        remote_id_on_hub: "mautic_id",
        hub_id_on_remote: "company_corebos_id",
        forced_to_hub: &[],
        opt_out: None,
        identified_by: None,
        rides_along: &[],
        given_at_birth: &[],
        gate: None,
        marks_on_hub: MAUTIC_MARKS,
        hub_gone: HubGone::IdIsBlanked,
        natural_keys: &[("accountname", "companyname")],
        succeeds: None,
        kept_where: None,
        associations: &[],
    },
    PairSpec {
        kind: PairKind::HubSpotContacts,
        hub_object: "Contacts",
        remote_object: "contact",
        map_to_hub: "HubSpot2Contacts",
        map_to_remote: "Contacts2HubSpot",
        natural_keys: &[("email", "email")],
        associations: &[AssociationSpec {
            hub_field: "account_id",
            remote_field: "primary-company",
            parents: PairKind::HubSpotCompanies,
            follow_on_remote: &[],
            needed_on_hub: false,
            needed_on_remote: false,
        }],
        // A lead that is converted lives on in its contact.
        succeeds: Some((PairKind::HubSpotLeads, "convertedfromlead")),
        ..HUBSPOT
    },
    PairSpec {
        kind: PairKind::HubSpotCompanies,
        hub_object: "Accounts",
        remote_object: "company",
        map_to_hub: "HubSpot2Accounts",
        map_to_remote: "Accounts2HubSpot",
        natural_keys: &[("accountname", "name")],
        ..HUBSPOT
    },
    PairSpec {
        kind: PairKind::HubSpotLeads,
        hub_object: "Leads",
        remote_object: "contact",
        map_to_hub: "HubSpot2Leads",
        map_to_remote: "Leads2HubSpot",
        natural_keys: &[("email", "email")],
        ..HUBSPOT
    },
    // The person of a lead is its contact: the partner of the same Lead in the pair before this one.
    PairSpec {
        kind: PairKind::HubSpotLeadObjects,
        hub_object: "Leads",
        remote_object: "lead",
        map_to_hub: "HubSpotLead2Leads",
        map_to_remote: "Leads2HubSpotLead",
        // coreBOS has no such field, and works without it.
        remote_id_on_hub: "hubspotleadid",
        // The address that a Lead shows is its contact's.
        rides_along: &[("hubspotlastsync", RidesAlong::Now)],
        given_at_birth: &[],
        associations: &[AssociationSpec {
            hub_field: ITSELF,
            remote_field: "contact",
            parents: PairKind::HubSpotLeads,
            follow_on_remote: &[],
            needed_on_hub: true,
            needed_on_remote: true,
        }],
        kept_where: Some(KeptWhere { preference: "leads", values: &["objects", "both"] }),
        ..HUBSPOT
    },
    PairSpec {
        kind: PairKind::HubSpotDeals,
        hub_object: "Potentials",
        remote_object: "deal",
        map_to_hub: "HubSpot2Potentials",
        map_to_remote: "Potentials2HubSpot",
        // coreBOS knows one of the two; which of them counts where HubSpot has both is a setting.
        associations: &[
            AssociationSpec {
                hub_field: "related_to",
                remote_field: "contact",
                parents: PairKind::HubSpotContacts,
                follow_on_remote: &[],
                needed_on_hub: true,
                needed_on_remote: false,
            },
            AssociationSpec {
                hub_field: "related_to",
                remote_field: "primary-company",
                parents: PairKind::HubSpotCompanies,
                follow_on_remote: &[],
                needed_on_hub: true,
                needed_on_remote: false,
            },
        ],
        ..HUBSPOT
    },
];
