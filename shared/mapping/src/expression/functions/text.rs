//! Functions on texts. Like coreBOS's they work on bytes and know the case of ASCII letters only.

#![expect(clippy::unnecessary_wraps, reason = "all functions share one signature")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use md5::Md5;
use model::{Array, Value};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

use super::{MAX_TEXT, empty, int_of, made, text_of, too_long};
use crate::expression::Scope;
use crate::php::fault::Fault;
use crate::php::text as php;
use crate::semantics::Semantics;

type Answer = Result<Value, Fault>;

pub(super) fn concat(args: &[Value], scope: &Scope<'_>) -> Answer {
    let mut bytes = Vec::new();
    for arg in args {
        if scope.semantics == Semantics::Bridge {
            text_of(arg)?;
        }
        bytes.extend_from_slice(&arg.php_bytes());
    }
    Ok(Value::from_bytes(bytes))
}

pub(super) fn substring(args: &[Value], scope: &Scope<'_>) -> Answer {
    let (text, start, length) = match args {
        [text, start] => (text, start, None),
        [text, start, length] => (text, start, Some(length).filter(|length| **length != Value::Null)),
        _ => return Ok(args.first().cloned().unwrap_or_default()),
    };
    let text = text_of(text)?;
    let length = length.map(int_of).transpose()?;
    Ok(made(php::substring(&text, int_of(start)?, length).to_vec(), scope))
}

pub(super) fn position(args: &[Value], _: &Scope<'_>) -> Answer {
    let [haystack, needle] = args else {
        return Ok(Value::Int(-1));
    };
    let haystack = text_of(haystack)?.to_ascii_lowercase();
    let needle = text_of(needle)?.to_ascii_lowercase();
    let found = php::find(&haystack, &needle, 0).and_then(|at| i64::try_from(at).ok());
    Ok(Value::Int(found.unwrap_or(-1)))
}

pub(super) fn length(args: &[Value], _: &Scope<'_>) -> Answer {
    let Some(arg) = args.first() else {
        return Ok(Value::Int(0));
    };
    Ok(Value::Int(i64::try_from(text_of(arg)?.len()).unwrap_or(i64::MAX)))
}

pub(super) fn replace(args: &[Value], scope: &Scope<'_>) -> Answer {
    let [search, replacement, subject] = args else {
        return Ok(empty());
    };
    if matches!((search, replacement), (Value::Array(_), _)) || !matches!(replacement, Value::Array(_)) {
        return match subject {
            Value::Array(subjects) => subjects
                .iter()
                .map(|(key, subject)| match subject {
                    Value::Array(_) => Ok((key.clone(), subject.clone())),
                    subject => Ok((key.clone(), replace_in(search, replacement, subject, scope)?)),
                })
                .collect::<Result<Array, Fault>>()
                .map(Value::Array),
            subject => replace_in(search, replacement, subject, scope),
        };
    }
    Err(Fault::new("TypeError: the replacement is an array where the search is none"))
}

fn replace_in(search: &Value, replacement: &Value, subject: &Value, scope: &Scope<'_>) -> Answer {
    let mut bytes = subject.php_bytes().into_owned();
    match search {
        Value::Array(searches) => {
            let mut replacements = match replacement {
                Value::Array(replacements) => Some(replacements.values()),
                _ => None,
            };
            for search in searches.values() {
                let with = match &mut replacements {
                    Some(replacements) => replacements.next().map(Value::php_bytes).unwrap_or_default(),
                    None => replacement.php_bytes(),
                };
                bytes = php::replace(&bytes, &search.php_bytes(), &with, MAX_TEXT).ok_or_else(too_long)?;
            }
        }
        search => {
            let with = replacement.php_bytes();
            bytes = php::replace(&bytes, &search.php_bytes(), &with, MAX_TEXT).ok_or_else(too_long)?;
        }
    }
    Ok(made(bytes, scope))
}

fn changed(args: &[Value], change: fn(&mut [u8])) -> Answer {
    let Some(arg) = args.first() else {
        return Ok(empty());
    };
    let mut bytes = text_of(arg)?.into_owned();
    change(&mut bytes);
    Ok(Value::from_bytes(bytes))
}

pub(super) fn uppercase(args: &[Value], _: &Scope<'_>) -> Answer {
    changed(args, <[u8]>::make_ascii_uppercase)
}

pub(super) fn lowercase(args: &[Value], _: &Scope<'_>) -> Answer {
    changed(args, <[u8]>::make_ascii_lowercase)
}

pub(super) fn uppercase_first(args: &[Value], _: &Scope<'_>) -> Answer {
    changed(args, |bytes| {
        if let Some(first) = bytes.first_mut() {
            first.make_ascii_uppercase();
        }
    })
}

pub(super) fn uppercase_words(args: &[Value], _: &Scope<'_>) -> Answer {
    changed(args, |bytes| {
        let mut at_start = true;
        for byte in bytes {
            if at_start {
                byte.make_ascii_uppercase();
            } else {
                byte.make_ascii_lowercase();
            }
            at_start = matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | 0x0b | 0x0c);
        }
    })
}

pub(super) fn char(args: &[Value], scope: &Scope<'_>) -> Answer {
    let Some(arg) = args.first() else {
        return Ok(empty());
    };
    let code = int_of(arg)?.rem_euclid(256);
    Ok(made(vec![u8::try_from(code).unwrap_or(0)], scope))
}

pub(super) fn is_string(args: &[Value], _: &Scope<'_>) -> Answer {
    Ok(Value::Bool(matches!(args.first(), Some(Value::Text(_) | Value::Bytes(_)))))
}

pub(super) fn base64_encode(args: &[Value], _: &Scope<'_>) -> Answer {
    let [arg] = args else {
        return Ok(Value::Int(-1));
    };
    Ok(Value::Text(BASE64.encode(text_of(arg)?)))
}

/// Takes what is base64 and skips the rest, as PHP does.
pub(super) fn base64_decode(args: &[Value], scope: &Scope<'_>) -> Answer {
    let [arg] = args else {
        return Ok(Value::Int(-1));
    };
    let mut out = Vec::new();
    let (mut bits, mut count) = (0_u32, 0_u32);
    for byte in text_of(arg)?.iter() {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => continue,
        };
        bits = (bits << 6) | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count).to_le_bytes()[0]);
        }
    }
    Ok(made(out, scope))
}

pub(super) fn hash(args: &[Value], _: &Scope<'_>) -> Answer {
    let (text, method) = match args {
        [text] => (text, "sha1".into()),
        [text, method] => (text, method.php_string()),
        _ => return Ok(Value::Int(-1)),
    };
    let text = text_of(text)?;
    let digest = match method.as_ref() {
        "md5" => Md5::digest(&text).to_vec(),
        "sha256" => Sha256::digest(&text).to_vec(),
        "crc32" => bzip2_crc(&text).to_le_bytes().to_vec(),
        _ => Sha1::digest(&text).to_vec(),
    };
    Ok(Value::Text(hexadecimal(&digest)))
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).flatten().collect()
}

/// What PHP calls `crc32`: the checksum of bzip2, its bytes reversed (by the caller). Everybody else's CRC-32
/// is PHP's `crc32b`.
fn bzip2_crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte) << 24;
        for _ in 0..8 {
            crc = if crc & 0x8000_0000 != 0 { (crc << 1) ^ 0x04c1_1db7 } else { crc << 1 };
        }
    }
    !crc
}

/// The second part of `12x34`.
pub(super) fn crm_id(args: &[Value], _: &Scope<'_>) -> Answer {
    let Some(arg) = args.first() else {
        return Ok(empty());
    };
    let text = text_of(arg)?;
    Ok(Value::from_bytes(text.split(|byte| *byte == b'x').nth(1).unwrap_or_default().to_vec()))
}

/// 13 hexadecimal digits.
pub(super) fn unique_id(_: &[Value], scope: &Scope<'_>) -> Answer {
    let digits = hexadecimal(&scope.surroundings.chance()?.to_le_bytes());
    Ok(Value::from(digits.get(..13).unwrap_or_default()))
}

/// Letters and digits, as many as asked for, at most as many as chance gives.
pub(super) fn random_string(args: &[Value], scope: &Scope<'_>) -> Answer {
    let length = args.first().map(int_of).transpose()?.unwrap_or(10).clamp(0, 128);
    let mut text = String::new();
    let mut state = scope.surroundings.chance()?;
    for _ in 0..length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let at = usize::try_from((state >> 33) % 36).unwrap_or(0);
        text.extend("0123456789abcdefghijklmnopqrstuvwxyz".chars().nth(at));
    }
    Ok(Value::Text(text))
}
