//! The simple parser: no parentheses, conditions from left to right with `and` before `or`, 100 rows unless told.

use super::lexer::{Kind, Token, tokens};
use super::{Columns, Literal, Operator, Query, Test};
use crate::corebos::problem::Problem;

/// Rows of a query without a limit (G008).
const DEFAULT_LIMIT: usize = 100;

const OPERATORS: [Kind; 8] = [
    Kind::Equal,
    Kind::Less,
    Kind::Greater,
    Kind::LessOrEqual,
    Kind::GreaterOrEqual,
    Kind::Different,
    Kind::In,
    Kind::Like,
];

/// Reads a query; a missing semicolon is added.
pub(super) fn parse(text: &str) -> Result<Query, Problem> {
    let text = text.trim_end();
    let whole = if text.ends_with(';') { text.to_owned() } else { format!("{text};") };
    let tokens = tokens(&whole);
    let mut parser = Parser { tokens: &tokens, next: 0 };
    parser.expect(&[Kind::Select])?;
    let columns = parser.columns()?;
    parser.expect(&[Kind::TableName])?;
    let wanted = if parser.take(Kind::Where) { Some(parser.conditions()?) } else { None };
    let mut query = Query { columns, wanted, limit: Some(DEFAULT_LIMIT), ..Query::default() };
    if parser.take(Kind::OrderBy) {
        loop {
            query.order.push(parser.expect(&[Kind::ColumnName])?.text.clone());
            if !parser.take(Kind::Comma) {
                break;
            }
        }
        query.descending = parser.take(Kind::Descending);
        if !query.descending {
            parser.take(Kind::Ascending);
        }
    }
    if parser.take(Kind::Limit) {
        let first = parser.number()?;
        if parser.take(Kind::Comma) {
            query.offset = first;
            query.limit = Some(parser.number()?);
        } else {
            query.limit = Some(first);
        }
    }
    parser.expect(&[Kind::Semicolon])?;
    Ok(query)
}

struct Parser<'a> {
    tokens: &'a [Result<Token, Problem>],
    next: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.next)?.as_ref().ok()
    }

    fn take(&mut self, kind: Kind) -> bool {
        let found = self.peek().is_some_and(|token| token.kind == kind);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, kinds: &[Kind]) -> Result<&'a Token, Problem> {
        match self.peek() {
            Some(token) if kinds.contains(&token.kind) => {
                self.next += 1;
                Ok(token)
            }
            found => Err(match self.tokens.get(self.next) {
                Some(Err(problem)) => problem.clone(),
                _ => unexpected(found, kinds),
            }),
        }
    }

    fn columns(&mut self) -> Result<Columns, Problem> {
        if self.take(Kind::Count) {
            self.expect(&[Kind::ParenOpen])?;
            self.expect(&[Kind::Asterisk])?;
            self.expect(&[Kind::ParenClose])?;
            self.expect(&[Kind::From])?;
            return Ok(Columns::Count);
        }
        if self.take(Kind::Asterisk) {
            self.expect(&[Kind::From])?;
            return Ok(Columns::All);
        }
        let mut columns = Vec::new();
        loop {
            columns.push(self.expect(&[Kind::ColumnName])?.text.clone());
            if self.expect(&[Kind::From, Kind::Comma])?.kind == Kind::From {
                return Ok(Columns::These(columns));
            }
        }
    }

    /// SQL binds `and` closer than `or`.
    fn conditions(&mut self) -> Result<Test, Problem> {
        let mut alternatives = Vec::new();
        let mut together = vec![self.condition()?];
        loop {
            if self.take(Kind::And) {
                together.push(self.condition()?);
            } else if self.take(Kind::Or) {
                alternatives.push(Test::All(std::mem::take(&mut together)));
                together.push(self.condition()?);
            } else {
                alternatives.push(Test::All(together));
                return Ok(Test::Any(alternatives));
            }
        }
    }

    fn condition(&mut self) -> Result<Test, Problem> {
        let field = self.expect(&[Kind::ColumnName])?.text.clone();
        let operator = match self.expect(&OPERATORS)?.kind {
            Kind::Less => Operator::Less,
            Kind::Greater => Operator::Greater,
            Kind::LessOrEqual => Operator::LessOrEqual,
            Kind::GreaterOrEqual => Operator::GreaterOrEqual,
            Kind::Different => Operator::Different,
            Kind::In => Operator::In,
            Kind::Like => Operator::Like,
            _ => Operator::Equal,
        };
        let mut values = Vec::new();
        if self.take(Kind::ParenOpen) {
            loop {
                values.push(literal(&self.expect(&[Kind::Value])?.text));
                if self.expect(&[Kind::ParenClose, Kind::Comma])?.kind == Kind::ParenClose {
                    break;
                }
            }
        } else {
            values.push(literal(&self.expect(&[Kind::Value])?.text));
        }
        Ok(Test::Field { field, operator, values })
    }

    fn number(&mut self) -> Result<usize, Problem> {
        // Text in place of a number reaches the database, which fails.
        self.expect(&[Kind::Value])?.text.parse().map_err(|_| Problem::database())
    }
}

/// The meaning of a value token: quotes are taken off, doubled ones become one.
pub(super) fn literal(text: &str) -> Literal {
    match text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        Some(inner) => Literal::Text(inner.replace("''", "'")),
        None if text.trim_start_matches(['+', '-']).bytes().all(|byte| byte.is_ascii_digit()) => {
            Literal::Number(text.to_owned())
        }
        None => Literal::Word(text.to_owned()),
    }
}

fn unexpected(found: Option<&Token>, expected: &[Kind]) -> Problem {
    let names: Vec<&str> = expected.iter().map(|kind| kind.name()).collect();
    let line = found.map_or(1, |token| token.line);
    let (kind, text) = found.map_or(("End of Input", "0"), |token| (token.kind.name(), token.text.as_str()));
    Problem::new(
        "QUERY_SYNTAX_ERROR",
        format!(
            "Syntax Error on line {line}: token '{text}' Unexpected {kind}({text}), expected one of: {}",
            names.join(",")
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> String {
        match parse(text) {
            Err(Problem::Refusal { code: "QUERY_SYNTAX_ERROR", message }) => message,
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn errors_name_the_token_and_what_was_expected() {
        assert_eq!(
            message("selec id from Contacts;"),
            "Syntax Error on line 1: token 'selec' Unexpected Unknown(selec), expected one of: SELECT"
        );
        assert_eq!(
            message("select id,lastname from Contacts where lastname like 'O\\'Brien%';"),
            "Syntax Error on line 1: token 'Brien' Unexpected COLUMNNAME(Brien), expected one of: SEMICOLON"
        );
        assert!(message("select id lastname from Contacts").ends_with("expected one of: FRM,COMMA"));
        assert!(message("select id from Contacts where x").ends_with("EQ,LT,GT,LTE,GTE,NE,IN,LIKE"));
    }

    #[test]
    fn and_binds_closer_than_or() {
        let query =
            parse("select id from Leads where a=1 or b='x' and c!=2 order by d,e desc limit 10,5").unwrap();
        let Some(Test::Any(alternatives)) = query.wanted else { panic!("no alternatives") };
        assert!(
            matches!(&alternatives[..], [Test::All(one), Test::All(two)] if one.len() == 1 && two.len() == 2)
        );
        assert_eq!((query.offset, query.limit, query.descending), (10, Some(5), true));
        assert_eq!(query.order, ["d", "e"]);
    }

    #[test]
    fn a_query_without_limit_has_one_of_100() {
        assert_eq!(parse("select * from Leads").unwrap().limit, Some(100));
        assert_eq!(parse("select count(*) from Leads;").unwrap().columns, Columns::Count);
    }
}
