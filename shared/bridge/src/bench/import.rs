//! W6: the import of Mautic contacts into an empty coreBOS, and once more when nothing has changed.

use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use connector_corebos::CoreBos;
use connector_mautic::Mautic;
use indicatif::ProgressBar;
use model::{Direction, PairKind, SystemKind};
use sync::import::{Ended, ImportEvent, ImportOptions, ImportWatch, Imported, import};
use wiring::{ImportPorts, PushPorts, ToHub};

use super::figures::Figures;
use super::inbound;
use super::world::{World, number};
use crate::{progress, simulated};

/// Records that are done at once, as `bridge import` does it by default.
const LANES: usize = 4;

/// Imports so many contacts, twice.
///
/// # Errors
/// The stack or a stand-in does not start, or the import does not come to its end.
pub(super) async fn measure(contacts: usize, functions: Option<&Path>) -> Result<Vec<Figures>> {
    let systems = simulated::start((0, 0), None).await?;
    inbound::contacts(&systems, contacts).await?;
    let world = World::start(systems, functions).await?;
    let of_functions = world.local.stack.resources().functions.iter().flat_map(|f| f.environment.clone());
    let environment = aws::Environment::from_pairs(of_functions);
    let ports =
        PushPorts::<CoreBos, Mautic>::new(&environment, world.local.clients.clone(), SystemKind::Mautic)?;
    let ports = ImportPorts::open(ports, PairKind::MauticContacts, Direction::ToHub, LANES, false).await?;
    let lanes = ports.environments::<ToHub<CoreBos, Mautic>>();

    let mut all = Vec::new();
    for (variant, expected) in [("import", "created"), ("import again", "skipped")] {
        let calls = || {
            let of_corebos = world.systems.corebos.counted().values().sum::<usize>();
            (world.systems.mautic.requests().len(), of_corebos)
        };
        let before = calls();
        let begun = Instant::now();
        let watch = Watch(progress::bar(contacts, "contacts"));
        let imported: Imported =
            Box::pin(import(&lanes, ports.store(), &ImportOptions::new(variant), &watch)).await?;
        watch.0.finish_and_clear();
        let seconds = begun.elapsed().as_secs_f64();
        ensure!(imported.ended == Ended::Complete, "{:?}", imported.ended);
        let after = calls();
        let per_contact = |calls: usize| number(calls) / number(contacts);
        let expected = imported.tally.of(expected) == u64::try_from(contacts)?;
        all.push(Figures {
            workload: "W6",
            variant: variant.to_owned(),
            events: contacts,
            seconds,
            per_second: Some(number(contacts) / seconds),
            target_calls_per_change: Some(per_contact(after.1 - before.1)),
            exactly_once: Some(expected && world.systems.corebos.records("Contacts").len() == contacts),
            more: [("calls of Mautic per contact".to_owned(), per_contact(after.0 - before.0))].into(),
            ..Figures::default()
        });
    }
    world.local.stack.stop(std::time::Duration::from_secs(5)).await;
    Ok(all)
}

/// Counts what is done.
struct Watch(ProgressBar);

impl ImportWatch for Watch {
    fn told(&self, event: &ImportEvent<'_>) {
        if matches!(event, ImportEvent::Done { .. }) {
            self.0.inc(1);
        }
    }

    fn stops(&self) -> bool {
        false
    }
}
