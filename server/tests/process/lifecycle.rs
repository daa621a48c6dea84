//! Starting, stopping and surviving.

use std::{
    fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command, thread, time::Duration,
};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use store::testing::TestDb;

use crate::support::{Folder, Server, atrium, atrium_on, run};

/// The embedded Postgres' process.
fn postmaster(folder: &Folder) -> Pid {
    let file = folder.path().join("data/postgres/data/postmaster.pid");
    let text = fs::read_to_string(file).unwrap();
    Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap()
}

/// Other users see nothing of the data folder, and nobody else reads the
/// passwords and the key in it.
fn assert_closed(folder: &Folder) {
    let data = folder.path().join("data");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    // As root, Postgres runs as another user and passes through.
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
async fn a_stop_ends_everything_and_the_next_start_finds_what_was_kept() {
    let folder = Folder::new();
    let mut server = Server::start(atrium(&folder, &["serve", "--demo"]));
    let first = postmaster(&folder);
    assert_closed(&folder);
    // Two servers on one data folder would ruin it.
    let (status, _, stderr) = run(atrium(&folder, &["serve", "--demo"]));
    assert_eq!(status, 1, "{stderr}");
    assert!(stderr.contains("data"), "{stderr}");
    // A command beside the server uses the running database.
    let (status, stdout, stderr) = run(atrium(&folder, &["tenant", "list"]));
    assert_eq!(status, 0, "{stderr}");
    assert!(stdout.contains("demo"), "{stdout}");

    server.signal(Signal::TERM);
    assert!(server.ended(Duration::from_secs(20)).success());
    assert!(gone(first), "Postgres outlived the server");

    let mut again = Server::start(atrium(&folder, &["serve", "--demo"]));
    let (_, after, _) = run(atrium(&folder, &["tenant", "list"]));
    assert_eq!(after, stdout);

    // Killed, it takes Postgres with it, and nothing is in the way afterwards.
    let second = postmaster(&folder);
    again.signal(Signal::KILL);
    again.ended(Duration::from_secs(5));
    assert!(gone(second), "Postgres outlived a killed server");
    let (status, after, stderr) = run(atrium(&folder, &["tenant", "list"]));
    assert_eq!((status, after), (0, stdout), "{stderr}");
}

// SEC-F4
#[tokio::test]
async fn a_crashed_database_comes_back_and_readiness_tells_nothing_else() {
    let folder = Folder::new();
    let server = Server::start(atrium(&folder, &["serve", "--demo"]));
    let ready = || server.status("/readyz");
    assert_eq!(ready().await, 200);
    let crashed = postmaster(&folder);
    kill_process(crashed, Signal::KILL).unwrap();
    assert!(gone(crashed));
    // Readiness is off for as long as the restart takes, which can be less
    // than one request: what counts is that nothing else is ever told.
    let mut status = ready().await;
    for _ in 0..600 {
        if status == 200 {
            break;
        }
        assert_eq!(status, reqwest::StatusCode::SERVICE_UNAVAILABLE);
        tokio::time::sleep(Duration::from_millis(20)).await;
        status = ready().await;
    }
    assert_eq!(status, 200, "it did not come back");
    assert_ne!(postmaster(&folder), crashed, "another Postgres answers");
    // The process itself lived all the time, and what needs no database works.
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
        let server = start.join().expect("each of them starts");
        assert_eq!(server.status("/readyz").await, 200);
    }
}

// SEC-F2
#[tokio::test]
async fn a_second_signal_stops_at_once() {
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
fn the_program_explains_itself() {
    let help = Command::new(env!("CARGO_BIN_EXE_atrium"))
        .arg("--help")
        .output()
        .unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    for command in ["serve", "migrate", "doctor", "tenant", "audit"] {
        assert!(text.contains(command), "{text}");
    }
}
