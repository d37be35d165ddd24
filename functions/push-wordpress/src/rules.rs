//! The rules of a site, as pure functions: who becomes a user by itself, which roles may be given, what a gone contact
//! means.

use connector_wordpress::schema::role_slug;
use connector_wordpress::{Departure, WordPressPreferences};
use model::{Fields, Value};

/// Roles that are never given, whatever the settings say: those of WordPress and of its shops that are more than
/// visitors, and the bridge's own.
const NEVER: [&str; 7] =
    ["administrator", "super_admin", "editor", "author", "contributor", "shop_manager", "crm_sync"];

/// Whether a rule says which contacts become users by themselves.
pub(crate) fn has_rule(preferences: &WordPressPreferences) -> bool {
    [&preferences.users_tag, &preferences.users_segment, &preferences.users_filter]
        .into_iter()
        .any(|rule| given(rule.as_deref()).is_some())
}

/// The segment that must be asked for, by its alias.
pub(crate) fn segment(preferences: &WordPressPreferences) -> Option<&str> {
    given(preferences.users_segment.as_deref())
}

/// Whether the contact becomes a user by itself, as far as its tags and fields say.
pub(crate) fn fits(preferences: &WordPressPreferences, contact: &Fields, tags: &[String]) -> bool {
    let has_tag =
        given(preferences.users_tag.as_deref()).is_none_or(|tag| tags.iter().any(|known| known == tag));
    let filter = given(preferences.users_filter.as_deref()).unwrap_or_default();
    let mut wanted = filter.split(',').map(str::trim).filter(|part| !part.is_empty());
    has_tag && wanted.all(|part| holds(contact, part))
}

/// Whether a contact's field holds the value of `field=value`; a part without a sign fits nobody.
fn holds(contact: &Fields, part: &str) -> bool {
    let Some((field, value)) = part.split_once('=') else { return false };
    let held = match contact.get(field.trim()) {
        Some(Value::Bool(yes)) => u8::from(*yes).to_string(),
        Some(held) => held.php_string().trim().to_lowercase(),
        None => return false,
    };
    held == value.trim().to_lowercase()
}

/// The role of this name, if it may be given. Titles are roles, too: `Shop Manager` is `shop_manager`.
///
/// # Errors
/// Why it may not.
pub(crate) fn role(preferences: &WordPressPreferences, name: &str) -> Result<String, String> {
    let slug = role_slug(name);
    if NEVER.contains(&slug.as_str()) {
        return Err("a role of whoever works on the site is never given".to_owned());
    }
    if !preferences.roles.split(',').any(|allowed| role_slug(allowed) == slug) {
        return Err(format!("the role {slug} is not among those that may be given: see the setting roles"));
    }
    Ok(slug)
}

/// The roles that the user of a gone contact is given; nothing where it stays as it is.
///
/// # Errors
/// The role may not be given, or none is set.
pub(crate) fn departing(
    preferences: &WordPressPreferences,
    rule: Departure,
) -> Result<Option<Vec<String>>, String> {
    match rule {
        Departure::Nothing => Ok(None),
        Departure::Deactivate => Ok(Some(Vec::new())),
        Departure::Role => {
            let name = given(preferences.departed_role.as_deref());
            let slug = role_slug(name.ok_or("the setting departed-role names no role")?);
            if NEVER.contains(&slug.as_str()) {
                return Err("a role of whoever works on the site is never given".to_owned());
            }
            Ok(Some(vec![slug]))
        }
    }
}

pub(crate) fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preferences() -> WordPressPreferences {
        WordPressPreferences::default()
    }

    #[test]
    fn a_privileged_role_is_never_given_not_even_where_it_is_allowed_or_written_as_a_title() {
        let careless = WordPressPreferences {
            roles: "administrator, Shop Manager, editor, member".to_owned(),
            departed_role: Some("Administrator".to_owned()),
            ..preferences()
        };
        for name in
            ["administrator", " Administrator ", "ADMINISTRATOR", "Shop Manager", "shop_manager", "Editor"]
        {
            assert!(role(&careless, name).is_err(), "{name}");
        }
        assert_eq!(role(&careless, "Member"), Ok("member".to_owned()));
        assert!(role(&preferences(), "member").is_err(), "not on the list");
        assert_eq!(role(&preferences(), "Customer"), Ok("customer".to_owned()));
        assert!(departing(&careless, Departure::Role).is_err());
    }

    #[test]
    fn contacts_become_users_by_themselves_if_everything_that_is_set_fits() {
        let contact: Fields = [("country", "Spain"), ("plan", "Pro"), ("id", "7")].into_iter().collect();
        let tags = ["VIP".to_owned()];
        let with = |tag: &str, filter: &str| WordPressPreferences {
            users_tag: Some(tag.to_owned()),
            users_filter: Some(filter.to_owned()),
            ..preferences()
        };
        assert!(!has_rule(&preferences()) && !has_rule(&with(" ", "")));
        for (tag, filter, expected) in [
            ("VIP", "", true),
            ("", "country = spain, plan=pro", true),
            ("VIP", "country=Spain", true),
            ("vip", "", false),
            ("VIP", "country=France", false),
            ("", "country", false),
            ("", "town=Spain", false),
        ] {
            assert_eq!(fits(&with(tag, filter), &contact, &tags), expected, "{tag} {filter}");
        }
        let mut flagged = contact.clone();
        flagged.insert("member", true);
        assert!(fits(&with("", "member=1"), &flagged, &tags));
    }

    #[test]
    fn a_gone_contact_changes_nothing_unless_a_rule_says_so() {
        assert_eq!(departing(&preferences(), preferences().when_deleted), Ok(None));
        assert_eq!(departing(&preferences(), Departure::Deactivate), Ok(Some(Vec::new())));
        assert!(departing(&preferences(), Departure::Role).is_err(), "no role is named");
        let named = WordPressPreferences { departed_role: Some("Former".to_owned()), ..preferences() };
        assert_eq!(departing(&named, Departure::Role), Ok(Some(vec!["former".to_owned()])));
    }
}
