//! Stories played by hand, each named after what must hold: the schedules that chance finds too rarely. Every one of
//! them tells a broken rule from a whole one.

use super::act::{Act, Fate, How};
use super::play::play;
use super::setup::{Setup, Style};
use crate::memory::MemorySystem;
use crate::sabotage::{Break, with_broken};
use crate::settings::{FirstLink, Operations, Winner};

/// coreBOS, and the two others.
pub(super) const HUB: u8 = 0;
pub(super) const ONE: u8 = 1;
pub(super) const OTHER: u8 = 2;

/// The fields of the plain style.
pub(super) const PHONE: u8 = 0;
pub(super) const CITY: u8 = 1;

/// One field of one system as it must be in the end, in all records of it: the beginning of its value.
type Wanted = (u8, &'static str, &'static str);

/// Stands for the value where no record must be there.
pub(super) const NOBODY: &str = "nobody";

/// Plays a story as it should be, and once with each of some rules broken.
pub(super) fn tell(setup: &Setup, acts: &[Act], wanted: &[Wanted], breaks: &[Break]) {
    let holds = |telling: bool| {
        let played = play(setup, acts, 1, telling);
        let missed = wanted.iter().find(|(system, field, value)| {
            let system: &MemorySystem = &played.stage.systems[usize::from(*system)];
            let holds = |id: &String| {
                system
                    .value(id, field)
                    .is_some_and(|here| here.starts_with(value) && here.is_empty() == value.is_empty())
            };
            let ids = system.ids();
            if *value == NOBODY { !ids.is_empty() } else { ids.is_empty() || !ids.iter().all(holds) }
        });
        let broken = played.broken.map(|broken| format!("{} {}", broken.claim, broken.detail));
        let told = [played.story, played.portrait].concat().join("\n");
        let fault = broken.or_else(|| missed.map(|missed| format!("it should end with {missed:?}")));
        fault.map(|fault| format!("{fault}\n{told}"))
    };
    if let Some(fault) = holds(true) {
        panic!("{fault}");
    }
    for rule in breaks {
        assert!(with_broken(*rule, || holds(false)).is_some(), "nobody notices {rule:?}");
    }
}

pub(super) fn plain() -> Setup {
    Setup::calm(1, Style::Plain)
}

/// coreBOS and two others; nothing is there yet.
pub(super) fn three() -> Setup {
    Setup { linked: 0, ..Setup::calm(2, Style::Plain) }
}

fn won_by(winner: Winner, mut setup: Setup) -> Setup {
    for settings in &mut setup.settings {
        settings.conflict = winner;
    }
    setup
}

fn first_won_by(winner: FirstLink, mut setup: Setup) -> Setup {
    for settings in &mut setup.settings {
        settings.first_link = winner;
    }
    setup
}

pub(super) fn edit(system: u8, field: u8) -> Act {
    Act::Edit { system, record: 0, field, how: How::New }
}

fn blank(system: u8, field: u8) -> Act {
    Act::Edit { system, record: 0, field, how: How::Blank }
}

/// Somebody saves a record without changing it, where the others have the same value.
fn save(system: u8, field: u8) -> Act {
    Act::Edit { system, record: 0, field, how: How::LikeAnother }
}

/// The first person is entered: nobody knows it yet.
fn enter(system: u8, field: u8) -> Act {
    Act::Create { system, person: 0, field, with_email: true }
}

/// The first person is entered into another system too.
fn enter_too(system: u8, field: u8) -> Act {
    Act::Create { system, person: 1, field, with_email: true }
}

pub(super) fn start() -> Act {
    Act::Start { which: 0 }
}

pub(super) fn until(push: u8, call: &'static str) -> Act {
    Act::Until { push, call }
}

pub(super) fn finish(push: u8) -> Act {
    Act::Finish { push }
}

fn crash() -> Act {
    Act::Crash { push: 0 }
}

fn lost() -> Act {
    Act::Webhook { which: 0, fate: Fate::IsLost }
}

#[test]
fn a_write_that_is_not_settled_is_never_carried_back_over_a_fresh_edit() {
    // The push out of coreBOS has read the states; then the other one writes to coreBOS, and somebody edits.
    let acts = [
        edit(ONE, PHONE),
        edit(HUB, CITY),
        Act::Hear,
        start(),
        until(0, "read"),
        start(),
        until(1, "settle"),
        edit(ONE, PHONE),
        finish(0),
        finish(0),
    ];
    let setup = won_by(Winner::Corebos, plain());
    tell(&setup, &acts, &[(HUB, "phone", "v004"), (ONE, "phone", "v004")], &[Break::LookOnceAtTheSource]);
}

#[test]
fn what_the_source_is_being_written_is_waited_for() {
    let acts = [
        edit(ONE, PHONE),
        Act::Hear,
        start(),
        until(0, "settle"),
        edit(ONE, PHONE),
        Act::Hear,
        start(),
        finish(1),
        finish(0),
    ];
    let setup = won_by(Winner::Corebos, plain());
    tell(&setup, &acts, &[(HUB, "phone", "v003")], &[Break::MindOnlyTheTarget]);
}

#[test]
fn an_agreement_that_was_settled_meanwhile_is_not_decided_with_the_old_link() {
    // Both sides are given the same value. One push has read the link when the other settles that they agree; the
    // edit after that is nobody's rival.
    let acts = [
        edit(ONE, PHONE),
        save(HUB, PHONE),
        Act::Hear,
        start(),
        Act::Steps { push: 0, calls: 2 },
        start(),
        finish(1),
        edit(ONE, PHONE),
        finish(0),
    ];
    let setup = won_by(Winner::Corebos, plain());
    tell(&setup, &acts, &[(HUB, "phone", "v003"), (ONE, "phone", "v003")], &[Break::TrustAnOldLink]);
}

#[test]
fn two_who_mean_the_same_are_no_rivals_although_a_map_writes_it_differently() {
    // The map out of coreBOS makes capitals of a word.
    let word = 2;
    let acts = [
        edit(HUB, word),
        Act::Hear,
        Act::Pass { seconds: 2 },
        save(ONE, word),
        start(),
        finish(0),
        blank(HUB, word),
        Act::Rest,
    ];
    let setup = Setup::calm(1, Style::Lossy);
    tell(&setup, &acts, &[(HUB, "word", ""), (ONE, "word", "")], &[Break::ContestAnAgreement]);
}

#[test]
fn who_makes_the_same_edit_as_somebody_else_can_take_it_back() {
    // The map out of coreBOS would make capitals of it, and has nothing to do.
    let word = 2;
    let acts = [edit(ONE, word), Act::Hear, save(HUB, word), start(), finish(0), blank(HUB, word), Act::Rest];
    let setup = Setup::calm(1, Style::Lossy);
    tell(&setup, &acts, &[(HUB, "word", ""), (ONE, "word", "")], &[Break::LetTheSameTravel]);
}

#[test]
fn nobody_waits_for_a_winner_that_is_there_already() {
    // The map out of coreBOS would make capitals of what the other side, which wins, has and coreBOS has too.
    let word = 2;
    let acts =
        [enter(ONE, word), enter_too(HUB, word), save(ONE, word), Act::Hear, start(), finish(0), Act::Rest];
    let setup = first_won_by(FirstLink::Remote, Setup { linked: 0, ..Setup::calm(1, Style::Lossy) });
    tell(&setup, &acts, &[(HUB, "word", "v002"), (ONE, "word", "v002")], &[Break::WaitForWhatIsThere]);
}

#[test]
fn a_worker_that_dies_between_claim_and_write_leaves_nothing_uncertain() {
    let acts =
        [edit(ONE, PHONE), Act::Hear, start(), until(0, "claim"), crash(), edit(ONE, PHONE), Act::Rest];
    let setup = won_by(Winner::Corebos, plain());
    tell(&setup, &acts, &[(HUB, "phone", "v003")], &[Break::WriteBeforeTheClaim]);
}

#[test]
fn a_worker_that_dies_after_its_write_leaves_word_of_it() {
    let acts =
        [edit(ONE, PHONE), Act::Hear, start(), until(0, "settle"), crash(), edit(ONE, PHONE), Act::Rest];
    let setup = won_by(Winner::Corebos, plain());
    let breaks = [Break::SkipTheClaim, Break::ForgetTheIntent];
    tell(&setup, &acts, &[(HUB, "phone", "v003")], &breaks);
}

#[test]
fn what_the_target_made_of_our_write_is_no_edit_of_somebody_else() {
    // coreBOS stores codes in capitals.
    let code = 1;
    let acts = [edit(ONE, code), Act::Hear, start(), until(0, "answer"), crash(), edit(ONE, code), Act::Rest];
    let setup = won_by(Winner::Corebos, Setup::calm(1, Style::Lossy));
    tell(&setup, &acts, &[(HUB, "code", "V003"), (ONE, "code", "v003")], &[Break::TakeRecodedForAnEdit]);
}

#[test]
fn an_intent_of_another_pair_is_left_to_that_pair() {
    // The lease has ended, the dead worker's notice has not come back yet, and another pair's push meets the intent.
    let acts = [
        edit(ONE, PHONE),
        Act::Hear,
        start(),
        until(0, "settle"),
        edit(ONE, PHONE),
        crash(),
        Act::Pass { seconds: 50 },
        start(),
        finish(0),
        Act::Rest,
    ];
    let setup = won_by(Winner::Corebos, Setup { linked: 1, ..three() });
    tell(&setup, &acts, &[(HUB, "phone", "v003"), (OTHER, "phone", "v003")], &[Break::ClearWhatOthersIntend]);
}

#[test]
fn an_edit_of_a_record_that_was_created_and_not_settled_is_not_taken_for_our_own() {
    // Another pair has written its id since, so the last writer is us; the edit is somebody's all the same.
    let acts =
        [enter(ONE, CITY), Act::Hear, start(), until(0, "answer"), crash(), edit(HUB, PHONE), Act::Rest];
    tell(&three(), &acts, &[(ONE, "phone", "v002"), (OTHER, "phone", "v002")], &[Break::TrustTheLastWriter]);
}

#[test]
fn two_pairs_that_write_one_record_see_each_other() {
    let acts = [
        edit(ONE, PHONE),
        edit(OTHER, PHONE),
        Act::Hear,
        start(),
        until(0, "claim"),
        start(),
        finish(1),
        finish(0),
    ];
    let setup = Setup { linked: 1, ..three() };
    tell(&setup, &acts, &[], &[Break::LeasePerLink]);
}

#[test]
fn the_lease_of_a_new_record_is_left_to_who_has_it() {
    let acts = [
        enter(ONE, CITY),
        enter_too(OTHER, CITY),
        Act::Hear,
        start(),
        until(0, "answer"),
        start(),
        until(1, "answer"),
        finish(0),
        finish(0),
    ];
    let setup = first_won_by(FirstLink::Remote, three());
    tell(&setup, &acts, &[], &[Break::ClearAnyLease]);
}

#[test]
fn a_creation_is_settled_although_another_pair_has_written_the_new_record() {
    // coreBOS stores codes in capitals: who does not settle what the answer said takes them for an edit.
    let code = 1;
    let acts =
        [enter(ONE, code), Act::Hear, start(), until(0, "settle"), Act::Hear, start(), finish(1), finish(0)];
    let setup = Setup { linked: 0, ..Setup::calm(2, Style::Lossy) };
    tell(&setup, &acts, &[(ONE, "code", "v001")], &[Break::SettleCreationsOnce]);
}

#[test]
fn records_that_meet_are_linked_before_they_are_written() {
    let acts = [
        enter(HUB, CITY),
        enter_too(ONE, PHONE),
        Act::Hear,
        Act::Start { which: 1 },
        until(0, "answer"),
        crash(),
        edit(ONE, PHONE),
        Act::Rest,
    ];
    let setup = Setup { linked: 0, ..plain() };
    tell(&setup, &acts, &[(HUB, "phone", "v003"), (ONE, "phone", "v003")], &[Break::WriteBeforeTheLink]);
}

#[test]
fn one_person_entered_in_two_systems_at_once_becomes_one_record() {
    let acts = [
        enter(ONE, CITY),
        enter_too(OTHER, PHONE),
        Act::Hear,
        start(),
        start(),
        until(0, "create"),
        until(1, "create"),
        finish(0),
        finish(0),
    ];
    tell(&three(), &acts, &[], &[Break::ClaimNoKey, Break::ClaimKeyPerPair]);
}

#[test]
fn who_has_looked_before_the_record_was_there_does_not_create_another() {
    let acts = [
        enter(ONE, CITY),
        enter_too(OTHER, PHONE),
        Act::Hear,
        start(),
        until(0, "claim"),
        start(),
        finish(1),
        finish(0),
    ];
    tell(&three(), &acts, &[], &[Break::ClaimNoKey, Break::ClaimKeyPerPair, Break::GiveTheKeyBack]);
}

#[test]
fn a_loser_stays_changed_until_the_winner_has_travelled() {
    // The winner is taken back before it has travelled.
    let acts = [
        edit(HUB, CITY),
        Act::Pass { seconds: 5 },
        edit(ONE, CITY),
        Act::Hear,
        start(),
        finish(0),
        blank(ONE, CITY),
        Act::Rest,
    ];
    tell(&plain(), &acts, &[(HUB, "city", "v002"), (ONE, "city", "v002")], &[Break::SettleTheLoser]);
}

#[test]
fn what_is_left_twice_within_a_second_is_told_twice() {
    let acts = [
        edit(ONE, PHONE),
        lost(),
        save(HUB, CITY),
        Act::Hear,
        start(),
        finish(0),
        start(),
        finish(0),
        lost(),
        edit(ONE, PHONE),
        lost(),
        save(HUB, CITY),
        Act::Hear,
        start(),
        finish(0),
    ];
    tell(&plain(), &acts, &[(HUB, "phone", "v003")], &[Break::ReuseAnId, Break::TellNothingLeft]);
}

#[test]
fn what_is_found_to_have_been_written_is_told_to_the_other_pairs() {
    let acts = [edit(ONE, PHONE), Act::Hear, start(), until(0, "send"), crash(), Act::Rest];
    let setup = Setup { linked: 1, deaf: true, ..three() };
    tell(&setup, &acts, &[(OTHER, "phone", "v002")], &[Break::RecoverInSilence, Break::TellNoOtherPair]);
    // And so is what is found to have been created.
    let acts = [enter(ONE, PHONE), Act::Hear, start(), until(0, "answer"), crash(), Act::Rest];
    let setup = Setup { deaf: true, ..three() };
    tell(&setup, &acts, &[(OTHER, "phone", "v001")], &[Break::RecoverInSilence]);
}

#[test]
fn what_is_pending_travels_although_the_push_that_saw_it_is_off() {
    let acts = [edit(HUB, PHONE), lost(), edit(ONE, PHONE), lost(), save(HUB, CITY), Act::Hear, Act::Rest];
    let mut setup = plain();
    setup.settings[0].to_remote = Operations { update: false, ..Operations::default() };
    tell(&setup, &acts, &[(HUB, "phone", "v003")], &[Break::BeSilentWhereItIsOff]);
}

#[test]
fn what_is_pending_for_a_direction_that_is_off_is_no_rival() {
    let acts = [edit(HUB, PHONE), edit(ONE, PHONE), Act::Rest];
    let mut setup = won_by(Winner::Corebos, plain());
    setup.settings[0].to_remote = Operations { update: false, ..Operations::default() };
    tell(&setup, &acts, &[(HUB, "phone", "v003")], &[Break::WaitForWhatIsOff]);
}

#[test]
fn a_refused_value_wins_nothing_and_is_not_waited_for() {
    let bad = Act::Edit { system: ONE, record: 0, field: PHONE, how: How::Bad };
    let acts = [enter(ONE, PHONE), enter_too(HUB, CITY), edit(HUB, PHONE), bad, Act::Rest];
    let setup = Setup { linked: 0, refusals: true, ..first_won_by(FirstLink::Remote, plain()) };
    tell(&setup, &acts, &[(ONE, "phone", "v003")], &[Break::WaitForRefused]);
}

#[test]
fn what_was_to_lose_against_a_refused_value_travels() {
    let bad = Act::Edit { system: ONE, record: 0, field: PHONE, how: How::Bad };
    let acts = [edit(HUB, PHONE), lost(), bad, Act::Hear, Act::Rest];
    let setup = Setup { refusals: true, ..won_by(Winner::Remote, plain()) };
    tell(&setup, &acts, &[(ONE, "phone", "v002")], &[Break::ForgetWhatWasToLose]);
}

#[test]
fn a_refused_creation_is_not_tried_again_because_the_clock_has_moved() {
    let bad = Act::Edit { system: HUB, record: 0, field: PHONE, how: How::Bad };
    let acts = [enter(HUB, PHONE), bad, Act::Rest, Act::Pass { seconds: 2 }, save(HUB, 1), Act::Rest];
    let setup = Setup { linked: 0, refusals: true, ..Setup::calm(1, Style::Lossy) };
    tell(&setup, &acts, &[], &[Break::RefuseByTheClock]);
}

#[test]
fn what_has_never_travelled_is_kept_when_the_blank_side_is_edited_first() {
    let acts = [
        enter(HUB, CITY),
        enter_too(ONE, PHONE),
        Act::Hear,
        start(),
        finish(0),
        edit(HUB, PHONE),
        Act::Hear,
        Act::Rest,
    ];
    let setup = Setup { linked: 0, ..plain() };
    tell(&setup, &acts, &[], &[Break::OverwriteWhatNeverTravelled]);
}
