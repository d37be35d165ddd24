//! `bridge report hubspot`: campaigns, conversions and deal stages, from both systems. Changes nothing.

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand, ValueEnum};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use connector_corebos::CoreBos;
use connector_hubspot::HubSpot;
use connector_hubspot::admin::{Campaign, Chosen};
use model::{ObjectName, SystemKind};
use serde::Serialize;
use sync::{Connector as _, ConnectorError, Stock};

use crate::screen::{BOLD, CARE, DIM, line, styled};
use crate::stack::{Stack, StackOptions};

/// The module of deals in coreBOS, and its fields.
const POTENTIALS: &str = "Potentials";
/// What people are in coreBOS.
const PEOPLE: [&str; 2] = ["Leads", "Contacts"];
/// The property that names the conversion; the first one counts, which never changes.
const CONVERSION: &str = "first_conversion_event_name";

/// Which system.
#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// Campaigns, conversions and deal stages of HubSpot, with what coreBOS has of them.
    Hubspot(ReportOptions),
}

/// How.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReportOptions {
    /// How the report is printed.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// So many campaigns, the newest first; each costs two calls.
    #[arg(long, value_name = "N", default_value_t = 20)]
    campaigns: usize,
    /// The stack.
    #[command(flatten)]
    stack: StackOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Tables.
    Table,
    /// One JSON object.
    Json,
}

/// What is told.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct HubSpotReport {
    /// Campaigns, the newest first.
    pub campaigns: Vec<Campaign>,
    /// Conversions, the most frequent first.
    pub conversions: Vec<Conversion>,
    /// Deals by stage, those of HubSpot in the order of its pipelines.
    pub deal_stages: Vec<DealStage>,
    /// What could not be seen, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<String>,
}

/// People who came by the same form or page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Conversion {
    /// The form or page.
    pub name: String,
    /// Contacts in HubSpot.
    pub contacts: u64,
    /// Of these, Leads in coreBOS.
    pub leads_in_corebos: u64,
    /// Of these, Contacts in coreBOS.
    pub contacts_in_corebos: u64,
    /// Of these, customers by their stage of life in HubSpot.
    pub customers: u64,
}

/// The deals of a stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct DealStage {
    /// `hubspot` or `corebos`.
    pub system: &'static str,
    /// The pipeline's id; none in coreBOS, which has no pipelines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    /// What the stage is called.
    pub stage: String,
    /// How many.
    pub deals: u64,
    /// What they are worth together, in the currencies that stand there.
    pub amount: f64,
}

/// Runs the command. Exit code 1 if something could not be seen.
pub(crate) async fn run(command: &ReportCommand) -> Result<ExitCode> {
    let ReportCommand::Hubspot(options) = command;
    let stack = Stack::find(&options.stack).await?;
    let report = hubspot(&stack, options.campaigns).await?;
    match options.format {
        Format::Json => line(&serde_json::to_string_pretty(&report)?),
        Format::Table => show(&report),
    }
    Ok(if report.unseen.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Looks at both systems. What one of them does not tell is told as unseen.
///
/// # Errors
/// The stack has no HubSpot or no coreBOS, or their secrets cannot be read.
pub async fn hubspot(stack: &Stack, most_campaigns: usize) -> Result<HubSpotReport> {
    let store = stack.store()?;
    let config = stack.environment.system(SystemKind::HubSpot).context("the stack has no HubSpot")?;
    let hubspot: HubSpot = wiring::systems::connect(&config, &stack.secrets(), &store).await?;
    let config = stack.environment.system(SystemKind::CoreBos).context("the stack has no coreBOS")?;
    let corebos: CoreBos = wiring::systems::connect(&config, &stack.secrets(), &store).await?;
    let mut report = HubSpotReport::default();
    let mut unseen = Vec::new();
    report.campaigns = seen(hubspot.campaigns(most_campaigns).await, "campaigns", &mut unseen);
    report.conversions = seen(conversions(&hubspot, &corebos).await, "conversions", &mut unseen);
    report.deal_stages = seen(stages_of_hubspot(&hubspot).await, "deals of HubSpot", &mut unseen);
    report.deal_stages.extend(seen(stages_of_corebos(&corebos).await, "deals of coreBOS", &mut unseen));
    report.unseen = unseen;
    Ok(report)
}

fn seen<T: Default>(result: Result<T, ConnectorError>, what: &str, unseen: &mut Vec<String>) -> T {
    result.unwrap_or_else(|error| {
        unseen.push(format!("{what}: {error}"));
        T::default()
    })
}

async fn conversions(hubspot: &HubSpot, corebos: &CoreBos) -> Result<Vec<Conversion>, ConnectorError> {
    let properties = [CONVERSION, "corebos_id", "lifecyclestage"];
    let contacts = hubspot.values(&ObjectName::new("contact"), &properties).await?;
    let mut prefixes = Vec::new();
    for module in PEOPLE {
        prefixes.push(corebos.schema(&ObjectName::new(module)).await?.id_prefix().to_owned());
    }
    Ok(counted(&contacts, &prefixes))
}

/// The contacts by what they converted by.
fn counted(contacts: &[Chosen], prefixes: &[String]) -> Vec<Conversion> {
    let mut by_name: BTreeMap<&str, Conversion> = BTreeMap::new();
    for contact in contacts {
        let text = |name: &str| contact.get(name).map(String::as_str).unwrap_or_default();
        let name = text(CONVERSION);
        if name.is_empty() {
            continue;
        }
        let conversion = by_name.entry(name).or_default();
        name.clone_into(&mut conversion.name);
        conversion.contacts += 1;
        conversion.customers += u64::from(text("lifecyclestage") == "customer");
        let module = text("corebos_id").split_once('x').map(|(module, _)| module);
        conversion.leads_in_corebos +=
            u64::from(module.is_some() && module == prefixes.first().map(String::as_str));
        conversion.contacts_in_corebos +=
            u64::from(module.is_some() && module == prefixes.get(1).map(String::as_str));
    }
    let mut all: Vec<Conversion> = by_name.into_values().collect();
    all.sort_by(|one, other| other.contacts.cmp(&one.contacts).then_with(|| one.name.cmp(&other.name)));
    all
}

async fn stages_of_hubspot(hubspot: &HubSpot) -> Result<Vec<DealStage>, ConnectorError> {
    let deal = ObjectName::new("deal");
    let deals = hubspot.values(&deal, &["dealstage", "amount"]).await?;
    let mut by_stage: BTreeMap<&str, (u64, f64)> = BTreeMap::new();
    for each in &deals {
        let Some(stage) = each.get("dealstage") else { continue };
        let counted = by_stage.entry(stage).or_default();
        counted.0 += 1;
        counted.1 += each.get("amount").map_or(0.0, |amount| number(amount));
    }
    let stages = hubspot.stages(&deal).await?;
    let known = stages.into_iter().map(|stage| {
        let (deals, amount) = by_stage.remove(stage.id.as_str()).unwrap_or_default();
        DealStage { system: "hubspot", pipeline: Some(stage.pipeline), stage: stage.label, deals, amount }
    });
    let mut all: Vec<DealStage> = known.collect();
    // Stages that were archived with deals in them.
    all.extend(by_stage.into_iter().map(|(id, (deals, amount))| DealStage {
        system: "hubspot",
        pipeline: None,
        stage: id.to_owned(),
        deals,
        amount,
    }));
    Ok(all)
}

async fn stages_of_corebos(corebos: &CoreBos) -> Result<Vec<DealStage>, ConnectorError> {
    let module = ObjectName::new(POTENTIALS);
    let mut by_stage: BTreeMap<String, (u64, f64)> = BTreeMap::new();
    let mut after: Option<String> = None;
    loop {
        let page = corebos.stock(&module, after.as_deref()).await?;
        let ids: Vec<String> = page.rows.into_iter().map(|(id, _)| id).collect();
        for record in corebos.read_many(&module, &ids).await? {
            let stage = record.fields.text("sales_stage").unwrap_or_default().to_owned();
            let counted = by_stage.entry(stage).or_default();
            counted.0 += 1;
            counted.1 += record.fields.get("amount").map_or(0.0, |amount| number(&amount.php_string()));
        }
        after = ids.last().cloned();
        if !page.more || after.is_none() {
            break;
        }
    }
    let stage =
        |(stage, (deals, amount))| DealStage { system: "corebos", pipeline: None, stage, deals, amount };
    Ok(by_stage.into_iter().map(stage).collect())
}

/// A sum of money; what is none counts nothing.
fn number(text: &str) -> f64 {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite()).unwrap_or_default()
}

fn show(report: &HubSpotReport) {
    let money = |amount: Option<f64>| amount.map_or_else(|| "-".to_owned(), |amount| format!("{amount:.2}"));
    section("Campaigns", &["campaign", "visits", "new contacts", "influenced", "deals", "worth", "revenue"]);
    rows(report.campaigns.iter().map(|campaign| {
        let deals = campaign.deals.map_or_else(|| "-".to_owned(), |deals| deals.to_string());
        vec![
            campaign.name.clone(),
            campaign.sessions.to_string(),
            campaign.new_contacts.to_string(),
            campaign.influenced_contacts.to_string(),
            deals,
            money(campaign.deal_amount),
            money(campaign.revenue),
        ]
    }));
    section("Conversions", &["form or page", "in HubSpot", "Leads", "Contacts", "customers"]);
    rows(report.conversions.iter().map(|conversion| {
        let counts = [
            conversion.contacts,
            conversion.leads_in_corebos,
            conversion.contacts_in_corebos,
            conversion.customers,
        ];
        std::iter::once(conversion.name.clone()).chain(counts.map(|count| count.to_string())).collect()
    }));
    section("Deal stages", &["system", "pipeline", "stage", "deals", "worth"]);
    rows(report.deal_stages.iter().map(|stage| {
        vec![
            stage.system.to_owned(),
            stage.pipeline.clone().unwrap_or_default(),
            stage.stage.clone(),
            stage.deals.to_string(),
            money(Some(stage.amount)),
        ]
    }));
    for unseen in &report.unseen {
        line(&styled(CARE, &format!("could not be seen: {unseen}")));
    }
}

/// The title of a table and its columns.
fn section(title: &str, columns: &[&str]) {
    line(&styled(BOLD, title));
    line(&format!("  {}", styled(DIM, &columns.join(" | "))));
}

fn rows(rows: impl Iterator<Item = Vec<String>>) {
    let mut table = Table::new();
    table.load_style(NOTHING);
    let mut is_empty = true;
    for mut row in rows {
        is_empty = false;
        if let Some(first) = row.first_mut() {
            first.insert_str(0, "  ");
        }
        table.add_row(row);
    }
    line(&if is_empty { "  none".to_owned() } else { table.to_string() });
    line("");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(values: &[(&str, &str)]) -> Chosen {
        values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn conversions_are_counted_in_both_systems_and_the_most_frequent_comes_first() {
        let contacts = [
            contact(&[(CONVERSION, "B"), ("corebos_id", "10x1")]),
            contact(&[(CONVERSION, "A"), ("corebos_id", "12x1"), ("lifecyclestage", "customer")]),
            contact(&[(CONVERSION, "A"), ("corebos_id", "")]),
            contact(&[("corebos_id", "12x3")]),
        ];
        let all = counted(&contacts, &["10".to_owned(), "12".to_owned()]);
        let a = Conversion {
            name: "A".to_owned(),
            contacts: 2,
            leads_in_corebos: 0,
            contacts_in_corebos: 1,
            customers: 1,
        };
        assert_eq!(all[0], a);
        assert_eq!((all[1].name.as_str(), all[1].leads_in_corebos, all.len()), ("B", 1, 2));
    }

    #[test]
    fn what_is_no_sum_of_money_counts_nothing() {
        assert!((number(" 1000.50 ") - 1000.5).abs() < 1e-9);
        for none in ["", "NaN", "inf", "1,000"] {
            assert!(number(none).abs() < 1e-9, "{none}");
        }
    }
}
