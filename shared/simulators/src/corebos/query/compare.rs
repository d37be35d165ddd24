//! How the database compares: text without letter case and accents, numbers by their leading digits.

use std::cmp::Ordering;

use super::{Literal, Operator};
use crate::corebos::value::leading_number;

/// Text as `utf8_general_ci` weighs it: letter case, accents of Latin letters and blanks at the end do not count.
pub(crate) fn folded(text: &str) -> String {
    text.trim_end_matches(' ').chars().flat_map(char::to_lowercase).map(without_accent).collect()
}

fn without_accent(character: char) -> char {
    match character {
        'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => 'c',
        'ď' => 'd',
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' => 'e',
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => 'g',
        'ĥ' => 'h',
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' => 'i',
        'ĵ' => 'j',
        'ķ' => 'k',
        'ĺ' | 'ļ' | 'ľ' => 'l',
        'ñ' | 'ń' | 'ņ' | 'ň' => 'n',
        'ò'..='ö' | 'ō' | 'ŏ' | 'ő' => 'o',
        'ŕ' | 'ŗ' | 'ř' => 'r',
        'ś' | 'ŝ' | 'ş' | 'š' | 'ß' => 's',
        'ţ' | 'ť' => 't',
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' => 'u',
        'ŵ' => 'w',
        'ý' | 'ÿ' | 'ŷ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        other => other,
    }
}

/// SQL `LIKE` with `%`, `_` and the backslash, without letter case and accents.
pub(super) fn like(text: &str, pattern: &str) -> bool {
    let fold = |text: &str| text.chars().flat_map(char::to_lowercase).map(without_accent).collect::<Vec<_>>();
    let (text, pattern) = (fold(text), fold(pattern));
    let (mut at, mut next) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        let (matched, width) = match (pattern.get(next), pattern.get(next + 1)) {
            (Some('%'), _) => {
                back = Some((at, next + 1));
                next += 1;
                continue;
            }
            (Some('_'), _) => (at < text.len(), 1),
            (Some('\\'), Some(escaped)) => (text.get(at) == Some(escaped), 2),
            (Some(plain), _) => (text.get(at) == Some(plain), 1),
            (None, _) if at == text.len() => return true,
            (None, _) => (false, 0),
        };
        if matched {
            at += 1;
            next += width;
        } else {
            match back {
                Some((start, resume)) if start < text.len() => {
                    back = Some((start + 1, resume));
                    at = start + 1;
                    next = resume;
                }
                _ => return false,
            }
        }
    }
}

/// How a column is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Number,
    Text,
}

/// Whether the column's value, NULL when none, passes; NULL passes only the tests for emptiness.
pub(super) fn passes(value: Option<&str>, column: Column, operator: Operator, literals: &[Literal]) -> bool {
    let blank = |value: &str| value.is_empty() || (column == Column::Number && leading_number(value) == 0.0);
    match operator {
        Operator::Empty => return value.is_none_or(str::is_empty),
        Operator::NotEmpty => return value.is_some_and(|value| !blank(value)),
        _ => {}
    }
    let Some(value) = value else { return false };
    let first = literals.first().map_or("", Literal::text);
    let order = |literal: &Literal| {
        if column == Column::Number || matches!(literal, Literal::Number(_)) {
            let (left, right) = (leading_number(value), leading_number(literal.text()));
            left.partial_cmp(&right).unwrap_or(Ordering::Equal)
        } else {
            folded(value).cmp(&folded(literal.text()))
        }
    };
    let first_order = || literals.first().map_or(Ordering::Equal, order);
    match operator {
        Operator::Equal => first_order().is_eq(),
        Operator::Different => first_order().is_ne(),
        Operator::Less => first_order().is_lt(),
        Operator::Greater => first_order().is_gt(),
        Operator::LessOrEqual => first_order().is_le(),
        Operator::GreaterOrEqual => first_order().is_ge(),
        Operator::In => literals.iter().any(|literal| order(literal).is_eq()),
        Operator::NotIn => !literals.iter().any(|literal| order(literal).is_eq()),
        Operator::Like => like(value, first),
        Operator::Contains => folded(value).contains(&folded(first)),
        Operator::NotContains => !folded(value).contains(&folded(first)),
        Operator::StartsWith => folded(value).starts_with(&folded(first)),
        Operator::EndsWith => folded(value).ends_with(&folded(first)),
        Operator::Empty | Operator::NotEmpty => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letter_case_and_accents_do_not_count() {
        assert_eq!(folded("VALÈNCIA "), folded("valencia"));
        assert!(passes(
            Some("Ana@Acme.example"),
            Column::Text,
            Operator::Equal,
            &[Literal::Text("ana@acme.EXAMPLE".to_owned())]
        ));
    }

    #[test]
    fn like_knows_its_wildcards_and_their_escape() {
        assert!(like("ACME & Söhne", "acme%"));
        assert!(like("100% _x_", "100\\% \\_x\\_"));
        assert!(!like("100x _x_", "100\\% %"));
        assert!(like("abc", "_%c"));
        assert!(like("", "%"));
        assert!(!like("", "_"));
        assert!(like("aXbXc", "%x%c"));
        assert!(!like("abc", "ab"));
    }

    #[test]
    fn null_passes_only_the_tests_for_emptiness() {
        let literal = [Literal::Text("x".to_owned())];
        assert!(!passes(None, Column::Text, Operator::Different, &literal));
        assert!(passes(None, Column::Text, Operator::Empty, &[]));
        assert!(passes(Some(""), Column::Text, Operator::Empty, &[]));
    }

    #[test]
    fn a_number_compares_by_leading_digits() {
        let five = [Literal::Number("5".to_owned())];
        assert!(passes(Some("5 apples"), Column::Text, Operator::Equal, &five));
        assert!(passes(Some("10.000"), Column::Number, Operator::Greater, &[Literal::Text("9".to_owned())]));
    }
}
