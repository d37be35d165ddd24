//! Schedules: `rate(...)`, `cron(...)` and `at(...)`, and the events they send.

mod event;
mod expression;
mod runner;

pub use expression::{Expression, ExpressionError};

pub(crate) use event::scheduled_event;
pub(crate) use runner::run;
