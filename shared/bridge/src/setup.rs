//! `bridge setup`: shows what a system still needs, does it with `--apply`, and can be run again.
//!
//! A plan is made by looking, every time anew, so that what is there is never made twice and what somebody has changed
//! is seen. What no API can do is told step by step.

pub(crate) mod control_fields;
pub mod corebos;
pub mod hubspot;
pub mod mautic;
mod plan;
mod secret;
pub mod visitors;
pub mod wordpress;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};

pub use plan::{Item, Plan, State};

use crate::screen::{BAD, CARE, DIM, GOOD, line, styled};
use crate::stack::{Stack, StackOptions};

/// Which system.
#[derive(Debug, Subcommand)]
pub enum SetupCommand {
    /// The custom fields and the webhook in Mautic, with a fresh secret.
    Mautic(SetupOptions),
    /// The business maps in coreBOS, with a fresh key; and what must be clicked there.
    Corebos(SetupOptions),
    /// The properties in HubSpot, and the files of an app that sends webhooks; which scopes the token lacks.
    Hubspot(HubSpotOptions),
    /// What the WordPress sites need; the access keys of campaigns; the must-use plugin.
    Wordpress(SitesOptions),
}

/// How, for sites.
#[derive(Clone, Debug, Args)]
pub struct SitesOptions {
    /// Writes the must-use plugin into this file, and does nothing else.
    #[arg(long, value_name = "FILE")]
    pub write_plugin: Option<std::path::PathBuf>,
    /// Does what is shown otherwise.
    #[arg(long)]
    pub apply: bool,
    /// Where campaigns shall send, if that is not the stack's own URL: a tunnel, a domain of your own.
    #[arg(long, value_name = "URL")]
    pub webhook_url: Option<String>,
    /// Makes new access keys although there are some.
    #[arg(long)]
    pub rotate: bool,
    /// The stack.
    #[command(flatten)]
    pub stack: StackOptions,
}

/// How.
#[derive(Clone, Debug, Args)]
pub struct SetupOptions {
    /// Does what is shown otherwise.
    #[arg(long)]
    pub apply: bool,
    /// Where the system shall send, if that is not the stack's own URL: a tunnel, a domain of your own.
    #[arg(long, value_name = "URL")]
    pub webhook_url: Option<String>,
    /// Makes a new secret although the one in use is known.
    #[arg(long)]
    pub rotate: bool,
    /// Also switches off coreBOS's own Mautic integration, as far as it is in this system.
    #[arg(long)]
    pub replace_integration: bool,
    /// The stack.
    #[command(flatten)]
    pub stack: StackOptions,
}

/// How, for HubSpot.
#[derive(Clone, Debug, Args)]
pub struct HubSpotOptions {
    /// Does what is shown otherwise.
    #[arg(long)]
    pub apply: bool,
    /// The folder of a HubSpot project: the app that sends webhooks, with a subscription for every property that a map
    /// reads. For HubSpot's tool `hs`.
    #[arg(long, value_name = "DIR")]
    pub project: Option<PathBuf>,
    /// Where the app shall send, if that is not the stack's own URL: a tunnel, a domain of your own.
    #[arg(long, value_name = "URL", requires = "project")]
    pub webhook_url: Option<String>,
    /// The stack.
    #[command(flatten)]
    pub stack: StackOptions,
}

/// What is wanted, without the stack.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Where the system shall send; the stack's own URL without it.
    pub webhook_url: Option<String>,
    /// A new secret in any case.
    pub rotate: bool,
    /// Switch off coreBOS's own integration.
    pub replace_integration: bool,
    /// Where the files of a HubSpot project are.
    pub project: Option<PathBuf>,
}

impl From<&HubSpotOptions> for Wanted {
    fn from(options: &HubSpotOptions) -> Self {
        let (webhook_url, project) = (options.webhook_url.clone(), options.project.clone());
        Self { webhook_url, project, ..Self::default() }
    }
}

impl From<&SetupOptions> for Wanted {
    fn from(options: &SetupOptions) -> Self {
        Self {
            webhook_url: options.webhook_url.clone(),
            rotate: options.rotate,
            replace_integration: options.replace_integration,
            project: None,
        }
    }
}

/// Runs the command. Exit code 1 if something could not be done.
pub(crate) async fn run(command: &SetupCommand) -> Result<ExitCode> {
    match command {
        SetupCommand::Mautic(options) => {
            let stack = Stack::find(&options.stack).await?;
            let mut setup = mautic::look(&stack, Wanted::from(options)).await?;
            if !options.apply || !setup.plan.has_work() {
                return Ok(shown(&setup.plan));
            }
            show(&setup.plan);
            let told = mautic::apply(&mut setup).await?;
            applied(&told);
            // A new secret has been made by now.
            let wanted = Wanted { rotate: false, ..Wanted::from(options) };
            Ok(left(&mautic::look(&stack, wanted).await?.plan))
        }
        SetupCommand::Corebos(options) => {
            let stack = Stack::find(&options.stack).await?;
            let mut setup = corebos::look(&stack, Wanted::from(options)).await?;
            if !options.apply || !setup.plan.has_work() {
                return Ok(shown(&setup.plan));
            }
            show(&setup.plan);
            let told = corebos::apply(&mut setup).await?;
            applied(&told);
            let wanted = Wanted { rotate: false, ..Wanted::from(options) };
            Ok(left(&corebos::look(&stack, wanted).await?.plan))
        }
        SetupCommand::Hubspot(options) => {
            let stack = Stack::find(&options.stack).await?;
            let mut setup = Box::pin(hubspot::look(&stack, Wanted::from(options))).await?;
            if !options.apply || !setup.plan.has_work() {
                return Ok(shown(&setup.plan));
            }
            show(&setup.plan);
            let told = hubspot::apply(&mut setup).await?;
            applied(&told);
            Ok(left(&Box::pin(hubspot::look(&stack, Wanted::from(options))).await?.plan))
        }
        SetupCommand::Wordpress(options) => sites(options).await,
    }
}

async fn sites(options: &SitesOptions) -> Result<ExitCode> {
    if let Some(file) = &options.write_plugin {
        std::fs::write(file, connector_wordpress::plugin::PLUGIN)
            .with_context(|| format!("cannot write {}", file.display()))?;
        let place = connector_wordpress::plugin::PLACE;
        line(&format!("{} is written; copy it to {place} of the site", file.display()));
        return Ok(ExitCode::SUCCESS);
    }
    let stack = Stack::find(&options.stack).await?;
    let wanted =
        Wanted { webhook_url: options.webhook_url.clone(), rotate: options.rotate, ..Wanted::default() };
    let mut setup = wordpress::look(&stack, wanted.clone()).await?;
    if !options.apply || !setup.plan.has_work() {
        return Ok(shown(&setup.plan));
    }
    show(&setup.plan);
    let told = wordpress::apply(&mut setup).await?;
    applied(&told);
    Ok(left(&wordpress::look(&stack, Wanted { rotate: false, ..wanted }).await?.plan))
}

/// Where a system shall send. A system elsewhere cannot reach this machine.
fn webhook_url(stack: &Stack, wanted: &Wanted, function: &str, system_url: &str) -> Result<String> {
    let is_here = |url: &str| {
        let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
        host.is_some_and(|host| ["localhost", "[::1]"].contains(&host.as_str()) || host.starts_with("127."))
    };
    if let Some(url) = &wanted.webhook_url {
        let parsed = url::Url::parse(url).with_context(|| format!("--webhook-url {url} is no URL"))?;
        if parsed.scheme() != "https" && !is_here(url) {
            bail!("--webhook-url {url}: write https; plain http is for this machine only");
        }
        let path = format!("/webhooks/{}", function.trim_start_matches("webhook-"));
        if !parsed.path().trim_end_matches('/').ends_with(&path) {
            bail!("--webhook-url {url}: it must lead to {path}");
        }
        return Ok(url.clone());
    }
    let url = stack.webhook_urls.get(function);
    let url = url.with_context(|| format!("{} has no URL for {function}", stack.name))?;
    if is_here(url) && !is_here(system_url) {
        bail!(
            "{url} is on this machine, and {system_url} cannot reach it: open a tunnel to it and give its address with \
             --webhook-url"
        );
    }
    Ok(url.clone())
}

fn show(plan: &Plan) {
    line(&plan.about);
    for item in &plan.items {
        let (style, word) = match &item.state {
            State::There => (GOOD, "there"),
            State::Missing => (CARE, "missing"),
            State::Different(_) => (CARE, "different"),
            State::Unseen(_) => (CARE, "unseen"),
        };
        line(&format!("  {}  {}", styled(style, &format!("{word:<9}")), item.what));
        let seen = match &item.state {
            State::Different(seen) | State::Unseen(seen) => Some(seen),
            State::There | State::Missing => None,
        };
        for text in seen.into_iter().chain(&item.remedy) {
            line(&format!("             {}", styled(DIM, text)));
        }
    }
}

fn show_steps(plan: &Plan) {
    if plan.steps.is_empty() {
        return;
    }
    line("");
    line("What only you can do:");
    for (step, number) in plan.steps.iter().zip(1..) {
        let mut lines = step.lines();
        line(&format!("  {number}. {}", lines.next().unwrap_or_default()));
        for more in lines {
            line(&format!("     {more}"));
        }
    }
}

/// A plan that is not carried out.
fn shown(plan: &Plan) -> ExitCode {
    show(plan);
    show_steps(plan);
    line("");
    line(match (plan.has_work(), plan.steps.is_empty()) {
        (true, _) => "Nothing has been changed. Do it with --apply.",
        (false, true) => "Nothing to do.",
        (false, false) => "Nothing left that the bridge can do.",
    });
    ExitCode::SUCCESS
}

fn applied(told: &[String]) {
    line("");
    for text in told {
        line(&format!("  {}  {text}", styled(GOOD, "done")));
    }
}

/// What a second look finds.
fn left(plan: &Plan) -> ExitCode {
    show_steps(plan);
    line("");
    if plan.has_work() {
        line(&styled(BAD, "This is still not as it should be:"));
        show(plan);
        return ExitCode::FAILURE;
    }
    line(if plan.steps.is_empty() { "Nothing left to do." } else { "Nothing left that the bridge can do." });
    ExitCode::SUCCESS
}
