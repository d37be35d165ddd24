//! `bridge parked`: changes that were taken out of the flow, why, and back into it.

use std::process::ExitCode;

use anyhow::{Result, bail};
use aws::store::Parked;
use aws::{DynamoStore, SqsChangeQueue, SystemClock};
use clap::{Args, Subcommand};
use model::Pair;
use sync::Clock as _;
use sync::redrive::{Redriven, redrive};

use crate::progress;
use crate::screen::{BOLD, CARE, DIM, GOOD, NAME, clean, confirmed, count, line, styled};
use crate::stack::{Stack, StackOptions};
use crate::times::{ago, shown, since};
use crate::why::gather::{id_of, parked_facts};
use crate::why::report::ParkedFacts;
use crate::why::{Cell, lines, of_name, words};

/// The longest message in the list; `show` gives all of it.
const MESSAGE: usize = 70;

#[derive(Debug, Subcommand)]
pub(crate) enum ParkedCommand {
    /// What is parked, oldest first.
    List(ListOptions),
    /// Everything about one parked change, and what to do about it.
    Show(ShowOptions),
    /// Sends parked changes again: what was refused is really tried once more. Exit code 1 if one could not be sent.
    Redrive(RedriveOptions),
    /// Forgets parked changes. Nothing is lost but the note: the next change of the record is decided as always.
    Drop(DropOptions),
}

#[derive(Debug, Args)]
pub(crate) struct Which {
    /// Only this pair: `mautic-contacts`.
    #[arg(long, value_name = "PAIR")]
    pair: Option<String>,
    /// Only what was parked since then: a date, a time, or how long ago (2h, 3d).
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
    /// Only what was parked for this reason: `refused`, `ambiguous`, `brake`, ...
    #[arg(long, value_name = "REASON")]
    reason: Option<String>,
    #[command(flatten)]
    stack: StackOptions,
}

#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    #[command(flatten)]
    which: Which,
    /// Prints everything as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ShowOptions {
    /// Its id, as `list` gives it.
    #[arg(value_name = "ID")]
    id: String,
    /// Prints everything as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stack: StackOptions,
}

#[derive(Debug, Args)]
pub(crate) struct RedriveOptions {
    /// The ids, as `list` gives them.
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// Everything that is parked, or what --pair, --since and --reason leave of it.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    which: Which,
}

#[derive(Debug, Args)]
pub(crate) struct DropOptions {
    /// The ids, as `list` gives them.
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// Everything that is parked, or what --pair, --since and --reason leave of it.
    #[arg(long)]
    all: bool,
    /// Does not ask.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    which: Which,
}

pub(crate) async fn run(command: ParkedCommand) -> Result<ExitCode> {
    match command {
        ParkedCommand::List(options) => list(&options).await,
        ParkedCommand::Show(options) => show(&options).await,
        ParkedCommand::Redrive(options) => send_again(&options).await,
        ParkedCommand::Drop(options) => drop_them(&options).await,
    }
}

async fn list(options: &ListOptions) -> Result<ExitCode> {
    let stack = Stack::find(&options.which.stack).await?;
    let parked = chosen(&stack, &stack.store()?, &options.which).await?;
    let facts: Vec<ParkedFacts> = parked.iter().map(parked_facts).collect();
    if options.json {
        line(&serde_json::to_string_pretty(&facts)?);
        return Ok(ExitCode::SUCCESS);
    }
    if facts.is_empty() {
        line("nothing is parked");
        return Ok(ExitCode::SUCCESS);
    }
    let header = ["id", "when (UTC)", "pair", "record", "towards", "reason", "what"];
    let mut rows = vec![header.map(|text| Cell::new(text, 20).in_style(DIM)).to_vec()];
    rows.extend(facts.iter().map(row));
    for shown in lines(&rows, "") {
        line(&shown);
    }
    line("");
    line(&format!("What to do about one of them: {}", styled(NAME, "bridge parked show ID")));
    Ok(ExitCode::SUCCESS)
}

fn row(parked: &ParkedFacts) -> Vec<Cell> {
    vec![
        Cell::new(&parked.id, 12).in_style(NAME),
        Cell::new(&shown(parked.at), 20),
        Cell::new(&parked.pair, 24),
        Cell::new(&parked.record, 50),
        Cell::new(&parked.to, 24),
        Cell::new(&parked.reason, 24).in_style(CARE),
        Cell::new(&what(parked), MESSAGE),
    ]
}

/// The words about the fields, else the message.
fn what(parked: &ParkedFacts) -> String {
    if parked.fields.is_empty() {
        return parked.message.clone();
    }
    parked.fields.iter().map(|(field, words)| format!("{field}: {words}")).collect::<Vec<_>>().join("; ")
}

async fn show(options: &ShowOptions) -> Result<ExitCode> {
    let stack = Stack::find(&options.stack).await?;
    let store = stack.store()?;
    let which = Which { pair: None, since: None, reason: None, stack: options.stack.clone() };
    let all = chosen(&stack, &store, &which).await?;
    let parked = by_ids(&all, std::slice::from_ref(&options.id))?;
    let Some(parked) = parked.first() else { bail!("nothing parked has the id {}", options.id) };
    let facts = parked_facts(parked);
    if options.json {
        line(&serde_json::to_string_pretty(&facts)?);
        return Ok(ExitCode::SUCCESS);
    }
    for shown in told(&facts, SystemClock.now()) {
        line(&shown);
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything about a parked change.
fn told(facts: &ParkedFacts, now: jiff::Timestamp) -> Vec<String> {
    let ParkedFacts { id, at, pair, record, to, reason, message, receipt, received_at, advice, .. } = facts;
    let mut told = vec![
        format!("{} {} ▶ {to}", styled(NAME, id), clean(record)),
        format!("  parked   {} ({}), pair {pair}", shown(*at), ago(*at, now)),
        format!("  notice   {} from {}", clean(receipt), shown(*received_at)),
        format!("  reason   {}", styled(CARE, &clean(reason))),
        format!("  message  {}", clean(message)),
    ];
    for (field, words) in &facts.fields {
        told.push(format!("  field    {}: {}", styled(BOLD, &clean(field)), clean(words)));
    }
    told.push(String::new());
    told.push(format!("What to do: {advice}."));
    for (command, does) in [
        (format!("bridge why '{record}'"), "how it stands now, field by field"),
        (format!("bridge parked redrive {id}"), "sends it again"),
        (format!("bridge parked drop {id}"), "forgets it"),
    ] {
        told.push(format!("  {}  {does}", styled(NAME, &format!("{command:<40}"))));
    }
    told
}

async fn send_again(options: &RedriveOptions) -> Result<ExitCode> {
    let stack = Stack::find(&options.which.stack).await?;
    let store = stack.store()?;
    let all = chosen(&stack, &store, &options.which).await?;
    let parked = if options.all { all } else { by_ids(&all, &options.ids)? };
    let queue = SqsChangeQueue::new(stack.clients.sqs.clone(), stack.environment.changes_queues()?);
    let bar = progress::bar(parked.len(), "sent");
    let (mut sent, mut left) = (0, Vec::new());
    for parked in &parked {
        match send_one(&store, &queue, parked).await {
            Ok(()) => sent += 1,
            Err(error) => left.push(format!("{} stays parked: {error:#}", id_of(&parked.name))),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    line(&styled(GOOD, &format!("{} sent again", count(sent, "change"))));
    if sent == 1
        && let Some(parked) = parked.first()
    {
        let record = parked.change.notice.record.key();
        line(&format!("What became of it: {}", styled(NAME, &format!("bridge why '{record}'"))));
    }
    for left in &left {
        line(&styled(CARE, left));
    }
    Ok(if left.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Queues the notice, and removes what is parked after the queue has taken it.
async fn send_one(store: &DynamoStore, queue: &SqsChangeQueue, parked: &Parked) -> Result<()> {
    let receipt = format!("redrive-{}", uuid::Uuid::new_v4());
    match redrive(store, queue, &SystemClock, &parked.change, &receipt).await? {
        Redriven::Queued { .. } => {
            store.delete_parked(&parked.change.pair, &parked.name).await?;
            Ok(())
        }
        Redriven::Busy { until: Some(until) } => {
            bail!("a push is writing the record, until {} at most; try again then", shown(until))
        }
        Redriven::Busy { until: None } => bail!("pushes keep settling the record; try again in a moment"),
        Redriven::Unreachable { towards } => {
            bail!("no queue leads to {}: its push is not deployed", words::label(&towards))
        }
    }
}

async fn drop_them(options: &DropOptions) -> Result<ExitCode> {
    let stack = Stack::find(&options.which.stack).await?;
    let store = stack.store()?;
    let all = chosen(&stack, &store, &options.which).await?;
    let parked = if options.all { all } else { by_ids(&all, &options.ids)? };
    if parked.is_empty() {
        line("nothing is parked");
        return Ok(ExitCode::SUCCESS);
    }
    for parked in parked.iter().take(10) {
        let facts = parked_facts(parked);
        line(&format!(
            "  {} {} {}",
            styled(NAME, &facts.id),
            clean(&facts.record),
            styled(CARE, &facts.reason)
        ));
    }
    let count = parked.len();
    if count > 10 {
        line(&format!("  and {} more", count - 10));
    }
    if !options.yes
        && !confirmed(&format!("Forget {} on {}?", crate::screen::count(count, "parked change"), stack.name))
    {
        bail!("nothing was dropped: answer y, or say --yes");
    }
    let bar = progress::bar(count, "dropped");
    for parked in &parked {
        store.delete_parked(&parked.change.pair, &parked.name).await?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    line(&format!("{count} dropped"));
    Ok(ExitCode::SUCCESS)
}

/// What is parked and fits, oldest first.
async fn chosen(stack: &Stack, store: &DynamoStore, which: &Which) -> Result<Vec<Parked>> {
    let from = which.since.as_deref().map(|text| since(text, SystemClock.now())).transpose()?;
    let pairs: Vec<Pair> = of_name(stack, which.pair.as_deref())?;
    let mut parked = Vec::new();
    for pair in &pairs {
        parked.extend(match from {
            Some(from) => store.list_parked_since(pair, from).await?,
            None => store.list_parked(pair).await?,
        });
    }
    parked.retain(|parked| which.reason.as_ref().is_none_or(|reason| *reason == parked.change.reason));
    parked.sort_by_key(|parked| parked.change.at);
    Ok(parked)
}

/// The parked changes with these ids; an id may be shortened as long as it fits one only.
fn by_ids(all: &[Parked], ids: &[String]) -> Result<Vec<Parked>> {
    let mut found: Vec<Parked> = Vec::new();
    for id in ids {
        let fits = |parked: &&Parked| {
            !id.is_empty() && (id_of(&parked.name).starts_with(id.as_str()) || parked.name == *id)
        };
        let fitting: Vec<&Parked> = all.iter().filter(fits).collect();
        match fitting.as_slice() {
            [] => bail!("nothing parked has the id {id}; `bridge parked list` gives the ids"),
            [one] => found.push((*one).clone()),
            several => {
                let ids: Vec<String> = several.iter().map(|parked| id_of(&parked.name)).collect();
                bail!("several have ids that begin with {id}: {}", ids.join(", "))
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Notice, NoticeKind, ObjectName, PairKind, ParkedChange, RecordRef};

    fn parked(digest: &str) -> Parked {
        let pair = Pair {
            kind: PairKind::MauticContacts,
            hub: "corebos:main".parse().unwrap(),
            remote: "mautic:main".parse().unwrap(),
        };
        let at = "2026-11-21T08:15:30Z".parse().unwrap();
        let notice = Notice {
            record: RecordRef::new(&pair.remote, &ObjectName::new("contact"), "47"),
            kind: NoticeKind::Saved,
            receipt: "req-1/0".to_owned(),
            received_at: at,
            modified_at: None,
            command: None,
            event: None,
        };
        let fields = [("lastname".to_owned(), "is \u{1b}[31mmandatory".to_owned())].into();
        let (reason, message) = ("refused".to_owned(), "coreBOS does not take lastname".to_owned());
        let change = ParkedChange { pair, notice, at, reason, message, fields };
        Parked { name: format!("2026-11-21T08:15:30.000000000Z#req-1/0#{digest}"), change }
    }

    #[test]
    fn a_parked_change_is_told_with_what_to_do_and_cannot_command_the_terminal() {
        let now = "2026-11-21T08:18:30Z".parse().unwrap();
        let text = told(&parked_facts(&parked("a1b2c3d4")), now).join("\n");
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert!(plain.starts_with("a1b2c3d4 mautic:main#contact#47 ▶ coreBOS\n"), "{plain}");
        assert!(plain.contains("parked   2026-11-21 08:15:30 (3 min ago), pair mautic-contacts"), "{plain}");
        assert!(plain.contains("bridge parked redrive a1b2c3d4"), "{plain}");
        assert!(plain.contains("What to do: correct the value in the record"), "{plain}");
        assert!(!text.contains("\u{1b}[31mmandatory"), "{text:?}");
    }

    #[test]
    fn an_id_may_be_shortened_while_it_fits_one_only() {
        let all = [parked("a1b2c3d4"), parked("a1ffffff"), parked("0badcafe")];
        let ids = |text: &str| by_ids(&all, &[text.to_owned()]).map(|found| id_of(&found[0].name));
        assert_eq!(ids("0b").unwrap(), "0badcafe");
        assert_eq!(ids("a1b").unwrap(), "a1b2c3d4");
        assert!(ids("a1").unwrap_err().to_string().contains("a1ffffff"));
        for unknown in ["zz", ""] {
            assert!(ids(unknown).unwrap_err().to_string().contains("nothing parked has the id"));
        }
    }
}
