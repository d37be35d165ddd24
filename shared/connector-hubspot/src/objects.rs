//! The object types that the bridge knows, and what differs between them.

use model::ObjectName;
use sync::ConnectorError;

/// A contact.
pub const CONTACT: &str = "contact";
/// A company.
pub const COMPANY: &str = "company";
/// A deal.
pub const DEAL: &str = "deal";
/// A lead; only in portals with Sales Hub Professional or Enterprise.
pub const LEAD: &str = "lead";

/// An object type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Object {
    Contact,
    Company,
    Deal,
    Lead,
}

impl Object {
    pub(crate) const ALL: [Self; 4] = [Self::Contact, Self::Company, Self::Deal, Self::Lead];

    /// The object with this name.
    pub(crate) fn of(name: &ObjectName) -> Result<Self, ConnectorError> {
        Self::ALL.into_iter().find(|object| object.name() == name.as_str()).ok_or_else(|| {
            ConnectorError::Misconfigured {
                detail: format!(
                    "HubSpot has no object `{name}` for the bridge: `{CONTACT}`, `{COMPANY}`, `{DEAL}` and `{LEAD}` are known"
                ),
            }
        })
    }

    /// The object of this type, by its id or its name in webhooks.
    pub(crate) fn of_type(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|object| object.type_id() == text || object.name().eq_ignore_ascii_case(text))
    }

    /// Its name here, and in webhooks.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Contact => CONTACT,
            Self::Company => COMPANY,
            Self::Deal => DEAL,
            Self::Lead => LEAD,
        }
    }

    /// Its name where HubSpot wants the plural.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Contact => "contacts",
            Self::Company => "companies",
            Self::Deal => "deals",
            Self::Lead => "leads",
        }
    }

    /// Its name in paths of records, as HubSpot's descriptions of the API have it: deals are told by their type alone.
    pub(crate) fn in_paths(self) -> &'static str {
        match self {
            Self::Deal => self.type_id(),
            Self::Contact | Self::Company | Self::Lead => self.plural(),
        }
    }

    /// Its type: unlike names, ids are understood wherever a path has a place for any type.
    pub(crate) fn type_id(self) -> &'static str {
        match self {
            Self::Contact => "0-1",
            Self::Company => "0-2",
            Self::Deal => "0-3",
            Self::Lead => "0-136",
        }
    }

    /// The property that moves with every edit. The wrong one finds nothing, without an error.
    pub(crate) fn modified_property(self) -> &'static str {
        if self == Self::Contact { "lastmodifieddate" } else { "hs_lastmodifieddate" }
    }

    /// The properties of its pipeline and its stage.
    pub(crate) fn pipeline_properties(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Deal => Some(("pipeline", "dealstage")),
            Self::Lead => Some(("hs_pipeline", "hs_pipeline_stage")),
            Self::Contact | Self::Company => None,
        }
    }
}
