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
    for (what, name) in [("module", module), ("field", field)] {
        if !is_name(name) {
            let detail = format!("`{}` is not the name of a {what}", name.escape_default());
            return Err(ConnectorError::Misconfigured { detail });
        }
    }
    let searchable = !value.is_empty()
        && value.chars().count() <= VALUE_LIMIT_CHARS
        && !value.chars().any(|c| c == '\\' || c.is_control());
    if !searchable {
        return Err(ConnectorError::Rejected {
            message: "coreBOS cannot search for this value: it is empty, too long, or has a backslash or a control \
                      character"
                .to_owned(),
            fields: [(field.to_owned(), "cannot be searched for".to_owned())].into(),
        });
    }
    Ok(format!("select * from {module} where {field}='{}' limit {limit};", value.replace('\'', "''")))
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
