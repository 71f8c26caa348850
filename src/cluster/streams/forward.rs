//! `pods/portforward`: a port of this machine that leads to a port of a pod. Each connection made to it is a WebSocket of
//! its own (`v4.channel.k8s.io`, which servers of all versions speak): data in the first channel, errors in the second.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch::{self, Sender};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_tungstenite::tungstenite::Message;

use super::{LAST_WORDS, LOST, PING};
pub use crate::actions::stream::Traffic;
use crate::cluster::failure::{Failure, explain};
use crate::cluster::http::{Http, Socket};

const DATA: u8 = 0;
const ERROR: u8 = 1;
/// Connections at a time; more wait to be accepted.
const AT_ONCE: usize = 128;
/// Read from this machine in one go.
const CHUNK: usize = 32 * 1024;
/// A client that has said all it will may still be waiting for the answer; the protocol cannot pass on that it has
/// finished, so an answer is waited for as long as one keeps coming.
const LINGER: Duration = Duration::from_secs(30);

/// A port that is listened on, by programs of this machine only.
pub struct Port {
    listener: TcpListener,
    pub local: u16,
}

impl Port {
    /// Listens on 127.0.0.1; port 0 is any free one.
    ///
    /// # Errors
    /// When the port is taken, or not for this user.
    pub async fn listen(local: u16) -> io::Result<Self> {
        let here = SocketAddr::from((Ipv4Addr::LOCALHOST, local));
        let listener = TcpListener::bind(here).await?;
        let local = listener.local_addr()?.port();
        Ok(Self { listener, local })
    }

    /// The same port if it is free, else any.
    ///
    /// # Errors
    /// When none is free.
    pub async fn like(remote: u16) -> io::Result<Self> {
        match Self::listen(remote).await {
            Ok(port) => Ok(port),
            Err(_) => Self::listen(0).await,
        }
    }

    /// Leads every connection to a port of the pod, until `over` comes: what that says is the answer. Dropping the
    /// future ends all of it.
    pub async fn lead<T>(
        self,
        http: &Http,
        pod: &str,
        remote: u16,
        traffic: &Sender<Traffic>,
        over: impl Future<Output = T>,
    ) -> T {
        let path = format!("{pod}/portforward?ports={remote}");
        let mut all = JoinSet::new();
        tokio::pin!(over);
        loop {
            tokio::select! {
                why = &mut over => return why,
                Some(_) = all.join_next(), if !all.is_empty() => {}
                accepted = self.listener.accept(), if all.len() < AT_ONCE => match accepted {
                    Ok((local, _)) => {
                        let (http, path) = (http.clone(), path.clone());
                        let counter = Counter::new(traffic.clone());
                        all.spawn(async move {
                            let told = connect(&http, &path, remote, local, &counter).await;
                            if let Err(why) = told {
                                counter.change(|t| t.trouble = Some(why));
                            }
                        });
                    }
                    // out of file handles, say: it may get better
                    Err(e) => {
                        traffic.send_modify(|t| t.trouble = Some(explain(&e)));
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                },
            }
        }
    }
}

/// Counts one connection, to its end however it comes.
struct Counter(Sender<Traffic>);

impl Counter {
    fn new(traffic: Sender<Traffic>) -> Self {
        traffic.send_modify(|t| {
            t.open += 1;
            t.all += 1;
        });
        Self(traffic)
    }

    fn change(&self, with: impl FnOnce(&mut Traffic)) {
        self.0.send_modify(with);
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.0.send_modify(|t| t.open = t.open.saturating_sub(1));
    }
}

/// A sender and what it tells.
pub fn traffic() -> (Sender<Traffic>, watch::Receiver<Traffic>) {
    watch::channel(Traffic::default())
}

async fn connect(
    http: &Http,
    path: &str,
    remote: u16,
    local: TcpStream,
    counter: &Counter,
) -> Result<(), String> {
    let _ = local.set_nodelay(true);
    let socket = http.socket(path).await.map_err(|failure| match &failure {
        Failure::Status { code: 403, .. } => format!("forbidden: {failure}"),
        _ => failure.to_string(),
    })?;
    relay(socket, remote, local, counter).await
}

/// Moves bytes both ways until either side ends.
async fn relay(
    socket: Socket,
    remote: u16,
    local: impl AsyncRead + AsyncWrite,
    counter: &Counter,
) -> Result<(), String> {
    let (mut sink, mut stream) = socket.into_stream().split();
    let (mut reader, mut writer) = tokio::io::split(local);
    let said_all = Arc::new(tokio::sync::Notify::new());
    let to_pod = async {
        let mut ping = tokio::time::interval(PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut buffer = vec![0; CHUNK + 1];
        buffer[0] = DATA;
        let mut open = true;
        loop {
            let message = tokio::select! {
                _ = ping.tick() => Message::Ping(Bytes::new()),
                read = reader.read(&mut buffer[1..]), if open => match read {
                    Ok(n) if n > 0 => {
                        counter.change(|t| t.sent += n as u64);
                        Message::Binary(Bytes::copy_from_slice(&buffer[..=n]))
                    }
                    _ => {
                        open = false;
                        said_all.notify_one();
                        continue;
                    }
                },
            };
            if let Err(e) = sink.send(message).await {
                return explain(&e);
            }
        }
    };
    let from_pod = async {
        let mut begun = [false; 2];
        let mut heard = Instant::now();
        let mut answers = false;
        let mut finished = false;
        loop {
            let next = tokio::select! {
                next = stream.next() => next,
                () = said_all.notified(), if !finished => {
                    finished = true;
                    heard = Instant::now();
                    continue;
                }
                () = tokio::time::sleep_until(heard + LINGER), if finished => return Ok(()),
                () = tokio::time::sleep_until(heard + LOST), if answers => {
                    return Err(format!("nothing was heard for {} s", LOST.as_secs()));
                }
            };
            if !(finished && matches!(next, Some(Ok(Message::Pong(_))))) {
                heard = Instant::now();
            }
            match next {
                Some(Ok(Message::Binary(bytes))) => match bytes.split_first() {
                    // the first message of either channel is the port's number
                    Some((&channel @ (DATA | ERROR), rest)) if !begun[usize::from(channel)] => {
                        begun[usize::from(channel)] = true;
                        if rest != remote.to_le_bytes() {
                            return Err("the server speaks of another port".into());
                        }
                    }
                    Some((&DATA, rest)) => {
                        counter.change(|t| t.received += rest.len() as u64);
                        // the client has gone: what is still to come is for nobody
                        if writer.write_all(rest).await.is_err() {
                            return Ok(());
                        }
                    }
                    Some((&ERROR, rest)) => return Err(reason(rest, remote)),
                    _ => {}
                },
                Some(Ok(Message::Pong(_))) => answers = true,
                Some(Ok(_)) => {}
                Some(Err(e)) => return Err(explain(&e)),
                None => {
                    let _ = writer.shutdown().await;
                    return Ok(());
                }
            }
        }
    };
    tokio::pin!(from_pod);
    tokio::select! {
        ended = &mut from_pod => ended,
        // what cannot be sent to a pod that has ended the connection is no trouble
        why = to_pod => match tokio::time::timeout(LAST_WORDS, from_pod).await {
            Ok(ended) => ended,
            Err(_) => Err(why),
        },
    }
}

/// The kubelet's words for why a port leads nowhere; those of a refused connection are long, and say one thing.
fn reason(text: &[u8], remote: u16) -> String {
    let text = String::from_utf8_lossy(text);
    if text.contains("connection refused") || text.contains("Connection refused") {
        return format!("nothing listens on port {remote} in the pod");
    }
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_said_shortly() {
        let long = b"an error occurred forwarding 1 -> 2: dial tcp4 127.0.0.1:6006: connect: connection refused";
        assert_eq!(
            reason(long, 6006),
            "nothing listens on port 6006 in the pod"
        );
        assert_eq!(reason(b" no such pod\n", 1), "no such pod");
    }

    #[tokio::test]
    async fn only_this_machine_is_listened_to() {
        let port = Port::listen(0).await.unwrap();
        assert!(port.listener.local_addr().unwrap().ip().is_loopback());
        // taken: another is found
        let other = Port::like(port.local).await.unwrap();
        assert_ne!(other.local, port.local);
        assert!(Port::listen(port.local).await.is_err());
    }
}
