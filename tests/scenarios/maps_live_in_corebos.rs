//! Field maps are edited in coreBOS and used half a minute later; an edit that cannot be used keeps the one before, and
//! everybody who looks is told.

use bridge::doctor::{Check, Verdict, examine};
use bridge::stack::Stack;
use scenarios::{Ended, Folder, Program, Unusual, World, text, unusual_world, world_with_workflows};
use serde_json::{Value, json};
use simulators::faults::Fault;

use crate::BRIDGE;

const MAP: &str = "ContactsToMautic";

/// A map that makes `position` of this field of coreBOS.
fn map_of(source: &str) -> String {
    map_with(&format!("<Orgfield><OrgfieldName>{source}</OrgfieldName><OrgfieldID></OrgfieldID></Orgfield>"))
}

/// A map that makes `position` of these parts.
fn map_with(parts: &str) -> String {
    let plain = ["lastname", "email", "mobile"].map(|field| {
        format!(
            "<field><fieldname>{field}</fieldname><Orgfields><Orgfield><OrgfieldName>{field}</OrgfieldName></Orgfield>\
             </Orgfields></field>"
        )
    });
    format!(
        "<map>\n<originmodule><originname>Contacts</originname></originmodule>\n<fields>\n{}\n<field><fieldname>position\
         </fieldname><Orgfields>{parts}</Orgfields></field>\n</fields>\n</map>",
        plain.join("\n")
    )
}

/// A world in which what coreBOS says about its maps is believed for a second only.
async fn world() -> World {
    let mut unusual = Unusual::default();
    unusual.push_environment.insert("MAPS_FRESH_SECONDS".to_owned(), "1".to_owned());
    let world = unusual_world(BRIDGE, unusual, |config| config).await;
    let url = world.local.webhook_url("webhook-corebos");
    world.systems.point_workflows_at(&url).await.unwrap();
    world
}

/// A new contact of coreBOS with a title, a department and a number, once it is in Mautic: what its position is there.
async fn position_of_new(world: &mut World, name: &str) -> String {
    let fields = json!({
        "lastname": name, "email": format!("{name}@example.org"), "title": "Chef", "department": "Kitchen",
        "leadsource": "Partner",
    });
    let (id, _) = world.linked_corebos_contact(&fields).await;
    text(&world.systems.mautic.contact(id).unwrap(), "position")
}

/// Edits a contact until a log line comes that was not there before: edits of maps are seen by the pushes that follow.
async fn until_seen(world: &mut World, hub: &str, message: &str) -> Value {
    until_seen_with(world, hub, message, "").await
}

/// The same, until one comes that has these words in it. An edit that waits is told again and again.
async fn until_seen_with(world: &mut World, hub: &str, message: &str, words: &str) -> Value {
    let before = world.told(message).len();
    for number in 0..200 {
        let mobile = format!("{}", 600_000 + number);
        world.systems.corebos.edit(hub, &json!({ "mobile": mobile })).await.unwrap();
        world.quiet().await;
        let told = world.told(message).into_iter().skip(before);
        if let Some(line) = told.into_iter().find(|line| text(line, "detail").contains(words)) {
            return line;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("no push has said `{message}`");
}

const TAKEN: &str = "another map is in use";
const REFUSED: &str = "an edited map waits for an administrator, the one from before stays in use";

async fn checks(world: &World) -> Vec<Check> {
    examine(&Stack::of(&world.local.stack, &std::env::temp_dir()).unwrap()).await
}

/// The check of this verdict and name whose text holds this.
fn found<'c>(checks: &'c [Check], verdict: Verdict, name: &str, seen: &str) -> &'c Check {
    let fits = |check: &&Check| check.verdict == verdict && check.name == name && check.seen.contains(seen);
    let maps: Vec<_> = checks.iter().filter(|check| check.name.contains("map")).collect();
    checks.iter().find(fits).unwrap_or_else(|| panic!("no {verdict:?} {name:?} with {seen:?} in {maps:#?}"))
}

async fn bridge(folder: &Folder, arguments: &[&str]) -> Ended {
    let data = folder.path().display().to_string();
    let arguments = arguments.iter().copied().chain(["--data", data.as_str()]);
    Program::start(BRIDGE, arguments).end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_is_used_and_a_broken_one_keeps_the_map_before_until_it_is_mended() {
    let folder = Folder::new();
    let mut world = world().await;
    world.announce(&folder);
    let id = world.systems.corebos.put_map(MAP, &map_of("title")).await.unwrap();
    let ada = json!({ "lastname": "Ada", "email": "ada@example.org" });
    let (_, ada) = world.linked_corebos_contact(&ada).await;
    assert_eq!(position_of_new(&mut world, "first").await, "Chef");
    let why = bridge(&folder, &["why", "first@example.org"]).await.text();
    assert!(why.contains(&format!("map {MAP}, from coreBOS ({id})")), "{why}");
    let listed = bridge(&folder, &["map", "list"]).await;
    assert_eq!(listed.code, Some(0), "{}", listed.text());
    assert!(listed.text().contains(&format!("{MAP}  from coreBOS ({id}), since ")), "{}", listed.text());

    world.systems.corebos.put_map(MAP, &map_of("department")).await.unwrap();
    let line = until_seen(&mut world, &ada, TAKEN).await;
    assert_eq!((text(&line, "map"), text(&line, "origin")), (MAP.to_owned(), format!("coreBOS ({id})")));
    assert_eq!(position_of_new(&mut world, "second").await, "Kitchen");

    // One that is no XML; one that names a field which coreBOS does not have. The schemas of both systems know.
    for (broken, place, words) in [
        ("<map>\n<fields>".to_owned(), ":2:1: error", "never closed"),
        (map_of("titel"), ":7:", "did you mean `title`?"),
        (map_of("title").replace(">position<", ">positoin<"), ":7:", "did you mean `position`?"),
    ] {
        world.systems.corebos.put_map(MAP, &broken).await.unwrap();
        let line = until_seen_with(&mut world, &ada, REFUSED, words).await;
        assert_eq!((text(&line, "level"), text(&line, "reason")), ("ERROR".to_owned(), "map".to_owned()));
        let detail = text(&line, "detail");
        assert!(detail.contains(&format!("{MAP}{place}")), "{detail}");
        // What the alarm counts.
        let counted = world.log.iter().any(|line| {
            line.contains("\"Stopped\":1") && line.contains("\"reason\":\"map\"") && line.contains("_aws")
        });
        assert!(counted, "the edit is not counted");
    }
    assert_eq!(position_of_new(&mut world, "third").await, "Kitchen");
    assert_eq!(world.parked().await.len(), 0);
    let checks_now = checks(&world).await;
    let told = found(
        &checks_now,
        Verdict::Problem,
        &format!("map {MAP} in coreBOS"),
        "the one from before stays in use",
    );
    assert!(told.seen.contains("positoin") && told.remedy.is_some(), "{told:?}");
    let why = bridge(&folder, &["why", "third@example.org", "position"]).await.text();
    assert!(why.contains("from before the edit in coreBOS"), "{why}");
    assert!(why.contains("the edit cannot be used") && why.contains("positoin"), "{why}");
    let listed = bridge(&folder, &["map", "list"]).await;
    assert_eq!(listed.code, Some(1), "{}", listed.text());
    assert!(listed.text().contains("did you mean `position`?"), "{}", listed.text());
    let shown = bridge(&folder, &["map", "show", MAP]).await;
    assert!(shown.text().contains("department") && !shown.text().contains("positoin"), "{}", shown.text());
    let json = bridge(&folder, &["map", "list", "--json"]).await.text();
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 4);

    world.systems.corebos.put_map(MAP, &map_of("title")).await.unwrap();
    until_seen(&mut world, &ada, TAKEN).await;
    assert_eq!(position_of_new(&mut world, "fourth").await, "Chef");
    let name = format!("map {MAP}");
    found(&checks(&world).await, Verdict::Ok, &name, &format!("from coreBOS ({id}), fits"));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_map_that_was_never_usable_stops_the_pair_and_the_one_that_ships_does_not_stand_in() {
    let mut world = world().await;
    world.systems.corebos.put_map(MAP, "<map>\n<fields>").await.unwrap();
    let fields = json!({ "lastname": "Patient", "email": "patient@example.org", "title": "Chef" });
    let hub = world.systems.corebos.create("Contacts", &fields).await.unwrap();
    let line =
        world.until_told("change waits for an administrator", |line| text(line, "reason") == "map").await;
    assert!(text(&line, "detail").contains(&format!("{MAP}:2:1: error")), "{line}");
    assert_eq!(world.mautic_writes(), 0);
    found(&checks(&world).await, Verdict::Problem, &format!("map {MAP}"), "the pair is stopped");
    world.systems.corebos.put_map(MAP, &map_of("title")).await.unwrap();
    let id = world.mautic_contact_of(&hub).await;
    world.quiet().await;
    assert_eq!(text(&world.systems.mautic.contact(id).unwrap(), "position"), "Chef");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_map_in_the_settings_goes_before_the_one_in_corebos() {
    let mut world = world().await;
    world.systems.corebos.put_map(MAP, &map_of("title")).await.unwrap();
    let setting = format!("map:{MAP}");
    world.local.store.put_setting(&setting, &map_of("department")).await.unwrap();
    let ada = json!({ "lastname": "Ada", "email": "ada@example.org" });
    let (_, ada) = world.linked_corebos_contact(&ada).await;
    assert_eq!(position_of_new(&mut world, "first").await, "Kitchen");
    let name = format!("map {MAP} in coreBOS");
    found(&checks(&world).await, Verdict::Warning, &name, "is not used: the settings");

    // An edit of the setting is an edit like any other.
    world.local.store.put_setting(&setting, &map_of("titel")).await.unwrap();
    let line = until_seen(&mut world, &ada, REFUSED).await;
    assert_eq!(text(&line, "edited"), "the settings");
    assert_eq!(position_of_new(&mut world, "second").await, "Kitchen");
    world.local.store.delete_setting(&setting).await.unwrap();
    until_seen(&mut world, &ada, TAKEN).await;
    assert_eq!(position_of_new(&mut world, "third").await, "Chef");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_corebos_cannot_be_asked_for_its_maps_the_ones_from_before_are_used() {
    let mut world = world().await;
    world.systems.corebos.put_map(MAP, &map_of("title")).await.unwrap();
    let ada = json!({ "lastname": "Ada", "email": "ada@example.org" });
    let (id, ada) = world.linked_corebos_contact(&ada).await;
    world.systems.corebos.faults().add(Fault::status(503).operation("query"));
    until_seen(&mut world, &ada, "coreBOS cannot be asked for its maps; those from before stay in use").await;
    world.systems.corebos.edit(&ada, &json!({ "title": "Countess" })).await.unwrap();
    world.until_mautic_field(id, "position", "Countess").await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn business_maps_of_other_types_and_other_names_are_none() {
    let mut world = world().await;
    world.systems.corebos.put_map_of_type(MAP, "Condition Query", &map_of("department")).await.unwrap();
    world.systems.corebos.put_map("contactstomautic", &map_of("department")).await.unwrap();
    // The one that ships makes no position at all.
    assert_eq!(position_of_new(&mut world, "first").await, "");
    let (checks, name) = (checks(&world).await, format!("map {MAP} in coreBOS"));
    found(&checks, Verdict::Warning, &name, "of the type \"Condition Query\", which is not read");
    found(&checks, Verdict::Warning, &name, "`contactstomautic`, which is not read: names are exact");
    found(&checks, Verdict::Ok, &format!("map {MAP}"), "from the bundle");

    // Two of one name: nobody knows which is meant.
    let mut ids = Vec::new();
    for source in ["title", "department"] {
        let map = json!({ "mapname": "MauticToContacts", "maptype": "Mapping", "content": map_of(source),
            "targetname": "Contacts" });
        ids.push(world.systems.corebos.create("cbMap", &map).await.unwrap());
    }
    let checks = self::checks(&world).await;
    let told = found(&checks, Verdict::Problem, "map MauticToContacts in coreBOS", "several maps");
    assert!(ids.iter().all(|id| told.seen.contains(id)), "{told:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_needs_coreboss_database_is_evaluated_by_corebos_and_reaches_mautic() {
    let mut world = world().await;
    world.systems.corebos.put_map_of_type("Segments", "Condition Expression", "<map/>").await.unwrap();
    world.systems.corebos.decide_rule("Segments", |record| {
        if record["leadsource"] == "Partner" { "gold".to_owned() } else { "tin".to_owned() }
    });
    let rule = "<Orgfield><OrgfieldName>leadsource</OrgfieldName><OrgfieldID>RULE</OrgfieldID><Rule>Segments</Rule>\
                </Orgfield>";
    let map = map_with(rule);
    world.systems.corebos.put_map(MAP, &map).await.unwrap();
    let ada = json!({ "lastname": "Ada", "email": "ada@example.org", "leadsource": "Partner" });
    let (id, ada) = world.linked_corebos_contact(&ada).await;
    let position = |world: &World| text(&world.systems.mautic.contact(id).unwrap(), "position");
    assert_eq!(position(&world), "gold");
    world.systems.corebos.edit(&ada, &json!({ "leadsource": "Cold Call" })).await.unwrap();
    world.until_mautic_field(id, "position", "tin").await;
    world.quiet().await;
    assert!(world.corebos_calls("ProcessMap") > 0);

    // coreBOS would evaluate the edited one: the field is left alone, and the others go on.
    world.systems.corebos.put_map(MAP, &map.replace(">mobile<", ">mobil<")).await.unwrap();
    until_seen(&mut world, &ada, REFUSED).await;
    let (calls, mobile) = (world.corebos_calls("ProcessMap"), "700");
    let edit = json!({ "leadsource": "Partner", "mobile": mobile });
    world.systems.corebos.edit(&ada, &edit).await.unwrap();
    world.until_mautic_field(id, "mobile", mobile).await;
    world.quiet().await;
    assert_eq!((position(&world), world.corebos_calls("ProcessMap")), ("tin".to_owned(), calls));
    assert_eq!(world.parked().await.len(), 0);
    world.systems.corebos.put_map(MAP, &map).await.unwrap();
    until_seen(&mut world, &ada, "change pushed").await;
    for _ in 0..100 {
        if position(&world) == "gold" {
            break;
        }
        until_seen(&mut world, &ada, "change pushed").await;
    }
    assert_eq!(position(&world), "gold");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn maps_cost_no_call_per_change() {
    let mut world = world_with_workflows(BRIDGE).await;
    world.systems.corebos.put_map(MAP, &map_of("title")).await.unwrap();
    let ada = json!({ "lastname": "Ada", "email": "ada@example.org" });
    let (id, ada) = world.linked_corebos_contact(&ada).await;
    let before = world.corebos_calls("query");
    for number in 0..10 {
        let mobile = format!("{}", 700 + number);
        world.systems.corebos.edit(&ada, &json!({ "mobile": mobile })).await.unwrap();
        world.until_mautic_field(id, "mobile", &mobile).await;
    }
    world.quiet().await;
    // Once in half a minute, whoever asks; a machine that is busy may take longer than that for all of this.
    let asked = world.corebos_calls("query") - before;
    assert!(asked <= 2, "{asked} queries for ten edits");
    world.stop().await;
}
