//! The walk: associations that changed alone.
//!
//! Where an association moves no modified date, as in HubSpot, no feed tells that a contact has moved to another company.
//! So all records are walked in the order of their ids, a few pages at each tick, and what each of them belongs to is
//! compared with what was seen the last time: whoever belongs elsewhere now is noticed like any other change, and the push
//! reads the record and decides. A round ends with the last record, and the next one begins at the next tick.
//!
//! What was seen stands in the table in [`stretches`](Stretch) of ids, so that pages may shift as records come and go. A
//! stretch is about as long as a page, and is written only when something in it has changed: a page of an idle system
//! costs one call, one read of the table and the step of the cursor.
//!
//! The first round notices nobody whom it sees for the first time, since what is older than the bridge is for an import;
//! only records made since the walk began are noticed, because they may have moved after the feed told of them. From the
//! second round on every record that was not seen before is noticed once. Records that are gone are forgotten without a
//! word: feeds tell of deletes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::future::Future;
use std::str::FromStr;

use jiff::{SignedDuration, Timestamp};
use model::{Fingerprint, Notice, NoticeKind, ObjectName, RecordRef, System};

use super::cursor::{Cursor, CursorKey, CursorStore, Pass, Position};
use super::{CLOCKS_DIFFER_BY, PollEnvironment, PollError, Polled, Tick};
use crate::error::{ConnectorError, StoreError};
use crate::ports::{ChangeQueue, Clock};

/// Records of a stretch, as long as none comes back between two of them.
const STRETCH: usize = 100;
/// A stretch that is longer is parted. Even so it takes 5 KB of the 400 KB that an item of DynamoDB may have.
const LONGEST_STRETCH: usize = 2 * STRETCH;
/// Characters of the mark of what a record belongs to: 48 bits.
const MARK: usize = 12;

/// What was seen of a stretch of ids: a mark of what each record belongs to, by its id. It reaches from the id by which it
/// is kept to the beginning of the next one.
pub type Stretch = BTreeMap<u64, String>;

/// What a record belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Belonging {
    /// The record.
    pub id: u64,
    /// What it belongs to, in any form that is the same while it is the same; blank where it belongs to nothing.
    pub to: String,
    /// When it was made, by the system's clock, where it tells.
    pub created: Option<Timestamp>,
}

/// A page of a walk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WalkPage {
    /// What records belong to, by ascending id.
    pub records: Vec<Belonging>,
    /// Where the next page begins; nothing when this was the last one.
    pub next: Option<String>,
}

/// A system whose ids are numbers, and that can list all records in their order with what they belong to.
pub trait Walked: Send + Sync {
    /// A page of what the records of `object` belong to. `after` is what the page before gave as its `next`.
    fn belongings(
        &self,
        object: &ObjectName,
        after: Option<&str>,
    ) -> impl Future<Output = Result<WalkPage, ConnectorError>> + Send;
}

/// What walks have seen, in the table.
pub trait SeenStore: Send + Sync {
    /// The stretches that are kept by one of these ids.
    fn stretches(
        &self,
        walk: &CursorKey,
        first: u64,
        last: u64,
    ) -> impl Future<Output = Result<BTreeMap<u64, Stretch>, StoreError>> + Send;

    /// Keeps these stretches; those that are empty are forgotten.
    fn keep_stretches(
        &self,
        walk: &CursorKey,
        stretches: &BTreeMap<u64, Stretch>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;
}

/// Where a round stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    /// The id by which the stretch is kept that the next record may be in.
    stretch: u64,
    /// The last id that was seen.
    behind: u64,
    /// Where the next page begins, in the system's words; blank at the beginning.
    after: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.stretch, self.behind, self.after)
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '/');
        let mut number = || parts.next()?.parse().ok();
        let (stretch, behind) = number().zip(number()).ok_or(())?;
        Ok(Self { stretch, behind, after: parts.next().ok_or(())?.to_owned() })
    }
}

/// The cursor of the walk of an object, beside the one of its feed. What was seen is kept under the same name.
pub fn walk_key(system: &System, object: &ObjectName) -> CursorKey {
    CursorKey { system: system.clone(), object: ObjectName::new(&format!("{object}.walk")) }
}

/// Walks so many pages of one object of a system as the settings say, or to the end of the round.
///
/// # Errors
/// The system, the table or a queue. The walk goes on behind the last page that was kept.
pub async fn walk<F: Walked, S: CursorStore + SeenStore, Q: ChangeQueue, C: Clock>(
    environment: &PollEnvironment<'_, F, S, Q, C>,
    system: &System,
    object: &ObjectName,
    tick: &Tick<'_>,
) -> Result<Polled, PollError> {
    let PollEnvironment { cursors, clock, .. } = environment;
    let key = walk_key(system, object);
    let now = clock.now();
    let until = now + SignedDuration::try_from(tick.lease).unwrap_or_default();
    let Some(mut cursor) = cursors.lease_cursor(&key, tick.id, now, until).await? else {
        return Ok(Polled::Busy);
    };
    let outcome = go_on(environment, &key, object, tick, &mut cursor).await;
    let kept = cursors.release_cursor(&key, tick.id, &cursor).await;
    let outcome = outcome?;
    kept?;
    Ok(outcome)
}

/// Walks pages until there are no more, or there were enough, or time is over.
async fn go_on<F: Walked, S: CursorStore + SeenStore, Q: ChangeQueue, C: Clock>(
    environment: &PollEnvironment<'_, F, S, Q, C>,
    key: &CursorKey,
    object: &ObjectName,
    tick: &Tick<'_>,
    cursor: &mut Cursor,
) -> Result<Polled, PollError> {
    let mut noticed = 0;
    for page in 1..=environment.settings.walk_pages {
        let now = environment.clock.now();
        if now >= tick.until {
            break;
        }
        let since = cursor.position.as_ref().map_or(now - CLOCKS_DIFFER_BY, |position| position.since);
        let pass = cursor.position.as_ref().and_then(|position| position.pass.clone());
        let place: Place = pass.as_ref().and_then(|pass| pass.after.parse().ok()).unwrap_or_default();
        let first_round_since = cursor.polled_at.is_none().then_some(since);
        let told = Told { key, object, tick, noticed, first_round_since, now };
        let (next, found) = Box::pin(one_page(environment, &told, &place)).await?;
        noticed += found;
        let began = pass.map_or(now, |pass| pass.began);
        let Some(next) = next else {
            cursor.position = Some(Position { since, pass: None });
            cursor.polled_at = Some(began);
            return Ok(Polled::Complete(noticed));
        };
        cursor.position =
            Some(Position { since, pass: Some(Pass { from: since, began, after: next.to_string() }) });
        // The lease is given back with the cursor after the last one.
        let goes_on = page < environment.settings.walk_pages;
        if goes_on && !environment.cursors.move_cursor(key, tick.id, cursor).await? {
            return Ok(Polled::Busy);
        }
    }
    Ok(Polled::Unfinished(noticed))
}

/// What notices of a page are made with.
struct Told<'a> {
    key: &'a CursorKey,
    object: &'a ObjectName,
    tick: &'a Tick<'a>,
    noticed: usize,
    /// In the first round: when it began.
    first_round_since: Option<Timestamp>,
    now: Timestamp,
}

/// Walks a page: where the next one begins, unless this was the last, and how many records were noticed.
async fn one_page<F: Walked, S: CursorStore + SeenStore, Q: ChangeQueue, C: Clock>(
    environment: &PollEnvironment<'_, F, S, Q, C>,
    told: &Told<'_>,
    place: &Place,
) -> Result<(Option<Place>, usize), PollError> {
    let PollEnvironment { feed, cursors, queue, targets, .. } = environment;
    let after = Some(place.after.as_str()).filter(|after| !after.is_empty());
    let page = feed.belongings(told.object, after).await?;
    let last = page.records.iter().map(|record| record.id).max().unwrap_or(0);
    if page.next.is_some() && last <= place.behind {
        let detail = format!("{} lists {} out of order", told.key.system, told.object);
        return Err(ConnectorError::Unavailable { detail }.into());
    }
    let last = if page.next.is_some() { last } else { u64::MAX };
    let seen = cursors.stretches(told.key, place.stretch, last).await?;
    let compared = compare(&seen, place, last, &page.records);
    let is_news = |record: &&Belonging| match told.first_round_since {
        _ if compared.moved.contains(&record.id) => true,
        _ if !compared.unseen.contains(&record.id) => false,
        None => true,
        Some(since) => record.created.is_some_and(|created| created >= since),
    };
    let notices: Vec<Notice> = page
        .records
        .iter()
        .filter(is_news)
        .enumerate()
        .map(|(index, record)| told.notice(record.id, told.noticed + index))
        .collect();
    if !notices.is_empty() {
        let reached = targets.iter().filter(|target| queue.reaches(target));
        futures::future::try_join_all(reached.map(|target| queue.send(target, &notices))).await?;
    }
    if !compared.kept.is_empty() {
        cursors.keep_stretches(told.key, &compared.kept).await?;
    }
    let next = page.next.map(|after| Place { stretch: compared.stretch, behind: last, after });
    Ok((next, notices.len()))
}

impl Told<'_> {
    fn notice(&self, id: u64, index: usize) -> Notice {
        Notice {
            record: RecordRef::new(&self.key.system, self.object, id.to_string()),
            kind: NoticeKind::Saved,
            receipt: format!("{}/{}/{index}", self.tick.id, self.key.object),
            received_at: self.now,
            modified_at: None,
            command: None,
            event: None,
        }
    }
}

/// What came of comparing a page with what was seen.
#[derive(Debug, Default, PartialEq, Eq)]
struct Compared {
    /// They belong elsewhere now.
    moved: BTreeSet<u64>,
    /// They were not seen before.
    unseen: BTreeSet<u64>,
    /// The stretches that are different now; empty ones are to be forgotten.
    kept: BTreeMap<u64, Stretch>,
    /// The id by which the stretch is kept that the next record may be in.
    stretch: u64,
}

/// Compares the records behind a place, up to `last`, with what was seen in these stretches.
fn compare(seen: &BTreeMap<u64, Stretch>, place: &Place, last: u64, records: &[Belonging]) -> Compared {
    let (mut compared, behind) = (Compared::default(), place.behind);
    let here: BTreeMap<u64, String> = records
        .iter()
        .filter(|record| record.id > behind)
        .map(|record| (record.id, mark(&record.to)))
        .collect();
    let mut stretches = seen.clone();
    for stretch in stretches.values_mut() {
        stretch.retain(|id, _| *id <= behind || *id > last || here.contains_key(id));
    }
    for (id, mark) in here {
        let covering = stretches.range_mut(..=id).next_back();
        let Some((_, stretch)) = covering else {
            compared.unseen.insert(id);
            stretches.insert(id, Stretch::from([(id, mark)]));
            continue;
        };
        match stretch.get_mut(&id) {
            Some(before) if *before == mark => {}
            Some(before) => {
                *before = mark;
                compared.moved.insert(id);
            }
            None => {
                compared.unseen.insert(id);
                let is_behind_all = stretch.keys().next_back().is_none_or(|last| *last < id);
                if is_behind_all && stretch.len() >= STRETCH {
                    stretches.insert(id, Stretch::from([(id, mark)]));
                } else {
                    stretch.insert(id, mark);
                    part(&mut stretches, id);
                }
            }
        }
    }
    let last_kept = stretches.iter().rfind(|(_, stretch)| !stretch.is_empty());
    compared.stretch = last_kept.map_or(place.stretch, |(first, _)| *first);
    compared.kept = stretches;
    compared.kept.retain(|first, stretch| match seen.get(first) {
        Some(before) => before != stretch,
        None => !stretch.is_empty(),
    });
    compared
}

/// Parts the stretch that an id is in, if it is too long.
fn part(stretches: &mut BTreeMap<u64, Stretch>, id: u64) {
    let Some((_, stretch)) = stretches.range_mut(..=id).next_back() else { return };
    if stretch.len() <= LONGEST_STRETCH {
        return;
    }
    if let Some(half) = stretch.keys().nth(STRETCH).copied() {
        let rest = stretch.split_off(&half);
        stretches.insert(half, rest);
    }
}

/// A mark that is the same while what a record belongs to is the same.
fn mark(belongs_to: &str) -> String {
    if belongs_to.is_empty() {
        return String::new();
    }
    let fingerprint = Fingerprint::of_bytes(belongs_to.as_bytes());
    fingerprint.as_str().chars().take(MARK).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(ids: impl IntoIterator<Item = u64>, to: &str) -> Vec<Belonging> {
        ids.into_iter().map(|id| Belonging { id, to: to.to_owned(), created: None }).collect()
    }

    fn behind(behind: u64) -> Place {
        Place { behind, ..Place::default() }
    }

    /// What is kept after a page.
    fn kept(before: &BTreeMap<u64, Stretch>, compared: &Compared) -> BTreeMap<u64, Stretch> {
        let mut all = before.clone();
        all.extend(compared.kept.clone());
        all.retain(|_, stretch| !stretch.is_empty());
        all
    }

    fn ids(stretches: &BTreeMap<u64, Stretch>) -> Vec<u64> {
        stretches.values().flat_map(|stretch| stretch.keys().copied()).collect()
    }

    #[test]
    fn an_unchanged_page_writes_nothing_and_a_moved_record_its_stretch_alone() {
        let first = compare(&BTreeMap::new(), &behind(0), 250, &records(1..=250, "7"));
        assert_eq!((first.unseen.len(), first.moved.len()), (250, 0));
        let seen = kept(&BTreeMap::new(), &first);
        assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [1, 101, 201]);
        assert_eq!(first.stretch, 201);
        let again = compare(&seen, &behind(0), 250, &records(1..=250, "7"));
        assert_eq!((again.kept.len(), again.unseen.len(), again.moved.len()), (0, 0, 0));
        let mut moved = records(1..=250, "7");
        moved[149].to = "8".to_owned();
        let compared = compare(&seen, &behind(0), 250, &moved);
        assert_eq!(compared.moved, BTreeSet::from([150]));
        assert_eq!(compared.kept.keys().copied().collect::<Vec<_>>(), [101]);
        moved[149].to = String::new();
        assert_eq!(
            compare(&seen, &behind(0), 250, &moved).moved,
            BTreeSet::from([150]),
            "it belongs to nothing now"
        );
    }

    #[test]
    fn pages_that_shift_as_records_go_find_what_was_seen_and_forget_who_is_gone() {
        let seen =
            kept(&BTreeMap::new(), &compare(&BTreeMap::new(), &behind(0), u64::MAX, &records(1..=300, "7")));
        // Twenty of the first hundred are gone, so the page ends in the middle of the second stretch.
        let page = records(21..=120, "7");
        let within: BTreeMap<u64, Stretch> = seen.range(..=120).map(|(k, v)| (*k, v.clone())).collect();
        let compared = compare(&within, &behind(0), 120, &page);
        assert_eq!((compared.unseen.len(), compared.moved.len()), (0, 0));
        assert_eq!(
            compared.kept.keys().copied().collect::<Vec<_>>(),
            [1],
            "only the stretch that has lost some"
        );
        assert_eq!(compared.stretch, 101, "where the next record may be");
        let seen = kept(&seen, &compared);
        assert_eq!(ids(&seen), (21..=300).collect::<Vec<_>>());
        // The last page: what is behind it is gone, too.
        let rest: BTreeMap<u64, Stretch> = seen.range(101..).map(|(k, v)| (*k, v.clone())).collect();
        let compared = compare(&rest, &behind(120), u64::MAX, &records(121..=150, "7"));
        assert_eq!(compared.unseen.len() + compared.moved.len(), 0);
        assert_eq!(ids(&kept(&seen, &compared)), (21..=150).collect::<Vec<_>>());
        assert_eq!(compared.kept[&201], Stretch::new(), "to be forgotten");
    }

    #[test]
    fn stretches_grow_at_the_end_and_are_parted_where_records_come_back_between_two() {
        let mut seen = BTreeMap::new();
        for id in 1..=250 {
            let compared = compare(&seen, &behind(id - 1), u64::MAX, &records([id], "7"));
            seen = kept(&seen, &compared);
        }
        assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [1, 101, 201], "none is begun for one record");
        let mut seen = kept(
            &BTreeMap::new(),
            &compare(&BTreeMap::new(), &behind(0), u64::MAX, &records([1, 90_000], "7")),
        );
        for page in (2..=5_001_u64).collect::<Vec<_>>().chunks(100) {
            let compared =
                compare(&seen, &behind(page[0] - 1), page[99], &records(page.iter().copied(), "7"));
            assert_eq!(compared.unseen.len(), 100);
            seen = kept(&seen, &compared);
        }
        assert_eq!(ids(&seen).len(), 5_002);
        assert!(seen.values().all(|stretch| stretch.len() <= LONGEST_STRETCH), "{:?}", seen.keys());
        for (first, stretch) in &seen {
            assert!(stretch.keys().all(|id| id >= first), "{first}");
        }
    }

    #[test]
    fn a_place_is_written_and_read_and_nonsense_begins_anew() {
        let place = Place { stretch: 101, behind: 200, after: "NTI1Cg==/x".to_owned() };
        assert_eq!(place.to_string().parse(), Ok(place));
        for nonsense in ["", "1", "1/2", "x/2/3", "1//3", "bin:0"] {
            assert_eq!(nonsense.parse::<Place>(), Err(()), "{nonsense}");
        }
    }
}
