//! Lists: `where`, `order`, `search`, paging, with Mautic's traps.

use std::cmp::Ordering;

use indexmap::IndexMap;

use super::php::Php;
use super::schema::Object;
use super::state::State;
use super::values::column_moment;

/// The database refused the query: a 500 without details.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadQuery;

/// One row of a table: every column has a value, null or not.
type Row = IndexMap<String, Php>;

/// The page that was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) total: usize,
    pub(crate) ids: Vec<u64>,
}

const DEFAULT_LIMIT: usize = 30;

/// Selects the ids of a page.
pub(crate) fn select(state: &State, object: Object, query: &Php) -> Result<Page, BadQuery> {
    let mut rows: Vec<Row> = match object {
        Object::Contact => state.contacts.keys().map(|id| contact_row(state, *id)).collect(),
        Object::Company => state.companies.keys().map(|id| company_row(state, *id)).collect(),
    };
    let columns = columns(state, object);
    let filters = query.get("where").cloned().unwrap_or(Php::Null);
    for filter in filters.items() {
        // At the top level `dateModified` is translated; nested it is not (captures E17, E18).
        let condition = Condition::read(filter, true);
        check(&condition, &columns)?;
        rows.retain(|row| condition.holds(row));
    }
    if let Some(search) = query.get("search").and_then(Php::as_text).filter(|text| !text.trim().is_empty()) {
        rows.retain(|row| found(state, object, row, search.trim()));
    }
    order(&mut rows, query, &columns)?;
    let number =
        |key: &str| query.get(key).and_then(Php::as_int).and_then(|number| usize::try_from(number).ok());
    let total = rows.len();
    let limit = number("limit").filter(|limit| *limit > 0).unwrap_or(DEFAULT_LIMIT);
    let ids = rows
        .iter()
        .skip(number("start").unwrap_or(0))
        .take(limit)
        .filter_map(|row| u64::try_from(row.get("id")?.as_int()?).ok())
        .collect();
    Ok(Page { total, ids })
}

const DATES: [&str; 2] = ["date_added", "date_modified"];

fn columns(state: &State, object: Object) -> Vec<String> {
    let own: &[&str] = match object {
        Object::Contact => &[
            "id",
            "points",
            "date_identified",
            "last_active",
            "owner_id",
            "stage_id",
            "created_by",
            "modified_by",
        ],
        Object::Company => &["id", "score", "owner_id", "created_by", "modified_by"],
    };
    let fields = state.fields.iter().filter(|field| field.object == object).map(|field| field.alias.clone());
    own.iter().chain(&DATES).map(|name| (*name).to_owned()).chain(fields).collect()
}

fn contact_row(state: &State, id: u64) -> Row {
    let mut row = Row::new();
    let Some(contact) = state.contacts.get(&id) else { return row };
    row.extend(contact.values.clone());
    let optional = |id: Option<u64>| id.map_or(Php::Null, Php::id);
    for (key, value) in [
        ("id", Php::id(id)),
        ("points", Php::Int(contact.points)),
        ("date_added", column_moment(contact.stamp.added)),
        ("date_modified", column_moment(contact.stamp.modified)),
        ("date_identified", column_moment(contact.identified)),
        ("last_active", column_moment(contact.last_active)),
        ("owner_id", optional(contact.owner)),
        ("stage_id", optional(contact.stage)),
        ("created_by", optional(contact.stamp.created_by)),
        ("modified_by", optional(contact.stamp.modified_by)),
    ] {
        row.insert(key.to_owned(), value);
    }
    row
}

fn company_row(state: &State, id: u64) -> Row {
    let mut row = Row::new();
    let Some(company) = state.companies.get(&id) else { return row };
    row.extend(company.values.clone());
    let optional = |id: Option<u64>| id.map_or(Php::Null, Php::id);
    for (key, value) in [
        ("id", Php::id(id)),
        ("score", Php::Int(company.score)),
        ("date_added", column_moment(company.stamp.added)),
        ("date_modified", column_moment(company.stamp.modified)),
        ("created_by", optional(company.stamp.created_by)),
        ("modified_by", optional(company.stamp.modified_by)),
    ] {
        row.insert(key.to_owned(), value);
    }
    row
}

#[derive(Debug)]
enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    /// An expression that Mautic does not know is no filter at all (capture E21).
    Column {
        name: String,
        expression: String,
        value: Php,
    },
}

impl Condition {
    fn read(filter: &Php, translate: bool) -> Self {
        let text = |key: &str| filter.get(key).and_then(Php::as_text).unwrap_or_default();
        let expression = text("expr");
        let value = filter.get("val").cloned().unwrap_or(Php::Null);
        let nested = || value.items().into_iter().map(|inner| Self::read(inner, false)).collect();
        match expression.to_ascii_lowercase().as_str() {
            "andx" => Self::All(nested()),
            "orx" => Self::Any(nested()),
            _ => {
                let name = if translate { snake_case(&text("col")) } else { text("col") };
                Self::Column { name, expression, value }
            }
        }
    }

    fn holds(&self, row: &Row) -> bool {
        match self {
            Self::All(inner) => inner.iter().all(|condition| condition.holds(row)),
            Self::Any(inner) => inner.is_empty() || inner.iter().any(|condition| condition.holds(row)),
            Self::Column { name, expression, value } => {
                compare_column(row.get(name).unwrap_or(&Php::Null), expression, value).unwrap_or(true)
            }
        }
    }
}

fn check(condition: &Condition, columns: &[String]) -> Result<(), BadQuery> {
    match condition {
        Condition::All(inner) | Condition::Any(inner) => {
            inner.iter().try_for_each(|condition| check(condition, columns))
        }
        Condition::Column { name, expression, value } => {
            let known = compare_column(&Php::Null, expression, value).is_some();
            if known && !columns.contains(name) { Err(BadQuery) } else { Ok(()) }
        }
    }
}

fn snake_case(name: &str) -> String {
    let mut result = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            result.push('_');
        }
        result.push(character.to_ascii_lowercase());
    }
    result
}

/// Whether the column fulfils the expression; none when Mautic does not know the expression.
fn compare_column(column: &Php, expression: &str, value: &Php) -> Option<bool> {
    let ordering = || (!column.is_blank()).then(|| compare(column, value));
    let is = |wanted: &[Ordering]| ordering().is_some_and(|ordering| wanted.contains(&ordering));
    let list = || -> Vec<Php> {
        match value {
            Php::Text(text) => text.split(',').map(|part| Php::text(part.trim())).collect(),
            other => other.items().into_iter().cloned().collect(),
        }
    };
    let like = || like(&column.as_text().unwrap_or_default(), &value.as_text().unwrap_or_default());
    Some(match expression {
        "eq" => is(&[Ordering::Equal]),
        "neq" => is(&[Ordering::Less, Ordering::Greater]),
        "lt" => is(&[Ordering::Less]),
        "lte" => is(&[Ordering::Less, Ordering::Equal]),
        "gt" => is(&[Ordering::Greater]),
        "gte" => is(&[Ordering::Greater, Ordering::Equal]),
        "like" => !column.is_blank() && like(),
        "notLike" => !column.is_blank() && !like(),
        "in" => list().iter().any(|each| !column.is_blank() && compare(column, each) == Ordering::Equal),
        "notIn" => !column.is_blank() && list().iter().all(|each| compare(column, each) != Ordering::Equal),
        "isNull" => column.is_blank(),
        "isNotNull" => !column.is_blank(),
        "between" => match list().as_slice() {
            [low, high] => {
                !column.is_blank()
                    && compare(column, low) != Ordering::Less
                    && compare(column, high) != Ordering::Greater
            }
            _ => false,
        },
        _ => return None,
    })
}

/// Numbers as numbers, everything else as text without letter case, as `MySQL`'s collation compares.
fn compare(column: &Php, value: &Php) -> Ordering {
    if matches!(column, Php::Int(_) | Php::Float(_)) {
        let number = |php: &Php| php.as_number().unwrap_or(0.0);
        return number(column).partial_cmp(&number(value)).unwrap_or(Ordering::Equal);
    }
    let text = |php: &Php| php.as_text().unwrap_or_default().to_lowercase();
    let (left, right) = (text(column), text(value));
    // A date may come as ISO 8601: the database cuts it to what its column holds.
    let is_moment = left.len() == 19 && left.get(10..11) == Some(" ") && right.get(10..11) == Some("t");
    if is_moment {
        let right: String = right.replacen('t', " ", 1).chars().take(19).collect();
        return left.cmp(&right);
    }
    left.cmp(&right)
}

/// SQL's LIKE with `%` and `_`, letter case ignored.
fn like(text: &str, pattern: &str) -> bool {
    let text: Vec<char> = text.to_lowercase().chars().collect();
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let (mut at, mut in_pattern, mut star, mut mark) = (0, 0, None, 0);
    while at < text.len() {
        match pattern.get(in_pattern) {
            Some('%') => {
                star = Some(in_pattern);
                mark = at;
                in_pattern += 1;
            }
            Some(wanted) if *wanted == '_' || text.get(at) == Some(wanted) => {
                at += 1;
                in_pattern += 1;
            }
            _ => match star {
                Some(position) => {
                    in_pattern = position + 1;
                    mark += 1;
                    at = mark;
                }
                None => return false,
            },
        }
    }
    pattern.get(in_pattern..).unwrap_or_default().iter().all(|character| *character == '%')
}

/// `email:`, `ids:`, `is:anonymous`, any field's alias, or plain text in the fields that are searched.
fn found(state: &State, object: Object, row: &Row, search: &str) -> bool {
    let text = |alias: &str| row.get(alias).and_then(Php::as_text).unwrap_or_default();
    let wild = |pattern: &str| pattern.replace('*', "%");
    if let Some((command, argument)) = search.split_once(':') {
        match command {
            "ids" => return argument.split(',').any(|id| id.trim() == text("id")),
            "is" if argument == "anonymous" => {
                let id = row.get("id").and_then(Php::as_int).and_then(|id| u64::try_from(id).ok());
                return id
                    .and_then(|id| state.contacts.get(&id))
                    .is_some_and(|contact| !contact.is_identified());
            }
            _ if columns(state, object).iter().any(|column| column == command) => {
                return like(&text(command), &wild(argument));
            }
            _ => {}
        }
    }
    let searched: &[&str] = match object {
        Object::Contact => {
            &["firstname", "lastname", "email", "company", "city", "state", "zipcode", "country"]
        }
        Object::Company => &["companyname", "companyemail"],
    };
    searched.iter().any(|alias| like(&text(alias), &format!("%{}%", wild(search))))
}

/// Orders by `order[n]` or `orderBy`; here `dateModified` is no column (capture E27).
fn order(rows: &mut [Row], query: &Php, columns: &[String]) -> Result<(), BadQuery> {
    let text = |php: &Php, key: &str| php.get(key).and_then(Php::as_text);
    let mut keys: Vec<(String, bool)> = Vec::new();
    for part in query.get("order").map(Php::items).unwrap_or_default() {
        if let Some(column) = text(part, "col") {
            let descending = text(part, "dir").is_some_and(|dir| dir.eq_ignore_ascii_case("desc"));
            keys.push((snake_case(&column), descending));
        }
    }
    if let Some(column) = text(query, "orderBy").filter(|column| !column.is_empty()) {
        let descending = text(query, "orderByDir").is_some_and(|dir| dir.eq_ignore_ascii_case("desc"));
        keys.push((column, descending));
    }
    if keys.iter().any(|(column, _)| !columns.contains(column)) {
        return Err(BadQuery);
    }
    rows.sort_by(|left, right| {
        keys.iter()
            .map(|(column, descending)| {
                let ordering = compare_for_order(left.get(column), right.get(column));
                if *descending { ordering.reverse() } else { ordering }
            })
            .find(|ordering| *ordering != Ordering::Equal)
            .unwrap_or(Ordering::Equal)
    });
    Ok(())
}

fn compare_for_order(left: Option<&Php>, right: Option<&Php>) -> Ordering {
    let (left, right) = (left.unwrap_or(&Php::Null), right.unwrap_or(&Php::Null));
    match (left.is_blank(), right.is_blank()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => compare(left, right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn like_knows_both_wildcards() {
        assert!(like("Beta GmbH", "%eta%"));
        assert!(like("abc", "a_c") && like("abc", "abc") && like("", "%"));
        assert!(!like("abc", "ab") && !like("abc", "b%"));
    }

    #[test]
    fn null_fulfils_nothing_but_is_null() {
        assert_eq!(compare_column(&Php::Null, "neq", &Php::text("x")), Some(false));
        assert_eq!(compare_column(&Php::Null, "isNull", &Php::Null), Some(true));
        assert_eq!(compare_column(&Php::Null, "zzz", &Php::Null), None);
    }

    #[test]
    fn iso_dates_compare_with_columns() {
        let column = Php::text("2026-11-21 02:45:02");
        assert_eq!(compare_column(&column, "gt", &Php::text("2026-11-21T02:45:01+00:00")), Some(true));
        assert_eq!(compare_column(&column, "gt", &Php::text("2026-11-21 02:45:02")), Some(false));
    }
}
