//! Nurturing rules: what begins in HubSpot when something happens in coreBOS. Pure.
//!
//! HubSpot has no call that enrols somebody in a workflow. What it has are triggers: a property, which a map writes; the
//! membership of a list; a custom event. These rules are for the last two.
//!
//! ```text
//! Leads.leadstatus=Hot -> list 12; trial-started -> event pe247187887_trial_started
//! ```
//!
//! On the left: a field of coreBOS that gets a value, or the name of an event with which a workflow of coreBOS calls the
//! webhook. On the right: a static list, by its id, or a custom event, by its full name.

use std::fmt;
use std::str::FromStr;

/// The longest name of an event, in bytes.
const LONGEST_NAME: usize = 100;
/// The most rules.
const MOST: usize = 50;

/// The rules, in the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NurturingRules(Vec<NurturingRule>);

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NurturingRule {
    /// What happens in coreBOS.
    pub when: NurturedWhen,
    /// What begins in HubSpot.
    pub then: NurturedBy,
}

/// What happens in coreBOS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NurturedWhen {
    /// A workflow calls us with this name.
    Event(String),
    /// A field gets a value.
    Becomes {
        /// The module.
        module: String,
        /// The field.
        field: String,
        /// The value; letter case does not count.
        value: String,
    },
}

/// What begins in HubSpot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NurturedBy {
    /// The record becomes a member of the static list with this id.
    List(String),
    /// The record meets a custom event with this full name.
    Event(String),
}

impl NurturingRules {
    /// The rules for the name of an event.
    pub fn of_event<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r NurturingRule> {
        self.0.iter().filter(move |rule| matches!(&rule.when, NurturedWhen::Event(event) if event == name))
    }

    /// The rules for fields of a module, each with the field and the value that it waits for.
    pub fn of_module<'r>(
        &'r self,
        name: &'r str,
    ) -> impl Iterator<Item = (&'r NurturingRule, &'r str, &'r str)> {
        self.0.iter().filter_map(move |rule| match &rule.when {
            NurturedWhen::Becomes { module, field, value } if module == name => {
                Some((rule, field.as_str(), value.as_str()))
            }
            _ => None,
        })
    }

    /// The names of events that rules wait for.
    pub fn events(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|rule| match &rule.when {
            NurturedWhen::Event(name) => Some(name.as_str()),
            NurturedWhen::Becomes { .. } => None,
        })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &NurturingRule> {
        self.0.iter()
    }
}

/// Whether this may be the name of an event: letters, digits, `-`, `_` and `.`.
pub fn is_event_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn is_word(text: &str) -> bool {
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

impl FromStr for NurturingRules {
    type Err = String;

    /// # Errors
    /// What is wrong with which rule, and how it is written.
    fn from_str(text: &str) -> Result<Self, String> {
        let rules: Vec<NurturingRule> = text
            .split(';')
            .map(str::trim)
            .filter(|rule| !rule.is_empty())
            .map(str::parse)
            .collect::<Result<_, _>>()?;
        if rules.len() > MOST {
            return Err(format!("there are {} rules; {MOST} are the most", rules.len()));
        }
        Ok(Self(rules))
    }
}

impl FromStr for NurturingRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |what: &str| {
            format!(
                "{what} in `{text}`: write `Leads.leadstatus=Hot -> list 12`, or `trial-started -> event pe1_trial`, with \
                 a `;` between rules"
            )
        };
        let (when, then) = text.split_once("->").ok_or_else(|| wrong("there is no `->`"))?;
        let (when, then) = (when.trim(), then.trim());
        let when = match when.split_once('=') {
            None if is_event_name(when) => NurturedWhen::Event(when.to_owned()),
            None => return Err(wrong("what stands on the left is no name of an event")),
            Some((path, value)) => match path.trim().split_once('.') {
                Some((module, field)) if is_word(module) && is_word(field) => NurturedWhen::Becomes {
                    module: module.to_owned(),
                    field: field.to_owned(),
                    value: value.trim().to_owned(),
                },
                _ => return Err(wrong("what stands on the left is no field of a module")),
            },
        };
        let then = match then.split_once(char::is_whitespace).map(|(kind, name)| (kind, name.trim())) {
            Some(("list", id))
                if id.len() <= 20 && !id.is_empty() && id.bytes().all(|b| b.is_ascii_digit()) =>
            {
                NurturedBy::List(id.to_owned())
            }
            Some(("list", _)) => return Err(wrong("a list is named by its number")),
            Some(("event", name)) if is_word(name) => NurturedBy::Event(name.to_owned()),
            Some(("event", _)) => return Err(wrong("that is no name of a custom event")),
            _ => return Err(wrong("what stands on the right is neither a list nor an event")),
        };
        Ok(Self { when, then })
    }
}

impl fmt::Display for NurturingRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.when {
            NurturedWhen::Event(name) => write!(f, "{name}")?,
            NurturedWhen::Becomes { module, field, value } => write!(f, "{module}.{field}={value}")?,
        }
        match &self.then {
            NurturedBy::List(id) => write!(f, " -> list {id}"),
            NurturedBy::Event(name) => write!(f, " -> event {name}"),
        }
    }
}

impl fmt::Display for NurturingRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, rule) in self.0.iter().enumerate() {
            write!(f, "{}{rule}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_read_and_written_alike() {
        let text = "Leads.leadstatus=Attempted to Contact -> list 12; trial-started -> event pe247_trial";
        let rules: NurturingRules = text.parse().unwrap();
        assert_eq!(rules.to_string(), text);
        assert_eq!(rules.events().collect::<Vec<_>>(), ["trial-started"]);
        assert_eq!(rules.of_event("trial-started").count(), 1);
        assert_eq!(rules.of_event("save").count(), 0);
        let (_, field, value) = rules.of_module("Leads").next().unwrap();
        assert_eq!((field, value), ("leadstatus", "Attempted to Contact"));
        assert!("".parse::<NurturingRules>().unwrap().is_empty());
        assert_eq!(" a->list 1 ;; b-> event  e_1; ".parse::<NurturingRules>().unwrap().iter().count(), 2);
        // A blank value: a field that is cleared.
        assert!("Leads.leadstatus= -> list 1".parse::<NurturingRules>().is_ok());
    }

    #[test]
    fn a_rule_that_is_none_is_refused_with_its_place() {
        for (wrong, told) in [
            ("trial", "no `->`"),
            ("two words -> list 1", "no name of an event"),
            ("leadstatus=Hot -> list 1", "no field of a module"),
            ("a -> list twelve", "by its number"),
            ("a -> list 123456789012345678901", "by its number"),
            ("a -> event pe1-x", "no name of a custom event"),
            ("a -> mail x", "neither a list nor an event"),
            ("a -> list", "neither a list nor an event"),
        ] {
            let error = format!("ok -> list 1; {wrong}").parse::<NurturingRules>().unwrap_err();
            assert!(error.contains(told) && error.contains(wrong), "{wrong}: {error}");
        }
        let many = vec!["a -> list 1"; MOST + 1].join(";");
        assert!(many.parse::<NurturingRules>().is_err());
    }
}
