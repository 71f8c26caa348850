//! Finding, reading and merging kubeconfig files as kubectl does, and listing their contexts.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster, Context, Kubeconfig, KubeconfigError};

use super::connect::ConnectError;
use super::connect::overrides::Overrides;
use super::proxy::ProxyEnv;

/// What of the surroundings decides how a cluster is reached.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// `--kubeconfig`: this file only, and it must exist.
    pub file: Option<PathBuf>,
    /// `$KUBECONFIG`: a list; missing files are passed over.
    pub variable: Option<OsString>,
    pub home: Option<PathBuf>,
    pub proxy: ProxyEnv,
    /// A pod's service account, if this runs inside a cluster.
    pub in_cluster: bool,
    /// What the command line says in place of the kubeconfig.
    pub overrides: Overrides,
    /// What the settings say of contexts, by name.
    pub ways: BTreeMap<String, Way>,
}

/// What the user's settings say of reaching one context.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Way {
    /// To begin in, in place of the kubeconfig's.
    pub namespace: Option<String>,
    /// To watch where all may not be listed.
    pub namespaces: Option<Vec<String>>,
    /// First lists are streamed, or never.
    pub stream: Option<bool>,
}

impl Surroundings {
    /// Of this process, with the `--kubeconfig` flag and those that override what it says.
    pub fn of_process(file: Option<PathBuf>, overrides: Overrides) -> Self {
        Self {
            file,
            overrides,
            variable: std::env::var_os("KUBECONFIG"),
            home: std::env::home_dir(),
            proxy: ProxyEnv::of_process(),
            ways: BTreeMap::new(),
            in_cluster: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
                && Path::new("/var/run/secrets/kubernetes.io/serviceaccount/token").exists(),
        }
    }

    /// The files to read, in order of precedence.
    pub fn candidates(&self) -> Vec<PathBuf> {
        if let Some(file) = &self.file {
            return vec![file.clone()];
        }
        let listed: Vec<PathBuf> = self
            .variable
            .iter()
            .flat_map(std::env::split_paths)
            .filter(|path| !path.as_os_str().is_empty())
            .collect();
        if !listed.is_empty() {
            return listed;
        }
        let default = self.home.as_ref().map(|h| h.join(".kube").join("config"));
        default.into_iter().collect()
    }
}

/// The merged configuration and where it came from.
#[derive(Debug, Clone, Default)]
pub struct Loaded {
    /// Files that were there and read.
    pub files: Vec<PathBuf>,
    pub config: Kubeconfig,
}

/// A context as the start screen and the switcher show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextInfo {
    pub name: String,
    pub current: bool,
    pub cluster: String,
    pub server: Option<String>,
    pub user: Option<String>,
    pub namespace: Option<String>,
}

/// Reads and merges all files. The first file to set a value wins.
pub fn load(around: &Surroundings) -> Result<Loaded, ConnectError> {
    let mut files = Vec::new();
    let mut merged = Kubeconfig::default();
    for path in around.candidates() {
        let mut config = match Kubeconfig::read_from(&path) {
            Ok(config) => config,
            Err(KubeconfigError::ReadConfig(e, _))
                if e.kind() == std::io::ErrorKind::NotFound && around.file.is_none() =>
            {
                continue;
            }
            Err(KubeconfigError::ReadConfig(e, _)) => {
                return Err(ConnectError::Unreadable {
                    file: path,
                    why: e.to_string(),
                });
            }
            Err(KubeconfigError::Parse(e)) => {
                return Err(ConnectError::BadYaml {
                    file: path,
                    why: one_line(&e.to_string()),
                });
            }
            Err(e) => {
                return Err(ConnectError::BadYaml {
                    file: path,
                    why: e.to_string(),
                });
            }
        };
        config.current_context = config.current_context.filter(|name| !name.is_empty());
        // of another kind or version: kubectl reads it all the same
        (config.kind, config.api_version) = (None, None);
        merged = merged.merge(config).map_err(|e| ConnectError::BadYaml {
            file: path.clone(),
            why: e.to_string(),
        })?;
        files.push(path);
    }
    if files.is_empty() {
        return Err(ConnectError::NoKubeconfig {
            tried: around.candidates(),
        });
    }
    Ok(Loaded {
        files,
        config: merged,
    })
}

/// Parsers draw the offending line over several lines; the first says where and what.
fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.first().map(|l| (*l).to_owned()).unwrap_or_default()
}

impl Loaded {
    /// All contexts, in the order of the files.
    pub fn contexts(&self) -> Vec<ContextInfo> {
        self.config
            .contexts
            .iter()
            .map(|named| {
                let context = named.context.clone().unwrap_or_default();
                ContextInfo {
                    current: self.config.current_context.as_ref() == Some(&named.name),
                    server: self
                        .cluster(&context.cluster)
                        .and_then(|c| c.server.clone()),
                    name: named.name.clone(),
                    cluster: context.cluster,
                    user: context.user,
                    namespace: context.namespace.filter(|n| !n.is_empty()),
                }
            })
            .collect()
    }

    pub fn context(&self, name: &str) -> Option<&Context> {
        let named = self.config.contexts.iter().find(|c| c.name == name)?;
        named.context.as_ref()
    }

    pub fn cluster(&self, name: &str) -> Option<&Cluster> {
        let named = self.config.clusters.iter().find(|c| c.name == name)?;
        named.cluster.as_ref()
    }

    /// A user's credentials; one that is named without any is an empty one.
    pub fn user(&self, name: &str) -> Option<AuthInfo> {
        let named = self.config.auth_infos.iter().find(|c| c.name == name)?;
        Some(named.auth_info.clone().unwrap_or_default())
    }

    /// The files' paths for a message.
    pub fn where_from(&self) -> String {
        let all: Vec<String> = self.files.iter().map(|f| f.display().to_string()).collect();
        all.join(", ")
    }
}
