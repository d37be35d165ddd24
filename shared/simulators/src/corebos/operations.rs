//! The operations of the webservice.

mod change;
mod lead;
mod mass;
mod process_map;
mod read;

use super::json::Json;
use super::problem::Problem;
use super::request::Parameters;
use super::site::Site;
use super::state::Person;

pub(crate) use lead::convert;

/// A finished operation.
#[derive(Debug)]
pub(crate) struct Reply {
    /// False for a mass operation that failed in parts.
    pub(crate) success: bool,
    pub(crate) result: Json,
    pub(crate) more_info: Json,
}

impl From<Json> for Reply {
    fn from(result: Json) -> Self {
        Self { success: true, result, more_info: Json::Null }
    }
}

/// Operations of the real webservice that the stand-in knows by name only.
const NOT_SIMULATED: [&str; 13] = [
    "cbrule",
    "validateinformation",
    "setrelation",
    "unsetrelation",
    "getrelatedrecords",
    "executeworkflow",
    "executeworkflowwithcontext",
    "getqueuedoperationresult",
    "changepassword",
    "changeaccesskey",
    "deleteuser",
    "loginportal",
    "getfieldautocomplete",
];

const SIMULATED: [&str; 26] = [
    "getchallenge",
    "login",
    "logout",
    "extendsession",
    "listtypes",
    "describe",
    "retrieve",
    "query",
    "create",
    "update",
    "revise",
    "delete",
    "upsert",
    "massretrieve",
    "masscreate",
    "massupdate",
    "massdelete",
    "createwithvalidation",
    "updatewithvalidation",
    "revisewithvalidation",
    "sync",
    "convertlead",
    "processmap",
    "getsetting",
    "setsetting",
    "delsetting",
];

/// Whether coreBOS has an operation of this name, in any letter case.
pub(crate) fn exists(operation: &str) -> bool {
    let operation = operation.to_ascii_lowercase();
    SIMULATED.contains(&operation.as_str()) || NOT_SIMULATED.contains(&operation.as_str())
}

/// Does what a logged-in person asks for.
pub(crate) async fn run(
    site: &Site,
    operation: &str,
    parameters: &Parameters,
    person: &Person,
) -> Result<Reply, Problem> {
    let operation = operation.to_ascii_lowercase();
    match operation.as_str() {
        "listtypes" | "describe" | "retrieve" | "query" | "sync" | "getsetting" => {
            read::run(site, &operation, parameters, person)
        }
        "massretrieve" => mass::retrieve(site, &parameters.text("ids")?, person),
        "masscreate" => mass::create(site, &parameters.list("elements")?, person).await,
        "massupdate" => mass::update(site, &parameters.list("elements")?, person).await,
        "massdelete" => mass::delete(site, &parameters.text("ids")?, person).await,
        "processmap" => {
            let (map, given) = (parameters.text("mapid")?, parameters.object("parameters")?);
            Ok(process_map::process(&site.state(), &map, &given, person)?.into())
        }
        "convertlead" => Ok(convert(site, &parameters.object("element")?, person).await?.into()),
        "create"
        | "update"
        | "revise"
        | "delete"
        | "upsert"
        | "createwithvalidation"
        | "updatewithvalidation"
        | "revisewithvalidation"
        | "setsetting"
        | "delsetting" => change::run(site, &operation, parameters, person).await,
        other => Err(Problem::not_simulated(other)),
    }
}
