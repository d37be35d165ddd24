//! The fields of a push, one by one: what the source holds, what the map makes of it, what the target holds, what was
//! settled last, and what would be done.

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{Direction, Link, LinkStatus, Side, Value};

use crate::apply::{source_record, target_record};
use crate::decide::TargetNow;
use crate::fields::Meeting;
use crate::pair_map::{FieldRule, PairMap};
use crate::plan::{FieldPlan, LinkChange, Plan};
use crate::ports::{Connector, Record, Schema};
use crate::project::{Projected, Projection, is_blank, made, project, stored};
use crate::push::{Seen, World};

/// How what a map makes of a field now compares with what was settled last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseState {
    /// Nothing was settled yet.
    Never,
    /// The map was edited since: what was settled with the old one does not count.
    Edited,
    /// It makes the same now: an echo, or no change.
    Equal,
    /// It makes another value now.
    Changed,
}

/// What a push would do about a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it was settled so.
    InStep,
    /// Settle it: the target holds the value already.
    AlreadyThere,
    /// Write it. `beats`: why it wins over what the target's side changed, where it did.
    Write {
        /// `master`, `newest`, `first_link`, ...; nothing where there is no contest.
        beats: Option<String>,
    },
    /// Leave the target's value: it wins, and why.
    Loses {
        /// `master`, `newest`, `first_link`, ...; blank where both agree that a blank gives way.
        to: String,
    },
    /// Nothing: the target refused exactly this value before.
    RefusedBefore,
    /// The target cannot hold it, or the map cannot make it; `parked` if that was told before.
    Unfit {
        /// Why.
        reason: String,
        /// Whether it is parked already and not told again.
        parked: bool,
    },
    /// Nothing: the source does not say anything about it, or what it refers to is not there.
    NotMade,
    /// Nothing: it is blank, and blanks do not overwrite.
    BlankKept,
    /// Nothing: there is nothing to fill a new record with.
    Blank,
    /// Nothing: it is only filled when a record is created.
    CreateOnly,
    /// Written only together with other fields: it reads the clock or chance.
    RidesAlong,
    /// Nothing: the target has no such field.
    NoSuchField,
    /// Nothing: the field is there and is not written by us.
    NotWritten,
}

/// A field of the target, and everything that a decision about it is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldView {
    /// The field of the target.
    pub field: String,
    /// The fields of the source that it is made of, with what they hold; nothing where the source lacks them.
    pub sources: BTreeMap<String, Option<Value>>,
    /// The line of the map that makes it; none for a field that the bridge adds by itself.
    pub line: Option<usize>,
    /// What the map says about it, in one line.
    pub directive: String,
    /// What the map makes of it, before the target's own form of values.
    pub made: Option<Value>,
    /// The same in the form in which the target gives it back.
    pub value: Option<Value>,
    /// What the target holds, as it gives it; nothing where there is no target record, or it lacks the field.
    pub held: Option<Value>,
    /// The same in the form in which values are compared.
    pub here: Option<Value>,
    /// How it compares with what was settled last.
    pub base: BaseState,
    /// The side that `<master>` names in the map.
    pub master: Option<Side>,
    /// The fields of the other direction that were changed on the target's side and have not travelled yet.
    pub pending: Vec<String>,
    /// When the value of the source came about, as far as the system tells.
    pub source_edited: Option<Timestamp>,
    /// When the value of the target came about.
    pub target_edited: Option<Timestamp>,
    /// What a push would do.
    pub verdict: Verdict,
}

/// What the field rules say, where both records are there.
struct Met<'a, S, T> {
    meeting: Meeting<'a, S, T>,
    plan: FieldPlan,
}

/// The fields of a push; none where the source is gone.
pub(super) fn views<W: World>(seen: &Seen<'_, W>, plan: &Plan) -> Vec<FieldView> {
    let Some(source) = source_record(seen) else { return Vec::new() };
    let (context, direction) = (seen.environment.context, seen.environment.direction);
    let map = context.map(direction);
    let now = seen.now();
    let made = made(map, source, now);
    let met = target_record(seen).map(|target| {
        let (link, keep_bases) = held(seen, plan);
        let meeting = Meeting::new(
            context,
            direction,
            now,
            link,
            keep_bases,
            (source, &seen.states.source, &seen.source_schema),
            (target, &seen.states.target, &seen.target_schema),
        );
        Met { plan: meeting.plan(), meeting }
    });
    let alone = met.is_none().then(|| project(map, source, &seen.target_schema, now));
    let projection = match (&met, &alone) {
        (Some(met), _) => &met.meeting.forward,
        (None, Some(alone)) => alone,
        (None, None) => return Vec::new(),
    };
    let look = Look { seen, map, projection, met: met.as_ref(), source, made: &made };
    map.targets().filter_map(|name| Some(look.view(name, map.rule(name)?))).collect()
}

/// The link whose bases and refusals count for a plan, and whether the bases do.
fn held<'a, W: World>(seen: &'a Seen<'_, W>, plan: &Plan) -> (Option<&'a Link>, bool) {
    let link = match (&seen.link, &seen.target) {
        (Some(link), _) | (None, TargetNow::Inherited { link, .. }) => Some(link),
        (None, _) => None,
    };
    let keep = match plan {
        Plan::Update { link: change, .. } => matches!(change, LinkChange::None | LinkChange::Moved { .. }),
        _ => link.is_some_and(|link| link.status == LinkStatus::Active),
    };
    (link, keep && link.is_some())
}

type SourceSchema<W> = <<W as World>::Source as Connector>::Schema;
type TargetSchema<W> = <<W as World>::Target as Connector>::Schema;

struct Look<'a, W: World> {
    seen: &'a Seen<'a, W>,
    map: &'a PairMap,
    projection: &'a Projection,
    met: Option<&'a Met<'a, SourceSchema<W>, TargetSchema<W>>>,
    source: &'a Record,
    made: &'a BTreeMap<String, Value>,
}

impl<W: World> Look<'_, W> {
    fn view(&self, name: &str, rule: &FieldRule) -> FieldView {
        let direction = self.seen.environment.direction;
        let target = target_record(self.seen);
        let meeting = self.met.map(|met| &met.meeting);
        let definition = self.map.target(name);
        let sources = rule.sources.iter().map(|y| (y.clone(), self.source.fields.get(y).cloned()));
        let (source_edited, target_edited) =
            meeting.map_or((self.source.modified, None), |meeting| meeting.edit_times(name, rule));
        let by_bridge = || format!("added by the bridge: {}", sources_of(rule));
        FieldView {
            field: name.to_owned(),
            sources: sources.collect(),
            line: definition.map(mapping::Target::line),
            directive: definition.map_or_else(by_bridge, mapping::Target::summary),
            made: self.made.get(name).cloned(),
            value: self.projection.fields.get(name).map(|projected| projected.value.clone()),
            held: target.and_then(|target| target.fields.get(name)).cloned(),
            here: target.map(|target| stored(target, name, &self.seen.target_schema)),
            base: meeting.map_or(BaseState::Never, |meeting| self.base(meeting, name, rule)),
            master: rule.origin_wins.filter(|_| definition.is_some()).map(|origin| side(direction, origin)),
            pending: meeting.map(|meeting| meeting.pending_partners(name, rule)).unwrap_or_default(),
            source_edited,
            target_edited,
            verdict: self.verdict(name, rule),
        }
    }

    fn base(
        &self,
        meeting: &Meeting<'_, SourceSchema<W>, TargetSchema<W>>,
        name: &str,
        rule: &FieldRule,
    ) -> BaseState {
        let direction = self.seen.environment.direction;
        let now = self.projection.fields.get(name).map(|projected| &projected.base.value);
        let now = now.or_else(|| self.projection.unfit.get(name).map(|unfit| &unfit.base.value));
        match (meeting.base(direction, name, Some(rule)), now) {
            (Some(base), Some(now)) if base == now => BaseState::Equal,
            // What is not made does not differ.
            (Some(_), None) => BaseState::Equal,
            (Some(_), Some(_)) => BaseState::Changed,
            (None, _) => {
                let settled = meeting.bases.is_some_and(|link| link.bases.of(direction).contains_key(name));
                if settled { BaseState::Edited } else { BaseState::Never }
            }
        }
    }

    fn verdict(&self, name: &str, rule: &FieldRule) -> Verdict {
        if let Some(unfit) = self.projection.unfit.get(name) {
            let parked = self.met.is_some_and(|met| !met.plan.unfit.contains_key(name));
            return Verdict::Unfit { reason: unfit.reason.clone(), parked };
        }
        if self.projection.ignored.iter().any(|ignored| ignored == name) {
            let known = self.seen.target_schema.has(name);
            return if known { Verdict::NotWritten } else { Verdict::NoSuchField };
        }
        let Some(projected) = self.projection.fields.get(name) else { return Verdict::NotMade };
        match self.met {
            Some(met) => self.between(met, name, projected, rule),
            None if is_blank(&projected.value) => Verdict::Blank,
            None => Verdict::Write { beats: None },
        }
    }

    /// The verdict where both records are there.
    fn between(
        &self,
        met: &Met<'_, SourceSchema<W>, TargetSchema<W>>,
        name: &str,
        projected: &Projected,
        rule: &FieldRule,
    ) -> Verdict {
        let direction = self.seen.environment.direction;
        if rule.create_only {
            return Verdict::CreateOnly;
        }
        let lost = |side: Side| met.plan.lost.iter().find(|lost| lost.field == name && lost.side == side);
        if met.plan.writes.get(name).is_some() {
            return Verdict::Write { beats: lost(direction.target()).map(|lost| lost.reason.clone()) };
        }
        if rule.volatile {
            return Verdict::RidesAlong;
        }
        if let Some(lost) = lost(direction.source()) {
            return Verdict::Loses { to: lost.reason.clone() };
        }
        if met.meeting.was_refused(direction, name, &projected.base) {
            return Verdict::RefusedBefore;
        }
        if self.base(&met.meeting, name, rule) == BaseState::Equal {
            return Verdict::InStep;
        }
        if met.plan.settled.contains_key(name) {
            let here = stored(met.meeting.target, name, &self.seen.target_schema);
            let same = here == projected.value;
            return if same { Verdict::AlreadyThere } else { Verdict::Loses { to: String::new() } };
        }
        let blanks = self.seen.environment.context.operations(direction).blank_overwrites;
        if projected.blank && !blanks { Verdict::BlankKept } else { Verdict::Loses { to: String::new() } }
    }
}

fn sources_of(rule: &FieldRule) -> String {
    rule.sources.iter().cloned().collect::<Vec<_>>().join(", ")
}

fn side(direction: Direction, origin_wins: bool) -> Side {
    if origin_wins { direction.source() } else { direction.target() }
}
