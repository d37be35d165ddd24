//! What the map engine promises, tried against what coreBOS's own engine answered.

mod bridge;
mod recorded;
