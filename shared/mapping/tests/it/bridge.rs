//! What the `Bridge` semantics promises where it differs from coreBOS, and on the maps that ship.

use mapping::{FieldMap, Semantics, shipped};
use model::{Fields, Value};

fn compile(fields: &str) -> FieldMap {
    FieldMap::compile("M", format!("<map><fields>{fields}</fields></map>").as_bytes(), Semantics::Bridge)
        .unwrap()
}

fn field(name: &str, sources: &[&str], delimiter: &str) -> String {
    let sources: String = sources
        .iter()
        .map(|source| match source.strip_prefix('=') {
            Some(constant) => format!(
                "<Orgfield><OrgfieldName>{constant}</OrgfieldName><OrgfieldID>CONST</OrgfieldID></Orgfield>"
            ),
            None => format!("<Orgfield><OrgfieldName>{source}</OrgfieldName></Orgfield>"),
        })
        .collect();
    format!(
        "<field><fieldname>{name}</fieldname><Orgfields>{sources}<delimiter>{delimiter}</delimiter></Orgfields></field>"
    )
}

fn json(text: &str) -> Fields {
    serde_json::from_str(text).unwrap()
}

fn refusal(xml: &str) -> String {
    FieldMap::compile("M", xml.as_bytes(), Semantics::Bridge).unwrap_err().to_string()
}

#[test]
fn an_absent_source_leaves_its_target_alone_and_a_blank_one_blanks_it() {
    let map =
        compile(&(field("t", &["a"], "") + &field("two", &["b", "c"], " - ") + &field("k", &["=x"], "")));
    for (source, expected) in [
        ("{}", r#"{"k":"x"}"#),
        (r#"{"a":null}"#, r#"{"t":"","k":"x"}"#),
        (r#"{"a":"","c":"3"}"#, r#"{"t":"","two":"3","k":"x"}"#),
        (r#"{"b":null}"#, r#"{"two":"","k":"x"}"#),
        (r#"{"a":5,"b":"1","c":"2"}"#, r#"{"t":5,"two":"1 - 2","k":"x"}"#),
    ] {
        assert_eq!(map.evaluate(&json(source)).unwrap().to_json_text(), expected, "{source}");
    }
}

#[test]
fn a_title_in_front_of_an_absent_name_makes_nothing() {
    let map = compile(&field("t", &["=Dear", "name"], " "));
    assert!(map.evaluate(&json("{}")).unwrap().is_empty());
    assert_eq!(map.evaluate(&json(r#"{"name":"Ada"}"#)).unwrap().text("t"), Some("Dear Ada"));
}

#[test]
fn a_path_is_walked_exactly_and_keeps_zeros() {
    let map = compile(&field("t", &["fields.core.points"], ""));
    for (source, expected) in [
        (r#"{"fields":{"core":{"points":"0"}}}"#, r#"{"t":"0"}"#),
        (r#"{"fields":{"core":{"points":0}}}"#, r#"{"t":0}"#),
        (r#"{"fields":{"core":{"points":null}}}"#, r#"{"t":""}"#),
        (r#"{"fields":{"points":"9"}}"#, "{}"),
        (r#"{"points":"9"}"#, "{}"),
        (r#"{"fields":"text"}"#, "{}"),
    ] {
        assert_eq!(map.evaluate(&json(source)).unwrap().to_json_text(), expected, "{source}");
    }
}

#[test]
fn trimming_never_cuts_a_character() {
    let map = compile(&field("t", &["a"], "é"));
    assert_eq!(map.evaluate(&json(r#"{"a":"©"}"#)).unwrap().text("t"), Some("©"));
    assert_eq!(map.evaluate(&json(r#"{"a":"café"}"#)).unwrap().text("t"), Some("caf"));
}

#[test]
fn an_encoded_document_is_decoded_once() {
    let plain = format!("<map><fields>{}</fields></map>", field("t", &["=a &amp; b"], ""));
    let encoded = plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let map = FieldMap::compile("M", encoded.as_bytes(), Semantics::Bridge).unwrap();
    assert_eq!(map.evaluate(&Fields::new()).unwrap().text("t"), Some("a & b"));
}

#[test]
fn what_corebos_silently_ignores_is_refused() {
    for (xml, words) in [
        ("", "no XML element"),
        ("not xml", "outside of the root"),
        ("<map/>", "no fields"),
        ("<map><fields><field><Orgfields/></field></fields></map>", "no name"),
        ("<map><fields><field><fieldname>t</fieldname></fields></map>", "M:1:45"),
        ("<!DOCTYPE m [<!ENTITY a \"b\">]><map/>", "document type"),
    ] {
        let message = refusal(xml);
        assert!(message.contains(words), "{xml}: {message}");
    }
    let latin = FieldMap::compile("M", b"<map>\n\xe9</map>", Semantics::Bridge).unwrap_err();
    assert!(latin.to_string().starts_with("M:2:1: error: the map is not UTF-8"), "{latin}");
}

#[test]
fn a_directive_that_does_not_exist_is_refused_with_its_place() {
    let xml = "<map><fields><field><fieldname>t</fieldname><Orgfields><Orgfield>\n\
               <OrgfieldName>a</OrgfieldName>\n<OrgfieldID>CONSTANT</OrgfieldID></Orgfield></Orgfields></field></fields></map>";
    let message = refusal(xml);
    assert!(message.starts_with("M:3:13: error: `CONSTANT` is no directive"), "{message}");
}

#[test]
fn the_shipped_contact_map_makes_what_its_user_expects() {
    let map =
        FieldMap::compile("MauticToContacts", shipped::MAUTIC_TO_CONTACTS.as_bytes(), Semantics::Bridge)
            .unwrap();
    let made =
        map.evaluate(&json(r#"{"id":"7","firstname":"Ada","email":"ada@example.org","city":""}"#)).unwrap();
    assert_eq!(made.text("mautic_id"), Some("7"));
    assert_eq!(made.text("firstname"), Some("Ada"));
    assert_eq!(made.text("mailingcity"), Some(""));
    assert_eq!(made.get("lastname"), None);
    assert_eq!(made.text("leadsource"), Some("Promoter"));
    let target = map.target("leadsource").unwrap();
    assert!(target.is_constant() && target.sources().is_empty());
    assert_eq!(map.target("mautic_id").unwrap().sources().first().unwrap().path, "id");
}

#[test]
fn a_definition_changes_only_with_its_field() {
    let one = compile(&(field("a", &["x"], "") + &field("b", &["y"], "-")));
    let two = compile(&(format!("\n\n{}", field("a", &["x"], "")) + &field("b", &["y"], "+")));
    assert_eq!(one.target("a").unwrap().definition(), two.target("a").unwrap().definition());
    assert_ne!(one.target("b").unwrap().definition(), two.target("b").unwrap().definition());
    assert_eq!(two.target("a").unwrap().line(), 3);
}

#[test]
fn each_field_is_evaluated_by_itself() {
    let map = compile(&(field("a", &["x"], "") + &field("b", &["y"], "")));
    let source = json(r#"{"x":"1"}"#);
    let each: Vec<_> = map
        .evaluate_each(&source)
        .map(|(target, value)| (target.name().to_owned(), value.unwrap()))
        .collect();
    assert_eq!(each, [("a".to_owned(), Some(Value::from("1"))), ("b".to_owned(), None)]);
}
