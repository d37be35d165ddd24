//! The Lambda function `push-corebos`.
fn main() {}
