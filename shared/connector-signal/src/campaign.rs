//! The campaign that brought a visitor: the five UTM parameters, and the page where it began.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::wire::{bounded, member};

/// The longest part of a campaign that is kept, in characters.
const LONGEST_PART: usize = 190;
/// The longest address of a page that is kept, in characters.
const LONGEST_URL: usize = 1_000;

/// A campaign. Parts that nobody named are blank.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Campaign {
    /// `utm_source`.
    pub source: String,
    /// `utm_medium`.
    pub medium: String,
    /// `utm_campaign`.
    pub name: String,
    /// `utm_content`.
    pub content: String,
    /// `utm_term`.
    pub term: String,
    /// The page on which the visitor was.
    pub url: String,
    /// The page that led there.
    pub referrer: String,
}

/// Shows which parts there are, not what they say: a page's address may name a person.
impl std::fmt::Debug for Campaign {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = self.parts();
        let named: Vec<&str> =
            parts.iter().filter(|(_, value)| !value.is_empty()).map(|(name, _)| *name).collect();
        write!(f, "Campaign({})", named.join(", "))
    }
}

impl Campaign {
    /// The five parameters by their names.
    pub fn parts(&self) -> [(&'static str, &str); 5] {
        [
            ("utm_source", &self.source),
            ("utm_medium", &self.medium),
            ("utm_campaign", &self.name),
            ("utm_content", &self.content),
            ("utm_term", &self.term),
        ]
    }

    /// Whether it is the same campaign, on whatever page.
    pub fn is_same(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }

    /// The campaign that an event names: `context.campaign`, else the parameters of its page.
    pub(crate) fn of(context: &Json, properties: &Json) -> Option<Self> {
        let page = context.get("page").unwrap_or(&Json::Null);
        let text = |holder: &Json, names: &[&str], most| {
            member(holder, names).and_then(|value| bounded(value, most)).unwrap_or_default()
        };
        let sent = context.get("campaign").unwrap_or(&Json::Null);
        let part = |names: &[&str]| text(sent, names, LONGEST_PART);
        let mut campaign = Self {
            source: part(&["source"]),
            medium: part(&["medium"]),
            name: part(&["name", "campaign"]),
            content: part(&["content"]),
            term: part(&["term"]),
            url: String::new(),
            referrer: String::new(),
        };
        if campaign.is_unnamed() {
            for holder in [page, properties] {
                campaign.read_query(&text(holder, &["search"], LONGEST_URL));
                let url = text(holder, &["url"], LONGEST_URL);
                campaign.read_query(url.split_once('?').map_or("", |(_, query)| query));
            }
        }
        if campaign.is_unnamed() {
            return None;
        }
        let first = |names: &[&str]| {
            let found = text(page, names, LONGEST_URL);
            if found.is_empty() { text(properties, names, LONGEST_URL) } else { found }
        };
        campaign.url = first(&["url"]);
        campaign.referrer = first(&["referrer", "referer"]);
        Some(campaign)
    }

    fn is_unnamed(&self) -> bool {
        self.parts().iter().all(|(_, value)| value.is_empty())
    }

    /// Fills blank parts from `?utm_source=...`.
    fn read_query(&mut self, query: &str) {
        let query = query.trim_start_matches('?');
        let query = query.split_once('#').map_or(query, |(query, _)| query);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let part = match name.as_ref() {
                "utm_source" => &mut self.source,
                "utm_medium" => &mut self.medium,
                "utm_campaign" => &mut self.name,
                "utm_content" => &mut self.content,
                "utm_term" => &mut self.term,
                _ => continue,
            };
            let value = value.trim();
            if part.is_empty() && value.chars().count() <= LONGEST_PART {
                value.clone_into(part);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_campaign_is_read_from_its_context_else_from_the_page() {
        let context = json!({ "campaign": { "source": "newsletter", "name": "june" },
            "page": { "search": "?utm_source=other", "url": "https://a.example/?x=1", "referrer": "https://b.example/" } });
        let campaign = Campaign::of(&context, &Json::Null).unwrap();
        assert_eq!((campaign.source.as_str(), campaign.name.as_str()), ("newsletter", "june"));
        assert_eq!((campaign.url.as_str(), campaign.medium.as_str()), ("https://a.example/?x=1", ""));
        let page =
            json!({ "page": { "url": "https://a.example/p?utm_source=a%20b&utm_term=t#utm_medium=no" } });
        let campaign = Campaign::of(&page, &Json::Null).unwrap();
        assert_eq!(
            (campaign.source.as_str(), campaign.term.as_str(), campaign.medium.as_str()),
            ("a b", "t", "")
        );
        let properties = json!({ "search": "utm_campaign=june" });
        assert_eq!(Campaign::of(&json!({ "campaign": {} }), &properties).unwrap().name, "june");
        assert_eq!(Campaign::of(&json!({ "page": { "url": "https://a.example/?q=1" } }), &Json::Null), None);
    }

    #[test]
    fn the_same_campaign_on_another_page_is_the_same() {
        let here = Campaign { source: "a".into(), url: "https://a.example/1".into(), ..Campaign::default() };
        let there = Campaign { url: "https://a.example/2".into(), ..here.clone() };
        assert!(here.is_same(&there) && here != there);
        assert!(!format!("{here:?}").contains("example"));
    }
}
