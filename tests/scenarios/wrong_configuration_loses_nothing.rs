//! A wrong URL, password, key or map stops the changes with words that help, and once it is mended they arrive.

use std::path::PathBuf;

use aws::Secrets;
use aws::secrets::SecretPlace;
use bridge::config::Config;
use bridge::local::SECRET;
use model::SystemKind;
use scenarios::{Folder, Unusual, World, Written, simulators, text, world_of};
use serde_json::{Value, json};

use crate::BRIDGE;

/// A world whose configuration was written wrong.
async fn wrongly_configured(unusual: Unusual, wrong: impl FnOnce(&mut Written)) -> (World, Written) {
    let systems = simulators().await;
    let right = Written::of(&systems);
    let mut written = right.clone();
    wrong(&mut written);
    (world_of(BRIDGE, systems, &written.config(), unusual).await, right)
}

/// Waits for the log line that tells an administrator what to do.
async fn stopped(world: &mut World, reason: &str, words: &str) -> Value {
    let line = world
        .until_told("change waits for an administrator", |line| {
            text(line, "reason") == reason && text(line, "detail").contains(words)
        })
        .await;
    assert_eq!((text(&line, "level"), text(&line, "outcome")), ("ERROR".to_owned(), "stopped".to_owned()));
    line
}

/// Puts the credentials of one system into the secret that all share.
async fn put_secret(world: &World, kind: SystemKind, value: &Value) {
    let secrets = Secrets::new(world.local.clients.secrets_manager.clone(), aws::SystemClock);
    let place = SecretPlace { arn: SECRET.to_owned(), kind };
    secrets.change(&place, |members| members.clone_from(value.as_object().unwrap())).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_of_mautic_is_mended_in_the_secret_and_the_change_arrives() {
    let (mut world, right) =
        wrongly_configured(Unusual::default(), |written| written.password = "wrong".to_owned()).await;
    let id = world.new_contact(&json!({ "lastname": "Patient" })).await;
    stopped(&mut world, "credentials", "Mautic refuses the credentials").await;
    assert_eq!(world.corebos_writes(), 0);
    let config = right.config();
    put_secret(&world, SystemKind::Mautic, &config.mautic_secret().unwrap()).await;
    world.corebos_contact_of(id).await;
    world.quiet().await;
    assert_eq!((world.corebos_writes(), world.parked().await.len()), (1, 0));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_access_key_of_corebos_is_mended_in_the_secret_and_the_change_arrives() {
    let (mut world, right) = wrongly_configured(Unusual::default(), |_| {}).await;
    world.linked_contact(&json!({ "lastname": "Before" })).await;
    let key = world.systems.corebos.rotate_access_key("sync").unwrap();
    // Open sessions outlive the key; this one ends, as sessions do.
    world.systems.corebos.expire_sessions();
    let id = world.new_contact(&json!({ "lastname": "Patient" })).await;
    stopped(&mut world, "credentials", "check the user name and the access key").await;
    let config = Written { access_key: key, ..right }.config();
    put_secret(&world, SystemKind::CoreBos, &config.corebos_secret().unwrap()).await;
    world.corebos_contact_of(id).await;
    world.quiet().await;
    assert_eq!((world.corebos_writes(), world.parked().await.len()), (2, 0));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_lacks_a_key_is_named_with_the_key() {
    let (mut world, right) = wrongly_configured(Unusual::default(), |_| {}).await;
    put_secret(&world, SystemKind::CoreBos, &json!({ "username": "sync" })).await;
    let id = world.new_contact(&json!({ "lastname": "Patient" })).await;
    let line = stopped(&mut world, "credentials", "access_key").await;
    assert!(text(&line, "detail").contains(SECRET), "{line}");
    put_secret(&world, SystemKind::CoreBos, &right.config().corebos_secret().unwrap()).await;
    world.corebos_contact_of(id).await;
    world.stop().await;
}

/// Starts with a wrong URL, waits for the words about it, and starts again with the right one.
async fn mended_url(wrong: impl FnOnce(&mut Written), message: &str, reason: &str, words: &str) {
    let folder = Folder::new();
    let (mut world, right) = wrongly_configured(Unusual::kept_in(&folder), wrong).await;
    let id = world.new_contact(&json!({ "lastname": "Patient" })).await;
    let line = world
        .until_told(message, |line| text(line, "reason") == reason && text(line, "detail").contains(words))
        .await;
    assert_eq!(text(&line, "record.id"), id.to_string());
    assert!(world.waiting() > 0, "the change is still in the queue");
    let mut world = world.with_stack(BRIDGE, &right.config(), Unusual::kept_in(&folder)).await;
    world.corebos_contact_of(id).await;
    world.quiet().await;
    assert_eq!((world.corebos_writes(), world.parked().await.len()), (1, 0));
    world.stop().await;
}

const NOBODY: &str = "http://127.0.0.1:9";

#[tokio::test(flavor = "multi_thread")]
async fn a_url_of_corebos_where_nobody_listens_waits() {
    mended_url(|written| written.corebos_url = NOBODY.to_owned(), "change waits", "unavailable", "connect")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_of_mautic_where_nobody_listens_waits() {
    mended_url(|written| written.mautic_url = NOBODY.to_owned(), "change waits", "unavailable", "connect")
        .await;
}

const STOPPED: &str = "change waits for an administrator";

#[tokio::test(flavor = "multi_thread")]
async fn a_url_of_corebos_that_is_another_web_server_stops_and_says_so() {
    let elsewhere = |written: &mut Written| written.corebos_url.clone_from(&written.mautic_url);
    mended_url(elsewhere, STOPPED, "configuration", "check the URL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_of_mautic_that_is_another_web_server_stops_and_says_so() {
    let elsewhere = |written: &mut Written| written.mautic_url.clone_from(&written.corebos_url);
    mended_url(elsewhere, STOPPED, "configuration", "check the URL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_that_is_switched_off_stops_until_it_is_switched_on() {
    let (mut world, _) = wrongly_configured(Unusual::default(), |_| {}).await;
    world.systems.mautic.set_api_enabled(false, true);
    let id = world.new_contact(&json!({ "lastname": "Patient" })).await;
    stopped(&mut world, "configuration", "API disabled").await;
    world.systems.mautic.set_api_enabled(true, true);
    world.corebos_contact_of(id).await;
    world.stop().await;
}

const NOT_XML: &str = "<map>\n  <fields>\n    <field><fieldname>lastname</fieldname>\n";
const ENTITY_BOMB: &str = "<?xml version=\"1.0\"?>\n<!DOCTYPE map [\n  <!ENTITY a \"aaaaaaaaaa\">\n  <!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">\n]>\n<map><originmodule>&b;</originmodule></map>\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_map_file_is_refused_with_file_line_and_column() {
    let folder = Folder::new();
    for (name, xml, position) in [("not-xml.xml", NOT_XML, ":3:5:"), ("bomb.xml", ENTITY_BOMB, ":2:1:")] {
        let path = folder.write(name, xml);
        let systems = simulators().await;
        let written =
            Written { more: format!("[maps]\nMauticToContacts = {name:?}\n"), ..Written::of(&systems) };
        let config = Config::parse(&written.text(), PathBuf::from(folder.path())).unwrap();
        let error = bridge::local::start(&config, bridge::local::LocalOptions::default()).await;
        let words = format!("{:#}", error.expect_err("the stack starts with a broken map"));
        assert!(words.contains(&path.display().to_string()) && words.contains(position), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_map_in_the_table_stops_the_pair_and_loses_nothing() {
    for (xml, position) in [(NOT_XML, "MauticToContacts:3:5:"), (ENTITY_BOMB, "MauticToContacts:2:1:")] {
        let (mut world, _) = wrongly_configured(Unusual::default(), |_| {}).await;
        world.local.store.put_setting("map:MauticToContacts", &xml).await.unwrap();
        let id = world.new_contact(&json!({ "lastname": "Patient" })).await;
        stopped(&mut world, "map", position).await;
        assert_eq!(world.corebos_writes(), 0);
        world.local.store.delete_setting("map:MauticToContacts").await.unwrap();
        world.corebos_contact_of(id).await;
        world.quiet().await;
        assert_eq!((world.corebos_writes(), world.parked().await.len()), (1, 0));
        world.stop().await;
    }
}
