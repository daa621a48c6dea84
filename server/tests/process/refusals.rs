//! Bad input to the process: one sentence that says what to do, and the right
//! exit status.

use std::{fs, net::TcpListener};

use store::{Login, PerLogin, testing::TestDb};

use crate::support::{Folder, atrium, atrium_on, run, with_logins};

/// The only line on standard error, which begins with the program's name.
fn sentence(stderr: &str) -> &str {
    let lines: Vec<_> = stderr
        .lines()
        .filter(|line| line.starts_with("atrium: "))
        .collect();
    assert_eq!(lines.len(), 1, "{stderr}");
    lines[0]
}

#[test]
fn unknown_key_or_bad_value_is_named_and_exits_with_2() {
    let folder = Folder::new();
    for (key, value, named) in [
        ("ATRIUM_ADRESS", "127.0.0.1:1", "adress"),
        ("ATRIUM_ADDR", "localhost", "addr"),
        (
            "ATRIUM_OIDC__ISSUER",
            "https://id.example",
            "oidc.client_id",
        ),
        ("ATRIUM_MASTER_KEY", "short", "master_key"),
        ("ATRIUM_PUBLIC_URL", "http://atrium.example", "public_url"),
        ("ATRIUM_LOG__FILTER", "=,=", "log.filter"),
    ] {
        let mut command = atrium(&folder, &["serve"]);
        command.env(key, value);
        let (status, _, stderr) = run(command);
        assert_eq!(status, 2, "{key}: {stderr}");
        assert!(sentence(&stderr).contains(named), "{key}: {stderr}");
    }
    fs::write(folder.path().join("atrium.toml"), "[oidc]\nisuer = 'x'\n").unwrap();
    let (status, _, stderr) = run(atrium(&folder, &["tenant", "list"]));
    assert_eq!(status, 2);
    assert!(sentence(&stderr).contains("isuer"), "{stderr}");
}

#[test]
fn busy_port_is_reported_before_anything_starts() {
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let (status, _, stderr) = run(atrium(&folder, &["serve", "--addr", &address]));
    assert_eq!(status, 1, "{stderr}");
    assert!(sentence(&stderr).contains(&address), "{stderr}");
    assert!(sentence(&stderr).contains("--addr"), "{stderr}");
    assert!(!folder.path().join("data/postgres").exists());
}

#[test]
fn unreachable_database_is_reported_without_its_password() {
    let folder = Folder::new();
    let mut command = atrium(&folder, &["serve"]);
    let urls = PerLogin::from_fn(|_| "postgres://me:s3cret@127.0.0.1:1/atrium".to_owned());
    with_logins(&mut command, &urls);
    let (status, _, stderr) = run(command);
    assert_eq!(status, 1, "{stderr}");
    assert!(
        sentence(&stderr).contains("ATRIUM_DATABASE_URL"),
        "{stderr}"
    );
    assert!(!stderr.contains("s3cret"), "{stderr}");
}

// What an upgrade from a single login runs into.
#[tokio::test]
async fn missing_logins_of_an_external_database_are_named() {
    let (db, folder) = (TestDb::new().await, Folder::new());
    let mut command = atrium_on(&db, &folder, &["serve"]);
    command.env_remove(Login::Auth.variable());
    let (status, _, stderr) = run(command);
    assert_eq!(status, 2, "{stderr}");
    assert!(sentence(&stderr).contains("database_auth_url"), "{stderr}");
}

#[tokio::test]
async fn login_that_can_take_the_auth_role_is_refused() {
    let (db, folder) = (TestDb::new().await, Folder::new());
    let mut command = atrium_on(&db, &folder, &["serve"]);
    command
        .env(Login::App.variable(), db.urls().auth)
        .env_remove("ATRIUM_DATABASE_ADMIN_URL");
    let (status, _, stderr) = run(command);
    assert_eq!(status, 1, "{stderr}");
    assert!(sentence(&stderr).contains("atrium_auth"), "{stderr}");
}

#[test]
fn missing_bundle_is_reported() {
    let folder = Folder::new();
    let mut command = atrium(&folder, &["serve"]);
    command.env("ATRIUM_SITE_DIR", folder.path().join("nowhere"));
    let (status, _, stderr) = run(command);
    assert_eq!(status, 1);
    assert!(sentence(&stderr).contains("ATRIUM_SITE_DIR"), "{stderr}");
}

// SEC-C1
#[tokio::test]
async fn login_that_bypasses_row_security_is_refused() {
    let (db, folder) = (TestDb::new().await, Folder::new());
    let mut command = atrium_on(&db, &folder, &["serve"]);
    command.env("ATRIUM_DATABASE_URL", db.admin_url());
    let (status, _, stderr) = run(command);
    assert_eq!(status, 1, "{stderr}");
    assert!(sentence(&stderr).contains("superuser"), "{stderr}");
}

#[tokio::test]
async fn demo_runs_only_on_loopback_and_on_a_demo_database() {
    let (db, folder) = (TestDb::new().await, Folder::new());
    let (status, _, stderr) = run(atrium(
        &folder,
        &["serve", "--demo=empty", "--addr", "0.0.0.0:0"],
    ));
    assert_eq!(status, 2, "{stderr}");
    assert!(sentence(&stderr).contains("loopback"), "{stderr}");

    let mut command = atrium(&folder, &["serve", "--demo=empty"]);
    command
        .env("ATRIUM_OIDC__ISSUER", "https://id.example")
        .env("ATRIUM_OIDC__CLIENT_ID", "x");
    let (status, _, stderr) = run(command);
    assert_eq!(status, 2, "{stderr}");

    db.tenant("real").await;
    let (status, _, stderr) = run(atrium_on(&db, &folder, &["serve", "--demo=empty"]));
    assert_eq!(status, 1, "{stderr}");
    assert!(sentence(&stderr).contains("real Ltd"), "{stderr}");
}
