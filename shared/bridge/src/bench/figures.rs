//! What a run has shown: the figures, as lines, as rows of a table, and as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use comfy_table::Table;
use serde::Serialize;

use crate::screen::{BOLD, styled};

/// The figures of one run. What was not measured is missing.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Figures {
    /// `W1`.
    pub(crate) workload: &'static str,
    /// What is special about this run.
    pub(crate) variant: String,
    /// How many events there were.
    pub(crate) events: usize,
    /// From the first event to the last effect.
    pub(crate) seconds: f64,
    /// Events per second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) per_second: Option<f64>,
    /// Seconds of the processor per 1,000 events: `webhook`, `push`, `poll`, and `emulation`, which is this process with
    /// the stack, the stand-ins and the senders.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) cpu_seconds_per_1000: BTreeMap<String, f64>,
    /// The most memory that a process of each function has held, in MiB.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) peak_memory_mib: BTreeMap<String, f64>,
    /// From the request to its answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) acknowledged_ms: Option<Percentiles>,
    /// From the request to the settled write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) written_ms: Option<Percentiles>,
    /// Calls of the target's API per change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target_calls_per_change: Option<f64>,
    /// Whether every change had its effect, once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) exactly_once: Option<bool>,
    /// What else this run tells, by name and unit.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) more: BTreeMap<String, f64>,
}

/// Half, 99 % and 99.9 % of all took no longer, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Percentiles {
    /// Half of them.
    pub(crate) p50: f64,
    /// 99 of 100.
    pub(crate) p99: f64,
    /// 999 of 1,000.
    pub(crate) p99_9: f64,
}

impl Percentiles {
    /// Of these; nothing of none.
    pub(crate) fn of(mut all: Vec<Duration>) -> Option<Self> {
        all.sort_unstable();
        // The nearest rank: the smallest that no fewer than so many of 1,000 reach.
        let rank = |of_1000: usize| {
            let at = (all.len() * of_1000).div_ceil(1000).saturating_sub(1);
            all.get(at).map(|took| took.as_secs_f64() * 1000.0)
        };
        Some(Self { p50: rank(500)?, p99: rank(990)?, p99_9: rank(999)? })
    }

    fn text(self) -> String {
        format!("{:.1} / {:.1} / {:.1}", self.p50, self.p99, self.p99_9)
    }
}

impl Figures {
    /// Which run it is.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.workload, self.variant)
    }

    /// Seconds of the processor of all functions, per 1,000 events.
    fn functions_cpu(&self) -> Option<f64> {
        let all: Vec<f64> = self
            .cpu_seconds_per_1000
            .iter()
            .filter(|(role, _)| *role != "emulation")
            .map(|(_, cpu)| *cpu)
            .collect();
        (!all.is_empty()).then(|| all.iter().sum())
    }

    /// Everything, line by line.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut lines = vec![styled(BOLD, &self.name())];
        let mut put = |name: &str, value: String| lines.push(format!("  {name:<42} {value}"));
        put("events", format!("{} in {:.1} s", self.events, self.seconds));
        if let Some(rate) = self.per_second {
            put("events per second", format!("{rate:.0}"));
        }
        for (role, cpu) in &self.cpu_seconds_per_1000 {
            put("CPU s per 1,000 events", format!("{cpu:.3} {role}"));
        }
        if let Some(cpu) = self.functions_cpu() {
            put("CPU s per 1,000 events", format!("{cpu:.3} all functions"));
        }
        for (function, memory) in &self.peak_memory_mib {
            put("peak memory", format!("{memory:.1} MiB {function}"));
        }
        let of = "p50 / p99 / p99.9, ms";
        for (what, percentiles) in [("acknowledged", self.acknowledged_ms), ("written", self.written_ms)] {
            if let Some(percentiles) = percentiles {
                put(what, format!("{} ({of})", percentiles.text()));
            }
        }
        if let Some(calls) = self.target_calls_per_change {
            put("target calls per change", format!("{calls:.2}"));
        }
        if let Some(once) = self.exactly_once {
            put("effects exactly once", if once { "yes" } else { "NO" }.to_owned());
        }
        for (name, value) in &self.more {
            put(name, number(*value));
        }
        lines
    }
}

/// A number with as many decimals as its size deserves.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

/// All runs as the lines of one table.
pub(crate) fn table(all: &[Figures]) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header([
        "run",
        "events/s",
        "CPU s/1,000: webhook",
        "push",
        "emulation",
        "acknowledged ms",
        "written ms",
        "calls/change",
        "once",
        "MiB",
    ]);
    for figures in all {
        let cpu = |role: &str| {
            figures.cpu_seconds_per_1000.get(role).map(|cpu| format!("{cpu:.3}")).unwrap_or_default()
        };
        let percentiles = |of: Option<Percentiles>| of.map(Percentiles::text).unwrap_or_default();
        let memory = figures.peak_memory_mib.values().copied().fold(0.0, f64::max);
        table.add_row([
            figures.name(),
            figures.per_second.map(|rate| format!("{rate:.0}")).unwrap_or_default(),
            cpu("webhook"),
            cpu("push"),
            cpu("emulation"),
            percentiles(figures.acknowledged_ms),
            percentiles(figures.written_ms),
            figures.target_calls_per_change.map(|calls| format!("{calls:.2}")).unwrap_or_default(),
            figures.exactly_once.map(|once| if once { "yes" } else { "NO" }).unwrap_or_default().to_owned(),
            if memory > 0.0 { format!("{memory:.0}") } else { String::new() },
        ]);
    }
    table.to_string().lines().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_the_nearest_ranks() {
        let milliseconds = |number| Duration::from_millis(number);
        let thousand = Percentiles::of((1..=1000).rev().map(milliseconds).collect()).unwrap();
        assert_eq!(thousand, Percentiles { p50: 500.0, p99: 990.0, p99_9: 999.0 });
        let one = Percentiles::of(vec![milliseconds(7)]).unwrap();
        assert_eq!(one, Percentiles { p50: 7.0, p99: 7.0, p99_9: 7.0 });
        assert_eq!(Percentiles::of(Vec::new()), None);
    }

    #[test]
    fn the_functions_cost_what_is_not_emulation() {
        let costs = [("webhook", 0.25), ("push", 0.5), ("emulation", 9.0)];
        let figures = Figures {
            workload: "W1",
            variant: "2 KB".to_owned(),
            cpu_seconds_per_1000: costs.map(|(role, cpu)| (role.to_owned(), cpu)).into(),
            exactly_once: Some(true),
            ..Figures::default()
        };
        let text = figures.lines().join("\n");
        assert!(text.contains("0.750 all functions") && text.contains("effects exactly once"), "{text}");
        let rows = table(&[figures]);
        assert_eq!(rows.len(), 2);
        assert!(rows[1].contains("W1 2 KB") && rows[1].contains("9.000"), "{rows:?}");
    }
}
