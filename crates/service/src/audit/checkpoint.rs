//! Signing checkpoints of audit logs, and storing them in the database and in a
//! folder.

use std::{collections::HashMap, fmt, io};

use domain::{AppError, TenantId};
use store::{
    StoreError,
    audit::{
        DueCheckpoint, audit_edge_extend, checkpoint_create, checkpoints_due, checkpoints_newest,
    },
};
use time::Duration;
use tlog::{Checkpoint, Edge, Note, NoteError, NoteKey, NoteVerifier, TreeHead};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::CheckpointFolder;
use crate::Ctx;

/// The installation's signing key. Each organisation's log has a key name of
/// its own: `<host>/audit/<organisation's id>`.
#[derive(Clone)]
pub struct CheckpointKey {
    seed: Zeroizing<[u8; 32]>,
    host: String,
}

impl fmt::Debug for CheckpointKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckpointKey({})", self.host)
    }
}

/// The reason why a note doesn't count as a checkpoint of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ForeignNote {
    /// A checkpoint of another log.
    Other,
    /// A checkpoint of this log, but not signed by any accepted key.
    Unverified(NoteError),
}

impl CheckpointKey {
    /// # Errors
    /// [`NoteError::Key`] for a host that can't be part of a key name.
    pub fn new(seed: Zeroizing<[u8; 32]>, host: &str) -> Result<Self, NoteError> {
        let host = host.to_owned();
        NoteKey::new(&host, &seed)?;
        Ok(Self { seed, host })
    }

    fn note_key(&self, tenant_id: TenantId) -> Result<NoteKey, NoteError> {
        NoteKey::new(&format!("{}{}", self.host, path(tenant_id)), &self.seed)
    }

    /// The public key for an organisation's checkpoints, to be stored
    /// elsewhere. Never fails for a key from [`CheckpointKey::new`].
    pub fn verifier(&self, tenant_id: TenantId) -> Result<NoteVerifier, NoteError> {
        Ok(self.note_key(tenant_id)?.verifier())
    }

    fn sign(&self, tenant_id: TenantId, head: TreeHead) -> Result<String, NoteError> {
        let key = self.note_key(tenant_id)?;
        let checkpoint = Checkpoint {
            origin: key.verifier().name().to_owned(),
            head,
        };
        key.sign(&checkpoint.to_string())
    }

    /// The tree head of an organisation's log, if this key signed it; the host
    /// of the key name may be a former one.
    pub(super) fn check(&self, tenant_id: TenantId, note: &Note) -> Result<TreeHead, ForeignNote> {
        let verifier = self.verifier(tenant_id).map_err(ForeignNote::Unverified)?;
        checked(&[verifier], tenant_id, note)
    }
}

fn path(tenant_id: TenantId) -> String {
    format!("/audit/{tenant_id}")
}

/// The organisation in a checkpoint's origin.
pub(super) fn tenant_of(checkpoint: &Checkpoint) -> Option<TenantId> {
    let (_, id) = checkpoint.origin.rsplit_once("/audit/")?;
    id.parse::<Uuid>().ok().map(TenantId)
}

/// The tree head of an organisation's log, if one of `keys` signed it; the host
/// of the key name is ignored.
pub(super) fn checked(
    keys: &[NoteVerifier],
    tenant_id: TenantId,
    note: &Note,
) -> Result<TreeHead, ForeignNote> {
    let checkpoint: Checkpoint = note.text.parse().map_err(ForeignNote::Unverified)?;
    if !checkpoint.origin.ends_with(&path(tenant_id)) {
        return Err(ForeignNote::Other);
    }
    let mut last_error = NoteError::Key;
    for key in keys {
        let verified = key
            .renamed(&checkpoint.origin)
            .and_then(|key| key.verify(note));
        match verified {
            Ok(()) => return Ok(checkpoint.head),
            Err(error @ NoteError::Forged(_)) => return Err(ForeignNote::Unverified(error)),
            Err(error) => last_error = error,
        }
    }
    Err(ForeignNote::Unverified(last_error))
}

/// The interval at which checkpoints are written.
#[derive(Clone, Copy, Debug)]
pub struct CheckpointSettings {
    /// Number of new rows that makes one due.
    pub rows: u32,
    /// Age of the last one that makes the next due, if there is any new row.
    pub every: Duration,
    /// Interval between checks.
    pub poll: Duration,
}

/// The reason why a log gets no checkpoint.
#[derive(Debug, thiserror::Error)]
enum CheckpointError {
    #[error("the tree in its head is damaged")]
    Head,
    #[error("it has {rows} rows, and there is a checkpoint of {size}: rows were removed")]
    Cut { rows: u64, size: u64 },
    #[error("its last checkpoint in the database was changed")]
    Changed,
    #[error("it does not follow from its last checkpoint, of {0} rows: the log was changed")]
    Diverged(u64),
    #[error(transparent)]
    Note(#[from] NoteError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Folder(#[from] io::Error),
}

/// Writes checkpoints in the background. Several processes may do so at once:
/// checkpoints of the same size are identical to the byte.
#[derive(Debug)]
pub struct CheckpointWriter {
    ctx: Ctx,
    key: CheckpointKey,
    folder: CheckpointFolder,
    settings: CheckpointSettings,
    /// Size in rows of the newest checkpoint in each file.
    copied: HashMap<TenantId, u64>,
    /// The last problem logged for each log.
    reported: HashMap<TenantId, String>,
}

impl CheckpointWriter {
    pub fn new(
        ctx: Ctx,
        key: CheckpointKey,
        folder: CheckpointFolder,
        settings: CheckpointSettings,
    ) -> Self {
        Self {
            ctx,
            key,
            folder,
            settings,
            copied: HashMap::new(),
            reported: HashMap::new(),
        }
    }

    /// Works until `stop`, then writes a last checkpoint for any new rows.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let rows = if stop.is_cancelled() {
                1
            } else {
                self.settings.rows
            };
            if let Err(error) = self.pass(rows).await {
                tracing::warn!(%error, "checkpoints of audit logs could not be written");
            }
            if stop.is_cancelled() {
                return;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(self.settings.poll.unsigned_abs()) => {}
            }
        }
    }

    /// Writes the due checkpoints: of logs with `rows` new rows, or with any
    /// new row and an old checkpoint. Then copies the newest to the folder.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database is away. A problem with a
    /// single log is only logged.
    pub async fn pass(&mut self, rows: u32) -> Result<(), AppError> {
        let before = self.ctx.clock.now() - self.settings.every;
        let mut tx = self.ctx.store.begin_worker().await?;
        let due = checkpoints_due(&mut tx, rows, before).await?;
        drop(tx);
        for due in due {
            let tenant_id = due.tenant_id;
            let written = self.write(due).await;
            self.report_once(tenant_id, written);
        }
        let mut tx = self.ctx.store.begin_worker().await?;
        let newest = checkpoints_newest(&mut tx).await?;
        drop(tx);
        for (tenant_id, size, note) in newest {
            if self.copied.get(&tenant_id) == Some(&size) {
                continue;
            }
            match self.copy(tenant_id, size, note).await {
                Ok(size) => {
                    self.copied.insert(tenant_id, size);
                }
                Err(error) => self.report_once(tenant_id, Err(error)),
            }
        }
        Ok(())
    }

    /// Signs and stores a checkpoint, if the log extends its last one.
    async fn write(&self, due: DueCheckpoint) -> Result<(), CheckpointError> {
        let tenant_id = due.tenant_id;
        let edge = due.edge.ok_or(CheckpointError::Head)?;
        let rows = edge.size();
        let outside = {
            let (folder, key) = (self.folder.clone(), self.key.clone());
            blocking(move || folder.newest(&key, tenant_id)).await?
        };
        if let Some(size) = outside.filter(|size| *size > rows) {
            return Err(CheckpointError::Cut { rows, size });
        }
        if let Some(last) = due.last {
            let note: Option<Note> = last.note.parse().ok();
            let signed = note.and_then(|note| self.key.check(tenant_id, &note).ok());
            // Not verifiable with our key; `audit verify` reports it.
            if let Some(signed) = signed {
                let edge_then = last.edge.filter(|edge| edge.head() == signed);
                let edge_then = edge_then.ok_or(CheckpointError::Changed)?;
                self.verify_extends(tenant_id, edge_then, &edge).await?;
            }
        }
        let note = self.key.sign(tenant_id, edge.head())?;
        let mut tx = self.ctx.store.begin_worker().await?;
        checkpoint_create(&mut tx, tenant_id, &edge, &note, self.ctx.clock.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Checks that appending the rows since `from` gives `to`, so that no
    /// signed row has changed.
    async fn verify_extends(
        &self,
        tenant_id: TenantId,
        from: Edge,
        to: &Edge,
    ) -> Result<(), CheckpointError> {
        let (size, rows) = (from.size(), to.size());
        if size > rows {
            return Err(CheckpointError::Cut { rows, size });
        }
        let mut tx = self.ctx.store.begin_as_system(tenant_id).await?;
        let extended = audit_edge_extend(&mut tx, from, rows).await?;
        if extended.as_ref() == Some(to) {
            Ok(())
        } else {
            Err(CheckpointError::Diverged(size))
        }
    }

    /// Copies our own checkpoint from the database to the folder, and returns
    /// the size of the newest one there.
    async fn copy(
        &self,
        tenant_id: TenantId,
        size: u64,
        note: String,
    ) -> Result<u64, CheckpointError> {
        let parsed: Note = note.parse()?;
        match self.key.check(tenant_id, &parsed) {
            Ok(head) if head.size == size => {}
            Err(ForeignNote::Unverified(error)) => return Err(error.into()),
            _ => return Err(CheckpointError::Changed),
        }
        let (folder, key) = (self.folder.clone(), self.key.clone());
        Ok(blocking(move || folder.append(&key, tenant_id, size, &note)).await?)
    }

    /// Logs each new problem of a log once.
    fn report_once(&mut self, tenant_id: TenantId, done: Result<(), CheckpointError>) {
        match done {
            Ok(()) => {
                self.reported.remove(&tenant_id);
            }
            Err(error) => {
                let message = error.to_string();
                if self.reported.get(&tenant_id) != Some(&message) {
                    tracing::error!(
                        tenant = %tenant_id,
                        problem = message,
                        "an audit log gets no checkpoint: run `atrium audit verify`"
                    );
                    self.reported.insert(tenant_id, message);
                }
            }
        }
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}
