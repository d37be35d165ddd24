//! Maps of which coreBOS evaluates some fields itself.

use mapping::{FieldMap, Semantics, Surroundings, Target};
use model::{Fields, Value};

const FIELDS: &str = "
<field><fieldname>email</fieldname><Orgfields><Orgfield><OrgfieldName>email</OrgfieldName></Orgfield></Orgfields></field>
<field><fieldname>segment</fieldname><Orgfields><Orgfield><OrgfieldName>amount</OrgfieldName><OrgfieldID>RULE</OrgfieldID><Rule>Segments</Rule></Orgfield></Orgfields></field>
<field><fieldname>deals</fieldname><Orgfields><Orgfield><OrgfieldName>concat(lastname, $(account_id : (Accounts) accountname), aggregation('sum','Potentials','amount'))</OrgfieldName><OrgfieldID>EXPRESSION</OrgfieldID></Orgfield></Orgfields></field>
<field><fieldname>lucky</fieldname><Orgfields><Orgfield><OrgfieldName>faker('name')</OrgfieldName><OrgfieldID>EXPRESSION</OrgfieldID></Orgfield></Orgfields></field>
<field><fieldname>properties.url</fieldname><Orgfields><Orgfield><OrgfieldName>see $(general : (__VtigerMeta__) crmdetailviewurl) of $lastname</OrgfieldName><OrgfieldID>TEMPLATE</OrgfieldID></Orgfield></Orgfields></field>
<field><fieldname>printed</fieldname><Orgfields><Orgfield><OrgfieldName>$(general : (__VtigerMeta__) time)</OrgfieldName><OrgfieldID>TEMPLATE</OrgfieldID></Orgfield></Orgfields></field>
";

fn map() -> FieldMap {
    let xml = format!("<map><fields>{FIELDS}</fields></map>");
    FieldMap::compile_with_corebos("ContactsToMautic", xml.as_bytes(), Semantics::Bridge).unwrap()
}

fn fields(json: &str) -> Fields {
    serde_json::from_str(json).unwrap()
}

#[test]
fn what_can_be_evaluated_here_is_and_the_rest_is_taken_from_the_answer() {
    let source = fields(r#"{"email":"ana@example.org","lastname":"O'Hara"}"#);
    // coreBOS's record is HTML-encoded, and its answer holds what it makes of the other fields too.
    let answer = fields(
        r#"{"email":"WRONG","segment":"S&ouml;hne &amp; Co","deals":12.5,"properties":{"url":"u"},"printed":null}"#,
    );
    let surroundings = Surroundings { processed: Some(&answer), ..Surroundings::default() };
    let map = map();
    let made: Vec<_> = map
        .evaluate_each_in(&source, &surroundings)
        .map(|(target, value)| (target.name().to_owned(), value.unwrap()))
        .collect();
    let expected = [
        ("email", Some(Value::from("ana@example.org"))),
        ("segment", Some(Value::from("Söhne & Co"))),
        ("deals", Some(Value::Float(12.5))),
        // The answer lacks it: somebody has edited the map meanwhile.
        ("lucky", None),
        ("properties.url", Some(Value::from("u"))),
        ("printed", Some(Value::from(""))),
    ];
    assert_eq!(made, expected.map(|(name, value)| (name.to_owned(), value)));
}

#[test]
fn without_an_answer_these_fields_are_errors_with_their_place_and_the_others_are_not() {
    let source = fields(r#"{"email":"ana@example.org"}"#);
    let map = map();
    let failed: Vec<_> = map.evaluate_each(&source).filter_map(|(_, value)| value.err()).collect();
    assert_eq!(failed.len(), 5);
    assert!(failed[0].to_string().starts_with("ContactsToMautic:3:19: field `segment`: only coreBOS"));
}

#[test]
fn a_field_tells_what_can_be_known_of_it() {
    let map = map();
    let known = |name: &str| map.target(name).unwrap();
    let sources =
        |target: &Target| target.sources().iter().map(|source| source.path.clone()).collect::<Vec<_>>();
    assert!(map.needs_corebos() && !known("email").is_evaluated_by_corebos());
    assert_eq!(sources(known("segment")), ["amount"]);
    assert_eq!(sources(known("deals")), ["lastname", "account_id"]);
    assert_eq!(sources(known("properties.url")), ["lastname"]);
    // What reads nothing that is known is no constant: it may change with anything.
    for name in ["segment", "deals", "lucky", "properties.url", "printed"] {
        assert!(known(name).is_evaluated_by_corebos() && !known(name).is_constant(), "{name}");
        // coreBOS looks references up itself.
        assert!(known(name).references().is_empty(), "{name}");
    }
    let volatile: Vec<_> = map.targets().filter(|target| target.is_volatile()).map(Target::name).collect();
    assert_eq!(volatile, ["lucky", "printed"]);
    // A map whose rule is another one is made in another way.
    let other = FIELDS.replace("<Rule>Segments", "<Rule>Others");
    let xml = format!("<map><fields>{other}</fields></map>");
    let other = FieldMap::compile_with_corebos("M", xml.as_bytes(), Semantics::Bridge).unwrap();
    assert_ne!(other.target("segment").unwrap().definition(), known("segment").definition());
    assert_eq!(other.target("deals").unwrap().definition(), known("deals").definition());
}

#[test]
fn other_mistakes_are_errors_all_the_same() {
    for fields in [
        FIELDS.replace("concat(lastname", "conact(lastname"),
        FIELDS.replace("aggregation(", "agregation("),
        FIELDS.replace(">RULE<", ">RULES<"),
    ] {
        let xml = format!("<map><fields>{fields}</fields></map>");
        assert!(FieldMap::compile_with_corebos("M", xml.as_bytes(), Semantics::Bridge).is_err());
    }
}
