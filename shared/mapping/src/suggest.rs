//! "Did you mean ...?"

/// The candidate that was probably meant by a name, if one is near enough.
pub fn suggestion<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    let near = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        // What begins with the name, or with which the name begins, is nearer than any typing error.
        if lower.len() >= 3
            && (candidate.starts_with(&lower) || lower.starts_with(&candidate))
            && candidate.len() >= 3
        {
            return 0.99 + 0.01 * strsim::normalized_levenshtein(&lower, &candidate);
        }
        // What another name has in front, `company_corebos_id` for `corebos_id`, is left out often.
        if lower.len() >= 5 && candidate.ends_with(&format!("_{lower}")) {
            return 0.98;
        }
        strsim::normalized_damerau_levenshtein(&lower, &candidate)
    };
    candidates
        .into_iter()
        .map(|candidate| (near(candidate), candidate))
        .filter(|(nearness, _)| *nearness >= 0.75)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested() {
        let names = ["zipcode", "city", "state", "firstname", "fax"];
        assert_eq!(suggestion("zip", names), Some("zipcode"));
        assert_eq!(suggestion("frstname", names), Some("firstname"));
        assert_eq!(suggestion("FAX", names), Some("fax"));
        assert_eq!(suggestion("corebos_id", names), None);
        assert_eq!(suggestion("corebos_id", ["company_corebos_id"]), Some("company_corebos_id"));
        assert_eq!(suggestion("mobile", ["companyphone", "timezone"]), None);
    }
}
