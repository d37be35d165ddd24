//! Widths of coreBOS's database columns: longer text is cut without an error.
//!
//! `lastname` is recorded (A076); the integration fields are what their installers create; the others are the
//! install schema's (`schema/DatabaseSchema.xml` of tsolucio/corebos, commit 0068c9e4).

/// How many characters the field holds; none when its column is a text area without a practical limit.
pub(crate) fn width(module: &str, field: &str) -> Option<usize> {
    let width = match (module, field) {
        (_, "hubspotid") => 25,
        (_, "mautic_id" | "from_externalsource") => 200,
        (_, "hubspotrecord" | "mailingstreet" | "otherstreet" | "bill_street" | "ship_street" | "lane") => {
            250
        }
        ("Contacts" | "Leads", "firstname")
        | ("Contacts", "mailingcity" | "othercity" | "mailingcountry") => 40,
        ("Contacts" | "Leads", "lastname") => 80,
        ("Contacts", "department") => 230,
        ("Contacts", "imagename") => 150,
        ("Accounts", "tickersymbol" | "phone" | "otherphone" | "fax")
        | ("Contacts", "assistant" | "mailingstate" | "mailingzip" | "mailingpobox")
        | ("Contacts", "othercountry" | "otherzip" | "otherpobox")
        | ("Leads", "city" | "code" | "state" | "pobox" | "country")
        | (
            "Accounts",
            "bill_city" | "bill_code" | "bill_country" | "bill_state" | "bill_pobox" | "ship_city"
            | "ship_code" | "ship_country" | "ship_state" | "ship_pobox",
        ) => 30,
        ("Contacts", "phone" | "mobile" | "homephone" | "otherphone" | "fax" | "assistantphone")
        | ("Contacts", "title" | "otherstate")
        | ("Leads", "phone" | "mobile" | "fax" | "designation" | "leadstatus")
        | ("Accounts", "ownership" | "siccode") => 50,
        ("Contacts" | "Leads", "email" | "secondaryemail")
        | ("Accounts", "email1" | "email2" | "website" | "accountname")
        | ("Leads", "company")
        | ("Potentials", "nextstep") => 100,
        ("Potentials", "potentialname") => 120,
        (_, "leadsource" | "industry" | "rating" | "accounttype" | "salutationtype" | "sales_stage")
        | ("Potentials", "opportunity_type") => 200,
        ("Leads", "website") => 255,
        (_, "description" | "content" | "contentjson") => return None,
        // Custom fields and the rest: the VARCHAR(255) that coreBOS's layout editor makes by default.
        _ => 255,
    };
    Some(width)
}
