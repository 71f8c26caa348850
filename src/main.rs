//! Arguments, one command, an exit code: 0 ok, 1 failed, 2 usage.

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = jobdeck::cli::kubectl::parse();
    let _log = jobdeck::logging::start();
    match jobdeck::cli::run(cli) {
        Ok(code) => code,
        Err(error) => {
            let said = format!("jobdeck: {error:#}");
            let said = jobdeck::cli::kubectl::as_called(&said);
            eprintln!("{}", jobdeck::ui::text::escaped(&said));
            ExitCode::FAILURE
        }
    }
}
