//! From kubeconfig and flags to a [`Target`]: which context, cluster and user, with every file it names looked at.
//! Every error names the file, the context and the next step.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use kube::config::{AuthInfo, Cluster, Context};
use thiserror::Error;

pub mod client;
pub mod overrides;
pub mod place;

use super::failure::Failure;
use super::kubeconfig::{Loaded, Surroundings, load};
use super::target::{Auth, Target};

/// Why there is no cluster to talk to.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum ConnectError {
    #[error("no kubeconfig found{}", looked(.tried))]
    NoKubeconfig { tried: Vec<PathBuf> },
    #[error("cannot read kubeconfig {}: {why}", file.display())]
    Unreadable { file: PathBuf, why: String },
    #[error("kubeconfig {} is not valid: {why}", file.display())]
    BadYaml { file: PathBuf, why: String },
    #[error("no current context is set in {files}")]
    NoContext { files: String, known: Vec<String> },
    #[error("context {name:?} is not in {files}")]
    UnknownContext {
        name: String,
        files: String,
        known: Vec<String>,
    },
    #[error("context {context:?} refers to {what} {name:?}, which is not in {files}")]
    Dangling {
        context: String,
        what: &'static str,
        name: String,
        files: String,
    },
    #[error("cluster {cluster:?} has no usable server address{}", shown(.server))]
    BadServer {
        cluster: String,
        server: Option<String>,
    },
    #[error("cannot read the {what} of {of:?}: {}: {why}", file.display())]
    MissingFile {
        what: &'static str,
        of: String,
        file: PathBuf,
        why: String,
    },
    #[error("the {what} of {of:?} is not valid: {why}")]
    BadData {
        what: &'static str,
        of: String,
        why: String,
    },
    /// Where in a kubeconfig that is.
    #[error("{place}: {error}")]
    At {
        place: String,
        error: Box<ConnectError>,
    },
    /// A flag of the command line that cannot be as it is.
    #[error("{flag}: {why}")]
    Flag { flag: &'static str, why: String },
    #[error("in-cluster configuration: {0}")]
    InCluster(String),
    /// The server of this context was asked and did not answer well.
    #[error("context {context:?}, {server}: {failure}")]
    Server {
        context: String,
        server: String,
        failure: Failure,
    },
}

fn looked(tried: &[PathBuf]) -> String {
    let all: Vec<String> = tried.iter().map(|p| p.display().to_string()).collect();
    if all.is_empty() {
        String::new()
    } else {
        format!(" (looked at {})", all.join(", "))
    }
}

fn shown(server: &Option<String>) -> String {
    server
        .as_ref()
        .map_or(String::new(), |s| format!(": {s:?}"))
}

impl ConnectError {
    /// It may be well again without anybody doing anything.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Server { failure, .. } => match failure {
                Failure::Network(why) => !why.starts_with("TLS"),
                Failure::Silent(_) => true,
                Failure::Status { code, .. } => *code == 429 || *code >= 500,
                _ => false,
            },
            Self::At { error, .. } => error.is_passing(),
            _ => false,
        }
    }

    /// What the user can do about it.
    pub fn next_step(&self) -> String {
        match self {
            Self::At { error, .. } => error.next_step(),
            Self::NoKubeconfig { .. } => {
                "pass --kubeconfig FILE, set KUBECONFIG, or open the demo cluster".into()
            }
            Self::Unreadable { file, .. } => {
                format!("check that {} exists and may be read", file.display())
            }
            Self::BadYaml { file, .. } => format!(
                "mend it; `kubectl config view --kubeconfig {}` reads it too",
                file.display()
            ),
            Self::NoContext { known, .. } | Self::UnknownContext { known, .. } => {
                match known.as_slice() {
                    [] => "the file has no contexts at all".into(),
                    some => format!("choose one with --context: {}", some.join(", ")),
                }
            }
            Self::Dangling { what, .. } => {
                format!("add that {what} to the file, or choose another context")
            }
            Self::BadServer { cluster, .. } => {
                format!("set clusters[name={cluster}].cluster.server to https://HOST:PORT")
            }
            Self::MissingFile { .. } => "put the file there, or correct its path".into(),
            Self::BadData { .. } => "renew the entry in the kubeconfig".into(),
            Self::Flag { .. } => "correct the flag, or leave it out".into(),
            Self::InCluster(_) => "mount a service account token into the pod".into(),
            Self::Server { failure, .. } => match failure {
                Failure::Status { code: 401, .. } => {
                    "log in again (the way you do for kubectl), then retry".into()
                }
                Failure::Status { code: 403, .. } => {
                    "ask for access, or choose another context".into()
                }
                Failure::Credentials(_) => {
                    "run any kubectl command once in a terminal to log in, then retry".into()
                }
                Failure::Network(why) if why.starts_with("TLS") => {
                    "check certificate-authority, tls-server-name and the server address".into()
                }
                _ => "check the address, the VPN and the proxy settings, then retry".into(),
            },
        }
    }
}

/// Finds the target of a context (`None`: the current one). Reads files, talks to nobody.
pub fn resolve(around: &Surroundings, context: Option<&str>) -> Result<Target, ConnectError> {
    match load(around) {
        Ok(loaded) => resolve_loaded(&loaded, context, around),
        Err(ConnectError::NoKubeconfig { .. }) if around.in_cluster && context.is_none() => {
            Target::in_cluster(&around.overrides.on(""))
        }
        // a server that is named needs no file
        Err(ConnectError::NoKubeconfig { .. })
            if around.overrides.lead_somewhere() && context.is_none() =>
        {
            resolve_loaded(&Loaded::default(), None, around)
        }
        Err(e) => Err(e),
    }
}

/// As [`resolve`], from files read before.
pub fn resolve_loaded(
    loaded: &Loaded,
    context: Option<&str>,
    around: &Surroundings,
) -> Result<Target, ConnectError> {
    resolved(loaded, context, around).map_err(|error| match error {
        ConnectError::UnknownContext { .. } if context.is_none() => {
            place::chosen(&loaded.files, error)
        }
        error => place::placed(&loaded.files, error),
    })
}

fn resolved(
    loaded: &Loaded,
    context: Option<&str>,
    around: &Surroundings,
) -> Result<Target, ConnectError> {
    let files = loaded.where_from();
    let known = || loaded.contexts().into_iter().map(|c| c.name).collect();
    let named = context.or(loaded.config.current_context.as_deref());
    let context = match named {
        Some(name) => match loaded.context(name) {
            Some(context) => context.clone(),
            None => {
                return Err(ConnectError::UnknownContext {
                    name: name.to_owned(),
                    files,
                    known: known(),
                });
            }
        },
        None if around.overrides.lead_somewhere() => Context::default(),
        None => {
            return Err(ConnectError::NoContext {
                files,
                known: known(),
            });
        }
    };
    let overrides = around.overrides.on(named.unwrap_or_default());
    let of = overrides.cluster_name(&context.cluster).to_owned();
    let mut cluster = match loaded.cluster(&of) {
        Some(cluster) => cluster.clone(),
        // without a context there is none, and with --server none is needed
        None if of.is_empty() => Cluster::default(),
        None if of != context.cluster => {
            return Err(ConnectError::Flag {
                flag: "--cluster",
                why: format!("{of:?} is not in {files}"),
            });
        }
        None => {
            return Err(ConnectError::Dangling {
                what: "cluster",
                name: of,
                context: named.unwrap_or_default().to_owned(),
                files,
            });
        }
    };
    overrides.over_cluster(&mut cluster)?;
    let own_user = context.user.clone().filter(|u| !u.is_empty());
    let user = overrides.user_name(own_user.clone());
    let mut auth_info = match &user {
        None => AuthInfo::default(),
        Some(name) => match loaded.user(name) {
            Some(info) => info,
            None if user != own_user => {
                return Err(ConnectError::Flag {
                    flag: "--user",
                    why: format!("{name:?} is not in {files}"),
                });
            }
            None => {
                return Err(ConnectError::Dangling {
                    what: "user",
                    name: name.clone(),
                    context: named.unwrap_or_default().to_owned(),
                    files,
                });
            }
        },
    };
    let server = server(&of, &cluster)?;
    overrides.over_user(&mut auth_info, &server)?;
    let proxy = match around.proxy.choose(cluster.proxy_url.as_deref(), &server) {
        None => None,
        Some(url) => Some(
            url.parse::<http::Uri>()
                .map_err(|e| ConnectError::BadData {
                    what: "proxy-url",
                    of: of.clone(),
                    why: format!("{url:?}: {e}"),
                })?,
        ),
    };
    let mut config = kube::Config::new(server.clone());
    config.root_cert = authority(&of, &cluster)?;
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
    config.tls_server_name = cluster.tls_server_name.clone().filter(|n| !n.is_empty());
    config.disable_compression = cluster.disable_compression.unwrap_or(false);
    config.proxy_url = proxy;
    let way = named.and_then(|name| around.ways.get(name)).cloned();
    let way = way.unwrap_or_default();
    let own = context.namespace.clone().filter(|n| !n.is_empty());
    let namespace = way.namespace.clone().or(own);
    let auth = Auth::choose(user.as_deref().unwrap_or_default(), &auth_info, &cluster)?;
    let host = server.host().unwrap_or_default();
    let name = match named {
        Some(name) => name,
        None if of.is_empty() => host,
        None => &of,
    };
    let target = Target::new(
        name.to_owned(),
        if of.is_empty() {
            host.to_owned()
        } else {
            of.clone()
        },
        user,
        namespace,
        loaded.files.clone(),
        config,
        auth_info,
        auth,
    );
    Ok(target.told(&overrides).by(way))
}

pub(super) fn server(name: &str, cluster: &Cluster) -> Result<http::Uri, ConnectError> {
    let bad = || ConnectError::BadServer {
        cluster: name.to_owned(),
        server: cluster.server.clone(),
    };
    let text = cluster.server.as_deref().map(str::trim).unwrap_or_default();
    // kubectl takes a bare host:port for http
    let full = if text.contains("://") || text.is_empty() {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let uri: http::Uri = full.parse().map_err(|_| bad())?;
    match uri.scheme_str() {
        Some("http" | "https") if uri.host().is_some_and(|h| !h.is_empty()) => Ok(uri),
        _ => Err(bad()),
    }
}

/// The cluster's certificate authorities as DER.
pub(super) fn authority(
    name: &str,
    cluster: &Cluster,
) -> Result<Option<Vec<Vec<u8>>>, ConnectError> {
    const WHAT: &str = "certificate-authority";
    let data = cluster.certificate_authority_data.as_deref();
    let Some(pem) = inline(WHAT, name, data, cluster.certificate_authority.as_deref())? else {
        return Ok(None);
    };
    let bad = |why: &str| ConnectError::BadData {
        what: WHAT,
        of: name.to_owned(),
        why: why.to_owned(),
    };
    let text = String::from_utf8_lossy(&pem);
    let mut all = Vec::new();
    for block in text.split("-----BEGIN CERTIFICATE-----").skip(1) {
        let (body, _) = block
            .split_once("-----END CERTIFICATE-----")
            .ok_or_else(|| bad("a certificate is cut off"))?;
        let body: String = body.split_whitespace().collect();
        all.push(BASE64.decode(body).map_err(|e| bad(&e.to_string()))?);
    }
    if all.is_empty() {
        return Err(bad("it holds no PEM certificate"));
    }
    Ok(Some(all))
}

/// A value given as base64 data (which wins) or as a file.
pub fn inline(
    what: &'static str,
    of: &str,
    data: Option<&str>,
    file: Option<&str>,
) -> Result<Option<Vec<u8>>, ConnectError> {
    if let Some(data) = data.filter(|d| !d.is_empty()) {
        let bytes = BASE64
            .decode(data.trim())
            .map_err(|e| ConnectError::BadData {
                what,
                of: of.to_owned(),
                why: e.to_string(),
            })?;
        return Ok(Some(bytes));
    }
    let Some(file) = file.filter(|f| !f.is_empty()) else {
        return Ok(None);
    };
    let bytes = std::fs::read(Path::new(file)).map_err(|e| ConnectError::MissingFile {
        what,
        of: of.to_owned(),
        file: file.into(),
        why: e.to_string(),
    })?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests;
