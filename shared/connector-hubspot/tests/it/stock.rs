//! The stock of a portal, page by page and in batches.

use std::time::Duration;

use connector_hubspot::{Credentials, HubSpot, HubSpotPreferences, HubSpotSettings};
use model::{ObjectName, RecordRef, Value};
use simulators::hubspot::{self, HubSpotOptions, HubSpotSimulator, Kind, Limits};
use sync::import::Stocked;
use sync::{Connector as _, Reading, Stock as _};

async fn portal() -> (HubSpotSimulator, HubSpot) {
    let mut options = HubSpotOptions::default();
    options.search_lag = Duration::ZERO;
    options.limits = Limits { per_ten_seconds: 500, searches_per_second: 100, ..Limits::default() };
    let token = Credentials::Token(options.token.clone().into());
    let simulator = hubspot::start(options).await.unwrap();
    let preferences = HubSpotPreferences { calls_per_ten_seconds: 500, ..HubSpotPreferences::default() };
    let settings = HubSpotSettings::new(simulator.url(), token, preferences);
    let connector = HubSpot::new("hubspot:main".parse().unwrap(), settings).unwrap();
    (simulator, connector)
}

#[tokio::test]
async fn every_record_is_met_once_and_the_pages_say_how_many_are_left() {
    let (simulator, connector) = portal().await;
    for n in 0..450 {
        simulator.create_as_user(Kind::Company, &[("name", &format!("Firm {n}"))]).unwrap();
    }
    let deleted = simulator.ids(Kind::Company)[7].clone();
    simulator.delete_as_user(Kind::Company, &deleted);
    let (object, mut after, mut seen, mut left) = (ObjectName::new("company"), None, Vec::new(), Vec::new());
    loop {
        let page = connector.stock(&object, after.as_deref()).await.unwrap();
        assert!(page.rows.iter().all(|(_, row)| *row == Stocked::Listed));
        left.push(page.left.unwrap());
        seen.extend(page.rows.into_iter().map(|(id, _)| id));
        after = seen.last().cloned();
        if !page.more {
            break;
        }
    }
    assert_eq!(left, [449, 249, 49]);
    assert_eq!(seen, simulator.ids(Kind::Company), "live ones, by id, each once");
}

#[tokio::test]
async fn a_batch_reads_what_single_reads_give_associations_included() {
    let (simulator, connector) = portal().await;
    let firm = simulator.create_as_user(Kind::Company, &[("name", "Firm")]).unwrap();
    let other = simulator.create_as_user(Kind::Company, &[("name", "Other")]).unwrap();
    let mut ids = Vec::new();
    for n in 0..3 {
        let email = format!("c{n}@example.org");
        ids.push(simulator.create_as_user(Kind::Contact, &[("email", &email), ("lastname", "C")]).unwrap());
    }
    for (contact, company, primary) in
        [(&ids[0], &other, true), (&ids[0], &firm, false), (&ids[1], &firm, false)]
    {
        assert!(simulator.associate_as_user((Kind::Contact, contact), (Kind::Company, company), primary));
    }
    let object = ObjectName::new("contact");
    let read = connector.read_many(&object, &[ids.clone(), vec!["1".to_owned()]].concat()).await.unwrap();
    assert_eq!(read.len(), 3, "what is not there is missing");
    for record in read {
        let reference = RecordRef::new(connector.system(), &object, &record.reference.id);
        let Ok(Reading::Found(single)) = connector.read_with(&reference, &["primary-company"]).await else {
            panic!("{reference} is not found")
        };
        assert_eq!(record.fields.get("primary-company"), single.fields.get("primary-company"));
        assert_eq!(record, single);
        let expected = match record.reference.id {
            id if id == ids[0] => Value::from(other.as_str()),
            id if id == ids[1] => Value::from(firm.as_str()),
            _ => Value::Null,
        };
        assert_eq!(record.fields.get("primary-company"), Some(&expected));
    }
}

#[tokio::test]
async fn many_values_are_found_in_few_calls_whether_they_are_unique_or_not() {
    let (simulator, connector) = portal().await;
    let mut emails = Vec::new();
    for n in 0..120 {
        let email = format!("person-{n}@example.org");
        simulator.create_as_user(Kind::Contact, &[("email", &email)]).unwrap();
        emails.push(email.to_uppercase());
    }
    emails.push("nobody@example.org".to_owned());
    for name in ["Firm", "FIRM", "Other"] {
        simulator.create_as_user(Kind::Company, &[("name", name)]).unwrap();
    }
    simulator.clear_requests();
    let found = connector.find_many(&ObjectName::new("contact"), "email", &emails).await.unwrap();
    assert_eq!(found.len(), 121);
    assert!(found.iter().all(|(email, found)| found.len() == usize::from(!email.starts_with("nobody"))));
    let names = ["firm", "Other", "Missing"].map(str::to_owned);
    let found = connector.find_many(&ObjectName::new("company"), "name", &names).await.unwrap();
    let counts: Vec<_> = found.iter().map(|(name, found)| (name.as_str(), found.len())).collect();
    assert_eq!(counts, [("firm", 2), ("Other", 1), ("Missing", 0)]);
    let reads =
        simulator.requests().iter().filter(|request| request.path.starts_with("/crm/objects/")).count();
    assert_eq!(reads, 2 + 1 + 1, "two batches by address, a search by name, a batch of what was found");
}
