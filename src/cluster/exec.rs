//! Credential plugins (`users[].user.exec`), run by us instead of kube: never interactive, stderr captured and
//! delivered as text, killed after a while, off the async threads. Nothing of them reaches the terminal.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, Utc};
use kube::config::ExecConfig;
use serde::Deserialize;
use thiserror::Error;

/// A plugin that needs longer waits for somebody to type or click.
const PATIENCE: Duration = Duration::from_secs(60);
/// What of its stderr is worth showing.
const STDERR_LIMIT: usize = 4096;
/// Longest wait for the rest of its output after it has ended: something it left behind may hold the pipes.
const REST: Duration = Duration::from_millis(500);

/// Why a plugin gave no credentials.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ExecError {
    #[error("the exec section of this user names no command")]
    NoCommand,
    #[error("credential plugin {command} is not installed or not in PATH{}", hint(.install_hint))]
    Missing {
        command: String,
        install_hint: Option<String>,
    },
    #[error("credential plugin {command} cannot be started: {why}")]
    Start { command: String, why: String },
    #[error("credential plugin {command} failed ({status}){}", said(.stderr))]
    Failed {
        command: String,
        status: String,
        stderr: String,
    },
    #[error("credential plugin {command} did not finish within {seconds} s; it may wait for a login: run kubectl once in a terminal{}", said(.stderr))]
    TimedOut {
        command: String,
        seconds: u64,
        stderr: String,
    },
    #[error("credential plugin {command} answered {why}")]
    Unusable { command: String, why: String },
}

fn hint(text: &Option<String>) -> String {
    text.as_deref()
        .map_or(String::new(), |t| format!("; {}", t.trim()))
}

fn said(stderr: &str) -> String {
    match stderr.trim() {
        "" => String::new(),
        text => format!(": {text}"),
    }
}

/// What a plugin gave: a token, a client certificate, or both.
#[derive(Clone, Default)]
pub struct Credential {
    pub token: Option<String>,
    /// Certificate and key as PEM.
    pub identity: Option<(String, String)>,
    pub expires: Option<DateTime<Utc>>,
    /// What the plugin had to say on stderr although it succeeded.
    pub said: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: Option<String>,
    status: Option<AnswerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AnswerStatus {
    expiration_timestamp: Option<String>,
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

/// Runs the plugin and waits for it; call on a thread that may block.
pub fn run(exec: &ExecConfig) -> Result<Credential, ExecError> {
    run_within(exec, PATIENCE)
}

fn run_within(exec: &ExecConfig, patience: Duration) -> Result<Credential, ExecError> {
    let command = exec.command.clone().ok_or(ExecError::NoCommand)?;
    let mut process = Command::new(&command);
    process
        .args(exec.args.iter().flatten())
        .envs(exec.env.iter().flatten().filter_map(|pair| {
            let name = pair.get("name")?;
            Some((name, pair.get("value")?))
        }))
        .env("KUBERNETES_EXEC_INFO", info(exec))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    // in the background of the terminal: one that asks for a password there is stopped by the system, and takes no
    // keys from the screen
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut process, 0);
    let mut child = process.spawn().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => ExecError::Missing {
            command: command.clone(),
            install_hint: exec.install_hint.clone(),
        },
        _ => ExecError::Start {
            command: command.clone(),
            why: e.to_string(),
        },
    })?;
    let stdout = Collected::from(child.stdout.take(), usize::MAX);
    let stderr = Collected::from(child.stderr.take(), STDERR_LIMIT);
    let deadline = Instant::now() + patience;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if Instant::now() >= deadline => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(ExecError::TimedOut {
                    command,
                    seconds: patience.as_secs(),
                    stderr: plain(&stderr.taken(Duration::ZERO)),
                });
            }
            Ok(None) => std::thread::sleep(Duration::from_millis(10)),
            Err(e) => {
                return Err(ExecError::Start {
                    command,
                    why: e.to_string(),
                });
            }
        }
    };
    let stdout = stdout.taken(REST);
    let stderr = plain(&stderr.taken(REST));
    if !status.success() {
        return Err(ExecError::Failed {
            command,
            status: status.to_string(),
            stderr,
        });
    }
    let mut credential = read(&stdout, exec.api_version.as_deref())
        .map_err(|why| ExecError::Unusable { command, why })?;
    credential.said = stderr;
    Ok(credential)
}

/// What comes from a pipe, read on a thread of its own.
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    /// Closed when the pipe is at its end.
    over: mpsc::Receiver<()>,
}

impl Collected {
    /// Reads to the end, keeping at most `limit` bytes.
    fn from(pipe: Option<impl Read + Send + 'static>, limit: usize) -> Self {
        let (bytes, (open, over)) = (Arc::<Mutex<Vec<u8>>>::default(), mpsc::channel());
        let kept = bytes.clone();
        std::thread::spawn(move || {
            let _open: mpsc::Sender<()> = open;
            let mut buffer = [0; 4096];
            let Some(mut pipe) = pipe else { return };
            while let Ok(n @ 1..) = pipe.read(&mut buffer) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                let room = limit.saturating_sub(kept.len()).min(n);
                kept.extend_from_slice(&buffer[..room]);
            }
        });
        Self { bytes, over }
    }

    /// What there is when the pipe ends, or after so long.
    fn taken(&self, rest: Duration) -> Vec<u8> {
        let _ = self.over.recv_timeout(rest);
        let mut bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *bytes)
    }
}

/// One line without control characters, so that it can be shown anywhere.
fn plain(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .split(['\n', '\r'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" / ")
        .chars()
        .filter(|c| !c.is_control())
        .collect()
}

/// The `KUBERNETES_EXEC_INFO` document.
fn info(exec: &ExecConfig) -> String {
    let mut spec = serde_json::json!({ "interactive": false });
    if exec.provide_cluster_info
        && let Some(cluster) = &exec.cluster
    {
        spec["cluster"] = serde_json::to_value(cluster).unwrap_or_default();
    }
    serde_json::json!({
        "kind": "ExecCredential",
        "apiVersion": exec.api_version.as_deref().unwrap_or("client.authentication.k8s.io/v1"),
        "spec": spec,
    })
    .to_string()
}

/// Plugins write JSON, some YAML; YAML reads both.
fn read(stdout: &[u8], version: Option<&str>) -> Result<Credential, String> {
    let answer: Answer = serde_saphyr::from_slice(stdout)
        .map_err(|_| "what is no ExecCredential document".to_owned())?;
    if let (Some(wanted), Some(got)) = (version, &answer.api_version)
        && wanted != got
    {
        return Err(format!("in version {got}, but {wanted} is configured"));
    }
    let status = answer.status.ok_or("without a status")?;
    let expires = match &status.expiration_timestamp {
        Some(text) => Some(
            DateTime::parse_from_rfc3339(text)
                .map_err(|_| format!("an expirationTimestamp that is no time: {text}"))?
                .with_timezone(&Utc),
        ),
        None => None,
    };
    let token = status.token.filter(|t| !t.is_empty());
    let identity = match (status.client_certificate_data, status.client_key_data) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (None, None) => None,
        _ => return Err("a client certificate without its key, or the reverse".into()),
    };
    if token.is_none() && identity.is_none() {
        return Err("neither a token nor a client certificate".into());
    }
    Ok(Credential {
        token,
        identity,
        expires,
        said: String::new(),
    })
}

/// PEM as kubeconfig data fields carry it.
pub fn encode(pem: &str) -> String {
    BASE64.encode(pem)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn plugin(script: &str) -> ExecConfig {
        ExecConfig {
            command: Some("sh".into()),
            args: Some(vec!["-c".into(), script.into()]),
            api_version: Some("client.authentication.k8s.io/v1".into()),
            ..ExecConfig::default()
        }
    }

    #[test]
    fn a_token_and_its_time() {
        let given = run(&plugin(
            r#"echo warming up >&2
            case "$KUBERNETES_EXEC_INFO" in *'"interactive":false'*) ;; *) exit 3;; esac
            echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential",
                   "status":{"token":"t1","expirationTimestamp":"2030-01-01T00:00:00Z"}}'"#,
        ))
        .unwrap();
        assert_eq!(given.token.as_deref(), Some("t1"));
        assert_eq!(given.said, "warming up");
        assert!(given.expires.is_some());
    }

    #[test]
    fn failures_say_what_and_why() {
        let failed = run(&plugin("printf 'login\\033[31m expired\\n' >&2; exit 7"))
            .err()
            .unwrap();
        assert!(failed.to_string().contains("login[31m expired"), "{failed}");
        assert!(failed.to_string().contains("7"), "{failed}");
        let missing = ExecConfig {
            command: Some("no-such-plugin-anywhere".into()),
            install_hint: Some("brew install it".into()),
            ..ExecConfig::default()
        };
        let text = run(&missing).err().unwrap().to_string();
        assert!(text.contains("not in PATH; brew install it"), "{text}");
        let old = run(&plugin(
            "echo 'apiVersion: client.authentication.k8s.io/v1beta1'",
        ))
        .err()
        .unwrap();
        assert!(old.to_string().contains("v1beta1"), "{old}");
        let empty = run(&plugin("echo '{}'")).err().unwrap();
        assert!(empty.to_string().contains("without a status"), "{empty}");
        // one that hangs is ended, and what it said before is told; what it left behind holds nobody up
        let slow = plugin("echo open https://login.example/device >&2; sleep 30 & sleep 30");
        let patience = Duration::from_millis(700);
        let text = run_within(&slow, patience).err().unwrap().to_string();
        assert!(
            text.contains("did not finish") && text.contains("login.example/device"),
            "{text}"
        );
        let daemon = plugin(r#"sleep 30 & echo '{"status":{"token":"t"}}'"#);
        assert_eq!(run(&daemon).unwrap().token.as_deref(), Some("t"));
        // stdin is closed: a plugin that asks gets nothing, and does not hang
        assert!(run(&plugin("read answer || exit 9")).is_err());
    }
}
