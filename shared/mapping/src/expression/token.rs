//! Cuts an expression into tokens, the way coreBOS's tokenizer does or, under `Bridge`, a careful one.

use model::Value;

use crate::php::number::leading_number;
use crate::php::text::strip_c_slashes;
use crate::semantics::Semantics;

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TokenKind {
    /// A name, or a reference `$(field : (Module) field)` as written.
    Name(String),
    /// A string or a number.
    Literal(Value),
    /// A name in backticks, which coreBOS's parser never accepts.
    Quoted(String),
    Operator(Operator),
    Open,
    Close,
    Comma,
}

/// A token and where it begins, in bytes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) offset: usize,
}

/// A binary operator; the first two are also signs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Equal,
    NotEqual,
    AtMost,
    AtLeast,
    Less,
    Greater,
}

/// The operators as written, longer ones first.
const OPERATORS: [(&str, Operator); 10] = [
    ("==", Operator::Equal),
    ("!=", Operator::NotEqual),
    ("<=", Operator::AtMost),
    (">=", Operator::AtLeast),
    ("<", Operator::Less),
    (">", Operator::Greater),
    ("+", Operator::Add),
    ("-", Operator::Subtract),
    ("*", Operator::Multiply),
    ("/", Operator::Divide),
];

/// How much text may follow a quote that is never closed before PCRE gives up: a million tries are 2^20.
const LONGEST_OPEN_STRING: usize = 20;

/// The tokens of an expression, and where characters stand that mean nothing and are skipped.
pub(crate) fn tokens(text: &str, semantics: Semantics) -> (Vec<Token>, Vec<usize>) {
    let mut tokens = Vec::new();
    let mut skipped = Vec::new();
    let mut offset = 0;
    while let Some(rest) = text.get(offset..).filter(|rest| !rest.is_empty()) {
        match token(rest, semantics) {
            // coreBOS's parser never sees empty strings at the very start.
            Some((Some(TokenKind::Literal(Value::Text(text))), length))
                if text.is_empty() && tokens.is_empty() && semantics == Semantics::CoreBos =>
            {
                offset += length;
            }
            Some((kind, length)) => {
                tokens.extend(kind.map(|kind| Token { kind, offset }));
                offset += length;
            }
            // The pattern for strings takes exponentially long on a quote that is never closed; PCRE gives up,
            // and coreBOS goes on with the tokens it has by then.
            None if rest.starts_with('\'')
                && rest.len() > LONGEST_OPEN_STRING
                && semantics == Semantics::CoreBos =>
            {
                skipped.push(offset);
                break;
            }
            None => {
                skipped.push(offset);
                offset += rest.chars().next().map_or(1, char::len_utf8);
            }
        }
    }
    (tokens, skipped)
}

/// The token at the start of a text and its length; white space is none.
fn token(text: &str, semantics: Semantics) -> Option<(Option<TokenKind>, usize)> {
    let first = text.bytes().next()?;
    let word =
        |text: &str| text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let space = text.bytes().take_while(|byte| byte.is_ascii_whitespace() || *byte == 0x0b).count();
    if space > 0 {
        return Some((None, space));
    }
    if first.is_ascii_alphabetic() {
        let length = word(text);
        return Some((Some(TokenKind::Name(text.get(..length)?.to_owned())), length));
    }
    if first == b'$'
        && let Some(length) = reference_length(text)
    {
        return Some((Some(TokenKind::Name(text.get(..length)?.to_owned())), length));
    }
    if first == b'`' {
        let end = text.get(1..)?.find('`').filter(|end| *end > 0)?;
        return Some((Some(TokenKind::Quoted(text.get(1..=end)?.to_owned())), end + 2));
    }
    if first == b'\'' {
        let length = string_length(text, semantics)?;
        let inner = text.get(1..length - 1)?;
        let value = Value::from_bytes(strip_c_slashes(inner.as_bytes()));
        return Some((Some(TokenKind::Literal(value)), length));
    }
    if let Some((value, length)) = number(text) {
        return Some((Some(TokenKind::Literal(value)), length));
    }
    if let Some((written, operator)) = OPERATORS.into_iter().find(|(written, _)| text.starts_with(written)) {
        return Some((Some(TokenKind::Operator(operator)), written.len()));
    }
    let kind = match first {
        b'(' => TokenKind::Open,
        b')' => TokenKind::Close,
        b',' => TokenKind::Comma,
        _ => return None,
    };
    Some((Some(kind), 1))
}

/// A number: digits, with decimals if digits follow the point.
fn number(text: &str) -> Option<(Value, usize)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    let decimals = text.get(whole..)?.strip_prefix('.').map_or(0, digits);
    let length = if decimals > 0 { whole + 1 + decimals } else { whole };
    if length == 0 {
        return None;
    }
    let (number, _) = leading_number(text.get(..length)?.as_bytes())?;
    let value = if decimals > 0 {
        Value::Float(number.float())
    } else {
        // PHP's intval stays at the greatest integer.
        Value::Int(text.get(..length)?.parse().unwrap_or(i64::MAX))
    };
    Some((value, length))
}

/// The length of a string with its quotes.
fn string_length(text: &str, semantics: Semantics) -> Option<usize> {
    let bytes = text.as_bytes();
    if semantics == Semantics::Bridge {
        let mut at = 1;
        loop {
            match bytes.get(at)? {
                b'\'' => return Some(at + 1),
                b'\\' => at += 2,
                _ => at += 1,
            }
        }
    }
    // `'((?:\\'|[^'])*)'`: greedy, and it goes back over an escaped quote if no other one follows.
    let mut last_escaped = None;
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' if bytes.get(at + 1) == Some(&b'\'') => {
                last_escaped = Some(at + 2);
                at += 2;
            }
            b'\'' => return Some(at + 1),
            _ => at += 1,
        }
    }
    last_escaped
}

/// The length of `$(field : (Module) field)`; the white space is mandatory.
fn reference_length(text: &str) -> Option<usize> {
    let word =
        |text: &str| text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count();
    let spaces = |text: &str| text.bytes().take_while(u8::is_ascii_whitespace).count();
    let mut at = 2;
    let rest = |at: usize| text.get(at..).unwrap_or_default();
    let step = |length: usize, at: &mut usize| {
        *at += length;
        (length > 0).then_some(())
    };
    text.strip_prefix("$(")?;
    step(word(rest(at)), &mut at)?;
    step(spaces(rest(at)), &mut at)?;
    step(usize::from(rest(at).starts_with(':')), &mut at)?;
    step(spaces(rest(at)), &mut at)?;
    step(usize::from(rest(at).starts_with('(')), &mut at)?;
    step(word(rest(at)), &mut at)?;
    step(usize::from(rest(at).starts_with(')')), &mut at)?;
    step(spaces(rest(at)), &mut at)?;
    step(word(rest(at)), &mut at)?;
    step(usize::from(rest(at).starts_with(')')), &mut at)?;
    Some(at)
}
