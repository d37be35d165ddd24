//! How coreBOS reads what our user writes: its decimal separator and its time zone.
//!
//! coreBOS reads numbers and points in time by the preferences of the user who writes them; what it gives back is always
//! plain, and in UTC (recorded: H004 to H007). Dates it takes as `YYYY-MM-DD` from everybody.

use http_client::Effect;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use model::{Fields, ObjectName};
use serde_json::{Map, Value as Json};
use sync::{Connector as _, ConnectorError};
use tokio::time::Instant;

use crate::client::{CoreBos, text_of};
use crate::schema::Reads;

/// Our user's preferences, as far as they matter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Formats {
    decimal: String,
    zone: TimeZone,
}

impl Default for Formats {
    /// Those that the bridge asks for.
    fn default() -> Self {
        Self { decimal: ".".to_owned(), zone: TimeZone::UTC }
    }
}

impl Formats {
    /// From the user's record.
    fn of(user: &Json) -> Self {
        let text = |name: &str| user.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
        let neutral = Self::default();
        Self {
            decimal: text("currency_decimal_separator").map_or(neutral.decimal, str::to_owned),
            zone: text("time_zone").and_then(|name| TimeZone::get(name).ok()).unwrap_or(neutral.zone),
        }
    }

    /// A canonical value as this user must write it.
    fn written(&self, text: String, reads: Reads) -> String {
        match reads {
            Reads::Number => text.replacen('.', &self.decimal, 1),
            Reads::Moment => self.local(&text).unwrap_or(text),
            Reads::AsItIs => text,
        }
    }

    fn local(&self, utc: &str) -> Option<String> {
        let moment: DateTime = utc.parse().ok()?;
        let moment = moment.to_zoned(TimeZone::UTC).ok()?.with_time_zone(self.zone.clone());
        Some(moment.strftime("%Y-%m-%d %H:%M:%S").to_string())
    }
}

/// Whether a text may be read by anybody's preferences, whatever its field is: a number without a fraction is the same in
/// all of them.
fn may_depend(text: &str) -> bool {
    let number = text.contains('.') && text.parse::<f64>().is_ok();
    number || (text.len() > 10 && text.parse::<DateTime>().is_ok())
}

impl CoreBos {
    /// Canonical values as texts that coreBOS reads as they are meant. Asks for the description of the module and for our
    /// user's preferences only where they matter.
    pub(crate) async fn written(
        &self,
        module: &ObjectName,
        values: &Fields,
    ) -> Result<Map<String, Json>, ConnectorError> {
        let mut written = Map::new();
        for (name, value) in values.iter() {
            let mut text = text_of(value);
            if may_depend(&text) {
                let reads = self.schema(module).await?.reads(name);
                if reads != Reads::AsItIs {
                    text = self.formats().await?.written(text, reads);
                }
            }
            written.insert(name.to_owned(), Json::from(text));
        }
        Ok(written)
    }

    /// Our user's preferences, kept as long as a description. Where our user may not read them, those that the bridge
    /// asks for are taken for granted.
    async fn formats(&self) -> Result<Formats, ConnectorError> {
        // Held while asking, so that concurrent calls ask once.
        let mut kept = self.formats.lock().await;
        if let Some((read, formats)) = kept.as_ref()
            && read.elapsed() < self.schema_lifetime
        {
            return Ok(formats.clone());
        }
        let user = self.user_id().await?;
        let query =
            format!("select id,currency_decimal_separator,time_zone from Users where id='{user}' limit 1;");
        let formats = match self.call_timed("query", &[("query", &query)], Effect::Read).await {
            Ok((rows, _)) => rows.get(0).map(Formats::of).unwrap_or_default(),
            Err(ConnectorError::Forbidden { .. } | ConnectorError::Rejected { .. }) => Formats::default(),
            Err(error) => return Err(error),
        };
        *kept = Some((Instant::now(), formats.clone()));
        Ok(formats)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_user_with_a_comma_and_a_time_zone_writes_them() {
        let madrid = Formats::of(&json!({ "currency_decimal_separator": ",", "time_zone": "Europe/Madrid" }));
        for (text, reads, written) in [
            ("1234.5", Reads::Number, "1234,5"),
            ("-7", Reads::Number, "-7"),
            ("2026-03-04 03:06:00", Reads::Moment, "2026-03-04 04:06:00"),
            ("2026-07-04 23:06:00", Reads::Moment, "2026-07-05 01:06:00"),
            ("", Reads::Moment, ""),
            ("v1.5", Reads::AsItIs, "v1.5"),
        ] {
            assert_eq!(madrid.written(text.to_owned(), reads), written, "{text}");
        }
    }

    #[test]
    fn preferences_that_are_blank_or_unknown_are_the_neutral_ones() {
        for user in [json!({}), json!({ "currency_decimal_separator": "", "time_zone": "Mars/Base" })] {
            assert_eq!(Formats::of(&user), Formats::default());
        }
    }
}
