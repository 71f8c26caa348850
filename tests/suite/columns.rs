//! Columns of one's own, from the server to the screen: read where objects are decoded, followed while they change, and
//! read anew when other columns are chosen.

#[cfg(unix)]
use std::path::Path;

use jobdeck::cluster::source::Tuning;
use jobdeck::model::extra::{Extra, List, Sets};
use jobdeck::model::health::Health;
#[cfg(unix)]
use serde_json::json;

use crate::harness::{Client, quick};
#[cfg(unix)]
use crate::pty::Session;
use crate::scripted::Server;

fn sets(columns: &[&str]) -> Sets {
    let mut sets = Sets::default();
    let all = columns
        .iter()
        .map(|text| Extra::parse(text).expect("a column"));
    sets.put(List::Pods, all.collect());
    sets
}

/// What the pods have in a column, by name.
fn column(client: &Client, at: u8) -> Vec<String> {
    let model = &client.model;
    let mut all: Vec<String> = (model.pods.rows())
        .map(|pod| {
            let text = model.extras.text(List::Pods, pod.key, at);
            format!("{} {}", pod.name, text.unwrap_or("-"))
        })
        .collect();
    all.sort();
    all
}

fn labelled() -> Server {
    let server = Server::start();
    server.put_labelled(
        "default",
        "a",
        "Running",
        &[("team", "ml"), ("x.io/rank", "0")],
    );
    server.put_labelled("default", "b", "Running", &[("team", "hep")]);
    server.put("c", "Pending");
    server
}

#[tokio::test]
async fn they_are_read_from_streams_and_pages_and_follow_changes() {
    for no_streaming in [false, true] {
        let server = labelled();
        server.state().no_streaming = no_streaming;
        let extra = sets(&[
            "label:team",
            "jsonpath:.metadata.labels['x.io/rank']",
            ".status.phase",
        ]);
        let tuning = Tuning {
            extra: extra.clone(),
            ..quick()
        };
        let mut client = Client::open_with(&server, tuning).await;
        client.model.extras.show(&extra);
        client.want_pods();
        client.until_same(&server).await;
        assert_eq!(column(&client, 0), ["a ml", "b hep", "c -"]);
        assert_eq!(column(&client, 1), ["a 0", "b -", "c -"]);
        assert_eq!(column(&client, 2), ["a Running", "b Running", "c Pending"]);
        // only the label changes: nothing else of the row does
        let before = client.model.pods.version();
        server.put_labelled("default", "c", "Pending", &[("team", "nlp")]);
        client
            .until("labelled", |c| column(c, 0)[2] == "c nlp")
            .await;
        assert!(client.model.pods.version() > before, "views hear of it");
        server.put("a", "Running");
        client
            .until("without it again", |c| column(c, 0)[0] == "a -")
            .await;
        server.delete("b");
        client
            .until("deleted", |c| column(c, 0) == ["a -", "c nlp"])
            .await;
    }
}

#[tokio::test]
async fn other_columns_have_the_watch_list_again_and_no_row_goes_meanwhile() {
    let server = labelled();
    let mut client = Client::pods(&server).await;
    client.until_same(&server).await;
    assert_eq!(server.asked(), ["stream"]);
    assert_eq!(
        client.model.extras.bytes(),
        0,
        "nothing is kept where nothing is shown"
    );
    let team = sets(&["label:team"]);
    client.model.extras.show(&team);
    client.cluster.read_extra(&team);
    let mut fewest = 3;
    client
        .until("read for it", |c| {
            fewest = fewest.min(c.model.pods.len());
            column(c, 0) == ["a ml", "b hep", "c -"] && c.last() == Some(&Health::Live)
        })
        .await;
    assert_eq!(fewest, 3, "rows stay until the list is there");
    assert_eq!(server.asked(), ["stream", "stream"]);
    // the same again is nothing to read anew, and none at all frees what there is
    client.cluster.read_extra(&team);
    client.model.extras.show(&Sets::default());
    client.cluster.read_extra(&Sets::default());
    server.put("d", "Running");
    client.until_same(&server).await;
    assert_eq!(client.model.extras.bytes(), 0);
    assert_eq!(server.asked(), ["stream", "stream", "stream"]);
}

#[cfg(unix)]
#[test]
fn the_settings_say_which_there_are_and_are_followed_while_it_runs() {
    let home = tempfile::tempdir().expect("a home");
    let server = labelled();
    let config = home.path().join(".config/jobdeck/config.toml");
    let write = |path: &Path, text: &str| {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
    };
    write(&config, "[columns]\npods = [\"name\", \"status\"]\n");
    let kubeconfig = home.path().join("kubeconfig");
    let text = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{"name": "c", "cluster": {"server": server.url().to_string()}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "test", "context": {"cluster": "c", "user": "u", "namespace": "default"}}],
    });
    write(&kubeconfig, &text.to_string());
    let kubeconfig = kubeconfig.display().to_string();
    let mut session = Session::start(&["--kubeconfig", &kubeconfig, "-A"], (100, 24), home.path());
    session.until("the tabs", |s| s.contains("Pods"));
    session.send("4");
    session.until("the pods, in two columns", |s| {
        s.contains("POD")
            && s.contains("STATUS")
            && !s.contains("RESTARTS")
            && s.contains("Running")
    });
    write(
        &config,
        "[columns]\npods = [\"name\", \"label:team\", { title = \"RANK NO\", label = \"x.io/rank\" }]\n",
    );
    session.until("the label of each", |s| {
        s.contains("TEAM")
            && s.contains("RANK NO")
            && s.contains("hep")
            && s.contains("hold from now on")
    });
    server.put_labelled("default", "b", "Running", &[("team", "vision")]);
    session.until("its change", |s| s.contains("vision"));
    // a mistake is told with its place, and what is in force stays
    write(&config, "[columns]\npods = [\"name\",\n  \"teem\"]\n");
    session.until("the mistake", |s| {
        s.contains("config.toml:3") && s.contains("TEAM") && s.contains("vision")
    });
    session.send("q");
    assert_eq!(session.until_ended(), 0);
}
