//! Verifying an organisation's audit log against its signed checkpoints.

use std::{collections::BTreeSet, fmt};

use domain::{AppError, TenantId};
pub use store::audit::AuditVerdict;
use store::audit::{audit_verify as chain_verify, checkpoint_notes};
use tlog::{Checkpoint, Note, NoteError, NoteVerifier};

use super::checkpoint::{ForeignNote, checked, tenant_of};
use crate::Ctx;

/// Notes stored in one place outside the database.
#[derive(Clone, Debug)]
pub struct StoredNotes {
    /// The place, for display.
    pub location: String,
    pub text: String,
    /// True if notes of other logs are expected and skipped.
    pub is_mixed: bool,
}

impl StoredNotes {
    /// The organisations that the notes are about.
    pub fn tenants(&self) -> BTreeSet<TenantId> {
        let notes = Note::in_file(&self.text).into_iter().flatten();
        notes
            .filter_map(|note| note.text.parse::<Checkpoint>().ok())
            .filter_map(|checkpoint| tenant_of(&checkpoint))
            .collect()
    }
}

/// The result of verifying a log.
#[derive(Clone, Debug)]
pub struct AuditReport {
    /// Covers the rows and the accepted checkpoints.
    pub verdict: AuditVerdict,
    /// Checkpoints that were not accepted.
    pub problems: Vec<CheckpointProblem>,
    /// Number of checkpoints compared in each place; the database is first.
    pub compared_notes: Vec<(String, usize)>,
    /// Size in rows of the newest of them.
    pub newest: Option<u64>,
}

impl AuditReport {
    /// True if no problem was found.
    pub fn holds(&self) -> bool {
        matches!(self.verdict, AuditVerdict::Intact(_)) && self.problems.is_empty()
    }
}

/// A checkpoint that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointProblem {
    /// The place, for display.
    pub location: String,
    /// Its size in rows, if it can be parsed.
    pub size: Option<u64>,
    pub problem: NoteProblem,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoteProblem {
    Unreadable(NoteError),
    /// Stored with this log, but about another.
    OtherLog(String),
    /// Claims a signature by an accepted key that doesn't verify.
    Forged(NoteError),
    /// Signed, but by no accepted key.
    OtherKey {
        signed_by: Vec<String>,
        expected: Vec<String>,
    },
}

impl fmt::Display for CheckpointProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.size {
            Some(size) => write!(f, "the checkpoint of {size} rows in {}", self.location)?,
            None => write!(f, "a checkpoint in {}", self.location)?,
        }
        match &self.problem {
            NoteProblem::Unreadable(error) => write!(
                f,
                " can't be read: {error}; it was cut off while it was written, or changed"
            ),
            NoteProblem::OtherLog(origin) => write!(f, " is of another log, {origin}"),
            NoteProblem::Forged(error) => write!(f, " was forged or changed: {error}"),
            NoteProblem::OtherKey {
                signed_by,
                expected,
            } => write!(
                f,
                " is signed by another key, {}; this installation's is {}",
                signed_by.join(" and "),
                expected.join(" or ")
            ),
        }
    }
}

/// Recomputes an organisation's hash chain and tree and compares them with its
/// head, with the checkpoints in the database and with those in `kept`
/// (SEC-E2). Checkpoints signed by one of `keys` are accepted, under any host.
/// For the command line; does not authorise.
pub async fn audit_verify(
    ctx: &Ctx,
    keys: &[NoteVerifier],
    tenant_id: TenantId,
    kept: &[StoredNotes],
) -> Result<AuditReport, AppError> {
    let mut tx = ctx.store.begin_as_system(tenant_id).await?;
    let stored = checkpoint_notes(&mut tx).await?;
    let mut problems = Vec::new();
    let mut compared_notes = Vec::new();
    let mut known = Vec::new();

    let stored = stored.iter().map(|note| note.parse()).collect();
    let places = kept.iter().map(|kept| {
        (
            kept.location.clone(),
            Note::in_file(&kept.text),
            kept.is_mixed,
        )
    });
    for (location, notes, is_mixed) in
        std::iter::once(("the database".to_owned(), stored, false)).chain(places)
    {
        let before = known.len();
        for note in notes {
            match check_note(keys, tenant_id, note, is_mixed) {
                Ok(head) => known.extend(head),
                Err((size, problem)) => problems.push(CheckpointProblem {
                    location: location.clone(),
                    size,
                    problem,
                }),
            }
        }
        compared_notes.push((location, known.len() - before));
    }
    let verdict = chain_verify(&mut tx, &known).await?;
    Ok(AuditReport {
        verdict,
        problems,
        compared_notes,
        newest: known.iter().map(|head| head.size).max(),
    })
}

type NoteVerdict = Result<Option<tlog::TreeHead>, (Option<u64>, NoteProblem)>;

fn check_note(
    keys: &[NoteVerifier],
    tenant_id: TenantId,
    note: Result<Note, NoteError>,
    is_mixed: bool,
) -> NoteVerdict {
    let note = note.map_err(|error| (None, NoteProblem::Unreadable(error)))?;
    let checkpoint: Checkpoint = note
        .text
        .parse()
        .map_err(|error| (None, NoteProblem::Unreadable(error)))?;
    let size = Some(checkpoint.head.size);
    match checked(keys, tenant_id, &note) {
        Ok(head) => Ok(Some(head)),
        Err(ForeignNote::Other) if is_mixed => Ok(None),
        Err(ForeignNote::Other) => Err((size, NoteProblem::OtherLog(checkpoint.origin))),
        Err(ForeignNote::Unverified(error @ NoteError::Forged(_))) => {
            Err((size, NoteProblem::Forged(error)))
        }
        Err(ForeignNote::Unverified(_)) => {
            let name = &checkpoint.origin;
            let expected = keys.iter().filter_map(|key| key.renamed(name).ok());
            Err((
                size,
                NoteProblem::OtherKey {
                    signed_by: note.signatures.iter().map(|s| s.key.to_string()).collect(),
                    expected: expected.map(|key| key.id().to_string()).collect(),
                },
            ))
        }
    }
}
