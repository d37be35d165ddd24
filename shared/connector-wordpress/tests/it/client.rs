//! The calls that connector-wordpress makes, answered by the stand-in for WordPress.

use connector_wordpress::{CONTACT_ID, TAGS, USER, WordPress, WordPressPreferences, WordPressSettings};
use model::{Fields, ObjectName, RecordRef, System, Value};
use simulators::faults::Fault;
use simulators::wordpress::{self, WordPressOptions, WordPressSimulator};
use sync::{Connector as _, ConnectorError, Lookup, Reading};

fn system() -> System {
    "wordpress:shop".parse().unwrap()
}

async fn site(plugin: bool) -> (WordPressSimulator, WordPress) {
    let site = wordpress::start(WordPressOptions { plugin, ..WordPressOptions::default() }).await.unwrap();
    let wordpress = connect(&site, "abcd EFGH 1234 ijkl MNOP 5678", false);
    (site, wordpress)
}

fn connect(site: &WordPressSimulator, password: &str, plain_permalinks: bool) -> WordPress {
    let mut settings = WordPressSettings::new(site.url(), "syncbot", password.into());
    settings.preferences = WordPressPreferences { plain_permalinks, ..WordPressPreferences::default() };
    WordPress::new(system(), &settings).unwrap()
}

fn user() -> ObjectName {
    ObjectName::new(USER)
}

fn reference(id: &str) -> RecordRef {
    RecordRef::new(&system(), &user(), id)
}

fn fields<const N: usize>(pairs: [(&str, &str); N]) -> Fields {
    pairs.into_iter().collect()
}

fn ana() -> Fields {
    fields([
        ("user_login", "ana@x.test"),
        ("user_email", "ana@x.test"),
        ("user_pass", "p-1"),
        ("first_name", "Ana"),
    ])
}

async fn found(wordpress: &WordPress, field: &str, value: &str) -> Vec<String> {
    let lookup = Lookup { field: field.to_owned(), value: value.to_owned() };
    let found = wordpress.find(&user(), &lookup).await.unwrap();
    found.into_iter().map(|record| record.reference.id).collect()
}

#[tokio::test]
async fn a_user_is_created_read_and_changed_field_by_field() {
    let (site, wordpress) = site(true).await;
    let mut values = ana();
    values.insert("role", "subscriber");
    values.insert(CONTACT_ID, 77_i64);
    values.insert(TAGS, Value::Array(["VIP", "Import to WordPress"].map(Value::from).into_iter().collect()));
    values.insert("send_notification", true);
    let created = wordpress.create(&user(), &values).await.unwrap();
    assert_eq!(created.fields.text("first_name"), Some("Ana"));
    assert_eq!(created.fields.text(CONTACT_ID), Some("77"));
    assert_eq!(created.fields.get("is_staff"), Some(&Value::Bool(false)));
    let changed = wordpress.update(&created.reference, &fields([("last_name", "Lopez")])).await.unwrap();
    assert_eq!(changed.fields.text("last_name"), Some("Lopez"));
    let Reading::Found(read) = wordpress.read(&created.reference).await.unwrap() else { panic!() };
    assert_eq!(read, changed);
    let tags = read.fields.get(TAGS).unwrap().to_json_text();
    assert_eq!(tags, "[\"VIP\",\"Import to WordPress\"]");
    let mails: Vec<_> = site.mails().into_iter().map(|mail| mail.subject).collect();
    assert_eq!(mails, ["Login Details"]);
}

#[tokio::test]
async fn an_address_is_found_exactly_and_in_any_case() {
    let (site, wordpress) = site(true).await;
    let id = site.add_user("ana", "Ana+1@x.test", "subscriber").to_string();
    site.add_user("other", "xana+1@x.test", "subscriber");
    assert_eq!(found(&wordpress, "user_email", "ana+1@X.test").await, [id]);
    assert!(found(&wordpress, "user_email", "nobody@x.test").await.is_empty());
}

#[tokio::test]
async fn an_address_that_is_part_of_many_is_found_on_a_later_page() {
    let (site, wordpress) = site(true).await;
    for number in 0..150 {
        site.add_user(&format!("a{number:03}"), &format!("{number}ana@x.test"), "subscriber");
    }
    let id = site.add_user("zoe", "ana@x.test", "subscriber").to_string();
    assert_eq!(found(&wordpress, "user_email", "ana@x.test").await, [id]);
}

#[tokio::test]
async fn the_stored_contact_finds_a_user_with_the_plugin_and_nobody_without_it() {
    let (site, wordpress) = site(true).await;
    let mut values = ana();
    values.insert(CONTACT_ID, "77");
    let id = wordpress.create(&user(), &values).await.unwrap().reference.id;
    assert_eq!(found(&wordpress, CONTACT_ID, "77").await, [id]);
    assert!(found(&wordpress, CONTACT_ID, "7").await.is_empty());
    drop(site);
    let (_stock, without) = self::site(false).await;
    assert!(found(&without, CONTACT_ID, "77").await.is_empty());
    let schema = without.schema(&user()).await.unwrap();
    assert!(!schema.has_plugin() && schema.meta().is_empty());
}

#[tokio::test]
async fn who_is_taken_is_named_and_no_doubt() {
    let (_site, wordpress) = site(true).await;
    wordpress.create(&user(), &ana()).await.unwrap();
    let named = async |values: Fields| match wordpress.create(&user(), &values).await.unwrap_err() {
        ConnectorError::Rejected { fields, .. } => fields.into_keys().collect::<Vec<_>>(),
        other => panic!("{other}"),
    };
    assert_eq!(named(ana()).await, ["user_login"]);
    let mut other_login = ana();
    other_login.insert("user_login", "ana2");
    assert_eq!(named(other_login).await, ["user_email"]);
    let mut bad = fields([("user_login", "b"), ("user_email", "b@x.test"), ("user_pass", "a\\b")]);
    assert_eq!(named(bad.clone()).await, ["user_pass"]);
    bad.insert("user_pass", "p");
    bad.insert("role", "nosuch");
    assert_eq!(named(bad).await, ["role"]);
}

#[tokio::test]
async fn staff_is_known_without_the_plugin_and_kept_from_us_with_it() {
    let id_of = |site: &WordPressSimulator, login: &str| {
        site.users().into_iter().find(|user| user.login == login).unwrap().id.to_string()
    };
    let (plain, wordpress) = site(false).await;
    for (login, is_staff) in [("admin", true), ("editor1", true), ("sub1", false), ("syncbot", true)] {
        let read = wordpress.read(&reference(&id_of(&plain, login))).await.unwrap();
        let Reading::Found(read) = read else { panic!("{login}") };
        assert_eq!(read.fields.get("is_staff"), Some(&Value::Bool(is_staff)), "{login}");
    }
    let (guarded, wordpress) = site(true).await;
    for login in ["admin", "editor1"] {
        let hidden = wordpress.read(&reference(&id_of(&guarded, login))).await;
        assert!(matches!(hidden, Err(ConnectorError::Forbidden { .. })), "{login}: {hidden:?}");
    }
    let read = wordpress.read(&reference(&id_of(&guarded, "sub1"))).await.unwrap();
    assert!(matches!(read, Reading::Found(_)), "{read:?}");
    let refused = wordpress.update(&reference("1"), &fields([("first_name", "Boss")])).await.unwrap_err();
    assert!(matches!(refused, ConnectorError::Forbidden { .. }), "{refused}");
}

#[tokio::test]
async fn errors_are_named_by_what_happens_next() {
    let (site, wordpress) = site(true).await;
    assert_eq!(
        wordpress.update(&reference("999"), &fields([("first_name", "x")])).await,
        Err(ConnectorError::Gone)
    );
    assert_eq!(wordpress.read(&reference("999")).await, Ok(Reading::Gone));
    let read = async || wordpress.read(&reference("1")).await.unwrap_err().code();
    let write =
        async || wordpress.update(&reference("3"), &fields([("first_name", "x")])).await.unwrap_err().code();
    for (status, on_read, on_write) in [
        (429, "rate_limited", "rate_limited"),
        (403, "configuration", "configuration"),
        (502, "unavailable", "doubtful"),
        (301, "configuration", "configuration"),
    ] {
        site.faults().add(Fault::status(status));
        assert_eq!((read().await, write().await), (on_read, on_write), "{status}");
        site.faults().clear();
    }
    site.set_maintenance(true);
    assert_eq!((read().await, write().await), ("unavailable", "unavailable"));
    site.set_maintenance(false);
    site.set_database_away(true);
    assert_eq!((read().await, write().await), ("unavailable", "doubtful"));
}

#[tokio::test]
async fn a_stranger_is_told_so_although_wordpress_answers_200_to_strangers() {
    let (site, _) = site(true).await;
    let stranger = connect(&site, "wrong", false);
    let lookup = Lookup { field: "user_email".to_owned(), value: "sub1@wp.test".to_owned() };
    let refused = stranger.find(&user(), &lookup).await.unwrap_err();
    assert!(matches!(refused, ConnectorError::Unauthorized { .. }), "{refused}");
    assert!(!format!("{stranger:?}{refused}").contains("wrong"));
    assert_eq!(stranger.ask_for_account().await.unwrap_err().code(), "credentials");
}

#[tokio::test]
async fn a_site_with_plain_permalinks_is_reached_too() {
    let (site, _) = site(true).await;
    let plain = connect(&site, "abcdEFGH1234ijklMNOP5678", true);
    assert_eq!(plain.identity().await.unwrap(), format!("{} as user 4", site.url()));
    let id = plain.create(&user(), &ana()).await.unwrap().reference.id;
    assert_eq!(found(&plain, "user_email", "ana@x.test").await, [id]);
}
