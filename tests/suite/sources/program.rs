//! Programs of others, started for one test on a free port of the loopback and ended with it.

use crate::port;
use std::ffi::OsStr;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Where a program is, or nothing and a word about it.
pub(crate) fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/usr/lib/squid".into()]);
    let found = folders
        .map(|folder| folder.join(name))
        .find(|p| p.is_file());
    if found.is_none() {
        println!("skipped: {name} is not installed");
    }
    found
}

/// A program that runs until it is dropped.
pub(crate) struct Program(Child);

impl Program {
    /// Starts it, and waits until it listens on all of `addresses`.
    pub(crate) fn start(
        program: &Path,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
        addresses: &[SocketAddr],
    ) -> Program {
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (mut running, begun) = (Program(child), Instant::now());
        for address in addresses {
            while TcpStream::connect(address).is_err() {
                let ended = running.0.try_wait().unwrap();
                assert!(ended.is_none(), "{program:?} ended: {ended:?}");
                assert!(
                    begun.elapsed() < Duration::from_secs(30),
                    "{program:?} is silent"
                );
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        running
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder that programs under another user may look into.
pub(crate) fn folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    folder
}

/// A free address.
pub(crate) fn address() -> SocketAddr {
    port::free()
}

/// An authority for TLS and the certificate and key of `127.0.0.1` and `localhost` under it, in `folder`: `tls-root.pem`,
/// `tls.pem`, `tls.key`.
pub(crate) fn tls_certificates(folder: &Path) -> bool {
    let Some(openssl) = installed("openssl") else {
        return false;
    };
    let run = |line: &str| {
        let status = Command::new(&openssl)
            .args(line.split(' '))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "openssl {line}");
    };
    std::fs::write(
        folder.join("tls.ext"),
        "subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=critical,CA:FALSE\n",
    )
    .unwrap();
    let ec = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    run(&format!(
        "req -x509 {ec} -keyout tls-root.key -out tls-root.pem -days 30 -subj /CN=root"
    ));
    run(&format!(
        "req -new {ec} -keyout tls.key -out tls.csr -subj /CN=server"
    ));
    run(
        "x509 -req -in tls.csr -CA tls-root.pem -CAkey tls-root.key -CAcreateserial -days 30 -extfile tls.ext -out tls.pem",
    );
    true
}
