//! The portal's database.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::kinds::Kind;
use super::properties::{Choice, Property, stock};
use super::rules::ConditionalRule;

/// How many values of a property are remembered.
const HISTORY_LIMIT: usize = 20;

/// The properties of a record that have a value.
pub(crate) type Values = BTreeMap<String, String>;

/// Who wrote a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Source {
    /// `INTEGRATION`, `CRM_UI`, `FORM`, ...
    pub(crate) kind: String,
    /// The app's id, or `userId:<n>`.
    pub(crate) id: String,
}

/// A value of a property, as it once was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Past {
    pub(crate) value: String,
    pub(crate) at: Timestamp,
    pub(crate) source: Source,
}

/// One record.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: u64,
    pub(crate) values: Values,
    pub(crate) history: BTreeMap<String, VecDeque<Past>>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) archived_at: Option<Timestamp>,
    /// The record that it went into.
    pub(crate) merged_into: Option<u64>,
    /// Its data were erased: it never comes back.
    pub(crate) erased: bool,
    /// What search has seen: the values from each moment on. The index lags behind.
    pub(crate) seen: VecDeque<(Timestamp, Values)>,
}

impl Record {
    pub(crate) fn is_live(&self) -> bool {
        self.archived_at.is_none() && self.merged_into.is_none() && !self.erased
    }

    /// What the index of search knows, `lag` behind.
    pub(crate) fn indexed(&self, now: Timestamp, lag: SignedDuration) -> Option<&Values> {
        self.seen.iter().rev().find(|(at, _)| now.duration_since(*at) >= lag).map(|(_, values)| values)
    }

    /// Notes the present values for the index.
    pub(crate) fn note(&mut self, now: Timestamp, lag: SignedDuration) {
        self.seen.push_back((now, self.values.clone()));
        while self.seen.get(1).is_some_and(|(at, _)| now.duration_since(*at) >= lag) {
            self.seen.pop_front();
        }
    }

    pub(crate) fn put(&mut self, name: &str, value: &str, at: Timestamp, source: &Source) {
        if value.is_empty() {
            self.values.remove(name);
        } else {
            self.values.insert(name.to_owned(), value.to_owned());
        }
        let past = self.history.entry(name.to_owned()).or_default();
        past.push_front(Past { value: value.to_owned(), at, source: source.clone() });
        past.truncate(HISTORY_LIMIT);
    }
}

/// Two records that belong together, seen from one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Association {
    pub(crate) from: (Kind, u64),
    pub(crate) to: (Kind, u64),
    pub(crate) type_id: u32,
}

/// A pipeline of deals or leads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Pipeline {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) stages: Vec<Stage>,
}

/// A stage of a pipeline.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stage {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) probability: String,
    pub(crate) closed: bool,
}

/// A user who may own records.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Owner {
    pub(crate) id: u64,
    pub(crate) user_id: u64,
    pub(crate) email: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    pub(crate) archived: bool,
}

/// A campaign and its figures.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Campaign {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) sessions: u64,
    pub(crate) contacts: u64,
    pub(crate) deals: u64,
    pub(crate) deal_amount: f64,
}

/// What a webhook is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) id: u64,
    pub(crate) kind: String,
    /// For `object.*` subscriptions.
    pub(crate) object: Option<Kind>,
    pub(crate) property: Option<String>,
}

/// All of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) portal_id: u64,
    pub(crate) app_id: u64,
    pub(crate) time_zone: String,
    pub(crate) next_id: u64,
    pub(crate) next_event: u64,
    pub(crate) records: BTreeMap<Kind, BTreeMap<u64, Record>>,
    pub(crate) associations: BTreeSet<Association>,
    pub(crate) properties: BTreeMap<Kind, BTreeMap<String, Property>>,
    pub(crate) groups: BTreeMap<Kind, BTreeMap<String, String>>,
    pub(crate) pipelines: BTreeMap<Kind, Vec<Pipeline>>,
    pub(crate) owners: Vec<Owner>,
    pub(crate) subscriptions: Vec<Subscription>,
    /// Members of static lists, by list.
    pub(crate) lists: BTreeMap<u64, BTreeSet<u64>>,
    /// Custom events that were sent: name and object.
    pub(crate) custom_events: Vec<(String, String)>,
    /// What makes each of these events one.
    #[serde(default)]
    pub(crate) event_ids: BTreeSet<String>,
    /// Campaigns, the oldest first.
    #[serde(default)]
    pub(crate) campaigns: Vec<Campaign>,
    #[serde(default)]
    pub(crate) rules: Vec<ConditionalRule>,
    /// E-mail addresses that a privacy deletion has closed.
    pub(crate) blocked_emails: BTreeSet<String>,
}

impl State {
    pub(crate) fn fresh(portal_id: u64, app_id: u64, time_zone: &str) -> Self {
        let mut state = Self {
            portal_id,
            app_id,
            time_zone: time_zone.to_owned(),
            // Ids of real portals are longer than 32 bits.
            next_id: 541_935_480_000,
            next_event: 4_101_286_000,
            records: Kind::ALL.into_iter().map(|kind| (kind, BTreeMap::new())).collect(),
            associations: BTreeSet::new(),
            properties: Kind::ALL.into_iter().map(|kind| (kind, stock(kind))).collect(),
            groups: Kind::ALL
                .into_iter()
                .map(|kind| (kind, BTreeMap::from([("information".to_owned(), "Information".to_owned())])))
                .collect(),
            pipelines: pipelines(),
            owners: owners(),
            subscriptions: Vec::new(),
            lists: BTreeMap::new(),
            custom_events: Vec::new(),
            event_ids: BTreeSet::new(),
            campaigns: Vec::new(),
            rules: Vec::new(),
            blocked_emails: BTreeSet::new(),
        };
        state.offer_choices();
        state
    }

    /// Stages, pipelines and owners are the options of their properties.
    pub(crate) fn offer_choices(&mut self) {
        let choice = |label: &str, value: &str| Choice { label: label.to_owned(), value: value.to_owned() };
        let owners: Vec<Choice> = self
            .owners
            .iter()
            .filter(|owner| !owner.archived)
            .map(|owner| choice(&format!("{} {}", owner.first_name, owner.last_name), &owner.id.to_string()))
            .collect();
        for (kind, properties) in &mut self.properties {
            let pipelines = self.pipelines.get(kind).map(Vec::as_slice).unwrap_or_default();
            let (pipeline, stage) = if *kind == Kind::Lead {
                ("hs_pipeline", "hs_pipeline_stage")
            } else {
                ("pipeline", "dealstage")
            };
            if let Some(property) = properties.get_mut(pipeline) {
                property.options = pipelines.iter().map(|each| choice(&each.label, &each.id)).collect();
            }
            if let Some(property) = properties.get_mut(stage) {
                let stages = pipelines.iter().flat_map(|each| &each.stages);
                property.options = stages.map(|each| choice(&each.label, &each.id)).collect();
            }
            if let Some(property) = properties.get_mut("hubspot_owner_id") {
                property.options.clone_from(&owners);
            }
        }
    }

    pub(crate) fn record(&self, kind: Kind, id: u64) -> Option<&Record> {
        self.records.get(&kind)?.get(&id)
    }

    pub(crate) fn record_mut(&mut self, kind: Kind, id: u64) -> Option<&mut Record> {
        self.records.get_mut(&kind)?.get_mut(&id)
    }

    /// The record that answers for an id: the survivor for one that was merged.
    pub(crate) fn survivor(&self, kind: Kind, mut id: u64) -> Option<&Record> {
        // A chain of merges never comes back to where it began; the bound is for a damaged snapshot.
        for _ in 0..250 {
            let record = self.record(kind, id)?;
            match record.merged_into {
                Some(next) => id = next,
                None => return Some(record),
            }
        }
        None
    }

    pub(crate) fn property(&self, kind: Kind, name: &str) -> Option<&Property> {
        self.properties.get(&kind)?.get(name).filter(|property| !property.archived)
    }

    /// The live record with this value of a unique property.
    pub(crate) fn by_unique(&self, kind: Kind, property: &str, value: &str) -> Option<&Record> {
        let value = value.trim().to_lowercase();
        self.records.get(&kind)?.values().filter(|record| record.is_live()).find(|record| {
            let has =
                |name: &str| record.values.get(name).is_some_and(|stored| stored.to_lowercase() == value);
            let other_address = || {
                property == "email"
                    && record
                        .values
                        .get("hs_additional_emails")
                        .is_some_and(|all| all.split(';').any(|each| each.eq_ignore_ascii_case(&value)))
            };
            has(property) || other_address()
        })
    }

    pub(crate) fn associated(&self, from: (Kind, u64), to: Kind) -> impl Iterator<Item = &Association> {
        self.associations.iter().filter(move |each| each.from == from && each.to.0 == to)
    }

    pub(crate) fn take_id(&mut self) -> u64 {
        self.next_id += 7;
        self.next_id
    }
}

fn pipelines() -> BTreeMap<Kind, Vec<Pipeline>> {
    let stage = |id: &str, label: &str, probability: &str, closed| Stage {
        id: id.to_owned(),
        label: label.to_owned(),
        probability: probability.to_owned(),
        closed,
    };
    let sales = Pipeline {
        id: "default".to_owned(),
        label: "Sales Pipeline".to_owned(),
        stages: vec![
            stage("appointmentscheduled", "Appointment Scheduled", "0.2", false),
            stage("qualifiedtobuy", "Qualified To Buy", "0.4", false),
            stage("presentationscheduled", "Presentation Scheduled", "0.6", false),
            stage("decisionmakerboughtin", "Decision Maker Bought-In", "0.8", false),
            stage("contractsent", "Contract Sent", "0.9", false),
            stage("closedwon", "Closed Won", "1.0", true),
            stage("closedlost", "Closed Lost", "0.0", true),
        ],
    };
    // Labels repeat over pipelines, ids do not.
    let partners = Pipeline {
        id: "422982640".to_owned(),
        label: "Partners".to_owned(),
        stages: vec![
            stage("422982641", "Prospecting", "0.1", false),
            stage("422982642", "Contract Sent", "0.9", false),
            stage("422982643", "Closed Won", "1.0", true),
            stage("422982644", "Closed Lost", "0.0", true),
        ],
    };
    let leads = Pipeline {
        id: "lead-pipeline-id".to_owned(),
        label: "Lead pipeline".to_owned(),
        stages: vec![
            stage("new-stage-id", "New", "0.1", false),
            stage("attempting-stage-id", "Attempting", "0.2", false),
            stage("qualified-stage-id", "Qualified", "1.0", true),
            stage("unqualified-stage-id", "Disqualified", "0.0", true),
        ],
    };
    BTreeMap::from([(Kind::Deal, vec![sales, partners]), (Kind::Lead, vec![leads])])
}

fn owners() -> Vec<Owner> {
    let owner = |id, user_id, name: &str, archived| Owner {
        id,
        user_id,
        email: format!("{}@example.org", name.to_lowercase()),
        first_name: name.to_owned(),
        last_name: "Example".to_owned(),
        archived,
    };
    vec![
        owner(70_000_001, 50_001, "Olga", false),
        owner(70_000_002, 50_002, "Omar", false),
        owner(70_000_003, 50_003, "Otto", true),
    ]
}
