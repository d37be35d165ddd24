//! The maps: which are in use, whether an edit waits to be mended, and whether they fit the fields that both systems
//! really have.

use aws::DynamoStore;
use connector_corebos::CoreBos;
use connector_corebos::admin::FIELD_MAP;
use mapping::check::{check_pair, compile};
use mapping::{FieldMap, Finding, Severity};
use model::SystemKind;
use sync::pairs::PAIRS;
use sync::{Connector, MapSource};
use wiring::{Live, LookedAt, MapInUse};

use super::check::Checks;
use crate::stack::Stack;
use crate::times::shown;

/// The most findings of a map that are shown.
const SHOWN: usize = 3;

pub(super) async fn examine<R: Connector>(
    stack: &Stack,
    store: &DynamoStore,
    live: Live<'_, CoreBos, R>,
    kind: SystemKind,
    checks: &mut Checks,
) {
    let Ok(keeper) = stack.environment.instance(SystemKind::CoreBos) else { return };
    let in_use = stack.pairs_in_use(store).await.unwrap_or_default();
    for pair in PAIRS.iter().filter(|pair| in_use.iter().any(|used| used.kind == pair.kind)) {
        if pair.remote_kind != kind {
            continue;
        }
        let (looked, refused) = match wiring::maps::look(store, &keeper, live, pair).await {
            Ok(looked) => looked,
            Err(error) => {
                checks.problem(
                    format!("maps of {}", pair.kind.as_str()),
                    error.to_string(),
                    "see whether the table answers",
                );
                continue;
            }
        };
        if let Some(error) = refused {
            checks.refused(format!("{keeper}: maps of {}", pair.kind.as_str()), &error);
        }
        let mut compiled = Vec::new();
        for map in &looked {
            compiled.extend(one(map, checks));
            if let Some(hub) = live.hub {
                in_corebos(hub, map, checks).await;
            }
        }
        let [to_hub, to_remote] = compiled.as_slice() else { continue };
        let findings = check_pair(to_remote, to_hub);
        let name = format!("maps {} and {}", pair.map_to_remote, pair.map_to_hub);
        if findings.is_empty() {
            checks.ok(name, "what goes comes back");
        } else {
            // A field that goes one way only is what many maps mean.
            checks.ok(name, format!("go their own ways in {}", said(&findings)));
        }
    }
}

/// A map of a pair; compiled, if it can be used.
fn one(looked: &LookedAt, checks: &mut Checks) -> Option<FieldMap> {
    let name = format!("map {}", looked.name);
    let map = match &looked.in_use {
        Ok(map) => map,
        Err(error) => {
            let from = error.place.as_ref().map_or_else(String::new, |place| format!("from {place}, "));
            checks.problem(
                name,
                format!(
                    "{from}cannot be used: {}; the pair is stopped and its changes wait",
                    first(&error.problem)
                ),
                "correct it where it is; `bridge map list` shows the place",
            );
            return None;
        }
    };
    if let Some((edited, problem)) = map.origin.waiting_edit() {
        checks.problem(
            format!("{name} in {}", in_words(edited)),
            format!(
                "it was edited and cannot be used: {}; the one from before stays in use, of {}",
                first(problem),
                shown(map.since)
            ),
            "correct it there: it is used half a minute later; `bridge map list` shows the place",
        );
    }
    fits(&name, map, &looked.findings, checks);
    compile(map.name, map.xml.as_bytes()).ok()
}

fn fits(name: &str, map: &MapInUse, findings: &[Finding], checks: &mut Checks) {
    let errors: Vec<Finding> =
        findings.iter().filter(|finding| finding.severity == Severity::Error).cloned().collect();
    let from = format!("from {}", map.origin);
    if errors.is_empty() {
        checks.ok(name, format!("{from}, fits the fields of both systems; {} remarks", findings.len()));
    } else {
        checks.warning(
            name,
            format!("{from}: {}", said(&errors)),
            "fields that a system does not have are left out: create them, or correct the map",
        );
    }
}

/// Business maps that look as if they were in use and are not.
async fn in_corebos(corebos: &CoreBos, looked: &LookedAt, checks: &mut Checks) {
    // That coreBOS does not answer was told already.
    let Ok(found) = corebos.maps_named(looked.name).await else { return };
    let name = format!("map {} in coreBOS", looked.name);
    for map in &found {
        if map.name != looked.name {
            checks.warning(
                &name,
                format!("{} is called `{}`, which is not read: names are exact", map.id, map.name),
                format!("rename it to {}", looked.name),
            );
        } else if map.kind != FIELD_MAP {
            checks.warning(
                &name,
                format!("{} is of the type \"{}\", which is not read", map.id, map.kind),
                format!("make its type \"{FIELD_MAP}\", or rename it"),
            );
        } else if looked
            .in_use
            .as_ref()
            .is_ok_and(|used| matches!(&used.origin, wiring::MapOrigin::Current(MapSource::Settings)))
        {
            checks.warning(
                &name,
                format!("{} is not used: the settings hold another one, which goes first", map.id),
                format!("take the setting map:{} away, or leave this one alone", looked.name),
            );
        }
    }
}

/// The place of a map, without its id.
fn in_words(source: &MapSource) -> &'static str {
    match source {
        MapSource::Settings => "the settings",
        MapSource::CoreBos { .. } => "coreBOS",
        MapSource::Bundle => "the bundle",
    }
}

fn first(problem: &str) -> &str {
    problem.lines().next().unwrap_or_default()
}

/// The first findings in words.
fn said(findings: &[Finding]) -> String {
    let mut said: Vec<String> = findings
        .iter()
        .take(SHOWN)
        .map(|finding| format!("{} (line {})", finding.problem, finding.position.line))
        .collect();
    if findings.len() > SHOWN {
        said.push(format!("and {} more", findings.len() - SHOWN));
    }
    said.join("; ")
}
