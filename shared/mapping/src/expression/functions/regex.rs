//! Regular expressions as PHP's PCRE takes them: on bytes, without flags, delimited by slashes.

use fancy_regex::{BytesMode, Regex, RegexBuilder};
use model::Value;

use super::{MAX_TEXT, empty, made, text_of, too_long};
use crate::expression::Scope;
use crate::php::fault::Fault;
use crate::semantics::Semantics;

/// How often one match may go back and try again. PHP gives up after a million.
const BACKTRACK_LIMIT: usize = 100_000;

type Answer = Result<Value, Fault>;

/// A pattern compiled beforehand, because the expression has it as a literal.
#[derive(Clone, Debug)]
pub(crate) enum Pattern {
    Match(Option<Regex>),
    Replace(Option<Regex>),
}

impl Pattern {
    /// The pattern of a call, if it is a literal one.
    pub(crate) fn of_call(function: &str, arguments: usize, first: Option<&Value>) -> Option<Self> {
        let pattern = first.filter(|value| !matches!(value, Value::Array(_)))?.php_bytes();
        match (function, arguments) {
            ("regex", 2) => Some(Self::Match(compile(trim_slashes(&pattern)))),
            ("regexreplace", 3) => Some(Self::Replace(compile(&pattern))),
            _ => None,
        }
    }

    /// The value of the call.
    pub(crate) fn call(&self, args: &[Value], scope: &Scope<'_>) -> Answer {
        match (self, args) {
            (Self::Match(regex), [_, subject]) => matches_in(regex.as_ref(), subject, scope),
            (Self::Replace(regex), [_, replacement, subject]) => {
                replace_in(regex.as_ref(), replacement, subject, scope)
            }
            _ => Ok(Value::Null),
        }
    }
}

pub(super) fn matches(args: &[Value], scope: &Scope<'_>) -> Answer {
    let [pattern, subject] = args else {
        return Ok(Value::Bool(false));
    };
    matches_in(compile(trim_slashes(&text_of(pattern)?)).as_ref(), subject, scope)
}

fn matches_in(regex: Option<&Regex>, subject: &Value, scope: &Scope<'_>) -> Answer {
    let subject = text_of(subject)?;
    let Some(regex) = regex else { return no_answer("regex", REFUSED, Value::Bool(false), scope) };
    match regex.is_match(subject.as_ref()) {
        Ok(found) => Ok(Value::Bool(found)),
        Err(_) => no_answer("regex", ENDLESS, Value::Bool(false), scope),
    }
}

/// Why a regular expression gives nothing.
const REFUSED: &str = "is not one: look at its brackets, and at slashes, which need a backslash";
const ENDLESS: &str = "takes too long on this text: it goes back and tries again too often";

/// What a regular expression that gives nothing is worth: coreBOS takes it for no match, which would blank the target.
fn no_answer(function: &str, problem: &str, corebos: Value, scope: &Scope<'_>) -> Answer {
    if scope.semantics == Semantics::CoreBos {
        return Ok(corebos);
    }
    Err(Fault::new(format!("the regular expression of {function} {problem}")))
}

/// A pattern that PCRE refuses, or that takes too long, gives null.
pub(super) fn replace(args: &[Value], scope: &Scope<'_>) -> Answer {
    let [pattern, replacement, subject] = args else {
        return Ok(empty());
    };
    replace_in(compile(&text_of(pattern)?).as_ref(), replacement, subject, scope)
}

fn replace_in(regex: Option<&Regex>, replacement: &Value, subject: &Value, scope: &Scope<'_>) -> Answer {
    let (replacement, subject) = (text_of(replacement)?, text_of(subject)?);
    let Some(regex) = regex else {
        return no_answer("regexreplace", REFUSED, Value::Null, scope);
    };
    let mut out = Vec::with_capacity(subject.len());
    let mut from = 0;
    for captures in regex.captures_iter(subject.as_ref()) {
        let Ok(captures) = captures else {
            return no_answer("regexreplace", ENDLESS, Value::Null, scope);
        };
        let Some(whole) = captures.get(0) else {
            continue;
        };
        out.extend_from_slice(subject.get(from..whole.start()).unwrap_or_default());
        expand(&replacement, &mut out, |group| captures.get(group).map(|found| found.as_bytes()));
        if out.len() > MAX_TEXT {
            return Err(too_long());
        }
        from = whole.end();
    }
    out.extend_from_slice(subject.get(from..).unwrap_or_default());
    Ok(made(out, scope))
}

fn trim_slashes(pattern: &[u8]) -> &[u8] {
    let start = pattern.iter().position(|byte| *byte != b'/').unwrap_or(pattern.len());
    let end = pattern.iter().rposition(|byte| *byte != b'/').map_or(start, |last| last + 1);
    pattern.get(start..end).unwrap_or_default()
}

/// Puts the groups into a replacement: `$1`, `${1}` and `\1`, of at most two digits.
fn expand<'a>(replacement: &[u8], out: &mut Vec<u8>, group: impl Fn(usize) -> Option<&'a [u8]>) {
    let mut rest = replacement;
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'\\' && after.first() == Some(&b'\\') {
            out.push(b'\\');
            rest = after.get(1..).unwrap_or_default();
            continue;
        }
        let braced = byte == b'$' && after.first() == Some(&b'{');
        let body = after.get(usize::from(braced)..).unwrap_or_default();
        let digits = body.iter().take(2).take_while(|digit| digit.is_ascii_digit()).count();
        let closed = !braced || body.get(digits) == Some(&b'}');
        if matches!(byte, b'$' | b'\\') && digits > 0 && closed {
            let number = body.iter().take(digits).fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0'));
            out.extend_from_slice(group(number).unwrap_or_default());
            rest = body.get(digits + usize::from(braced)..).unwrap_or_default();
        } else {
            out.push(byte);
            rest = after;
        }
    }
}

/// Compiles a pattern. A bare slash ends it, and what follows would be flags, of which none is accepted.
fn compile(pattern: &[u8]) -> Option<Regex> {
    let mut translated = String::with_capacity(pattern.len() + 8);
    let mut in_class = false;
    let mut bytes = pattern.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b'/' => return None,
            b'\\' => {
                translated.push('\\');
                match bytes.next()? {
                    b'/' => {
                        translated.pop();
                        translated.push('/');
                    }
                    escaped if escaped.is_ascii() => translated.push(char::from(escaped)),
                    other => {
                        translated.pop();
                        push_byte(&mut translated, other);
                    }
                }
            }
            b'[' if !in_class => {
                in_class = true;
                translated.push('[');
            }
            // Elsewhere than in PCRE, a bracket in a class would open another one.
            b'[' => translated.push_str("\\["),
            b']' if in_class => {
                in_class = false;
                translated.push(']');
            }
            // PCRE's `$` also stands before a last line end.
            b'$' if !in_class => translated.push_str("(?=\\n?\\z)"),
            ascii if ascii.is_ascii() => translated.push(char::from(ascii)),
            other => push_byte(&mut translated, other),
        }
    }
    RegexBuilder::new(&translated)
        .bytes_mode(BytesMode::Ascii)
        .backtrack_limit(BACKTRACK_LIMIT)
        .delegate_size_limit(1 << 20)
        .build()
        .ok()
}

/// A byte as the escape that means it anywhere in a pattern.
fn push_byte(pattern: &mut String, byte: u8) {
    pattern.push_str("\\x");
    pattern.extend(char::from_digit(u32::from(byte >> 4), 16));
    pattern.extend(char::from_digit(u32::from(byte & 15), 16));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, subject: &str) -> Option<bool> {
        compile(pattern.as_bytes()).map(|regex| regex.is_match(subject.as_bytes()).unwrap_or(false))
    }

    #[test]
    fn patterns_are_pcre_s_on_bytes() {
        assert_eq!(found("^a$", "a\n"), Some(true));
        assert_eq!(found("^.$", "é"), Some(false));
        assert_eq!(found("^[é]+$", "é"), Some(true));
        assert_eq!(found("(a)\\1", "aa"), Some(true));
        assert_eq!(found("a/b", "a/b"), None);
        assert_eq!(found("[", "a"), None);
    }

    #[test]
    fn a_pattern_that_never_ends_is_given_up() {
        let regex = compile(b"(?=(a+)+b)\\1").unwrap();
        assert!(!regex.is_match("a".repeat(10_000).as_bytes()).unwrap_or(false));
    }
}
