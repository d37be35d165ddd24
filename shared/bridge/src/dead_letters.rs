//! `bridge deadletters`: messages that nobody could read, or that failed a thousand times; looked at, sent back, dropped.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use aws::SystemClock;
use aws::queue::dead_letters::{DeadLetter, DeadLetters, Removal, Removed};
use clap::{Args, Subcommand};
use model::SystemKind;
use serde_json::json;
use sync::Clock as _;

use crate::progress;
use crate::screen::{BOLD, CARE, DIM, NAME, confirmed, line, shortened, styled};
use crate::stack::{Stack, StackOptions};
use crate::times::ago;
use crate::why::{Cell, lines, words};

/// The characters of an id that are shown: enough to tell some thousand apart.
const SHOWN_ID: usize = 8;

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLettersCommand {
    /// What is in the dead-letter queues. Looking takes nothing out.
    List(ListOptions),
    /// Sends dead letters back to the queue that they came from, in order. What is no notice stays.
    Redrive(TakeOptions),
    /// Deletes dead letters.
    Drop(DropOptions),
}

#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    /// Only the queue towards this system: `corebos`, `mautic`.
    #[arg(long, value_name = "SYSTEM")]
    system: Option<String>,
    /// How many are shown of each queue.
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
    /// Prints everything as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    stack: StackOptions,
}

#[derive(Debug, Args)]
pub(crate) struct TakeOptions {
    /// The ids, as `list` gives them.
    #[arg(value_name = "ID", required_unless_present = "all", conflicts_with = "all")]
    ids: Vec<String>,
    /// All of them.
    #[arg(long)]
    all: bool,
    /// Only the queue towards this system: `corebos`, `mautic`.
    #[arg(long, value_name = "SYSTEM")]
    system: Option<String>,
    #[command(flatten)]
    stack: StackOptions,
}

#[derive(Debug, Args)]
pub(crate) struct DropOptions {
    #[command(flatten)]
    take: TakeOptions,
    /// Does not ask.
    #[arg(long)]
    yes: bool,
}

/// A dead-letter queue, and the system that its queue leads to.
struct Queue {
    towards: String,
    letters: DeadLetters,
}

pub(crate) async fn run(command: DeadLettersCommand) -> Result<ExitCode> {
    match command {
        DeadLettersCommand::List(options) => list(&options).await,
        DeadLettersCommand::Redrive(options) => take(&options, Removal::Redrive, true).await,
        DeadLettersCommand::Drop(options) => take(&options.take, Removal::Drop, options.yes).await,
    }
}

fn queues(stack: &Stack, only: Option<&str>) -> Result<Vec<Queue>> {
    let mut queues = Vec::new();
    let mut known = Vec::new();
    for kind in SystemKind::ALL {
        let Ok(queue) = stack.environment.push_queue(kind) else { continue };
        known.push(kind.as_str());
        if only.is_some_and(|only| only != kind.as_str() && only != queue.target.to_string()) {
            continue;
        }
        let towards = words::label(&queue.target);
        if let Some(letters) = DeadLetters::of(stack.clients.sqs.clone(), queue) {
            queues.push(Queue { towards, letters });
        }
    }
    if queues.is_empty() {
        bail!("{} has no such dead-letter queue: there are queues towards {}", stack.name, known.join(", "));
    }
    Ok(queues)
}

async fn list(options: &ListOptions) -> Result<ExitCode> {
    let stack = Stack::find(&options.stack).await?;
    let mut all = Vec::new();
    for queue in queues(&stack, options.system.as_deref())? {
        let count = queue.letters.count().await?;
        let letters = queue.letters.peek(options.limit).await?;
        if options.json {
            all.extend(letters.iter().map(|letter| as_json(&queue.towards, letter)));
        } else {
            tell(&queue.towards, count, &letters);
        }
    }
    if options.json {
        line(&serde_json::to_string_pretty(&all)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(towards: &str, letter: &DeadLetter) -> serde_json::Value {
    json!({
        "id": letter.id,
        "towards": towards,
        "record": letter.group,
        "since": letter.since,
        "receive_count": letter.receive_count,
        "notice": letter.notice,
        "body": letter.body,
    })
}

fn tell(towards: &str, count: u64, letters: &[DeadLetter]) {
    let title = styled(BOLD, &format!("towards {towards}"));
    if letters.is_empty() {
        let hidden = if count > 0 {
            format!("; {count} are held by somebody who looks at them")
        } else {
            String::new()
        };
        line(&format!("{title}  none{hidden}"));
        return;
    }
    line(&format!("{title}  {count}"));
    let now = SystemClock.now();
    let header = ["id", "here since", "received", "record", "what"];
    let mut rows = vec![header.map(|text| Cell::new(text, 20).in_style(DIM)).to_vec()];
    rows.extend(letters.iter().map(|letter| row(letter, now)));
    for shown in lines(&rows, "  ") {
        line(&shown);
    }
    if count > u64::try_from(letters.len()).unwrap_or(u64::MAX) {
        line(&styled(DIM, "  SQS gives out ten messages of a record at a time: the rest is behind these"));
    }
}

fn row(letter: &DeadLetter, now: jiff::Timestamp) -> Vec<Cell> {
    let what = match &letter.notice {
        Some(notice) => {
            let kind = format!("{:?}", notice.kind).to_lowercase();
            Cell::new(&format!("{kind}, {}", notice.receipt), 80)
        }
        None => Cell::new(&format!("not a notice: {}", letter.body), 80).in_style(CARE),
    };
    vec![
        Cell::new(letter.id.get(..SHOWN_ID).unwrap_or(&letter.id), SHOWN_ID).in_style(NAME),
        Cell::new(&letter.since.map(|since| ago(since, now)).unwrap_or_default(), 20),
        Cell::new(&format!("{} times", letter.receive_count), 14),
        Cell::new(&letter.group, 50),
        what,
    ]
}

async fn take(options: &TakeOptions, removal: Removal, sure: bool) -> Result<ExitCode> {
    let stack = Stack::find(&options.stack).await?;
    let queues = queues(&stack, options.system.as_deref())?;
    let mut chosen: Vec<(&Queue, Option<BTreeSet<String>>, usize)> = Vec::new();
    if options.all {
        for queue in &queues {
            let count = usize::try_from(queue.letters.count().await?).unwrap_or(usize::MAX);
            chosen.push((queue, None, count));
        }
    } else {
        let mut found = Vec::new();
        for queue in &queues {
            found.push((queue, queue.letters.peek(usize::MAX).await?));
        }
        let ids = by_ids(&found, &options.ids)?;
        for ((queue, _), ids) in found.iter().zip(ids) {
            let count = ids.len();
            chosen.push((queue, Some(ids), count));
        }
    }
    let count: usize = chosen.iter().map(|(_, _, count)| count).sum();
    if count == 0 {
        line("no dead letters");
        return Ok(ExitCode::SUCCESS);
    }
    if !sure && !confirmed(&format!("Delete {count} dead letters of {}?", stack.name)) {
        bail!("nothing was dropped: answer y, or say --yes");
    }
    let bar = progress::bar(count, "messages");
    let mut done = Removed::default();
    for (queue, ids, _) in chosen.iter().filter(|(_, _, count)| *count > 0) {
        let removed = queue.letters.remove(removal, ids.as_ref(), |_| bar.inc(1)).await;
        let removed = removed.with_context(|| format!("the dead letters towards {}", queue.towards))?;
        done.done += removed.done;
        done.unreadable += removed.unreadable;
    }
    bar.finish_and_clear();
    let what = if removal == Removal::Redrive { "sent back" } else { "dropped" };
    line(&format!("{} {what}", done.done));
    if done.unreadable > 0 {
        let left = done.unreadable;
        line(&styled(
            CARE,
            &format!(
                "{left} left: they are no notices, and would come back; drop them if they are not yours"
            ),
        ));
    }
    let missed = if options.all { 0 } else { count.saturating_sub(done.done + done.unreadable) };
    if missed > 0 {
        line(&styled(
            CARE,
            &format!("{missed} not reached: they are behind others of their record; try again in a minute"),
        ));
    }
    Ok(if done.unreadable + missed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The whole ids, by queue; one may be shortened as long as it fits one message only.
fn by_ids(found: &[(&Queue, Vec<DeadLetter>)], ids: &[String]) -> Result<Vec<BTreeSet<String>>> {
    let mut chosen = vec![BTreeSet::new(); found.len()];
    for id in ids {
        let fitting: Vec<(usize, &DeadLetter)> = found
            .iter()
            .enumerate()
            .flat_map(|(queue, (_, letters))| letters.iter().map(move |letter| (queue, letter)))
            .filter(|(_, letter)| !id.is_empty() && letter.id.starts_with(id.as_str()))
            .collect();
        match fitting.as_slice() {
            [] => bail!("no dead letter has the id {id}; `bridge deadletters list` gives the ids"),
            [(queue, letter)] => {
                if let Some(chosen) = chosen.get_mut(*queue) {
                    chosen.insert(letter.id.clone());
                }
            }
            several => {
                let ids: Vec<String> = several.iter().map(|(_, letter)| shortened(&letter.id, 40)).collect();
                bail!("several have ids that begin with {id}: {}", ids.join(", "))
            }
        }
    }
    Ok(chosen)
}
