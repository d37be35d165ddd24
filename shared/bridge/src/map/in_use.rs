//! `bridge map list` and `bridge map show`: the maps that a stack uses, as its pushes choose them.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use connector_corebos::CoreBos;
use connector_hubspot::HubSpot;
use connector_mautic::Mautic;
use jiff::Timestamp;
use mapping::{Finding, Severity};
use model::SystemKind;
use serde::Serialize;
use sync::{Opens, pair_spec};
use wiring::{Live, LookedAt};

use super::show;
use crate::arguments::{MapListOptions, MapShowOptions};
use crate::screen::{BAD, BOLD, CARE, DIM, GOOD, clean, count, line, styled};
use crate::stack::Stack;
use crate::times::shown;

/// What was seen.
struct Seen {
    maps: Vec<LookedAt>,
    /// What could not be asked.
    trouble: Vec<String>,
}

pub(super) async fn list(options: &MapListOptions) -> Result<ExitCode> {
    let stack = Stack::find(&options.stack).await?;
    let seen = look(&stack).await?;
    if options.json {
        let told: Vec<_> = seen.maps.iter().map(Told::of).collect();
        line(&serde_json::to_string_pretty(&told)?);
    } else {
        line(&format!("{}: {}", stack.name, count(seen.maps.len(), "map")));
        for map in &seen.maps {
            tell(map);
        }
    }
    for trouble in &seen.trouble {
        show::note(&styled(CARE, trouble));
    }
    let is_well = |map: &LookedAt| map.in_use.as_ref().is_ok_and(|used| used.origin.waiting_edit().is_none());
    Ok(if seen.maps.iter().all(is_well) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(super) async fn show(options: &MapShowOptions) -> Result<ExitCode> {
    let stack = Stack::find(&options.stack).await?;
    let seen = look(&stack).await?;
    let Some(map) = seen.maps.iter().find(|map| map.name == options.name) else {
        let names: Vec<&str> = seen.maps.iter().map(|map| map.name).collect();
        bail!("{} has no map {}: it has {}", stack.name, options.name, names.join(", "));
    };
    for trouble in &seen.trouble {
        show::note(&styled(CARE, trouble));
    }
    match &map.in_use {
        Ok(used) => {
            show::note(&format!("{}, from {}, in use since {}", map.name, used.origin, shown(used.since)));
            line(used.xml.trim_end());
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => bail!("{}: none can be used: {}", map.name, error.problem),
    }
}

/// The maps of all pairs. A system that cannot be asked is told; its stock fields stand in for what it has.
async fn look(stack: &Stack) -> Result<Seen> {
    let store = stack.store()?;
    let keeper = stack.environment.instance(SystemKind::CoreBos)?;
    let mut seen = Seen { maps: Vec::new(), trouble: Vec::new() };
    let hub = open::<CoreBos>(stack, SystemKind::CoreBos, &mut seen.trouble).await;
    let mautic = open::<Mautic>(stack, SystemKind::Mautic, &mut seen.trouble).await;
    let pairs = stack.pairs_in_use(&store).await?;
    let hubspot = if pairs.iter().any(|pair| pair.remote.kind() == SystemKind::HubSpot) {
        open::<HubSpot>(stack, SystemKind::HubSpot, &mut seen.trouble).await
    } else {
        None
    };
    for pair in pairs {
        let spec = pair_spec(pair.kind);
        let looked = if spec.remote_kind == SystemKind::HubSpot {
            let live = Live { hub: hub.as_ref(), remote: hubspot.as_ref() };
            wiring::maps::look(&store, &keeper, live, spec).await
        } else {
            let live = Live { hub: hub.as_ref(), remote: mautic.as_ref() };
            wiring::maps::look(&store, &keeper, live, spec).await
        };
        let (maps, refused) = looked.context("the table")?;
        seen.maps.extend(maps);
        seen.trouble.extend(refused.map(|error| {
            format!("{keeper} cannot be asked for its maps, what it had before counts: {error}")
        }));
    }
    Ok(seen)
}

async fn open<C: Opens>(stack: &Stack, kind: SystemKind, trouble: &mut Vec<String>) -> Option<C> {
    let opened = match stack.environment.system(kind) {
        Ok(config) => match stack.store() {
            Ok(store) => {
                wiring::systems::connect(&config, &stack.secrets(), &store).await.map_err(|e| e.to_string())
            }
            Err(error) => Err(error.to_string()),
        },
        Err(error) => Err(error.to_string()),
    };
    opened.map_err(|error| trouble.push(error)).ok()
}

fn tell(map: &LookedAt) {
    let used = match &map.in_use {
        Ok(used) => used,
        Err(error) => {
            let from = error.place.as_ref().map(|place| format!(" (from {place})")).unwrap_or_default();
            line(&format!("  {}  {}", styled(BOLD, map.name), styled(BAD, &format!("cannot be used{from}"))));
            indented(&error.problem, BAD);
            return;
        }
    };
    let of = |severity| map.findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
    let style = if errors > 0 { CARE } else { GOOD };
    let found = format!("{}, {}", count(errors, "error"), count(warnings, "warning"));
    line(&format!(
        "  {}  from {}, since {}  {}",
        styled(BOLD, map.name),
        used.origin,
        shown(used.since),
        styled(style, &found)
    ));
    if let Some((edited, problem)) = used.origin.waiting_edit() {
        line(&format!("    {}", styled(BAD, &format!("the edit in {edited} cannot be used:"))));
        indented(problem, BAD);
    }
    for finding in &map.findings {
        let position = format!("{}:{}", finding.position.line, finding.position.column);
        line(&format!("    {} {}", styled(DIM, &position), clean(&finding.problem)));
    }
}

fn indented(text: &str, style: anstyle::Style) {
    for text in text.lines() {
        line(&format!("      {}", styled(style, &clean(text))));
    }
}

/// A map for programs.
#[derive(Serialize)]
struct Told<'m> {
    name: &'static str,
    /// Where the map in use is from; none if there is none.
    from: Option<String>,
    since: Option<Timestamp>,
    /// Why no map can be used, or the edit of it.
    problem: Option<&'m str>,
    errors: Vec<String>,
    warnings: Vec<String>,
}

impl<'m> Told<'m> {
    fn of(map: &'m LookedAt) -> Self {
        let of = |severity| {
            let findings = map.findings.iter().filter(move |finding: &&Finding| finding.severity == severity);
            findings.map(|finding| {
                format!("{}:{}: {}", finding.position.line, finding.position.column, finding.problem)
            })
        };
        let used = map.in_use.as_ref().ok();
        let waiting = used.and_then(|used| used.origin.waiting_edit()).map(|(_, problem)| problem);
        let problem = match &map.in_use {
            Ok(_) => waiting,
            Err(error) => Some(error.problem.as_str()),
        };
        Self {
            name: map.name,
            from: used.map(|used| used.origin.to_string()),
            since: used.map(|used| used.since),
            problem,
            errors: of(Severity::Error).collect(),
            warnings: of(Severity::Warning).collect(),
        }
    }
}
