//! Users of a real WordPress: what the stand-in is believed to do, done. `.ci/wordpress` runs it.
//!
//! The variable `REAL_WORDPRESS` names a file that says where the site is, with our account, an administrator's, the
//! folder of must-use plugins and the file that mails go to. So these stories run on request only.

use std::fs;

use bridge::config::Config;
use bridge::simulated::{self, ACCESS_KEY, SITE};
use scenarios::{Unusual, World, text, world_of};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::BRIDGE;

#[derive(Deserialize)]
struct Site {
    url: String,
    username: String,
    application_password: String,
    admin_password: String,
    plugins: String,
    plugin: String,
    mails: String,
}

impl Site {
    #[expect(clippy::disallowed_methods, reason = "whoever starts the stories names the site")]
    async fn of_this_run() -> Self {
        let file = std::env::var("REAL_WORDPRESS").expect("REAL_WORDPRESS: run .ci/wordpress");
        let site: Self = serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        site.install_plugin(true);
        fs::write(&site.mails, "").unwrap();
        // Each story has a Mautic of its own, whose ids begin at 1: users of the one before carry the same ones.
        let all = site.ask(reqwest::Method::GET, "?context=edit&per_page=100", None).await;
        let ours = ["admin".to_owned(), site.username.clone()];
        for user in all.as_array().expect("a list of users") {
            if !ours.contains(&text(user, "username")) {
                let path = format!("/{}?force=true&reassign=1", text(user, "id"));
                site.ask(reqwest::Method::DELETE, &path, None).await;
            }
        }
        site
    }

    fn install_plugin(&self, installed: bool) {
        let file = format!("{}/corebos-bridge.php", self.plugins);
        if installed {
            fs::copy(&self.plugin, file).unwrap();
        } else {
            fs::remove_file(file).unwrap();
        }
    }

    fn mails(&self) -> Vec<String> {
        let all = fs::read_to_string(&self.mails).unwrap();
        all.lines().filter_map(|line| line.strip_prefix("Subject: ")).map(str::to_owned).collect()
    }

    /// A call of the administrator.
    async fn ask(&self, method: reqwest::Method, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/wp-json/wp/v2/users{path}", self.url);
        let mut request =
            reqwest::Client::new().request(method, url).basic_auth("admin", Some(&self.admin_password));
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap().json().await.unwrap()
    }

    /// The users whose e-mail holds this text.
    async fn users(&self, email: &str) -> Vec<Value> {
        let found = self.ask(reqwest::Method::GET, &format!("?context=edit&search={email}"), None).await;
        found.as_array().expect("a list of users").clone()
    }

    async fn user(&self, email: &str) -> Value {
        let found = self.users(email).await;
        assert_eq!(found.len(), 1, "{email}: {found:#?}");
        found.into_iter().next().unwrap()
    }
}

/// A world of stand-ins around the real site. People have a domain of their own in each story.
async fn world(site: &Site, preferences: Value) -> World {
    let systems = simulated::start((0, 0), None).await.unwrap();
    let mut config = systems.config().unwrap();
    let sites = json!({ "sites": { SITE: {
        "url": site.url,
        "username": site.username,
        "application_password": site.application_password,
        "access_keys": [ACCESS_KEY],
        "preferences": preferences,
    } } });
    config.wordpress = Some(serde_json::from_value(sites).unwrap());
    let config: Config = config;
    world_of(BRIDGE, systems, &config, Unusual::default()).await
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real WordPress: .ci/wordpress starts one"]
async fn a_campaign_makes_a_user_with_role_tags_and_a_welcome_mail_and_changes_only_what_changed() {
    let site = Site::of_this_run().await;
    let mut world = world(&site, json!({})).await;
    let fields = json!({ "firstname": "Zoë 😀", "lastname": "O'Neil", "email": "zoe+shop@one.test", "tags": ["VIP", "A, B"] });
    let id = world.new_contact(&fields).await;
    world.campaign_for("add", id, &[("role", "Customer"), ("send_notification", "true")]).await;
    let zoe = site.user("one.test").await;
    assert_eq!(text(&zoe, "username"), "zoeshop@one.test", "a login that WordPress takes");
    assert_eq!((text(&zoe, "first_name"), text(&zoe, "last_name")), ("Zoë 😀".into(), "O'Neil".into()));
    assert_eq!(zoe["roles"], json!(["customer"]));
    assert_eq!(zoe["meta"]["mautic_contact_id"], json!(id.to_string()));
    assert_eq!(zoe["meta"]["mautic_tags"], json!(["A, B", "VIP"]));
    assert_eq!(site.mails(), ["[Real] Login Details"]);

    assert!(world.systems.mautic.edit_contact(id, &json!({ "lastname": "Roe" })).await);
    world.quiet().await;
    world.campaign_for("update", id, &[]).await;
    assert_eq!(text(&world.last_pushed(), "outcome"), "unchanged");
    assert_eq!(text(&site.user("one.test").await, "last_name"), "Roe");
    assert_eq!(site.mails().len(), 1, "nothing was said about a password or an e-mail");

    assert!(world.systems.mautic.edit_contact(id, &json!({ "email": "zoe@one.test" })).await);
    world.quiet().await;
    assert_eq!(text(&site.user("one.test").await, "email"), "zoe@one.test");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real WordPress: .ci/wordpress starts one"]
async fn many_campaigns_of_one_person_at_once_make_one_user() {
    let site = Site::of_this_run().await;
    let mut world = world(&site, json!({})).await;
    for round in 0..5 {
        let email = format!("ana{round}@two.test");
        let id = world.new_contact(&json!({ "firstname": "Ana", "email": email })).await;
        let twin = world.systems.mautic.duplicate_contact(id).unwrap();
        for contact in [id, twin, id, twin] {
            let contact = contact.to_string();
            let asked = [("wpf_action", "add"), ("contact_id", contact.as_str())];
            assert_eq!(world.campaign(&asked).await.0, 200);
        }
        world.quiet().await;
        site.user(&email).await;
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real WordPress: .ci/wordpress starts one"]
async fn no_campaign_reaches_the_administrator_or_makes_one() {
    let site = Site::of_this_run().await;
    for plugin in [true, false] {
        site.install_plugin(plugin);
        let mut world = world(&site, json!({ "roles": "administrator, editor, customer" })).await;
        let id = world.new_contact(&json!({ "firstname": "Boss", "email": "admin@real.test" })).await;
        for action in ["add", "update", "update_tags"] {
            world.campaign_for(action, id, &[("role", "customer")]).await;
            // The must-use plugin hides whoever works on the site, so that an update finds nobody.
            let hidden = plugin && action != "add";
            let expected = if hidden { "not_found" } else { "privileged" };
            assert_eq!(text(&world.last_pushed(), "outcome"), expected, "{action} {plugin}");
        }
        let admin = site.user("admin@real.test").await;
        assert_eq!(
            (admin["roles"].clone(), text(&admin, "first_name")),
            (json!(["administrator"]), String::new())
        );
        let email = format!("eve-{plugin}@three.test");
        let id = world.new_contact(&json!({ "firstname": "Eve", "email": email })).await;
        world.campaign_for("add", id, &[("role", "administrator")]).await;
        assert_eq!(site.user(&email).await["roles"], json!(["subscriber"]));
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real WordPress: .ci/wordpress starts one"]
async fn who_takes_no_mail_loses_the_role_and_gets_it_back() {
    let site = Site::of_this_run().await;
    let mut world = world(&site, json!({ "when_unsubscribed": "deactivate", "users_tag": "Member" })).await;
    let fields = json!({ "firstname": "Ana", "email": "ana@four.test", "tags": ["Member"] });
    let id = world.new_contact(&fields).await;
    world.quiet().await;
    assert_eq!(site.user("four.test").await["roles"], json!(["subscriber"]));
    world.systems.mautic.set_do_not_contact(id, "email", 3).await;
    world.quiet().await;
    assert_eq!(site.user("four.test").await["roles"], json!([]));
    world.systems.mautic.set_do_not_contact(id, "email", 0).await;
    world.quiet().await;
    assert_eq!(site.user("four.test").await["roles"], json!(["subscriber"]));
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a real WordPress: .ci/wordpress starts one"]
async fn without_the_plugin_users_are_made_and_what_it_would_do_is_told() {
    let site = Site::of_this_run().await;
    site.install_plugin(false);
    let mut world = world(&site, json!({})).await;
    let id =
        world.new_contact(&json!({ "firstname": "Ana", "email": "ana@five.test", "tags": ["VIP"] })).await;
    world.campaign_for("add", id, &[("send_notification", "true")]).await;
    let told = world.last_pushed();
    assert_eq!(
        (text(&told, "outcome"), text(&told, "refused")),
        ("created".into(), "send_notification".into())
    );
    assert!(site.mails().is_empty());
    // A user that the site has already is found by its e-mail, in any case, and not by a part of it.
    let body = json!({ "username": "bob", "email": "Bob@five.test", "password": "p" });
    site.ask(reqwest::Method::POST, "", Some(body)).await;
    let body = json!({ "username": "xbob", "email": "xbob@five.test", "password": "p" });
    site.ask(reqwest::Method::POST, "", Some(body)).await;
    let id =
        world.new_contact(&json!({ "firstname": "Bob", "lastname": "Doe", "email": "bob@five.test" })).await;
    world.campaign_for("update", id, &[]).await;
    let bobs = site.users("bob@five.test").await;
    let named: Vec<(String, String)> =
        bobs.iter().map(|user| (text(user, "username"), text(user, "last_name"))).collect();
    assert!(
        named.contains(&("bob".into(), "Doe".into())) && named.contains(&("xbob".into(), String::new())),
        "{named:?}"
    );
    world.stop().await;
}
