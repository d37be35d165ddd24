//! While coreBOS's own integration is switched on, nothing is pushed; once it is off, changes go on by themselves.

use scenarios::{Folder, Program, Unusual, World, text, unusual_world, world};
use serde_json::{Value, json};
use simulators::corebos::{OtherWorkflow, Trigger};

use crate::BRIDGE;

/// Nobody listens there; what matters is where it leads.
const COREBOS_S_OWN: &str = "http://127.0.0.1:9/notifications.php?type=mauticcontact";

fn ana() -> Value {
    json!({ "firstname": "Ana", "lastname": "Pérez", "email": "ana@example.org" })
}

async fn until_it_waits(world: &mut World) -> String {
    let waits = |line: &Value| text(line, "reason") == "other_integration";
    text(&world.until_told("change waits for an administrator", waits).await, "detail")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_of_corebos_s_own_integration_keeps_the_pair_from_starting_until_it_is_off() {
    let mut world = world(BRIDGE).await;
    let events = ["mautic.lead_post_save_new"];
    let rival = world.systems.mautic.add_webhook(COREBOS_S_OWN, "another secret", &events);
    let id = world.new_contact(&ana()).await;
    let detail = until_it_waits(&mut world).await;
    assert!(detail.contains(&format!("webhook {rival} of Mautic")), "{detail}");
    assert_eq!((world.corebos_writes(), world.waiting()), (0, 1));
    assert!(world.systems.mautic.switch_webhook_off(rival));
    let told = world.poll_at_once("poll-mautic").await;
    assert_eq!(told["other_integrations"], 0, "{told}");
    world.corebos_contact_of(id).await;
    world.quiet().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_writes_nothing_beside_another_integration_and_can_be_tried() {
    let folder = Folder::new();
    let mut world = world(BRIDGE).await;
    world.announce(&folder);
    world.systems.mautic.add_webhook(COREBOS_S_OWN, "another secret", &["mautic.lead_post_save_new"]);
    world.systems.mautic.create_contact(&ana()).await.unwrap();
    let data = folder.path().display().to_string();
    let arguments = ["import", "--pair", "contacts", "--from", "mautic", "--data", &data];
    let tried = Program::start(BRIDGE, arguments.into_iter().chain(["--dry-run"])).end().await;
    assert!(tried.code == Some(0) && tried.text().contains("create"), "{}", tried.text());
    let refused = Program::start(BRIDGE, arguments).end().await;
    assert_eq!(refused.code, Some(1), "{}", refused.text());
    assert!(refused.text().contains("another integration is switched on"), "{}", refused.text());
    assert_eq!(world.corebos_writes(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn workflows_of_corebos_s_own_integration_are_found_by_the_poll_and_stop_a_pair_that_works() {
    let folder = Folder::new();
    let mut world = unusual_world(BRIDGE, Unusual::kept_in(&folder), |config| config).await;
    world.linked_contact(&ana()).await;
    world.systems.corebos.add_other_workflow(OtherWorkflow {
        module: "Contacts".to_owned(),
        trigger: Trigger::Modification,
        name: "send to marketing".to_owned(),
        conditions: r#"[{"fieldname":"from_externalsource","operation":"is empty","value":""}]"#.to_owned(),
        active: true,
    });
    // Its functions do nothing while the integration is switched off.
    assert_eq!(world.poll_at_once("poll-corebos").await["other_integrations"], 0);
    world.systems.corebos.put_setting("mautic_isactive", "1");
    assert_eq!(world.poll_at_once("poll-corebos").await["other_integrations"], 1);
    // A push function that runs reads within a minute what was seen; a new one, at once.
    let config = world.systems.config().unwrap();
    let mut world = world.with_stack(BRIDGE, &config, Unusual::kept_in(&folder)).await;
    let second = world.new_contact(&json!({ "lastname": "Second" })).await;
    let detail = until_it_waits(&mut world).await;
    assert!(detail.contains("send to marketing"), "{detail}");
    assert_eq!(world.corebos_contacts_with("lastname", "Second"), 0);
    world.systems.corebos.put_setting("mautic_isactive", "0");
    assert_eq!(world.poll_at_once("poll-corebos").await["other_integrations"], 0);
    world.corebos_contact_of(second).await;
    world.quiet().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_can_let_both_run() {
    let mut world = world(BRIDGE).await;
    let events = ["mautic.company_post_save"];
    world.systems.mautic.add_webhook(COREBOS_S_OWN, "another secret", &events);
    let id = world.new_contact(&ana()).await;
    until_it_waits(&mut world).await;
    let allowed = json!({ "allow_other_integration": true });
    world.local.store.put_setting("pair:mautic-contacts", &allowed).await.unwrap();
    world.corebos_contact_of(id).await;
    world.quiet().await;
    world.stop().await;
}
