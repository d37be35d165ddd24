//! Stories of a HubSpot: the tick, the recycle bin, merges into a third record, who wants to be forgotten. Every one of
//! them tells a broken rule from a whole one.

use model::{Link, LinkStatus};

use super::act::{Act, Fate, How};
use super::play::play;
use super::setup::{Setup, Style};
use super::stories::{CITY, HUB, NOBODY, ONE, OTHER, PHONE, edit, finish, start, tell};
use crate::sabotage::{Break, with_broken};
use crate::settings::Operations;

/// coreBOS and a HubSpot. One record is linked.
fn portal() -> Setup {
    Setup { hubspot: true, ..Setup::calm(1, Style::Plain) }
}

/// coreBOS, a Mautic and a HubSpot. One record is linked everywhere.
fn three() -> Setup {
    Setup { hubspot: true, ..Setup::calm(2, Style::Plain) }
}

/// coreBOS and a HubSpot that keeps lead records. Nobody tells of what the bridge writes.
fn leads() -> Setup {
    let edited = Style::Leads.people_edit().to_vec();
    Setup { hubspot: true, deaf: true, linked: 0, edited, ..Setup::calm(1, Style::Leads) }
}

fn tick(on: bool) -> Act {
    Act::Tick { record: 0, on }
}

fn delete(system: u8) -> Act {
    Act::Delete { system, record: 0 }
}

fn enter(system: u8) -> Act {
    Act::Create { system, person: 0, field: CITY, with_email: true }
}

#[test]
fn an_edit_in_mautic_reaches_hubspot_through_corebos_and_nothing_echoes() {
    let acts = [edit(ONE, PHONE), edit(OTHER, CITY), Act::Rest];
    let wanted =
        [(HUB, "phone", "v002"), (OTHER, "phone", "v002"), (HUB, "city", "v003"), (ONE, "city", "v003")];
    tell(&three(), &acts, &wanted, &[]);
    // Nobody tells of what the bridge writes: it tells so itself.
    let deaf = Setup { deaf: true, ..three() };
    tell(&deaf, &acts, &wanted, &[Break::TellNoOtherPair]);
}

#[test]
fn what_is_not_ticked_stays_where_it_is_and_travels_when_it_is_ticked_again() {
    let setup = Setup { ticks: true, ..three() };
    let acts = [tick(false), Act::Rest, edit(ONE, PHONE), edit(OTHER, CITY), Act::Rest];
    let wanted =
        [(HUB, "phone", "v002"), (OTHER, "phone", "v001"), (HUB, "city", ""), (OTHER, "city", "v003")];
    tell(&setup, &acts, &wanted, &[Break::IgnoreTheGate]);
    let acts = [&acts[..], &[tick(true), Act::Rest]].concat();
    let wanted = [(OTHER, "phone", "v002"), (HUB, "city", "v003"), (ONE, "city", "v003")];
    tell(&setup, &acts, &wanted, &[]);
}

#[test]
fn a_record_that_lost_its_tick_takes_nothing_with_it_when_it_is_deleted() {
    let acts = [tick(false), Act::Rest, delete(HUB), Act::Rest, edit(ONE, CITY), Act::Rest];
    let setup = Setup { ticks: true, deletes: true, ..portal() };
    tell(&setup, &acts, &[(ONE, "city", "v002")], &[Break::ForgetThePause]);
}

#[test]
fn a_tick_brings_in_what_hubspot_has_although_nothing_may_go_there() {
    let mut setup = Setup { linked: 0, ticks: true, ..portal() };
    setup.settings[0].to_remote = Operations { create: false, update: false, ..Operations::default() };
    let there = Act::Create { system: ONE, person: 1, field: PHONE, with_email: true };
    let acts = [enter(HUB), tick(false), there, Act::Rest, tick(true), Act::Rest];
    tell(&setup, &acts, &[(HUB, "phone", "v002"), (ONE, "city", "")], &[Break::KeepATickSecret]);
}

#[test]
fn what_rides_along_is_not_written_when_all_else_is_refused() {
    let bad = Act::Edit { system: ONE, record: 0, field: PHONE, how: How::Bad };
    let acts = [Act::Pass { seconds: 2 }, bad, Act::Rest];
    let setup = Setup { refusals: true, ..portal() };
    tell(&setup, &acts, &[(HUB, "phone", "v001")], &[Break::WriteWhatRidesAlong]);
}

#[test]
fn a_record_deleted_in_hubspot_comes_back_when_it_is_ticked_and_not_before() {
    let setup = Setup { deletes: true, ticks: true, ..portal() };
    let acts = [delete(ONE), Act::Rest, edit(HUB, CITY), Act::Rest];
    tell(&setup, &acts, &[(HUB, "hubspotdeleted", "1"), (ONE, "phone", NOBODY)], &[Break::IgnoreTheGate]);
    let acts = [&acts[..], &[tick(true), Act::Rest]].concat();
    tell(&setup, &acts, &[(ONE, "city", "v002")], &[Break::IgnoreClearedMarks]);
}

#[test]
fn a_record_deleted_in_corebos_goes_into_the_bin_and_one_that_is_restored_is_there_again() {
    let setup = Setup { deletes: true, restores: true, ..portal() };
    let acts = [delete(HUB), Act::Rest];
    tell(&setup, &acts, &[(ONE, "phone", NOBODY)], &[]);
    let acts = [&acts[..], &[Act::Restore { system: HUB, record: 0 }, edit(HUB, CITY), Act::Rest]].concat();
    tell(&setup, &acts, &[(ONE, "city", "v002")], &[]);
}

#[test]
fn a_contact_restored_in_hubspot_is_linked_again_and_ticked() {
    let setup = Setup { deletes: true, restores: true, ..portal() };
    let acts = [delete(ONE), Act::Rest, Act::Restore { system: ONE, record: 0 }, Act::Rest, edit(HUB, CITY)];
    let wanted = [(HUB, "hubspotsyncwith", "1"), (HUB, "hubspotdeleted", "0"), (ONE, "city", "v002")];
    tell(&setup, &acts, &wanted, &[Break::IgnoreRestores]);
}

#[test]
fn of_two_merged_in_hubspot_the_one_that_the_third_record_names_stays_linked() {
    let setup = Setup { merges: true, ..portal() };
    // The notice of the one that is merged away comes first.
    let merge = Act::Merge { system: ONE, winner: 1, loser: 0 };
    let first = Act::Webhook { which: 2, fate: Fate::Arrives };
    let acts = [enter(HUB), Act::Rest, merge, first, start(), finish(0), Act::Rest];
    let survivor_is_of = |hub: &str| {
        let played = play(&setup, &acts, 1, false);
        assert!(played.broken.is_none(), "{:?}", played.broken);
        let links = played.stage.store.links();
        let joined = |link: &Link| link.hub.id == hub && link.remote.id == "c3";
        links.iter().any(|link| link.status == LinkStatus::Active && joined(link))
    };
    assert!(survivor_is_of("C2"), "the winner's");
    assert!(with_broken(Break::AskNoSurvivor, || survivor_is_of("C1")), "nobody notices AskNoSurvivor");
}

#[test]
fn the_survivor_of_a_merge_in_corebos_keeps_the_contact_in_hubspot() {
    let setup = Setup { merges: true, ..portal() };
    let twin = Act::Create { system: HUB, person: 0, field: CITY, with_email: false };
    let merge = Act::Merge { system: HUB, winner: 1, loser: 0 };
    let lost = Act::Webhook { which: 0, fate: Fate::IsLost };
    // It is merged before it has a partner of its own, and only the delete is told.
    let acts = [twin, merge, lost.clone(), lost, Act::Rest];
    tell(&setup, &acts, &[(ONE, "city", "v002")], &[Break::LookForNoHeir]);
}

#[test]
fn who_wants_to_be_forgotten_is_forgotten() {
    let setup = Setup { deletes: true, erasures: true, ..portal() };
    let acts = [edit(ONE, PHONE), Act::Rest, Act::Erase { record: 0 }, Act::Rest];
    tell(&setup, &acts, &[(HUB, "hubspotdeleted", "1")], &[Break::ForgetNobody]);
}

#[test]
fn a_lead_has_one_record_beside_its_contact_whoever_is_pushed_first() {
    // The notice of a Lead is pushed through both pairs; here the record's turn comes before its contact is there.
    let acts = [enter(HUB), Act::Hear, Act::Start { which: 1 }, finish(0), start(), finish(0), Act::Rest];
    tell(&leads(), &acts, &[(ONE, "phone", "v001")], &[Break::ForgetTheChildren]);
}

#[test]
fn a_contact_of_hubspot_gets_its_record_although_nobody_tells_of_the_lead_that_the_bridge_has_made() {
    tell(&leads(), &[enter(ONE), Act::Rest], &[(HUB, "hubspotid", "c1")], &[Break::TellNoOtherPair]);
}

#[test]
fn labels_of_leads_travel_between_corebos_and_the_record_both_ways() {
    let label = 1;
    let acts = [enter(HUB), Act::Rest, edit(ONE, label), Act::Rest, edit(HUB, PHONE), Act::Rest];
    tell(&leads(), &acts, &[(HUB, "city", "v002"), (ONE, "phone", "v003")], &[]);
    let acts = [&acts[..], &[edit(HUB, label), Act::Rest]].concat();
    tell(&leads(), &acts, &[(HUB, "city", "v004")], &[]);
    // Nobody hears of an edit of the record; the next write to it finds what is left to travel.
    let lost = Act::Webhook { which: 0, fate: Fate::IsLost };
    let acts = [enter(HUB), Act::Rest, edit(ONE, label), lost, edit(HUB, PHONE), Act::Rest];
    tell(&leads(), &acts, &[(HUB, "city", "v002"), (ONE, "phone", "v003")], &[Break::TellNothingLeft]);
}
