//! The way through a stock, page by page, and the place in it that is kept.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use model::{Direction, Link, RecordRef};

use super::lane::{Attempt, Job, PageWork, Told, leave_to_queue, of_another_pair, push_one};
use super::prefetch::{Item, fill, links};
use super::progress::{ImportKey, ImportLeased, ImportStore, Progress, Scope, Tally};
use super::shelf::Shelf;
use super::stock::{Stock, StockPage, Stocked};
use super::{Ended, ImportError, ImportEvent, ImportOptions, ImportWatch, Imported};
use crate::error::{Disposition, StoreError};
use crate::pair_map::PairContext;
use crate::ports::{Clock as _, Connector as _};
use crate::push::{Environment, World};

/// The first and the longest wait before a page is asked for again.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// What a walk has come to.
pub(super) struct Walked {
    pub(super) ended: Ended,
    pub(super) tally: Tally,
}

/// Imports the stock of the source system. The lanes are environments of the same pair and direction, each with
/// connectors of its own where one connector does one thing at a time.
///
/// # Errors
/// Somebody else is at it, or the table does not answer at the beginning or the end.
pub async fn import<W: World, I: ImportStore>(
    lanes: &[Environment<'_, W>],
    imports: &I,
    options: &ImportOptions,
    watch: &dyn ImportWatch,
) -> Result<Imported, ImportError>
where
    W::Source: Stock,
    W::Target: Stock,
{
    let Some(first) = lanes.first() else {
        return Ok(Imported { ended: Ended::Complete, tally: Tally::default(), in_all: Tally::default() });
    };
    let key =
        ImportKey { pair: first.context.pair.clone(), direction: first.direction, scope: options.scope };
    let now = first.clock.now();
    let until = now + SignedDuration::try_from(options.lease).unwrap_or_default();
    let kept = match imports.lease_import(&key, &options.run, now, until).await? {
        ImportLeased::Yes(progress) => progress,
        ImportLeased::Held { until } => return Err(ImportError::Busy { until }),
    };
    let progress = if options.restart || kept.begun.is_none() {
        Progress { begun: Some(now), ..Progress::default() }
    } else {
        kept
    };
    if progress.after.is_some() {
        watch.told(&ImportEvent::Resumed(&progress));
    }
    let after = progress.after.clone();
    let job = Pushing { imports, key, options, clock: first.clock, kept: Mutex::new((progress, now)) };
    let walked = walk(lanes, options, watch, &job, after).await;
    let (progress, _) = job.kept.into_inner().unwrap_or_else(PoisonError::into_inner);
    match &walked.ended {
        Ended::Complete => imports.release_import(&job.key, &options.run, None).await?,
        Ended::LeaseLost => {}
        _ => imports.release_import(&job.key, &options.run, Some(&progress)).await?,
    }
    Ok(Imported { ended: walked.ended, tally: walked.tally, in_all: progress.tally })
}

/// Pushes every record, and keeps the place.
struct Pushing<'a, I, C> {
    imports: &'a I,
    key: ImportKey,
    options: &'a ImportOptions,
    clock: &'a C,
    /// How far it has come, and when the lease was taken last.
    kept: Mutex<(Progress, Timestamp)>,
}

impl<I: ImportStore, C: crate::ports::Clock> Pushing<'_, I, C> {
    fn kept(&self) -> (Progress, Timestamp) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stores the progress and takes the lease again.
    async fn keep(&self, progress: Progress) -> Result<bool, StoreError> {
        let now = self.clock.now();
        let until = now + SignedDuration::try_from(self.options.lease).unwrap_or_default();
        // Before the call: the other lanes need not do it as well.
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = (progress.clone(), now);
        self.imports.move_import(&self.key, &self.options.run, &progress, until).await
    }
}

impl<W: World, I: ImportStore, C: crate::ports::Clock> Job<W> for Pushing<'_, I, C> {
    async fn attempt(
        &self,
        lane: &Environment<'_, W>,
        prefetched: &Shelf,
        item: &Item,
        attempt: u32,
    ) -> Attempt {
        if let Some(early) = of_another_pair(lane, prefetched, self.options, item).await {
            return early;
        }
        push_one(lane, prefetched, &self.options.run, item, attempt).await
    }

    /// A table that does not answer is no reason to end: the next push finds out.
    async fn alive(&self) -> bool {
        let (progress, taken) = self.kept();
        let due = taken + SignedDuration::try_from(self.options.lease / 4).unwrap_or_default();
        self.clock.now() < due || self.keep(progress).await.unwrap_or(true)
    }

    async fn leave(&self, lane: &Environment<'_, W>, item: &Item) -> bool {
        leave_to_queue(lane, &self.options.run, item).await
    }

    async fn page_done(&self, after: &str, tally: &Tally) -> Result<bool, StoreError> {
        let (mut progress, _) = self.kept();
        progress.after = Some(after.to_owned());
        progress.tally.add(tally);
        self.keep(progress).await
    }
}

/// Goes through a stock.
pub(super) async fn walk<W: World, J: Job<W>>(
    lanes: &[Environment<'_, W>],
    options: &ImportOptions,
    watch: &dyn ImportWatch,
    job: &J,
    mut after: Option<String>,
) -> Walked
where
    W::Source: Stock,
    W::Target: Stock,
{
    let mut tally = Tally::default();
    let mut number = 0;
    let ended = loop {
        let Some(lane) = lanes.first() else { break Ended::Complete };
        if watch.stops() {
            break Ended::Interrupted;
        }
        let mut page = match read_page(lane, options, watch, job, after.as_deref()).await {
            Ok(page) => page,
            Err(ended) => break ended,
        };
        let cut = options.limit.is_some_and(|limit| cut(&mut page, limit.saturating_sub(number)));
        let last = page.rows.last().map(|(id, _)| id.clone());
        let more = page.more && last.is_some();
        let done = one_page(lanes, options, watch, job, page, &mut number).await;
        let (counted, early) = match done {
            Ok(done) => done,
            Err(ended) => break ended,
        };
        tally.add(&counted);
        if let Some(ended) = early {
            break ended;
        }
        if let Some(last) = last {
            match job.page_done(&last, &counted).await {
                Ok(true) => {}
                Ok(false) => break Ended::LeaseLost,
                Err(error) => break Ended::Away { detail: error.to_string() },
            }
            after = Some(last);
        }
        if cut {
            break Ended::Limit;
        }
        if !more {
            break Ended::Complete;
        }
    };
    Walked { ended, tally }
}

/// Leaves so many records in a page; whether there would be more.
fn cut(page: &mut StockPage, left: u64) -> bool {
    let mut kept = 0;
    let all = page.rows.len();
    let fits = page.rows.iter().position(|(_, row)| {
        kept += u64::from(*row != Stocked::PassedOver);
        kept > left
    });
    page.rows.truncate(fits.unwrap_or(all));
    page.rows.len() < all || (kept == left && page.more)
}

/// Reads a page, patiently.
async fn read_page<W: World, J: Job<W>>(
    lane: &Environment<'_, W>,
    options: &ImportOptions,
    watch: &dyn ImportWatch,
    job: &J,
    after: Option<&str>,
) -> Result<StockPage, Ended>
where
    W::Source: Stock,
{
    let object = lane.context.spec.object(lane.direction.source());
    let begun = lane.clock.now();
    let patience = SignedDuration::try_from(options.patience).unwrap_or_default();
    let mut wait = FIRST_WAIT;
    loop {
        let error = match lane.source.stock(&object, after).await {
            Ok(page) => return Ok(page),
            Err(error) => error,
        };
        let detail = error.to_string();
        match error.disposition() {
            Disposition::Park | Disposition::Stop => {
                return Err(Ended::Stopped { reason: error.code(), detail });
            }
            Disposition::Retry { .. } if lane.clock.now().duration_since(begun) > patience => {
                return Err(Ended::Away { detail });
            }
            Disposition::Retry { after } => {
                watch.told(&ImportEvent::Waits { reason: error.code(), detail: &detail });
                let mut left = after.unwrap_or(wait);
                wait = (wait * 2).min(LONGEST_WAIT);
                while !left.is_zero() {
                    if watch.stops() {
                        return Err(Ended::Interrupted);
                    }
                    if !job.alive().await {
                        return Err(Ended::LeaseLost);
                    }
                    let piece = left.min(Duration::from_millis(500));
                    lane.clock.sleep(piece).await;
                    left = left.saturating_sub(piece);
                }
            }
        }
    }
}

/// The records of a page.
async fn one_page<W: World, J: Job<W>>(
    lanes: &[Environment<'_, W>],
    options: &ImportOptions,
    watch: &dyn ImportWatch,
    job: &J,
    page: StockPage,
    number: &mut u64,
) -> Result<(Tally, Option<Ended>), Ended>
where
    W::Source: Stock,
    W::Target: Stock,
{
    let Some(lane) = lanes.first() else { return Ok((Tally::default(), None)) };
    let object = lane.context.spec.object(lane.direction.source());
    let shown = page.rows.iter().filter(|(_, row)| *row != Stocked::PassedOver);
    let records: Vec<RecordRef> =
        shown.map(|(id, _)| RecordRef::new(lane.source.system(), &object, id)).collect();
    let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
    let passed_over = count(page.rows.len() - records.len());
    watch.told(&ImportEvent::Page { records: count(page.rows.len()), passed_over, left: page.left });
    let first = *number;
    *number += count(records.len());
    let mut tally = Tally::default();
    let mut items =
        links(lane, records, first).await.map_err(|error| Ended::Away { detail: error.to_string() })?;
    if options.scope == Scope::EditedMaps {
        items.retain(|item| {
            let edited =
                item.link.as_ref().is_some_and(|link| has_edited_fields(lane.context, lane.direction, link));
            if !edited {
                let reason = if item.link.is_none() { "not_linked" } else { "map_not_edited" };
                let told = Told::new("skipped", reason);
                tally.count(told.outcome, told.reason);
                watch.told(&ImportEvent::Done { source: &item.record, told: &told });
            }
            edited
        });
    }
    let shelf = Shelf::default();
    for detail in fill(lane, &shelf, page.rows, &items).await {
        watch.told(&ImportEvent::Unfetched { detail: &detail });
    }
    for _ in 0..passed_over {
        tally.count("skipped", "nobody_yet");
    }
    let work = PageWork::new(&shelf, options, watch, items, lane.clock.now());
    let (counted, early) = work.run(lanes, job).await;
    tally.add(&counted);
    Ok((tally, early))
}

/// Whether a field of the map was edited, or came in, since the link was settled.
fn has_edited_fields(context: &PairContext, direction: Direction, link: &Link) -> bool {
    let bases = link.bases.of(direction);
    context.map(direction).rules.iter().any(|(field, rule)| {
        let is_settled = bases.get(field).is_some_and(|base| base.definition == rule.definition);
        !is_settled && !rule.create_only && !rule.volatile
    })
}
