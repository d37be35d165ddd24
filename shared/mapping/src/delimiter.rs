//! The delimiter of a field, and PHP's `rtrim` with the delimiter as a set of characters.

/// A delimiter: put behind each part, and then every character of it taken off the end of the whole.
///
/// That is what coreBOS does: ` - ` takes any trailing spaces and hyphens with it, those of the data
/// included, and `a..c` inside stands for a range.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delimiter {
    text: String,
    /// One bit for each byte that is trimmed.
    mask: [u64; 4],
}

impl Delimiter {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), mask: php_character_mask(text.as_bytes()) }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    fn has(&self, byte: u8) -> bool {
        self.mask.get(usize::from(byte >> 6)).is_some_and(|bits| bits & (1 << (byte & 63)) != 0)
    }

    /// PHP's `rtrim`, which works on bytes and may cut a character in half.
    pub(crate) fn trim_bytes(&self, value: &mut Vec<u8>) {
        let kept = value.iter().rposition(|byte| !self.has(*byte)).map_or(0, |last| last + 1);
        value.truncate(kept);
    }

    /// The same, but where PHP would cut a character in half only whole characters of the delimiter go.
    pub(crate) fn trim_characters(&self, value: &mut String) {
        let bytes = value.as_bytes();
        let kept = bytes.iter().rposition(|byte| !self.has(*byte)).map_or(0, |last| last + 1);
        if value.is_char_boundary(kept) {
            value.truncate(kept);
            return;
        }
        let in_set = |character: char| match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => self.has(byte),
            _ => self.text.contains(character),
        };
        value.truncate(value.trim_end_matches(in_set).len());
    }
}

/// PHP's `php_charmask`: every byte, and `x..y` for the bytes from x to y where they are in order.
fn php_character_mask(set: &[u8]) -> [u64; 4] {
    let mut mask = [0_u64; 4];
    let mut add = |byte: u8| {
        if let Some(bits) = mask.get_mut(usize::from(byte >> 6)) {
            *bits |= 1 << (byte & 63);
        }
    };
    let mut rest = set;
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        match after {
            [b'.', b'.', last, behind @ ..] if *last >= first => {
                (first..=*last).for_each(&mut add);
                rest = behind;
            }
            // A range that PHP warns about: this dot is dropped, the next one counts.
            [b'.', ..] if first == b'.' => {}
            _ => add(first),
        }
    }
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_trimmed_as_php_does() {
        for (delimiter, value, expected) in [
            (" - ", "x- - ", "x"),
            ("", "x ", "x "),
            ("..", "x..", "x"),
            ("a..c", "xcba..c", "xcba.."),
            ("z..a", "xz.a", "x"),
        ] {
            let mut bytes = value.as_bytes().to_vec();
            Delimiter::new(delimiter).trim_bytes(&mut bytes);
            assert_eq!(bytes, expected.as_bytes(), "{delimiter:?} {value:?}");
        }
    }

    #[test]
    fn characters_are_never_cut() {
        for (value, expected) in [("a©é", "a©"), ("café", "caf"), ("©", "©")] {
            let mut text = value.to_owned();
            Delimiter::new("é").trim_characters(&mut text);
            assert_eq!(text, expected);
        }
    }
}
