//! The secrets and their versions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value as Json, json};

use crate::clock::Clock;
use crate::names::LocalNames;
use crate::template::SecretSpec;

/// The largest value in bytes. Source: "AWS Secrets Manager quotas".
const MAX_VALUE_BYTES: usize = 65_536;
/// Versions without a label are dropped beyond this many; AWS keeps about a hundred.
const MAX_VERSIONS: usize = 100;

/// All secrets. Clones share them. Never prints a value.
#[derive(Clone)]
pub(crate) struct SecretStore {
    secrets: Arc<Mutex<Vec<Secret>>>,
    clock: Clock,
}

struct Secret {
    name: String,
    arn: String,
    /// Logical id, under which values may be handed in too.
    logical_id: Option<String>,
    versions: Vec<Version>,
}

struct Version {
    id: String,
    value: Value,
    stages: Vec<String>,
    created_ms: i64,
}

#[derive(Clone, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    /// Base64, as on the wire.
    Binary(String),
}

/// A refusal in the words of Secrets Manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) error_type: &'static str,
    pub(super) message: String,
}

impl SecretStore {
    /// Takes the secrets of the template and the values of the caller, which may name a secret by its name, its ARN or
    /// its logical id. A value for a secret that the template does not declare makes one.
    pub(crate) fn new(
        declared: &[SecretSpec],
        values: &BTreeMap<String, Json>,
        names: &LocalNames,
        clock: &Clock,
    ) -> Self {
        let mut secrets: Vec<Secret> = declared
            .iter()
            .map(|spec| {
                let mut secret = Secret {
                    name: spec.name.clone(),
                    arn: names.secret_arn(&spec.name),
                    logical_id: Some(spec.logical_id.clone()),
                    versions: Vec::new(),
                };
                if let Some(value) = &spec.value {
                    secret.put(Value::Text(value.clone()), None, None, clock.now_ms());
                }
                secret
            })
            .collect();
        for (key, value) in values {
            // JSON text of a JSON secret; a plain text stays as it is.
            let value = Value::Text(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
            let known = |secret: &&mut Secret| secret.is(key) || secret.logical_id.as_ref() == Some(key);
            if let Some(secret) = secrets.iter_mut().find(known) {
                secret.put(value, None, None, clock.now_ms());
                continue;
            }
            let (name, arn) = match key.split_once(":secret:") {
                Some((_, resource)) => (without_suffix(resource).to_owned(), key.clone()),
                None => (key.clone(), names.secret_arn(key)),
            };
            let mut secret = Secret { name, arn, logical_id: None, versions: Vec::new() };
            secret.put(value, None, None, clock.now_ms());
            secrets.push(secret);
        }
        Self { secrets: Arc::new(Mutex::new(secrets)), clock: clock.clone() }
    }

    pub(super) fn get(&self, id: &str, version: Option<&str>, stage: Option<&str>) -> Result<Json, Refusal> {
        let mut secrets = self.lock();
        let secret = find(&mut secrets, id)?;
        let found = secret.versions.iter().find(|known| {
            version.is_none_or(|version| known.id == version)
                && (version.is_some() && stage.is_none()
                    || known.stages.iter().any(|known| known == stage.unwrap_or("AWSCURRENT")))
        });
        let Some(found) = found else {
            let wanted = match version {
                Some(version) => format!("VersionId: {version}"),
                None => format!("staging label: {}", stage.unwrap_or("AWSCURRENT")),
            };
            return Err(Refusal {
                error_type: "ResourceNotFoundException",
                message: format!("Secrets Manager can't find the specified secret value for {wanted}"),
            });
        };
        let mut answer = json!({
            "ARN": secret.arn,
            "Name": secret.name,
            "VersionId": found.id,
            "VersionStages": found.stages,
            "CreatedDate": seconds(found.created_ms),
        });
        match &found.value {
            Value::Text(text) => answer["SecretString"] = json!(text),
            Value::Binary(base64) => answer["SecretBinary"] = json!(base64),
        }
        Ok(answer)
    }

    pub(super) fn put(
        &self,
        id: &str,
        value: Value,
        token: Option<&str>,
        stages: Option<Vec<String>>,
    ) -> Result<Json, Refusal> {
        let (Value::Text(text) | Value::Binary(text)) = &value;
        if text.len() > MAX_VALUE_BYTES {
            let message = format!("The secret value is longer than {MAX_VALUE_BYTES} bytes.");
            return Err(Refusal { error_type: "InvalidParameterException", message });
        }
        let now_ms = self.clock.now_ms();
        let mut secrets = self.lock();
        let secret = find(&mut secrets, id)?;
        if let Some(token) = token
            && let Some(known) = secret.versions.iter().find(|known| known.id == token)
        {
            // A repeated request is answered again; the same token with another value is refused.
            if known.value != value {
                let message =
                    "You can't modify an existing version, you can only create new versions.".to_owned();
                return Err(Refusal { error_type: "ResourceExistsException", message });
            }
            let (id, stages) = (known.id.clone(), known.stages.clone());
            return Ok(
                json!({"ARN": secret.arn, "Name": secret.name, "VersionId": id, "VersionStages": stages}),
            );
        }
        let (id, stages) = secret.put(value, token, stages, now_ms);
        Ok(json!({"ARN": secret.arn, "Name": secret.name, "VersionId": id, "VersionStages": stages}))
    }

    pub(super) fn describe(&self, id: &str) -> Result<Json, Refusal> {
        let mut secrets = self.lock();
        let secret = find(&mut secrets, id)?;
        let stages: BTreeMap<&str, &[String]> =
            secret.versions.iter().map(|version| (version.id.as_str(), version.stages.as_slice())).collect();
        let changed = secret.versions.iter().map(|version| version.created_ms).max().unwrap_or_default();
        Ok(json!({
            "ARN": secret.arn,
            "Name": secret.name,
            "LastChangedDate": seconds(changed),
            "VersionIdsToStages": stages,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Secret>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Secret {
    fn is(&self, id: &str) -> bool {
        self.name == id || self.arn == id || (id.starts_with("arn:") && without_suffix(&self.arn) == id)
    }

    /// Adds a version; labels move from the versions that had them, and AWSPREVIOUS follows AWSCURRENT.
    fn put(
        &mut self,
        value: Value,
        token: Option<&str>,
        stages: Option<Vec<String>>,
        now_ms: i64,
    ) -> (String, Vec<String>) {
        let id = token.map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
        let stages = stages.unwrap_or_else(|| vec!["AWSCURRENT".to_owned()]);
        if stages.iter().any(|stage| stage == "AWSCURRENT") {
            for version in &mut self.versions {
                let was_current = version.stages.iter().any(|stage| stage == "AWSCURRENT");
                version.stages.retain(|stage| stage != "AWSPREVIOUS");
                if was_current {
                    version.stages.push("AWSPREVIOUS".to_owned());
                }
            }
        }
        for version in &mut self.versions {
            version.stages.retain(|stage| !stages.contains(stage));
        }
        if self.versions.len() >= MAX_VERSIONS
            && let Some(oldest) = self.versions.iter().position(|version| version.stages.is_empty())
        {
            self.versions.remove(oldest);
        }
        self.versions.push(Version { id: id.clone(), value, stages: stages.clone(), created_ms: now_ms });
        (id, stages)
    }
}

fn find<'s>(secrets: &'s mut [Secret], id: &str) -> Result<&'s mut Secret, Refusal> {
    secrets.iter_mut().find(|secret| secret.is(id)).ok_or_else(|| Refusal {
        error_type: "ResourceNotFoundException",
        message: "Secrets Manager can't find the specified secret.".to_owned(),
    })
}

/// Takes away the hyphen and the six characters that AWS adds to a name.
fn without_suffix(resource: &str) -> &str {
    match resource.rsplit_once('-') {
        Some((name, suffix)) if suffix.len() == 6 && suffix.chars().all(|c| c.is_ascii_alphanumeric()) => {
            name
        }
        _ => resource,
    }
}

/// Milliseconds since 1970 as the protocol wants them: seconds with a fraction.
fn seconds(ms: i64) -> Json {
    let text = format!("{}.{:03}", ms.div_euclid(1_000), ms.rem_euclid(1_000));
    text.parse::<f64>().map_or(Json::Null, |seconds| json!(seconds))
}

impl std::fmt::Debug for SecretStore {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SecretStore")
    }
}
