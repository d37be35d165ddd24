//! The stand-in for coreBOS: `webservice.php` over HTTP, with the workflows that call us.
//!
//! It answers 203 recorded calls byte for byte (`tests/it/corebos_story.rs`; the captures are named in
//! `fixtures/corebos/README.md`). Version that was recorded: code of January 2025, API 0.22, vtiger 5.5.0.
//!
//! # Quirks
//!
//! "Story" means that the replay of the named captures proves it; other tests are named by file.
//!
//! | quirk | from | proof |
//! |---|---|---|
//! | status 200 for errors; 500 without a body when PHP dies, as of structured parameters in a JSON body | A053 to A109, A104 | story |
//! | operations in any letter case, any HTTP method, parameters in address, form or JSON body | A096, A098, A103, A111 | story, `request.rs` |
//! | `expireTime` is a number for a new login token, text for one handed out again; tokens can be used again | F007, F008, A110, A112 | story |
//! | login with token and password in place of the hash | A113 | story |
//! | unknown, expired, missing and foreign sessions all answer `AUTHENTICATION_REQUIRED`; `extendsession` always does | A099 to A101, F003 to F005, F009 | story |
//! | a session belongs to one User-Agent; a call with another one ends it | F001, F002 | story, `corebos_calls.rs` |
//! | a session or a static token in the header `corebos-authorization` | A102; source | story, `corebos_calls.rs` |
//! | calls of one session wait for each other, and so do writes of one record | source | `corebos_hooks.rs` |
//! | all values are text; `<reference>ename` objects in retrieve, update and revise but not in create, query and sync | A013 to A032 | story |
//! | references and owners as webservice ids, bare numbers or uuids | A063; source | story, `corebos_records.rs` |
//! | unknown and deleted ids: `INVALID_ID_ATTRIBUTE` to read, `ACCESS_DENIED` to change | A055 to A062, A080 to A083 | story |
//! | create with a bad owner answers `DATABASE_QUERY_ERROR` and leaves a record that counts, is in no sync and cannot be shown | A071, A102, G006; the last from source | story, `corebos_records.rs` |
//! | a date left out of create is today, an empty one stays empty | A015, F010 to F012 | story |
//! | an unreadable date is `0000-00-00`, long text is cut, an emoji is `????`, unknown fields and dangling references vanish, bad picklist values and e-mails stay | A069, A072 to A076, F025 | story |
//! | single-line text is trimmed, text areas are not; entities and tags survive | F013 to F036 | story |
//! | JSON true ticks a box, the text `true` does not | A024; source | story, `value.rs` |
//! | numbers and dates are read in the user's own format; times are UTC for everybody | H004 to H010 | story, `corebos_records.rs` |
//! | update with a part of a record keeps the rest, keeps empty references and wants all mandatory fields; revise clears | A028, A031, A066 to A068, A082 | story, `corebos_records.rs` |
//! | display types: 4 is written by create only, 2 never | B001 to B004; source | `corebos_records.rs` |
//! | a write that changes nothing moves the modified time and fires its hooks | C003 | story |
//! | forecast and e-mail of a potential are worked out at each save; `contentjson` of a map too | A017, A030, B006, E001 | story |
//! | fields added later are NULL in older records: shown empty, equal and different to nothing | G006, H012 | story, `corebos_calls.rs` |
//! | query: 100 rows unless told, `''` in strings, no empty strings, no parentheses, direction of the last order field only | A033 to A045, F037, F038, G008 to G010; source | story, `corebos_calls.rs`, `query/` |
//! | query: error texts with token names; a broken string is a server error | A085 to A090 | story |
//! | query for ids of contacts alone comes in the order of their accounts | A041, A045 | story |
//! | query: the second parser for dots, parentheses, `is null` and `not in` | A040; source | `corebos_calls.rs`, `query/extended.rs` |
//! | text compares without letter case, accents and blanks at the end | the database's default collation | `query/compare.rs` |
//! | `imagenamefullpath` in rows of modules with an image, also beside a count | A033, A036 | story |
//! | `MassRetrieve` of two modules gives records with the fields and the id of the other module | A094 | story |
//! | `MassCreate` is an upsert by all values; failures make it no success without an error | G007; source | `corebos_records.rs` |
//! | sync: strictly later seconds, pages filled up to their last second, deletions inside | A046 to A053, G011, G012 | story, `corebos_calls.rs` |
//! | sync: own records only, unless user 1 or an administrator who says `application` | G006, H011; source | story, `corebos_calls.rs` |
//! | a restored record keeps its modified time, so sync never tells | source | `corebos_calls.rs` |
//! | a converted lead is deleted for sync and query and alive for retrieve; no event; several modules at once do not notice | source | `corebos_records.rs` |
//! | hooks: flat JSON in PHP's escaping, only the configured headers, waited for, failures forgotten | C001 to E008 | story |
//! | hooks: a delete fires the ones of a change first, with the record as it was | C005, D003 | story, `corebos_hooks.rs` |
//! | hooks: nothing is encoded in addresses; one with a blank is never called | E002, C001 | story |
//! | hooks: a JSON array as an answer kills the save | source | `corebos_hooks.rs` |
//! | hooks: a webservice write has not committed when they fire | source | `corebos_hooks.rs` |
//! | `ProcessMap`: values HTML-encoded, references and owners as numbers, 0 for none, no `id`; a blank where a source is missing | maps/outbound, 18 cases | `corebos_maps.rs` |
//! | `ProcessMap`: a map or record that is not there is denied; other kinds of maps are not supported; `[]` for a map without fields | source | `corebos_maps.rs` |
//!
//! # Limits
//!
//! * Modules: Contacts, Accounts, Leads, Potentials, cbMap, Users, Groups, Currency, and Workflow as far as
//!   coreBOS's sources tell. Others are listed by `listtypes`
//!   and answer `OPERATION_NOT_SUPPORTED` "not simulated: ...", as do `cbRule`, `ValidateInformation`,
//!   relations, workflow execution, queued operations and password changes.
//! * No validation maps, so the operations with validation are the ones without. No roles or sharing rules:
//!   everybody reads and writes everything but Users. Workflows have no conditions.
//! * Hooks understand CONST, FIELD, raw fields, `$field`, `$(reference : (Module) field)` and expressions that are one
//!   field name; multipart bodies, the stream formats and queries over `related.` are not read.
//! * `ProcessMap` plays DEFAULT with plain names, CONST, delimiters and RULE, whose decision a test gives; a map with
//!   anything else is answered `OPERATION_NOT_SUPPORTED` as a whole.
//! * The mapping of lead fields is the install default as far as it is known, not a recording.
//! * Records are never purged, and a session does not survive a restart.

mod columns;
mod http;
mod json;
mod operations;
mod options;
mod problem;
mod query;
mod records;
mod request;
mod schema;
mod session;
mod simulator;
mod site;
mod state;
mod store;
mod sync;
mod value;
mod view;
mod workflow;
mod writing;
mod xml;

pub use options::{CoreBosOptions, CoreBosUser};
pub use simulator::{CoreBosSimulator, ScreenError, start};
pub use state::{CallRecord, RuleDecision};
pub use workflow::{OtherWorkflow, Trigger, WorkflowHook, webservice_map};
