//! Owners by e-mail: the user of coreBOS who has an address.
//!
//! Asked for at creations only: people move records between each other in coreBOS, and nothing changes an owner later.

use http_client::Effect;
use serde_json::Value as Json;
use sync::ConnectorError;

use crate::client::CoreBos;
use crate::query;
use crate::wire::is_record_id;

impl CoreBos {
    /// The id that a map gives as the owner of a record to be: an id as it is, an e-mail as the one active user who has
    /// it; `None` where that is nobody, or several, or our user may not see the users.
    pub(crate) async fn owner_of(&self, told: &str) -> Result<Option<String>, ConnectorError> {
        if is_record_id(told) {
            return Ok(Some(told.to_owned()));
        }
        if !told.contains('@') {
            return Ok(None);
        }
        let query = query::by_field("Users", "email1", told, 2)?;
        let (rows, _) = match self.call_timed("query", &[("query", &query)], Effect::Read).await {
            Err(ConnectorError::Forbidden { .. } | ConnectorError::Rejected { .. }) => return Ok(None),
            other => other?,
        };
        let mut users = rows.as_array().into_iter().flatten().filter_map(|row| row.get("id")?.as_str());
        let only = users.next().filter(|id| is_record_id(id)).map(str::to_owned);
        Ok(only.filter(|_| users.next().is_none()))
    }
}

/// The owner that a map has given.
pub(crate) fn told(element: &serde_json::Map<String, Json>, field: &str) -> String {
    element.get(field).and_then(Json::as_str).unwrap_or_default().trim().to_owned()
}
