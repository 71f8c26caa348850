//! What a server has sent, received and been asked: counted where it passes, told at `/metrics` as a real one tells it.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Counters of one server.
#[derive(Debug, Default)]
pub struct Traffic {
    sent: AtomicU64,
    received: AtomicU64,
    all: AtomicU64,
    /// By verb, group, version and resource.
    requests: Mutex<BTreeMap<[String; 4], u64>>,
}

impl Traffic {
    /// One more request of any kind.
    pub fn count(&self) {
        self.all.fetch_add(1, Ordering::Relaxed);
    }

    /// What it was for, if it was for a resource.
    pub fn asked(&self, verb: &str, [group, version, resource]: [&str; 3]) {
        let key = [verb, group, version, resource].map(str::to_owned);
        let mut all = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *all.entry(key).or_default() += 1;
    }

    /// As Prometheus reads it.
    pub fn tell(&self, changes: u64) -> String {
        let mut out = "# TYPE apiserver_request_total counter\n".to_owned();
        let all = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        for ([verb, group, version, resource], n) in all.iter() {
            out.push_str(&format!(
                "apiserver_request_total{{verb=\"{verb}\",group=\"{group}\",version=\"{version}\",resource=\"{resource}\"}} {n}\n"
            ));
        }
        for (name, n) in [
            ("demo_requests_total", self.all.load(Ordering::Relaxed)),
            ("demo_sent_bytes_total", self.sent.load(Ordering::Relaxed)),
            (
                "demo_received_bytes_total",
                self.received.load(Ordering::Relaxed),
            ),
            ("demo_churn_changes_total", changes),
        ] {
            out.push_str(&format!("# TYPE {name} counter\n{name} {n}\n"));
        }
        out
    }
}

/// A connection whose bytes are counted.
pub struct Counted {
    stream: TcpStream,
    traffic: Arc<Traffic>,
}

impl Counted {
    pub fn new(stream: TcpStream, traffic: Arc<Traffic>) -> Self {
        Self { stream, traffic }
    }

    fn sent(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(n)) = written {
            self.traffic.sent.fetch_add(*n as u64, Ordering::Relaxed);
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        let n = buffer.filled().len().saturating_sub(before);
        self.traffic.received.fetch_add(n as u64, Ordering::Relaxed);
        read
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.sent(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        all: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, all);
        self.sent(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
