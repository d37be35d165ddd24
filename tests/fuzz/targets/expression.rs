//! Expressions of field maps, with a record and without one.
#![no_main]

use bridge_fuzz::{halves, record_of};
use libfuzzer_sys::fuzz_target;
use mapping::{Expression, Semantics, Surroundings};

fuzz_target!(|data: &[u8]| {
    let (text, record) = halves(data);
    let Ok(text) = std::str::from_utf8(text) else { return };
    let record = record_of(record);
    let now = text.len() as i64 * 100_000_007;
    let surroundings = Surroundings { now: Some(now), chance: Some(7), ..Surroundings::default() };
    for semantics in [Semantics::Bridge, Semantics::CoreBos] {
        let expression = match Expression::compile(text, semantics) {
            Ok(expression) => expression,
            Err(error) => {
                let _ = error.to_string();
                continue;
            }
        };
        let _ = expression.evaluate(Some(&record), &surroundings).map_err(|error| error.to_string());
        let _ = expression.evaluate(None, &surroundings);
        let _ = expression.evaluate(Some(&record), &Surroundings::default());
    }
});
