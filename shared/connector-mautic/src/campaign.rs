//! What a campaign action "Send a webhook" sends for a user of a WordPress site: the contract of WP Fusion's receiver. Pure.
//!
//! `GET|POST <URL>` with `contact_id`, `access_key` and `wpf_action` in the query, in a form or in a flat JSON object, in
//! any mix; a global webhook of Mautic with the other parameters in its URL will do, too. WP Fusion, "Mautic Webhooks",
//! <https://wpfusion.com/documentation/webhooks/mautic-webhooks/>, read 2026-11-21. So whoever has campaigns for that
//! plugin changes the address in them, and nothing else.
//!
//! Of a global webhook the plugin reads the first event only; here every contact in it is taken.

mod parameters;

use std::collections::BTreeMap;

use jiff::Timestamp;
use model::{Command, Notice, NoticeKind, ObjectName, RecordRef, System, UserAction};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::objects::CONTACT;
use crate::webhook::{BodyError, Parsed, Verified, parse};
use crate::wire::id_of;
use parameters::{Body, Parameters};

/// The header that carries the access key. Mautic can send headers, and keys in addresses end up in logs.
pub const KEY_HEADER: &str = "X-Bridge-Key";

/// The longest name of a role, in bytes.
const MAX_ROLE_BYTES: usize = 60;

/// A request as it was received.
#[derive(Clone, Copy)]
pub struct Received<'a> {
    /// The names and values of the query, decoded.
    pub query: &'a [(String, String)],
    /// The header with the access key.
    pub key: Option<&'a str>,
    /// What the body is, in the sender's words.
    pub content_type: Option<&'a str>,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

/// The live access keys of each site, by the site's name.
pub type AccessKeys = BTreeMap<String, Vec<SecretString>>;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The names of the sites whose key the request has.
    pub sites: Vec<String>,
    /// What is asked.
    pub what: What,
}

/// What is asked of these sites.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// Whether the key is right, and nothing else.
    Test,
    /// This command, for each of these contacts.
    Do {
        /// What to do.
        command: Command,
        /// One notice per contact, with the command.
        notices: Vec<Notice>,
    },
}

/// Why nothing is done. The texts name no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No key of any site.
    #[error(
        "no site has this access key; send it as the header {KEY_HEADER} or as the parameter access_key, and compare it \
         with access_keys of the site in WordPress's secret"
    )]
    WrongKey,
    /// The parameter is missing.
    #[error("the parameter wpf_action is missing; write add, update, update_tags or test")]
    NoAction,
    /// The parameter is something else.
    #[error("wpf_action is none of add, update, update_tags and test")]
    UnknownAction,
    /// No contact is named.
    #[error("no contact is named; give the row contact_id the value {{contactfield=id}}")]
    NoContact,
    /// What is named is no id: Mautic has not put one in its place.
    #[error("contact_id is not the id of a contact; give the row the value {{contactfield=id}}")]
    NotAnId,
    /// The body is neither a form nor JSON.
    #[error("the body cannot be read: {0}")]
    Body(#[from] BodyError),
}

impl Refusal {
    /// The HTTP status that tells it.
    pub fn status(&self) -> u16 {
        if *self == Self::WrongKey { 403 } else { 400 }
    }
}

/// The sites that have the access key of a request, wherever it stands: in the header, else in the parameters.
///
/// Every key of every site is compared, in constant time.
pub fn sites_of(received: &Received<'_>, keys: &AccessKeys) -> Vec<String> {
    sites_with(received, &Parameters::of(received), keys)
}

fn sites_with(received: &Received<'_>, parameters: &Parameters, keys: &AccessKeys) -> Vec<String> {
    let header = received.key.map(str::trim).filter(|key| !key.is_empty());
    let Some(given) = header.or_else(|| parameters.text("access_key")) else { return Vec::new() };
    // Digests have one length, so the comparison does not tell that of the key.
    let given = Sha256::digest(given.as_bytes());
    let mut fitting = Vec::new();
    for (site, live) in keys {
        let mut fits = subtle::Choice::from(0);
        for key in live.iter().map(ExposeSecret::expose_secret).filter(|key| !key.is_empty()) {
            fits |= Sha256::digest(key.as_bytes()).as_slice().ct_eq(given.as_slice());
        }
        if bool::from(fits) {
            fitting.push(site.clone());
        }
    }
    fitting
}

/// Finds out what a request asks for. `receipt` makes the notices' receipts unique: the id of the request.
///
/// # Errors
/// Nothing of it can be done.
pub fn read(
    received: &Received<'_>,
    keys: &AccessKeys,
    mautic: &System,
    receipt: &str,
    received_at: Timestamp,
) -> Result<Asked, Refusal> {
    let parameters = Parameters::of(received);
    let sites = sites_with(received, &parameters, keys);
    if sites.is_empty() {
        return Err(Refusal::WrongKey);
    }
    let action = match parameters.text("wpf_action").map(str::to_lowercase).as_deref() {
        None => return Err(Refusal::NoAction),
        Some("test") => return Ok(Asked { sites, what: What::Test }),
        Some("add") => UserAction::Add,
        Some("update") => UserAction::Update,
        Some("update_tags") => UserAction::UpdateTags,
        Some(_) => return Err(Refusal::UnknownAction),
    };
    let role = parameters.text("role").filter(|role| role.len() <= MAX_ROLE_BYTES).map(str::to_owned);
    let send_notification = parameters.text("send_notification").map(is_yes);
    let command = Command { action, role, send_notification };
    let mut notices = match (parameters.text("contact_id"), &parameters.body) {
        (Some(id), _) => {
            let id = id_of(&serde_json::Value::from(id)).ok_or(Refusal::NotAnId)?;
            vec![Notice {
                record: RecordRef::new(mautic, &ObjectName::new(CONTACT), id.to_string()),
                kind: NoticeKind::Saved,
                receipt: format!("{receipt}/0"),
                received_at,
                modified_at: None,
                command: None,
                event: None,
            }]
        }
        (None, Body::Events) => contacts_of(received.body, mautic, receipt, received_at)?,
        (None, Body::Read) => return Err(Refusal::NoContact),
    };
    for notice in &mut notices {
        notice.command = Some(command.clone());
    }
    Ok(Asked { sites, what: What::Do { command, notices } })
}

/// The contacts of a global webhook. Mautic's test payload has none: its ids may be those of real people.
fn contacts_of(
    body: &[u8],
    mautic: &System,
    receipt: &str,
    received_at: Timestamp,
) -> Result<Vec<Notice>, Refusal> {
    let Parsed { notices, memberships, test_payload, .. } =
        parse(Verified::by_key(body), mautic, receipt, received_at)?;
    let contacts = notices.into_iter().chain(memberships);
    let contacts = Notice::coalesce(contacts.filter(|notice| notice.record.object.as_str() == CONTACT));
    if contacts.is_empty() && !test_payload {
        return Err(Refusal::NoContact);
    }
    Ok(contacts)
}

/// Whatever is not a no is a yes, as for WP Fusion.
fn is_yes(text: &str) -> bool {
    !["false", "0", "no", "off"].contains(&text.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> AccessKeys {
        let of = |keys: &[&str]| keys.iter().map(|&key| SecretString::from(key)).collect();
        [("shop".to_owned(), of(&["new", "old"])), ("blog".to_owned(), of(&["b", ""]))].into()
    }

    fn asked(query: &str, key: Option<&str>, body: (&str, &str)) -> Result<Asked, Refusal> {
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let received = Received { query: &query, key, content_type: Some(body.0), body: body.1.as_bytes() };
        read(&received, &keys(), &"mautic:main".parse().unwrap(), "r", Timestamp::UNIX_EPOCH)
    }

    fn ids(asked: &Asked) -> Vec<(String, NoticeKind)> {
        match &asked.what {
            What::Test => Vec::new(),
            What::Do { notices, .. } => {
                notices.iter().map(|notice| (notice.record.id.clone(), notice.kind)).collect()
            }
        }
    }

    const NONE: (&str, &str) = ("", "");

    #[test]
    fn a_campaign_s_request_is_understood_wherever_its_parameters_stand() {
        let command = Command {
            action: UserAction::Add,
            role: Some("customer".to_owned()),
            send_notification: Some(true),
        };
        let all =
            "contact_id=47&access_key=new&wpf_action=Add&role=customer&send_notification=true&async=true";
        let json = r#"{"contact_id":47,"access_key":"new","wpf_action":"add","role":"customer","send_notification":true}"#;
        let form = "application/x-www-form-urlencoded; charset=utf-8";
        for (query, body) in [
            (all, NONE),
            ("", (form, all)),
            ("", ("", all)),
            ("", ("application/json", json)),
            ("", (form, json)),
            ("access_key=new&role=customer", (form, "contact_id=47&wpf_action=add&send_notification=1")),
        ] {
            let asked = asked(query, None, body).unwrap_or_else(|error| panic!("{query} {body:?}: {error}"));
            assert_eq!(asked.sites, ["shop"], "{query} {body:?}");
            let What::Do { command: found, notices } = asked.what else { panic!("{query}") };
            assert_eq!((&found, notices.len()), (&command, 1), "{query} {body:?}");
            assert_eq!(notices[0].record.to_string(), "mautic:main#contact#47");
            assert_eq!((notices[0].command.as_ref(), notices[0].receipt.as_str()), (Some(&command), "r/0"));
        }
    }

    #[test]
    fn the_body_wins_over_the_query_as_it_does_in_php() {
        let asked = asked("contact_id=1&wpf_action=update", Some("new"), ("", "contact_id=2")).unwrap();
        assert_eq!(ids(&asked), [("2".to_owned(), NoticeKind::Saved)]);
    }

    #[test]
    fn a_key_leads_to_its_site_and_no_other_key_is_taken() {
        let sites = |key: &str| asked("wpf_action=test", Some(key), NONE).map(|asked| asked.sites);
        assert_eq!(sites(" old "), Ok(vec!["shop".to_owned()]));
        assert_eq!(sites("b"), Ok(vec!["blog".to_owned()]));
        for wrong in ["", "ne", "newer", "NEW"] {
            assert_eq!(sites(wrong), Err(Refusal::WrongKey), "{wrong}");
        }
        // The header counts where there is one.
        assert_eq!(asked("wpf_action=test&access_key=new", Some("x"), NONE), Err(Refusal::WrongKey));
        assert_eq!(asked("wpf_action=test&access_key=", None, NONE), Err(Refusal::WrongKey));
        assert_eq!(Refusal::WrongKey.status(), 403);
    }

    #[test]
    fn what_cannot_be_done_is_told_by_its_parameter() {
        let told = |query: &str| asked(query, Some("new"), NONE).unwrap_err();
        assert_eq!(told("contact_id=1"), Refusal::NoAction);
        assert_eq!(told("contact_id=1&wpf_action=thrivecart"), Refusal::UnknownAction);
        assert_eq!(told("wpf_action=add"), Refusal::NoContact);
        for id in ["%7Bcontactfield%3Did%7D", "0", "-1", "1;2", "99999999999999999999999"] {
            assert_eq!(told(&format!("wpf_action=add&contact_id={id}")), Refusal::NotAnId, "{id}");
        }
        assert_eq!(Refusal::NotAnId.status(), 400);
    }

    #[test]
    fn every_contact_of_a_global_webhook_is_taken_and_of_a_test_payload_none() {
        let body = r#"{"mautic.lead_post_save_update":[{"contact":{"id":1}},{"lead":{"id":2}}],
            "mautic.lead_post_save_new":[{"contact":{"id":3}}],"mautic.lead_post_delete":[{"id":4,"contact":{"id":null}}],
            "mautic.lead_list_change":[{"contact":{"id":5}}],"mautic.company_post_save":[{"company":{"id":6}}]}"#;
        let query = "wpf_action=update_tags&access_key=b";
        let found = asked(query, None, ("application/json", body)).unwrap();
        let saved = |id: &str| (id.to_owned(), NoticeKind::Saved);
        let expected =
            [saved("1"), saved("2"), saved("3"), ("4".to_owned(), NoticeKind::Deleted), saved("5")];
        assert_eq!(
            (found.sites.as_slice(), ids(&found).as_slice()),
            (&["blog".to_owned()][..], &expected[..])
        );
        let test = body.replacen('{', "{\"timestamp\":\"2026-11-21T08:00:00+00:00\",", 1);
        assert!(ids(&asked(query, None, ("application/json", &test)).unwrap()).is_empty());
        assert!(matches!(asked(query, None, ("application/json", "{\"a\":[")), Err(Refusal::Body(_))));
    }

    #[test]
    fn a_no_is_a_no_and_anything_else_a_yes() {
        let said = |text: &str| {
            let query = format!("wpf_action=add&contact_id=1&send_notification={text}");
            match asked(&query, Some("new"), NONE).unwrap().what {
                What::Do { command, .. } => command.send_notification,
                What::Test => None,
            }
        };
        assert_eq!([said("true"), said("1"), said("please")], [Some(true); 3]);
        assert_eq!([said("false"), said("0"), said("No")], [Some(false); 3]);
        assert_eq!(said(""), None);
    }
}
