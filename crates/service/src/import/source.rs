//! A file's pieces in the database as something to read from.

use std::io::{self, Read, Seek, SeekFrom};

use domain::{Actor, ImportId};
use store::import::CHUNK_BYTES;
use tokio::runtime::Handle;

use crate::Ctx;

/// Reads a file piece by piece, each in a short transaction of its owner; one
/// piece is held at a time. Only for threads that may wait: not for async
/// code itself.
pub(super) struct ChunkSource {
    ctx: Ctx,
    actor: Actor,
    id: ImportId,
    size: u64,
    place: u64,
    held: Option<(u64, Vec<u8>)>,
    runtime: Handle,
}

impl ChunkSource {
    /// The file `id`, which has `size` bytes. Call it from async code.
    pub(super) fn new(ctx: &Ctx, actor: &Actor, id: ImportId, size: u64) -> Self {
        Self {
            ctx: ctx.clone(),
            actor: actor.clone(),
            id,
            size,
            place: 0,
            held: None,
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
        if self.place >= self.size || buffer.is_empty() {
            return Ok(0);
        }
        let chunk = CHUNK_BYTES as u64;
        let position = self.place / chunk;
        if self.held.as_ref().is_none_or(|(held, _)| *held != position) {
            self.held = Some((position, self.fetch(position)?));
        }
        let piece = self.held.as_ref().map_or(&[][..], |(_, piece)| piece);
        let within = usize::try_from(self.place % chunk).unwrap_or(usize::MAX);
        let rest = piece.get(within..).unwrap_or_default();
        if rest.is_empty() {
            return Err(io::Error::other(
                "a piece of the file is shorter than it should be",
            ));
        }
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        self.place += read as u64;
        Ok(read)
    }
}

impl Seek for ChunkSource {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.place.checked_add_signed(by),
        };
        self.place = place.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.place)
    }
}
