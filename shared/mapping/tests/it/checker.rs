//! What the checker finds, on the user's own maps and on bad ones.

use mapping::check::{FieldKind, Schema, SchemaField, Schemas, check, check_pair};
use mapping::{FieldMap, Semantics, Severity, shipped};

fn shipped_findings(name: &str) -> Vec<String> {
    let map = shipped::find(name).unwrap();
    check(name, map.xml.as_bytes(), None).iter().map(ToString::to_string).collect()
}

fn has(findings: &[String], start: &str, words: &str) {
    assert!(
        findings.iter().any(|finding| finding.starts_with(start) && finding.contains(words)),
        "{start} {words}\n{}",
        findings.join("\n")
    );
}

fn map_of(fields: &str) -> String {
    format!("<map>\n<fields>\n{fields}\n</fields>\n</map>")
}

fn field(name: &str, directive: &str, source: &str) -> String {
    format!(
        "<field><fieldname>{name}</fieldname><Orgfields><Orgfield><OrgfieldName>{source}</OrgfieldName>\
         <OrgfieldID>{directive}</OrgfieldID></Orgfield></Orgfields></field>\n"
    )
}

#[test]
fn the_mistakes_in_the_shipped_maps_are_found() {
    let out = shipped_findings("ContactsToMautic");
    has(&out, "ContactsToMautic:73:24: error", "a Mautic contact has no field `zip`");
    has(&out, "ContactsToMautic:73:24: error", "did you mean `zipcode`?");
    let back = shipped_findings("MauticToContacts");
    has(&back, "MauticToContacts:76:35: error", "a Mautic contact has no field `zip`");
    let company = shipped_findings("AccountsToMautic");
    has(&company, "AccountsToMautic:10:24: error", "a Mautic company has no field `corebos_id`");
    has(&company, "AccountsToMautic:10:24: error", "did you mean `company_corebos_id`?");
    has(&company, "AccountsToMautic:37:24: warning", "a Mautic company has no field `mobile`");
    has(&company, "AccountsToMautic:40:35: ", "a coreBOS Accounts has no field `mobile`");
}

#[test]
fn a_live_schema_makes_unknown_fields_errors_and_custom_fields_known() {
    let field_of = |name: &str| SchemaField {
        name: name.to_owned(),
        kind: FieldKind::Text,
        required: false,
        read_only: false,
    };
    let schema = |title: &str, names: &[&str]| Schema {
        title: title.to_owned(),
        fields: names.iter().map(|name| field_of(name)).collect(),
        is_complete: true,
    };
    let schemas = Schemas {
        source: Some(schema("coreBOS Contacts", &["cf_900"])),
        target: Some(schema("Mautic contact", &["favourite"])),
    };
    let good = map_of(&field("favourite", "", "cf_900"));
    assert!(check("M", good.as_bytes(), Some(&schemas)).is_empty());
    let bad = check("M", map_of(&field("quux", "", "cf_900")).as_bytes(), Some(&schemas));
    assert_eq!(bad.iter().map(|finding| finding.severity).collect::<Vec<_>>(), [Severity::Error]);
}

#[test]
fn types_repeated_names_and_other_modules_are_checked() {
    let fields = field("points", "CONST", "many")
        + &field("email", "", "email")
        + &field("email", "", "secondaryemail")
        + &field("attribution_date", "", "firstname");
    let findings: Vec<_> =
        check("ContactsToMautic", map_of(&fields).as_bytes(), None).iter().map(ToString::to_string).collect();
    has(&findings, "ContactsToMautic:3:72: error", "`points` holds a number, which `many` is not");
    has(&findings, "ContactsToMautic:5:19: error", "the field `email` is repeated");
    has(
        &findings,
        "ContactsToMautic:6:82: warning",
        "`firstname` is a text, and `attribution_date` holds a date",
    );
    let other = shipped::MAUTIC_TO_ACCOUNTS;
    let findings: Vec<_> =
        check("ContactsToMautic", other.as_bytes(), None).iter().map(ToString::to_string).collect();
    has(&findings, "ContactsToMautic:3:21: error", "a map of this name is not for");
    let missing = map_of(&field("firstname", "", "firstname"));
    let findings: Vec<_> =
        check("HubSpot2Contacts", missing.as_bytes(), None).iter().map(ToString::to_string).collect();
    has(&findings, "HubSpot2Contacts:2:1: warning", "nothing fills `lastname`");
}

#[test]
fn maps_that_do_not_round_trip_are_found() {
    let compile = |name: &str, fields: &str| {
        FieldMap::compile(name, map_of(fields).as_bytes(), Semantics::Bridge).unwrap()
    };
    let forward = compile("Out", &(field("phone", "", "mobile") + &field("email", "", "email")));
    let reverse = compile("In", &(field("mobile", "", "cell") + &field("email", "", "email")));
    let findings = check_pair(&forward, &reverse);
    assert_eq!(findings.len(), 1);
    let text = findings.first().unwrap().to_string();
    assert!(
        text.starts_with("Out:3:19: warning: `mobile` goes to `phone`, but In brings it back from `cell`"),
        "{text}"
    );
}

#[test]
fn bad_expressions_are_told_with_their_place() {
    for (expression, place, words) in [
        ("conact(a)", "M:3:", "did you mean `concat`?"),
        ("concat(a", "M:3:", "`)` is expected here"),
        ("getSetting('x')", "M:3:", "needs coreBOS's own data"),
        ("'open", "M:3:", "never ends"),
        ("if a then b", "M:3:", "`else` is expected here"),
        ("", "M:3:", "ends where a value is expected"),
    ] {
        let xml = map_of(&field("t", "EXPRESSION", expression));
        let error = FieldMap::compile("M", xml.as_bytes(), Semantics::Bridge).unwrap_err().to_string();
        assert!(error.starts_with(place) && error.contains(words), "{expression}: {error}");
    }
    let deep = format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000));
    let xml = map_of(&field("t", "EXPRESSION", &deep));
    let error = FieldMap::compile("M", xml.as_bytes(), Semantics::Bridge).unwrap_err().to_string();
    assert!(error.contains("nested more than 200 deep"), "{error}");
}

#[test]
fn surprising_precedence_is_warned_of() {
    for (expression, column) in [("a+b==c", 68), ("a-b-c", 68), ("a*b+c", 68)] {
        let xml = map_of(&field("t", "EXPRESSION", expression));
        let map = FieldMap::compile("M", xml.as_bytes(), Semantics::Bridge).unwrap();
        let warning = map.warnings().first().unwrap().to_string();
        assert!(warning.contains("its right side"), "{warning}");
        assert_eq!(map.warnings().first().unwrap().position.column, column, "{warning}");
    }
    for expression in ["a+b+c", "a==b+c", "concat(a,b)"] {
        let xml = map_of(&field("t", "EXPRESSION", expression));
        let map = FieldMap::compile("M", xml.as_bytes(), Semantics::Bridge).unwrap();
        assert!(map.warnings().is_empty(), "{expression}");
    }
}

#[test]
fn what_would_never_end_or_never_fit_is_an_error_of_its_field() {
    for (expression, words) in [
        ("number_format(1,1000000000)", "longer than"),
        ("stringreplace('a',b,b)", "longer than"),
        ("add_workdays('2024-01-05',100000000)", "ten thousand working days"),
        ("add_days('garbage',1)", "cannot be read"),
    ] {
        let xml = map_of(&field("t", "EXPRESSION", expression));
        let map = FieldMap::compile("M", xml.as_bytes(), Semantics::Bridge).unwrap();
        let source = [("b", "a".repeat(5_000))].into_iter().collect();
        let error = map.evaluate(&source).unwrap_err().to_string();
        assert!(error.starts_with("M:3:19: field `t`: ") && error.contains(words), "{expression}: {error}");
    }
}
