//! Transparency-log primitives: the Merkle tree of RFC 6962, signed notes
//! (<https://c2sp.org/signed-note>) and checkpoints, which are signed as notes
//! (<https://c2sp.org/tlog-checkpoint>). No I/O, no clock.

mod checkpoint;
mod merkle;
mod note;

pub use checkpoint::Checkpoint;
pub use merkle::{Edge, Hash, TreeHead, leaf_hash};
pub use note::{KeyId, Note, NoteError, NoteKey, NoteSignature, NoteVerifier};
