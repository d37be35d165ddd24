//! The site behind the HTTP server.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::roles;
use super::state::State;
use crate::clock::Clock;

/// Who calls.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) id: Option<u64>,
    roles: Vec<String>,
}

impl Caller {
    /// Wrong credentials make a stranger of the caller, not an error.
    pub(crate) fn of(state: &State, credentials: Option<(String, String)>) -> Self {
        let user = credentials.and_then(|(login, password)| state.authenticated(&login, &password));
        Self { id: user.map(|user| user.id), roles: user.map(|user| user.roles.clone()).unwrap_or_default() }
    }

    pub(crate) fn is_known(&self) -> bool {
        self.id.is_some()
    }

    pub(crate) fn may(&self, state: &State, capability: &str) -> bool {
        let known: Vec<String> =
            self.roles.iter().filter(|role| state.roles.contains(role)).cloned().collect();
        roles::may(&known, capability)
    }

    /// Whether the plugin's guards are for this caller.
    pub(crate) fn is_bridge(&self, _: &State) -> bool {
        self.roles.iter().any(|role| role == "crm_sync")
    }
}

/// The site.
pub(crate) struct Engine {
    state: Mutex<State>,
    clock: Clock,
    data: Option<PathBuf>,
    url: OnceLock<String>,
    window: Duration,
    pub(crate) maintenance: AtomicBool,
    pub(crate) no_database: AtomicBool,
}

impl Engine {
    pub(crate) fn new(state: State, clock: Clock, data: Option<PathBuf>, window: Duration) -> Self {
        Self {
            state: Mutex::new(state),
            clock,
            data,
            url: OnceLock::new(),
            window,
            maintenance: AtomicBool::new(false),
            no_database: AtomicBool::new(false),
        }
    }

    pub(crate) fn set_url(&self, url: String) {
        let _ = self.url.set(url);
    }

    pub(crate) fn url(&self) -> &str {
        self.url.get().map_or("", String::as_str)
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and writes the snapshot. A change that ends with an error keeps what it has done.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state();
        let result = change(&mut state);
        if let Err(error) = self.save(&state) {
            // A simulator whose disk is full is of no use to anybody.
            std::mem::drop(error);
            self.no_database.store(true, Ordering::Relaxed);
        }
        result
    }

    fn save(&self, state: &State) -> io::Result<()> {
        let Some(path) = &self.data else { return Ok(()) };
        let text =
            serde_json::to_vec(state).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let draft = path.with_extension("draft");
        std::fs::write(&draft, text)?;
        std::fs::rename(draft, path)
    }

    /// The time between looking whether somebody is there and storing them.
    pub(crate) async fn pause_before_storing(&self) {
        if !self.window.is_zero() {
            tokio::time::sleep(self.window).await;
        }
    }
}
