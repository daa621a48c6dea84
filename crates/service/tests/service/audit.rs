//! SEC-E2: checkpoints are written when due, only for a log that extends the
//! last one, and reveal tampering that is consistent in itself.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use domain::Actor;
use service::{
    AuditReport, CheckpointFolder, CheckpointKey, CheckpointSettings, CheckpointWriter,
    NoteProblem, StoredNotes, audit_verify,
};
use sqlx::AssertSqlSafe;
use store::audit::{
    AuditProblem::{self, CheckpointDiffers, CheckpointLonger},
    AuditVerdict,
};
use time::Duration;
use tlog::{Note, NoteVerifier};
use tokio_util::sync::CancellationToken;

use crate::support::{World, draft};

/// A temporary folder, removed at the end of the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let id: uuid::Uuid = store::testing::id();
        Self(std::env::temp_dir().join(format!("atrium-checkpoints-{}", id.simple())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn key(seed: u8) -> CheckpointKey {
    CheckpointKey::new([seed; 32].into(), "atrium.example").unwrap()
}

/// An organisation with a checkpoint writer.
struct Watch {
    world: World,
    mia: Actor,
    folder: Folder,
}

impl Watch {
    async fn new() -> Self {
        let world = World::without_model().await;
        let mia = world.member("Mia").await;
        let folder = Folder::new();
        let watch = Self { world, mia, folder };
        watch.act(5).await;
        watch
    }

    /// Writes `count` audit rows, one for each action.
    async fn act(&self, count: usize) {
        for n in 0..count {
            crate::call_memory::memory_create(
                &self.world.ctx,
                &self.mia,
                &draft(&format!("Tea {n}")),
            )
            .await
            .unwrap();
        }
    }

    fn folder(&self) -> CheckpointFolder {
        CheckpointFolder::new(self.folder.0.join("deeper"))
    }

    fn file(&self) -> PathBuf {
        self.folder().file(self.world.tenant.id)
    }

    fn writer(&self, seed: u8) -> CheckpointWriter {
        let settings = CheckpointSettings {
            rows: 4,
            every: Duration::minutes(10),
            poll: Duration::milliseconds(20),
        };
        CheckpointWriter::new(self.world.ctx.clone(), key(seed), self.folder(), settings)
    }

    /// Runs the writer once.
    async fn pass(&self) {
        self.writer(1).pass(4).await.unwrap();
    }

    fn kept(path: &Path) -> StoredNotes {
        StoredNotes {
            location: path.display().to_string(),
            text: fs::read_to_string(path).unwrap_or_default(),
            is_mixed: false,
        }
    }

    fn verifier(&self, seed: u8) -> NoteVerifier {
        key(seed).verifier(self.world.tenant.id).unwrap()
    }

    async fn verify(&self) -> AuditReport {
        let kept = [Self::kept(&self.file())];
        self.verify_against(&[self.verifier(1)], &kept).await
    }

    async fn verify_against(&self, keys: &[NoteVerifier], kept: &[StoredNotes]) -> AuditReport {
        audit_verify(&self.world.ctx, keys, self.world.tenant.id, kept)
            .await
            .unwrap()
    }

    async fn sizes(&self) -> Vec<i64> {
        sqlx::query_scalar("SELECT size FROM audit_checkpoints ORDER BY size")
            .fetch_all(&self.world.db.admin)
            .await
            .unwrap()
    }

    /// The log sizes of the checkpoints in the file.
    fn sizes_outside(&self) -> Vec<i64> {
        let text = fs::read_to_string(self.file()).unwrap_or_default();
        Note::in_file(&text)
            .into_iter()
            .map(|note| note.unwrap().text.lines().nth(1).unwrap().parse().unwrap())
            .collect()
    }

    async fn tamper(&self, sql: &str) {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
            .execute(&self.world.db.admin)
            .await
            .unwrap();
    }
}

fn broken(seq: i64, problem: AuditProblem) -> AuditVerdict {
    AuditVerdict::Broken { seq, problem }
}

/// Appends all rows of the log again from the beginning, with the product's own
/// function, so that the chain is consistent.
const APPEND_ANEW: &str = "
    DO $$
    DECLARE v record;
    BEGIN
        PERFORM set_config('app.current_tenant_id', (SELECT tenant_id::text FROM audit_heads), true);
        PERFORM set_config('app.permissions', 'system', true);
        CREATE TEMPORARY TABLE again ON COMMIT DROP AS SELECT * FROM audit_log;
        DELETE FROM audit_log;
        UPDATE audit_heads SET seq = 0, hash = decode(repeat('00', 32), 'hex'), edge = '{}';
        FOR v IN SELECT * FROM again ORDER BY seq LOOP
            PERFORM audit_append(
                v.tenant_id, ARRAY[v.at], ARRAY[v.actor_user_id], ARRAY[v.actor_kind], ARRAY[v.actor_label],
                ARRAY[v.on_behalf_of], ARRAY[host(v.ip)], ARRAY[v.user_agent], ARRAY[v.request_id],
                ARRAY[v.action], ARRAY[v.resource_type], ARRAY[v.resource_id], ARRAY[v.outcome], ARRAY[v.level],
                ARRAY[v.changes], ARRAY[v.metadata]);
        END LOOP;
    END $$;";

#[tokio::test]
async fn checkpoint_is_written_after_rows_or_time_if_the_log_grew() {
    let watch = Watch::new().await;
    watch.pass().await;
    assert_eq!(watch.sizes().await, [5], "the first one at once");
    watch.pass().await;
    watch.act(3).await;
    watch.pass().await;
    assert_eq!(watch.sizes().await, [5], "three rows are too few");
    watch.act(1).await;
    watch.pass().await;
    assert_eq!(watch.sizes().await, [5, 9]);
    watch.act(1).await;
    watch.world.pass(Duration::minutes(10));
    watch.pass().await;
    assert_eq!(watch.sizes().await, [5, 9, 10]);
    watch.world.pass(Duration::minutes(60));
    watch.pass().await;
    assert_eq!(watch.sizes().await, [5, 9, 10], "nothing happened");

    // When the server stops, new rows get a checkpoint.
    watch.act(1).await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(watch.writer(1).run(stop.clone()));
    stop.cancel();
    running.await.unwrap();
    assert_eq!(watch.sizes().await, [5, 9, 10, 11]);

    assert_eq!(watch.sizes_outside(), [5, 9, 10, 11]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&watch.file()), 0o600);
    assert_eq!(mode(watch.file().parent().unwrap()), 0o700);
    let report = watch.verify().await;
    assert!(report.holds(), "{report:?}");
    assert_eq!(report.newest, Some(11));
    assert_eq!(
        report
            .compared_notes
            .iter()
            .map(|(_, count)| *count)
            .collect::<Vec<_>>(),
        [4, 4]
    );
}

#[tokio::test]
async fn concurrent_writers_store_each_checkpoint_once() {
    let watch = Watch::new().await;
    for _ in 0..3 {
        watch.act(4).await;
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let mut writer = watch.writer(1);
            writers.spawn(async move { writer.pass(1).await });
        }
        while let Some(done) = writers.join_next().await {
            done.unwrap().unwrap();
        }
    }
    assert_eq!(watch.sizes().await, [9, 13, 17]);
    assert_eq!(watch.sizes_outside(), [9, 13, 17]);
    assert!(watch.verify().await.holds());

    // A process with its own folder catches up with the newest checkpoint.
    fs::remove_file(watch.file()).unwrap();
    watch.pass().await;
    assert_eq!(watch.sizes_outside(), [17]);
}

/// Each kind of tampering is consistent in itself and removes the checkpoints in
/// the database; the file outside reveals it.
#[tokio::test]
async fn checkpoint_file_reveals_consistent_tampering() {
    let cut = format!("DELETE FROM audit_log WHERE seq > 7; {APPEND_ANEW}");
    let rewrite =
        format!("UPDATE audit_log SET actor_label = 'Nobody' WHERE seq = 7; {APPEND_ANEW}");
    for (way, sql, expected) in [
        (
            "tail cut",
            cut.as_str(),
            broken(8, CheckpointLonger { size: 9 }),
        ),
        (
            "appended anew",
            &rewrite,
            broken(9, CheckpointDiffers { vouched: 5 }),
        ),
        (
            "both tables emptied",
            "TRUNCATE audit_log; TRUNCATE audit_heads",
            broken(1, CheckpointLonger { size: 5 }),
        ),
        (
            "one organisation's log and head deleted",
            "DELETE FROM audit_log; DELETE FROM audit_heads",
            broken(1, CheckpointLonger { size: 5 }),
        ),
    ] {
        let watch = Watch::new().await;
        watch.pass().await;
        watch.act(4).await;
        watch.pass().await;
        watch
            .tamper(&format!("TRUNCATE audit_checkpoints; {sql}"))
            .await;
        let report = watch.verify().await;
        assert_eq!(report.verdict, expected, "{way}");
        assert!(!report.holds(), "{way}");

        // Without the file it goes unnoticed, unless the log is empty.
        let alone = watch.verify_against(&[watch.verifier(1)], &[]).await;
        let is_empty = matches!(
            alone.verdict,
            AuditVerdict::Broken {
                problem: AuditProblem::Emptied,
                ..
            }
        );
        assert_eq!(alone.holds(), !is_empty, "{way}");
    }
}

#[tokio::test]
async fn checkpoints_in_the_database_reveal_tampering_without_a_file() {
    let watch = Watch::new().await;
    watch.pass().await;
    watch
        .tamper(&format!(
            "UPDATE audit_log SET actor_label = 'Nobody' WHERE seq = 2; {APPEND_ANEW}"
        ))
        .await;
    let report = watch.verify_against(&[watch.verifier(1)], &[]).await;
    assert_eq!(report.verdict, broken(5, CheckpointDiffers { vouched: 0 }));
}

/// A signed checkpoint is final: the writer does not sign a log that was
/// replaced.
#[tokio::test]
async fn no_checkpoint_is_written_for_a_log_that_does_not_extend_the_last() {
    let rewrite =
        format!("UPDATE audit_log SET actor_label = 'Nobody' WHERE seq = 3; {APPEND_ANEW}");
    let cut = format!("DELETE FROM audit_log WHERE seq > 2; {APPEND_ANEW}");
    let forget = format!("{cut}; TRUNCATE audit_checkpoints");
    for (way, sql) in [
        ("rewritten", rewrite.as_str()),
        ("cut", &cut),
        ("cut, the database's checkpoints gone", &forget),
        (
            "a row of those since edited",
            "UPDATE audit_log SET actor_label = 'Nobody' WHERE seq = 6",
        ),
        (
            "a row of those since missing",
            "DELETE FROM audit_log WHERE seq = 7",
        ),
        (
            "the tree exchanged",
            "UPDATE audit_heads SET edge[1] = sha256('x')",
        ),
        (
            "the tree of the last checkpoint exchanged",
            "UPDATE audit_checkpoints SET edge[1] = sha256('x')",
        ),
    ] {
        let watch = Watch::new().await;
        watch.pass().await;
        watch.act(4).await;
        watch.tamper(sql).await;
        let before = watch.sizes().await;
        watch.writer(1).pass(1).await.unwrap();
        assert_eq!(watch.sizes().await, before, "{way}");
        assert_eq!(watch.sizes_outside(), [5], "{way}");
    }
}

#[tokio::test]
async fn checkpoints_of_other_keys_and_changed_ones_are_distinguished() {
    let watch = Watch::new().await;
    watch.pass().await;
    let good = fs::read_to_string(watch.file()).unwrap();

    // Signed with another installation's key: reported and ignored.
    let (ours, theirs) = (watch.verifier(1), watch.verifier(2));
    let report = watch
        .verify_against(std::slice::from_ref(&theirs), &[Watch::kept(&watch.file())])
        .await;
    assert!(!report.holds());
    assert_eq!(report.newest, None);
    for problem in &report.problems {
        let told = problem.to_string();
        assert!(
            told.contains(&ours.id().to_string()) && told.contains(&theirs.id().to_string()),
            "{told}"
        );
        assert!(matches!(problem.problem, NoteProblem::OtherKey { .. }));
    }
    assert_eq!(report.problems.len(), 2);
    // With both keys known, both checkpoints count.
    let report = watch.verify_against(&[theirs, ours.clone()], &[]).await;
    assert!(report.holds(), "{report:?}");

    let of_notes = async |text: String| {
        let kept = StoredNotes {
            location: "elsewhere".into(),
            text,
            is_mixed: true,
        };
        watch
            .verify_against(std::slice::from_ref(&ours), &[kept])
            .await
    };
    // Changes to the size, the root and the signature.
    for changed in [
        good.replacen("\n5\n", "\n4\n", 1),
        good.replacen("\n5\n", "\n6\n", 1),
    ] {
        let report = of_notes(changed).await;
        assert!(
            matches!(&report.problems[..], [only] if matches!(only.problem, NoteProblem::Forged(_))),
            "{report:?}"
        );
    }
    let report = of_notes(format!("{good}\nhalf a note\n")).await;
    assert!(
        matches!(&report.problems[..], [only] if matches!(only.problem, NoteProblem::Unreadable(_))),
        "{report:?}"
    );
    // Checkpoints of another organisation are skipped,
    let other = good.replace(
        &watch.world.tenant.id.to_string(),
        &watch.mia.user_id.to_string(),
    );
    let report = of_notes(other.clone()).await;
    assert!(report.holds(), "{report:?}");
    assert_eq!(report.compared_notes[1], ("elsewhere".to_owned(), 0));
    // except in the file of this organisation
    let exchanged = StoredNotes {
        location: "the folder".into(),
        text: other.clone(),
        is_mixed: false,
    };
    let keys = std::slice::from_ref(&ours);
    let report = watch.verify_against(keys, &[exchanged]).await;
    assert!(
        matches!(&report.problems[..], [only] if matches!(only.problem, NoteProblem::OtherLog(_))),
        "{report:?}"
    );
    // and in this organisation's rows of the database.
    sqlx::query("UPDATE audit_checkpoints SET note = $1")
        .bind(&other)
        .execute(&watch.world.db.admin)
        .await
        .unwrap();
    let report = of_notes(good).await;
    assert!(
        matches!(&report.problems[..], [only] if matches!(only.problem, NoteProblem::OtherLog(_))),
        "{report:?}"
    );

    // The key does not depend on the host name of the verifier.
    let moved = CheckpointKey::new([1; 32].into(), "moved.example").unwrap();
    let report = watch
        .verify_against(
            &[moved.verifier(watch.world.tenant.id).unwrap()],
            &[Watch::kept(&watch.file())],
        )
        .await;
    assert_eq!(report.newest, Some(5));
}

#[tokio::test]
async fn checkpoints_of_a_purged_organisation_are_set_aside() {
    let watch = Watch::new().await;
    watch.pass().await;
    let ctx = watch.world.ctx.clone().with_checkpoints(watch.folder());
    let id = watch.world.tenant.id;
    service::tenant_delete(
        &ctx,
        service::Initiator::Cli,
        id,
        None,
        "Left",
        Some(Duration::ZERO),
    )
    .await
    .unwrap();
    assert_eq!(watch.folder().tenants().unwrap(), [id]);
    assert_eq!(service::tenants_purge(&ctx).await.unwrap(), 1);
    assert_eq!(watch.folder().tenants().unwrap(), []);
    assert!(watch.file().with_extension("purged").exists());
}
