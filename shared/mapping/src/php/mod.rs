//! PHP's own rules, where the meaning of a map hangs on them.

pub(crate) mod entities;
