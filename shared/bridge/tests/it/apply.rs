//! `bridge map apply`: what a map makes of a record.

use std::path::Path;

use crate::running::{Run, field, fixture, folder, map_in, map_of, published, write};

fn apply(folder: &Path, map: &str, record: &str, more: &[&str]) -> Run {
    write(folder, "map.xml", map);
    write(folder, "record.json", record);
    let mut arguments = vec!["apply", "--map", "map.xml", "--record", "record.json"];
    arguments.extend(more);
    map_in(folder, &arguments)
}

#[test]
fn the_result_is_json_on_standard_output_in_the_order_of_the_map() {
    let folder = folder("apply-published");
    write(&folder, "record.json", r#"{"id":"7","firstname":"Ada","city":"","points":12}"#);
    let map = published().join("MauticToContacts.xml");
    let run = map_in(&folder, &["apply", "--map", map.to_str().unwrap(), "--record", "record.json"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert_eq!(
        run.out,
        "{\n  \"mautic_id\": \"7\",\n  \"firstname\": \"Ada\",\n  \"mailingcity\": \"\",\n  \"points\": 12,\n  \
         \"leadsource\": \"Promoter\"\n}\n"
    );
}

#[test]
fn the_two_semantics_differ_and_what_the_target_has_is_kept() {
    let folder = folder("apply-semantics");
    let map = map_of(&[field("a", "", "x"), field("b", "EXPRESSION", "concat(y,'!')")]);
    write(&folder, "target.json", r#"{"a":"kept","z":1}"#);
    let run = apply(&folder, &map, r#"{"y":"Y"}"#, &["--target", "target.json"]);
    assert_eq!(run.out, "{\n  \"a\": \"kept\",\n  \"z\": 1,\n  \"b\": \"Y!\"\n}\n");
    let run = apply(&folder, &map, r#"{"y":"Y"}"#, &["--target", "target.json", "--semantics", "corebos"]);
    assert_eq!(run.out, "{\n  \"a\": \"\",\n  \"z\": 1,\n  \"b\": \"y!\"\n}\n");
}

#[test]
fn related_records_are_given_beside_the_record() {
    let folder = folder("apply-related");
    let template = "$(account_id : (Accounts) accountname)|$(contact_id : (Contacts) lastname)|$(campaignid : \
                    (Campaigns) campaignname)";
    let map = map_of(&[field("t", "TEMPLATE", template)]);
    let record = r#"{"record": {"account_id": "11x74", "contact_id": "11x74", "campaignid": "1x5",
        "campaignid_other": "", "campaignidename": {"module": "Campaigns", "reference": "Spring"}},
        "related": {"11x74": {"accountname": "ACME"}, "1x5": {"campaignname": "Spring"}}}"#;
    let run = apply(&folder, &map, record, &[]);
    assert_eq!((run.code, run.out.as_str()), (0, "{\n  \"t\": \"ACME||Spring\"\n}\n"), "{}", run.err);
}

#[test]
fn a_line_of_recorded_cases_is_a_record_file() {
    let folder = folder("apply-recorded");
    let lines = std::fs::read_to_string(fixture("outbound.jsonl")).unwrap();
    let line = lines.lines().find(|line| line.contains("\"out-0326\"")).unwrap();
    let map = map_of(&[
        field("account", "FIELD", "$(account_id : (Accounts) accountname)"),
        field("support", "EXPRESSION", "format_date(support_start_date, 'd.m.Y')"),
    ]);
    let run = apply(&folder, &map, line, &["--semantics", "corebos"]);
    let made: serde_json::Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(made["account"], "ACME \"S.A.\" & Söhne");
    assert!(made["support"].as_str().unwrap().len() == 10, "{}", run.out);
}

#[test]
fn the_clock_can_be_set() {
    let folder = folder("apply-clock");
    let map = map_of(&[field("t", "EXPRESSION", "add_days(get_date('today'), 1)")]);
    let run = apply(&folder, &map, "{}", &["--at", "2024-02-28T23:30:00Z"]);
    assert_eq!(run.out, "{\n  \"t\": \"2024-02-29\"\n}\n", "{}", run.err);
    assert_eq!(apply(&folder, &map, "{}", &["--at", "soon"]).code, 2);
    let today = apply(&folder, &map, "{}", &[]);
    assert!(today.code == 0 && today.out.contains("\"t\": \"20"), "{today:?}");
}

#[test]
fn a_field_that_fails_is_told_with_its_place_and_nothing_is_printed_as_a_result() {
    let folder = folder("apply-failing");
    let map = map_of(&[
        field("good", "", "a"),
        field("bad", "EXPRESSION", "a * 2"),
        field("worse", "EXPRESSION", "add_days(a, 1)"),
    ]);
    let run = apply(&folder, &map, r#"{"a":"text"}"#, &[]);
    assert_eq!((run.code, run.out.as_str()), (1, ""));
    assert!(run.err.starts_with("map.xml:4:69: error: field `bad`: "), "{}", run.err);
    assert!(run.err.contains("\nmap.xml:5:71: error: field `worse`: "), "{}", run.err);
    assert!(run.err.contains("\n4 | <field><fieldname>bad</fieldname>"), "{}", run.err);
    let run = apply(&folder, &map, r#"{"a":"text"}"#, &["--semantics", "corebos"]);
    assert!(run.err.contains("`bad`") && !run.err.contains("`worse`"), "coreBOS stops there: {}", run.err);
}

#[test]
fn warnings_go_to_standard_error() {
    let folder = folder("apply-warning");
    let map = map_of(&[field("a", "EXPRESSION", "x - 1 - 2")]);
    let run = apply(&folder, &map, r#"{"x":"5"}"#, &[]);
    assert_eq!((run.code, run.out.as_str()), (0, "{\n  \"a\": \"6\"\n}\n"));
    assert!(run.err.starts_with("map.xml:3:69: warning: "), "{}", run.err);
    let run = apply(&folder, "no map", "{}", &["--semantics", "corebos"]);
    assert_eq!((run.code, run.out.as_str()), (0, "{}\n"));
    assert_eq!(run.err, "map.xml: coreBOS reads no field in this map\n");
}

#[test]
fn a_record_that_is_none_is_told_with_its_place() {
    let folder = folder("apply-record");
    let map = map_of(&[field("a", "", "b")]);
    for (record, problem) in [
        ("", "record.json:1:0: EOF while parsing a value"),
        ("{\n \"a\": oops}", "record.json:2:7: expected value"),
        ("[1]", "record.json:1:3: a list has no field names"),
        ("\"text\"", "record.json:1:6: invalid type"),
        (&"[".repeat(100_000), "record.json:1:"),
        (r#"{"record":{},"mode":"x"}"#, "record.json: the mode is `record` or `bag`, not `x`"),
        (r#"{"record":{},"related":7}"#, "record.json: `related` is not an object"),
    ] {
        let run = apply(&folder, &map, record, &[]);
        assert_eq!((run.code, run.out.as_str()), (1, ""), "{record}");
        assert!(run.err.starts_with(&format!("error: {problem}")), "{problem}\n{}", run.err);
    }
    write(&folder, "record.json", b"{\"a\":\"\xff\"}");
    let run = map_in(&folder, &["apply", "--map", "map.xml", "--record", "record.json"]);
    assert!(run.code == 1 && run.err.starts_with("error: record.json:1:"), "{run:?}");
    let run = map_in(&folder, &["apply", "--map", "missing.xml", "--record", "record.json"]);
    assert!(run.code == 1 && run.err.starts_with("error: cannot read missing.xml: "), "{run:?}");
    assert_eq!(map_in(&folder, &["apply", "--map", "map.xml"]).code, 2);
}
