//! What goes wrong around the bridge while people work: random, of bounded length, by a seed.

use std::time::Duration;

use simulators::between::{InBetween, Service};
use simulators::faults::{Fault, FaultKind, Faults};
use sync::rehearsal::Chance;

/// A fault of a system's API, for a few requests; and what to tell of it.
pub(crate) fn of_a_system(name: &str, faults: &Faults, chance: &mut Chance) -> String {
    let times = u32::try_from(chance.below(4)).unwrap_or_default() + 1;
    let (fault, what) = match chance.below(8) {
        0 => (Fault::status(500), "500"),
        1 => (Fault::status(503), "503"),
        2 => (Fault::rate_limit(1), "429"),
        3 => (Fault::new(FaultKind::DropConnection), "a connection that breaks before the work"),
        4 => (Fault::new(FaultKind::LoseAnswer), "a connection that breaks after the work"),
        5 => (Fault::new(FaultKind::AnswerAfterWork(502)), "502 after the work"),
        6 => (Fault::new(FaultKind::AnswerAfterWork(500)), "500 after the work"),
        _ => (Fault::delay(Duration::from_millis(500 + (chance.next() % 7_000))), "a delay"),
    };
    faults.add(fault.after(u32::try_from(chance.below(3)).unwrap_or_default()).times(times));
    format!("{name}: {what}, {times} times")
}

/// A fault of a service of AWS, for a few requests; and what to tell of it.
pub(crate) fn of_a_service(service: Service, between: &InBetween, chance: &mut Chance) -> String {
    // The SDK tries three times: more than that reaches the function.
    let times = u32::try_from(chance.below(8)).unwrap_or_default() + 1;
    let (fault, what) = match chance.below(4) {
        0 | 1 => (service.throttled(), "throttled"),
        2 => (Fault::status(500), "500"),
        _ => (Fault::new(FaultKind::AnswerAfterWork(500)), "500 after the work"),
    };
    between.faults().add(fault.after(u32::try_from(chance.below(5)).unwrap_or_default()).times(times));
    format!("{service:?}: {what}, {times} times")
}
