//! A compiled field map: what it reads, what it makes, and its evaluation.

use indexmap::IndexMap;
use model::{Fields, Value};

use crate::compile;
use crate::evaluate::{self, EvaluationError, FieldError, Surroundings};
use crate::finding::{Finding, MapError};
use crate::semantics::Semantics;
use crate::target::{Reference, Target};

/// A field map, compiled once and evaluated many times.
#[derive(Clone, Debug)]
pub struct FieldMap {
    pub(crate) name: String,
    pub(crate) semantics: Semantics,
    pub(crate) origin: String,
    pub(crate) target_module: String,
    pub(crate) targets: IndexMap<String, Target>,
    pub(crate) warnings: Vec<Finding>,
}

impl FieldMap {
    /// Compiles a map. What cannot be evaluated is refused here, never half-evaluated later.
    ///
    /// `name` is only for messages. Under `CoreBos`, text that is not XML is a map without fields, as it is
    /// to coreBOS.
    pub fn compile(name: &str, xml: &[u8], semantics: Semantics) -> Result<Self, MapError> {
        compile::compile(name, xml, semantics, false)
    }

    /// Compiles a map that coreBOS has under this name, for records that leave coreBOS: fields that only coreBOS can
    /// evaluate are left to it. Its answer goes into [`Surroundings::processed`]; warnings say which fields.
    ///
    /// # Errors
    /// As [`compile`](Self::compile), but for those.
    pub fn compile_with_corebos(name: &str, xml: &[u8], semantics: Semantics) -> Result<Self, MapError> {
        compile::compile(name, xml, semantics, true)
    }

    /// The name it was compiled with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which of the two meanings it has.
    pub fn semantics(&self) -> Semantics {
        self.semantics
    }

    /// What the map's `originmodule` names; may be empty.
    pub fn origin_module(&self) -> &str {
        &self.origin
    }

    /// What the map's `targetmodule` names; may be empty.
    pub fn target_module(&self) -> &str {
        &self.target_module
    }

    /// The fields it makes, in map order.
    pub fn targets(&self) -> impl ExactSizeIterator<Item = &Target> {
        self.targets.values()
    }

    /// The field it makes under a name.
    pub fn target(&self, name: &str) -> Option<&Target> {
        self.targets.get(name)
    }

    /// What was found when it was compiled: the map works, but probably not as meant.
    pub fn warnings(&self) -> &[Finding] {
        &self.warnings
    }

    /// The related records that the map reads fields of.
    pub fn references(&self) -> impl Iterator<Item = &Reference> {
        self.targets().flat_map(Target::references)
    }

    /// Whether coreBOS evaluates some of its fields.
    pub fn needs_corebos(&self) -> bool {
        self.targets().any(Target::is_evaluated_by_corebos)
    }

    /// What the map makes of a record. Under `Bridge`, fields whose sources are absent are absent.
    pub fn evaluate(&self, source: &Fields) -> Result<Fields, EvaluationError> {
        self.evaluate_onto(source, Fields::with_capacity(self.targets.len()), &Surroundings::default())
    }

    /// The same, onto what the target has already, as coreBOS does it.
    pub fn evaluate_onto(
        &self,
        source: &Fields,
        target: Fields,
        surroundings: &Surroundings<'_>,
    ) -> Result<Fields, EvaluationError> {
        evaluate::onto(self, source, target, surroundings)
    }

    /// Each field by itself: its value, `None` if it is to be left alone, or what is wrong with it.
    pub fn evaluate_each<'a>(
        &'a self,
        source: &'a Fields,
    ) -> impl Iterator<Item = (&'a Target, Result<Option<Value>, FieldError>)> {
        self.evaluate_each_in(source, const { &Surroundings::CONST_DEFAULT })
    }

    /// The same, with everything besides the record that a value may hang on.
    pub fn evaluate_each_in<'a>(
        &'a self,
        source: &'a Fields,
        surroundings: &'a Surroundings<'a>,
    ) -> impl Iterator<Item = (&'a Target, Result<Option<Value>, FieldError>)> {
        self.targets().map(move |target| (target, evaluate::target(self, target, source, surroundings)))
    }
}
