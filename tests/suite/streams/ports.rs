//! Ports of this machine that lead into pods: jobdeck's own way, kubectl's, and what is said when they lead nowhere.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Ipv4Addr;
use std::process::Stdio;
use std::sync::Arc;

use futures::{SinkExt, StreamExt};
use jobdeck::actions::{Intent, Propagation, Run};
use jobdeck::cluster::streams::forward::{Port, Traffic, traffic};
use jobdeck::cluster::writes::Rules;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use super::*;
use crate::served::{Served, kubectl_there, still};

async fn ask(port: u16, request: &str, shut: bool) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    if shut {
        stream.shutdown().await.unwrap();
    }
    let mut text = String::new();
    let read = stream.read_to_string(&mut text);
    let read = tokio::time::timeout(PATIENCE, read).await.expect("an end");
    // where nobody listens, a connection may end as one does there
    let reset = |e: &std::io::Error| e.kind() == std::io::ErrorKind::ConnectionReset;
    assert!(
        read.as_ref().is_ok() || read.as_ref().is_err_and(reset),
        "{read:?}"
    );
    text
}

fn head(pod: &Value) -> bool {
    pod["metadata"]["labels"]["ray.io/node-type"] == "head"
}

const VERSION: &str = "GET /api/version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_port_leads_into_the_pod_both_ways_and_counts() {
    let open = Open::scene().await;
    let pod = open.pod(head).await;
    let target = object(Kind::Pod, &pod.0, &pod.1, None);
    let offers = open.gate.offers(&target).await.unwrap();
    assert_eq!(
        (offers[0].port, offers[0].what.as_str()),
        (8265, "Ray dashboard")
    );
    let forward = open
        .gate
        .forward(step(Intent::Forward(8265), &pod), Some(0))
        .await;
    let forward = forward.unwrap_or_else(|outcome| panic!("{}", outcome.sentence()));
    let port = forward.local();
    let (tx, mut rx) = traffic();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(async move {
        let stop = async {
            let _ = stopped.await;
        };
        forward.run(&tx, stop).await
    });
    let answer = ask(port, VERSION, false).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("ray_version"),
        "{answer}"
    );
    // who has said all it will still gets its answer
    let two = VERSION.replace("close", "keep-alive") + VERSION;
    let (again, both) = tokio::join!(ask(port, VERSION, true), ask(port, &two, true));
    assert_eq!(again, answer);
    assert_eq!(both.matches("ray_version").count(), 2, "{both}");
    let settled = |t: &Traffic| t.open == 0 && t.all == 3;
    let counted = tokio::time::timeout(PATIENCE, rx.wait_for(settled))
        .await
        .expect("counted")
        .unwrap()
        .clone();
    assert_eq!(
        counted.received as usize,
        answer.len() + again.len() + both.len()
    );
    assert_eq!(counted.sent as usize, 2 * VERSION.len() + two.len());
    assert_eq!(counted.trouble, None);
    stop.send(()).unwrap();
    assert_eq!(running.await.unwrap(), None);
    assert!(
        TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .is_err(),
        "nobody listens any more"
    );
    let results: Vec<Value> = open
        .audit()
        .iter()
        .map(|line| line["result"].clone())
        .collect();
    assert_eq!(results, ["opened", "done"]);
    assert_eq!(open.audit()[0]["port"], 8265);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_nobody_listens_on_says_so_and_one_that_is_taken_too() {
    let open = Open::scene().await;
    let pod = open.pod(head).await;
    let forward = open
        .gate
        .forward(step(Intent::Forward(6006), &pod), Some(0))
        .await;
    let forward = forward.unwrap_or_else(|outcome| panic!("{}", outcome.sentence()));
    let port = forward.local();
    let (tx, mut rx) = traffic();
    let running = tokio::spawn(async move { forward.run(&tx, std::future::pending()).await });
    assert_eq!(ask(port, VERSION, false).await, "");
    let told = tokio::time::timeout(PATIENCE, rx.wait_for(|t| t.trouble.is_some())).await;
    let trouble = told.expect("it is told").unwrap().trouble.clone();
    assert_eq!(
        trouble.as_deref(),
        Some("nothing listens on port 6006 in the pod")
    );
    let taken = open
        .gate
        .forward(step(Intent::Forward(6006), &pod), Some(port))
        .await;
    let said = taken.err().expect("it is taken").sentence();
    assert!(
        said.contains("of this machine is taken: write :6006"),
        "{said}"
    );
    running.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_leads_into_a_pod_ends_with_it() {
    let demo = begin();
    let open = open(&format!("http://{}", demo.addr()), Rules::default()).await;
    let pod = open.pod(head).await;
    let forward = open
        .gate
        .forward(step(Intent::Forward(8265), &pod), Some(0))
        .await;
    let forward = forward.unwrap_or_else(|outcome| panic!("{}", outcome.sentence()));
    let port = forward.local();
    let (tx, _rx) = traffic();
    let leading = tokio::spawn(async move { forward.run(&tx, std::future::pending()).await });
    assert!(ask(port, VERSION, false).await.contains("ray_version"));
    let asked = Run {
        stdin: true,
        ..command(&["cat"])
    };
    let running = open
        .gate
        .exec(step(Intent::Exec(Arc::new(asked)), &pod))
        .await;
    let running = running.unwrap_or_else(|outcome| panic!("{}", outcome.sentence()));
    let (_tx, rx) = mpsc::channel(1);
    let running = tokio::spawn(running.run(rx, |_, _| Ok(()), std::future::pending()));
    let force = Intent::Delete {
        propagation: Propagation::Background,
        force: true,
    };
    let deleted = open.gate.step(step(force, &pod)).await;
    assert_eq!(deleted.result(), "done", "{}", deleted.sentence());
    let why = tokio::time::timeout(PATIENCE, leading)
        .await
        .expect("it ends")
        .unwrap();
    assert!(
        why.is_some_and(|why| why.starts_with("its pod is gone")),
        "{why:?}"
    );
    let ended = tokio::time::timeout(PATIENCE, running)
        .await
        .expect("it ends")
        .unwrap()
        .unwrap();
    assert_eq!(ended.exit, Some(137));
}

/// No byte and no close, as of a command.
#[tokio::test]
async fn a_port_whose_connection_falls_silent_is_in_trouble() {
    let number = 8265u16.to_le_bytes();
    let begin = |channel: u8| vec![channel, number[0], number[1]];
    let say = vec![begin(0), begin(1), framed(0, "hi")];
    let http = hushed("v4.channel.k8s.io", say).await;
    let port = Port::listen(0).await.unwrap();
    let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, port.local))
        .await
        .unwrap();
    let (tx, mut rx) = traffic();
    let leading = tokio::spawn(async move {
        let over = std::future::pending::<()>();
        port.lead(&http, "/pod", 8265, &tx, over).await;
    });
    let mut two = [0; 2];
    client.read_exact(&mut two).await.unwrap();
    assert_eq!(&two, b"hi");
    tokio::time::pause();
    let told = rx.wait_for(|t| t.trouble.is_some()).await.unwrap().clone();
    let trouble = told.trouble.unwrap();
    assert!(trouble.starts_with("nothing was heard for "), "{trouble}");
    leading.abort();
}

/// SPDY frames as a client writes them.
#[derive(Default)]
struct Frames {
    bytes: Vec<u8>,
    begun: bool,
}

impl Frames {
    fn control(&mut self, kind: u16, body: &[u8]) {
        self.bytes.extend([0x80, 3]);
        self.bytes.extend(kind.to_be_bytes());
        self.bytes.extend((body.len() as u32).to_be_bytes());
        self.bytes.extend(body);
    }

    fn open(&mut self, stream: u32, headers: &[(&str, &str)]) {
        let mut text = (headers.len() as u32).to_be_bytes().to_vec();
        for word in headers.iter().flat_map(|(name, value)| [name, value]) {
            text.extend((word.len() as u32).to_be_bytes());
            text.extend(word.as_bytes());
        }
        let mut body = [stream.to_be_bytes(), [0; 4]].concat();
        body.extend([0, 0]);
        if !std::mem::replace(&mut self.begun, true) {
            // a text with the dictionary of SPDY/3
            body.extend([0x78, 0x20, 0xe3, 0xc6, 0xa7, 0xc2]);
        }
        let length = text.len() as u16;
        body.push(0);
        body.extend(length.to_le_bytes());
        body.extend((!length).to_le_bytes());
        body.extend(text);
        self.control(1, &body);
    }

    fn data(&mut self, stream: u32, text: &str) {
        self.bytes.extend(stream.to_be_bytes());
        self.bytes.extend((text.len() as u32).to_be_bytes());
        self.bytes.extend(text.as_bytes());
    }
}

/// What came: of control frames the type and the body, of data the stream, whether it ends, and the text.
#[derive(Debug, PartialEq)]
enum Came {
    Control(u8, Vec<u8>),
    Data(u32, bool, String),
}

/// A WebSocket that carries SPDY.
struct Tunnel {
    socket: WebSocketStream<TcpStream>,
    held: Vec<u8>,
}

impl Tunnel {
    async fn open(pod: &(String, String)) -> Self {
        let addr = still().addr();
        let (namespace, name) = pod;
        let url = format!("ws://{addr}/api/v1/namespaces/{namespace}/pods/{name}/portforward");
        let mut request = url.into_client_request().unwrap();
        let protocol = "SPDY/3.1+portforward.k8s.io";
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", protocol.parse().unwrap());
        let stream = TcpStream::connect(addr).await.unwrap();
        let (socket, answer) = tokio_tungstenite::client_async(request, stream)
            .await
            .unwrap();
        assert_eq!(answer.headers()["sec-websocket-protocol"], protocol);
        Self {
            socket,
            held: Vec::new(),
        }
    }

    async fn send(&mut self, frames: &mut Frames) {
        let bytes = std::mem::take(&mut frames.bytes);
        // cut anywhere, as a stream may be
        for piece in bytes.chunks(11) {
            let message = Message::Binary(piece.to_vec().into());
            self.socket.send(message).await.unwrap();
        }
    }

    /// The next frame; none when the socket was closed in order.
    async fn next(&mut self) -> Option<Came> {
        loop {
            if let Some(head) = self.held.first_chunk::<8>().copied() {
                let length = u32::from_be_bytes([0, head[5], head[6], head[7]]) as usize;
                if self.held.len() >= 8 + length {
                    let body: Vec<u8> = self.held.drain(..8 + length).skip(8).collect();
                    let stream = u32::from_be_bytes([head[0], head[1], head[2], head[3]]);
                    return Some(match head[0] & 0x80 {
                        0 => Came::Data(stream, head[4] & 1 == 1, String::from_utf8(body).unwrap()),
                        _ => Came::Control(head[3], body),
                    });
                }
            }
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            match next.expect("a word") {
                Some(Ok(Message::Binary(bytes))) => self.held.extend(bytes),
                Some(Ok(Message::Close(Some(frame)))) => {
                    assert_eq!(u16::from(frame.code), 1000);
                    return None;
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_within_a_socket_lead_into_the_pod_as_kubectl_makes_them() {
    let open = Open::scene().await;
    let pod = open.pod(head).await;
    let mut tunnel = Tunnel::open(&pod).await;
    let mut frames = Frames::default();
    let pair = |kind, port, request| [("streamtype", kind), ("port", port), ("requestid", request)];
    frames.control(6, &7u32.to_be_bytes());
    frames.open(1, &pair("error", "8265", "0"));
    frames.open(3, &pair("data", "8265", "0"));
    // the client says nothing on the one for errors
    frames.bytes.extend([0, 0, 0, 1, 1, 0, 0, 0]);
    frames.data(3, VERSION);
    tunnel.send(&mut frames).await;
    let is = |came: Option<Came>, kind: u8, first: u32| match came {
        Some(Came::Control(of, body)) => of == kind && body.starts_with(&first.to_be_bytes()),
        _ => false,
    };
    assert!(is(tunnel.next().await, 6, 7), "the ping comes back");
    assert!(is(tunnel.next().await, 2, 1) && is(tunnel.next().await, 2, 3));
    let Some(Came::Data(3, false, answer)) = tunnel.next().await else {
        panic!()
    };
    assert!(
        answer.starts_with("HTTP/1.1 200 OK") && answer.contains("ray_version"),
        "{answer}"
    );
    assert_eq!(
        tunnel.next().await,
        Some(Came::Data(3, true, String::new()))
    );
    assert_eq!(
        tunnel.next().await,
        Some(Came::Data(1, true, String::new()))
    );

    // another at the same time, on a port where nobody listens; and what is no stream of these
    frames.open(5, &pair("error", "6006", "1"));
    frames.open(7, &pair("data", "6006", "1"));
    frames.open(9, &pair("side", "6006", "2"));
    frames.open(11, &pair("data", "none", "3"));
    tunnel.send(&mut frames).await;
    assert!(is(tunnel.next().await, 2, 5) && is(tunnel.next().await, 2, 7));
    let Some(Came::Data(5, false, why)) = tunnel.next().await else {
        panic!()
    };
    assert!(
        why.contains("port 6006 to pod") && why.contains("connection refused"),
        "{why}"
    );
    assert_eq!(
        tunnel.next().await,
        Some(Came::Data(7, true, String::new()))
    );
    assert_eq!(
        tunnel.next().await,
        Some(Came::Data(5, true, String::new()))
    );
    assert!(is(tunnel.next().await, 3, 9) && is(tunnel.next().await, 3, 11));

    // who hangs up one of two has ended both
    frames.open(13, &pair("error", "8265", "4"));
    frames.open(15, &pair("data", "8265", "4"));
    frames.control(3, &[15u32.to_be_bytes(), 5u32.to_be_bytes()].concat());
    frames.control(7, &[0; 8]);
    tunnel.send(&mut frames).await;
    assert!(is(tunnel.next().await, 2, 13) && is(tunnel.next().await, 2, 15));
    assert_eq!(
        tunnel.next().await,
        Some(Came::Data(15, true, String::new()))
    );
    assert_eq!(
        tunnel.next().await,
        Some(Came::Data(13, true, String::new()))
    );
    assert_eq!(tunnel.next().await, None, "goodbye is answered");

    // what is no SPDY ends it
    let mut tunnel = Tunnel::open(&pod).await;
    frames.bytes.extend(b"GET / HTTP/1.1\r\n\r\n");
    tunnel.send(&mut frames).await;
    assert!(is(tunnel.next().await, 7, 0));
    assert_eq!(tunnel.next().await, None);
}

/// `kubectl port-forward` until it listens; the port, and its error output to come.
fn forwarding(served: &Served, pod: &(String, String), port: &str) -> (std::process::Child, u16) {
    let mut child = served
        .kubectl(&["port-forward", "-n", &pod.0, &pod.1, port])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("kubectl runs");
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let port = lines.find_map(|line| {
        let line = line.ok()?;
        let rest = line.strip_prefix("Forwarding from 127.0.0.1:")?;
        rest.split(' ').next()?.parse().ok()
    });
    let Some(port) = port else {
        let mut text = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        panic!("it does not listen: {text}")
    };
    // what it says from then on is read by nobody, and there is little of it
    std::thread::spawn(move || lines.for_each(drop));
    (child, port)
}

fn get(port: u16) -> String {
    let mut stream = std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.write_all(VERSION.as_bytes()).unwrap();
    let mut text = String::new();
    // where nobody listens it may end as it does there
    let _ = stream.read_to_string(&mut text);
    text
}

#[test]
fn kubectl_forwards_ports_there() {
    if !kubectl_there("kubectl_forwards_ports_there") {
        return;
    }
    let served = Served::start(&[]);
    let pod = running(
        &served,
        &["-l", "ray.io/cluster=notebooks,ray.io/node-type=head"],
    );
    let (mut kubectl, port) = forwarding(&served, &pod, ":8265");
    let answers: Vec<String> = std::thread::scope(|scope| {
        let all: Vec<_> = (0..6).map(|_| scope.spawn(move || get(port))).collect();
        all.into_iter().map(|one| one.join().unwrap()).collect()
    });
    for answer in answers {
        assert!(
            answer.starts_with("HTTP/1.1 200 OK") && answer.contains("ray_version"),
            "{answer}"
        );
    }
    // it ends with its pod, and says so
    served.ok(&[
        "delete",
        "pod",
        "-n",
        &pod.0,
        &pod.1,
        "--force",
        "--grace-period=0",
    ]);
    let mut said = String::new();
    kubectl
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(!kubectl.wait().unwrap().success());
    assert!(said.contains("lost connection to pod"), "{said}");

    let pod = running(&served, &["-l", "training.kubeflow.org/job-name"]);
    let (mut kubectl, port) = forwarding(&served, &pod, ":6006");
    assert_eq!(get(port), "");
    let _ = kubectl.kill();
    let mut said = String::new();
    kubectl
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    kubectl.wait().unwrap();
    assert!(said.contains("connection refused"), "{said}");
}
