//! W5: the map engine alone, on the map of 27 fields that an administrator has published.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Result;
use mapping::{FieldMap, Semantics};
use model::{Fields, Value};

use super::figures::Figures;
use super::world::number;

const MAP: &str = include_str!("../../../mapping/fixtures/published/ContactsToMautic.xml");
/// How long each of the two is repeated.
const REPEATED_FOR: Duration = Duration::from_secs(1);
/// How many times between two looks at the clock.
const AT_ONCE: usize = 200;

/// Measures evaluations, and compilations.
///
/// # Errors
/// The map does not compile, which does not happen.
pub(super) fn measure() -> Result<Figures> {
    let map = FieldMap::compile("ContactsToMautic", MAP.as_bytes(), Semantics::Bridge)?;
    let sources = map.targets().flat_map(mapping::Target::sources);
    let record: Fields =
        sources.map(|source| (source.root.clone(), Value::from("a value of usual length"))).collect();
    let (events, took) = repeat(|| drop(black_box(map.evaluate(black_box(&record)))));
    let (compiled, compiling) = repeat(|| {
        drop(black_box(FieldMap::compile("ContactsToMautic", black_box(MAP.as_bytes()), Semantics::Bridge)));
    });
    let microseconds = |count, took: Duration| took.as_secs_f64() * 1e6 / number(count);
    let more = [
        ("fields".to_owned(), number(map.targets().len())),
        ("evaluation, µs".to_owned(), microseconds(events, took)),
        ("compilation, µs".to_owned(), microseconds(compiled, compiling)),
    ];
    Ok(Figures {
        workload: "W5",
        variant: "map engine".to_owned(),
        events,
        seconds: took.as_secs_f64(),
        per_second: Some(number(events) / took.as_secs_f64()),
        more: more.into(),
        ..Figures::default()
    })
}

/// How often something was done, and how long that took.
fn repeat(something: impl Fn()) -> (usize, Duration) {
    let begun = Instant::now();
    let mut count = 0;
    while begun.elapsed() < REPEATED_FOR {
        for _ in 0..AT_ONCE {
            something();
        }
        count += AT_ONCE;
    }
    (count, begun.elapsed())
}
