//! What a WordPress answers, and what WP Fusion's receiver does.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use bridge_fuzz::{About, Answers, Kept, Reply, call, system, told, wait_for};
use connector_wordpress::{CONTACT_ID, Fusion, USER, Wanted, WordPress, WordPressSettings};
use libfuzzer_sys::fuzz_target;
use model::{ObjectName, Value};
use sync::Connector as _;
use sync::Lookup;

const ANA: &str = r#"{"id":7,"username":"ana","name":"Ana","first_name":"Ana","last_name":"B","email":"ana@example.org","url":"","description":"",
    "locale":"en_US","nickname":"ana","slug":"ana","roles":["subscriber"],"registered_date":"2026-11-21T02:24:27+00:00",
    "capabilities":{"read":true,"subscriber":true},"meta":{"mautic_contact_id":"47","mautic_tags":["a"],"persisted_preferences":[]}}"#;

fn usual(line: &str, _: &str) -> Reply {
    let path = line.split_whitespace().nth(1).unwrap_or_default();
    if line.starts_with("GET") && path.contains("page=") {
        Reply::ok(format!("[{ANA}]"))
    } else if path.contains("wp-json") {
        Reply::ok(ANA)
    } else {
        Reply::ok(r#"{"success":true,"data":"ok"}"#)
    }
}

static ANSWERS: LazyLock<Answers> = LazyLock::new(|| Answers::start(usual));
thread_local! { static KEPT: Kept<(WordPress, Fusion)> = Kept::default(); }

fn wordpress() -> (WordPress, Fusion) {
    let mut settings = WordPressSettings::new(ANSWERS.url(), "bridge", "abcd efgh".to_owned().into());
    settings.schema_lifetime = Duration::ZERO;
    let site = WordPress::new(system("wordpress:shop"), &settings).expect("a connector");
    (site, Fusion::new(&ANSWERS.url(), "key".to_owned().into()).expect("a relay"))
}

fuzz_target!(|data: &[u8]| {
    let (first, rest) = data.split_first().unwrap_or((&0, b""));
    ANSWERS.play(rest);
    let texts =
        [("user_email", "ana@example.org"), ("user_login", "ana"), ("first_name", "Ana"), (CONTACT_ID, "47")];
    let about = About {
        object: ObjectName::new(USER),
        id: "7",
        associations: &[],
        lookup: "user_email",
        values: texts.map(|(name, value)| (name, Value::from(value))).into_iter().collect(),
    };
    KEPT.with(|kept| {
        kept.with(*first, wordpress, |(site, fusion)| {
            wait_for(async {
                match first & 15 {
                    10 => told(site.ask_for_account().await.map(|_| ())),
                    11 => {
                        let wanted =
                            Wanted { action: "add", contact_id: "47", role: None, send_notification: false };
                        told(fusion.relay(&wanted).await);
                    }
                    12 => {
                        let lookup = Lookup { field: CONTACT_ID.to_owned(), value: "47".to_owned() };
                        told(site.find(&about.object, &lookup).await);
                    }
                    which => call(site, which, &about).await,
                }
            })
        })
    });
});
