//! Sessions: short-lived proofs of who we are towards a system (a token, a session), shared by everybody who calls
//! it. One renews it; the others use the old one while it still holds, or wait a moment.
//!
//! A system takes longer to let us in than to answer: a login is two calls, and a token costs a password check. Many
//! processes that each log in for themselves would also all do so at the same moment, when what they have ends.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use model::{Fingerprint, System};
use secrecy::SecretString;
use tokio::sync::Mutex;

use crate::error::{ConnectorError, StoreError};

/// How long before its end a session is renewed, by whoever comes first.
const RENEWED_BEFORE: SignedDuration = SignedDuration::from_mins(5);
/// How long a renewal may take before another process tries. A worker that dies holds up nobody for longer.
const LEASE: SignedDuration = SignedDuration::from_secs(10);
/// How long to wait for another process's renewal. Then we log in for ourselves: a second session does no harm.
const PATIENCE: SignedDuration = SignedDuration::from_secs(3);
/// How often to look while waiting.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long to leave a renewal alone that failed or that another process is at, while the session still holds.
const TRY_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(15);

/// Which session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionKey {
    /// Of which system.
    pub system: System,
    /// Which of several: `token`, `0`.
    pub slot: String,
    /// What it is bound to: account, address, whatever else must be the same for whoever uses it. A session that was
    /// made with other credentials is not found.
    pub binding: Fingerprint,
}

/// A session that is kept.
#[derive(Clone, Debug)]
pub struct KeptSession {
    /// Tells it from the sessions before and after it. Says nothing about its value.
    pub id: String,
    /// What the connector made it of.
    pub value: SecretString,
    /// Until when it is used at most. The system may end it earlier.
    pub until: Timestamp,
}

/// What became of the wish to renew a session.
#[derive(Clone, Debug)]
pub enum Renewal {
    /// It is ours to do.
    Ours,
    /// Somebody else is at it.
    Theirs,
    /// It is done: this is the new one.
    Done(KeptSession),
}

/// Where sessions are kept. Nobody can read them there who cannot read the system's credentials.
///
/// A trait object, unlike the other ports: connectors would otherwise all have the store as a type parameter.
pub trait SessionStore: std::fmt::Debug + Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Waits for a moment.
    fn wait(&self, duration: Duration) -> BoxFuture<'_, ()>;

    /// The session that is kept, if there is one that is bound to the same; its time may be over.
    fn session<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<Option<KeptSession>, StoreError>>;

    /// Takes the renewal of the session `seen`, until it is kept or given up or that time has passed.
    fn renew<'a>(
        &'a self,
        key: &'a SessionKey,
        seen: Option<&'a str>,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<Renewal, StoreError>>;

    /// Keeps a session, gives it its id, and ends our renewal. Nothing is kept while another process is renewing.
    fn keep<'a>(
        &'a self,
        key: &'a SessionKey,
        value: &'a SecretString,
        until: Timestamp,
    ) -> BoxFuture<'a, Result<String, StoreError>>;

    /// Ends our renewal without a session.
    fn give_up<'a>(&'a self, key: &'a SessionKey) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Throws the session with this id away, unless it was replaced already.
    fn discard<'a>(&'a self, key: &'a SessionKey, id: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;
}

/// Sessions that are kept somewhere.
pub type SharedSessions = Arc<dyn SessionStore>;

/// A session that was just made.
#[derive(Debug)]
pub struct NewSession {
    /// What it is made of.
    pub value: SecretString,
    /// How long it can be used from now on.
    pub lifetime: Duration,
}

/// One session as this process uses it.
#[derive(Debug)]
pub struct SessionCache {
    store: SharedSessions,
    key: SessionKey,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    current: Option<Arc<KeptSession>>,
    /// The last one that the system refused: the store may still have it.
    ended: Option<String>,
    /// No renewal before this, as long as the current one holds.
    renew_from: Option<Timestamp>,
}

impl SessionCache {
    /// Nothing is read yet.
    pub fn new(store: SharedSessions, key: SessionKey) -> Self {
        Self { store, key, state: Mutex::default() }
    }

    /// The session: ours, or the one that is kept, or a new one. `login` is called once at most, and not at all while
    /// another process is at it.
    ///
    /// # Errors
    /// What `login` says. A store that does not answer is no error: then the session is ours alone.
    pub async fn get<L, F>(&self, login: L) -> Result<Arc<KeptSession>, ConnectorError>
    where
        L: FnOnce() -> F + Send,
        F: Future<Output = Result<NewSession, ConnectorError>> + Send,
    {
        // Held to the end: concurrent calls of this process ask once, not each.
        let mut state = self.state.lock().await;
        let now = self.store.now();
        if let Some(current) = &state.current
            && current.until > now
            && (current.until - RENEWED_BEFORE > now || state.renew_from.is_some_and(|from| from > now))
        {
            return Ok(current.clone());
        }
        let old = state.current.take().filter(|current| current.until > now);
        let taken = self.take(&state, old.as_deref(), now).await;
        let (session, renew_from) = match taken {
            Taken::Session(session) => (session, None),
            // The old one holds, and somebody is at the new one.
            Taken::Wait(session) => (session, Some(now + TRY_AGAIN_AFTER)),
            Taken::Login { leased, kept } => match self.login(login, leased).await {
                Ok(session) => (session, None),
                Err(error) => match kept {
                    Some(session) => {
                        tracing::warn!(
                            record.system = %self.key.system,
                            detail = %error,
                            "a session could not be renewed; the old one is used while it holds"
                        );
                        (session, Some(now + TRY_AGAIN_AFTER))
                    }
                    None => return Err(error),
                },
            },
        };
        let session = Arc::new(session);
        state.current = Some(session.clone());
        state.renew_from = renew_from;
        Ok(session)
    }

    /// Throws a session away that the system has refused, unless another call has replaced it already.
    pub async fn refused(&self, ended: &KeptSession) {
        let mut state = self.state.lock().await;
        if state.current.as_ref().is_some_and(|current| current.id != ended.id) {
            return;
        }
        state.current = None;
        state.ended = Some(ended.id.clone());
        if let Err(error) = self.store.discard(&self.key, &ended.id).await {
            self.told(&error);
        }
    }

    async fn take(&self, state: &State, old: Option<&KeptSession>, now: Timestamp) -> Taken {
        let patience_ends = now + PATIENCE;
        let mut kept = match self.store.session(&self.key).await {
            Ok(kept) => kept,
            Err(error) => return self.alone(&error, old),
        };
        loop {
            let now = self.store.now();
            let seen = kept.as_ref().map(|kept| kept.id.clone());
            let usable = kept
                .filter(|kept| kept.until > now && state.ended.as_ref() != Some(&kept.id))
                .or_else(|| old.cloned());
            match usable {
                Some(session) if session.until - RENEWED_BEFORE > now => return Taken::Session(session),
                _ => {}
            }
            match self.store.renew(&self.key, seen.as_deref(), now + LEASE).await {
                Ok(Renewal::Ours) => return Taken::Login { leased: true, kept: usable },
                Ok(Renewal::Done(session)) => kept = Some(session),
                Ok(Renewal::Theirs) => {
                    if let Some(session) = usable {
                        return Taken::Wait(session);
                    }
                    if now >= patience_ends {
                        return Taken::Login { leased: false, kept: None };
                    }
                    self.store.wait(LOOK_EVERY).await;
                    kept = match self.store.session(&self.key).await {
                        Ok(kept) => kept,
                        Err(error) => return self.alone(&error, old),
                    };
                }
                Err(error) => return self.alone(&error, usable.as_ref()),
            }
        }
    }

    async fn login<L, F>(&self, login: L, leased: bool) -> Result<KeptSession, ConnectorError>
    where
        L: FnOnce() -> F + Send,
        F: Future<Output = Result<NewSession, ConnectorError>> + Send,
    {
        let asked = self.store.now();
        let made = match login().await {
            Ok(made) => made,
            Err(error) => {
                if leased && let Err(error) = self.store.give_up(&self.key).await {
                    self.told(&error);
                }
                return Err(error);
            }
        };
        let until = asked + SignedDuration::try_from(made.lifetime).unwrap_or(SignedDuration::ZERO);
        let id = match self.store.keep(&self.key, &made.value, until).await {
            Ok(id) => id,
            Err(error) => {
                self.told(&error);
                String::new()
            }
        };
        Ok(KeptSession { id, value: made.value, until })
    }

    /// Without the store everybody logs in alone.
    fn alone(&self, error: &StoreError, usable: Option<&KeptSession>) -> Taken {
        self.told(error);
        match usable {
            Some(session) => Taken::Wait(session.clone()),
            None => Taken::Login { leased: false, kept: None },
        }
    }

    fn told(&self, error: &StoreError) {
        tracing::warn!(record.system = %self.key.system, detail = %error, "sessions cannot be shared at the moment");
    }
}

enum Taken {
    /// This one.
    Session(KeptSession),
    /// This one for now.
    Wait(KeptSession),
    /// A new one is needed; `kept` holds for a while if that fails.
    Login { leased: bool, kept: Option<KeptSession> },
}
