//! The table of pairs: which objects, which maps, which fields carry the ids.

use model::{Direction, ObjectName, PairKind, Side, SystemKind};

/// One row of the table of pairs.
#[derive(Clone, Copy, Debug)]
pub struct PairSpec {
    /// The pair.
    pub kind: PairKind,
    /// What the other system is.
    pub remote_kind: SystemKind,
    /// The coreBOS module.
    pub hub_object: &'static str,
    /// The object of the other system.
    pub remote_object: &'static str,
    /// The map into coreBOS, by its name in coreBOS.
    pub map_to_hub: &'static str,
    /// The map out of coreBOS.
    pub map_to_remote: &'static str,
    /// The coreBOS field that holds the other record's id.
    pub remote_id_on_hub: &'static str,
    /// The field of the other system that holds the coreBOS id.
    pub hub_id_on_remote: &'static str,
    /// Fields that are filled whatever the map says, unless it names them: coreBOS field, source field.
    pub forced_to_hub: &'static [(&'static str, &'static str)],
    /// What marks a coreBOS record whose partner is gone.
    pub marks_on_hub: &'static [(&'static str, &'static str)],
    /// The coreBOS field and the other system's field that name the same person or company.
    pub natural_keys: &'static [(&'static str, &'static str)],
}

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
        marks_on_hub: &[("mautic_id", ""), ("deleted_in_mautic", "1")],
        natural_keys: &[("email", "email")],
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
        marks_on_hub: &[("mautic_id", ""), ("deleted_in_mautic", "1")],
        natural_keys: &[("accountname", "companyname")],
    },
];

/// The row of a pair.
pub fn pair_spec(kind: PairKind) -> &'static PairSpec {
    match kind {
        PairKind::MauticContacts => &PAIRS[0],
        PairKind::MauticCompanies => &PAIRS[1],
    }
}

impl PairSpec {
    /// The object on a side.
    pub fn object(&self, side: Side) -> ObjectName {
        ObjectName::new(match side {
            Side::Hub => self.hub_object,
            Side::Remote => self.remote_object,
        })
    }

    /// The field of a side that holds the other side's id.
    pub fn id_field(&self, side: Side) -> &'static str {
        match side {
            Side::Hub => self.remote_id_on_hub,
            Side::Remote => self.hub_id_on_remote,
        }
    }

    /// What a record of this side is marked with when its partner is gone.
    pub fn marks(&self, side: Side) -> Vec<(&'static str, &'static str)> {
        match side {
            Side::Hub => self.marks_on_hub.to_vec(),
            Side::Remote => vec![(self.hub_id_on_remote, "")],
        }
    }

    /// The natural keys as (field of this side, field of the other side).
    pub fn natural_keys(&self, side: Side) -> Vec<(&'static str, &'static str)> {
        self.natural_keys
            .iter()
            .map(|&(hub, remote)| if side == Side::Hub { (hub, remote) } else { (remote, hub) })
            .collect()
    }

    /// The fields that are forced in a direction: target field, source field.
    pub fn forced(&self, direction: Direction) -> &'static [(&'static str, &'static str)] {
        match direction {
            Direction::ToHub => self.forced_to_hub,
            Direction::ToRemote => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_has_its_row() {
        for kind in PairKind::ALL {
            assert_eq!(pair_spec(kind).kind, kind);
        }
        assert_eq!(PAIRS.len(), PairKind::ALL.len());
    }
}
