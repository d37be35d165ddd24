//! Sessions in this process only: what is shared by clones of one store.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use tokio::time::Instant;

use super::{lock, step};
use crate::error::StoreError;
use crate::sessions::{KeptSession, Renewal, SessionKey, SessionStore};

#[derive(Debug, Default)]
struct Kept {
    session: Option<KeptSession>,
    renewed_by: Option<(u64, Timestamp)>,
}

#[derive(Debug, Default)]
struct Shared {
    kept: BTreeMap<SessionKey, Kept>,
    processes: u64,
    sessions: u64,
}

/// The sessions as one process sees them; [`Self::of_another_process`] sees the same ones.
///
/// Its clock begins when it is made, and runs as tokio's does.
#[derive(Debug)]
pub struct MemorySessions {
    shared: Arc<Mutex<Shared>>,
    began: Instant,
    process: u64,
}

impl Default for MemorySessions {
    fn default() -> Self {
        Self { shared: Arc::default(), began: Instant::now(), process: 0 }
    }
}

impl MemorySessions {
    /// The same sessions, as another process sees them.
    #[must_use]
    pub fn of_another_process(&self) -> Self {
        let mut shared = lock(&self.shared);
        shared.processes += 1;
        Self { shared: self.shared.clone(), began: self.began, process: shared.processes }
    }
}

impl SessionStore for MemorySessions {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::try_from(self.began.elapsed()).unwrap_or_default()
    }

    fn wait(&self, duration: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn session<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<KeptSession>, StoreError>> {
        Box::pin(async move {
            step().await;
            Ok(lock(&self.shared).kept.get(key).and_then(|kept| kept.session.clone()))
        })
    }

    fn renew<'a>(
        &'a self,
        key: &'a SessionKey,
        seen: Option<&'a str>,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<Renewal, StoreError>> {
        Box::pin(async move {
            step().await;
            let now = self.now();
            let mut shared = lock(&self.shared);
            let kept = shared.kept.entry(key.clone()).or_default();
            if let Some(session) = kept.session.as_ref().filter(|session| Some(session.id.as_str()) != seen) {
                return Ok(Renewal::Done(session.clone()));
            }
            if kept.renewed_by.is_some_and(|(process, until)| process != self.process && until > now) {
                return Ok(Renewal::Theirs);
            }
            kept.renewed_by = Some((self.process, until));
            Ok(Renewal::Ours)
        })
    }

    fn keep<'a>(
        &'a self,
        key: &'a SessionKey,
        value: &'a SecretString,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<String, StoreError>> {
        Box::pin(async move {
            step().await;
            let now = self.now();
            let mut shared = lock(&self.shared);
            shared.sessions += 1;
            let id = shared.sessions.to_string();
            let kept = shared.kept.entry(key.clone()).or_default();
            if kept.renewed_by.is_none_or(|(process, until)| process == self.process || until <= now) {
                *kept = Kept {
                    session: Some(KeptSession { id: id.clone(), value: value.clone(), until }),
                    renewed_by: None,
                };
            }
            Ok(id)
        })
    }

    fn give_up<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            step().await;
            let mut shared = lock(&self.shared);
            let kept = shared.kept.entry(key.clone()).or_default();
            kept.renewed_by = kept.renewed_by.filter(|(process, _)| *process != self.process);
            Ok(())
        })
    }

    fn discard<'a>(&'a self, key: &'a SessionKey, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            step().await;
            if let Some(kept) = lock(&self.shared).kept.get_mut(key) {
                kept.session = kept.session.take().filter(|session| session.id != id);
            }
            Ok(())
        })
    }
}
