//! The contract of the table, kept by every implementation, and the queue over HTTP.
