//! The query language of the webservice: which of its two parsers reads a query, and what it answers.

mod compare;
mod extended;
mod lexer;
mod parser;
mod run;

pub(crate) use compare::folded;

use super::json::Json;
use super::problem::Problem;
use super::state::{Person, State};

/// Rows, and how many there would be without a limit.
pub(crate) struct Rows {
    pub(crate) rows: Vec<Json>,
    pub(crate) total: usize,
}

/// A query that was understood.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) columns: Columns,
    /// None lets every record pass.
    pub(crate) wanted: Option<Test>,
    pub(crate) order: Vec<String>,
    pub(crate) descending: bool,
    pub(crate) offset: usize,
    pub(crate) limit: Option<usize>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Columns {
    #[default]
    All,
    Count,
    These(Vec<String>),
}

/// A condition tree; flat lists, so that a long query does not nest deeply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Test {
    /// All of these.
    All(Vec<Test>),
    /// At least one of these.
    Any(Vec<Test>),
    Field {
        field: String,
        operator: Operator,
        values: Vec<Literal>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    Different,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
    Like,
    In,
    NotIn,
    /// Null or empty.
    Empty,
    NotEmpty,
    Contains,
    NotContains,
    StartsWith,
    EndsWith,
}

/// A value in a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Literal {
    Text(String),
    Number(String),
    /// Neither quoted nor a number; the database takes it for a column and fails.
    Word(String),
}

impl Literal {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Number(text) | Self::Word(text) => text,
        }
    }
}

/// Runs a query for this person.
pub(crate) fn answer(state: &State, text: &str, person: &Person) -> Result<Rows, Problem> {
    let name = module_name(text).ok_or_else(|| Problem::denied_for("query"))?;
    if state.schema.module(name).is_none() && !state.schema.is_listed(name, true) {
        return Err(Problem::denied_for(name));
    }
    let module = state.module_for(name, person)?;
    let query =
        if extended::is_extended(text) { extended::parse(text, module)? } else { parser::parse(text)? };
    run::run(state, module, &query)
}

/// The word after `from`.
fn module_name(text: &str) -> Option<&str> {
    let mut from = 0;
    let lower = text.to_ascii_lowercase();
    while let Some(found) = lower.get(from..)?.find("from") {
        let rest = text.get(from + found + 4..)?;
        let name = rest.trim_start();
        if name.len() < rest.len()
            && let Some(name) =
                name.split([' ', '\t', '\r', '\n', ';']).next().filter(|name| !name.is_empty())
        {
            return Some(name);
        }
        from += found + 4;
    }
    None
}

/// The webservice id of the first record whose fields have these values; an empty value finds empty fields.
pub(crate) fn find_equal(
    state: &State,
    module: &str,
    wanted: &[(String, String)],
    person: &Person,
) -> Result<Option<String>, Problem> {
    let module = state.module_for(module, person)?;
    let tests = wanted.iter().map(|(field, value)| Test::Field {
        field: field.clone(),
        operator: if value.is_empty() { Operator::Empty } else { Operator::Equal },
        values: if value.is_empty() { Vec::new() } else { vec![Literal::Text(value.clone())] },
    });
    let query = Query {
        columns: Columns::These(vec!["id".to_owned()]),
        wanted: Some(Test::All(tests.collect())),
        limit: Some(1),
        ..Query::default()
    };
    let rows = run::run(state, module, &query)?;
    Ok(rows.rows.first().and_then(|row| row.get("id")).and_then(Json::as_str).map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::super::options::CoreBosOptions;
    use super::*;

    fn state() -> (State, Person) {
        let state = State::load(&CoreBosOptions::default()).unwrap();
        let person = state.person(1).unwrap();
        (state, person)
    }

    /// Numbers that look random and are the same in each run.
    fn shuffled(seed: &mut u64) -> usize {
        *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(*seed >> 40).unwrap()
    }

    #[test]
    fn no_query_brings_it_down() {
        const WORDS: [&str; 46] = [
            "select",
            "from",
            "where",
            "order",
            "by",
            "limit",
            "and",
            "or",
            "like",
            "in",
            "not",
            "is",
            "null",
            "count",
            "(",
            ")",
            "*",
            ",",
            ";",
            "=",
            "!=",
            "<",
            ">=",
            "'",
            "''",
            "'a''b'",
            "'%_\\%'",
            "12x1",
            "'12x1'",
            "-1",
            "+",
            "99999999999999999999",
            "id",
            "lastname",
            "account_id",
            "modifiedtime",
            "Contacts",
            "Users",
            "Accounts.",
            ".",
            "Accounts.accountname",
            "assigned_user_id",
            "é",
            "\n",
            "desc",
            "related.",
        ];
        let (state, person) = state();
        let mut seed = 7;
        for round in 0..20_000 {
            let mut text = if round % 2 == 0 { "select id from Contacts ".to_owned() } else { String::new() };
            for _ in 0..shuffled(&mut seed) % 14 {
                text.push_str(WORDS[shuffled(&mut seed) % WORDS.len()]);
                if !shuffled(&mut seed).is_multiple_of(4) {
                    text.push(' ');
                }
            }
            let _ = answer(&state, &text, &person);
        }
    }

    #[test]
    fn what_an_index_finds_is_what_a_look_at_every_record_finds() {
        let (mut state, person) = state();
        let mut seed = 7;
        let record = |number: u64, module: &str, email: &str, name: &str| {
            let values = [("email", email), ("lastname", name)];
            super::super::state::plain_record(number, module, values.into_iter())
        };
        for round in 0..3_000_u64 {
            let pick = |seed: &mut u64, of: &[&'static str]| of[shuffled(seed) % of.len()];
            let email = pick(&mut seed, &["a@x.example", "A@X.example ", "b@x.example", "", "ç"]);
            let name = pick(&mut seed, &["O'Brien", "obrien", "Núñez", "NUNEZ", "0"]);
            let module = pick(&mut seed, &["Contacts", "Leads"]);
            let mut written = record(1_000 + round % 40, module, email, name);
            written.deleted = shuffled(&mut seed).is_multiple_of(5);
            if shuffled(&mut seed).is_multiple_of(4) {
                written.values.remove("email");
            }
            state.store.put(written);
            let (email, name) = (
                pick(&mut seed, &["a@X.example", "b@x.example", "Ç"]),
                pick(&mut seed, &["obrien", "nunez", "O''Brien"]),
            );
            for wanted in [
                format!("email='{email}'"),
                format!("email='{email}' or lastname='{name}'"),
                format!("email='{email}' and lastname='{name}'"),
                format!("email='{email}' or lastname like '{name}'"),
            ] {
                let text = format!("select id from Contacts where {wanted};");
                let ids = |rows: Rows| -> Vec<String> {
                    rows.rows.iter().filter_map(|row| row.get("id")?.as_str().map(str::to_owned)).collect()
                };
                let found = answer(&state, &text, &person).map(ids).unwrap();
                let every = run::by_looking_at_all(&state, &parser::parse(&text).unwrap());
                assert_eq!(found, every, "round {round}: {text}");
            }
        }
    }

    #[test]
    fn long_and_deep_queries_are_answered_or_refused() {
        let (state, person) = state();
        let long =
            format!("select id from Contacts where lastname='a'{};", " or lastname='a'".repeat(50_000));
        assert_eq!(answer(&state, &long, &person).map(|rows| rows.total).ok(), Some(0));
        let dotted = long.replace("lastname", "Contacts.lastname");
        assert_eq!(answer(&state, &dotted, &person).map(|rows| rows.total).ok(), Some(0));
        let deep = format!("select id from Contacts where {}lastname='a'", "(".repeat(100_000));
        assert_eq!(answer(&state, &deep, &person).err(), Some(Problem::database()));
    }
}
