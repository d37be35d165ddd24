//! Runs a query over the records and makes the rows of the answer.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use super::compare::{Column, folded, passes};
use super::{Columns, Literal, Operator, Query, Rows, Test};
use crate::corebos::json::Json;
use crate::corebos::problem::Problem;
use crate::corebos::schema::{Field, Kind, Module};
use crate::corebos::state::{State, currency};
use crate::corebos::store::Record;
use crate::corebos::value::{id_of, leading_number};
use crate::corebos::workflow::rows;

/// The value of a pseudo column that `describe` does not have but queries may name.
const UUID: &str = "cbuuid";

pub(super) fn run(state: &State, module: &Module, query: &Query) -> Result<Rows, Problem> {
    let runner = Runner { state, module };
    let columns = runner.columns(&query.columns)?;
    if let Some(test) = &query.wanted {
        runner.check(test)?;
    }
    for field in &query.order {
        runner.place(field).ok_or_else(Problem::database)?;
    }
    let mut found: Vec<&Record> = Vec::new();
    let currency = currency();
    let workflows = rows(&state.hooks, &state.other_workflows);
    let beside = workflows.iter().chain([&currency]);
    let numbers = query.wanted.as_ref().and_then(|test| runner.numbers(test));
    let indexed = numbers.iter().flatten().filter_map(|number| state.store.records.get(number));
    let all = state.store.records.values().filter(|_| numbers.is_none());
    for record in indexed.chain(all).chain(beside).filter(|record| runner.is_visible(record)) {
        let wanted = match &query.wanted {
            Some(test) => runner.test(record, test)?,
            None => true,
        };
        if wanted {
            found.push(record);
        }
    }
    runner.sort(&mut found, query);
    let total = found.len();
    if query.columns == Columns::Count {
        let mut row = vec![("count".to_owned(), Json::Text(total.to_string()))];
        runner.add_image(&mut row);
        return Ok(Rows { rows: vec![Json::Object(row)], total });
    }
    let page = found.into_iter().skip(query.offset).take(query.limit.unwrap_or(usize::MAX));
    let rows = page.map(|record| runner.row(record, &columns)).collect::<Result<Vec<_>, _>>()?;
    Ok(Rows { rows, total })
}

/// A field of the module itself or of a record that it refers to.
enum Place<'a> {
    Own(&'a Field),
    Related { reference: &'a Field, module: &'a Module, field: &'a Field },
    Uuid,
}

struct Runner<'a> {
    state: &'a State,
    module: &'a Module,
}

impl<'a> Runner<'a> {
    fn place(&self, name: &str) -> Option<Place<'a>> {
        let schema = &self.state.schema;
        if name == UUID && self.module.has_entity {
            return Some(Place::Uuid);
        }
        let Some((owner, field)) = name.split_once('.') else {
            return schema.field(self.module, name).map(Place::Own);
        };
        let module = schema.modules().find(|each| each.name.eq_ignore_ascii_case(owner))?;
        let reference = schema.fields(self.module).find(|each| {
            each.refers_to.contains(&module.name) || (each.kind == Kind::Owner && module.name == "Users")
        })?;
        Some(Place::Related { reference, module, field: schema.field(module, field)? })
    }

    fn columns(&self, columns: &Columns) -> Result<Vec<String>, Problem> {
        let names = match columns {
            Columns::Count => return Ok(Vec::new()),
            Columns::All => {
                return Ok(self.state.schema.fields(self.module).map(|field| field.name.clone()).collect());
            }
            Columns::These(names) => names,
        };
        let mut kept: Vec<String> = Vec::new();
        for name in names.iter().map(String::as_str).chain(["id"]) {
            if self.place(name).is_none() {
                let message = format!("Permission to access '.{name}.' attribute denied.");
                return Err(Problem::new("ACCESS_DENIED", message));
            }
            if !kept.iter().any(|each| each == name) {
                kept.push(name.to_owned());
            }
        }
        Ok(kept)
    }

    /// Refuses unknown fields, references that are no webservice ids, and words that are neither text nor number.
    fn check(&self, test: &Test) -> Result<(), Problem> {
        match test {
            Test::All(tests) | Test::Any(tests) => tests.iter().try_for_each(|test| self.check(test)),
            Test::Field { field, operator, values } => {
                let Some(place) = self.place(field) else {
                    let message = format!("Permission to access {field} attribute denied.");
                    return Err(Problem::new("ACCESS_DENIED", message));
                };
                let ids = matches!(&place, Place::Own(field) | Place::Related { field, .. }
                    if matches!(field.kind, Kind::Id | Kind::Reference | Kind::Owner));
                if !ids {
                    let word = values.iter().any(|value| matches!(value, Literal::Word(_)));
                    return if word { Err(Problem::database()) } else { Ok(()) };
                }
                let reference = matches!(&place, Place::Own(field) if field.kind == Kind::Reference);
                if matches!(operator, Operator::Empty | Operator::NotEmpty)
                    || values.iter().all(|value| value.text().contains('x'))
                {
                    Ok(())
                } else if reference {
                    Err(Problem::wrong_id())
                } else {
                    Err(Problem::database())
                }
            }
        }
    }

    fn is_visible(&self, record: &Record) -> bool {
        record.module == self.module.name
            && record.is_listed()
            && (record.module != "Users" || record.value("status") == "Active")
    }

    /// The numbers of the records that may pass, in order, from the indexes; none where each record must be looked at.
    fn numbers(&self, test: &Test) -> Option<BTreeSet<u64>> {
        match test {
            Test::All(tests) => tests.iter().filter_map(|test| self.numbers(test)).min_by_key(BTreeSet::len),
            Test::Any(tests) => tests.iter().try_fold(BTreeSet::new(), |mut any, test| {
                any.extend(self.numbers(test)?);
                Some(any)
            }),
            Test::Field { field, operator: Operator::Equal | Operator::In, values } => {
                let Some(Place::Own(field)) = self.place(field) else { return None };
                let texts = values.iter().map(|literal| match literal {
                    Literal::Text(value) => Some(value.as_str()),
                    Literal::Number(_) | Literal::Word(_) => None,
                });
                let texts = texts.collect::<Option<Vec<_>>>()?;
                self.state.store.records.holding(field, texts.into_iter())
            }
            Test::Field { .. } => None,
        }
    }

    fn test(&self, record: &Record, test: &Test) -> Result<bool, Problem> {
        match test {
            Test::All(tests) => {
                for test in tests {
                    if !self.test(record, test)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Test::Any(tests) => {
                for test in tests {
                    if self.test(record, test)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Test::Field { field, operator, values } => {
                let place = self.place(field).ok_or_else(Problem::database)?;
                let (value, kind) = self.column(record, &place);
                let ids = kind.is_some_and(|kind| matches!(kind, Kind::Id | Kind::Reference | Kind::Owner));
                let column = if ids || kind.is_some_and(is_number) { Column::Number } else { Column::Text };
                if ids {
                    let values: Vec<Literal> =
                        values.iter().map(|value| Literal::Text(id_of(value.text()).to_owned())).collect();
                    // An empty reference is 0 or nothing in the database.
                    let value = value.filter(|value| !value.is_empty()).unwrap_or_else(|| "0".to_owned());
                    let value =
                        if *operator == Operator::Empty && value == "0" { String::new() } else { value };
                    return Ok(passes(Some(&value), column, *operator, &values));
                }
                Ok(passes(value.as_deref(), column, *operator, values))
            }
        }
    }

    fn column<'b>(&self, record: &Record, place: &'b Place<'a>) -> (Option<String>, Option<&'b Kind>) {
        match place {
            Place::Own(field) => (record.column(field), Some(&field.kind)),
            Place::Uuid => (Some(record.uuid.clone()), None),
            Place::Related { reference, module, field } => {
                let target = self.related(record, reference, module);
                (target.and_then(|target| target.column(field)), Some(&field.kind))
            }
        }
    }

    fn related(&self, record: &Record, reference: &Field, module: &Module) -> Option<&'a Record> {
        let crmid = record.column(reference)?.parse().ok()?;
        self.state.store.alive(crmid).filter(|target| target.module == module.name)
    }

    fn sort(&self, found: &mut [&Record], query: &Query) {
        if query.order.is_empty() {
            // The database walks the index over the account when nothing but the id is asked for (A041, A045).
            let only_id =
                matches!(&query.columns, Columns::These(names) if names.iter().all(|name| name == "id"));
            if self.module.name == "Contacts" && only_id && query.wanted.is_none() {
                found.sort_by_key(|record| {
                    (record.value("account_id").parse().unwrap_or(0_u64), record.crmid)
                });
            }
            return;
        }
        found.sort_by(|left, right| {
            for (index, name) in query.order.iter().enumerate() {
                let Some(place) = self.place(name) else { continue };
                let ((left, kind), (right, _)) = (self.column(left, &place), self.column(right, &place));
                let order = ordered(left.as_deref(), right.as_deref(), kind);
                // The direction belongs to the last field only.
                let order =
                    if query.descending && index + 1 == query.order.len() { order.reverse() } else { order };
                if order.is_ne() {
                    return order;
                }
            }
            left.crmid.cmp(&right.crmid)
        });
    }

    fn row(&self, record: &Record, columns: &[String]) -> Result<Json, Problem> {
        let view = self.state.view();
        let mut row = Vec::with_capacity(columns.len() + 1);
        for name in columns {
            let (key, value) = match self.place(name) {
                None => continue,
                Some(Place::Uuid) => (name.clone(), record.uuid.clone()),
                Some(Place::Own(field)) => (name.clone(), view.text(record, field)?),
                Some(Place::Related { reference, module, field }) => {
                    let value = match self.related(record, reference, module) {
                        Some(target) => view.text(target, field)?,
                        None => String::new(),
                    };
                    (format!("{}{}", module.name.to_lowercase(), field.name), value)
                }
            };
            row.push((key, Json::Text(value)));
        }
        self.add_image(&mut row);
        Ok(Json::Object(row))
    }

    /// Modules with an image say where it is, also when it was not asked for.
    fn add_image(&self, row: &mut Vec<(String, Json)>) {
        if self.state.schema.field(self.module, "imagename").is_some() {
            row.push(("imagenamefullpath".to_owned(), Json::text("")));
        }
    }
}

fn is_number(kind: &Kind) -> bool {
    matches!(kind, Kind::Integer | Kind::Number(_))
}

fn ordered(left: Option<&str>, right: Option<&str>, kind: Option<&Kind>) -> Ordering {
    match (left, right) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Less,
        (Some(_), None) => Ordering::Greater,
        (Some(left), Some(right))
            if kind.is_some_and(|kind| {
                is_number(kind) || matches!(kind, Kind::Id | Kind::Reference | Kind::Owner)
            }) =>
        {
            leading_number(left).partial_cmp(&leading_number(right)).unwrap_or(Ordering::Equal)
        }
        (Some(left), Some(right)) => folded(left).cmp(&folded(right)),
    }
}

/// The ids of the records of contacts that pass, found without an index.
#[cfg(test)]
pub(super) fn by_looking_at_all(state: &State, query: &Query) -> Vec<String> {
    let module = state.schema.module("Contacts").unwrap();
    let runner = Runner { state, module };
    let test = query.wanted.as_ref().unwrap();
    let visible = state.store.records.values().filter(|record| runner.is_visible(record));
    let passing = visible.filter(|record| runner.test(record, test).unwrap());
    passing.map(|record| crate::corebos::store::wsid(module, record.crmid)).collect()
}
