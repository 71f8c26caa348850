//! What stands between jobdeck and a real API server: everything is passed on as it is, except where a request that
//! changes something is to be cut off, or something is to happen just before it arrives.

use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::client::Body;
use tokio::net::TcpListener;

/// What happens to the next request that changes something.
pub enum Next {
    /// The server gets it and does it; the connection is gone before the answer.
    CutAfter,
    /// The server never gets it.
    CutBefore,
    /// This happens first, then it is passed on.
    After(BoxFuture<'static, ()>),
}

struct Shared {
    client: kube::Client,
    next: Mutex<Option<Next>>,
    /// Requests that would have changed something, dry runs and questions left out.
    writes: Mutex<Vec<String>>,
}

pub struct Between {
    shared: Arc<Shared>,
    pub url: String,
}

impl Between {
    /// Stands before the server at `url`, on a free port of this machine.
    pub async fn start(url: &str) -> Self {
        let mut config = kube::Config::new(url.parse().unwrap());
        config.accept_invalid_certs = true;
        let shared = Arc::new(Shared {
            client: kube::Client::try_from(config).unwrap(),
            next: Mutex::default(),
            writes: Mutex::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let all = shared.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = all.clone();
                let service = service_fn(move |request| pass(shared.clone(), request));
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                // an error is a connection that was cut, by either side
                tokio::spawn(async move { drop(connection.await) });
            }
        });
        Self { shared, url }
    }

    pub fn next(&self, next: Next) {
        *self.shared.next.lock().unwrap() = Some(next);
    }

    /// The writes so far, and forgets them.
    pub fn writes(&self) -> Vec<String> {
        assert!(
            self.shared.next.lock().unwrap().is_none(),
            "it never happened"
        );
        std::mem::take(&mut self.shared.writes.lock().unwrap())
    }
}

#[derive(Debug)]
struct Cut;

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut")
    }
}

impl std::error::Error for Cut {}

async fn pass(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<Body>, Cut> {
    let (mut head, body) = request.into_parts();
    let path = head
        .uri
        .path_and_query()
        .map_or("/", |p| p.as_str())
        .to_owned();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let asks = path.contains("selfsubject");
    let dry = path.contains("dryRun") || String::from_utf8_lossy(&body).contains("dryRun");
    let write = head.method != Method::GET && !asks && !dry;
    let mut next = None;
    if write {
        let line = format!("{} {}", head.method, head.uri.path());
        shared.writes.lock().unwrap().push(line);
        next = shared.next.lock().unwrap().take();
    }
    let cut = matches!(next, Some(Next::CutAfter));
    match next {
        Some(Next::CutBefore) => return Err(Cut),
        Some(Next::After(first)) => first.await,
        Some(Next::CutAfter) | None => {}
    }
    head.uri = path.parse().map_err(|_| Cut)?;
    for name in ["host", "connection", "content-length"] {
        head.headers.remove(name);
    }
    let request = Request::from_parts(head, Body::from(body.to_vec()));
    let answer = shared.client.send(request).await;
    if cut {
        return Err(Cut);
    }
    Ok(answer.unwrap_or_else(|e| bad_gateway(&e.to_string())))
}

fn bad_gateway(text: &str) -> Response<Body> {
    let mut answer = Response::new(Body::from(text.as_bytes().to_vec()));
    *answer.status_mut() = StatusCode::BAD_GATEWAY;
    answer
}
