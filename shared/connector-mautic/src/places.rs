//! Countries and regions: codes, and names in other languages, as the names that Mautic accepts.
//!
//! Mautic takes names from lists of its own and refuses everything else, codes included (recorded: B35, B36). What is in
//! none of the tables goes to Mautic as it is: its lists grow with its versions.

use std::collections::BTreeMap;
use std::sync::LazyLock;

static COUNTRIES: LazyLock<BTreeMap<String, &'static str>> =
    LazyLock::new(|| table(include_str!("countries.txt"), 2));
static REGIONS: LazyLock<BTreeMap<String, &'static str>> =
    LazyLock::new(|| table(include_str!("regions.txt"), 1));

/// Mautic's name of a country.
pub(crate) fn country(text: &str) -> String {
    known(&COUNTRIES, text)
}

/// Mautic's name of a region.
pub(crate) fn region(text: &str) -> String {
    known(&REGIONS, text)
}

fn known(table: &BTreeMap<String, &'static str>, text: &str) -> String {
    table.get(&plain(text)).map_or_else(|| text.to_owned(), |name| (*name).to_owned())
}

/// Reads a table: lines of codes and names, of which the first is Mautic's. A name counts more than a code.
fn table(text: &'static str, codes: usize) -> BTreeMap<String, &'static str> {
    let mut table = BTreeMap::new();
    let lines = || text.lines().filter(|line| !line.starts_with('#'));
    for line in lines() {
        let (codes_of, names) = split(line, codes);
        let Some(name) = names.first().copied() else { continue };
        for code in codes_of.iter().filter(|code| **code != "-") {
            table.insert(plain(code), name);
        }
        for other in names.iter().skip(1) {
            table.insert(plain(other), name);
        }
    }
    for line in lines() {
        if let Some(name) = split(line, codes).1.first().copied() {
            table.insert(plain(name), name);
        }
    }
    table
}

fn split(line: &str, codes: usize) -> (Vec<&str>, Vec<&str>) {
    let mut parts = line.splitn(codes + 1, ' ');
    let codes = parts.by_ref().take(codes).collect();
    let names = parts.next().unwrap_or_default().split(';').map(str::trim).filter(|name| !name.is_empty());
    (codes, names.collect())
}

/// A name without case, accents, points and hyphens.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for letter in text.chars().flat_map(char::to_lowercase) {
        match letter {
            'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'ā' => plain.push('a'),
            'é' | 'è' | 'ê' | 'ë' => plain.push('e'),
            'í' | 'ì' | 'î' | 'ï' => plain.push('i'),
            'ó' | 'ò' | 'ô' | 'ö' | 'õ' => plain.push('o'),
            'ú' | 'ù' | 'û' | 'ü' => plain.push('u'),
            'ç' | 'č' => plain.push('c'),
            'ñ' => plain.push('n'),
            'ß' => plain.push_str("ss"),
            // A capital with a dot is two letters in small.
            '.' | '\'' | '’' | '\u{307}' => {}
            '-' | '\u{a0}' => plain.push(' '),
            other => plain.push(other),
        }
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_in_other_languages_become_the_names_that_mautic_accepts() {
        for (written, name) in [
            ("ES", "Spain"),
            ("esp", "Spain"),
            ("España", "Spain"),
            ("ESPAÑA", "Spain"),
            ("spain", "Spain"),
            ("Deutschland", "Germany"),
            ("EE.UU.", "United States"),
            ("U.S.A.", "United States"),
            ("The Netherlands", "Netherlands"),
            ("México", "Mexico"),
            ("Côte d'Azur", "Côte d'Azur"),
            ("Republic of Moldova", "Moldova"),
            ("Åland", "Åland Islands"),
            ("", ""),
        ] {
            assert_eq!(country(written), name, "{written}");
        }
        for (written, name) in [
            ("WA", "Washington"),
            ("tx", "Texas"),
            ("Québec", "Quebec"),
            ("Cádiz", "Cadiz"),
            ("A Coruña", "La Coruna"),
            ("Baden Württemberg", "Baden-Württemberg"),
            ("Bavaria", "Bayern"),
            ("Somewhere", "Somewhere"),
        ] {
            assert_eq!(region(written), name, "{written}");
        }
    }

    #[test]
    fn no_name_or_code_stands_for_two_places() {
        for (text, codes) in [(include_str!("countries.txt"), 2), (include_str!("regions.txt"), 1)] {
            let mut seen: BTreeMap<String, &str> = BTreeMap::new();
            for line in text.lines().filter(|line| !line.starts_with('#')) {
                let (codes, names) = split(line, codes);
                let name = *names.first().expect("a name");
                let known = codes.into_iter().filter(|code| *code != "-").chain(names);
                for written in known {
                    let before = seen.insert(plain(written), name);
                    assert!(before.is_none_or(|before| before == name), "{written}: {name}, {before:?}");
                }
            }
            assert!(seen.len() > 100);
        }
    }

    #[test]
    fn a_name_of_mautics_stays_as_it_is() {
        for name in COUNTRIES.values() {
            assert_eq!(country(name), *name);
        }
        for name in REGIONS.values() {
            assert_eq!(region(name), *name);
        }
    }
}
