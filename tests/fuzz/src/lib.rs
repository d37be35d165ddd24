//! What the fuzz targets have in common: how an input is split, and a server that answers with what the fuzzer makes up.

mod answers;
mod drive;

use std::cell::RefCell;
use std::future::Future;

use model::{Fields, System};
use serde_json::{Map, Value};

pub use answers::{Answers, Reply, recorded};
pub use drive::{About, Kept, call, moment, told};

/// Stands between the parts of an input. No text that is looked at here holds it.
pub const BETWEEN: &[u8] = b"\0\0";

/// The input up to the first mark, and what is behind it.
pub fn halves(data: &[u8]) -> (&[u8], &[u8]) {
    match data.windows(BETWEEN.len()).position(|window| window == BETWEEN) {
        Some(at) => (&data[..at], &data[at + BETWEEN.len()..]),
        None => (data, b""),
    }
}

/// The input in three parts.
pub fn thirds(data: &[u8]) -> (&[u8], &[u8], &[u8]) {
    let (first, rest) = halves(data);
    let (second, third) = halves(rest);
    (first, second, third)
}

/// A record: a JSON object, or nothing much where the bytes are none.
pub fn record_of(data: &[u8]) -> Fields {
    let members: Map<String, Value> = serde_json::from_slice(data).unwrap_or_else(|_| {
        let text = String::from_utf8_lossy(data).into_owned();
        [("a", Value::from(text)), ("b", Value::from(7)), ("c", Value::Null)]
            .map(|(k, v)| (k.to_owned(), v))
            .into_iter()
            .collect()
    });
    members.into_iter().collect()
}

/// The system of a name.
///
/// # Panics
/// The name is none.
pub fn system(name: &str) -> System {
    name.parse().expect("the name of a system")
}

/// Whether a text is an id of digits.
pub fn is_number(id: &str) -> bool {
    (1..=20).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_digit())
}

/// Waits for a future on a runtime that this thread keeps.
///
/// # Panics
/// No runtime can be made.
pub fn wait_for<F: Future>(future: F) -> F::Output {
    thread_local! {
        static RUNTIME: RefCell<tokio::runtime::Runtime> =
            RefCell::new(tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime"));
    }
    RUNTIME.with_borrow(|runtime| runtime.block_on(future))
}
