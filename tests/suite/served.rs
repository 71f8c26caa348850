//! A demo cluster in a process of its own, as a user starts it, and kubectl pointed at it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use jobdeck::demo::Demo;
use jobdeck::demo::scenario::Options;
use jobdeck::demo::world::World;

/// The default scene ten minutes after its beginning, where its clock stands still: one for all tests that change
/// nothing of it, as each of their own would live through three hours of history first.
pub fn still() -> &'static Demo {
    static STILL: LazyLock<Demo> = LazyLock::new(|| {
        begin(World::stepped(
            &Options::default(),
            Duration::from_secs(600),
        ))
    });
    &STILL
}

/// The default scene as it lives on, for the same tests.
fn living() -> &'static Demo {
    static LIVING: LazyLock<Demo> = LazyLock::new(|| begin(World::live(&Options::default())));
    &LIVING
}

/// In this process, so that it ends with it.
fn begin(world: World) -> Demo {
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    Demo::start(any, world).expect("a free port")
}

/// `jobdeck demo --serve` on a free port, which ends when dropped; or one that is there already.
pub struct Served {
    child: Option<Child>,
    pub kubeconfig: PathBuf,
    pub folder: tempfile::TempDir,
}

fn serve(address: &str, kubeconfig: &Path, more: &[&str]) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_jobdeck"))
        .args(["demo", "--serve", address, "--kubeconfig-out"])
        .arg(kubeconfig)
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the demo cluster starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    // the last of the lines it begins with: from here on it serves
    lines
        .find(|line| line.as_ref().is_ok_and(|l| l.starts_with("ctrl-c")))
        .expect("it says that it serves")
        .ok();
    child
}

impl Served {
    /// Starts it with more arguments.
    pub fn start(more: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let kubeconfig = folder.path().join("demo.kubeconfig");
        let child = serve("127.0.0.1:0", &kubeconfig, more);
        Self {
            child: Some(child),
            kubeconfig,
            folder,
        }
    }

    /// One cluster for all who change nothing that another one looks at, with a folder of one's own.
    pub fn shared() -> Self {
        Self::over(living())
    }

    /// A kubeconfig for one that is there already.
    pub fn over(demo: &Demo) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let kubeconfig = folder.path().join("demo.kubeconfig");
        std::fs::write(&kubeconfig, demo.kubeconfig_yaml()).expect("written");
        Self {
            child: None,
            kubeconfig,
            folder,
        }
    }

    /// Kills it: whoever watches is cut off.
    pub fn stop(&mut self) {
        let mut child = self.child.take().expect("one of its own");
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
    }

    /// Starts it again where it was.
    pub fn start_again(&mut self, more: &[&str]) {
        let address = self.address();
        self.child = Some(serve(&address, &self.kubeconfig, more));
    }

    /// `127.0.0.1:PORT`, where it serves.
    pub fn address(&self) -> String {
        let config = std::fs::read_to_string(&self.kubeconfig).expect("a kubeconfig");
        let address = config
            .split("server: http://")
            .nth(1)
            .and_then(|rest| rest.lines().next())
            .expect("an address");
        address.trim().to_owned()
    }

    /// One request as any client would send it; answers the status line and what follows.
    pub fn request(&self, method: &str, path: &str, body: &str) -> String {
        self.typed(method, path, "application/json", body)
    }

    /// A merge patch.
    pub fn patch(&self, path: &str, body: &str) -> String {
        self.typed("PATCH", path, "application/merge-patch+json", body)
    }

    fn typed(&self, method: &str, path: &str, kind: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).expect("it listens");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n\
             Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream
            .write_all((head + body).as_bytes())
            .expect("it takes requests");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer
    }

    /// `kubectl ARGS` on it, not started yet.
    pub fn kubectl(&self, args: &[&str]) -> Command {
        let mut command = Command::new("kubectl");
        command
            .env("HOME", self.folder.path())
            .env("KUBECONFIG", &self.kubeconfig)
            .args(args)
            .stdin(Stdio::null());
        command
    }

    /// Runs `kubectl ARGS`; its standard output, which must come with exit code 0.
    #[track_caller]
    pub fn ok(&self, args: &[&str]) -> String {
        let out = self.kubectl(args).output().expect("kubectl runs");
        assert!(
            out.status.success(),
            "kubectl {}: {}",
            args.join(" "),
            String::from_utf8_lossy(&out.stderr)
        );
        String::from_utf8(out.stdout).expect("UTF-8")
    }

    /// Starts `kubectl ARGS` and reads along.
    pub fn follow(&self, args: &[&str]) -> Followed {
        let mut child = self
            .kubectl(args)
            .stdout(Stdio::piped())
            .spawn()
            .expect("kubectl runs");
        let out = BufReader::new(child.stdout.take().expect("its output"));
        Followed { child, out }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A kubectl that is running.
pub struct Followed {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Followed {
    /// The next line that satisfies; its end before that is a failure.
    #[track_caller]
    pub fn until(&mut self, what: &str, holds: impl Fn(&str) -> bool) -> String {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            let n = self.out.read_line(&mut line).expect("UTF-8");
            assert!(n > 0, "it ended without {what}:\n{seen}");
            if holds(&line) {
                return line;
            }
            seen.push_str(&line);
        }
    }

    /// All the rest, until it ends by itself.
    pub fn rest(&mut self) -> String {
        let mut text = String::new();
        self.out.read_to_string(&mut text).expect("UTF-8");
        text
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether there is a kubectl; says loudly (past the test harness's capture) that a test is skipped if not.
pub fn kubectl_there(test: &str) -> bool {
    let there = Command::new("kubectl")
        .args(["version", "--client"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success());
    if !there {
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED {test}: there is no kubectl in PATH"
        );
    }
    there
}

/// A manifest of the tests.
pub fn manifest(name: &str) -> String {
    format!(
        "{}/tests/fixtures/manifests/{name}.yaml",
        env!("CARGO_MANIFEST_DIR")
    )
}
