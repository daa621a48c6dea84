//! Verifies a tenant's audit chain by recomputing it from the columns.

use std::fmt;

use domain::{RequestId, TenantId, UserId};
use sha2::{Digest, Sha256};
use tlog::{Edge, Hash, TreeHead, leaf_hash};

use super::checkpoint::edge_of;
use crate::{StoreError, TenantTx};

/// Rows per query, which bounds memory for a log of any size.
const BATCH: i64 = 2_000;

/// A link of the chain. Its text form is `12:6f1e…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// The row's sequence number; 0 before the first row.
    pub seq: i64,
    pub hash: Hash,
}

impl AuditHead {
    /// The start of every chain.
    const START: Self = Self {
        seq: 0,
        hash: [0; 32],
    };
}

impl fmt::Display for AuditHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.seq)?;
        self.hash
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The problem with the first bad row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditProblem {
    /// The row's fields don't match its hash.
    Edited,
    /// The row is missing, although later ones exist.
    Missing,
    /// The row doesn't follow the one before it: rows were exchanged, inserted
    /// or rewritten.
    Unchained,
    /// The row and all after it are missing.
    TailMissing,
    /// The row is not covered by the chain's head.
    AfterHead,
    /// The row's hash differs from the one in the head: the chain was rewritten
    /// up to here.
    Rewritten,
    /// The Merkle tree in the head doesn't match the rows.
    TreeDiffers,
    /// The log is empty, although the organisation has members, whose creation
    /// is audited.
    Emptied,
    /// The row and all after it are missing, but a checkpoint covers them.
    CheckpointLonger {
        /// Number of rows that the checkpoint covers.
        size: i64,
    },
    /// The tree of the rows up to this one differs from the checkpoint's.
    CheckpointDiffers {
        /// The last row that an earlier checkpoint confirms; 0 if none does.
        vouched: i64,
    },
}

impl fmt::Display for AuditProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentence = match self {
            Self::Edited => "its fields were changed after it was written",
            Self::Missing => "it is missing, although later rows are there",
            Self::Unchained => "it does not follow the row before it",
            Self::TailMissing => "it and all later rows were removed",
            Self::AfterHead => "it was added behind the chain's head",
            Self::Rewritten => "the chain was written anew up to here",
            Self::TreeDiffers => {
                "the Merkle tree in the chain's head is not that of the rows up to here"
            }
            Self::Emptied => {
                "the log is empty although the organisation has members: all rows were removed"
            }
            Self::CheckpointLonger { size } => {
                return write!(
                    f,
                    "it and all later rows were removed: a signed checkpoint has {size} rows"
                );
            }
            Self::CheckpointDiffers { vouched } => {
                return write!(
                    f,
                    "a signed checkpoint of the rows up to here has another root: \
                     a row from {} to here was changed, and the chain was written anew",
                    vouched + 1
                );
            }
        };
        f.write_str(sentence)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditVerdict {
    /// The chain is intact up to this head.
    Intact(AuditHead),
    Broken {
        seq: i64,
        problem: AuditProblem,
    },
}

/// Kind and outcome are text, because a tampered log may contain any.
struct ChainRow {
    /// Microseconds since 1970; `None` for an infinite time.
    micros: Option<i64>,
    seq: i64,
    actor_user_id: Option<UserId>,
    actor_kind: String,
    actor_label: String,
    on_behalf_of: Option<UserId>,
    ip: Option<String>,
    user_agent: Option<String>,
    request_id: Option<RequestId>,
    action: String,
    resource_type: Option<String>,
    resource_id: Option<String>,
    outcome: String,
    level: String,
    changes: Option<String>,
    metadata: Option<String>,
    prev_hash: Vec<u8>,
    hash: Vec<u8>,
}

impl ChainRow {
    /// The row's canonical bytes, identical to those of the SQL function
    /// `audit_row_bytes`.
    fn bytes(&self, tenant_id: TenantId) -> Vec<u8> {
        let [tenant, seq, micros, actor, behalf, request] = [
            Some(tenant_id.to_string()),
            Some(self.seq.to_string()),
            self.micros.map(|micros| micros.to_string()),
            self.actor_user_id.map(|id| id.to_string()),
            self.on_behalf_of.map(|id| id.to_string()),
            self.request_id.map(|id| id.to_string()),
        ];
        let fields = [
            tenant.as_deref(),
            seq.as_deref(),
            micros.as_deref(),
            actor.as_deref(),
            Some(&self.actor_kind),
            Some(&self.actor_label),
            behalf.as_deref(),
            self.ip.as_deref(),
            self.user_agent.as_deref(),
            request.as_deref(),
            Some(&self.action),
            self.resource_type.as_deref(),
            self.resource_id.as_deref(),
            Some(&self.outcome),
            Some(&self.level),
            self.changes.as_deref(),
            self.metadata.as_deref(),
        ];
        let mut bytes = Vec::with_capacity(512);
        for field in fields {
            match field {
                Some(text) => {
                    bytes.extend_from_slice(text.len().to_string().as_bytes());
                    bytes.push(b':');
                    bytes.extend_from_slice(text.as_bytes());
                }
                None => bytes.push(b'-'),
            }
            bytes.push(b',');
        }
        bytes
    }
}

/// SHA-256 of the previous hash and the row's bytes.
fn link_hash(prev_hash: &Hash, bytes: &[u8]) -> Hash {
    Sha256::new()
        .chain_update(prev_hash)
        .chain_update(bytes)
        .finalize()
        .into()
}

/// State of a running verification.
struct Progress {
    link: AuditHead,
    edge: Edge,
    /// The signed trees still to be compared, by size.
    known: std::iter::Peekable<std::vec::IntoIter<TreeHead>>,
    /// The last row that a checkpoint confirmed.
    vouched: i64,
}

impl Progress {
    /// Verifies the next row and advances past it.
    fn verify_row(
        &mut self,
        tenant_id: TenantId,
        row: &ChainRow,
    ) -> Result<(), (i64, AuditProblem)> {
        let expected = self.link.seq + 1;
        if row.seq > expected {
            return Err((expected, AuditProblem::Missing));
        }
        // A second row with a number that was there already.
        if row.seq < expected || row.prev_hash != self.link.hash {
            return Err((row.seq, AuditProblem::Unchained));
        }
        let bytes = row.bytes(tenant_id);
        let hash = link_hash(&self.link.hash, &bytes);
        if row.hash != hash {
            return Err((row.seq, AuditProblem::Edited));
        }
        self.link = AuditHead { seq: row.seq, hash };
        self.edge.push(leaf_hash(&bytes));
        let size = self.edge.size();
        while let Some(known) = self.known.next_if(|known| known.size <= size) {
            if known != self.edge.head() {
                let vouched = self.vouched;
                return Err((row.seq, AuditProblem::CheckpointDiffers { vouched }));
            }
            self.vouched = row.seq;
        }
        Ok(())
    }
}

/// Recomputes the chain and the Merkle tree of the transaction's tenant and
/// compares them with what is stored.
///
/// `known` are signed trees: without any, somebody who can write both rows and
/// head could rewrite everything unnoticed.
///
/// A broken chain is a verdict, not an error.
pub async fn audit_verify(
    tx: &mut TenantTx,
    known: &[TreeHead],
) -> Result<AuditVerdict, StoreError> {
    let broken = |seq, problem| Ok(AuditVerdict::Broken { seq, problem });
    let tenant_id = tx.tenant_id();
    // There is only one empty tree, so a known one proves nothing.
    let mut known: Vec<_> = known.iter().copied().filter(|k| k.size > 0).collect();
    known.sort_by_key(|known| known.size);
    let mut progress = Progress {
        link: AuditHead::START,
        edge: Edge::default(),
        known: known.into_iter().peekable(),
        vouched: 0,
    };
    loop {
        let from = progress.link.seq;
        let mut rows = chain_rows(tx, from).await?.into_iter().peekable();
        // Reads the last row of the previous batch again, to detect a second
        // row with its number.
        if from > 0 && rows.next().is_none_or(|row| row.seq != from) {
            return broken(from, AuditProblem::Missing);
        }
        if rows.peek().is_none() {
            let end = chain_end(tx).await?;
            if end.newest > from {
                // Written since the last batch was read.
                continue;
            }
            return Ok(end.verdict(&mut progress));
        }
        for row in rows {
            if let Err((seq, problem)) = progress.verify_row(tenant_id, &row) {
                return broken(seq, problem);
            }
        }
    }
}

/// Appends to `edge` the following rows of the transaction's tenant, up to row
/// `size`. Returns `None` if a row is missing. The rows' own hashes are not
/// checked.
pub async fn audit_edge_extend(
    tx: &mut TenantTx,
    mut edge: Edge,
    size: u64,
) -> Result<Option<Edge>, StoreError> {
    let tenant_id = tx.tenant_id();
    while edge.size() < size {
        let after = i64::try_from(edge.size()).unwrap_or(i64::MAX);
        // `after` is in the edge already.
        let rows = chain_rows(tx, after + 1).await?;
        if rows.is_empty() {
            return Ok(None);
        }
        for row in rows {
            if edge.size() == size {
                break;
            }
            if u64::try_from(row.seq) != Ok(edge.size() + 1) {
                return Ok(None);
            }
            edge.push(leaf_hash(&row.bytes(tenant_id)));
        }
    }
    Ok(Some(edge))
}

/// The next rows from a number on. The times are only converted to numbers,
/// because a tampered log may contain any.
async fn chain_rows(tx: &mut TenantTx, from: i64) -> Result<Vec<ChainRow>, StoreError> {
    let tenant_id = tx.tenant_id();
    Ok(sqlx::query_as!(
        ChainRow,
        r#"SELECT CASE WHEN isfinite(at) THEN (extract(epoch FROM at) * 1000000)::bigint END AS micros, seq,
                  actor_user_id, actor_kind, actor_label, on_behalf_of, host(ip) AS ip, user_agent, request_id, action,
                  resource_type, resource_id, outcome AS "outcome: String", level, changes::text AS changes,
                  metadata::text AS metadata, prev_hash, hash
             FROM audit_log
            WHERE tenant_id = $1 AND seq >= $2
            ORDER BY seq, at
            LIMIT $3"#,
        tenant_id as _,
        from,
        BATCH,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The head and what the database has beside it.
struct ChainEnd {
    head: AuditHead,
    /// The tree in the head; `None` if it is damaged.
    edge: Option<Edge>,
    /// The newest row's sequence number.
    newest: i64,
    has_members: bool,
}

impl ChainEnd {
    /// The verdict on a chain whose rows were all verified.
    fn verdict(&self, progress: &mut Progress) -> AuditVerdict {
        let AuditHead { seq, hash } = progress.link;
        let head = &self.head;
        let unmet = progress.known.next();
        let unmet_size = unmet.map(|known| i64::try_from(known.size).unwrap_or(i64::MAX));
        let (seq, problem) = match unmet_size {
            _ if head.seq > seq => (seq + 1, AuditProblem::TailMissing),
            _ if head.seq < seq => (head.seq + 1, AuditProblem::AfterHead),
            _ if head.hash != hash => (seq, AuditProblem::Rewritten),
            Some(size) => (seq + 1, AuditProblem::CheckpointLonger { size }),
            _ if self.edge.as_ref() != Some(&progress.edge) => (seq, AuditProblem::TreeDiffers),
            _ if seq == 0 && self.has_members => (1, AuditProblem::Emptied),
            _ => return AuditVerdict::Intact(progress.link),
        };
        AuditVerdict::Broken { seq, problem }
    }
}

/// Reads the head and what is beside it in one snapshot.
async fn chain_end(tx: &mut TenantTx) -> Result<ChainEnd, StoreError> {
    let tenant_id = tx.tenant_id();
    let end = sqlx::query!(
        r#"SELECT coalesce((SELECT max(seq) FROM audit_log WHERE tenant_id = $1), 0) AS "newest!",
                  EXISTS (SELECT FROM users WHERE tenant_id = $1) AS "has_members!",
                  (SELECT seq FROM audit_heads WHERE tenant_id = $1) AS seq,
                  (SELECT hash FROM audit_heads WHERE tenant_id = $1) AS hash,
                  (SELECT edge FROM audit_heads WHERE tenant_id = $1) AS "edge: Vec<Option<Vec<u8>>>""#,
        tenant_id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    let (head, edge) = match (end.seq, end.hash) {
        (Some(seq), Some(hash)) => {
            let hash = hash
                .try_into()
                .map_err(|_| StoreError::other("an audit head's hash is not 32 bytes long"))?;
            (
                AuditHead { seq, hash },
                edge_of(seq, end.edge.unwrap_or_default()),
            )
        }
        _ => (AuditHead::START, Some(Edge::default())),
    };
    Ok(ChainEnd {
        head,
        edge,
        newest: end.newest,
        has_members: end.has_members,
    })
}
