//! What the table remembers of field maps, and whose turn it is to ask for them.

use jiff::SignedDuration;
use model::PairKind;
use sync::{MapSource, MapThere, RememberedMap, UsedMap};

use crate::dynamodb::store;
use crate::nouns::{at, pair};

const KIND: PairKind = PairKind::MauticContacts;
const NAMES: [&str; 2] = ["ContactsToMautic", "MauticToContacts"];

#[tokio::test]
async fn one_asks_and_the_others_read_what_was_answered() {
    let (store, hub) = (store().await, pair().hub);
    let (now, until) = (at(0), at(10));
    assert_eq!(store.map_memory(&hub, KIND, &NAMES).await.unwrap().asked_at, None);
    assert!(store.take_turn_to_ask(&hub, KIND, None, now, until).await.unwrap());
    assert!(!store.take_turn_to_ask(&hub, KIND, None, now, until).await.unwrap(), "another one asks");
    let other = PairKind::MauticCompanies;
    assert!(store.take_turn_to_ask(&hub, other, None, now, until).await.unwrap(), "one turn per pair");
    // Who asks has died: its turn ends.
    assert!(store.take_turn_to_ask(&hub, KIND, None, until, at(20)).await.unwrap());
    store.maps_asked(&hub, KIND, until).await.unwrap();
    assert_eq!(store.map_memory(&hub, KIND, &NAMES).await.unwrap().asked_at, Some(until));
    let later = until + SignedDuration::from_secs(30);
    assert!(!store.take_turn_to_ask(&hub, KIND, None, later, at(60)).await.unwrap(), "it was asked since");
    assert!(store.take_turn_to_ask(&hub, KIND, Some(until), later, at(60)).await.unwrap());
}

#[tokio::test]
async fn what_is_remembered_is_read_with_the_settings_in_one_go() {
    let (store, hub) = (store().await, pair().hub);
    let there = [MapThere { id: "37x1".to_owned(), xml: Some("<map/>".to_owned()) }];
    let used = UsedMap {
        source: MapSource::CoreBos { id: "37x1".to_owned() },
        xml: Some("<map></map>".to_owned()),
        since: at(0),
    };
    store.remember_there(&hub, NAMES[0], &there).await.unwrap();
    store.remember_used(&hub, NAMES[0], &used).await.unwrap();
    store.put_setting("map:MauticToContacts", &"<map>own</map>").await.unwrap();
    let memory = store.map_memory(&hub, KIND, &NAMES).await.unwrap();
    assert_eq!(memory.maps[NAMES[0]], RememberedMap { there: there.to_vec(), used: Some(used.clone()) });
    assert_eq!(memory.maps[NAMES[1]], RememberedMap::default());
    assert_eq!(memory.settings.len(), 1);
    assert_eq!(memory.settings[NAMES[1]], "<map>own</map>");
    // What coreBOS no longer has is forgotten, what is in use is not.
    store.remember_there(&hub, NAMES[0], &[]).await.unwrap();
    let memory = store.map_memory(&hub, KIND, &NAMES).await.unwrap();
    assert_eq!(memory.maps[NAMES[0]], RememberedMap { there: Vec::new(), used: Some(used) });
    store.put_setting("map:MauticToContacts", &7).await.unwrap();
    let error = store.map_memory(&hub, KIND, &NAMES).await.unwrap_err();
    assert!(error.detail.contains("map:MauticToContacts"), "{error}");
}
