//! Worlds with a HubSpot portal beside coreBOS and Mautic, and ways to look at it.

use bridge::simulated::{self, Simulated};
use jiff::{SignedDuration, Timestamp};
use model::{Link, ObjectName, Pair, PairKind, RecordRef};
use serde_json::{Value, json};
use simulators::hubspot::{HubSpotOptions, HubSpotSimulator, Kind};
use sync::poll::Position;
use sync::{Clock as _, Cursor, CursorKey, CursorStore as _, StateStore as _};

use crate::{Unusual, World, text, world_of};

impl World {
    /// Converts a Lead of coreBOS into a Contact, and waits until that one has the Lead's contact in HubSpot.
    ///
    /// # Panics
    /// It does not: the story has failed.
    pub async fn converted(&mut self, lead: &str, id: &str) -> String {
        let entities = json!({
            "Contacts": { "create": true, "name": "Contacts", "firstname": "Ana", "lastname": "Pérez", "email": "ana@example.org" }
        });
        let converted = self.systems.corebos.convert_lead(lead, &entities).await;
        assert!(converted.is_ok(), "coreBOS does not convert {lead}");
        self.quiet().await;
        let contact = text(&self.systems.corebos.records("Contacts")[0], "id");
        // The contact says of whom it comes only after it was told of; what coreBOS calls deleted finds it.
        self.poll_at_once("poll-corebos").await;
        self.until_property(Kind::Contact, id, "corebos_id", &contact).await;
        self.until_field(&contact, "hubspotid", id).await;
        self.until_field(&contact, "hubspotsyncwith", "1").await;
        self.quiet_or_waiting(8).await;
        contact
    }

    /// A world with all three systems; coreBOS tells of its saves and deletes, HubSpot's app of its events.
    ///
    /// # Panics
    /// It does not start: the story has failed.
    pub async fn with_hubspot(program: &str) -> Self {
        Self::with_hubspot_as(program, Unusual::default(), HubSpotOptions::default()).await
    }

    /// The same, of an unusual kind.
    ///
    /// # Panics
    /// It does not start: the story has failed.
    pub async fn with_hubspot_as(program: &str, unusual: Unusual, options: HubSpotOptions) -> Self {
        let world = Self::with_untold_hubspot(program, unusual, options).await;
        let pointed = world.systems.point_hubspot_at(&world.local.webhook_url("webhook-hubspot"));
        pointed.unwrap_or_else(|error| panic!("{error:#}"));
        let corebos = world.local.webhook_url("webhook-corebos");
        world.systems.point_workflows_at(&corebos).await.unwrap_or_else(|error| panic!("{error:#}"));
        world
    }

    /// All three systems; neither coreBOS nor HubSpot tells anybody anything.
    ///
    /// # Panics
    /// It does not start: the story has failed.
    pub async fn with_untold_hubspot(program: &str, unusual: Unusual, options: HubSpotOptions) -> Self {
        let mut systems = simulated::start((0, 0), None).await.unwrap_or_else(|error| panic!("{error:#}"));
        systems.add_hubspot(options).await.unwrap_or_else(|error| panic!("{error:#}"));
        let config = systems.config().unwrap_or_else(|error| panic!("{error:#}"));
        world_of(program, systems, &config, unusual).await
    }

    /// The portal.
    ///
    /// # Panics
    /// The world has none.
    pub fn hubspot(&self) -> &HubSpotSimulator {
        portal(&self.systems)
    }

    /// Waits for the record of HubSpot that carries the id of a coreBOS record, and is not merged or deleted: its id.
    pub async fn hubspot_record_of(&mut self, kind: Kind, hub: &str) -> String {
        self.until(&format!("{hub} in HubSpot"), |systems| {
            let portal = portal(systems);
            portal.ids(kind).into_iter().find(|id| property(portal, kind, id, "corebos_id") == hub)
        })
        .await
    }

    /// Waits until a property of a record reads so.
    pub async fn until_property(&mut self, kind: Kind, id: &str, name: &str, value: &str) {
        self.until(&format!("{name} of {id} in HubSpot to be {value:?}"), |systems| {
            (property(portal(systems), kind, id, name) == value).then_some(())
        })
        .await;
    }

    /// Waits for the coreBOS record of a HubSpot record: its id.
    pub async fn corebos_record_of(&mut self, module: &str, hubspot_id: &str) -> String {
        self.until(&format!("{hubspot_id} of HubSpot in {module}"), |systems| {
            let records = systems.corebos.records(module);
            let found = records.into_iter().find(|record| text(record, "hubspotid") == hubspot_id)?;
            Some(text(&found, "id"))
        })
        .await
    }

    /// A record that a person has created in coreBOS and ticked for HubSpot, once it is there and each side knows the
    /// other's id: the coreBOS id and HubSpot's.
    ///
    /// # Panics
    /// coreBOS refuses it, or it does not arrive.
    pub async fn linked_to_hubspot(
        &mut self,
        module: &str,
        kind: Kind,
        mut fields: Value,
    ) -> (String, String) {
        fields["hubspotsyncwith"] = json!("1");
        let hub = self.systems.corebos.create(module, &fields).await;
        let hub = hub.unwrap_or_else(|error| panic!("coreBOS refuses {fields}: {error}"));
        let id = self.hubspot_record_of(kind, &hub).await;
        self.until_field(&hub, "hubspotid", &id).await;
        self.quiet().await;
        (hub, id)
    }

    /// A pair with HubSpot.
    ///
    /// # Panics
    /// Never: these are names.
    pub fn hubspot_pair(kind: PairKind) -> Pair {
        let system = |name: &str| name.parse().unwrap_or_else(|_| unreachable!());
        Pair { kind, hub: system("corebos:main"), remote: system("hubspot:main") }
    }

    /// The link of a HubSpot record.
    ///
    /// # Panics
    /// The table does not answer.
    pub async fn hubspot_link(&self, object: &str, id: &str) -> Option<Link> {
        let kind = match object {
            "company" => PairKind::HubSpotCompanies,
            "deal" => PairKind::HubSpotDeals,
            "lead" => PairKind::HubSpotLeadObjects,
            _ => PairKind::HubSpotContacts,
        };
        let pair = Self::hubspot_pair(kind);
        let record = RecordRef::new(&pair.remote, &ObjectName::new(object), id);
        let found = self.local.store.find_link(&record, &pair).await;
        found.unwrap_or_else(|error| panic!("{error}"))
    }

    /// Sets the cursors of the polls of HubSpot back, as if it was polled this long ago for the last time.
    ///
    /// # Panics
    /// The table does not answer.
    pub async fn hubspot_was_polled_hours_ago(&self, hours: i64) {
        let since = aws::SystemClock.now() - SignedDuration::from_hours(hours);
        self.set_cursors_of_hubspot(since, since).await;
    }

    /// Puts the cursors of the polls of HubSpot beyond all that has happened, so that a poll tells of nothing; and it was
    /// polled just now, so that the schedule leaves it alone.
    ///
    /// # Panics
    /// The table does not answer.
    pub async fn hubspot_s_feeds_tell_nothing(&self) {
        let now = aws::SystemClock.now();
        self.set_cursors_of_hubspot(now + SignedDuration::from_hours(1), now).await;
    }

    async fn set_cursors_of_hubspot(&self, since: Timestamp, polled_at: Timestamp) {
        let system = Self::hubspot_pair(PairKind::HubSpotContacts).remote;
        let now = aws::SystemClock.now();
        let cursor = Cursor { position: Some(Position { since, pass: None }), polled_at: Some(polled_at) };
        for object in ["contact", "company", "deal", "lead"] {
            let key = CursorKey { system: system.clone(), object: ObjectName::new(object) };
            let until = now + SignedDuration::from_secs(5);
            let leased = self.local.store.lease_cursor(&key, "a story", now, until).await;
            leased.unwrap_or_else(|error| panic!("{error}"));
            let set = self.local.store.release_cursor(&key, "a story", &cursor).await;
            set.unwrap_or_else(|error| panic!("{error}"));
        }
    }

    /// How many writes HubSpot has taken since its requests were cleared.
    pub fn hubspot_writes(&self) -> usize {
        let requests = self.hubspot().requests();
        let is_write = |method: &str, path: &str| {
            matches!(method, "PATCH" | "PUT" | "DELETE")
                || method == "POST"
                    && !path.ends_with("/search")
                    && !path.ends_with("/batch/read")
                    && !path.starts_with("/oauth/")
        };
        requests.iter().filter(|request| is_write(&request.method, &request.path)).count()
    }
}

fn portal(systems: &Simulated) -> &HubSpotSimulator {
    systems.hubspot.as_ref().unwrap_or_else(|| panic!("this world has no HubSpot"))
}

/// A property of a record; blank where there is none.
pub fn property(portal: &HubSpotSimulator, kind: Kind, id: &str, name: &str) -> String {
    portal.record(kind, id).and_then(|values| values.get(name).cloned()).unwrap_or_default()
}
