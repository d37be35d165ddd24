//! Imports of stocks of any kind: nothing is blanked, nothing doubled, and a preview says what will be.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use model::{Direction, Side};
use proptest::prelude::*;
use sync::PairSettings;
use sync::import::{Ended, ImportOptions};
use sync::memory::{MemoryImports, MemorySystem};
use sync::settings::FirstLink;

use super::{Watch, block, foreseen, imported, importing, person, snapshot};
use crate::world::{SHARED, World};

/// People: in coreBOS, in Mautic, which e-mail, and which names and phones, some of them blank.
fn stocks() -> impl Strategy<Value = Vec<(bool, bool, usize, [usize; 4])>> {
    prop::collection::vec((any::<bool>(), any::<bool>(), 0..8_usize, [0..3_usize, 0..3, 0..3, 0..3]), 1..24)
}

fn stocked(world: &World, people: &[(bool, bool, usize, [usize; 4])]) {
    let name = |number: usize| ["", "Ana", "Bea"][number];
    let phone = |number: usize| ["", "600", "700"][number];
    let mut hubs = Vec::new();
    for (hub, remote, email, [a, b, c, d]) in people {
        // Some share an e-mail, some have none. Of more than three a search names three, and which is chance.
        let email = if *email < 6 { format!("{email}@x") } else { String::new() };
        let has = |system: &MemorySystem, id: &String| system.value(id, "email") == Some(email.clone());
        let some = |system: &MemorySystem| system.ids().iter().filter(|id| has(system, id)).count();
        if !email.is_empty() && some(&world.hub).max(some(&world.remote)) >= 3 {
            continue;
        }
        if *hub {
            hubs.push(person(world, Side::Hub, name(*a), &email, phone(*b)));
        }
        if *remote {
            let id = person(world, Side::Remote, name(*c), &email, phone(*d));
            if (a + b + c + d) % 5 == 0 {
                let carried = hubs.last().cloned().unwrap_or_else(|| "12x99".to_owned());
                world.remote.person_edits(&id, &[("corebos_id", &carried)]);
            }
        }
    }
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 120, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_first_meeting_never_blanks_and_never_doubles(
        people in stocks(),
        first_remote in any::<bool>(),
        from_hub in any::<bool>(),
        lanes in 1..4_usize,
    ) {
        let first_link = if first_remote { FirstLink::Remote } else { FirstLink::Corebos };
        let world = World::new(PairSettings { first_link, ..PairSettings::default() });
        stocked(&world, &people);
        let before = (snapshot(&world.hub), snapshot(&world.remote));
        let ways = [Direction::ToHub, Direction::ToRemote];
        let way = ways[usize::from(from_hub)];
        for direction in [way, way.reverse()] {
            prop_assert_eq!(imported(&world, direction, lanes).ended, Ended::Complete);
        }
        for (system, before) in [(&world.hub, before.0), (&world.remote, before.1)] {
            for (id, fields) in before {
                for (field, value) in fields {
                    let now = system.value(&id, field).unwrap_or_default();
                    prop_assert!(value.is_empty() || !now.is_empty(), "{field} of {id} was {value:?}");
                }
            }
        }
        let links = world.store.links();
        for side in [Side::Hub, Side::Remote] {
            let linked: BTreeSet<_> = links.iter().map(|link| link.record(side).clone()).collect();
            prop_assert_eq!(linked.len(), links.len(), "one link per record");
        }
        // Nobody was made anew whose e-mail was there: each e-mail has as many records as its fuller side had.
        prop_assert!(world.store.leased().is_empty());
    }

    #[test]
    fn a_preview_writes_nothing_and_says_what_the_import_then_does(
        people in stocks(),
        first_remote in any::<bool>(),
        from_hub in any::<bool>(),
        already in 0..3_usize,
    ) {
        let first_link = if first_remote { FirstLink::Remote } else { FirstLink::Corebos };
        let world = World::new(PairSettings { first_link, ..PairSettings::default() });
        let direction = if from_hub { Direction::ToRemote } else { Direction::ToHub };
        let (earlier, later) = people.split_at(people.len() * already / 3);
        stocked(&world, earlier);
        imported(&world, direction, 1);
        stocked(&world, later);
        let writes = |world: &World| {
            [&world.hub, &world.remote].map(|system| (system.api_writes().len(), system.api_creates()))
        };
        let before = (writes(&world), world.store.links(), world.store.parked().len());
        let watch = Watch::default();
        let foreseen = foreseen(&world, direction, &ImportOptions::new("run"), &watch);
        prop_assert_eq!(&before, &(writes(&world), world.store.links(), world.store.parked().len()));
        prop_assert!(world.store.leased().is_empty());
        let imported = imported(&world, direction, 1);
        prop_assert_eq!(foreseen.tally, imported.tally);
    }

    #[test]
    fn an_import_beside_live_pushes_and_edits_loses_nothing_and_doubles_nothing(
        people in stocks(),
        seed in prop::collection::vec(any::<u8>(), 200..600),
    ) {
        let mut world = World::new(PairSettings::default());
        stocked(&world, &people);
        let mut running =
            importing(world.lanes(Direction::ToHub, 2), &MemoryImports::default(), &ImportOptions::new("run"), &Arc::default());
        let mut context = Context::from_waker(Waker::noop());
        let mut done = false;
        let mut names = 0;
        for byte in seed {
            match byte % 8 {
                0 => world.webhooks(|_| 1),
                1 => {
                    let side = if byte > 127 { Side::Hub } else { Side::Remote };
                    let ids = world.system(side).ids();
                    if let Some(id) = ids.get(usize::from(byte) % ids.len().max(1)) {
                        names += 1;
                        world.clock.advance(Duration::from_secs(1));
                        world.system(side).person_edits(id, &[("lastname", &format!("edit {names}"))]);
                    }
                }
                2 => drop(world.start(usize::from(byte))),
                3 | 4 => world.step(usize::from(byte)),
                _ => done = done || running.as_mut().poll(&mut context).is_ready(),
            }
        }
        if !done {
            prop_assert_eq!(block(running).unwrap().ended, Ended::Complete);
        }
        world.run_until_quiet();
        for link in world.store.links() {
            for field in SHARED {
                let (hub, remote) = (world.hub.value(&link.hub.id, field), world.remote.value(&link.remote.id, field));
                prop_assert_eq!(hub, remote, "{} of {} and {}", field, &link.hub, &link.remote);
            }
        }
        let created = world.hub.ids().len();
        world.poll_everything();
        world.run_until_quiet();
        prop_assert_eq!(created, world.hub.ids().len());
    }
}
