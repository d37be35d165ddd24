//! Acts: what a schedule is made of.

use super::chance::Chance;
use super::setup::Setup;

/// One thing that happens. Records, fields and pushes are named by numbers that are taken modulo what is there, so
/// that any part of a schedule is a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    /// A person who is new, or known to another system already, is entered.
    Create {
        system: u8,
        person: u8,
        field: u8,
        with_email: bool,
    },
    /// Somebody changes a field: to a new value, to a blank, or to what another system has.
    Edit {
        system: u8,
        record: u8,
        field: u8,
        how: How,
    },
    Delete {
        system: u8,
        record: u8,
    },
    DeleteMany {
        system: u8,
    },
    Merge {
        system: u8,
        winner: u8,
        loser: u8,
    },
    Restore {
        system: u8,
        record: u8,
    },
    /// Somebody says in coreBOS whether a record goes to HubSpot.
    Tick {
        record: u8,
        on: bool,
    },
    /// An administrator clears the mark that says that a remote has deleted a record.
    ClearMark {
        remote: u8,
        record: u8,
    },
    /// Somebody wants to be forgotten in HubSpot.
    Erase {
        record: u8,
    },
    ReuseId {
        system: u8,
        record: u8,
    },
    EditMap {
        remote: u8,
    },
    /// Everything that has begun is brought to an end.
    Rest,
    /// Every webhook that is on its way arrives.
    Hear,
    /// A webhook arrives, twice, or never.
    Webhook {
        which: u8,
        fate: Fate,
    },
    /// A push begins.
    Start {
        which: u8,
    },
    /// A push makes this many calls.
    Steps {
        push: u8,
        calls: u8,
    },
    /// A push goes on until it is about to make this call.
    Until {
        push: u8,
        call: &'static str,
    },
    /// A push goes on until it is done.
    Finish {
        push: u8,
    },
    /// A push dies.
    Crash {
        push: u8,
    },
    Pass {
        seconds: u8,
    },
    /// The next write of a system goes wrong.
    Fault {
        system: u8,
        answer_lost: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    New,
    Blank,
    LikeAnother,
    /// A value that coreBOS refuses where the setup says so.
    Bad,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Arrives,
    ArrivesTwice,
    IsLost,
}

/// Where pushes are stopped on purpose: before what must not come too early, and between what belongs together.
const CALLS: &[&str] = &[
    "claim", "claim", "update", "update", "answer", "answer", "settle", "settle", "create", "send", "read",
    "state", "link", "find",
];

/// The acts of a schedule.
pub(crate) fn by_chance(setup: &Setup, chance: &mut Chance) -> Vec<Act> {
    if setup.race {
        return race(setup, chance);
    }
    let count = 3 + chance.below(if setup.records_end() { 30 } else { 40 });
    let webhooks = chance.pick(&[6, 10]);
    let create = if setup.linked == 0 { 4 } else { 1 };
    let on = |yes: bool, weight: u32| if yes { weight } else { 0 };
    let weights = [
        create,
        8,
        on(setup.deletes, 2),
        on(setup.brake, 2),
        on(setup.merges, 2),
        on(setup.restores, 2),
        on(setup.used_ids, 2),
        on(setup.map_edits, 1),
        webhooks,
        9,
        3,
        9,
        5,
        on(setup.crashes, 3),
        2,
        on(setup.faults, 2),
        if setup.records_end() { 3 } else { 1 },
        on(setup.ticks, 3),
        on(setup.erasures, 2),
        on(setup.clears, 3),
    ];
    (0..count).map(|_| one(setup, chance, &weights)).collect()
}

/// Edits of one record, and pushes of it that are stopped wherever it matters: everything close together.
fn race(setup: &Setup, chance: &mut Chance) -> Vec<Act> {
    let mut acts = Vec::new();
    for _ in 0..=chance.below(4) {
        scene(setup, chance, &mut acts);
        if chance.one_in(3) {
            acts.push(Act::Rest);
        }
        for _ in 0..chance.below(6) {
            acts.push(any_of_a_race(setup, chance));
        }
    }
    acts
}

fn any_of_a_race(setup: &Setup, chance: &mut Chance) -> Act {
    let on = |yes: bool, weight: u32| if yes { weight } else { 0 };
    let weights = [
        6,
        5,
        6,
        8,
        6,
        2,
        on(setup.crashes, 2),
        on(setup.crashes, 2),
        on(setup.losses, 2),
        on(setup.faults, 2),
        on(setup.ticks, 2),
    ];
    match chance.weighted(&weights) {
        0 => edit(setup, chance),
        1 => Act::Hear,
        2 => Act::Start { which: chance.byte() },
        3 => until(chance),
        4 => Act::Finish { push: chance.byte() },
        5 => Act::Steps { push: chance.byte(), calls: 1 + chance.byte() % 3 },
        6 => Act::Crash { push: chance.byte() },
        7 => Act::Pass { seconds: chance.pick(&[2, 61]) },
        8 => Act::Webhook { which: chance.byte(), fate: fate(setup, chance) },
        9 => Act::Fault { system: chance.byte(), answer_lost: !chance.one_in(4) },
        _ => tick(chance),
    }
}

fn until(chance: &mut Chance) -> Act {
    Act::Until { push: chance.byte(), call: chance.pick(CALLS) }
}

/// Two pushes of one record are stopped somewhere, somebody edits meanwhile, and they go on in any order or die.
fn scene(setup: &Setup, chance: &mut Chance, acts: &mut Vec<Act>) {
    for _ in 0..=chance.below(2) {
        let meet = setup.linked == 0 || chance.one_in(12);
        acts.push(if meet { meeting(chance) } else { edit(setup, chance) });
        if meet {
            acts.push(meeting(chance));
        }
    }
    acts.extend([Act::Hear, Act::Start { which: chance.byte() }]);
    if chance.one_in(2) {
        acts.push(until(chance));
    }
    acts.extend([Act::Start { which: chance.byte() }, until(chance), until(chance)]);
    if !chance.one_in(3) {
        acts.push(edit(setup, chance));
    }
    if chance.one_in(3) {
        acts.push(Act::Hear);
    }
    for _ in 0..2 {
        acts.push(match chance.below(4) {
            0 if setup.crashes => Act::Crash { push: chance.byte() },
            1 => until(chance),
            _ => Act::Finish { push: chance.byte() },
        });
    }
    if setup.crashes && chance.one_in(3) {
        acts.push(Act::Pass { seconds: 61 });
    }
}

/// Somebody who may be known elsewhere already.
fn meeting(chance: &mut Chance) -> Act {
    let person = chance.byte();
    Act::Create { system: chance.byte(), person, field: chance.byte(), with_email: true }
}

fn edit(setup: &Setup, chance: &mut Chance) -> Act {
    Act::Edit { system: chance.byte(), record: chance.byte(), field: chance.byte(), how: how(setup, chance) }
}

fn one(setup: &Setup, chance: &mut Chance, weights: &[u32]) -> Act {
    let system = chance.byte();
    match chance.weighted(weights) {
        0 => {
            Act::Create { system, person: chance.byte(), field: chance.byte(), with_email: !chance.one_in(4) }
        }
        1 => edit(setup, chance),
        2 => Act::Delete { system, record: chance.byte() },
        3 => Act::DeleteMany { system },
        4 => Act::Merge { system, winner: chance.byte(), loser: chance.byte() },
        5 => Act::Restore { system, record: chance.byte() },
        6 => Act::ReuseId { system, record: chance.byte() },
        7 => Act::EditMap { remote: chance.byte() },
        8 => Act::Webhook { which: chance.byte(), fate: fate(setup, chance) },
        9 => Act::Start { which: chance.byte() },
        10 => Act::Steps { push: chance.byte(), calls: 1 + chance.byte() % 8 },
        11 => Act::Until { push: chance.byte(), call: chance.pick(CALLS) },
        12 => Act::Finish { push: chance.byte() },
        13 => Act::Crash { push: chance.byte() },
        14 => Act::Pass { seconds: if chance.one_in(3) { 61 } else { 1 + chance.byte() % 5 } },
        15 => Act::Fault { system, answer_lost: !chance.one_in(4) },
        16 => Act::Rest,
        17 => tick(chance),
        18 => Act::Erase { record: chance.byte() },
        _ => Act::ClearMark { remote: chance.byte(), record: chance.byte() },
    }
}

fn tick(chance: &mut Chance) -> Act {
    Act::Tick { record: chance.byte(), on: !chance.one_in(3) }
}

fn how(setup: &Setup, chance: &mut Chance) -> How {
    if setup.refusals && chance.one_in(3) {
        return How::Bad;
    }
    match chance.below(10) {
        0 | 1 => How::Blank,
        2 | 3 => How::LikeAnother,
        _ => How::New,
    }
}

fn fate(setup: &Setup, chance: &mut Chance) -> Fate {
    match chance.below(8) {
        0 => Fate::ArrivesTwice,
        1..=3 if setup.losses => Fate::IsLost,
        _ => Fate::Arrives,
    }
}
