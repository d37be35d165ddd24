//! The keys of the table: who asks for what decides them.
//!
//! | item | pk | sk | asked for by |
//! |---|---|---|---|
//! | link | `link#<id>` | `link` | its id |
//! | history of a link, TTL 90 days | `link#<id>` | `history#<time>#<receipt>#<version>` | link, in order |
//! | lookup of a link, one per side | `record#<system>#<object>#<id>` | `pair#<pair>` | record and pair |
//! | state of a record | `record#<system>#<object>#<id>` | `state` | record |
//! | claim of a natural key, TTL | `claim#<system>#<object>#<fingerprint>` | `claim` | key |
//! | waiting child, TTL | `waits#<parent record>` | `<towards system>#<child record>` | parent and system, in pages |
//! | parked change | `parked#<pair>` | `<time>#<receipt>#<content>` | pair, in order |
//! | deletes of a pair in an hour, TTL 2 days | `brake#<pair>` | `<hour>` | pair and hour |
//! | failed attempts of a notice, TTL 14 days | `failures#<receipt>` | `failures` | receipt |
//! | cursor of a poll, with its lease | `cursor#<system>#<object>` | `cursor` | system and object |
//! | what the walk of an object has seen, a hundred ids long | `seen#<system>#<object>.walk` | `<first id>`, twenty digits | system and object, from an id on |
//! | rate budget of a system | `budget#<system>` | `<limit>` | system and limit |
//! | session of a system, sealed, TTL | `cache#session#<system>` | `<slot>` | system and slot |
//! | field map of a name: what coreBOS has, and what is in use | `cache#map#<system>` | `map#<name>` | system and name |
//! | when a system was asked for the maps of a pair, with the turn to ask | `cache#map#<system>` | `asked#<kind of pair>` | system and pair |
//! | progress of an import, with its lease | `import#<pair>#<system that is read>` | `stock` or `changed` | pair, direction, scope |
//! | what is remembered of a visitor, TTL by setting; and of a record that rules of nurturing wait for, TTL 400 days | `visitor#<name>` | `visitor` | name: a source's id of somebody, or an e-mail, as fingerprints; `nurturing#<record>` |
//! | what is remembered of the user of a contact on a site | `user#<site>#<contact>` | `user` | site and contact |
//! | the contact whose user this is | `owner#<user>` | `owner` | user |
//! | setting | `settings` | `<key>` | key, and all of them |
//! | when a webhook of a system was heard last, to ten minutes | `heard#<system>` | `heard` | system |
//! | identity of a system | `settings` | `identity#<system>` | system |
//! | other integrations that were seen in a system | `settings` | `rivals#<system>` | system |
//!
//! Times in keys have a fixed width (`2026-11-21T08:15:30.000000000Z`), so that they sort as time passes. The link's
//! version ends the key of a history entry, because one push can settle twice within one reading of the clock; a
//! parked change ends with a digest of its content for the same reason.
//!
//! DynamoDB allows 2,048 bytes for `pk` and 1,024 for `sk`. Texts from outside are cut to their digest where they
//! are longer than [`LONGEST_TEXT_BYTES`], so no sender can make a key that the table refuses for ever.

use jiff::Timestamp;
use model::{Fingerprint, LinkId, Pair, PairKind, ParkedChange, RecordRef, System};
use sync::import::{ImportKey, Scope};
use sync::{BudgetKey, CursorKey, NaturalKey, SessionKey, Waiting};

/// The attribute that holds the partition key.
pub const PK: &str = "pk";
/// The attribute that holds the sort key.
pub const SK: &str = "sk";
/// The TTL attribute: seconds since 1970.
pub const EXPIRES_AT: &str = "expires_at";

/// The longest text from outside that stands in a key as it is, in bytes.
pub const LONGEST_TEXT_BYTES: usize = 400;

/// The first characters of the sort key of every history entry.
pub(super) const HISTORY_PREFIX: &str = "history#";

/// The address of one item.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemKey {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl ItemKey {
    fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }
}

impl std::fmt::Display for ItemKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} / {}", self.pk, self.sk)
    }
}

/// A time as it stands in keys and in conditions: of fixed width, so that text order is time order.
pub(super) fn sortable(time: Timestamp) -> String {
    format!("{time:.9}")
}

/// A text from outside as it stands in keys.
fn bounded(text: &str) -> String {
    if text.len() <= LONGEST_TEXT_BYTES {
        text.to_owned()
    } else {
        format!("sha256-{}", Fingerprint::of_bytes(text.as_bytes()).as_str())
    }
}

/// A link.
pub fn link(id: &LinkId) -> ItemKey {
    ItemKey::new(format!("link#{}", bounded(id)), "link")
}

/// An entry in the history of a link: `version` is the link's after the settle that wrote the entry.
pub fn history(id: &LinkId, at: Timestamp, receipt: &str, version: u64) -> ItemKey {
    ItemKey::new(link(id).pk, format!("{HISTORY_PREFIX}{}#{}#{version}", sortable(at), bounded(receipt)))
}

fn record_text(record: &RecordRef) -> String {
    format!("{}#{}#{}", record.system, bounded(record.object.as_str()), bounded(&record.id))
}

fn record_partition(record: &RecordRef) -> String {
    format!("record#{}", record_text(record))
}

/// The lookup that leads from a record to its link in a pair. Pairs that share an object share it.
pub fn lookup(record: &RecordRef, pair: &Pair) -> ItemKey {
    ItemKey::new(record_partition(record), format!("pair#{}", pair.found_as()))
}

/// The state of a record.
pub fn state(record: &RecordRef) -> ItemKey {
    ItemKey::new(record_partition(record), "state")
}

/// The claim of a natural key.
pub fn claim(key: &NaturalKey) -> ItemKey {
    ItemKey::new(
        format!("claim#{}#{}#{}", key.system, bounded(key.object.as_str()), key.key.as_str()),
        "claim",
    )
}

/// The partition of the records that wait for a parent.
pub(super) fn waits_partition(parent: &RecordRef) -> String {
    format!("waits#{}", record_text(parent))
}

/// What the sort keys of children begin with whose notices go towards a system.
pub(super) fn waits_prefix(towards: &System) -> String {
    format!("{towards}#")
}

/// A record that waits for its parent.
pub fn waiting(child: &Waiting) -> ItemKey {
    let sk = format!("{}{}", waits_prefix(&child.towards), record_text(&child.child));
    ItemKey::new(waits_partition(&child.parent), sk)
}

/// The partition of the changes of a pair that are parked.
pub(super) fn parked_partition(pair: &Pair) -> String {
    format!("parked#{pair}")
}

/// A parked change. The same change parked twice at the same moment is one item.
pub fn parked(change: &ParkedChange) -> ItemKey {
    let content = serde_json::to_vec(change).unwrap_or_default();
    let digest = Fingerprint::of_bytes(&content);
    let digest = digest.as_str().get(..8).unwrap_or_default();
    let sk = format!("{}#{}#{digest}", sortable(change.at), bounded(&change.notice.receipt));
    ItemKey::new(parked_partition(&change.pair), sk)
}

/// A parked change by the sort key under which it was listed.
pub(super) fn parked_by_name(pair: &Pair, name: &str) -> ItemKey {
    ItemKey::new(parked_partition(pair), name)
}

/// The counter of deletes of a pair in the hour that `moment` lies in.
pub fn brake(pair: &Pair, moment: Timestamp) -> ItemKey {
    let seconds = moment.as_second();
    let hour = Timestamp::from_second(seconds - seconds.rem_euclid(3600)).unwrap_or(Timestamp::UNIX_EPOCH);
    ItemKey::new(format!("brake#{pair}"), hour.to_string())
}

/// The counter of attempts of a notice that failed for reasons of its own.
pub fn failures(receipt: &str) -> ItemKey {
    ItemKey::new(format!("failures#{}", bounded(receipt)), "failures")
}

/// The cursor of a poll.
pub fn cursor(key: &CursorKey) -> ItemKey {
    ItemKey::new(format!("cursor#{}#{}", key.system, bounded(key.object.as_str())), "cursor")
}

/// What a walk has seen of the ids from `first` on. Of fixed width, so that text order is the order of ids.
pub fn seen(walk: &CursorKey, first: u64) -> ItemKey {
    let pk = format!("seen#{}#{}", walk.system, bounded(walk.object.as_str()));
    ItemKey::new(pk, format!("{first:020}"))
}

/// A session of a system.
pub fn session(key: &SessionKey) -> ItemKey {
    ItemKey::new(format!("cache#session#{}", key.system), bounded(&key.slot))
}

/// What is remembered of the map of a name.
pub fn map(keeper: &System, name: &str) -> ItemKey {
    ItemKey::new(format!("cache#map#{keeper}"), format!("map#{}", bounded(name)))
}

/// When a system was asked for the maps of a pair.
pub fn maps_asked(keeper: &System, pair: PairKind) -> ItemKey {
    ItemKey::new(format!("cache#map#{keeper}"), format!("asked#{}", pair.as_str()))
}

/// The key of the setting that holds a map of a name.
pub fn map_setting(name: &str) -> String {
    sync::settings::map_key(name)
}

/// The rate budget of one limit of a system.
pub fn budget(key: &BudgetKey) -> ItemKey {
    ItemKey::new(format!("budget#{}", key.system), key.limit)
}

/// How far an import has come.
pub fn import(key: &ImportKey) -> ItemKey {
    let scope = match key.scope {
        Scope::Stock => "stock",
        Scope::EditedMaps => "changed",
    };
    ItemKey::new(format!("import#{}#{}", key.pair, key.pair.system(key.direction.source())), scope)
}

/// What is remembered of a visitor.
pub fn visitor(name: &str) -> ItemKey {
    ItemKey::new(format!("visitor#{}", bounded(name)), "visitor")
}

/// What is remembered of the user of a contact on a site.
pub fn site_user(site: &System, contact: &RecordRef) -> ItemKey {
    ItemKey::new(format!("user#{site}#{}", record_text(contact)), "user")
}

/// Whose a user is.
pub fn owner_of_user(user: &RecordRef) -> ItemKey {
    ItemKey::new(format!("owner#{}", record_text(user)), "owner")
}

/// When a webhook of a system was heard.
pub fn heard(system: &System) -> ItemKey {
    ItemKey::new(format!("heard#{system}"), "heard")
}

/// The partition of all settings: they are few, each is read about once a minute by each process, and whoever looks
/// for one that nobody reads must see all.
pub(super) const SETTINGS: &str = "settings";

/// A setting.
pub fn setting(key: &str) -> ItemKey {
    ItemKey::new(SETTINGS.to_owned(), bounded(key))
}

/// The key of the setting that holds the identity which a system had at first contact.
pub fn identity_setting(system: &System) -> String {
    format!("identity#{system}")
}

/// The key of the setting that holds which other integrations were seen in a system last.
pub fn rivals_setting(system: &System) -> String {
    format!("rivals#{system}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Direction, ObjectName};

    fn pair() -> Pair {
        let system = |text: &str| text.parse::<System>().unwrap();
        Pair { kind: PairKind::MauticContacts, hub: system("corebos:main"), remote: system("mautic:main") }
    }

    fn contact(id: &str) -> RecordRef {
        RecordRef::new(&pair().remote, &ObjectName::new("contact"), id)
    }

    #[test]
    fn keys_are_what_the_table_above_says() {
        let at: Timestamp = "2026-11-21T08:15:30.5Z".parse().unwrap();
        let key = NaturalKey {
            system: pair().hub,
            object: ObjectName::new("Contacts"),
            key: Fingerprint::of_bytes(b"ana@example.com"),
        };
        let id = "l-1".to_owned();
        let shown: Vec<String> = [
            link(&id),
            history(&id, at, "req-1/0", 3),
            lookup(&contact("47"), &pair()),
            state(&contact("47")),
            claim(&key),
            waiting(&Waiting {
                parent: RecordRef::new(&pair().hub, &ObjectName::new("Accounts"), "11x74"),
                child: RecordRef::new(&pair().hub, &ObjectName::new("Contacts"), "12x1084"),
                towards: pair().remote,
            }),
            brake(&pair(), at),
            cursor(&CursorKey { system: pair().remote, object: ObjectName::new("company") }),
            seen(&CursorKey { system: pair().remote, object: ObjectName::new("contact.walk") }, 4_711),
            session(&SessionKey {
                system: pair().remote,
                slot: "token".to_owned(),
                binding: Fingerprint::of_bytes(b"who"),
            }),
            map(&pair().hub, "ContactsToMautic"),
            maps_asked(&pair().hub, PairKind::MauticContacts),
            setting(&map_setting("ContactsToMautic")),
            budget(&BudgetKey { system: pair().remote, limit: "search" }),
            setting(&identity_setting(&pair().remote)),
            setting(&rivals_setting(&pair().remote)),
            import(&ImportKey { pair: pair(), direction: Direction::ToHub, scope: Scope::EditedMaps }),
        ]
        .iter()
        .map(ToString::to_string)
        .collect();
        assert_eq!(
            shown,
            [
                "link#l-1 / link",
                "link#l-1 / history#2026-11-21T08:15:30.500000000Z#req-1/0#3",
                "record#mautic:main#contact#47 / pair#mautic-contacts@corebos:main+mautic:main",
                "record#mautic:main#contact#47 / state",
                "claim#corebos:main#Contacts#8e43ca37701228e74983efdbd0cff5c1 / claim",
                "waits#corebos:main#Accounts#11x74 / mautic:main#corebos:main#Contacts#12x1084",
                "brake#mautic-contacts@corebos:main+mautic:main / 2026-11-21T08:00:00Z",
                "cursor#mautic:main#company / cursor",
                "seen#mautic:main#contact.walk / 00000000000000004711",
                "cache#session#mautic:main / token",
                "cache#map#corebos:main / map#ContactsToMautic",
                "cache#map#corebos:main / asked#mautic-contacts",
                "settings / map:ContactsToMautic",
                "budget#mautic:main / search",
                "settings / identity#mautic:main",
                "settings / rivals#mautic:main",
                "import#mautic-contacts@corebos:main+mautic:main#mautic:main / changed",
            ]
        );
    }

    #[test]
    fn times_in_keys_sort_as_time_passes() {
        let texts = [
            "2026-01-01T00:00:00Z",
            "2026-01-01T00:00:00.1Z",
            "2026-01-01T00:00:00.12Z",
            "2026-01-01T00:00:01Z",
        ];
        let keys: Vec<String> = texts.iter().map(|t| sortable(t.parse().unwrap())).collect();
        assert!(keys.is_sorted(), "{keys:?}");
    }

    #[test]
    fn no_id_from_outside_is_too_long_for_a_key() {
        let long = "x".repeat(100_000);
        let keys = [lookup(&contact(&long), &pair()), history(&long, Timestamp::UNIX_EPOCH, &long, u64::MAX)];
        for key in keys {
            assert!(key.pk.len() <= 2048 && key.sk.len() <= 1024, "{} {}", key.pk.len(), key.sk.len());
        }
        assert_ne!(state(&contact(&long)), state(&contact(&(long + "y"))));
    }
}
