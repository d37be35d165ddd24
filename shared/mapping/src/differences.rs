//! Where `Bridge` answers otherwise than coreBOS, and why. Everywhere else the two semantics are the same.

/// One difference between the two semantics.
#[derive(Clone, Copy, Debug)]
pub struct Difference {
    /// What it is about.
    pub subject: &'static str,
    /// What coreBOS does, and so `CoreBos`.
    pub corebos: &'static str,
    /// What `Bridge` does.
    pub bridge: &'static str,
    /// Why.
    pub reason: &'static str,
    /// Recorded cases that show it.
    pub cases: &'static [&'static str],
}

/// All differences as a Markdown table, for documents that quote it.
pub fn differences_as_markdown() -> String {
    let mut table = String::from("| what | coreBOS | Bridge | why | cases |\n|---|---|---|---|---|\n");
    for row in DIFFERENCES {
        let cells = [row.subject, row.corebos, row.bridge, row.reason, &row.cases.join(", ")];
        table.push_str("| ");
        table.push_str(&cells.map(|cell| cell.replace('|', "\\|")).join(" | "));
        table.push_str(" |\n");
    }
    table
}

/// All differences.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        subject: "none of the sources of a field is in the record",
        corebos: "the target is blanked",
        bridge: "the target is left alone",
        reason: "an answer that lacks a field says nothing about it; blanking would erase what others wrote",
        cases: &["inb-h0035", "inb-h0036", "inb-h0377", "inb-h0794", "inb-h0756"],
    },
    Difference {
        subject: "a record without an owner",
        corebos: "the current user is put in as the owner",
        bridge: "the owner is absent",
        reason: "owners are never changed on an update",
        cases: &["inb-h0876", "inb-h0878", "inb-h0880"],
    },
    Difference {
        subject: "a map that is not XML, or has no fields",
        corebos: "is silently a map that does nothing",
        bridge: "is refused, with line and column",
        reason: "a typing error in a map must not stop a synchronisation silently",
        cases: &["inb-h0695", "inb-h0677", "inb-h0679", "inb-h0697", "inb-h0716"],
    },
    Difference {
        subject: "a map whose text is HTML-encoded as a whole (`&lt;map&gt;`)",
        corebos: "is silently a map that does nothing",
        bridge: "is decoded once",
        reason: "what was meant is certain",
        cases: &["inb-h0722"],
    },
    Difference {
        subject: "a field without a name",
        corebos: "the value goes to a field with an empty name",
        bridge: "the map is refused",
        reason: "no system has such a field",
        cases: &["inb-h0438", "inb-h0704", "inb-h0708"],
    },
    Difference {
        subject: "an `OrgfieldID` that is neither empty, nor a number, nor a directive",
        corebos: "is taken for DEFAULT",
        bridge: "the map is refused, with the directive that was probably meant",
        reason: "`CONSTANT` or ` CONST` would read a field of that name and blank the target",
        cases: &["inb-h0090", "inb-h0100", "inb-h0102"],
    },
    Difference {
        subject: "a `Rule` element beside a directive other than RULE",
        corebos: "is taken for the name of the source",
        bridge: "the map is refused",
        reason: "nobody means that",
        cases: &["inb-h0951"],
    },
    Difference {
        subject: "an empty `postProcess`",
        corebos: "blanks the value",
        bridge: "is ignored",
        reason: "an element left empty, as `OrgfieldID` often is, means nothing",
        cases: &["inb-h0612", "inb-h0613"],
    },
    Difference {
        subject: "a dotted source name with a missing step",
        corebos: "the step is skipped and the next one looked up in the same place",
        bridge: "the source is absent",
        reason: "`fields.core.email` must not become the `email` of something else",
        cases: &["inb-h0381", "inb-h0382", "inb-h0383", "inb-h0345"],
    },
    Difference {
        subject: "a zero at the end of a dotted source name",
        corebos: "is blank",
        bridge: "is the zero",
        reason: "points that fell to 0 would never arrive",
        cases: &["inb-h0335", "inb-h0338"],
    },
    Difference {
        subject: "a text cut inside a character (delimiters, substring, char, base64decode)",
        corebos: "is bytes that are not UTF-8",
        bridge: "keeps whole characters only",
        reason: "no API accepts such bytes",
        cases: &["inb-h0276", "inb-h0278", "exp-h0605", "exp-h0767", "exp-h0857"],
    },
    Difference {
        subject: "a list or an object where a text is needed",
        corebos: "is the word `Array`",
        bridge: "is an error of this field",
        reason: "the word would overwrite data",
        cases: &["inb-h0056", "inb-h0069", "inb-h0752", "inb-h0801", "inb-h0947", "exp-h0568", "exp-h0785"],
    },
    Difference {
        subject: "a dotted target name that leads into a text",
        corebos: "a position overwrites one byte of the text",
        bridge: "is an error of this field",
        reason: "nobody means that",
        cases: &["inb-h0422", "inb-h0425"],
    },
    Difference {
        subject: "names in an EXPRESSION without a record",
        corebos: "stand for themselves as texts",
        bridge: "are the fields of the source",
        reason: "`concat(firstname,' ',lastname)` must not give `firstname lastname`",
        cases: &["inb-h0885", "inb-h0886"],
    },
    Difference {
        subject: "the marker `Ç` in the value of a field of a TEMPLATE",
        corebos: "what follows it is taken for the name of another field",
        bridge: "is a letter like any other",
        reason: "there are people called Çelik",
        cases: &["inb-r1400", "inb-r1902"],
    },
    Difference {
        subject: "reference and owner fields in an EXPRESSION with a record",
        corebos: "are the HTML-encoded name of what they refer to",
        bridge: "are that name, not encoded",
        reason: "`S&ouml;hne` would be stored as it is",
        cases: &["out-0400", "out-0101"],
    },
    Difference {
        subject: "a sign before a function",
        corebos: "negates a field of that name, and the rest is ignored",
        bridge: "negates the value of the function",
        reason: "`-round(amount)` must not give 0",
        cases: &["exp-h0128"],
    },
    Difference {
        subject: "a regular expression that is none, or that takes too long",
        corebos: "is no match, and regexreplace gives nothing",
        bridge: "is an error of this field",
        reason: "a blank in its place would erase what the target holds",
        cases: &["exp-h0670", "exp-h0687", "exp-h0691"],
    },
    Difference {
        subject: "min and max of anything but fields and constants",
        corebos: "take it for null",
        bridge: "evaluate it",
        reason: "`max(1, 1+1)` must not give 1",
        cases: &["exp-h1014", "exp-h1015", "exp-h1017", "exp-h1037", "exp-h1038"],
    },
    Difference {
        subject: "a date that cannot be read, or an amount that is no whole number",
        corebos: "is 1970-01-01",
        bridge: "is an error of this field; a blank date gives a blank",
        reason: "birthdays in 1970 are worse than none",
        cases: &["exp-h1160", "exp-h1157", "exp-h1247", "exp-h1307", "exp-h1453", "exp-h1419"],
    },
    Difference {
        subject: "format_date of a date that does not begin with the year",
        corebos: "takes its parts for year, month and day all the same",
        bridge: "reads it as the other functions do",
        reason: "29-02-2024 must not become 2034-08-17",
        cases: &["exp-h1420"],
    },
    Difference {
        subject: "a text in an expression that is never closed",
        corebos: "the quote is skipped",
        bridge: "is refused, with line and column",
        reason: "it is a typing error",
        cases: &["exp-h0036", "exp-h0040"],
    },
    Difference {
        subject: "an empty text at the very start of an expression",
        corebos: "is dropped, so that the expression fails",
        bridge: "is an empty text",
        reason: "it is one everywhere else",
        cases: &["exp-h1584", "exp-h0023"],
    },
    Difference {
        subject: "a name in backticks",
        corebos: "fails",
        bridge: "is a name",
        reason: "coreBOS's own documentation has it, and there is no other way to write some names",
        cases: &["exp-h0085", "exp-h0086"],
    },
];
