//! The maps that ship with the bundle, as text: the defaults where coreBOS has no map of that name.

/// A map that ships with the bundle.
#[derive(Clone, Copy, Debug)]
pub struct ShippedMap {
    /// The name under which coreBOS knows it.
    pub name: &'static str,
    /// Its XML.
    pub xml: &'static str,
}

macro_rules! shipped {
    ($($(#[$doc:meta])* $constant:ident = $name:literal;)+) => {
        $($(#[$doc])* pub const $constant: &str = include_str!(concat!("../maps/", $name, ".xml"));)+

        /// All of them.
        pub const ALL: [ShippedMap; [$($name),+].len()] =
            [$(ShippedMap { name: $name, xml: $constant }),+];
    };
}

shipped! {
    /// coreBOS account to HubSpot company.
    ACCOUNTS2HUBSPOT = "Accounts2HubSpot";
    /// coreBOS account to Mautic company.
    ACCOUNTS_TO_MAUTIC = "AccountsToMautic";
    /// coreBOS contact to HubSpot contact.
    CONTACTS2HUBSPOT = "Contacts2HubSpot";
    /// coreBOS contact to Mautic contact.
    CONTACTS_TO_MAUTIC = "ContactsToMautic";
    /// HubSpot company to coreBOS account.
    HUBSPOT2ACCOUNTS = "HubSpot2Accounts";
    /// HubSpot contact to coreBOS contact.
    HUBSPOT2CONTACTS = "HubSpot2Contacts";
    /// HubSpot lead to coreBOS lead.
    HUBSPOT_LEAD2LEADS = "HubSpotLead2Leads";
    /// coreBOS lead to HubSpot lead.
    LEADS2HUBSPOT_LEAD = "Leads2HubSpotLead";
    /// HubSpot contact to coreBOS lead.
    HUBSPOT2LEADS = "HubSpot2Leads";
    /// HubSpot deal to coreBOS potential.
    HUBSPOT2POTENTIALS = "HubSpot2Potentials";
    /// coreBOS lead to HubSpot contact.
    LEADS2HUBSPOT = "Leads2HubSpot";
    /// Mautic contact to user of a WordPress site.
    MAUTIC_TO_USERS = "MauticToUsers";
    /// coreBOS potential to HubSpot deal.
    POTENTIALS2HUBSPOT = "Potentials2HubSpot";
    /// Mautic company to coreBOS account.
    MAUTIC_TO_ACCOUNTS = "MauticToAccounts";
    /// Mautic contact to coreBOS contact.
    MAUTIC_TO_CONTACTS = "MauticToContacts";
    /// What a visitor did on a website to Mautic contact.
    SIGNAL_TO_MAUTIC = "SignalToMautic";
}

/// The shipped map of a name.
pub fn find(name: &str) -> Option<ShippedMap> {
    ALL.into_iter().find(|map| map.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FieldMap, Semantics};

    #[test]
    fn every_shipped_map_compiles() {
        for map in ALL {
            for semantics in [Semantics::Bridge, Semantics::CoreBos] {
                let compiled = FieldMap::compile(map.name, map.xml.as_bytes(), semantics).unwrap();
                assert!(compiled.targets().len() > 0, "{}", map.name);
            }
        }
        assert_eq!(find("ContactsToMautic").unwrap().xml, CONTACTS_TO_MAUTIC);
    }
}
