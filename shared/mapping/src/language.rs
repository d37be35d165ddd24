//! The words of the map language, for documents and help texts.

use crate::expression::functions;
use crate::{compile, post_process};

/// The directives that `OrgfieldID` takes; empty and numbers mean DEFAULT.
pub fn directives() -> impl Iterator<Item = &'static str> {
    compile::DIRECTIVES.into_iter()
}

/// The functions of expressions that are evaluated here.
pub fn functions() -> impl Iterator<Item = &'static str> {
    functions::names()
}

/// The functions that need coreBOS's own data: maps that call them are evaluated by coreBOS.
pub fn functions_of_corebos() -> impl Iterator<Item = &'static str> {
    functions::names_of_corebos()
}

/// The functions that `postProcess` takes.
pub fn post_processes() -> impl Iterator<Item = &'static str> {
    post_process::names()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_is_there_twice() {
        let mut words: Vec<_> = functions().chain(functions_of_corebos()).collect();
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count);
        assert!(directives().count() == 6 && post_processes().count() == 11);
    }
}
