//! `GET /api/users/self`: who we are, and what our role allows.
//!
//! Recorded: A40, A41 and I57. An administrator's role has no list of rights; an OAuth 2 client has the role of the
//! administrator who made it, or of its user.

use std::collections::BTreeMap;

use http_client::{Effect, Method, Request};
use jiff::Timestamp;
use serde_json::Value as Json;
use sync::ConnectorError;

use crate::client::Mautic;
use crate::error::{refusal, unreadable};

/// A right in Mautic: an area, and what may be done there.
pub type Right = (&'static str, &'static str);

/// Our account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name of the role.
    pub role: String,
    /// Whether everything is allowed.
    pub is_administrator: bool,
    /// Mautic's version, where it tells it.
    pub version: Option<String>,
    /// Mautic's clock.
    pub server_time: Option<Timestamp>,
    rights: BTreeMap<String, Vec<String>>,
}

impl Account {
    /// What changes need: reading and writing contacts and companies, and the list of fields.
    pub const TO_SYNC: [Right; 6] = [
        ("lead:leads", "viewown"),
        ("lead:leads", "viewother"),
        ("lead:leads", "create"),
        ("lead:leads", "editown"),
        ("lead:leads", "editother"),
        ("lead:fields", "view"),
    ];

    /// What looking after webhooks needs.
    pub const TO_WATCH_WEBHOOKS: [Right; 3] = [
        ("webhook:webhooks", "viewown"),
        ("webhook:webhooks", "viewother"),
        ("webhook:webhooks", "editother"),
    ];

    /// What creating fields and webhooks needs. It can be taken away afterwards.
    pub const TO_SET_UP: [Right; 3] =
        [("lead:fields", "full"), ("webhook:webhooks", "create"), ("webhook:webhooks", "editown")];

    /// Whether our role has a right. `full` is all of an area; fields know only `full` and `view`.
    pub fn may(&self, (area, right): Right) -> bool {
        let granted = self.rights.get(area);
        self.is_administrator
            || granted.is_some_and(|granted| granted.iter().any(|each| each == right || each == "full"))
    }

    /// Which of these rights are missing, as Mautic writes them: `lead:fields view`.
    pub fn missing(&self, needed: &[Right]) -> Vec<String> {
        let missing = needed.iter().filter(|right| !self.may(**right));
        missing.map(|(area, right)| format!("{area} {right}")).collect()
    }

    fn of(json: &Json) -> Option<Self> {
        let role = json.get("role")?;
        let rights = role.get("rawPermissions").and_then(Json::as_object);
        let words = |granted: &Json| {
            let words = granted.as_array().into_iter().flatten().filter_map(Json::as_str);
            words.map(str::to_owned).collect()
        };
        Some(Self {
            role: role.get("name").and_then(Json::as_str).unwrap_or_default().to_owned(),
            is_administrator: role.get("isAdmin").and_then(Json::as_bool).unwrap_or_default(),
            version: None,
            server_time: None,
            rights: rights
                .into_iter()
                .flatten()
                .map(|(area, granted)| (area.clone(), words(granted)))
                .collect(),
        })
    }
}

impl Mautic {
    /// Who we are, asked now.
    ///
    /// # Errors
    /// Of all kinds: this is the call that tells whether a Mautic can be used at all.
    pub async fn account(&self) -> Result<Account, ConnectorError> {
        let answer = self.call(Request::read(Method::GET, self.api(["users", "self"]))).await?;
        if !answer.is_success() {
            return Err(refusal(&answer, Effect::Read));
        }
        let json: Json = answer.json().map_err(|_| unreadable(&answer, Effect::Read, "not JSON"))?;
        let account = Account::of(&json).ok_or_else(|| ConnectorError::Misconfigured {
            detail: "the answer to GET /api/users/self is not Mautic's: check the URL".to_owned(),
        })?;
        let version = answer.header("mautic-version").map(str::to_owned);
        Ok(Account { version, server_time: answer.server_time(), ..account })
    }
}
