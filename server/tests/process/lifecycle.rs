//! Start, stop and crash recovery.

use std::{
    fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command, thread, time::Duration,
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use store::testing::TestDb;

use crate::support::{Folder, Server, atrium, atrium_on, run};

/// The process id of the embedded Postgres.
fn postmaster(folder: &Folder) -> Pid {
    let file = folder.path().join("data/postgres/data/postmaster.pid");
    let text = fs::read_to_string(file).unwrap();
    Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap()
}

/// Fails if other users can read the data folder, or the passwords and the key in it.
fn assert_closed(folder: &Folder) {
    let data = folder.path().join("data");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    // As root, Postgres runs as another user, who must be able to enter the folder.
    let is_root = rustix::process::geteuid().is_root();
    assert_eq!(mode(&data), if is_root { 0o711 } else { 0o700 });
    assert_eq!(mode(&data.join("postgres")), 0o700);
    for file in [
        "master.key",
        "runtime.password",
        "runtime-auth.password",
        "runtime-operator.password",
        "runtime-worker.password",
    ] {
        assert_eq!(mode(&data.join(file)), 0o600, "{file}");
    }
}

fn gone(pid: Pid) -> bool {
    (0..500).any(|_| {
        thread::sleep(Duration::from_millis(10));
        test_kill_process(pid).is_err()
    })
}

// SEC-F2
#[tokio::test]
async fn stop_ends_everything_and_the_next_start_keeps_the_data() {
    let folder = Folder::new();
    let mut server = Server::start(atrium(&folder, &["serve", "--demo=empty"]));
    let first = postmaster(&folder);
    assert_closed(&folder);
    // Two servers on one data folder would corrupt it.
    let (status, _, stderr) = run(atrium(&folder, &["serve", "--demo=empty"]));
    assert_eq!(status, 1, "{stderr}");
    assert!(stderr.contains("data"), "{stderr}");
    // A command beside the server uses the running database.
    let (status, stdout, stderr) = run(atrium(&folder, &["tenant", "list"]));
    assert_eq!(status, 0, "{stderr}");
    assert!(stdout.contains("demo"), "{stdout}");

    server.signal(Signal::TERM);
    assert!(server.ended(Duration::from_secs(20)).success());
    assert!(gone(first), "Postgres outlived the server");

    let mut again = Server::start(atrium(&folder, &["serve", "--demo=empty"]));
    let (_, after, _) = run(atrium(&folder, &["tenant", "list"]));
    assert_eq!(after, stdout);

    // A killed server takes Postgres with it, and nothing blocks the next start.
    let second = postmaster(&folder);
    again.signal(Signal::KILL);
    again.ended(Duration::from_secs(5));
    assert!(gone(second), "Postgres outlived a killed server");
    let (status, after, stderr) = run(atrium(&folder, &["tenant", "list"]));
    assert_eq!((status, after), (0, stdout), "{stderr}");
}

// SEC-F4
#[tokio::test]
async fn crashed_database_recovers_and_readiness_reports_it() {
    let folder = Folder::new();
    let server = Server::start(atrium(&folder, &["serve", "--demo=empty"]));
    let ready = || server.status("/readyz");
    assert_eq!(ready().await, 200);
    let crashed = postmaster(&folder);
    kill_process(crashed, Signal::KILL).unwrap();
    assert!(gone(crashed));
    // Readiness is off while Postgres restarts, which can take less than one
    // request; no other status may appear in between.
    let mut status = ready().await;
    for _ in 0..600 {
        if status == 200 {
            break;
        }
        assert_eq!(status, reqwest::StatusCode::SERVICE_UNAVAILABLE);
        tokio::time::sleep(Duration::from_millis(20)).await;
        status = ready().await;
    }
    assert_eq!(status, 200, "Postgres did not recover");
    assert_ne!(postmaster(&folder), crashed, "another Postgres answers");
    // The process itself kept running, and what needs no database works.
    assert_eq!(server.status("/healthz").await, 200);
}

// SEC-F3
#[tokio::test]
async fn ten_boots_at_once_all_start() {
    let db = TestDb::empty().await;
    let folder = Folder::new();
    let starts: Vec<_> = (0..10)
        .map(|_| {
            let command = atrium_on(&db, &folder, &["serve"]);
            thread::spawn(move || Server::start(command))
        })
        .collect();
    for start in starts {
        let server = start.join().expect("each server starts");
        assert_eq!(server.status("/readyz").await, 200);
    }
}

// SEC-F2
#[tokio::test]
async fn second_signal_stops_at_once() {
    let (db, folder) = (TestDb::new().await, Folder::new());
    let mut server = Server::start(atrium_on(&db, &folder, &["serve"]));
    // A request that never ends keeps the server draining.
    let address = server.url.trim_start_matches("http://").to_owned();
    let mut open = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(
        &mut open,
        b"POST /memories/import HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100\r\n\r\n",
    )
    .unwrap();
    thread::sleep(Duration::from_millis(200));
    server.signal(Signal::TERM);
    thread::sleep(Duration::from_millis(500));
    server.signal(Signal::TERM);
    assert!(server.ended(Duration::from_secs(5)).success());
}

#[test]
fn help_lists_the_commands() {
    let help = Command::new(env!("CARGO_BIN_EXE_atrium"))
        .arg("--help")
        .output()
        .unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    for command in ["serve", "migrate", "doctor", "tenant", "audit"] {
        assert!(text.contains(command), "{text}");
    }
}
