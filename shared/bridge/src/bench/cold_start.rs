//! W4: each function from the start of its process to its first question for an event, and to its first answer.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};
use embedded_aws::StackEvent;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde_json::Value;
use simulators::wordpress::WordPressOptions;

use super::figures::{Figures, Percentiles};
use super::meter::Meter;
use super::world::number;
use crate::local::{self, LocalOptions};
use crate::{functions, progress, simulated};

/// How often each function is started.
const STARTS: usize = 9;
/// How long running work may take to finish at the end.
const GRACE: Duration = Duration::from_secs(5);

/// A first event for each function: what it gets in everyday life.
const EVENTS: [(&str, &str); 13] = [
    ("poll-corebos", include_str!("../../../../events/poll-corebos.tick.json")),
    ("poll-hubspot", include_str!("../../../../events/poll-hubspot.tick.json")),
    ("poll-mautic", include_str!("../../../../events/poll-mautic.tick.json")),
    ("push-corebos", include_str!("../../../../events/push-corebos.contact-saved.json")),
    ("push-hubspot", include_str!("../../../../events/push-hubspot.contact-saved.json")),
    ("push-mautic", include_str!("../../../../events/push-mautic.contact-saved.json")),
    ("push-visitor", include_str!("../../../../events/push-visitor.identify.json")),
    ("push-wordpress", include_str!("../../../../events/push-wordpress.add.json")),
    ("webhook-campaign", include_str!("../../../../events/webhook-campaign.add-by-header.json")),
    ("webhook-corebos", include_str!("../../../../events/webhook-corebos.contact-saved.json")),
    ("webhook-hubspot", include_str!("../../../../events/webhook-hubspot.contact-created.json")),
    ("webhook-mautic", include_str!("../../../../events/webhook-mautic.contact-updated.json")),
    ("webhook-signal", include_str!("../../../../events/webhook-signal.segment-node.json")),
];

/// What was seen of one function.
#[derive(Default)]
struct Starts {
    ready: Vec<Duration>,
    answered: Vec<Duration>,
    peak_mib: f64,
}

/// Starts every function several times, each time in a new process on a new stack.
///
/// # Errors
/// The stack does not start, or a function is not invoked.
pub(super) async fn measure(functions: Option<&Path>) -> Result<Vec<Figures>> {
    let names: Vec<&str> = functions::names().collect();
    let mut seen: Vec<Starts> = names.iter().map(|_| Starts::default()).collect();
    let bar = progress::bar(STARTS * names.len(), "starts");
    for _ in 0..STARTS {
        let mut systems = simulated::start_with_hubspot((0, 0, 0), None).await?;
        systems.add_wordpress(WordPressOptions::default(), None).await?;
        systems.seed().await;
        let options = LocalOptions {
            without_schedules: true,
            functions: functions.map(Path::to_path_buf),
            ..LocalOptions::default()
        };
        let mut stack = local::start(&simulated::with_visitors(systems.config()?)?, options).await?;
        for (name, starts) in names.iter().zip(&mut seen) {
            let (_, event) =
                EVENTS.iter().find(|(of, _)| of == name).context("a function without a first event")?;
            let answer = stack.stack.invoke(name, &serde_json::from_str::<Value>(event)?).await?;
            let mut ready = Duration::ZERO;
            while let Ok(event) = stack.events.try_recv() {
                match event {
                    StackEvent::ProcessReady { function, after, .. } if function.ends_with(name) => {
                        ready = after;
                    }
                    StackEvent::ProcessStarted { function, process_id } if function.ends_with(name) => {
                        starts.peak_mib = starts.peak_mib.max(Meter::peak_of(process_id));
                    }
                    _ => {}
                }
            }
            starts.ready.push(ready);
            starts.answered.push(ready + answer.duration);
            bar.inc(1);
        }
        stack.stack.stop(GRACE).await;
    }
    bar.finish_and_clear();
    names.iter().zip(seen).map(|(name, starts)| figures(name, starts, functions)).collect()
}

fn figures(name: &str, starts: Starts, functions: Option<&Path>) -> Result<Figures> {
    let median = |times: Vec<Duration>| Percentiles::of(times).map_or(0.0, |of| of.p50);
    let mut figures = Figures {
        workload: "W4",
        variant: name.to_owned(),
        events: starts.ready.len(),
        seconds: starts.answered.iter().sum::<Duration>().as_secs_f64(),
        ..Figures::default()
    };
    if starts.peak_mib > 0.0 {
        figures.peak_memory_mib.insert(name.to_owned(), starts.peak_mib);
    }
    figures.more.insert("start to first next, ms".to_owned(), median(starts.ready));
    figures.more.insert("start to first answer, ms".to_owned(), median(starts.answered));
    if let Some(size) = functions.and_then(|folder| zipped(&folder.join(name)).transpose()) {
        figures.more.insert("zip, MiB".to_owned(), number(size?) / 1024.0 / 1024.0);
    }
    Ok(figures)
}

/// The size of a binary as it is packed for Lambda; nothing where there is none.
fn zipped(binary: &Path) -> Result<Option<usize>> {
    if !binary.is_file() {
        return Ok(None);
    }
    let content = std::fs::read(binary).with_context(|| format!("cannot read {}", binary.display()))?;
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&content)?;
    Ok(Some(packed.finish()?.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_has_a_first_event() {
        let missing: Vec<_> =
            functions::names().filter(|name| EVENTS.iter().all(|(of, _)| of != name)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        for (name, event) in EVENTS {
            assert!(serde_json::from_str::<Value>(event).is_ok(), "{name}");
        }
    }
}
