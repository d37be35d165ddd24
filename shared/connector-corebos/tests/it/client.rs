//! The calls, over real HTTP, against recorded answers.

use connector_corebos::{CoreBos, CoreBosSettings};
use model::{Fields, ObjectName, RecordRef, Value};
use serde_json::json;
use sync::{Canonical, Connector as _, ConnectorError, Lookup, Reading, Schema as _, Writer};

use crate::replay::{Replay, Reply};

const DESCRIBE: &str = "B001_describe_with_integration_fields_Contacts";

fn contacts() -> ObjectName {
    ObjectName::new("Contacts")
}

fn contact(id: &str) -> RecordRef {
    RecordRef::new(&"corebos:main".parse().unwrap(), &contacts(), id)
}

fn values(pairs: &[(&str, Value)]) -> Fields {
    pairs.iter().cloned().collect()
}

fn lookup(field: &str, value: &str) -> Lookup {
    Lookup { field: field.to_owned(), value: value.to_owned() }
}

#[tokio::test]
async fn a_contact_is_read_with_its_time_and_its_writer() {
    let server = Replay::of(&[DESCRIBE, "A019_retrieve_contact"]).await;
    let Reading::Found(record) = server.corebos().read(&contact("12x8589")).await.unwrap() else { panic!() };
    assert_eq!(record.reference, contact("12x8589"));
    assert_eq!(record.fields.text("id"), Some("12x8589"));
    assert_eq!(record.fields.text("firstname"), Some("Ana"));
    assert_eq!(record.fields.text("account_id"), Some("11x8588"));
    assert_eq!(record.fields.text("department"), Some(""));
    assert!(!record.fields.contains("account_idename"));
    assert_eq!(record.modified, Some("2026-11-21T02:24:27Z".parse().unwrap()));
    assert_eq!(record.last_writer, Writer::Us);
}

#[tokio::test]
async fn another_users_edit_is_not_ours() {
    let mut reply = Reply::recorded("A019_retrieve_contact");
    reply.body = reply.body.replace(r#""modifiedby":"19x1""#, r#""modifiedby":"19x5""#);
    let server = Replay::with(vec![Reply::recorded(DESCRIBE), reply]).await;
    let Reading::Found(record) = server.corebos().read(&contact("12x8589")).await.unwrap() else { panic!() };
    assert_eq!(record.last_writer, Writer::Other);
}

#[tokio::test]
async fn what_is_deleted_or_was_never_there_is_gone() {
    for name in ["A055_retrieve_deleted", "A060_retrieve_bad_prefix", "A061_retrieve_wrong_module_prefix"] {
        let mut description = Reply::recorded(DESCRIBE);
        let recorded = crate::replay::exchange(name);
        let id = recorded["request"]["params"]["id"].as_str().unwrap();
        let prefix = id.split_once('x').unwrap().0;
        // The prefix is made the module's, so that the question is asked at all.
        description.body =
            description.body.replace(r#""idPrefix":"12""#, &format!(r#""idPrefix":"{prefix}""#));
        let server = Replay::with(vec![description, Reply::recorded(name)]).await;
        assert_eq!(server.corebos().read(&contact(id)).await, Ok(Reading::Gone), "{name}");
        assert_eq!(server.got("retrieve").len(), 1, "{name}");
    }
}

#[tokio::test]
async fn ids_that_cannot_be_of_this_module_are_not_asked_for() {
    let server = Replay::of(&[DESCRIBE]).await;
    let corebos = server.corebos();
    for id in ["11x8588", "", "8588", "abc", "12x", "12x1;drop"] {
        assert_eq!(corebos.read(&contact(id)).await, Ok(Reading::Gone), "{id}");
    }
    assert!(server.got("retrieve").is_empty());
}

#[tokio::test]
async fn a_record_that_a_map_refers_to_is_read_with_the_names_of_its_references() {
    for id in ["12x8589", "8589"] {
        let server = Replay::of(&[DESCRIBE, "A019_retrieve_contact"]).await;
        let fields = server.corebos().related(&contacts(), id).await.unwrap().unwrap();
        assert_eq!(fields.text("firstname"), Some("Ana"));
        assert!(fields.get("account_idename").is_some_and(|named| named.as_array().is_some()));
        assert_eq!(server.got("retrieve")[0].parameters["id"], "12x8589");
    }
}

#[tokio::test]
async fn a_reference_to_another_module_or_to_nothing_is_none() {
    let server = Replay::of(&[DESCRIBE]).await;
    let corebos = server.corebos();
    for id in ["11x8588", "", "abc", "12x1;drop", "99999999999"] {
        assert_eq!(corebos.related(&contacts(), id).await, Ok(None), "{id}");
    }
    assert!(server.got("retrieve").is_empty());
    let server = Replay::of(&[DESCRIBE, "A055_retrieve_deleted"]).await;
    assert_eq!(server.corebos().related(&contacts(), "12x8589").await, Ok(None));
}

#[tokio::test]
async fn not_permitted_is_not_gone() {
    let denied = Reply::recorded("A056_revise_deleted").to("retrieve");
    let server = Replay::with(vec![Reply::recorded(DESCRIBE), denied]).await;
    let found = server.corebos().read(&contact("12x8589")).await;
    assert!(matches!(found, Err(ConnectorError::Forbidden { .. })), "{found:?}");
}

#[tokio::test]
async fn a_search_quotes_its_value_and_is_exact() {
    let server = Replay::of(&[DESCRIBE, "A033_query_all"]).await;
    let found = server.corebos().find(&contacts(), &lookup("email", "ANA@acme.example")).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].reference, contact("12x8589"));
    assert_eq!(found[0].fields.text("lastname"), Some("García2"));
    assert!(found[0].modified.is_some() && !found[0].fields.contains("imagenamefullpath"));
    let asked = &server.got("query")[0];
    assert_eq!(asked.parameters["query"], "select * from Contacts where email='ANA@acme.example' limit 3;");
    assert!(!asked.has_query, "an e-mail address belongs into no web server's log");

    let server = Replay::of(&[DESCRIBE, "A038_query_empty"]).await;
    assert_eq!(server.corebos().find(&contacts(), &lookup("lastname", "O'Brien")).await, Ok(Vec::new()));
    assert!(server.got("query")[0].parameters["query"].contains("lastname='O''Brien'"));
}

#[tokio::test]
async fn who_searches_at_the_same_time_asks_once_and_gets_what_each_would_have_found() {
    let server = Replay::of(&[DESCRIBE, "A033_query_all"]).await;
    let corebos = server.corebos();
    let (contacts, values) =
        (contacts(), ["ANA@acme.example", "nobody@acme.example", "O'Brien@acme.example"]);
    let lookups = values.map(|value| lookup("email", value));
    let found = futures::future::join_all(lookups.iter().map(|lookup| corebos.find(&contacts, lookup))).await;
    let found: Vec<usize> = found.into_iter().map(|found| found.unwrap().len()).collect();
    assert_eq!(found, [1, 0, 0]);
    assert_eq!(server.got("query").len(), 1);
}

#[tokio::test]
async fn a_search_in_a_field_that_is_not_there_is_a_matter_of_configuration() {
    let server = Replay::of(&[DESCRIBE]).await;
    let found = server.corebos().find(&contacts(), &lookup("nosuch=1 or id", "x")).await;
    assert!(matches!(found, Err(ConnectorError::Misconfigured { .. })), "{found:?}");
    assert!(server.got("query").is_empty());
}

#[tokio::test]
async fn a_new_record_has_an_owner_and_no_date_of_today() {
    let server = Replay::of(&[DESCRIBE, "F010_create_contact_birthday_empty_string"]).await;
    let fields = values(&[("lastname", "Bd".into()), ("donotcall", Value::Bool(false))]);
    let record = server.corebos().create(&contacts(), &fields).await.unwrap();
    assert_eq!(record.reference, contact("12x8614"));
    assert_eq!(record.fields.text("birthday"), Some(""));
    let expected = json!({
        "lastname": "Bd", "donotcall": "0", "birthday": "", "support_start_date": "", "support_end_date": "",
        "assigned_user_id": "19x1",
    });
    assert_eq!(server.got("create")[0].element(), expected);
}

#[tokio::test]
async fn the_owner_of_a_new_record_comes_from_the_map_else_from_the_settings() {
    let name = "F010_create_contact_birthday_empty_string";
    for (mapped, expected) in [(None, "20x3"), (Some(""), "20x3"), (Some("19x7"), "19x7")] {
        let server = Replay::of(&[DESCRIBE, name]).await;
        let mut settings = CoreBosSettings::new(server.url.clone(), "admin", "geheim".into());
        settings.default_owner = Some("20x3".to_owned());
        let corebos = CoreBos::new("corebos:main".parse().unwrap(), settings).unwrap();
        let mut fields = values(&[("lastname", "Bd".into())]);
        if let Some(owner) = mapped {
            fields.insert("assigned_user_id", owner);
        }
        corebos.create(&contacts(), &fields).await.unwrap();
        assert_eq!(server.got("create")[0].element()["assigned_user_id"], expected, "{mapped:?}");
    }
}

#[tokio::test]
async fn refusals_come_with_corebos_words_and_the_field() {
    for (name, field) in
        [("A066_create_missing_mandatory", "lastname"), ("A070_create_wrong_module_reference", "account_id")]
    {
        let server = Replay::of(&[DESCRIBE, name]).await;
        let error =
            server.corebos().create(&contacts(), &values(&[("firstname", "x".into())])).await.unwrap_err();
        let ConnectorError::Rejected { message, fields } = error else { panic!("{name}: {error:?}") };
        assert!(fields.contains_key(field), "{name}: {message}");
    }
}

#[tokio::test]
async fn a_create_whose_answer_cannot_be_trusted_is_in_doubt_and_not_repeated() {
    for reply in [
        Reply::recorded("A071_create_bad_owner"),
        Reply::recorded("A089_query_err_unterminated").to("create"),
        Reply::other("create", 500, "text/html", ""),
        Reply::other("create", 200, "text/html", "<br /><b>Fatal error</b>"),
        Reply::other("create", 504, "text/html", "<h1>Gateway Time-out</h1>"),
        Reply::other("create", 200, "application/json", r#"{"success":true,"result":{}}"#),
        Reply::other("create", 200, "application/json", r#"{"success":true,"#),
    ] {
        let server = Replay::with(vec![Reply::recorded(DESCRIBE), reply.clone()]).await;
        let found = server.corebos().create(&contacts(), &values(&[("lastname", "x".into())])).await;
        assert!(matches!(found, Err(ConnectorError::Doubtful { .. })), "{}: {found:?}", reply.body);
        assert_eq!(server.got("create").len(), 1);
    }
}

#[tokio::test]
async fn an_update_revises_only_its_fields_and_never_the_owner() {
    let server = Replay::of(&[DESCRIBE, "A022_revise_contact_one_field"]).await;
    let fields =
        values(&[("phone", "555-2".into()), ("assigned_user_id", "19x7".into()), ("id", "12x1".into())]);
    let record = server.corebos().update(&contact("12x8589"), &fields).await.unwrap();
    assert_eq!(record.fields.text("phone"), Some("555-2"));
    assert_eq!(server.got("revise")[0].element(), json!({"id": "12x8589", "phone": "555-2"}));
}

#[tokio::test]
async fn an_update_of_the_owner_alone_writes_nothing() {
    let server = Replay::of(&[DESCRIBE, "A019_retrieve_contact"]).await;
    let fields = values(&[("assigned_user_id", "19x7".into())]);
    let record = server.corebos().update(&contact("12x8589"), &fields).await.unwrap();
    assert_eq!(record.fields.text("assigned_user_id"), Some("19x1"));
    assert!(server.got("revise").is_empty());
}

#[tokio::test]
async fn a_denied_update_tells_gone_from_forbidden() {
    let fields = values(&[("phone", "1".into())]);
    let server = Replay::of(&["A056_revise_deleted", DESCRIBE, "A055_retrieve_deleted"]).await;
    assert_eq!(server.corebos().update(&contact("12x8589"), &fields).await, Err(ConnectorError::Gone));
    let server = Replay::of(&["A056_revise_deleted", DESCRIBE, "A019_retrieve_contact"]).await;
    let found = server.corebos().update(&contact("12x8589"), &fields).await;
    assert!(matches!(found, Err(ConnectorError::Forbidden { .. })), "{found:?}");
}

#[tokio::test]
async fn a_blanked_mandatory_field_is_refused_by_its_name() {
    let server = Replay::of(&[DESCRIBE, "A082_revise_blank_mandatory"]).await;
    let found = server.corebos().update(&contact("12x8589"), &values(&[("accountname", "".into())])).await;
    let Err(ConnectorError::Rejected { fields, .. }) = found else { panic!("{found:?}") };
    assert_eq!(fields["accountname"], "Organization Name (accountname) does not have a value");
}

#[tokio::test]
async fn what_corebos_stored_compares_with_what_was_written() {
    let server = Replay::of(&[DESCRIBE, "A019_retrieve_contact"]).await;
    let corebos = server.corebos();
    let schema = corebos.schema(&contacts()).await.unwrap();
    let Reading::Found(record) = corebos.read(&contact("12x8589")).await.unwrap() else { panic!() };
    for (field, written) in [("donotcall", Value::Bool(true)), ("birthday", "1980-02-29".into())] {
        let stored = record.fields.get(field).unwrap();
        assert_eq!(schema.canonical(field, stored), schema.canonical(field, &written), "{field}");
        assert!(matches!(schema.canonical(field, stored), Canonical::Value(_)), "{field}");
    }
}

#[tokio::test]
async fn a_module_is_described_once_and_a_missing_one_is_named() {
    let server = Replay::of(&[DESCRIBE]).await;
    let corebos = server.corebos();
    let module = contacts();
    let (first, second) = tokio::join!(corebos.schema(&module), corebos.schema(&module));
    assert!(first.unwrap().has("mautic_id") && second.unwrap().has("mautic_id"));
    assert_eq!(server.got("describe").len(), 1);

    let server = Replay::of(&["A084_describe_bad_module"]).await;
    let error = server.corebos().schema(&ObjectName::new("Nope")).await.unwrap_err();
    assert!(
        matches!(&error, ConnectorError::Misconfigured { detail } if detail.contains("`Nope`")),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_page_of_html_in_the_middle_of_a_session_is_a_fault_of_the_moment() {
    let html = Reply::other("retrieve", 200, "text/html", "<html>Permission denied</html>");
    let server = Replay::with(vec![Reply::recorded(DESCRIBE), html]).await;
    let found = server.corebos().read(&contact("12x8589")).await;
    assert!(matches!(found, Err(ConnectorError::Unavailable { .. })), "{found:?}");
}

#[tokio::test]
async fn a_failed_validation_names_its_fields() {
    let body = r#"{"success":false,"result":{"email":["is not unique","is odd"]}}"#;
    let server =
        Replay::with(vec![Reply::recorded(DESCRIBE), Reply::other("revise", 200, "application/json", body)])
            .await;
    let found = server.corebos().update(&contact("12x8589"), &values(&[("email", "x".into())])).await;
    let Err(ConnectorError::Rejected { fields, .. }) = found else { panic!("{found:?}") };
    assert_eq!(fields["email"], "is not unique; is odd");
}

#[tokio::test]
async fn the_url_may_name_the_script_or_not() {
    for suffix in ["", "/", "/webservice.php", "/crm", "/crm/webservice.php"] {
        let server = Replay::with(Vec::new()).await;
        let url = format!("{}{suffix}", server.url);
        let settings = CoreBosSettings::new(url, "admin", "geheim".into());
        let corebos = CoreBos::new("corebos:main".parse().unwrap(), settings).unwrap();
        corebos.identity().await.unwrap();
        let expected = if suffix.contains("crm") { "/crm/webservice.php" } else { "/webservice.php" };
        assert_eq!(server.got("login")[0].path, expected, "{suffix}");
        assert_eq!(server.calls(), 2);
    }
}

#[test]
fn settings_that_cannot_work_are_refused_before_any_call() {
    let system: model::System = "corebos:main".parse().unwrap();
    for url in ["http://crm.example.com", "crm.example.com", "https://u:geheim@crm.example.com"] {
        let error = CoreBos::new(system.clone(), CoreBosSettings::new(url, "u", "k".into())).unwrap_err();
        assert_eq!(error.code(), "configuration", "{url}");
        assert!(!error.to_string().contains("geheim"));
    }
    let mut settings = CoreBosSettings::new("https://crm.example.com", "u", "k".into());
    settings.default_owner = Some("admin".to_owned());
    assert_eq!(CoreBos::new(system, settings).unwrap_err().code(), "configuration");
}
