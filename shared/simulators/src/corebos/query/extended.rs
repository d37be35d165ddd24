//! The extended parser: parentheses, fields of referenced records, `not in`, `is null`; no limit unless told.
//!
//! Known from coreBOS's source and one recording (A040). What it cannot read it answers with a database error.

use super::{Columns, Literal, Operator, Query, Test};
use crate::corebos::problem::Problem;
use crate::corebos::schema::Module;

/// Conditions nested deeper than this are not read.
const DEEPEST: usize = 50;

/// Whether a query goes to this parser: it has a dot or a parenthesis outside of strings, `in` and `count`, or uses
/// `not in` or `is null`.
pub(super) fn is_extended(text: &str) -> bool {
    let lower = text.to_lowercase();
    let words: Vec<&str> = lower.split_whitespace().collect();
    if words.windows(3).any(|three| matches!(three, ["not", "in", list] if list.starts_with('('))) {
        return true;
    }
    let clean = without(&without(&lower, " in (", ')'), " count(", ')');
    let clean = without(&clean, "'", '\'');
    let words: Vec<&str> =
        clean.split([' ', '\t', '\r', '\n', ';']).filter(|word| !word.is_empty()).collect();
    words.windows(2).any(|two| two == ["is", "null"])
        || words.windows(3).any(|three| three == ["is", "not", "null"])
        || clean.find(['.', '(']).is_some_and(|place| place > 0)
}

/// The text without the shortest parts from `start` to `end` that have something between them.
fn without(text: &str, start: &str, end: char) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(found) = rest.find(start) {
        let (before, after) = rest.split_at(found);
        let inner = after.get(start.len()..).unwrap_or_default();
        let skipped = inner.chars().next().map_or(0, char::len_utf8);
        let Some(close) = inner.get(skipped..).and_then(|tail| tail.find(end)) else { break };
        out.push_str(before);
        rest = inner.get(skipped + close + end.len_utf8()..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Reads a query over `module`.
pub(super) fn parse(text: &str, module: &Module) -> Result<Query, Problem> {
    let words = words(text.trim_end_matches([';', ' ', '\t', '\r', '\n'])).ok_or_else(Problem::database)?;
    let mut reader = Reader { words: &words, next: 0, depth: 0 };
    reader.query(module).ok_or_else(Problem::database)
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Name(String),
    Text(String),
    Sign(&'static str),
}

fn words(text: &str) -> Option<Vec<Word>> {
    const SIGNS: [&str; 10] = ["<=", ">=", "!=", "=", "<", ">", "(", ")", ",", "*"];
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let length = if rest.starts_with('\'') {
            let (value, length) = quoted(rest)?;
            found.push(Word::Text(value));
            length
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            found.push(Word::Sign(sign));
            sign.len()
        } else {
            let length = rest
                .find(|character: char| !(character.is_alphanumeric() || "._+-:".contains(character)))
                .unwrap_or(rest.len());
            let word = rest.get(..length).filter(|word| !word.is_empty())?;
            found.push(Word::Name(word.to_owned()));
            length
        };
        rest = rest.get(length..)?.trim_start();
    }
    Some(found)
}

/// The value of a quoted string, in which `''` and `\'` stand for a quote, and its length.
fn quoted(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((index, character)) = characters.next() {
        match (character, characters.peek().map(|next| next.1)) {
            ('\'' | '\\', Some('\'')) => {
                value.push('\'');
                characters.next();
            }
            ('\'', _) => return Some((value, index + 1)),
            _ => value.push(character),
        }
    }
    None
}

struct Reader<'a> {
    words: &'a [Word],
    next: usize,
    depth: usize,
}

impl Reader<'_> {
    fn peek_is(&self, keyword: &str) -> bool {
        matches!(self.words.get(self.next), Some(Word::Name(name)) if name.eq_ignore_ascii_case(keyword))
    }

    fn take(&mut self, keyword: &str) -> bool {
        let found = self.peek_is(keyword);
        self.next += usize::from(found);
        found
    }

    fn sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.words.get(self.next), Some(Word::Sign(each)) if *each == sign);
        self.next += usize::from(found);
        found
    }

    fn name(&mut self) -> Option<String> {
        match self.words.get(self.next) {
            Some(Word::Name(name)) => {
                self.next += 1;
                Some(name.clone())
            }
            _ => None,
        }
    }

    fn query(&mut self, module: &Module) -> Option<Query> {
        let mut query = Query::default();
        self.take("select").then_some(())?;
        if self.sign("*") {
            query.columns = Columns::All;
        } else if self.take("count") {
            (self.sign("(") && self.sign("*") && self.sign(")")).then_some(())?;
            query.columns = Columns::Count;
        } else {
            let mut columns = vec![own_field(self.name()?, module)];
            while self.sign(",") {
                columns.push(own_field(self.name()?, module));
            }
            query.columns = Columns::These(columns);
        }
        self.take("from").then_some(())?;
        self.name()?;
        if self.take("where") {
            query.wanted = Some(self.either(module)?);
        }
        loop {
            if self.take("order") {
                self.take("by").then_some(())?;
                query.order.push(own_field(self.name()?, module));
                while self.sign(",") {
                    query.order.push(own_field(self.name()?, module));
                }
                query.descending = self.take("desc");
                self.take("asc");
            } else if self.take("limit") {
                let first = self.name()?.parse().ok()?;
                if self.sign(",") {
                    query.offset = first;
                    query.limit = Some(self.name()?.parse().ok()?);
                } else {
                    query.limit = Some(first);
                }
            } else {
                break;
            }
        }
        (self.next == self.words.len()).then_some(query)
    }

    fn either(&mut self, module: &Module) -> Option<Test> {
        let mut tests = vec![self.both(module)?];
        while self.take("or") {
            tests.push(self.both(module)?);
        }
        Some(Test::Any(tests))
    }

    fn both(&mut self, module: &Module) -> Option<Test> {
        let mut tests = vec![self.single(module)?];
        while self.take("and") {
            tests.push(self.single(module)?);
        }
        Some(Test::All(tests))
    }

    fn single(&mut self, module: &Module) -> Option<Test> {
        if self.sign("(") {
            self.depth += 1;
            (self.depth < DEEPEST).then_some(())?;
            let inner = self.either(module)?;
            self.depth -= 1;
            return self.sign(")").then_some(inner);
        }
        let field = own_field(self.name()?, module);
        let (operator, values) = self.operation()?;
        Some(Test::Field { field, operator, values })
    }

    fn operation(&mut self) -> Option<(Operator, Vec<Literal>)> {
        if self.take("is") {
            let operator = if self.take("not") { Operator::NotEmpty } else { Operator::Empty };
            return self.take("null").then_some((operator, Vec::new()));
        }
        let negated = self.take("not");
        if self.take("in") {
            self.sign("(").then_some(())?;
            let mut values = vec![self.value()?];
            while self.sign(",") {
                values.push(self.value()?);
            }
            let operator = if negated { Operator::NotIn } else { Operator::In };
            return self.sign(")").then_some((operator, values));
        }
        if self.take("like") {
            let text = self.value()?.text().to_owned();
            let bare = Literal::Text(text.replace('%', ""));
            let operator = match (negated, text.starts_with('%'), text.ends_with('%')) {
                (true, _, _) => Operator::NotContains,
                (false, true, true) => Operator::Contains,
                (false, true, false) => Operator::EndsWith,
                (false, false, _) => Operator::StartsWith,
            };
            return Some((operator, vec![bare]));
        }
        let signs = [
            ("=", Operator::Equal),
            ("!=", Operator::Different),
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let operator = signs.into_iter().find(|(sign, _)| self.sign(sign))?.1;
        let value = self.value()?;
        Some(match (operator, value.text().is_empty()) {
            (Operator::Equal, true) => (Operator::Empty, Vec::new()),
            (Operator::Different, true) => (Operator::NotEmpty, Vec::new()),
            _ => (operator, vec![value]),
        })
    }

    fn value(&mut self) -> Option<Literal> {
        let value = match self.words.get(self.next)? {
            Word::Text(text) | Word::Name(text) => Literal::Text(text.clone()),
            Word::Sign(_) => return None,
        };
        self.next += 1;
        Some(value)
    }
}

/// `Contacts.lastname` in a query over contacts is `lastname`.
fn own_field(name: String, module: &Module) -> String {
    match name.split_once('.') {
        Some((owner, field)) if owner.eq_ignore_ascii_case(&module.name) => field.to_owned(),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_parentheses_and_nulls_choose_this_parser() {
        for text in [
            "select id,Accounts.accountname from Contacts",
            "select id from Leads where (a='1' or b='2')",
            "select id from Leads where a is null",
            "select id from Leads where a is not null;",
            "select id from Leads where a not in ('1')",
        ] {
            assert!(is_extended(text), "{text}");
        }
        for text in [
            "select id from Contacts where email='ana@acme.example';",
            "select id from Contacts where email in ('a.b','c');",
            "select count(*) from Contacts;",
            "select id from Contacts where lastname='(x)';",
        ] {
            assert!(!is_extended(text), "{text}");
        }
    }

    #[test]
    fn quotes_are_escaped_by_doubling_or_by_a_backslash() {
        assert_eq!(quoted("'O''Brien' x"), Some(("O'Brien".to_owned(), 10)));
        assert_eq!(quoted("'O\\'Brien'"), Some(("O'Brien".to_owned(), 10)));
        assert_eq!(quoted("''"), Some((String::new(), 2)));
        assert_eq!(quoted("'open"), None);
    }
}
