//! Words of the simple query language; what a word means depends on where in the query it stands.

use crate::corebos::problem::Problem;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Select,
    From,
    ColumnName,
    Asterisk,
    Count,
    ParenOpen,
    ParenClose,
    Comma,
    TableName,
    Where,
    And,
    Or,
    Value,
    Equal,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
    Different,
    In,
    Like,
    OrderBy,
    Ascending,
    Descending,
    Limit,
    Semicolon,
    /// A word that has no meaning where it stands.
    Unknown,
}

impl Kind {
    /// The name in error messages.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Select => "SELECT",
            Self::From => "FRM",
            Self::ColumnName => "COLUMNNAME",
            Self::Asterisk => "ASTERISK",
            Self::Count => "COUNT",
            Self::ParenOpen => "PARENOPEN",
            Self::ParenClose => "PARENCLOSE",
            Self::Comma => "COMMA",
            Self::TableName => "TABLENAME",
            Self::Where => "WHERE",
            Self::And => "LOGICAL_AND",
            Self::Or => "LOGICAL_OR",
            Self::Value => "VALUE",
            Self::Equal => "EQ",
            Self::Less => "LT",
            Self::Greater => "GT",
            Self::LessOrEqual => "LTE",
            Self::GreaterOrEqual => "GTE",
            Self::Different => "NE",
            Self::In => "IN",
            Self::Like => "LIKE",
            Self::OrderBy => "ORDERBY",
            Self::Ascending => "ASC",
            Self::Descending => "DESC",
            Self::Limit => "LIMIT",
            Self::Semicolon => "SEMICOLON",
            Self::Unknown => "Unknown",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Select,
    Columns,
    From,
    Table,
    Where,
    Order,
    Limit,
}

/// Cuts a query into tokens.
///
/// What has no token (an open or empty string, a sign outside of the language) is the unspecific server error at its
/// place: the real parser asks for one token at a time, so a syntax error before it comes first.
pub(super) fn tokens(text: &str) -> Vec<Result<Token, Problem>> {
    let mut lexer = Lexer::default();
    let mut found = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let Some(length) = word_length(rest) else {
            found.push(Err(Problem::unknown_error()));
            break;
        };
        let (word, after) = rest.split_at(length);
        rest = after;
        let line = lexer.line;
        // The line counter only moves for a line break that stands alone.
        if word == "\n" {
            lexer.line += 1;
        }
        if !word.trim_matches([' ', '\t', '\r', '\n']).is_empty()
            && let Some(kind) = lexer.kind(word)
        {
            found.push(Ok(Token { kind, text: word.to_owned(), line }));
        }
    }
    found
}

/// The length in bytes of the word or the white space at the beginning; none when there is no such word.
fn word_length(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    match first {
        ' ' | '\t' | '\r' | '\n' => Some(text.len() - text.trim_start_matches([' ', '\t', '\r', '\n']).len()),
        'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => {
            Some(text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count())
        }
        '\'' => string_length(text),
        '+' | '-' => {
            let digits = text.bytes().skip(1).take_while(u8::is_ascii_digit).count();
            (digits > 0).then_some(digits + 1)
        }
        '<' | '>' if text.get(1..2) == Some("=") => Some(2),
        '!' => (text.get(1..2) == Some("=")).then_some(2),
        '(' | ')' | ',' | '*' | '=' | '<' | '>' | ';' => Some(1),
        _ => None,
    }
}

/// A quoted string with at least one character; a doubled quote stands for one unless nothing else closes the string.
fn string_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut index = 1;
    let mut last_resort = None;
    while index < bytes.len() {
        if bytes.get(index) != Some(&b'\'') {
            index += 1;
        } else if bytes.get(index + 1) == Some(&b'\'') {
            if index > 1 {
                last_resort = Some(index + 1);
            }
            index += 2;
        } else if index > 1 {
            return Some(index + 1);
        } else {
            return None;
        }
    }
    last_resort
}

#[derive(Debug)]
struct Lexer {
    place: Place,
    line: usize,
    /// After `count`, an asterisk does not end the columns.
    counting: bool,
    order: Order,
    value: Wanted,
}

/// How far the words `order by` have come.
#[derive(Debug, PartialEq, Eq)]
enum Order {
    None,
    Seen,
    Open,
}

/// What the next word of a condition is.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Column,
    Value,
    /// Values until the parenthesis closes.
    List,
}

impl Default for Lexer {
    fn default() -> Self {
        Self { place: Place::Select, line: 1, counting: false, order: Order::None, value: Wanted::Column }
    }
}

impl Lexer {
    /// What the word is here; none for one that only prepares the next.
    fn kind(&mut self, word: &str) -> Option<Kind> {
        let lower = word.to_ascii_lowercase();
        Some(match self.place {
            Place::Select if lower == "select" => {
                self.place = Place::Columns;
                Kind::Select
            }
            Place::Columns => self.column(&lower),
            Place::From if lower == "from" => {
                self.place = Place::Table;
                Kind::From
            }
            Place::Select | Place::From => Kind::Unknown,
            Place::Table => {
                self.place = Place::Where;
                if lower == "where" { Kind::Unknown } else { Kind::TableName }
            }
            Place::Where | Place::Order | Place::Limit => return self.later(&lower),
        })
    }

    fn column(&mut self, lower: &str) -> Kind {
        match lower {
            "from" => {
                self.place = Place::Table;
                Kind::From
            }
            "*" => {
                if !self.counting {
                    self.place = Place::From;
                }
                Kind::Asterisk
            }
            "(" => Kind::ParenOpen,
            ")" => Kind::ParenClose,
            "count" => {
                self.counting = true;
                Kind::Count
            }
            "," => Kind::Comma,
            _ => Kind::ColumnName,
        }
    }

    fn later(&mut self, lower: &str) -> Option<Kind> {
        match lower {
            ";" => return Some(Kind::Semicolon),
            "order" => {
                if self.order == Order::None {
                    self.order = Order::Seen;
                }
                return None;
            }
            "by" if self.order == Order::Seen => {
                self.place = Place::Order;
            }
            "where" => self.place = Place::Where,
            "limit" => self.place = Place::Limit,
            _ => {}
        }
        Some(match self.place {
            Place::Order => self.order(lower),
            Place::Limit => match lower {
                "limit" => Kind::Limit,
                "(" => Kind::ParenOpen,
                ")" => Kind::ParenClose,
                "," => Kind::Comma,
                _ => Kind::Value,
            },
            _ => self.condition(lower),
        })
    }

    fn order(&mut self, lower: &str) -> Kind {
        if self.order == Order::Seen {
            self.order = Order::Open;
            return Kind::OrderBy;
        }
        match lower {
            "," => Kind::Comma,
            "asc" => Kind::Ascending,
            "desc" => Kind::Descending,
            _ => Kind::ColumnName,
        }
    }

    fn condition(&mut self, lower: &str) -> Kind {
        match lower {
            "=" => Kind::Equal,
            "where" => Kind::Where,
            "<" => Kind::Less,
            "<=" => Kind::LessOrEqual,
            ">=" => Kind::GreaterOrEqual,
            "!=" => Kind::Different,
            ">" => Kind::Greater,
            "(" => Kind::ParenOpen,
            ")" => {
                if self.value == Wanted::List {
                    self.value = Wanted::Column;
                }
                Kind::ParenClose
            }
            "and" => Kind::And,
            "or" => Kind::Or,
            _ if self.value == Wanted::Column => {
                self.value = Wanted::Value;
                Kind::ColumnName
            }
            "in" => {
                self.value = Wanted::List;
                Kind::In
            }
            "," => Kind::Comma,
            "like" => Kind::Like,
            _ => {
                if self.value == Wanted::Value {
                    self.value = Wanted::Column;
                }
                Kind::Value
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_need_a_character_and_double_their_quotes() {
        assert_eq!(string_length("'a' x"), Some(3));
        assert_eq!(string_length("'O''Brien%';"), Some(11));
        assert_eq!(string_length("'';"), None);
        assert_eq!(string_length("'x;"), None);
        assert_eq!(
            string_length("'a''"),
            Some(3),
            "the last quote is given back when nothing else closes the string"
        );
        assert_eq!(string_length("'''' "), Some(4));
    }

    #[test]
    fn signs_outside_of_the_language_are_a_server_error() {
        for text in ["select id from Contacts where email=''", "select id from Contacts where a~1", "-"] {
            assert_eq!(tokens(text).last(), Some(&Err(Problem::unknown_error())), "{text}");
        }
    }
}
