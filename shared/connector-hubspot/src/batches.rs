//! Reads and writes of pushes that run side by side, made together: one batch for all who do the same to one type.
//!
//! The portal counts calls, not records: ten contacts written by one call leave the turns of nine to others. Each write
//! still stands under the lease and the intent of its own record, and has an answer of its own: what one batch cannot do is
//! tried by halves, and alone at last, so that HubSpot's words are about the record that they belong to.
//!
//! There is no upsert among them: it takes no associations, and it overwrites unseen a record that this create should have
//! met and been decided against.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use http_client::{Effect, Method, Request};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use sync::error::Disposition;
use sync::together::Together;
use sync::{ConnectorError, Record};

use crate::client::{HubSpot, with_json};
use crate::error::{existing_id, refusal, unreadable};
use crate::objects::Object;
use crate::wire::{Wanted, WireRecord};

/// Records of one batch, which is the most that there is.
pub(crate) const BATCH: usize = 100;
/// The member that tells the answers to creates apart.
const TRACE: &str = "objectWriteTraceId";

/// What is done to records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Deed {
    Create,
    Update,
    Archive,
}

impl Deed {
    fn in_paths(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Archive => "archive",
        }
    }
}

/// One write.
#[derive(Clone, Debug)]
struct Write {
    /// Tells it from the others of this process.
    trace: u64,
    /// The record; none yet for a create.
    id: Option<String>,
    /// Its properties and associations.
    body: Arc<Json>,
}

/// Why a write was not done, or may not have been.
#[derive(Debug)]
pub(crate) struct Unwritten {
    pub(crate) error: ConnectorError,
    /// The record that stands in the way.
    pub(crate) existing: Option<String>,
}

impl From<ConnectorError> for Unwritten {
    fn from(error: ConnectorError) -> Self {
        Self { error, existing: None }
    }
}

/// What became of a write; an archived record is not told.
pub(crate) type Written = Result<Option<WireRecord>, Unwritten>;
/// Who writes the same kind of thing.
type Writes = Together<Write, Written, ConnectorError>;
/// A record; nothing where there is none.
type Found = Result<Option<Record>, ConnectorError>;
/// Who reads records by their ids.
type Reads = Together<String, Found, ConnectorError>;
/// Those who can go together, by what they have in common.
type ByKind<K, T> = Mutex<HashMap<K, Arc<T>>>;

/// What several pushes of a process do at the same time.
#[derive(Debug, Default)]
pub(crate) struct Batches {
    writes: ByKind<(Object, Deed), Writes>,
    /// Who wants other associations asks by another call.
    reads: ByKind<(Object, Vec<&'static str>), Reads>,
    traces: AtomicU64,
}

fn of<K: Eq + Hash, T>(all: &ByKind<K, T>, key: K, new: impl FnOnce() -> T) -> Arc<T> {
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    all.entry(key).or_insert_with(|| Arc::new(new())).clone()
}

impl HubSpot {
    /// Writes a record, with all who write at the same time.
    pub(crate) async fn write(&self, object: Object, deed: Deed, id: Option<&str>, body: Json) -> Written {
        let write = Write {
            trace: self.batches.traces.fetch_add(1, Ordering::Relaxed),
            id: id.map(str::to_owned),
            body: Arc::new(body),
        };
        let fetch = async |writes| Ok(self.write_all(object, deed, writes).await);
        let pick = |done: &mut HashMap<u64, Written>, write: &Write| {
            done.remove(&write.trace).unwrap_or_else(|| Err(unsaid().into()))
        };
        let writes = of(&self.batches.writes, (object, deed), || Writes::once(unsaid()));
        writes.ask_after(write, self.budget.take_turn(), fetch, pick).await?
    }

    async fn write_all(&self, object: Object, deed: Deed, writes: Vec<Write>) -> HashMap<u64, Written> {
        let mut done = HashMap::with_capacity(writes.len());
        let mut waiting = split_by_record(writes);
        while let Some(chunk) = waiting.pop() {
            if let [only] = chunk.as_slice() {
                done.insert(only.trace, self.write_one(object, deed, only).await);
                continue;
            }
            match self.write_batch(object, deed, &chunk).await {
                Ok(mut told) => {
                    for write in chunk {
                        match told.remove(&write.trace) {
                            // Alone, so that HubSpot says why.
                            Some(Fate::Refused) => waiting.push(vec![write]),
                            Some(Fate::Gone) => {
                                done.insert(write.trace, Err(ConnectorError::Gone.into()));
                            }
                            Some(Fate::Done(record)) => {
                                done.insert(write.trace, Ok(record));
                            }
                            None => {
                                done.insert(write.trace, Err(unsaid().into()));
                            }
                        }
                    }
                }
                // One of them is not taken, and nothing of the batch was done.
                Err(
                    ConnectorError::Rejected { .. } | ConnectorError::Gone | ConnectorError::Forbidden { .. },
                ) => {
                    let (one, other) = chunk.split_at(chunk.len() / 2);
                    waiting.extend([one.to_vec(), other.to_vec()]);
                }
                Err(error) => {
                    done.extend(chunk.iter().map(|write| (write.trace, Err(error.clone().into()))));
                }
            }
        }
        done
    }

    async fn write_one(&self, object: Object, deed: Deed, write: &Write) -> Written {
        let url = self.objects(object, write.id.as_deref());
        let request = match deed {
            Deed::Create => with_json(Request::write(Method::POST, url), &write.body)?,
            Deed::Update => with_json(Request::write(Method::PATCH, url), &write.body)?,
            Deed::Archive => Request::write(Method::DELETE, url),
        };
        let answer = self.call(request).await?;
        if !answer.is_success() {
            let existing = existing_id(&answer);
            return Err(Unwritten { error: refusal(&answer, Effect::Write), existing });
        }
        if deed == Deed::Archive {
            return Ok(None);
        }
        let record = answer.json().map_err(|_| unreadable(&answer, Effect::Write, "no record"))?;
        Ok(Some(record))
    }

    /// `POST .../batch/{create|update|archive}`. Who is not in the answer, and not among its errors either, is in doubt.
    async fn write_batch(
        &self,
        object: Object,
        deed: Deed,
        writes: &[Write],
    ) -> Result<HashMap<u64, Fate>, ConnectorError> {
        let inputs: Vec<Json> = writes.iter().map(|write| input(deed, write)).collect();
        let request = Request::write(Method::POST, self.objects(object, ["batch", deed.in_paths()]));
        let answer = self.call(with_json(request, &json!({ "inputs": inputs }))?).await?;
        if !answer.is_success() {
            return Err(refusal(&answer, Effect::Write));
        }
        if deed == Deed::Archive {
            return Ok(writes.iter().map(|write| (write.trace, Fate::Done(None))).collect());
        }
        let told = answer.json().map_err(|_| unreadable(&answer, Effect::Write, "no answer to a batch"))?;
        Ok(fates(told, writes))
    }

    /// A record by its id, read with all who read at the same time; by an old id of a merge, the survivor.
    pub(crate) async fn read_together(
        &self,
        object: Object,
        id: &str,
        associations: &[Wanted],
    ) -> Result<Option<Record>, ConnectorError> {
        let fetch = async |ids| Ok(self.read_all(object, ids, associations).await);
        let pick =
            |found: &mut HashMap<String, Found>, id: &String| found.get(id).cloned().unwrap_or(Ok(None));
        let key = (object, associations.iter().map(|wanted| wanted.field).collect());
        let reads = of(&self.batches.reads, key, Reads::default);
        reads.ask_after(id.to_owned(), self.budget.take_turn(), fetch, pick).await?
    }

    async fn read_all(
        &self,
        object: Object,
        ids: Vec<String>,
        associations: &[Wanted],
    ) -> HashMap<String, Found> {
        let ids: BTreeSet<String> = ids.into_iter().collect();
        let mut found = HashMap::with_capacity(ids.len());
        // A batch knows no associations: they are calls of their own.
        if ids.len() > 1 + associations.len() {
            let of: Vec<&str> = ids.iter().map(String::as_str).collect();
            match self.batch_with(object, &of, associations).await {
                Ok(records) => {
                    found.extend(
                        records.into_iter().map(|record| (record.reference.id.clone(), Ok(Some(record)))),
                    );
                }
                Err(error) if matches!(error.disposition(), Disposition::Retry { .. }) => {
                    return ids.into_iter().map(|id| (id, Err(error.clone()))).collect();
                }
                // What one of them spoils is not the trouble of the others.
                Err(_) => {}
            }
        }
        // Old ids of merges are in no batch.
        let left = ids.into_iter().filter(|id| !found.contains_key(id)).collect::<Vec<_>>();
        let read = left.iter().map(|id| self.get(object, id, None, associations));
        let read = futures::future::join_all(read).await;
        found.extend(left.into_iter().zip(read));
        found
    }
}

/// What a batch says of one write.
#[derive(Debug)]
enum Fate {
    Done(Option<WireRecord>),
    Gone,
    Refused,
}

/// The answer to a batch of writes: 200, 201 or 207.
#[derive(Debug, Deserialize)]
struct Told {
    results: Vec<ToldRecord>,
    #[serde(default)]
    errors: Vec<ToldError>,
}

#[derive(Debug, Deserialize)]
struct ToldRecord {
    #[serde(default, rename = "objectWriteTraceId")]
    trace: Option<String>,
    #[serde(flatten)]
    record: WireRecord,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ToldError {
    category: Option<String>,
    context: HashMap<String, Vec<String>>,
}

/// One input of a batch.
fn input(deed: Deed, write: &Write) -> Json {
    let mut input = match deed {
        Deed::Archive => json!({}),
        Deed::Create | Deed::Update => (*write.body).clone(),
    };
    match &write.id {
        Some(id) => input["id"] = json!(id),
        None => input[TRACE] = json!(write.trace.to_string()),
    }
    input
}

/// Writes of the same record never share a batch; nor do more than a batch takes.
fn split_by_record(writes: Vec<Write>) -> Vec<Vec<Write>> {
    let mut chunks: Vec<(HashSet<String>, Vec<Write>)> = Vec::new();
    for write in writes {
        let free = chunks
            .iter_mut()
            .find(|(ids, chunk)| chunk.len() < BATCH && write.id.as_ref().is_none_or(|id| !ids.contains(id)));
        let (ids, chunk) = match free {
            Some(free) => free,
            None => chunks.push_mut(Default::default()),
        };
        ids.extend(write.id.clone());
        chunk.push(write);
    }
    // Taken from the end, in the order in which they came.
    chunks.into_iter().rev().map(|(_, chunk)| chunk).collect()
}

/// What became of each write, by the answer to their batch. Results come in any order.
fn fates(told: Told, writes: &[Write]) -> HashMap<u64, Fate> {
    let named = |write: &Write, name: &str| match &write.id {
        Some(id) => id == name,
        None => write.trace.to_string() == name,
    };
    let mut fates = HashMap::new();
    for error in told.errors {
        let fate = || {
            if error.category.as_deref() == Some("OBJECT_NOT_FOUND") { Fate::Gone } else { Fate::Refused }
        };
        let told: Vec<&String> =
            ["ids", TRACE].iter().filter_map(|key| error.context.get(*key)).flatten().collect();
        let about = writes.iter().filter(|write| told.iter().any(|name| named(write, name)));
        fates.extend(about.map(|write| (write.trace, fate())));
    }
    for ToldRecord { trace, record } in told.results {
        let about = writes.iter().find(|write| match (&write.id, &trace) {
            (Some(id), _) => *id == record.id,
            (None, trace) => trace.as_deref().is_some_and(|trace| named(write, trace)),
        });
        if let Some(write) = about {
            fates.insert(write.trace, Fate::Done(Some(record)));
        }
    }
    fates
}

fn unsaid() -> ConnectorError {
    ConnectorError::Doubtful {
        detail: "HubSpot's answer to a batch does not say what became of this record".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(trace: u64, id: Option<&str>) -> Write {
        Write { trace, id: id.map(str::to_owned), body: Arc::new(json!({ "properties": {} })) }
    }

    /// `done 7`, `gone`, `refused`, by the traces of the writes; nothing of those that are in doubt.
    fn told(answer: Json, writes: &[Write]) -> Vec<(u64, String)> {
        let mut fates: Vec<_> = fates(serde_json::from_value(answer).unwrap(), writes).into_iter().collect();
        fates.sort_by_key(|(trace, _)| *trace);
        let name = |fate| match fate {
            Fate::Done(record) => format!("done {}", record.unwrap().id),
            Fate::Gone => "gone".to_owned(),
            Fate::Refused => "refused".to_owned(),
        };
        fates.into_iter().map(|(trace, fate)| (trace, name(fate))).collect()
    }

    #[test]
    fn each_update_of_a_batch_has_the_answer_that_names_it() {
        let writes = [write(1, Some("11")), write(2, Some("12")), write(3, Some("13")), write(4, Some("14"))];
        let answer = json!({
            "status": "COMPLETE",
            "results": [{ "id": "13", "properties": { "city": "Vigo" } }, { "id": "99", "properties": {} }],
            "numErrors": 2,
            "errors": [
                {
                    "status": "error",
                    "category": "OBJECT_NOT_FOUND",
                    "message": "Could not get some objects",
                    "context": { "ids": ["12"] },
                },
                { "category": "VALIDATION_ERROR", "message": "no", "context": { "ids": ["11"] } },
            ],
        });
        assert_eq!(
            told(answer, &writes),
            [(1, "refused".to_owned()), (2, "gone".to_owned()), (3, "done 13".to_owned())]
        );
    }

    #[test]
    fn creates_are_told_apart_by_their_traces_and_in_doubt_without_them() {
        let writes = [write(1, None), write(2, None), write(3, None)];
        let answer = json!({
            "results": [
                { "id": "502", "objectWriteTraceId": "2", "properties": {} },
                { "id": "503", "properties": {} },
            ],
            "errors": [{ "category": "CONFLICT", "message": "no", "context": { "objectWriteTraceId": ["1"] } }],
        });
        assert_eq!(told(answer, &writes), [(1, "refused".to_owned()), (2, "done 502".to_owned())]);
    }

    #[test]
    fn writes_of_one_record_are_never_in_one_batch_and_stay_in_order() {
        let twice = [write(1, Some("11")), write(2, Some("12")), write(3, Some("11"))];
        let traces = |writes: Vec<Write>| -> Vec<Vec<u64>> {
            let mut chunks = split_by_record(writes);
            chunks.reverse();
            chunks.into_iter().map(|chunk| chunk.into_iter().map(|write| write.trace).collect()).collect()
        };
        assert_eq!(traces(twice.to_vec()), [vec![1, 2], vec![3]]);
        let many = (0..250).map(|trace| write(trace, None)).collect();
        assert_eq!(traces(many).iter().map(Vec::len).collect::<Vec<_>>(), [100, 100, 50]);
    }
}
