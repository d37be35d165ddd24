//! The body of every poll function: each object of a system that a pair has is polled, if it is due.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws::config::{ConfigError, SystemConfig};
use aws::schedule::Firing;
use aws::telemetry::{Counter, Metrics};
use aws::{Clients, DynamoStore, Secrets, SqsChangeQueue, SystemClock};
use model::{ObjectName, Pair, PairKind, Side, System, SystemKind};
use serde_json::{Value, json};
use sync::pairs::{PAIRS, has_associations};
use sync::settings;
use sync::{
    ChangeQueue as _, Clock as _, CursorKey, CursorStore as _, Feed, Opens, PollEnvironment, PollError,
    PollSettings, Polled, Roll, Tick, Walked, call_roll, pair_spec, poll, walk,
};

use crate::not_ready::NotReady;
use crate::rivals;
use crate::switched_off;
use crate::systems::{open, settings_of};

/// Everything that lives as long as the process.
pub struct PollPorts<C> {
    store: DynamoStore,
    queue: SqsChangeQueue,
    config: SystemConfig,
    targets: Vec<System>,
    lease: Duration,
    secrets: Secrets,
    system: Mutex<Option<Opened<C>>>,
}

/// A connection, and the settings with which it was opened.
struct Opened<C> {
    system: Arc<C>,
    settings: Value,
}

impl<C> std::fmt::Debug for PollPorts<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PollPorts")
            .field("system", &self.config.system)
            .field("targets", &self.targets)
            .finish_non_exhaustive()
    }
}

/// What a tick has done.
#[derive(Debug)]
pub struct Ticked<C> {
    /// The system, where it was asked anything.
    pub asked: Option<Arc<C>>,
    /// The settings.
    pub settings: PollSettings,
    /// The objects that were polled, each with the systems that must hear of it.
    pub polled: Vec<(ObjectName, Vec<System>)>,
    /// What became of each object, as the answer of the invocation.
    pub told: Value,
}

impl<C: Opens + Feed> PollPorts<C> {
    /// The ports of this process towards a system of this kind; nothing is read yet.
    ///
    /// # Errors
    /// A variable of the environment is missing or wrong.
    pub fn new(
        environment: &aws::Environment,
        clients: Clients,
        kind: SystemKind,
    ) -> Result<Self, ConfigError> {
        let config = environment.system(kind)?;
        let queue = SqsChangeQueue::new(clients.sqs, environment.changes_queues()?);
        Ok(Self {
            store: DynamoStore::new(clients.dynamodb, environment.table()?),
            targets: environment.changes_queues()?.into_keys().filter(|t| *t != config.system).collect(),
            queue,
            config,
            lease: environment.lease()?,
            secrets: Secrets::new(clients.secrets_manager, SystemClock),
            system: Mutex::new(None),
        })
    }

    /// Reads the secret and asks the system who it is again next time.
    pub fn forget(&self) {
        self.secrets.forget(&self.config.secret);
        *self.system.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// The system; opened anew where its settings have changed.
    async fn system(&self) -> Result<Arc<C>, NotReady> {
        let (_, settings) = settings_of(&self.store, &self.config.system).await?;
        if let Some(opened) = &*self.system.lock().unwrap_or_else(PoisonError::into_inner)
            && opened.settings == settings
        {
            return Ok(opened.system.clone());
        }
        let system = Arc::new(open::<C>(&self.config, &self.secrets, &self.store).await?);
        let opened = Opened { system: system.clone(), settings };
        *self.system.lock().unwrap_or_else(PoisonError::into_inner) = Some(opened);
        Ok(system)
    }

    async fn settings(&self) -> Result<PollSettings, NotReady> {
        let stored = self.store.setting(&settings::poll_key(&self.config.system)).await?;
        Ok(settings::poll_settings(&self.config.system, stored)?)
    }

    /// The objects that a pair has which is kept in step, each with the systems that must hear of it. `preferences` are
    /// what is set about the system.
    fn objects(&self, preferences: &Value) -> Vec<(ObjectName, Vec<System>)> {
        let reached: Vec<&System> = self.targets.iter().filter(|target| self.queue.reaches(target)).collect();
        let mut objects: Vec<(ObjectName, Vec<System>)> = Vec::new();
        for pair in PAIRS {
            let (side, other) = match self.config.system.kind() {
                SystemKind::CoreBos => (Side::Hub, pair.remote_kind),
                kind if kind == pair.remote_kind && pair.is_kept(preferences) => {
                    (Side::Remote, SystemKind::CoreBos)
                }
                _ => continue,
            };
            let object = pair.object(side);
            let hear = reached.iter().filter(|target| target.kind() == other).map(|target| (*target).clone());
            match objects.iter_mut().find(|(known, _)| *known == object) {
                // Several pairs may share an object, and a system needs no notice twice.
                Some((_, targets)) => {
                    let new: Vec<System> = hear.filter(|system| !targets.contains(system)).collect();
                    targets.extend(new);
                }
                None => objects.push((object, hear.collect())),
            }
        }
        // Sites have no pair: they hear of the contacts of Mautic, and of nothing else.
        if self.config.system.kind() == SystemKind::Mautic {
            let sites = reached.iter().filter(|target| target.kind() == SystemKind::WordPress);
            let sites: Vec<System> = sites.map(|site| (*site).clone()).collect();
            let contacts = pair_spec(PairKind::MauticContacts).object(Side::Remote);
            if let Some((_, targets)) = objects.iter_mut().find(|(object, _)| *object == contacts) {
                targets.extend(sites);
            }
        }
        objects.retain(|(_, targets)| !targets.is_empty());
        objects
    }

    /// Polls what is due. One object that fails does not keep the others from being polled.
    ///
    /// # Errors
    /// The settings, the secret or the system are not ready.
    pub async fn tick(&self, firing: &Firing) -> Result<Ticked<C>, NotReady> {
        let settings = self.settings().await?;
        let tick = Tick { id: &firing.id, at_once: firing.at_once, until: firing.until, lease: self.lease };
        let (mut asked, mut told, mut failed) = (None, serde_json::Map::new(), None);
        let mut polled = Vec::new();
        let on = self.switched_on(firing).await?;
        let (_, preferences) = settings_of(&self.store, &self.config.system).await?;
        for (object, targets) in self.objects(&preferences) {
            // The cursor stays where it is, so that everything is found when a system is on again. Where some are on,
            // pushes remember what they must not push towards the others.
            if !targets.iter().any(|target| on.contains(target)) {
                told.insert(object.as_str().to_owned(), json!("switched off"));
                continue;
            }
            let key = CursorKey { system: self.config.system.clone(), object };
            // The system is not asked who it is at ticks that have nothing to ask.
            let due = firing.at_once || settings.is_due(SystemClock.now(), &self.store.cursor(&key).await?);
            if !due {
                told.insert(key.object.as_str().to_owned(), json!("not due"));
                continue;
            }
            let system = self.system().await?;
            let environment = PollEnvironment {
                feed: &*system,
                cursors: &self.store,
                queue: &self.queue,
                clock: &SystemClock,
                targets: &targets,
                settings: &settings,
            };
            let outcome = Box::pin(poll(&environment, &key, &tick)).await;
            told.insert(key.object.as_str().to_owned(), told_of(&key, &outcome));
            asked = Some(system);
            match outcome {
                Ok(_) => polled.push((key.object, targets)),
                Err(PollError::System(error)) => failed = Some(NotReady::from(error)),
                Err(PollError::Store(error)) => failed = Some(NotReady::from(error)),
            }
        }
        if let Some(system) = &asked {
            told.insert("other_integrations".to_owned(), self.rivals(&**system).await?);
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(Ticked { asked, settings, polled, told: Value::Object(told) }),
        }
    }
}

impl<C: Opens + Feed> PollPorts<C> {
    /// The targets between which and this system the settings allow traffic. What was remembered while they did not is
    /// queued first.
    async fn switched_on(&self, firing: &Firing) -> Result<Vec<System>, NotReady> {
        let mut on = Vec::new();
        for target in self.targets.iter().filter(|target| self.queue.reaches(target)) {
            let remote = switched_off::remote_of(&self.config.system, target);
            if settings_of(&self.store, remote).await?.0.active {
                switched_off::take_up(&self.store, &self.queue, remote, target, firing).await?;
                on.push(target.clone());
            }
        }
        Ok(on)
    }

    /// Looks for other integrations: pushes wait while there is one.
    async fn rivals(&self, system: &C) -> Result<Value, NotReady> {
        Ok(match Box::pin(rivals::look(&self.store, system)).await? {
            Ok(rivals) => {
                for running in &rivals.running {
                    tracing::warn!(
                        record.system = %self.config.system,
                        reason = "other_integration",
                        detail = running,
                        "another integration is switched on beside the bridge"
                    );
                }
                json!(rivals.running.len())
            }
            Err(error) => {
                tracing::debug!(
                    record.system = %self.config.system,
                    reason = error.code(),
                    detail = %error,
                    "whether another integration is switched on cannot be seen"
                );
                json!(error.code())
            }
        })
    }
}

impl<C: Opens + Feed + Roll> PollPorts<C> {
    /// Calls the next window of the roll of each object, where the settings say so. What goes wrong is told and tried
    /// again with the next poll.
    pub async fn call_roll(&self, firing: &Firing, system: &C, settings: &PollSettings) -> Value {
        if !settings.call_roll {
            return json!("off");
        }
        let tick = Tick { id: &firing.id, at_once: firing.at_once, until: firing.until, lease: self.lease };
        let environment = PollEnvironment {
            feed: system,
            cursors: &self.store,
            queue: &self.queue,
            clock: &SystemClock,
            targets: &self.targets,
            settings,
        };
        let mut told = serde_json::Map::new();
        let hubs = self.targets.iter().filter(|target| target.kind() == SystemKind::CoreBos);
        for hub in hubs.filter(|hub| self.queue.reaches(hub)) {
            for spec in PAIRS.iter().filter(|spec| spec.remote_kind == self.config.system.kind()) {
                let remote = self.config.system.clone();
                let pair = Pair { kind: spec.kind, hub: hub.clone(), remote };
                let object = spec.object(Side::Remote);
                let outcome = Box::pin(call_roll(&environment, &pair, &object, &tick)).await;
                if let Err(error) = &outcome {
                    let system = &self.config.system;
                    tracing::warn!(record.system = %system, record.object = %object, detail = %error, "the roll cannot be called");
                }
                let key = CursorKey { system: self.config.system.clone(), object };
                told.insert(key.object.as_str().to_owned(), told_of(&key, &outcome));
            }
        }
        Value::Object(told)
    }
}

impl<C: Opens + Feed + Walked> PollPorts<C> {
    /// Walks the next pages of each object that was polled and whose pair has an association. What goes wrong is told and
    /// tried again with the next poll.
    pub async fn walk(&self, firing: &Firing, system: &C, ticked: &Ticked<C>) -> Value {
        if ticked.settings.walk_pages == 0 {
            return json!("off");
        }
        let tick = Tick { id: &firing.id, at_once: firing.at_once, until: firing.until, lease: self.lease };
        let mut told = serde_json::Map::new();
        let kind = self.config.system.kind();
        for (object, targets) in &ticked.polled {
            if !has_associations(kind, object) {
                continue;
            }
            let environment = PollEnvironment {
                feed: system,
                cursors: &self.store,
                queue: &self.queue,
                clock: &SystemClock,
                targets,
                settings: &ticked.settings,
            };
            let outcome = Box::pin(walk(&environment, &self.config.system, object, &tick)).await;
            if let Err(error) = &outcome {
                let system = &self.config.system;
                tracing::warn!(record.system = %system, record.object = %object, detail = %error, "associations cannot be walked");
            }
            let key = CursorKey { system: self.config.system.clone(), object: object.clone() };
            told.insert(object.as_str().to_owned(), told_of(&key, &outcome));
        }
        Value::Object(told)
    }
}

/// One log line per object, with counts only.
fn told_of(key: &CursorKey, outcome: &Result<Polled, PollError>) -> Value {
    let (word, noticed) = match outcome {
        Ok(Polled::NotDue) => return json!("not due"),
        Ok(Polled::Busy) => ("busy", 0),
        Ok(Polled::Complete(noticed)) => ("complete", *noticed),
        Ok(Polled::Unfinished(noticed)) => ("unfinished", *noticed),
        // Told once, where it is decided who mends it.
        Err(_) => return json!("failed"),
    };
    tracing::info!(
        record.system = %key.system,
        record.object = %key.object,
        outcome = word,
        noticed,
        "polled"
    );
    json!({ "outcome": word, "noticed": noticed })
}

/// Tells why a tick failed, and gives the answer of the invocation. An outage is no failure of the function: the next
/// tick tries again.
pub fn told_failure<C: Opens + Feed>(ports: &PollPorts<C>, error: &NotReady, metrics: &Metrics) -> Value {
    match error {
        NotReady::ForNow { detail, .. } => {
            tracing::warn!(
                outcome = "retry",
                reason = "unavailable",
                detail,
                "a poll waits for the next tick"
            );
            json!({ "outcome": "unavailable" })
        }
        NotReady::SwitchedOff(_) => json!({ "outcome": "switched off" }),
        NotReady::ByAdministrator { reason, detail } => {
            ports.forget();
            tracing::error!(outcome = "stopped", reason, detail, "polls wait for an administrator");
            metrics.count(Counter::Stopped, 1, &[("reason", reason)]);
            json!({ "outcome": "stopped", "reason": reason })
        }
    }
}
