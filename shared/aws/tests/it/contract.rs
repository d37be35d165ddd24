//! What every `StateStore` promises. Each check takes a store without items.

use sync::{Claimed, KeyClaimed, Settled, Settlement, StateStore, Waiting};

use crate::nouns::{
    at, first_settlement, free, history_entry, in_corebos, in_mautic, lease, natural_key, new_link, pair,
    parked_change, system,
};

/// Makes a test of each check for the store that `$make` makes.
macro_rules! keeps_the_contract {
    ($store:ident, $make:path; $($check:ident),+ $(,)?) => {
        mod $store {
            $(#[tokio::test]
            async fn $check() {
                $crate::contract::$check(&$make().await).await;
            })+
        }
    };
    ($store:ident, $make:path) => {
        $crate::contract::keeps_the_contract!($store, $make;
            what_was_never_stored_is_not_there,
            a_new_link_is_found_from_both_sides,
            a_link_that_exists_is_not_made_twice,
            every_settle_raises_the_version_and_a_stale_one_stores_nothing,
            of_many_settles_on_one_version_exactly_one_wins,
            a_settlement_is_all_or_nothing,
            a_lookup_can_be_stored_again_for_its_own_link,
            a_record_can_be_moved_out_of_a_link,
            a_link_is_found_by_pair_only_in_its_own_pair,
            an_alias_finds_the_link_that_does_not_name_it,
            a_lease_is_taken_once_per_version,
            of_many_claims_on_one_version_exactly_one_wins,
            a_settle_that_read_an_older_state_conflicts_with_a_claim,
            a_released_state_keeps_its_version,
            states_of_two_records_are_settled_together,
            a_natural_key_is_held_by_one_record_until_its_time_is_over,
            a_record_meets_its_own_claim_as_its_own,
            failures_are_counted_by_receipt,
            a_released_key_is_free,
            a_parked_change_without_a_link_is_settled,
            deletes_are_counted_per_pair_and_hour,
            an_identity_is_the_first_one_seen,
            a_child_waits_for_its_parent_towards_one_system_until_it_is_told,
            a_child_that_has_waited_too_long_is_forgotten,
            an_empty_settlement_is_settled,
        );
    };
}
pub(crate) use keeps_the_contract;

/// The part of the contract that keeps one worker from removing what another one holds by now.
macro_rules! keeps_what_others_hold {
    ($store:ident, $make:path) => {
        $crate::contract::keeps_the_contract!($store, $make;
            a_lookup_that_leads_elsewhere_is_neither_taken_nor_removed,
            a_key_that_another_took_over_is_not_released,
        );
    };
}
pub(crate) use keeps_what_others_hold;

async fn settled<S: StateStore>(store: &S, settlement: &Settlement) {
    assert_eq!(store.settle(settlement).await.unwrap(), Settled::Yes);
}

async fn conflicts<S: StateStore>(store: &S, settlement: &Settlement) {
    assert_eq!(store.settle(settlement).await.unwrap(), Settled::Conflict);
}

async fn claimed<S: StateStore>(store: &S, record: &model::RecordRef, version: u64, holder: &str) -> u64 {
    match store.claim(record, version, &lease(holder, at(45))).await.unwrap() {
        Claimed::Yes { version } => version,
        Claimed::Changed => panic!("the state has another version than {version}"),
    }
}

pub(crate) async fn what_was_never_stored_is_not_there<S: StateStore>(store: &S) {
    assert_eq!(store.find_link(&in_mautic("47"), &pair()).await.unwrap(), None);
    assert_eq!(store.link(&"l-1".to_owned()).await.unwrap(), None);
    let state = store.state(&in_mautic("47")).await.unwrap();
    assert_eq!(state, free(0));
}

pub(crate) async fn a_new_link_is_found_from_both_sides<S: StateStore>(store: &S) {
    let link = new_link("l-1", "12x1", "47");
    settled(store, &first_settlement(&link)).await;
    let stored = model::Link { version: 1, ..link };
    assert_eq!(store.find_link(&in_mautic("47"), &pair()).await.unwrap(), Some(stored.clone()));
    assert_eq!(store.find_link(&in_corebos("12x1"), &pair()).await.unwrap(), Some(stored.clone()));
    assert_eq!(store.link(&"l-1".to_owned()).await.unwrap(), Some(stored));
    assert_eq!(store.find_link(&in_mautic("48"), &pair()).await.unwrap(), None);
}

pub(crate) async fn a_link_that_exists_is_not_made_twice<S: StateStore>(store: &S) {
    let link = new_link("l-1", "12x1", "47");
    settled(store, &first_settlement(&link)).await;
    conflicts(store, &first_settlement(&link)).await;
}

pub(crate) async fn every_settle_raises_the_version_and_a_stale_one_stores_nothing<S: StateStore>(store: &S) {
    settled(store, &first_settlement(&new_link("l-1", "12x1", "47"))).await;
    let read = store.link(&"l-1".to_owned()).await.unwrap().unwrap();
    let mut edited = read.clone();
    edited.bases.to_hub.clear();
    let settlement = Settlement {
        link: Some(edited),
        history: Some(history_entry("req-2/0", "updated")),
        ..Settlement::default()
    };
    settled(store, &settlement).await;
    let after = store.link(&"l-1".to_owned()).await.unwrap().unwrap();
    assert_eq!((after.version, after.bases.to_hub.len()), (2, 0));
    conflicts(store, &Settlement { link: Some(read), ..Settlement::default() }).await;
    assert_eq!(store.link(&"l-1".to_owned()).await.unwrap().unwrap(), after);
}

pub(crate) async fn of_many_settles_on_one_version_exactly_one_wins<S: StateStore>(store: &S) {
    settled(store, &first_settlement(&new_link("l-1", "12x1", "47"))).await;
    let read = store.link(&"l-1".to_owned()).await.unwrap();
    let settlement = Settlement { link: read, ..Settlement::default() };
    let answers = futures::future::join_all((0..8).map(|_| store.settle(&settlement))).await;
    let won = answers.into_iter().map(Result::unwrap).filter(|answer| *answer == Settled::Yes).count();
    assert_eq!(won, 1);
    assert_eq!(store.link(&"l-1".to_owned()).await.unwrap().unwrap().version, 2);
}

pub(crate) async fn a_settlement_is_all_or_nothing<S: StateStore>(store: &S) {
    let link = new_link("l-1", "12x1", "47");
    // The state of the record was claimed meanwhile: version 0 is stale.
    claimed(store, &in_mautic("47"), 0, "somebody").await;
    let settlement = Settlement { states: vec![(in_mautic("47"), free(0))], ..first_settlement(&link) };
    conflicts(store, &settlement).await;
    assert_eq!(store.link(&"l-1".to_owned()).await.unwrap(), None);
    assert_eq!(store.find_link(&in_corebos("12x1"), &pair()).await.unwrap(), None);
    assert_eq!(store.state(&in_mautic("47")).await.unwrap().lease.unwrap().holder, "somebody");
}

pub(crate) async fn a_lookup_that_leads_elsewhere_is_neither_taken_nor_removed<S: StateStore>(store: &S) {
    settled(store, &first_settlement(&new_link("l-1", "12x1", "47"))).await;
    conflicts(store, &first_settlement(&new_link("l-2", "12x2", "47"))).await;
    assert_eq!(store.link(&"l-2".to_owned()).await.unwrap(), None);
    settled(store, &first_settlement(&new_link("l-3", "12x3", "49"))).await;
    let other = store.link(&"l-3".to_owned()).await.unwrap();
    let removal = Settlement { link: other, lookups_removed: vec![in_mautic("47")], ..Settlement::default() };
    conflicts(store, &removal).await;
    assert_eq!(store.find_link(&in_mautic("47"), &pair()).await.unwrap().unwrap().id, "l-1");
}

pub(crate) async fn a_lookup_can_be_stored_again_for_its_own_link<S: StateStore>(store: &S) {
    settled(store, &first_settlement(&new_link("l-1", "12x1", "47"))).await;
    let read = store.link(&"l-1".to_owned()).await.unwrap().unwrap();
    settled(store, &first_settlement(&read)).await;
    assert_eq!(store.find_link(&in_mautic("47"), &pair()).await.unwrap().unwrap().version, 2);
}

pub(crate) async fn a_record_can_be_moved_out_of_a_link<S: StateStore>(store: &S) {
    settled(store, &first_settlement(&new_link("l-1", "12x1", "47"))).await;
    let mut link = store.link(&"l-1".to_owned()).await.unwrap().unwrap();
    link.remote = in_mautic("50");
    let settlement = Settlement {
        link: Some(link),
        lookups_added: vec![in_mautic("50")],
        // A lookup that is not there any more is as good as removed.
        lookups_removed: vec![in_mautic("47"), in_mautic("46")],
        ..Settlement::default()
    };
    settled(store, &settlement).await;
    assert_eq!(store.find_link(&in_mautic("47"), &pair()).await.unwrap(), None);
    assert_eq!(store.find_link(&in_mautic("50"), &pair()).await.unwrap().unwrap().id, "l-1");
    assert_eq!(store.find_link(&in_corebos("12x1"), &pair()).await.unwrap().unwrap().remote, in_mautic("50"));
}

pub(crate) async fn a_link_is_found_by_pair_only_in_its_own_pair<S: StateStore>(store: &S) {
    settled(store, &first_settlement(&new_link("l-1", "12x1", "47"))).await;
    let other = model::Pair { remote: system("mautic:second"), ..pair() };
    assert_eq!(store.find_link(&in_corebos("12x1"), &other).await.unwrap(), None);
}

pub(crate) async fn an_alias_finds_the_link_that_does_not_name_it<S: StateStore>(store: &S) {
    let link = new_link("l-1", "12x1", "47");
    let mut settlement = first_settlement(&link);
    settlement.lookups_added.push(in_mautic("46"));
    settled(store, &settlement).await;
    let found = store.find_link(&in_mautic("46"), &pair()).await.unwrap().unwrap();
    assert_eq!((found.id.as_str(), found.remote), ("l-1", in_mautic("47")));
}

pub(crate) async fn a_lease_is_taken_once_per_version<S: StateStore>(store: &S) {
    let record = in_corebos("12x1");
    assert_eq!(claimed(store, &record, 0, "first").await, 1);
    let second = store.claim(&record, 0, &lease("second", at(45))).await.unwrap();
    assert_eq!(second, Claimed::Changed);
    let state = store.state(&record).await.unwrap();
    assert_eq!((state.version, state.lease), (1, Some(lease("first", at(45)))));
    // Whoever has read the lease may take it over: whether it is too old is decided by the reader.
    assert_eq!(claimed(store, &record, 1, "third").await, 2);
    assert_eq!(store.claim(&record, 7, &lease("fourth", at(45))).await.unwrap(), Claimed::Changed);
    let never = store.claim(&in_corebos("12x9"), 3, &lease("fifth", at(45))).await.unwrap();
    assert_eq!(never, Claimed::Changed);
}

pub(crate) async fn of_many_claims_on_one_version_exactly_one_wins<S: StateStore>(store: &S) {
    let record = in_corebos("12x1");
    let leases: Vec<_> = (0..8).map(|n| lease(&format!("worker {n}"), at(45))).collect();
    let answers = futures::future::join_all(leases.iter().map(|lease| store.claim(&record, 0, lease))).await;
    let won = answers.into_iter().map(Result::unwrap).filter(|a| *a == Claimed::Yes { version: 1 }).count();
    assert_eq!(won, 1);
}

pub(crate) async fn a_settle_that_read_an_older_state_conflicts_with_a_claim<S: StateStore>(store: &S) {
    let record = in_corebos("12x1");
    let version = claimed(store, &record, 0, "first").await;
    claimed(store, &record, version, "second").await;
    conflicts(store, &Settlement { states: vec![(record.clone(), free(version))], ..Settlement::default() })
        .await;
    assert_eq!(store.state(&record).await.unwrap().lease.unwrap().holder, "second");
}

pub(crate) async fn a_released_state_keeps_its_version<S: StateStore>(store: &S) {
    let record = in_corebos("12x1");
    let version = claimed(store, &record, 0, "first").await;
    settled(store, &Settlement { states: vec![(record.clone(), free(version))], ..Settlement::default() })
        .await;
    assert_eq!(store.state(&record).await.unwrap(), free(2));
    // Were it 0 again, a worker that read the state before anybody could still claim it.
    assert_eq!(store.claim(&record, 0, &lease("late", at(45))).await.unwrap(), Claimed::Changed);
}

pub(crate) async fn states_of_two_records_are_settled_together<S: StateStore>(store: &S) {
    let (one, two) = (in_corebos("12x1"), in_mautic("47"));
    let version = claimed(store, &one, 0, "first").await;
    let both = vec![(one.clone(), free(version)), (two.clone(), free(0))];
    let settlement = Settlement { states: both, ..Settlement::default() };
    settled(store, &settlement).await;
    assert_eq!(store.state(&one).await.unwrap().version, 2);
    assert_eq!(store.state(&two).await.unwrap().version, 1);
    conflicts(store, &settlement).await;
}

pub(crate) async fn a_natural_key_is_held_by_one_record_until_its_time_is_over<S: StateStore>(store: &S) {
    let key = natural_key("ana@example.com");
    let first = store.claim_key(&key, &in_mautic("47"), at(0), at(45)).await.unwrap();
    assert_eq!(first, KeyClaimed::Yes);
    let held = KeyClaimed::Held { by: in_mautic("47"), until: at(45) };
    assert_eq!(store.claim_key(&key, &in_mautic("48"), at(44), at(89)).await.unwrap(), held);
    let other =
        store.claim_key(&natural_key("eva@example.com"), &in_mautic("48"), at(0), at(45)).await.unwrap();
    assert_eq!(other, KeyClaimed::Yes);
    // Its time is over, though nothing has removed it.
    assert_eq!(store.claim_key(&key, &in_mautic("48"), at(45), at(90)).await.unwrap(), KeyClaimed::Yes);
    let held = KeyClaimed::Held { by: in_mautic("48"), until: at(90) };
    assert_eq!(store.claim_key(&key, &in_mautic("47"), at(46), at(91)).await.unwrap(), held);
}

pub(crate) async fn a_record_meets_its_own_claim_as_its_own<S: StateStore>(store: &S) {
    let key = natural_key("ana@example.com");
    for until in [45, 60] {
        let claimed = store.claim_key(&key, &in_mautic("47"), at(0), at(until)).await.unwrap();
        assert_eq!(claimed, KeyClaimed::Yes);
    }
    let held = KeyClaimed::Held { by: in_mautic("47"), until: at(60) };
    assert_eq!(store.claim_key(&key, &in_mautic("48"), at(50), at(95)).await.unwrap(), held);
}

pub(crate) async fn a_released_key_is_free<S: StateStore>(store: &S) {
    let key = natural_key("ana@example.com");
    store.claim_key(&key, &in_mautic("47"), at(0), at(45)).await.unwrap();
    let link = new_link("l-1", "12x1", "47");
    let settlement =
        Settlement { key_released: Some((key.clone(), in_mautic("47"))), ..first_settlement(&link) };
    settled(store, &settlement).await;
    assert_eq!(store.claim_key(&key, &in_mautic("48"), at(1), at(46)).await.unwrap(), KeyClaimed::Yes);
}

pub(crate) async fn a_key_that_another_took_over_is_not_released<S: StateStore>(store: &S) {
    let key = natural_key("ana@example.com");
    store.claim_key(&key, &in_mautic("47"), at(0), at(45)).await.unwrap();
    store.claim_key(&key, &in_mautic("48"), at(50), at(95)).await.unwrap();
    // The first worker was slow; its link is stored all the same, and the second one's claim stands.
    let link = new_link("l-1", "12x1", "47");
    let settlement =
        Settlement { key_released: Some((key.clone(), in_mautic("47"))), ..first_settlement(&link) };
    settled(store, &settlement).await;
    assert!(store.find_link(&in_mautic("47"), &pair()).await.unwrap().is_some());
    let held = KeyClaimed::Held { by: in_mautic("48"), until: at(95) };
    assert_eq!(store.claim_key(&key, &in_mautic("49"), at(51), at(96)).await.unwrap(), held);
}

pub(crate) async fn failures_are_counted_by_receipt<S: StateStore>(store: &S) {
    assert_eq!(store.count_failure("req-1/0", at(0)).await.unwrap(), 1);
    assert_eq!(store.count_failure("req-1/0", at(60)).await.unwrap(), 2);
    assert_eq!(store.count_failure("req-1/1", at(60)).await.unwrap(), 1);
}

pub(crate) async fn a_parked_change_without_a_link_is_settled<S: StateStore>(store: &S) {
    let parked = vec![parked_change("req-1/0", "no last name"), parked_change("req-1/0", "no city")];
    let states = vec![(in_mautic("47"), free(0))];
    settled(store, &Settlement { parked, states, ..Settlement::default() }).await;
    assert_eq!(store.state(&in_mautic("47")).await.unwrap().version, 1);
}

pub(crate) async fn deletes_are_counted_per_pair_and_hour<S: StateStore>(store: &S) {
    for expected in 1..=3 {
        assert_eq!(store.count_delete(&pair(), at(0)).await.unwrap(), expected);
    }
    assert_eq!(store.count_delete(&pair(), at(3600)).await.unwrap(), 1);
    let other = model::Pair { remote: system("mautic:second"), ..pair() };
    assert_eq!(store.count_delete(&other, at(0)).await.unwrap(), 1);
}

pub(crate) async fn an_identity_is_the_first_one_seen<S: StateStore>(store: &S) {
    let (mautic, corebos) = (system("mautic:main"), system("corebos:main"));
    assert_eq!(store.first_identity(&mautic, "https://a.example#1").await.unwrap(), "https://a.example#1");
    assert_eq!(store.first_identity(&mautic, "https://b.example#1").await.unwrap(), "https://a.example#1");
    assert_eq!(store.first_identity(&corebos, "https://b.example#1").await.unwrap(), "https://b.example#1");
}

fn waiting(child: &str, parent: &str, towards: &str) -> Waiting {
    Waiting { parent: in_corebos(parent), child: in_corebos(child), towards: system(towards) }
}

pub(crate) async fn a_child_waits_for_its_parent_towards_one_system_until_it_is_told<S: StateStore>(
    store: &S,
) {
    let mautic = system("mautic:main");
    let children = ["12x1", "12x2", "12x3"].map(|child| waiting(child, "11x7", "mautic:main"));
    let others = [waiting("12x1", "11x7", "hubspot:main"), waiting("12x1", "11x70", "mautic:main")];
    for child in children.iter().chain(&others) {
        assert!(!store.is_waiting(child, at(0)).await.unwrap());
        for _ in 0..2 {
            store.wait(child, at(60)).await.unwrap();
        }
        assert!(store.is_waiting(child, at(0)).await.unwrap());
    }
    let parent = in_corebos("11x7");
    let first = store.waiting(&parent, &mautic, at(0), 2).await.unwrap();
    assert_eq!(first.len(), 2);
    store.waited(&first).await.unwrap();
    let rest = store.waiting(&parent, &mautic, at(0), 2).await.unwrap();
    assert_eq!(rest.len(), 1);
    let mut all: Vec<_> = first.into_iter().chain(rest).collect();
    all.sort();
    assert_eq!(all, children);
    store.waited(&all).await.unwrap();
    assert_eq!(store.waiting(&parent, &mautic, at(0), 2).await.unwrap(), []);
    for other in &others {
        assert!(store.is_waiting(other, at(0)).await.unwrap());
    }
}

pub(crate) async fn a_child_that_has_waited_too_long_is_forgotten<S: StateStore>(store: &S) {
    let child = waiting("12x1", "11x7", "mautic:main");
    store.wait(&child, at(60)).await.unwrap();
    for (now, waits) in [(at(59), true), (at(62), false)] {
        assert_eq!(store.is_waiting(&child, now).await.unwrap(), waits);
        let found = store.waiting(&child.parent, &child.towards, now, 10).await.unwrap();
        assert_eq!(!found.is_empty(), waits);
    }
}

pub(crate) async fn an_empty_settlement_is_settled<S: StateStore>(store: &S) {
    settled(store, &Settlement::default()).await;
}
