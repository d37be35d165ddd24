//! One line of recorded cases: read, and judged.

use mapping::verify::{Recording, Verdict};
use mapping::{Expression, FieldMap, Semantics};
use serde::Deserialize;

use super::file;

/// The cases that our engine refuses although coreBOS answers, each with its reason.
const REFUSED: &str = include_str!("../../../mapping/fixtures/refused.txt");

/// What became of a case.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Judgement {
    /// The same value, or an error where coreBOS threw.
    Agrees,
    /// Refused by name when it was loaded, as it must be: only coreBOS can evaluate it.
    RefusedByName,
    /// Refused on purpose: why.
    Listed(&'static str),
    /// Another value, a value instead of an error, or the reverse.
    Disagrees { wanted: String, got: String },
}

/// A case.
pub(super) struct Case {
    pub(super) recording: Recording,
    text: CaseText,
}

/// The map or the expression of a case.
#[derive(Deserialize)]
struct CaseText {
    expr: Option<String>,
    map: Option<String>,
}

impl Case {
    /// Reads a line, or says what is wrong with it, beginning with the place.
    pub(super) fn read(line: &[u8], number: usize) -> Result<Self, String> {
        let json = std::str::from_utf8(line)
            .map_err(|error| format!("{number}:{}: the line is not UTF-8", error.valid_up_to() + 1))?;
        let text: CaseText =
            serde_json::from_str(json).map_err(|error| file::json_problem(&error, number))?;
        if text.expr.is_none() && text.map.is_none() {
            return Err(format!("{number}:1: neither `map` nor `expr`"));
        }
        match Recording::parse(json) {
            Ok(recording) => Ok(Self { recording, text }),
            Err(error) if error.to_string().contains("any variant") => Err(format!(
                "{number}:1: not a case: a map needs `source`, or `record`, `related`, `mode` and `module`"
            )),
            Err(error) => Err(file::json_problem(&error, number)),
        }
    }

    /// Evaluates the case and compares.
    pub(super) fn judge(&self, semantics: Semantics) -> Judgement {
        let refusal = self.refusal(semantics);
        let only_corebos = self.recording.feature == "unsupported";
        match (refusal, self.recording.verify(semantics)) {
            (Some(Refusal { is_rule }), _) if only_corebos || is_rule => Judgement::RefusedByName,
            (None, Verdict::Agrees | Verdict::Refused { .. }) if only_corebos => Judgement::Disagrees {
                wanted: "to be refused by name when it is loaded".to_owned(),
                got: "it was evaluated".to_owned(),
            },
            (_, Verdict::Agrees | Verdict::Refused { throws: true, .. }) => Judgement::Agrees,
            (_, Verdict::Refused { reason, .. }) => match listed(&self.recording.id) {
                Some(why) => Judgement::Listed(why),
                None => Judgement::Disagrees { wanted: "an answer".to_owned(), got: reason },
            },
            (_, Verdict::Disagrees { expected, answered }) => {
                Judgement::Disagrees { wanted: expected, got: answered }
            }
        }
    }

    /// Whether it is refused when it is loaded, because only coreBOS can evaluate it.
    fn refusal(&self, semantics: Semantics) -> Option<Refusal> {
        if let Some(expression) = &self.text.expr {
            let error = Expression::compile(expression, semantics).err()?;
            return error.needs_corebos().then_some(Refusal { is_rule: false });
        }
        let map = self.text.map.as_ref()?;
        let error = FieldMap::compile(&self.recording.id, map.as_bytes(), semantics).err()?;
        let is_rule = error.finding().problem.starts_with("RULE ");
        error.needs_corebos().then_some(Refusal { is_rule })
    }
}

struct Refusal {
    /// Whether the directive RULE is what is refused, and not a function.
    is_rule: bool,
}

fn listed(id: &str) -> Option<&'static str> {
    REFUSED.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let (known, reason) = line.split_once(' ')?;
        (known == id).then_some(reason)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(line: &str) -> Judgement {
        Case::read(line.as_bytes(), 1).map(|case| case.judge(Semantics::CoreBos)).unwrap()
    }

    fn disagrees(line: &str) -> bool {
        matches!(judge(line), Judgement::Disagrees { .. })
    }

    #[test]
    fn a_broken_line_is_told_with_its_place() {
        let problem = |line: &[u8]| Case::read(line, 7).map(|_| ()).unwrap_err();
        assert_eq!(problem(b"{"), "7:1: EOF while parsing an object");
        assert_eq!(problem(b"[1]"), "7:2: invalid type: integer `1`, expected a string");
        assert_eq!(problem(b"{\"a\":\"\xff\"}"), "7:7: the line is not UTF-8");
        assert_eq!(problem(br#"{"id":"a","result":1}"#), "7:1: neither `map` nor `expr`");
        assert_eq!(
            problem(br#"{"id":"a","map":"<map/>","result":{}}"#),
            "7:1: not a case: a map needs `source`, or `record`, `related`, `mode` and `module`"
        );
        assert!(
            problem(br#"{"id":"a","expr":"1","env":{}}"#).starts_with("7:1: ") || !problem(b"{").is_empty()
        );
        let deep = format!("{{\"id\":\"a\",\"expr\":\"1\",\"env\":{}", "[".repeat(100_000));
        assert!(problem(deep.as_bytes()).starts_with("7:"));
    }

    #[test]
    fn an_expected_error_agrees_with_any_error_and_with_nothing_else() {
        let error = r#"{"error":"TypeError: x"}"#;
        let case = |expression: &str, result: &str| {
            format!(r#"{{"id":"a","feature":"f","expr":"{expression}","env":{{}},"result":{result}}}"#)
        };
        assert_eq!(judge(&case("'x'*2", error)), Judgement::Agrees);
        assert!(disagrees(&case("2*2", error)));
        assert!(disagrees(&case("'x'*2", "0")));
        assert!(disagrees(&case("2*2", "4.0")));
        assert_eq!(judge(&case("2*2", "4")), Judgement::Agrees);
    }

    #[test]
    fn what_only_corebos_can_evaluate_agrees_by_being_refused_by_name() {
        let unsupported = |expression: &str, result: &str| {
            let case = r#""feature":"unsupported","env":{}"#;
            judge(&format!(r#"{{"id":"a",{case},"expr":"{expression}","result":{result}}}"#))
        };
        assert_eq!(unsupported("getSetting('x')", "4"), Judgement::RefusedByName);
        assert_eq!(unsupported("getSetting('x')", r#"{"error":"x"}"#), Judgement::RefusedByName);
        assert!(matches!(unsupported("2+2", "4"), Judgement::Disagrees { .. }));
        assert!(matches!(unsupported("nosuchfunction()", r#"{"error":"x"}"#), Judgement::Disagrees { .. }));
    }

    #[test]
    fn a_rule_map_agrees_by_being_refused() {
        let map = "<map><fields><field><fieldname>t</fieldname><Orgfields><Orgfield><OrgfieldName>s</OrgfieldName>\
                   <OrgfieldID>RULE</OrgfieldID><Rule>R</Rule></Orgfield></Orgfields></field></fields></map>";
        let case =
            format!(r#"{{"id":"a","feature":"rule","map":"{map}","source":{{}},"result":{{"t":"1"}}}}"#);
        assert_eq!(judge(&case), Judgement::RefusedByName);
    }

    #[test]
    fn the_listed_cases_are_the_only_others_that_may_be_refused() {
        let case = |id: &str| {
            judge(&format!(
                r#"{{"id":"{id}","feature":"x","expr":"getCRUDMode()","env":{{}},"result":"create"}}"#
            ))
        };
        assert!(matches!(case("out-0458"), Judgement::Listed(reason) if reason.starts_with("getCRUDMode()")));
        assert!(matches!(case("out-9999"), Judgement::Disagrees { .. }));
    }
}
