//! An OAuth client: how its writes are told, and how a wrong secret is.

use std::sync::Arc;

use connector_mautic::{Mautic, MauticSettings};
use serde_json::json;
use sync::memory::MemorySessions;
use sync::{Connector as _, Writer};

use crate::client::{FIELDS, contact, oauth, users, values};
use crate::replay::{Replay, Reply};

#[tokio::test]
async fn what_an_oauth_client_has_written_is_known_as_its_own() {
    let mut script = ["I53-oauth_token", "I57-oauth_users_self", FIELDS]
        .map(|name| Reply::Recorded(crate::recorded::exchange(name)))
        .to_vec();
    script.push(Reply::Recorded(crate::recorded::exchange("I56-oauth_patch")));
    script.push(users());
    let server = Replay::with(script).await;
    let mautic = server.mautic_as(oauth());
    let stored = mautic.update(&contact("1"), &values(&[("city", "OAuthville".into())])).await.unwrap();
    assert_eq!(stored.last_writer, Writer::Us);
}

#[tokio::test]
async fn a_wrong_client_secret_is_a_matter_of_credentials() {
    let server = Replay::of(&["I54-oauth_token_bad_secret"]).await;
    let error = server.mautic_as(oauth()).identity().await.unwrap_err();
    assert_eq!(error.code(), "credentials");
    assert!(!format!("{error} {error:?}").contains("geheim"));
}

#[tokio::test]
async fn processes_share_a_token_and_replace_it_once() {
    let mut refused = crate::recorded::exchange("E31-err_401_bad_bearer");
    refused.request.path = "/api/contacts/1".to_owned();
    let mut second = crate::recorded::exchange("I53-oauth_token");
    second.response.body["access_token"] = json!("the second token");
    let recorded = |name| Reply::Recorded(crate::recorded::exchange(name));
    let mut script =
        ["I53-oauth_token", "I57-oauth_users_self", "I57-oauth_users_self"].map(recorded).to_vec();
    script.push(Reply::Recorded(second));
    for _ in 0..2 {
        script.extend([Reply::Recorded(refused.clone()), recorded("B02-contact_get")]);
    }
    let server = Replay::with(script).await;
    let first = MemorySessions::default();
    let processes: [Mautic; 2] = std::array::from_fn(|_| {
        let mut settings = MauticSettings::new(server.url.clone(), oauth());
        settings.shared_sessions = Arc::new(first.of_another_process());
        Mautic::new("mautic:main".parse().unwrap(), settings).unwrap()
    });
    for process in &processes {
        process.identity().await.unwrap();
    }
    assert_eq!(server.got_at("/oauth/v2/token").len(), 1);
    for process in &processes {
        assert!(process.read(&contact("1")).await.is_ok());
    }
    assert_eq!(server.got_at("/oauth/v2/token").len(), 2);
    let last = server.got_at("/api/contacts/1").pop().unwrap();
    assert_eq!(last.authorization.as_deref(), Some("Bearer the second token"));
}
