//! Whether mail may be sent to a contact: read, set, taken back, against recorded answers.

use connector_mautic::{CONTACT, DO_NOT_CONTACT_EMAIL};
use model::{Fields, ObjectName, RecordRef, Value};
use serde_json::json;
use sync::{Connector as _, ConnectorError, Reading};

use crate::recorded::exchange;
use crate::replay::{Replay, Reply};

const SELF: &str = "A01-users_self";
const FIELDS: &str = "fields_contact";

fn contact(id: &str) -> RecordRef {
    RecordRef::new(&"mautic:main".parse().unwrap(), &ObjectName::new(CONTACT), id)
}

fn refuses(value: Value) -> Fields {
    [(DO_NOT_CONTACT_EMAIL.to_owned(), value)].into_iter().collect()
}

#[tokio::test]
async fn an_entry_for_mail_is_read_as_yes_and_none_as_blank() {
    for (name, expected) in [("C26-contact_dnc_get", Value::Bool(true)), ("B02-contact_get", Value::Null)] {
        let server = Replay::of(&[SELF, name]).await;
        let Reading::Found(record) = server.mautic().read(&contact("1")).await.unwrap() else { panic!() };
        assert_eq!(record.fields.get(DO_NOT_CONTACT_EMAIL), Some(&expected), "{name}");
    }
}

#[tokio::test]
async fn a_list_that_tells_no_channel_says_nothing() {
    let mut told = exchange("C26-contact_dnc_get");
    told.response.body["contact"]["doNotContact"] = json!([{}]);
    let replies = vec![Reply::Recorded(exchange(SELF)), Reply::Recorded(told)];
    let server = Replay::with(replies).await;
    let Reading::Found(record) = server.mautic().read(&contact("1")).await.unwrap() else { panic!() };
    assert!(!record.fields.contains(DO_NOT_CONTACT_EMAIL));
}

#[tokio::test]
async fn an_edit_sets_the_entry_and_takes_it_back() {
    let cases =
        [("C30-contact_dnc_in_edit", Value::Bool(true), 3), ("C31-contact_dnc_in_edit_off", Value::Null, 0)];
    for (name, value, reason) in cases {
        let server = Replay::of(&[SELF, FIELDS, name]).await;
        let stored = server.mautic().update(&contact("1"), &refuses(value.clone())).await.unwrap();
        // C31 leaves an entry for text messages, which is no business of ours.
        assert_eq!(stored.fields.get(DO_NOT_CONTACT_EMAIL), Some(&value), "{name}");
        let sent = server.got_at("/api/contacts/1/edit")[0].json();
        assert_eq!(sent["doNotContact"][0]["channel"], "email");
        assert_eq!(sent["doNotContact"][0]["reason"], reason);
    }
}

/// Mautic refuses every edit of a contact whose e-mail another one has.
fn taken() -> Reply {
    let refusal = exchange("B54-contact_patch_email_dup_of_other").response.body.to_string();
    Reply::Other {
        method: "PATCH",
        path: "/api/contacts/1/edit",
        status: 422,
        content_type: "application/json",
        body: refusal,
    }
}

#[tokio::test]
async fn where_an_edit_is_refused_for_something_else_the_entry_is_set_by_its_own_call() {
    let mut replies: Vec<Reply> = [SELF, FIELDS].iter().map(|name| Reply::Recorded(exchange(name))).collect();
    replies.push(taken());
    replies
        .extend(["C22-contact_dnc_add", "C26-contact_dnc_get"].map(|name| Reply::Recorded(exchange(name))));
    let server = Replay::with(replies).await;
    let stored = server.mautic().update(&contact("1"), &refuses(Value::Bool(true))).await.unwrap();
    assert_eq!(stored.fields.get(DO_NOT_CONTACT_EMAIL), Some(&Value::Bool(true)));
    assert_eq!(server.got_at("/api/contacts/1/dnc/email/add")[0].json()["reason"], 3);
}

#[tokio::test]
async fn other_fields_beside_it_are_refused_by_name_first() {
    let mut replies: Vec<Reply> = [SELF, FIELDS].iter().map(|name| Reply::Recorded(exchange(name))).collect();
    replies.push(taken());
    let server = Replay::with(replies).await;
    let mut values = refuses(Value::Bool(true));
    values.insert("city", Value::from("Vigo"));
    let error = server.mautic().update(&contact("1"), &values).await.unwrap_err();
    let ConnectorError::Rejected { fields, .. } = error else { panic!("{error:?}") };
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["city", "email"], "the entry itself is not refused");
}
