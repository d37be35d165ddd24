//! Two people change the same fields of one person in two systems before either edit has travelled: who wins is said
//! field by field in the map, where the pair heeds that, and by the pair's setting otherwise; through HubSpot and through
//! Mautic alike. Whoever loses is kept in the history, and what nobody contests always arrives.

use std::collections::BTreeSet;

use model::{Link, ObjectName, Pair, PairKind, RecordRef};
use scenarios::{Unusual, World, property, text};
use serde_json::json;
use simulators::hubspot::{HubSpotOptions, Kind};
use sync::StateStore as _;
use sync::settings::{PairSettings, Winner, pair_key};

use crate::BRIDGE;

/// The system in which the second person works.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Other {
    HubSpot,
    Mautic,
}

/// Who has the last word on a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    CoreBos,
    Other,
}

/// The shipped maps, by name: into coreBOS, and out of it.
const MAPS: [(&str, &str); 4] = [
    ("HubSpot2Contacts", include_str!("../../shared/mapping/maps/HubSpot2Contacts.xml")),
    ("Contacts2HubSpot", include_str!("../../shared/mapping/maps/Contacts2HubSpot.xml")),
    ("MauticToContacts", include_str!("../../shared/mapping/maps/MauticToContacts.xml")),
    ("ContactsToMautic", include_str!("../../shared/mapping/maps/ContactsToMautic.xml")),
];

/// Fields of the maps, and whether the origin of the map owns them: the title is the other system's own, the mobile
/// number coreBOS's.
const MASTERS: [(&str, &[(&str, bool)]); 4] = [
    ("HubSpot2Contacts", &[("title", true), ("mobile", false)]),
    ("Contacts2HubSpot", &[("jobtitle", false), ("mobilephone", true)]),
    ("MauticToContacts", &[("title", true), ("mobile", false)]),
    ("ContactsToMautic", &[("title", false), ("mobile", true)]),
];

/// A shipped map whose fields have masters.
fn with_masters(name: &str) -> String {
    let (_, shipped) = MAPS.iter().find(|(map, _)| *map == name).unwrap();
    let (_, masters) = MASTERS.iter().find(|(map, _)| *map == name).unwrap();
    masters.iter().fold((*shipped).to_owned(), |map, (field, origin)| {
        let named = format!("<fieldname>{field}</fieldname>");
        assert_eq!(map.matches(&named).count(), 1, "{name}: {field}");
        map.replace(&named, &format!("{named}<master>{origin}</master>"))
    })
}

/// A world of three systems whose maps have masters, in which coreBOS tells nobody of what people do there.
async fn world_where(masters: bool, conflict: Winner) -> World {
    let (unusual, options) = (Unusual::default(), HubSpotOptions::default());
    let world = World::with_untold_hubspot(BRIDGE, unusual, options).await;
    for (name, _) in MAPS {
        world.local.store.put_setting(&format!("map:{name}"), &with_masters(name)).await.unwrap();
    }
    let settings = PairSettings { masters, conflict, ..PairSettings::default() };
    for kind in [PairKind::HubSpotContacts, PairKind::MauticContacts] {
        world.local.store.put_setting(&pair_key(kind), &settings).await.unwrap();
    }
    world.systems.point_hubspot_at(&world.local.webhook_url("webhook-hubspot")).unwrap();
    world
}

async fn link_of(world: &World, kind: PairKind, hub: &str) -> Link {
    let remote = if kind == PairKind::HubSpotContacts { "hubspot:main" } else { "mautic:main" };
    let pair = Pair { kind, hub: "corebos:main".parse().unwrap(), remote: remote.parse().unwrap() };
    let record = RecordRef::new(&pair.hub, &ObjectName::new("Contacts"), hub);
    world.local.store.find_link(&record, &pair).await.unwrap().unwrap()
}

/// The values that the history of a link keeps of those who lost.
async fn lost(world: &World, kind: PairKind, hub: &str) -> BTreeSet<String> {
    let link = link_of(world, kind, hub).await;
    // Nothing of it has ended by then.
    let then = "2026-01-01T00:00:00Z".parse().unwrap();
    let entries = world.local.store.history(&link.id, then).await.unwrap();
    let lost = entries.into_iter().flat_map(|entry| entry.lost);
    lost.filter_map(|lost| lost.value.as_text().map(str::to_owned)).collect()
}

/// Lets two people change title and mobile number at once, and one of them the city.
async fn contest(other: Other, masters: bool, conflict: Winner, title: Word, mobile: Word) {
    let mut world = world_where(masters, conflict).await;
    let person = [
        ("email", "eva@example.org"),
        ("firstname", "Eva"),
        ("lastname", "Gil"),
        ("lifecyclestage", "customer"),
        ("jobtitle", "Cook"),
    ];
    let id = world.hubspot().create_as_user(Kind::Contact, &person).unwrap();
    let hub = world.corebos_record_of("Contacts", &id).await;
    let mautic = world.mautic_contact_of(&hub).await;
    world.until_field(&hub, "mautic_id", &mautic.to_string()).await;
    world.until_property(Kind::Contact, &id, "corebos_id", &hub).await;
    world.quiet().await;

    world.systems.corebos.edit(&hub, &json!({ "title": "Chef", "mobile": "222" })).await.unwrap();
    world.quiet().await;
    assert_eq!(property(world.hubspot(), Kind::Contact, &id, "jobtitle"), "Cook", "nobody was told of it");
    match other {
        Other::HubSpot => {
            let edit = [("jobtitle", "Boss"), ("mobilephone", "111"), ("city", "Vigo")];
            world.hubspot().edit_as_user(Kind::Contact, &id, &edit);
        }
        Other::Mautic => {
            let edit = json!({ "title": "Boss", "mobile": "111", "city": "Vigo" });
            assert!(world.systems.mautic.edit_contact(mautic, &edit).await);
        }
    }
    let said = |word: Word, here: &'static str, there: &'static str| match word {
        Word::CoreBos => (here, there),
        Word::Other => (there, here),
    };
    let ((title, no_title), (mobile, no_mobile)) = (said(title, "Chef", "Boss"), said(mobile, "222", "111"));
    for (on_hub, on_hubspot, on_mautic, value) in [
        ("title", "jobtitle", "title", title),
        ("mobile", "mobilephone", "mobile", mobile),
        ("mailingcity", "city", "city", "Vigo"),
    ] {
        world.until_field(&hub, on_hub, value).await;
        world.until_property(Kind::Contact, &id, on_hubspot, value).await;
        world.until_mautic_field(mautic, on_mautic, value).await;
    }
    world.quiet().await;
    let record = world.systems.corebos.record(&hub).unwrap();
    let contact = world.systems.mautic.contact(mautic).unwrap();
    let held =
        [text(&record, "title"), text(&contact, "title"), text(&record, "mobile"), text(&contact, "mobile")];
    assert_eq!(held, [title, title, mobile, mobile], "and it stays so");
    let contested = match other {
        Other::HubSpot => PairKind::HubSpotContacts,
        Other::Mautic => PairKind::MauticContacts,
    };
    let lost = lost(&world, contested, &hub).await;
    for value in [no_title, no_mobile] {
        assert!(lost.contains(value), "{value} is not in the history: {lost:?}");
    }
    assert!(world.parked().await.is_empty());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_goes_to_the_side_that_the_map_names_whatever_the_setting_says() {
    for other in [Other::HubSpot, Other::Mautic] {
        for conflict in [Winner::Corebos, Winner::Remote] {
            contest(other, true, conflict, Word::Other, Word::CoreBos).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_masters_are_switched_off_the_setting_decides_about_every_field() {
    for other in [Other::HubSpot, Other::Mautic] {
        contest(other, false, Winner::Corebos, Word::CoreBos, Word::CoreBos).await;
        contest(other, false, Winner::Remote, Word::Other, Word::Other).await;
    }
}
