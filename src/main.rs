//! The `mondegreen` binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    mondegreen::cli::main()
}
