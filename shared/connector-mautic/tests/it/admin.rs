//! What the commands of an administrator ask of Mautic, against recorded answers.

use connector_mautic::admin::{Account, WebhookChange};
use connector_mautic::{COMPANY, CONTACT};
use model::ObjectName;
use secrecy::SecretString;
use serde_json::json;
use sync::{ConnectorError, Opens as _};

use crate::recorded::exchange;
use crate::replay::{Replay, Reply};

#[tokio::test]
async fn the_role_of_our_user_is_told_right_by_right() {
    let server = Replay::of(&["A40-users_self_limited"]).await;
    let limited = server.mautic().account().await.unwrap();
    assert!(!limited.is_administrator);
    assert_eq!(
        limited.missing(&Account::TO_SYNC),
        ["lead:leads create", "lead:leads editown", "lead:leads editother", "lead:fields view"]
    );
    assert_eq!(limited.missing(&Account::TO_WATCH_WEBHOOKS).len(), 3);
    let server = Replay::of(&["A41-users_self_sync"]).await;
    let sync = server.mautic().account().await.unwrap();
    assert_eq!(sync.missing(&Account::TO_SYNC), ["lead:fields view"]);
    assert_eq!(sync.missing(&Account::TO_SET_UP), ["lead:fields full"]);
    assert_eq!(sync.version.as_deref(), Some("5.1.0"));
    assert!(sync.server_time.is_some());
    let server = Replay::of(&["I57-oauth_users_self"]).await;
    assert!(server.mautic().account().await.unwrap().missing(&Account::TO_WATCH_WEBHOOKS).is_empty());
    let server = Replay::of(&["A01-users_self"]).await;
    let admin = server.mautic().account().await.unwrap();
    assert!(admin.is_administrator && admin.missing(&Account::TO_SET_UP).is_empty());
}

#[tokio::test]
async fn a_field_is_created_as_the_bridge_needs_it() {
    let server = Replay::of(&["A05-field_new_contact_corebos_id"]).await;
    let field =
        server.mautic().create_text_field(&ObjectName::new(CONTACT), "coreBOS ID", "corebos_id").await;
    let field = field.unwrap();
    assert_eq!((field.alias.as_str(), field.is_ready), ("corebos_id", true));
    // What was sent is what was recorded.
    let sent = server.got_at("/api/fields/contact/new")[0].json();
    assert_eq!(sent, exchange("A05-field_new_contact_corebos_id").request.body);
}

#[tokio::test]
async fn an_alias_that_the_other_object_uses_is_refused_and_a_long_one_comes_back_cut() {
    let server = Replay::of(&["A07-field_new_company_corebos_id"]).await;
    let refused = server.mautic().create_text_field(&ObjectName::new(COMPANY), "x", "corebos_id").await;
    let Err(ConnectorError::Rejected { fields, .. }) = refused else { panic!("{refused:?}") };
    assert!(fields["alias"].contains("already using this alias"), "{fields:?}");
    let long = "A19-field_new_contact_a_very_long_alias_that_is_more_than_25_chars";
    let server = Replay::of(&[long]).await;
    let object = ObjectName::new(CONTACT);
    let field = server.mautic().create_text_field(&object, "x", "a_very_long_alias_that_is").await.unwrap();
    assert_eq!(field.alias.len(), 25);
}

#[tokio::test]
async fn a_webhook_is_created_with_its_secret_and_changed_by_patch_alone() {
    let server = Replay::of(&["A24-hook_new_all", "A31-hook_patch_triggers"]).await;
    let mautic = server.mautic();
    let secret = SecretString::from("peer-secret-1");
    let triggers = ["mautic.lead_post_delete", "mautic.company_post_save"];
    let new = WebhookChange {
        name: Some("all events"),
        url: Some("http://127.0.0.1:9098/hook?x=1"),
        secret: Some(&secret),
        triggers: &triggers,
        oldest_first: true,
        is_published: Some(true),
    };
    let created = mautic.create_webhook(&new).await.unwrap();
    assert_eq!((created.id, created.is_published), (1, true));
    assert_eq!(created.events_orderby_dir.as_deref(), Some("ASC"));
    assert_eq!(created.signs_with(&["old".into(), secret.clone()]), Some(1));
    assert!(created.lacks(&triggers).is_empty());
    assert_eq!(created.lacks(&["mautic.lead_post_delete", "mautic.new"]), ["mautic.new"]);
    let sent = server.got_at("/api/hooks/new")[0].json();
    assert_eq!(sent["secret"], "peer-secret-1");
    assert_eq!(sent["eventsOrderbyDir"], "ASC");
    let change = WebhookChange { triggers: &["mautic.page_on_hit"], ..WebhookChange::default() };
    let changed = mautic.change_webhook(2, &change).await.unwrap();
    assert_eq!(changed.triggers, ["mautic.lead_post_delete", "mautic.page_on_hit"]);
    let sent = &server.got_at("/api/hooks/2/edit")[0];
    assert_eq!((sent.method.as_str(), sent.json()), ("PATCH", json!({ "triggers": ["mautic.page_on_hit"] })));
}

#[tokio::test]
async fn a_url_that_mautic_refuses_is_told_in_its_words() {
    let server = Replay::of(&["A30-hook_new_bad_url"]).await;
    let change = WebhookChange { url: Some("not a url"), ..WebhookChange::default() };
    let refused = server.mautic().create_webhook(&change).await;
    assert!(
        matches!(&refused, Err(ConnectorError::Rejected { fields, .. }) if fields.contains_key("webhookUrl"))
    );
}

#[tokio::test]
async fn webhooks_and_the_events_that_there_are_are_listed() {
    let server = Replay::of(&["A35-hooks_list", "A02-hooks_triggers"]).await;
    let mautic = server.mautic();
    let hooks = mautic.webhooks().await.unwrap();
    assert_eq!(hooks.len(), 1);
    assert!(
        hooks[0].leads_to("http://127.0.0.1:9098/hook?x=1") && !hooks[0].leads_to("http://127.0.0.1:9098/")
    );
    let triggers = mautic.triggers().await.unwrap();
    let deleted = triggers.iter().find(|trigger| trigger.key == "mautic.lead_post_delete").unwrap();
    assert_eq!(deleted.label, "Contact Deleted Event");
}

#[tokio::test]
async fn every_reason_for_a_403_is_told_apart() {
    for (recorded, words) in
        [("I45-err_api_disabled", "API disabled"), ("I44-err_basic_auth_disabled", "Basic Auth disabled")]
    {
        let mut reply = exchange(recorded);
        reply.request.path = "/api/users/self".to_owned();
        let server = Replay::with(vec![Reply::Recorded(reply)]).await;
        let refused = server.mautic().account().await.unwrap_err();
        assert!(matches!(refused, ConnectorError::Misconfigured { .. }), "{refused:?}");
        assert!(refused.to_string().contains(words), "{refused}");
    }
    let server = Replay::of(&["E35-err_403_limited_hooks"]).await;
    let refused = server.mautic().webhooks().await.unwrap_err();
    assert!(matches!(refused, ConnectorError::Forbidden { .. }), "{refused:?}");
    assert!(refused.to_string().contains("webhook:webhooks viewown"), "{refused}");
    let mut reply = exchange("E28-err_401_bad_password");
    reply.request.path = "/api/users/self".to_owned();
    let server = Replay::with(vec![Reply::Recorded(reply)]).await;
    let refused = server.mautic().account().await.unwrap_err();
    assert!(matches!(refused, ConnectorError::Unauthorized { .. }), "{refused:?}");
}

#[tokio::test]
async fn the_webhooks_of_another_integration_are_told_while_they_are_on() {
    let mut reply = exchange("A35-hooks_list");
    assert!(Replay::of(&["A35-hooks_list"]).await.mautic().other_integrations().await.unwrap().is_empty());
    let url = "https://crm.example.com/notifications.php?type=mauticcontact";
    reply.response.body["hooks"]["1"]["webhookUrl"] = json!(url);
    let on = Replay::with(vec![Reply::Recorded(reply.clone())]).await;
    let told = on.mautic().other_integrations().await.unwrap();
    assert!(told.len() == 1 && told[0].contains("all events"), "{told:?}");
    reply.response.body["hooks"]["1"]["isPublished"] = json!(false);
    let off = Replay::with(vec![Reply::Recorded(reply)]).await;
    assert!(off.mautic().other_integrations().await.unwrap().is_empty());
}
