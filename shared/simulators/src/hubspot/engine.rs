//! The running portal: its database behind a lock, its limits, its tokens, the delivery of its webhooks.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::Method;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value as Json;
use tokio::sync::Notify;

use super::answer::Answer;
use super::deliver;
use super::http::{Call, Known};
use super::kinds::Kind;
use super::limits::{Limits, Usage};
use super::records::Work;
use super::state::{Source, State};
use crate::clock::Clock;

/// Events of one body at most.
const BODY_EVENTS: usize = 100;
/// How often an event is tried again.
const RETRIES: u64 = 10;
/// The scopes that a token may have here, beside those of records.
const OTHER_SCOPES: [&str; 10] = [
    "oauth",
    "crm.objects.owners.read",
    "crm.schemas.contacts.write",
    "crm.schemas.companies.write",
    "crm.schemas.deals.write",
    "crm.lists.read",
    "crm.lists.write",
    "analytics.behavioral_events.send",
    "marketing.campaigns.read",
    "marketing.campaigns.revenue.read",
];

/// An app's webhook.
#[derive(Debug, Clone)]
pub(crate) struct Hook {
    pub(crate) target: String,
    pub(crate) signed_url: String,
    pub(crate) secret: String,
}

/// What an engine is made of, beside its database.
pub(crate) struct Setup {
    pub(crate) clock: Clock,
    pub(crate) data: Option<PathBuf>,
    pub(crate) token: String,
    pub(crate) client: (String, String, String),
    pub(crate) token_seconds: u64,
    pub(crate) limits: Limits,
    pub(crate) search_lag: SignedDuration,
    pub(crate) default_lifecycle: Option<String>,
    pub(crate) retry_after: Duration,
}

/// A body that was sent, or that nobody took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// Events in it.
    pub events: usize,
    /// Status of the answer; none when there was no answer within five seconds.
    pub status: Option<u16>,
}

pub(crate) struct Engine {
    state: Mutex<State>,
    setup: Setup,
    usage: Mutex<Usage>,
    hook: Mutex<Option<Hook>>,
    waiting: Mutex<VecDeque<(Timestamp, Json)>>,
    pub(crate) delivered: Mutex<Vec<Delivered>>,
    tokens: Mutex<HashMap<String, Timestamp>>,
    refresh_token: Mutex<String>,
    pub(crate) missing_scopes: Mutex<BTreeSet<String>>,
    pub(crate) repeats: AtomicBool,
    pub(crate) silent: AtomicBool,
    pub(crate) no_leads: AtomicBool,
    pub(crate) untold_tokens: AtomicBool,
    woken: Notify,
    client: reqwest::Client,
}

pub(crate) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    pub(crate) fn new(state: State, setup: Setup) -> std::io::Result<Self> {
        // An answer later than that counts as none.
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(5))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(std::io::Error::other)?;
        Ok(Self {
            state: Mutex::new(state),
            refresh_token: Mutex::new(setup.client.2.clone()),
            setup,
            usage: Mutex::default(),
            hook: Mutex::default(),
            waiting: Mutex::default(),
            delivered: Mutex::default(),
            tokens: Mutex::default(),
            missing_scopes: Mutex::default(),
            repeats: AtomicBool::new(false),
            silent: AtomicBool::new(false),
            no_leads: AtomicBool::new(false),
            untold_tokens: AtomicBool::new(false),
            woken: Notify::new(),
            client,
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        let now = (self.setup.clock)();
        Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    pub(crate) fn now_and_lag(&self) -> (Timestamp, SignedDuration) {
        (self.now(), self.setup.search_lag)
    }

    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&locked(&self.state))
    }

    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = locked(&self.state);
        let result = change(&mut state);
        self.save(&state);
        result
    }

    fn save(&self, state: &State) {
        if let Some(path) = &self.setup.data
            && let Ok(text) = serde_json::to_vec(state)
        {
            // A snapshot that cannot be written must not break the request: the next one tries again.
            let unfinished = path.with_extension("tmp");
            let _ = std::fs::write(&unfinished, text).and_then(|()| std::fs::rename(&unfinished, path));
        }
    }

    /// Does work through the API: what it changes was done by our app.
    pub(crate) fn change<T>(&self, enforces_rules: bool, change: impl FnOnce(&mut Work<'_>) -> T) -> T {
        let app = self.read(|state| state.app_id);
        let source = Source { kind: "INTEGRATION".to_owned(), id: app.to_string() };
        self.change_as(&source, enforces_rules, change)
    }

    /// Does work as somebody.
    pub(crate) fn change_as<T>(
        &self,
        source: &Source,
        enforces_rules: bool,
        change: impl FnOnce(&mut Work<'_>) -> T,
    ) -> T {
        let now = self.now();
        let mut state = locked(&self.state);
        let mut work = Work {
            state: &mut state,
            now,
            lag: self.setup.search_lag,
            source: source.clone(),
            default_lifecycle: self.setup.default_lifecycle.clone(),
            enforces_rules,
            events: Vec::new(),
        };
        let result = change(&mut work);
        let events = std::mem::take(&mut work.events);
        let bodies: Vec<Json> =
            events.iter().flat_map(|event| event.bodies(&mut state, now, source)).collect();
        self.save(&state);
        drop(state);
        if locked(&self.hook).is_some() && !self.silent.load(Ordering::Relaxed) {
            locked(&self.waiting).extend(bodies.into_iter().map(|body| (now, body)));
        }
        result
    }

    /// Tells the deliverer that there may be work.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    pub(crate) async fn woken(&self) {
        self.woken.notified().await;
    }

    pub(crate) fn set_hook(&self, hook: Option<Hook>) {
        *locked(&self.hook) = hook;
    }

    /// Sends what waits and is due; whether something still waits.
    pub(crate) async fn deliver(&self) -> bool {
        let Some(hook) = locked(&self.hook).clone() else { return false };
        loop {
            let now = self.now();
            let mut events: Vec<Json> = {
                let mut waiting = locked(&self.waiting);
                let due: Vec<usize> =
                    (0..waiting.len()).filter(|at| waiting[*at].0 <= now).take(BODY_EVENTS).collect();
                due.into_iter().rev().filter_map(|at| waiting.remove(at)).map(|(_, event)| event).collect()
            };
            if events.is_empty() {
                return !locked(&self.waiting).is_empty();
            }
            // There is no order: the newest comes first here, so that nobody relies on one.
            if self.repeats.load(Ordering::Relaxed) {
                events.extend(events.clone());
                events.truncate(BODY_EVENTS);
            }
            let status =
                deliver::post(&self.client, &hook.target, &hook.signed_url, &hook.secret, &events, now).await;
            locked(&self.delivered).push(Delivered { events: events.len(), status });
            if !status.is_some_and(|status| (200..300).contains(&status)) {
                self.try_again(events, now);
            }
        }
    }

    fn try_again(&self, events: Vec<Json>, now: Timestamp) {
        let wait = SignedDuration::try_from(self.setup.retry_after).unwrap_or_default();
        let mut waiting = locked(&self.waiting);
        for mut event in events {
            let attempt = event["attemptNumber"].as_u64().unwrap_or(0) + 1;
            if attempt <= RETRIES {
                event["attemptNumber"] = Json::from(attempt);
                waiting.push_back((now.checked_add(wait).unwrap_or(now), event));
            }
        }
    }

    pub(crate) fn waiting(&self) -> usize {
        locked(&self.waiting).len()
    }

    /// Whether a token is good now.
    pub(crate) fn knows(&self, token: &str) -> Known {
        if token == self.setup.token {
            return Known::Yes;
        }
        match locked(&self.tokens).get(token) {
            Some(until) if *until > self.now() => Known::Yes,
            Some(_) => Known::Expired,
            None => Known::No,
        }
    }

    /// An access token for a refresh token, which changes with it.
    pub(crate) fn renew(&self, client: &str, secret: &str, refresh: &str) -> Option<(String, String, u64)> {
        let mut current = locked(&self.refresh_token);
        if !self.is_client(client, secret) || *current != refresh {
            return None;
        }
        let access = format!("access-{}", uuid::Uuid::new_v4());
        *current = format!("refresh-{}", uuid::Uuid::new_v4());
        let seconds = self.setup.token_seconds;
        let until = self.now() + SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(1_800));
        locked(&self.tokens).insert(access.clone(), until);
        Some((access, current.clone(), seconds))
    }

    pub(crate) fn count_call(&self, is_search: bool) -> Option<Answer> {
        locked(&self.usage).count(self.setup.limits, self.now(), is_search)
    }

    pub(crate) fn limit_headers(&self) -> Vec<(&'static str, String)> {
        locked(&self.usage).headers(self.setup.limits)
    }

    pub(crate) fn refused_calls(&self) -> u32 {
        locked(&self.usage).refused
    }

    /// Whether these are the credentials of the app.
    pub(crate) fn is_client(&self, client: &str, secret: &str) -> bool {
        (client, secret) == (self.setup.client.0.as_str(), self.setup.client.1.as_str())
    }

    /// Whether the OAuth app was given this token, and it has not ended.
    pub(crate) fn is_of_client(&self, token: &str) -> bool {
        locked(&self.tokens).get(token).is_some_and(|until| *until > self.now())
    }

    /// Whether anybody is told what a token that does not end may do.
    pub(crate) fn tells_of_tokens(&self) -> bool {
        !self.untold_tokens.load(Ordering::Relaxed)
    }

    /// What the token may do.
    pub(crate) fn scopes(&self) -> Vec<String> {
        let of_records = Kind::ALL
            .into_iter()
            .flat_map(|kind| ["read", "write"].map(|what| format!("crm.objects.{}.{what}", kind.plural())));
        let missing = locked(&self.missing_scopes);
        let all = of_records.chain(OTHER_SCOPES.map(str::to_owned));
        all.filter(|scope| !missing.contains(scope)).collect()
    }

    /// Refuses records that the portal's edition does not have.
    pub(crate) fn has(&self, kind: Kind) -> Result<(), Answer> {
        if kind == Kind::Lead && self.no_leads.load(Ordering::Relaxed) {
            return Err(Answer::error(403, "FORBIDDEN", "This portal does not have access to leads"));
        }
        Ok(())
    }

    /// Refuses what the token's scopes do not cover.
    pub(crate) fn needs(&self, scope: &str) -> Result<(), Answer> {
        if locked(&self.missing_scopes).contains(scope) {
            return Err(Answer::missing_scopes(&[scope]));
        }
        Ok(())
    }

    /// The scopes of records: reads and searches need one, everything else the other.
    pub(crate) fn allows(&self, call: &Call, kind: Kind) -> Result<(), Answer> {
        let reads = call.method == Method::GET
            || call.parts.last().is_some_and(|last| last == "search" || last == "read");
        self.needs(&format!("crm.objects.{}.{}", kind.plural(), if reads { "read" } else { "write" }))
    }

    /// The scopes of properties. There is none to create those of leads.
    pub(crate) fn allows_schema(&self, call: &Call, kind: Kind) -> Result<(), Answer> {
        match (call.method == Method::GET, kind) {
            (true, _) => self.needs(&format!("crm.objects.{}.read", kind.plural())),
            (false, Kind::Lead) => Err(Answer::missing_scopes(&["crm.schemas.leads.write"])),
            (false, _) => self.needs(&format!("crm.schemas.{}.write", kind.plural())),
        }
    }
}
