//! Secrets: read from Secrets Manager at run time by ARN, never logged. A secret is the JSON object of one system, or is
//! shared by several: `{"corebos": {...}, "mautic": {...}}`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;
use jiff::{SignedDuration, Timestamp};
use model::SystemKind;
pub use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use sync::Clock;

use crate::aws_error::{describe, without_values};
use crate::clock::SystemClock;

/// How long a secret is used without asking again: a rotated one takes effect within this time.
const FRESH: SignedDuration = SignedDuration::from_mins(5);
/// How long a secret that does not fit is believed to be the current one. A command that rotates a secret waits for this
/// long before it tells the sender of the new one.
pub const RECHECK: SignedDuration = SignedDuration::from_secs(2);
/// How long a secret is used while Secrets Manager does not answer. An outage there need not become one of ours.
const USABLE: SignedDuration = SignedDuration::from_hours(1);

/// Where the credentials of a kind of system stand: in a secret of their own, or in their part of one that several kinds
/// share, below the name of the kind. Which of the two it is, the secret itself tells.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SecretPlace {
    /// ARN of the secret.
    pub arn: String,
    /// Whose credentials are meant.
    pub kind: SystemKind,
}

/// The ARN, which is no secret.
impl std::fmt::Display for SecretPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.arn)
    }
}

/// Why there is no secret. Names the ARN, and the key that is missing in it; never a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Secrets Manager did not give it. May pass.
    #[error("the secret {arn} cannot be read: {detail}")]
    Unreadable {
        /// Which.
        arn: String,
        /// The operation and the service's error code.
        detail: String,
    },
    /// There is no such secret, or this function may not read it: somebody has to mend that.
    #[error("the secret {arn} is not there for us: {detail}")]
    Refused {
        /// Which.
        arn: String,
        /// The operation and the service's error code.
        detail: String,
    },
    /// It is not the JSON object that the function needs.
    #[error("the secret {arn} is not the JSON object that is needed: {problem}")]
    Wrong {
        /// Which.
        arn: String,
        /// Which key is missing, where the parser tells that.
        problem: String,
    },
}

struct Cached {
    text: SecretString,
    read_at: Timestamp,
}

/// The secrets that this process has read, by ARN.
pub struct Secrets<C = SystemClock> {
    client: aws_sdk_secretsmanager::Client,
    clock: C,
    cache: Mutex<HashMap<String, Cached>>,
}

/// Shows nothing.
impl<C> std::fmt::Debug for Secrets<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

impl<C: Clock> Secrets<C> {
    /// No secret is read yet.
    pub fn new(client: aws_sdk_secretsmanager::Client, clock: C) -> Self {
        Self { client, clock, cache: Mutex::default() }
    }

    /// The credentials at `place`, typed: make their fields [`SecretString`]s.
    ///
    /// Read again after five minutes. While Secrets Manager fails, what was read within the last hour stays good.
    pub async fn secret<T: DeserializeOwned>(&self, place: &SecretPlace) -> Result<T, SecretError> {
        self.secret_with_text(place).await.map(|(secret, _)| secret)
    }

    /// The credentials at `place`, typed, and their whole text: without those of other systems.
    ///
    /// # Errors
    /// As of [`Self::secret`].
    pub async fn secret_with_text<T: DeserializeOwned>(
        &self,
        place: &SecretPlace,
    ) -> Result<(T, SecretString), SecretError> {
        self.at_most_so_old(place, FRESH).await
    }

    /// The credentials at `place`, read again if they do not fit, because they may have been rotated. What does not fit
    /// then is given all the same. However often strangers knock, Secrets Manager is asked once in two seconds.
    ///
    /// # Errors
    /// As of [`Self::secret`].
    pub async fn secret_that_fits<T: DeserializeOwned>(
        &self,
        place: &SecretPlace,
        fits: impl Fn(&T) -> bool + Send,
    ) -> Result<T, SecretError> {
        let secret = self.secret(place).await?;
        if fits(&secret) {
            Ok(secret)
        } else {
            self.at_most_so_old(place, RECHECK).await.map(|(secret, _)| secret)
        }
    }

    async fn at_most_so_old<T: DeserializeOwned>(
        &self,
        place: &SecretPlace,
        age: SignedDuration,
    ) -> Result<(T, SecretString), SecretError> {
        let (arn, now) = (place.arn.as_str(), self.clock.now());
        if let Some(text) = self.cached(arn, now, age) {
            return of_place(place, &text);
        }
        let text = match self.read(arn).await {
            Ok(text) => text,
            Err(error @ SecretError::Unreadable { .. }) => {
                let Some(text) = self.cached(arn, now, USABLE) else { return Err(error) };
                tracing::warn!(reason = %error, "an older copy of a secret is used");
                return of_place(place, &text);
            }
            Err(error) => return Err(error),
        };
        let parsed = of_place(place, &text)?;
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.insert(arn.to_owned(), Cached { text, read_at: now });
        Ok(parsed)
    }

    /// Changes members of the system's JSON object, and stores the secret as the current version.
    ///
    /// What other members hold stays as it is, and so does what a shared secret holds for other systems. Two changes at
    /// the same moment can undo each other: this is for a person at a command line.
    ///
    /// # Errors
    /// It is no JSON object, or Secrets Manager does not give or take it.
    pub async fn change(
        &self,
        place: &SecretPlace,
        edit: impl FnOnce(&mut Map<String, Value>) + Send,
    ) -> Result<(), SecretError> {
        let arn = place.arn.as_str();
        let text = self.read(arn).await?;
        let (mut members, _) = of_place::<Map<String, Value>>(place, &text)?;
        edit(&mut members);
        let mut whole: Map<String, Value> =
            parse(text.expose_secret()).map_err(|problem| wrong(arn, problem))?;
        match whole.get_mut(place.kind.as_str()) {
            Some(part) => *part = Value::Object(members),
            None => whole = members,
        }
        let text = Value::Object(whole).to_string();
        let request = self.client.put_secret_value().secret_id(arn).secret_string(text);
        self.forget(place);
        request.send().await.map(drop).map_err(|error| SecretError::Refused {
            arn: arn.to_owned(),
            detail: describe("PutSecretValue", &error),
        })
    }

    /// Reads the secret anew next time: for a caller whose credentials were just refused.
    pub fn forget(&self, place: &SecretPlace) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).remove(&place.arn);
    }

    fn cached(&self, arn: &str, now: Timestamp, at_most: SignedDuration) -> Option<SecretString> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let cached = cache.get(arn)?;
        // A clock that was set back makes an age negative: ask again rather than keep it for ever.
        let age = now.duration_since(cached.read_at);
        (!age.is_negative() && age < at_most).then(|| cached.text.clone())
    }

    async fn read(&self, arn: &str) -> Result<SecretString, SecretError> {
        let answer = self.client.get_secret_value().secret_id(arn).send().await.map_err(|error| {
            let (arn, detail) = (arn.to_owned(), describe("GetSecretValue", &error));
            match error.as_service_error() {
                Some(service) if is_permanent(service) => SecretError::Refused { arn, detail },
                _ => SecretError::Unreadable { arn, detail },
            }
        })?;
        let bytes = || wrong(arn, "it holds bytes; store it as text".to_owned());
        answer.secret_string.map(SecretString::from).ok_or_else(bytes)
    }
}

fn is_permanent(error: &GetSecretValueError) -> bool {
    error.is_resource_not_found_exception()
        || error.is_invalid_parameter_exception()
        || error.is_invalid_request_exception()
        || error.is_decryption_failure()
        || error.meta().code() == Some("AccessDeniedException")
}

fn wrong(arn: &str, problem: String) -> SecretError {
    SecretError::Wrong { arn: arn.to_owned(), problem }
}

/// What a secret holds for one kind of system: its part, or everything where it is not shared. And that as a text.
fn of_place<T: DeserializeOwned>(
    place: &SecretPlace,
    text: &SecretString,
) -> Result<(T, SecretString), SecretError> {
    let refused = |problem: String| wrong(&place.arn, problem);
    let members: HashMap<String, &RawValue> = parse(text.expose_secret()).map_err(refused)?;
    let name = place.kind.as_str();
    if let Some(part) = members.get(name) {
        let part = SecretString::from(part.get());
        let parsed =
            parse(part.expose_secret()).map_err(|problem| refused(format!("\"{name}\": {problem}")))?;
        return Ok((parsed, part));
    }
    if SystemKind::ALL.iter().any(|kind| members.contains_key(kind.as_str())) {
        return Err(refused(format!("several systems share it, and \"{name}\" is missing")));
    }
    Ok((parse(text.expose_secret()).map_err(refused)?, text.clone()))
}

/// Reads JSON; or says what is wrong with it, without a value.
fn parse<'t, T: serde::Deserialize<'t>>(text: &'t str) -> Result<T, String> {
    serde_json::from_str(text).map_err(|error| {
        if error.is_syntax() || error.is_eof() {
            "it is not JSON".to_owned()
        } else {
            without_values(&error.to_string()).to_owned()
        }
    })
}
