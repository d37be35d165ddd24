//! Random schedules: edits, creates, deletes and merges on both sides, lost and repeated webhooks, interleaved
//! pushes, crashes between any two steps, lost answers. At the end everything is let run until quiet.

use std::collections::BTreeMap;
use std::time::Duration;

use model::Side;
use proptest::prelude::*;
use sync::PairSettings;
use sync::memory::system::MemoryFault;

use crate::world::{SHARED, World};

#[derive(Clone, Debug)]
enum Act {
    Create { hub: bool, person: u8 },
    Edit { hub: bool, record: u8, field: u8, value: u8 },
    Delete { record: u8 },
    Merge { winner: u8, loser: u8 },
    Webhooks { arrive: u8 },
    Start(u8),
    Steps { task: u8, steps: u8 },
    Crash(u8),
    Pass { seconds: u8 },
    LoseAnswer { hub: bool },
}

fn acts(deletes: bool) -> impl Strategy<Value = Vec<Act>> {
    let one = if deletes { prop_oneof![12 => living(), 1 => dying()].boxed() } else { living().boxed() };
    prop::collection::vec(one, 1..60)
}

fn dying() -> impl Strategy<Value = Act> {
    prop_oneof![
        any::<u8>().prop_map(|record| Act::Delete { record }),
        (any::<u8>(), any::<u8>()).prop_map(|(winner, loser)| Act::Merge { winner, loser }),
    ]
}

fn living() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (any::<bool>(), 0..4u8).prop_map(|(hub, person)| Act::Create { hub, person }),
        8 => (any::<bool>(), any::<u8>(), 0..4u8, 0..5u8)
            .prop_map(|(hub, record, field, value)| Act::Edit { hub, record, field, value }),
        6 => (0..8u8).prop_map(|arrive| Act::Webhooks { arrive }),
        10 => any::<u8>().prop_map(Act::Start),
        20 => (any::<u8>(), 1..12u8).prop_map(|(task, steps)| Act::Steps { task, steps }),
        2 => any::<u8>().prop_map(Act::Crash),
        3 => (1..20u8).prop_map(|seconds| Act::Pass { seconds }),
        1 => any::<bool>().prop_map(|hub| Act::LoseAnswer { hub }),
    ]
}

fn side(hub: bool) -> Side {
    if hub { Side::Hub } else { Side::Remote }
}

fn pick(ids: &[String], n: u8) -> Option<&String> {
    (!ids.is_empty()).then(|| &ids[usize::from(n) % ids.len()])
}

/// What people did, for the claims at the end.
#[derive(Default)]
struct Deeds {
    /// (side, id, field) to the values that people gave it, in order.
    edits: BTreeMap<(Side, String, String), Vec<String>>,
    count: usize,
    disturbed: bool,
}

/// How a schedule ends and what may get lost in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Net {
    /// Webhooks get lost; the poll finds every record at the end.
    Poll,
    /// Every webhook arrives, and nothing else comes.
    WebhooksOnly,
}

fn play(world: &mut World, acts: &[Act], net: Net) -> Deeds {
    let mut deeds = Deeds::default();
    for act in acts {
        match act {
            Act::Create { hub, person } => {
                let (name, email) =
                    (format!("L{person}"), format!("p{}-{}@example.org", person, deeds.count));
                let at = side(*hub);
                let id = world.system(at).person_creates(&[("lastname", &name), ("email", &email)]);
                for (field, value) in [("lastname", name), ("email", email)] {
                    deeds.edits.entry((at, id.clone(), field.to_owned())).or_default().push(value);
                }
                deeds.count += 1;
            }
            Act::Edit { hub, record, field, value } => {
                let at = side(*hub);
                let ids = world.system(at).ids();
                let Some(id) = pick(&ids, *record) else { continue };
                // E-mails stay what they are: changing one changes who is meant.
                let field = ["firstname", "lastname", "phone"][usize::from(*field) % 3];
                let value = if *value == 0 { String::new() } else { format!("v{value}-{}", deeds.count) };
                world.system(at).person_edits(id, &[(field, &value)]);
                deeds.edits.entry((at, id.clone(), field.to_owned())).or_default().push(value);
                deeds.count += 1;
            }
            Act::Delete { record } => {
                let ids = world.remote.ids();
                if let Some(id) = pick(&ids, *record) {
                    world.remote.person_deletes(id);
                    deeds.disturbed = true;
                }
            }
            Act::Merge { winner, loser } => {
                let ids = world.remote.ids();
                if let (Some(winner), Some(loser)) = (pick(&ids, *winner), pick(&ids, *loser))
                    && winner != loser
                {
                    world.remote.person_merges(winner, loser);
                    deeds.disturbed = true;
                }
            }
            Act::Webhooks { arrive } => {
                world.webhooks(|index| match (*arrive as usize + index) % 8 {
                    0 | 1 if net == Net::Poll => 0,
                    2 => 2,
                    _ => 1,
                });
            }
            Act::Start(n) => {
                world.start(usize::from(*n));
            }
            Act::Steps { task, steps } => {
                for _ in 0..*steps {
                    world.step(usize::from(*task));
                }
            }
            Act::Crash(n) => world.crash(usize::from(*n)),
            Act::Pass { seconds } => world.clock.advance(Duration::from_secs(u64::from(*seconds))),
            Act::LoseAnswer { hub } => world.system(side(*hub)).fail_next(MemoryFault::AnswerLost),
        }
    }
    world.run_until_quiet();
    if net == Net::Poll {
        for _ in 0..3 {
            world.clock.advance(Duration::from_secs(120));
            world.poll_everything();
            world.run_until_quiet();
        }
    }
    deeds
}

fn generous() -> PairSettings {
    PairSettings { writes_per_link: 10_000, deletes_per_hour: 10_000, ..PairSettings::default() }
}

/// Both sides agree on every field that both maps carry, for every pair of living records.
fn both_sides_agree(world: &World) -> Result<(), TestCaseError> {
    for link in world.store.links() {
        if link.status != model::LinkStatus::Active {
            continue;
        }
        for field in SHARED {
            let hub = world.hub.value(&link.hub.id, field);
            let remote = world.remote.value(&link.remote.id, field);
            prop_assert_eq!(hub, remote, "{} of {} and {}", field, link.hub, link.remote);
        }
    }
    prop_assert!(world.store.leased().is_empty(), "leases are left: {:?}", world.store.leased());
    Ok(())
}

/// Fields that are made of others on the other side are what they are made of now: they travel by their own notices.
fn derived_fields_follow(world: &World) -> Result<(), TestCaseError> {
    let joined = |system: &sync::memory::MemorySystem, id: &str, parts: [&str; 2], between: &str| {
        let parts = parts.map(|field| system.value(id, field).unwrap_or_default());
        // What coreBOS makes of a delimiter: it is cut off at the end, as a set of characters.
        let delimiter: Vec<char> = between.chars().collect();
        parts.join(between).trim_end_matches(&delimiter[..]).trim().to_owned()
    };
    for link in world.store.links() {
        let label = joined(&world.remote, &link.remote.id, ["firstname", "lastname"], " ");
        prop_assert_eq!(world.hub.value(&link.hub.id, "label"), Some(label), "label of {}", link.hub);
        let greeting = joined(&world.hub, &link.hub.id, ["firstname", "phone"], "/");
        prop_assert_eq!(
            world.remote.value(&link.remote.id, "greeting"),
            Some(greeting),
            "greeting of {}",
            link.remote
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn both_sides_converge_nothing_is_doubled_and_uncontested_edits_survive(acts in acts(false)) {
        let mut world = World::with_derived_fields(generous());
        let deeds = play(&mut world, &acts, Net::Poll);
        derived_fields_follow(&world)?;
        both_sides_agree(&world)?;
        // Every living record has exactly one partner.
        prop_assert_eq!(world.hub.ids().len(), world.remote.ids().len(), "records are doubled or missing");
        prop_assert_eq!(world.store.links().len(), world.hub.ids().len());
        prop_assert!(world.store.parked().is_empty(), "parked: {:?}", world.store.parked());
        for ((at, id, field), values) in &deeds.edits {
            let partner = world.partner(*at, id).expect("linked");
            if deeds.edits.contains_key(&(at.other(), partner, field.clone())) {
                continue;
            }
            let last = values.last().expect("edited");
            let now = world.system(*at).value(id, field);
            prop_assert_eq!(now.as_ref(), Some(last), "{} of {} was lost", field, id);
        }
    }

    #[test]
    fn deletes_and_merges_converge_and_bring_nothing_back(acts in acts(true)) {
        let mut world = World::with_derived_fields(generous());
        play(&mut world, &acts, Net::Poll);
        both_sides_agree(&world)?;
        // A record of the other side has at most one partner, and none was created for a marked one.
        let mut partners = BTreeMap::new();
        for link in world.store.links() {
            if link.status == model::LinkStatus::Active {
                prop_assert!(partners.insert(link.remote.clone(), link.hub.clone()).is_none());
            }
        }
        let writes = world.hub.api_writes().len() + world.remote.api_writes().len();
        world.poll_everything();
        world.run_until_quiet();
        prop_assert_eq!(world.hub.api_writes().len() + world.remote.api_writes().len(), writes, "it never comes to rest");
    }

    #[test]
    fn nothing_waits_for_a_poll_when_every_webhook_arrives(acts in acts(false)) {
        let mut world = World::with_derived_fields(generous());
        play(&mut world, &acts, Net::WebhooksOnly);
        both_sides_agree(&world)?;
        derived_fields_follow(&world)?;
    }
}
