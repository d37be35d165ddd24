//! What a schedule is played in: how many systems, which maps, which settings, what may go wrong.

use std::sync::{Arc, LazyLock};

use jiff::SignedDuration;
use model::{ObjectName, Pair};

use super::chance::Chance;
use super::families::FIRM;
use super::remotes::{KEPT_ON_HUB, LEAD_RECORDS, Remote};
use super::style::{self, STYLES};
use crate::memory::{Habits, MemoryClock, MemoryField, MemorySchema, MemorySystem};
use crate::pair_map::{Association, PairContext};
use crate::pairs::{PAIRS, PairSpec};
use crate::settings::{FirstLink, Operations, PairSettings, Winner};

pub(crate) use super::style::Style;

/// Everything that stays the same while a schedule is played.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a danger of its own")]
pub(crate) struct Setup {
    pub(crate) remotes: usize,
    /// The last of them is a HubSpot.
    pub(crate) hubspot: bool,
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
    /// People change their mind about what goes to HubSpot.
    pub(crate) ticks: bool,
    /// Administrators want records back that another system has deleted.
    pub(crate) clears: bool,
    /// People want to be forgotten in HubSpot.
    pub(crate) erasures: bool,
    pub(crate) used_ids: bool,
    pub(crate) refusals: bool,
    pub(crate) map_edits: bool,
    pub(crate) brake: bool,
}

impl Setup {
    /// Records are deleted or merged in it.
    pub(crate) fn records_end(&self) -> bool {
        self.deletes || self.merges || self.brake || self.erasures
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
            hubspot: false,
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
            ticks: false,
            clears: false,
            erasures: false,
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
        setup.clears = setup.deletes && !setup.used_ids && chance.one_in(3);
        if chance.one_in(3) {
            setup.hubspot = true;
            setup.ticks = chance.one_in(3);
            setup.erasures = setup.deletes && chance.one_in(3);
            // HubSpot gives no id away twice.
            setup.used_ids = false;
        }
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
        if setup.may_have_lead_records() && chance.one_in(2) {
            setup.style = Style::Leads;
            let fields = setup.style.people_edit();
            setup.edited = vec![chance.pick(fields), chance.pick(fields)];
        }
        setup
    }

    /// Records do not end in it, all goes to HubSpot, and nothing else is out of the usual.
    fn may_have_lead_records(&self) -> bool {
        let usual = !self.records_end() && !self.restores && !self.used_ids && !self.ticks;
        let usual = usual && !self.refusals && !self.map_edits;
        let all_on = |way: &Operations| way.create && way.update && way.delete;
        self.hubspot
            && self.remotes == 1
            && self.style == Style::Plain
            && usual
            && self.settings.iter().all(|settings| all_on(&settings.to_hub) && all_on(&settings.to_remote))
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

/// The pair of a remote, ready to decide.
pub(crate) fn context(setup: &Setup, remote: usize, map_edited: bool) -> Arc<PairContext> {
    let maps = style::maps(setup.style, setup.remote(remote));
    let spec = setup.spec(remote);
    Arc::new(PairContext {
        pair: Pair { kind: spec.kind, hub: setup.system(0), remote: setup.system(remote + 1) },
        spec,
        settings: setup.settings[remote].clone(),
        to_hub: if map_edited { maps.edited.clone() } else { maps.to_hub.clone() },
        to_remote: maps.to_remote.clone(),
        hub_is_pushed: true,
        remote_is_pushed: true,
        associations: associations(setup, remote),
    })
}

fn firms_pair(setup: &Setup, remote: usize) -> Pair {
    let kind = setup.firms_spec(remote).kind;
    Pair { kind, hub: setup.system(0), remote: setup.system(remote + 1) }
}

fn associations(setup: &Setup, remote: usize) -> Vec<Association> {
    if setup.style != Style::Families {
        return Vec::new();
    }
    carried(setup, remote, setup.spec(remote), &firms_pair(setup, remote))
}

fn carried(setup: &Setup, remote: usize, spec: &PairSpec, parents: &Pair) -> Vec<Association> {
    let carried = spec.associations.iter().map(|spec| Association {
        spec,
        parents: parents.clone(),
        parent_settings: setup.settings[remote].clone(),
    });
    carried.collect()
}

/// The pair of the companies of a remote, or of what else stands beside its people, ready to decide.
pub(crate) fn firms_context(setup: &Setup, remote: usize) -> Arc<PairContext> {
    let leads = setup.style == Style::Leads;
    let maps = if leads { style::record_maps() } else { style::firm_maps(setup.remote(remote)) };
    let [to_hub, to_remote] = maps.clone();
    let people =
        Pair { kind: setup.spec(remote).kind, hub: setup.system(0), remote: setup.system(remote + 1) };
    Arc::new(PairContext {
        pair: firms_pair(setup, remote),
        spec: setup.firms_spec(remote),
        settings: setup.settings[remote].clone(),
        to_hub,
        to_remote,
        hub_is_pushed: true,
        remote_is_pushed: true,
        associations: if leads { carried(setup, remote, LEAD_RECORDS, &people) } else { Vec::new() },
    })
}

/// What a system is, as far as its fields show it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fields {
    Hub,
    Mautic,
    HubSpot,
}

/// By style, by system, and whether phones are refused there.
static SCHEMAS: LazyLock<Vec<[[MemorySchema; 2]; 3]>> = LazyLock::new(|| {
    let systems = [Fields::Hub, Fields::Mautic, Fields::HubSpot];
    STYLES
        .map(|style| systems.map(|fields| [false, true].map(|refuses| schema(style, fields, refuses))))
        .into()
});

fn schema(style: Style, fields: Fields, refuses: bool) -> MemorySchema {
    let hub = fields == Fields::Hub;
    let ids: &[&'static str] = match fields {
        Fields::Hub => KEPT_ON_HUB,
        Fields::Mautic => &["corebos_id", "mobile"],
        Fields::HubSpot => &["corebos_id", "mobile", "record_url"],
    };
    let own: &[&'static str] = match (style, hub) {
        (Style::Plain, _) | (Style::Leads, false) => &[],
        (Style::Leads, true) => &["city"],
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
            unique: fields == Fields::HubSpot && matches!(name, "email" | "corebos_id"),
            ..MemoryField::default()
        };
        (name, field)
    }))
}

/// The systems of a setup, empty.
pub(crate) fn systems(setup: &Setup, clock: &MemoryClock) -> Vec<MemorySystem> {
    let systems = setup.skew.iter().enumerate().map(|(number, skew)| {
        let hub = if setup.style == Style::Leads { LEAD_RECORDS.hub_object } else { PAIRS[0].hub_object };
        let object = setup.remote_of(number).map_or(hub, |remote| remote.spec(setup.style).remote_object);
        let fields = match setup.remote_of(number) {
            None => Fields::Hub,
            Some(Remote::HubSpot) => Fields::HubSpot,
            Some(_) => Fields::Mautic,
        };
        let schema = &SCHEMAS[setup.style as usize][fields as usize][usize::from(setup.refusals)];
        MemorySystem::new(setup.system(number), ObjectName::new(object), schema.clone(), clock.clone())
            .with_clock_ahead_by(SignedDuration::from_secs(*skew))
            .with_habits(setup.habits(number))
    });
    systems.collect()
}

/// The companies of the systems, or what else stands beside people there; none yet.
pub(crate) fn firms(setup: &Setup, clock: &MemoryClock) -> Vec<MemorySystem> {
    let firms = setup.skew.iter().enumerate().map(|(number, skew)| {
        let leads = setup.style == Style::Leads;
        let (object, kept): (_, &[&'static str]) = match setup.remote_of(number) {
            Some(_) if leads => {
                (LEAD_RECORDS.remote_object, &["hs_lead_name", "hs_lead_label", "contact", "corebos_id"])
            }
            None => (PAIRS[1].hub_object, KEPT_ON_HUB),
            Some(Remote::HubSpot) => (PAIRS[3].remote_object, &["corebos_id", "record_url"]),
            Some(_) => (PAIRS[1].remote_object, &["company_corebos_id"]),
        };
        let fields = [setup.firm_name(number)].into_iter().chain(kept.iter().copied());
        let unique = setup.remote_of(number) == Some(Remote::HubSpot);
        let schema = MemorySchema::of(fields.map(|name| {
            let field = MemoryField { unique: unique && name == "corebos_id", ..MemoryField::default() };
            (name, field)
        }));
        MemorySystem::new(setup.system(number), ObjectName::new(object), schema, clock.clone())
            .with_clock_ahead_by(SignedDuration::from_secs(*skew))
            .with_habits(setup.habits(number))
    });
    firms.collect()
}

impl Setup {
    fn habits(&self, system: usize) -> Habits {
        self.remote_of(system).map_or(Habits::Forgets, Remote::habits)
    }
}
