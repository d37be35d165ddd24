//! Whole stories, one file per claim; and what the layout, the walls and the template must hold.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a story that meets the unexpected fails")]

mod a_corebos_edit_reaches_mautic;
mod a_killed_bridge_loses_nothing;
mod a_new_contact_reaches_corebos;
mod another_system_stops_the_pair;
mod architecture;
mod bad_webhooks_are_answered;
mod command_line;
mod deletes_become_marks;
mod edits_travel_once;
mod events;
mod killed_workers_lose_nothing;
mod lost_webhooks_are_found;
mod names;
mod nothing_is_written_twice;
mod personal_data_stay_out_of_sight;
mod records_that_meet_are_linked;
mod refused_changes_are_parked;
mod systems_that_fail_lose_nothing;
mod template;
mod wrong_configuration_loses_nothing;

/// The bridge command line that the stories start.
const BRIDGE: &str = env!("CARGO_BIN_EXE_bridge-under-test");
