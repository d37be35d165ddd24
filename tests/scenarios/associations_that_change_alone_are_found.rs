//! In HubSpot an association that changes alone moves no date: it reaches coreBOS by the walk of the poll, without any
//! webhook, and costs little where nothing changes.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use model::PairKind;
use scenarios::{Unusual, World, end_process, text};
use serde_json::{Value, json};
use simulators::faults::Fault;
use simulators::hubspot::{HubSpotOptions, Kind};
use sync::Clock as _;

use crate::BRIDGE;

/// Where HubSpot lists contacts, the recycle bin included.
const CONTACTS: &str = "/crm/objects/2026-09/contacts";

/// Polls HubSpot although its feed tells of nothing: what is found is found by the walk. Everything here was changed in the
/// last minutes, and a feed tells of that again, so its cursors are put beyond all that has happened.
async fn walked(world: &mut World) -> Value {
    world.hubspot_s_feeds_tell_nothing().await;
    let told = world.poll_at_once("poll-hubspot").await;
    for object in ["contact", "deal"] {
        assert_eq!(told[object], json!({ "outcome": "complete", "noticed": 0 }), "{told}");
    }
    told["associations"].clone()
}

/// What a whole round tells that has noticed so many.
fn round(contacts: u32, deals: u32) -> Value {
    let told = |noticed: u32| json!({ "outcome": "complete", "noticed": noticed });
    json!({ "contact": told(contacts), "deal": told(deals) })
}

fn hub_field(world: &World, hub: &str, field: &str) -> String {
    text(&world.systems.corebos.record(hub).unwrap(), field)
}

/// How often contacts were listed since the requests were cleared.
fn lists_of_contacts(world: &World) -> usize {
    let requests = world.hubspot().requests();
    requests.iter().filter(|request| request.method == "GET" && request.path == CONTACTS).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_to_another_company_a_removal_and_another_contact_of_a_deal_arrive_by_polls_alone() {
    let mut world = World::with_hubspot(BRIDGE).await;
    world.hubspot_s_feeds_tell_nothing().await;
    let acme = json!({ "accountname": "Acme" });
    let (acme, acme_there) = world.linked_to_hubspot("Accounts", Kind::Company, acme).await;
    let globex = json!({ "accountname": "Globex" });
    let (globex, globex_there) = world.linked_to_hubspot("Accounts", Kind::Company, globex).await;
    let ana = json!({ "lastname": "Pérez", "email": "ana@example.org", "account_id": acme });
    let (ana, ana_there) = world.linked_to_hubspot("Contacts", Kind::Contact, ana).await;
    let eva = json!({ "lastname": "Gil", "email": "eva@example.org", "account_id": globex });
    let (eva, eva_there) = world.linked_to_hubspot("Contacts", Kind::Contact, eva).await;
    let engines = json!({
        "potentialname": "Engines", "related_to": ana, "closingdate": "2027-03-31", "sales_stage": "Prospecting",
    });
    let (engines, engines_there) = world.linked_to_hubspot("Potentials", Kind::Deal, engines).await;
    let (contact, deal) = ((Kind::Contact, ana_there.as_str()), (Kind::Deal, engines_there.as_str()));
    assert_eq!(world.hubspot().associated(contact, Kind::Company, true), std::slice::from_ref(&acme_there));
    world.hubspot().set_silent(true);
    // All of them are new to the walk; that is told once and decides to nothing.
    walked(&mut world).await;
    world.quiet().await;
    world.hubspot().clear_requests();
    let writes = world.corebos_writes();
    assert_eq!(walked(&mut world).await, round(0, 0));
    assert_eq!(lists_of_contacts(&world), 2, "a page of contacts, and one of the recycle bin");

    assert!(world.hubspot().associate_as_user(contact, (Kind::Company, &globex_there), true));
    assert_eq!(walked(&mut world).await, round(1, 0));
    world.until_field(&ana, "account_id", &globex).await;
    world.quiet().await;

    // She leaves both, and nothing else of her is touched.
    for company in [&globex_there, &acme_there] {
        world.hubspot().dissociate_as_user(contact, (Kind::Company, company));
    }
    assert_eq!(walked(&mut world).await, round(1, 0));
    world.until_field(&ana, "account_id", "").await;
    world.quiet().await;
    assert_eq!(hub_field(&world, &ana, "lastname"), "Pérez");

    world.hubspot().dissociate_as_user(deal, contact);
    assert!(world.hubspot().associate_as_user(deal, (Kind::Contact, &eva_there), false));
    assert_eq!(walked(&mut world).await, round(0, 1));
    world.until_field(&engines, "related_to", &eva).await;
    world.quiet().await;

    assert_eq!(walked(&mut world).await, round(0, 0), "everything is told once");
    world.quiet().await;
    assert_eq!(world.corebos_writes() - writes, 3, "one write for each move");
    assert_eq!(world.hubspot_writes(), 0, "and nothing echoes");
    assert_eq!(hub_field(&world, &eva, "account_id"), globex);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_bridge_writes_itself_is_told_once_and_decides_to_nothing_and_the_walk_can_be_switched_off()
{
    let mut world = World::with_hubspot(BRIDGE).await;
    world.hubspot_s_feeds_tell_nothing().await;
    let (acme, _) =
        world.linked_to_hubspot("Accounts", Kind::Company, json!({ "accountname": "Acme" })).await;
    let ana = json!({ "lastname": "Pérez", "email": "ana@example.org" });
    let (ana, there) = world.linked_to_hubspot("Contacts", Kind::Contact, ana).await;
    world.hubspot().set_silent(true);
    walked(&mut world).await;
    world.quiet().await;
    world.systems.corebos.edit(&ana, &json!({ "account_id": acme })).await.unwrap();
    world
        .until("the membership in HubSpot", |systems| {
            let portal = systems.hubspot.as_ref()?;
            (portal.associated((Kind::Contact, &there), Kind::Company, true).len() == 1).then_some(())
        })
        .await;
    world.quiet().await;
    world.hubspot().clear_requests();
    let writes = world.corebos_writes();
    assert_eq!(walked(&mut world).await, round(1, 0));
    world.quiet().await;
    assert_eq!((world.corebos_writes() - writes, world.hubspot_writes()), (0, 0));
    let key = sync::settings::poll_key(&World::hubspot_pair(PairKind::HubSpotContacts).remote);
    world.local.store.put_setting(&key, &json!({ "walk_pages": 0 })).await.unwrap();
    assert_eq!(walked(&mut world).await, json!("off"));
    world.stop().await;
}

/// A world of a portal in which everything is an hour old, with so many contacts.
async fn old_portal(contacts: usize) -> World {
    let clock = || aws::SystemClock.now() - SignedDuration::from_hours(1);
    let mut options = HubSpotOptions::default();
    options.clock = Arc::new(clock);
    // Whoever is killed leaves its lease behind.
    let short = ("LEASE_SECONDS: '55'".to_owned(), "LEASE_SECONDS: '3'".to_owned());
    let unusual = Unusual { template_edits: vec![short], ..Unusual::default() };
    let world = World::with_untold_hubspot(BRIDGE, unusual, options).await;
    world.hubspot_s_feeds_tell_nothing().await;
    for number in 0..contacts {
        let email = format!("p{number}@example.org");
        world.hubspot().create_as_user(Kind::Contact, &[("email", &email), ("lastname", "P")]).unwrap();
    }
    world
}

async fn pages_at_each_poll(world: &World, pages: u32) {
    let key = sync::settings::poll_key(&World::hubspot_pair(PairKind::HubSpotContacts).remote);
    world.local.store.put_setting(&key, &json!({ "walk_pages": pages })).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_walk_takes_as_many_pages_as_it_is_set_and_goes_on_after_an_outage_and_after_a_kill() {
    let mut world = old_portal(450).await;
    pages_at_each_poll(&world, 2).await;
    let unfinished = json!({ "outcome": "unfinished", "noticed": 0 });
    for expected in [&unfinished, &unfinished, &round(0, 0)["contact"]] {
        assert_eq!(walked(&mut world).await["contact"], *expected, "old ones are for an import");
    }
    // Somebody on the last page moves. HubSpot is away at the second page of the next round.
    let moved = world.hubspot().ids(Kind::Contact).last().unwrap().clone();
    let company = world.hubspot().create_as_user(Kind::Company, &[("name", "Acme")]).unwrap();
    assert!(world.hubspot().associate_as_user((Kind::Contact, &moved), (Kind::Company, &company), true));
    pages_at_each_poll(&world, 5).await;
    let list_after =
        |pages: u32| move |fault: Fault| fault.method("get").path(CONTACTS).after(1 + pages).times(1);
    world.hubspot().faults().add(list_after(1)(Fault::status(503)));
    assert_eq!(walked(&mut world).await["contact"], json!("failed"));
    // It goes on with the second page; and is killed in the fourth one.
    world.hubspot().clear_requests();
    world.listen();
    let worker = world.processes.iter().find(|(name, _)| name == "poll-hubspot").unwrap().1;
    world.hubspot().faults().add(list_after(2)(Fault::delay(Duration::from_secs(2))));
    world.hubspot_s_feeds_tell_nothing().await;
    let event = json!({ "detail": { "at_once": true } });
    let kill = async {
        while world.hubspot().faults().active() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        end_process(worker);
    };
    let (answer, ()) = tokio::join!(world.local.stack.invoke("poll-hubspot", &event), kill);
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.error.is_some()), "it was killed");
    let told = loop {
        let told = walked(&mut world).await["contact"].clone();
        if told["outcome"] != "busy" {
            break told;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    };
    assert_eq!(told, json!({ "outcome": "complete", "noticed": 1 }), "who has moved, and nobody else");
    world.quiet().await;
    assert_eq!(walked(&mut world).await["contact"], json!({ "outcome": "complete", "noticed": 0 }));
    world.stop().await;
}
