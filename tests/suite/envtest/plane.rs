//! A control plane from `$KUBEBUILDER_ASSETS`: etcd and kube-apiserver, and kube-controller-manager where it is there too.

use std::io::Write;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jobdeck::cluster::connect::resolve;
use jobdeck::cluster::http::{Ask, Http};
use jobdeck::cluster::kubeconfig::Surroundings;
use jobdeck::cluster::target::Target;
use serde_json::json;

/// What runs beside the API server: no nodes, no scheduler, so pods are made and never start.
const CONTROLLERS: &str = "job-controller,cronjob-controller,garbage-collector-controller,namespace-controller,\
                           ttl-after-finished-controller,resourcequota-controller,disruption-controller";

/// Who may what: the administrator, and two who may little until they are given a role.
const TOKENS: &str = "admin-token,admin,admin,system:masters\n\
                      dev-token,dev,dev,developers\n\
                      reader-token,reader,reader,readers\n";

/// The folder to take the programs from; says loudly where there is none.
pub fn assets() -> Option<PathBuf> {
    let assets = std::env::var_os("KUBEBUILDER_ASSETS").filter(|folder| !folder.is_empty());
    if assets.is_none() {
        loudly("SKIPPED: set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver");
    }
    assets.map(PathBuf::from)
}

/// Past the test harness, which shows nothing of a test that passes.
fn loudly(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A control plane; its processes end with it.
pub struct Plane {
    assets: PathBuf,
    folder: tempfile::TempDir,
    etcd: u16,
    api: u16,
    server: Option<Child>,
    children: Vec<Child>,
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

impl Plane {
    pub fn start(assets: PathBuf) -> Self {
        let mut plane = Self {
            assets,
            folder: tempfile::tempdir().unwrap(),
            etcd: free_port(),
            api: free_port(),
            server: None,
            children: Vec::new(),
        };
        let key = Command::new("openssl")
            .args(["genrsa", "-out"])
            .arg(plane.path("sa.key"))
            .arg("2048")
            .stderr(Stdio::null())
            .status();
        assert!(
            key.is_ok_and(|s| s.success()),
            "openssl is needed for the service account key"
        );
        std::fs::write(plane.path("tokens.csv"), TOKENS).unwrap();
        let (client, peer) = (plane.etcd, free_port());
        let etcd = plane.run(
            "etcd",
            &[
                format!("--data-dir={}", plane.path("etcd").display()),
                format!("--listen-client-urls=http://127.0.0.1:{client}"),
                format!("--advertise-client-urls=http://127.0.0.1:{client}"),
                format!("--listen-peer-urls=http://127.0.0.1:{peer}"),
                format!("--initial-advertise-peer-urls=http://127.0.0.1:{peer}"),
                format!("--initial-cluster=default=http://127.0.0.1:{peer}"),
                "--unsafe-no-fsync".into(),
            ],
        );
        plane.children.push(etcd);
        plane.start_api();
        plane
    }

    pub fn start_api(&mut self) {
        let key = self.path("sa.key").display().to_string();
        let server = self.run(
            "kube-apiserver",
            &[
                format!("--etcd-servers=http://127.0.0.1:{}", self.etcd),
                format!("--secure-port={}", self.api),
                "--bind-address=127.0.0.1".into(),
                format!("--cert-dir={}", self.path("certs").display()),
                format!("--token-auth-file={}", self.path("tokens.csv").display()),
                "--authorization-mode=RBAC".into(),
                "--service-cluster-ip-range=10.0.0.0/24".into(),
                "--service-account-issuer=https://127.0.0.1".into(),
                format!("--service-account-key-file={key}"),
                format!("--service-account-signing-key-file={key}"),
                "--disable-admission-plugins=ServiceAccount".into(),
                "--endpoint-reconciler-type=none".into(),
            ],
        );
        self.server = Some(server);
    }

    /// Starts the controllers; false, and said loudly, where there is no such program.
    pub fn start_controllers(&mut self) -> bool {
        let program = "kube-controller-manager";
        if !self.assets.join(program).is_file() {
            let place = self.assets.display();
            loudly(&format!(
                "SKIPPED what needs controllers: there is no {program} in {place}"
            ));
            return false;
        }
        let config = self.kubeconfig("admin-token", "default", &self.url());
        let controllers = self.run(
            program,
            &[
                format!("--kubeconfig={}", config.display()),
                format!("--controllers={CONTROLLERS}"),
                "--leader-elect=false".into(),
                "--secure-port=0".into(),
                // as quick as this machine is
                "--kube-api-qps=500".into(),
                "--kube-api-burst=1000".into(),
            ],
        );
        self.children.push(controllers);
        true
    }

    fn run(&self, program: &str, args: &[String]) -> Child {
        let log = std::fs::File::create(self.path(&format!("{program}.log"))).unwrap();
        let child = Command::new(self.assets.join(program))
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        child.unwrap_or_else(|e| panic!("{program}: {e}"))
    }

    /// Stops the API server, etcd goes on.
    pub fn stop_api(&mut self) {
        let mut api = self.server.take().expect("an API server");
        api.kill().unwrap();
        api.wait().unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}", self.api)
    }

    /// A kubeconfig of one user, for one namespace; `server` may be something that stands before the real one.
    pub fn kubeconfig(&self, token: &str, namespace: &str, server: &str) -> PathBuf {
        let mut cluster = json!({"server": server});
        if server.starts_with("https") {
            cluster["certificate-authority"] = json!(self.path("certs/apiserver.crt"));
        }
        let config = json!({
            "current-context": "envtest",
            "contexts": [{"name": "envtest", "context": {"cluster": "c", "user": "u", "namespace": namespace}}],
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "u", "user": {"token": token}}],
        });
        let port = server.rsplit(':').next().unwrap_or_default();
        let file = self.path(&format!("{token}-{namespace}-{port}.kubeconfig"));
        std::fs::write(&file, config.to_string()).unwrap();
        file
    }

    pub fn target(&self, token: &str, namespace: &str) -> Target {
        let around = Surroundings {
            file: Some(self.kubeconfig(token, namespace, &self.url())),
            ..Surroundings::default()
        };
        resolve(&around, None).unwrap()
    }

    /// Asks until the server is ready, on a schedule of its own: there is nothing to be told by.
    pub async fn ready(&self) {
        let ready = async {
            let mut ticks = tokio::time::interval(Duration::from_millis(200));
            loop {
                ticks.tick().await;
                if Path::new(&self.path("certs/apiserver.crt")).exists() {
                    let http = Http::new(self.target("admin-token", "default"));
                    if http.read(&Ask::get("/readyz")).await.is_ok() {
                        return;
                    }
                }
            }
        };
        if tokio::time::timeout(Duration::from_secs(120), ready)
            .await
            .is_err()
        {
            let log = std::fs::read_to_string(self.path("kube-apiserver.log")).unwrap_or_default();
            panic!("the API server is never ready:\n{log}");
        }
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        // etcd last: an API server without it only complains
        for mut child in self
            .server
            .take()
            .into_iter()
            .chain(self.children.drain(..).rev())
        {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
