//! Recorded answers of coreBOS's own engine: under `CoreBos` every one of them agrees.

use std::fmt::Write as _;
use std::sync::LazyLock;

use mapping::Semantics;
use mapping::verify::{Recording, Verdict};

const FIXTURES: [(&str, usize); 3] = [
    (include_str!("../../fixtures/inbound.jsonl"), 3_922),
    (include_str!("../../fixtures/expressions.jsonl"), 3_753),
    (include_str!("../../fixtures/outbound.jsonl"), 303),
];

static RECORDINGS: LazyLock<Vec<Recording>> = LazyLock::new(|| {
    FIXTURES.iter().flat_map(|(text, _)| text.lines()).map(|line| Recording::parse(line).unwrap()).collect()
});

/// The recording of an id.
pub(crate) fn find(id: &str) -> Option<&'static Recording> {
    RECORDINGS.iter().find(|recording| recording.id == id)
}

/// Whether a case is in the list of those that are refused although coreBOS answers, with their reasons.
fn is_listed_as_refused(id: &str) -> bool {
    include_str!("../../fixtures/refused.txt").lines().any(|line| line.split(' ').next() == Some(id))
}

#[test]
fn corebos_semantics_agrees_with_every_recorded_answer() {
    let mut wrong = String::new();
    let (mut agreed, mut refused) = (0, 0);
    for recording in RECORDINGS.iter() {
        match recording.verify(Semantics::CoreBos) {
            // What depends on coreBOS's own state must not be evaluated, whatever it gave there.
            Verdict::Agrees if recording.feature != "unsupported" => agreed += 1,
            Verdict::Refused { .. } if recording.feature == "unsupported" => refused += 1,
            Verdict::Refused { throws, .. } if throws || is_listed_as_refused(&recording.id) => {
                refused += 1;
            }
            verdict => writeln!(wrong, "{} {} {verdict:?}", recording.id, recording.feature).unwrap(),
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let expected: usize = FIXTURES.iter().map(|(_, count)| count).sum();
    assert_eq!(RECORDINGS.len(), expected);
    // 20 of the feature `unsupported`, two at which coreBOS throws (a RULE, a function without a record), and the one
    // that is listed.
    assert_eq!((agreed, refused), (expected - 23, 23));
}

#[test]
fn what_only_corebos_can_evaluate_is_refused_and_never_agrees_by_accident() {
    for result in ["\"\"", r#"{"error":"InvalidArgumentException: x"}"#] {
        let json = format!(r#"{{"id":"x","expr":"getSetting('x')","env":{{}},"result":{result}}}"#);
        let verdict = Recording::parse(&json).unwrap().verify(Semantics::CoreBos);
        let Verdict::Refused { reason, throws } = verdict else { panic!("{verdict:?}") };
        assert!(reason.contains("`getSetting`"), "{reason}");
        assert_eq!(throws, result.contains("error"));
    }
}

#[test]
fn a_wrong_answer_would_be_noticed() {
    let recording = |result: &str| {
        let json = format!(r#"{{"id":"x","expr":"1+1","env":{{}},"result":{result}}}"#);
        Recording::parse(&json).unwrap().verify(Semantics::CoreBos)
    };
    assert_eq!(recording("2"), Verdict::Agrees);
    for result in ["2.0", "\"2\"", r#"{"error":"TypeError: x"}"#] {
        assert!(matches!(recording(result), Verdict::Disagrees { .. }), "{result}");
    }
}
