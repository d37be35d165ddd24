//! Which function a request goes to.
//!
//! Source: API Gateway developer guide, "Create routes for HTTP APIs": the most specific route wins, then a greedy
//! one, then `$default`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::template::FunctionSpec;

/// A route of the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Upper-case method, or `ANY`.
    pub method: String,
    /// Path with `{name}` and `{name+}` variables, or `$default`.
    pub path: String,
    /// Name of the function.
    pub function: String,
    /// How long the gateway waits.
    pub timeout: Duration,
}

impl Route {
    /// `POST /webhooks/mautic`, as the event names it; `$default` for the default route.
    pub(crate) fn key(&self) -> String {
        if self.path == "$default" { self.path.clone() } else { format!("{} {}", self.method, self.path) }
    }
}

/// All routes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Routes(Vec<Route>);

/// A route and the values of its path variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match<'r> {
    pub(crate) route: &'r Route,
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Routes {
    pub(crate) fn new<'f>(functions: impl IntoIterator<Item = &'f FunctionSpec>) -> Self {
        let routes = functions.into_iter().flat_map(|function| {
            function.routes().map(|route| Route {
                method: route.method.clone(),
                path: route.path.clone(),
                function: function.name.clone(),
                timeout: route.timeout,
            })
        });
        Self(routes.collect())
    }

    pub(crate) fn all(&self) -> &[Route] {
        &self.0
    }

    /// The most specific route for a method and a decoded path.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<Match<'_>> {
        let candidates = self.0.iter().filter(|route| route.method == method || route.method == "ANY");
        let matching = candidates.filter_map(|route| {
            let (rank, parameters) = matches(&route.path, path)?;
            // Of two equally specific paths the one with the method wins.
            Some(((rank, route.method != "ANY"), Match { route, parameters }))
        });
        matching.max_by(|(left, _), (right, _)| left.cmp(right)).map(|(_, found)| found)
    }
}

/// How specific each segment is; longer and larger is more specific.
type Rank = Vec<u8>;

fn matches(pattern: &str, path: &str) -> Option<(Rank, BTreeMap<String, String>)> {
    let mut parameters = BTreeMap::new();
    if pattern == "$default" {
        return Some((Vec::new(), parameters));
    }
    let mut rank = Vec::new();
    let mut segments = path.strip_prefix('/')?.split('/');
    for expected in pattern.strip_prefix('/')?.split('/') {
        let variable = expected.strip_prefix('{').and_then(|inner| inner.strip_suffix('}'));
        let greedy = variable.and_then(|variable| variable.strip_suffix('+'));
        if let Some(greedy) = greedy {
            let rest: Vec<&str> = segments.by_ref().collect();
            if rest.is_empty() || rest == [""] {
                return None;
            }
            parameters.insert(greedy.to_owned(), rest.join("/"));
            rank.push(1);
        } else if let Some(variable) = variable {
            let value = segments.next().filter(|value| !value.is_empty())?;
            parameters.insert(variable.to_owned(), value.to_owned());
            rank.push(2);
        } else {
            if segments.next()? != expected {
                return None;
            }
            rank.push(3);
        }
    }
    segments.next().is_none().then_some((rank, parameters))
}

/// Says what is wrong with a path of the template.
pub(crate) fn check_path(path: &str) -> Result<(), String> {
    if path == "$default" {
        return Ok(());
    }
    let segments: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    for (index, segment) in segments.iter().enumerate() {
        if !segment.contains(['{', '}']) {
            continue;
        }
        let name = segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}'));
        let plain = name.map(|name| name.strip_suffix('+').unwrap_or(name));
        let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        match plain {
            Some(plain) if !plain.is_empty() && plain.chars().all(letters) => {}
            _ => return Err(format!("`{segment}` is neither text nor one {{variable}}")),
        }
        if segment.ends_with("+}") && index + 1 < segments.len() {
            return Err(format!("the greedy variable `{segment}` must come last"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(routes: &[(&str, &str)]) -> Routes {
        let route = |(method, path): &(&str, &str)| Route {
            method: (*method).to_owned(),
            path: (*path).to_owned(),
            function: String::new(),
            timeout: Duration::from_secs(30),
        };
        Routes(routes.iter().map(route).collect())
    }

    #[test]
    fn the_most_specific_route_wins_as_the_developer_guide_shows() {
        let table = routes(&[
            ("GET", "/pets/dog/1"),
            ("GET", "/pets/dog/{id}"),
            ("GET", "/pets/{proxy+}"),
            ("ANY", "/{proxy+}"),
            ("ANY", "$default"),
        ]);
        for (method, path, expected) in [
            ("GET", "/pets/dog/1", "GET /pets/dog/1"),
            ("GET", "/pets/dog/2", "GET /pets/dog/{id}"),
            ("GET", "/pets/cat/1", "GET /pets/{proxy+}"),
            ("POST", "/test/5", "ANY /{proxy+}"),
            ("POST", "/pets/dog/1", "ANY /{proxy+}"),
            ("GET", "/", "$default"),
        ] {
            assert_eq!(table.find(method, path).unwrap().route.key(), expected, "{method} {path}");
        }
    }

    #[test]
    fn variables_take_one_segment_and_greedy_variables_the_rest() {
        let table = routes(&[("GET", "/a/{one}/b"), ("GET", "/files/{path+}")]);
        let found = table.find("GET", "/a/x y/b").unwrap();
        assert_eq!(found.parameters, BTreeMap::from([("one".to_owned(), "x y".to_owned())]));
        let found = table.find("GET", "/files/1/2/3").unwrap();
        assert_eq!(found.parameters, BTreeMap::from([("path".to_owned(), "1/2/3".to_owned())]));
        for (method, path) in
            [("GET", "/a//b"), ("GET", "/a/x/b/"), ("GET", "/files/"), ("POST", "/a/x/b"), ("GET", "a")]
        {
            assert!(table.find(method, path).is_none(), "{method} {path}");
        }
    }

    #[test]
    fn a_bad_variable_in_a_path_is_named() {
        for path in ["/{", "/a{b}", "/{}", "/{+}", "/{a+}/b", "/{a b}"] {
            assert!(check_path(path).is_err(), "{path}");
        }
        for path in ["$default", "/", "/a/{b}/{c+}", "/v1.0/x-y_z"] {
            assert_eq!(check_path(path), Ok(()), "{path}");
        }
    }
}
