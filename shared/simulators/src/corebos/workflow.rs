//! "Run Web Service" workflow tasks: calls to outside addresses while a record is being saved.
//!
//! What is sent is told by a business map of type "Webservice Mapping" in the module `cbMap`, as in the real system,
//! read afresh at each save. Recorded in C001 to E008 and the requests that came out of them.

use std::time::Duration;

use super::json::Json;
use super::schema::Kind;
use super::state::State;
use super::store::{Record, wsid};
use super::value::php_trim;
use super::view::View;
use super::xml::Element;

/// When a workflow runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trigger {
    /// At the first save of a record.
    FirstSave,
    /// At each save.
    EverySave,
    /// At each save but the first; also when a record is deleted, just before the workflows for that.
    Modification,
    /// When a record is deleted, while it is still there.
    Deletion,
}

/// A workflow with one "Run Web Service" task and no conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowHook {
    /// Module whose records it watches.
    pub module: String,
    /// When it runs.
    pub trigger: Trigger,
    /// Name of the business map that says what to send where.
    pub map: String,
}

/// A workflow whose tasks are none of the stand-in's business: it does nothing, and the webservice shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherWorkflow {
    /// Module whose records it watches.
    pub module: String,
    /// When it runs.
    pub trigger: Trigger,
    /// What it is called.
    pub name: String,
    /// Its conditions, as the screen stores them: a JSON list, or nothing.
    pub conditions: String,
    /// Whether it is switched on.
    pub active: bool,
}

/// What happens to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Created,
    Modified,
    Deleted,
}

impl Trigger {
    /// The number that the database holds.
    fn number(self) -> &'static str {
        match self {
            Self::FirstSave => "1",
            Self::EverySave => "3",
            Self::Modification => "4",
            Self::Deletion => "5",
        }
    }

    fn fires_at(self, event: Event) -> bool {
        match self {
            Self::FirstSave => event == Event::Created,
            Self::EverySave => true,
            Self::Modification => event != Event::Created,
            Self::Deletion => event == Event::Deleted,
        }
    }
}

/// The rows of the table of workflows, as the entity `Workflow` shows them. Its columns were read in coreBOS's
/// sources; their tasks are in another table, which no entity shows.
pub(crate) fn rows(hooks: &[WorkflowHook], others: &[OtherWorkflow]) -> Vec<Record> {
    let of_hooks = hooks.iter().map(|hook| OtherWorkflow {
        module: hook.module.clone(),
        trigger: hook.trigger,
        name: format!("{} of {}", hook.map, hook.module),
        conditions: String::new(),
        active: true,
    });
    let rows = of_hooks.chain(others.iter().cloned()).zip(1..).map(|(workflow, number)| {
        let active = if workflow.active { "true" } else { "false" };
        let columns = [
            ("module_name", workflow.module.as_str()),
            ("summary", &workflow.name),
            ("test", &workflow.conditions),
            ("execution_condition", workflow.trigger.number()),
            ("purpose", ""),
            ("active", active),
        ];
        super::state::plain_record(number, "Workflow", columns.into_iter())
    });
    rows.collect()
}

/// One request that a save makes.
pub(crate) struct Delivery {
    method: String,
    url: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
}

/// A save that died of the answer its hook got: a JSON array makes PHP throw.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SaveDied;

/// The requests that this event makes, in the order in which the workflows were made.
pub(crate) fn deliveries(state: &State, record: &Record, event: Event) -> Vec<Delivery> {
    let fitting =
        state.hooks.iter().filter(|hook| hook.module == record.module && hook.trigger.fires_at(event));
    fitting
        .filter_map(|hook| {
            let map =
                state.store.records.values().find(|each| {
                    each.module == "cbMap" && !each.deleted && each.value("mapname") == hook.map
                })?;
            delivery(state, record, &Element::parse(map.value("content"))?)
        })
        .collect()
}

fn delivery(state: &State, record: &Record, map: &Element) -> Option<Delivery> {
    let config = map.child("wsconfig")?;
    let fields: Vec<(String, String)> = map
        .child("fields")?
        .named_children("field")
        .map(|field| (field.child_text("fieldname").to_owned(), mapped(state, record, field)))
        .collect();
    let headers = config.child("wsheader").into_iter().flat_map(|headers| headers.named_children("header"));
    let headers = headers
        .map(|header| {
            let value = with_setting(state, header.child_text("keyvalue"));
            (header.child_text("keyname").to_owned(), value)
        })
        .collect();
    let method = config.child_text("wshttpmethod").to_ascii_uppercase();
    let url = with_setting(state, config.child_text("wsurl"));
    if config.child_text("inputtype").eq_ignore_ascii_case("URL") {
        // Nothing is encoded: an address with a blank in it is never asked, and `&` cuts a value.
        let query: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let url = format!("{url}?{}", query.join("&"));
        return (!url.contains(char::is_whitespace)).then_some(Delivery { method, url, headers, body: None });
    }
    let body = Json::Object(fields.into_iter().map(|(name, value)| (name, Json::Text(value))).collect());
    Some(Delivery { method, url, headers, body: Some(body.encode()) })
}

/// The value of one field of the map: its sources joined, with the delimiter's characters cut from the end.
fn mapped(state: &State, record: &Record, field: &Element) -> String {
    let Some(sources) = field.child("Orgfields") else { return String::new() };
    let delimiter = sources.child_text("delimiter");
    let mut value = String::new();
    for source in sources.named_children("Orgfield") {
        value.push_str(&sourced(
            state,
            record,
            source.child_text("OrgfieldID"),
            source.child_text("OrgfieldName"),
        ));
        value.push_str(delimiter);
    }
    value.trim_end_matches(|character| delimiter.contains(character)).to_owned()
}

fn sourced(state: &State, record: &Record, directive: &str, name: &str) -> String {
    let view = state.view();
    match directive.to_ascii_uppercase().as_str() {
        "CONST" => name.to_owned(),
        "FIELD" => rendered(view, record, php_trim(name).trim_start_matches('$')),
        "TEMPLATE" => template(view, record, name),
        "EXPRESSION" => expression(view, record, php_trim(name)),
        _ => raw(view, record, name),
    }
}

/// The value as `column_fields` has it: references are bare numbers and there is no `id`.
fn raw(view: View<'_>, record: &Record, name: &str) -> String {
    match name {
        "record_id" => record.crmid.to_string(),
        "record_module" => record.module.clone(),
        "id" => String::new(),
        _ => view
            .schema
            .module(&record.module)
            .and_then(|module| view.schema.field(module, name))
            .and_then(|field| record.column(field))
            .unwrap_or_default(),
    }
}

/// The value as `retrieve` has it, but empty for a box that is not ticked.
fn rendered(view: View<'_>, record: &Record, name: &str) -> String {
    let Some(module) = view.schema.module(&record.module) else { return String::new() };
    match view.schema.field(module, name) {
        Some(field) => {
            let text = view.text(record, field).unwrap_or_default();
            if text == "0" { String::new() } else { text }
        }
        None => String::new(),
    }
}

/// `$field` or `$(reference : (Module) field)`; the parts of the template language that the recordings use.
fn template(view: View<'_>, record: &Record, text: &str) -> String {
    let related = || {
        let inner = text.trim().strip_prefix("$(")?.strip_suffix(')')?;
        let (reference, rest) = inner.split_once(" : (")?;
        let (module, field) = rest.split_once(") ")?;
        let target: u64 = raw(view, record, reference.trim()).parse().ok()?;
        let target = view.store.alive(target).filter(|target| target.module == module)?;
        Some(rendered(view, target, field.trim()))
    };
    match text.trim().strip_prefix('$') {
        Some(name) if !name.starts_with('(') => rendered(view, record, name),
        _ => related().unwrap_or_default(),
    }
}

/// An expression that is a single field name: `id` is the webservice id, references give the name of their record.
fn expression(view: View<'_>, record: &Record, name: &str) -> String {
    let Some(module) = view.schema.module(&record.module) else { return String::new() };
    match view.schema.field(module, name) {
        Some(field) if field.kind == Kind::Id => wsid(module, record.crmid),
        Some(field) if matches!(field.kind, Kind::Reference | Kind::Owner) => {
            let target = record.column(field).and_then(|crmid| crmid.parse().ok());
            target
                .and_then(|crmid| view.store.alive(crmid))
                .map_or_else(String::new, |target| view.display_name(target))
        }
        Some(field) => record.column(field).unwrap_or_default(),
        None => String::new(),
    }
}

/// Puts in the value of at most one `getSetting(key)`; a key that is not there gives nothing.
fn with_setting(state: &State, text: &str) -> String {
    let replaced = || {
        let (before, rest) = text.split_once("getSetting(")?;
        let (key, after) = rest.split_once(')')?;
        let value = state.store.settings.get(key.trim()).map_or("", String::as_str);
        Some(format!("{before}{value}{after}"))
    };
    replaced().unwrap_or_else(|| text.to_owned())
}

/// Makes the requests one after the other and waits for each, however long it takes.
///
/// What goes wrong is forgotten: a refused connection, an error status, an answer that is no JSON. Only a JSON array
/// is fatal, because the code that reads it expects an object.
pub(crate) async fn deliver(client: &reqwest::Client, deliveries: Vec<Delivery>) -> Result<(), SaveDied> {
    for delivery in deliveries {
        let Ok(method) = reqwest::Method::from_bytes(delivery.method.as_bytes()) else { continue };
        let mut request = client.request(method, &delivery.url);
        for (name, value) in &delivery.headers {
            request = request.header(name, value);
        }
        if let Some(body) = delivery.body {
            request = request.body(body);
        }
        let Ok(answer) = request.send().await else { continue };
        let Ok(text) = answer.text().await else { continue };
        if text.trim_start().starts_with('[') && serde_json::from_str::<Vec<serde_json::Value>>(&text).is_ok()
        {
            return Err(SaveDied);
        }
    }
    Ok(())
}

/// The client that hooks are sent with: no User-Agent, no redirects, no time limit on the answer.
pub(crate) fn client() -> std::io::Result<reqwest::Client> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(Duration::from_secs(30))
        .no_proxy()
        .build()
        .map_err(std::io::Error::other)
}

/// The text of a Webservice Mapping map that posts a flat JSON object.
///
/// `header` is one header besides the content type; its value may contain `getSetting(key)`. The body has `event` as
/// given, and module, id, crmid, modifiedtime, modifiedby, `mautic_id` and `hubspotid` of the record.
pub fn webservice_map(url: &str, header: (&str, &str), event: &str) -> String {
    use std::fmt::Write as _;
    let mut fields = String::new();
    for (name, directive, source) in [
        ("event", "CONST", event),
        ("module", "", "record_module"),
        ("id", "EXPRESSION", "id"),
        ("crmid", "", "record_id"),
        ("modifiedtime", "", "modifiedtime"),
        ("modifiedby", "", "modifiedby"),
        ("mautic_id", "", "mautic_id"),
        ("hubspotid", "", "hubspotid"),
    ] {
        let source = escaped(source);
        // Writing to a `String` cannot fail.
        let _ = write!(
            fields,
            "<field><fieldname>{name}</fieldname><Orgfields><Orgfield><OrgfieldName>{source}</OrgfieldName>\
             <OrgfieldID>{directive}</OrgfieldID></Orgfield></Orgfields></field>"
        );
    }
    let (name, value) = (escaped(header.0), escaped(header.1));
    format!(
        "<map><originmodule><originname>Contacts</originname></originmodule><wsconfig><wsurl>{}</wsurl>\
         <wshttpmethod>POST</wshttpmethod><methodname>bridge</methodname><wstype>REST</wstype>\
         <inputtype>JSON</inputtype><outputtype>JSON</outputtype><wsheader>\
         <header><keyname>Content-type</keyname><keyvalue>application/json</keyvalue></header>\
         <header><keyname>{name}</keyname><keyvalue>{value}</keyvalue></header></wsheader></wsconfig>\
         <fields>{fields}</fields><Response></Response></map>",
        escaped(url)
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
