//! What a coreBOS answers, to every call that the bridge makes of it.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use bridge_fuzz::{About, Answers, Kept, Reply, call, moment, recorded, system, told, wait_for};
use connector_corebos::{CoreBos, CoreBosSchema, CoreBosSettings};
use libfuzzer_sys::fuzz_target;
use model::{ObjectName, Value};
use sync::{Feed as _, KeepsMaps as _, Opens as _, Schema as _, Stock as _};

macro_rules! fixture {
    ($name:literal) => {
        recorded(include_str!(concat!("../../../shared/connector-corebos/fixtures/", $name, ".json")))
    };
}

fn usual(line: &str, body: &str) -> Reply {
    let asks = |operation: &str| {
        let operation = format!("operation={operation}");
        line.contains(&operation) || body.contains(&operation)
    };
    if asks("getchallenge") {
        fixture!("A001_getchallenge")
    } else if asks("login") {
        fixture!("A002_login")
    } else if asks("describe") {
        fixture!("B001_describe_with_integration_fields_Contacts")
    } else if asks("query") && (line.contains("Users") || body.contains("Users")) {
        fixture!("A012_query_users")
    } else if asks("query") {
        fixture!("A033_query_all")
    } else if asks("sync") {
        fixture!("A050_sync_contacts_after_delete")
    } else {
        fixture!("A022_revise_contact_one_field")
    }
}

static ANSWERS: LazyLock<Answers> = LazyLock::new(|| Answers::start(usual));
thread_local! { static KEPT: Kept<CoreBos> = Kept::default(); }

fn corebos() -> CoreBos {
    let mut settings = CoreBosSettings::new(ANSWERS.url(), "sync", "key".to_owned().into());
    settings.schema_lifetime = Duration::ZERO;
    settings.sessions = 1;
    CoreBos::new(system("corebos:main"), settings).expect("a connector")
}

fuzz_target!(|data: &[u8]| {
    let (first, rest) = data.split_first().unwrap_or((&0, b""));
    ANSWERS.play(rest);
    let values = [
        ("firstname", Value::from("Ana")),
        ("email", Value::from("ana@example.org")),
        ("birthday", Value::from("1980-02-29")),
        ("account_id", Value::from("11x8588")),
        ("emailoptout", Value::from(true)),
    ];
    let values = values.into_iter().collect();
    let about = About {
        object: ObjectName::new("Contacts"),
        id: "12x8589",
        associations: &["account_id"],
        lookup: "email",
        values,
    };
    KEPT.with(|kept| {
        kept.with(*first, corebos, |corebos| {
            wait_for(async {
                match first & 31 {
                    10 => told(corebos.changes(&about.object, moment(), None).await),
                    11 => told(corebos.changes(&about.object, moment(), Some("12x8589")).await),
                    12 => told(corebos.stock(&about.object, None).await),
                    13 => told(
                        corebos.read_many(&about.object, &["12x8589".to_owned(), "12x8590".to_owned()]).await,
                    ),
                    14 => {
                        told(corebos.find_many(&about.object, "email", &["ana@example.org".to_owned()]).await)
                    }
                    15 => told(corebos.field_maps(&["MauticToContacts"]).await),
                    16 => told(corebos.account().await.map(|_| ())),
                    17 => told(corebos.described(&about.object).await.map(|_| ())),
                    18 => told(corebos.maps_named("MauticToContacts").await.map(|_| ())),
                    19 => told(corebos.setting("mautic_isactive").await),
                    20 => told(corebos.workflows("Contacts").await.map(|_| ())),
                    21 => told(corebos.other_integrations().await),
                    22 => {
                        let schema = serde_json::from_slice(rest)
                            .ok()
                            .and_then(|json| CoreBosSchema::from_description(&json));
                        drop(schema.map(|schema| (schema.listed(), schema.mandatory().count())));
                    }
                    which => call(corebos, which, &about).await,
                }
            })
        })
    });
});
