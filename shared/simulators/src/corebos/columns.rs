//! Widths of coreBOS's database columns: longer text is cut without an error.
//!
//! `lastname` is recorded (A076); the integration fields are what their installers create; the others are the
//! install schema's (`schema/DatabaseSchema.xml` of tsolucio/corebos, commit 0068c9e4).

/// What coreBOS's layout editor gives a text field unless told otherwise.
const USUAL_WIDTH: usize = 255;

/// Fields of any module whose column has no practical limit.
const UNLIMITED: [&str; 3] = ["description", "content", "contentjson"];

/// Module, fields and their width in characters; `*` stands for any module. The first row that fits counts.
const WIDTHS: [(&str, &[&str], usize); 20] = [
    ("*", &["hubspotid"], 25),
    ("*", &["mautic_id", "from_externalsource"], 200),
    ("*", &["leadsource", "industry", "rating", "accounttype", "salutationtype", "sales_stage"], 200),
    ("*", &["hubspotrecord", "mailingstreet", "otherstreet", "bill_street", "ship_street", "lane"], 250),
    ("Contacts", &["firstname", "mailingcity", "othercity", "mailingcountry"], 40),
    ("Contacts", &["lastname"], 80),
    ("Contacts", &["email", "secondaryemail"], 100),
    (
        "Contacts",
        &["phone", "mobile", "homephone", "otherphone", "fax", "assistantphone", "title", "otherstate"],
        50,
    ),
    ("Contacts", &["assistant", "mailingstate", "mailingzip", "mailingpobox"], 30),
    ("Contacts", &["othercountry", "otherzip", "otherpobox"], 30),
    ("Contacts", &["department"], 230),
    ("Contacts", &["imagename"], 150),
    ("Accounts", &["accountname", "website", "email1", "email2"], 100),
    ("Accounts", &["ownership", "siccode"], 50),
    ("Accounts", &["tickersymbol", "phone", "otherphone", "fax"], 30),
    ("Accounts", &["bill_city", "bill_code", "bill_country", "bill_state", "bill_pobox"], 30),
    ("Accounts", &["ship_city", "ship_code", "ship_country", "ship_state", "ship_pobox"], 30),
    ("Leads", &["firstname"], 40),
    ("Leads", &["lastname"], 80),
    ("Leads", &["company", "email", "secondaryemail"], 100),
];

/// As [`WIDTHS`], for what is left of leads and potentials.
const MORE_WIDTHS: [(&str, &[&str], usize); 5] = [
    ("Leads", &["phone", "mobile", "fax", "designation", "leadstatus"], 50),
    ("Leads", &["city", "code", "state", "pobox", "country"], 30),
    ("Potentials", &["potentialname"], 120),
    ("Potentials", &["nextstep"], 100),
    ("Potentials", &["opportunity_type"], 200),
];

/// How many characters the field holds; none when its column is a text area without a practical limit.
pub(crate) fn width(module: &str, field: &str) -> Option<usize> {
    if UNLIMITED.contains(&field) {
        return None;
    }
    let row = WIDTHS
        .iter()
        .chain(&MORE_WIDTHS)
        .find(|(each, fields, _)| (*each == "*" || *each == module) && fields.contains(&field));
    Some(row.map_or(USUAL_WIDTH, |(_, _, width)| *width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_depend_on_the_module() {
        assert_eq!(width("Contacts", "lastname"), Some(80));
        assert_eq!(width("Contacts", "phone"), Some(50));
        assert_eq!(width("Accounts", "phone"), Some(30));
        assert_eq!(width("Accounts", "description"), None);
        assert_eq!(width("Contacts", "cf_900"), Some(255));
        assert_eq!(width("Leads", "hubspotid"), Some(25));
    }
}
