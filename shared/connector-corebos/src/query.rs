//! coreBOS's query language, as far as an exact search needs it.
//!
//! Names are checked, because they stand in the text as they are; a value is a quoted literal.

use sync::ConnectorError;

/// The longest value that is searched for, in characters.
const VALUE_LIMIT_CHARS: usize = 500;

/// `select * from <module> where <field>='<value>' limit <limit>;`
///
/// A quote is doubled. There is no way to write a backslash that both coreBOS's parser and its database would read
/// alike, so a value with one cannot be searched for.
///
/// # Errors
/// Misconfigured for a name that is none; Rejected for a value that cannot be searched for.
pub fn by_field(module: &str, field: &str, value: &str, limit: u32) -> Result<String, ConnectorError> {
    selected("*", module, field, value, limit)
}

/// `select id,user_name from Users where user_name='<name>' limit 2;`: nothing else of a user is anybody's business.
///
/// # Errors
/// Rejected for a name that cannot be searched for.
pub fn user_named(name: &str) -> Result<String, ConnectorError> {
    selected("id,user_name", "Users", "user_name", name, 2)
}

fn selected(
    columns: &str,
    module: &str,
    field: &str,
    value: &str,
    limit: u32,
) -> Result<String, ConnectorError> {
    check_names(module, field)?;
    check_searchable(field, value)?;
    Ok(format!("select {columns} from {module} where {field}='{}' limit {limit};", value.replace('\'', "''")))
}

/// `select * from <module> where <field>='<value>' or <field>='<value>' ... limit <limit>;`
///
/// Not `in (...)`: which parser reads it decides how a quote in it is written. The one that reads this is the one of
/// [`by_field`], and nests nothing however many values there are.
///
/// # Errors
/// Misconfigured for a name that is none. The values must be searchable.
pub fn by_values(
    module: &str,
    field: &str,
    values: &[&String],
    limit: usize,
) -> Result<String, ConnectorError> {
    check_names(module, field)?;
    let tests = values.iter().map(|value| format!("{field}='{}'", value.replace('\'', "''")));
    let tests = tests.collect::<Vec<_>>().join(" or ");
    Ok(format!("select * from {module} where {tests} limit {limit};"))
}

/// `select id,mapname,maptype,content from cbMap where mapname='<name>' or ... limit <limit>;`: a map twice as JSON is not
/// worth its bytes.
///
/// # Errors
/// Rejected for a name that cannot be searched for; Misconfigured for none at all.
pub fn maps_named(names: &[&str], limit: usize) -> Result<String, ConnectorError> {
    let mut tests = Vec::with_capacity(names.len());
    for name in names {
        check_searchable("mapname", name)?;
        tests.push(format!("mapname='{}'", name.replace('\'', "''")));
    }
    if tests.is_empty() {
        return Err(ConnectorError::Misconfigured { detail: "no map is asked for".to_owned() });
    }
    let tests = tests.join(" or ");
    Ok(format!("select id,mapname,maptype,content from cbMap where {tests} limit {limit};"))
}

/// `select id from <module> where id > '<after>' order by id limit <limit>;`
///
/// # Errors
/// Misconfigured for a name that is none, or an id that is none.
pub fn ids_after(module: &str, after: Option<&str>, limit: usize) -> Result<String, ConnectorError> {
    check_names(module, "id")?;
    let later = match after {
        None => String::new(),
        Some(after) if crate::wire::is_record_id(after) => format!("where id > '{after}' "),
        Some(after) => {
            let detail = format!("`{}` is not the id of a record", after.escape_default());
            return Err(ConnectorError::Misconfigured { detail });
        }
    };
    Ok(format!("select id from {module} {later}order by id limit {limit};"))
}

/// Whether a value can be searched for.
pub fn is_searchable(value: &str) -> bool {
    !value.is_empty()
        && value.chars().count() <= VALUE_LIMIT_CHARS
        && !value.chars().any(|c| c == '\\' || c.is_control())
}

fn check_searchable(field: &str, value: &str) -> Result<(), ConnectorError> {
    if is_searchable(value) {
        return Ok(());
    }
    Err(ConnectorError::Rejected {
        message:
            "coreBOS cannot search for this value: it is empty, too long, or has a backslash or a control \
                  character"
                .to_owned(),
        fields: [(field.to_owned(), "cannot be searched for".to_owned())].into(),
    })
}

fn check_names(module: &str, field: &str) -> Result<(), ConnectorError> {
    for (what, name) in [("module", module), ("field", field)] {
        if !is_name(name) {
            let detail = format!("`{}` is not the name of a {what}", name.escape_default());
            return Err(ConnectorError::Misconfigured { detail });
        }
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic());
    starts && name.len() <= 100 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quotes_are_doubled() {
        let query = by_field("Contacts", "lastname", "O'Brien", 3).unwrap();
        assert_eq!(query, "select * from Contacts where lastname='O''Brien' limit 3;");
    }

    #[test]
    fn several_values_are_alternatives() {
        let values = ["O'Brien".to_owned(), "a in (b".to_owned()];
        let query = by_values("Contacts", "lastname", &values.each_ref(), 500).unwrap();
        assert_eq!(
            query,
            "select * from Contacts where lastname='O''Brien' or lastname='a in (b' limit 500;"
        );
    }

    #[test]
    fn maps_are_asked_for_by_all_their_names_at_once() {
        assert_eq!(
            maps_named(&["ContactsToMautic", "d'Or"], 40).unwrap(),
            "select id,mapname,maptype,content from cbMap where mapname='ContactsToMautic' or mapname='d''Or' limit 40;"
        );
        assert!(maps_named(&[], 40).is_err());
        assert!(maps_named(&["a\\"], 40).is_err());
    }

    #[test]
    fn pages_begin_behind_an_id() {
        assert_eq!(
            ids_after("Contacts", None, 100).unwrap(),
            "select id from Contacts order by id limit 100;"
        );
        assert_eq!(
            ids_after("Contacts", Some("12x47"), 100).unwrap(),
            "select id from Contacts where id > '12x47' order by id limit 100;"
        );
        assert!(ids_after("Contacts", Some("12x47' or id > '1x1"), 100).is_err());
    }

    #[test]
    fn names_that_are_none_are_refused() {
        for (module, field) in
            [("Contacts;", "email"), ("Contacts", "email='' or id"), ("", "a"), ("Contacts", "1a")]
        {
            let found = by_field(module, field, "x", 3);
            assert!(matches!(found, Err(ConnectorError::Misconfigured { .. })), "{module} {field}");
        }
    }

    #[test]
    fn values_that_two_parsers_would_read_differently_are_refused() {
        for value in ["", "a\\", "a\\' or 1=1", "a\nb", "a\0", &"x".repeat(501)] {
            assert!(matches!(by_field("Contacts", "email", value, 3), Err(ConnectorError::Rejected { .. })));
        }
    }

    proptest! {
        #[test]
        fn no_value_ends_its_literal(value in ".{1,40}") {
            if let Ok(query) = by_field("Contacts", "email", &value, 3) {
                let literal = query
                    .strip_prefix("select * from Contacts where email='")
                    .and_then(|rest| rest.strip_suffix("' limit 3;"))
                    .unwrap();
                prop_assert_eq!(literal.replace("''", "'"), value);
                prop_assert!(!literal.replace("''", "").contains('\''));
            }
        }
    }
}
