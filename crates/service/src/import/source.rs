//! A reader over a file's chunks in the database.

use std::io::{self, Read, Seek, SeekFrom};

use domain::{Actor, ImportId};
use store::import::CHUNK_BYTES;
use tokio::runtime::Handle;

use crate::Ctx;

/// Reads a file chunk by chunk, each in a short transaction of its owner, and
/// holds one chunk in memory. Blocks, so it must not be read on async threads.
pub(super) struct ChunkSource {
    ctx: Ctx,
    actor: Actor,
    id: ImportId,
    size: u64,
    offset: u64,
    cached: Option<(u64, Vec<u8>)>,
    runtime: Handle,
}

impl ChunkSource {
    /// Must be called from async code, because it captures the current runtime.
    pub(super) fn new(ctx: &Ctx, actor: &Actor, id: ImportId, size: u64) -> Self {
        Self {
            ctx: ctx.clone(),
            actor: actor.clone(),
            id,
            size,
            offset: 0,
            cached: None,
            runtime: Handle::current(),
        }
    }

    fn fetch(&self, position: u64) -> io::Result<Vec<u8>> {
        let position = i32::try_from(position).map_err(io::Error::other)?;
        let piece = self.runtime.block_on(async {
            let mut tx = self.ctx.store.begin(&self.actor).await?;
            store::import::import_chunk(&mut tx, self.id, position).await
        });
        piece.map_err(io::Error::other)
    }
}

impl Read for ChunkSource {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.offset >= self.size || buffer.is_empty() {
            return Ok(0);
        }
        let chunk = CHUNK_BYTES as u64;
        let position = self.offset / chunk;
        if self
            .cached
            .as_ref()
            .is_none_or(|(cached, _)| *cached != position)
        {
            self.cached = Some((position, self.fetch(position)?));
        }
        let piece = self.cached.as_ref().map_or(&[][..], |(_, piece)| piece);
        let start = usize::try_from(self.offset % chunk).unwrap_or(usize::MAX);
        let rest = piece.get(start..).unwrap_or_default();
        if rest.is_empty() {
            return Err(io::Error::other(
                "a piece of the file is shorter than it should be",
            ));
        }
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        self.offset += read as u64;
        Ok(read)
    }
}

impl Seek for ChunkSource {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let offset = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.offset.checked_add_signed(by),
        };
        self.offset = offset.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.offset)
    }
}
