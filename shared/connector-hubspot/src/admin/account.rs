//! `GET /account-info/{version}/details`: which portal it is. And whether it has leads as records of their own.

use http_client::{Effect, Method, Request};
use jiff::Timestamp;
use serde::Deserialize;
use sync::ConnectorError;

use crate::client::HubSpot;
use crate::error::{refusal, unreadable};
use crate::objects::Object;

/// The portal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortalAccount {
    /// Its id, which HubSpot's pages show as Hub ID.
    pub portal: String,
    /// What it is: `STANDARD`, `SANDBOX`, `DEVELOPER_TEST`.
    pub kind: String,
    /// Its time zone.
    pub time_zone: String,
    /// Where its pages are: `app.hubspot.com`.
    pub ui_domain: String,
    /// HubSpot's clock.
    pub server_time: Option<Timestamp>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireAccount {
    portal_id: u64,
    #[serde(default)]
    account_type: String,
    #[serde(default)]
    time_zone: String,
    #[serde(default)]
    ui_domain: String,
}

impl HubSpot {
    /// Which portal it is, asked now.
    ///
    /// # Errors
    /// Of all kinds: this is the call that tells whether a portal can be used at all.
    pub async fn portal_account(&self) -> Result<PortalAccount, ConnectorError> {
        let url = self.api(["account-info", self.version(), "details"]);
        let answer = self.call(Request::read(Method::GET, url)).await?;
        if !answer.is_success() {
            return Err(refusal(&answer, Effect::Read));
        }
        let told: WireAccount =
            answer.json().map_err(|_| unreadable(&answer, Effect::Read, "no account details"))?;
        Ok(PortalAccount {
            portal: told.portal_id.to_string(),
            kind: told.account_type,
            time_zone: told.time_zone,
            ui_domain: told.ui_domain,
            server_time: answer.server_time(),
        })
    }

    /// Whether the portal has leads as records of their own, which needs Sales Hub Professional, and our token may read
    /// them.
    ///
    /// # Errors
    /// HubSpot does not answer, or refuses the token.
    pub async fn has_lead_object(&self) -> Result<bool, ConnectorError> {
        let request = Request::read(Method::GET, self.objects(Object::Lead, []))
            .query("limit", "1")
            .query("properties", "hs_object_id");
        let answer = self.call(request).await?;
        match answer.status {
            200..=299 => Ok(true),
            400 | 403 | 404 => Ok(false),
            _ => Err(refusal(&answer, Effect::Read)),
        }
    }

    /// In words, by what we are known to the portal.
    pub fn known_by(&self) -> &'static str {
        self.auth.known_by()
    }
}
