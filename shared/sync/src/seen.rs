//! What one round of a push has read: everything that a decision is made from.

use jiff::Timestamp;
use model::{Link, Notice};

use crate::associations::Parents;
use crate::decide::{Situation, SourceNow, States, TargetNow, decide};
use crate::plan::Plan;
use crate::ports::{Clock, Connector};
use crate::push::{Environment, World};

/// What one round has read.
pub(crate) struct Seen<'a, W: World> {
    pub(crate) environment: &'a Environment<'a, W>,
    pub(crate) notice: &'a Notice,
    pub(crate) link: Option<Link>,
    pub(crate) states: States,
    pub(crate) source: SourceNow,
    pub(crate) target: TargetNow,
    pub(crate) source_schema: <W::Source as Connector>::Schema,
    pub(crate) target_schema: <W::Target as Connector>::Schema,
    /// The parents that associations need and that are not there.
    pub(crate) parents: Parents,
}

impl<W: World> Seen<'_, W> {
    /// The time that maps are told.
    pub(crate) fn now(&self) -> Timestamp {
        self.environment.clock.now()
    }

    /// What is decided about it.
    pub(crate) fn plan(&self) -> Plan {
        decide(&Situation {
            context: self.environment.context,
            direction: self.environment.direction,
            link: self.link.as_ref(),
            source: &self.source,
            target: &self.target,
            states: &self.states,
            now: self.now(),
            source_schema: &self.source_schema,
            target_schema: &self.target_schema,
        })
    }
}
