//! How everything stands: records, links, bases, leases, in lines that a person can read.

use std::collections::BTreeMap;

use model::{Direction, Fingerprint, LinkStatus, Value};

use super::play::Play;

pub(crate) fn of(play: &Play<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut known: BTreeMap<Fingerprint, String> = BTreeMap::new();
    let mut learn = |value: &str| {
        for form in [value.to_owned(), value.to_uppercase()] {
            known.insert(Fingerprint::of(&Value::Text(form.clone())), form);
        }
    };
    learn("");
    for system in play.stage.systems.iter().chain(&play.stage.firms) {
        for id in system.ids() {
            let fields = system.fields(&id);
            for value in fields.values() {
                learn(value);
            }
            learn(&id);
            let shown = fields.iter().filter(|(_, value)| !value.is_empty());
            let shown: Vec<String> = shown.map(|(name, value)| format!("{name}={value}")).collect();
            lines.push(format!("{}: {}", system.reference(&id), shown.join(" ")));
        }
    }
    for number in 0..1000 {
        learn(&format!("v{number:03}-long"));
    }
    for link in play.stage.store.links() {
        let status = match link.status {
            LinkStatus::Active => "",
            LinkStatus::Tombstone { .. } => ", a tombstone",
            LinkStatus::Broken { .. } => ", at rest",
        };
        lines.push(format!("link of {} and {}, version {}{status}", link.hub, link.remote, link.version));
        for entry in play.stage.store.history(&link.id) {
            for lost in &entry.lost {
                let value = lost.value.as_text().unwrap_or_default();
                lines.push(format!("  lost by {}: {} `{value}`, {}", lost.reason, lost.field, entry.receipt));
            }
        }
        for (direction, name) in [(Direction::ToHub, "into coreBOS"), (Direction::ToRemote, "out of coreBOS")]
        {
            let bases = link.bases.of(direction).iter().map(|(field, base)| {
                let value = known.get(&base.value).cloned().unwrap_or_else(|| format!("{:?}", base.value));
                format!("{field}={value}")
            });
            lines.push(format!("  bases {name}: {}", bases.collect::<Vec<_>>().join(" ")));
        }
    }
    lines.extend(play.stage.store.leased().iter().map(|record| format!("a lease is left on {record}")));
    lines.extend(
        play.stage
            .store
            .parked()
            .iter()
            .map(|parked| format!("parked: {} because of {}", parked.notice.record, parked.reason)),
    );
    lines
}
