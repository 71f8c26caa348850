//! One cluster and user, resolved: what a client is built from, and how credentials are had and renewed.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use chrono::{DateTime, TimeDelta, Utc};
use http::header::HeaderValue;
use kube::config::{AuthInfo, Cluster, ExecConfig, ExecInteractiveMode};

use super::connect::overrides::Overrides;
use super::connect::place::placed;
use super::connect::{ConnectError, authority, inline, server};
use super::exec;
use super::kubeconfig::Way;

/// Where a client goes and as whom.
#[derive(Clone)]
pub struct Target {
    /// Empty in-cluster.
    pub context: String,
    pub cluster: String,
    pub user: Option<String>,
    /// The context's own; `default` is meant where there is none.
    pub namespace: Option<String>,
    /// Kubeconfig files read.
    pub files: Vec<PathBuf>,
    config: kube::Config,
    auth_info: AuthInfo,
    auth: Auth,
    /// The client certificate is one of the command line.
    flagged: bool,
    request_timeout: Option<Duration>,
    way: Way,
}

/// How a user proves who he is.
#[derive(Clone)]
pub enum Auth {
    None,
    Header(HeaderValue),
    /// Re-read every minute.
    TokenFile(PathBuf),
    Plugin(Box<ExecConfig>),
    /// Left to kube (`auth-provider: oidc`).
    Provider(String),
    /// Client certificate; `true`: from files, read again when it is refused.
    Certificate(bool),
}

/// What logging in gave.
pub struct Login {
    pub config: kube::Config,
    pub authorization: Option<HeaderValue>,
    pub renew: Option<DateTime<Utc>>,
    /// The client certificate may have changed: the client must be built anew.
    pub new_identity: bool,
    /// Plugin's stderr.
    pub said: String,
}

/// Why logging in did not work.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error(transparent)]
    Plugin(#[from] exec::ExecError),
    #[error("cannot read token file {}: {why}", file.display())]
    TokenFile { file: PathBuf, why: String },
    #[error("the token is not usable as a header")]
    BadToken,
    #[error(transparent)]
    Config(#[from] ConnectError),
}

impl LoginError {
    /// The old credentials may still be good.
    pub fn is_transient(&self) -> bool {
        matches!(self, LoginError::TokenFile { .. })
    }
}

impl Auth {
    /// Of a user, in kubectl's order of precedence.
    pub fn choose(user: &str, info: &AuthInfo, cluster: &Cluster) -> Result<Self, ConnectError> {
        let bad = |what: &'static str, why: &str| ConnectError::BadData {
            what,
            of: user.to_owned(),
            why: why.to_owned(),
        };
        let filled = |text: &Option<String>| text.as_ref().is_some_and(|t| !t.is_empty());
        if let Some(file) = info.token_file.as_ref().filter(|f| !f.is_empty()) {
            return Ok(Auth::TokenFile(file.into()));
        }
        if let Some(token) = secret(info, "token").filter(|t| !t.is_empty()) {
            let header = bearer(&token).ok_or_else(|| bad("token", "it holds odd characters"))?;
            return Ok(Auth::Header(header));
        }
        if let (Some(name), Some(password)) = (&info.username, secret(info, "password"))
            && !name.is_empty()
        {
            let basic = format!("Basic {}", BASE64.encode(format!("{name}:{password}")));
            let mut header = HeaderValue::try_from(basic)
                .map_err(|_| bad("password", "it holds odd characters"))?;
            header.set_sensitive(true);
            return Ok(Auth::Header(header));
        }
        if let Some(exec) = &info.exec {
            if !filled(&exec.command) {
                return Err(bad("exec", "it names no command"));
            }
            let mut exec = exec.clone();
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
            if exec.provide_cluster_info {
                exec.cluster = cluster.try_into().ok();
            }
            return Ok(Auth::Plugin(Box::new(exec)));
        }
        if let Some(provider) = &info.auth_provider {
            return Ok(Auth::Provider(provider.name.clone()));
        }
        if filled(&info.client_certificate_data) || filled(&info.client_certificate) {
            let files = !filled(&info.client_certificate_data);
            return Ok(Auth::Certificate(files));
        }
        Ok(Auth::None)
    }

    /// In a few words, for `doctor` and messages.
    pub fn describe(&self) -> String {
        match self {
            Auth::None => "none (anonymous)".into(),
            Auth::Header(h) if h.as_bytes().starts_with(b"Basic") => {
                "user name and password".into()
            }
            Auth::Header(_) => "token".into(),
            Auth::TokenFile(file) => format!("token file {}", file.display()),
            Auth::Plugin(exec) => format!(
                "credential plugin {}",
                exec.command.as_deref().unwrap_or("(no command)")
            ),
            Auth::Provider(name) => format!("auth provider {name}"),
            Auth::Certificate(_) => "client certificate".into(),
        }
    }
}

/// Secrets come out of kube's types only by writing them.
fn secret(info: &AuthInfo, field: &str) -> Option<String> {
    let value = serde_json::to_value(info).ok()?;
    value.get(field)?.as_str().map(str::to_owned)
}

fn bearer(token: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::try_from(format!("Bearer {}", token.trim())).ok()?;
    header.set_sensitive(true);
    Some(header)
}

impl Target {
    #[allow(clippy::too_many_arguments, reason = "one caller, all distinct")]
    pub(super) fn new(
        context: String,
        cluster: String,
        user: Option<String>,
        namespace: Option<String>,
        files: Vec<PathBuf>,
        mut config: kube::Config,
        mut auth_info: AuthInfo,
        auth: Auth,
    ) -> Self {
        // what we do ourselves must not be done by kube as well
        auth_info.token = None;
        auth_info.token_file = None;
        auth_info.username = None;
        auth_info.password = None;
        auth_info.exec = None;
        config.connect_timeout = Some(Duration::from_secs(10));
        // 429 and Retry-After are for us to see
        config.default_retry = false;
        config.default_namespace = namespace.clone().unwrap_or_else(|| "default".into());
        Self {
            context,
            cluster,
            user,
            namespace,
            files,
            config,
            auth_info,
            auth,
            flagged: false,
            request_timeout: None,
            way: Way::default(),
        }
    }

    /// What flags say of requests.
    pub(super) fn told(mut self, overrides: &Overrides) -> Self {
        self.flagged = overrides.has_client_certificate();
        self.request_timeout = overrides.request_timeout.filter(|t| !t.is_zero());
        self
    }

    /// What the settings say of this context.
    pub(super) fn by(mut self, way: Way) -> Self {
        self.way = way;
        self
    }

    pub fn way(&self) -> &Way {
        &self.way
    }

    /// Longest wait for an answer, where the command line sets one.
    pub fn request_timeout(&self) -> Option<Duration> {
        self.request_timeout
    }

    /// The pod's own service account.
    pub fn in_cluster(overrides: &Overrides) -> Result<Self, ConnectError> {
        let mut config =
            kube::Config::incluster().map_err(|e| ConnectError::InCluster(e.to_string()))?;
        let mut auth_info = config.auth_info.clone();
        let mut cluster = Cluster {
            server: Some(config.cluster_url.to_string()),
            tls_server_name: config.tls_server_name.take(),
            ..Cluster::default()
        };
        overrides.over_cluster(&mut cluster)?;
        config.cluster_url = server("in-cluster", &cluster)?;
        if let Some(certs) = authority("in-cluster", &cluster)? {
            config.root_cert = Some(certs);
        }
        config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
        config.tls_server_name = cluster.tls_server_name;
        overrides.over_user(&mut auth_info, &config.cluster_url)?;
        let auth = Auth::choose("service account", &auth_info, &Cluster::default())?;
        let namespace = Some(config.default_namespace.clone());
        let target = Self::new(
            String::new(),
            "in-cluster".into(),
            None,
            namespace,
            Vec::new(),
            config,
            auth_info,
            auth,
        );
        Ok(target.told(overrides))
    }

    /// A server that asks for nothing, as a local one on loopback (and tests) has it.
    pub fn plain(server: http::Uri, context: &str) -> Self {
        Self::new(
            context.to_owned(),
            context.to_owned(),
            None,
            None,
            Vec::new(),
            kube::Config::new(server),
            AuthInfo::default(),
            Auth::None,
        )
    }

    pub fn server(&self) -> String {
        self.config
            .cluster_url
            .to_string()
            .trim_end_matches('/')
            .to_owned()
    }

    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    /// How the server is verified, in a few words.
    pub fn describe_tls(&self) -> String {
        let config = &self.config;
        if config.cluster_url.scheme_str() == Some("http") {
            return "none (plain http)".into();
        }
        if config.accept_invalid_certs {
            return "NOT verified (insecure-skip-tls-verify)".into();
        }
        let by = match &config.root_cert {
            Some(certs) => format!(
                "verified with the cluster's own CA ({} certificates)",
                certs.len()
            ),
            None => "verified with the system's CAs".into(),
        };
        match &config.tls_server_name {
            Some(name) => format!("{by}, as {name}"),
            None => by,
        }
    }

    pub fn proxy(&self) -> Option<String> {
        let uri = self.config.proxy_url.as_ref()?;
        // without user and password
        let authority = uri.authority()?.as_str();
        let host = authority.rsplit_once('@').map_or(authority, |(_, h)| h);
        Some(format!("{}://{host}", uri.scheme_str().unwrap_or("http")))
    }

    pub fn impersonates(&self) -> Option<&str> {
        self.auth_info.impersonate.as_deref()
    }

    /// Refused credentials may be had anew.
    pub fn can_renew(&self) -> bool {
        matches!(
            self.auth,
            Auth::TokenFile(_) | Auth::Plugin(_) | Auth::Certificate(true)
        )
    }

    /// Reads files or runs the plugin; blocks.
    pub fn log_in(&self) -> Result<Login, LoginError> {
        let mut login = Login {
            config: self.config.clone(),
            authorization: None,
            renew: None,
            new_identity: false,
            said: String::new(),
        };
        let mut info = self.auth_info.clone();
        let of = self.user.as_deref().unwrap_or_default();
        let placed = |e| match (self.flagged, e) {
            (true, e) => LoginError::Config(ConnectError::Flag {
                flag: "--client-certificate",
                why: format!("and --client-key: {e}"),
            }),
            (false, e) => LoginError::Config(placed(&self.files, e)),
        };
        let cert = inline(
            "client-certificate",
            of,
            info.client_certificate_data.as_deref(),
            info.client_certificate.as_deref(),
        )
        .map_err(placed)?;
        let key = inline(
            "client-key",
            of,
            secret(&info, "client-key-data").as_deref(),
            info.client_key.as_deref(),
        )
        .map_err(placed)?;
        if let (Some(cert), Some(key)) = (&cert, &key) {
            info.client_certificate_data = Some(BASE64.encode(cert));
            info.client_key_data = Some(BASE64.encode(key).into());
            login.new_identity = matches!(self.auth, Auth::Certificate(true));
        } else if cert.is_some() || key.is_some() {
            let (what, why) = if cert.is_some() {
                ("client-key", "there is a client-certificate but no key")
            } else {
                (
                    "client-certificate",
                    "there is a client-key but no certificate",
                )
            };
            return Err(placed(ConnectError::BadData {
                what,
                of: of.to_owned(),
                why: why.to_owned(),
            }));
        }
        match &self.auth {
            Auth::None | Auth::Provider(_) | Auth::Certificate(_) => {}
            Auth::Header(header) => login.authorization = Some(header.clone()),
            Auth::TokenFile(file) => {
                let token = std::fs::read_to_string(file).map_err(|e| LoginError::TokenFile {
                    file: file.clone(),
                    why: e.to_string(),
                })?;
                login.authorization = Some(bearer(&token).ok_or(LoginError::BadToken)?);
                login.renew = Some(Utc::now() + TimeDelta::seconds(60));
            }
            Auth::Plugin(plugin) => {
                let given = exec::run(plugin)?;
                if let Some(token) = &given.token {
                    login.authorization = Some(bearer(token).ok_or(LoginError::BadToken)?);
                }
                if let Some((cert, key)) = &given.identity {
                    info.client_certificate_data = Some(exec::encode(cert));
                    info.client_key_data = Some(exec::encode(key).into());
                    login.new_identity = true;
                }
                // a little early, but not in a loop when tokens live shorter than that
                login.renew = given.expires.map(|at| {
                    let now = Utc::now();
                    let early = at - TimeDelta::seconds(30);
                    if early > now {
                        early
                    } else {
                        at.max(now + TimeDelta::seconds(5))
                    }
                });
                login.said = given.said;
            }
        }
        login.config.auth_info = info;
        Ok(login)
    }
}
