//! The objects of Mautic that the bridge knows, and what its API calls them.

use model::ObjectName;
use sync::ConnectorError;

/// A contact. Webhooks and the inside of Mautic still say lead.
pub const CONTACT: &str = "contact";
/// A company.
pub const COMPANY: &str = "company";

/// The name under which maps and pairs know whether mail may be sent to a contact: yes where it may not, blank where it
/// may. It is no field of Mautic's, but the list `doNotContact` of a contact; no alias can have hyphens.
pub const DO_NOT_CONTACT_EMAIL: &str = "do-not-contact-email";

/// The name under which maps know the user who owns a contact, by e-mail.
pub(crate) const OWNER: &str = "owner";

/// An object that the API knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Object {
    Contact,
    Company,
}

impl Object {
    /// The object with this name.
    pub(crate) fn of(name: &ObjectName) -> Result<Self, ConnectorError> {
        match name.as_str() {
            CONTACT => Ok(Self::Contact),
            COMPANY => Ok(Self::Company),
            other => Err(ConnectorError::Misconfigured {
                detail: format!(
                    "Mautic has no object `{other}` for the bridge: `{CONTACT}` and `{COMPANY}` are known"
                ),
            }),
        }
    }

    /// Its name, and the member that holds one in an answer.
    pub(crate) fn singular(self) -> &'static str {
        match self {
            Self::Contact => CONTACT,
            Self::Company => COMPANY,
        }
    }

    /// Its path, and the member that holds several in an answer.
    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Contact => "contacts",
            Self::Company => "companies",
        }
    }
}
