//! The field rules: what is changed, in conflict, already there, lost; pure.

mod parents;

use jiff::Timestamp;
use model::{Direction, FieldBase, Fields, Fingerprint, Link, Lost, RecordState, Side};

use crate::pair_map::{FieldRule, PairContext};
use crate::plan::FieldPlan;
use crate::ports::{Record, Schema};
use crate::project::{Projected, Projection, is_blank, project, stored};
use crate::sabotage::{Break, broken};
use crate::settings::{FirstLink, Winner};

/// Both records with what their maps make of them.
pub(crate) struct Meeting<'a, S, T> {
    pub(crate) context: &'a PairContext,
    pub(crate) direction: Direction,
    /// The link whose bases count; none at a first meeting or when it is linked again.
    pub(crate) bases: Option<&'a Link>,
    /// The link whose refusals count.
    pub(crate) link: Option<&'a Link>,
    pub(crate) source: &'a Record,
    pub(crate) source_state: &'a RecordState,
    pub(crate) target: &'a Record,
    pub(crate) target_state: &'a RecordState,
    pub(crate) source_schema: &'a S,
    pub(crate) target_schema: &'a T,
    pub(crate) forward: Projection,
    pub(crate) reverse: Projection,
}

/// Which side a contest went to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Contest {
    Source(&'static str),
    Target(&'static str),
}

impl<'a, S: Schema, T: Schema> Meeting<'a, S, T> {
    pub(crate) fn new(
        context: &'a PairContext,
        direction: Direction,
        now: Timestamp,
        link: Option<&'a Link>,
        keep_bases: bool,
        source: (&'a Record, &'a RecordState, &'a S),
        target: (&'a Record, &'a RecordState, &'a T),
    ) -> Self {
        let forward = project(context.map(direction), source.0, target.2, now);
        let reverse = project(context.map(direction.reverse()), target.0, source.2, now);
        Self {
            context,
            direction,
            bases: link.filter(|_| keep_bases),
            link,
            source: source.0,
            source_state: source.1,
            target: target.0,
            target_state: target.1,
            source_schema: source.2,
            target_schema: target.2,
            forward,
            reverse,
        }
    }

    /// The base of a field, unless its definition was edited since.
    pub(crate) fn base(
        &self,
        direction: Direction,
        field: &str,
        rule: Option<&FieldRule>,
    ) -> Option<&'a Fingerprint> {
        let link = self.bases?;
        let base = link.bases.of(direction).get(field)?;
        if rule?.forgets_at_merge && self.has_moved(link) {
            return None;
        }
        let holds = rule?.definition == base.definition || broken(Break::KeepBasesOfEditedMaps);
        holds.then_some(&base.value)
    }

    /// The base that an older definition of a field has made, where edited maps are applied.
    fn edited(&self, field: &str, rule: &FieldRule) -> Option<&'a Fingerprint> {
        let base = self.bases?.bases.of(self.direction).get(field)?;
        let map = self.context.map(self.direction);
        (map.applies_edits && rule.definition != base.definition).then_some(&base.value)
    }

    /// Whether one of the records is another one than the link names: a merge has moved it.
    fn has_moved(&self, link: &Link) -> bool {
        let (source, target) = (self.direction.source(), self.direction.target());
        *link.record(source) != self.source.reference || *link.record(target) != self.target.reference
    }

    /// Whether the target side's edit behind reverse field `y` has not travelled yet.
    fn is_pending(&self, y: &str) -> bool {
        let reverse = self.direction.reverse();
        let rule = self.context.map(reverse).rule(y);
        let Some(projected) = self.reverse.fields.get(y) else { return false };
        if rule.is_none_or(|r| r.volatile || r.create_only) || !self.travels(projected) {
            return false;
        }
        if self.was_refused(reverse, y, &projected.base) {
            return false;
        }
        self.base(reverse, y, rule).is_some_and(|base| *base != projected.base.value)
    }

    /// Whether the target side's edit behind reverse field `y` asks for anything that the source does not hold already.
    /// Two people who mean the same are no rivals, even where `x` is made differently: to lose against what is there
    /// would leave `x` changed with nothing left to travel, and an edit back to its base would go unseen.
    fn contests(&self, y: &str) -> bool {
        self.is_pending(y) && (broken(Break::ContestAnAgreement) || !self.agrees(y))
    }

    /// Whether the source holds what the reverse map makes of the target.
    fn agrees(&self, y: &str) -> bool {
        let projected = self.reverse.fields.get(y);
        projected.is_some_and(|projected| {
            Fingerprint::of(&stored(self.source, y, self.source_schema)) == projected.base.value
        })
    }

    /// Whether `y`, a partner of `x`, was never settled although the target has a value for it: two records have met, and
    /// the blank one of them was edited before the other's value arrived.
    fn never_travelled(&self, x: &str, y: &str) -> bool {
        let reverse = self.direction.reverse();
        self.bases.is_some_and(|link| !link.bases.of(reverse).contains_key(y)) && self.would_travel(x, y)
    }

    /// Whether two records meet in `x` and its partner `y`, and the target's value is still to travel although the target
    /// holds what the source would send: the other map makes something else of it. To settle `x` already would let an
    /// edit of the source that comes in between count for nothing in either direction.
    fn meets_half_way(&self, x: &str, y: &str) -> bool {
        let reverse = self.direction.reverse();
        let settled = self.bases.is_some_and(|link| link.bases.of(reverse).contains_key(y));
        !settled && !self.agrees(y) && self.would_travel(x, y) && !broken(Break::SettleHalfAMeeting)
    }

    /// Whether what the reverse map makes of the target in `y`, a partner of `x`, is something that travels.
    fn would_travel(&self, x: &str, y: &str) -> bool {
        let reverse = self.direction.reverse();
        let Some(projected) = self.reverse.fields.get(y) else { return false };
        let steady = self.context.map(reverse).rule(y).is_some_and(|r| !r.volatile && !r.create_only);
        steady
            && !projected.blank
            && self.context.are_partners(self.direction, x, y)
            && self.travels(projected)
            && !self.was_refused(reverse, y, &projected.base)
    }

    /// Whether the other direction is switched on and lets such a value pass.
    fn travels(&self, projected: &Projected) -> bool {
        let operations = self.context.operations(self.direction.reverse());
        let on = operations.update || broken(Break::WaitForWhatIsOff);
        on && (operations.blank_overwrites || !projected.blank)
    }

    /// Whether the other direction is switched on and carries what the target holds in `x`. A value that it makes
    /// nothing of, such as the name of a parent that is not linked, does not travel.
    fn can_travel_back(&self, x: &str, rule: &FieldRule) -> bool {
        self.context.operations(self.direction.reverse()).update
            && rule.sources.iter().any(|y| {
                self.context.are_partners(self.direction, x, y) && self.reverse.fields.contains_key(y)
            })
            && !self.was_refused_back(x, rule)
    }

    /// Whether the source holds already what the other direction makes of what the target holds in `x`.
    fn has_travelled_back(&self, x: &str, rule: &FieldRule) -> bool {
        let mut partners =
            rule.sources.iter().filter(|y| self.context.are_partners(self.direction, x, y)).peekable();
        partners.peek().is_some() && partners.all(|y| self.agrees(y)) && !broken(Break::WaitForWhatIsThere)
    }

    /// Whether the target holds what the forward map makes of the source in everything that `y` is made of: somebody has
    /// made there what would be written, and nothing of it is left to travel back.
    fn is_the_same(&self, y: &str, rule: &FieldRule) -> bool {
        let same = |x: &String| {
            let projected = self.forward.fields.get(x);
            projected.is_some_and(|projected| {
                Fingerprint::of(&stored(self.target, x, self.target_schema)) == projected.base.value
            })
        };
        let partner = |x: &String| self.context.are_partners(self.direction, x, y);
        rule.sources.iter().all(same) && rule.sources.iter().any(partner) && !broken(Break::LetTheSameTravel)
    }

    /// Whether what the target holds in `x` was refused by the source's system: it counts for nothing until it differs.
    fn was_refused_back(&self, x: &str, rule: &FieldRule) -> bool {
        if broken(Break::WaitForRefused) {
            return false;
        }
        let reverse = self.direction.reverse();
        rule.sources.iter().filter(|y| self.context.are_partners(self.direction, x, y)).any(|y| {
            let projected = self.reverse.fields.get(y.as_str());
            projected.is_some_and(|projected| self.was_refused(reverse, y, &projected.base))
        })
    }

    pub(crate) fn was_refused(&self, direction: Direction, field: &str, base: &FieldBase) -> bool {
        self.link.is_some_and(|l| l.refusal(direction, field, &base.value, &base.definition).is_some())
    }

    /// Who wins field `x`: the side that `<master>` names, else the later edit or the setting.
    fn contest(&self, x: &str, rule: &FieldRule, first: bool) -> Contest {
        if let Some(origin_wins) = rule.origin_wins {
            return if origin_wins { Contest::Source("master") } else { Contest::Target("master") };
        }
        let side = if first {
            match self.context.settings.first_link {
                FirstLink::Corebos => Side::Hub,
                FirstLink::Remote => Side::Remote,
            }
        } else {
            match self.context.settings.conflict {
                Winner::Corebos => Side::Hub,
                Winner::Remote => Side::Remote,
                Winner::Newest => self.newest(x, rule),
            }
        };
        let reason = match (first, self.context.settings.conflict) {
            (true, _) => "first_link",
            (false, Winner::Newest) => "newest",
            (false, _) => "setting",
        };
        if side == self.direction.source() { Contest::Source(reason) } else { Contest::Target(reason) }
    }

    /// The fields of the other direction that contest `x`: partners of it that are pending.
    pub(crate) fn pending_partners(&self, x: &str, rule: &FieldRule) -> Vec<String> {
        let partners = rule.sources.iter().filter(|y| self.context.are_partners(self.direction, x, y));
        partners.filter(|y| self.contests(y)).cloned().collect()
    }

    /// When the value of `x` came about, on the source and on the target.
    pub(crate) fn edit_times(&self, x: &str, rule: &FieldRule) -> (Option<Timestamp>, Option<Timestamp>) {
        let source = rule
            .sources
            .iter()
            .filter_map(|y| self.source_state.edited_at(y, self.source.modified))
            .max()
            .or(self.source.modified);
        (source, self.target_state.edited_at(x, self.target.modified))
    }

    /// The side with the later edit; coreBOS at a tie or when a time is unknown.
    fn newest(&self, x: &str, rule: &FieldRule) -> Side {
        match self.edit_times(x, rule) {
            (Some(source), Some(target)) if source > target => self.direction.source(),
            (Some(source), Some(target)) if target > source => self.direction.target(),
            _ => Side::Hub,
        }
    }

    /// Applies the field rules.
    pub(crate) fn plan(&self) -> FieldPlan {
        let mut plan = FieldPlan::default();
        let map = self.context.map(self.direction);
        let operations = self.context.operations(self.direction);
        for (x, projected) in &self.forward.fields {
            let Some(rule) = map.rule(x) else { continue };
            if rule.create_only || rule.volatile {
                continue;
            }
            self.field(&mut plan, x, projected, rule, operations.blank_overwrites);
        }
        for (x, unfit) in &self.forward.unfit {
            if map.rule(x).is_none_or(|r| r.create_only) || self.was_refused(self.direction, x, &unfit.base) {
                continue;
            }
            plan.unfit.insert(x.clone(), (unfit.base.clone(), unfit.reason.clone()));
        }
        if !operations.update {
            plan.leave_unwritten();
        }
        if !plan.writes.is_empty() {
            self.volatile_fields(&mut plan);
            plan.edited_at = self.edit_time(&plan.writes);
        }
        self.reverse_side(&mut plan);
        plan.leftovers &= operations.update || !broken(Break::BeSilentWhereItIsOff);
        plan
    }

    /// One field: changed, already there, in conflict, or meeting for the first time.
    fn field(
        &self,
        plan: &mut FieldPlan,
        x: &str,
        projected: &Projected,
        rule: &FieldRule,
        blank_overwrites: bool,
    ) {
        let base = self.base(self.direction, x, Some(rule));
        let settled = base == Some(&projected.base.value) && !broken(Break::DropTheEchoCheck);
        if settled || self.was_refused(self.direction, x, &projected.base) {
            return;
        }
        let here = stored(self.target, x, self.target_schema);
        let settle = |plan: &mut FieldPlan| {
            plan.settled.insert(x.to_owned(), projected.base.clone());
        };
        if Fingerprint::of(&here) == projected.base.value && !broken(Break::WriteWhatIsThere) {
            if base.is_some() || !rule.sources.iter().any(|y| self.meets_half_way(x, y)) {
                settle(plan);
            }
            return;
        }
        let blank = projected.blank;
        let write = |plan: &mut FieldPlan| {
            plan.writes.insert(x.to_owned(), projected.value.clone());
            plan.settled.insert(x.to_owned(), projected.base.clone());
        };
        let lose = |plan: &mut FieldPlan, side: Side, reason: &str| {
            let value = if side == self.direction.source() { projected.value.clone() } else { here.clone() };
            if !is_blank(&value) {
                plan.lost.push(Lost { side, field: x.to_owned(), value, reason: reason.to_owned() });
            }
        };
        let edited = self.edited(x, rule);
        let contested = || {
            rule.sources.iter().any(|y| self.context.are_partners(self.direction, x, y) && self.contests(y))
        };
        // What an older definition has written, and nobody has touched since, is no more than an older projection.
        let is_old_projection = edited.is_some_and(|old| *old == Fingerprint::of(&here));
        if base.is_some() || is_old_projection || (edited.is_some() && contested()) {
            if blank && !blank_overwrites {
                return;
            }
            let contested = contested();
            // What the target holds is no older projection of ours, and has never travelled: the two meet only now.
            let meets = !contested
                && !broken(Break::OverwriteWhatNeverTravelled)
                && base.is_some_and(|base| *base != Fingerprint::of(&here))
                && rule.sources.iter().any(|y| self.never_travelled(x, y));
            if !(contested || meets) || broken(Break::SeeNoConflict) {
                self.history_of_overwritten(plan, x, &here);
                write(plan);
                return;
            }
            match self.contest(x, rule, meets) {
                Contest::Source(reason) => {
                    lose(plan, self.direction.target(), reason);
                    plan.overruled.push(x.to_owned());
                    write(plan);
                }
                Contest::Target(reason) => {
                    lose(plan, self.direction.source(), reason);
                    plan.leftovers = true;
                    if broken(Break::SettleTheLoser) {
                        settle(plan);
                    }
                }
            }
            return;
        }
        // No base: two existing records meet, or the map was edited.
        let says_nothing = blank || self.source_says_nothing(rule);
        let empty_here = self.target_schema.may_be_blank(x, &here);
        if empty_here && says_nothing {
            // 0 in one system, blank in the other.
            settle(plan);
        } else if empty_here || broken(Break::NoRuleWithoutBase) {
            write(plan);
        } else if says_nothing || rule.constant {
            // A blank side is filled by the other; a constant fills only a blank. Either way this value is dealt with.
            settle(plan);
            plan.leftovers |= says_nothing && self.can_travel_back(x, rule);
        } else {
            let contest = match rule.origin_wins {
                None if edited.is_some() => Contest::Source("edited_map"),
                _ if self.was_refused_back(x, rule) => Contest::Source("refused"),
                _ => self.contest(x, rule, true),
            };
            match contest {
                Contest::Source(reason) => {
                    lose(plan, self.direction.target(), reason);
                    plan.overruled.push(x.to_owned());
                    write(plan);
                }
                // Two people mean the same, and one of them wins: nothing is left to travel.
                Contest::Target(_) if self.has_travelled_back(x, rule) => settle(plan),
                Contest::Target(reason) => {
                    lose(plan, self.direction.source(), reason);
                    if self.can_travel_back(x, rule) {
                        // Stays changed until the winner has travelled.
                        plan.leftovers = true;
                    } else if !self.awaits_parent(x, rule) {
                        settle(plan);
                    }
                }
            }
        }
    }

    /// Whether nothing that a field is made of says anything.
    fn source_says_nothing(&self, rule: &FieldRule) -> bool {
        let nothing = |y: &String| {
            self.source.fields.get(y).is_none_or(|value| self.source_schema.may_be_blank(y, value))
        };
        !rule.sources.is_empty() && rule.sources.iter().all(nothing)
    }

    /// Fields that read the clock ride along with a write and are never a reason for one.
    fn volatile_fields(&self, plan: &mut FieldPlan) {
        let map = self.context.map(self.direction);
        for (x, projected) in &self.forward.fields {
            let here = || Fingerprint::of(&stored(self.target, x, self.target_schema));
            if map.rule(x).is_some_and(|r| r.volatile && !r.create_only) && here() != projected.base.value {
                plan.writes.insert(x.clone(), projected.value.clone());
                plan.settled.insert(x.clone(), projected.base.clone());
            }
        }
    }

    /// The latest edit that the writes carry.
    fn edit_time(&self, writes: &Fields) -> Option<Timestamp> {
        let map = self.context.map(self.direction);
        writes
            .iter()
            .filter_map(|(x, _)| map.rule(x))
            .flat_map(|rule| rule.sources.iter())
            .filter_map(|y| self.source_state.edited_at(y, self.source.modified))
            .max()
            .or(self.source.modified)
    }

    /// The other direction's fields: pending ones stay so, and those that agree already are settled now.
    fn reverse_side(&self, plan: &mut FieldPlan) {
        let reverse = self.direction.reverse();
        let map = self.context.map(reverse);
        for (y, projected) in &self.reverse.fields {
            let Some(rule) = map.rule(y) else { continue };
            let touched = rule.sources.iter().any(|x| plan.writes.get(x).is_some());
            let is_id = y == self.context.spec.id_field(self.direction.source());
            if is_id || rule.create_only || rule.volatile {
                continue;
            }
            if self.is_pending(y) {
                let lost = rule
                    .sources
                    .iter()
                    .any(|x| plan.writes.get(x).is_some() && self.context.are_partners(self.direction, x, y));
                if !lost {
                    if (self.agrees(y) || self.is_the_same(y, rule)) && !touched {
                        plan.settled_reverse.insert(y.clone(), projected.base.clone());
                    } else {
                        plan.pending.push(y.clone());
                        plan.leftovers = true;
                    }
                }
                continue;
            }
            let has_base = self.base(reverse, y, Some(rule)).is_some();
            if !has_base && !touched {
                if self.agrees(y) {
                    plan.settled_reverse.insert(y.clone(), projected.base.clone());
                } else if self.travels(projected)
                    && !projected.blank
                    && (!self.was_refused(reverse, y, &projected.base) || broken(Break::WaitForRefused))
                {
                    // Equal values settle; others wait for their own notice.
                    plan.leftovers = true;
                }
            }
        }
    }
}
