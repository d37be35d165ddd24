//! What the checker finds, on the user's own maps and on bad ones.

use mapping::check::{FieldKind, Schema, SchemaField, Schemas, check, check_pair};
use mapping::{FieldMap, Semantics, Severity, shipped};

/// What is found in a map that the user published.
fn published_findings(name: &str) -> Vec<String> {
    let path = [env!("CARGO_MANIFEST_DIR"), "fixtures", "published", &format!("{name}.xml")];
    let xml = std::fs::read(path.iter().collect::<std::path::PathBuf>()).unwrap();
    check(name, &xml, None).iter().map(ToString::to_string).collect()
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
fn the_mistakes_in_the_published_maps_are_found() {
    let out = published_findings("ContactsToMautic");
    has(&out, "ContactsToMautic:73:24: error", "a Mautic contact has no field `zip`");
    has(&out, "ContactsToMautic:73:24: error", "did you mean `zipcode`?");
    let back = published_findings("MauticToContacts");
    has(&back, "MauticToContacts:76:35: error", "a Mautic contact has no field `zip`");
    let company = published_findings("AccountsToMautic");
    has(&company, "AccountsToMautic:10:24: error", "a Mautic company has no field `corebos_id`");
    has(&company, "AccountsToMautic:10:24: error", "did you mean `company_corebos_id`?");
    has(&company, "AccountsToMautic:37:24: warning", "a Mautic company has no field `mobile`");
    has(&company, "AccountsToMautic:40:35: ", "a coreBOS Accounts has no field `mobile`");
}

#[test]
fn the_shipped_maps_for_mautic_have_nothing_to_find_alone_or_in_pairs() {
    for (out, back) in [("ContactsToMautic", "MauticToContacts"), ("AccountsToMautic", "MauticToAccounts")] {
        let [out, back] = [out, back].map(|name| shipped::find(name).unwrap());
        for map in [out, back] {
            let found = check(map.name, map.xml.as_bytes(), None);
            assert!(found.is_empty(), "{}", found.iter().map(ToString::to_string).collect::<String>());
        }
        let [out, back] = [out, back]
            .map(|map| FieldMap::compile(map.name, map.xml.as_bytes(), Semantics::Bridge).unwrap());
        for found in [check_pair(&out, &back), check_pair(&back, &out)] {
            assert!(found.is_empty(), "{}", found.iter().map(ToString::to_string).collect::<String>());
        }
    }
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
fn what_only_corebos_can_evaluate_is_left_to_it_on_the_way_out_and_refused_on_the_way_in() {
    let rule = "<field><fieldname>title</fieldname><Orgfields><Orgfield><OrgfieldName>amount</OrgfieldName><OrgfieldID>RULE</OrgfieldID><Rule>R</Rule></Orgfield></Orgfields></field>\n";
    for (fields, place, words) in [
        (rule.to_owned(), ":3:104:", "RULE evaluates another map of coreBOS"),
        (field("title", "EXPRESSION", "concat('x', getSetting('y'))"), ":3:83:", "the function `getSetting`"),
        (
            field("title", "TEMPLATE", "on $(general : (__VtigerMeta__) date)"),
            ":3:74:",
            "`(__VtigerMeta__) date` needs coreBOS's own data",
        ),
        (
            field("title", "TEMPLATE", "$(general : (__WorkflowFunction__) uppercase(lastname))"),
            ":3:71:",
            "`(__WorkflowFunction__) uppercase(lastname)` needs",
        ),
    ] {
        let xml = map_of(&fields);
        let found = |name: &str| -> Vec<_> { check(name, xml.as_bytes(), None) };
        let out: Vec<_> = found("ContactsToMautic");
        let text: Vec<_> = out.iter().map(ToString::to_string).collect();
        has(&text, &format!("ContactsToMautic{place} warning"), words);
        has(&text, &format!("ContactsToMautic{place} warning"), "keep the map in coreBOS");
        assert!(out.iter().all(|finding| finding.severity == Severity::Warning), "{text:?}");
        let inward: Vec<_> = found("MauticToContacts").iter().map(ToString::to_string).collect();
        has(&inward, &format!("MauticToContacts{place} error"), words);
        // Nothing tells which way it goes.
        assert!(found("Mine").first().unwrap().severity == Severity::Error);
        let error = FieldMap::compile("M", xml.as_bytes(), Semantics::Bridge).unwrap_err();
        assert!(error.needs_corebos());
    }
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
        assert!(error.starts_with("M:3:67: field `t`: ") && error.contains(words), "{expression}: {error}");
    }
}

#[test]
fn the_text_company_of_a_mautic_contact_is_warned_of_because_mautic_makes_companies_of_it() {
    let xml = map_of(&field("company", "FIELD", "$(account_id : (Accounts) accountname)"));
    let found: Vec<_> = check("ContactsToMautic", xml.as_bytes(), None);
    let told: Vec<_> = found.iter().map(ToString::to_string).collect();
    has(&told, "ContactsToMautic:3:19: warning", "makes one if there is none");
    has(&told, "ContactsToMautic:3:19: warning", "the bridge carries the company of a contact by itself");
    // A company has no such field, and the way back only reads it.
    for name in ["AccountsToMautic", "MauticToContacts"] {
        let told: Vec<_> = check(name, xml.as_bytes(), None).iter().map(ToString::to_string).collect();
        assert!(!told.iter().any(|told| told.contains("makes one if there is none")), "{told:?}");
    }
}
