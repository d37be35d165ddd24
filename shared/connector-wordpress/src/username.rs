//! Logins that WordPress takes: `A-Z a-z 0-9 blank _ . - @`, 60 characters at most.

/// The longest login, in characters.
pub const LONGEST: usize = 60;

/// What WordPress would take of a login, as its own forms cut it: `ann+tag@x.test` becomes `anntag@x.test`.
///
/// Letters with accents go, as they do there. `user` where nothing is left.
pub fn acceptable(wanted: &str) -> String {
    let kept: String = wanted.chars().filter(|c| c.is_ascii_alphanumeric() || " _.-@".contains(*c)).collect();
    let words = kept.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = words.chars().take(LONGEST).collect();
    let cut = cut.trim_end();
    if cut.is_empty() { "user".to_owned() } else { cut.to_owned() }
}

/// The login with a number at its end, still short enough: what is tried where it is taken.
pub fn numbered(login: &str, number: u32) -> String {
    let number = number.to_string();
    let room = LONGEST.saturating_sub(number.len());
    let start: String = login.chars().take(room).collect();
    format!("{start}{number}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_become_logins_that_are_taken() {
        let cases = [
            ("ann+tag@x.test", "anntag@x.test"),
            ("o'neil@x.test", "oneil@x.test"),
            ("jürgen@x.test", "jrgen@x.test"),
            ("  Ana   Lopez ", "Ana Lopez"),
            ("+++", "user"),
            ("", "user"),
        ];
        for (wanted, login) in cases {
            assert_eq!(acceptable(wanted), login);
        }
    }

    #[test]
    fn no_login_is_too_long_and_a_number_stays_at_its_end() {
        let long = acceptable(&"a".repeat(200));
        assert_eq!(long.len(), LONGEST);
        let second = numbered(&long, 12_345);
        assert_eq!((second.len(), second.ends_with("a12345")), (LONGEST, true));
        assert_eq!(numbered("ana", 2), "ana2");
    }
}
