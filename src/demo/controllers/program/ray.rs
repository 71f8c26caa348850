//! Ray's command line, as KubeRay calls it in heads, workers and submitters.

use super::Line;
use super::tools::Machine;
use super::train::Training;

/// Does a submitter's script submit this? Its submission id and the words of its entrypoint.
pub fn submission(argv: &[String]) -> Option<(String, Vec<String>)> {
    let script = argv.last()?;
    let (_, command) = script.split_once("ray job submit ")?;
    let (options, entrypoint) = command.split_once(" -- ")?;
    let entrypoint = entrypoint.split(" ; fi").next()?;
    let mut options = options.split_whitespace();
    let id = options
        .find(|o| *o == "--submission-id")
        .and_then(|_| options.next());
    let words = entrypoint.split_whitespace().map(str::to_owned);
    Some((id.unwrap_or_default().to_owned(), words.collect()))
}

/// A submitted training as its submitter shows it: its own lines, and those of the driver.
pub fn shown(training: Training, id: &str, address: &str) -> Training {
    let rule = "-".repeat(id.len() + 33);
    let before = [
        format!("Job submission server address: {address}"),
        rule.clone(),
        format!("Job '{id}' submitted successfully"),
        rule,
    ];
    let word = if training.code() == 0 {
        "succeeded"
    } else {
        "failed"
    };
    training.between(&before, &format!("Job '{id}' {word}"))
}

/// `ray start`, `ray health-check`, `ray job …`.
pub fn run(machine: &mut Machine, args: &[String]) -> i32 {
    let has = |word: &str| args.iter().any(|a| a == word);
    match args.first().map(String::as_str) {
        Some("start") => {
            machine.pass(1.6);
            let option = |name: &str| {
                let given = args.iter().find_map(|a| a.strip_prefix(name));
                given.map(str::to_owned)
            };
            match option("--address=") {
                None => {
                    let host = machine.env.get("HOSTNAME").cloned();
                    machine.print(&format!("Local node IP: {}", host.unwrap_or_default()));
                    machine.pass(2.0);
                }
                Some(address) => {
                    machine.print(&format!("[global_state_accessor] connecting to {address}"));
                    machine.pass(1.0);
                }
            }
            machine.print("--------------------");
            machine.print("Ray runtime started.");
            machine.print("--------------------");
            if has("--block") {
                machine.print("--block");
                machine
                    .print("  This command will now block forever until terminated by a signal.");
                machine.term = Some((0.8, 0));
                machine.run_on();
            }
            0
        }
        Some("health-check") => {
            // The GCS answers a few seconds after its head has started.
            machine.pass(0.8);
            i32::from(machine.time < 5.0)
        }
        Some("job") => job(machine, args),
        _ => 1,
    }
}

fn job(machine: &mut Machine, args: &[String]) -> i32 {
    let id = machine.env.get("RAY_JOB_SUBMISSION_ID").cloned();
    let id = id.unwrap_or_default();
    machine.pass(0.9);
    match args.get(1).map(String::as_str) {
        Some("submit") => {
            let words = args.iter().skip_while(|a| *a != "--").skip(1);
            machine.entrypoint = words.cloned().collect();
            machine.print(&format!("Job '{id}' submitted successfully"));
            0
        }
        Some("logs") => {
            let command = std::mem::take(&mut machine.entrypoint);
            let code = machine.exec(&command);
            machine.driver = Some(code);
            let word = if code == 0 { "succeeded" } else { "failed" };
            machine.print(&format!("Job '{id}' {word}"));
            // Following the logs went well, however the job went.
            0
        }
        // Nothing of that id yet.
        _ => 1,
    }
}

/// The lines before and after those of a program, in time.
pub fn around(lines: &mut Vec<Line>, before: &[String]) {
    let own = before.iter().enumerate();
    let own = own.map(|(i, text)| (0.01 + 0.001 * i as f64, text.clone()));
    lines.splice(0..0, own);
}
