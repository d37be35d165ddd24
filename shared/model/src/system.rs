//! Systems: the instances that are kept in step.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The kinds of system that the bridge speaks to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SystemKind {
    /// coreBOS CRM, the hub.
    CoreBos,
    /// Mautic marketing automation.
    Mautic,
    /// HubSpot CRM.
    HubSpot,
    /// A WordPress site.
    WordPress,
    /// Visitor events; a source only.
    Signal,
}

impl SystemKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::CoreBos, Self::Mautic, Self::HubSpot, Self::WordPress, Self::Signal];

    /// The name that keys, settings and configuration files use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CoreBos => "corebos",
            Self::Mautic => "mautic",
            Self::HubSpot => "hubspot",
            Self::WordPress => "wordpress",
            Self::Signal => "signal",
        }
    }
}

/// An instance of a kind, with a name: `mautic:main`, `wordpress:shop`.
///
/// The name is part of every key in the table, so that a second instance of a kind never mixes with the first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct System {
    kind: SystemKind,
    name: String,
}

/// The longest name of an instance, in bytes.
const MAX_NAME_BYTES: usize = 40;

/// Why a text is not a system.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{0}` is not a system: write kind:name, with a kind of corebos, mautic, hubspot, wordpress, signal and a name of lower-case letters, digits and hyphens (at most 40)"
)]
pub struct NotASystem(String);

impl System {
    /// The instance called `name`.
    ///
    /// # Errors
    /// A name that is empty, too long, or has other characters than lower-case letters, digits and hyphens.
    pub fn new(kind: SystemKind, name: &str) -> Result<Self, NotASystem> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.chars().all(allowed) {
            return Err(NotASystem(format!("{}:{name}", kind.as_str())));
        }
        Ok(Self { kind, name: name.to_owned() })
    }

    /// What it is.
    pub fn kind(&self) -> SystemKind {
        self.kind
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.as_str(), self.name)
    }
}

impl FromStr for System {
    type Err = NotASystem;

    fn from_str(text: &str) -> Result<Self, NotASystem> {
        let (kind, name) = text.split_once(':').ok_or_else(|| NotASystem(text.to_owned()))?;
        let kind = SystemKind::ALL
            .into_iter()
            .find(|k| k.as_str() == kind)
            .ok_or_else(|| NotASystem(text.to_owned()))?;
        Self::new(kind, name)
    }
}

impl TryFrom<String> for System {
    type Error = NotASystem;

    fn try_from(text: String) -> Result<Self, NotASystem> {
        text.parse()
    }
}

impl From<System> for String {
    fn from(system: System) -> Self {
        system.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_survives_its_text() {
        let system: System = "wordpress:shop-2".parse().unwrap();
        assert_eq!(system.kind(), SystemKind::WordPress);
        assert_eq!(system.to_string(), "wordpress:shop-2");
    }

    #[test]
    fn names_that_could_break_a_key_are_refused() {
        for text in ["mautic", "mautic:", "mautic:Main", "mautic:a#b", "sugar:main", "mautic:a/b"] {
            assert!(text.parse::<System>().is_err(), "{text}");
        }
    }
}
