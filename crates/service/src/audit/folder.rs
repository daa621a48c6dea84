//! Checkpoints outside the database: an append-only text file of notes per
//! organisation.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use domain::TenantId;
use tlog::Note;

use super::CheckpointKey;

/// Bytes at the end of a file that are searched first for the newest note.
const TAIL: u64 = 64 * 1024;

/// The folder with the files, created with mode 0700.
#[derive(Clone, Debug)]
pub struct CheckpointFolder(PathBuf);

impl CheckpointFolder {
    /// The folder need not exist yet.
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self, tenant_id: TenantId) -> PathBuf {
        self.0.join(format!("{tenant_id}.txt"))
    }

    /// An organisation's file; `None` if it has none.
    pub fn read(&self, tenant_id: TenantId) -> io::Result<Option<String>> {
        match fs::read(self.file(tenant_id)) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The organisations that have a file.
    pub fn tenants(&self) -> io::Result<Vec<TenantId>> {
        let entries = match fs::read_dir(&self.0) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let mut tenants = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(".txt"));
            tenants.extend(id.and_then(|id| id.parse().ok()).map(TenantId));
        }
        tenants.sort();
        Ok(tenants)
    }

    /// Creates the folder if it is missing.
    pub fn ensure(&self) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)
    }

    /// Appends a note of `size` rows, unless the file has one of at least that
    /// size by the same key, and returns the newest size. Synced to disk before
    /// it returns. A file lock serialises processes that share the folder.
    pub(super) fn append(
        &self,
        key: &CheckpointKey,
        tenant_id: TenantId,
        size: u64,
        note: &str,
    ) -> io::Result<u64> {
        self.ensure()?;
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(self.file(tenant_id))?;
        file.lock()?;
        let newest = newest_in(&mut file, key, tenant_id)?;
        if newest.is_some_and(|newest| newest >= size) {
            return Ok(newest.unwrap_or(size));
        }
        // Starts with an empty line, so that a truncated note spoils no other.
        let gap = if file.metadata()?.len() == 0 {
            ""
        } else {
            "\n"
        };
        file.write_all(format!("{gap}{note}").as_bytes())?;
        file.sync_all()?;
        File::open(&self.0)?.sync_all()?;
        Ok(size)
    }

    /// Size in rows of an organisation's newest checkpoint by this key.
    pub fn newest(&self, key: &CheckpointKey, tenant_id: TenantId) -> io::Result<Option<u64>> {
        match File::open(self.file(tenant_id)) {
            Ok(mut file) => newest_in(&mut file, key, tenant_id),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Renames the file of a purged organisation.
    pub(crate) fn retire(&self, tenant_id: TenantId) -> io::Result<()> {
        let retired = self.0.join(format!("{tenant_id}.purged"));
        match fs::rename(self.file(tenant_id), retired) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

fn newest_in(file: &mut File, key: &CheckpointKey, tenant_id: TenantId) -> io::Result<Option<u64>> {
    let length = file.metadata()?.len();
    for from in [length.saturating_sub(TAIL), 0] {
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let notes = Note::in_file(&String::from_utf8_lossy(&bytes));
        let verified_head = |note: &Note| key.check(tenant_id, note).ok();
        let newest = notes.iter().rev().flatten().find_map(verified_head);
        if newest.is_some() || from == 0 {
            return Ok(newest.map(|head| head.size));
        }
    }
    Ok(None)
}
