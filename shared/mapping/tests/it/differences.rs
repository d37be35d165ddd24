//! The table of differences is true: each of its cases is answered otherwise by the two semantics.

use std::fmt::Write as _;

use mapping::{DIFFERENCES, Semantics, differences_as_markdown};

#[test]
fn every_case_in_the_table_of_differences_differs() {
    let mut wrong = String::new();
    for row in DIFFERENCES {
        assert!(!row.cases.is_empty(), "{}", row.subject);
        for id in row.cases {
            let Some(recording) = crate::recorded::find(id) else {
                writeln!(wrong, "{id} ({}): there is no such case", row.subject).unwrap();
                continue;
            };
            let (corebos, bridge) =
                (recording.answer(Semantics::CoreBos), recording.answer(Semantics::Bridge));
            if corebos == bridge {
                writeln!(wrong, "{id} ({}): {corebos:?}", row.subject).unwrap();
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert_eq!(differences_as_markdown().lines().count(), DIFFERENCES.len() + 2);
}
