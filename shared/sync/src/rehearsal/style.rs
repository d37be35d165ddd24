//! Styles: what the fields of a schedule are like, and the maps between them.

use std::sync::LazyLock;

use mapping::{FieldMap, Semantics};
use model::Direction;

use super::families::FIRM;
use super::records::LABEL;
use super::remotes::{FIRM_ON_HUB, LEAD_RECORDS, Remote};
use crate::pair_map::PairMap;

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
    /// The people of HubSpot are leads, each with a lead record beside it.
    Leads,
}

/// All of them, in order.
pub(crate) const STYLES: [Style; 6] =
    [Style::Plain, Style::Derived, Style::Lossy, Style::Joined, Style::Families, Style::Leads];

impl Style {
    /// The fields that both maps carry one to one, capitals and cuts aside.
    pub(crate) fn both_ways(self) -> &'static [&'static str] {
        match self {
            Self::Plain => &["phone", "city"],
            Self::Derived => &["phone", "first"],
            Self::Lossy => &["phone", "code", "word", "tier"],
            Self::Joined | Self::Leads => &["phone"],
            Self::Families => &["phone", FIRM],
        }
    }

    /// The fields that people edit, on whichever side has them.
    pub(crate) fn people_edit(self) -> &'static [&'static str] {
        match self {
            Self::Joined => &["first", "last", "full", "phone"],
            Self::Leads => &["phone", LABEL],
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
            Self::Families | Self::Leads => (String::new(), String::new()),
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
pub(crate) struct Maps {
    pub(crate) to_hub: PairMap,
    pub(crate) to_remote: PairMap,
    pub(crate) edited: PairMap,
}

static MAPS: LazyLock<Vec<[Maps; 3]>> =
    LazyLock::new(|| STYLES.map(|style| Remote::ALL.map(|remote| compile(style, remote))).into());

#[expect(
    clippy::panic,
    reason = "the maps stand in this file; one that does not compile must not pass for an empty one"
)]
fn compiled(xml: &str) -> FieldMap {
    let compiled = FieldMap::compile("a map of the rehearsal", xml.as_bytes(), Semantics::Bridge);
    compiled.unwrap_or_else(|error| panic!("a map of the rehearsal: {error}\n{xml}"))
}

fn compile(style: Style, remote: Remote) -> Maps {
    let [to_hub, to_remote, edited] = style.maps();
    let map = |xml: &str, direction| {
        let map = PairMap::new(compiled(xml), remote.spec(style), direction);
        if style == Style::Families { map.with_associations(remote.spec(style), direction) } else { map }
    };
    Maps {
        to_hub: map(&to_hub, Direction::ToHub),
        to_remote: map(&to_remote, Direction::ToRemote),
        edited: map(&edited, Direction::ToHub),
    }
}

/// The maps of the companies, by remote: into coreBOS and out of it.
static FIRM_MAPS: LazyLock<[[PairMap; 2]; 3]> = LazyLock::new(|| {
    let xml =
        |to: &str, from: &str| format!("<map><fields>{}</fields></map>", field(to, &part(from, ""), ""));
    Remote::ALL.map(|remote| {
        let (spec, name) = (remote.firms_spec(), remote.firm_name());
        [
            PairMap::new(compiled(&xml(FIRM_ON_HUB, name)), spec, Direction::ToHub),
            PairMap::new(compiled(&xml(name, FIRM_ON_HUB)), spec, Direction::ToRemote),
        ]
    })
});

/// The maps of the lead records: into coreBOS and out of it.
static RECORD_MAPS: LazyLock<[PairMap; 2]> = LazyLock::new(|| {
    let map = |fields: &str, direction| {
        let xml = format!("<map><fields>{fields}</fields></map>");
        PairMap::new(compiled(&xml), LEAD_RECORDS, direction).with_associations(LEAD_RECORDS, direction)
    };
    let label = |to: &str, from: &str| field(to, &part(from, ""), "");
    [
        map(&label("city", "hs_lead_label"), Direction::ToHub),
        map(&(label("hs_lead_label", "city") + &label("hs_lead_name", "phone")), Direction::ToRemote),
    ]
});

/// The maps of the lead records: into coreBOS and out of it.
pub(crate) fn record_maps() -> &'static [PairMap; 2] {
    &RECORD_MAPS
}

/// The maps of a style to a remote: into coreBOS, out of it, and into coreBOS once an administrator has edited it.
pub(crate) fn maps(style: Style, remote: Remote) -> &'static Maps {
    &MAPS[style as usize][remote as usize]
}

/// The maps of the companies of a remote: into coreBOS and out of it.
pub(crate) fn firm_maps(remote: Remote) -> &'static [PairMap; 2] {
    &FIRM_MAPS[remote as usize]
}
