//! A check: its name, how it went, what was seen and what to do.

use serde::Serialize;
use sync::ConnectorError;

/// How a check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Works, and somebody should know.
    Warning,
    /// Does not work.
    Problem,
}

/// A check that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was checked: `Mautic: role`.
    pub name: String,
    /// How it went.
    pub verdict: Verdict,
    /// What was seen. Never a secret, never personal data.
    pub seen: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// The checks so far.
#[derive(Debug, Default)]
pub struct Checks(Vec<Check>);

impl Checks {
    /// All of them, in the order in which they were made.
    pub fn into_list(self) -> Vec<Check> {
        self.0
    }

    /// As it should be.
    pub(super) fn ok(&mut self, name: impl Into<String>, seen: impl Into<String>) {
        self.0.push(Check { name: name.into(), verdict: Verdict::Ok, seen: seen.into(), remedy: None });
    }

    /// Works, and somebody should know.
    pub(super) fn warning(
        &mut self,
        name: impl Into<String>,
        seen: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.tell(Verdict::Warning, name.into(), seen.into(), remedy.into());
    }

    /// Does not work.
    pub(super) fn problem(
        &mut self,
        name: impl Into<String>,
        seen: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.tell(Verdict::Problem, name.into(), seen.into(), remedy.into());
    }

    /// A system refused something.
    pub(super) fn refused(&mut self, name: impl Into<String>, error: &ConnectorError) {
        self.problem(name, error.to_string(), remedy_of(error));
    }

    fn tell(&mut self, verdict: Verdict, name: String, seen: String, remedy: String) {
        let remedy = Some(remedy).filter(|remedy| !remedy.is_empty());
        self.0.push(Check { name, verdict, seen, remedy });
    }
}

/// What to do about an error of a system. Most say it themselves.
fn remedy_of(error: &ConnectorError) -> &'static str {
    match error {
        ConnectorError::Unavailable { .. } | ConnectorError::Doubtful { .. } => {
            "changes wait and nothing is lost; see whether it is up, and whether its name, its certificate and the port \
             of its URL are right"
        }
        ConnectorError::RateLimited { .. } => "wait; lower the rate, or raise the limit of the system",
        ConnectorError::Unauthorized { .. } => "put the right credentials into the system's secret",
        ConnectorError::Misconfigured { .. } | ConnectorError::Forbidden { .. } => {
            "change that in the system, or the URL of the stack"
        }
        ConnectorError::Rejected { .. } | ConnectorError::Gone => "",
    }
}
