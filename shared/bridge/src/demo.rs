//! `bridge demo`: a story on the embedded stack, told as it plays.

mod back;
mod chapters;
mod second;
mod stage;
mod user;
mod visitor;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;
use comfy_table::Table;
use simulators::wordpress::WordPressOptions;

use crate::arguments::DemoOptions;
use crate::local::{self, LocalOptions};
use crate::screen::{BAD, BOLD, DIM, GOOD, NAME, line, styled};
use crate::simulated;
use stage::Stage;

/// How long running work may take to finish at the end.
const GRACE: Duration = Duration::from_secs(5);

/// One chapter of the story and how it went.
struct Told {
    title: &'static str,
    seen: Result<String>,
    duration: Duration,
}

pub(crate) async fn demo(options: DemoOptions) -> Result<ExitCode> {
    let begun = Instant::now();
    line(&styled(
        BOLD,
        "The coreBOS bridge: changes in Mautic and HubSpot reach coreBOS, and the other way round.",
    ));
    line(&styled(
        DIM,
        "Everything runs on this machine: stand-ins for Mautic, HubSpot and coreBOS that answer as the real ones do,",
    ));
    line(&styled(DIM, "the queue, the table, and each Lambda function as a process of its own."));
    line("");
    let mut simulated = simulated::start_with_hubspot((0, 0, 0), None).await?;
    simulated.add_wordpress(WordPressOptions::default(), None).await?;
    let mut config = simulated::with_visitors(simulated.config()?)?;
    if let (Some(hubspot), Some(portal)) = (&mut config.hubspot, &simulated.hubspot) {
        let rule = second::rule(&portal.add_list());
        hubspot.preferences.insert("nurturing".to_owned(), rule.into());
    }
    let local = local::start(&config, LocalOptions::default()).await?;
    simulated.connect(&local).await?;
    let webhooks =
        [("Mautic", "webhook-mautic"), ("HubSpot", "webhook-hubspot"), ("coreBOS", "webhook-corebos")];
    for (system, function) in webhooks {
        let who = format!("{system}'s webhook");
        line(&format!("  {who:<18}{NAME}{}{NAME:#}", local.webhook_url(function)));
    }
    line(&format!("  Mautic            {}", simulated.mautic.url()));
    if let Some(portal) = &simulated.hubspot {
        line(&format!("  HubSpot           {}", portal.url()));
    }
    line(&format!("  coreBOS           {}", simulated.corebos.url()));
    let mut stage = Stage::new(simulated, local, options.verbose);
    let told = tell(&mut stage).await;
    let all_is_well = told.iter().all(|chapter| chapter.seen.is_ok());
    summary(&told, &stage, begun.elapsed());
    stage.close(GRACE).await;
    Ok(if all_is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Plays the chapters in order. A failed one ends the story: the next ones stand on it.
async fn tell(stage: &mut Stage) -> Vec<Told> {
    let mut told = Vec::new();
    for (number, chapter) in chapters::ALL.iter().enumerate() {
        line("");
        line(&styled(BOLD, &format!("{}. {}", number + 1, chapter.title)));
        let begun = Instant::now();
        let seen = (chapter.play)(stage).await;
        stage.show();
        match &seen {
            Ok(text) => line(&format!("  {} {text}", styled(GOOD, "✔"))),
            Err(error) => line(&format!("  {} {error:#}", styled(BAD, "✘"))),
        }
        let failed = seen.is_err();
        told.push(Told { title: chapter.title, seen, duration: begun.elapsed() });
        if failed {
            break;
        }
    }
    told
}

fn summary(told: &[Told], stage: &Stage, spent: Duration) {
    line("");
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(["", "what", "seconds"]);
    for chapter in told {
        let mark = if chapter.seen.is_ok() { "ok" } else { "failed" };
        let seconds = format!("{:.1}", chapter.duration.as_secs_f64());
        table.add_row([mark, chapter.title, seconds.as_str()]);
    }
    line(&table.to_string());
    let missing = chapters::ALL.len() - told.len();
    if missing > 0 {
        line(&styled(BAD, &format!("{missing} chapters were not played")));
    }
    let counts = &stage.journal.counts;
    line(&format!(
        "{} webhooks taken, {} refused; {} notices: {} written, {} needed no write, {} parked, {} put off and tried again; {} dead letters.",
        counts.webhooks,
        counts.refused,
        counts.notices,
        counts.written,
        counts.skipped,
        counts.parked,
        counts.put_off,
        counts.dead_letters
    ));
    let failed = told.iter().filter(|chapter| chapter.seen.is_err()).count();
    let verdict =
        if failed == 0 { styled(GOOD, "All is in step.") } else { styled(BAD, "The story broke off.") };
    line(&format!("{verdict} {:.1} s.", spent.as_secs_f64()));
}
