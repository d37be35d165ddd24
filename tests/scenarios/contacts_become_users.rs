//! Contacts of Mautic become users of a site, once each, and are kept up to date; whoever works on the site is safe.

use scenarios::{Unusual, World, text, wordpress_systems, world_of};
use serde_json::{Value, json};
use simulators::faults::{Fault, FaultKind};
use simulators::wordpress::WordPressOptions;

use crate::BRIDGE;

async fn world(preferences: Value) -> World {
    World::with_wordpress_as(BRIDGE, &preferences, WordPressOptions::default()).await
}

async fn contact(world: &World, first: &str, more: Value) -> u64 {
    let mut fields =
        json!({ "firstname": first, "lastname": "Doe", "email": format!("{}@x.test", first.to_lowercase()) });
    for (name, value) in more.as_object().into_iter().flatten() {
        fields[name] = value.clone();
    }
    world.new_contact(&fields).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_makes_a_user_and_updates_it_and_nobody_else_s_campaign_does() {
    let mut world = World::with_wordpress(BRIDGE).await;
    let id = contact(&world, "Ana", json!({ "tags": ["VIP", "A, B"] })).await;
    world.campaign_for("update", id, &[]).await;
    assert_eq!(text(&world.last_pushed(), "outcome"), "not_found", "an update makes nobody");
    world.campaign_for("add", id, &[("role", "Customer"), ("send_notification", "true")]).await;
    let ana = world.user("ana@x.test");
    assert_eq!(
        (ana.login.as_str(), ana.first_name.as_str(), ana.last_name.as_str()),
        ("ana@x.test", "Ana", "Doe")
    );
    assert_eq!(ana.roles, ["customer"]);
    assert_eq!(ana.meta["mautic_contact_id"], json!(id.to_string()));
    assert_eq!(ana.meta["mautic_tags"], json!(["A, B", "VIP"]));
    assert!(ana.password.len() >= 16, "generated");
    let mails: Vec<String> = world.site().mails().into_iter().map(|mail| mail.subject).collect();
    assert_eq!(mails, ["Login Details"]);

    // The same again writes nothing, and mails nobody.
    world.site().clear_requests();
    world.campaign_for("add", id, &[]).await;
    world.campaign_for("update", id, &[]).await;
    assert_eq!((world.site_writes(), world.site().mails().len()), (0, 1));
    assert_eq!(text(&world.last_pushed(), "outcome"), "unchanged");

    assert!(
        world.systems.mautic.edit_contact(id, &json!({ "lastname": "Roe", "tags": ["VIP", "New"] })).await
    );
    world.quiet().await;
    world.campaign_for("update_tags", id, &[]).await;
    let ana = world.user("ana@x.test");
    assert_eq!((ana.last_name.as_str(), ana.roles.as_slice()), ("Roe", &["customer".to_owned()][..]));
    assert!(ana.meta["mautic_tags"].as_array().unwrap().contains(&json!("New")), "{:?}", ana.meta);
    assert_eq!(world.site().mails().len(), 1, "no mail about a password or an e-mail that did not change");

    let (status, answer) = world.campaign(&[("wpf_action", "test")]).await;
    assert_eq!((status, &answer["success"]), (200, &json!(true)));
    let url = world.local.webhook_url("webhook-campaign");
    let stranger =
        reqwest::get(format!("{url}?wpf_action=add&contact_id={id}&access_key=guessed")).await.unwrap();
    assert_eq!(stranger.status().as_u16(), 403);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_notices_of_one_person_make_one_user() {
    let mut world = World::with_wordpress_as(
        BRIDGE,
        &json!({ "users_tag": "Member" }),
        WordPressOptions {
            create_window: std::time::Duration::from_millis(400),
            ..WordPressOptions::default()
        },
    )
    .await;
    let id = contact(&world, "Ana", json!({ "tags": ["Member"] })).await;
    // A second contact with the same e-mail, in a group of its own.
    let twin = world.systems.mautic.duplicate_contact(id).unwrap();
    for _ in 0..3 {
        for contact in [id, twin] {
            let contact = contact.to_string();
            let (status, _) =
                world.campaign(&[("wpf_action", "add"), ("contact_id", contact.as_str())]).await;
            assert_eq!(status, 200);
        }
    }
    world.quiet().await;
    world.user("ana@x.test");
    let outcomes: Vec<String> = world.told("user pushed").iter().map(|line| text(line, "outcome")).collect();
    assert_eq!(outcomes.iter().filter(|outcome| *outcome == "created").count(), 1, "{outcomes:?}");
    assert!(outcomes.contains(&"shared_email".to_owned()), "the other contact is told: {outcomes:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_lost_makes_no_second_user() {
    let (systems, config) = wordpress_systems(&json!({}), WordPressOptions::default()).await;
    let mut world = world_of(BRIDGE, systems, &config, Unusual::short_lives()).await;
    let lost = Fault::new(FaultKind::LoseAnswer).method("POST").path("/users").times(1);
    world.site().faults().add(lost);
    let id = contact(&world, "Ana", json!({})).await;
    let contact = id.to_string();
    let (status, _) = world.campaign(&[("wpf_action", "add"), ("contact_id", contact.as_str())]).await;
    assert_eq!(status, 200);
    world.until_told("user waits", |line| line["reason"] == "doubtful").await;
    world
        .until("the user", |systems| {
            let site = systems.wordpress.as_ref()?;
            (site.users_with("ana@x.test").len() == 1).then_some(())
        })
        .await;
    world.quiet().await;
    world.user("ana@x.test");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_works_on_the_site_is_never_touched_and_no_role_makes_anybody_an_administrator() {
    let mut world =
        world(json!({ "roles": "administrator, editor, subscriber", "when_deleted": "deactivate" })).await;
    for role in ["administrator", "editor", "author", "contributor"] {
        let email = format!("{role}@x.test");
        world.site().add_user(role, &email, role);
        let id = contact(&world, role, json!({})).await;
        world.site().clear_requests();
        for (action, more) in
            [("add", &[("role", "subscriber")][..]), ("update", &[][..]), ("update_tags", &[][..])]
        {
            world.campaign_for(action, id, more).await;
            // The must-use plugin hides them, so that an update finds nobody.
            let expected = if action == "add" { "privileged" } else { "not_found" };
            assert_eq!(text(&world.last_pushed(), "outcome"), expected, "{role}");
        }
        assert!(world.systems.mautic.delete_contact(id).await);
        world.quiet().await;
        assert_eq!(world.site_writes(), 0, "{role}");
        assert_eq!(world.user(&email).roles, [role]);
    }
    for (person, role) in [("Eve", "administrator"), ("Eva", "Editor"), ("Evi", "no-such-role")] {
        let id = contact(&world, person, json!({})).await;
        world.campaign_for("add", id, &[("role", role)]).await;
        let told = world.last_pushed();
        assert_eq!(
            (text(&told, "outcome"), text(&told, "refused")),
            ("created".into(), "role".into()),
            "{role}"
        );
        let user = world.user(&format!("{}@x.test", person.to_lowercase()));
        assert_eq!(user.roles, ["subscriber"], "the site's default");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_with_a_tag_become_users_by_themselves_and_follow_every_edit() {
    let mut world = world(json!({ "users_tag": "Member" })).await;
    let id = contact(&world, "Ana", json!({})).await;
    world.quiet().await;
    assert!(world.site().users_with("ana@x.test").is_empty(), "nobody has asked for it");
    assert!(world.systems.mautic.edit_contact(id, &json!({ "tags": ["Member"] })).await);
    world.quiet().await;
    let ana = world.user("ana@x.test");

    // She calls herself otherwise on the site, and Mautic does not take that back before it changes itself.
    world.site().rename_user(ana.id, "Anita", "Doe");
    assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": "600" })).await);
    world.quiet().await;
    assert_eq!(world.user("ana@x.test").first_name, "Anita");
    assert!(world.systems.mautic.edit_contact(id, &json!({ "firstname": "Anna" })).await);
    world.quiet().await;
    assert_eq!(world.user("ana@x.test").first_name, "Anna");

    // Removed on the site by hand: an edit does not bring her back, a campaign does.
    world.site().remove_user(ana.id);
    assert!(world.systems.mautic.edit_contact(id, &json!({ "mobile": "601" })).await);
    world.quiet().await;
    assert!(world.site().users_with("ana@x.test").is_empty());
    assert_eq!(text(&world.last_pushed(), "outcome"), "removed_on_site");
    world.campaign_for("add", id, &[]).await;
    assert_eq!(world.user("ana@x.test").first_name, "Anna");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_loses_the_role_where_a_rule_says_so_and_is_never_deleted() {
    let preferences =
        json!({ "when_deleted": "role", "departed_role": "former", "when_unsubscribed": "deactivate" });
    let mut world = world(preferences).await;
    world.site().add_role("former");
    let id = contact(&world, "Ana", json!({})).await;
    world.campaign_for("add", id, &[("role", "customer")]).await;
    world.systems.mautic.set_do_not_contact(id, "email", 3).await;
    world.quiet().await;
    assert_eq!(world.user("ana@x.test").roles, Vec::<String>::new());
    world.systems.mautic.set_do_not_contact(id, "email", 0).await;
    world.quiet().await;
    assert_eq!(world.user("ana@x.test").roles, ["customer"], "she takes mail again");
    assert!(world.systems.mautic.delete_contact(id).await);
    world
        .until("the role", |systems| {
            let user = systems.wordpress.as_ref()?.users_with("ana@x.test").pop()?;
            (user.roles == ["former"]).then_some(())
        })
        .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logins_that_wordpress_refuses_are_made_acceptable() {
    let mut world = World::with_wordpress(BRIDGE).await;
    world.site().add_user("annshop@x.test", "other@x.test", "subscriber");
    let id = world.new_contact(&json!({ "firstname": "Ann", "email": "ann+shop@x.test" })).await;
    world.campaign_for("add", id, &[]).await;
    assert_eq!(world.user("ann+shop@x.test").login, "annshop@x.test2");
    let long = format!("{}@x.test", "b".repeat(70));
    let id = world.new_contact(&json!({ "firstname": "Bob", "email": long })).await;
    world.campaign_for("add", id, &[]).await;
    assert_eq!(world.user(&long).login.len(), 60);
    let id = world.new_contact(&json!({ "firstname": "Nobody" })).await;
    world.campaign_for("add", id, &[]).await;
    assert_eq!(text(&world.last_pushed(), "outcome"), "no_email");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_shown_in_mautic_only_where_that_is_wanted_and_is_nowhere_else() {
    let mut world = world(json!({ "password_field": "position" })).await;
    let id = contact(&world, "Ana", json!({})).await;
    world.campaign_for("add", id, &[]).await;
    let password = world.user("ana@x.test").password;
    assert_eq!(text(&world.systems.mautic.contact(id).unwrap(), "position"), password);
    assert!(!world.log.iter().any(|line| line.contains(&password)), "no log holds it");
    let site = "wordpress:shop".parse().unwrap();
    let contact = model::RecordRef::new(
        &"mautic:main".parse().unwrap(),
        &model::ObjectName::new("contact"),
        id.to_string(),
    );
    let kept = world.local.store.remembered_user::<Value>(&site, &contact).await.unwrap();
    assert!(!kept.value.to_string().contains(&password) && !kept.value.to_string().contains("ana@x.test"));
    assert_eq!(world.site().mails().len(), 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_plugin_everything_but_tags_and_mails_works() {
    let options = WordPressOptions { plugin: false, ..WordPressOptions::default() };
    let mut world = World::with_wordpress_as(BRIDGE, &json!({}), options).await;
    let id = contact(&world, "Ana", json!({ "tags": ["VIP"] })).await;
    world.campaign_for("add", id, &[("send_notification", "true")]).await;
    let told = world.last_pushed();
    assert_eq!(
        (text(&told, "outcome"), text(&told, "refused")),
        ("created".into(), "send_notification".into())
    );
    world.campaign_for("update_tags", id, &[]).await;
    assert_eq!(text(&world.last_pushed(), "outcome"), "no_plugin");
    assert!(world.systems.mautic.edit_contact(id, &json!({ "lastname": "Roe" })).await);
    world.quiet().await;
    assert_eq!(world.user("ana@x.test").last_name, "Roe");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_of_a_contact_that_is_merged_away_goes_with_the_survivor() {
    let mut world = World::with_wordpress(BRIDGE).await;
    let loser = contact(&world, "Ana", json!({})).await;
    world.campaign_for("add", loser, &[]).await;
    let user = world.user("ana@x.test").id;
    let winner =
        world.new_contact(&json!({ "firstname": "Anna", "lastname": "Roe", "email": "anna@x.test" })).await;
    world.quiet().await;
    assert!(world.systems.mautic.merge_contacts(winner, loser).await);
    world
        .until("the survivor's id", |systems| {
            let site = systems.wordpress.as_ref()?;
            let found = site.users().into_iter().find(|known| known.id == user)?;
            (found.meta.get("mautic_contact_id")? == &json!(winner.to_string())).then_some(())
        })
        .await;
    world.quiet().await;
    assert_eq!(world.site().users().iter().filter(|known| known.email.ends_with("@x.test")).count(), 1);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_that_is_away_loses_nothing() {
    let mut world = world(json!({ "users_tag": "Member" })).await;
    world.site().set_maintenance(true);
    let id = contact(&world, "Ana", json!({ "tags": ["Member"] })).await;
    world.until_told("user waits", |line| line["reason"] == "unavailable").await;
    world.site().set_maintenance(false);
    world
        .until("the user", |systems| {
            (systems.wordpress.as_ref()?.users_with("ana@x.test").len() == 1).then_some(())
        })
        .await;
    world.quiet().await;
    assert!(world.systems.mautic.edit_contact(id, &json!({ "lastname": "Roe" })).await);
    world.quiet().await;
    assert_eq!(world.user("ana@x.test").last_name, "Roe");
    world.stop().await;
}
