//! Preview: what an import would do, by the same readings and the same decision, and nothing of it done.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use model::{Link, RecordRef};

use super::lane::{Attempt, Job, Told, notice, of_another_pair, shelved};
use super::prefetch::Item;
use super::pretend::{PretendTarget, Pretended};
use super::progress::Tally;
use super::shelf::{Shelf, Shelved};
use super::stock::Stock;
use super::walk::walk;
use super::{Ended, ImportEvent, ImportOptions, ImportWatch};
use crate::apply::{new_link, park_text, target_record, target_reference};
use crate::decide::TargetNow;
use crate::error::{Disposition, StoreError};
use crate::plan::{FieldPlan, LinkChange, Plan, SkipReason};
use crate::ports::{Clock as _, Connector};
use crate::project::{is_blank, stored};
use crate::push::{Delivery, Environment, PushError, Seen, World, see};
use crate::read_only::{ONLY_LOOKS, ReadOnly};

/// How often a record is looked at again that changes while it is looked at.
const LOOKS: u32 = 6;

/// One field of a record that would be written, or that the target would keep although the map makes another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldDifference {
    /// The target field.
    pub field: String,
    /// What it holds.
    pub from: String,
    /// What the map makes of the source.
    pub to: String,
    /// The line of the map that makes it; none for fields that the bridge adds.
    pub line: Option<usize>,
    /// Why the value it holds would be kept: `master`, `first_link`, `newest`, `setting`. Nothing where it is written.
    pub kept: Option<String>,
}

/// A record that an import would not leave as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The source record.
    pub source: RecordRef,
    /// The target record, where there is one.
    pub target: Option<RecordRef>,
    /// What would become of it.
    pub told: Told,
    /// More words, where it would be parked.
    pub detail: String,
    /// Its fields.
    pub fields: Vec<FieldDifference>,
}

/// What an import would do.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreseen {
    /// Why the preview has ended.
    pub ended: Ended,
    /// What would become of the records.
    pub tally: Tally,
    /// How many fields would be written.
    pub fields: u64,
    /// How many source records would get the id of their partner.
    pub ids: u64,
    /// How many values would not survive, by the side that wins and why: `corebos/first_link`.
    pub conflicts: BTreeMap<String, u64>,
}

/// Looks at the stock of the source system as an import would. Takes no lease, writes nothing, and begins at the
/// beginning.
pub async fn preview<W: World>(
    lanes: &[Environment<'_, W>],
    options: &ImportOptions,
    watch: &dyn ImportWatch,
) -> Foreseen
where
    W::Source: Stock,
    W::Target: Stock,
{
    let job = Previewing { options, watch, pretended: Pretended::default(), counts: Mutex::default() };
    let walked = walk(lanes, options, watch, &job, None).await;
    let counts = job.counts.into_inner().unwrap_or_else(PoisonError::into_inner);
    Foreseen {
        ended: walked.ended,
        tally: walked.tally,
        fields: counts.fields,
        ids: counts.ids,
        conflicts: counts.conflicts,
    }
}

#[derive(Default)]
struct Counts {
    fields: u64,
    ids: u64,
    conflicts: BTreeMap<String, u64>,
}

struct Previewing<'a> {
    options: &'a ImportOptions,
    watch: &'a dyn ImportWatch,
    pretended: Pretended,
    counts: Mutex<Counts>,
}

/// The world of a preview.
struct Looking<'a, W>(PhantomData<fn() -> &'a W>);

impl<'a, W: World> World for Looking<'a, W> {
    type Source = Shelved<'a, W::Source, W::Store>;
    type Target = PretendTarget<'a, Shelved<'a, W::Target, W::Store>>;
    type Store = ReadOnly<'a, W::Store, &'a Pretended>;
    type Queue = W::Queue;
    type Clock = W::Clock;
}

impl<W: World> Job<W> for Previewing<'_> {
    async fn attempt(&self, lane: &Environment<'_, W>, prefetched: &Shelf, item: &Item, _: u32) -> Attempt {
        if let Some(early) = of_another_pair(lane, prefetched, self.options, item).await {
            return early;
        }
        let (source, target) = shelved(lane, prefetched);
        let target = PretendTarget { inner: target, pretended: &self.pretended };
        let store = ReadOnly { inner: lane.store, view: &self.pretended };
        let environment = Environment::<Looking<'_, W>> {
            context: lane.context,
            direction: lane.direction,
            source: &source,
            target: &target,
            store: &store,
            queue: lane.queue,
            clock: lane.clock,
            lease: lane.lease,
            other_remotes: lane.other_remotes,
        };
        let notice = notice(&self.options.run, item, lane.clock.now());
        // A candidate that is taken is not waited for: whether its merge is under way is for the import to find out.
        let delivery = Delivery { attempt: u32::MAX };
        for _ in 0..LOOKS {
            match Box::pin(see(&environment, &notice, &delivery)).await {
                Ok(Some(seen)) => {
                    if let Some(told) = self.foresee(&seen) {
                        return Attempt::Done(told);
                    }
                }
                Ok(None) => {}
                Err(error) => return unseen(error),
            }
        }
        Attempt::Done(Told::new("waits", "contended"))
    }

    async fn alive(&self) -> bool {
        true
    }

    async fn page_done(&self, _: &str, _: &Tally) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn leave(&self, _: &Environment<'_, W>, _: &Item) -> bool {
        true
    }
}

/// Why a record cannot be looked at now. What only concerns this record is told and counted.
fn unseen(error: PushError) -> Attempt {
    match error {
        PushError::Busy { .. } => Attempt::Done(Told::new("waits", "leased")),
        PushError::Unanswered { .. } => Attempt::Done(Told::new("waits", "doubtful")),
        PushError::Wait { reason, .. } => Attempt::Done(Told::new("waits", reason)),
        PushError::Store(error) if error.detail == ONLY_LOOKS => {
            Attempt::Done(Told::new("waits", "unrecovered"))
        }
        PushError::Store(error) => Attempt::Retry { after: None, reason: "store", detail: error.to_string() },
        PushError::Connector(error) => match error.disposition() {
            Disposition::Park => Attempt::Done(Told::new("parked", error.code())),
            Disposition::Stop => Attempt::Stop { reason: error.code(), detail: error.to_string() },
            Disposition::Retry { after } => {
                Attempt::Retry { after, reason: error.code(), detail: error.to_string() }
            }
        },
    }
}

impl Previewing<'_> {
    /// What would become of a record. `None`: another one of this preview was faster; it must be looked at again.
    fn foresee<W: World>(&self, seen: &Seen<'_, W>) -> Option<Told> {
        let plan = seen.plan();
        let mut told = Told::new("skipped", "");
        told.target = target_reference(seen);
        let (mut detail, mut fields) = (String::new(), Vec::new());
        match &plan {
            Plan::Skip(reason) => told.reason = reason.code(),
            Plan::Park(reason) => {
                (told.outcome, (told.reason, detail)) = ("parked", park_text(reason));
            }
            Plan::Unlink { .. } => told.outcome = "unlinked",
            Plan::MarkDeleted { .. } => told.outcome = "marked_deleted",
            Plan::Archive => told.outcome = "archived",
            Plan::Pause => (told.outcome, told.reason) = ("skipped", SkipReason::NotOptedIn.code()),
            // What comes of it is seen in the next round.
            Plan::Forget => told.outcome = "created",
            Plan::Create { fields: plan } => {
                told.outcome = "created";
                fields = self.create(seen, plan)?;
            }
            Plan::Update { fields: plan, link, write_back } => {
                if *link == LinkChange::New && !self.link(seen) {
                    return None;
                }
                let held = seen.link.is_some() || matches!(seen.target, TargetNow::Inherited { .. });
                told.outcome = match (plan.writes.is_empty(), seen.link.is_some(), held) {
                    (false, true, _) => "updated",
                    (false, false, _) => "linked_updated",
                    (true, _, false) => "linked",
                    (true, ..) => "settled",
                };
                fields = written(seen, plan);
                if let Some(target) = target_record(seen).filter(|_| !plan.writes.is_empty()) {
                    self.pretended.change(target, &plan.writes);
                }
                let written = write_back.as_ref().is_some_and(|back| !back.already_there);
                self.count(plan, seen, u64::from(written));
            }
        }
        told.fields = fields.iter().filter(|f| f.kept.is_none()).map(|f| f.field.clone()).collect();
        if !fields.is_empty() || !matches!(told.outcome, "skipped" | "settled" | "linked") {
            let (source, target) = (seen.notice.record.clone(), told.target.clone());
            let difference = Difference { source, target, told: told.clone(), detail, fields };
            self.watch.told(&ImportEvent::Difference(&difference));
        }
        Some(told)
    }

    /// Pretends to link the two records.
    fn link<W: World>(&self, seen: &Seen<'_, W>) -> bool {
        let Some(target) = target_reference(seen) else { return true };
        self.pretended.link(&link_of(seen, &target))
    }

    /// Pretends to create the record.
    fn create<W: World>(&self, seen: &Seen<'_, W>, plan: &FieldPlan) -> Option<Vec<FieldDifference>> {
        let environment = seen.environment;
        let (spec, side) = (environment.context.spec, environment.direction.target());
        let text = |field| plan.writes.text(field).map(str::trim).filter(|text| !text.is_empty());
        let keys: Vec<(&str, String)> = spec
            .natural_keys(side)
            .into_iter()
            .filter_map(|(field, _)| Some((field, text(field)?.to_owned())))
            .collect();
        let (system, object) = (environment.target.system(), spec.object(side));
        let created = self.pretended.create(system, &object, &plan.writes, &keys)?;
        self.pretended.link(&link_of(seen, &created));
        self.count(plan, seen, 1);
        Some(written(seen, plan))
    }

    fn count<W: World>(&self, plan: &FieldPlan, seen: &Seen<'_, W>, ids: u64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.fields += u64::try_from(plan.writes.len()).unwrap_or_default();
        counts.ids += ids;
        for lost in &plan.lost {
            let winner = seen.environment.context.pair.system(lost.side.other()).kind().as_str();
            *counts.conflicts.entry(format!("{winner}/{}", lost.reason)).or_default() += 1;
        }
    }
}

fn link_of<W: World>(seen: &Seen<'_, W>, target: &RecordRef) -> Link {
    let environment = seen.environment;
    new_link(environment, environment.direction, &seen.notice.record, target, &seen.notice.receipt)
}

/// The fields that would be written, and those that would be kept against the map.
fn written<W: World>(seen: &Seen<'_, W>, plan: &FieldPlan) -> Vec<FieldDifference> {
    let environment = seen.environment;
    let map = environment.context.map(environment.direction);
    let here = |field: &str| match target_record(seen) {
        Some(target) => shown(&stored(target, field, &seen.target_schema)),
        None => String::new(),
    };
    let writes = plan.writes.iter().map(|(field, value)| FieldDifference {
        field: field.to_owned(),
        from: here(field),
        to: shown(value),
        line: map.line(field),
        kept: None,
    });
    let losers = plan.lost.iter().filter(|lost| lost.side == environment.direction.source());
    let kept = losers.map(|lost| FieldDifference {
        field: lost.field.clone(),
        from: here(&lost.field),
        to: shown(&lost.value),
        line: map.line(&lost.field),
        kept: Some(lost.reason.clone()),
    });
    writes.chain(kept).collect()
}

fn shown(value: &model::Value) -> String {
    if is_blank(value) { String::new() } else { value.php_string().into_owned() }
}
