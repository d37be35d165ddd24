//! A new user, made once however many messages ask for it.

use std::time::Duration;

use connector_wordpress::{Logins, SEND_NOTIFICATION, WordPressSchema, username};
use jiff::SignedDuration;
use model::{Fields, Fingerprint, ObjectName, RecordRef, Value};
use sync::{Connector as _, ConnectorError, KeyClaimed, NaturalKey, Record, Settlement, StateStore as _};

use crate::failure::Failure;
use crate::memory::{PasswordMark, Remembered, Seen};
use crate::password;
use crate::ports::now;
use crate::projection::{EMAIL, LOGIN, PASSWORD, Projection, ROLE};
use crate::rules::{self, given};
use crate::update::list;
use crate::work::{Person, Work, texts};

/// How long to wait at most before looking again whether somebody else is done.
const CLAIM_POLL: Duration = Duration::from_secs(2);
/// How many logins are tried, each with a higher number, where the first one is taken.
const LOGINS: u32 = 20;
/// How often a creation is repeated without the fields that were refused.
const REPAIRS: u32 = 4;

impl Work<'_> {
    /// Makes the user, holding the claim of its e-mail: WordPress itself makes two of two calls at the same moment.
    /// `false`: everything is looked at again.
    pub(crate) async fn create(
        &self,
        person: &Person,
        made: &Projection,
        kept: &mut Remembered,
        seen: &mut Seen,
    ) -> Result<bool, Failure> {
        self.tell_unfit(made, kept, seen);
        let Some(email) = made.text(EMAIL).map(str::to_lowercase) else {
            seen.refused.entry(EMAIL.to_owned()).or_insert_with(|| "the contact has no e-mail".to_owned());
            seen.ends("no_email");
            return Ok(true);
        };
        let key = NaturalKey {
            system: self.site.clone(),
            object: ObjectName::new(connector_wordpress::USER),
            key: Fingerprint::of(&Value::Text(format!("email={email}"))),
        };
        let contact = &person.record.reference;
        let holder = RecordRef { id: format!("{}#{}", contact.id, self.notice.receipt), ..contact.clone() };
        let start = now();
        let until = start + SignedDuration::try_from(self.ports.lease).unwrap_or_default();
        if let KeyClaimed::Held { until, .. } =
            self.ports.store.claim_key(&key, &holder, start, until).await?
        {
            let left = Duration::try_from(until.duration_since(start)).unwrap_or_default();
            return Err(Failure::Wait {
                after: Some(left.clamp(Duration::from_secs(1), CLAIM_POLL)),
                reason: "claimed",
                detail: format!("a user with the same e-mail is being made, until {until}"),
            });
        }
        let outcome = Box::pin(self.create_claimed(person, made, kept, seen)).await;
        // After a doubt the claim stays: whoever comes next looks for the user when it has ended.
        if !matches!(&outcome, Err(Failure::Wait { reason: "doubtful", .. })) {
            let settlement = Settlement { key_released: Some((key, holder)), ..Settlement::default() };
            self.ports.store.settle(&settlement).await?;
        }
        outcome
    }

    async fn create_claimed(
        &self,
        person: &Person,
        made: &Projection,
        kept: &mut Remembered,
        seen: &mut Seen,
    ) -> Result<bool, Failure> {
        // Whoever had the claim before us may have made it.
        if self.is_there(person, made, kept, seen).await? {
            return Ok(!seen.outcome.is_empty());
        }
        let schema = self.wordpress()?.schema(&ObjectName::new(connector_wordpress::USER)).await?;
        let mut values = made.values.clone();
        self.put_role(&mut values, seen);
        self.put_welcome(&schema, &mut values, seen);
        let is_generated = !values.contains(PASSWORD);
        if is_generated {
            values.insert(PASSWORD, Value::Text(self.new_password(person, seen).await?));
        }
        let own_login = made.text(LOGIN).map(str::to_owned);
        let login = own_login.clone().unwrap_or_else(|| self.login_of(person, made));
        let mut number = 1;
        values.insert(LOGIN, login.as_str());
        let mut repairs = 0;
        loop {
            let answer = self.wordpress()?.create(&ObjectName::new(connector_wordpress::USER), &values).await;
            let (message, fields) = match answer {
                Ok(user) => {
                    return self.created(person, made, (&values, user), kept, seen).await.map(|()| true);
                }
                Err(ConnectorError::Rejected { message, fields }) => (message, fields),
                Err(error) => return Err(error.into()),
            };
            // Meta is written after the user: a refusal may have made it all the same. And somebody who was faster is
            // found here, too.
            if self.is_there(person, made, kept, seen).await? {
                return Ok(!seen.outcome.is_empty());
            }
            // Somebody has the e-mail whom we are not shown: whoever works on the site.
            if fields.contains_key(EMAIL) && schema.has_plugin() {
                if is_generated {
                    self.take_password_back(person).await?;
                }
                seen.refused.clear();
                seen.ends("privileged");
                return Ok(true);
            }
            let is_login = fields.contains_key(LOGIN);
            if is_login && own_login.is_none() && number < LOGINS {
                number += 1;
                values.insert(LOGIN, username::numbered(&login, number));
                continue;
            }
            let needed = [LOGIN, EMAIL, PASSWORD];
            let named: Vec<String> = fields
                .keys()
                .filter(|name| !needed.contains(&name.as_str()) && values.contains(name))
                .cloned()
                .collect();
            repairs += 1;
            let hopeless = named.is_empty() || repairs > REPAIRS;
            for name in &named {
                values.remove(name);
            }
            if fields.is_empty() {
                seen.refused.insert("*".to_owned(), message);
            }
            seen.refused.extend(fields);
            if hopeless {
                if is_generated {
                    self.take_password_back(person).await?;
                }
                seen.ends("refused");
                return Ok(true);
            }
        }
    }

    /// Whether the user is there by now, or somebody who must not be taken; that has an outcome.
    async fn is_there(
        &self,
        person: &Person,
        made: &Projection,
        kept: &mut Remembered,
        seen: &mut Seen,
    ) -> Result<bool, Failure> {
        Ok(self.find(person, made, kept, seen).await?.is_some() || !seen.outcome.is_empty())
    }

    async fn created(
        &self,
        person: &Person,
        made: &Projection,
        (values, user): (&Fields, Record),
        kept: &mut Remembered,
        seen: &mut Seen,
    ) -> Result<(), Failure> {
        kept.user = Some(user.reference.id.clone());
        kept.removed = false;
        seen.ends("created");
        let hidden = [PASSWORD, SEND_NOTIFICATION];
        seen.fields.extend(values.names().filter(|name| !hidden.contains(name)).map(str::to_owned));
        for (name, value) in made.values.iter().filter(|(name, _)| *name != PASSWORD) {
            if values.contains(name) {
                kept.fields.insert(name.to_owned(), Fingerprint::of(value));
            } else {
                kept.refused.insert(name.to_owned(), Fingerprint::of(value));
            }
        }
        if let Some(password) = made.values.get(PASSWORD) {
            let (mark, key) = self.wordpress()?.mark_of(&password.php_string());
            kept.password = Some(PasswordMark { mark, key });
        }
        self.without_privileges(&user, values.contains(ROLE), seen).await?;
        self.take(&person.record.reference, None, &user).await?;
        Ok(())
    }

    /// The role of the map, of the campaign, or of the settings. One that may not be given is told, and the site's default
    /// stands.
    fn put_role(&self, values: &mut Fields, seen: &mut Seen) {
        let mapped = values.remove(ROLE).map(|value| match value.as_array() {
            Some(_) => texts(Some(&value)).into_iter().next().unwrap_or_default(),
            None => value.php_string().into_owned(),
        });
        let preferences = self.preferences();
        let asked = mapped.or_else(|| self.command()?.role.clone());
        let asked = asked.map(|role| rules::role(preferences, &role));
        let role = match asked {
            Some(Ok(role)) => Some(role),
            refused => {
                if let Some(Err(reason)) = refused {
                    seen.refused.insert(ROLE.to_owned(), reason);
                }
                match given(preferences.default_role.as_deref()).map(|role| rules::role(preferences, role)) {
                    Some(Ok(role)) => Some(role),
                    Some(Err(reason)) => {
                        seen.refused.insert(ROLE.to_owned(), reason);
                        None
                    }
                    None => None,
                }
            }
        };
        if let Some(role) = role {
            values.insert(ROLE, list(&[role]));
        }
    }

    fn put_welcome(&self, schema: &WordPressSchema, values: &mut Fields, seen: &mut Seen) {
        let asked = self.command().and_then(|command| command.send_notification);
        if !asked.unwrap_or(self.preferences().welcome_mail) {
            return;
        }
        if schema.has_plugin() {
            values.insert(SEND_NOTIFICATION, true);
        } else {
            let told = "a welcome mail is sent by the must-use plugin, which the site lacks";
            seen.refused.insert(SEND_NOTIFICATION.to_owned(), told.to_owned());
        }
    }

    /// A strong password. Where a field of Mautic is to show it, it stands there before the user has it: a message that
    /// ends in between finds the user or makes another password, and the field is right either way.
    async fn new_password(&self, person: &Person, seen: &mut Seen) -> Result<String, Failure> {
        let password = password::generate();
        if let Some(field) = given(self.preferences().password_field.as_deref())
            && let Some(reason) =
                password::show(self, &person.record.reference, field, Some(&password)).await?
        {
            seen.refused.insert(format!("mautic.{field}"), reason);
        }
        Ok(password)
    }

    /// Nobody has the password that stands in Mautic.
    async fn take_password_back(&self, person: &Person) -> Result<(), Failure> {
        if let Some(field) = given(self.preferences().password_field.as_deref()) {
            password::show(self, &person.record.reference, field, None).await?;
        }
        Ok(())
    }

    fn login_of(&self, person: &Person, made: &Projection) -> String {
        let names = ["firstname", "lastname"]
            .map(|name| person.record.fields.text(name).unwrap_or_default())
            .concat();
        let names: String = names.split_whitespace().collect();
        let wanted = match self.preferences().logins {
            Logins::Names if !names.is_empty() => names.as_str(),
            _ => made.text(EMAIL).unwrap_or_default(),
        };
        username::acceptable(wanted)
    }
}
