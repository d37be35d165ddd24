//! HTTP towards other systems: timeouts, TLS, size limits, retry hints, logs without personal data.
//!
//! Nothing here knows a system. A connector says of each request whether it only reads or may change something,
//! and gets back an answer, or an error that says whether the request can have had an effect. Nothing is
//! retried here, except a read whose connection broke: the queue retries, with its own patience.

pub mod answer;
pub mod base_url;
pub mod client;
pub mod error;
pub mod request;
pub mod retry_after;
mod tls;

pub use answer::Answer;
pub use base_url::{BaseUrl, BaseUrlError};
pub use client::{Client, ClientSettings, USER_AGENT};
pub use error::{ClientError, TransportError};
pub use request::{Effect, Request};
pub use retry_after::{parse_http_date, parse_retry_after};

pub use reqwest::Method;
