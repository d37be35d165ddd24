//! Which company a contact belongs to, over real HTTP, against recorded answers.

use connector_mautic::{CONTACT, PRIMARY_COMPANY};
use model::{Fields, ObjectName, RecordRef, Value};
use sync::{Canonical, Connector as _, ConnectorError, Reading, Schema as _};

use crate::recorded::exchange;
use crate::replay::{Replay, Reply};

const SELF: &str = "A01-users_self";
const FIELDS: &str = "fields_contact";
/// Companies 2 and 3; 3 is the primary one.
const COMPANIES: &str = "D24-contact_companies";
const CONTACT_1: &str = "D25-contact_get_company_text";
const ADD_3: &str = "D23-company_contact_add_second";
const ADD_2: &str = "D21-company_contact_add";
const REMOVE_3: &str = "D26-company_contact_remove_second";
const REMOVE_2: &str = "D27-company_contact_remove";
const NO_COMPANY: &str = "D30-company_unknown_contact_add";

fn contact(id: &str) -> RecordRef {
    RecordRef::new(&"mautic:main".parse().unwrap(), &ObjectName::new(CONTACT), id)
}

fn in_company(id: &str) -> Fields {
    [(PRIMARY_COMPANY, id)].into_iter().collect()
}

/// The memberships of contact 1, as Mautic gives them; none is an empty list.
fn companies(rows: &serde_json::Value) -> Reply {
    let total = rows.as_array().unwrap().len();
    let body = serde_json::json!({ "total": total, "companies": rows }).to_string();
    let path = "/api/contacts/1/companies";
    Reply::Other { method: "GET", path, status: 200, content_type: "application/json", body }
}

fn row(id: &str, primary: &str) -> serde_json::Value {
    serde_json::json!({ "company_id": id, "date_associated": "2026-11-21 02:50:06", "is_primary": primary, "id": id })
}

fn recorded(names: &[&str]) -> Vec<Reply> {
    // The contact has an owner, whose address is asked for.
    let recorded = names.iter().map(|name| Reply::Recorded(exchange(name)));
    recorded.chain([crate::client::users()]).collect()
}

/// The writes that the server got: method and path.
fn writes(server: &Replay) -> Vec<String> {
    let got = server.got().into_iter().filter(|got| got.method != "GET");
    got.map(|got| format!("{} {}", got.method, got.path)).collect()
}

#[tokio::test]
async fn the_primary_company_is_a_field_for_who_asks_and_costs_nobody_else_a_call() {
    let server = Replay::with(recorded(&[SELF, CONTACT_1, CONTACT_1, COMPANIES])).await;
    let mautic = server.mautic();
    let Reading::Found(plain) = mautic.read(&contact("1")).await.unwrap() else { panic!() };
    assert!(!plain.fields.contains(PRIMARY_COMPANY));
    assert_eq!(server.got_at("/api/contacts/1/companies").len(), 0);
    let Reading::Found(found) = mautic.read_with(&contact("1"), &[PRIMARY_COMPANY]).await.unwrap() else {
        panic!()
    };
    assert_eq!(found.fields.text(PRIMARY_COMPANY), Some("3"));
    assert_eq!(found.fields.text("company"), Some("Beta GmbH"));
}

#[tokio::test]
async fn a_contact_without_a_company_has_a_blank_whatever_its_text_says() {
    let mut replies = recorded(&[SELF, CONTACT_1]);
    replies.push(companies(&serde_json::json!([])));
    let server = Replay::with(replies).await;
    let found = server.mautic().read_with(&contact("1"), &[PRIMARY_COMPANY]).await.unwrap();
    let Reading::Found(found) = found else { panic!() };
    assert_eq!(found.fields.get(PRIMARY_COMPANY), Some(&Value::Null));
    assert_eq!(found.fields.text("company"), Some("Beta GmbH"));
}

#[tokio::test]
async fn a_contact_that_goes_away_while_it_is_read_is_not_one_without_a_company() {
    let mut replies = recorded(&[SELF, CONTACT_1]);
    let body = exchange("B59-contact_get_unknown_id").response.body.to_string();
    let path = "/api/contacts/1/companies";
    replies.push(Reply::Other { method: "GET", path, status: 404, content_type: "application/json", body });
    let server = Replay::with(replies).await;
    let found = server.mautic().read_with(&contact("1"), &[PRIMARY_COMPANY]).await;
    assert!(matches!(found, Err(ConnectorError::Unavailable { .. })), "{found:?}");
}

#[tokio::test]
async fn a_move_enters_the_new_company_and_leaves_the_former_one_and_no_other() {
    let mut replies = recorded(&[SELF, FIELDS]);
    replies.push(companies(&serde_json::json!([row("9", "0"), row("2", "1")])));
    replies.extend(recorded(&[ADD_3, REMOVE_2, CONTACT_1, COMPANIES]));
    let server = Replay::with(replies).await;
    let moved = server.mautic().update(&contact("1"), &in_company("3")).await.unwrap();
    assert_eq!(
        writes(&server),
        ["POST /api/companies/3/contact/1/add", "POST /api/companies/2/contact/1/remove"]
    );
    assert_eq!(moved.fields.text(PRIMARY_COMPANY), Some("3"));
    assert_eq!(moved.modified, Some("2026-11-21T02:50:08Z".parse().unwrap()));
}

#[tokio::test]
async fn a_clearing_leaves_the_primary_company_and_the_answer_tells_what_mautic_made_of_it() {
    let mut replies = recorded(&[SELF, FIELDS, COMPANIES, REMOVE_3, CONTACT_1]);
    replies.push(companies(&serde_json::json!([row("2", "1")])));
    let server = Replay::with(replies).await;
    let cleared = server.mautic().update(&contact("1"), &in_company("")).await.unwrap();
    assert_eq!(writes(&server), ["POST /api/companies/3/contact/1/remove"]);
    assert_eq!(cleared.fields.text(PRIMARY_COMPANY), Some("2"));
}

#[tokio::test]
async fn a_company_that_the_contact_is_in_already_becomes_the_primary_one_by_entering_it_again() {
    let mut replies = recorded(&[SELF, FIELDS, COMPANIES, REMOVE_2, ADD_2, REMOVE_3, CONTACT_1]);
    replies.push(companies(&serde_json::json!([row("2", "1")])));
    let server = Replay::with(replies).await;
    server.mautic().update(&contact("1"), &in_company("2")).await.unwrap();
    let expected =
        ["companies/2/contact/1/remove", "companies/2/contact/1/add", "companies/3/contact/1/remove"];
    assert_eq!(writes(&server), expected.map(|path| format!("POST /api/{path}")));
}

#[tokio::test]
async fn what_is_so_already_is_not_written() {
    let server =
        Replay::with(recorded(&[SELF, FIELDS, COMPANIES, CONTACT_1, "D35-contact_companies2"])).await;
    server.mautic().update(&contact("1"), &in_company("3")).await.unwrap();
    assert_eq!(writes(&server), Vec::<String>::new());
}

#[tokio::test]
async fn fields_and_company_are_written_together_and_no_company_ever_by_its_name_or_in_a_list() {
    let mut replies = recorded(&[SELF, FIELDS]);
    replies.push(companies(&serde_json::json!([])));
    replies.extend(recorded(&[ADD_3, "B27-contact_patch_multi_pipe", COMPANIES]));
    let server = Replay::with(replies).await;
    let mut values = in_company("3");
    values.insert("interests", "green|red");
    let stored = server.mautic().update(&contact("1"), &values).await.unwrap();
    assert_eq!(writes(&server), ["POST /api/companies/3/contact/1/add", "PATCH /api/contacts/1/edit"]);
    assert_eq!(stored.fields.text(PRIMARY_COMPANY), Some("3"));
    let patch = server.got_at("/api/contacts/1/edit")[0].json();
    assert!(
        patch.get("companies").is_none()
            && patch.get("company").is_none()
            && patch.get(PRIMARY_COMPANY).is_none()
    );
}

#[tokio::test]
async fn a_company_that_mautic_does_not_have_is_refused_by_the_name_of_the_field() {
    let mut replies = recorded(&[SELF, FIELDS]);
    replies.push(companies(&serde_json::json!([])));
    replies.extend(recorded(&[NO_COMPANY]));
    let server = Replay::with(replies).await;
    let refused = server.mautic().update(&contact("1"), &in_company("98765")).await.unwrap_err();
    let ConnectorError::Rejected { fields, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(fields[PRIMARY_COMPANY], "Mautic has no company 98765");
}

#[tokio::test]
async fn a_new_contact_enters_its_company_and_one_that_could_not_is_no_error() {
    let mut values = in_company("3");
    values.insert("firstname", "Zoë");
    let object = ObjectName::new(CONTACT);
    let mut replies = recorded(&[SELF, FIELDS, "B01-contact_new_identified"]);
    replies.push(companies(&serde_json::json!([])));
    replies.extend(recorded(&[ADD_3, CONTACT_1, COMPANIES]));
    let server = Replay::with(replies).await;
    let created = server.mautic().create(&object, &values).await.unwrap();
    assert_eq!(created.fields.text(PRIMARY_COMPANY), Some("3"));
    assert_eq!(writes(&server), ["POST /api/contacts/new", "POST /api/companies/3/contact/1/add"]);
    // Mautic fails after the contact was created: the contact is what counts.
    let server = Replay::with(recorded(&[SELF, FIELDS, "B01-contact_new_identified"])).await;
    let created = server.mautic().create(&object, &values).await.unwrap();
    assert_eq!(created.reference, contact("1"));
    assert!(!created.fields.contains(PRIMARY_COMPANY));
}

#[tokio::test]
async fn what_fails_after_a_write_is_in_doubt() {
    let mut replies = recorded(&[SELF, FIELDS]);
    replies.push(companies(&serde_json::json!([])));
    replies.extend(recorded(&[ADD_3]));
    let server = Replay::with(replies).await;
    let answer = server.mautic().update(&contact("1"), &in_company("3")).await;
    assert!(matches!(answer, Err(ConnectorError::Doubtful { .. })), "{answer:?}");
}

#[tokio::test]
async fn the_field_takes_ids_of_companies_and_blanks() {
    let server = Replay::with(recorded(&[SELF, FIELDS])).await;
    let schema = server.mautic().schema(&ObjectName::new(CONTACT)).await.unwrap();
    assert!(schema.has(PRIMARY_COMPANY));
    let canonical = |value: Value| schema.canonical(PRIMARY_COMPANY, &value);
    assert_eq!(canonical(Value::Int(3)), Canonical::Value(Value::Text("3".to_owned())));
    assert_eq!(canonical(Value::Text(" 03 ".to_owned())), Canonical::Value(Value::Text("3".to_owned())));
    for blank in [Value::Null, Value::Text(String::new())] {
        assert_eq!(canonical(blank), Canonical::Value(Value::Null));
    }
    for unfit in ["0", "-1", "11x74", "Acme"] {
        assert!(matches!(canonical(Value::Text(unfit.to_owned())), Canonical::Unfit(_)), "{unfit}");
    }
}
