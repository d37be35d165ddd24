//! Logging in: challenge tokens, and sessions that belong to one User-Agent.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use md5::{Digest, Md5};

use super::json::Json;
use super::problem::Problem;
use super::store::Store;

/// A login token; one per user, handed out again until it expires.
#[derive(Clone)]
struct Challenge {
    token: String,
    expires: i64,
}

#[derive(Clone)]
struct Session {
    user: u64,
    /// The header at login; none when there was no such header.
    user_agent: Option<String>,
    opened: i64,
    used: i64,
    /// Calls of one session wait for each other.
    turn: Turn,
}

/// Challenges and sessions of one stand-in.
#[derive(Clone, Default)]
pub(crate) struct Sessions {
    challenges: HashMap<u64, Challenge>,
    sessions: HashMap<String, Session>,
}

/// How long sessions and tokens live.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lives {
    pub(crate) session: Duration,
    pub(crate) idle: Duration,
    pub(crate) challenge: Duration,
}

/// The lock that keeps the calls of a session apart.
pub(crate) type Turn = Arc<tokio::sync::Mutex<()>>;

/// The user of a session and its lock.
pub(crate) type Admission = (u64, Turn);

impl Sessions {
    /// `getchallenge`: `expireTime` is a number for a new token and text for one that is handed out again.
    pub(crate) fn challenge(
        &mut self,
        store: &Store,
        name: &str,
        now: i64,
        lives: Lives,
    ) -> Result<Json, Problem> {
        let Some(user) = user_id(store, name) else {
            return Err(Problem::new(
                "AUTHENTICATION_REQUIRED",
                format!("Given user cannot be found: {name}"),
            ));
        };
        let answer = |challenge: &Challenge, expires: Json| {
            Json::object([
                ("token", Json::text(&challenge.token)),
                ("serverTime", Json::Integer(now)),
                ("expireTime", expires),
            ])
        };
        if let Some(challenge) = self.challenges.get(&user).filter(|challenge| challenge.expires >= now) {
            return Ok(answer(challenge, Json::Text(challenge.expires.to_string())));
        }
        let random: String = uuid::Uuid::new_v4().simple().to_string().chars().take(5).collect();
        let token = format!("{now:08x}{random}");
        let challenge = Challenge { token, expires: now.saturating_add(seconds(lives.challenge)) };
        let reply = answer(&challenge, Json::Integer(challenge.expires));
        self.challenges.insert(user, challenge);
        Ok(reply)
    }

    /// `login`: the key is the MD5 of token and access key, or the token with the password behind it.
    pub(crate) fn login(
        &mut self,
        store: &Store,
        name: &str,
        key: &str,
        user_agent: Option<&str>,
        now: i64,
    ) -> Result<Json, Problem> {
        let Some(user) = user_id(store, name) else {
            return Err(Problem::new("AUTHENTICATION_REQUIRED", "Given user cannot be found"));
        };
        let Some(challenge) = self.challenges.get(&user).filter(|challenge| challenge.expires >= now) else {
            return Err(Problem::new("INVALID_AUTH_TOKEN", "Specified token is invalid or expired"));
        };
        let Some(account) = store.accounts.get(&user).filter(|account| !account.access_key.is_empty()) else {
            return Err(Problem::new("ACCESSKEY_UNDEFINED", "Access key for the user is undefined"));
        };
        let by_key = hex(&Md5::digest(format!("{}{}", challenge.token, account.access_key)));
        let by_password = format!("{}{}", challenge.token, account.password);
        if key != by_key && (account.password.is_empty() || key != by_password) {
            return Err(Problem::new("INVALID_USER_CREDENTIALS", "Invalid username or password"));
        }
        if store.records.get(&user).is_some_and(|record| record.value("status") == "Inactive") {
            return Err(Problem::new("AUTHENTICATION_REQUIRED", "Given user is inactive"));
        }
        let session = self.open(user, user_agent, now);
        Ok(Json::object([
            ("sessionName", Json::Text(session)),
            ("userId", Json::Text(format!("19x{user}"))),
            ("version", Json::text("0.22")),
            ("vtigerVersion", Json::text("5.5.0")),
        ]))
    }

    fn open(&mut self, user: u64, user_agent: Option<&str>, now: i64) -> String {
        let name = uuid::Uuid::new_v4().simple().to_string();
        let session = Session {
            user,
            user_agent: user_agent.map(str::to_owned),
            opened: now,
            used: now,
            turn: Arc::default(),
        };
        self.sessions.insert(name.clone(), session);
        name
    }

    /// The user of a session. A call with another User-Agent than the one of the login ends the session.
    pub(crate) fn admit(
        &mut self,
        name: &str,
        user_agent: Option<&str>,
        now: i64,
        lives: Lives,
    ) -> Option<Admission> {
        let session = self.sessions.get_mut(name)?;
        let fresh = now.saturating_sub(session.opened) < seconds(lives.session)
            && now.saturating_sub(session.used) < seconds(lives.idle);
        if !fresh || session.user_agent.as_deref() != user_agent {
            self.sessions.remove(name);
            return None;
        }
        session.used = now;
        Some((session.user, Arc::clone(&session.turn)))
    }

    pub(crate) fn close(&mut self, name: &str) {
        self.sessions.remove(name);
    }

    /// Ends all sessions; login tokens stay.
    pub(crate) fn expire_sessions(&mut self) {
        self.sessions.clear();
    }

    /// Ends all login tokens.
    pub(crate) fn expire_challenges(&mut self) {
        self.challenges.clear();
    }

    pub(crate) fn count(&self) -> usize {
        self.sessions.len()
    }
}

/// The active or inactive user of this login name; letter case does not matter, as in the database.
fn user_id(store: &Store, name: &str) -> Option<u64> {
    let named = |record: &&super::store::Record| {
        record.module == "Users" && !record.deleted && record.value("user_name").eq_ignore_ascii_case(name)
    };
    store.records.values().find(named).map(|record| record.crmid)
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

/// Lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
