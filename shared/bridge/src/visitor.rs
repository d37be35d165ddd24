//! `bridge visitor`: who somebody is to the bridge, what they did, what was sent to Mautic, and why nothing was.

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use aws::store::Kept;
use aws::{DynamoStore, SystemClock};
use clap::Args;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use connector_signal::{
    Fact, Facts, Identity, IdentityKey, Person, Seen, SignalSecret, name_in_memory, person_key,
};
use jiff::Timestamp;
use model::{System, SystemKind};
use serde::Serialize;
use sync::Clock as _;

use crate::screen::{BOLD, DIM, NAME, clean, confirmed, line, styled};
use crate::stack::{Stack, StackOptions};
use crate::times::{ago, shown};

/// Whom, and how.
#[derive(Clone, Debug, Args)]
pub struct VisitorOptions {
    /// An e-mail, or the id of a user or of a browser, as the source sends it.
    #[arg(value_name = "EMAIL_OR_ID")]
    pub who: String,
    /// The source whose id it is. Without it: any.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Prints everything as JSON.
    #[arg(long)]
    pub json: bool,
    /// Forgets all of it. Contacts in Mautic and coreBOS stay as they are.
    #[arg(long, conflicts_with = "json")]
    pub forget: bool,
    /// Does not ask.
    #[arg(long, requires = "forget")]
    pub yes: bool,
    /// The stack.
    #[command(flatten)]
    pub stack: StackOptions,
}

/// What is known of somebody.
#[derive(Debug, Default, Serialize)]
pub struct Found {
    /// What sources call them.
    pub identities: Vec<(IdentityKey, Identity)>,
    /// The people with their e-mails.
    pub people: Vec<Person>,
}

/// Runs the command. Exit code 1 where nobody is found.
pub(crate) async fn run(options: &VisitorOptions) -> Result<ExitCode> {
    let stack = Stack::find(&options.stack).await?;
    let found = find(&stack, &options.who, options.source.as_deref()).await?;
    if options.json {
        line(&serde_json::to_string_pretty(&found)?);
    } else {
        show(&found, &options.who, SystemClock.now());
    }
    let is_nobody = found.identities.is_empty() && found.people.is_empty();
    if options.forget && !is_nobody && (options.yes || confirmed("Forget all of this?")) {
        forget(&stack, &found).await?;
        line("Forgotten. Events that are still in the queue, or come later, are remembered anew.");
    }
    Ok(if is_nobody { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Looks in the memory. Nothing is changed.
///
/// # Errors
/// The stack takes no visitor events, or its table does not answer.
pub async fn find(stack: &Stack, who: &str, source: Option<&str>) -> Result<Found> {
    let memory = Memory {
        store: stack.store()?,
        system: stack.environment.instance(SystemKind::Signal)?,
        now: SystemClock.now(),
    };
    let mut found = Found::default();
    let who = who.trim();
    if who.contains('@') {
        memory.add_person(&mut found, &who.to_lowercase()).await?;
        let keys: Vec<IdentityKey> =
            found.people.iter().flat_map(|person| person.identities.clone()).collect();
        for key in keys {
            memory.add_identity(&mut found, &key).await?;
        }
    }
    // Sources are free to call their users by e-mail.
    for source in sources(stack, source).await? {
        for key in [IdentityKey::user(&source, who), IdentityKey::anonymous(&source, who)] {
            memory.add_identity(&mut found, &key).await?;
        }
    }
    let owners = found.identities.iter().filter_map(|(_, identity)| identity.user.as_ref());
    for owner in owners.map(|fact| fact.value.clone()).collect::<Vec<_>>() {
        memory.add_identity(&mut found, &owner).await?;
    }
    let emails = found.identities.iter().filter_map(|(_, identity)| identity.facts.text("email"));
    for email in emails.map(str::to_owned).collect::<Vec<_>>() {
        memory.add_person(&mut found, &email).await?;
    }
    Ok(found)
}

/// The sources of which an id may be.
async fn sources(stack: &Stack, wanted: Option<&str>) -> Result<Vec<String>> {
    if let Some(wanted) = wanted {
        return Ok(vec![wanted.to_owned()]);
    }
    let secret = stack.environment.secret(SystemKind::Signal);
    let secret = secret.context("the stack takes no visitor events: it was started without their sources")?;
    let secret: SignalSecret = stack.secrets().secret(&secret.secret).await?;
    Ok(secret.sources.into_keys().collect())
}

/// Forgets somebody.
async fn forget(stack: &Stack, found: &Found) -> Result<()> {
    let (store, system) = (stack.store()?, stack.environment.instance(SystemKind::Signal)?);
    for (key, _) in &found.identities {
        store.forget_remembered(&name_in_memory(&system, key)).await?;
    }
    for email in found.people.iter().filter_map(|person| person.facts.text("email")) {
        store.forget_remembered(&person_key(email)).await?;
    }
    Ok(())
}

struct Memory {
    store: DynamoStore,
    system: System,
    now: Timestamp,
}

impl Memory {
    async fn add_identity(&self, found: &mut Found, key: &IdentityKey) -> Result<()> {
        if found.identities.iter().any(|(known, _)| known == key) {
            return Ok(());
        }
        let read = self.store.remembered::<Identity>(&[name_in_memory(&self.system, key)], self.now).await?;
        if let Some(Kept { value, version: 1.. }) = read.into_iter().next() {
            found.identities.push((key.clone(), value));
        }
        Ok(())
    }

    async fn add_person(&self, found: &mut Found, email: &str) -> Result<()> {
        if found.people.iter().any(|person| person.facts.text("email") == Some(email)) {
            return Ok(());
        }
        let read = self.store.remembered::<Person>(&[person_key(email)], self.now).await?;
        if let Some(Kept { value, version: 1.. }) = read.into_iter().next() {
            found.people.push(value);
        }
        Ok(())
    }
}

fn show(found: &Found, who: &str, now: Timestamp) {
    if found.people.is_empty() && found.identities.is_empty() {
        line(&format!(
            "Nobody is remembered as {}: no event has named them, or it was too long ago.",
            clean(who)
        ));
        return;
    }
    for person in &found.people {
        let email = person.facts.text("email").unwrap_or("?");
        line(&styled(BOLD, &clean(email)));
        match &person.sent.contact {
            Some(contact) => line(&format!("  Mautic contact {NAME}{}{NAME:#}", contact.id)),
            None => line("  not in Mautic yet"),
        }
        if let Some(at) = person.sent.at {
            line(&format!("  last sent {} ({})", shown(at), ago(at, now)));
        }
        facts(&person.facts, now);
        events(&person.seen);
        line("");
    }
    for (key, identity) in &found.identities {
        line(&styled(DIM, key.as_str()));
        if let Some(user) = &identity.user {
            line(&format!("  belongs to {}, since {}", user.value.as_str(), shown(user.at)));
        }
        if identity.facts.text("email").is_none() && identity.user.is_none() {
            line("  nobody has named an e-mail: nothing can be sent");
        }
        facts(&identity.facts, now);
        events(&identity.seen);
        line("");
    }
}

fn facts(facts: &Facts, now: Timestamp) {
    let mut table = Table::new();
    table.load_style(NOTHING);
    let mut row = |name: &str, value: &str, at: Timestamp| {
        table.add_row([format!("  {}", clean(name)), clean(value), format!("since {}", shown(at))]);
    };
    for (name, Fact { value, at }) in &facts.traits {
        row(name, value, *at);
    }
    for (category, Fact { value, at }) in &facts.consent {
        row(&format!("agreed to {category}"), if *value { "yes" } else { "no" }, *at);
    }
    for (what, touch) in [("first campaign", &facts.first_touch), ("last campaign", &facts.last_touch)] {
        if let Some(Fact { value, at }) = touch {
            let parts: Vec<&str> =
                value.parts().into_iter().map(|(_, part)| part).filter(|part| !part.is_empty()).collect();
            row(what, &parts.join(" / "), *at);
        }
    }
    if let Some(Fact { value, at }) = &facts.ip {
        row("address", value, *at);
    }
    line(&table.to_string());
    if let Some(seen) = facts.seen {
        line(&format!("  last visit {} ({})", shown(seen), ago(seen, now)));
    }
}

fn events(seen: &[Seen]) {
    let mut table = Table::new();
    table.load_style(NOTHING);
    for event in seen {
        let status = event.status.map(|status| status.to_string()).unwrap_or_default();
        let refused: Vec<String> =
            event.refused.iter().map(|(name, words)| format!("{name} refused: {words}")).collect();
        let told = [event.fields.join(" "), refused.join("; ")];
        let told: Vec<&str> = told.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
        table.add_row([
            format!("  {}", shown(event.at)),
            clean(&event.event),
            event.outcome.clone(),
            status,
            clean(&told.join("; ")),
        ]);
    }
    if !seen.is_empty() {
        line(&styled(BOLD, "  events"));
        line(&table.to_string());
    }
}
