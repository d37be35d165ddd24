//! Commands: what a campaign action asks for.

use serde::{Deserialize, Serialize};

/// What shall be done about the user of a contact. The names are those of WP Fusion's `wpf_action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserAction {
    /// Make a user of the contact, or update the one that is there.
    Add,
    /// Bring fields and tags of the user up to date; nothing where there is none.
    Update,
    /// Bring the tags of the user up to date; nothing where there is none.
    UpdateTags,
}

impl UserAction {
    /// The name in requests and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Update => "update",
            Self::UpdateTags => "update_tags",
        }
    }
}

/// A campaign action, with its parameters. Doing it twice does no more than doing it once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    /// What to do.
    pub action: UserAction,
    /// The role that the user shall have, as it was asked for: whether it may be given is decided later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Whether a new user is sent a welcome mail; the site's rules decide where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_notification: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_stored_in_this_shape() {
        let command = Command {
            action: UserAction::UpdateTags,
            role: Some("customer".to_owned()),
            send_notification: None,
        };
        let json = serde_json::to_value(&command).unwrap();
        assert_eq!(json, serde_json::json!({ "action": "update_tags", "role": "customer" }));
        assert_eq!(serde_json::from_value::<Command>(json).unwrap(), command);
    }
}
