//! Arguments, one command, an exit code: 0 ok, 1 failed, 2 usage.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = jobdeck::cli::Cli::parse();
    let _log = jobdeck::logging::start();
    match jobdeck::cli::run(cli) {
        Ok(code) => code,
        Err(error) => {
            let said = format!("jobdeck: {error:#}");
            eprintln!("{}", jobdeck::ui::text::escaped(&said));
            ExitCode::FAILURE
        }
    }
}
