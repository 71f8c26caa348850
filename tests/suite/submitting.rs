//! End to end: a job that failed is submitted again from a terminal; one that was deleted comes back.

use super::pty::Session;
use super::served::Served;

const JOBS: &str = "/apis/batch/v1/namespaces/research/jobs";

fn broken(name: &str) -> String {
    format!(
        r#"{{"apiVersion": "batch/v1", "kind": "Job", "metadata": {{"name": "{name}"}}, "spec": {{"backoffLimit": 0,
        "suspend": true, "template": {{"spec": {{"restartPolicy": "Never", "containers": [{{"name": "main",
        "image": "busybox:1.36", "command": ["false"]}}]}}}}}}}}"#
    )
}

fn open(served: &Served, home: &std::path::Path, env: &[(&str, &str)], filter: &str) -> Session {
    let config = served.kubeconfig.to_str().expect("a plain path").to_owned();
    let args = ["--kubeconfig", &config, "-n", "research"];
    let mut term = Session::start_with(&args, (120, 40), home, env);
    term.until("live jobs", |s| {
        s.contains("live") && s.contains("grpo-math")
    });
    term.send("/");
    term.until_shows("filter:");
    term.send(&format!("{filter}\r"));
    term.until("the row", |s| {
        s.contains(filter) && !s.contains("grpo-math")
    });
    term
}

/// Opened, changed in one's own editor and by hand, refused, mended, checked, made; the new row is under the cursor.
#[test]
fn a_job_is_fixed_and_submitted_again() {
    let served = Served::start(&[]);
    let home = tempfile::tempdir().expect("a folder");
    let answer = served.request("POST", JOBS, &broken("mend-me"));
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    // an editor of one's own, that mends the image
    let script = home.path().join("mend.sh");
    std::fs::write(
        &script,
        "sed -i.bak 's/busybox:1.36/busybox:1.37/' \"$1\"\n",
    )
    .expect("a script");
    let visual = format!("sh {}", script.display());
    let mut term = open(&served, home.path(), &[("VISUAL", &visual)], "mend-me");

    term.send("r");
    term.until("the editor", |s| {
        s.contains("resubmit job/mend-me") && s.contains("name: mend-me-r2") && s.contains("parses")
    });
    // letters are text, and a field nobody knows is told
    term.send("colour: red\r");
    term.until("what is unknown", |s| {
        s.contains("colour: red") && s.contains("1 unknown field")
    });
    // taken back, both steps of it
    term.send("\x1a\x1a\x1a\x1a");
    term.until("as it was", |s| {
        !s.contains("colour:") && s.contains("parses")
    });
    term.send("\x0f");
    term.until("what the other editor wrote", |s| {
        s.contains("busybox:1.37")
    });
    // the difference
    term.send("\x04");
    term.until("the difference", |s| {
        s.contains("- ") && s.contains("busybox:1.36") && s.contains("+2 -2")
    });
    term.send("\x1b");
    term.until("the text again", |s| !s.contains("busybox:1.36"));
    // only a check
    term.send("\x14");
    term.until_shows("server would accept it (dry-run)");
    let there = served.request("GET", &format!("{JOBS}/mend-me-r2"), "");
    assert!(there.starts_with("HTTP/1.1 404"), "{there}");
    // its name is taken by the time it is sent: the text stays, the line is told
    let answer = served.request("POST", JOBS, &broken("mend-me-r2"));
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    term.send("\x13");
    term.until("the refusal", |s| {
        s.contains("not sent")
            && s.contains("there is a job/mend-me-r2")
            && s.contains("busybox:1.37")
    });
    // the cursor stands at the name
    term.send("\x1b[F\x7f9");
    term.until_shows("name: mend-me-r9");
    term.send("\x13");
    term.until("its row, under the cursor", |s| {
        s.contains("▌") && s.contains("mend-me-r9") && !s.contains("resubmit job")
    });
    let made = served.request("GET", &format!("{JOBS}/mend-me-r9"), "");
    assert!(made.contains("busybox:1.37"), "{made}");
    term.send("q");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();
}

/// What is written survives the end of the program.
#[test]
fn a_text_that_was_not_sent_is_there_the_next_time() {
    let served = Served::start(&[]);
    let home = tempfile::tempdir().expect("a folder");
    let answer = served.request("POST", JOBS, &broken("stand-by"));
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let mut term = open(&served, home.path(), &[], "stand-by");
    term.send("N");
    term.until_shows("a file");
    term.send("empty\r");
    term.until_shows("submit new");
    // a paste of several lines is text, whatever it looks like
    term.send("\x1b[200~kind: Job\nq: 1\n\x1b[201~");
    term.until_shows("q: 1");
    // ctrl-c asks, and then ends
    term.send("\x03");
    term.until_shows("It was changed and not sent.");
    term.send("\x03");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();

    let mut term = open(&served, home.path(), &[], "stand-by");
    term.send("N");
    term.until_shows("a file");
    term.send("submit new");
    term.until_shows("not sent,");
    term.send("\r");
    term.until("the text", |s| {
        s.contains("kind: Job") && s.contains("q: 1")
    });
    term.send("\x1b");
    term.until_shows("It was changed and not sent.");
    term.send("\x1b[C\x1b[C\r");
    term.until_shows("STATE");
    term.send("q");
    assert_eq!(term.until_ended(), 0);
}

/// Whatever the server serves can be written: a kind that nobody watches, and one that there is not. What is wrong with a
/// value is said while it is typed, at its line; the text is kept also while it does not parse.
#[test]
fn any_kind_is_written_and_looked_at() {
    let served = Served::start(&[]);
    let home = tempfile::tempdir().expect("a folder");
    let answer = served.request("POST", JOBS, &broken("stand-by"));
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let mut term = open(&served, home.path(), &[], "stand-by");
    let file = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::write(&path, text).expect("a file");
        path.to_str().expect("a plain path").to_owned()
    };
    let edit = |term: &mut Session, path: &str| {
        term.send("N");
        term.until_shows("a file");
        term.send(&format!("{path}\r"));
    };
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: knobs\ndata:\n  lr: 0.1\n";
    edit(&mut term, &file("map.yaml", map));
    // a number where a text belongs
    term.until_shows("data.lr: a text is wanted, not 0.1: put it in quotes");
    // its line, and quotes around the value
    term.send("\x1b[B\x1b[B\x1b[B\x1b[B\x1b[B\x1b[F\x7f\x7f\x7f'0.1'");
    term.until("it parses", |s| {
        s.contains("parses") && !s.contains("is wanted")
    });
    term.send("\x13");
    term.until_shows("created configmap/knobs in research");
    let made = served.request("GET", "/api/v1/namespaces/research/configmaps/knobs", "");
    assert!(
        made.starts_with("HTTP/1.1 200") && made.contains("\"lr\":\"0.1\""),
        "{made}"
    );

    let strange = "apiVersion: batch/v1\nkind: Jobs\nmetadata:\n  name: x\nspec: {}\n";
    edit(&mut term, &file("strange.yaml", strange));
    term.until_shows("batch/v1 has no kind Jobs in this cluster");
    term.send("kind: [\r\x13");
    term.until_shows("not sent");
    term.send("\x1b");
    term.until_shows("It was changed and not sent.");
    term.send("\x1b[C\r");
    term.until_shows("STATE");
    term.send("q");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();
    // over a restart
    let mut term = open(&served, home.path(), &[], "stand-by");
    term.send("N");
    term.until_shows("a file");
    term.send("strange.yaml");
    term.until_shows("not sent,");
    term.send("\r");
    term.until_shows("kind: [");
    // it asks before it ends, as it did
    term.send("\x03");
    term.until_shows("It was changed and not sent.");
    term.send("\x03");
    assert_eq!(term.until_ended(), 0);
}

/// Deleted with a key, after the question; made again from the trash, as it was and looked at first.
#[test]
fn what_was_deleted_is_made_again() {
    let served = Served::start(&[]);
    let home = tempfile::tempdir().expect("a folder");
    let answer = served.request("POST", JOBS, &broken("come-back"));
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let mut term = open(&served, home.path(), &[], "come-back");
    // ctrl-d; the harmless answer is in focus, so enter does nothing
    term.send("\x04");
    term.until_shows("[ Cancel ]");
    term.send("\r");
    term.until("nothing was done", |s| {
        !s.contains("[ Cancel ]") && s.contains("come-back")
    });
    term.send("\x04");
    term.until_shows("[ Cancel ]");
    term.send("\x1b[C\r");
    term.until_shows("none of ");
    let gone = served.request("GET", &format!("{JOBS}/come-back"), "");
    assert!(gone.starts_with("HTTP/1.1 404"), "{gone}");
    // at once
    term.send("u");
    term.until("the trash", |s| {
        s.contains("make again") && s.contains("job/come-back")
    });
    term.send("\r");
    term.until_shows("come-back-r2");
    let made = served.request("GET", &format!("{JOBS}/come-back-r2"), "");
    assert!(
        made.starts_with("HTTP/1.1 200") && made.contains("busybox:1.36"),
        "{made}"
    );
    // and looked at first
    term.send("u");
    term.until_shows("made again as job/come-back-r2");
    term.send("\t");
    term.until("the editor", |s| {
        s.contains("resubmit job/come-back") && s.contains("name: come-back-r3")
    });
    term.send("\x13");
    term.until("its row", |s| {
        s.contains("come-back-r3") && !s.contains("resubmit job")
    });
    term.send("q");
    assert_eq!(term.until_ended(), 0);
    term.assert_restored();
}
