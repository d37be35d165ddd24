//! Stories of what ends and what is switched: deletes, merges, restores, the brake, switches and edited maps. Every one
//! of them tells a broken rule from a whole one.

use super::act::{Act, Fate};
use super::setup::{Setup, Style};
use super::stories::{CITY, HUB, NOBODY, ONE, OTHER, PHONE, edit, finish, plain, start, tell, three, until};
use crate::sabotage::Break;
use crate::settings::{FirstLink, Operations};

fn delete(system: u8) -> Act {
    Act::Delete { system, record: 0 }
}

fn restore(system: u8) -> Act {
    Act::Restore { system, record: 0 }
}

#[test]
fn a_restored_record_is_linked_again() {
    let acts = [delete(HUB), Act::Rest, edit(ONE, CITY), Act::Rest, restore(HUB), Act::Rest];
    let setup = Setup { deletes: true, restores: true, ..plain() };
    tell(&setup, &acts, &[(HUB, "city", "v002")], &[Break::IgnoreRestores]);
}

#[test]
fn a_restored_record_meets_its_partner_without_a_base() {
    // Blanked on one side while it was gone on the other: nobody knows any more which of the two is older.
    let acts = [
        edit(ONE, CITY),
        Act::Rest,
        delete(HUB),
        Act::Rest,
        Act::Edit { system: ONE, record: 0, field: CITY, how: super::act::How::Blank },
        Act::Rest,
        restore(HUB),
        Act::Rest,
    ];
    let setup = Setup { deletes: true, restores: true, ..plain() };
    let wanted = [(HUB, "city", "v002"), (ONE, "city", "v002")];
    tell(&setup, &acts, &wanted, &[Break::KeepBasesOfTheDead]);
}

#[test]
fn a_deleted_record_is_not_brought_back_by_an_edit_of_its_partner() {
    let acts = [delete(HUB), Act::Rest, edit(ONE, CITY), Act::Rest];
    let setup = Setup { deletes: true, ..plain() };
    tell(&setup, &acts, &[], &[Break::IgnoreTombstones]);
}

#[test]
fn a_merged_record_is_not_marked_as_deleted_and_its_partner_follows_the_survivor() {
    let acts = [
        Act::Create { system: ONE, person: 0, field: PHONE, with_email: false },
        Act::Rest,
        Act::Merge { system: ONE, winner: 1, loser: 0 },
        Act::Rest,
    ];
    let setup = Setup { merges: true, ..plain() };
    tell(&setup, &acts, &[], &[Break::TakeMergesForDeletes]);
}

#[test]
fn a_record_whose_mark_is_cleared_is_brought_back_and_no_other() {
    let setup = Setup { deletes: true, clears: true, ..plain() };
    let acts = [delete(ONE), Act::Rest, edit(HUB, CITY), Act::Rest];
    tell(&setup, &acts, &[(ONE, "phone", NOBODY), (HUB, "deleted_in_mautic", "1")], &[]);
    let acts = [&acts[..], &[Act::ClearMark { remote: 0, record: 0 }, Act::Rest]].concat();
    tell(&setup, &acts, &[(ONE, "city", "v002")], &[Break::IgnoreClearedMarks]);
}

#[test]
fn a_record_that_comes_back_when_its_partner_is_gone_too_is_marked() {
    let setup = Setup { deletes: true, restores: true, ..plain() };
    for (first, second) in [(HUB, ONE), (ONE, HUB)] {
        for back in [HUB, ONE] {
            let acts = [delete(first), delete(second), Act::Rest, restore(back), Act::Rest];
            let marked = if back == HUB { (HUB, "deleted_in_mautic", "1") } else { (ONE, "corebos_id", "") };
            tell(&setup, &acts, &[marked], &[Break::LeaveTheReturnedUnmarked]);
        }
    }
}

#[test]
fn a_mark_on_the_record_that_was_edited_is_recovered_when_its_worker_dies() {
    // The deletion is not told; the edit of the partner finds it out.
    let lost = Act::Webhook { which: 0, fate: Fate::IsLost };
    let acts = [
        delete(ONE),
        lost,
        edit(HUB, CITY),
        Act::Hear,
        start(),
        until(0, "update"),
        Act::Steps { push: 0, calls: 1 },
        Act::Crash { push: 0 },
        Act::Rest,
    ];
    let setup = Setup { deletes: true, crashes: true, ..plain() };
    tell(&setup, &acts, &[(HUB, "deleted_in_mautic", "1")], &[Break::MarkTheWrongWay]);
}

#[test]
fn a_mass_delete_is_stopped_by_the_brake() {
    let mut setup = Setup { brake: true, linked: 4, ..plain() };
    setup.settings[0].deletes_per_hour = 2;
    tell(&setup, &[Act::DeleteMany { system: HUB }, Act::Rest], &[], &[Break::NoBrake]);
}

#[test]
fn what_is_switched_off_is_not_done() {
    let off = Operations { create: false, update: false, delete: false, ..Operations::default() };
    let mut setup = Setup { deletes: true, ..three() };
    setup.linked = 1;
    setup.settings[0].to_remote = off;
    let acts = [edit(HUB, PHONE), Act::Rest, edit(OTHER, PHONE), Act::Rest];
    // Into coreBOS and on to the third one all is as ever.
    let wanted = [(HUB, "phone", "v003"), (OTHER, "phone", "v003"), (ONE, "phone", NOBODY)];
    tell(&setup, &acts, &wanted, &[Break::IgnoreSwitches]);
}

#[test]
fn an_edited_map_writes_nothing_by_itself() {
    // The phone comes from another field now, which is blank.
    let acts = [Act::EditMap { remote: 0 }, edit(ONE, CITY), Act::Rest];
    let setup = Setup { map_edits: true, ..Setup::calm(1, Style::Plain) };
    tell(&setup, &acts, &[(HUB, "phone", "v001"), (HUB, "city", "v002")], &[Break::KeepBasesOfEditedMaps]);
}

#[test]
fn a_loser_stays_changed_until_the_parent_of_the_winner_is_linked() {
    // Two who have met name different companies; that of the side that wins is not linked yet, and is taken away again.
    let firm = 1;
    let blank = Act::Edit { system: ONE, record: 0, field: firm, how: super::act::How::Blank };
    let enter = |system, person| Act::Create { system, person, field: firm, with_email: true };
    // Both notices from coreBOS come before those of the other side.
    let next = Act::Webhook { which: 0, fate: Fate::Arrives };
    let mut setup = Setup { linked: 0, deaf: true, ..Setup::calm(1, Style::Families) };
    setup.settings[0].first_link = FirstLink::Remote;
    let acts = [
        enter(HUB, 0),
        enter(ONE, 1),
        next.clone(),
        next,
        Act::Start { which: 1 },
        finish(0),
        start(),
        finish(0),
        blank,
        Act::Rest,
    ];
    tell(&setup, &acts, &[(ONE, "primary-company", "c2")], &[Break::SettleWhatAwaitsAParent]);
}

#[test]
fn a_parent_that_comes_while_its_child_begins_to_wait_is_not_missed() {
    // The second of the fields that people edit: a company that is founded for it.
    let firm = 1;
    let acts = [
        edit(HUB, firm),
        Act::Hear,
        start(),
        until(0, "send"),
        Act::Steps { push: 0, calls: 1 },
        start(),
        finish(1),
        start(),
        finish(1),
        finish(0),
    ];
    let setup = Setup { deaf: true, ..Setup::calm(1, Style::Families) };
    tell(&setup, &acts, &[], &[Break::LookOnceAtTheParent]);
}
