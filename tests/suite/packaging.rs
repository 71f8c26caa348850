//! Packages agree with each other: names, versions, targets and files of the release workflow, cargo-binstall, krew,
//! Homebrew, the .deb, Nix and the container.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn file(path: &str) -> String {
    let path = root().join(path);
    let text = std::fs::read_to_string(&path);
    let text = text.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.replace("\r\n", "\n")
}

fn manifest() -> toml::Table {
    toml::from_str(&file("Cargo.toml")).expect("Cargo.toml")
}

fn workflow() -> Value {
    serde_saphyr::from_str(&file(".github/workflows/release.yml")).expect("YAML")
}

/// What the release workflow builds.
fn targets() -> BTreeSet<String> {
    let workflow = workflow();
    let rows = &workflow["jobs"]["build"]["strategy"]["matrix"]["include"];
    let rows = rows.as_array().expect("a matrix");
    let named = rows
        .iter()
        .map(|row| row["target"].as_str().expect("a target").to_owned());
    named.collect()
}

/// `jobdeck-VERSION-TARGET`, as `.ci/archive` calls archives and the folder in them.
fn name(target: &str) -> String {
    format!("jobdeck-{VERSION}-{target}")
}

fn ending(target: &str) -> &'static str {
    if target.contains("windows") {
        "zip"
    } else {
        "tar.gz"
    }
}

fn address(target: &str) -> String {
    let manifest = manifest();
    let home = manifest["package"]["repository"]
        .as_str()
        .expect("a repository")
        .to_owned();
    format!(
        "{home}/releases/download/v{VERSION}/{}.{}",
        name(target),
        ending(target)
    )
}

#[test]
fn a_release_has_the_systems_people_have() {
    let want = [
        "x86_64-unknown-linux-gnu",
        "aarch64-unknown-linux-gnu",
        "x86_64-unknown-linux-musl",
        "aarch64-unknown-linux-musl",
        "x86_64-apple-darwin",
        "aarch64-apple-darwin",
        "x86_64-pc-windows-msvc",
    ];
    assert_eq!(targets(), want.map(str::to_owned).into());
    let steps = workflow()["jobs"]["build"]["steps"].to_string();
    for step in [
        ".ci/archive",
        "--locked",
        "musl-tools",
        "cargo deb --no-build",
    ] {
        assert!(steps.contains(step), "{step}");
    }
    let last = &workflow()["jobs"]["release"];
    assert!(last["steps"].to_string().contains(".ci/release archives"));
    // only the job that makes the release may write
    assert_eq!(workflow()["permissions"]["contents"], "read");
    assert_eq!(last["permissions"]["contents"], "write");
}

#[test]
fn binstall_finds_what_the_release_calls_so() {
    let manifest = manifest();
    let package = &manifest["package"];
    let binstall = &package["metadata"]["binstall"];
    for target in targets() {
        let own = binstall.get("overrides").and_then(|o| o.get(&target));
        let get = |key: &str| {
            let own = own.and_then(|o| o.get(key));
            own.or_else(|| binstall.get(key))
                .and_then(toml::Value::as_str)
                .expect("a template")
        };
        let fill = |template: &str| {
            template
                .replace(
                    "{ repo }",
                    package["repository"].as_str().expect("a repository"),
                )
                .replace("{ version }", VERSION)
                .replace("{ name }", "jobdeck")
                .replace("{ target }", &target)
                .replace("{ bin }", "jobdeck")
                .replace(
                    "{ binary-ext }",
                    if target.contains("windows") {
                        ".exe"
                    } else {
                        ""
                    },
                )
        };
        assert_eq!(fill(get("pkg-url")), address(&target), "{target}");
        assert!(
            fill(get("bin-dir")).starts_with(&format!("{}/jobdeck", name(&target))),
            "{target}"
        );
        let form = if target.contains("windows") {
            "zip"
        } else {
            "tgz"
        };
        assert_eq!(get("pkg-fmt"), form, "{target}");
    }
}

#[test]
fn krew_and_homebrew_download_what_there_is() {
    let krew: Value = serde_saphyr::from_str(&file("packaging/krew/jobdeck.yaml")).expect("YAML");
    let all: BTreeSet<String> = targets().iter().map(|t| address(t)).collect();
    let platforms = krew["spec"]["platforms"]
        .as_array()
        .expect("platforms")
        .clone();
    for platform in &platforms {
        let labels = &platform["selector"]["matchLabels"];
        let target = match (labels["os"].as_str(), labels["arch"].as_str()) {
            (Some("linux"), Some("amd64")) => "x86_64-unknown-linux-musl",
            (Some("linux"), Some("arm64")) => "aarch64-unknown-linux-musl",
            (Some("darwin"), Some("amd64")) => "x86_64-apple-darwin",
            (Some("darwin"), Some("arm64")) => "aarch64-apple-darwin",
            (Some("windows"), Some("amd64")) => "x86_64-pc-windows-msvc",
            other => panic!("nobody builds for {other:?}"),
        };
        let uri = platform["uri"].as_str().expect("an address");
        assert_eq!(uri, address(target));
        assert!(all.contains(uri));
        for file in platform["files"].as_array().expect("files") {
            let from = file["from"].as_str().expect("a file");
            assert!(from.starts_with(&format!("{}/", name(target))), "{from}");
        }
    }
    let formula = file("packaging/homebrew/jobdeck.rb");
    assert!(formula.contains(&format!("version \"{VERSION}\"")));
    let lines = formula.lines().map(str::trim);
    let urls: BTreeSet<&str> = lines
        .filter_map(|l| l.strip_prefix("url \"")?.strip_suffix('"'))
        .collect();
    let want = ["unknown-linux-musl", "apple-darwin"];
    let want = want
        .iter()
        .flat_map(|t| ["x86_64", "aarch64"].map(|a| address(&format!("{a}-{t}"))));
    assert_eq!(
        urls,
        want.collect::<BTreeSet<_>>()
            .iter()
            .map(String::as_str)
            .collect()
    );
    // each address with a sum of its own below it
    assert_eq!(formula.matches("sha256 \"").count(), urls.len());
}

/// Files that `.ci/dist` makes, by what the script says.
fn dist() -> BTreeSet<String> {
    let script = file(".ci/dist");
    let completions = script
        .lines()
        .filter_map(|line| line.strip_prefix("completions "));
    let completions =
        completions.filter_map(|l| Some(format!("completions/{}", l.split_once(' ')?.1)));
    let mut all: BTreeSet<String> = completions.collect();
    assert!(script.contains("\"$into/man\"") && script.contains("\"$into/config.schema.json\""));
    all.extend(["man/*.1", "config.schema.json", "kubectl-jobdeck"].map(str::to_owned));
    all
}

#[test]
fn every_package_carries_manual_completions_licence_and_kubectls_name() {
    let dist = dist();
    assert_eq!(
        dist.iter()
            .filter(|f| f.starts_with("completions/"))
            .count(),
        6
    );
    let manifest = manifest();
    let deb = &manifest["package"]["metadata"]["deb"];
    let assets = deb["assets"].as_array().expect("assets");
    let mut from: BTreeMap<String, String> = BTreeMap::new();
    for asset in assets {
        let text = |n: usize| asset[n].as_str().expect("a path").to_owned();
        if let Some(made) = text(0).strip_prefix("target/dist/") {
            assert!(dist.contains(made), "{made} is not made");
            from.insert(made.to_owned(), text(1));
        } else if !text(0).starts_with("target/release/") {
            assert!(root().join(text(0)).exists(), "{}", text(0));
        }
    }
    for made in [
        "man/*.1",
        "completions/jobdeck.bash",
        "completions/_jobdeck",
        "completions/jobdeck.fish",
        "kubectl-jobdeck",
    ] {
        assert!(from.contains_key(made), "not in the .deb: {made}");
    }
    assert_eq!(from["man/*.1"], "usr/share/man/man1/");
    // Debian has the text of the licence itself
    let copyright = file(deb["license-file"][0].as_str().expect("a file"));
    assert!(
        copyright.contains("License: Apache-2.0\n")
            && copyright.contains("common-licenses/Apache-2.0")
    );
    let words = deb["extended-description"].as_str().expect("a text");
    assert!(!words.contains('\n'), "cargo-deb wraps it: {words}");
    let changelog = file(deb["changelog"].as_str().expect("a changelog"));
    assert!(
        changelog.starts_with(&format!("jobdeck ({VERSION}-")),
        "{changelog}"
    );

    let archive = file(".ci/archive");
    for part in [
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "$dist/completions",
        "$dist/man",
        "$dist/config.schema.json",
    ] {
        assert!(archive.contains(part), "not in archives: {part}");
    }
    let formula = file("packaging/homebrew/jobdeck.rb");
    let flake = file("flake.nix");
    for made in ["jobdeck.bash", "_jobdeck", "jobdeck.fish"] {
        let path = format!("completions/{made}");
        assert!(
            dist.contains(&path) && formula.contains(&path) && flake.contains(&path),
            "{made}"
        );
    }
    for text in [&formula, &flake] {
        assert!(text.contains("man/*.1") && text.contains("kubectl-jobdeck"));
        assert!(text.contains("config.schema.json"));
    }
    assert!(flake.contains("importTOML ./Cargo.toml") && flake.contains("bash .ci/dist"));
}

#[test]
fn the_container_is_static_and_built_as_the_release_is() {
    let text = file("packaging/Containerfile");
    let manifest = manifest();
    let least = manifest["package"]["rust-version"]
        .as_str()
        .expect("a version");
    assert!(
        text.contains(&format!("rust:{least}-alpine")),
        "another Rust than Cargo.toml says"
    );
    assert!(text.contains("--release --locked") && text.contains("distroless/static"));
    assert!(text.contains("LICENSE") && text.contains("ENTRYPOINT [\"/usr/bin/jobdeck\"]"));
    let ignored = file(".containerignore");
    assert!(ignored.lines().any(|l| l == "target"));
}

/// What is made stays what a script says it is.
#[cfg(unix)]
#[test]
fn sums_of_the_archives_come_into_manifest_and_formula() {
    use std::process::Command;
    let folder = tempfile::tempdir().expect("a folder");
    let mut sums = BTreeMap::new();
    for target in targets() {
        let archive = format!("{}.{}", name(&target), ending(&target));
        std::fs::write(folder.path().join(&archive), &target).expect("written");
        let out = Command::new("sha256sum")
            .arg(folder.path().join(&archive))
            .output();
        let Ok(out) = out else {
            use std::io::Write as _;
            let test = "sums_of_the_archives_come_into_manifest_and_formula";
            let _ = writeln!(std::io::stderr(), "SKIPPED {test}: there is no sha256sum");
            return;
        };
        let sum = String::from_utf8_lossy(&out.stdout)[..64].to_owned();
        sums.insert(archive, sum);
    }
    let release = |folder: &Path| {
        Command::new("bash")
            .arg(root().join(".ci/release"))
            .arg(folder)
            .env("GITHUB_REPOSITORY", "somebody/fork")
            .output()
            .expect("bash")
    };
    let out = release(folder.path());
    assert!(
        out.status.success(),
        "{}",
        String::from_utf8_lossy(&out.stderr)
    );
    for file in ["jobdeck.yaml", "jobdeck.rb"] {
        let text = std::fs::read_to_string(folder.path().join(file)).expect("made");
        assert!(
            !text.contains(&"0".repeat(64)) && !text.contains("github.com/jobdeck/"),
            "{file}: {text}"
        );
        let mut seen = 0;
        for (archive, sum) in &sums {
            let Some(at) = text.find(archive.as_str()) else {
                continue;
            };
            let next = text[at..].lines().nth(1).expect("a line below");
            assert!(next.contains(sum), "{file}: {archive}: {next}");
            seen += 1;
        }
        assert!(seen >= 4, "{file}: {seen}");
        assert!(text.contains("github.com/somebody/fork/releases/download/"));
    }
    // one that is missing is no release
    std::fs::remove_file(
        folder
            .path()
            .join(format!("{}.tar.gz", name("aarch64-apple-darwin"))),
    )
    .expect("gone");
    assert!(!release(folder.path()).status.success());
}
