//! What a site holds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::roles;

/// A user. Nothing in the table of users is unique but the id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) login: String,
    pub(crate) email: String,
    pub(crate) password: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) nickname: String,
    pub(crate) display_name: String,
    pub(crate) url: String,
    pub(crate) description: String,
    pub(crate) locale: String,
    pub(crate) slug: String,
    pub(crate) roles: Vec<String>,
    pub(crate) registered: Timestamp,
    pub(crate) meta: BTreeMap<String, Json>,
}

/// What a registered key of user meta holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MetaType {
    /// One text.
    Text,
    /// A list of texts.
    Texts,
}

/// A mail that the site sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// To whom.
    pub to: String,
    /// `Login Details`, `Email Changed`, `Password Changed`.
    pub subject: String,
}

/// Everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) users: Vec<User>,
    pub(crate) next_id: u64,
    pub(crate) roles: Vec<String>,
    /// Registered keys of user meta that the API shows, in the order of their registration.
    pub(crate) meta: Vec<(String, MetaType)>,
    /// Application passwords: login and password without blanks.
    pub(crate) application_passwords: Vec<(String, String)>,
    /// Whether the must-use plugin is installed.
    pub(crate) plugin: bool,
    /// WP Fusion's access key, where a site owns it.
    pub(crate) fusion_key: Option<String>,
    /// What WP Fusion finds in Mautic: contact id to e-mail.
    pub(crate) fusion_contacts: BTreeMap<String, String>,
    pub(crate) mails: Vec<Mail>,
}

impl State {
    /// A new site with an administrator, two people, and the bridge's user.
    pub(crate) fn fresh(now: Timestamp, plugin: bool) -> Self {
        let mut state = Self {
            users: Vec::new(),
            next_id: 1,
            roles: roles::STOCK.iter().map(|role| (*role).to_owned()).collect(),
            meta: Vec::new(),
            application_passwords: Vec::new(),
            plugin: false,
            fusion_key: None,
            fusion_contacts: BTreeMap::new(),
            mails: Vec::new(),
        };
        let people = [
            ("admin", "administrator"),
            ("editor1", "editor"),
            ("sub1", "subscriber"),
            ("syncbot", "crm_sync"),
        ];
        for (login, role) in people {
            state.seat(login, &format!("{login}@wp.test"), role, now);
        }
        if plugin {
            state.install_plugin(&[]);
        }
        state
    }

    /// The must-use plugin with its two keys, and further ones.
    pub(crate) fn install_plugin(&mut self, further: &[&str]) {
        self.plugin = true;
        let own = [("mautic_contact_id", MetaType::Text), ("mautic_tags", MetaType::Texts)];
        let further = further.iter().map(|key| (*key, MetaType::Text));
        for (key, kind) in own.into_iter().chain(further) {
            if !self.meta.iter().any(|(known, _)| known == key) {
                self.meta.push((key.to_owned(), kind));
            }
        }
    }

    /// A user that an administrator makes, without any check.
    pub(crate) fn seat(&mut self, login: &str, email: &str, role: &str, now: Timestamp) -> u64 {
        let user = User {
            id: self.next_id,
            login: login.to_owned(),
            email: email.to_owned(),
            password: String::new(),
            first_name: String::new(),
            last_name: String::new(),
            nickname: login.to_owned(),
            display_name: login.to_owned(),
            url: String::new(),
            description: String::new(),
            locale: "en_US".to_owned(),
            slug: super::clean::slug(login),
            roles: vec![role.to_owned()],
            registered: now,
            meta: BTreeMap::new(),
        };
        self.next_id += 1;
        let id = user.id;
        self.users.push(user);
        id
    }

    pub(crate) fn user(&self, id: u64) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub(crate) fn user_mut(&mut self, id: u64) -> Option<&mut User> {
        self.users.iter_mut().find(|user| user.id == id)
    }

    /// `username_exists`: letter case is ignored by the database.
    pub(crate) fn has_login(&self, login: &str) -> bool {
        self.users.iter().any(|user| user.login.eq_ignore_ascii_case(login))
    }

    /// `email_exists`, in any case: the first of them.
    pub(crate) fn by_email(&self, email: &str) -> Option<&User> {
        self.users.iter().find(|user| user.email.eq_ignore_ascii_case(email))
    }

    /// The user that an application password belongs to. Blanks in it do not count.
    pub(crate) fn authenticated(&self, login: &str, password: &str) -> Option<&User> {
        let password: String = password.chars().filter(|c| !c.is_whitespace()).collect();
        let known = self
            .application_passwords
            .iter()
            .any(|(owner, known)| owner == login && *known == password && !password.is_empty());
        if known { self.users.iter().find(|user| user.login == login || user.email == login) } else { None }
    }

    pub(crate) fn mail(&mut self, to: &str, subject: &str) {
        self.mails.push(Mail { to: to.to_owned(), subject: subject.to_owned() });
    }
}
