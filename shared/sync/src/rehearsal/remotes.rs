//! The other systems of a schedule: of which kind they are, and their rows in the table of pairs.

use model::{System, SystemKind};

use super::setup::{Setup, Style};
use crate::memory::Habits;
use crate::pairs::{Mark, Marked, PAIRS, PairSpec};

/// The second remote system is an instance of the same kind; its ids have a field of their own in coreBOS.
static SHOP: PairSpec = PairSpec {
    remote_id_on_hub: "shop_id",
    marks_on_hub: &[
        Mark { field: "shop_id", marked: Marked::As(""), unmarked: None },
        Mark { field: "deleted_in_shop", marked: Marked::As("1"), unmarked: Some("0") },
    ],
    ..PAIRS[0]
};

/// Its companies.
static SHOP_FIRMS: PairSpec = PairSpec {
    remote_id_on_hub: "shop_id",
    marks_on_hub: &[
        Mark { field: "shop_id", marked: Marked::As(""), unmarked: None },
        Mark { field: "deleted_in_shop", marked: Marked::As("1"), unmarked: Some("0") },
    ],
    ..PAIRS[1]
};

/// The lead records of a HubSpot, beside its contacts.
pub(crate) const LEAD_RECORDS: &PairSpec = &PAIRS[5];

/// What another system is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remote {
    Mautic,
    /// Another instance of the same kind.
    Shop,
    HubSpot,
}

impl Remote {
    pub(crate) const ALL: [Self; 3] = [Self::Mautic, Self::Shop, Self::HubSpot];

    /// The row of its pair of people.
    pub(crate) fn spec(self, style: Style) -> &'static PairSpec {
        match self {
            Self::Mautic => &PAIRS[0],
            Self::Shop => &SHOP,
            Self::HubSpot if style == Style::Leads => &PAIRS[4],
            Self::HubSpot => &PAIRS[2],
        }
    }

    /// The row of its pair of companies.
    pub(crate) fn firms_spec(self) -> &'static PairSpec {
        match self {
            Self::Mautic => &PAIRS[1],
            Self::Shop => &SHOP_FIRMS,
            Self::HubSpot => &PAIRS[3],
        }
    }

    /// Its field that names a company.
    pub(crate) fn firm_name(self) -> &'static str {
        if self == Self::HubSpot { "name" } else { "companyname" }
    }

    #[expect(clippy::expect_used, reason = "the names stand here")]
    fn system(self) -> System {
        let (kind, name) = match self {
            Self::Mautic => (SystemKind::Mautic, "main"),
            Self::Shop => (SystemKind::Mautic, "shop"),
            Self::HubSpot => (SystemKind::HubSpot, "main"),
        };
        System::new(kind, name).expect("a good name")
    }

    /// What becomes of its records.
    pub(crate) fn habits(self) -> Habits {
        if self == Self::HubSpot { Habits::MakesAnother } else { Habits::Redirects }
    }
}

impl Setup {
    /// What the remote with this number is. HubSpot is the last one.
    pub(crate) fn remote(&self, number: usize) -> Remote {
        match number {
            _ if self.hubspot && number + 1 == self.remotes => Remote::HubSpot,
            0 => Remote::Mautic,
            _ => Remote::Shop,
        }
    }

    /// What the system with this number is; coreBOS, which is 0, is none.
    pub(crate) fn remote_of(&self, system: usize) -> Option<Remote> {
        system.checked_sub(1).map(|number| self.remote(number))
    }

    /// The row of the pair of people of a remote.
    pub(crate) fn spec(&self, remote: usize) -> &'static PairSpec {
        self.remote(remote).spec(self.style)
    }

    /// The row of the pair of companies of a remote, or of what else stands beside its people.
    pub(crate) fn firms_spec(&self, remote: usize) -> &'static PairSpec {
        if self.style == Style::Leads { LEAD_RECORDS } else { self.remote(remote).firms_spec() }
    }

    /// The field of a system that names a company.
    pub(crate) fn firm_name(&self, system: usize) -> &'static str {
        self.remote_of(system).map_or(FIRM_ON_HUB, Remote::firm_name)
    }

    /// The system with this number.
    #[expect(clippy::expect_used, reason = "the name stands here")]
    pub(crate) fn system(&self, number: usize) -> System {
        match self.remote_of(number) {
            Some(remote) => remote.system(),
            None => System::new(SystemKind::CoreBos, "main").expect("a good name"),
        }
    }

    /// The number of the remote whose records coreBOS keeps in step only if they say so.
    pub(crate) fn gated(&self) -> Option<usize> {
        self.hubspot.then(|| self.remotes - 1)
    }
}

/// The field of coreBOS that names a company.
pub(crate) const FIRM_ON_HUB: &str = "accountname";

/// The fields of coreBOS that tell of its partners.
pub(crate) const KEPT_ON_HUB: &[&str] = &[
    "mautic_id",
    "deleted_in_mautic",
    "shop_id",
    "deleted_in_shop",
    "hubspotid",
    "hubspotrecord",
    "hubspotlastsync",
    TICK,
    "hubspotcreated",
    DELETED,
    "hubspotdeletedon",
];

/// The field of coreBOS by which people say that a record goes to HubSpot.
pub(crate) const TICK: &str = "hubspotsyncwith";
/// The field of coreBOS that says that HubSpot has deleted its record.
pub(crate) const DELETED: &str = "hubspotdeleted";
