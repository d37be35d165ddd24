//! The URL of a system as an administrator writes it, checked once.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

/// The address of a system: https, or http on the loopback interface; never credentials, query or fragment.
///
/// The path always ends with a slash, so that paths of an API can be joined to it: a system may live in a folder.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// Why a text is not the URL of a system. Never repeats the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlError {
    /// Not a URL at all.
    #[error("not a URL: write it like https://crm.example.com")]
    NotAUrl,
    /// Another scheme than http or https.
    #[error("only https:// is spoken (and http:// on loopback)")]
    Scheme,
    /// Plain HTTP to another machine.
    #[error(
        "http:// is allowed on loopback only, because credentials travel with every request: write https://"
    )]
    PlainHttp,
    /// A user name or password in the URL.
    #[error("the URL holds a user name or password: they belong into the credentials")]
    Credentials,
    /// A query or a fragment.
    #[error("the URL has a `?` or `#` part: write only the address of the system")]
    QueryOrFragment,
}

impl BaseUrl {
    /// Checks the text of a URL.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let mut url = Url::parse(text.trim()).map_err(|_| BaseUrlError::NotAUrl)?;
        check_transport(&url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BaseUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseUrlError::QueryOrFragment);
        }
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(Self(url))
    }

    /// The same URL with `segments` joined to its path, each percent-encoded where needed.
    pub fn join<'a>(&self, segments: impl IntoIterator<Item = &'a str>) -> Url {
        let mut url = self.0.clone();
        // An http(s) URL always has path segments; without them the URL stays as it is.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    /// The URL without its last path segment when that is `name`, as in `https://crm.example.com/webservice.php`.
    #[must_use]
    pub fn without_last(self, name: &str) -> Self {
        let Some(rest) = self.0.path().strip_suffix(&format!("/{name}/")) else { return self };
        let path = format!("{rest}/");
        let mut url = self.0;
        url.set_path(&path);
        Self(url)
    }

    /// The text, without the last slash.
    pub fn as_str(&self) -> &str {
        self.0.as_str().trim_end_matches('/')
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BaseUrl({})", self.as_str())
    }
}

/// Refuses URLs that would carry credentials over a network in clear text.
pub(crate) fn check_transport(url: &Url) -> Result<(), BaseUrlError> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        "http" => Err(BaseUrlError::PlainHttp),
        _ => Err(BaseUrlError::Scheme),
    }
}

/// Whether the host is this machine. `localhost` and names below it never leave it (RFC 6761, section 6.3).
fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_loopback_only() {
        for allowed in
            ["http://127.0.0.1:8080", "http://127.9.9.9", "http://localhost/mautic", "http://[::1]:1"]
        {
            assert!(BaseUrl::parse(allowed).is_ok(), "{allowed}");
        }
        for refused in
            ["http://crm.example.com", "http://10.0.0.1", "http://localhost.example.com", "http://[::2]"]
        {
            assert_eq!(BaseUrl::parse(refused), Err(BaseUrlError::PlainHttp), "{refused}");
        }
        assert_eq!(BaseUrl::parse("ftp://localhost"), Err(BaseUrlError::Scheme));
        assert_eq!(BaseUrl::parse("crm.example.com"), Err(BaseUrlError::NotAUrl));
    }

    #[test]
    fn what_belongs_elsewhere_is_refused_without_being_repeated() {
        let error = BaseUrl::parse("https://ana:geheim@crm.example.com").unwrap_err();
        assert_eq!(error, BaseUrlError::Credentials);
        assert!(!error.to_string().contains("geheim"));
        assert_eq!(BaseUrl::parse("https://crm.example.com/?a=1"), Err(BaseUrlError::QueryOrFragment));
    }

    #[test]
    fn segments_are_joined_below_a_folder_and_cannot_leave_it() {
        let base = BaseUrl::parse("https://example.com/crm").unwrap();
        assert_eq!(base.join(["api", "contacts", "47"]).as_str(), "https://example.com/crm/api/contacts/47");
        assert_eq!(base.join(["a/b?c"]).as_str(), "https://example.com/crm/a%2Fb%3Fc");
        assert_eq!(base.join(["..", "x"]).as_str(), "https://example.com/crm/x");
    }

    #[test]
    fn a_known_last_segment_can_be_left_out() {
        let with = BaseUrl::parse("https://example.com/crm/webservice.php").unwrap();
        assert_eq!(with.without_last("webservice.php").as_str(), "https://example.com/crm");
        let without = BaseUrl::parse("https://example.com").unwrap();
        assert_eq!(without.without_last("webservice.php").as_str(), "https://example.com");
    }
}
