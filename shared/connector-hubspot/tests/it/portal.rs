//! Reads and writes of records, over HTTP.

use connector_hubspot::{Credentials, HubSpot, HubSpotPreferences, HubSpotSettings};
use model::NoticeKind;
use model::{Fields, ObjectName, RecordRef, System, Value};
use simulators::faults::Fault;
use simulators::hubspot::{self, HubSpotOptions, HubSpotSimulator, Kind};
use sync::{Canonical, Connector, ConnectorError, Feed as _, Lookup, Reading, Schema as _};

async fn portal() -> (HubSpotSimulator, HubSpot) {
    let options = HubSpotOptions::default();
    let token = options.token.clone();
    let simulator = hubspot::start(options).await.unwrap();
    let connector = connector(&simulator, Credentials::Token(token.into()));
    (simulator, connector)
}

fn connector(simulator: &HubSpotSimulator, credentials: Credentials) -> HubSpot {
    let system: System = "hubspot:main".parse().unwrap();
    let settings = HubSpotSettings::new(simulator.url(), credentials, HubSpotPreferences::default());
    HubSpot::new(system, settings).unwrap()
}

fn object(name: &str) -> ObjectName {
    ObjectName::new(name)
}

fn record(object_name: &str, id: &str) -> RecordRef {
    RecordRef::new(&"hubspot:main".parse().unwrap(), &object(object_name), id)
}

fn fields(values: &[(&str, &str)]) -> Fields {
    values.iter().copied().collect()
}

async fn found(connector: &HubSpot, record: &RecordRef, associations: &[&str]) -> sync::Record {
    match connector.read_with(record, associations).await.unwrap() {
        Reading::Found(found) => found,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_contact_is_created_read_changed_and_cleared() {
    let (simulator, connector) = portal().await;
    let values = fields(&[("email", "ana@example.org"), ("firstname", "Ana"), ("phone", "")]);
    let created = connector.create(&object("contact"), &values).await.unwrap();
    assert_eq!(created.fields.text("firstname"), Some("Ana"));
    let changed = fields(&[("firstname", ""), ("lastname", "Gil")]);
    connector.update(&created.reference, &changed).await.unwrap();
    let read = found(&connector, &created.reference, &[]).await;
    assert_eq!(
        (read.fields.get("firstname"), read.fields.text("lastname")),
        (Some(&Value::Null), Some("Gil"))
    );
    assert!(read.modified.is_some() && read.fields.text("record_url").unwrap().contains("/record/0-1/"));
    assert_eq!(simulator.record(Kind::Contact, &created.reference.id).unwrap()["lastname"], "Gil");
}

#[tokio::test]
async fn records_are_asked_for_under_the_paths_of_hubspot_s_own_descriptions() {
    let (simulator, connector) = portal().await;
    for (name, path) in
        [("contact", "contacts"), ("company", "companies"), ("deal", "0-3"), ("lead", "leads")]
    {
        simulator.clear_requests();
        connector.read(&record(name, "1")).await.unwrap();
        let asked = format!("/crm/objects/2026-09/{path}/1");
        assert!(simulator.requests().iter().any(|request| request.path == asked), "{name}");
    }
}

#[tokio::test]
async fn a_create_that_meets_its_address_is_refused_by_it_and_names_the_record_that_was_there() {
    let (simulator, connector) = portal().await;
    let id = simulator.create_as_user(Kind::Contact, &[("email", "ana@example.org")]).unwrap();
    let values = fields(&[("email", "ana@example.org"), ("firstname", "Ana")]);
    let refused = connector.create(&object("contact"), &values).await.unwrap_err();
    let ConnectorError::Rejected { fields, .. } = refused else { panic!("{refused:?}") };
    assert_eq!(
        fields.into_iter().collect::<Vec<_>>(),
        [("email".to_owned(), format!("record {id} has this value"))]
    );
    assert_eq!(simulator.ids(Kind::Contact).len(), 1);
    assert!(
        !simulator.record(Kind::Contact, &id).unwrap().contains_key("firstname"),
        "nothing was written to it"
    );
}

#[tokio::test]
async fn records_are_found_at_once_by_what_is_unique() {
    let (simulator, connector) = portal().await;
    let id = simulator.create_as_user(Kind::Contact, &[("email", "ana@example.org")]).unwrap();
    let lookup = Lookup { field: "email".to_owned(), value: "Ana@example.org".to_owned() };
    let found = connector.find(&object("contact"), &lookup).await.unwrap();
    assert_eq!(found.iter().map(|r| r.reference.id.as_str()).collect::<Vec<_>>(), [id.as_str()]);
    assert!(simulator.requests().iter().all(|request| !request.path.ends_with("/search")));
}

#[tokio::test]
async fn a_merged_record_is_told_by_its_third_id_and_never_archived_by_an_old_one() {
    let (simulator, connector) = portal().await;
    let first = simulator.create_as_user(Kind::Contact, &[("email", "a@example.org")]).unwrap();
    let second = simulator.create_as_user(Kind::Contact, &[("email", "b@example.org")]).unwrap();
    let third = simulator.merge_as_user(Kind::Contact, &first, &second).unwrap();
    for old in [&first, &second] {
        match connector.read(&record("contact", old)).await.unwrap() {
            Reading::MergedInto(survivor) => assert_eq!(survivor.reference.id, third),
            other => panic!("{other:?}"),
        }
        assert_eq!(connector.archive(&record("contact", old)).await, Err(ConnectorError::Gone));
    }
    assert_eq!(simulator.ids(Kind::Contact), std::slice::from_ref(&third));
    connector.archive(&record("contact", &third)).await.unwrap();
    assert!(matches!(connector.read(&record("contact", &third)).await.unwrap(), Reading::Gone));
}

#[tokio::test]
async fn a_contact_has_one_company_that_counts_and_keeps_the_others() {
    let (simulator, connector) = portal().await;
    let one = simulator.create_as_user(Kind::Company, &[("name", "One")]).unwrap();
    let two = simulator.create_as_user(Kind::Company, &[("name", "Two")]).unwrap();
    let values = fields(&[("firstname", "Ana"), ("primary-company", &one)]);
    let created = connector.create(&object("contact"), &values).await.unwrap();
    assert_eq!(created.fields.text("primary-company"), Some(one.as_str()));
    let moved = connector.update(&created.reference, &fields(&[("primary-company", &two)])).await.unwrap();
    assert_eq!(moved.fields.text("primary-company"), Some(two.as_str()));
    let id = created.reference.id.as_str();
    assert_eq!(simulator.associated((Kind::Contact, id), Kind::Company, true), std::slice::from_ref(&two));
    assert!(simulator.associated((Kind::Contact, id), Kind::Company, false).contains(&one));
    connector.update(&created.reference, &fields(&[("primary-company", "")])).await.unwrap();
    assert!(!simulator.associated((Kind::Contact, id), Kind::Company, false).contains(&two));
}

#[tokio::test]
async fn a_deal_closes_on_the_same_day_and_in_the_stage_of_that_name() {
    let (simulator, connector) = portal().await;
    let values = fields(&[
        ("dealname", "Big"),
        ("dealstage_label", "Closed Won"),
        ("closedate", "2026-05-01"),
        ("owner_email", "olga@example.org"),
    ]);
    let schema = connector.schema(&object("deal")).await.unwrap();
    let canonical: Fields = values
        .iter()
        .map(|(name, value)| match schema.canonical(name, value) {
            Canonical::Value(value) => (name, value),
            other => panic!("{name}: {other:?}"),
        })
        .collect();
    let created = connector.create(&object("deal"), &canonical).await.unwrap();
    let stored = simulator.record(Kind::Deal, &created.reference.id).unwrap();
    assert_eq!(
        (stored["dealstage"].as_str(), stored["closedate"].as_str()),
        ("closedwon", "2026-05-01T16:00:00Z")
    );
    let read = found(&connector, &created.reference, &[]).await;
    for (name, value) in values.iter() {
        assert_eq!(read.fields.get(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn refusals_are_named_by_what_happens_next() {
    let (simulator, connector) = portal().await;
    connector.schema(&object("contact")).await.unwrap();
    let create = |values: Fields| {
        let connector = &connector;
        async move { connector.create(&object("contact"), &values).await.unwrap_err() }
    };
    let refused = create(fields(&[("firstname", "Ana"), ("email", "nobody")])).await;
    match refused {
        ConnectorError::Rejected { fields, .. } => assert!(fields.contains_key("email")),
        other => panic!("{other:?}"),
    }
    simulator.set_missing_scopes(&["crm.objects.contacts.write"]);
    let refused = create(fields(&[("firstname", "Ana")])).await;
    assert!(
        matches!(&refused, ConnectorError::Misconfigured { detail } if detail.contains("crm.objects.contacts.write"))
    );
    simulator.set_missing_scopes(&[]);
    for (code, expected) in [
        (503, "unavailable"),
        (502, "doubtful"),
        (401, "credentials"),
        (423, "rate_limited"),
        (429, "rate_limited"),
    ] {
        simulator.faults().add(Fault::status(code).method("POST").times(1));
        assert_eq!(create(fields(&[("firstname", "Ana")])).await.code(), expected, "{code}");
    }
    assert!(simulator.ids(Kind::Contact).is_empty());
    simulator.clear_requests();
    assert_eq!(create(fields(&[("firstname", "Ana")])).await.code(), "rate_limited");
    assert!(simulator.requests().is_empty(), "nobody asks while HubSpot wants patience");
}

#[tokio::test]
async fn an_oauth_app_uses_its_newest_refresh_token() {
    let simulator = hubspot::start({
        let mut options = HubSpotOptions::default();
        // Shorter than the margin: every call needs a new token.
        options.token_seconds = 60;
        options
    })
    .await
    .unwrap();
    let (client_id, client_secret, refresh_token) = HubSpotOptions::default().client;
    let credentials = Credentials::OAuth {
        client_id,
        client_secret: client_secret.into(),
        refresh_token: refresh_token.into(),
    };
    let connector = connector(&simulator, credentials);
    let values = fields(&[("firstname", "Ana")]);
    for _ in 0..3 {
        connector.create(&object("contact"), &values).await.unwrap();
    }
    assert_eq!(simulator.ids(Kind::Contact).len(), 3);
}

/// Everything that a pass tells.
async fn told(connector: &HubSpot, from: jiff::Timestamp) -> Vec<(String, NoticeKind)> {
    let (mut all, mut after) = (Vec::new(), None);
    for _ in 0..100 {
        let page = connector.changes(&object("contact"), from, after.as_deref()).await.unwrap();
        all.extend(page.changes);
        after = page.next;
        if after.is_none() {
            return all;
        }
    }
    panic!("a pass without end");
}

#[tokio::test]
async fn a_pass_tells_thousands_of_one_date_and_what_is_in_the_recycle_bin() {
    let clock = simulators::clock::ManualClock::starting_at("2026-11-21T08:00:00Z".parse().unwrap());
    let mut options = HubSpotOptions::default();
    options.clock = clock.as_clock();
    options.limits = simulators::hubspot::Limits {
        per_ten_seconds: 100_000,
        per_day: 100_000,
        searches_per_second: 1_000,
    };
    let simulator = hubspot::start(options).await.unwrap();
    let connector = connector(&simulator, Credentials::Token(HubSpotOptions::default().token.into()));
    let ids: Vec<String> = (0..10_050)
        .map(|n| simulator.create_as_user(Kind::Contact, &[("firstname", &format!("n{n}"))]).unwrap())
        .collect();
    simulator.delete_as_user(Kind::Contact, &ids[7]);
    clock.advance(jiff::SignedDuration::from_secs(10));
    let mut told = told(&connector, "2026-11-21T08:00:00Z".parse().unwrap()).await;
    told.sort();
    let mut expected: Vec<(String, NoticeKind)> =
        ids.iter().map(|id| (id.clone(), NoticeKind::Saved)).collect();
    expected[7].1 = NoticeKind::Deleted;
    expected.sort();
    assert!(told == expected, "{} told, {} expected", told.len(), expected.len());
}
