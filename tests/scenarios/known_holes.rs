//! What has gone wrong elsewhere, and the tests that show it closed here.
//!
//! The holes are those of coreBOS's own integration with Mautic; the findings what a real Mautic 5.1.0 was recorded to do.
//! The table is checked: every test that it names exists.

/// Hole or finding, what it is, and the tests that show it closed.
const TABLE: &[(&str, &str, &[&str])] = &[
    (
        "hole 1",
        "every write comes back and is written again",
        &[
            "an_edit_writes_the_changed_fields_only_and_does_not_come_back",
            "an_edit_in_mautic_reaches_corebos_and_its_workflow_writes_nothing_back",
        ],
    ),
    (
        "hole 2",
        "a forgotten workflow condition makes an endless loop",
        &[
            "an_edit_in_mautic_reaches_corebos_and_its_workflow_writes_nothing_back",
            "a_link_that_is_written_too_often_is_put_to_rest_and_its_edits_wait",
        ],
    ),
    (
        "hole 3",
        "a deleted account is created again by the next edit of its company",
        &[
            "an_account_that_was_deleted_is_not_brought_back_by_an_edit_of_its_company",
            "a_record_that_was_marked_stays_marked_when_old_webhooks_come_again",
        ],
    ),
    (
        "hole 4",
        "an edit before the id is written back is lost",
        &[
            "an_edit_before_the_id_is_written_back_is_not_lost",
            "an_id_that_could_not_be_written_back_is_written_later",
        ],
    ),
    (
        "hole 5",
        "owners are overwritten",
        &[
            "an_edit_writes_the_changed_field_only_and_never_the_owner",
            "owners_travel_by_e_mail_where_the_maps_ask_for_it",
        ],
    ),
    (
        "hole 6",
        "a full update fails where a mandatory field is not mapped",
        &[
            "an_edit_writes_the_changed_field_only_and_never_the_owner",
            "of_an_edit_the_field_that_corebos_refuses_is_parked_and_the_rest_is_written",
        ],
    ),
    (
        "hole 7",
        "what is absent blanks",
        &[
            "a_contact_without_fields_is_never_read_as_blank",
            "a_blank_in_mautic_blanks_corebos_unless_the_pair_says_otherwise",
            "an_account_meets_the_company_of_its_name_and_blanks_nothing_there",
        ],
    ),
    (
        "hole 8",
        "no duplicate detection",
        &[
            "the_same_e_mail_links_fills_blanks_and_keeps_what_corebos_holds",
            "an_account_meets_the_company_of_its_name_and_blanks_nothing_there",
            "several_records_with_the_same_e_mail_are_named_and_left_alone",
        ],
    ),
    (
        "hole 9",
        "no retry, no queue, silent failures, in the user's save",
        &[
            "mautic_is_away_and_comes_back",
            "corebos_is_away_and_comes_back",
            "a_country_that_mautic_does_not_know_is_parked_by_name_and_the_rest_arrives",
        ],
    ),
    (
        "hole 10",
        "a payload without PastChanges crashes",
        &[
            "shapes_of_other_versions_are_read",
            "every_recorded_webhook_verifies_and_names_its_records_without_a_problem",
        ],
    ),
    (
        "hole 11",
        "repeated and reordered webhooks",
        &[
            "a_webhook_that_is_sent_twice_makes_one_record_and_one_write",
            "ten_notices_of_three_contacts_make_three_records",
        ],
    ),
    (
        "finding 1",
        "signature over the raw bytes",
        &[
            "every_recorded_webhook_verifies_and_names_its_records_without_a_problem",
            "a_body_that_was_changed_on_its_way_is_refused",
        ],
    ),
    (
        "finding 2",
        "webhooks come before the API answers",
        &[
            "the_webhook_comes_before_the_answer_and_the_new_value_can_be_read_meanwhile",
            "an_edit_in_mautic_reaches_corebos_and_its_workflow_writes_nothing_back",
        ],
    ),
    (
        "finding 3",
        "a read in the webhook gives the new value, or says that it is gone",
        &[
            "the_value_that_is_stored_arrives_and_not_the_one_in_the_webhook",
            "a_deletion_becomes_a_mark_and_the_record_stays",
        ],
    ),
    (
        "finding 4",
        "a failed delivery is lost; 410 switches off",
        &[
            "a_contact_and_its_edit_that_no_webhook_told_of_are_found",
            "a_webhook_that_mautic_has_switched_off_is_told_and_repaired_where_the_setting_says_so",
        ],
    ),
    (
        "finding 5",
        "queued bodies mix events, and are lost on 500",
        &[
            "a_queued_body_of_five_event_types_gives_one_notice_per_record",
            "a_delete_in_mautic_that_no_webhook_told_of_is_found_and_a_merge_is_not_taken_for_one",
        ],
    ),
    (
        "finding 6",
        "the payload is not the stored state",
        &[
            "the_value_that_is_stored_arrives_and_not_the_one_in_the_webhook",
            "the_boolean_of_an_answer_is_the_new_one",
        ],
    ),
    (
        "finding 7",
        "webhooks of parallel edits are snapshots in any order",
        &[
            "edits_of_different_fields_on_both_sides_at_once_all_survive",
            "the_value_that_is_stored_arrives_and_not_the_one_in_the_webhook",
        ],
    ),
    (
        "finding 8",
        "edits through the API are told like any other; a client has no user id",
        &["oauth", "we_know_ourselves_by_url_and_user"],
    ),
    (
        "finding 9",
        "companies are told at every save, changed or not",
        &["a_save_without_a_change_writes_nothing", "what_is_already_there_makes_no_write"],
    ),
    (
        "finding 10",
        "anonymous contacts",
        &[
            "a_visitor_becomes_a_contact_when_it_is_known_who_it_is_and_not_before",
            "more_than_a_page_is_found_and_visitors_without_a_name_are_not",
        ],
    ),
    (
        "finding 11",
        "points: told twice, 0 ignored, null on a new contact",
        &["points_arrive_as_the_sum_that_mautic_holds", "points_go_into_corebos_and_never_back"],
    ),
    (
        "finding 12",
        "tags, owner and stage are updates",
        &[
            "a_refused_contact_is_not_tried_again_before_it_differs_and_goes_through_once_it_is_complete",
            "the_owner_is_told_by_e_mail_and_by_nothing_where_users_may_not_be_listed",
        ],
    ),
    (
        "finding 13",
        "do not contact: told and not stored, kept reasons",
        &[
            "who_unsubscribes_in_mautic_is_opted_out_in_corebos_and_who_comes_back_is_not",
            "other_edits_neither_bring_mail_back_nor_change_the_reason",
            "a_refusal_on_either_side_survives_a_first_meeting",
        ],
    ),
    (
        "finding 14",
        "segments and notes are no updates",
        &["a_webhook_becomes_the_notices_that_its_body_names"],
    ),
    (
        "finding 15",
        "a deleted company tells nothing of its contacts",
        &[
            "a_delete_in_mautic_that_no_webhook_told_of_is_found_and_a_merge_is_not_taken_for_one",
            "a_company_that_is_merged_away_leaves_its_account_marked_and_named_by_nobody_twice",
        ],
    ),
    (
        "finding 17",
        "merges in the interface, into newer and older ones",
        &[
            "a_merge_into_an_older_contact_moves_the_link",
            "a_merge_into_a_newer_contact_moves_the_link",
            "of_two_linked_contacts_that_are_merged_the_loser_is_told_with_both_records",
        ],
    ),
    (
        "finding 18",
        "a form gives a known contact a new id",
        &[
            "a_contact_that_a_form_merges_into_a_new_id_keeps_its_record",
            "a_refusal_survives_the_form_that_merges_its_contact_away",
        ],
    ),
    ("finding 19", "mails, pages and campaigns", &["a_webhook_becomes_the_notices_that_its_body_names"]),
    (
        "finding 20",
        "the id of a merged contact acts on the survivor",
        &[
            "an_edit_of_a_merged_contact_is_not_taken_for_an_edit_of_ours",
            "a_merge_into_an_older_contact_moves_the_link",
        ],
    ),
    (
        "finding 21",
        "the same id twice in a batch makes a copy",
        &["ten_notices_of_three_contacts_make_three_records"],
    ),
    (
        "finding 22",
        "parallel creates with one e-mail make several contacts",
        &[
            "a_refusal_gets_through_to_a_contact_that_mautic_lets_nobody_edit",
            "a_create_whose_answer_is_lost_makes_one_record",
        ],
    ),
    (
        "finding 23",
        "an e-mail that is taken; a company by POST over another",
        &[
            "an_email_that_another_contact_has_is_parked_with_both_ids_and_the_rest_is_written",
            "a_new_company_never_overwrites_one_of_the_same_name",
        ],
    ),
    (
        "finding 24",
        "each kind of field is cleared in its own way; 0 is dropped",
        &[
            "each_kind_of_field_is_cleared_in_its_own_way",
            "a_field_that_is_cleared_is_cleared_and_others_stay",
            "a_number_of_nought_in_corebos_says_nothing_where_mautic_has_one",
        ],
    ),
    (
        "finding 25",
        "values that are refused, and values that are ignored without a word",
        &[
            "a_country_that_mautic_does_not_know_is_parked_by_name_and_the_rest_arrives",
            "refusals_name_the_fields",
        ],
    ),
    ("finding 26", "multi-selects", &["what_mautic_stored_is_given_back_in_the_schemas_form"]),
    (
        "finding 27",
        "PUT makes another contact; odd bodies make empty ones",
        &["what_is_not_there_is_gone_and_an_id_that_cannot_be_is_not_asked_for"],
    ),
    (
        "finding 28",
        "errors in three forms",
        &[
            "every_refusal_has_its_meaning",
            "every_reason_for_a_403_is_told_apart",
            "mautic_asks_for_patience",
        ],
    ),
    (
        "finding 29",
        "aliases in use, webhooks that lose their secret",
        &[
            "an_alias_that_the_other_object_uses_is_refused_and_a_long_one_comes_back_cut",
            "a_webhook_is_created_with_its_secret_and_changed_by_patch_alone",
        ],
    ),
    (
        "finding 30",
        "lists: unknown columns, companies without dates",
        &[
            "companies_are_found_although_their_answers_tell_no_date",
            "a_search_without_a_hit_is_empty_and_an_unknown_field_is_not_asked_for",
        ],
    ),
    (
        "finding 31",
        "nobody lists merges",
        &[
            "a_delete_in_mautic_that_no_webhook_told_of_is_found_and_a_merge_is_not_taken_for_one",
            "the_id_of_a_merged_contact_answers_with_the_survivor",
        ],
    ),
];

/// Where the tests are.
const FOLDERS: &[&str] = &[
    "tests/scenarios",
    "shared/sync/tests/it",
    "shared/connector-mautic/tests/it",
    "shared/simulators/tests/it",
];

#[test]
fn every_hole_and_finding_names_tests_that_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut sources = String::new();
    for folder in FOLDERS {
        for file in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|ending| ending == "rs") {
                sources += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    for (what, told, tests) in TABLE {
        assert!(!tests.is_empty(), "{what} is not closed: {told}");
        for test in *tests {
            let there =
                sources.contains(&format!("fn {test}()")) || sources.contains(&format!("fn {test}(\n"));
            assert!(there, "{what} ({told}): there is no test {test}");
        }
    }
}

#[test]
fn no_hole_and_no_finding_that_can_bite_is_left_out() {
    for hole in 1..=11 {
        assert!(TABLE.iter().any(|(what, ..)| *what == format!("hole {hole}")), "hole {hole}");
    }
    // 16 is the company text of contacts, which is a story of associations.
    for finding in (1..=31).filter(|finding| *finding != 16) {
        assert!(TABLE.iter().any(|(what, ..)| *what == format!("finding {finding}")), "finding {finding}");
    }
}
