//! The field rules of associations: a parent that is not linked yet, and what is overwritten beside it.

use model::Lost;

use super::Meeting;
use crate::pair_map::FieldRule;
use crate::plan::FieldPlan;
use crate::ports::Schema;
use crate::project::is_blank;
use crate::sabotage::{Break, broken};

impl<S: Schema, T: Schema> Meeting<'_, S, T> {
    /// Whether what the target holds in `x` names a parent that is not linked yet, and may be: it travels then.
    pub(super) fn awaits_parent(&self, x: &str, rule: &FieldRule) -> bool {
        let (from, to) = (self.direction.source(), self.direction.target());
        let mut associations = self.context.associations.iter();
        let comes = associations.any(|association| {
            let operations = association.parent_settings.operations(self.direction.reverse());
            !association.spec.is_itself()
                && association.spec.field(to) == x
                && rule.sources.contains(association.spec.field(from))
                && (operations.create || operations.update)
        });
        comes
            && self.context.is_association(self.direction, x)
            && self.context.operations(self.direction.reverse()).update
            && !rule.sources.iter().any(|y| self.reverse.fields.contains_key(y))
            && !broken(Break::SettleWhatAwaitsAParent)
    }

    /// A pending field that is no partner and gets overwritten goes to the history.
    pub(super) fn history_of_overwritten(&self, plan: &mut FieldPlan, x: &str, here: &model::Value) {
        let reverse = self.context.map(self.direction.reverse());
        let overwritten = reverse.rules.iter().any(|(y, rule)| {
            rule.sources.contains(x) && !self.context.are_partners(self.direction, x, y) && self.is_pending(y)
        });
        // A parent that is not linked cannot be pending.
        let unlinked = self.context.is_association(self.direction, x)
            && !reverse.rules.keys().any(|y| {
                self.context.are_partners(self.direction, x, y) && self.reverse.fields.contains_key(y)
            });
        if (overwritten || unlinked) && !is_blank(here) {
            let side = self.direction.target();
            let reason = if overwritten { "not_a_partner" } else { "parent_not_linked" };
            let (field, value) = (x.to_owned(), here.clone());
            plan.lost.push(Lost { side, field, value, reason: reason.to_owned() });
        }
    }
}
