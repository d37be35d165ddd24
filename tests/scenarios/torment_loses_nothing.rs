//! A short torment: what `bridge torment` does for hours, once, so that the harness itself is known to work.

use scenarios::Program;

use crate::BRIDGE;

/// The figures that must be 0.
const NOTHING: [&str; 5] =
    ["records lost", "duplicate records", "duplicate effects", "divergent fields", "notices unaccounted for"];

#[tokio::test(flavor = "multi_thread")]
async fn a_tormented_bridge_loses_nothing_and_does_nothing_twice() {
    let arguments = ["torment", "--runs", "1", "--seed", "11", "--acts", "60"];
    let ended = Program::start(BRIDGE, arguments).end().await;
    let text = ended.text();
    assert_eq!(ended.code, Some(0), "{text}");
    let figure = |name: &str| -> Option<usize> {
        let row = text.lines().find(|line| line.trim_start().starts_with(name))?;
        row.split_whitespace().last()?.parse().ok()
    };
    for name in NOTHING {
        assert_eq!(figure(name), Some(0), "{name}: {text}");
    }
    // It was a torment: people worked, and things went wrong.
    for name in [
        "people entered",
        "edits",
        "faults of systems and of AWS",
        "functions killed",
        "writes of the bridge",
    ] {
        assert!(figure(name) > Some(0), "{name}: {text}");
    }
}
