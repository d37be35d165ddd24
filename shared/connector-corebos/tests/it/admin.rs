//! What the commands of an administrator ask of coreBOS, against recorded answers where there are any.

use connector_corebos::admin::{WEBSERVICE_MAP, WebhookEvent, webservice_map};
use model::ObjectName;
use serde_json::json;
use sync::{ConnectorError, KeepsMaps as _, Opens as _};

use crate::replay::{Replay, Reply, exchange};

fn rows(rows: &serde_json::Value) -> Reply {
    let body = json!({ "success": true, "result": rows, "moreinfo": { "totalrows": "1" } });
    Reply::other("query", 200, "application/json", &body.to_string())
}

fn setting(value: &str) -> Reply {
    let body = json!({ "success": true, "result": value, "moreinfo": null });
    Reply::other("getSetting", 200, "application/json", &body.to_string())
}

#[tokio::test]
async fn a_map_is_created_as_it_was_recorded_and_revised_by_its_id() {
    let server = Replay::of(&["B006_create_cbmap_create", "E001_revise_cbmap_geturl"]).await;
    let corebos = server.corebos();
    let content = webservice_map("http://127.0.0.1:8199/cb/create", "bridge_key", WebhookEvent::Save);
    corebos.create_map("hook_create", WEBSERVICE_MAP, "Contacts", &content).await.unwrap();
    let sent = server.got("create")[0].clone();
    let recorded = exchange("B006_create_cbmap_create");
    let recorded: serde_json::Value =
        serde_json::from_str(recorded["request"]["params"]["element"].as_str().unwrap()).unwrap();
    assert_eq!(sent.parameters["elementType"], "cbMap");
    for member in ["mapname", "maptype", "targetname", "assigned_user_id"] {
        assert_eq!(sent.element()[member], recorded[member], "{member}");
    }
    corebos.change_map("37x8606", "<map/>").await.unwrap();
    assert_eq!(server.got("revise")[0].element(), json!({ "id": "37x8606", "content": "<map/>" }));
}

#[tokio::test]
async fn maps_are_found_by_name_whatever_its_letter_case() {
    let mut row = exchange("B006_create_cbmap_create")["response"]["body"]["result"].clone();
    row["mapname"] = json!("MauticTOContacts");
    let server = Replay::with(vec![rows(&json!([row]))]).await;
    let found = server.corebos().maps_named("MauticToContacts").await.unwrap();
    assert_eq!((found[0].id.as_str(), found[0].kind.as_str()), ("37x8603", WEBSERVICE_MAP));
    assert!(found[0].content.starts_with("<map>"));
    assert_eq!(
        server.got("query")[0].parameters["query"],
        "select * from cbMap where mapname='MauticToContacts' limit 3;"
    );
}

#[tokio::test]
async fn field_maps_are_asked_for_at_once_and_only_what_is_exactly_meant_counts() {
    let row = |name: &str, kind: &str, id: &str| {
        let mut row = exchange("B006_create_cbmap_create")["response"]["body"]["result"].clone();
        (row["mapname"], row["maptype"], row["id"]) = (json!(name), json!(kind), json!(id));
        row
    };
    let found = json!([
        row("MauticToContacts", "Mapping", "37x1"),
        row("mauticToContacts", "Mapping", "37x2"),
        row("MauticToContacts", "Condition Query", "37x3"),
        row("ContactsToMautic ", "Mapping", "37x4"),
        row("ContactsToMautic", "Mapping", "37x5"),
        row("ContactsToMautic", "Mapping", "37x6"),
    ]);
    let server = Replay::with(vec![rows(&found)]).await;
    let maps = server.corebos().field_maps(&["MauticToContacts", "ContactsToMautic"]).await.unwrap();
    let ids: Vec<_> = maps.iter().map(|map| (map.id.as_str(), map.name.as_str())).collect();
    let two = [("37x5", "ContactsToMautic"), ("37x6", "ContactsToMautic")];
    assert_eq!(ids, [[("37x1", "MauticToContacts")].as_slice(), &two].concat());
    assert!(maps[0].xml.starts_with("<map><originmodule>"), "the text as it was typed");
    assert_eq!(
        server.got("query")[0].parameters["query"],
        "select id,mapname,maptype,content from cbMap where mapname='MauticToContacts' or mapname='ContactsToMautic' \
         limit 40;"
    );
}

#[tokio::test]
async fn a_user_who_is_no_administrator_is_told_as_one() {
    // The columns of a user as recorded in G001, the rows as in A012.
    let admin = json!([{ "id": "19x1", "user_name": "admin", "is_admin": "on", "time_zone": "UTC" }]);
    let server = Replay::with(vec![rows(&admin)]).await;
    let account = server.corebos().account().await.unwrap();
    assert!(account.is_administrator && account.unfit_preferences.is_empty());
    let asked = exchange("A012_query_users")["request"]["params"]["query"].as_str().unwrap().to_owned();
    assert!(asked.contains("from Users"), "{asked}");
    assert_eq!(server.got("query")[0].parameters["query"], "select * from Users where id='19x1' limit 1;");
    let denied = Reply::recorded("A056_revise_deleted").to("query");
    let server = Replay::with(vec![denied]).await;
    assert!(!server.corebos().account().await.unwrap().is_administrator);
}

#[tokio::test]
async fn what_we_may_do_with_a_module_is_told_by_its_description() {
    let server = Replay::of(&["B001_describe_with_integration_fields_Contacts"]).await;
    let (description, rights) = server.corebos().described(&ObjectName::new("Contacts")).await.unwrap();
    assert!(rights.create && rights.update && rights.retrieve);
    assert_eq!(description["name"], "Contacts");
}

#[tokio::test]
async fn corebos_s_own_integration_is_seen_while_it_is_on_and_has_workflows() {
    let running = json!([
        { "module_name": "Contacts", "summary": "MauticSyncCreate", "execution_condition": "1", "active": "true" },
        { "module_name": "Contacts", "summary": "MauticSyncUpdate", "execution_condition": "4", "active": "false" },
        { "module_name": "Contacts", "summary": "Bridge: save", "execution_condition": "3", "active": "true" }
    ]);
    let server = Replay::with(vec![setting("1"), rows(&running), rows(&json!([]))]).await;
    let told = server.corebos().other_integrations().await.unwrap();
    assert!(told.len() == 1 && told[0].contains("MauticSyncCreate"), "{told:?}");
    assert_eq!(server.got("getSetting")[0].parameters["key"], "mautic_isactive");
    // Its functions do nothing while the setting is off, whatever workflows there are.
    let server = Replay::with(vec![setting("0")]).await;
    assert!(server.corebos().other_integrations().await.unwrap().is_empty());
    // What cannot be seen is not taken for none.
    let denied = Reply::recorded("A084_describe_bad_module").to("query");
    let server = Replay::with(vec![setting("1"), denied]).await;
    let unseen = server.corebos().other_integrations().await;
    assert!(matches!(unseen, Err(ConnectorError::Forbidden { .. })), "{unseen:?}");
}
