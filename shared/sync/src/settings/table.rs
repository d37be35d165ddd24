//! The table of all settings: one row per setting, and nothing is read from the settings that has no row.

mod elsewhere;
mod markdown;

use model::{Direction, SystemKind};

use super::value::{POLL_SECONDS, ValueKind};

pub use elsewhere::ELSEWHERE;
pub use markdown::settings_as_markdown;

/// Whose a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Of each system of these kinds.
    System(&'static [SystemKind]),
    /// Of each pair.
    Pair,
    /// Of each direction of each pair.
    Direction,
    /// Of each field map of a pair, by its name.
    Map,
}

/// Which item of the table a setting stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// `pair:<pair>`: [`super::PairSettings`].
    Pair,
    /// `poll:<system>`: [`crate::PollSettings`].
    Poll,
    /// `system:<system>`: [`super::SystemSettings`], and what the connector of its kind reads besides.
    System,
    /// `map:<name>`: the text of a map.
    Map,
}

/// A setting: one row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name, without whose it is: `poll-frequency` of `mautic.poll-frequency`.
    pub name: &'static str,
    /// Whose it is.
    pub scope: Scope,
    /// Where it is stored.
    pub item: Item,
    /// The JSON field in that item; blank for the whole item.
    pub field: &'static str,
    /// What it may hold.
    pub kind: ValueKind,
    /// Its default, as an administrator would write it.
    pub default: &'static str,
    /// What it means, in a line.
    pub meaning: &'static str,
    /// What coreBOS calls the same, by the kind of system.
    pub known_as: &'static [(SystemKind, &'static str)],
}

const COREBOS: &[SystemKind] = &[SystemKind::CoreBos];
const MAUTIC: &[SystemKind] = &[SystemKind::Mautic];
const HUBSPOT: &[SystemKind] = &[SystemKind::HubSpot];
const WORDPRESS: &[SystemKind] = &[SystemKind::WordPress];
const REMOTES: &[SystemKind] = &[SystemKind::Mautic, SystemKind::HubSpot, SystemKind::WordPress];
const POLLED: &[SystemKind] = &[SystemKind::CoreBos, SystemKind::Mautic, SystemKind::HubSpot];

const SWITCH: ValueKind = ValueKind::Switch;
const DEPARTURE: ValueKind = ValueKind::Choice(&[
    ("nothing", "it stays as it is"),
    ("role", "it gets the role of the setting departed-role instead of its own"),
    ("deactivate", "it loses its role, and with it whatever it may do"),
]);
const POLL: ValueKind = ValueKind::Seconds { least: POLL_SECONDS.0, most: POLL_SECONDS.1 };

const fn of_system(
    kinds: &'static [SystemKind],
    item: Item,
    names: (&'static str, &'static str),
    kind: ValueKind,
    default: &'static str,
    meaning: &'static str,
) -> Setting {
    let (name, field) = names;
    Setting { name, scope: Scope::System(kinds), item, field, kind, default, meaning, known_as: &[] }
}

const fn of_site(
    names: (&'static str, &'static str),
    kind: ValueKind,
    default: &'static str,
    meaning: &'static str,
) -> Setting {
    of_system(WORDPRESS, Item::System, names, kind, default, meaning)
}

const fn of_pair(
    names: (&'static str, &'static str),
    kind: ValueKind,
    default: &'static str,
    meaning: &'static str,
) -> Setting {
    let (name, field) = names;
    Setting { name, scope: Scope::Pair, item: Item::Pair, field, kind, default, meaning, known_as: &[] }
}

const fn of_direction(names: (&'static str, &'static str), meaning: &'static str) -> Setting {
    let (name, field) = names;
    Setting {
        name,
        scope: Scope::Direction,
        item: Item::Pair,
        field,
        kind: SWITCH,
        default: "on",
        meaning,
        known_as: &[],
    }
}

/// All settings.
pub const SETTINGS: &[Setting] = &[
    Setting {
        known_as: &[(SystemKind::Mautic, "mautic_isactive"), (SystemKind::HubSpot, "hubspot_isactive")],
        ..of_system(
            REMOTES,
            Item::System,
            ("active", "active"),
            SWITCH,
            "on",
            "whether the system is kept in step; off: nothing of it is read or written, what changes meanwhile is \
             remembered and travels when it is on again",
        )
    },
    of_system(
        COREBOS,
        Item::System,
        ("default-owner", "default_owner"),
        ValueKind::Owner,
        "none",
        "who owns records that the bridge creates where the map does not say; none: the bridge's own user",
    ),
    of_system(
        COREBOS,
        Item::System,
        ("sessions", "sessions"),
        ValueKind::Number { least: 1, most: 16 },
        "4",
        "how many sessions are used side by side; 1 where each login ends the others \
         (Webservice_MultipleUserLogins is 0)",
    ),
    of_system(
        HUBSPOT,
        Item::System,
        ("api-version", "api_version"),
        ValueKind::Text,
        "2026-09",
        "the version of HubSpot's API that is spoken",
    ),
    of_system(
        HUBSPOT,
        Item::System,
        ("deal-pipeline", "deal_pipeline"),
        ValueKind::Text,
        "none",
        "the pipeline, by its id, that the label of a stage means where several have it; none: the first one",
    ),
    of_system(
        HUBSPOT,
        Item::System,
        ("lead-stages", "lead_stages"),
        ValueKind::Text,
        "subscriber, lead, marketingqualifiedlead",
        "the stages of life of contacts that are Leads in coreBOS, separated by commas; all others are Contacts",
    ),
    of_system(
        HUBSPOT,
        Item::System,
        ("leads", "leads"),
        ValueKind::Choice(&[
            ("contacts", "contacts early in their life"),
            ("objects", "contacts that have a lead record, with that record"),
            ("both", "contacts early in their life or with a lead record, with that record"),
        ]),
        "contacts",
        "what Leads of coreBOS are in HubSpot; lead records need Sales Hub Professional or Enterprise",
    ),
    of_system(
        HUBSPOT,
        Item::System,
        ("calls-per-ten-seconds", "calls_per_ten_seconds"),
        ValueKind::Number { least: 0, most: 500 },
        "0",
        "how many calls all functions together make in ten seconds at most; 0: as many as the portal allows",
    ),
    of_system(
        HUBSPOT,
        Item::System,
        ("nurturing", "nurturing"),
        ValueKind::Nurturing,
        "none",
        "what begins in HubSpot when a field of coreBOS gets a value, or a workflow calls with the name of an event: the \
         membership of a static list, or a custom event",
    ),
    of_system(
        WORDPRESS,
        Item::System,
        ("plain-permalinks", "plain_permalinks"),
        SWITCH,
        "off",
        "whether the permalinks of the site are plain, so that its API is at `/?rest_route=`",
    ),
    of_site(
        ("relay", "relay"),
        SWITCH,
        "off",
        "whether WP Fusion, which the site owns, does the work: it is told what to do, and nothing else of the site is \
         touched",
    ),
    of_site(
        ("users-tag", "users_tag"),
        ValueKind::Text,
        "none",
        "contacts with this tag become users of the site by themselves; together with the next two, all must fit. \
         Without any of the three, users are made by campaigns only",
    ),
    of_site(
        ("users-segment", "users_segment"),
        ValueKind::Text,
        "none",
        "contacts in this segment of Mautic, by its alias, become users of the site by themselves",
    ),
    of_site(
        ("users-filter", "users_filter"),
        ValueKind::Text,
        "none",
        "contacts whose fields hold these values, such as `country=Spain, plan=pro`, become users of the site by \
         themselves",
    ),
    of_site(
        ("updates", "updates"),
        ValueKind::Choice(&[
            ("all", "fields and tags"),
            ("tags", "tags only"),
            ("nothing", "campaigns only"),
        ]),
        "all",
        "what follows from an edit in Mautic by itself, for users that are there",
    ),
    of_site(
        ("roles", "roles"),
        ValueKind::Text,
        "subscriber, customer",
        "the roles that may be given to users, separated by commas; roles of administrators and of whoever works on the \
         site are never given",
    ),
    of_site(
        ("default-role", "default_role"),
        ValueKind::Text,
        "none",
        "the role of new users where nothing else says one; none: the site's own default",
    ),
    of_site(
        ("logins", "logins"),
        ValueKind::Choice(&[("email", "the e-mail"), ("names", "first and last name")]),
        "email",
        "what the login of a new user is made of, where the map does not say",
    ),
    of_site(
        ("welcome-mail", "welcome_mail"),
        SWITCH,
        "off",
        "whether new users are mailed a link to set their password, where a campaign does not say; needs the must-use \
         plugin",
    ),
    of_site(
        ("password-field", "password_field"),
        ValueKind::Text,
        "none",
        "the field of Mautic that is given the password of a new user. It stands there in clear text, for all who may \
         read contacts; a welcome mail is better",
    ),
    of_site(
        ("when-deleted", "when_deleted"),
        DEPARTURE,
        "nothing",
        "what becomes of the user of a contact that is deleted in Mautic; a user is never deleted",
    ),
    of_site(
        ("when-unsubscribed", "when_unsubscribed"),
        DEPARTURE,
        "nothing",
        "what becomes of the user of a contact that takes no mail any more; undone when it takes mail again",
    ),
    of_site(
        ("departed-role", "departed_role"),
        ValueKind::Text,
        "none",
        "the role that `role` gives in the two settings before",
    ),
    of_system(POLLED, Item::Poll, ("poll", "enabled"), SWITCH, "on", "whether the system is polled"),
    Setting {
        known_as: &[(SystemKind::HubSpot, "hubspot_pollfrequency")],
        ..of_system(
            POLLED,
            Item::Poll,
            ("poll-frequency", "every_seconds"),
            POLL,
            "6 min",
            "from one poll to the next; rounded up to whole minutes",
        )
    },
    of_system(
        POLLED,
        Item::Poll,
        ("faster-hours", "faster_hours"),
        ValueKind::FasterHours,
        "none",
        "hours with a frequency of their own",
    ),
    of_system(
        POLLED,
        Item::Poll,
        ("quiet-hours", "quiet_hours"),
        ValueKind::Hours,
        "none",
        "hours without polls",
    ),
    of_system(
        POLLED,
        Item::Poll,
        ("quiet-days", "quiet_days"),
        ValueKind::Days,
        "none",
        "days without polls",
    ),
    of_system(
        POLLED,
        Item::Poll,
        ("time-zone", "time_zone"),
        ValueKind::TimeZone,
        "UTC",
        "the time zone of these hours and days",
    ),
    of_system(
        POLLED,
        Item::Poll,
        ("poll-overlap", "overlap_seconds"),
        ValueKind::Seconds { least: 0, most: 3_600 },
        "1 min",
        "how much is read again each time: longer than a save takes to commit",
    ),
    of_system(
        MAUTIC,
        Item::Poll,
        ("repair-webhooks", "repair_webhooks"),
        SWITCH,
        "off",
        "whether a webhook of ours that Mautic has switched off is switched on again; off: it is told",
    ),
    of_system(
        MAUTIC,
        Item::Poll,
        ("call-roll", "call_roll"),
        SWITCH,
        "on",
        "whether deletes that no webhook told of are looked for, two hundred records at each poll",
    ),
    of_system(
        HUBSPOT,
        Item::Poll,
        ("walk-pages", "walk_pages"),
        ValueKind::Number { least: 0, most: 100 },
        "5",
        "how many pages of a hundred records of each object are looked at in each poll for associations that changed alone; 0: none",
    ),
    of_pair(
        ("conflict", "conflict"),
        ValueKind::Choice(&[
            ("newest", "the later edit"),
            ("corebos", "coreBOS, always"),
            ("remote", "the other system, always"),
        ]),
        "newest",
        "who wins when both sides changed a field and the map names no master",
    ),
    of_pair(
        ("first-link", "first_link"),
        ValueKind::Choice(&[("corebos", "coreBOS"), ("remote", "the other system")]),
        "corebos",
        "who wins when two existing records meet and differ; a blank never erases",
    ),
    of_pair(
        ("deletes-per-hour", "deletes_per_hour"),
        ValueKind::Number { least: 0, most: 1_000_000 },
        "50",
        "more deletes than this in an hour stop until an administrator has looked",
    ),
    of_pair(
        ("writes-per-link", "writes_per_link"),
        ValueKind::Number { least: 1, most: 1_000_000 },
        "30",
        "more writes of one record in ten minutes than this let it rest for half an hour, and tell you",
    ),
    of_pair(
        ("delete-confirm", "delete_confirm_seconds"),
        ValueKind::Seconds { least: 0, most: 600 },
        "3 s",
        "how long a delete is left alone before it is believed",
    ),
    of_pair(
        ("max-attempts", "max_attempts"),
        ValueKind::Number { least: 1, most: 500 },
        "20",
        "after how many failures of its own a change is parked; an outage does not count",
    ),
    of_pair(
        ("allow-other-integration", "allow_other_integration"),
        SWITCH,
        "off",
        "whether the pair works although coreBOS's own integration is switched on, too; both answer each other for ever",
    ),
    Setting {
        known_as: &[(SystemKind::HubSpot, "hubspot_relateDealWith")],
        ..of_pair(
            ("relate-deal-with", "relate_deal_with"),
            ValueKind::Choice(&[("contacts", "its contact"), ("accounts", "its company")]),
            "contacts",
            "what a deal that has both in HubSpot is related to in coreBOS",
        )
    },
    Setting {
        known_as: &[(SystemKind::HubSpot, "hubspot_masterslaveSync")],
        ..of_pair(
            ("masters", "masters"),
            SWITCH,
            "on",
            "whether the side that `<master>` names in a map wins a conflict",
        )
    },
    of_direction(("create", "create"), "whether records that are new on the other side are created"),
    of_direction(("update", "update"), "whether fields are changed"),
    of_direction(("delete", "delete"), "whether deletes are marked"),
    of_direction(
        ("blank-overwrites", "blank_overwrites"),
        "whether a blank on the other side blanks the field",
    ),
    of_direction(
        ("opt-outs", "opt_outs"),
        "whether who refuses mail is carried: coreBOS's `emailoptout`, Mautic's do not contact",
    ),
    of_direction(
        ("associations", "associations"),
        "whether the company that a contact belongs to is carried",
    ),
    Setting {
        name: "",
        scope: Scope::Map,
        item: Item::Map,
        field: "",
        kind: ValueKind::Map,
        default: "none",
        meaning: "a field map that takes over from all others of its name",
        known_as: &[],
    },
];

impl Setting {
    /// Whether a system of this kind has it.
    pub fn is_of(&self, kind: SystemKind) -> bool {
        matches!(self.scope, Scope::System(kinds) if kinds.contains(&kind))
    }
}

/// The fields of the item `system:<system>` that the connector of a kind reads: for the tests of connectors, which
/// compare them with what they read.
pub fn fields_of_connector(kind: SystemKind) -> Vec<&'static str> {
    let own =
        |setting: &&Setting| setting.item == Item::System && setting.is_of(kind) && setting.field != "active";
    SETTINGS.iter().filter(own).map(|setting| setting.field).collect()
}

/// What a direction is called in names of settings: `to-corebos`, `to-mautic`.
pub fn direction_name(direction: Direction, remote: SystemKind) -> String {
    match direction {
        Direction::ToHub => format!("to-{}", SystemKind::CoreBos.as_str()),
        Direction::ToRemote => format!("to-{}", remote.as_str()),
    }
}

#[cfg(test)]
mod tests;
