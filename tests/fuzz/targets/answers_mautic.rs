//! What a Mautic answers, to every call that the bridge makes of it.
#![no_main]

use std::sync::LazyLock;
use std::time::Duration;

use bridge_fuzz::{About, Answers, Kept, Reply, call, moment, recorded, system, told, wait_for};
use connector_mautic::visitors::{CampaignVisit, VisitorWrite};
use connector_mautic::{COMPANY, CONTACT, Credentials, Mautic, MauticSettings};
use libfuzzer_sys::fuzz_target;
use model::{ObjectName, Value};
use sync::{Feed as _, Opens as _, Roll as _, Stock as _};

macro_rules! fixture {
    ($name:literal) => {
        recorded(include_str!(concat!("../../../shared/connector-mautic/fixtures/api/", $name, ".json")))
    };
}

fn usual(line: &str, _: &str) -> Reply {
    let path = line.split_whitespace().nth(1).unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default().trim_start_matches("/api/");
    match path {
        "users/self" => fixture!("A01-users_self"),
        "oauth/v2/token" | "/oauth/v2/token" => fixture!("I53-oauth_token"),
        "fields/contact" => fixture!("fields_contact"),
        "fields/company" => fixture!("fields_company"),
        "hooks" => fixture!("A35-hooks_list"),
        "hooks/triggers" => fixture!("A02-hooks_triggers"),
        "contacts" => fixture!("E15-list_where_corebos"),
        "companies" => fixture!("D48-companies_where_corebos"),
        path if path.ends_with("/companies") => fixture!("D24-contact_companies"),
        path if path.starts_with("companies/") && path.contains("/contact/") => {
            fixture!("D21-company_contact_add")
        }
        path if path.starts_with("companies/") => fixture!("D02-company_get"),
        path if path.contains("/dnc/") => fixture!("C22-contact_dnc_add"),
        _ => fixture!("B02-contact_get"),
    }
}

static ANSWERS: LazyLock<Answers> = LazyLock::new(|| Answers::start(usual));
thread_local! { static KEPT: Kept<Mautic> = Kept::default(); }

fn mautic() -> Mautic {
    let credentials = Credentials::ClientCredentials {
        client_id: "1_a".to_owned(),
        client_secret: "secret".to_owned().into(),
    };
    let mut settings = MauticSettings::new(ANSWERS.url(), credentials);
    settings.schema_lifetime = Duration::ZERO;
    Mautic::new(system("mautic:main"), settings).expect("a connector")
}

fuzz_target!(|data: &[u8]| {
    let (first, rest) = data.split_first().unwrap_or((&0, b""));
    ANSWERS.play(rest);
    let is_company = first & 0x40 != 0;
    let texts = if is_company {
        [("companyname", "Acme"), ("companyemail", "ana@example.org"), ("company_corebos_id", "11x7")]
    } else {
        [("firstname", "Ana"), ("email", "ana@example.org"), ("corebos_id", "12x7")]
    };
    let about = About {
        object: ObjectName::new(if is_company { COMPANY } else { CONTACT }),
        id: "1",
        associations: if is_company { &[] } else { &["primary_company", "do-not-contact-email"] },
        lookup: texts[1].0,
        values: texts
            .into_iter()
            .chain(if is_company { None } else { Some(("primary_company", "2")) })
            .map(|(name, value)| (name, Value::from(value)))
            .chain([("do-not-contact-email", Value::from(true)), ("points", Value::from(7))])
            .collect(),
    };
    let visit = VisitorWrite { values: about.values.clone(), ..VisitorWrite::default() };
    KEPT.with(|kept| {
        kept.with(*first, mautic, |mautic| {
            wait_for(async {
                let contact = about.record(&system("mautic:main"));
                match first & 31 {
                    10 => told(mautic.changes(&about.object, moment(), None).await),
                    11 => told(mautic.changes(&about.object, moment(), Some("47")).await),
                    12 => told(mautic.stock(&about.object, None).await),
                    13 => told(mautic.read_many(&about.object, &["1".to_owned(), "2".to_owned()]).await),
                    14 => told(
                        mautic.find_many(&about.object, about.lookup, &["ana@example.org".to_owned()]).await,
                    ),
                    15 => told(mautic.present(&about.object, 1, 200).await),
                    16 => told(mautic.account().await.map(|_| ())),
                    17 => told(mautic.webhooks().await.map(|_| ())),
                    18 => told(mautic.triggers().await.map(|_| ())),
                    19 => told(mautic.create_visitor(&visit).await),
                    20 => told(mautic.update_visitor(&contact, &visit).await),
                    21 => told(mautic.other_integrations().await),
                    22 => told(mautic.email_is_unique().await),
                    23 => {
                        let visit =
                            CampaignVisit { parts: &[("utm_source", "a")], url: "", referer: "", at: "" };
                        told(mautic.add_campaign(&contact, &visit).await);
                    }
                    which => call(mautic, which, &about).await,
                }
            })
        })
    });
});
