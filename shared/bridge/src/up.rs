//! `bridge up`: serves the webhook URLs and runs every function until Ctrl-C.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use embedded_aws::Stack;
use simulators::wordpress::WordPressOptions;

use crate::arguments::UpOptions;
use crate::config::Config;
use crate::journal::Journal;
use crate::local::{self, LocalOptions};
use crate::screen::{BOLD, DIM, NAME, line, styled};
use crate::simulated::{self, Simulated};
use crate::stack::Address;
use crate::stack::log::LogKeeper;

/// How long running invocations may take to finish after Ctrl-C. What does not finish stays in its queue.
const GRACE: Duration = Duration::from_secs(10);

pub(crate) async fn up(options: UpOptions) -> Result<ExitCode> {
    let (config, simulated) = systems(&options).await?;
    let mut local = local::start(
        &config,
        LocalOptions {
            data: options.data.clone(),
            port: options.port,
            confirm_identity: options.confirm_identity,
            ..LocalOptions::default()
        },
    )
    .await?;
    if let Some(simulated) = &simulated {
        simulated.connect(&local).await?;
    }
    let data = options.data.as_deref();
    let _announced = Address::of(&local.stack, data, options.port)?.announce(data, options.port)?;
    let log = Address::log_file(data, options.port)?;
    let mut keeper = if data.is_some() { LogKeeper::new(log) } else { LogKeeper::afresh(log) };
    greet(&local.stack, &config, &options, simulated.as_ref());
    let mut journal = Journal::new(options.verbose);
    let mut interrupted = std::pin::pin!(interrupted());
    loop {
        tokio::select! {
            () = &mut interrupted => break,
            event = local.events.recv() => {
                let Some(event) = event else { break };
                keeper.keep(&event);
                if let Some(text) = journal.line(&event) {
                    line(&text);
                }
            }
        }
    }
    let status = local.stack.status();
    let waiting: usize =
        status.queues.values().map(|queue| queue.visible + queue.in_flight + queue.delayed).sum();
    line(&styled(DIM, "stopping: running invocations may finish"));
    local.stack.stop(GRACE).await;
    let kept = if options.data.is_some() { "kept for the next start" } else { "gone: there was no --data" };
    line(&format!("stopped; {waiting} messages in the queues, {kept}"));
    Ok(ExitCode::SUCCESS)
}

async fn systems(options: &UpOptions) -> Result<(Config, Option<Simulated>)> {
    if let Some(path) = &options.config {
        return Ok((Config::read(path)?, None));
    }
    let after = |number| if options.port == 0 { 0 } else { options.port.saturating_add(number) };
    let ports = (after(1), after(2), after(3));
    let mut simulated = simulated::start_with_hubspot(ports, options.data.as_deref()).await?;
    let site = WordPressOptions { port: after(4), ..WordPressOptions::default() };
    simulated.add_wordpress(site, options.data.as_deref()).await?;
    Ok((simulated::with_visitors(simulated.config()?)?, Some(simulated)))
}

/// Ctrl-C, or a polite request of the system to end.
pub(crate) async fn interrupted() {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

fn greet(stack: &Stack, config: &Config, options: &UpOptions, simulated: Option<&Simulated>) {
    line(&styled(BOLD, "The coreBOS bridge is up."));
    line("");
    for (method, url, function) in stack.routes() {
        line(&format!("  {method} {NAME}{url}{NAME:#}  {}", styled(DIM, &function)));
    }
    line("");
    let who = if simulated.is_some() { "stand-in" } else { "real" };
    line(&format!("  Mautic   {} ({who})", config.mautic.url));
    line(&format!("  coreBOS  {} ({who})", config.corebos.url));
    if let Some(hubspot) = &config.hubspot {
        line(&format!("  HubSpot  {} ({who})", hubspot.url));
    }
    for (name, site) in config.wordpress.iter().flat_map(|wordpress| &wordpress.sites) {
        line(&format!("  {name:<8} {} ({who} WordPress)", site.url));
    }
    match &options.data {
        Some(folder) => line(&format!("  data     {}", folder.display())),
        None => line("  data     in memory; --data DIR keeps it"),
    }
    line("");
    let status = stack.status();
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["  function", "processes", "invocations", "errors"]);
    for (name, function) in &status.functions {
        let processes = function.idle_processes + function.running;
        table.add_row([
            format!("  {name}"),
            processes.to_string(),
            function.invocations.to_string(),
            function.errors.to_string(),
        ]);
    }
    line(&table.to_string());
    let mut table = Table::new();
    table.load_style(NOTHING);
    table.set_header(["  queue", "waiting", "in flight", "delayed"]);
    for (name, queue) in &status.queues {
        table.add_row([
            format!("  {name}"),
            queue.visible.to_string(),
            queue.in_flight.to_string(),
            queue.delayed.to_string(),
        ]);
    }
    line(&table.to_string());
    line("");
    if simulated.is_some() {
        line("  Try it, in another terminal:");
        line(&format!("    {NAME}{}{NAME:#}", simulated::try_it(&config.mautic.url)));
        let campaign = stack.routes().into_iter().find(|(_, _, function)| function == "webhook-campaign");
        if let Some((_, url, _)) = campaign {
            line(&format!("    {NAME}{}{NAME:#}", simulated::try_campaign(&url)));
        }
        line("");
        line(&styled(DIM, "  The stand-in's webhook points at the URL above already. Ctrl-C stops."));
    } else if config.mautic.has_webhook_secret() {
        line(&styled(DIM, "  Point Mautic's webhook at the URL above. Ctrl-C stops."));
    } else {
        line(
            "  There is no webhook secret yet, and every webhook of Mautic is refused. In another terminal:",
        );
        line(&format!("    {NAME}bridge setup mautic --apply{NAME:#}  makes one, and says where it belongs"));
        line("");
        line(&styled(DIM, "  Ctrl-C stops."));
    }
}
