//! The running stand-in: its state, and saves with their hooks and locks.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::OwnedMutexGuard;

use super::options::CoreBosOptions;
use super::problem::Problem;
use super::session::Lives;
use super::state::{Person, State};
use super::store::Record;
use super::workflow::{Event, deliver, deliveries};
use super::writing::{Edit, edited, new_record};
use crate::clock::Clock;

/// How long a write waits for another one of the same record before the database gives up.
const LOCK_WAIT: Duration = Duration::from_secs(50);

/// Who saves: a call of the webservice inside of a transaction, or a person at the screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Webservice,
    Screen,
}

pub(crate) struct Site {
    state: Mutex<State>,
    clock: Clock,
    data: Option<PathBuf>,
    client: reqwest::Client,
    locks: Mutex<HashMap<u64, Arc<tokio::sync::Mutex<()>>>>,
    pub(crate) lives: Lives,
    pub(crate) sync_page: usize,
    hooks_before_commit: bool,
}

impl std::fmt::Debug for Site {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Site").field("data", &self.data).finish_non_exhaustive()
    }
}

impl Site {
    pub(crate) fn new(options: &CoreBosOptions) -> std::io::Result<Self> {
        let site = Self {
            state: Mutex::new(State::load(options)?),
            clock: Arc::clone(&options.clock),
            data: options.data.clone(),
            client: super::workflow::client()?,
            locks: Mutex::default(),
            lives: Lives {
                session: options.session_life,
                idle: options.session_idle,
                challenge: options.challenge_life,
            },
            sync_page: options.sync_page,
            hooks_before_commit: options.hooks_before_commit,
        };
        site.persist(&site.state())?;
        Ok(site)
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Seconds since 1970.
    pub(crate) fn now(&self) -> i64 {
        (self.clock)().as_second()
    }

    /// Writes the snapshot, if there is to be one.
    pub(crate) fn persist(&self, state: &State) -> std::io::Result<()> {
        self.data.as_deref().map_or(Ok(()), |path| state.store.write(path))
    }

    /// Puts records into the database. A disk that cannot be written is a broken database.
    pub(crate) fn commit(&self, records: impl IntoIterator<Item = Record>) -> Result<(), Problem> {
        let mut state = self.state();
        for record in records {
            state.store.put(record);
        }
        self.persist(&state).map_err(|_| Problem::Crash)
    }

    /// Waits until nobody else writes this record.
    pub(crate) async fn lock(&self, crmid: u64) -> Result<OwnedMutexGuard<()>, Problem> {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            locks.retain(|_, lock| Arc::strong_count(lock) > 1);
            Arc::clone(locks.entry(crmid).or_default())
        };
        tokio::time::timeout(LOCK_WAIT, lock.lock_owned()).await.map_err(|_| Problem::database())
    }

    /// Creates a record and gives it back. A bad owner is found out too late: the record is there all the same.
    pub(crate) async fn create(
        &self,
        module: &str,
        element: &Map<String, Value>,
        person: &Person,
        origin: Origin,
    ) -> Result<Record, Problem> {
        let record = {
            let mut state = self.state();
            let module = state.module_for(module, person)?.clone();
            // What `describe` calls not createable: groups, currencies, workflows.
            if !module.has_entity && module.name != "Users" {
                return Err(Problem::denied());
            }
            new_record(&mut state, &module, element, person, self.now())?
        };
        self.save(record.clone(), Event::Created, origin).await?;
        self.check_owner(&record)?;
        Ok(record)
    }

    /// Changes a record and gives it back as it was written, whatever others have done to it since.
    pub(crate) async fn edit(
        &self,
        id: &str,
        element: &Map<String, Value>,
        person: &Person,
        edit: Edit,
        origin: Origin,
    ) -> Result<Record, Problem> {
        let crmid = self.state().changeable(id, person)?.crmid;
        let _turn = self.lock(crmid).await?;
        let record = {
            let state = self.state();
            let record = state.changeable(id, person)?;
            edited(&state, record, element, person, self.now(), edit)?
        };
        self.save(record.clone(), Event::Modified, origin).await?;
        self.check_owner(&record)?;
        Ok(record)
    }

    /// Moves a record to the recycle bin; its hooks still see it as it was.
    pub(crate) async fn delete(&self, id: &str, person: &Person) -> Result<(), Problem> {
        let crmid = self.state().changeable(id, person)?.crmid;
        let _turn = self.lock(crmid).await?;
        let (mut record, sent) = {
            let state = self.state();
            let record = state.changeable(id, person)?.clone();
            if record.module == "Users" {
                let message = "Incorrect method: use DeleteUser method to delete users";
                return Err(Problem::new("ACCESS_DENIED", message));
            }
            let sent = deliveries(&state, &record, Event::Deleted);
            (record, sent)
        };
        deliver(&self.client, sent).await.map_err(|_| Problem::Crash)?;
        record.deleted = true;
        record.modified = self.now();
        record.object_modified = record.modified;
        record.modifier = person.id;
        self.commit([record])
    }

    async fn save(&self, record: Record, event: Event, origin: Origin) -> Result<(), Problem> {
        let sent = deliveries(&self.state(), &record, event);
        if origin == Origin::Webservice && self.hooks_before_commit {
            deliver(&self.client, sent).await.map_err(|_| Problem::Crash)?;
            self.commit([record])
        } else {
            self.commit([record])?;
            deliver(&self.client, sent).await.map_err(|_| Problem::Crash)
        }
    }

    fn check_owner(&self, record: &Record) -> Result<(), Problem> {
        let state = self.state();
        let has_owner = state.schema.module(&record.module).is_some_and(|module| module.has_entity);
        if has_owner && state.store.owner_wsid(&state.schema, record.owner).is_none() {
            return Err(Problem::database());
        }
        Ok(())
    }
}
