//! A world in memory: coreBOS, one other system, the table, the queues, and pushes that can be stopped anywhere.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use mapping::{FieldMap, Semantics};
use model::{
    Direction, Notice, NoticeKind, ObjectName, Pair, PairKind, ParkedChange, RecordRef, Side, System,
};
use sync::inspect::{Inspected, inspect};
use sync::memory::{MemoryClock, MemoryField, MemoryQueue, MemorySchema, MemoryStore, MemorySystem};
use sync::redrive::{Redriven, redrive};
use sync::{
    Clock, Delivery, Environment, MapOrigin, Outcome, PairContext, PairMap, PairSettings, World as SyncWorld,
    pair_spec, push,
};

pub(crate) const LEASE: Duration = Duration::from_secs(45);

const TO_HUB: &str = "<map><fields>
<field><fieldname>firstname</fieldname><Orgfields><Orgfield><OrgfieldName>firstname</OrgfieldName></Orgfield></Orgfields></field>
<field><fieldname>lastname</fieldname><Orgfields><Orgfield><OrgfieldName>lastname</OrgfieldName></Orgfield></Orgfields></field>
<field><fieldname>email</fieldname><Orgfields><Orgfield><OrgfieldName>email</OrgfieldName></Orgfield></Orgfields></field>
<field><fieldname>phone</fieldname><Orgfields><Orgfield><OrgfieldName>phone</OrgfieldName></Orgfield></Orgfields></field>
<field><fieldname>label</fieldname><Orgfields><Orgfield><OrgfieldName>firstname</OrgfieldName></Orgfield><Orgfield><OrgfieldName>lastname</OrgfieldName></Orgfield><delimiter> </delimiter></Orgfields></field>
<field><fieldname>leadsource</fieldname><Orgfields><Orgfield><OrgfieldName>Promoter</OrgfieldName><OrgfieldID>CONST</OrgfieldID></Orgfield></Orgfields></field>
</fields></map>";

const TO_REMOTE: &str = "<map><fields>
<field><fieldname>firstname</fieldname><Orgfields><Orgfield><OrgfieldName>firstname</OrgfieldName></Orgfield></Orgfields></field>
<field><fieldname>lastname</fieldname><Orgfields><Orgfield><OrgfieldName>lastname</OrgfieldName></Orgfield></Orgfields></field>
<field><fieldname>email</fieldname><Orgfields><Orgfield><OrgfieldName>email</OrgfieldName></Orgfield></Orgfields></field>
<field><fieldname>phone</fieldname><Orgfields><Orgfield><OrgfieldName>phone</OrgfieldName></Orgfield></Orgfields></field>
</fields></map>";

/// A field that is made of two others, one way.
const GREETING: &str = "<field><fieldname>greeting</fieldname><Orgfields><Orgfield><OrgfieldName>firstname</OrgfieldName></Orgfield><Orgfield><OrgfieldName>phone</OrgfieldName></Orgfield><delimiter>/</delimiter></Orgfields></field>";

/// The fields that both maps carry one to one.
pub(crate) const SHARED: [&str; 4] = ["firstname", "lastname", "email", "phone"];

pub(crate) struct Memory;

impl SyncWorld for Memory {
    type Source = MemorySystem;
    type Target = MemorySystem;
    type Store = MemoryStore;
    type Queue = MemoryQueue;
    type Clock = MemoryClock;
}

type Running = Pin<Box<dyn Future<Output = Outcome>>>;

pub(crate) struct Task {
    future: Running,
    pub(crate) direction: Direction,
    pub(crate) notice: Notice,
    pub(crate) attempt: u32,
}

struct Waiting {
    direction: Direction,
    notice: Notice,
    attempt: u32,
    not_before: jiff::Timestamp,
}

pub(crate) struct World {
    pub(crate) clock: MemoryClock,
    pub(crate) hub: MemorySystem,
    pub(crate) remote: MemorySystem,
    pub(crate) store: MemoryStore,
    queue: MemoryQueue,
    context: Arc<PairContext>,
    waiting: Vec<Waiting>,
    pub(crate) running: Vec<Task>,
    pub(crate) outcomes: Vec<(Direction, Outcome)>,
    receipts: u64,
}

/// The end of something that nothing else must go on for.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

impl World {
    pub(crate) fn new(settings: PairSettings) -> Self {
        Self::with(settings, MemoryField::default())
    }

    /// A world whose maps make a field of two others on both sides.
    pub(crate) fn with_derived_fields(settings: PairSettings) -> Self {
        let to_remote = TO_REMOTE.replace("</fields>", &format!("{GREETING}</fields>"));
        Self::of(settings, MemoryField::default(), MemoryField::default(), &to_remote)
    }

    /// A world whose coreBOS has a phone field like this.
    pub(crate) fn with(settings: PairSettings, hub_phone: MemoryField) -> Self {
        Self::of(settings, hub_phone, MemoryField::default(), TO_REMOTE)
    }

    /// A world whose other system lets no two records have one e-mail.
    pub(crate) fn with_unique_emails() -> Self {
        let unique = MemoryField { unique: true, ..MemoryField::default() };
        Self::of(PairSettings::default(), MemoryField::default(), unique, TO_REMOTE)
    }

    fn of(
        settings: PairSettings,
        hub_phone: MemoryField,
        remote_email: MemoryField,
        to_remote: &str,
    ) -> Self {
        let clock = MemoryClock::default();
        let (hub_name, remote_name): (System, System) =
            ("corebos:main".parse().unwrap(), "mautic:main".parse().unwrap());
        let plain = MemoryField::default;
        let hub_fields = [
            "firstname",
            "lastname",
            "email",
            "label",
            "leadsource",
            "mautic_id",
            "deleted_in_mautic",
            "assigned_user_id",
            "contact_points",
            "account_id",
        ];
        let hub_schema =
            MemorySchema::of(hub_fields.map(|f| (f, plain())).into_iter().chain([("phone", hub_phone)]));
        let remote_schema = MemorySchema::of(
            [
                "firstname",
                "lastname",
                "phone",
                "greeting",
                "corebos_id",
                "points",
                "owner",
                "company",
                "account",
            ]
            .map(|f| (f, plain()))
            .into_iter()
            .chain([("email", remote_email)]),
        );
        let spec = pair_spec(PairKind::MauticContacts);
        let map = |name, xml: &str, direction| {
            PairMap::new(FieldMap::compile(name, xml.as_bytes(), Semantics::Bridge).unwrap(), spec, direction)
        };
        let context = PairContext {
            pair: Pair { kind: PairKind::MauticContacts, hub: hub_name.clone(), remote: remote_name.clone() },
            spec,
            settings,
            to_hub: map("MauticToContacts", TO_HUB, Direction::ToHub),
            to_remote: map("ContactsToMautic", to_remote, Direction::ToRemote),
            hub_is_pushed: true,
            remote_is_pushed: true,
            associations: Vec::new(),
        };
        Self {
            hub: MemorySystem::new(hub_name.clone(), ObjectName::new("Contacts"), hub_schema, clock.clone()),
            remote: MemorySystem::new(
                remote_name.clone(),
                ObjectName::new("contact"),
                remote_schema,
                clock.clone(),
            ),
            store: MemoryStore::default(),
            queue: MemoryQueue::towards([hub_name, remote_name]),
            context: Arc::new(context),
            waiting: Vec::new(),
            running: Vec::new(),
            outcomes: Vec::new(),
            receipts: 0,
            clock,
        }
    }

    pub(crate) fn system(&self, side: Side) -> &MemorySystem {
        if side == Side::Hub { &self.hub } else { &self.remote }
    }

    /// From now on the map into coreBOS makes this field too.
    pub(crate) fn map_to_hub_gets(&mut self, field: &str) {
        let xml = TO_HUB.replace("</fields>", &format!("{field}</fields>"));
        let map = FieldMap::compile("MauticToContacts", xml.as_bytes(), Semantics::Bridge).unwrap();
        let context = Arc::get_mut(&mut self.context).expect("no push is running");
        context.to_hub = PairMap::new(map, context.spec, Direction::ToHub);
    }

    /// From now on the map out of coreBOS makes this field too.
    pub(crate) fn map_to_remote_gets(&mut self, field: &str) {
        let xml = TO_REMOTE.replace("</fields>", &format!("{field}</fields>"));
        let map = FieldMap::compile("ContactsToMautic", xml.as_bytes(), Semantics::Bridge).unwrap();
        let context = Arc::get_mut(&mut self.context).expect("no push is running");
        context.to_remote = PairMap::new(map, context.spec, Direction::ToRemote);
    }

    /// From now on the map out of coreBOS is kept in coreBOS, as the record `49x7`, and makes this field too.
    pub(crate) fn map_to_remote_is_in_corebos_and_gets(&mut self, field: &str) {
        let xml = TO_REMOTE.replace("</fields>", &format!("{field}</fields>"));
        let context = Arc::get_mut(&mut self.context).expect("no push is running");
        let origin = MapOrigin::CoreBos { id: "49x7".to_owned() };
        let (spec, direction) = (context.spec, Direction::ToRemote);
        let map =
            PairMap::compile("ContactsToMautic", xml.as_bytes(), Semantics::Bridge, &origin, spec, direction);
        context.to_remote = map.unwrap();
    }

    /// Queues a notice.
    pub(crate) fn notice(&mut self, record: RecordRef, kind: NoticeKind) {
        self.timed_notice(record, kind, None);
    }

    /// Queues a notice that names a modified time.
    pub(crate) fn timed_notice(
        &mut self,
        record: RecordRef,
        kind: NoticeKind,
        modified_at: Option<jiff::Timestamp>,
    ) {
        let direction = if record.system == *self.context.pair.system(Side::Hub) {
            Direction::ToRemote
        } else {
            Direction::ToHub
        };
        self.receipts += 1;
        let now = self.clock.now();
        let notice = Notice {
            record,
            kind,
            receipt: format!("r{}", self.receipts),
            received_at: now,
            modified_at,
            command: None,
            event: None,
        };
        self.waiting.push(Waiting { direction, notice, attempt: 1, not_before: now });
    }

    /// Takes the webhooks that the systems have sent; `keep` says which arrive.
    pub(crate) fn webhooks(&mut self, mut keep: impl FnMut(usize) -> u8) {
        let events: Vec<_> = self.hub.take_events().into_iter().chain(self.remote.take_events()).collect();
        for (index, (record, kind)) in events.into_iter().enumerate() {
            for _ in 0..keep(index) {
                self.notice(record.clone(), kind);
            }
        }
    }

    fn take_sent(&mut self) {
        for (side, direction) in [(Side::Hub, Direction::ToHub), (Side::Remote, Direction::ToRemote)] {
            let target = self.context.pair.system(side).clone();
            for notice in self.queue.take(&target) {
                let not_before = self.clock.now();
                self.waiting.push(Waiting { direction, notice, attempt: 1, not_before });
            }
        }
    }

    /// Starts the `nth` notice that may run: one per source record at a time, in order.
    pub(crate) fn start(&mut self, nth: usize) -> bool {
        self.take_sent();
        let now = self.clock.now();
        let mut busy: BTreeSet<RecordRef> = self.running.iter().map(|t| t.notice.record.clone()).collect();
        let mut ready = Vec::new();
        for (index, waiting) in self.waiting.iter().enumerate() {
            if busy.insert(waiting.notice.record.clone()) && waiting.not_before <= now {
                ready.push(index);
            }
        }
        if ready.is_empty() {
            return false;
        }
        let waiting = self.waiting.remove(ready[nth % ready.len()]);
        let future = self.push(waiting.direction, waiting.notice.clone(), waiting.attempt);
        self.running.push(Task {
            future,
            direction: waiting.direction,
            notice: waiting.notice,
            attempt: waiting.attempt,
        });
        true
    }

    fn push(&self, direction: Direction, notice: Notice, attempt: u32) -> Running {
        let (context, store, queue, clock) =
            (self.context.clone(), self.store.clone(), self.queue.clone(), self.clock.clone());
        let (source, target) =
            (self.system(direction.source()).clone(), self.system(direction.target()).clone());
        Box::pin(async move {
            let environment = Environment::<Memory> {
                context: &context,
                direction,
                source: &source,
                target: &target,
                store: &store,
                queue: &queue,
                clock: &clock,
                lease: LEASE,
                other_remotes: &[],
            };
            push(&environment, &notice, &Delivery { attempt }).await
        })
    }

    /// Lanes for imports and previews.
    pub(crate) fn lanes(&self, direction: Direction, count: usize) -> Lanes {
        Lanes {
            context: self.context.clone(),
            direction,
            systems: [self.system(direction.source()).clone(), self.system(direction.target()).clone()],
            store: self.store.clone(),
            queue: self.queue.clone(),
            clock: self.clock.clone(),
            count,
        }
    }

    /// From now on the map into coreBOS is this one, applied where it was edited.
    pub(crate) fn edited_map_to_hub(&mut self, edit: impl Fn(&str) -> String, applies: bool) {
        let map = FieldMap::compile("MauticToContacts", edit(TO_HUB).as_bytes(), Semantics::Bridge).unwrap();
        let context = Arc::get_mut(&mut self.context).expect("no push is running");
        let map = PairMap::new(map, context.spec, Direction::ToHub);
        context.to_hub = if applies { map.applying_edits() } else { map };
    }

    /// What a push of a record would see and do now.
    pub(crate) fn inspect(&self, source: Side, id: &str) -> Inspected {
        let direction = if source == Side::Hub { Direction::ToRemote } else { Direction::ToHub };
        let environment = Environment::<Memory> {
            context: &self.context,
            direction,
            source: self.system(source),
            target: self.system(source.other()),
            store: &self.store,
            queue: &self.queue,
            clock: &self.clock,
            lease: LEASE,
            other_remotes: &[],
        };
        let record = self.system(source).reference(id);
        wait_for(inspect(&environment, &record)).unwrap()
    }

    /// Sends a parked change again.
    pub(crate) fn redrive(&mut self, change: &ParkedChange) -> Redriven {
        self.receipts += 1;
        let receipt = format!("again{}", self.receipts);
        wait_for(redrive(&self.store, &self.queue, &self.clock, change, &receipt)).unwrap()
    }

    /// Lets the `nth` running push take one step.
    pub(crate) fn step(&mut self, nth: usize) {
        if self.running.is_empty() {
            return;
        }
        let nth = nth % self.running.len();
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(outcome) = self.running[nth].future.as_mut().poll(&mut context) {
            let task = self.running.remove(nth);
            let wait = match &outcome {
                Outcome::Done(_) => None,
                Outcome::Retry { after, .. } => Some(after.unwrap_or(Duration::from_secs(1))),
                Outcome::Stop { .. } => Some(Duration::from_secs(60)),
            };
            if let Some(wait) = wait {
                self.give_back(task.direction, task.notice, task.attempt, wait);
            }
            self.outcomes.push((task.direction, outcome));
        }
    }

    /// The `nth` running push dies here; its notice comes back after the visibility timeout.
    pub(crate) fn crash(&mut self, nth: usize) {
        if !self.running.is_empty() {
            let task = self.running.remove(nth % self.running.len());
            self.give_back(task.direction, task.notice, task.attempt, Duration::from_secs(60));
        }
    }

    fn give_back(&mut self, direction: Direction, notice: Notice, attempt: u32, wait: Duration) {
        let not_before = self.clock.now() + jiff::SignedDuration::try_from(wait).unwrap();
        // In front: one record's notices keep their order.
        self.waiting.insert(0, Waiting { direction, notice, attempt: attempt + 1, not_before });
    }

    /// Runs everything until nothing is left to do. Panics when it never ends.
    pub(crate) fn run_until_quiet(&mut self) {
        for _ in 0..20_000 {
            self.webhooks(|_| 1);
            if !self.running.is_empty() {
                self.step(0);
            } else if !self.start(0) {
                if self.waiting.is_empty() {
                    return;
                }
                self.clock.advance(Duration::from_secs(1));
            }
        }
        let last: Vec<_> = self.outcomes.iter().rev().take(6).collect();
        panic!("the world never comes to rest; the last outcomes: {last:#?}");
    }

    /// What the poll tick does: notices for every record, as if it had changed.
    pub(crate) fn poll_everything(&mut self) {
        for side in [Side::Remote, Side::Hub] {
            for id in self.system(side).ids() {
                let record = self.system(side).reference(&id);
                self.notice(record, NoticeKind::Saved);
            }
        }
        for link in self.store.links() {
            self.notice(link.remote.clone(), NoticeKind::Deleted);
            self.notice(link.hub.clone(), NoticeKind::Deleted);
        }
    }

    /// The id of the record that is linked to this one.
    pub(crate) fn partner(&self, side: Side, id: &str) -> Option<String> {
        let record = self.system(side).reference(id);
        let link = self.store.links().into_iter().find(|l| *l.record(side) == record)?;
        Some(link.record(side.other()).id.clone())
    }

    pub(crate) fn reports(&self, outcome: &str) -> usize {
        self.outcomes.iter().filter(|(_, o)| matches!(o, Outcome::Done(r) if r.outcome == outcome)).count()
    }
}

/// Lanes of an import that outlives the world's borrow.
pub(crate) struct Lanes {
    context: Arc<PairContext>,
    direction: Direction,
    systems: [MemorySystem; 2],
    store: MemoryStore,
    queue: MemoryQueue,
    clock: MemoryClock,
    count: usize,
}

impl Lanes {
    pub(crate) fn environments(&self) -> Vec<Environment<'_, Memory>> {
        let lane = || Environment::<Memory> {
            context: &self.context,
            direction: self.direction,
            source: &self.systems[0],
            target: &self.systems[1],
            store: &self.store,
            queue: &self.queue,
            clock: &self.clock,
            lease: LEASE,
            other_remotes: &[],
        };
        (0..self.count).map(|_| lane()).collect()
    }
}
