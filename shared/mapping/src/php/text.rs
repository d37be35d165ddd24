//! PHP's string functions that work on bytes.

/// `stripcslashes`: C escapes, octal and hexadecimal ones included.
pub(crate) fn strip_c_slashes(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let (b'\\', Some((&escaped, after))) = (byte, after.split_first()) else {
            out.push(byte);
            continue;
        };
        rest = after;
        match escaped {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'a' => out.push(7),
            b'v' => out.push(0x0b),
            b'b' => out.push(8),
            b'f' => out.push(0x0c),
            b'x' if after.first().is_some_and(u8::is_ascii_hexdigit) => {
                out.push(digits(&mut rest, 16, 2));
            }
            b'0'..=b'7' => {
                let mut octal = rest_with(escaped, after);
                let count = octal.iter().take(3).take_while(|digit| (b'0'..=b'7').contains(*digit)).count();
                octal.truncate(count);
                out.push(digits(&mut octal.as_slice(), 8, 3));
                rest = after.get(count - 1..).unwrap_or_default();
            }
            other => out.push(other),
        }
    }
    out
}

fn rest_with(first: u8, rest: &[u8]) -> Vec<u8> {
    std::iter::once(first).chain(rest.iter().take(2).copied()).collect()
}

/// Takes up to `most` digits of a base and returns their value, cut to a byte.
fn digits(rest: &mut &[u8], radix: u32, most: usize) -> u8 {
    let mut value = 0_u32;
    for _ in 0..most {
        let Some(digit) = rest.first().and_then(|byte| char::from(*byte).to_digit(radix)) else {
            break;
        };
        value = value * radix + digit;
        *rest = rest.get(1..).unwrap_or_default();
    }
    value.to_le_bytes()[0]
}

/// `addslashes`.
pub(crate) fn add_slashes(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            0 => out.extend_from_slice(b"\\0"),
            b'\'' | b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            other => out.push(*other),
        }
    }
    out
}

/// `stripslashes`.
pub(crate) fn strip_slashes(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => match bytes.next() {
                Some(b'0') => out.push(0),
                Some(escaped) => out.push(*escaped),
                None => {}
            },
            other => out.push(*other),
        }
    }
    out
}

/// `quotemeta`.
pub(crate) fn quote_meta(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if b".\\+*?[^]$()".contains(byte) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out
}

/// Where a needle begins in a haystack, from a position on.
pub(crate) fn find(haystack: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    let haystack = haystack.get(from..)?;
    memchr::memmem::find(haystack, needle).map(|at| at + from)
}

/// `str_replace` of one search string. `None` if the result would be longer than a limit.
pub(crate) fn replace(subject: &[u8], search: &[u8], replacement: &[u8], limit: usize) -> Option<Vec<u8>> {
    if search.is_empty() {
        return Some(subject.to_vec());
    }
    let mut out = Vec::with_capacity(subject.len());
    let mut from = 0;
    while let Some(at) = find(subject, search, from) {
        out.extend_from_slice(subject.get(from..at).unwrap_or_default());
        out.extend_from_slice(replacement);
        if out.len() > limit {
            return None;
        }
        from = at + search.len();
    }
    out.extend_from_slice(subject.get(from..).unwrap_or_default());
    Some(out)
}

/// `substr` with PHP 8's rules.
pub(crate) fn substring(text: &[u8], start: i64, length: Option<i64>) -> &[u8] {
    let size = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let start = if start < 0 { (size.saturating_add(start)).max(0) } else { start.min(size) };
    let end = match length {
        None => size,
        Some(length) if length < 0 => size.saturating_add(length).max(start),
        Some(length) => start.saturating_add(length).min(size),
    };
    let at = |position: i64| usize::try_from(position).unwrap_or(0);
    text.get(at(start)..at(end)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_escapes_are_resolved() {
        assert_eq!(strip_c_slashes(br"a\n\x41\101\q\\\'\"), b"a\nAAq\\'\\");
        assert_eq!(strip_c_slashes(br"\x\xg\7"), b"xxg\x07");
    }

    #[test]
    fn substrings_are_php_8_s() {
        assert_eq!(substring(b"hello", -10, Some(3)), b"hel");
        assert_eq!(substring(b"hello", 4, Some(-2)), b"");
        assert_eq!(substring(b"hello", 10, None), b"");
    }
}
