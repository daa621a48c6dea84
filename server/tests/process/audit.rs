//! SEC-E2: `atrium audit verify` and the checkpoints that a server writes.

use std::{fs, path::PathBuf, time::Duration};

use rustix::process::Signal;
use store::testing::TestDb;

use crate::support::{Folder, Server, atrium_on, run};

/// A database with one organisation, and the data folder of a server that ran and stopped.
struct Site {
    db: TestDb,
    folder: Folder,
}

impl Site {
    fn new(db: TestDb) -> Self {
        let site = Self {
            db,
            folder: Folder::new(),
        };
        let (status, _, stderr) = site.atrium(&[
            "tenant",
            "create",
            "--slug",
            "acme",
            "--owner-subject",
            "42",
        ]);
        assert_eq!(status, 0, "{stderr}");
        let mut server = Server::start(site.command(&["serve"]));
        server.signal(Signal::TERM);
        assert!(server.ended(Duration::from_secs(30)).success());
        site
    }

    fn command(&self, arguments: &[&str]) -> std::process::Command {
        let mut command = atrium_on(&self.db, &self.folder, arguments);
        command
            .env("ATRIUM_OIDC__ISSUER", "https://id.example")
            .env("ATRIUM_OIDC__CLIENT_ID", "atrium");
        command
    }

    fn atrium(&self, arguments: &[&str]) -> (i32, String, String) {
        run(self.command(arguments))
    }

    fn verify(&self, arguments: &[&str]) -> (i32, String, String) {
        self.atrium(&[&["audit", "verify"], arguments].concat())
    }

    async fn tamper(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&self.db.admin).await.unwrap();
    }

    /// The checkpoint file of the only organisation.
    fn file(&self) -> PathBuf {
        let dir = self.folder.path().join("data/audit-checkpoints");
        let mut files = fs::read_dir(dir).unwrap();
        files.next().expect("there is one").unwrap().path()
    }
}

#[tokio::test]
async fn stopped_server_leaves_checkpoints_that_verify_checks() {
    let site = Site::new(TestDb::new().await);
    let (status, stdout, stderr) = site.verify(&[]);
    assert_eq!(status, 0, "{stdout}{stderr}");
    assert!(stdout.contains("1 in the database, 1 in "), "{stdout}");
    assert!(
        stdout.contains("acme: its verifier key is 127.0.0.1/audit/"),
        "{stdout}"
    );
    let (_, key) = stdout.trim_end().rsplit_once(' ').unwrap();
    let (status, stdout, _) = site.verify(&["--verifier-key", key]);
    assert_eq!(status, 0, "{stdout}");
    let (status, stdout, _) = run(site.command(&["doctor"]));
    let line = stdout.lines().find(|line| line.contains(" audit "));
    let line = line.unwrap_or_else(|| panic!("{status}: {stdout}"));
    assert!(
        line.starts_with("ok") && line.contains("0 minutes old"),
        "{line}"
    );

    // The remaining rows agree with each other, but not with the checkpoints.
    let kept = site.folder.path().join("kept.txt");
    fs::copy(site.file(), &kept).unwrap();
    site.tamper("TRUNCATE audit_log, audit_heads, audit_checkpoints")
        .await;
    let (status, stdout, stderr) = site.verify(&[]);
    assert_eq!(status, 1, "{stdout}");
    assert!(
        stdout.contains("acme: row 1: it and all later rows were removed: a signed checkpoint"),
        "{stdout}"
    );
    assert!(stderr.contains("not whole"), "{stderr}");

    // If the folder is lost too, a copy of the checkpoint shows it.
    fs::remove_file(site.file()).unwrap();
    site.tamper("DELETE FROM audit_log").await;
    let kept = kept.to_str().unwrap();
    let (status, stdout, _) = site.verify(&["--checkpoint", kept]);
    assert_eq!(status, 1, "{stdout}");
    assert!(stdout.contains("a signed checkpoint has"), "{stdout}");
}

#[tokio::test]
async fn organisation_removed_with_its_log_is_reported() {
    let site = Site::new(TestDb::new().await);
    site.tamper("TRUNCATE audit_log, audit_heads, tenants CASCADE")
        .await;
    let id = site.file();
    let id = id.file_stem().unwrap().to_str().unwrap().to_owned();
    let (status, stdout, stderr) = site.verify(&[]);
    assert_eq!(status, 1, "{stdout}");
    assert!(
        stdout.contains(&format!("{id}: there are checkpoints")),
        "{stdout}"
    );
    assert!(stderr.contains("1 of 1"), "{stderr}");
}

#[tokio::test]
async fn properly_deleted_organisation_is_not_reported() {
    let site = Site::new(TestDb::new().await);
    let (status, _, stderr) =
        site.atrium(&["tenant", "delete", "acme", "--reason", "left", "--now"]);
    assert_eq!(status, 0, "{stderr}");
    let (status, stdout, stderr) = site.verify(&[]);
    assert_eq!(status, 0, "{stdout}{stderr}");
}

#[tokio::test]
async fn another_master_key_is_distinguished_from_a_broken_log() {
    let site = Site::new(TestDb::new().await);
    let with_other_key = |arguments: &[&str]| {
        let mut command = site.command(arguments);
        command.env(
            "ATRIUM_MASTER_KEY",
            "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
        );
        run(command)
    };
    let (status, stdout, _) = with_other_key(&["audit", "verify"]);
    assert_eq!(status, 1, "{stdout}");
    assert!(stdout.contains("acme: the chain is whole"), "{stdout}");
    assert!(stdout.contains("is signed by another key"), "{stdout}");
    assert!(stdout.contains("none vouches for it"), "{stdout}");
    let (_, stdout, _) = with_other_key(&["doctor"]);
    let line = stdout
        .lines()
        .find(|line| line.contains(" audit "))
        .unwrap();
    assert!(
        line.starts_with("to do") && line.contains("another key"),
        "{line}"
    );
}

#[tokio::test]
async fn invalid_checkpoint_files_and_keys_are_rejected() {
    let site = Site::new(TestDb::new().await);
    let path = |name: &str, text: &str| {
        let path = site.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let empty = path("empty.txt", "");
    let prose = path("prose.txt", "Nothing of the kind.\n");
    let note = fs::read_to_string(site.file()).unwrap();
    let (origin, _) = note.split_once('\n').unwrap();
    let (host, _) = origin.rsplit_once('/').unwrap();
    let other = "11111111-2222-3333-4444-555555555555";
    let other = path(
        "other.txt",
        &note.replace(origin, &format!("{host}/{other}")),
    );
    for arguments in [
        &["--checkpoint", "no-such-file"][..],
        &["--checkpoint", &empty],
        &["--checkpoint", &prose],
        &["--tenant", "acme", "--checkpoint", &other],
        &["--verifier-key", "x"],
        &["--tenant", "nobody"],
    ] {
        let (status, stdout, stderr) = site.verify(arguments);
        assert_eq!(status, 2, "{arguments:?}: {stdout}{stderr}");
    }
    // A checkpoint of an organisation that does not exist is not a usage error.
    let (status, stdout, _) = site.verify(&["--checkpoint", &other]);
    assert_eq!(status, 1, "{stdout}");
}
