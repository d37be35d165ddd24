//! Operations that change nothing.

use super::super::json::Json;
use super::super::problem::Problem;
use super::super::request::Parameters;
use super::super::site::Site;
use super::super::state::{Person, State};
use super::super::sync;
use super::super::value::day_text;
use super::Reply;

pub(super) fn run(
    site: &Site,
    operation: &str,
    parameters: &Parameters,
    person: &Person,
) -> Result<Reply, Problem> {
    let state = site.state();
    match operation {
        "listtypes" => {
            let only: Option<Vec<String>> = serde_json::from_str(&parameters.text("fieldTypeList")?).ok();
            Ok(state.schema.list_types(person.admin, only.as_deref()).into())
        }
        "describe" => Ok(describe(&state, &parameters.text("elementType")?, person, site.now())?.into()),
        "retrieve" => {
            let record = state.readable(&parameters.text("id")?, person)?;
            Ok(state.view().full(record)?.into())
        }
        "query" => {
            let rows = super::super::query::answer(&state, &parameters.text("query")?, person)?;
            let more_info = Json::object([("totalrows", Json::Text(rows.total.to_string()))]);
            Ok(Reply { success: true, result: Json::List(rows.rows), more_info })
        }
        "sync" => {
            // PHP dies of a time that is no number.
            let since = parameters.text("modifiedTime")?.trim().parse::<f64>().map_err(|_| Problem::Crash)?;
            let request = sync::Request {
                since: whole_seconds(since),
                modules: &parameters.text("elementType")?,
                kind: &parameters.text("syncType")?,
                page: site.sync_page,
            };
            Ok(sync::changes(&state, &request, person)?.into())
        }
        "getsetting" => {
            let default = parameters.text("default")?;
            let value = state.store.settings.get(&parameters.text("key")?).cloned().unwrap_or(default);
            Ok(Json::Text(value).into())
        }
        other => Err(Problem::not_simulated(other)),
    }
}

/// One module gives its description, several give an object of descriptions.
fn describe(state: &State, names: &str, person: &Person, now: i64) -> Result<Json, Problem> {
    let owners = state.view().owners();
    let today = day_text(now);
    let one = |name: &str| {
        let module = match state.schema.module(name) {
            Some(module) => module,
            None if state.schema.is_listed(name, true) => return Err(Problem::not_simulated(name)),
            None => return Err(Problem::denied_for(name)),
        };
        Ok(state.schema.describe(module, person.admin, &owners, &today, &person.formats.date))
    };
    if !names.contains(',') {
        return one(names);
    }
    let described = names.split(',').map(str::trim).map(|name| Ok((name.to_owned(), one(name)?)));
    Ok(Json::Object(described.collect::<Result<_, Problem>>()?))
}

/// PHP's conversion of a float to a whole number of seconds; what does not fit is far in the past or the future.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, which is what is wanted")]
fn whole_seconds(seconds: f64) -> i64 {
    seconds.trunc() as i64
}
