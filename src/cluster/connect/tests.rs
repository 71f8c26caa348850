use std::path::Path;
use std::time::Duration;

use super::overrides::{ActAs, Hidden, Overrides};
use super::*;
use crate::cluster::kubeconfig::{Way, load};

const BASIC: &str = r#"
apiVersion: v1
kind: Config
current-context: a
clusters:
- name: one
  cluster: {server: "https://one.example:6443", tls-server-name: api.internal}
- name: two
  cluster: {server: "http://127.0.0.1:8001"}
- name: odd
  cluster: {server: "ftp://x"}
contexts:
- name: a
  context: {cluster: one, user: u, namespace: ml}
- name: b
  context: {cluster: two}
- name: lost
  context: {cluster: gone, user: u}
- name: nobody
  context: {cluster: two, user: who}
- name: odd
  context: {cluster: odd}
users:
- name: u
  user: {token: secret}
"#;

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

fn only(file: &Path) -> Surroundings {
    Surroundings {
        file: Some(file.to_owned()),
        ..Surroundings::default()
    }
}

fn listed(files: &[&Path]) -> Surroundings {
    Surroundings {
        variable: Some(std::env::join_paths(files).unwrap()),
        ..Surroundings::default()
    }
}

fn error(around: &Surroundings, context: Option<&str>) -> ConnectError {
    match resolve(around, context) {
        Ok(target) => panic!("resolved to {}", target.server()),
        Err(e) => {
            assert!(!e.next_step().is_empty());
            e
        }
    }
}

#[test]
fn the_current_context_or_the_named_one() {
    let folder = tempfile::tempdir().unwrap();
    let around = only(&write(folder.path(), "config", BASIC));
    let a = resolve(&around, None).unwrap();
    assert_eq!(
        (
            a.context.as_str(),
            a.server().as_str(),
            a.namespace.as_deref()
        ),
        ("a", "https://one.example:6443", Some("ml"))
    );
    assert_eq!(a.auth().describe(), "token");
    assert!(a.describe_tls().ends_with("as api.internal"));
    let b = resolve(&around, Some("b")).unwrap();
    assert_eq!(
        (b.server().as_str(), b.namespace),
        ("http://127.0.0.1:8001", None)
    );
    let contexts = load(&around).unwrap().contexts();
    assert_eq!(contexts.len(), 5);
    assert!(contexts[0].current && contexts[0].namespace.as_deref() == Some("ml"));
}

#[test]
fn errors_name_what_is_wrong_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let around = only(&write(folder.path(), "config", BASIC));
    let unknown = error(&around, Some("zzz"));
    assert!(unknown.to_string().contains(r#"context "zzz" is not in"#));
    assert!(unknown.next_step().contains("a, b, lost"));
    let lost = error(&around, Some("lost")).to_string();
    assert!(lost.contains(r#"refers to cluster "gone""#), "{lost}");
    let nobody = error(&around, Some("nobody")).to_string();
    assert!(nobody.contains(r#"refers to user "who""#), "{nobody}");
    let odd = error(&around, Some("odd")).to_string();
    assert!(odd.contains("ftp://x"), "{odd}");

    let bad = write(folder.path(), "bad", "clusters: [\n  - {name");
    let text = error(&only(&bad), None).to_string();
    assert!(text.contains("bad is not valid"), "{text}");
    let missing = folder.path().join("missing");
    assert!(
        matches!(error(&only(&missing), None), ConnectError::Unreadable { file, .. } if file == missing)
    );
    let empty = write(folder.path(), "empty", "");
    assert!(matches!(
        error(&only(&empty), None),
        ConnectError::NoContext { .. }
    ));
    let none = error(&listed(&[&missing]), None);
    assert!(none.to_string().contains("looked at"), "{none}");
}

#[test]
fn a_list_of_files_merges_and_passes_over_missing_ones() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    let first = write(
        folder.path(),
        "first",
        r#"
current-context: ""
clusters:
- {name: one, cluster: {server: "https://first:1"}}
"#,
    );
    let second = write(folder.path(), "second", BASIC);
    let target = resolve(&listed(&[&missing, &first, &second]), None).unwrap();
    // the first file wins for the cluster, an empty current-context does not count
    assert_eq!(
        (target.context.as_str(), target.server().as_str()),
        ("a", "https://first:1")
    );
    assert_eq!(target.files, [first, second]);
}

#[test]
fn files_are_looked_at_where_the_kubeconfig_says() {
    let folder = tempfile::tempdir().unwrap();
    let text = |ca: &str, user: &str| {
        format!(
            "current-context: x\ncontexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: 'https://h', certificate-authority: {ca}}}}}]\n\
             users: [{{name: u, user: {{{user}}}}}]\n"
        )
    };
    let missing = error(
        &only(&write(folder.path(), "k1", &text("nope.pem", ""))),
        None,
    );
    assert!(
        matches!(&missing, ConnectError::At { error, .. } if matches!(&**error,
            ConnectError::MissingFile { file, what: "certificate-authority", .. } if *file == folder.path().join("nope.pem"))),
        "{missing}"
    );
    let place = format!(
        "{}:3: clusters[0].cluster.certificate-authority: ",
        folder.path().join("k1").display()
    );
    assert!(missing.to_string().starts_with(&place), "{missing}");
    write(folder.path(), "junk.pem", "no certificate here");
    let junk = error(
        &only(&write(folder.path(), "k2", &text("junk.pem", ""))),
        None,
    );
    assert!(junk.to_string().contains("holds no PEM"), "{junk}");
    write(
        folder.path(),
        "ca.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    write(folder.path(), "token", "t0k3n\n");
    let around = only(&write(
        folder.path(),
        "k3",
        &text("ca.pem", "tokenFile: token, token: other"),
    ));
    let login = resolve(&around, None).unwrap().log_in().unwrap();
    assert_eq!(
        login.authorization.unwrap().to_str().unwrap(),
        "Bearer t0k3n"
    );
    assert!(login.renew.is_some());
    let around = only(&write(
        folder.path(),
        "k4",
        &text("ca.pem", "client-certificate: c.pem"),
    ));
    let half = resolve(&around, None).unwrap().log_in().err().unwrap();
    assert!(half.to_string().contains("c.pem"), "{half}");
}

#[cfg(unix)]
#[test]
fn plugins_are_never_interactive() {
    let folder = tempfile::tempdir().unwrap();
    let around = only(&write(
        folder.path(),
        "config",
        r#"
current-context: x
contexts: [{name: x, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://h", proxy-url: "socks5://p:1080"}}]
users:
- name: u
  user:
    exec:
      apiVersion: client.authentication.k8s.io/v1
      command: sh
      args: [-c, 'printf "{\"apiVersion\":\"$V\",\"status\":{\"token\":\"t\"}}"']
      env: [{name: V, value: client.authentication.k8s.io/v1}]
      interactiveMode: Always
"#,
    ));
    let target = resolve(&around, None).unwrap();
    assert_eq!(target.auth().describe(), "credential plugin sh");
    assert_eq!(target.proxy().as_deref(), Some("socks5://p:1080"));
    let login = target.log_in().unwrap();
    assert_eq!(login.authorization.unwrap().to_str().unwrap(), "Bearer t");
}

/// The context `a` of [`BASIC`] and another cluster with all of TLS, with these flags.
fn flagged(folder: &Path, overrides: Overrides) -> Surroundings {
    let text = BASIC.replace(
        "users:\n",
        "users:\n- name: v\n  user: {tokenFile: t, as: ann, as-groups: [old]}\n",
    );
    Surroundings {
        overrides,
        ..only(&write(folder, "config", &text))
    }
}

#[test]
fn flags_win_by_kubectls_rules() {
    let folder = tempfile::tempdir().unwrap();
    write(
        folder.path(),
        "ca.pem",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    let text = |s: &str| Some(s.to_owned());
    let ca = folder.path().join("ca.pem").display().to_string();
    let of = |overrides: Overrides| resolve(&flagged(folder.path(), overrides), None).unwrap();
    // another server is not verified by the name of the first
    let server = of(Overrides {
        server: text("https://other:1"),
        ..Overrides::default()
    });
    assert_eq!(server.server(), "https://other:1");
    assert_eq!(server.describe_tls(), "verified with the system's CAs");
    assert_eq!(
        (server.context.as_str(), server.cluster.as_str()),
        ("a", "one")
    );
    let named = of(Overrides {
        tls_server_name: text("mine"),
        certificate_authority: Some(ca.clone()),
        ..Overrides::default()
    });
    let tls = named.describe_tls();
    assert!(
        tls.contains("own CA (1 ") && tls.ends_with("as mine"),
        "{tls}"
    );
    let open = of(Overrides {
        insecure_skip_tls_verify: true,
        ..Overrides::default()
    });
    assert!(open.describe_tls().starts_with("NOT"));
    let both = Overrides {
        insecure_skip_tls_verify: true,
        certificate_authority: Some(ca),
        ..Overrides::default()
    };
    let both = error(&flagged(folder.path(), both), None).to_string();
    assert!(both.contains("--insecure-skip-tls-verify"), "{both}");
    // a token takes the place of a file with one, a user of the kubeconfig keeps whom it acts as
    let user = of(Overrides {
        user: text("v"),
        token: Some(Hidden("t0k3n".into())),
        ..Overrides::default()
    });
    assert_eq!(
        (user.auth().describe().as_str(), user.impersonates()),
        ("token", Some("ann"))
    );
    // empty is none, as with kubectl
    let none = of(Overrides {
        server: text(""),
        user: text(""),
        token: Some(Hidden(String::new())),
        ..Overrides::default()
    });
    assert_eq!(
        (none.server().as_str(), none.user.as_deref()),
        ("https://one.example:6443", Some("u"))
    );
    // neither file nor context are needed by a server that is named
    let alone = Surroundings {
        overrides: Overrides {
            server: text("10.0.0.1:8080"),
            ..Overrides::default()
        },
        ..Surroundings::default()
    };
    let alone = resolve(&alone, None).unwrap();
    assert_eq!(
        (alone.server().as_str(), alone.context.as_str()),
        ("http://10.0.0.1:8080", "10.0.0.1")
    );
}

#[test]
fn of_several_contexts_only_the_first_that_was_named_gets_the_flags_whichever_is_read_first() {
    let folder = tempfile::tempdir().unwrap();
    let overrides = || Overrides {
        server: Some("https://other:1".into()),
        ..Overrides::default()
    };
    let of = |first: &str| {
        let around = flagged(folder.path(), overrides());
        around.overrides.begin_with(first);
        resolve(&around, Some("a")).unwrap().server()
    };
    assert_eq!(of("a"), "https://other:1");
    assert_eq!(of("elsewhere"), "https://one.example:6443");
}

#[test]
fn another_context_gets_neither_token_nor_server_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let around = flagged(
        folder.path(),
        Overrides {
            server: Some("https://other:1".into()),
            token: Some(Hidden("t0k3n".into())),
            act_as: ActAs {
                user: Some("ann".into()),
                ..ActAs::default()
            },
            request_timeout: Some(Duration::from_secs(7)),
            ..Overrides::default()
        },
    );
    let first = resolve(&around, None).unwrap();
    assert_eq!(
        (first.context.as_str(), first.server().as_str()),
        ("a", "https://other:1")
    );
    let second = resolve(&around.clone(), Some("b")).unwrap();
    assert_eq!(second.server(), "http://127.0.0.1:8001");
    assert_eq!(second.auth().describe(), "none (anonymous)");
    // who asked to be less is not more there
    assert_eq!(second.impersonates(), Some("ann"));
    assert_eq!(second.request_timeout(), Some(Duration::from_secs(7)));
    let again = resolve(&around, Some("a")).unwrap();
    assert_eq!(again.server(), "https://other:1");
}

#[test]
fn the_settings_say_where_a_context_begins() {
    let folder = tempfile::tempdir().unwrap();
    let way = Way {
        namespace: Some("mine".into()),
        namespaces: Some(vec!["x".into()]),
        stream: Some(false),
    };
    let around = Surroundings {
        ways: [("a".to_owned(), way.clone())].into(),
        ..only(&write(folder.path(), "config", BASIC))
    };
    let a = resolve(&around, None).unwrap();
    assert_eq!((a.namespace.as_deref(), a.way()), (Some("mine"), &way));
    let b = resolve(&around, Some("b")).unwrap();
    assert_eq!((b.namespace.as_deref(), b.way()), (None, &Way::default()));
}
