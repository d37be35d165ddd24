//! The fields of coreBOS that show the other side: whether they are there, and whether the web service may write them.
//!
//! They come with coreBOS's own integrations. Those of HubSpot hold, besides the id, when a record was synchronised last,
//! when it was deleted, and its address; coreBOS wrote these three by SQL and does not let its web service write them.

use anyhow::Result;
use connector_corebos::{CoreBos, CoreBosSchema};
use model::{Direction, ObjectName, Side, SystemKind};
use serde_json::Value as Json;
use sync::pairs::PairSpec;

use super::plan::{Plan, State};

/// Opens the three for the web service. `describe` tells display type and whether a field can be edited; a moment of
/// coreBOS's own kind (70) never can.
const OPENING: &str = "UPDATE vtiger_field SET displaytype=1, uitype=50 WHERE fieldname IN ('hubspotlastsync','hubspotdeletedon');\n\
                       UPDATE vtiger_field SET displaytype=1 WHERE fieldname='hubspotrecord';";

/// The fields of a module that the bridge itself fills.
pub(crate) fn of(pair: &PairSpec) -> Vec<&'static str> {
    let marks = pair.marks(Side::Hub).into_iter().map(|mark| mark.field);
    let forced = pair.forced(Direction::ToHub).iter().map(|(field, _)| *field);
    let given = pair.given_at_birth.iter().map(|(field, _)| *field);
    let riding = pair.rides_along.iter().map(|(field, _)| *field);
    let mut fields: Vec<&str> = std::iter::once(pair.id_field(Side::Hub))
        .chain(marks)
        .chain(forced)
        .chain(given)
        .chain(riding)
        .collect();
    fields.sort_unstable();
    fields.dedup();
    fields
}

/// The names in a description.
pub(crate) fn described(description: &Json) -> Vec<&str> {
    let fields = description.get("fields").and_then(Json::as_array).into_iter().flatten();
    fields.filter_map(|field| field.get("name")?.as_str()).collect()
}

/// Those that an edit by the web service leaves as they are.
pub(crate) fn closed(pair: &PairSpec, description: &Json) -> Vec<&'static str> {
    let Some(schema) = CoreBosSchema::from_description(description) else { return Vec::new() };
    of(pair).into_iter().filter(|field| schema.is_closed_to_edits(field)).collect()
}

/// Looks at the fields of these pairs, and says how those come that are missing, and how those are opened that are
/// closed.
pub(crate) async fn look(corebos: &CoreBos, pairs: &[&'static PairSpec], plan: &mut Plan) -> Result<()> {
    let (mut missing, mut shut) = (Vec::new(), Vec::new());
    // Who stands beside another pair's partner has the fields of that pair.
    for pair in pairs.iter().filter(|pair| pair.beside().is_none()) {
        let module = pair.hub_object;
        let (description, _) = corebos.described(&ObjectName::new(module)).await?;
        let there = described(&description);
        let fields = of(pair);
        let lacks: Vec<&str> = fields.iter().copied().filter(|field| !there.contains(field)).collect();
        let what = format!("the fields {} of {module}", fields.join(", "));
        if lacks.is_empty() {
            plan.there(what);
        } else {
            let seen = State::Different(format!("there is no {}", lacks.join(", ")));
            let integration = name_of(pair.remote_kind);
            plan.by_hand(
                what,
                seen,
                format!("they come with coreBOS's own {integration} integration, see below"),
            );
            missing.push((pair.remote_kind, module));
        }
        let closed = closed(pair, &description);
        if !closed.is_empty() {
            let what = format!("the fields {} of {module}, open for the web service", closed.join(", "));
            let seen = "coreBOS leaves them as they are, whatever it is told; all else works without them";
            plan.by_hand(what, State::Different(seen.to_owned()), "see below");
            shut.push(module);
        }
    }
    for kind in [SystemKind::Mautic, SystemKind::HubSpot] {
        let modules: Vec<&str> =
            missing.iter().filter(|(of, _)| *of == kind).map(|(_, module)| *module).collect();
        if !modules.is_empty() {
            plan.steps.push(how_they_come(kind, &modules.join(" and ")));
        }
    }
    if !shut.is_empty() {
        plan.steps.push(format!(
            "The closed fields of {}: run this once in coreBOS's database, if they shall be filled:\n{OPENING}",
            shut.join(" and ")
        ));
    }
    Ok(())
}

fn name_of(kind: SystemKind) -> &'static str {
    if kind == SystemKind::HubSpot { "HubSpot" } else { "Mautic" }
}

fn how_they_come(kind: SystemKind, modules: &str) -> String {
    if kind == SystemKind::HubSpot {
        return format!(
            "The HubSpot fields of {modules}: switch coreBOS's own HubSpot integration on, which creates them.\n\
             Settings, Integrations, HubSpot (index.php?action=integration&module=Utilities&_op=getconfighubspot):\n\
             tick Active, write anything into the other fields, save. Do not switch it off there, which would hide the\n\
             fields again. It speaks an API that HubSpot has switched off: it sends nothing. Do not start its daemon\n\
             (include/cbmqtm/run.php) for it."
        );
    }
    format!(
        "The fields of {modules}: switch coreBOS's own Mautic integration on for a moment, which creates them.\n\
         Settings, Integrations, Mautic (index.php?action=integration&module=Utilities&_op=getconfigmautic):\n\
         tick Active, write anything into URL, user, password and webhook secret, save.\n\
         Do not switch it off there, which would hide the fields again; run\n\
         `bridge setup corebos --replace-integration --apply` instead."
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::PairKind;
    use sync::pairs::pair_spec;

    #[test]
    fn the_fields_that_the_bridge_fills_are_those_of_the_table_of_pairs() {
        let of = |kind| of(pair_spec(kind));
        assert_eq!(of(PairKind::MauticContacts), ["contact_points", "deleted_in_mautic", "mautic_id"]);
        assert_eq!(of(PairKind::MauticCompanies), ["deleted_in_mautic", "mautic_id"]);
        let hubspot = [
            "hubspotcreated",
            "hubspotdeleted",
            "hubspotdeletedon",
            "hubspotid",
            "hubspotlastsync",
            "hubspotrecord",
            "hubspotsyncwith",
        ];
        assert_eq!(of(PairKind::HubSpotDeals), hubspot);
    }
}
