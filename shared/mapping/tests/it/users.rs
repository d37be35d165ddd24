//! The users and the group of the coreBOS that the recordings are from.

use mapping::{RelatedRecord, RelatedRecords};
use model::Fields;

/// The records that others refer to, by web service id.
pub(crate) struct Users(Vec<(String, String, Fields)>);

impl Users {
    /// As `fixtures/README.md` describes them.
    pub(crate) fn recorded() -> Self {
        let user = |id: &str, name: &str, first: &str, last: &str, format: [&str; 4]| {
            let [date, point, separator, decimals] = format;
            let fields = [
                ("id", id),
                ("user_name", name),
                ("first_name", first),
                ("last_name", last),
                ("date_format", date),
                ("currency_decimal_separator", point),
                ("currency_grouping_separator", separator),
                ("no_of_currency_decimals", decimals),
            ];
            (id.to_owned(), "Users".to_owned(), fields.into_iter().collect())
        };
        let group = r#"{"id":"20x2","groupname":"Team Selling","members":["19x5","19x6"]}"#;
        Self(vec![
            user("19x1", "admin", "", "Administrator", ["yyyy-mm-dd", ".", ",", "2"]),
            user("19x5", "peer2", "Peer", "Two", ["dd-mm-yyyy", ".", ",", "2"]),
            user("19x6", "peer3", "Père", "Trois", ["mm-dd-yyyy", ",", ".", "3"]),
            ("20x2".to_owned(), "Groups".to_owned(), serde_json::from_str(group).unwrap()),
        ])
    }

    /// Adds a record.
    pub(crate) fn add(&mut self, id: &str, module: &str, fields: Fields) {
        self.0.retain(|known| known.0 != id);
        self.0.push((id.to_owned(), module.to_owned(), fields));
    }
}

impl RelatedRecords for Users {
    fn related(&self, id: &str) -> Option<RelatedRecord<'_>> {
        let (_, module, fields) = self.0.iter().find(|known| known.0 == id)?;
        Some(RelatedRecord { module, fields })
    }
}
