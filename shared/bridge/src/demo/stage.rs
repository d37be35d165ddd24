//! The stage of the demo: both stand-ins, the stack, and what the chapters remember of one another.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;

use crate::journal::Journal;
use crate::local::Local;
use crate::screen::line;
use crate::simulated::Simulated;

/// How long a chapter waits for what it promises.
const PATIENCE: Duration = Duration::from_secs(25);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(40);

pub(super) struct Stage {
    pub(super) simulated: Simulated,
    pub(super) journal: Journal,
    local: Local,
    /// Ana's id in Mautic and in coreBOS, once the first chapter has made her.
    pub(super) ana: (u64, String),
}

impl Stage {
    pub(super) fn new(simulated: Simulated, local: Local, verbose: bool) -> Self {
        Self { simulated, journal: Journal::new(verbose), local, ana: (0, String::new()) }
    }

    /// Prints what has happened since the last time.
    pub(super) fn show(&mut self) {
        while let Ok(event) = self.local.events.try_recv() {
            if let Some(text) = self.journal.line(&event) {
                line(&text);
            }
        }
    }

    /// Waits until `found` gives something, showing what happens meanwhile.
    pub(super) async fn until<T>(
        &mut self,
        what: &str,
        mut found: impl FnMut(&Simulated) -> Option<T>,
    ) -> Result<T> {
        let begun = Instant::now();
        loop {
            self.show();
            if let Some(found) = found(&self.simulated) {
                return Ok(found);
            }
            if begun.elapsed() > PATIENCE {
                bail!("waited {} s for this, in vain: {what}", PATIENCE.as_secs());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until no message waits, none is in flight and nothing new comes for a moment.
    pub(super) async fn quiet(&mut self) -> Result<()> {
        let begun = Instant::now();
        let mut calm = 0;
        while calm < 6 {
            self.show();
            let status = self.local.stack.status();
            let waiting =
                status.queues.values().any(|queue| queue.visible + queue.in_flight + queue.delayed > 0);
            calm = if waiting { 0 } else { calm + 1 };
            if begun.elapsed() > PATIENCE {
                bail!("the queues are not empty after {} s", PATIENCE.as_secs());
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }

    /// Messages that wait or are in flight.
    pub(super) fn waiting(&self) -> usize {
        let status = self.local.stack.status();
        status.queues.values().map(|queue| queue.visible + queue.in_flight + queue.delayed).sum()
    }

    /// The URL of Mautic's webhook.
    pub(super) fn webhook_url(&self) -> String {
        self.local.webhook_url("webhook-mautic")
    }

    /// The URL for campaigns of Mautic.
    pub(super) fn campaign_url(&self) -> String {
        self.local.webhook_url("webhook-campaign")
    }

    /// Switches all webhooks off, on both sides.
    pub(super) fn silence(&self) {
        self.simulated.mautic.remove_webhooks();
        self.simulated.corebos.clear_workflow_hooks();
    }

    /// Sets the webhooks up again.
    pub(super) async fn hear_again(&self) -> Result<()> {
        self.simulated.connect(&self.local).await
    }

    /// Fires a poll function, as the schedule does when it is time.
    pub(super) async fn poll(&mut self, function: &str) -> Result<()> {
        let event = serde_json::json!({ "detail": { "at_once": true } });
        let answer = self.local.stack.invoke(function, &event).await?;
        if let Some(error) = answer.error {
            bail!("{function} failed: {error}");
        }
        Ok(())
    }

    /// What is parked.
    pub(super) async fn parked(&self) -> Result<Vec<model::ParkedChange>> {
        let config = self.simulated.config()?;
        let pair = model::Pair {
            kind: model::PairKind::MauticContacts,
            hub: config.corebos_system()?,
            remote: config.mautic_system()?,
        };
        Ok(self.local.store.list_parked(&pair).await?.into_iter().map(|parked| parked.change).collect())
    }

    pub(super) async fn close(self, grace: Duration) {
        self.local.stack.stop(grace).await;
    }
}

/// A field of a record as text.
pub(super) fn text(record: &Value, field: &str) -> String {
    match &record[field] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// How many requests Mautic's API got that write.
pub(super) fn mautic_writes(simulated: &Simulated) -> usize {
    let requests = simulated.mautic.requests();
    requests.iter().filter(|request| request.method != "GET" && request.path.starts_with("/api/")).count()
}

/// How many records coreBOS was asked to write: creates and revises.
pub(super) fn corebos_writes(simulated: &Simulated) -> usize {
    let writing = |operation: &str| {
        ["create", "revise", "update", "upsert", "delete"]
            .iter()
            .any(|name| operation.eq_ignore_ascii_case(name))
    };
    let requests = simulated.corebos.requests();
    requests.iter().filter(|request| request.operation.as_deref().is_some_and(writing)).count()
}
