//! Workflows, as far as the webservice shows them: the entity `Workflow`, for administrators, read only.
//!
//! Not recorded but for its name in `listtypes` (A003); its columns were read in coreBOS's sources. Tasks cannot be seen
//! from outside: neither which function they call nor which map they use. So a workflow is known by its name and by its
//! conditions only, and what is said of it is a guess that an administrator can check.

use http_client::Effect;
use serde_json::Value as Json;
use sync::ConnectorError;

use super::settings::OWN_INTEGRATION;
use crate::client::CoreBos;
use crate::query;

/// The most workflows of a module that are read.
const MOST: u32 = 500;
/// The modules that coreBOS's own Mautic integration knows.
const MAUTIC_MODULES: [&str; 2] = ["Contacts", "Accounts"];
/// The field that only workflows of coreBOS's own integration have in their conditions.
const MARKER_FIELD: &str = "from_externalsource";

/// When a workflow is launched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Launch {
    /// "Only on the first save".
    FirstSave,
    /// "Every time the record is saved".
    EverySave,
    /// "Every time a record is modified".
    Modification,
    /// "On Delete".
    Deletion,
    /// On a schedule, by hand, or otherwise.
    Other,
}

/// A workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow {
    /// The module that it watches.
    pub module: String,
    /// What it is called: the screen says Description.
    pub name: String,
    /// What it is for.
    pub purpose: String,
    /// When it is launched.
    pub launch: Launch,
    /// Whether it is switched on.
    pub is_active: bool,
    conditions: String,
}

impl Workflow {
    fn of(row: &Json) -> Self {
        let text = |name: &str| match row.get(name) {
            Some(Json::String(text)) => text.clone(),
            Some(Json::Number(number)) => number.to_string(),
            _ => String::new(),
        };
        let launch = match text("execution_condition").as_str() {
            "1" => Launch::FirstSave,
            "3" => Launch::EverySave,
            "4" => Launch::Modification,
            "5" => Launch::Deletion,
            _ => Launch::Other,
        };
        Self {
            module: text("module_name"),
            name: text("summary"),
            purpose: text("purpose"),
            launch,
            // A coreBOS without this column has no switch.
            is_active: text("active") != "false",
            conditions: text("test"),
        }
    }

    /// Whether it is one that tells the bridge, as far as its name says: `bridge` is in it.
    pub fn is_for_the_bridge(&self) -> bool {
        self.mentions("bridge") && !self.conditions.contains(MARKER_FIELD)
    }

    /// Whether it seems to be one of coreBOS's own Mautic integration: by its name, or by its conditions.
    pub fn seems_corebos_s_own(&self) -> bool {
        !self.is_for_the_bridge() && (self.conditions.contains(MARKER_FIELD) || self.mentions("mautic"))
    }

    fn mentions(&self, word: &str) -> bool {
        [&self.name, &self.purpose].iter().any(|text| text.to_ascii_lowercase().contains(word))
    }
}

impl CoreBos {
    /// The workflows of a module.
    ///
    /// # Errors
    /// Forbidden or Misconfigured where our user, or this coreBOS, does not show them.
    pub async fn workflows(&self, module: &str) -> Result<Vec<Workflow>, ConnectorError> {
        let text = query::by_field("Workflow", "module_name", module, MOST)?;
        let (rows, _) = self.call_timed("query", &[("query", &text)], Effect::Read).await?;
        Ok(rows.as_array().into_iter().flatten().map(Workflow::of).collect())
    }

    /// The active workflows that seem to be those of coreBOS's own Mautic integration, while that is switched on.
    pub(crate) async fn own_integration(&self) -> Result<Vec<String>, ConnectorError> {
        if self.setting(OWN_INTEGRATION).await?.trim() != "1" {
            return Ok(Vec::new());
        }
        let mut told = Vec::new();
        for module in MAUTIC_MODULES {
            let workflows = self.workflows(module).await?;
            let running = workflows.iter().filter(|each| each.is_active && each.seems_corebos_s_own());
            told.extend(running.map(|each| {
                format!(
                    "the workflow \"{}\" of {module} in coreBOS seems to call its Mautic integration",
                    each.name
                )
            }));
        }
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workflow(name: &str, test: &str) -> Workflow {
        Workflow::of(&json!({
            "module_name": "Contacts", "summary": name, "test": test, "execution_condition": "4", "active": "true"
        }))
    }

    #[test]
    fn the_workflows_of_corebos_s_own_integration_are_guessed_by_name_and_conditions() {
        let condition = r#"[{"fieldname":"from_externalsource","operation":"is empty"}]"#;
        for (name, test) in
            [("MauticSyncUpdate", ""), ("send to marketing", condition), ("bridge", condition)]
        {
            assert!(workflow(name, test).seems_corebos_s_own(), "{name}");
        }
        for (name, test) in [("Bridge: tell Mautic of Contacts", ""), ("send a mail", "[]")] {
            assert!(!workflow(name, test).seems_corebos_s_own(), "{name}");
        }
    }

    #[test]
    fn a_workflow_is_off_only_when_corebos_says_so() {
        assert!(workflow("a", "").is_active);
        assert!(Workflow::of(&json!({ "summary": "old coreBOS" })).is_active);
        assert!(!Workflow::of(&json!({ "active": "false" })).is_active);
        assert_eq!(Workflow::of(&json!({ "execution_condition": 5 })).launch, Launch::Deletion);
    }
}
