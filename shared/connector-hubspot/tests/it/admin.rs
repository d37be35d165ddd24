//! What the commands of an administrator ask of HubSpot.

use connector_hubspot::admin::{ScopeUse, UNIQUE_LIMIT};
use connector_hubspot::{Credentials, HubSpot, HubSpotPreferences, HubSpotSettings};
use model::ObjectName;
use simulators::faults::Fault;
use simulators::hubspot::{self, HubSpotOptions, HubSpotSimulator, Kind};
use sync::ConnectorError;

fn connector(simulator: &HubSpotSimulator, credentials: Credentials) -> HubSpot {
    let settings = HubSpotSettings::new(simulator.url(), credentials, HubSpotPreferences::default());
    HubSpot::new("hubspot:main".parse().unwrap(), settings).unwrap()
}

fn oauth(options: &HubSpotOptions, secret: &str) -> Credentials {
    let (client_id, _, refresh_token) = options.client.clone();
    Credentials::OAuth { client_id, client_secret: secret.into(), refresh_token: refresh_token.into() }
}

fn token(options: &HubSpotOptions) -> Credentials {
    Credentials::Token(options.token.clone().into())
}

#[tokio::test]
async fn the_scopes_of_a_token_and_of_an_oauth_app_are_told_and_those_of_a_service_key_are_tried() {
    let options = HubSpotOptions::default();
    let (static_token, app) = (token(&options), oauth(&options, &options.client.1));
    let simulator = hubspot::start(options).await.unwrap();
    simulator.set_missing_scopes(&["crm.objects.deals.read", "crm.schemas.deals.write", "crm.lists.write"]);
    for (credentials, untold) in [(static_token.clone(), false), (app, false), (static_token, true)] {
        simulator.set_tokens_untold(untold);
        let scopes = connector(&simulator, credentials).scopes().await.unwrap();
        assert_eq!(scopes.told, !untold);
        assert_eq!(scopes.missing(ScopeUse::Sync), ["crm.objects.deals.read"]);
        assert_eq!(scopes.missing(ScopeUse::SetUp), ["crm.schemas.deals.write"]);
        assert_eq!(scopes.missing(ScopeUse::Lists).is_empty(), untold);
        assert!(scopes.missing(ScopeUse::Owners).is_empty());
    }
    for kind in [Kind::Contact, Kind::Company, Kind::Deal] {
        assert!(simulator.ids(kind).is_empty(), "what was tried has changed nothing");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_and_a_portal_that_is_away_are_errors_and_no_missing_scopes() {
    let options = HubSpotOptions::default();
    let (wrong, good) = (oauth(&options, "wrong"), token(&options));
    let simulator = hubspot::start(options).await.unwrap();
    let refused = connector(&simulator, wrong).scopes().await.unwrap_err();
    assert!(matches!(refused, ConnectorError::Unauthorized { .. }), "{refused:?}");
    let refused = connector(&simulator, Credentials::Token("pat-other".to_owned().into())).scopes().await;
    assert!(matches!(refused, Err(ConnectorError::Unauthorized { .. })), "{refused:?}");
    simulator.stop_listening().await;
    let away = connector(&simulator, good).scopes().await;
    assert!(matches!(away, Err(ConnectorError::Unavailable { .. })), "{away:?}");
}

#[tokio::test]
async fn a_property_for_ids_is_made_once_with_values_that_are_unique() {
    let options = HubSpotOptions::default();
    let credentials = token(&options);
    let simulator = hubspot::start(options).await.unwrap();
    let connector = connector(&simulator, credentials);
    let contact = ObjectName::new("contact");
    for _ in 0..2 {
        connector.create_property_group(&contact, "corebos", "coreBOS").await.unwrap();
    }
    assert!(connector.property_groups(&contact).await.unwrap().contains(&"corebos".to_owned()));
    let made = connector.create_id_property(&contact, "corebos", "corebos_id", "coreBOS ID").await.unwrap();
    assert!(made.has_unique_value && made.kind == "string" && !made.hubspot_defined);
    let again = connector.create_id_property(&contact, "corebos", "corebos_id", "coreBOS ID").await;
    assert!(matches!(again, Err(ConnectorError::Rejected { .. })), "{again:?}");
    let listed = connector.listed_properties(&contact).await.unwrap();
    assert_eq!(listed.iter().filter(|property| property.name == "corebos_id").count(), 1);
    simulator.archive_property(Kind::Contact, "corebos_id");
    let listed = connector.listed_properties(&contact).await.unwrap();
    assert!(listed.iter().any(|property| property.name == "corebos_id" && property.archived));
    let company = ObjectName::new("company");
    connector.create_property_group(&company, "corebos", "coreBOS").await.unwrap();
    for n in 0..UNIQUE_LIMIT {
        simulator.add_unique_property(Kind::Company, &format!("other_{n}"));
    }
    let full = connector.create_id_property(&company, "corebos", "corebos_id", "coreBOS ID").await;
    assert!(matches!(full, Err(ConnectorError::Rejected { .. })), "{full:?}");
}

#[tokio::test]
async fn whether_the_portal_has_leads_is_seen_and_never_guessed() {
    let options = HubSpotOptions::default();
    let credentials = token(&options);
    let simulator = hubspot::start(options).await.unwrap();
    let connector = connector(&simulator, credentials);
    assert!(connector.has_lead_object().await.unwrap());
    simulator.set_lead_object(false);
    assert!(!connector.has_lead_object().await.unwrap());
    simulator.faults().add(Fault::status(503).times(1));
    assert!(matches!(connector.has_lead_object().await, Err(ConnectorError::Unavailable { .. })));
    let account = connector.portal_account().await.unwrap();
    assert_eq!((account.portal.as_str(), account.ui_domain.as_str()), ("247187887", "app.hubspot.com"));
}
