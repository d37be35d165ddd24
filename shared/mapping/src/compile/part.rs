//! Compiles one `Orgfield`: its directive and its `postProcess`.

use super::Compiling;
use crate::document::{DocumentPart, Located};
use crate::expression::functions;
use crate::expression::parse::{self, Node, Parsed};
use crate::expression::token::Operator;
use crate::finding::{Finding, MapError, MapText, Severity};
use crate::path::SourceName;
use crate::php::entities;
use crate::php::fault::Fault;
use crate::post_process::{self, PostProcess};
use crate::semantics::Semantics;
use crate::suggest::suggestion;
use crate::target::{Directive, Part, Readable};
use crate::template::{self, Template, Unsupported};

/// The words that `OrgfieldID` knows, besides nothing and numbers.
pub(crate) const DIRECTIVES: [&str; 6] = ["CONST", "DEFAULT", "EXPRESSION", "FIELD", "RULE", "TEMPLATE"];

impl Compiling<'_> {
    pub(super) fn part(&mut self, part: &DocumentPart) -> Result<Part, MapError> {
        let mut name = part.name.clone();
        let mut post_process = part.post_process.clone();
        let id = part.id.text.to_ascii_uppercase();
        if let Some(rule) = &part.rule
            && id != "RULE"
        {
            if self.semantics == Semantics::Bridge {
                return Err(self.map.error(
                    rule.offset,
                    "a `<Rule>` belongs to the directive RULE",
                    "remove it; coreBOS would take it for the name of the source",
                ));
            }
            name = rule.clone();
        }
        if part.id.text == "postProcess" {
            post_process = Some(post_process.unwrap_or(name));
            name = Located { text: String::new(), offset: part.id.offset };
        }
        if post_process.as_ref().is_some_and(|post| matches!(post.text.as_str(), "" | "0")) {
            let text = post_process.take();
            // coreBOS takes an empty one for the name of the source, so that the value is always blank.
            if let Some(text) = text.filter(|_| self.semantics == Semantics::CoreBos) {
                name = text;
            }
        }
        Ok(Part {
            directive: self.directive(part, &id, &name)?,
            post_process: match &post_process {
                Some(post_process) => self.post_process(post_process)?,
                None => None,
            },
            position: self.places.position(name.offset),
        })
    }

    fn directive(&mut self, part: &DocumentPart, id: &str, name: &Located) -> Result<Directive, MapError> {
        let written = &part.id.text;
        match id {
            "CONST" => Ok(Directive::Constant(name.text.clone())),
            "FIELD" => self.template(name, template::compile_field(&name.text)),
            "TEMPLATE" => self.template(name, template::compile(&name.text)),
            "EXPRESSION" => self.expression(name),
            "RULE" => {
                let named =
                    Some(&name.text).filter(|text| !text.is_empty()).map(|text| SourceName::new(text));
                let advice = "write the rule as an EXPRESSION (`if ... then ... else ... end`), or let coreBOS \
                              evaluate the map: keep it there, for records that leave coreBOS";
                self.only_corebos(
                    part.id.offset,
                    "RULE evaluates another map of coreBOS, which only coreBOS can do".to_owned(),
                    advice,
                    Readable::Rule(named),
                )
            }
            _ if self.semantics == Semantics::Bridge && !means_default(written) => {
                let advice = match suggestion(written.trim(), DIRECTIVES) {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("the directives are {}, or nothing", DIRECTIVES.join(", ")),
                };
                Err(self.map.error(part.id.offset, format!("`{written}` is no directive"), advice))
            }
            _ => Ok(Directive::Default(SourceName::new(&name.text))),
        }
    }

    /// A part that only coreBOS can evaluate: left to it, or an error.
    fn only_corebos(
        &mut self,
        offset: usize,
        problem: String,
        advice: &str,
        readable: Readable,
    ) -> Result<Directive, MapError> {
        if !self.with_corebos {
            return Err(self.map.error(offset, problem, advice).that_needs_corebos());
        }
        self.warnings.push(self.map.finding(
            Severity::Warning,
            offset,
            format!("{problem}, so coreBOS evaluates this field, for each record that is pushed"),
            "keep the map in coreBOS, as a Business Map of this name; elsewhere it is refused",
        ));
        Ok(Directive::ByCoreBos(readable))
    }

    fn template(&mut self, name: &Located, template: Template) -> Result<Directive, MapError> {
        let Some(Unsupported { what, offset }) = &template.unsupported else {
            return Ok(Directive::Template(template));
        };
        let offset = inside(self.map, name, &name.text, *offset);
        let problem = format!("{what} needs coreBOS's own data");
        self.only_corebos(offset, problem, LEAVE_OUT, Readable::Template(template))
    }

    fn expression(&mut self, name: &Located) -> Result<Directive, MapError> {
        let map = self.map;
        let text = entities::decode(&name.text);
        let at = |offset: usize| inside(map, name, &text, offset);
        let parsed = match parse::parse(&text, self.semantics) {
            Ok(parsed) => parsed,
            Err(error) if self.semantics == Semantics::Bridge => {
                let advice = "an expression is `field`, `'text'`, `1.5`, `a + b`, `name(a, b)` or \
                              `if a then b else c end`";
                return Err(map.error(at(error.offset), error.problem, advice));
            }
            Err(error) => return Ok(Directive::Broken(Fault::new(error.problem))),
        };
        if let Some((function, offset)) = parsed.unknown.first()
            && (self.semantics == Semantics::Bridge && (self.with_corebos || parsed.refused.is_empty()))
        {
            let advice = match suggestion(function, functions::names()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => "upper and lower case count in the names of functions".to_owned(),
            };
            return Err(map.error(at(*offset), format!("there is no function `{function}`"), advice));
        }
        if let Some((function, offset)) = parsed.refused.first() {
            let problem = format!("the function `{function}` needs coreBOS's own data");
            return self.only_corebos(at(*offset), problem, LEAVE_OUT, Readable::Expression(parsed.node));
        }
        warn(map, &parsed, &at, &mut self.warnings);
        Ok(Directive::Expression(parsed.node))
    }
}

/// What to do about a part that only coreBOS can evaluate.
const LEAVE_OUT: &str =
    "leave it out, or let coreBOS evaluate the map: keep it there, for records that leave coreBOS";

/// Old maps have the number of the field there.
fn means_default(id: &str) -> bool {
    let word = id.trim();
    word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') || word.eq_ignore_ascii_case("DEFAULT")
}

/// The offset in the map of an offset in a decoded text, as near as can be told.
fn inside(map: MapText<'_>, at: &Located, decoded: &str, offset: usize) -> usize {
    let is_verbatim = map.text.get(at.offset..).is_some_and(|rest| rest.starts_with(decoded));
    if is_verbatim { at.offset + offset } else { at.offset }
}

/// What coreBOS does with an expression, but hardly anybody means.
fn warn(map: MapText<'_>, parsed: &Parsed, at: &dyn Fn(usize) -> usize, warnings: &mut Vec<Finding>) {
    if let Some(offset) = parsed.ignored {
        warnings.push(map.finding(
            Severity::Warning,
            at(offset),
            "the expression is not read from here on, or this character is skipped",
            "an expression ends where it is complete; join parts with concat(...) or an operator",
        ));
    }
    if let Some(offset) = surprising(&parsed.node, &parsed.operators) {
        warnings.push(map.finding(
            Severity::Warning,
            at(offset),
            "everything behind this operator is its right side, whatever binds stronger elsewhere",
            "put brackets around what belongs together: `(a - b) - c`, `(a + b) == c`",
        ));
    }
}

/// The first operator whose right side holds an operator that would bind weaker, or as strong, elsewhere.
fn surprising(node: &Node, operators: &[(Operator, usize)]) -> Option<usize> {
    let mut index = 0;
    let found = chained(node, &mut index)?;
    operators.get(found).map(|(_, offset)| *offset)
}

/// Walks the operators in the order of their text and counts them.
fn chained(node: &Node, index: &mut usize) -> Option<usize> {
    match node {
        Node::Literal(_) | Node::Name(_) | Node::Unknown(_) => None,
        Node::Negate(inner) | Node::Plus(inner) => chained(inner, index),
        Node::Binary(operator, left, right) => {
            let in_left = chained(left, index);
            let own = *index;
            *index += 1;
            let is_surprising = match right.as_ref() {
                Node::Binary(next, _, _) => {
                    let (own, next) = (strength(*operator), strength(*next));
                    own > next || (own == next && !matches!(operator, Operator::Add | Operator::Multiply))
                }
                _ => false,
            };
            let in_right = chained(right, index);
            in_left.or(is_surprising.then_some(own)).or(in_right)
        }
        Node::If(condition, yes, no) => {
            let parts = [condition, yes, no].map(|part| chained(part, index));
            parts.into_iter().flatten().next()
        }
        Node::Call(_, arguments, _) => {
            let parts: Vec<_> = arguments.iter().map(|argument| chained(argument, index)).collect();
            parts.into_iter().flatten().next()
        }
    }
}

/// How strongly an operator binds everywhere else.
fn strength(operator: Operator) -> u8 {
    match operator {
        Operator::Multiply | Operator::Divide => 3,
        Operator::Add | Operator::Subtract => 2,
        _ => 1,
    }
}

impl Compiling<'_> {
    fn post_process(&mut self, written: &Located) -> Result<Option<Result<PostProcess, Fault>>, MapError> {
        if let Some(known) = post_process::find(&written.text) {
            return Ok(Some(Ok(known)));
        }
        let trimmed = written.text.trim();
        if post_process::find(trimmed).is_some() {
            let problem = format!("the postProcess `{}` has white space around its name", written.text);
            if self.semantics == Semantics::Bridge {
                let advice = format!("write `{trimmed}` without it; coreBOS stops at such a map");
                return Err(self.map.error(written.offset, problem, advice));
            }
            return Ok(Some(Err(Fault::new(problem))));
        }
        let advice = match suggestion(trimmed, post_process::names()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("known are {}", post_process::names().collect::<Vec<_>>().join(", ")),
        };
        let problem = format!("the postProcess `{trimmed}` is unknown, so coreBOS ignores it");
        self.warnings.push(self.map.finding(Severity::Warning, written.offset, problem, advice));
        Ok(None)
    }
}
