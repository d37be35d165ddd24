//! Rules of administrators for what a record must have; only some versions of the API make them count.

use serde::{Deserialize, Serialize};

use super::answer::Invalid;
use super::kinds::Kind;
use super::records::Work;
use super::state::Values;

/// A property that must have a value where another one has a certain value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ConditionalRule {
    pub(crate) kind: Kind,
    pub(crate) when: (String, String),
    pub(crate) required: String,
}

impl Work<'_> {
    /// What the rules miss in a record, once these values are stored in it.
    pub(crate) fn check_rules(&self, kind: Kind, record: Option<u64>, stored: &Values) -> Vec<Invalid> {
        let before = record.and_then(|id| self.state.record(kind, id)).map(|record| &record.values);
        let now_in = |name: &str| {
            let value = stored.get(name).or_else(|| before.and_then(|values| values.get(name)));
            value.map_or("", String::as_str)
        };
        let rules = self.state.rules.iter().filter(|rule| self.enforces_rules && rule.kind == kind);
        let broken =
            rules.filter(|rule| now_in(&rule.when.0) == rule.when.1 && now_in(&rule.required).is_empty());
        let told = broken.map(|rule| Invalid {
            property: rule.required.clone(),
            code: "MISSING_CONDITIONAL_REQUIRED_PROPERTY",
            message: format!("{} is required when {} is {}", rule.required, rule.when.0, rule.when.1),
        });
        told.collect()
    }
}
