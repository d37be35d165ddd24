//! coreBOS's own settings (`cb_settings`), by `getSetting` and `setSetting`, which any user may call.
//!
//! Not recorded: read in coreBOS's sources (include/Webservices/cbSettings.php).

use http_client::Effect;
use serde_json::Value as Json;
use sync::ConnectorError;

use crate::client::CoreBos;

/// The setting that switches coreBOS's own Mautic integration: `1` is on. Each of its six workflow functions looks at it
/// first and does nothing without it. Its settings screen also hides the integration's fields when it is switched off
/// there; writing the setting does not.
pub const OWN_INTEGRATION: &str = "mautic_isactive";

impl CoreBos {
    /// A setting; empty where it is not there.
    ///
    /// # Errors
    /// Misconfigured in a coreBOS that does not have the operation.
    pub async fn setting(&self, key: &str) -> Result<String, ConnectorError> {
        let parameters = [("key", key), ("default", "")];
        let (value, _) = self.call_timed("getSetting", &parameters, Effect::Read).await?;
        Ok(match value {
            Json::String(text) => text,
            Json::Number(number) => number.to_string(),
            _ => String::new(),
        })
    }

    /// Stores a setting.
    ///
    /// # Errors
    /// Misconfigured in a coreBOS that does not have the operation.
    pub async fn put_setting(&self, key: &str, value: &str) -> Result<(), ConnectorError> {
        self.call_timed("setSetting", &[("key", key), ("value", value)], Effect::Write).await.map(drop)
    }
}
