//! Sessions are shared: one renews, the others use the old one while it holds, or wait a moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use jiff::Timestamp;
use model::Fingerprint;
use secrecy::{ExposeSecret as _, SecretString};
use sync::memory::MemorySessions;
use sync::sessions::{KeptSession, NewSession, Renewal, SessionCache, SessionKey, SessionStore};
use sync::{ConnectorError, StoreError};

const LIFETIME: Duration = Duration::from_secs(3600);
/// When four minutes are left of it.
const NEAR_ITS_END: Duration = Duration::from_secs(3360);

fn key(credentials: &str) -> SessionKey {
    SessionKey {
        system: "mautic:main".parse().unwrap(),
        slot: "token".to_owned(),
        binding: Fingerprint::of_bytes(credentials.as_bytes()),
    }
}

/// Counts logins, and takes its time.
#[derive(Clone, Default)]
struct Door {
    logins: Arc<AtomicU32>,
    takes: Duration,
}

impl Door {
    fn slow(takes: Duration) -> Self {
        Self { takes, ..Self::default() }
    }

    async fn login(&self) -> Result<NewSession, ConnectorError> {
        tokio::time::sleep(self.takes).await;
        let number = self.logins.fetch_add(1, Ordering::SeqCst) + 1;
        Ok(NewSession { value: format!("token {number}").into(), lifetime: LIFETIME })
    }

    fn logins(&self) -> u32 {
        self.logins.load(Ordering::SeqCst)
    }
}

fn refused_login() -> impl Future<Output = Result<NewSession, ConnectorError>> {
    std::future::ready(Err(ConnectorError::Unavailable { detail: "closed".to_owned() }))
}

fn processes(count: usize) -> Vec<SessionCache> {
    let first = MemorySessions::default();
    (0..count).map(|_| SessionCache::new(Arc::new(first.of_another_process()), key("a"))).collect()
}

async fn values(processes: &[SessionCache], door: &Door) -> Vec<String> {
    let all = processes.iter().map(|process| process.get(|| door.login()));
    let got = join_all(all).await.into_iter().map(|session| session.unwrap());
    got.map(|session| session.value.expose_secret().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn many_processes_that_need_one_at_the_same_moment_log_in_once() {
    let (processes, door) = (processes(8), Door::slow(Duration::from_secs(2)));
    assert_eq!(values(&processes, &door).await, vec!["token 1"; 8]);
    assert_eq!(values(&processes, &door).await, vec!["token 1"; 8]);
    assert_eq!(door.logins(), 1);
}

#[tokio::test(start_paused = true)]
async fn before_its_end_one_renews_it_and_the_others_go_on_with_the_old_one() {
    let (processes, door) = (processes(8), Door::default());
    values(&processes, &door).await;
    tokio::time::advance(NEAR_ITS_END).await;
    let slow = Door { takes: Duration::from_secs(2), ..door.clone() };
    let mut got = values(&processes, &slow).await;
    got.sort();
    assert_eq!(got, [vec!["token 1"; 7], vec!["token 2"]].concat());
    // Those that were told to go on look again after a while, and find the new one.
    tokio::time::advance(Duration::from_secs(20)).await;
    assert_eq!(values(&processes, &slow).await, vec!["token 2"; 8]);
    assert_eq!(door.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn who_meets_a_renewal_that_never_ends_logs_in_alone() {
    let dead = MemorySessions::default();
    let alive = dead.of_another_process();
    let now = dead.now();
    let until = now + jiff::SignedDuration::from_secs(10);
    assert!(matches!(dead.renew(&key("a"), None, until).await, Ok(Renewal::Ours)));
    let (process, door) = (SessionCache::new(Arc::new(alive), key("a")), Door::default());
    let session = process.get(|| door.login()).await.unwrap();
    assert_eq!(session.value.expose_secret(), "token 1");
    let waited = dead.now().duration_since(now);
    assert!((3..5).contains(&waited.as_secs()), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_session_that_the_system_refuses_is_replaced_once() {
    let (processes, door) = (processes(3), Door::default());
    let refused = processes[0].get(|| door.login()).await.unwrap();
    values(&processes, &door).await;
    // All of them meet the refusal, one after the other has replaced it.
    for process in &processes {
        process.refused(&refused).await;
        assert_eq!(process.get(|| door.login()).await.unwrap().value.expose_secret(), "token 2");
    }
    assert_eq!(door.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_late_refusal_does_not_throw_the_new_session_away() {
    let (processes, door) = (processes(1), Door::default());
    let first = processes[0].get(|| door.login()).await.unwrap();
    processes[0].refused(&first).await;
    let second = processes[0].get(|| door.login()).await.unwrap();
    processes[0].refused(&first).await;
    assert_eq!(processes[0].get(|| door.login()).await.unwrap().id, second.id);
    assert_eq!(door.logins(), 2);
}

#[tokio::test(start_paused = true)]
async fn rotated_credentials_never_meet_the_session_of_the_old_ones() {
    let (first, door) = (MemorySessions::default(), Door::default());
    let old = SessionCache::new(Arc::new(first.of_another_process()), key("a"));
    let new = SessionCache::new(Arc::new(first.of_another_process()), key("b"));
    assert_eq!(old.get(|| door.login()).await.unwrap().value.expose_secret(), "token 1");
    assert_eq!(new.get(|| door.login()).await.unwrap().value.expose_secret(), "token 2");
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_leaves_the_old_session_in_use_and_is_not_tried_at_every_call() {
    let (processes, door) = (processes(1), Door::default());
    values(&processes, &door).await;
    tokio::time::advance(NEAR_ITS_END).await;
    let failures = AtomicU32::new(0);
    let failing = || {
        failures.fetch_add(1, Ordering::SeqCst);
        refused_login()
    };
    for _ in 0..5 {
        assert_eq!(processes[0].get(failing).await.unwrap().value.expose_secret(), "token 1");
    }
    assert_eq!(failures.load(Ordering::SeqCst), 1);
    // At its end there is no session any more, and the failure is told; the lease is not left behind.
    tokio::time::advance(Duration::from_secs(241)).await;
    assert_eq!(processes[0].get(failing).await.unwrap_err().code(), "unavailable");
    assert_eq!(values(&processes, &door).await, ["token 2"]);
}

/// A table that does not answer.
#[derive(Debug)]
struct Away(MemorySessions);

fn away<T>() -> Result<T, StoreError> {
    Err(StoreError { detail: "away".to_owned() })
}

impl SessionStore for Away {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn wait(&self, duration: Duration) -> BoxFuture<'_, ()> {
        self.0.wait(duration)
    }

    fn session<'a>(&'a self, _: &'a SessionKey) -> BoxFuture<'a, Result<Option<KeptSession>, StoreError>> {
        Box::pin(async { away() })
    }

    fn renew<'a>(
        &'a self,
        _: &'a SessionKey,
        _: Option<&'a str>,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Renewal, StoreError>> {
        Box::pin(async { away() })
    }

    fn keep<'a>(
        &'a self,
        _: &'a SessionKey,
        _: &'a SecretString,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<String, StoreError>> {
        Box::pin(async { away() })
    }

    fn give_up<'a>(&'a self, _: &'a SessionKey) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { away() })
    }

    fn discard<'a>(&'a self, _: &'a SessionKey, _: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async { away() })
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_table_everybody_logs_in_alone() {
    let (process, door) =
        (SessionCache::new(Arc::new(Away(MemorySessions::default())), key("a")), Door::default());
    let first = process.get(|| door.login()).await.unwrap();
    assert_eq!(process.get(|| door.login()).await.unwrap().value.expose_secret(), "token 1");
    process.refused(&first).await;
    assert_eq!(process.get(|| door.login()).await.unwrap().value.expose_secret(), "token 2");
}
