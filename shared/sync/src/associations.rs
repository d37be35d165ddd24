//! Associations: a field that names a parent, translated through the link that joins the parents.
//!
//! A translation is put into the record when it is read, so that all other rules see a field like any other. A parent
//! that is not linked translates to nothing, and nothing changes nothing: the rest of the child travels, and the child
//! waits for its parent. Whoever links the parent queues notices for its waiting children.

use jiff::SignedDuration;
use model::{Direction, Fingerprint, Link, LinkStatus, Notice, NoticeKind, Pair, RecordRef, Side, Value};

use crate::decide::{SourceNow, TargetNow};
use crate::error::{ConnectorError, StoreError};
use crate::gate;
use crate::pair_map::{Association, PairContext};
use crate::pairs::has_children;
use crate::plan::FieldPlan;
use crate::ports::{Canonical, ChangeQueue, Clock, Connector, Reading, Record, Schema, StateStore, Waiting};
use crate::project::{is_blank, stored, translation_of};
use crate::push::{Environment, PushError, Report, Seen, World};
use crate::sabotage::{Break, broken};

/// How long a child waits for its parent. Later, its own next notice translates the reference.
const PATIENCE: SignedDuration = SignedDuration::from_hours(24 * 30);

/// How many waiting children are told at once.
const CHILDREN_AT_ONCE: usize = 100;

/// What a record says about its parent.
#[derive(Clone, Debug, PartialEq)]
enum Reference {
    /// Nothing: it lacks the field.
    Untold,
    /// It names nobody.
    Blank,
    /// It names this record.
    To(RecordRef),
}

impl Reference {
    fn record(&self) -> Option<&RecordRef> {
        match self {
            Self::To(record) => Some(record),
            Self::Untold | Self::Blank => None,
        }
    }
}

/// What a reference stands for on the other side.
#[derive(Clone, Debug, PartialEq)]
enum Parent {
    /// It names nobody.
    None,
    /// The parent's partner.
    Linked(RecordRef),
    /// The parent was never linked.
    Unlinked(RecordRef),
    /// The parent's partner is gone, or the parent itself.
    Tombstone(RecordRef),
}

impl PairContext {
    /// The fields of a side that name parents, of the associations that are carried.
    pub(crate) fn association_fields(&self, side: Side) -> Vec<&'static str> {
        let told = self.associations.iter().filter(|each| side == Side::Remote || !each.spec.is_itself());
        told.map(|association| association.spec.field(side)).collect()
    }

    /// The side that a record is on.
    pub(crate) fn side_of(&self, record: &RecordRef) -> Side {
        if record.system == self.pair.hub { Side::Hub } else { Side::Remote }
    }

    /// Whether a field of the target side is filled by an association.
    pub(crate) fn is_association(&self, direction: Direction, field: &str) -> bool {
        self.map(direction).carries(field)
    }
}

/// Reads a record with the fields of its associations.
pub(crate) async fn read<C: Connector>(
    context: &PairContext,
    side: Side,
    system: &C,
    record: &RecordRef,
) -> Result<Reading, ConnectorError> {
    system.read_with(record, &context.association_fields(side)).await
}

/// Parents that an association needs and that are not there.
#[derive(Debug, Default)]
pub(crate) struct Parents {
    /// The source names them, and they have no living partner: the pair that joins them, and whether their own notice
    /// could bring them.
    missing: Vec<(Pair, RecordRef, bool)>,
    /// Their links say that they are there, and they are not.
    gone: Vec<RecordRef>,
}

impl Parents {
    /// Notes a parent of the source that has no living partner.
    fn lacks(&mut self, association: &Association, direction: Direction, parent: &Parent) {
        let of_parents = association.parent_settings.operations(direction);
        let (named, comes) = match parent {
            // A record that is its own parent has just been pushed as one.
            Parent::Unlinked(named) if association.spec.is_itself() && direction == Direction::ToRemote => {
                (named, false)
            }
            Parent::Unlinked(named) => (named, of_parents.create || of_parents.update),
            Parent::Tombstone(named) => (named, false),
            Parent::None | Parent::Linked(_) => return,
        };
        self.missing.push((association.parents.clone(), named.clone(), comes));
    }
}

/// Translates the associations of both records of a push.
pub(crate) async fn translate<W: World>(
    environment: &Environment<'_, W>,
    link: Option<&Link>,
    (source, source_schema): (&mut SourceNow, &<W::Source as Connector>::Schema),
    (target, target_schema): (&mut TargetNow, &<W::Target as Connector>::Schema),
) -> Result<Parents, PushError> {
    let context = environment.context;
    let direction = environment.direction;
    let (from, to) = (direction.source(), direction.target());
    let mut parents = Parents::default();
    let Some(source) = source_record(source) else { return Ok(parents) };
    let mut target = target_record(target);
    // Several associations of one system may be one field of the other: the first that names somebody counts.
    let (mut taken, mut taken_back) = (Vec::new(), Vec::new());
    for association in &context.associations {
        let (y, x) = (association.spec.field(from), association.spec.field(to));
        let here = reference(association, from, source, source_schema);
        let there = target
            .as_deref()
            .map_or(Reference::Untold, |target| reference(association, to, target, target_schema));
        let mut partner = None;
        if association.spec.is_itself() && to == Side::Hub {
            // Nothing is written, and what it belongs to must be there.
            let parent = parent_of(environment, &association.parents, here.record(), to).await?;
            parents.lacks(association, direction, &parent);
            continue;
        }
        if context.is_association(direction, x) && here != Reference::Untold && !taken.contains(&x) {
            let parent = parent_of(environment, &association.parents, here.record(), to).await?;
            parents.lacks(association, direction, &parent);
            if matches!(parent, Parent::Linked(_) | Parent::Unlinked(_)) {
                taken.push(x);
            }
            let shadow = parent == Parent::None
                && would_change(context, link, direction, x, target_schema)
                && is_shadow(
                    environment,
                    association,
                    there.record(),
                    from,
                    environment.source,
                    &mut parents,
                )
                .await?;
            translated(source, x, &parent, shadow);
            if let Parent::Linked(linked) = parent {
                partner = Some(linked);
            }
        }
        if context.is_association(direction.reverse(), y)
            && let Some(target) = target.as_deref_mut()
            && there != Reference::Untold
            && !taken_back.contains(&y)
        {
            let parent = match here.record() {
                // The same link, looked at from the other side.
                Some(here) if partner.is_some() && partner.as_ref() == there.record() => {
                    Parent::Linked(here.clone())
                }
                _ => parent_of(environment, &association.parents, there.record(), from).await?,
            };
            if matches!(parent, Parent::Linked(_) | Parent::Unlinked(_)) {
                taken_back.push(y);
            }
            let shadow = parent == Parent::None
                && would_change(context, link, direction.reverse(), y, source_schema)
                && is_shadow(environment, association, here.record(), to, environment.target, &mut parents)
                    .await?;
            translated(target, y, &parent, shadow);
        }
    }
    Ok(parents)
}

/// Translates the associations of an answer, as far as they were written, so that they can be settled.
pub(crate) async fn translate_answer<W: World, S: Schema>(
    environment: &Environment<'_, W>,
    direction: Direction,
    written: &[String],
    answer: &mut Record,
    schema: &S,
) -> Result<(), StoreError> {
    let (from, to) = (direction.source(), direction.target());
    let mut taken = Vec::new();
    for association in &environment.context.associations {
        let (y, x) = (association.spec.field(from), association.spec.field(to));
        let carried = environment.context.is_association(direction.reverse(), y);
        if !carried || !written.iter().any(|field| field == x) || taken.contains(&y) {
            continue;
        }
        let named = reference(association, to, answer, schema);
        if named != Reference::Untold {
            let parent = parent_of(environment, &association.parents, named.record(), from).await?;
            if matches!(parent, Parent::Linked(_)) {
                taken.push(y);
            }
            translated(answer, y, &parent, false);
        }
    }
    Ok(())
}

/// Takes the associations out of what counts as settled by a creation that the answer does not show, and gives their
/// names: they stay changed.
pub(crate) fn unconfirmed<S: Schema>(
    context: &PairContext,
    direction: Direction,
    plan: &mut FieldPlan,
    created: &Record,
    schema: &S,
) -> Vec<String> {
    let is_there =
        |x: &str, value: &Value| created.fields.contains(x) && stored(created, x, schema) == *value;
    let missing: Vec<String> = plan
        .writes
        .iter()
        .filter(|(x, value)| context.is_association(direction, x) && !is_there(x, value))
        .map(|(x, _)| x.to_owned())
        .collect();
    for x in &missing {
        plan.settled.remove(x);
        plan.writes.remove(x);
    }
    missing
}

/// Queues the source of a push once more: an association was not made together with its record.
pub(crate) async fn announce_again<W: World>(seen: &Seen<'_, W>, source: &Record) -> Result<(), StoreError> {
    let environment = seen.environment;
    let again = told(environment, seen.notice, &source.reference, NoticeKind::Saved);
    environment.queue.send(environment.target.system(), &[again]).await
}

/// Queues notices for the records that waited for one of the records of a push that has a link.
///
/// Asked for after every push of a parent that ends with a link, so that a worker that died between linking and telling
/// is made up for by the one that gets its notice again.
pub(crate) async fn take_up_children<W: World>(
    environment: &Environment<'_, W>,
    notice: &Notice,
    report: &Report,
) -> Result<(), StoreError> {
    let linked = matches!(report.outcome, "created" | "updated" | "linked" | "settled")
        || report.outcome == "skipped" && report.reason == "unchanged";
    if !linked || !has_children(environment.context.spec.kind) {
        return Ok(());
    }
    let (source, target) = (environment.source.system(), environment.target.system());
    tell_children(environment, notice, &report.source, target).await?;
    match &report.target {
        Some(parent) => tell_children(environment, notice, parent, source).await,
        None => Ok(()),
    }
}

/// Queues notices for the records that wait for this parent. First queued, then forgotten.
async fn tell_children<W: World>(
    environment: &Environment<'_, W>,
    notice: &Notice,
    parent: &RecordRef,
    towards: &model::System,
) -> Result<(), StoreError> {
    if !environment.queue.reaches(towards) {
        return Ok(());
    }
    loop {
        let now = environment.clock.now();
        let children = environment.store.waiting(parent, towards, now, CHILDREN_AT_ONCE).await?;
        if children.is_empty() {
            return Ok(());
        }
        let notices: Vec<Notice> =
            children.iter().map(|child| told(environment, notice, &child.child, NoticeKind::Saved)).collect();
        environment.queue.send(towards, &notices).await?;
        environment.store.waited(&children).await?;
        if children.len() < CHILDREN_AT_ONCE {
            return Ok(());
        }
    }
}

/// Lets the source of a push wait for the parents that it lacks, and sees to it that they come. Whether one of them is
/// there by now: what was seen is seen again then.
pub(crate) async fn wait_for_parents<W: World>(seen: &Seen<'_, W>) -> Result<bool, StoreError> {
    let environment = seen.environment;
    for gone in &seen.parents.gone {
        // Nobody has told so yet, and some systems never do.
        let towards = environment.context.pair.system(environment.context.side_of(gone).other());
        if environment.queue.reaches(towards) {
            let notice = told(environment, seen.notice, gone, NoticeKind::Deleted);
            environment.queue.send(towards, &[notice]).await?;
        }
    }
    let operations = environment.context.operations(environment.direction);
    let (SourceNow::Found(child) | SourceNow::MergedInto { survivor: child, .. }) = &seen.source else {
        return Ok(false);
    };
    if !operations.update && !operations.create {
        return Ok(false);
    }
    if environment.direction == Direction::ToRemote && !gate::is_open(environment.context.spec, child) {
        // Whoever opens it tells of the child.
        return Ok(false);
    }
    let towards = environment.target.system();
    for (pair, parent, comes) in &seen.parents.missing {
        let waiting =
            Waiting { parent: parent.clone(), child: child.reference.clone(), towards: towards.clone() };
        let now = environment.clock.now();
        if environment.store.is_waiting(&waiting, now).await? {
            continue;
        }
        if *comes && environment.queue.reaches(towards) {
            // Before the child waits: a worker that dies in between does it again.
            let notice = told(environment, seen.notice, parent, NoticeKind::Saved);
            environment.queue.send(towards, &[notice]).await?;
        }
        if !broken(Break::ForgetTheChildren) {
            environment.store.wait(&waiting, now + PATIENCE).await?;
        }
        // Whoever linked the parent before the child waited did not see the child.
        let side = environment.direction.target();
        if let Parent::Linked(_) = parent_of(environment, pair, Some(parent), side).await?
            && !broken(Break::LookOnceAtTheParent)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether a blank reference is only what a deleted parent has left behind. The child of a record that is gone on one
/// side keeps its parent on the other.
async fn is_shadow<W: World, C: Connector>(
    environment: &Environment<'_, W>,
    association: &Association,
    kept: Option<&RecordRef>,
    side: Side,
    system: &C,
    parents: &mut Parents,
) -> Result<bool, PushError> {
    let Some(kept) = kept else { return Ok(false) };
    let Some(link) = environment.store.find_link(kept, &association.parents).await? else { return Ok(false) };
    if matches!(link.status, LinkStatus::Tombstone { .. }) {
        return Ok(true);
    }
    let parent = link.record(side);
    if system.read(parent).await? != Reading::Gone {
        return Ok(false);
    }
    let into = if side == Side::Hub { Direction::ToRemote } else { Direction::ToHub };
    if association.parent_settings.operations(into).delete {
        parents.gone.push(parent.clone());
    }
    Ok(true)
}

/// Whether a blank in this field would count as a change of it.
fn would_change<S: Schema>(
    context: &PairContext,
    link: Option<&Link>,
    direction: Direction,
    field: &str,
    schema: &S,
) -> bool {
    let Some(base) = link.and_then(|link| link.bases.of(direction).get(field)) else { return false };
    let Canonical::Value(blank) = schema.canonical(field, &Value::Null) else { return false };
    context.map(direction).rule(field).is_some_and(|rule| rule.definition == base.definition)
        && base.value != Fingerprint::of(&blank)
}

/// The name under which a record of coreBOS tells to which module a reference leads that may lead to several.
fn module_of(field: &str) -> String {
    format!("{field}:module")
}

/// The parent that a record names.
fn reference<S: Schema>(association: &Association, side: Side, record: &Record, schema: &S) -> Reference {
    let field = association.spec.field(side);
    if side == Side::Hub && association.spec.is_itself() {
        return Reference::To(record.reference.clone());
    }
    if !schema.has(field) || !record.fields.contains(field) {
        return Reference::Untold;
    }
    let value = stored(record, field, schema);
    if is_blank(&value) {
        return Reference::Blank;
    }
    let object = crate::pairs::pair_spec(association.spec.parents).object(side);
    let told = record.fields.text(&module_of(field)).filter(|told| !told.is_empty());
    if side == Side::Hub && told.is_some_and(|told| told != object.as_str()) {
        // It names somebody, and not one of these: whom it does not name is another association's business.
        return Reference::Untold;
    }
    Reference::To(RecordRef::new(&record.reference.system, &object, value.php_string().into_owned()))
}

/// What the named parent is on the other side.
async fn parent_of<W: World>(
    environment: &Environment<'_, W>,
    pair: &Pair,
    named: Option<&RecordRef>,
    to: Side,
) -> Result<Parent, StoreError> {
    let Some(named) = named else { return Ok(Parent::None) };
    let link = environment.store.find_link(named, pair).await?;
    Ok(match link {
        None => Parent::Unlinked(named.clone()),
        Some(link) if matches!(link.status, LinkStatus::Tombstone { .. }) => Parent::Tombstone(named.clone()),
        Some(link) => Parent::Linked(link.record(to).clone()),
    })
}

fn translated(record: &mut Record, field: &str, parent: &Parent, shadow: bool) {
    let value = match parent {
        Parent::None if !shadow => String::new(),
        Parent::Linked(partner) => partner.id.clone(),
        Parent::None | Parent::Unlinked(_) | Parent::Tombstone(_) => return,
    };
    record.fields.insert(translation_of(field), Value::Text(value));
}

/// A notice that this push sends on its own account.
fn told<W: World>(
    environment: &Environment<'_, W>,
    notice: &Notice,
    record: &RecordRef,
    kind: NoticeKind,
) -> Notice {
    crate::announce::notice(environment, &notice.receipt, record, kind, "kin")
}

fn source_record(source: &mut SourceNow) -> Option<&mut Record> {
    match source {
        SourceNow::Found(record) | SourceNow::MergedInto { survivor: record, .. } => Some(record),
        SourceNow::Gone => None,
    }
}

fn target_record(target: &mut TargetNow) -> Option<&mut Record> {
    match target {
        TargetNow::Linked(record)
        | TargetNow::Matched(record)
        | TargetNow::MergedInto { survivor: record, .. }
        | TargetNow::Inherited { target: record, .. } => Some(record),
        TargetNow::Gone { successor } => successor.as_mut(),
        TargetNow::Ambiguous(_) | TargetNow::Taken { .. } | TargetNow::Nobody => None,
    }
}
