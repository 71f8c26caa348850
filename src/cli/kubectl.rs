//! jobdeck as a plugin of kubectl, and kubectl's global flags.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use clap::{Args, Command, CommandFactory, FromArgMatches};

use super::Cli;
use crate::cluster::connect::overrides::{ActAs, Hidden, Overrides, request_timeout};

/// The file name by which kubectl finds it.
const PLUGIN: &str = "kubectl-jobdeck";
const HEADING: &str = "As kubectl's";

static AS_PLUGIN: OnceLock<bool> = OnceLock::new();

/// The command line of this process, or its end with the usage text.
pub fn parse() -> Cli {
    let called = std::env::args_os().next().unwrap_or_default();
    let as_plugin = *AS_PLUGIN.get_or_init(|| is_plugin(Path::new(&called)));
    let matches = command(as_plugin).get_matches();
    Cli::from_arg_matches(&matches).unwrap_or_else(|e| e.exit())
}

/// Started by kubectl: `kubectl-jobdeck`, `kubectl-jobdeck.exe`.
fn is_plugin(called: &Path) -> bool {
    called.file_stem().is_some_and(|stem| stem == PLUGIN)
}

/// The grammar, whose usage texts say how it was called.
fn command(as_plugin: bool) -> Command {
    match as_plugin {
        true => Cli::command().bin_name("kubectl jobdeck"),
        false => Cli::command(),
    }
}

/// Commands of ours in a text for the user, as they are typed: `kubectl jobdeck get` where that is how it was called.
pub fn as_called(text: &str) -> String {
    match AS_PLUGIN.get() {
        Some(true) => text.replace("`jobdeck ", "`kubectl jobdeck "),
        _ => text.to_owned(),
    }
}

/// What kubectl takes everywhere, with its meaning.
#[derive(Debug, Clone, Default, Args)]
pub struct KubectlArgs {
    /// Cluster of the kubeconfig, in place of the context's
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true, help_heading = HEADING)]
    pub cluster: Option<String>,
    /// User of the kubeconfig, in place of the context's
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true, help_heading = HEADING)]
    pub user: Option<String>,
    /// Address of the API server
    #[arg(long, short, global = true, value_name = "URL", hide_short_help = true, help_heading = HEADING)]
    pub server: Option<String>,
    /// Bearer token, in place of the user's credentials; other programs see it in the list of processes
    #[arg(long, global = true, value_name = "TOKEN", hide_short_help = true, help_heading = HEADING)]
    pub token: Option<Hidden>,
    /// User to act as: the server must allow to impersonate
    #[arg(long = "as", global = true, value_name = "USER", hide_short_help = true, help_heading = HEADING)]
    pub act_as: Option<String>,
    /// Group to act as; more than once for several
    #[arg(long, global = true, value_name = "GROUP", hide_short_help = true, help_heading = HEADING)]
    pub as_group: Vec<String>,
    /// UID to act as
    #[arg(long, global = true, value_name = "UID", hide_short_help = true, help_heading = HEADING)]
    pub as_uid: Option<String>,
    /// More about whom to act as; more than once for several
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = extra, hide_short_help = true, help_heading = HEADING)]
    pub as_user_extra: Vec<(String, String)>,
    /// File with the certificate authorities that the server's certificate is verified by
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true, help_heading = HEADING)]
    pub certificate_authority: Option<String>,
    /// File with the client certificate
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true, help_heading = HEADING)]
    pub client_certificate: Option<String>,
    /// File with its key
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true, help_heading = HEADING)]
    pub client_key: Option<String>,
    /// Do not verify the server's certificate: anybody in between can read along
    #[arg(long, global = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_name = "BOOL", hide_short_help = true, help_heading = HEADING)]
    pub insecure_skip_tls_verify: Option<bool>,
    /// Name to verify the server's certificate for, in place of the address's
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true, help_heading = HEADING)]
    pub tls_server_name: Option<String>,
    /// Longest wait for an answer, e.g. 30s [default: 65s; 0 is that too]
    #[arg(long, global = true, value_name = "TIME", value_parser = request_timeout, hide_short_help = true, help_heading = HEADING)]
    pub request_timeout: Option<Duration>,
}

fn extra(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("KEY=VALUE is wanted".into()),
    }
}

impl KubectlArgs {
    /// What they say in place of the kubeconfig.
    pub fn overrides(&self) -> Overrides {
        Overrides {
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            server: self.server.clone(),
            tls_server_name: self.tls_server_name.clone(),
            certificate_authority: self.certificate_authority.clone(),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify.unwrap_or_default(),
            token: self.token.clone(),
            client_certificate: self.client_certificate.clone(),
            client_key: self.client_key.clone(),
            act_as: ActAs {
                user: self.act_as.clone(),
                groups: self.as_group.clone(),
                uid: self.as_uid.clone(),
                extra: self.as_user_extra.clone(),
            },
            request_timeout: self.request_timeout,
            ..Overrides::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_it_is_called_by_decides() {
        for (called, plugin) in [
            ("kubectl-jobdeck", true),
            ("/opt/krew/bin/kubectl-jobdeck", true),
            ("kubectl-jobdeck.exe", true),
            ("jobdeck", false),
            ("/usr/bin/jobdeck-0.1", false),
            ("kubectl-jobdecks", false),
        ] {
            assert_eq!(is_plugin(Path::new(called)), plugin, "{called}");
        }
        let usage = |plugin| command(plugin).render_usage().to_string();
        assert!(usage(true).contains("kubectl jobdeck [OPTIONS]"));
        assert!(usage(false).contains("Usage: jobdeck [OPTIONS]"));
    }

    #[test]
    fn flags_stand_before_and_behind_the_command_as_with_kubectl() {
        let read = |args: &[&str]| {
            let matches = command(true).try_get_matches_from(args);
            let cli = Cli::from_arg_matches(&matches.unwrap()).unwrap();
            cli.cluster.kubectl.overrides()
        };
        let a = read(&["kubectl-jobdeck", "-s", "http://x", "get", "jobs"]);
        let b = read(&["kubectl-jobdeck", "get", "jobs", "--server=http://x"]);
        assert_eq!(a.server.as_deref(), Some("http://x"));
        assert_eq!(a.server, b.server);
        let c = read(&[
            "kubectl-jobdeck",
            "--as=ann",
            "--as-group",
            "a",
            "--as-group=b",
            "--as-user-extra=k=v=w",
            "--insecure-skip-tls-verify",
            "get",
            "jobs",
            "--request-timeout",
            "90",
        ]);
        assert_eq!(c.act_as.groups, ["a", "b"]);
        assert_eq!(c.act_as.extra, [("k".into(), "v=w".into())]);
        assert!(c.insecure_skip_tls_verify);
        assert_eq!(c.request_timeout, Some(Duration::from_secs(90)));
        let d = read(&[
            "kubectl-jobdeck",
            "--insecure-skip-tls-verify=false",
            "get",
            "jobs",
        ]);
        assert!(!d.insecure_skip_tls_verify);
    }
}
