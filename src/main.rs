//! The `oubliette` program: hands its arguments to `cli` and exits with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    oubliette::cli::run(std::env::args_os())
}
