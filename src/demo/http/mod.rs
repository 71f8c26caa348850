//! The API server on the wire: connections, and which handler answers a request.

mod accept;
mod collection;
mod discovery;
mod exec;
pub mod faults;
mod log;
mod mutate;
mod openapi;
mod passage;
mod patch;
mod proxy;
mod read;
mod reply;
mod review;
mod route;
mod socket;
mod spdy;
mod stream;
mod subresource;
mod traffic;
mod tunnel;
mod visibility;
mod watch;

use std::convert::Infallible;
use std::sync::Arc;

use http::{Method, Request, header};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::Shared;
use super::api::options::{ListOptions, Query};
use super::api::write::Refusal;
use accept::Form;
use reply::Reply;
use route::{Route, Target};
use traffic::{Counted, Traffic};

/// What a request brought, apart from its path.
struct Call {
    method: Method,
    query: Query,
    /// Without parameters, lower case; empty if none was sent.
    content_type: String,
    user_agent: String,
    form: Form,
    /// It takes answers that are compressed.
    gzip: bool,
    caller: review::Caller,
    body: Bytes,
}

/// Accepts connections until the task is dropped.
pub async fn serve(listener: TcpListener, shared: Shared) {
    let traffic = Arc::new(Traffic::default());
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        // Watch events are small: each must leave at once.
        let _ = stream.set_nodelay(true);
        let shared = shared.clone();
        let traffic = traffic.clone();
        let stream = Counted::new(stream, traffic.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let (shared, traffic) = (shared.clone(), traffic.clone());
                async move { Ok::<_, Infallible>(answer(&shared, &traffic, request).await) }
            });
            // An error here is a client that went away.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
                .await;
        });
    }
}

async fn answer(shared: &Shared, traffic: &Traffic, request: Request<Incoming>) -> Reply {
    if let Some(reply) = own(shared, traffic, &request) {
        return reply;
    }
    traffic.count();
    if let Some(way) = stream::way(request.uri().path()) {
        let opened = stream::answer(shared, &way, request);
        return opened.unwrap_or_else(|refusal| reply::refused(&refusal));
    }
    let (parts, body) = request.into_parts();
    let text = |name| {
        let value = parts.headers.get(name).and_then(|v| v.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let path = parts.uri.path();
    if let Some(reply) = health(path) {
        return reply;
    }
    // what a pod answers is none of the API server's forms
    if let Some(way) = proxy::way(path) {
        let seen = proxy::answer(shared, &way, &parts.method);
        return seen.unwrap_or_else(|refusal| reply::refused(&refusal));
    }
    let Some(form) = accept::negotiate(Some(&text(header::ACCEPT))) else {
        return reply::refused(&Refusal::generic(
            406,
            "NotAcceptable",
            "only the following media types are accepted: application/json, application/yaml",
        ));
    };
    let Ok(body) = body.collect().await else {
        return reply::refused(&Refusal::bad_request("the body could not be read"));
    };
    let content_type = text(header::CONTENT_TYPE);
    let call = Call {
        method: parts.method,
        query: Query::parse(parts.uri.query().unwrap_or_default()),
        content_type: content_type
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase(),
        user_agent: text(header::USER_AGENT),
        form,
        gzip: text(header::ACCEPT_ENCODING).contains("gzip"),
        caller: review::Caller::of(&parts.headers),
        body: body.to_bytes(),
    };
    if let Some(reply) = discovery::document(shared, path, form) {
        return reply;
    }
    if let Some(rest) = path.strip_prefix("/openapi/v3") {
        return openapi::answer(shared, rest);
    }
    let route = route::route(&shared.lock().cluster().store, path);
    traffic.asked(verb(&route, &call), route.resource());
    let result = match route {
        Route::Nowhere => return reply::text(404, "404 page not found\n"),
        Route::NoResource => Err(Refusal::no_resource()),
        Route::NoObject(kind, name) => Err(Refusal::not_found(&kind, &name)),
        Route::Resource(target) if nowhere(&target, &call) => {
            return reply::text(404, "404 page not found\n");
        }
        Route::Discovery(parts) => discovery::answer(shared, &parts, form),
        Route::Waiting(version, place) => visibility::answer(shared, &version, &place, &call),
        Route::Review(plural) => review::answer(&plural, &call),
        Route::Resource(target) => {
            let result = resource(shared, &target, &call);
            let mut reply = result.unwrap_or_else(|refusal| reply::refused(&refusal));
            if let Some(warning) = target.warning() {
                reply::warn_first(&mut reply, warning);
            }
            return reply;
        }
    };
    result.unwrap_or_else(|refusal| reply::refused(&refusal))
}

/// Posting to all namespaces: for custom kinds that path is none.
fn nowhere(target: &Target, call: &Call) -> bool {
    let kind = &target.kind;
    let all = kind.namespaced && target.namespace.is_empty();
    kind.custom && all && call.method == Method::POST
}

/// What the demo's own server answers: its counters, and the switch of its unrest.
fn own(shared: &Shared, traffic: &Traffic, request: &Request<Incoming>) -> Option<Reply> {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => {
            let changes = shared.lock().changes();
            Some(reply::whole(
                200,
                "text/plain; version=0.0.4; charset=utf-8",
                traffic.tell(changes),
            ))
        }
        (&Method::POST, "/demo/churn") => {
            let Ok(rate) = query.text("rate").parse() else {
                return Some(reply::text(400, "rate=N is wanted: changes a second\n"));
            };
            shared.lock().stir(rate);
            Some(reply::text(200, "ok\n"))
        }
        _ => None,
    }
}

/// What is asked for, as the API server's own counters call it.
fn verb<'a>(route: &Route, call: &'a Call) -> &'a str {
    match (route, call.method.as_str()) {
        (Route::Resource(t), "GET") if t.watch || call.query.flag("watch") => "WATCH",
        (Route::Resource(t), "GET") if t.name.is_empty() => "LIST",
        (_, method) => method,
    }
}

fn health(path: &str) -> Option<Reply> {
    let mut parts = path.trim_start_matches('/').split('/');
    match (parts.next()?, parts.next()) {
        ("healthz" | "readyz" | "livez", None | Some("ping" | "etcd")) => {
            Some(reply::text(200, "ok"))
        }
        _ => None,
    }
}

fn resource(shared: &Shared, target: &Target, call: &Call) -> Result<Reply, Refusal> {
    let named = !target.name.is_empty();
    match (call.method.as_str(), target.subresource.as_str()) {
        ("GET" | "HEAD", "" | "status") if named && !target.watch && !call.query.flag("watch") => {
            let world = shared.lock();
            read::get(world.cluster(), target, &call.query, call.form)
        }
        ("GET" | "HEAD", "") => {
            let scope = read::Scope::parse(target, &call.query)?;
            let options = ListOptions::parse(&call.query, target.watch)?;
            if options.watch {
                return watch::answer(shared, target.clone(), scope, &options, call);
            }
            let world = shared.lock();
            let page = read::page(world.cluster(), target, &scope, &options)?;
            Ok(read::answer_list(world.cluster(), target, call, page))
        }
        _ => mutate::answer(shared, target, call),
    }
}
