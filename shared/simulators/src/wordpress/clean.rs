//! How WordPress cleans and checks names, addresses and texts.

/// `sanitize_user` in its strict form: what is left of a login.
pub(crate) fn login(text: &str) -> String {
    let stripped = strip_tags(text);
    let kept: String =
        stripped.chars().filter(|c| c.is_ascii_alphanumeric() || " _.-@".contains(*c)).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `is_email`.
pub(crate) fn is_email(text: &str) -> bool {
    if text.len() < 6 {
        return false;
    }
    let Some((local, domain)) = text.split_once('@') else { return false };
    let local_fits = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~.-".contains(c);
    if local.is_empty() || !local.chars().all(local_fits) || domain.contains("..") {
        return false;
    }
    let labels: Vec<&str> = domain.split('.').collect();
    let label_fits = |label: &&str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
    };
    labels.len() >= 2 && labels.iter().all(label_fits)
}

/// `sanitize_text_field`: tags and line ends go, blanks become one.
pub(crate) fn text(text: &str) -> String {
    strip_tags(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn strip_tags(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        let (before, tag) = rest.split_at(start);
        kept.push_str(before);
        match tag.find('>') {
            Some(end) => rest = tag.get(end + 1..).unwrap_or_default(),
            None => return kept,
        }
    }
    kept.push_str(rest);
    kept
}

/// `sanitize_title` of a login: the last part of the address of somebody's page.
pub(crate) fn slug(login: &str) -> String {
    let start: String = login.chars().take(50).collect();
    let mut slug = String::new();
    for c in start.to_lowercase().chars() {
        match c {
            'a'..='z' | '0'..='9' | '_' => slug.push(c),
            '.' | ' ' | '-' if !slug.ends_with('-') => slug.push('-'),
            _ => {}
        }
    }
    slug.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_judged_as_wordpress_does() {
        for good in ["a@b.co", "ann+tag@x.test", "o'neil@x.test", "A.B@sub.x-y.test"] {
            assert!(is_email(good), "{good}");
        }
        for bad in
            ["not an email", "a@b", "a@.co", "@b.com", "jürgen@x.test", "a@b..com", "a b@c.com", "a@-b.com"]
        {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn what_is_left_of_a_login_and_of_a_text() {
        assert_eq!(login("ann+tag@x.test"), "anntag@x.test");
        assert_eq!(login("  a   b "), "a b");
        assert_eq!(slug("jane.doe@example.com"), "jane-doeexample-com");
        assert_eq!(text("O'Neil <b>x</b>\n y"), "O'Neil x y");
    }
}
