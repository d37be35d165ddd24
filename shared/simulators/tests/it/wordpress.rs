//! The stand-in for WordPress against recordings of a real one, and its quirks one by one.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use simulators::faults::Fault;
use simulators::wordpress::{self, WordPressOptions, WordPressSimulator};

/// The application password of everybody in the recordings.
const PASSWORD: &str = "abcd EFGH 1234 ijkl MNOP 5678";

async fn site(plugin: bool) -> WordPressSimulator {
    let options = WordPressOptions { plugin, create_window: Duration::ZERO, ..WordPressOptions::default() };
    let site = wordpress::start(options).await.unwrap();
    for login in ["admin", "sub1"] {
        site.add_application_password(login, PASSWORD);
    }
    site
}

fn basic(login: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{login}:{password}")))
}

struct Replay {
    site: WordPressSimulator,
    client: reqwest::Client,
    report: String,
    compared: usize,
}

impl Replay {
    async fn file(&mut self, name: &str) {
        let path = format!("{}/fixtures/wordpress/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let recorded: Value = serde_json::from_str(line).unwrap();
            if recorded["source"] == "mu-20-create-emoji-and-html.json" {
                // Users that were created at once came between.
                self.site.next_user_id(68);
            }
            self.exchange(&recorded).await;
        }
    }

    async fn exchange(&mut self, recorded: &Value) {
        let text = |name: &str| recorded[name].as_str().unwrap_or_default();
        let url = format!("{}{}", self.site.url(), text("path"));
        let mut request = self.client.request(text("method").parse().unwrap(), url);
        if let Some(who) = recorded["who"].as_array() {
            let password = match who[1].as_str().unwrap() {
                "right" => PASSWORD.replace(' ', ""),
                "right, with blanks" => PASSWORD.to_owned(),
                _ => "wrong".to_owned(),
            };
            request = request.header("authorization", basic(who[0].as_str().unwrap(), &password));
        }
        request = match (text("type"), &recorded["body"]) {
            (_, Value::Null) => request,
            ("application/x-www-form-urlencoded", form) => request.form(form.as_object().unwrap()),
            (_, Value::String(raw)) => request.header("content-type", "application/json").body(raw.clone()),
            (_, body) => request.json(body),
        };
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let headers = answer.headers().clone();
        let body: Value = answer.json().await.unwrap();
        let source = text("source");
        let mut expect = |what: &str, left: &Value, right: &Value| {
            if left != right {
                let _ = writeln!(self.report, "{source}: {what}\n  is     {left}\n  should {right}");
            }
        };
        expect("status", &json!(status), &recorded["status"]);
        expect("body", &neutral(body), &neutral(recorded["answer"].clone()));
        for (name, value) in recorded["headers"].as_object().unwrap() {
            let is = headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
            expect(name, &neutral(json!(is)), &neutral(value.clone()));
        }
        self.compared += 1;
    }
}

/// Without what differs between two runs: the site's address, and when users registered.
fn neutral(value: Value) -> Value {
    match value {
        Value::Object(all) => {
            let each = all.into_iter().filter(|(name, _)| name != "registered_date");
            Value::Object(each.map(|(name, value)| (name, neutral(value))).collect())
        }
        Value::Array(all) => Value::Array(all.into_iter().map(neutral).collect()),
        Value::String(text) => match text.strip_prefix("http://127.0.0.1:") {
            Some(rest) => json!(format!("SITE{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))),
            None => json!(text),
        },
        other => other,
    }
}

#[tokio::test]
async fn the_simulator_answers_what_the_real_wordpress_did() {
    let mut replay = Replay {
        site: site(false).await,
        client: reqwest::Client::new(),
        report: String::new(),
        compared: 0,
    };
    replay.file("stock").await;
    replay.site.install_plugin(&["mautic_phone"]);
    replay.file("plugin").await;
    replay.site.set_maintenance(true);
    assert_eq!(replay.compared, 90);
    replay.away().await;
    assert!(replay.report.is_empty(), "{}", replay.report);
}

impl Replay {
    async fn away(&mut self) {
        let path = format!("{}/fixtures/wordpress/away.jsonl", env!("CARGO_MANIFEST_DIR"));
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let recorded: Value = serde_json::from_str(line).unwrap();
            self.exchange(&recorded).await;
            self.site.set_maintenance(false);
            self.site.set_database_away(true);
        }
    }
}

async fn create(site: &WordPressSimulator, login: &str, email: &str) -> u16 {
    let sent = reqwest::Client::new()
        .post(format!("{}/wp-json/wp/v2/users", site.url()))
        .header("authorization", basic("syncbot", PASSWORD))
        .json(&json!({ "username": login, "email": email, "password": "x1" }));
    sent.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn creates_at_the_same_moment_make_several_users_of_one_address() {
    let options =
        WordPressOptions { create_window: Duration::from_millis(50), ..WordPressOptions::default() };
    let site = wordpress::start(options).await.unwrap();
    let all = tokio::join!(
        create(&site, "ana@x.test", "ana@x.test"),
        create(&site, "ana2@x.test", "Ana@x.test"),
        create(&site, "ana3@x.test", "ana@x.test"),
    );
    assert_eq!(all, (201, 201, 201));
    assert_eq!(site.users_with("ana@x.test").len(), 3);
    assert_eq!(create(&site, "ana4@x.test", "ana@x.test").await, 500);
}

#[tokio::test]
async fn a_password_that_is_sent_again_mails_the_person_and_a_new_address_the_old_one() {
    let site = site(true).await;
    let id = site.add_user("ana", "ana@x.test", "subscriber");
    let edit = async |body: Value| {
        let sent = reqwest::Client::new()
            .post(format!("{}/wp-json/wp/v2/users/{id}", site.url()))
            .header("authorization", basic("syncbot", PASSWORD))
            .json(&body);
        assert_eq!(sent.send().await.unwrap().status().as_u16(), 200);
    };
    edit(json!({ "password": "same" })).await;
    edit(json!({ "password": "same" })).await;
    edit(json!({ "email": "new@x.test" })).await;
    edit(json!({ "first_name": "Ana" })).await;
    let mails: Vec<(String, String)> = site.mails().into_iter().map(|mail| (mail.to, mail.subject)).collect();
    let mail = |to: &str, subject: &str| (to.to_owned(), subject.to_owned());
    assert_eq!(
        mails,
        [
            mail("ana@x.test", "Password Changed"),
            mail("ana@x.test", "Password Changed"),
            mail("ana@x.test", "Email Changed"),
        ]
    );
}

#[tokio::test]
async fn wp_fusion_answers_pages_and_200_where_it_did_nothing() {
    let site = site(true).await;
    site.install_fusion("k", &[("47", "ana@x.test")]);
    let ask = async |query: &str| {
        let answer = reqwest::get(format!("{}/?{query}", site.url())).await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let cases = [
        ("wpf_action=add&access_key=wrong&contact_id=47", 403, "Invalid Access Key"),
        ("wpf_action=&access_key=k", 500, "No Action Specified"),
        ("wpf_action=add&access_key=k", 200, "Abort"),
        ("wpf_action=update&access_key=k&contact_id=47", 200, "Not Found"),
        ("wpf_action=add&access_key=k&contact_id=9", 500, "Error"),
        ("wpf_action=add&access_key=k&contact_id=47", 200, "Success"),
        ("wpf_action=update&access_key=k&contact_id=47&async=true", 200, "Success"),
        ("wpf_action=test&access_key=k", 200, "{\"success\":true}"),
    ];
    for (query, status, text) in cases {
        let (is, page) = ask(query).await;
        assert!(is == status && page.contains(text), "{query}: {is} {page}");
    }
    assert_eq!(site.users_with("ana@x.test").len(), 1);
}

#[tokio::test]
async fn what_stands_before_a_site_answers_pages_and_a_snapshot_keeps_users() {
    let folder = std::env::temp_dir().join(format!("wordpress-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let options =
        || WordPressOptions { data: Some(folder.join("wordpress.json")), ..WordPressOptions::default() };
    let site = wordpress::start(options()).await.unwrap();
    site.faults().add(Fault::status(403).times(1));
    assert_eq!(create(&site, "ana", "ana@x.test").await, 403);
    assert_eq!(create(&site, "ana", "ana@x.test").await, 201);
    drop(site);
    let again = wordpress::start(options()).await.unwrap();
    assert_eq!(again.users_with("ana@x.test").len(), 1);
    std::fs::remove_dir_all(folder).unwrap();
}
