//! The field values of a record while Mautic works on it: what it shows, and what it will store.
//!
//! The two differ, and the difference is what makes webhook payloads stale: `shown` is what stands under
//! `fields.<group>.<alias>.value`, `updated` is what goes to the database and, in API answers only, under
//! `fields.all`.

use indexmap::IndexMap;

use super::php::Php;
use super::schema::{Field, Object};
use super::values::{Refusal, Sent, column, convert};

/// Refused fields with Mautic's words, in field order.
pub(crate) type Refusals = Vec<(String, Refusal)>;

/// How unsent and empty values are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// POST and PATCH of contacts: blanks count only with `overwriteWithBlank`, zeros never.
    Merge { overwrite_with_blank: bool },
    /// PUT of contacts: what is not sent becomes blank.
    Replace,
    /// The form in Mautic's pages: blanks count, and booleans show what was chosen (capture G15).
    Page,
}

#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    pub(crate) object: Object,
    pub(crate) fields: Vec<Field>,
    /// Whether the record has never been loaded from the database: its fields look different then.
    pub(crate) fresh: bool,
    /// Whether it was loaded with many others: numbers and booleans are texts then (captures E02, E21).
    pub(crate) from_list: bool,
    /// Whether what belongs to the record has not been loaded: a visitor's (capture H02).
    pub(crate) visiting: bool,
    pub(crate) shown: IndexMap<String, Php>,
    pub(crate) updated: IndexMap<String, Php>,
}

impl Sheet {
    pub(crate) fn new(object: Object, fields: Vec<Field>) -> Self {
        let shown = fields.iter().map(|field| (field.alias.clone(), Php::Null)).collect();
        Self {
            object,
            fields,
            fresh: true,
            from_list: false,
            visiting: false,
            shown,
            updated: IndexMap::new(),
        }
    }

    pub(crate) fn loaded(object: Object, fields: Vec<Field>, values: &IndexMap<String, Php>) -> Self {
        let shown = fields
            .iter()
            .map(|field| (field.alias.clone(), values.get(&field.alias).cloned().unwrap_or(Php::Null)))
            .collect();
        Self {
            object,
            fields,
            fresh: false,
            from_list: false,
            visiting: false,
            shown,
            updated: IndexMap::new(),
        }
    }

    pub(crate) fn show(&mut self, alias: &str, value: Php) {
        self.shown.insert(alias.to_owned(), value);
    }

    pub(crate) fn shown(&self, alias: &str) -> Php {
        self.shown.get(alias).cloned().unwrap_or(Php::Null)
    }

    /// The value as it will be: updated, or else shown.
    pub(crate) fn value(&self, alias: &str) -> Php {
        self.updated.get(alias).cloned().unwrap_or_else(|| self.shown(alias))
    }

    /// Fills in what was sent for a contact.
    pub(crate) fn merge(&mut self, sent: &IndexMap<String, Php>, mode: Mode) -> Result<(), Refusals> {
        let mut refusals = Refusals::new();
        for field in self.fields.clone() {
            if matches!(field.alias.as_str(), "points" | "last_active") {
                self.merge_unsendable(&field, mode);
                continue;
            }
            let current = self.shown(&field.alias);
            let given = sent.get(&field.alias).map(|given| convert(&field, given, &current)).transpose();
            match given {
                Ok(given) => self.merge_field(&field, &current, given, mode),
                Err(words) => refusals.push((field.alias.clone(), words)),
            }
        }
        if refusals.is_empty() { Ok(()) } else { Err(refusals) }
    }

    /// Points are set elsewhere and `last_active` cannot be set; both still go through the blanking.
    fn merge_unsendable(&mut self, field: &Field, mode: Mode) {
        let blanks = mode != Mode::Merge { overwrite_with_blank: false };
        if field.alias == "last_active" && blanks && self.shown(&field.alias).is_blank() {
            self.show(&field.alias, Php::text(""));
        }
    }

    fn merge_field(&mut self, field: &Field, current: &Php, given: Option<Sent>, mode: Mode) {
        let alias = field.alias.as_str();
        let value = match given {
            Some(Sent::Value(value)) if field.kind == "boolean" => {
                self.merge_boolean(alias, current, !value.is_empty(), mode);
                return;
            }
            Some(Sent::Ignored) if field.kind == "boolean" => return,
            Some(Sent::Value(value)) => value,
            Some(Sent::Blank) => Php::Null,
            None if mode == Mode::Replace => Php::Null,
            None | Some(Sent::Ignored) if field.kind == "boolean" && !current.is_blank() => {
                Php::Bool(!current.is_empty())
            }
            None | Some(Sent::Ignored) => current.clone(),
        };
        if matches!(mode, Mode::Merge { .. }) && counts_as_zero(&value) {
            return;
        }
        if value.is_blank() {
            if mode != (Mode::Merge { overwrite_with_blank: false }) {
                self.show(alias, Php::text(""));
                if !current.is_blank() {
                    // A cleared number answers 0 although the database holds NULL (capture B21).
                    let cleared = if field.kind == "number" { Php::text("") } else { Php::Null };
                    self.updated.insert(alias.to_owned(), cleared);
                }
            }
            return;
        }
        if !same(field, current, &value) {
            self.updated.insert(alias.to_owned(), value.clone());
        }
        self.show(alias, value);
    }

    /// A sent boolean changes the database but not what is shown (captures F02 to F06); on a new contact
    /// true is shown and false is not (captures B01, B63).
    fn merge_boolean(&mut self, alias: &str, current: &Php, wanted: bool, mode: Mode) {
        if self.fresh && wanted || mode == Mode::Page {
            self.show(alias, Php::Bool(wanted));
        }
        if current.is_blank() || current.is_empty() == wanted {
            self.updated.insert(alias.to_owned(), Php::Bool(wanted));
        }
    }

    /// Fills in what was sent for a company: a sent blank clears and zero counts, without any flag.
    pub(crate) fn assign(&mut self, sent: &IndexMap<String, Php>, replace: bool) -> Result<(), Refusals> {
        let mut refusals = Refusals::new();
        for field in self.fields.clone() {
            let alias = field.alias.as_str();
            let current = self.shown(alias);
            let given = match sent.get(alias).map(|given| convert(&field, given, &current)).transpose() {
                Ok(given) => given,
                Err(words) => {
                    refusals.push((field.alias.clone(), words));
                    continue;
                }
            };
            let value = match given {
                Some(Sent::Value(value)) => value,
                Some(Sent::Blank) => Php::Null,
                None if replace => Php::Null,
                None | Some(Sent::Ignored) => continue,
            };
            if field.required && value.is_blank() {
                refusals.push((field.alias.clone(), "This field is required.".to_owned()));
                continue;
            }
            if !(same(&field, &current, &value) || value.is_blank() && current.is_blank()) {
                self.updated.insert(alias.to_owned(), value.clone());
            }
            self.show(alias, value);
        }
        if refusals.is_empty() { Ok(()) } else { Err(refusals) }
    }

    /// The columns to write: a value, or nothing for NULL.
    pub(crate) fn columns(&self) -> Vec<(String, Option<Php>)> {
        self.updated
            .iter()
            .filter_map(|(alias, value)| {
                let field = self.fields.iter().find(|field| field.alias == *alias)?;
                Some((alias.clone(), column(field, value)))
            })
            .collect()
    }
}

/// Writes columns of a sheet into stored values.
pub(crate) fn store(values: &mut IndexMap<String, Php>, columns: Vec<(String, Option<Php>)>) {
    for (alias, value) in columns {
        match value {
            Some(value) => {
                values.insert(alias, value);
            }
            None => {
                values.shift_remove(&alias);
            }
        }
    }
}

/// Whether POST and PATCH drop the value: anything numeric whose whole part is 0, "0" and 0.5 too.
fn counts_as_zero(value: &Php) -> bool {
    !matches!(value, Php::Bool(_)) && value.as_number().is_some_and(|number| number.trunc() == 0.0)
}

fn same(field: &Field, one: &Php, other: &Php) -> bool {
    match field.kind.as_str() {
        "number" => one.as_number() == other.as_number(),
        "boolean" => !one.is_blank() && one.is_empty() == other.is_empty(),
        _ => one.as_text() == other.as_text(),
    }
}
