//! Who we are in coreBOS, by whose formats it reads what we write, and what we may in a module.

use http_client::Effect;
use jiff::Timestamp;
use model::ObjectName;
use serde_json::Value as Json;
use sync::ConnectorError;

use crate::client::CoreBos;
use crate::query;

/// Our account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountDetails {
    /// Its id: `19x5`.
    pub id: String,
    /// Whether it is an administrator. Only administrators are told of the changes of other people's records.
    pub is_administrator: bool,
    /// Its preferences that differ from the neutral ones, each as `date_format is dd-mm-yyyy, not yyyy-mm-dd`. coreBOS
    /// reads what we write by them. Empty, too, where they cannot be seen.
    pub unfit_preferences: Vec<String>,
    /// coreBOS's clock.
    pub server_time: Option<Timestamp>,
}

/// The preferences that numbers and dates need.
const NEUTRAL: [(&str, &[&str]); 5] = [
    ("date_format", &["yyyy-mm-dd"]),
    ("hour_format", &["24"]),
    ("time_zone", &["UTC"]),
    ("currency_decimal_separator", &["."]),
    // A digit group is never written by us, so that its sign only must not be the decimal one.
    ("currency_grouping_separator", &[",", "'", " ", "$", ""]),
];

/// What our user may do with a module, as `describe` tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModuleRights {
    /// Create records.
    pub create: bool,
    /// Change them.
    pub update: bool,
    /// Read them.
    pub retrieve: bool,
}

impl CoreBos {
    /// Who we are, asked now.
    ///
    /// # Errors
    /// Of all kinds: this is the call that tells whether a coreBOS can be used at all.
    pub async fn account(&self) -> Result<AccountDetails, ConnectorError> {
        let id = self.our_id().await?;
        let text = query::by_field("Users", "id", &id, 1)?;
        match self.call_timed("query", &[("query", &text)], Effect::Read).await {
            Ok((rows, server_time)) => {
                let row = rows.as_array().and_then(|rows| rows.first()).unwrap_or(&Json::Null);
                let is_administrator = row.get("is_admin").and_then(Json::as_str) == Some("on");
                let unfit_preferences = unfit(row);
                Ok(AccountDetails { id, is_administrator, unfit_preferences, server_time })
            }
            // Users are a module of administrators only (recorded: H003).
            Err(ConnectorError::Forbidden { .. } | ConnectorError::Gone) => {
                let (unfit_preferences, server_time) = (Vec::new(), None);
                Ok(AccountDetails { id, is_administrator: false, unfit_preferences, server_time })
            }
            Err(error) => Err(error),
        }
    }

    /// `describe`, read now: its answer, as field maps are checked with it, and what we may do with the module.
    ///
    /// # Errors
    /// Misconfigured where there is no such module for us.
    pub async fn described(&self, module: &ObjectName) -> Result<(Json, ModuleRights), ConnectorError> {
        let description = self.description(module).await?;
        let may = |right: &str| description.get(right).and_then(Json::as_bool).unwrap_or_default();
        let rights = ModuleRights {
            create: may("createable"),
            update: may("updateable"),
            retrieve: may("retrieveable"),
        };
        Ok((description, rights))
    }
}

fn unfit(row: &Json) -> Vec<String> {
    let told = NEUTRAL.iter().filter_map(|(preference, fit)| {
        let value = row.get(preference)?.as_str()?;
        let is_fit = fit.iter().any(|fit| fit.eq_ignore_ascii_case(value));
        let wanted = fit.first().unwrap_or(&"");
        (!is_fit).then(|| format!("{preference} is {value}, not {wanted}"))
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn preferences_by_which_numbers_and_dates_are_misread_are_named() {
        // The user of the recording G001.
        let row = json!({
            "date_format": "dd-mm-yyyy", "hour_format": "24", "time_zone": "Europe/Madrid",
            "currency_decimal_separator": ".", "currency_grouping_separator": ","
        });
        assert_eq!(
            unfit(&row),
            ["date_format is dd-mm-yyyy, not yyyy-mm-dd", "time_zone is Europe/Madrid, not UTC"]
        );
        assert!(unfit(&json!({})).is_empty());
        let comma = json!({ "currency_decimal_separator": ",", "currency_grouping_separator": "." });
        assert_eq!(unfit(&comma).len(), 2);
    }
}
