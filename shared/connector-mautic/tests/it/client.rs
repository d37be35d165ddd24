//! The calls, over real HTTP, against recorded answers.

use connector_mautic::{COMPANY, CONTACT, Credentials, Mautic, MauticSettings};
use model::{Fields, ObjectName, RecordRef, Value};
use serde_json::json;
use sync::{Canonical, Connector as _, ConnectorError, Lookup, Reading, Schema as _, Writer};

use crate::replay::{Replay, Reply};

const SELF: &str = "A01-users_self";
pub(crate) const FIELDS: &str = "fields_contact";

pub(crate) fn contact(id: &str) -> RecordRef {
    RecordRef::new(&"mautic:main".parse().unwrap(), &ObjectName::new(CONTACT), id)
}

fn company(id: &str) -> RecordRef {
    RecordRef::new(&"mautic:main".parse().unwrap(), &ObjectName::new(COMPANY), id)
}

pub(crate) fn values(pairs: &[(&str, Value)]) -> Fields {
    pairs.iter().cloned().collect()
}

fn lookup(field: &str, value: &str) -> Lookup {
    Lookup { field: field.to_owned(), value: value.to_owned() }
}

fn other(
    method: &'static str,
    path: &'static str,
    status: u16,
    content_type: &'static str,
    body: &str,
) -> Reply {
    Reply::Other { method, path, status, content_type, body: body.to_owned() }
}

/// The list of users, in the shape of the one user that was recorded (A38).
pub(crate) fn users() -> Reply {
    let body =
        r#"{"total":"2","users":[{"id":1,"email":"Ada@example.test"},{"id":3,"email":"sync@example.test"}]}"#;
    other("GET", "/api/users", 200, "application/json", body)
}

/// A contact whose owner is user 3.
fn owned() -> Reply {
    let mut told = crate::recorded::exchange("B02-contact_get");
    told.response.body["contact"]["owner"] = json!({ "id": 3, "username": "syncuser" });
    Reply::Recorded(told)
}

#[tokio::test]
async fn the_owner_is_told_by_e_mail_and_by_nothing_where_users_may_not_be_listed() {
    let self_ = || Reply::Recorded(crate::recorded::exchange(SELF));
    let server = Replay::with(vec![self_(), owned(), users()]).await;
    let Reading::Found(record) = server.mautic().read(&contact("1")).await.unwrap() else { panic!() };
    assert_eq!(record.fields.text("owner"), Some("sync@example.test"));
    let refused = r#"{"errors":[{"code":403,"message":"You do not have access","details":[]}]}"#;
    let refused = other("GET", "/api/users", 403, "application/json", refused);
    let server = Replay::with(vec![self_(), owned(), refused]).await;
    let Reading::Found(record) = server.mautic().read(&contact("1")).await.unwrap() else { panic!() };
    assert!(!record.fields.contains("owner"));
}

#[tokio::test]
async fn an_owner_is_set_by_e_mail_and_refused_by_name_where_nobody_has_it() {
    let names = [SELF, FIELDS, "B27-contact_patch_multi_pipe"];
    for (email, sent) in [("SYNC@example.test", Some(3)), ("nobody@example.test", None)] {
        let mut replies: Vec<Reply> =
            names.iter().map(|name| Reply::Recorded(crate::recorded::exchange(name))).collect();
        replies.push(users());
        let server = Replay::with(replies).await;
        let written = server.mautic().update(&contact("1"), &values(&[("owner", email.into())])).await;
        let bodies = server.got_at("/api/contacts/1/edit");
        if let Some(id) = sent {
            assert_eq!(bodies[0].json()["owner"], id);
        } else {
            let Err(ConnectorError::Rejected { fields, .. }) = written else { panic!("{written:?}") };
            assert!(fields.contains_key("owner") && bodies.is_empty(), "{fields:?}");
        }
    }
}

#[tokio::test]
async fn a_contact_is_read_with_every_alias_and_its_writer() {
    let server = Replay::of(&[SELF, "B02-contact_get"]).await;
    let Reading::Found(record) = server.mautic().read(&contact("1")).await.unwrap() else { panic!() };
    assert_eq!(record.reference, contact("1"));
    let fields = &record.fields;
    assert_eq!(fields.text("id"), Some("1"));
    assert_eq!(fields.text("firstname"), Some("Zoë"));
    assert_eq!(fields.text("corebos_id"), Some("12x345"));
    assert_eq!(fields.text("interests"), Some("red|blue"));
    assert_eq!(fields.get("vip"), Some(&Value::Bool(true)));
    assert_eq!(fields.get("amount"), Some(&Value::Float(12.34)));
    assert_eq!(fields.get("points"), Some(&Value::Int(0)));
    assert_eq!(fields.get("city"), Some(&Value::Null));
    assert_eq!(fields.text("dateAdded"), Some("2026-11-21T02:45:02+00:00"));
    assert!(!fields.contains("tags") && !fields.contains("ipAddresses"));
    // It was never modified: its creation counts, and its creator.
    assert_eq!(record.modified, Some("2026-11-21T02:45:02Z".parse().unwrap()));
    assert_eq!(record.last_writer, Writer::Us);
    let sent = server.got_at("/api/contacts/1");
    assert_eq!(sent[0].authorization.as_deref(), Some("Basic YWRtaW46Z2VoZWlt"));
}

#[tokio::test]
async fn the_id_of_a_merged_contact_answers_with_the_survivor() {
    let server = Replay::of(&[SELF, "F39-merge_get_loser"]).await;
    let Reading::MergedInto(record) = server.mautic().read(&contact("21")).await.unwrap() else { panic!() };
    assert_eq!(record.reference, contact("20"));
}

#[tokio::test]
async fn what_is_not_there_is_gone_and_an_id_that_cannot_be_is_not_asked_for() {
    let server = Replay::of(&[SELF, "B59-contact_get_unknown_id", "D44-company_get_deleted"]).await;
    let mautic = server.mautic();
    assert_eq!(mautic.read(&contact("987654")).await, Ok(Reading::Gone));
    assert_eq!(mautic.read(&company("2")).await, Ok(Reading::Gone));
    let asked = server.got().len();
    for id in ["", "0", "-1", "abc", "1/edit", "../users"] {
        assert_eq!(mautic.read(&contact(id)).await, Ok(Reading::Gone), "{id}");
    }
    assert_eq!(server.got().len(), asked);
}

#[tokio::test]
async fn a_company_is_read_and_tells_no_time() {
    let server = Replay::of(&[SELF, "D02-company_get"]).await;
    let Reading::Found(record) = server.mautic().read(&company("2")).await.unwrap() else { panic!() };
    assert_eq!(record.fields.text("companyname"), Some("Acme S.L."));
    assert_eq!(record.fields.text("id"), Some("2"));
    assert_eq!(record.fields.get("companynumber_of_employees"), Some(&Value::Int(12)));
    assert_eq!((record.modified, record.last_writer), (None, Writer::Unknown));
}

#[tokio::test]
async fn a_contact_without_fields_is_never_read_as_blank() {
    let body = r#"{"contact":{"id":1,"points":5,"fields":[]}}"#;
    let reply = other("GET", "/api/contacts/1", 200, "application/json", body);
    let server = Replay::with(vec![Reply::Recorded(crate::recorded::exchange(SELF)), reply]).await;
    let found = server.mautic().read(&contact("1")).await;
    assert!(matches!(found, Err(ConnectorError::Unavailable { .. })), "{found:?}");
}

#[tokio::test]
async fn a_search_is_exact() {
    let server = Replay::of(&[SELF, FIELDS, "E15-list_where_corebos"]).await;
    let mautic = server.mautic();
    let object = ObjectName::new(CONTACT);
    let found = mautic.find(&object, &lookup("corebos_id", "12x345")).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].reference, contact("1"));
    let query = &server.got_at("/api/contacts")[0].query;
    assert_eq!(
        query,
        "where%5B0%5D%5Bcol%5D=corebos_id&where%5B0%5D%5Bexpr%5D=eq&where%5B0%5D%5Bval%5D=12x345&limit=3"
    );
    // The same answer to other questions: the database found more than was asked for.
    for (email, hits) in [("zoe@EXAMPLE.test", 1), ("zoé@example.test", 0)] {
        let server = Replay::of(&[SELF, FIELDS, "E15-list_where_corebos"]).await;
        let found = server.mautic().find(&object, &lookup("email", email)).await.unwrap();
        assert_eq!(found.len(), hits, "{email}");
    }
}

#[tokio::test]
async fn a_search_without_a_hit_is_empty_and_an_unknown_field_is_not_asked_for() {
    let server = Replay::of(&[SELF, FIELDS, "E16-list_where_none"]).await;
    let mautic = server.mautic();
    let object = ObjectName::new(CONTACT);
    assert_eq!(mautic.find(&object, &lookup("corebos_id", "nope")).await, Ok(Vec::new()));
    let unknown = mautic.find(&object, &lookup("zip", "46001")).await;
    assert!(matches!(&unknown, Err(ConnectorError::Misconfigured { detail }) if detail.contains("`zip`")));
    assert_eq!(server.got_at("/api/contacts").len(), 1);
}

#[tokio::test]
async fn companies_are_found_by_their_id_in_corebos() {
    let server = Replay::of(&[SELF, "fields_company", "D48-companies_where_corebos"]).await;
    let found = server
        .mautic()
        .find(&ObjectName::new(COMPANY), &lookup("company_corebos_id", "11x78"))
        .await
        .unwrap();
    assert_eq!(found[0].fields.text("companyname"), Some("Beta GmbH"));
}

#[tokio::test]
async fn a_new_contact_is_sent_without_blanks_and_zeros() {
    let server = Replay::of(&[SELF, FIELDS, "B01-contact_new_identified"]).await;
    let fields = values(&[
        ("firstname", "Zoë".into()),
        ("city", Value::Null),
        ("points", Value::Int(0)),
        ("vip", Value::Bool(false)),
        ("interests", "blue|red".into()),
        ("last_order", "2026-01-02 03:04:00".into()),
    ]);
    let record = server.mautic().create(&ObjectName::new(CONTACT), &fields).await.unwrap();
    assert_eq!(record.reference, contact("1"));
    assert_eq!(record.fields.get("score_n"), Some(&Value::Int(7)));
    let expected = json!({
        "firstname": "Zoë", "vip": false, "interests": ["blue", "red"], "last_order": "2026-01-02T03:04:00+00:00",
    });
    assert_eq!(server.got_at("/api/contacts/new")[0].json(), expected);
}

#[tokio::test]
async fn a_new_contact_whose_email_is_known_comes_back_with_the_old_id() {
    let server = Replay::of(&[SELF, FIELDS, "B50-contact_new_dup_email"]).await;
    let fields = values(&[("email", "zoe@example.test".into()), ("firstname", "Dup".into())]);
    let record = server.mautic().create(&ObjectName::new(CONTACT), &fields).await.unwrap();
    assert_eq!(record.reference, contact("1"));
    assert_eq!(record.fields.text("corebos_id"), Some("12x345"));
}

#[tokio::test]
async fn a_new_company_never_overwrites_one_of_the_same_name() {
    let server = Replay::of(&[SELF, "fields_company", "D12-company_new_force"]).await;
    let fields = values(&[("companyname", "Acme S.L.".into())]);
    let error = server.mautic().create(&ObjectName::new(COMPANY), &fields).await.unwrap_err();
    assert_eq!(
        server.got_at("/api/companies/new")[0].json(),
        json!({"companyname": "Acme S.L.", "force": 1})
    );
    let ConnectorError::Rejected { fields, .. } = error else { panic!("{error:?}") };
    assert_eq!(fields["companyname"], "This field must be unique.");
}

#[tokio::test]
async fn each_kind_of_field_is_cleared_in_its_own_way() {
    let cases = [
        ("B17-contact_patch_overwrite_body_blank", "city", Value::Null),
        ("B21-contact_patch_number_blank_overwrite", "score_n", Value::Null),
        ("B25-contact_patch_bool_null_overwrite", "vip", Value::Null),
        ("G02-date_clear_null", "birthday", Value::Null),
        ("B32-contact_patch_multi_clear_overwrite_array", "interests", Value::Null),
    ];
    for (name, field, value) in cases {
        let recorded = crate::recorded::exchange(name);
        let mut replies: Vec<Reply> = [SELF, FIELDS, name]
            .iter()
            .map(|name| Reply::Recorded(crate::recorded::exchange(name)))
            .collect();
        // One of these contacts has an owner.
        replies.push(users());
        let server = Replay::with(replies).await;
        let record = server.mautic().update(&contact("1"), &values(&[(field, value)])).await.unwrap();
        assert_eq!(server.got_at("/api/contacts/1/edit")[0].json(), recorded.request.body, "{name}");
        assert_eq!(record.fields.get(field), Some(&Value::Null), "{name}");
    }
}

#[tokio::test]
async fn what_mautic_stored_is_given_back_in_the_schemas_form() {
    let cases = [
        ("B27-contact_patch_multi_pipe", "interests", Value::from("green|red")),
        ("B44-contact_patch_dt_iso_z", "last_order", Value::from("2026-03-04 05:06:00")),
        ("B22-contact_patch_bool_false", "vip", Value::Bool(false)),
    ];
    for (name, field, value) in cases {
        let server = Replay::of(&[SELF, FIELDS, name]).await;
        let mautic = server.mautic();
        let record = mautic.update(&contact("1"), &values(&[(field, value.clone())])).await.unwrap();
        let schema = mautic.schema(&ObjectName::new(CONTACT)).await.unwrap();
        let stored = record.fields.get(field).unwrap();
        assert_eq!(schema.canonical(field, stored), Canonical::Value(value), "{name}");
    }
}

#[tokio::test]
async fn the_boolean_of_an_answer_is_the_new_one() {
    let server = Replay::of(&[SELF, FIELDS, "F02-bool_probe_patch_false"]).await;
    let record =
        server.mautic().update(&contact("17"), &values(&[("vip", Value::Bool(false))])).await.unwrap();
    assert_eq!(record.fields.get("vip"), Some(&Value::Bool(false)));
}

#[tokio::test]
async fn zero_is_refused_by_field_before_anything_is_sent() {
    let server = Replay::of(&[SELF, FIELDS]).await;
    let fields = values(&[
        ("score_n", Value::Int(0)),
        ("amount", Value::Float(0.0)),
        ("city", "0".into()),
        ("zipcode", "0.5".into()),
        ("phone", "0 89 12".into()),
        ("mobile", "034600".into()),
        ("vip", Value::Bool(false)),
        ("firstname", "Ana".into()),
        ("nosuch", "x".into()),
    ]);
    let error = server.mautic().update(&contact("1"), &fields).await.unwrap_err();
    let ConnectorError::Rejected { fields, .. } = error else { panic!("{error:?}") };
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["amount", "city", "nosuch", "score_n", "zipcode"]);
    assert!(server.got_at("/api/contacts/1/edit").is_empty());
}

#[tokio::test]
async fn an_edit_of_a_merged_contact_is_not_taken_for_an_edit_of_ours() {
    let server = Replay::of(&[SELF, FIELDS, "F41-merge_patch_loser"]).await;
    let found = server.mautic().update(&contact("21"), &values(&[("city", "ToLoser".into())])).await;
    assert_eq!(found, Err(ConnectorError::Gone));
}

#[tokio::test]
async fn companies_take_zero_and_need_no_flag() {
    let server = Replay::of(&[SELF, "fields_company", "D03-company_patch"]).await;
    let fields = values(&[("companycity", "Bilbao".into()), ("companynumber_of_employees", Value::Int(0))]);
    let record = server.mautic().update(&company("2"), &fields).await.unwrap();
    assert_eq!(record.fields.text("companycity"), Some("Bilbao"));
    let expected = json!({"companycity": "Bilbao", "companynumber_of_employees": 0});
    assert_eq!(server.got_at("/api/companies/2/edit")[0].json(), expected);
}

#[tokio::test]
async fn refusals_name_the_fields() {
    for (name, record, field, words) in [
        ("B29-contact_patch_multi_invalid", "1", "interests", "This value is not valid."),
        ("B38-contact_patch_email_invalid", "1", "email", "not-an-email is invalid."),
        (
            "B40-contact_patch_too_long",
            "1",
            "firstname",
            "This value is too long. It should have 191 characters or less.",
        ),
        ("B54-contact_patch_email_dup_of_other", "3", "email", "This field must be unique."),
    ] {
        let server = Replay::of(&[SELF, FIELDS, name]).await;
        let error =
            server.mautic().update(&contact(record), &values(&[(field, "x".into())])).await.unwrap_err();
        let ConnectorError::Rejected { fields, .. } = error else { panic!("{name}: {error:?}") };
        assert_eq!(fields[field], words, "{name}");
    }
}

/// What a read makes of each recorded refusal.
#[tokio::test]
async fn every_refusal_has_its_meaning() {
    for (name, code, word) in [
        ("E29-err_401_no_auth", "credentials", "denied"),
        ("E30-err_401_unknown_user", "credentials", "invalid credentials"),
        ("I44-err_basic_auth_disabled", "configuration", "Basic Auth disabled"),
        ("I45-err_api_disabled", "configuration", "API disabled"),
        ("E39-err_404_route", "configuration", "no Mautic API"),
        ("E20-list_where_bad_col", "unavailable", "500"),
        ("E33-err_403_limited_edit", "not_permitted", "role"),
        ("E36-err_403_limited_fields", "not_permitted", "role"),
        ("E41-err_bad_json", "refused", ""),
        ("K90-rate_limit_429", "rate_limited", ""),
    ] {
        let recorded = crate::recorded::exchange(name);
        let body = recorded.response.body.to_string();
        let status = recorded.response.status;
        let reply = other("GET", "/api/users/self", status, "application/json", &body);
        let error = Replay::with(vec![reply]).await.mautic().identity().await.unwrap_err();
        assert_eq!(error.code(), code, "{name}: {error:?}");
        assert!(error.to_string().contains(word), "{name}: {error:?}");
    }
}

#[tokio::test]
async fn a_rate_limit_tells_when_it_ends() {
    let mut exchange = crate::recorded::exchange("K90-rate_limit_429");
    exchange.request.path = "/api/users/self".to_owned();
    let error = Replay::with(vec![Reply::Recorded(exchange)]).await.mautic().identity().await.unwrap_err();
    // From 03:02:13, the server's own time, to its reset at 1795233732.
    let expected = std::time::Duration::from_secs(1_795_233_732 - 1_795_230_133);
    assert_eq!(error, ConnectorError::RateLimited { retry_after: Some(expected) });
}

#[tokio::test]
async fn answers_that_are_not_mautics_say_what_to_check() {
    for (status, content_type, body, code) in [
        (404, "text/html", "<h1>Not Found</h1>", "configuration"),
        (200, "text/html", "<html>Welcome to nginx</html>", "configuration"),
        (301, "text/html", "", "configuration"),
        (401, "text/html", "<h1>Unauthorized</h1>", "credentials"),
        (503, "text/html", "<h1>Maintenance</h1>", "unavailable"),
        (502, "text/html", "<h1>Bad Gateway</h1>", "unavailable"),
        (200, "application/json", "{\"cut", "unavailable"),
        (200, "application/json", "{}", "configuration"),
        (418, "text/plain", "", "unavailable"),
    ] {
        let reply = other("GET", "/api/users/self", status, content_type, body);
        let error = Replay::with(vec![reply]).await.mautic().identity().await.unwrap_err();
        assert_eq!(error.code(), code, "{status} {body}: {error:?}");
    }
}

#[tokio::test]
async fn a_write_without_a_trustworthy_answer_is_in_doubt() {
    for (status, content_type, body) in [
        (
            500,
            "application/json",
            r#"{"errors":[{"message":"Looks like I encountered an error","code":500,"type":null}]}"#,
        ),
        (504, "text/html", "<h1>Gateway Time-out</h1>"),
        (200, "text/html", "<b>Fatal error</b>"),
        (200, "application/json", "{}"),
        (200, "application/json", r#"{"contact":{"id":1,"fields":[]}}"#),
    ] {
        let replies = vec![
            Reply::Recorded(crate::recorded::exchange(SELF)),
            Reply::Recorded(crate::recorded::exchange(FIELDS)),
            other("POST", "/api/contacts/new", status, content_type, body),
        ];
        let server = Replay::with(replies).await;
        let created =
            server.mautic().create(&ObjectName::new(CONTACT), &values(&[("city", "x".into())])).await;
        assert!(matches!(created, Err(ConnectorError::Doubtful { .. })), "{status} {body}: {created:?}");
        assert_eq!(server.got_at("/api/contacts/new").len(), 1, "a write is never repeated here");
    }
}

#[tokio::test]
async fn nobody_at_the_address_is_unavailable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let credentials = Credentials::Basic { username: "a".to_owned(), password: "b".into() };
    let mautic = Mautic::new("mautic:main".parse().unwrap(), MauticSettings::new(url, credentials)).unwrap();
    assert!(matches!(mautic.identity().await, Err(ConnectorError::Unavailable { .. })));
}

#[tokio::test]
async fn a_url_that_would_show_the_password_to_the_network_is_refused() {
    let credentials = Credentials::Basic { username: "a".to_owned(), password: "geheim".into() };
    for url in ["http://mautic.example.com", "mautic.example.com", "https://a:geheim@mautic.example.com"] {
        let settings = MauticSettings::new(url, credentials.clone());
        let error = Mautic::new("mautic:main".parse().unwrap(), settings).unwrap_err();
        assert_eq!(error.code(), "configuration", "{url}");
        assert!(!error.to_string().contains("geheim"));
    }
}

#[tokio::test]
async fn the_field_list_is_asked_for_once_and_needs_a_role() {
    let server = Replay::of(&[FIELDS]).await;
    let mautic = server.mautic();
    let object = ObjectName::new(CONTACT);
    let (first, second) = tokio::join!(mautic.schema(&object), mautic.schema(&object));
    assert!(first.unwrap().has("corebos_id") && second.unwrap().has("zipcode"));
    assert_eq!(server.got().len(), 1);

    let limited = Replay::of(&["E36-err_403_limited_fields"]).await;
    let error = limited.mautic().schema(&object).await.unwrap_err();
    assert!(matches!(&error, ConnectorError::Misconfigured { detail } if detail.contains("lead:fields")));
}

#[tokio::test]
async fn we_know_ourselves_by_url_and_user() {
    let server = Replay::of(&[SELF]).await;
    let mautic = server.mautic();
    let expected = format!("{} as user 1", server.url);
    assert_eq!(mautic.identity().await.unwrap(), expected);
    assert_eq!(mautic.identity().await.unwrap(), expected);
    assert_eq!(server.got().len(), 1);
}

pub(crate) fn oauth() -> Credentials {
    Credentials::ClientCredentials { client_id: "1_abc".to_owned(), client_secret: "geheim".into() }
}

#[tokio::test]
async fn a_token_is_fetched_once_and_again_when_it_is_refused() {
    let mut refused = crate::recorded::exchange("E31-err_401_bad_bearer");
    refused.request.path = "/api/contacts/1".to_owned();
    let replies = ["I53-oauth_token", "I57-oauth_users_self", "I53-oauth_token", "B02-contact_get"]
        .map(|name| Reply::Recorded(crate::recorded::exchange(name)));
    let mut script = vec![Reply::Recorded(refused)];
    script.extend(replies);
    let server = Replay::with(script).await;
    let mautic = server.mautic_as(oauth());
    assert_eq!(mautic.identity().await.unwrap(), format!("{} as client sync cc [1]", server.url));
    let Reading::Found(record) = mautic.read(&contact("1")).await.unwrap() else { panic!() };
    // The contact was made by a user, not by this client.
    assert_eq!(record.last_writer, Writer::Other);
    let tokens = server.got_at("/oauth/v2/token");
    assert_eq!(tokens.len(), 2);
    assert_eq!(tokens[0].body, "grant_type=client_credentials&client_id=1_abc&client_secret=geheim");
    assert_eq!(tokens[0].method, "POST");
    let read = server.got_at("/api/contacts/1");
    assert!(read[1].authorization.as_deref().unwrap().starts_with("Bearer YTc2NjQ4MWY3NzMw"));
}
