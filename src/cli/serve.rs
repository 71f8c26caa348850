//! `jobdeck demo --serve`: only the demo cluster, for any client, until it is told to end.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use color_eyre::eyre::{Result, WrapErr, bail};

use super::config::print_all;
use super::{SceneArgs, demo};

/// First line of every kubeconfig written here; only such a file is ever written over.
const MARK: &str = "# written by jobdeck demo\n";

/// Serves the demo cluster until ctrl-c, SIGTERM or SIGHUP.
pub fn serve(
    address: SocketAddr,
    kubeconfig_out: Option<&Path>,
    scene: &SceneArgs,
) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        // before the first line is out: whoever reads it may end us at once
        let end = ending()?;
        let cluster = demo::live(address, scene)
            .wrap_err_with(|| format!("cannot serve the demo cluster on {address}"))?;
        let address = cluster.addr();
        let mut text = format!("demo cluster on http://{address}\n");
        match kubeconfig_out {
            Some(file) => {
                write_kubeconfig(file, &cluster.kubeconfig_yaml())?;
                let file = file.display();
                text.push_str(&format!(
                    "kubectl --kubeconfig {file} get jobs -A\njobdeck --kubeconfig {file} -A\n"
                ));
            }
            None => text.push_str(&format!(
                "kubectl --server http://{address} get jobs -A\n\
                 (--kubeconfig-out FILE writes a kubeconfig for it)\n"
            )),
        }
        text.push_str("ctrl-c ends it\n");
        print_all(text.as_bytes())?;
        end.await;
        Ok(ExitCode::SUCCESS)
    })
}

/// Resolves when somebody wants the program to end.
#[cfg(unix)]
fn ending() -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}

/// Resolves when somebody wants the program to end.
#[cfg(not(unix))]
fn ending() -> Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

/// Writes a kubeconfig only its owner can read; somebody else's file is not written over.
fn write_kubeconfig(file: &Path, yaml: &str) -> Result<()> {
    match std::fs::read_to_string(file) {
        Ok(old) if !old.trim().is_empty() && !old.starts_with(MARK) => bail!(
            "{} exists and was not written by jobdeck: choose another file for --kubeconfig-out",
            file.display()
        ),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options
        .open(file)
        .wrap_err_with(|| format!("cannot write {}", file.display()))?;
    #[cfg(unix)]
    {
        // the mode above holds for new files only
        use std::os::unix::fs::PermissionsExt;
        out.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    out.write_all(format!("{MARK}{yaml}").as_bytes())
        .wrap_err_with(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubeconfig_is_private_and_nobody_elses_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("k");
        std::fs::write(&file, "apiVersion: v1\n# mine\n").unwrap();
        let error = write_kubeconfig(&file, "x: 1\n").unwrap_err().to_string();
        assert!(error.contains("not written by jobdeck"), "{error}");
        std::fs::write(&file, "").unwrap();
        write_kubeconfig(&file, "x: 1\n").unwrap();
        write_kubeconfig(&file, "x: 2\n").unwrap();
        assert_eq!(
            std::fs::read_to_string(&file).unwrap(),
            format!("{MARK}x: 2\n")
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }
}
