//! Relay mode: WP Fusion, which the site owns, is told what to do; the queue in front of it loses nothing and repeats
//! what it did not take.

use connector_mautic::person::TAGS;
use connector_wordpress::relay::{Relayed, Wanted};
use connector_wordpress::{Fusion, Updates};
use model::{Notice, NoticeKind, UserAction};
use sync::{ConnectorError, Reading};

use crate::failure::Failure;
use crate::memory::Seen;
use crate::ports::Ready;
use crate::rules;
use crate::work::texts;

/// Forwards a message, or what follows from it by the rules of the site.
pub(crate) async fn forward(
    notice: &Notice,
    fusion: &Fusion,
    ready: &Ready,
    seen: &mut Seen,
) -> Result<(), Failure> {
    let action = match &notice.command {
        Some(command) => Some(command.action),
        None => by_itself(notice, ready).await?,
    };
    let Some(action) = action else {
        seen.ends("skipped");
        return Ok(());
    };
    // What a rule makes is told to WP Fusion as any campaign would tell it; its own rules about roles hold.
    let role = notice.command.as_ref().and_then(|command| command.role.as_deref());
    let role = match role.map(|role| rules::role(&ready.preferences, role)) {
        Some(Err(reason)) => {
            seen.refused.insert("role".to_owned(), reason);
            None
        }
        Some(Ok(role)) => Some(role),
        None => None,
    };
    let asked = notice.command.as_ref().and_then(|command| command.send_notification);
    let wanted = Wanted {
        action: action.as_str(),
        contact_id: &notice.record.id,
        role: role.as_deref(),
        send_notification: asked.unwrap_or(ready.preferences.welcome_mail),
    };
    match fusion.relay(&wanted).await {
        Ok(Relayed::Done) => seen.ends("relayed"),
        Ok(Relayed::Nobody) => seen.ends("not_found"),
        Err(ConnectorError::Rejected { message, .. }) => {
            seen.refused.insert("*".to_owned(), message);
            seen.ends("refused");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// What follows from an edit in Mautic. A deletion tells WP Fusion nothing that it could use.
async fn by_itself(notice: &Notice, ready: &Ready) -> Result<Option<UserAction>, Failure> {
    if notice.kind != NoticeKind::Saved {
        return Ok(None);
    }
    if rules::has_rule(&ready.preferences) {
        let Reading::Found(contact) = ready.mautic.read_person(&notice.record).await? else {
            return Ok(None);
        };
        let tags = texts(contact.fields.get(TAGS));
        if rules::fits(&ready.preferences, &contact.fields, &tags) {
            let is_in = match rules::segment(&ready.preferences) {
                Some(alias) => ready.mautic.is_in_segment(&contact.reference, alias).await?,
                None => true,
            };
            if is_in {
                return Ok(Some(UserAction::Add));
            }
        }
    }
    Ok(match ready.preferences.updates {
        Updates::All => Some(UserAction::Update),
        Updates::Tags => Some(UserAction::UpdateTags),
        Updates::Nothing => None,
    })
}
