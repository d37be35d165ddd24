//! Whole stories, one file per claim; and what the layout, the walls and the template must hold.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a story that meets the unexpected fails")]

mod a_new_contact_reaches_corebos;
mod architecture;
mod bad_webhooks_are_answered;
mod deletes_become_marks;
mod events;
mod names;
mod nothing_is_written_twice;
mod refused_changes_are_parked;
mod systems_that_fail_lose_nothing;
mod template;
mod wrong_configuration_loses_nothing;

/// The bridge command line that the stories start.
const BRIDGE: &str = env!("CARGO_BIN_EXE_bridge-under-test");
