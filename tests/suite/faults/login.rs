//! What stands before the cluster: credential plugins, certificates, names, proxies. Each failure names the context, the
//! server and what can be done.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jobdeck::cluster::connect::resolve;
use jobdeck::cluster::kubeconfig::Surroundings;
use jobdeck::cluster::{CHANNEL, Cluster, Options};
use jobdeck::model::want::{Kind, Selector, Want};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::bench::tuning;
use crate::harness::{Client, ten};
use crate::scripted::Server;

fn surroundings(folder: &tempfile::TempDir, cluster: Value, user: Value) -> Surroundings {
    let config = json!({
        "current-context": "x",
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
    });
    let file = folder.path().join("config");
    std::fs::write(&file, config.to_string()).unwrap();
    Surroundings {
        file: Some(file),
        ..Surroundings::default()
    }
}

/// What is said when this cluster is opened as this user.
async fn said(cluster: Value, user: Value) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let around = surroundings(&folder, cluster, user);
    let error = match resolve(&around, None) {
        Ok(target) => {
            let (out, _reports) = mpsc::channel(CHANNEL);
            let options = Options {
                tuning: tuning(),
                ..Options::default()
            };
            match Cluster::open(target, options, out).await {
                Ok(_) => panic!("it opened"),
                Err(error) => error,
            }
        }
        Err(error) => error,
    };
    (error.to_string(), error.next_step())
}

fn plugin(script: &str) -> Value {
    json!({"exec": {"command": "sh", "args": ["-c", script], "interactiveMode": "IfAvailable"}})
}

fn at(server: &Server) -> Value {
    json!({"server": server.url().to_string()})
}

#[tokio::test]
async fn plugins_that_fail_say_which_and_why() {
    let server = ten();
    server.state().token = Some("right".into());
    let (why, step) = said(
        at(&server),
        plugin("echo 'token expired: run corp-login' >&2; exit 3"),
    )
    .await;
    assert!(
        why.contains(r#"context "x""#) && why.contains("credential plugin sh failed"),
        "{why}"
    );
    assert!(why.contains("token expired: run corp-login"), "{why}");
    assert!(step.contains("log in, then retry"), "{step}");

    let missing = json!({"exec": {"command": "corp-login-not-here", "installHint": "see https://corp.example/login"}});
    let (why, _) = said(at(&server), missing).await;
    assert!(
        why.contains("corp-login-not-here is not installed") && why.contains("corp.example/login"),
        "{why}"
    );

    // asks for a password: it gets the end of input, and is not waited for
    let asks = plugin(
        "printf 'Password: ' >&2; read answer || { echo no input >&2; exit 1; }; echo $answer",
    );
    let (why, _) = said(at(&server), asks).await;
    assert!(
        why.contains("Password:") && why.contains("no input"),
        "{why}"
    );

    // paints the screen, and talks a lot
    let chatty = plugin(
        "for i in $(seq 2000); do printf '\\033[2J\\033]0;owned\\007line %s\\n' $i >&2; done; exit 9",
    );
    let (why, _) = said(at(&server), chatty).await;
    assert!(why.contains("line 1") && why.len() < 6000, "{}", why.len());
    assert!(!why.contains('\x1b') && !why.contains('\x07'), "{why:?}");

    let (why, _) = said(at(&server), plugin("echo this is no credential")).await;
    assert!(why.contains("no ExecCredential"), "{why}");
    let wrong = plugin(r#"echo '{"status":{"token":"wrong"}}'"#);
    let (why, step) = said(at(&server), wrong).await;
    assert!(
        why.contains("401") && step.contains("log in again"),
        "{why}: {step}"
    );
}

/// Talks while it succeeds; its token is short-lived, and another is fetched when the first is refused.
#[tokio::test]
async fn a_token_that_expires_is_fetched_anew() {
    let server = ten();
    server.state().token = Some("one".into());
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("token"), "one").unwrap();
    let script = format!(
        "printf '{{\"status\":{{\"token\":\"%s\",\"expirationTimestamp\":\"%s\"}}}}' $(cat {0}/token) $(date -u -d '+31 seconds' +%Y-%m-%dT%H:%M:%SZ)",
        folder.path().display()
    );
    let around = surroundings(&folder, at(&server), plugin(&script));
    let target = resolve(&around, None).unwrap();
    let (out, reports) = mpsc::channel(CHANNEL);
    let options = Options {
        tuning: tuning(),
        ..Options::default()
    };
    let cluster = Cluster::open(target, options, out).await.unwrap();
    let mut client = Client::over(cluster, reports);
    client
        .cluster
        .want(None, &[Want::Watch(Kind::Pod, Selector::All)]);
    client.until_same(&server).await;
    // the old one is worth nothing from now on
    server.state().token = Some("two".into());
    std::fs::write(folder.path().join("token"), "two").unwrap();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    server.hang_up();
    server.put("after", "Running");
    client.until_same(&server).await;
}

#[tokio::test]
async fn names_that_are_none_and_proxies_that_are_not_there() {
    let (why, step) = said(
        json!({"server": "http://no-such-cluster.invalid:6443"}),
        json!({}),
    )
    .await;
    let words = ["cannot be resolved", "no answer"];
    assert!(words.iter().any(|w| why.contains(w)), "{why}");
    assert!(step.contains("VPN"), "{step}");

    let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let through = json!({"server": "http://10.0.0.1:6443", "proxy-url": proxy});
    let (why, step) = said(through, json!({})).await;
    assert!(
        why.contains(&format!("through the proxy {proxy}")) && why.contains("connection refused"),
        "{why}"
    );
    assert!(step.contains("proxy"), "{step}");
    let (why, _) = said(
        json!({"server": "http://10.0.0.1:6443", "proxy-url": "http://[nowhere"}),
        json!({}),
    )
    .await;
    assert!(why.contains("proxy-url"), "{why}");
}

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/tls")
        .join(name)
}

/// A server whose certificate has expired in 2021. It answers nobody who looks at that.
fn expired() -> std::net::SocketAddr {
    let certificate = CertificateDer::from_pem_file(fixture("expired.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(fixture("expired.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let session = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(session, stream);
            // the client hangs up when it sees the certificate
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
            let _ = stream.flush();
        }
    });
    addr
}

#[tokio::test]
async fn certificates_that_have_expired_or_are_of_strangers() {
    let server = format!("https://{}", expired());
    let trusting = json!({"server": server, "certificate-authority": fixture("ca.pem")});
    let (why, step) = said(trusting, json!({})).await;
    assert!(
        why.contains("certificate has expired") && why.contains(&server),
        "{why}"
    );
    assert!(!step.is_empty());
    // another authority: that is what is said, whatever else is wrong with it
    let strange = json!({"server": server, "certificate-authority": fixture("expired.pem")});
    let (why, step) = said(strange, json!({})).await;
    assert!(why.contains("TLS"), "{why}");
    assert!(step.contains("certificate-authority"), "{step}");
    // no TLS at all behind https
    let plain = TcpListener::bind("127.0.0.1:0").unwrap();
    let https = format!("https://{}", plain.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut stream in plain.incoming().flatten() {
            let _ = stream.read(&mut [0; 64]);
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    let (why, _) = said(json!({"server": https}), json!({})).await;
    assert!(why.contains("does not speak TLS"), "{why}");
}
