//! Through proxies of each kind, with names and passwords: rows arrive, and the proxy was asked as it wants to be.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use jobdeck::cluster::connect::resolve;
use jobdeck::cluster::kubeconfig::Surroundings;
use jobdeck::cluster::{CHANNEL, Cluster, Options};
use jobdeck::model::want::{Kind, Selector, Want};
use rstest::rstest;
use serde_json::json;
use tokio::sync::mpsc;

use crate::harness::{Client, ten};
use crate::scripted::Server;

/// What a proxy was asked for, one line for each connection.
type Asked = Arc<Mutex<Vec<String>>>;

/// Every connection is greeted, and then joined with the server, wherever it was to go.
fn proxy(server: &Server, greet: fn(&mut TcpStream) -> String) -> (String, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = server.url().authority().unwrap().to_string();
    let asked = Asked::default();
    let told = asked.clone();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (server, told) = (server.clone(), told.clone());
            thread::spawn(move || {
                let mut client = client.unwrap();
                told.lock().unwrap().push(greet(&mut client));
                join(client, TcpStream::connect(server).unwrap());
            });
        }
    });
    (address, asked)
}

fn join(one: TcpStream, other: TcpStream) {
    let copy = |mut from: TcpStream, mut to: TcpStream| {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    };
    let (from, to) = (one.try_clone().unwrap(), other.try_clone().unwrap());
    thread::spawn(move || copy(from, to));
    copy(other, one);
}

fn bytes(from: &mut TcpStream, n: usize) -> Vec<u8> {
    let mut all = vec![0; n];
    from.read_exact(&mut all).unwrap();
    all
}

/// `CONNECT HOST:PORT`, and what it was asked with.
fn connect(client: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.extend(bytes(client, 1));
    }
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    let head = String::from_utf8(head).unwrap();
    let of = |line: &&str| {
        line.to_ascii_lowercase()
            .starts_with("proxy-authorization:")
    };
    let login = head.lines().find(of).unwrap_or_default();
    let (_, login) = login.split_once(": ").unwrap_or_default();
    format!("{} {login}", head.lines().next().unwrap())
}

/// SOCKS 5 (RFC 1928), with name and password (RFC 1929) where they are offered.
fn socks(client: &mut TcpStream) -> String {
    let text = |client: &mut TcpStream| {
        let length = bytes(client, 1)[0];
        String::from_utf8(bytes(client, length.into())).unwrap()
    };
    let methods = bytes(client, 2)[1];
    let with_login = bytes(client, methods.into()).contains(&2);
    let mut login = String::new();
    client
        .write_all(&[5, if with_login { 2 } else { 0 }])
        .unwrap();
    if with_login {
        bytes(client, 1);
        login = format!("{}:{}", text(client), text(client));
        client.write_all(&[1, 0]).unwrap();
    }
    let host = match bytes(client, 4)[3] {
        1 => bytes(client, 4)
            .iter()
            .map(u8::to_string)
            .collect::<Vec<_>>()
            .join("."),
        3 => text(client),
        kind => panic!("an address of kind {kind}"),
    };
    let port = bytes(client, 2);
    let port = u16::from_be_bytes([port[0], port[1]]);
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
    format!("{host}:{port} {login}")
}

#[rstest]
#[case::connect(connect, "http://PROXY", "CONNECT cluster.internal:6443 HTTP/1.1 ")]
#[case::connect_with_a_login(
    connect,
    "http://ann:p%40ss@PROXY",
    "CONNECT cluster.internal:6443 HTTP/1.1 Basic YW5uOnBAc3M="
)]
#[case::socks(socks, "socks5://PROXY", "cluster.internal:6443 ")]
#[case::socks_with_a_login(socks, "socks5h://ann:p%40ss@PROXY", "cluster.internal:6443 ann:p@ss")]
#[tokio::test]
async fn a_cluster_behind_a_proxy(
    #[case] greet: fn(&mut TcpStream) -> String,
    #[case] address: &str,
    #[case] want: &str,
) {
    let server = ten();
    let (at, asked) = proxy(&server, greet);
    let folder = tempfile::tempdir().unwrap();
    let file: PathBuf = folder.path().join("config");
    // a name that only the proxy knows
    let cluster = json!({"server": "http://cluster.internal:6443", "proxy-url": address.replace("PROXY", &at)});
    let config = json!({
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": {}}],
    });
    std::fs::write(&file, config.to_string()).unwrap();
    let around = Surroundings {
        file: Some(file),
        ..Surroundings::default()
    };
    let (out, reports) = mpsc::channel(CHANNEL);
    let target = resolve(&around, None).unwrap();
    let cluster = Cluster::open(target, Options::default(), out)
        .await
        .unwrap();
    let mut client = Client::over(cluster, reports);
    client
        .cluster
        .want(None, &[Want::Watch(Kind::Pod, Selector::All)]);
    client.until_same(&server).await;
    let asked = asked.lock().unwrap();
    assert!(
        !asked.is_empty() && asked.iter().all(|line| line == want),
        "{asked:?}"
    );
}
