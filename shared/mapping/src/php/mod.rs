//! PHP's own rules, where the meaning of a map hangs on them.

pub(crate) mod compare;
pub(crate) mod date;
pub(crate) mod entities;
pub(crate) mod fault;
pub(crate) mod json;
pub(crate) mod number;
pub(crate) mod text;
