//! WP Fusion's receiver.

use connector_wordpress::{Fusion, Relayed, Wanted};
use simulators::faults::{Fault, FaultKind};
use simulators::wordpress::{self, WordPressOptions, WordPressSimulator};
use sync::ConnectorError;

async fn site() -> WordPressSimulator {
    let site = wordpress::start(WordPressOptions::default()).await.unwrap();
    site.install_fusion("fusion-key", &[("47", "ana@x.test")]);
    site
}

fn wanted<'a>(action: &'a str, contact_id: &'a str) -> Wanted<'a> {
    Wanted { action, contact_id, role: Some("subscriber"), send_notification: true }
}

#[tokio::test]
async fn only_its_success_is_done() {
    let site = site().await;
    let fusion = Fusion::new(&site.url(), "fusion-key".into()).unwrap();
    assert_eq!(fusion.relay(&wanted("add", "47")).await, Ok(Relayed::Done));
    assert_eq!(site.users_with("ana@x.test").len(), 1);
    let captcha = FaultKind::Status {
        code: 200,
        retry_after_seconds: None,
        body: Some("<html>Just a moment...</html>".to_owned()),
    };
    site.faults().add(Fault::new(captcha).times(1));
    let refused = fusion.relay(&wanted("update", "47")).await.unwrap_err();
    assert!(matches!(refused, ConnectorError::Unavailable { .. }), "{refused}");
    site.set_maintenance(true);
    let refused = fusion.relay(&wanted("update", "47")).await.unwrap_err();
    assert!(matches!(refused, ConnectorError::Unavailable { .. }), "{refused}");
}

#[tokio::test]
async fn a_wrong_key_stops_and_is_not_shown() {
    let site = site().await;
    let fusion = Fusion::new(&site.url(), "wrong-key".into()).unwrap();
    let refused = fusion.relay(&wanted("add", "47")).await.unwrap_err();
    assert!(matches!(refused, ConnectorError::Unauthorized { .. }), "{refused}");
    assert!(!format!("{refused} {fusion:?}").contains("wrong-key"));
}
