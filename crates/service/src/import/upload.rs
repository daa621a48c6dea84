//! A file that arrives piece by piece.

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

/// What of a file tells whether it is text.
const HEAD_BYTES: usize = 64 * 1024;
/// An upload that has not ended by then broke off.
const UPLOAD_TERM: Duration = Duration::hours(1);
/// A file that nobody looked at for so long is let go of.
const PREVIEW_TERM: Duration = Duration::days(7);

/// Files let go of in one sweep; the others go with the next.
const MAX_SWEPT: u16 = 100;

/// Lets go of files that broke off, and of those that their givers left.
pub(crate) async fn imports_sweep(ctx: &Ctx) -> Result<(), StoreError> {
    let now = ctx.clock.now();
    let (uploads, previews) = (now - UPLOAD_TERM, now - PREVIEW_TERM);
    let mut tx = ctx.store.begin_worker().await?;
    let forgotten = store::import::import_forgotten(&mut tx, uploads, previews, MAX_SWEPT).await?;
    drop(tx);
    for (tenant_id, user_id, id) in forgotten {
        let mut tx = ctx.store.begin_as_member(tenant_id, user_id).await?;
        match store::import::import_discard(&mut tx, id).await {
            // Another process was quicker, or its giver came back.
            Err(StoreError::NotFound) => {}
            done => done?,
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Why a file was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UploadError {
    /// For the one who gave it.
    Problem(UploadProblem),
    /// Anything else.
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

/// A file on its way. What it holds is one piece; what is in the database of
/// one that breaks off is let go of by [`Upload::abandon`], or by
/// housekeeping.
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
    /// Begins to take the file `name`.
    ///
    /// # Errors
    /// [`AppError::Forbidden`]; [`UploadProblem::WaitingFull`].
    pub async fn begin(ctx: &'a Ctx, actor: &'a Actor, name: &str) -> Result<Self, UploadError> {
        AuthorizedTx::authorize(ctx, actor, Action::ImportStart).await?;
        let name = display_name(name);
        let id: ImportId = ctx.ids.id();
        let now = ctx.clock.now();
        // Not an act of its own until it has arrived: then it is audited.
        let mut tx = ctx.store.begin(actor).await?;
        let import = NewImport {
            id,
            job_id: ctx.ids.id::<JobId>(),
            file_name: &name,
            format: ImportFormat::from_file_name(&name).unwrap_or(ImportFormat::PlainText),
        };
        store::import::import_create(&mut tx, &import, now).await?;
        tx.commit().await?;
        if let Err(error) = waiting_check(ctx, actor).await {
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

    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`UploadProblem::TooLarge`] as soon as it is;
    /// [`UploadProblem::WaitingFull`].
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
        waiting_check(self.ctx, self.actor).await
    }

    /// The file has arrived; `format` unset: by its content and name. It
    /// waits for its giver's look. Bytes that wait already, or are being
    /// read, lead to the import that they made before.
    ///
    /// # Errors
    /// Why it can't be imported.
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
        if let Some(id) = store::import::import_same(&mut tx, digest).await? {
            store::import::import_discard(&mut tx, self.id).await?;
            tx.commit().await?;
            return Ok(ImportStarted {
                id,
                already_given: true,
            });
        }
        drop(tx);

        let guess = self.detect(kind).await?;
        let format = format
            .filter(|format| interchange::formats(kind).contains(format))
            .or(guess)
            .ok_or(UploadProblem::UnknownFormat)?;
        let mut act = AuthorizedTx::begin(self.ctx, self.actor, Action::ImportStart).await?;
        store::import::import_arrived(&mut act.tx, self.id, self.size, digest, format).await?;
        let changes = json!({ "format": format.key(), "bytes": self.size });
        act.commit(AuditTarget::import(self.id).changed(changes))
            .await?;
        Ok(ImportStarted {
            id: self.id,
            already_given: false,
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

    /// Lets go of what has arrived so far.
    ///
    /// # Errors
    /// [`AppError::Unavailable`] when the database is away: then it goes with
    /// the member's next upload.
    pub async fn abandon(ctx: &Ctx, actor: &Actor, id: ImportId) -> Result<(), AppError> {
        let mut tx = ctx.store.begin(actor).await?;
        store::import::import_discard(&mut tx, id).await?;
        Ok(tx.commit().await?)
    }

    /// Which import it becomes.
    pub fn id(&self) -> ImportId {
        self.id
    }
}

/// Refuses what has just been kept if the organisation's files that wait are
/// now beyond its quota. After it was kept, and not before: so two at the same
/// time can't both find room that is there for one.
async fn waiting_check(ctx: &Ctx, actor: &Actor) -> Result<(), UploadError> {
    let mut tx = ctx.store.begin_worker().await?;
    let (files, bytes) = store::import::import_waiting(&mut tx, actor.tenant_id).await?;
    if files > ctx.quotas.waiting_files.into() || bytes > ctx.quotas.waiting_bytes {
        return Err(UploadProblem::WaitingFull.into());
    }
    Ok(())
}

/// The file's name without folders and control characters, at most 200
/// characters, for showing.
fn display_name(given: &str) -> String {
    let base = given.rsplit(['/', '\\']).next().unwrap_or(given);
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
    fn a_file_name_is_shown_without_its_folders() {
        assert_eq!(display_name("C:\\notes\\a.md"), "a.md");
        assert_eq!(display_name("../../etc/passwd"), "passwd");
        assert_eq!(display_name("a\0\u{7}b"), "ab");
        assert_eq!(display_name(""), "file");
    }
}
