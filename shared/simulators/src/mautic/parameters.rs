//! Request parameters as PHP reads them: query strings and form bodies with `a[b][]=c`, JSON bodies.

use indexmap::IndexMap;

use super::php::Php;

/// How deep `a[b][c]...` may nest before the rest is ignored (PHP's `max_input_nesting_level`).
const NESTING_LIMIT: usize = 64;

/// A body that is not what its content type says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Reads a query string or a form body.
pub(crate) fn parse_form(text: &[u8]) -> Php {
    let mut root = Php::Map(IndexMap::new());
    for (name, value) in url::form_urlencoded::parse(text) {
        let (head, rest) = match name.find('[') {
            Some(0) | None => (name.as_ref(), ""),
            Some(start) => name.split_at(start),
        };
        let mut path = vec![head.to_owned()];
        path.extend(
            rest.split('[')
                .skip(1)
                .filter_map(|part| part.split_once(']').map(|(key, _)| key.to_owned()))
                .take(NESTING_LIMIT),
        );
        insert(&mut root, &path, Php::Text(value.into_owned()));
    }
    lists(root)
}

fn insert(target: &mut Php, path: &[String], value: Php) {
    let Some((key, rest)) = path.split_first() else {
        *target = value;
        return;
    };
    if !matches!(target, Php::Map(_)) {
        *target = Php::Map(IndexMap::new());
    }
    if let Php::Map(entries) = target {
        let key = if key.is_empty() { entries.len().to_string() } else { key.clone() };
        insert(entries.entry(key).or_insert(Php::Null), rest, value);
    }
}

/// Arrays whose keys count from 0 become lists.
fn lists(value: Php) -> Php {
    match value {
        Php::Map(entries) => {
            let entries: IndexMap<_, _> =
                entries.into_iter().map(|(key, value)| (key, lists(value))).collect();
            if entries.is_empty() { Php::Map(entries) } else { Php::array(entries) }
        }
        other => other,
    }
}

/// Reads a request body by its content type.
///
/// A type that is neither JSON nor a form gives no parameters at all: Mautic then works on an empty
/// request (capture E43).
pub(crate) fn parse_body(content_type: &str, body: &[u8]) -> Result<Php, Malformed> {
    let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if body.is_empty() {
        return Ok(Php::Map(IndexMap::new()));
    }
    match kind.as_str() {
        "application/json" | "application/x-json" => {
            let value: serde_json::Value = serde_json::from_slice(body).map_err(|_| Malformed)?;
            match Php::from(&value) {
                parameters @ (Php::Map(_) | Php::List(_)) => Ok(parameters),
                _ => Err(Malformed),
            }
        }
        "application/x-www-form-urlencoded" => Ok(parse_form(body)),
        _ => Ok(Php::Map(IndexMap::new())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_nest_as_in_php() {
        let query = b"where%5B0%5D%5Bcol%5D=id&where[0][val]=2&limit=3&tags[]=a&tags[]=b";
        let parsed = parse_form(query);
        assert_eq!(
            parsed.to_json(),
            serde_json::json!({"where": [{"col": "id", "val": "2"}], "limit": "3", "tags": ["a", "b"]})
        );
    }

    #[test]
    fn odd_brackets_do_no_harm() {
        assert_eq!(parse_form(b"[x]=1").to_json(), serde_json::json!({"[x]": "1"}));
        assert_eq!(parse_form(b"a[b=1&a[=2").to_json(), serde_json::json!({"a": "2"}));
        assert_eq!(parse_form(b"a=1&a[b]=2").to_json(), serde_json::json!({"a": {"b": "2"}}));
    }

    #[test]
    fn text_plain_gives_no_parameters_and_broken_json_is_refused() {
        assert_eq!(parse_body("text/plain", b"hello"), Ok(Php::Map(IndexMap::new())));
        assert_eq!(parse_body("application/json", b"{\"email\": \"broken"), Err(Malformed));
        assert_eq!(
            parse_body("application/json; charset=utf-8", b"[\"a\"]").map(|php| php.to_json()),
            Ok(serde_json::json!(["a"]))
        );
    }
}
