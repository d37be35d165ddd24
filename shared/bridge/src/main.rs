//! The `bridge` command line.
#![recursion_limit = "256"]

fn main() -> std::process::ExitCode {
    bridge::run(std::env::args_os())
}
