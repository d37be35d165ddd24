//! Nothing from outside makes the engine panic: maps, expressions, templates and records of any kind.

use mapping::check::check;
use mapping::{Expression, FieldMap, Semantics, Surroundings};
use model::{Fields, Value};
use proptest::prelude::*;

const BOTH: [Semantics; 2] = [Semantics::Bridge, Semantics::CoreBos];

/// Pieces that expressions are made of, put together in any order.
fn expression() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "concat(",
            "substring(",
            "add_days(",
            "add_months(",
            "format_date(",
            "number_format(",
            "round(",
            "power(",
            "modulo(",
            "regexreplace(",
            "regex(",
            "stringreplace(",
            "time_diff(",
            "add_time(",
            "getISODate(",
            "char(",
            "implode(",
            "explode(",
            "array(",
            "jsonDecode(",
            "if ",
            " then ",
            " else ",
            " end",
            "(",
            ")",
            ",",
            "+",
            "-",
            "*",
            "/",
            "==",
            "<",
            "a",
            "b",
            "c",
            "'",
            "'2024-02-29'",
            "'Y-m-d B S'",
            "'(a+)+$'",
            "9223372036854775807",
            "0.1",
            "-1",
            "99999999999",
            "'[1,{\"a\":2}]'",
            " ",
            "$(a : (B) c)",
            "time_diffweekdays(",
            "sub_workdays(",
            "log(",
            "hash(",
            "base64decode(",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,4}",
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("'{number}'")),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[0-9]{0,4}-[0-9]{0,2}-[0-9]{0,2}( [0-9:]{0,8})?".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(Value::from_bytes),
        prop::collection::vec(any::<i64>(), 0..4)
            .prop_map(|list| Value::Array(list.into_iter().map(Value::from).collect())),
    ]
}

fn record() -> impl Strategy<Value = Fields> {
    prop::collection::vec(value(), 3).prop_map(|values| ["a", "b", "c"].into_iter().zip(values).collect())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn expressions_never_panic(text in expression(), record in record(), now in any::<i64>()) {
        let surroundings = Surroundings { now: Some(now), chance: Some(7), ..Surroundings::default() };
        for semantics in BOTH {
            if let Ok(expression) = Expression::compile(&text, semantics) {
                let _ = expression.evaluate(Some(&record), &surroundings);
                let _ = expression.evaluate(None, &surroundings);
            }
        }
    }

    #[test]
    fn maps_never_panic(
        name in "[a-c.0-9é]{0,6}",
        source in "[a-c.$Ç()0-9: ]{0,12}",
        directive in prop::sample::select(vec!["", "CONST", "FIELD", "TEMPLATE", "EXPRESSION", "x"]),
        delimiter in "[a-c.é€ -]{0,4}",
        post_process in prop::sample::select(vec!["", "intval", "json_decode", "json_encode", "htmlentities"]),
        record in record(),
    ) {
        let xml = format!(
            "<map><fields><field><fieldname>{name}</fieldname><Orgfields><Orgfield><OrgfieldName>{}</OrgfieldName>\
             <OrgfieldID>{directive}</OrgfieldID><postProcess>{post_process}</postProcess></Orgfield>\
             <delimiter>{delimiter}</delimiter></Orgfields></field></fields></map>",
            escape(&source)
        );
        for semantics in BOTH {
            if let Ok(map) = FieldMap::compile("M", xml.as_bytes(), semantics) {
                let made = map.evaluate_onto(&record, record.clone(), &Surroundings::default());
                if let (Ok(made), Semantics::Bridge) = (made, semantics) {
                    let target = made.iter().filter(|(name, _)| !record.contains(name));
                    for (_, value) in target {
                        prop_assert!(!matches!(value, Value::Bytes(_)) || record.iter().any(|(_, v)| v == value));
                    }
                }
            }
        }
        let _ = check("M", xml.as_bytes(), None);
    }

    #[test]
    fn any_bytes_are_a_map_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[<>/a-c!?\\[\\]&;#x0-9\"'= -]{0,60}") {
        for semantics in BOTH {
            let _ = FieldMap::compile("M", &bytes, semantics);
            let _ = FieldMap::compile("M", text.as_bytes(), semantics);
        }
        let _ = check("M", &bytes, None);
        let _ = check("M", text.as_bytes(), None);
    }
}
