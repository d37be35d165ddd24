//! What people do in the three systems while the bridge is tormented, and what must be true of it at the end.
//!
//! Every value that a person enters is entered only once, ever. So a value that was written twice tells of itself.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use serde_json::{Map, Value, json};
use simulators::hubspot::Kind;
use sync::rehearsal::Chance;

use crate::simulated::Simulated;

/// A system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Side {
    CoreBos,
    Mautic,
    HubSpot,
}

impl Side {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CoreBos => "coreBOS",
            Self::Mautic => "Mautic",
            Self::HubSpot => "HubSpot",
        }
    }
}

/// A field that all systems have, under its names there.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) corebos: &'static str,
    pub(crate) mautic: &'static str,
    pub(crate) hubspot: &'static str,
}

/// The fields that are filled and compared.
pub(crate) const FIELDS: [Field; 5] = [
    Field { corebos: "firstname", mautic: "firstname", hubspot: "firstname" },
    Field { corebos: "lastname", mautic: "lastname", hubspot: "lastname" },
    Field { corebos: "mailingcity", mautic: "city", hubspot: "city" },
    Field { corebos: "mailingstreet", mautic: "address1", hubspot: "address" },
    Field { corebos: "mobile", mautic: "mobile", hubspot: "mobilephone" },
];

impl Field {
    pub(crate) fn on(&self, side: Side) -> &'static str {
        match side {
            Side::CoreBos => self.corebos,
            Side::Mautic => self.mautic,
            Side::HubSpot => self.hubspot,
        }
    }
}

/// Somebody who was entered.
#[derive(Debug)]
pub(crate) struct Person {
    pub(crate) email: String,
    /// Where they must be at the end.
    pub(crate) expected: BTreeSet<Side>,
    /// The last value that each side's people entered, by field.
    pub(crate) entered: Vec<BTreeMap<Side, String>>,
    /// Every value that anybody entered, the e-mail too.
    values: BTreeSet<String>,
    /// Somebody has deleted them somewhere: they may be anywhere, but nowhere twice.
    pub(crate) deleted: bool,
}

/// Everybody, and everything that was entered.
#[derive(Debug)]
pub(crate) struct People {
    pub(crate) persons: Vec<Person>,
    /// All values that were entered.
    pub(crate) values: BTreeSet<String>,
    /// What people had entered of somebody whose record was deleted before its partners knew it: who finds nothing of a
    /// creation that was never answered can only create once more.
    pub(crate) unknown_when_deleted: BTreeSet<(Side, String)>,
    run: u64,
    next: u64,
    hubspot: bool,
}

/// The fields of a person in one system; none when they are not there.
pub(crate) fn found(systems: &Simulated, side: Side, email: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let record = |id: String, fields: &Value| {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let fields = fields.as_object().into_iter().flatten();
        (id, fields.map(|(name, value)| (name.clone(), text(value))).collect())
    };
    match side {
        Side::CoreBos => {
            let records = systems.corebos.records("Contacts");
            let fitting = records.iter().filter(|found| found["email"] == email);
            fitting.map(|found| record(found["id"].as_str().unwrap_or_default().to_owned(), found)).collect()
        }
        Side::Mautic => {
            let contacts = systems.mautic.contacts();
            let fitting = contacts.iter().filter(|found| found["email"] == email);
            fitting.map(|found| record(found["id"].to_string(), found)).collect()
        }
        Side::HubSpot => {
            let Some(portal) = &systems.hubspot else { return Vec::new() };
            let records = portal.ids(Kind::Contact).into_iter().filter_map(|id| {
                let values = portal.record(Kind::Contact, &id)?;
                let values: BTreeMap<String, String> = values.into_iter().collect();
                (values.get("email").map(String::as_str) == Some(email)).then_some((id, values))
            });
            records.collect()
        }
    }
}

impl People {
    pub(crate) fn new(run: u64, hubspot: bool) -> Self {
        let unknown_when_deleted = BTreeSet::new();
        Self { persons: Vec::new(), values: BTreeSet::new(), unknown_when_deleted, run, next: 0, hubspot }
    }

    fn sides(&self) -> &'static [Side] {
        let all = &[Side::CoreBos, Side::Mautic, Side::HubSpot];
        if self.hubspot { all } else { &all[..2] }
    }

    /// A value that nobody has entered before; digits where a telephone is meant.
    fn value(&mut self, field: usize) -> String {
        self.next += 1;
        let number = self.next;
        let value = if FIELDS[field].mautic == "mobile" {
            format!("6{:03}{number:05}", self.run % 1_000)
        } else {
            format!("{}-{}-{number}", FIELDS[field].mautic, self.run)
        };
        self.values.insert(value.clone());
        value
    }

    /// Somebody new is entered.
    pub(crate) async fn create(&mut self, systems: &Simulated, chance: &mut Chance) -> Result<String> {
        let side = chance.pick(self.sides());
        self.next += 1;
        let email = format!("p{}-{}@torment.example", self.run, self.next);
        self.values.insert(email.clone());
        let mut fields = Map::new();
        let mut entered = Vec::new();
        let mut values = BTreeSet::from([email.clone()]);
        for (number, field) in FIELDS.iter().enumerate() {
            // Not all are filled in; a last name must be.
            let mut of_the_field = BTreeMap::new();
            if field.mautic == "lastname" || !chance.one_in(3) {
                let value = self.value(number);
                fields.insert(field.on(side).to_owned(), value.as_str().into());
                values.insert(value.clone());
                of_the_field.insert(side, value);
            }
            entered.push(of_the_field);
        }
        fields.insert("email".to_owned(), email.as_str().into());
        let mut expected = BTreeSet::from([Side::CoreBos, Side::Mautic]);
        if self.hubspot && side != Side::Mautic {
            expected.insert(Side::HubSpot);
        }
        match side {
            Side::CoreBos => {
                if self.hubspot {
                    fields.insert("hubspotsyncwith".to_owned(), "1".into());
                }
                systems.corebos.create("Contacts", &Value::Object(fields)).await?;
            }
            Side::Mautic => drop(systems.mautic.create_contact(&Value::Object(fields)).await),
            Side::HubSpot => {
                let mut properties: Vec<(&str, &str)> = vec![("lifecyclestage", "customer")];
                properties.extend(
                    fields.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default())),
                );
                drop(
                    systems
                        .hubspot
                        .as_ref()
                        .and_then(|portal| portal.create_as_user(Kind::Contact, &properties)),
                );
            }
        }
        let told = format!("{email} is entered in {}", side.name());
        self.persons.push(Person { email, expected, entered, values, deleted: false });
        Ok(told)
    }

    /// Somebody is edited on one side, or on two at once.
    pub(crate) async fn edit(&mut self, systems: &Simulated, chance: &mut Chance) -> Result<Option<String>> {
        let Some(at) = self.somebody(chance) else { return Ok(None) };
        let mut told = Vec::new();
        for _ in 0..if chance.one_in(3) { 2 } else { 1 } {
            let (side, field) = (chance.pick(self.sides()), chance.below(FIELDS.len()));
            let email = self.persons[at].email.clone();
            let Some((id, _)) = found(systems, side, &email).into_iter().next() else { continue };
            let value = self.value(field);
            let name = FIELDS[field].on(side);
            let edited = match side {
                Side::CoreBos => systems.corebos.edit(&id, &json!({ name: value })).await.is_ok(),
                Side::Mautic => match id.parse() {
                    Ok(id) => systems.mautic.edit_contact(id, &json!({ name: value })).await,
                    Err(_) => false,
                },
                Side::HubSpot => systems
                    .hubspot
                    .as_ref()
                    .is_some_and(|portal| portal.edit_as_user(Kind::Contact, &id, &[(name, &value)])),
            };
            if edited {
                told.push(format!("{email} gets {name} {value} in {}", side.name()));
                self.persons[at].values.insert(value.clone());
                self.persons[at].entered[field].insert(side, value);
            }
        }
        Ok((!told.is_empty()).then(|| told.join(", and ")))
    }

    /// Somebody is deleted on one side.
    pub(crate) async fn delete(
        &mut self,
        systems: &Simulated,
        chance: &mut Chance,
    ) -> Result<Option<String>> {
        let Some(at) = self.somebody(chance) else { return Ok(None) };
        let side = chance.pick(self.sides());
        let email = self.persons[at].email.clone();
        let Some((id, _)) = found(systems, side, &email).into_iter().next() else { return Ok(None) };
        if !is_known(systems, side, &id, &email) {
            let values = self.persons[at].values.iter();
            self.unknown_when_deleted.extend(values.map(|value| (side, value.clone())));
        }
        match side {
            Side::CoreBos => systems.corebos.delete(&id).await?,
            Side::Mautic => match id.parse() {
                Ok(id) => drop(systems.mautic.delete_contact(id).await),
                Err(_) => return Ok(None),
            },
            Side::HubSpot => {
                if let Some(portal) = &systems.hubspot {
                    portal.delete_as_user(Kind::Contact, &id);
                }
            }
        }
        self.persons[at].deleted = true;
        Ok(Some(format!("{email} is deleted in {}", side.name())))
    }

    /// Somebody who was not deleted.
    fn somebody(&self, chance: &mut Chance) -> Option<usize> {
        let here: Vec<usize> = (0..self.persons.len()).filter(|at| !self.persons[*at].deleted).collect();
        (!here.is_empty()).then(|| chance.pick(&here))
    }
}

/// Whether every partner of a record carries its id.
fn is_known(systems: &Simulated, side: Side, id: &str, email: &str) -> bool {
    let carriers: &[(Side, &str)] = match side {
        Side::CoreBos => &[(Side::Mautic, "corebos_id"), (Side::HubSpot, "corebos_id")],
        Side::Mautic => &[(Side::CoreBos, "mautic_id")],
        Side::HubSpot => &[(Side::CoreBos, "hubspotid")],
    };
    carriers.iter().all(|(partner, field)| {
        let partners = found(systems, *partner, email);
        partners.iter().all(|(_, fields)| fields.get(*field).is_some_and(|held| held == id))
    })
}
