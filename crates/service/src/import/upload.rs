//! A chunked file upload.

use domain::{
    Action, Actor, AppError, ImportId, JobId,
    import::{ImportFormat, ImportStarted, MAX_FILE_BYTES, UploadProblem},
};
use interchange::{Kind, ReadError};
use serde_json::json;
use sha2::{Digest, Sha256};
use store::{
    StoreError,
    import::{CHUNK_BYTES, NewImport},
};
use time::Duration;
use tokio::task::spawn_blocking;

use super::source::ChunkSource;
use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
};

/// Bytes at the start of a file that decide whether it is text.
const HEAD_BYTES: usize = 64 * 1024;
/// An upload that is still unfinished after this time is deleted.
const UPLOAD_TIMEOUT: Duration = Duration::hours(1);
/// A file that is not confirmed within this time is deleted.
const PREVIEW_LIFETIME: Duration = Duration::days(7);

/// Files deleted in one sweep; the rest follow in the next.
const MAX_FILES_PER_SWEEP: u16 = 100;

/// Deletes unfinished uploads and files that were never confirmed.
pub(crate) async fn imports_sweep(ctx: &Ctx) -> Result<(), StoreError> {
    let now = ctx.clock.now();
    let (uploads, previews) = (now - UPLOAD_TIMEOUT, now - PREVIEW_LIFETIME);
    let mut tx = ctx.store.begin_worker().await?;
    let abandoned =
        store::import::import_list_abandoned(&mut tx, uploads, previews, MAX_FILES_PER_SWEEP)
            .await?;
    drop(tx);
    for (tenant_id, user_id, id) in abandoned {
        let mut tx = ctx.store.begin_as_member(tenant_id, user_id).await?;
        match store::import::import_discard(&mut tx, id).await {
            // Deleted by another process, or confirmed meanwhile.
            Err(StoreError::NotFound) => {}
            done => done?,
        }
        tx.commit().await?;
    }
    Ok(())
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadError {
    /// A problem with the file, shown to the uploader.
    Problem(UploadProblem),
    App(AppError),
}

impl From<UploadProblem> for UploadError {
    fn from(problem: UploadProblem) -> Self {
        Self::Problem(problem)
    }
}

impl From<AppError> for UploadError {
    fn from(error: AppError) -> Self {
        Self::App(error)
    }
}

impl From<StoreError> for UploadError {
    fn from(error: StoreError) -> Self {
        Self::App(error.into())
    }
}

/// A running upload, which holds at most one chunk in memory. The stored chunks
/// of an interrupted one are deleted by [`Upload::abandon`] or by housekeeping.
pub struct Upload<'a> {
    ctx: &'a Ctx,
    actor: &'a Actor,
    id: ImportId,
    name: String,
    piece: Vec<u8>,
    head: Vec<u8>,
    position: i32,
    size: u64,
    digest: Sha256,
}

impl<'a> Upload<'a> {
    /// Begins the upload of the file `name`.
    ///
    /// # Errors
    /// [`UploadProblem::QueueFull`].
    pub async fn begin(ctx: &'a Ctx, actor: &'a Actor, name: &str) -> Result<Self, UploadError> {
        AuthorizedTx::authorize(ctx, actor, Action::ImportStart).await?;
        let name = display_name(name);
        let id: ImportId = ctx.ids.id();
        let now = ctx.clock.now();
        // Audited only when the file is complete.
        let mut tx = ctx.store.begin(actor).await?;
        let import = NewImport {
            id,
            job_id: ctx.ids.id::<JobId>(),
            file_name: &name,
            format: ImportFormat::from_file_name(&name).unwrap_or(ImportFormat::PlainText),
        };
        store::import::import_create(&mut tx, &import, now).await?;
        tx.commit().await?;
        if let Err(error) = ensure_within_quota(ctx, actor).await {
            Self::abandon(ctx, actor, id).await?;
            return Err(error);
        }
        Ok(Self {
            ctx,
            actor,
            id,
            name,
            piece: Vec::new(),
            head: Vec::new(),
            position: 0,
            size: 0,
            digest: Sha256::new(),
        })
    }

    /// # Errors
    /// [`UploadProblem::TooLarge`] as soon as the limit is exceeded;
    /// [`UploadProblem::QueueFull`].
    pub async fn write(&mut self, mut bytes: &[u8]) -> Result<(), UploadError> {
        self.size += bytes.len() as u64;
        if self.size > MAX_FILE_BYTES {
            return Err(UploadProblem::TooLarge.into());
        }
        self.digest.update(bytes);
        let room = HEAD_BYTES.saturating_sub(self.head.len());
        self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        while !bytes.is_empty() {
            let room = CHUNK_BYTES - self.piece.len();
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.piece.extend_from_slice(now);
            bytes = later;
            if self.piece.len() == CHUNK_BYTES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), UploadError> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let mut tx = self.ctx.store.begin(self.actor).await?;
        store::import::import_chunk_put(&mut tx, self.id, self.position, &self.piece).await?;
        tx.commit().await?;
        self.position += 1;
        self.piece.clear();
        ensure_within_quota(self.ctx, self.actor).await
    }

    /// Completes the upload; the file then waits for confirmation. `format`
    /// defaults to the one detected from content and name. If the same bytes
    /// already wait or are being imported, returns that import instead.
    ///
    /// # Errors
    /// The problem with the file.
    pub async fn finish(
        mut self,
        format: Option<ImportFormat>,
    ) -> Result<ImportStarted, UploadError> {
        let kind = interchange::kind_of(&self.head);
        match kind {
            Kind::Empty if self.size <= HEAD_BYTES as u64 => {
                return Err(UploadProblem::Empty.into());
            }
            Kind::Other => return Err(UploadProblem::NotText.into()),
            Kind::Empty | Kind::Text | Kind::Archive => {}
        }
        self.flush().await?;
        let digest: [u8; 32] = std::mem::take(&mut self.digest).finalize().into();
        let mut tx = self.ctx.store.begin(self.actor).await?;
        if let Some(id) = store::import::import_find_duplicate(&mut tx, digest).await? {
            store::import::import_discard(&mut tx, self.id).await?;
            tx.commit().await?;
            return Ok(ImportStarted {
                id,
                is_duplicate: true,
            });
        }
        drop(tx);

        let guess = self.detect(kind).await?;
        let format = format
            .filter(|format| interchange::formats(kind).contains(format))
            .or(guess)
            .ok_or(UploadProblem::UnknownFormat)?;
        let mut act = AuthorizedTx::begin(self.ctx, self.actor, Action::ImportStart).await?;
        store::import::import_upload_complete(&mut act.tx, self.id, self.size, digest, format)
            .await?;
        let changes = json!({ "format": format.key(), "bytes": self.size });
        act.commit(AuditTarget::of(self.id).with_changes(changes))
            .await?;
        Ok(ImportStarted {
            id: self.id,
            is_duplicate: false,
        })
    }

    async fn detect(&self, kind: Kind) -> Result<Option<ImportFormat>, UploadError> {
        let mut source = ChunkSource::new(self.ctx, self.actor, self.id, self.size);
        let name = self.name.clone();
        let found = spawn_blocking(move || interchange::detect(&name, &mut source)).await;
        match found {
            Ok(Ok(None)) if kind == Kind::Archive => Err(UploadProblem::BadArchive.into()),
            Ok(Ok(format)) => Ok(format),
            Ok(Err(ReadError::Refused(_))) => Err(UploadProblem::BadArchive.into()),
            Ok(Err(ReadError::Source(error))) => {
                tracing::error!(%error, "a file given for import could not be read again");
                Err(AppError::Internal.into())
            }
            Err(error) => {
                tracing::error!(%error, "looking at a file given for import panicked");
                Err(AppError::Internal.into())
            }
        }
    }

    /// Deletes the chunks stored so far.
    pub async fn abandon(ctx: &Ctx, actor: &Actor, id: ImportId) -> Result<(), AppError> {
        let mut tx = ctx.store.begin(actor).await?;
        store::import::import_discard(&mut tx, id).await?;
        Ok(tx.commit().await?)
    }

    pub fn id(&self) -> ImportId {
        self.id
    }
}

/// Fails if the organisation's waiting files now exceed the quota. Runs after
/// storing and not before, so that two concurrent uploads can't both use the
/// same free space.
async fn ensure_within_quota(ctx: &Ctx, actor: &Actor) -> Result<(), UploadError> {
    let mut tx = ctx.store.begin_worker().await?;
    let (files, bytes) = store::import::import_pending_size(&mut tx, actor.tenant_id).await?;
    if files > ctx.quotas.waiting_files.into() || bytes > ctx.quotas.waiting_bytes {
        return Err(UploadProblem::QueueFull.into());
    }
    Ok(())
}

/// The file name without folders and control characters, at most 200
/// characters.
fn display_name(raw: &str) -> String {
    let base = raw.rsplit(['/', '\\']).next().unwrap_or(raw);
    let name: String = base.chars().filter(|c| !c.is_control()).take(200).collect();
    if name.trim().is_empty() {
        "file".to_owned()
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::display_name;

    #[test]
    fn display_name_drops_folders_and_control_characters() {
        assert_eq!(display_name("C:\\notes\\a.md"), "a.md");
        assert_eq!(display_name("../../etc/passwd"), "passwd");
        assert_eq!(display_name("a\0\u{7}b"), "ab");
        assert_eq!(display_name(""), "file");
    }
}
