//! Two systems with contacts and companies, the two pairs between them, and one worker.

use std::time::Duration;

use mapping::{FieldMap, Semantics};
use model::{Direction, Fields, Notice, NoticeKind, ObjectName, Pair, PairKind, RecordRef, Side, System};
use sync::memory::{MemoryClock, MemoryField, MemoryQueue, MemorySchema, MemoryStore, MemorySystem};
use sync::{
    Association, Clock, Connector, ConnectorError, Delivery, Environment, Lookup, Outcome, PairContext,
    PairMap, PairSettings, Reading, Record, World as SyncWorld, pair_spec, push,
};

struct Memory;

/// A system with two objects.
struct Both<'a>(&'a MemorySystem, &'a MemorySystem);

impl Both<'_> {
    fn of(&self, object: &ObjectName) -> &MemorySystem {
        if ["Contacts", "contact"].contains(&object.as_str()) { self.0 } else { self.1 }
    }
}

impl Connector for Both<'_> {
    type Schema = MemorySchema;

    fn system(&self) -> &System {
        self.0.system()
    }

    async fn identity(&self) -> Result<String, ConnectorError> {
        self.0.identity().await
    }

    async fn schema(&self, object: &ObjectName) -> Result<MemorySchema, ConnectorError> {
        self.of(object).schema(object).await
    }

    /// Like a system that keeps its associations elsewhere: who does not ask for one gets none.
    async fn read_with(&self, record: &RecordRef, asked: &[&str]) -> Result<Reading, ConnectorError> {
        let mut reading = self.of(&record.object).read_with(record, asked).await?;
        if let Reading::Found(record) | Reading::MergedInto(record) = &mut reading
            && !asked.contains(&COMPANY)
        {
            record.fields.remove(COMPANY);
        }
        Ok(reading)
    }

    async fn find(&self, object: &ObjectName, lookup: &Lookup) -> Result<Vec<Record>, ConnectorError> {
        let mut found = self.of(object).find(object, lookup).await?;
        for record in &mut found {
            record.fields.remove(COMPANY);
        }
        Ok(found)
    }

    async fn create(&self, object: &ObjectName, values: &Fields) -> Result<Record, ConnectorError> {
        self.of(object).create(object, values).await
    }

    async fn update(&self, record: &RecordRef, values: &Fields) -> Result<Record, ConnectorError> {
        self.of(&record.object).update(record, values).await
    }
}

impl<'a> SyncWorld for &'a Memory {
    type Source = Both<'a>;
    type Target = Both<'a>;
    type Store = MemoryStore;
    type Queue = MemoryQueue;
    type Clock = MemoryClock;
}

pub(super) const COMPANY: &str = "primary-company";

/// Two systems with two objects each, the two pairs between them, and one worker.
pub(super) struct World {
    pub(super) clock: MemoryClock,
    pub(super) contacts: [MemorySystem; 2],
    pub(super) companies: [MemorySystem; 2],
    pub(super) store: MemoryStore,
    pub(super) queue: MemoryQueue,
    pub(super) pairs: [PairContext; 2],
    pub(super) outcomes: Vec<Outcome>,
    pub(super) receipts: u32,
}

fn map(fields: &[(&str, &str)], spec: PairKind, direction: Direction, associations: bool) -> PairMap {
    let field = |(target, source): &(&str, &str)| {
        format!(
            "<field><fieldname>{target}</fieldname><Orgfields><Orgfield><OrgfieldName>{source}</OrgfieldName></Orgfield></Orgfields></field>"
        )
    };
    let fields: Vec<String> = fields.iter().map(field).collect();
    let fields = fields.concat();
    let xml = format!("<map><fields>{fields}</fields></map>");
    let compiled = FieldMap::compile("test", xml.as_bytes(), Semantics::Bridge).unwrap();
    let map = PairMap::new(compiled, pair_spec(spec), direction);
    if associations { map.with_associations(pair_spec(spec), direction) } else { map }
}

impl World {
    pub(super) fn new() -> Self {
        Self::with(&PairSettings::default(), &PairSettings::default())
    }

    pub(super) fn with(contacts: &PairSettings, companies: &PairSettings) -> Self {
        let clock = MemoryClock::default();
        let systems: [System; 2] = ["corebos:main".parse().unwrap(), "mautic:main".parse().unwrap()];
        let system = |side: usize, object: &str, fields: &[&'static str]| {
            let schema = MemorySchema::of(fields.iter().map(|name| (*name, MemoryField::default())));
            MemorySystem::new(systems[side].clone(), ObjectName::new(object), schema, clock.clone())
        };
        let pair = |kind| Pair { kind, hub: systems[0].clone(), remote: systems[1].clone() };
        let names = [("lastname", "lastname"), ("email", "email")];
        let outward = [&names[..], &[("company", "account_name")]].concat();
        let (people, firms) = (PairKind::MauticContacts, PairKind::MauticCompanies);
        let associated = |direction| contacts.operations(direction).associations;
        let context = |kind, settings: PairSettings, to_hub, to_remote, associations| PairContext {
            pair: pair(kind),
            spec: pair_spec(kind),
            settings,
            to_hub,
            to_remote,
            hub_is_pushed: true,
            remote_is_pushed: true,
            associations,
        };
        let association = Association {
            spec: &pair_spec(people).associations[0],
            parents: pair(firms),
            parent_settings: companies.clone(),
        };
        let pairs = [
            context(
                people,
                contacts.clone(),
                map(&names, people, Direction::ToHub, associated(Direction::ToHub)),
                map(&outward, people, Direction::ToRemote, associated(Direction::ToRemote)),
                vec![association],
            ),
            context(
                firms,
                companies.clone(),
                map(&[("accountname", "companyname")], firms, Direction::ToHub, false),
                map(&[("companyname", "accountname")], firms, Direction::ToRemote, false),
                Vec::new(),
            ),
        ];
        let own = ["mautic_id", "deleted_in_mautic"];
        let hub_fields = [&["lastname", "email", "account_id", "account_name"], &own[..]].concat();
        Self {
            contacts: [
                system(0, "Contacts", &hub_fields),
                system(1, "contact", &["lastname", "email", COMPANY, "company", "corebos_id", "points"]),
            ],
            companies: [
                system(0, "Accounts", &[&["accountname"], &own[..]].concat()),
                system(1, "company", &["companyname", "company_corebos_id"]),
            ],
            store: MemoryStore::default(),
            queue: MemoryQueue::towards(systems),
            pairs,
            outcomes: Vec::new(),
            receipts: 0,
            clock,
        }
    }

    pub(super) fn hub(&self) -> (&MemorySystem, &MemorySystem) {
        (&self.contacts[0], &self.companies[0])
    }

    pub(super) fn remote(&self) -> (&MemorySystem, &MemorySystem) {
        (&self.contacts[1], &self.companies[1])
    }

    pub(super) fn side(&self, record: &RecordRef) -> Side {
        if *self.pairs[0].pair.system(Side::Hub) == record.system { Side::Hub } else { Side::Remote }
    }

    pub(super) fn index(side: Side) -> usize {
        usize::from(side == Side::Remote)
    }

    pub(super) async fn push(&mut self, notice: Notice) {
        let direction =
            if self.side(&notice.record) == Side::Hub { Direction::ToRemote } else { Direction::ToHub };
        let is_child = ["Contacts", "contact"].contains(&notice.record.object.as_str());
        let context = &self.pairs[usize::from(!is_child)];
        let system = |side| {
            let index = Self::index(side);
            Both(&self.contacts[index], &self.companies[index])
        };
        let (source, target) = (system(direction.source()), system(direction.target()));
        for attempt in 1..=20 {
            let environment = Environment::<&Memory> {
                context,
                direction,
                source: &source,
                target: &target,
                store: &self.store,
                queue: &self.queue,
                clock: &self.clock,
                lease: Duration::from_secs(45),
                other_remotes: &[],
            };
            match push(&environment, &notice, &Delivery { attempt }).await {
                Outcome::Retry { after, .. } => self.clock.advance(after.unwrap_or(Duration::from_secs(1))),
                done => {
                    self.outcomes.push(done);
                    return;
                }
            }
        }
        panic!("{notice:?} never ends");
    }

    /// Notices of what people and our own writes did; `keep` says which are not lost.
    pub(super) fn notices(&mut self, keep: impl Fn(&RecordRef) -> bool) -> Vec<Notice> {
        let events: Vec<_> =
            self.contacts.iter().chain(&self.companies).flat_map(MemorySystem::take_events).collect();
        let mut notices = Vec::new();
        for (record, kind) in events.into_iter().filter(|(record, _)| keep(record)) {
            self.receipts += 1;
            let receipt = format!("r{}", self.receipts);
            let received_at = self.clock.now();
            notices.push(Notice {
                record,
                kind,
                receipt,
                received_at,
                modified_at: None,
                command: None,
                event: None,
            });
        }
        for side in [Side::Hub, Side::Remote] {
            let target = self.pairs[0].pair.system(side).clone();
            notices.extend(self.queue.take(&target));
        }
        notices
    }

    /// Until nobody has anything left to tell.
    pub(super) async fn quiet(&mut self) {
        for _ in 0..40 {
            let notices = self.notices(|_| true);
            if notices.is_empty() {
                return;
            }
            for notice in notices {
                self.push(notice).await;
            }
        }
        panic!(
            "an endless exchange of notices: {:#?}",
            self.outcomes.iter().rev().take(4).collect::<Vec<_>>()
        );
    }

    pub(super) async fn tell(&mut self, record: RecordRef, kind: NoticeKind) {
        self.receipts += 1;
        let receipt = format!("r{}", self.receipts);
        let received_at = self.clock.now();
        self.push(Notice {
            record,
            kind,
            receipt,
            received_at,
            modified_at: None,
            command: None,
            event: None,
        })
        .await;
    }

    pub(super) fn partner(&self, record: &RecordRef) -> String {
        let links = self.store.links();
        let link = links.iter().find(|link| link.hub == *record || link.remote == *record);
        let link = link.unwrap_or_else(|| panic!("{record} is not linked"));
        if link.hub == *record { link.remote.id.clone() } else { link.hub.id.clone() }
    }

    pub(super) fn writes(&self) -> usize {
        let systems = self.contacts.iter().chain(&self.companies);
        systems.map(|system| system.api_writes().len() + system.api_creates() as usize).sum()
    }

    /// Ana of Acme, made in coreBOS and in step: account, contact, company, Mautic contact.
    pub(super) async fn ana_of_acme(&mut self) -> [String; 4] {
        let acme = self.hub().1.person_creates(&[("accountname", "Acme")]);
        let ana = self.hub().0.person_creates(&[("lastname", "Ana"), ("account_id", &acme)]);
        self.quiet().await;
        let company = self.partner(&self.hub().1.reference(&acme));
        let contact = self.partner(&self.hub().0.reference(&ana));
        assert_eq!(self.remote().0.value(&contact, COMPANY).as_deref(), Some(company.as_str()));
        [acme, ana, company, contact]
    }

    /// A second company on both sides: account and company.
    pub(super) async fn beta(&mut self) -> [String; 2] {
        let account = self.hub().1.person_creates(&[("accountname", "Beta")]);
        self.quiet().await;
        let company = self.partner(&self.hub().1.reference(&account));
        [account, company]
    }

    pub(super) fn account_of(&self, contact: &str) -> String {
        self.hub().0.value(contact, "account_id").unwrap()
    }

    pub(super) fn company_of(&self, contact: &str) -> String {
        self.remote().0.value(contact, COMPANY).unwrap()
    }
}
