//! A user that is there is brought up to date: what differs is sent, and nothing else.

use std::collections::BTreeSet;

use connector_wordpress::IS_STAFF;
use model::{Array, Fields, Fingerprint, Value};
use sync::{Connector as _, ConnectorError, Reading, Record};

use crate::departure::RoleChange;
use crate::failure::Failure;
use crate::memory::{PasswordMark, Remembered, Seen};
use crate::projection::{PASSWORD, Projection, ROLE};
use crate::work::{Person, Scope, Work, texts};

/// How often an edit is repeated without the fields that were refused.
const REPAIRS: u32 = 4;

impl Work<'_> {
    /// Brings a user up to date; `false`: it is gone, and everything is looked at again.
    pub(crate) async fn update(
        &self,
        person: &Person,
        mut user: Record,
        made: &Projection,
        kept: &mut Remembered,
        seen: &mut Seen,
    ) -> Result<bool, Failure> {
        if is_staff(&user) {
            seen.ends("privileged");
            return Ok(true);
        }
        let scope = self.scope();
        let tags_only = made.clone().tags_only();
        let made = match scope {
            Scope::Everything => made,
            Scope::Tags => &tags_only,
            Scope::Nothing => &Projection::default(),
        };
        self.tell_unfit(made, kept, seen);
        if scope == Scope::Tags && made.values.is_empty() {
            seen.refused.insert(
                "*".to_owned(),
                "tags are kept by the must-use plugin, which the site lacks".to_owned(),
            );
            seen.ends("no_plugin");
            return Ok(true);
        }
        let by_campaign = self.command().is_some();
        let mut left_out: BTreeSet<String> = BTreeSet::new();
        if !by_campaign {
            let is_refused =
                |(name, value): &(&str, &Value)| kept.refused.get(*name) == Some(&Fingerprint::of(value));
            left_out.extend(made.values.iter().filter(is_refused).map(|(name, _)| name.to_owned()));
        }
        for _ in 0..=REPAIRS {
            let bases = (!by_campaign).then_some(&kept.fields);
            let mut values = made.difference(&user, bases, &left_out);
            let roles = self.roles(person, &user, made, kept, seen).filter(|_| !left_out.contains(ROLE));
            if let Some(given) = roles.as_ref().and_then(|roles| roles.give.as_ref()) {
                values.insert(ROLE, list(given));
            }
            let password = self.password(made, kept)?;
            if let Some((value, _)) = &password
                && !left_out.contains(PASSWORD)
            {
                values.insert(PASSWORD, value.clone());
            }
            if values.is_empty() {
                kept.settle(made, &left_out, roles);
                if seen.outcome.is_empty() {
                    let is_all = seen.refused.is_empty() || !seen.fields.is_empty();
                    seen.ends(if is_all { "unchanged" } else { "refused" });
                }
                return Ok(true);
            }
            match self.wordpress()?.update(&user.reference, &values).await {
                Ok(stored) => {
                    seen.fields.extend(values.names().map(str::to_owned));
                    seen.ends("updated");
                    if let Some((_, mark)) = password {
                        kept.password = Some(mark);
                    }
                    kept.settle(made, &left_out, roles);
                    self.without_privileges(&stored, values.contains(ROLE), seen).await?;
                    return Ok(true);
                }
                Err(ConnectorError::Gone) => {
                    *kept = kept.without_user();
                    return Ok(false);
                }
                // The must-use plugin guards whoever works on the site.
                Err(ConnectorError::Forbidden { .. }) => {
                    seen.ends("privileged");
                    return Ok(true);
                }
                Err(ConnectorError::Rejected { message, fields }) => {
                    let named: Vec<&String> = fields.keys().filter(|name| values.contains(name)).collect();
                    if named.is_empty() {
                        seen.refused.insert("*".to_owned(), message);
                        seen.ends("refused");
                        return Ok(true);
                    }
                    for name in named {
                        seen.refused.insert(name.clone(), fields[name].clone());
                        left_out.insert(name.clone());
                        kept.refuse(name, &values);
                    }
                    // Everything before the field that was refused may have been written.
                    match self.wordpress()?.read(&user.reference).await? {
                        Reading::Found(read) => user = read,
                        Reading::MergedInto(_) | Reading::Gone => return Ok(false),
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        seen.ends("refused");
        Ok(true)
    }

    /// The password of the map, where it is another one than at the last time. Nobody can ask a site for the one that a
    /// user has, so the first one that is seen is only remembered.
    fn password(
        &self,
        made: &Projection,
        kept: &mut Remembered,
    ) -> Result<Option<(Value, PasswordMark)>, Failure> {
        let Some(value) = made.values.get(PASSWORD) else { return Ok(None) };
        let (mark, key) = self.wordpress()?.mark_of(&value.php_string());
        let mark = PasswordMark { mark, key };
        match &kept.password {
            Some(known) if known.key == mark.key && known.mark != mark.mark => {
                Ok(Some((value.clone(), mark)))
            }
            Some(known) if known.key == mark.key => Ok(None),
            _ => {
                kept.password = Some(mark);
                Ok(None)
            }
        }
    }

    /// Which roles the user shall have, if others.
    fn roles(
        &self,
        person: &Person,
        user: &Record,
        made: &Projection,
        kept: &Remembered,
        seen: &mut Seen,
    ) -> Option<RoleChange> {
        if let Some(change) = self.departing(person, user, kept, seen) {
            return Some(change);
        }
        if self.scope() != Scope::Everything {
            return None;
        }
        let mapped = made.values.get(ROLE).filter(|value| {
            self.command().is_some() || kept.fields.get(ROLE) != Some(&Fingerprint::of(value))
        });
        let mapped = mapped.map(|value| match value.as_array() {
            Some(_) => texts(Some(value)).into_iter().next().unwrap_or_default(),
            None => value.php_string().into_owned(),
        });
        let asked = mapped.or_else(|| self.command()?.role.clone())?;
        let role = match crate::rules::role(self.preferences(), &asked) {
            Ok(role) => role,
            Err(reason) => {
                seen.refused.insert(ROLE.to_owned(), reason);
                return None;
            }
        };
        let wanted = vec![role];
        (texts(user.fields.get(ROLE)) != wanted)
            .then(|| RoleChange { give: Some(wanted), departed: kept.departed.clone() })
    }

    /// Takes a role away again that turns out to be more than a visitor's.
    pub(crate) async fn without_privileges(
        &self,
        stored: &Record,
        was_given: bool,
        seen: &mut Seen,
    ) -> Result<(), Failure> {
        if !is_staff(stored) || !was_given {
            return Ok(());
        }
        let told =
            "the role may do more than a visitor's, and was taken away again: take it off the setting roles";
        seen.refused.insert(ROLE.to_owned(), told.to_owned());
        let mut values = Fields::new();
        values.insert(ROLE, list(&[]));
        match self.wordpress()?.update(&stored.reference, &values).await {
            Ok(_) => Ok(()),
            Err(ConnectorError::Rejected { .. } | ConnectorError::Forbidden { .. }) => {
                let told = "the role may do more than a visitor's, and could not be taken away again: do that by hand";
                seen.refused.insert(ROLE.to_owned(), told.to_owned());
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl Remembered {
    /// Remembers what the user is now the image of.
    fn settle(&mut self, made: &Projection, left_out: &BTreeSet<String>, roles: Option<RoleChange>) {
        for (name, value) in made.values.iter().filter(|(name, _)| *name != PASSWORD) {
            if !left_out.contains(name) {
                self.fields.insert(name.to_owned(), Fingerprint::of(value));
                self.refused.remove(name);
            }
        }
        if let Some(roles) = roles {
            self.departed = roles.departed;
        }
    }

    fn refuse(&mut self, name: &str, values: &Fields) {
        if let Some(value) = values.get(name).filter(|_| name != PASSWORD && name != ROLE) {
            self.refused.insert(name.to_owned(), Fingerprint::of(value));
        }
    }
}

/// Whether nobody but an administrator of the site may change this user. Where the site does not say, it is so.
pub(crate) fn is_staff(user: &Record) -> bool {
    user.fields.get(IS_STAFF) != Some(&Value::Bool(false))
}

/// Roles as a value.
pub(crate) fn list(roles: &[String]) -> Value {
    let roles: Array = roles.iter().map(|role| Value::from(role.as_str())).collect();
    Value::Array(roles)
}
