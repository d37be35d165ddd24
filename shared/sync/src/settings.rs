//! Settings: the user's, edited at run time. Here is what each means; [`table`] has a row for each, with its name,
//! what it may hold and its default.
//!
//! | item of the table | holds |
//! |---|---|
//! | `pair:<pair>` | [`PairSettings`] |
//! | `poll:<system>` | [`crate::PollSettings`] |
//! | `system:<system>` | [`SystemSettings`], and what the connector reads |
//! | `map:<name>` | a field map that takes over from all others of its name |
//!
//! An item holds only what is set; everything else is the default. `identity#<system>` and `rivals#<system>`, which the
//! bridge keeps beside them, are no settings.

mod place;
mod stored;
pub mod table;
mod value;

use std::time::Duration;

use model::Direction;
use serde::{Deserialize, Serialize};

pub use place::{NoSuchSetting, Place, find, map_key, pair_key, places, poll_key, system_key};
pub use stored::{
    WrongSetting, pair_settings, poll_settings, problems, problems_of_pair, problems_of_system,
    system_settings,
};
pub use value::ValueKind;

/// Who wins when both sides changed the same field.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Winner {
    /// The later edit; coreBOS when both have the same time or one is unknown.
    #[default]
    Newest,
    /// coreBOS, always.
    Corebos,
    /// The other system, always.
    Remote,
}

/// Who wins when two records meet for the first time and differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FirstLink {
    /// coreBOS.
    #[default]
    Corebos,
    /// The other system.
    Remote,
}

/// What a deal is related to in coreBOS, which knows one of the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RelateDealWith {
    /// Its contact; its company where it has none.
    #[default]
    Contacts,
    /// Its company; its contact where it has none.
    Accounts,
}

/// The switches of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own in the settings")]
pub struct Operations {
    /// Create records that are new on the other side.
    pub create: bool,
    /// Change fields.
    pub update: bool,
    /// Mark deletes.
    pub delete: bool,
    /// Whether a blank value may blank the other side. Somebody who takes mail again counts as a blank.
    pub blank_overwrites: bool,
    /// Carry who refuses mail: coreBOS's e-mail opt-out, Mautic's do not contact.
    pub opt_outs: bool,
    /// Carry associations: which company a contact belongs to.
    pub associations: bool,
}

impl Default for Operations {
    fn default() -> Self {
        Self {
            create: true,
            update: true,
            delete: true,
            blank_overwrites: true,
            opt_outs: true,
            associations: true,
        }
    }
}

/// What the bridge reads about a system that is not coreBOS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SystemSettings {
    /// Whether the system is kept in step. Default true. Off: nothing of it is read or written; what is told of
    /// meanwhile is remembered and travels when it is on again. coreBOS's `mautic_isactive`.
    pub active: bool,
}

impl Default for SystemSettings {
    fn default() -> Self {
        Self { active: true }
    }
}

/// The settings of one pair.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PairSettings {
    /// Into coreBOS.
    pub to_hub: Operations,
    /// Out of coreBOS.
    pub to_remote: Operations,
    /// Who wins a conflict that the map's `<master>` does not settle. Default `newest`.
    pub conflict: Winner,
    /// Who wins at the first meeting of two records. Default `corebos`.
    pub first_link: FirstLink,
    /// How many deletes a pair may carry in an hour before the brake stops them. Default 50.
    pub deletes_per_hour: u32,
    /// How many writes a link may have in [`Self::BREAKER_WINDOW`] before the breaker lets it rest. Default 30.
    pub writes_per_link: u32,
    /// How long a delete is left alone before it is confirmed by reading the record, in seconds. Default 3.
    pub delete_confirm_seconds: u32,
    /// After how many attempts a change that fails for reasons of its own is parked. An outage does not count.
    /// Default 20.
    pub max_attempts: u32,
    /// Whether the pair works although another integration, such as coreBOS's own, is switched on beside it. Default
    /// false: both would answer each other for ever.
    pub allow_other_integration: bool,
    /// Which of a deal's associations is its `related_to` in coreBOS where HubSpot has both. Default `contacts`.
    pub relate_deal_with: RelateDealWith,
    /// Whether the side that `<master>` names in a map wins a conflict: coreBOS's master and slave synchronisation.
    /// Default true.
    pub masters: bool,
}

impl Default for PairSettings {
    fn default() -> Self {
        Self {
            to_hub: Operations::default(),
            to_remote: Operations::default(),
            conflict: Winner::default(),
            first_link: FirstLink::default(),
            deletes_per_hour: 50,
            writes_per_link: 30,
            delete_confirm_seconds: 3,
            max_attempts: 20,
            allow_other_integration: false,
            relate_deal_with: RelateDealWith::default(),
            masters: true,
        }
    }
}

impl PairSettings {
    /// The window in which the breaker counts writes.
    pub const BREAKER_WINDOW: Duration = Duration::from_secs(600);

    /// How long the breaker keeps a link at rest.
    pub const BREAKER_PAUSE: Duration = Duration::from_secs(1800);

    /// The switches of a direction.
    pub fn operations(&self, direction: Direction) -> Operations {
        match direction {
            Direction::ToHub => self.to_hub,
            Direction::ToRemote => self.to_remote,
        }
    }
}
