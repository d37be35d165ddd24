//! What a schedule is played in: how many systems, which maps, which settings, what may go wrong.

use std::sync::{Arc, LazyLock};

use jiff::SignedDuration;
use mapping::{FieldMap, Semantics};
use model::{Direction, ObjectName, Pair, PairKind, System, SystemKind};

use super::chance::Chance;
use super::families::FIRM;
use crate::memory::{MemoryClock, MemoryField, MemorySchema, MemorySystem};
use crate::pair_map::{Association, PairContext, PairMap};
use crate::pairs::{Mark, Marked, PAIRS, PairSpec};
use crate::settings::{FirstLink, Operations, PairSettings, Winner};

/// The second remote system is an instance of the same kind; its ids have a field of their own in coreBOS.
static SHOP: PairSpec = PairSpec {
    remote_id_on_hub: "shop_id",
    marks_on_hub: &[
        Mark { field: "shop_id", marked: Marked::As(""), unmarked: None },
        Mark { field: "deleted_in_shop", marked: Marked::As("1"), unmarked: Some("0") },
    ],
    ..PAIRS[0]
};

/// Its companies.
static SHOP_FIRMS: PairSpec = PairSpec {
    remote_id_on_hub: "shop_id",
    marks_on_hub: &[
        Mark { field: "shop_id", marked: Marked::As(""), unmarked: None },
        Mark { field: "deleted_in_shop", marked: Marked::As("1"), unmarked: Some("0") },
    ],
    ..PAIRS[1]
};

/// The field that names a company, in coreBOS and elsewhere.
const FIRM_NAMES: [&str; 2] = ["accountname", "companyname"];

/// Which fields there are, and how they travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// One to one.
    Plain,
    /// Fields on both sides are made of two others on the other side, one way.
    Derived,
    /// coreBOS cuts one field and stores another in capitals; a map makes capitals of a third; one has a master,
    /// one is a constant, one reads the clock.
    Lossy,
    /// A field of coreBOS joins two, and one of these is made of it.
    Joined,
    /// People belong to companies, which travel as well.
    Families,
}

/// All of them, in order.
const STYLES: [Style; 5] = [Style::Plain, Style::Derived, Style::Lossy, Style::Joined, Style::Families];

/// Everything that stays the same while a schedule is played.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a danger of its own")]
pub(crate) struct Setup {
    pub(crate) remotes: usize,
    pub(crate) style: Style,
    pub(crate) settings: Vec<PairSettings>,
    /// By system: how far its clock goes wrong, in seconds.
    pub(crate) skew: Vec<i64>,
    /// How many records are linked already when it begins.
    pub(crate) linked: u8,
    /// The fields that people edit.
    pub(crate) edited: Vec<&'static str>,
    /// Everything happens to one record, close together.
    pub(crate) race: bool,
    /// Nobody tells of what the API wrote: whoever waits for that waits for ever.
    pub(crate) deaf: bool,
    pub(crate) crashes: bool,
    pub(crate) faults: bool,
    pub(crate) losses: bool,
    pub(crate) deletes: bool,
    pub(crate) merges: bool,
    pub(crate) restores: bool,
    pub(crate) used_ids: bool,
    pub(crate) refusals: bool,
    pub(crate) map_edits: bool,
    pub(crate) brake: bool,
}

impl Setup {
    /// Records are deleted or merged in it.
    pub(crate) fn records_end(&self) -> bool {
        self.deletes || self.merges || self.brake
    }

    /// A setup in which nothing can go wrong.
    pub(crate) fn calm(remotes: usize, style: Style) -> Self {
        let settings = PairSettings {
            writes_per_link: 100_000,
            deletes_per_hour: 100_000,
            max_attempts: 100_000,
            ..PairSettings::default()
        };
        Self {
            remotes,
            style,
            settings: vec![settings; remotes],
            skew: vec![0; remotes + 1],
            linked: 1,
            edited: style.both_ways().to_vec(),
            race: false,
            deaf: false,
            crashes: false,
            faults: false,
            losses: false,
            deletes: false,
            merges: false,
            restores: false,
            used_ids: false,
            refusals: false,
            map_edits: false,
            brake: false,
        }
    }

    /// A setup by chance. Each has a few dangers only: where everything happens at once, nothing is noticed.
    pub(crate) fn by_chance(chance: &mut Chance) -> Self {
        let style = chance.pick(&[
            Style::Plain,
            Style::Plain,
            Style::Derived,
            Style::Lossy,
            Style::Joined,
            Style::Families,
        ]);
        let remotes = chance.pick(&[1, 1, 1, 2, 2]);
        let mut setup = Self::calm(remotes, style);
        setup.linked = chance.pick(&[0, 1, 1, 1, 1, 2]);
        let fields = style.people_edit();
        let count = 1 + chance.below(2);
        setup.edited = (0..count).map(|_| chance.pick(fields)).collect();
        setup.crashes = chance.one_in(2);
        setup.faults = chance.one_in(4);
        setup.losses = chance.one_in(2);
        setup.race = chance.one_in(2);
        if setup.race {
            setup.linked = chance.pick(&[0, 1, 1, 1, 1, 1]);
        }
        // Fields that are made of others, or of nothing, travel by the notices of our own writes.
        setup.deaf = style == Style::Plain && chance.one_in(2);
        match chance.below(16) {
            _ if setup.race && !chance.one_in(6) => {}
            0..=2 => setup.deletes = true,
            3 => (setup.deletes, setup.restores) = (true, true),
            4 => setup.merges = true,
            5 => setup.used_ids = true,
            6 => setup.refusals = true,
            7 => setup.map_edits = true,
            8 => {
                setup.brake = true;
                setup.linked = 4;
                for settings in &mut setup.settings {
                    settings.deletes_per_hour = 1 + u32::from(chance.one_in(2));
                }
            }
            9 | 10 => setup.switch_something_off(chance),
            _ => {}
        }
        setup.deletes |= setup.used_ids;
        if chance.one_in(3) {
            for skew in &mut setup.skew {
                *skew = i64::from(chance.byte() % 9) - 4;
            }
        }
        for settings in &mut setup.settings {
            settings.conflict =
                chance.pick(&[Winner::Newest, Winner::Newest, Winner::Corebos, Winner::Remote]);
            settings.first_link = chance.pick(&[FirstLink::Corebos, FirstLink::Remote]);
        }
        setup
    }

    fn switch_something_off(&mut self, chance: &mut Chance) {
        let remote = chance.below(self.remotes);
        let off = Operations { create: false, update: false, delete: false, ..Operations::default() };
        let operations = match chance.below(3) {
            0 => Operations { update: false, ..Operations::default() },
            1 => Operations { create: false, ..Operations::default() },
            _ => off,
        };
        let settings = &mut self.settings[remote];
        if chance.one_in(2) {
            settings.to_hub = operations;
        } else {
            settings.to_remote = operations;
        }
    }
}

impl Style {
    /// The fields that both maps carry one to one, capitals and cuts aside.
    pub(crate) fn both_ways(self) -> &'static [&'static str] {
        match self {
            Self::Plain => &["phone", "city"],
            Self::Derived => &["phone", "first"],
            Self::Lossy => &["phone", "code", "word", "tier"],
            Self::Joined => &["phone"],
            Self::Families => &["phone", FIRM],
        }
    }

    /// The fields that people edit, on whichever side has them.
    pub(crate) fn people_edit(self) -> &'static [&'static str] {
        match self {
            Self::Joined => &["first", "last", "full", "phone"],
            _ => self.both_ways(),
        }
    }

    /// The maps into coreBOS and out of it; the last one is what an administrator makes of the first.
    fn maps(self) -> [String; 3] {
        let plain = ["ident", "email", "phone"].map(copy).concat();
        let (more_in, more_out) = match self {
            Self::Plain => (copy("city"), copy("city")),
            Self::Derived => (
                copy("first") + &joined("label", ["first", "phone"], " "),
                copy("first") + &joined("greeting", ["first", "phone"], "/"),
            ),
            Self::Lossy => (
                ["code", "word"].map(copy).concat()
                    + &field("tier", &part("tier", ""), "<master>true</master>")
                    + &field("leadsource", &part("Promoter", "CONST"), ""),
                copy("code")
                    + &field("word", &part("uppercase(word)", "EXPRESSION"), "")
                    + &field("tier", &part("tier", ""), "<master>false</master>")
                    + &field("stamp", &part("get_date('now')", "EXPRESSION"), ""),
            ),
            Self::Families => (String::new(), String::new()),
            Self::Joined => (joined("full", ["first", "last"], " "), field("last", &part("full", ""), "")),
        };
        let map = |fields: &str| format!("<map><fields>{fields}</fields></map>");
        let edited = plain.replace(&copy("phone"), &field("phone", &part("mobile", ""), ""));
        [map(&(plain.clone() + &more_in)), map(&(plain + &more_out)), map(&(edited + &more_in))]
    }
}

fn part(source: &str, directive: &str) -> String {
    let directive =
        if directive.is_empty() { String::new() } else { format!("<OrgfieldID>{directive}</OrgfieldID>") };
    format!("<Orgfield><OrgfieldName>{source}</OrgfieldName>{directive}</Orgfield>")
}

fn field(name: &str, parts: &str, more: &str) -> String {
    format!("<field><fieldname>{name}</fieldname><Orgfields>{parts}</Orgfields>{more}</field>")
}

fn copy(name: &str) -> String {
    field(name, &part(name, ""), "")
}

fn joined(name: &str, sources: [&str; 2], delimiter: &str) -> String {
    let parts =
        sources.map(|source| part(source, "")).concat() + &format!("<delimiter>{delimiter}</delimiter>");
    field(name, &parts, "")
}

/// The compiled maps of a style and a pair.
#[derive(Clone)]
struct Maps {
    to_hub: PairMap,
    to_remote: PairMap,
    edited: PairMap,
}

static MAPS: LazyLock<Vec<[Maps; 2]>> =
    LazyLock::new(|| STYLES.map(|style| [0, 1].map(|remote| compile(style, remote))).into());

#[expect(
    clippy::panic,
    reason = "the maps stand in this file; one that does not compile must not pass for an empty one"
)]
fn compiled(xml: &str) -> FieldMap {
    let compiled = FieldMap::compile("a map of the rehearsal", xml.as_bytes(), Semantics::Bridge);
    compiled.unwrap_or_else(|error| panic!("a map of the rehearsal: {error}\n{xml}"))
}

fn compile(style: Style, remote: usize) -> Maps {
    let [to_hub, to_remote, edited] = style.maps();
    let map = |xml: &str, direction| {
        let map = PairMap::new(compiled(xml), spec(remote), direction);
        if style == Style::Families { map.with_associations(spec(remote), direction) } else { map }
    };
    Maps {
        to_hub: map(&to_hub, Direction::ToHub),
        to_remote: map(&to_remote, Direction::ToRemote),
        edited: map(&edited, Direction::ToHub),
    }
}

pub(crate) fn spec(remote: usize) -> &'static PairSpec {
    if remote == 0 { &PAIRS[0] } else { &SHOP }
}

/// The pair of the companies of a remote.
pub(crate) fn firms_spec(remote: usize) -> &'static PairSpec {
    if remote == 0 { &PAIRS[1] } else { &SHOP_FIRMS }
}

/// The field of a system that names a company.
pub(crate) fn firm_name(system: usize) -> &'static str {
    FIRM_NAMES[usize::from(system > 0)]
}

/// The system with this number: coreBOS is 0.
#[expect(clippy::expect_used, reason = "the names stand here")]
pub(crate) fn system(number: usize) -> System {
    let (kind, name) = match number {
        0 => (SystemKind::CoreBos, "main"),
        1 => (SystemKind::Mautic, "main"),
        _ => (SystemKind::Mautic, "shop"),
    };
    System::new(kind, name).expect("a good name")
}

/// The pair of a remote, ready to decide.
pub(crate) fn context(setup: &Setup, remote: usize, map_edited: bool) -> Arc<PairContext> {
    let maps = &MAPS[setup.style as usize][remote];
    Arc::new(PairContext {
        pair: Pair { kind: PairKind::MauticContacts, hub: system(0), remote: system(remote + 1) },
        spec: spec(remote),
        settings: setup.settings[remote].clone(),
        to_hub: if map_edited { maps.edited.clone() } else { maps.to_hub.clone() },
        to_remote: maps.to_remote.clone(),
        hub_is_pushed: true,
        remote_is_pushed: true,
        associations: setup.style.associations(setup, remote),
    })
}

fn firms_pair(remote: usize) -> Pair {
    Pair { kind: PairKind::MauticCompanies, hub: system(0), remote: system(remote + 1) }
}

impl Style {
    fn associations(self, setup: &Setup, remote: usize) -> Vec<Association> {
        let specs = spec(remote).associations.iter().filter(|_| self == Self::Families);
        let carried = specs.map(|spec| Association {
            spec,
            parents: firms_pair(remote),
            parent_settings: setup.settings[remote].clone(),
        });
        carried.collect()
    }
}

/// The maps of the companies, by remote: into coreBOS and out of it.
static FIRM_MAPS: LazyLock<[[PairMap; 2]; 2]> = LazyLock::new(|| {
    let [hub, remote] = FIRM_NAMES;
    let xml =
        |to: &str, from: &str| format!("<map><fields>{}</fields></map>", field(to, &part(from, ""), ""));
    [0, 1].map(|number| {
        let spec = firms_spec(number);
        [
            PairMap::new(compiled(&xml(hub, remote)), spec, Direction::ToHub),
            PairMap::new(compiled(&xml(remote, hub)), spec, Direction::ToRemote),
        ]
    })
});

/// The pair of the companies of a remote, ready to decide.
pub(crate) fn firms_context(setup: &Setup, remote: usize) -> Arc<PairContext> {
    let [to_hub, to_remote] = FIRM_MAPS[remote].clone();
    Arc::new(PairContext {
        pair: firms_pair(remote),
        spec: firms_spec(remote),
        settings: setup.settings[remote].clone(),
        to_hub,
        to_remote,
        hub_is_pushed: true,
        remote_is_pushed: true,
        associations: Vec::new(),
    })
}

static SCHEMAS: LazyLock<Vec<[MemorySchema; 4]>> = LazyLock::new(|| {
    STYLES
        .map(|s| [(true, false), (true, true), (false, false), (false, true)].map(|(h, r)| schema(s, h, r)))
        .into()
});

fn schema(style: Style, hub: bool, refuses: bool) -> MemorySchema {
    let ids: &[&'static str] = if hub {
        &["mautic_id", "deleted_in_mautic", "shop_id", "deleted_in_shop"]
    } else {
        &["corebos_id", "mobile"]
    };
    let own: &[&'static str] = match (style, hub) {
        (Style::Plain, _) => &[],
        (Style::Derived, true) => &["label"],
        (Style::Derived, false) => &["greeting"],
        (Style::Lossy, true) => &["leadsource"],
        (Style::Lossy, false) => &["stamp"],
        (Style::Joined, true) => &["full"],
        (Style::Joined, false) => &["first", "last"],
        (Style::Families, true) => &["account_id"],
        (Style::Families, false) => &["primary-company"],
    };
    let both_ways = style.both_ways().iter().filter(|name| **name != FIRM);
    let names = ["ident", "email"].iter().chain(both_ways).chain(own).chain(ids).copied();
    MemorySchema::of(names.map(|name| {
        let lossy = style == Style::Lossy && hub;
        let field = MemoryField {
            cut_at: (name == "phone" && lossy).then_some(5),
            capitals: name == "code" && lossy,
            refuses: (refuses && name == "phone").then(|| "bad".to_owned()),
            ..MemoryField::default()
        };
        (name, field)
    }))
}

/// The systems of a setup, empty.
pub(crate) fn systems(setup: &Setup, clock: &MemoryClock) -> Vec<MemorySystem> {
    let number_and_skew = setup.skew.iter().enumerate();
    number_and_skew
        .map(|(number, skew)| {
            let object = if number == 0 { PAIRS[0].hub_object } else { PAIRS[0].remote_object };
            let which = if number == 0 { 0 } else { 2 } + usize::from(setup.refusals);
            let schema = SCHEMAS[setup.style as usize][which].clone();
            MemorySystem::new(system(number), ObjectName::new(object), schema, clock.clone())
                .with_clock_ahead_by(SignedDuration::from_secs(*skew))
        })
        .collect()
}

/// The companies of the systems, none yet.
pub(crate) fn firms(setup: &Setup, clock: &MemoryClock) -> Vec<MemorySystem> {
    let firms = setup.skew.iter().enumerate().map(|(number, skew)| {
        let spec = &PAIRS[1];
        let (object, ids): (_, &[&'static str]) = if number == 0 {
            (spec.hub_object, &["mautic_id", "deleted_in_mautic", "shop_id", "deleted_in_shop"])
        } else {
            (spec.remote_object, &["company_corebos_id"])
        };
        let fields = [firm_name(number)].into_iter().chain(ids.iter().copied());
        let schema = MemorySchema::of(fields.map(|name| (name, MemoryField::default())));
        MemorySystem::new(system(number), ObjectName::new(object), schema, clock.clone())
            .with_clock_ahead_by(SignedDuration::from_secs(*skew))
    });
    firms.collect()
}
