//! What a system needs, and how it stands with each of it.

/// How it stands with an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    There,
    /// Not there.
    Missing,
    /// There, and not as it should be: how it is.
    Different(String),
    /// Nobody can say: why.
    Unseen(String),
}

/// One thing that a system needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What.
    pub what: String,
    /// How it stands.
    pub state: State,
    /// What `--apply` does about it; or what else is to be done.
    pub remedy: Option<String>,
    /// Whether `--apply` does something about it.
    pub can_be_done: bool,
}

/// Everything that a system needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Which system, as whom.
    pub about: String,
    /// The items, in the order in which they are done.
    pub items: Vec<Item>,
    /// What a person must do, step by step.
    pub steps: Vec<String>,
}

impl Plan {
    /// Whether `--apply` would do anything.
    pub fn has_work(&self) -> bool {
        self.items.iter().any(|item| item.can_be_done && item.state != State::There)
    }

    /// Something that is as it should be.
    pub(crate) fn there(&mut self, what: impl Into<String>) {
        self.items.push(Item { what: what.into(), state: State::There, remedy: None, can_be_done: false });
    }

    /// Something that `--apply` mends.
    pub(crate) fn work(&mut self, what: impl Into<String>, state: State, remedy: impl Into<String>) {
        self.items.push(Item { what: what.into(), state, remedy: Some(remedy.into()), can_be_done: true });
    }

    /// Something that a person has to mend.
    pub(crate) fn by_hand(&mut self, what: impl Into<String>, state: State, remedy: impl Into<String>) {
        self.items.push(Item { what: what.into(), state, remedy: Some(remedy.into()), can_be_done: false });
    }
}
