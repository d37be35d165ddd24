//! The table of pairs: which objects, which maps, which fields carry the ids.

mod table;

use model::{Direction, ObjectName, PairKind, Side, SystemKind};
use serde_json::Value as Json;

pub use table::PAIRS;

/// A reference between two records of one system that a pair carries into the other one: a contact and its company.
#[derive(Clone, Copy, Debug)]
pub struct AssociationSpec {
    /// The coreBOS field that names the parent.
    pub hub_field: &'static str,
    /// The other system's field that names it, as its connector calls it.
    pub remote_field: &'static str,
    /// The pair whose links join the parents.
    pub parents: PairKind,
    /// Fields of the other system that it fills by itself as the association changes: never written while the
    /// association is carried there. A map that names them is told so.
    pub follow_on_remote: &'static [&'static str],
    /// coreBOS takes no record without it: nothing is created there before the parent is linked.
    pub needed_on_hub: bool,
    /// The other system takes no record without it: nothing is created there before the parent is linked.
    pub needed_on_remote: bool,
}

/// The field by which a coreBOS record names itself. An association with it stands for a second partner that belongs to
/// the first one: a lead of HubSpot belongs to the contact that is the same Lead of coreBOS.
pub const ITSELF: &str = "id";

/// The setting of the other system that says whether a pair is kept in step at all.
#[derive(Clone, Copy, Debug)]
pub struct KeptWhere {
    /// The field of the connector's preferences.
    pub preference: &'static str,
    /// It holds one of these.
    pub values: &'static [&'static str],
}

/// What a coreBOS record itself says about being kept in step, in fields of yes and no.
#[derive(Clone, Copy, Debug)]
pub struct Gate {
    /// Must be yes.
    pub opted_in: &'static str,
    /// Must not be yes: the other system has deleted the record.
    pub gone: &'static str,
}

/// A field that is written together with others and is never a reason for a write.
#[derive(Clone, Copy, Debug)]
pub enum RidesAlong {
    /// What a field of the other system says.
    Field(&'static str),
    /// The time of the write.
    Now,
}

/// A field that marks a coreBOS record whose partner is gone.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// The field.
    pub field: &'static str,
    /// What it is set to.
    pub marked: Marked,
    /// What it is set to when the partner is back; nothing where the projection says it.
    pub unmarked: Option<&'static str>,
}

impl Mark {
    /// What the field holds once it is marked; nothing where that depends on the time.
    pub fn text(&self) -> Option<&'static str> {
        match self.marked {
            Marked::As(text) => Some(text),
            Marked::Now => None,
        }
    }
}

/// The value of a mark.
#[derive(Clone, Copy, Debug)]
pub enum Marked {
    /// This text.
    As(&'static str),
    /// The time at which it is marked. Never a mark of its own.
    Now,
}

/// What becomes of the other system's record when the coreBOS record is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HubGone {
    /// It loses the coreBOS id.
    IdIsBlanked,
    /// It goes into the recycle bin.
    RemoteIsArchived,
}

impl AssociationSpec {
    /// The field of a side that names the parent.
    pub fn field(&self, side: Side) -> &'static str {
        match side {
            Side::Hub => self.hub_field,
            Side::Remote => self.remote_field,
        }
    }

    /// Whether the parent is the other partner of the very coreBOS record.
    pub fn is_itself(&self) -> bool {
        self.hub_field == ITSELF
    }

    /// The fields of a side that follow from the association by themselves.
    pub fn followers(&self, side: Side) -> &'static [&'static str] {
        match side {
            Side::Hub => &[],
            Side::Remote => self.follow_on_remote,
        }
    }
}

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
    /// The coreBOS field and the other system's field that say that a person refuses mail: carried both ways, unless a
    /// map or a switch says otherwise. A yes wins where nothing is known of before.
    pub opt_out: Option<(&'static str, &'static str)>,
    /// The field of the other system that is blank while a record is nobody yet: such records are not created in coreBOS.
    pub identified_by: Option<&'static str>,
    /// coreBOS fields that are written together with others, and only then.
    pub rides_along: &'static [(&'static str, RidesAlong)],
    /// coreBOS fields of records that are created from the other system, and what they get.
    pub given_at_birth: &'static [(&'static str, &'static str)],
    /// What a coreBOS record must say to be kept in step; where there is none, all are.
    pub gate: Option<Gate>,
    /// What marks a coreBOS record whose partner is gone.
    pub marks_on_hub: &'static [Mark],
    /// What becomes of the other record when the coreBOS record is gone.
    pub hub_gone: HubGone,
    /// The coreBOS field and the other system's field that name the same person or company.
    pub natural_keys: &'static [(&'static str, &'static str)],
    /// The references to records of other pairs that are carried.
    pub associations: &'static [AssociationSpec],
    /// The pair whose coreBOS records may turn into records of this one, and the field by which these name them.
    pub succeeds: Option<(PairKind, &'static str)>,
    /// What must be set for the pair to be kept in step; where there is nothing, it always is.
    pub kept_where: Option<KeptWhere>,
}

/// The row of a pair.
pub fn pair_spec(kind: PairKind) -> &'static PairSpec {
    match kind {
        PairKind::MauticContacts => &PAIRS[0],
        PairKind::MauticCompanies => &PAIRS[1],
        PairKind::HubSpotContacts => &PAIRS[2],
        PairKind::HubSpotCompanies => &PAIRS[3],
        PairKind::HubSpotLeads => &PAIRS[4],
        PairKind::HubSpotLeadObjects => &PAIRS[5],
        PairKind::HubSpotDeals => &PAIRS[6],
    }
}

/// Whether records of a pair are parents in an association of another one.
pub fn has_children(kind: PairKind) -> bool {
    PAIRS.iter().flat_map(|spec| spec.associations).any(|association| association.parents == kind)
}

/// Whether a pair carries an association of the records of this object of another system.
pub fn has_associations(kind: SystemKind, object: &ObjectName) -> bool {
    let of_object = |spec: &&PairSpec| spec.remote_kind == kind && spec.remote_object == object.as_str();
    PAIRS.iter().filter(of_object).any(|spec| !spec.associations.is_empty())
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

    /// The association by which its records stand beside those of another pair: both are partners of one coreBOS record.
    /// Such a pair makes no records in coreBOS, and the coreBOS record may lack the field for the id.
    pub fn beside(&self) -> Option<&'static AssociationSpec> {
        self.associations.iter().find(|association| association.is_itself())
    }

    /// Whether records of a side can be found by the id of their partner.
    pub fn is_found_by_id(&self, side: Side) -> bool {
        side == Side::Remote || self.beside().is_none()
    }

    /// Whether the pair is kept in step where the other system's connector has these preferences.
    pub fn is_kept(&self, preferences: &Json) -> bool {
        self.kept_where.is_none_or(|kept| {
            let set = preferences.get(kept.preference).and_then(Json::as_str);
            set.is_some_and(|set| kept.values.contains(&set))
        })
    }

    /// What a record of this side is marked with when its partner is gone.
    pub fn marks(&self, side: Side) -> Vec<Mark> {
        match side {
            Side::Hub => self.marks_on_hub.to_vec(),
            Side::Remote => {
                vec![Mark { field: self.hub_id_on_remote, marked: Marked::As(""), unmarked: None }]
            }
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

    #[test]
    fn parents_of_an_association_are_joined_between_the_same_systems() {
        for spec in PAIRS {
            for association in spec.associations {
                assert_eq!(pair_spec(association.parents).remote_kind, spec.remote_kind, "{:?}", spec.kind);
                assert!(has_children(association.parents) && association.parents != spec.kind);
                if association.is_itself() {
                    assert_eq!(pair_spec(association.parents).hub_object, spec.hub_object, "{:?}", spec.kind);
                }
            }
        }
        assert!(!has_children(PairKind::MauticContacts));
    }

    #[test]
    fn leads_as_records_are_kept_only_where_a_setting_says_so() {
        let kept = |mode: &str| {
            pair_spec(PairKind::HubSpotLeadObjects).is_kept(&serde_json::json!({ "leads": mode }))
        };
        assert!(kept("objects") && kept("both") && !kept("contacts"));
        assert!(!pair_spec(PairKind::HubSpotLeadObjects).is_kept(&Json::Null));
        assert!(pair_spec(PairKind::HubSpotLeads).is_kept(&Json::Null));
    }
}
