//! Whole stories, one file per claim; and what the layout, the walls and the template must hold.
#![recursion_limit = "256"]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a story that meets the unexpected fails")]

mod a_corebos_edit_reaches_mautic;
mod a_killed_bridge_loses_nothing;
mod a_new_contact_reaches_corebos;
mod a_real_wordpress;
mod a_whole_story_is_watched;
mod another_system_stops_the_pair;
mod architecture;
mod associations_that_change_alone_are_found;
mod bad_webhooks_are_answered;
mod bursts_meet_no_limit;
mod campaign_events;
mod command_line;
mod contacts_and_companies_are_in_step_with_hubspot;
mod contacts_become_users;
mod contacts_belong_to_companies;
mod corebos_evaluates_its_own_maps;
mod credentials_stand_where_the_admin_puts_them;
mod dead_letters_are_sent_back;
mod deals_go_with_their_people;
mod deletes_become_marks;
mod doctor_covers_hubspot;
mod doctor_tells_every_break;
mod edits_travel_once;
mod events;
mod forged_requests_are_refused;
mod hubspot_is_reported;
mod hubspot_is_set_up;
mod hubspot_s_own_clients;
mod hubspot_stocks_are_imported;
mod imports_bring_stocks_in_step;
mod killed_workers_lose_nothing;
mod known_holes;
mod leads_become_contacts_once;
mod leads_have_records_of_their_own;
mod lost_webhooks_are_found;
mod maps_live_in_corebos;
mod maps_read_related_records;
mod names;
mod no_pair_starts_beside_another_integration;
mod nothing_is_written_twice;
mod nurturing_begins_once;
mod people_come_merge_and_go;
mod personal_data_stay_out_of_sight;
mod records_that_meet_are_linked;
mod refused_changes_are_parked;
mod sessions_are_shared;
mod settings_are_changed_at_run_time;
mod setup_makes_systems_ready;
mod sites_are_set_up;
mod systems_that_fail_lose_nothing;
mod template;
mod torment_loses_nothing;
mod values_are_told_in_the_words_of_the_other_side;
mod visitor_events;
mod visitors_become_contacts;
mod what_goes_in_one_crm_is_marked_in_the_other;
mod who_refuses_mail;
mod who_wins_a_conflict;
mod why_a_record_is_not_in_step;
mod why_a_visitor_is_no_contact;
mod wrong_configuration_loses_nothing;

/// The bridge command line that the stories start.
const BRIDGE: &str = env!("CARGO_BIN_EXE_bridge-under-test");
