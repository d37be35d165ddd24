//! Which of the two meanings a map has.

/// What a map means.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Semantics {
    /// What coreBOS answers wherever that is usable, and better where it is not: see
    /// [`DIFFERENCES`](crate::DIFFERENCES).
    #[default]
    Bridge,
    /// Exactly what coreBOS answers, oddities and failures included.
    CoreBos,
}
