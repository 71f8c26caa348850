//! A cluster that is not there yet when the cockpit starts: it says so, and is there when the cluster is.

use std::net::TcpListener;

use super::bench::Bench;
use crate::pty::Session;

#[test]
fn a_cluster_that_comes_later_is_found() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = free.local_addr().unwrap();
    drop(free);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    let config = serde_json::json!({
        "current-context": "late",
        "contexts": [{"name": "late", "context": {"cluster": "c"}}],
        "clusters": [{"name": "c", "cluster": {"server": format!("http://{addr}")}}],
    });
    std::fs::write(&file, config.to_string()).unwrap();
    let args = ["-A", "--kubeconfig", file.to_str().unwrap()];
    let mut term = Session::start(&args, (120, 40), folder.path());
    let screen = term.until_shows("connection refused");
    assert!(
        screen.contains("late") && screen.contains("trying again"),
        "{screen}"
    );
    let _bench = Bench::start_on(addr);
    term.until("its jobs", |s| s.contains("alpha") && s.contains("live"));
    term.send("q");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();
}
