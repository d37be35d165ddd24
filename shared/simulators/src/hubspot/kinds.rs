//! The object types of the CRM, what they are called, and how they may be associated.

use serde::{Deserialize, Serialize};

/// An object type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// `contacts`, 0-1.
    Contact,
    /// `companies`, 0-2.
    Company,
    /// `deals`, 0-3.
    Deal,
    /// `leads`, 0-136; only where the portal has Sales Hub Professional.
    Lead,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Contact, Self::Company, Self::Deal, Self::Lead];

    /// The type that a part of a path names: by its plural, its singular or its id.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| {
            [kind.plural(), kind.singular(), kind.type_id()]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
        })
    }

    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Contact => "contacts",
            Self::Company => "companies",
            Self::Deal => "deals",
            Self::Lead => "leads",
        }
    }

    pub(crate) fn singular(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Company => "company",
            Self::Deal => "deal",
            Self::Lead => "lead",
        }
    }

    pub(crate) fn type_id(self) -> &'static str {
        match self {
            Self::Contact => "0-1",
            Self::Company => "0-2",
            Self::Deal => "0-3",
            Self::Lead => "0-136",
        }
    }

    /// The property that moves with every edit: contacts have one of their own.
    pub(crate) fn modified_property(self) -> &'static str {
        if self == Self::Contact { "lastmodifieddate" } else { "hs_lastmodifieddate" }
    }

    /// The property that holds the time of creation.
    pub(crate) fn created_property(self) -> &'static str {
        if matches!(self, Self::Lead) { "hs_createdate" } else { "createdate" }
    }

    /// What reading answers when nothing is asked for by name.
    pub(crate) fn default_properties(self) -> &'static [&'static str] {
        match self {
            Self::Contact => {
                &["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"]
            }
            Self::Company => &["createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"],
            Self::Deal => &[
                "amount",
                "closedate",
                "createdate",
                "dealname",
                "dealstage",
                "hs_lastmodifieddate",
                "hs_object_id",
                "pipeline",
            ],
            Self::Lead => &["hs_createdate", "hs_lastmodifieddate", "hs_object_id"],
        }
    }
}

/// One kind of association that HubSpot defines.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AssociationType {
    pub(crate) from: Kind,
    pub(crate) to: Kind,
    pub(crate) id: u32,
    pub(crate) primary: bool,
    /// The id of the same association seen from the other side.
    pub(crate) inverse: u32,
}

const fn kind_of(from: Kind, to: Kind, id: u32, primary: bool, inverse: u32) -> AssociationType {
    AssociationType { from, to, id, primary, inverse }
}

/// The ids are directional.
pub(crate) const ASSOCIATION_TYPES: [AssociationType; 18] = [
    kind_of(Kind::Contact, Kind::Company, 279, false, 280),
    kind_of(Kind::Contact, Kind::Company, 1, true, 2),
    kind_of(Kind::Company, Kind::Contact, 280, false, 279),
    kind_of(Kind::Company, Kind::Contact, 2, true, 1),
    kind_of(Kind::Deal, Kind::Contact, 3, false, 4),
    kind_of(Kind::Contact, Kind::Deal, 4, false, 3),
    kind_of(Kind::Deal, Kind::Company, 341, false, 342),
    kind_of(Kind::Deal, Kind::Company, 5, true, 6),
    kind_of(Kind::Company, Kind::Deal, 342, false, 341),
    kind_of(Kind::Company, Kind::Deal, 6, true, 5),
    kind_of(Kind::Lead, Kind::Contact, 608, false, 609),
    kind_of(Kind::Lead, Kind::Contact, 578, true, 577),
    kind_of(Kind::Contact, Kind::Lead, 609, false, 608),
    kind_of(Kind::Contact, Kind::Lead, 577, true, 578),
    kind_of(Kind::Lead, Kind::Company, 610, false, 611),
    kind_of(Kind::Lead, Kind::Company, 580, true, 581),
    kind_of(Kind::Company, Kind::Lead, 611, false, 610),
    kind_of(Kind::Company, Kind::Lead, 581, true, 580),
];

/// The type with this id between these two.
pub(crate) fn association_type(from: Kind, to: Kind, id: u32) -> Option<&'static AssociationType> {
    ASSOCIATION_TYPES.iter().find(|known| known.from == from && known.to == to && known.id == id)
}

/// The type without a label between these two.
pub(crate) fn unlabelled(from: Kind, to: Kind) -> Option<&'static AssociationType> {
    ASSOCIATION_TYPES.iter().find(|known| known.from == from && known.to == to && !known.primary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_association_has_its_counterpart() {
        for known in &ASSOCIATION_TYPES {
            let back = association_type(known.to, known.from, known.inverse).unwrap();
            assert_eq!((back.inverse, back.primary), (known.id, known.primary));
        }
    }
}
