//! Imports of what changed: an edited map is applied, and takes nothing that people have written.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Direction, Side};
use sync::PairSettings;
use sync::import::{Difference, Foreseen, ImportOptions, Imported, Scope};
use sync::memory::MemoryImports;

use super::{Watch, block, foreseen, importing, person};
use crate::world::World;

fn upper(xml: &str) -> String {
    xml.replacen(
        "<OrgfieldName>lastname</OrgfieldName>",
        "<OrgfieldName>uppercase(lastname)</OrgfieldName><OrgfieldID>EXPRESSION</OrgfieldID>",
        1,
    )
}

/// Some linked people, and then the map into coreBOS is edited: last names in capitals.
fn edited_world(applies: bool) -> (World, Vec<String>) {
    let mut world = World::new(PairSettings::default());
    let mut hubs = Vec::new();
    for number in 0..10 {
        let fields =
            [("firstname", "P"), ("lastname", &format!("Name{number}")), ("email", &format!("{number}@x"))];
        let id = world.remote.person_creates(&fields);
        world.run_until_quiet();
        hubs.push(world.partner(Side::Remote, &id).unwrap());
    }
    world.edited_map_to_hub(upper, applies);
    (world, hubs)
}

fn changed(world: &World) -> (Foreseen, Imported, Vec<Difference>) {
    let options = ImportOptions { scope: Scope::EditedMaps, ..ImportOptions::new("changed") };
    let watch = Watch::default();
    let seen = foreseen(world, Direction::ToHub, &options, &watch);
    let lanes = world.lanes(Direction::ToHub, 1);
    let done = block(importing(lanes, &MemoryImports::default(), &options, &Arc::default())).unwrap();
    (seen, done, watch.differences.into_inner().unwrap())
}

#[test]
fn an_edited_map_writes_nothing_until_it_is_applied() {
    let (world, hubs) = edited_world(false);
    let before = world.hub.api_writes().len();
    let (_, done, _) = changed(&world);
    assert_eq!(
        world.hub.api_writes().len(),
        before,
        "coreBOS wins by the setting first_link: {:?}",
        done.tally
    );
    assert_eq!(world.hub.value(&hubs[0], "lastname").as_deref(), Some("Name0"));
}

#[test]
fn an_edited_map_is_applied_to_linked_records_and_shown_before() {
    let (world, hubs) = edited_world(true);
    person(&world, Side::Remote, "Nobody", "new@x", "");
    let (seen, done, differences) = changed(&world);
    assert_eq!(seen.tally, done.tally);
    assert_eq!(
        done.tally.0,
        BTreeMap::from([("skipped/not_linked".to_owned(), 1), ("updated".to_owned(), 10)])
    );
    assert_eq!(world.hub.value(&hubs[0], "lastname").as_deref(), Some("NAME0"));
    let first = &differences[0].fields[0];
    assert_eq!(
        (first.field.as_str(), first.from.as_str(), first.to.as_str()),
        ("lastname", "Name0", "NAME0")
    );
}

#[test]
fn what_people_have_made_of_a_field_is_not_blanked_by_an_edited_map() {
    let (mut world, hubs) = edited_world(true);
    // In Mautic it is blank now, and somebody has written another name into coreBOS; neither has travelled.
    let remote = world.partner(Side::Hub, &hubs[0]).unwrap();
    world.hub.person_edits(&hubs[0], &[("lastname", "Hers")]);
    world.remote.person_edits(&remote, &[("lastname", "")]);
    let (seen, done, _) = changed(&world);
    assert_eq!(seen.tally, done.tally);
    world.run_until_quiet();
    assert_eq!(world.hub.value(&hubs[0], "lastname").as_deref(), Some("Hers"));
}
