//! What HubSpot answers, to every call that the bridge makes of it.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use bridge_fuzz::{About, Answers, Kept, Reply, call, moment, system, told, wait_for};
use connector_hubspot::{
    COMPANY, CONTACT, Credentials, DEAL, HubSpot, HubSpotPreferences, HubSpotSettings, LEAD,
};
use futures::future::BoxFuture;
use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use model::{ObjectName, Value};
use sync::{BudgetKey, BudgetStore, Connector as _, Feed as _, Opens as _, Pace, Shared, StoreError, Turn};

/// Everybody's turn is now: what is waited for here would be seen as a hang.
#[derive(Debug)]
struct NoTurns;

impl BudgetStore for NoTurns {
    fn now(&self) -> Timestamp {
        moment()
    }

    fn wait(&self, _: Duration) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn take<'a>(
        &'a self,
        _: &'a BudgetKey,
        _: Pace,
        _: Timestamp,
    ) -> BoxFuture<'a, Result<Turn, StoreError>> {
        Box::pin(std::future::ready(Ok(Turn::Ours { from: moment() })))
    }

    fn pause<'a>(&'a self, _: &'a BudgetKey, _: Timestamp) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

fn usual(line: &str, _: &str) -> Reply {
    let path = line.split_whitespace().nth(1).unwrap_or_default();
    Reply::ok(if path.contains("/properties/") {
        r#"{"results":[{"name":"email","type":"string","fieldType":"text"},{"name":"corebos_id","type":"string","fieldType":"text","hasUniqueValue":true},
        {"name":"birthday","type":"date","fieldType":"date"},{"name":"closedate","type":"datetime","fieldType":"date"},{"name":"amount","type":"number","fieldType":"number"},
        {"name":"interests","type":"enumeration","fieldType":"checkbox","options":[{"label":"A","value":"a"},{"label":"B","value":"b"}]},
        {"name":"lifecyclestage","type":"enumeration","fieldType":"select","options":[{"label":"Lead","value":"lead"}]},
        {"name":"optout","type":"bool","fieldType":"booleancheckbox"},{"name":"dealstage","type":"enumeration","fieldType":"radio"},
        {"name":"pipeline","type":"enumeration","fieldType":"radio"},{"name":"hubspot_owner_id","type":"enumeration","fieldType":"select"}]}"#
    } else if path.contains("/pipelines/") {
        r#"{"results":[{"id":"default","stages":[{"id":"won","label":"Closed won"}]}]}"#
    } else if path.contains("/owners/") {
        r#"{"results":[{"id":"5","email":"owner@example.org"}]}"#
    } else if path.contains("account-info") {
        r#"{"portalId":247187887,"timeZone":"Europe/Madrid"}"#
    } else if path.contains("oauth") {
        r#"{"access_token":"a","refresh_token":"r","expires_in":1800,"token_type":"bearer"}"#
    } else if path.contains("/search") || path.contains("/batch/") || path.contains("archived=true") {
        r#"{"total":1,"results":[{"id":"7","properties":{"email":"ana@example.org"},"createdAt":"2026-11-21T02:24:27Z","updatedAt":"2026-11-21T02:24:27Z"}]}"#
    } else {
        r#"{"id":"7","properties":{"email":"ana@example.org","birthday":"1980-02-29","amount":"1.5","interests":"a;b","closedate":"2026-11-21T02:24:27Z","dealstage":"won","pipeline":"default"},
        "createdAt":"2026-11-21T02:24:27Z","updatedAt":"2026-11-21T02:24:27Z","archived":false,"associations":{"companies":{"results":[{"id":"9","type":"contact_to_company"}]}}}"#
    })
}

static ANSWERS: LazyLock<Answers> = LazyLock::new(|| Answers::start(usual));
thread_local! { static KEPT: Kept<HubSpot> = Kept::default(); }

fn hubspot() -> HubSpot {
    let credentials = Credentials::OAuth {
        client_id: "c".to_owned(),
        client_secret: "s".to_owned().into(),
        refresh_token: "r".to_owned().into(),
    };
    let mut settings = HubSpotSettings::new(ANSWERS.url(), credentials, HubSpotPreferences::default());
    settings.schema_lifetime = Duration::ZERO;
    settings.shared = Shared { budget: Arc::new(NoTurns), ..Shared::default() };
    HubSpot::new(system("hubspot:main"), settings).expect("a connector")
}

fuzz_target!(|data: &[u8]| {
    let (first, rest) = data.split_first().unwrap_or((&0, b""));
    ANSWERS.play(rest);
    let object = [CONTACT, DEAL, COMPANY, LEAD][usize::from(first >> 5 & 3)];
    let texts = [
        ("email", "ana@example.org"),
        ("corebos_id", "12x7"),
        ("birthday", "1980-02-29"),
        ("amount", "1.5"),
        ("associatedcompanyid", "9"),
        ("dealstage_label", "Closed won"),
        ("owner_email", "owner@example.org"),
    ];
    let about = About {
        object: ObjectName::new(object),
        id: "7",
        associations: &["associatedcompanyid", "associated_company", "associated_contact"],
        lookup: "corebos_id",
        values: texts.map(|(name, value)| (name, Value::from(value))).into_iter().collect(),
    };
    KEPT.with(|kept| {
        kept.with(*first, hubspot, |hubspot| {
            wait_for(async {
                match first & 31 {
                    10 => told(hubspot.changes(&about.object, moment(), None).await),
                    11 => told(hubspot.changes(&about.object, moment(), Some("47")).await),
                    12 => told(hubspot.other_integrations().await),
                    13 => {
                        hubspot.read_only_these(
                            &about.object,
                            (0..900).map(|number| format!("property_number_{number}")),
                        );
                        hubspot.will_need(&about.object, ["email".to_owned()].into());
                    }
                    14 => {
                        if let Ok(sync::Reading::Found(record)) =
                            hubspot.read(&about.record(hubspot.system())).await
                        {
                            let _ = hubspot.lands_in(&record);
                        }
                    }
                    which => call(hubspot, which, &about).await,
                }
            })
        })
    });
});
