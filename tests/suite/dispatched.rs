//! A job that MultiKueue handed to a worker cluster, in the cockpit: its pods and its log are there, and it is shown
//! as if it ran here, given the way to the worker.

use std::fs;

use crate::pty::Session;
use crate::served::Served;

const JOB: &str = "gpt-moe-16e-annealing";

/// The cockpit on this job, with these settings.
fn open(served: &Served, settings: &str) -> Session {
    let folder = served.folder.path().join(".config/jobdeck");
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("config.toml"), settings).expect("settings");
    let config = served.kubeconfig.to_str().expect("UTF-8").to_owned();
    let args = ["--kubeconfig", &config, "-n", "ml-team-b"];
    let mut term = Session::start(&args, (150, 40), served.folder.path());
    term.until_shows(JOB);
    term.send(&format!("/{JOB}\r"));
    term.until("one job", |s| s.contains(JOB) && !s.contains("mixtral"));
    term
}

#[test]
fn its_pods_and_logs_come_from_the_worker_cluster() {
    let served = Served::start(&[]);
    let mut term = open(&served, "[multikueue]\neast = \"demo-east\"\n");
    term.send("\r");
    term.until("its pods", |s| {
        s.contains("runs in worker cluster east") && s.contains("Running") && s.contains("east-g")
    });
    term.send("l");
    term.until("its log", |s| {
        s.contains("pods running") && s.contains("iteration")
    });
    // an object that would have to be fetched there
    term.send("\x1b");
    term.until_shows("runs in worker cluster east");
    term.send("Py");
    term.until_shows("is in worker cluster east: connect to its context");
    term.send("q");
    assert_eq!(term.until_ended(), 0);
    drop(term);

    // a way that leads nowhere: said, and nothing else suffers
    let mut term = open(&served, "[multikueue]\neast = \"no-such-context\"\n");
    term.send("l");
    term.until("why not", |s| {
        s.contains("worker cluster east does not answer") && s.contains("no-such-context")
    });
    term.send("\x1b");
    term.until_shows("Admitted by");
    term.send("2");
    term.until_shows("COHORT / QUEUE");
    term.send("q");
    assert_eq!(term.until_ended(), 0);
    drop(term);

    // nothing is said of the way: how to name it
    let mut term = open(&served, "");
    term.send("l");
    term.until("how to name it", |s| {
        s.contains("its pods are in worker cluster east") && s.contains("[multikueue]")
    });
    term.send("q");
    assert_eq!(term.until_ended(), 0);
}
