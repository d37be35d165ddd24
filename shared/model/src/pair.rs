//! Pairs: two record types kept in step.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::System;

/// The table of pairs: design and ARCHITECTURE.md, "Pairs".
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PairKind {
    /// coreBOS Contacts and Mautic contacts.
    MauticContacts,
    /// coreBOS Accounts and Mautic companies.
    MauticCompanies,
    /// coreBOS Contacts and HubSpot contacts.
    #[serde(rename = "hubspot-contacts")]
    HubSpotContacts,
    /// coreBOS Accounts and HubSpot companies.
    #[serde(rename = "hubspot-companies")]
    HubSpotCompanies,
    /// coreBOS Leads and HubSpot contacts at the beginning of their life.
    #[serde(rename = "hubspot-leads")]
    HubSpotLeads,
    /// coreBOS Leads and HubSpot's leads, which are records of their own beside a contact.
    #[serde(rename = "hubspot-lead-objects")]
    HubSpotLeadObjects,
    /// coreBOS Potentials and HubSpot deals.
    #[serde(rename = "hubspot-deals")]
    HubSpotDeals,
}

impl PairKind {
    /// All pairs that the bridge knows.
    pub const ALL: [Self; 7] = [
        Self::MauticContacts,
        Self::MauticCompanies,
        Self::HubSpotContacts,
        Self::HubSpotCompanies,
        Self::HubSpotLeads,
        Self::HubSpotLeadObjects,
        Self::HubSpotDeals,
    ];

    /// The name that keys and settings use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MauticContacts => "mautic-contacts",
            Self::MauticCompanies => "mautic-companies",
            Self::HubSpotContacts => "hubspot-contacts",
            Self::HubSpotCompanies => "hubspot-companies",
            Self::HubSpotLeads => "hubspot-leads",
            Self::HubSpotLeadObjects => "hubspot-lead-objects",
            Self::HubSpotDeals => "hubspot-deals",
        }
    }

    /// The pair under whose name the links of this one are found. Two pairs that share an object of the other system
    /// share the lookup of its records: one record, one link.
    #[must_use]
    pub fn found_as(self) -> Self {
        match self {
            Self::HubSpotLeads => Self::HubSpotContacts,
            other => other,
        }
    }
}

/// Which of the two systems of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The system in the middle: coreBOS.
    Hub,
    /// The other one.
    Remote,
}

impl Side {
    /// The other side.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Hub => Self::Remote,
            Self::Remote => Self::Hub,
        }
    }
}

/// Which way a change travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From the remote system into coreBOS.
    ToHub,
    /// From coreBOS into the remote system.
    ToRemote,
}

impl Direction {
    /// The opposite way.
    #[must_use]
    pub fn reverse(self) -> Self {
        match self {
            Self::ToHub => Self::ToRemote,
            Self::ToRemote => Self::ToHub,
        }
    }

    /// The side that is read.
    pub fn source(self) -> Side {
        self.target().other()
    }

    /// The side that is written.
    pub fn target(self) -> Side {
        match self {
            Self::ToHub => Side::Hub,
            Self::ToRemote => Side::Remote,
        }
    }
}

/// One pair between two instances. Its text is part of keys: `mautic-contacts@corebos:main+mautic:main`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pair {
    /// Which record types.
    pub kind: PairKind,
    /// The coreBOS instance.
    pub hub: System,
    /// The other instance.
    pub remote: System,
}

impl Pair {
    /// The instance on a side.
    pub fn system(&self, side: Side) -> &System {
        match side {
            Side::Hub => &self.hub,
            Side::Remote => &self.remote,
        }
    }

    /// The pair under whose name the links of this one are found.
    #[must_use]
    pub fn found_as(&self) -> Self {
        Self { kind: self.kind.found_as(), ..self.clone() }
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}+{}", self.kind.as_str(), self.hub, self.remote)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_stored_by_the_name_that_keys_use() {
        for kind in PairKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
    }
}
