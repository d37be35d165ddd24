//! One message, from the contact to its user.

use std::time::Duration;

use aws::events::Delivery;
use aws::store::Kept;
use connector_mautic::person::TAGS;
use connector_wordpress::{Departure, Updates, WordPress, WordPressPreferences};
use mapping::FieldMap;
use model::{Command, Fingerprint, Notice, NoticeKind, RecordRef, System, UserAction, Value};
use sync::{Connector as _, ConnectorError, Reading, Record};

use crate::failure::Failure;
use crate::memory::{Remembered, Seen};
use crate::ports::{How, Ports, Ready, now};
use crate::projection::{Projection, project};
use crate::rules;

/// How long a deletion is left alone that Mautic itself does not know of yet.
const DELETE_CONFIRM: Duration = Duration::from_secs(3);
/// How often everything is read again when somebody was faster.
const ROUNDS: u32 = 4;

/// What is to be done.
pub(crate) struct Work<'a> {
    pub(crate) notice: &'a Notice,
    pub(crate) delivery: &'a Delivery,
    pub(crate) ports: &'a Ports,
    pub(crate) ready: &'a Ready,
    pub(crate) site: &'a System,
}

/// A contact as it is now.
pub(crate) struct Person {
    pub(crate) record: Record,
    pub(crate) tags: Vec<String>,
}

/// How much of a user is brought up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Everything,
    Tags,
    Nothing,
}

impl Work<'_> {
    pub(crate) fn preferences(&self) -> &WordPressPreferences {
        &self.ready.preferences
    }

    pub(crate) fn command(&self) -> Option<&Command> {
        self.notice.command.as_ref()
    }

    pub(crate) fn wordpress(&self) -> Result<&WordPress, Failure> {
        self.direct().map(|(site, _)| site)
    }

    fn direct(&self) -> Result<(&WordPress, &FieldMap), Failure> {
        match &self.ready.how {
            How::Direct { site, map } => Ok((site, map)),
            How::Relay(_) => Err(Failure::contended("the site was handed to WP Fusion meanwhile")),
        }
    }

    /// Keeps what is remembered of the contact's user.
    pub(crate) async fn remember(&self, kept: &mut Kept<Remembered>, seen: Seen) -> Result<(), Failure> {
        kept.value.note(seen);
        self.keep(&self.notice.record, kept).await
    }

    pub(crate) async fn keep(&self, contact: &RecordRef, kept: &mut Kept<Remembered>) -> Result<(), Failure> {
        if self.ports.store.keep_remembered_user(self.site, contact, kept).await? {
            kept.version += 1;
            return Ok(());
        }
        Err(Failure::contended("another message of the same contact was dealt with at the same time"))
    }

    /// Does it; `kept` and `seen` hold what was done, also where it fails.
    pub(crate) async fn run(&self, kept: &mut Kept<Remembered>, seen: &mut Seen) -> Result<(), Failure> {
        if self.is_nobody_s_business(&kept.value) {
            seen.ends("skipped");
            return Ok(());
        }
        let contact = match self.ready.mautic.read_person(&self.notice.record).await? {
            Reading::Found(_) if self.is_early_delete() => {
                let detail = "Mautic still has the contact that is said to be deleted".to_owned();
                return Err(Failure::Wait { after: Some(DELETE_CONFIRM), reason: "not_deleted_yet", detail });
            }
            Reading::Found(contact) => contact,
            Reading::Gone => return self.departs(&mut kept.value, seen).await,
            Reading::MergedInto(survivor) => {
                let mut theirs = self.ports.store.remembered_user(self.site, &survivor.reference).await?;
                self.adopt(kept, &survivor.reference, &mut theirs, seen).await?;
                let tags = texts(survivor.fields.get(TAGS));
                let person = Person { record: survivor, tags };
                self.bring_up_to_date(&person, &mut theirs.value, seen).await?;
                return self.keep(&person.record.reference, &mut theirs).await;
            }
        };
        let tags = texts(contact.fields.get(TAGS));
        self.bring_up_to_date(&Person { record: contact, tags }, &mut kept.value, seen).await
    }

    /// Whether nothing can follow from an edit in Mautic: then neither system is asked anything.
    fn is_nobody_s_business(&self, kept: &Remembered) -> bool {
        self.command().is_none()
            && kept.user.is_none()
            && self.scope() == Scope::Nothing
            && self.preferences().when_unsubscribed == Departure::Nothing
            && !rules::has_rule(self.preferences())
    }

    /// Mautic tells of a deletion at the moment in which it happens.
    fn is_early_delete(&self) -> bool {
        self.notice.kind == NoticeKind::Deleted
            && self.notice.command.is_none()
            && self.delivery.receive_count <= 1
    }

    /// The user of a contact that was merged away is the survivor's, unless that one has a user of its own.
    async fn adopt(
        &self,
        kept: &mut Kept<Remembered>,
        survivor: &RecordRef,
        theirs: &mut Kept<Remembered>,
        seen: &mut Seen,
    ) -> Result<(), Failure> {
        let Some(user) = kept.value.user.clone() else { return Ok(()) };
        if theirs.value.user.as_ref().is_some_and(|other| *other != user) {
            let told =
                format!("two users of one person: {user} stays as it is and is kept up to date no more");
            seen.refused.insert("*".to_owned(), told);
        } else {
            theirs.value = kept.value.clone();
            self.keep(survivor, theirs).await?;
        }
        kept.value = Remembered { seen: kept.value.seen.clone(), ..Remembered::default() };
        Ok(())
    }

    async fn bring_up_to_date(
        &self,
        person: &Person,
        kept: &mut Remembered,
        seen: &mut Seen,
    ) -> Result<(), Failure> {
        let (site, map) = self.direct()?;
        let schema = site.schema(&model::ObjectName::new(connector_wordpress::USER)).await?;
        let made = project(map, &schema, &person.record, &person.tags, now());
        for _ in 0..ROUNDS {
            let Some(user) = self.find(person, &made, kept, seen).await? else {
                if !seen.outcome.is_empty() {
                    return Ok(());
                }
                if !self.makes_users(person, kept).await? {
                    seen.ends(if kept.removed { "removed_on_site" } else { "not_found" });
                    return Ok(());
                }
                if Box::pin(self.create(person, &made, kept, seen)).await? {
                    return Ok(());
                }
                continue;
            };
            if Box::pin(self.update(person, user, &made, kept, seen)).await? {
                return Ok(());
            }
        }
        Err(Failure::contended("the users of the site kept changing"))
    }

    /// Whether a user is made of the contact: a campaign says so, or a rule. What somebody has removed on the site is
    /// made again by a campaign only.
    async fn makes_users(&self, person: &Person, kept: &Remembered) -> Result<bool, Failure> {
        if let Some(command) = self.command() {
            return Ok(command.action == UserAction::Add);
        }
        let preferences = self.preferences();
        let fits = rules::has_rule(preferences)
            && !kept.removed
            && rules::fits(preferences, &person.record.fields, &person.tags);
        if !fits {
            return Ok(false);
        }
        let Some(alias) = rules::segment(preferences) else { return Ok(true) };
        match self.ready.mautic.is_in_segment(&person.record.reference, alias).await {
            Err(ConnectorError::Gone) => Ok(false),
            other => Ok(other?),
        }
    }

    /// How much of a user that is there is brought up to date.
    pub(crate) fn scope(&self) -> Scope {
        match self.command().map(|command| command.action) {
            Some(UserAction::Add | UserAction::Update) => Scope::Everything,
            Some(UserAction::UpdateTags) => Scope::Tags,
            None => match self.preferences().updates {
                Updates::All => Scope::Everything,
                Updates::Tags => Scope::Tags,
                Updates::Nothing => Scope::Nothing,
            },
        }
    }

    /// Notes what the site cannot hold; once, unless a campaign asks again.
    pub(crate) fn tell_unfit(&self, made: &Projection, kept: &mut Remembered, seen: &mut Seen) {
        for (name, reason) in &made.unfit {
            let mark = Fingerprint::of_bytes(reason.as_bytes());
            if self.command().is_some() || kept.refused.get(name) != Some(&mark) {
                seen.refused.insert(name.clone(), reason.clone());
                kept.refused.insert(name.clone(), mark);
            }
        }
    }
}

/// The texts of a list.
pub(crate) fn texts(value: Option<&Value>) -> Vec<String> {
    let list = value.and_then(Value::as_array);
    list.into_iter().flat_map(model::Array::values).map(|text| text.php_string().into_owned()).collect()
}
