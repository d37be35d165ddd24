//! What several pushes do at the same time, over HTTP.

use connector_hubspot::{Credentials, HubSpot, HubSpotPreferences, HubSpotSettings};
use futures::future::join_all;
use model::{Fields, ObjectName, RecordRef};
use simulators::faults::{Fault, FaultKind};
use simulators::hubspot::{self, HubSpotOptions, HubSpotSimulator, Kind};
use sync::{Connector, ConnectorError, Reading};

async fn portal() -> (HubSpotSimulator, HubSpot) {
    let options = HubSpotOptions::default();
    let token = Credentials::Token(options.token.clone().into());
    let simulator = hubspot::start(options).await.unwrap();
    let settings = HubSpotSettings::new(simulator.url(), token, HubSpotPreferences::default());
    let connector = HubSpot::new("hubspot:main".parse().unwrap(), settings).unwrap();
    // Nobody asks for the schema in between.
    connector.schema(&contact()).await.unwrap();
    simulator.clear_requests();
    (simulator, connector)
}

fn contact() -> ObjectName {
    ObjectName::new("contact")
}

fn people(simulator: &HubSpotSimulator, count: usize) -> Vec<String> {
    let email = |n| format!("c{n}@example.org");
    let ids = (0..count).map(|n| simulator.create_as_user(Kind::Contact, &[("email", &email(n))]).unwrap());
    ids.collect()
}

fn record(id: &str) -> RecordRef {
    RecordRef::new(&"hubspot:main".parse().unwrap(), &contact(), id)
}

fn fields(values: &[(&str, &str)]) -> Fields {
    values.iter().copied().collect()
}

fn codes<T>(results: &[Result<T, ConnectorError>]) -> Vec<&str> {
    results.iter().map(|result| result.as_ref().map_or_else(ConnectorError::code, |_| "done")).collect()
}

/// The last parts of the paths that were asked, with their methods.
fn asked(simulator: &HubSpotSimulator) -> Vec<String> {
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    simulator.requests().iter().map(|r| format!("{} {}", r.method, last(&r.path))).collect()
}

async fn update(
    connector: &HubSpot,
    ids: &[String],
    city: &str,
) -> Vec<Result<sync::Record, ConnectorError>> {
    let city = fields(&[("city", city)]);
    join_all(ids.iter().map(async |id| connector.update(&record(id), &city).await)).await
}

async fn create(connector: &HubSpot, emails: &[&str]) -> Vec<Result<sync::Record, ConnectorError>> {
    let values = emails.iter().map(|email| fields(&[("email", email), ("city", email)]));
    let values: Vec<Fields> = values.collect();
    join_all(values.iter().map(async |values| connector.create(&contact(), values).await)).await
}

#[tokio::test]
async fn ten_pushes_at_a_time_read_write_and_archive_by_one_call_each() {
    let (simulator, connector) = portal().await;
    let ids = people(&simulator, 10);
    let read = join_all(ids.iter().map(async |id| connector.read(&record(id)).await.unwrap())).await;
    for (id, read) in ids.iter().zip(read) {
        assert!(matches!(read, Reading::Found(found) if found.reference.id == *id));
    }
    let done = update(&connector, &ids, "Vigo").await;
    assert!(done.iter().zip(&ids).all(|(done, id)| done.as_ref().unwrap().reference.id == *id));
    let emails: Vec<String> = (20..30).map(|n| format!("c{n}@example.org")).collect();
    let created = create(&connector, &emails.iter().map(String::as_str).collect::<Vec<_>>()).await;
    for (email, created) in emails.iter().zip(created) {
        let id = created.unwrap().reference.id;
        assert_eq!(simulator.record(Kind::Contact, &id).unwrap()["email"], *email);
    }
    join_all(ids.iter().map(async |id| connector.archive(&record(id)).await.unwrap())).await;
    assert_eq!(asked(&simulator), ["POST read", "POST update", "POST create", "POST read", "POST archive"]);
    assert_eq!(simulator.ids(Kind::Contact).len(), 10, "those that were created");
}

#[tokio::test]
async fn one_that_is_refused_spoils_nothing_for_the_others_and_hears_why() {
    let (simulator, connector) = portal().await;
    let there = simulator.create_as_user(Kind::Contact, &[("email", "there@example.org")]).unwrap();
    let created = create(
        &connector,
        &["a@example.org", "there@example.org", "b@example.org", "nobody", "c@example.org"],
    )
    .await;
    assert_eq!(codes(&created), ["done", "refused", "done", "refused", "done"]);
    let Err(ConnectorError::Rejected { fields: clash, .. }) = &created[1] else { unreachable!() };
    assert_eq!(clash["email"], format!("record {there} has this value"));
    let Err(ConnectorError::Rejected { fields: unfit, .. }) = &created[3] else { unreachable!() };
    assert!(unfit["email"].contains("is invalid"), "{unfit:?}");
    assert_eq!(simulator.ids(Kind::Contact).len(), 4);
    assert!(
        !simulator.record(Kind::Contact, &there).unwrap().contains_key("city"),
        "nothing was written to it"
    );
}

#[tokio::test]
async fn an_old_id_of_a_merge_is_gone_in_a_batch_and_the_survivor_is_left_alone() {
    let (simulator, connector) = portal().await;
    let ids = people(&simulator, 4);
    let third = simulator.merge_as_user(Kind::Contact, &ids[0], &ids[1]).unwrap();
    assert_eq!(codes(&update(&connector, &ids, "Vigo").await), ["gone", "gone", "done", "done"]);
    assert!(!simulator.record(Kind::Contact, &third).unwrap().contains_key("city"));
    let read = join_all(ids.iter().map(async |id| connector.read(&record(id)).await.unwrap())).await;
    for (place, read) in read.into_iter().enumerate() {
        match (place, read) {
            (0 | 1, Reading::MergedInto(survivor)) => assert_eq!(survivor.reference.id, third),
            (_, Reading::Found(found)) => assert_eq!(found.reference.id, ids[place]),
            (_, other) => panic!("{place}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn two_writes_of_one_record_are_two_calls_and_the_later_one_stands() {
    let (simulator, connector) = portal().await;
    let ids = people(&simulator, 3);
    let (first, second) = (fields(&[("city", "Vigo")]), fields(&[("city", "Lugo")]));
    let (one, other, more) = (record(&ids[0]), record(&ids[1]), record(&ids[0]));
    let (a, b, c) = futures::future::join3(
        connector.update(&one, &first),
        connector.update(&other, &first),
        connector.update(&more, &second),
    )
    .await;
    assert_eq!(codes(&[a, b, c]), ["done"; 3]);
    assert_eq!(asked(&simulator), ["POST update".to_owned(), format!("PATCH {}", ids[0])]);
    assert_eq!(simulator.record(Kind::Contact, &ids[0]).unwrap()["city"], "Lugo");
}

#[tokio::test]
async fn what_goes_wrong_with_a_batch_goes_wrong_for_each_and_nobody_writes_again_in_doubt() {
    let (simulator, connector) = portal().await;
    for (fault, expected, kept) in [
        (Fault::status(503), "unavailable", 0),
        (Fault::status(502), "doubtful", 0),
        (Fault::new(FaultKind::LoseAnswer), "doubtful", 3),
        (Fault::status(429), "rate_limited", 3),
    ] {
        simulator.faults().add(fault.clone().path("/batch/create").times(1));
        let created = create(&connector, &["a@example.org", "b@example.org", "c@example.org"]).await;
        assert_eq!(codes(&created), [expected; 3], "{fault:?}");
        assert_eq!(simulator.ids(Kind::Contact).len(), kept, "{fault:?}");
    }
}
