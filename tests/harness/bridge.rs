//! The bridge command line, as a binary that the stories can start.
#![recursion_limit = "256"]

fn main() -> std::process::ExitCode {
    bridge::run(std::env::args_os())
}
