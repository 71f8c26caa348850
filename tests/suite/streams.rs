//! Connections into pods over HTTP: commands and forwarded ports against the demo cluster, and against servers that cut
//! them off, say no, or speak only the old protocol.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use jobdeck::actions::outcome::Outcome;
use jobdeck::actions::{Intent, Run, Step};
use jobdeck::cluster::http::Http;
use jobdeck::cluster::streams::exec::{Input, Output};
use jobdeck::cluster::target::Target;
use jobdeck::cluster::writes::{Gate, Rules};
use jobdeck::cluster::{CHANNEL, Cluster, Options};
use jobdeck::demo::Demo;
use jobdeck::demo::scenario;
use jobdeck::demo::world::World;
use jobdeck::model::want::Kind;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};

use crate::actions::{keep, object};
use crate::harness::quick;
use crate::served::{Served, still};

mod commands;
mod ports;

/// Longest wait for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A scene of one's own, to be changed.
fn begin() -> Demo {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let world = World::stepped(&scenario::Options::default(), Duration::from_secs(600));
    Demo::start(any, world).expect("a free port")
}

struct Open {
    gate: Gate,
    cluster: Cluster,
    folder: tempfile::TempDir,
}

async fn open(server: &str, rules: Rules) -> Open {
    let (out, _reports) = mpsc::channel(CHANNEL);
    let options = Options {
        tuning: quick(),
        ..Options::default()
    };
    let target = Target::plain(server.parse().unwrap(), "test");
    let cluster = Cluster::open(target, options, out).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    Open {
        gate: cluster.gate(rules, keep(folder.path())),
        cluster,
        folder,
    }
}

impl Open {
    async fn scene() -> Self {
        let server = format!("http://{}", still().addr());
        open(&server, Rules::default()).await
    }

    /// Namespace and name of a pod that runs and satisfies.
    async fn pod(&self, holds: impl Fn(&Value) -> bool) -> (String, String) {
        let ask = jobdeck::cluster::http::Ask::get("/api/v1/pods");
        let list: Value = self.cluster.http().json(&ask).await.unwrap();
        let mut all = list["items"].as_array().unwrap().iter();
        let pod = all
            .find(|pod| pod["status"]["phase"] == "Running" && holds(pod))
            .expect("such a pod runs");
        let text = |name: &str| pod["metadata"][name].as_str().unwrap().to_owned();
        (text("namespace"), text("name"))
    }

    fn audit(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("audit.jsonl"));
        let text = text.unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

fn step(intent: Intent, (namespace, name): &(String, String)) -> Step {
    Step::new(intent, object(Kind::Pod, namespace, name, None))
}

fn command(words: &[&str]) -> Run {
    Run {
        command: words.iter().map(|word| (*word).to_owned()).collect(),
        ..Run::default()
    }
}

fn image(pod: &Value, word: &str) -> bool {
    let image = &pod["spec"]["containers"][0]["image"];
    image.as_str().is_some_and(|image| image.contains(word))
}

/// A trainer with NVIDIA cards.
fn trains(pod: &Value) -> bool {
    image(pod, "/train:")
        && !pod["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"].is_null()
}

#[derive(Default)]
struct Heard {
    out: String,
    err: String,
}

/// Runs it with this input, to its end.
async fn run(open: &Open, pod: &(String, String), run: Run, input: Vec<Input>) -> (Heard, Outcome) {
    let running = open.gate.exec(step(Intent::Exec(Arc::new(run)), pod)).await;
    let running = running.unwrap_or_else(|outcome| panic!("{}", outcome.sentence()));
    let (tx, rx) = mpsc::channel(64);
    for one in input {
        tx.send(one).await.unwrap();
    }
    let mut heard = Heard::default();
    let out = |to: Output, bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        match to {
            Output::Stdout => heard.out.push_str(&text),
            Output::Stderr => heard.err.push_str(&text),
        }
        Ok(())
    };
    let ended = running.run(rx, out, std::future::pending());
    let ended = tokio::time::timeout(PATIENCE, ended).await.expect("an end");
    (heard, ended.unwrap())
}

fn bytes(text: &str) -> Input {
    Input::Bytes(text.to_owned().into())
}

/// A server of one WebSocket in a protocol; answers what it was sent until the client went.
async fn bare(
    protocol: &'static str,
    say: Vec<Vec<u8>>,
) -> (Http, tokio::task::JoinHandle<Vec<Message>>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let http = Http::new(Target::plain(url.parse().unwrap(), "test"));
    let served = tokio::spawn(async move {
        let mut socket = accepted(&listener, protocol).await;
        for bytes in say {
            socket.send(Message::Binary(bytes.into())).await.unwrap();
        }
        let mut got = Vec::new();
        while let Some(Ok(message)) = socket.next().await {
            if !matches!(message, Message::Ping(_) | Message::Pong(_)) {
                got.push(message);
            }
        }
        got
    });
    (http, served)
}

/// The same, but it falls silent: it answers the first ping, says these, and is there without a word from then on.
async fn hushed(protocol: &'static str, say: Vec<Vec<u8>>) -> Http {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let http = Http::new(Target::plain(url.parse().unwrap(), "test"));
    tokio::spawn(async move {
        let mut socket = accepted(&listener, protocol).await;
        while !matches!(socket.next().await, Some(Ok(Message::Ping(_)))) {}
        for bytes in say {
            socket.send(Message::Binary(bytes.into())).await.unwrap();
        }
        std::future::pending::<()>().await;
    });
    http
}

/// The next WebSocket that is opened.
async fn accepted(listener: &TcpListener, protocol: &'static str) -> WebSocketStream<TcpStream> {
    let (stream, _) = listener.accept().await.unwrap();
    #[allow(clippy::result_large_err, reason = "the library's own signature")]
    let choose = |_: &Request, mut response: Response| {
        let headers = response.headers_mut();
        headers.insert("sec-websocket-protocol", protocol.parse().unwrap());
        Ok(response)
    };
    tokio_tungstenite::accept_hdr_async(stream, choose)
        .await
        .unwrap()
}

fn framed(channel: u8, text: &str) -> Vec<u8> {
    [&[channel], text.as_bytes()].concat()
}

/// A running pod of the served scene.
fn running(served: &Served, more: &[&str]) -> (String, String) {
    let mut args = vec![
        "get",
        "pods",
        "-A",
        "--field-selector",
        "status.phase=Running",
        "-o",
    ];
    args.push("jsonpath={.items[0].metadata.namespace} {.items[0].metadata.name}");
    args.extend_from_slice(more);
    let text = served.ok(&args);
    let (namespace, name) = text.split_once(' ').expect("a pod");
    (namespace.to_owned(), name.to_owned())
}
