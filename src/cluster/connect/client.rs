//! The HTTP client under all requests: one kind of connection, whether direct or through a proxy, and small read buffers.
//! kube's own builder compiles a client for each kind of proxy, and lets the buffer of each connection grow to 400 KB.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::{HeaderValue, Uri};
use http_body_util::BodyExt;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::Builder;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::rt::{TokioExecutor, TokioIo};
use kube::Error;
use kube::client::{Body, ClientBuilder, ConfigExt};
use tokio::net::TcpStream;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};
use tower_http::decompression::DecompressionLayer;

/// Bytes read at once, per connection: there are thirty of them, and lists of all pods come through some.
const READ: usize = 32 * 1024;

/// A client for a cluster as its configuration has it. It asks once: what is to be tried again is for the caller to say.
///
/// # Errors
/// When certificates, names or headers of the configuration cannot be used, or the proxy is of a kind not known.
pub fn client(config: kube::Config) -> Result<kube::Client, Error> {
    let namespace = config.default_namespace.clone();
    let route = Route::of(&config)?;
    let mut connector = TimeoutConnector::new(config.rustls_https_connector_with_connector(route)?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    let http = Builder::new(TokioExecutor::new())
        .http1_max_buf_size(READ)
        .build::<_, Body>(connector);
    let unpacked = DecompressionLayer::new()
        .no_br()
        .no_deflate()
        .no_zstd()
        .gzip(!config.disable_compression);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(unpacked)
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(http)
        .map_response(|answer| answer.map(|body| body.map_err(BoxError::from).boxed_unsync()));
    Ok(ClientBuilder::new(service, namespace).build())
}

/// The way to a server.
#[derive(Clone)]
enum Route {
    Direct(HttpConnector),
    Socks(SocksV5<HttpConnector>),
    Tunnel(Tunnel<HttpConnector>),
    TlsTunnel(Tunnel<HttpsConnector<HttpConnector>>),
}

/// What any of them comes to.
type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

impl Route {
    fn of(config: &kube::Config) -> Result<Self, Error> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        let Some(proxy) = config.proxy_url.clone() else {
            return Ok(Self::Direct(tcp));
        };
        match proxy.scheme_str() {
            Some("socks5") => Ok(Self::Socks(socks(proxy, tcp))),
            Some("http") => Ok(Self::Tunnel(tunnel(proxy, tcp))),
            Some("https") => {
                let tls = config.rustls_https_connector_with_connector(tcp)?;
                Ok(Self::TlsTunnel(tunnel(proxy, tls)))
            }
            _ => Err(Error::ProxyProtocolUnsupported {
                proxy_url: Box::new(proxy),
            }),
        }
    }
}

/// Through a proxy that is asked with CONNECT, with the name and password its address has.
fn tunnel<C>(proxy: Uri, by: C) -> Tunnel<C> {
    let login = userinfo(&proxy).and_then(|user| {
        let mut login = HeaderValue::try_from(format!("Basic {}", BASE64.encode(user))).ok()?;
        login.set_sensitive(true);
        Some(login)
    });
    let tunnel = Tunnel::new(proxy, by);
    match login {
        Some(login) => tunnel.with_auth(login),
        None => tunnel,
    }
}

fn socks(proxy: Uri, by: HttpConnector) -> SocksV5<HttpConnector> {
    let login = userinfo(&proxy).and_then(|user| {
        let user = String::from_utf8(user).ok()?;
        let (name, password) = user.split_once(':')?;
        Some((name.to_owned(), password.to_owned()))
    });
    let socks = SocksV5::new(proxy, by);
    match login {
        Some((name, password)) => socks.with_auth(name, password),
        None => socks,
    }
}

/// `name:password` of an address, in which an `@` is written `%40`.
fn userinfo(proxy: &Uri) -> Option<Vec<u8>> {
    let (user, _) = proxy.authority()?.as_str().rsplit_once('@')?;
    Some(percent_encoding::percent_decode_str(user).collect())
}

impl Service<Uri> for Route {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        match self {
            Self::Direct(by) => by.poll_ready(cx).map_err(Into::into),
            Self::Socks(by) => by.poll_ready(cx).map_err(Into::into),
            Self::Tunnel(by) => by.poll_ready(cx).map_err(Into::into),
            Self::TlsTunnel(by) => by.poll_ready(cx).map_err(Into::into),
        }
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        match self {
            Self::Direct(by) => {
                let stream = by.call(to);
                Box::pin(async { Ok(MaybeHttpsStream::Http(stream.await?)) })
            }
            Self::Socks(by) => {
                let stream = by.call(to);
                Box::pin(async { Ok(MaybeHttpsStream::Http(stream.await?)) })
            }
            Self::Tunnel(by) => {
                let stream = by.call(to);
                Box::pin(async { Ok(MaybeHttpsStream::Http(stream.await?)) })
            }
            Self::TlsTunnel(by) => {
                let stream = by.call(to);
                Box::pin(async { Ok(stream.await?) })
            }
        }
    }
}
