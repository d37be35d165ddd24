//! Maps of which coreBOS evaluates some fields itself.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use mapping::{MapError, Semantics};
use model::{Direction, Fields, PairKind, Side};
use sync::memory::system::MemoryMap;
use sync::{ConnectorError, MapOrigin, PairMap, PairSettings, pair_spec};

use crate::world::World;

/// What a rule of coreBOS decides from the lead source, which no other field of the map reads.
const COMPANY: &str = "<field><fieldname>company</fieldname><Orgfields><Orgfield><OrgfieldName>lastname</OrgfieldName>\
    <OrgfieldID>RULE</OrgfieldID><Rule>Segments</Rule></Orgfield></Orgfields></field>";

/// What is never the same.
const LUCKY: &str = "<field><fieldname>owner</fieldname><Orgfields><Orgfield><OrgfieldName>faker('name')</OrgfieldName>\
    <OrgfieldID>EXPRESSION</OrgfieldID></Orgfield></Orgfields></field>";

/// coreBOS evaluates the whole map; only what nobody else can evaluate is taken from it.
fn by_lead_source(record: &BTreeMap<String, String>) -> Fields {
    static DRAWN: AtomicU32 = AtomicU32::new(0);
    let segment =
        if record.get("leadsource").is_some_and(|source| source == "Partner") { "gold" } else { "tin" };
    let lucky = format!("name {}", DRAWN.fetch_add(1, Ordering::Relaxed));
    [("company", segment), ("lastname", "encoded by coreBOS"), ("owner", lucky.as_str())]
        .into_iter()
        .collect()
}

fn world(fields: &[&str]) -> World {
    let mut world = World::new(PairSettings::default());
    world.map_to_remote_is_in_corebos_and_gets(&fields.concat());
    world.hub.has_map("49x7", |record| Ok(by_lead_source(record)));
    world
}

fn ana(world: &World) -> String {
    world.hub.person_creates(&[
        ("lastname", "Pérez"),
        ("email", "ana@example.org"),
        ("leadsource", "Partner"),
    ])
}

fn there(world: &World, hub: &str, field: &str) -> String {
    let remote = world.partner(Side::Hub, hub).unwrap();
    world.remote.value(&remote, field).unwrap()
}

#[test]
fn what_only_corebos_can_evaluate_arrives_and_the_rest_is_evaluated_here() {
    let mut world = world(&[COMPANY]);
    let ana = ana(&world);
    world.run_until_quiet();
    assert_eq!(
        (there(&world, &ana, "company"), there(&world, &ana, "lastname")),
        ("gold".into(), "Pérez".into())
    );
}

#[test]
fn a_value_that_changes_by_what_the_map_does_not_show_travels_too_and_comes_to_rest() {
    let mut world = world(&[COMPANY]);
    let ana = ana(&world);
    world.run_until_quiet();
    let writes = world.remote.api_writes().len();
    world.hub.person_edits(&ana, &[("leadsource", "Cold Call")]);
    world.run_until_quiet();
    assert_eq!(there(&world, &ana, "company"), "tin");
    assert_eq!(world.remote.api_writes().len(), writes + 1);
}

#[test]
fn a_contact_of_the_other_system_gets_the_value_back_once() {
    let mut world = world(&[COMPANY]);
    let remote = world.remote.person_creates(&[("lastname", "Pérez"), ("email", "ana@example.org")]);
    world.run_until_quiet();
    // The map into coreBOS makes the lead source a constant.
    assert_eq!(world.remote.value(&remote, "company").as_deref(), Some("tin"));
    let written: Vec<_> =
        world.remote.api_writes().into_iter().filter(|(_, fields)| fields.contains_key("company")).collect();
    assert_eq!(written.len(), 1, "{written:?}");
}

#[test]
fn what_is_never_the_same_rides_along_and_is_no_change_itself() {
    let mut world = world(&[LUCKY]);
    let ana = ana(&world);
    world.run_until_quiet();
    let (first, writes) = (there(&world, &ana, "owner"), world.remote.api_writes().len());
    assert!(first.starts_with("name "), "{first}");
    world.hub.person_edits(&ana, &[("contact_points", "5")]);
    world.run_until_quiet();
    assert_eq!((there(&world, &ana, "owner"), world.remote.api_writes().len()), (first.clone(), writes));
    world.hub.person_edits(&ana, &[("phone", "555")]);
    world.run_until_quiet();
    assert_ne!(there(&world, &ana, "owner"), first);
}

#[test]
fn an_edit_of_such_a_field_there_is_overwritten_by_the_next_change_and_kept_in_the_history() {
    let mut world = world(&[COMPANY]);
    world.map_to_hub_gets(
        "<field><fieldname>account_id</fieldname><Orgfields><Orgfield><OrgfieldName>company</OrgfieldName></Orgfield></Orgfields></field>",
    );
    let ana = ana(&world);
    world.run_until_quiet();
    let remote = world.partner(Side::Hub, &ana).unwrap();
    world.remote.take_events();
    world.remote.person_edits(&remote, &[("company", "by hand")]);
    // The webhook of this edit is lost; the other side's edit comes first.
    world.remote.take_events();
    world.hub.person_edits(&ana, &[("leadsource", "Cold Call")]);
    world.run_until_quiet();
    assert_eq!(there(&world, &ana, "company"), "tin");
    let link = &world.store.links()[0];
    let lost: Vec<_> = world.store.history(&link.id).into_iter().flat_map(|entry| entry.lost).collect();
    assert!(lost.iter().any(|lost| lost.value.as_text() == Some("by hand")), "{lost:?}");
}

#[test]
fn an_evaluation_that_breaks_off_is_asked_for_again() {
    fn shaky(record: &BTreeMap<String, String>) -> Result<Fields, ConnectorError> {
        static CALLS: AtomicU32 = AtomicU32::new(0);
        if CALLS.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) {
            return Err(ConnectorError::Doubtful { detail: "HTTP 500".to_owned() });
        }
        Ok(by_lead_source(record))
    }
    let mut world = world(&[COMPANY]);
    world.hub.has_map("49x7", shaky);
    let ana = ana(&world);
    world.run_until_quiet();
    assert_eq!(there(&world, &ana, "company"), "gold");
    assert!(world.store.parked().is_empty());
}

#[test]
fn a_map_that_corebos_cannot_evaluate_parks_its_fields_and_the_others_arrive() {
    let mut world = world(&[COMPANY]);
    let ana = ana(&world);
    world.run_until_quiet();
    let broken: [(&str, MemoryMap); 3] = [
        ("501", |_| Err(ConnectorError::Doubtful { detail: "HTTP 500".to_owned() })),
        ("502", |_| Err(ConnectorError::Rejected { message: "no rule".to_owned(), fields: BTreeMap::new() })),
        ("503", |_| Err(ConnectorError::Misconfigured { detail: "there is no map".to_owned() })),
    ];
    for (phone, map) in broken {
        world.hub.has_map("49x7", map);
        world.hub.person_edits(&ana, &[("phone", phone), ("leadsource", "Cold Call")]);
        world.run_until_quiet();
        assert_eq!(
            (there(&world, &ana, "phone"), there(&world, &ana, "company")),
            (phone.to_owned(), "gold".to_owned())
        );
    }
    let parked = world.store.parked();
    let whys: Vec<_> = parked.iter().filter_map(|change| change.fields.get("company")).collect();
    assert!(whys.iter().any(|why| why.contains("coreBOS evaluates this field, and cannot")), "{whys:?}");
    assert_eq!(whys.len(), 1, "the same refusal is told once");
    // Mended: the value travels with the next edit.
    world.hub.has_map("49x7", |record| Ok(by_lead_source(record)));
    world.hub.person_edits(&ana, &[("phone", "777")]);
    world.run_until_quiet();
    assert_eq!(there(&world, &ana, "company"), "tin");
}

#[test]
fn corebos_is_asked_only_for_maps_that_need_it() {
    let mut world = world(&[]);
    ana(&world);
    world.run_until_quiet();
    assert_eq!(world.hub.maps_processed(), 0);
}

fn compiled(origin: &MapOrigin, direction: Direction) -> Result<PairMap, MapError> {
    let xml = format!("<map>\n<fields>\n{COMPANY}</fields></map>");
    let spec = pair_spec(PairKind::MauticContacts);
    PairMap::compile("M", xml.as_bytes(), Semantics::Bridge, origin, spec, direction)
}

#[test]
fn such_a_map_is_refused_with_its_place_and_the_way_out_where_corebos_cannot_help() {
    let in_corebos = MapOrigin::CoreBos { id: "49x7".to_owned() };
    let warnings = compiled(&in_corebos, Direction::ToRemote).unwrap().warnings().to_vec();
    assert!(warnings[0].to_string().contains("so coreBOS evaluates this field"), "{}", warnings[0]);
    let refused = compiled(&MapOrigin::Elsewhere, Direction::ToRemote).unwrap_err().to_string();
    assert!(refused.starts_with("M:3:") && refused.contains("put this map into coreBOS"), "{refused}");
    for origin in [in_corebos, MapOrigin::Elsewhere] {
        let refused = compiled(&origin, Direction::ToHub).unwrap_err().to_string();
        assert!(refused.starts_with("M:3:") && refused.contains("for its own records only"), "{refused}");
    }
}
