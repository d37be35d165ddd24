//! The grammar of expressions.
//!
//! ```text
//! expression = "if" condition | unary [operator expression]
//! condition  = expression "then" expression "else" ("if" condition | expression "end")
//! unary      = ("+" | "-") unary | call
//! call       = name "(" [expression ("," expression)*] ")" | value      (no call behind a sign)
//! value      = name | literal | "(" expression ")"
//! ```
//!
//! The right side of an operator is the whole rest, so `10-3-2` is `10-(3-2)` and `1+2==3` is `1+(2==3)`:
//! coreBOS has levels of precedence, but they never come to bear. What follows a complete expression is
//! ignored.

use model::Value;

use super::functions::regex::Pattern;
use super::functions::{self, Function, Needs};
use super::token::{Operator, Token, TokenKind, tokens};
use crate::semantics::Semantics;

/// The deepest nesting, operators counted because each nests its right side.
pub(crate) const MAX_DEPTH: usize = 200;

/// A compiled expression.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    Literal(Value),
    Name(String),
    Negate(Box<Node>),
    Plus(Box<Node>),
    Binary(Operator, Box<Node>, Box<Node>),
    If(Box<Node>, Box<Node>, Box<Node>),
    /// A call, with its regular expression if that is a literal.
    Call(&'static Function, Vec<Node>, Option<Pattern>),
    /// A call of what is no function: an error once it is evaluated.
    Unknown(String),
}

/// Why there is no expression, and where in its text.
#[derive(Clone, Debug)]
pub(crate) struct ParseError {
    pub(crate) problem: String,
    pub(crate) offset: usize,
}

/// A parsed expression, and what a careful reader should know about it.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) node: Node,
    /// Where text begins that is never read.
    pub(crate) ignored: Option<usize>,
    /// Calls of what is no function, with their places.
    pub(crate) unknown: Vec<(String, usize)>,
    /// Calls of functions that need coreBOS's own data, with their places.
    pub(crate) refused: Vec<(String, usize)>,
    /// Operators, with their places.
    pub(crate) operators: Vec<(Operator, usize)>,
}

/// Parses an expression whose HTML entities are decoded.
pub(crate) fn parse(text: &str, semantics: Semantics) -> Result<Parsed, ParseError> {
    let (tokens, skipped) = tokens(text, semantics);
    let open_string =
        skipped.iter().find(|offset| text.get(**offset..).is_some_and(|rest| rest.starts_with('\'')));
    if let Some(offset) = open_string.filter(|_| semantics == Semantics::Bridge) {
        return Err(ParseError { problem: "a text begins here and never ends".to_owned(), offset: *offset });
    }
    let mut parser = Parser {
        tokens: &tokens,
        at: 0,
        depth: 0,
        end: text.len(),
        semantics,
        unknown: Vec::new(),
        refused: Vec::new(),
        operators: Vec::new(),
    };
    let node = parser.expression()?;
    let rest = parser.peek().map(|token| token.offset);
    let (unknown, refused, operators) = (parser.unknown, parser.refused, parser.operators);
    let ignored = skipped.first().copied().into_iter().chain(rest).min();
    Ok(Parsed { node, ignored, unknown, refused, operators })
}

struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    depth: usize,
    end: usize,
    semantics: Semantics,
    unknown: Vec<(String, usize)>,
    refused: Vec<(String, usize)>,
    operators: Vec<(Operator, usize)>,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn offset(&self) -> usize {
        self.peek().map_or(self.end, |token| token.offset)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token { kind: TokenKind::Name(name), .. }) if name == word)
    }

    fn error<T>(&self, problem: impl Into<String>) -> Result<T, ParseError> {
        Err(ParseError { problem: problem.into(), offset: self.offset() })
    }

    fn expect_word(&mut self, word: &str) -> Result<(), ParseError> {
        if self.is_word(word) {
            self.at += 1;
            return Ok(());
        }
        self.error(format!("`{word}` is expected here"))
    }

    fn expect(&mut self, kind: &TokenKind, what: &str) -> Result<(), ParseError> {
        if self.peek().is_some_and(|token| token.kind == *kind) {
            self.at += 1;
            return Ok(());
        }
        self.error(format!("{what} is expected here"))
    }

    fn expression(&mut self) -> Result<Node, ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.error(format!("the expression is nested more than {MAX_DEPTH} deep"));
        }
        let node = if self.is_word("if") { self.condition() } else { self.binary() };
        self.depth -= 1;
        node
    }

    fn condition(&mut self) -> Result<Node, ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.error(format!("the expression is nested more than {MAX_DEPTH} deep"));
        }
        self.at += 1;
        let condition = self.expression()?;
        self.expect_word("then")?;
        let yes = self.expression()?;
        self.expect_word("else")?;
        let no = if self.is_word("if") {
            self.condition()?
        } else {
            let no = self.expression()?;
            self.expect_word("end")?;
            no
        };
        self.depth -= 1;
        Ok(Node::If(Box::new(condition), Box::new(yes), Box::new(no)))
    }

    fn binary(&mut self) -> Result<Node, ParseError> {
        let left = self.unary()?;
        let Some(&Token { kind: TokenKind::Operator(operator), offset }) = self.peek() else {
            return Ok(left);
        };
        self.at += 1;
        self.operators.push((operator, offset));
        let right = self.expression()?;
        Ok(Node::Binary(operator, Box::new(left), Box::new(right)))
    }

    fn unary(&mut self) -> Result<Node, ParseError> {
        match self.sign() {
            Some(sign) => self.signed(sign),
            None => self.call(),
        }
    }

    fn sign(&mut self) -> Option<Operator> {
        match self.peek() {
            Some(Token {
                kind: TokenKind::Operator(sign @ (Operator::Add | Operator::Subtract)), ..
            }) => {
                self.at += 1;
                Some(*sign)
            }
            _ => None,
        }
    }

    fn signed(&mut self, sign: Operator) -> Result<Node, ParseError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.error(format!("the expression is nested more than {MAX_DEPTH} deep"));
        }
        let operand = match self.sign() {
            Some(sign) => self.signed(sign)?,
            // coreBOS takes no call behind a sign: `-round(x)` negates a field `round` and drops the rest.
            None if self.semantics == Semantics::CoreBos => self.value()?,
            None => self.call()?,
        };
        self.depth -= 1;
        let operand = Box::new(operand);
        Ok(if sign == Operator::Subtract { Node::Negate(operand) } else { Node::Plus(operand) })
    }

    fn call(&mut self) -> Result<Node, ParseError> {
        let next_opens = matches!(self.tokens.get(self.at + 1), Some(Token { kind: TokenKind::Open, .. }));
        let Some(Token { kind: TokenKind::Name(name), offset }) = self.peek().filter(|_| next_opens) else {
            return self.value();
        };
        self.at += 2;
        let mut arguments = Vec::new();
        if !matches!(self.peek(), Some(Token { kind: TokenKind::Close, .. })) {
            loop {
                arguments.push(self.expression()?);
                if !matches!(self.peek(), Some(Token { kind: TokenKind::Comma, .. })) {
                    break;
                }
                self.at += 1;
            }
        }
        self.expect(&TokenKind::Close, "`)`")?;
        Ok(if let Some(function) = functions::find(name) {
            if function.needs == Needs::Corebos {
                self.refused.push((name.clone(), *offset));
            }
            let first = match arguments.first() {
                Some(Node::Literal(value)) => Some(value),
                _ => None,
            };
            let pattern = Pattern::of_call(function.name, arguments.len(), first);
            Node::Call(function, arguments, pattern)
        } else {
            self.unknown.push((name.clone(), *offset));
            Node::Unknown(name.clone())
        })
    }

    fn value(&mut self) -> Result<Node, ParseError> {
        let node = match self.peek().map(|token| &token.kind) {
            Some(TokenKind::Name(name)) => Node::Name(name.clone()),
            Some(TokenKind::Literal(value)) => Node::Literal(value.clone()),
            Some(TokenKind::Quoted(name)) if self.semantics == Semantics::Bridge => Node::Name(name.clone()),
            Some(TokenKind::Open) => {
                self.at += 1;
                let inner = self.expression()?;
                self.expect(&TokenKind::Close, "`)`")?;
                return Ok(inner);
            }
            Some(_) => return self.error("a value is expected here"),
            None => return self.error("the expression ends where a value is expected"),
        };
        self.at += 1;
        Ok(node)
    }
}
