//! What the command line says of cluster and user in place of the kubeconfig, put over it by kubectl's rules
//! (client-go's `ConfigOverrides`).

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kube::config::{AuthInfo, Cluster};

use super::ConnectError;

/// A value that no log and no message shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Hidden(pub String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

impl From<String> for Hidden {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// Whom to act as.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActAs {
    pub user: Option<String>,
    pub groups: Vec<String>,
    pub uid: Option<String>,
    /// Key and value; a key may come more than once.
    pub extra: Vec<(String, String)>,
}

/// kubectl's global flags. An empty text is as good as none, as there.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Entries of the kubeconfig, in place of the context's.
    pub cluster: Option<String>,
    pub user: Option<String>,
    pub server: Option<String>,
    pub tls_server_name: Option<String>,
    pub certificate_authority: Option<String>,
    pub insecure_skip_tls_verify: bool,
    pub token: Option<Hidden>,
    pub client_certificate: Option<String>,
    pub client_key: Option<String>,
    pub act_as: ActAs,
    /// Longest wait for an answer.
    pub request_timeout: Option<Duration>,
    /// The context that all of this was said of: the first one that is gone to. Another one, gone to later, must not get
    /// the token of this, so there only `act_as` and the wait hold.
    pub first: Arc<OnceLock<String>>,
}

fn filled(text: &Option<String>) -> Option<&String> {
    text.as_ref().filter(|t| !t.is_empty())
}

impl Overrides {
    /// Those that hold in a context.
    pub fn on(&self, context: &str) -> Self {
        if self.first.get_or_init(|| context.to_owned()) == context {
            return self.clone();
        }
        Self {
            act_as: self.act_as.clone(),
            request_timeout: self.request_timeout,
            first: self.first.clone(),
            ..Self::default()
        }
    }

    /// They are said of this context, whichever is read first.
    pub fn begin_with(&self, context: &str) {
        let _ = self.first.get_or_init(|| context.to_owned());
    }

    /// A cluster is named without a context: then none is needed.
    pub fn lead_somewhere(&self) -> bool {
        filled(&self.server).is_some() || filled(&self.cluster).is_some()
    }

    /// The name of the context's cluster.
    pub fn cluster_name<'a>(&'a self, of_context: &'a str) -> &'a str {
        filled(&self.cluster).map_or(of_context, String::as_str)
    }

    /// The name of the context's user.
    pub fn user_name(&self, of_context: Option<String>) -> Option<String> {
        filled(&self.user).cloned().or(of_context)
    }

    pub fn has_client_certificate(&self) -> bool {
        filled(&self.client_certificate).is_some() || filled(&self.client_key).is_some()
    }

    /// # Errors
    /// A file that a flag names cannot be read.
    pub fn over_cluster(&self, cluster: &mut Cluster) -> Result<(), ConnectError> {
        if let Some(server) = filled(&self.server) {
            cluster.server = Some(server.clone());
        }
        let authority = filled(&self.certificate_authority);
        readable("--certificate-authority", authority)?;
        // either takes the other's place, and that of what the kubeconfig says of both: an authority there would still be
        // asked, or its data win over the file
        if self.insecure_skip_tls_verify || authority.is_some() {
            cluster.insecure_skip_tls_verify = Some(self.insecure_skip_tls_verify);
            cluster.certificate_authority = authority.cloned();
            cluster.certificate_authority_data = None;
        }
        if self.insecure_skip_tls_verify && authority.is_some() {
            return Err(ConnectError::Flag {
                flag: "--insecure-skip-tls-verify",
                why: "says that no certificate is asked for, --certificate-authority that one is"
                    .into(),
            });
        }
        // another server has another name
        if filled(&self.tls_server_name).is_some() || filled(&self.server).is_some() {
            cluster.tls_server_name = filled(&self.tls_server_name).cloned();
        }
        Ok(())
    }

    /// # Errors
    /// A file that a flag names cannot be read, or groups without a user.
    pub fn over_user(&self, user: &mut AuthInfo, server: &http::Uri) -> Result<(), ConnectError> {
        // the kubeconfig's credentials were given for its own server: they do not go over an open line because a flag names one
        let open = server.scheme_str() == Some("http");
        if filled(&self.server).is_some() && open {
            *user = AuthInfo {
                impersonate: user.impersonate.take(),
                impersonate_groups: user.impersonate_groups.take(),
                impersonate_uid: user.impersonate_uid.take(),
                impersonate_user_extra: user.impersonate_user_extra.take(),
                ..AuthInfo::default()
            };
        }
        if let Some(token) = self.token.as_ref().filter(|t| !t.0.is_empty()) {
            user.token = Some(token.0.clone().into());
            user.token_file = None;
        }
        for (flag, file) in [
            ("--client-certificate", filled(&self.client_certificate)),
            ("--client-key", filled(&self.client_key)),
        ] {
            readable(flag, file)?;
        }
        if let Some(file) = filled(&self.client_certificate) {
            user.client_certificate = Some(file.clone());
            user.client_certificate_data = None;
        }
        if let Some(file) = filled(&self.client_key) {
            user.client_key = Some(file.clone());
            user.client_key_data = None;
        }
        self.act_as.over(user)
    }
}

impl ActAs {
    fn over(&self, user: &mut AuthInfo) -> Result<(), ConnectError> {
        if let Some(name) = filled(&self.user) {
            user.impersonate = Some(name.clone());
        }
        if !self.groups.is_empty() {
            user.impersonate_groups = Some(self.groups.clone());
        }
        if let Some(uid) = filled(&self.uid) {
            user.impersonate_uid = Some(uid.clone());
        }
        if !self.extra.is_empty() {
            let extra = user.impersonate_user_extra.get_or_insert_default();
            for (key, _) in &self.extra {
                extra.remove(key);
            }
            for (key, value) in &self.extra {
                extra.entry(key.clone()).or_default().push(value.clone());
            }
        }
        let asked = [
            ("--as-group", !self.groups.is_empty()),
            ("--as-uid", filled(&self.uid).is_some()),
            ("--as-user-extra", !self.extra.is_empty()),
        ];
        match asked.iter().find(|(_, asked)| *asked) {
            Some((flag, _)) if filled(&user.impersonate).is_none() => Err(ConnectError::Flag {
                flag,
                why: "needs --as: nobody is named to act as".into(),
            }),
            _ => Ok(()),
        }
    }
}

/// Files of flags are looked at here: later their kubeconfig entry would be blamed.
fn readable(flag: &'static str, file: Option<&String>) -> Result<(), ConnectError> {
    let Some(file) = file else { return Ok(()) };
    match std::fs::File::open(file) {
        Ok(_) => Ok(()),
        Err(e) => Err(ConnectError::Flag {
            flag,
            why: format!("cannot read {file}: {e}"),
        }),
    }
}

/// A time as kubectl takes it: whole seconds, or Go's `1m30s`, `500ms`; `0` is no limit of its own.
///
/// # Errors
/// What is wrong with it.
pub fn request_timeout(text: &str) -> Result<Duration, String> {
    const WANTED: &str = "a time is wanted: 30s, 2m, 1m30s, 500ms, or seconds";
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    let (mut total, mut rest) = (0.0, text);
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .ok_or(WANTED)?;
        let number: f64 = rest[..end].parse().map_err(|_| WANTED)?;
        rest = &rest[end..];
        let end = rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(rest.len());
        total += number
            * match &rest[..end] {
                "ms" => 0.001,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                "us" | "µs" => 0.000_001,
                "ns" => 0.000_000_001,
                _ => return Err(WANTED.into()),
            };
        rest = &rest[end..];
    }
    match text.is_empty() {
        true => Err(WANTED.into()),
        false => Duration::try_from_secs_f64(total).map_err(|_| WANTED.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_kubectl_reads_them() {
        for (text, ms) in [
            ("0", 0),
            ("7", 7_000),
            ("0s", 0),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("1.5h", 5_400_000),
        ] {
            assert_eq!(
                request_timeout(text),
                Ok(Duration::from_millis(ms)),
                "{text}"
            );
        }
        for text in ["", "s", "1x", "-1s", "1m3", "soon"] {
            assert!(request_timeout(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_token_is_in_no_debug_text() {
        let overrides = Overrides {
            token: Some(Hidden("s3cret".into())),
            ..Overrides::default()
        };
        let text = format!("{overrides:?}");
        assert!(
            !text.contains("s3cret") && text.contains("hidden"),
            "{text}"
        );
    }
}
