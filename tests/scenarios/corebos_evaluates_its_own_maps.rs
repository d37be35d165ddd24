//! A map that is in coreBOS and decides by one of coreBOS's rules: coreBOS evaluates that field, and it reaches Mautic.
//!
//! Pushes are made here, with the real connectors and the map as coreBOS has it.

use connector_corebos::CoreBos;
use connector_mautic::Mautic;
use mapping::Semantics;
use model::{Direction, Notice, NoticeKind, ObjectName, Pair, PairKind, RecordRef, System};
use scenarios::{simulators, text};
use serde_json::json;
use simulators::faults::Fault;
use sync::memory::{MemoryClock, MemoryQueue, MemoryStore};
use sync::{
    Delivery, Environment, MapOrigin, Opens as _, Outcome, PairContext, PairMap, PairSettings,
    World as SyncWorld, pair_spec,
};

const MAP: &str = "<map><fields>
<field><fieldname>lastname</fieldname><Orgfields><Orgfield><OrgfieldName>lastname</OrgfieldName></Orgfield></Orgfields></field>
<field><fieldname>email</fieldname><Orgfields><Orgfield><OrgfieldName>email</OrgfieldName></Orgfield></Orgfields></field>
<field><fieldname>mobile</fieldname><Orgfields><Orgfield><OrgfieldName>mobile</OrgfieldName></Orgfield></Orgfields></field>
<field><fieldname>position</fieldname><Orgfields><Orgfield><OrgfieldName>leadsource</OrgfieldName><OrgfieldID>RULE</OrgfieldID><Rule>Segments</Rule></Orgfield></Orgfields></field>
</fields></map>";

struct ToMautic;

impl SyncWorld for ToMautic {
    type Source = CoreBos;
    type Target = Mautic;
    type Store = MemoryStore;
    type Queue = MemoryQueue;
    type Clock = MemoryClock;
}

/// Everything that a push needs, and the stand-ins.
struct Story {
    systems: bridge::simulated::Simulated,
    context: PairContext,
    hub: CoreBos,
    remote: Mautic,
    store: MemoryStore,
    queue: MemoryQueue,
    clock: MemoryClock,
    receipts: u32,
}

impl Story {
    /// The map is a Business Map of coreBOS, and its rule tells partners from others.
    async fn new() -> Self {
        let systems = simulators().await;
        let id = systems.corebos.put_map("ContactsToMautic", MAP).await.unwrap();
        systems.corebos.put_map_of_type("Segments", "Condition Expression", "<map/>").await.unwrap();
        systems.corebos.decide_rule("Segments", |record| {
            let segment = if record["leadsource"] == "Partner" { "gold" } else { "tin" };
            format!("{segment} for {}", record["lastname"])
        });
        let (hub_name, remote_name): (System, System) =
            ("corebos:main".parse().unwrap(), "mautic:main".parse().unwrap());
        let options = simulators::mautic::MauticOptions::default();
        let hub_secret =
            json!({ "username": "sync", "access_key": systems.corebos.access_key("sync").unwrap() });
        let remote_secret = json!({ "username": options.username, "password": options.password });
        let hub = CoreBos::open(
            hub_name.clone(),
            &systems.corebos.url(),
            serde_json::from_value(hub_secret).unwrap(),
            serde_json::from_value(json!({})).unwrap(),
            sync::Shared::default(),
        );
        let remote = Mautic::open(
            remote_name.clone(),
            &systems.mautic.url(),
            serde_json::from_value(remote_secret).unwrap(),
            serde_json::from_value(json!({})).unwrap(),
            sync::Shared::default(),
        );
        let spec = pair_spec(PairKind::MauticContacts);
        let map = |name: &str, xml: &str, origin: &MapOrigin, direction| {
            PairMap::compile(name, xml.as_bytes(), Semantics::Bridge, origin, spec, direction).unwrap()
        };
        let back = mapping::shipped::find("MauticToContacts").unwrap();
        let context = PairContext {
            pair: Pair { kind: PairKind::MauticContacts, hub: hub_name.clone(), remote: remote_name.clone() },
            spec,
            settings: PairSettings::default(),
            to_hub: map(back.name, back.xml, &MapOrigin::Elsewhere, Direction::ToHub),
            to_remote: map("ContactsToMautic", MAP, &MapOrigin::CoreBos { id }, Direction::ToRemote),
            hub_is_pushed: true,
            remote_is_pushed: true,
            associations: Vec::new(),
        };
        Self {
            systems,
            context,
            hub: hub.unwrap(),
            remote: remote.unwrap(),
            store: MemoryStore::default(),
            queue: MemoryQueue::towards([hub_name, remote_name]),
            clock: MemoryClock::default(),
            receipts: 0,
        }
    }

    /// Pushes a contact of coreBOS to Mautic and tells what became of it.
    async fn push(&mut self, id: &str) -> &'static str {
        self.receipts += 1;
        let notice = Notice {
            record: RecordRef::new(&self.context.pair.hub, &ObjectName::new("Contacts"), id),
            kind: NoticeKind::Saved,
            receipt: format!("r{}", self.receipts),
            received_at: sync::Clock::now(&self.clock),
            modified_at: None,
            command: None,
            event: None,
        };
        let environment = Environment::<ToMautic> {
            context: &self.context,
            direction: Direction::ToRemote,
            source: &self.hub,
            target: &self.remote,
            store: &self.store,
            queue: &self.queue,
            clock: &self.clock,
            lease: std::time::Duration::from_secs(45),
            other_remotes: &[],
        };
        match sync::push(&environment, &notice, &Delivery { attempt: 1 }).await {
            Outcome::Done(report) => report.outcome,
            other => panic!("{other:?}"),
        }
    }

    /// The contact in Mautic.
    fn there(&self, field: &str) -> String {
        let contacts = self.systems.mautic.contacts();
        assert_eq!(contacts.len(), 1);
        text(&contacts[0], field)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_of_corebos_decides_a_field_of_mautic_and_decides_anew_when_its_reasons_change() {
    let mut story = Story::new().await;
    let zoe = json!({ "lastname": "Zoé & Söhne", "email": "zoe@example.org", "leadsource": "Partner" });
    let zoe = story.systems.corebos.create("Contacts", &zoe).await.unwrap();
    assert_eq!(story.push(&zoe).await, "created");
    // coreBOS's own record is HTML-encoded; Mautic gets what people read.
    assert_eq!(story.there("position"), "gold for Zoé & Söhne");
    assert_ne!(story.push(&zoe).await, "updated");

    story.systems.corebos.edit(&zoe, &json!({ "leadsource": "Cold Call" })).await.unwrap();
    assert_eq!(story.push(&zoe).await, "updated");
    assert_eq!(story.there("position"), "tin for Zoé & Söhne");
    assert_ne!(story.push(&zoe).await, "updated");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evaluation_that_ends_in_an_error_keeps_the_other_fields_moving_and_blanks_nothing() {
    let mut story = Story::new().await;
    let zoe = json!({ "lastname": "Zoé", "email": "zoe@example.org", "leadsource": "Partner" });
    let zoe = story.systems.corebos.create("Contacts", &zoe).await.unwrap();
    assert_eq!(story.push(&zoe).await, "created");

    // PHP dies of the map, and of nothing else.
    story.systems.corebos.faults().add(Fault::status(500).operation("ProcessMap"));
    story.systems.corebos.edit(&zoe, &json!({ "leadsource": "Cold Call", "mobile": "700" })).await.unwrap();
    assert_eq!(story.push(&zoe).await, "updated");
    assert_eq!((story.there("mobile"), story.there("position")), ("700".into(), "gold for Zoé".into()));
    let parked = story.store.parked();
    assert!(parked.iter().any(|change| change.fields.contains_key("position")), "{parked:?}");

    story.systems.corebos.faults().clear();
    story.systems.corebos.edit(&zoe, &json!({ "mobile": "800" })).await.unwrap();
    assert_eq!(story.push(&zoe).await, "updated");
    assert_eq!(story.there("position"), "tin for Zoé");
}
