//! `pods/exec`: a command in a container. Input, output and the size of the terminal share one WebSocket; the first byte
//! of each message says which of them it is.

use std::io;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::tungstenite::Message;

use super::{LAST_WORDS, LOST, PING, escape};
use crate::cluster::failure::explain;
use crate::cluster::http::Socket;
use crate::cluster::wire::lax;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const RESIZE: u8 = 4;
/// Of v5: the channel named by the next byte has ended.
const CLOSE: u8 = 255;

/// What is to run, and what it is connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    pub container: String,
    pub argv: Vec<String>,
    pub stdin: bool,
    /// With a terminal there is one output: the terminal's.
    pub tty: bool,
}

impl Command {
    /// Path and query below a pod's path.
    pub fn path(&self, pod: &str) -> String {
        let mut out = format!("{pod}/exec?container={}", escape(&self.container));
        for word in &self.argv {
            out.push_str("&command=");
            out.push_str(&escape(word));
        }
        out.push_str("&stdout=true");
        for (name, on) in [
            ("stdin", self.stdin),
            ("stderr", !self.tty),
            ("tty", self.tty),
        ] {
            if on {
                out.push_str(&format!("&{name}=true"));
            }
        }
        out
    }
}

/// What goes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    Bytes(Bytes),
    /// There will be no more bytes.
    End,
    /// The terminal has this size now.
    Size {
        columns: u16,
        rows: u16,
    },
}

/// Where it comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    Stdout,
    Stderr,
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The command's own exit code.
    Exit(i32),
    /// It was not run, or not to its end: the server's words.
    Failed(String),
    /// The connection went. Whether the command still runs is not known.
    Lost(String),
}

/// The server's last message.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Verdict {
    #[serde(deserialize_with = "lax::text")]
    status: String,
    #[serde(deserialize_with = "lax::text")]
    reason: String,
    #[serde(deserialize_with = "lax::text")]
    message: String,
    #[serde(deserialize_with = "lax::object")]
    details: Details,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Details {
    #[serde(deserialize_with = "lax::list")]
    causes: Vec<Cause>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Cause {
    #[serde(deserialize_with = "lax::text")]
    reason: String,
    #[serde(deserialize_with = "lax::text")]
    message: String,
}

fn verdict(bytes: &[u8]) -> End {
    let Ok(verdict) = serde_json::from_slice::<Verdict>(bytes) else {
        return End::Failed(String::from_utf8_lossy(bytes).into_owned());
    };
    if verdict.status == "Success" {
        return End::Exit(0);
    }
    let mut causes = verdict.details.causes.iter();
    let code = causes.find(|cause| cause.reason == "ExitCode");
    match code.and_then(|cause| cause.message.parse().ok()) {
        Some(code) if verdict.reason == "NonZeroExitCode" => End::Exit(code),
        _ => End::Failed(verdict.message),
    }
}

/// Runs until the command has ended or the connection has. What comes out is handed on as it comes, in order; `out` may
/// block, and holds the server back by that.
///
/// Dropping the future drops the connection: the server then ends what has a terminal.
///
/// # Errors
/// Only those of `out`.
pub async fn run(
    socket: Socket,
    mut input: mpsc::Receiver<Input>,
    mut out: impl FnMut(Output, &[u8]) -> io::Result<()>,
) -> io::Result<End> {
    let tells_ends = socket.supports_stream_close();
    let (mut sink, mut stream) = socket.into_stream().split();
    // both at once: a server that waits for its output to be read does not read its input meanwhile
    let write = async {
        let mut ping = tokio::time::interval(PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut open = true;
        loop {
            let message = tokio::select! {
                _ = ping.tick() => Message::Ping(Bytes::new()),
                next = input.recv(), if open => match next {
                    Some(Input::Bytes(bytes)) => framed(STDIN, &bytes),
                    Some(Input::Size { columns, rows }) => {
                        let size = format!("{{\"Width\":{columns},\"Height\":{rows}}}");
                        framed(RESIZE, size.as_bytes())
                    }
                    Some(Input::End) if tells_ends => framed(CLOSE, &[STDIN]),
                    // v4 has no word for it but to hang up
                    Some(Input::End) => Message::Close(None),
                    None => {
                        open = false;
                        continue;
                    }
                },
            };
            let last = matches!(message, Message::Close(_));
            if let Err(e) = sink.send(message).await {
                return explain(&e);
            }
            if last {
                return "this server cannot be told that the input has ended".into();
            }
        }
    };
    let read = async {
        let mut heard = Instant::now();
        let mut answers = false;
        loop {
            let next = tokio::select! {
                next = stream.next() => next,
                () = tokio::time::sleep_until(heard + LOST), if answers => {
                    let seconds = LOST.as_secs();
                    return Ok(End::Lost(format!("nothing was heard for {seconds} s")));
                }
            };
            heard = Instant::now();
            match next {
                Some(Ok(Message::Binary(bytes))) => match bytes.split_first() {
                    Some((&STDOUT, rest)) if !rest.is_empty() => out(Output::Stdout, rest)?,
                    Some((&STDERR, rest)) if !rest.is_empty() => out(Output::Stderr, rest)?,
                    Some((&STATUS, rest)) if !rest.is_empty() => return Ok(verdict(rest)),
                    // each channel begins with an empty message
                    _ => {}
                },
                Some(Ok(Message::Pong(_))) => answers = true,
                Some(Ok(_)) => {}
                Some(Err(e)) => return Ok(End::Lost(explain(&e))),
                None => return Ok(End::Lost("the server closed the connection".into())),
            }
        }
    };
    tokio::pin!(read);
    tokio::select! {
        end = &mut read => end,
        why = write => match tokio::time::timeout(LAST_WORDS, read).await {
            Ok(Ok(End::Lost(_))) | Err(_) => Ok(End::Lost(why)),
            Ok(end) => end,
        },
    }
}

fn framed(channel: u8, bytes: &[u8]) -> Message {
    let mut all = Vec::with_capacity(bytes.len() + 1);
    all.push(channel);
    all.extend_from_slice(bytes);
    Message::Binary(all.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_asked_for_word_by_word() {
        let command = Command {
            container: "main".into(),
            argv: vec!["sh".into(), "-c".into(), "echo 'a&b' + $X".into()],
            stdin: false,
            tty: false,
        };
        assert_eq!(
            command.path("/api/v1/namespaces/a/pods/b"),
            "/api/v1/namespaces/a/pods/b/exec?container=main&command=sh&command=-c\
             &command=echo%20%27a%26b%27%20%2B%20%24X&stdout=true&stderr=true"
        );
        let tty = Command {
            stdin: true,
            tty: true,
            argv: vec!["sh".into()],
            ..command
        };
        assert!(tty.path("").ends_with("&stdout=true&stdin=true&tty=true"));
    }

    #[test]
    fn the_last_message_is_an_exit_code_or_a_reason() {
        let of = |text: &str| verdict(text.as_bytes());
        assert_eq!(of(r#"{"metadata":{},"status":"Success"}"#), End::Exit(0));
        let three = r#"{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: exit status 3",
            "reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}"#;
        assert_eq!(of(three), End::Exit(3));
        let none = r#"{"status":"Failure","message":"no such container","reason":"InternalError","details":null}"#;
        assert_eq!(of(none), End::Failed("no such container".into()));
        assert_eq!(of("gone"), End::Failed("gone".into()));
    }
}
