//! The HTTP front: the routes of the template, served as an API Gateway HTTP API with payload format 2.0 serves them.

mod answer;
mod event;
mod route;
mod server;

pub use route::Route;

pub(crate) use route::{Routes, check_path};
pub(crate) use server::{Front, router};
