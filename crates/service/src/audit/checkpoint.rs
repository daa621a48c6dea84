//! Signing checkpoints of audit logs, and keeping them in the database and
//! outside.

use std::{collections::HashMap, fmt, io};

use domain::{AppError, TenantId};
use store::{
    StoreError,
    audit::{
        CheckpointDue, audit_edge_extend, checkpoint_create, checkpoints_due, checkpoints_newest,
    },
};
use time::Duration;
use tlog::{Checkpoint, Edge, Note, NoteError, NoteKey, NoteVerifier, TreeHead};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::CheckpointFolder;
use crate::Ctx;

/// The installation's key for checkpoints. Each organisation's log has a name
/// of its own under it: `<host>/audit/<organisation's id>`.
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

/// Why a note says nothing about a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ForeignNote {
    /// It is not a checkpoint of this log.
    Other,
    /// It is one, but no key that counts signed it.
    Unverified(NoteError),
}

impl CheckpointKey {
    /// The key of this seed, for logs of this host.
    ///
    /// # Errors
    /// [`NoteError::Key`] for a host that can't be part of a name.
    pub fn new(seed: Zeroizing<[u8; 32]>, host: &str) -> Result<Self, NoteError> {
        let host = host.to_owned();
        NoteKey::new(&host, &seed)?;
        Ok(Self { seed, host })
    }

    fn note_key(&self, tenant_id: TenantId) -> Result<NoteKey, NoteError> {
        NoteKey::new(&format!("{}{}", self.host, path(tenant_id)), &self.seed)
    }

    /// What verifies an organisation's checkpoints: to be kept outside.
    ///
    /// # Errors
    /// None for a key that [`CheckpointKey::new`] made.
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

    /// What a note says about an organisation's log, if this key signed it,
    /// under whichever host it was at the time.
    pub(super) fn check(&self, tenant_id: TenantId, note: &Note) -> Result<TreeHead, ForeignNote> {
        let verifier = self.verifier(tenant_id).map_err(ForeignNote::Unverified)?;
        checked(&[verifier], tenant_id, note)
    }
}

fn path(tenant_id: TenantId) -> String {
    format!("/audit/{tenant_id}")
}

/// The organisation of whose log a checkpoint is.
pub(super) fn tenant_of(checkpoint: &Checkpoint) -> Option<TenantId> {
    let (_, id) = checkpoint.origin.rsplit_once("/audit/")?;
    id.parse::<Uuid>().ok().map(TenantId)
}

/// What a note says about an organisation's log, if one of these keys signed
/// it, under whichever host.
pub(super) fn checked(
    keys: &[NoteVerifier],
    tenant_id: TenantId,
    note: &Note,
) -> Result<TreeHead, ForeignNote> {
    let checkpoint: Checkpoint = note.text.parse().map_err(ForeignNote::Unverified)?;
    if !checkpoint.origin.ends_with(&path(tenant_id)) {
        return Err(ForeignNote::Other);
    }
    let mut refusal = NoteError::Key;
    for key in keys {
        let verified = key
            .renamed(&checkpoint.origin)
            .and_then(|key| key.verify(note));
        match verified {
            Ok(()) => return Ok(checkpoint.head),
            Err(error @ NoteError::Forged(_)) => return Err(ForeignNote::Unverified(error)),
            Err(error) => refusal = error,
        }
    }
    Err(ForeignNote::Unverified(refusal))
}

/// How often checkpoints are made.
#[derive(Clone, Copy, Debug)]
pub struct CheckpointSettings {
    /// After so many rows.
    pub rows: u32,
    /// And after so long, if there is any new row.
    pub every: Duration,
    /// How often is looked.
    pub poll: Duration,
}

/// Why a log gets no checkpoint.
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

/// Makes checkpoints in the background. Any number of processes may: those of
/// the same size are the same to the byte.
#[derive(Debug)]
pub struct CheckpointWriter {
    ctx: Ctx,
    key: CheckpointKey,
    folder: CheckpointFolder,
    settings: CheckpointSettings,
    /// The rows of the newest checkpoint that is in each file.
    copied: HashMap<TenantId, u64>,
    /// What was said last of a log that gets none.
    told: HashMap<TenantId, String>,
}

impl CheckpointWriter {
    /// One that writes to the database and to `folder`.
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
            told: HashMap::new(),
        }
    }

    /// Works until `stop`; then whatever is new gets a last one.
    pub async fn run(mut self, stop: CancellationToken) {
        loop {
            let rows = if stop.is_cancelled() {
                1
            } else {
                self.settings.rows
            };
            if let Err(error) = self.pass(rows).await {
                tracing::warn!(%error, "checkpoints of audit logs could not be made");
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

    /// Makes the checkpoints that are due: of logs with `rows` new rows, or
    /// with any and an old checkpoint. Then copies the newest to the folder.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database is away. What is wrong with
    /// a single log is only told in the server's log.
    pub async fn pass(&mut self, rows: u32) -> Result<(), AppError> {
        let before = self.ctx.clock.now() - self.settings.every;
        let mut tx = self.ctx.store.begin_worker().await?;
        let due = checkpoints_due(&mut tx, rows, before).await?;
        drop(tx);
        for due in due {
            let tenant_id = due.tenant_id;
            let written = self.write(due).await;
            self.tell(tenant_id, written);
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
                Err(error) => self.tell(tenant_id, Err(error)),
            }
        }
        Ok(())
    }

    /// Signs and keeps a checkpoint of a log that follows from its last one.
    async fn write(&self, due: CheckpointDue) -> Result<(), CheckpointError> {
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
            // One of another key says nothing to us; `audit verify` tells it.
            if let Some(signed) = signed {
                let edge_then = last.edge.filter(|edge| edge.head() == signed);
                let edge_then = edge_then.ok_or(CheckpointError::Changed)?;
                self.follows(tenant_id, edge_then, &edge).await?;
            }
        }
        let note = self.key.sign(tenant_id, edge.head())?;
        let mut tx = self.ctx.store.begin_worker().await?;
        checkpoint_create(&mut tx, tenant_id, &edge, &note, self.ctx.clock.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Passes if the rows since `from` lead to `to`: what was signed stays
    /// what is signed.
    async fn follows(
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

    /// Copies a checkpoint of ours from the database to the folder, and
    /// returns the rows of the newest that is there then.
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

    /// Says once what keeps a log from getting checkpoints.
    fn tell(&mut self, tenant_id: TenantId, done: Result<(), CheckpointError>) {
        match done {
            Ok(()) => {
                self.told.remove(&tenant_id);
            }
            Err(error) => {
                let sentence = error.to_string();
                if self.told.get(&tenant_id) != Some(&sentence) {
                    tracing::error!(
                        tenant = %tenant_id,
                        problem = sentence,
                        "an audit log gets no checkpoint: run `atrium audit verify`"
                    );
                    self.told.insert(tenant_id, sentence);
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
