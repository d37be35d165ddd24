//! Whole stories, one file per claim.
