//! The Lambda function `webhook-mautic`.
fn main() {}
