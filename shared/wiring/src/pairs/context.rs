//! What a pair decides with: its maps as the settings want them, its associations; and the fields that a map lacks.

use std::collections::BTreeSet;

use model::{Direction, Pair, PairKind, Side, SystemKind};
use sync::pairs::RidesAlong;
use sync::settings::{self, RelateDealWith};
use sync::{
    Association, ChangeQueue as _, Connector, KeepsMaps, Opens, PairContext, PairMap, PairSettings, PairSpec,
    Schema as _, pair_spec,
};

use super::{PushPorts, lock};
use crate::maps::map_name;
use crate::not_ready::NotReady;

impl<H: Opens + KeepsMaps, R: Opens> PushPorts<H, R> {
    /// A system ignores fields that it does not have, without a word; so the map's mistakes are told here, once.
    pub(super) async fn check_fields<C: Connector>(
        &self,
        context: &PairContext,
        direction: Direction,
        target: &C,
    ) -> Result<(), NotReady> {
        let (spec, side) = (context.spec, direction.target());
        let (object, id_field) = (spec.object(side), spec.id_field(side));
        let schema = target.schema(&object).await?;
        let map = context.map(direction);
        let unknown: Vec<&str> = map.targets().filter(|field| !schema.has(field)).collect();
        let is_optional = !spec.is_found_by_id(side);
        let unknown: Vec<&str> =
            unknown.into_iter().filter(|field| !(is_optional && *field == id_field)).collect();
        if unknown.contains(&id_field) {
            let remedy = match (side, spec.remote_kind) {
                (Side::Hub, SystemKind::HubSpot) => {
                    "activate the HubSpot integration once in coreBOS, which creates it"
                }
                (Side::Hub, _) => "activate the Mautic integration once in coreBOS, which creates it",
                (Side::Remote, SystemKind::HubSpot) => {
                    "create a property of one line of text with this internal name and unique values"
                }
                (Side::Remote, _) => "create a custom field of the type text with this alias, not unique",
            };
            let detail = format!("{object} of {} has no field {id_field}: {remedy}", target.system());
            return Err(NotReady::ByAdministrator { reason: "configuration", detail });
        }
        let followers = map.left_to_target();
        if (!unknown.is_empty() || !followers.is_empty()) && lock(&self.warned).insert(spec.kind) {
            let name = map_name(spec, side);
            if !unknown.is_empty() {
                tracing::warn!(
                    map = name,
                    target = %target.system(),
                    fields = unknown.join(" "),
                    "the map names fields that its target does not have; they are left out"
                );
            }
            if !followers.is_empty() {
                tracing::warn!(
                    map = name,
                    target = %target.system(),
                    fields = followers.join(" "),
                    "the map names fields that the target fills by itself from an association that is carried; they \
                     are left out"
                );
            }
        }
        Ok(())
    }

    pub(super) async fn context(
        &self,
        spec: &'static PairSpec,
        to_hub: PairMap,
        to_remote: PairMap,
    ) -> Result<PairContext, NotReady> {
        let settings = self.settings(spec.kind).await?;
        let carried = |map: PairMap, direction| {
            let operations = settings.operations(direction);
            let map = if settings.masters { map } else { map.without_masters() };
            let map = if operations.opt_outs { map.with_opt_outs(spec, direction) } else { map };
            if operations.associations || spec.beside().is_some() {
                map.with_associations(spec, direction)
            } else {
                map
            }
        };
        let (to_hub, to_remote) =
            (carried(to_hub, Direction::ToHub), carried(to_remote, Direction::ToRemote));
        Ok(PairContext {
            pair: self.pair(spec.kind),
            spec,
            associations: self.associations(spec, &settings).await?,
            settings,
            to_hub,
            to_remote,
            hub_is_pushed: self.queue.reaches(&self.hub.system),
            remote_is_pushed: self.queue.reaches(&self.remote.system),
        })
    }

    fn pair(&self, kind: PairKind) -> Pair {
        Pair { kind, hub: self.hub.system.clone(), remote: self.remote.system.clone() }
    }

    pub(super) async fn settings(&self, kind: PairKind) -> Result<PairSettings, NotReady> {
        let stored = self.store.setting(&settings::pair_key(kind)).await?;
        Ok(settings::pair_settings(kind, stored)?)
    }

    /// The associations of a pair that are carried in one direction at least.
    async fn associations(
        &self,
        spec: &'static PairSpec,
        settings: &PairSettings,
    ) -> Result<Vec<Association>, NotReady> {
        let carried = settings.to_hub.associations || settings.to_remote.associations;
        if !carried && spec.beside().is_none() {
            return Ok(Vec::new());
        }
        let mut associations = Vec::with_capacity(spec.associations.len());
        for association in spec.associations {
            associations.push(Association {
                spec: association,
                parents: self.pair(association.parents),
                parent_settings: self.settings(association.parents).await?,
            });
        }
        // The first one that names somebody counts.
        let first = match settings.relate_deal_with {
            RelateDealWith::Contacts => "Contacts",
            RelateDealWith::Accounts => "Accounts",
        };
        associations.sort_by_key(|association| pair_spec(association.parents.kind).hub_object != first);
        Ok(associations)
    }
}

/// The fields of the other system that a pair has to do with.
pub(super) fn needed(context: &PairContext) -> BTreeSet<String> {
    let (to_hub, to_remote) = (&context.to_hub, &context.to_remote);
    let sources =
        to_hub.targets().filter_map(|target| to_hub.rule(target)).flat_map(|rule| rule.sources.clone());
    let riding = context.spec.rides_along.iter().filter_map(|(_, ride)| match ride {
        RidesAlong::Field(name) => Some((*name).to_owned()),
        RidesAlong::Now => None,
    });
    let keys = context.spec.natural_keys.iter().map(|(_, remote)| (*remote).to_owned());
    sources.chain(to_remote.targets().map(str::to_owned)).chain(riding).chain(keys).collect()
}
