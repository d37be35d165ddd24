//! Field maps that are kept in coreBOS, and what the bridge remembers of them.

use std::future::Future;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::ConnectorError;
use crate::ports::Connector;

/// The longest map that is remembered, in bytes: the table takes items of 400 KB, and holds two texts in one.
pub const MAX_REMEMBERED_BYTES: usize = 128 * 1024;

/// A system in which an administrator keeps field maps: coreBOS.
pub trait KeepsMaps: Connector {
    /// The field maps of these names, and no others: names are exact, and business maps of other types are none.
    ///
    /// # Errors
    /// Misconfigured where our user may not read business maps.
    fn field_maps(&self, names: &[&str])
    -> impl Future<Output = Result<Vec<KeptMap>, ConnectorError>> + Send;
}

/// A field map as coreBOS keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptMap {
    /// Its id there.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its XML.
    pub xml: String,
}

/// Where a map is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MapSource {
    /// The settings: an administrator has overridden the one of that name.
    Settings,
    /// coreBOS.
    CoreBos {
        /// Its id there.
        id: String,
    },
    /// The bundle: the default.
    Bundle,
}

impl std::fmt::Display for MapSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Settings => f.write_str("the settings"),
            Self::CoreBos { id } => write!(f, "coreBOS ({id})"),
            Self::Bundle => f.write_str("the bundle"),
        }
    }
}

/// What is remembered of the map of a name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedMap {
    /// What coreBOS had by this name when it was asked last: none, one, or more than can be meant.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub there: Vec<MapThere>,
    /// The map that was in use last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used: Option<UsedMap>,
}

/// A map of coreBOS, as it was there when coreBOS was asked last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MapThere {
    /// Its id.
    pub id: String,
    /// Its XML; none where it is too long to be remembered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xml: Option<String>,
}

impl MapThere {
    /// What is remembered of a map.
    pub fn of(map: KeptMap) -> Self {
        Self { id: map.id, xml: Some(map.xml).filter(|xml| xml.len() <= MAX_REMEMBERED_BYTES) }
    }
}

/// A map that was taken into use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedMap {
    /// Where it is from.
    pub source: MapSource,
    /// Its XML; none for the one that ships, which each version of the bundle has itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub xml: Option<String>,
    /// Since when it is in use.
    pub since: Timestamp,
}
