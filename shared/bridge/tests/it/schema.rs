//! `bridge map check --schema`: maps against the fields that a system really has.

use crate::running::{field, fixture, folder, map_in, map_of, write};

#[test]
fn custom_fields_are_known_and_all_others_are_errors() {
    let folder = folder("schema-live");
    let fields = [
        field("firstname", "", "firstname"),
        field("interests", "CONST", "a"),
        field("website", "", "title"),
    ];
    write(&folder, "ContactsToMautic.xml", map_of(&fields));
    let run = map_in(&folder, &["check", "ContactsToMautic.xml"]);
    assert_eq!(run.code, 0, "the bundled list does not know the custom field: {}", run.out);
    assert!(
        run.out.contains("ContactsToMautic.xml:4:19: warning: a Mautic contact has no field `interests`"),
        "{}",
        run.out
    );

    let schema = format!("mautic-contact={}", fixture("mautic-contact-fields.json"));
    let run = map_in(&folder, &["check", "ContactsToMautic.xml", "--schema", &schema]);
    assert_eq!(run.code, 1);
    assert!(!run.out.contains("interests`"), "{}", run.out);
    assert!(
        run.out.contains("ContactsToMautic.xml:5:19: error: a Mautic contact has no field `website`"),
        "{}",
        run.out
    );

    let schema = format!("corebos-contacts={}", fixture("corebos-contacts-describe.json"));
    let run = map_in(&folder, &["check", "ContactsToMautic.xml", "--schema", &schema]);
    assert!(
        run.out.contains("ContactsToMautic.xml:5:73: error: a coreBOS Contacts has no field `title`"),
        "{}",
        run.out
    );
}

#[test]
fn what_a_live_schema_says_of_a_field_counts() {
    let folder = folder("schema-side");
    let fields = [field("contact_no", "", "a"), field("firstname", "", "b")];
    write(&folder, "mine.xml", map_of(&fields));
    let schema = format!("target={}", fixture("corebos-contacts-describe.json"));
    let run = map_in(&folder, &["check", "mine.xml", "--schema", &schema]);
    assert_eq!(run.code, 1);
    assert!(
        run.out.contains("mine.xml:3:19: error: `contact_no` of a record made cannot be written"),
        "{}",
        run.out
    );
    assert!(run.out.contains("nothing fills `lastname`"), "{}", run.out);
    assert!(!run.out.contains("assigned_user_id"), "the bridge fills in the owner: {}", run.out);
}

#[test]
fn a_schema_that_is_none_is_told() {
    let folder = folder("schema-bad");
    write(&folder, "mine.xml", map_of(&[field("a", "", "b")]));
    write(&folder, "empty.json", "{}");
    write(&folder, "broken.json", "{\n \"fields\": [");
    for (schema, problem) in [
        ("mautic-contact=missing.json", "cannot read missing.json: "),
        ("mautic-contact=empty.json", "empty.json: no fields in it; it must be the answer of"),
        ("mautic-contact=broken.json", "broken.json:2:12: EOF while parsing a list"),
        ("mautic-lead=empty.json", "--schema mautic-lead=empty.json: the objects are corebos-accounts, "),
        ("fields.json", "--schema fields.json: write OBJECT=FILE"),
    ] {
        let run = map_in(&folder, &["check", "mine.xml", "--schema", schema]);
        assert_eq!((run.code, run.out.as_str()), (1, ""));
        assert!(run.err.starts_with(&format!("error: {problem}")), "{problem}\n{}", run.err);
    }
}
