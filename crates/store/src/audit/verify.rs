//! Proves that a tenant's audit chain is whole, by computing it again from the
//! columns.

use std::{fmt, str::FromStr};

use domain::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{StoreError, TenantTx};

/// Rows that are read at a time: memory stays bounded for a log of any size.
const BATCH: i64 = 5_000;

/// A link of the chain. One that is kept outside the database proves later
/// that the chain up to it was not written anew. As text: `12:6f1e…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// The row's sequence number; 0 before the first row.
    pub seq: i64,
    /// The row's hash.
    pub hash: [u8; 32],
}

impl AuditHead {
    /// Where every chain begins.
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

impl FromStr for AuditHead {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("“{text}” is not a sequence number, a colon and 64 hexadecimal digits");
        let (seq, digits) = text.split_once(':').ok_or_else(wrong)?;
        let seq = seq.parse().map_err(|_| wrong())?;
        if digits.len() != 64 || !digits.is_ascii() {
            return Err(wrong());
        }
        let mut hash = [0; 32];
        for (place, byte) in hash.iter_mut().enumerate() {
            *byte =
                u8::from_str_radix(&digits[2 * place..2 * place + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self { seq, hash })
    }
}

/// What is wrong with the first bad row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditProblem {
    /// The row's fields are not those that its hash was made from.
    Edited,
    /// The row is not there, although later ones are.
    Missing,
    /// The row does not follow the one before it: rows were exchanged,
    /// inserted or written anew.
    Unchained,
    /// The row and all after it are not there.
    TailCut,
    /// The row is there, but the chain's head doesn't know of it.
    BeyondHead,
    /// The row's hash is not the one that was noted for it: the chain was
    /// written anew up to here.
    Rewritten,
}

impl fmt::Display for AuditProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Edited => "its fields were changed after it was written",
            Self::Missing => "it is missing, although later rows are there",
            Self::Unchained => "it does not follow the row before it",
            Self::TailCut => "it and all later rows were removed",
            Self::BeyondHead => "it was added behind the chain's head",
            Self::Rewritten => "the chain was written anew up to here",
        })
    }
}

/// What came of verifying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuditVerdict {
    /// The chain is whole up to this head.
    Intact(AuditHead),
    /// The chain is broken.
    Broken {
        /// The first bad row.
        seq: i64,
        /// What is wrong with it.
        problem: AuditProblem,
    },
}

struct ChainRow {
    at: Timestamp,
    seq: i64,
    actor_user_id: Option<Uuid>,
    actor_kind: String,
    actor_label: String,
    on_behalf_of: Option<Uuid>,
    ip: Option<String>,
    user_agent: Option<String>,
    request_id: Option<Uuid>,
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
    /// The hash that `audit_append` gave the row, computed again.
    fn computed_hash(&self, tenant_id: Uuid, prev_hash: &[u8; 32]) -> [u8; 32] {
        let micros = self.at.unix_timestamp_nanos() / 1_000;
        let fields = [
            Some(tenant_id.to_string()),
            Some(self.seq.to_string()),
            Some(micros.to_string()),
            self.actor_user_id.map(|id| id.to_string()),
            Some(self.actor_kind.clone()),
            Some(self.actor_label.clone()),
            self.on_behalf_of.map(|id| id.to_string()),
            self.ip.clone(),
            self.user_agent.clone(),
            self.request_id.map(|id| id.to_string()),
            Some(self.action.clone()),
            self.resource_type.clone(),
            self.resource_id.clone(),
            Some(self.outcome.clone()),
            Some(self.level.clone()),
            self.changes.clone(),
            self.metadata.clone(),
        ];
        let mut digest = Sha256::new();
        digest.update(prev_hash);
        for field in fields {
            match field {
                Some(text) => {
                    digest.update(text.len().to_string());
                    digest.update(":");
                    digest.update(text);
                }
                None => digest.update("-"),
            }
            digest.update(",");
        }
        digest.finalize().into()
    }
}

/// Computes the chain of the transaction's tenant again and compares.
///
/// `known` is a head that was noted earlier outside the database; without it,
/// somebody who can write both rows and head could have written everything
/// anew unnoticed.
///
/// # Errors
/// [`StoreError::Unavailable`] when the database is away. A broken chain is
/// not an error but the verdict.
pub async fn audit_verify(
    tx: &mut TenantTx,
    known: Option<AuditHead>,
) -> Result<AuditVerdict, StoreError> {
    let broken = |seq, problem| Ok(AuditVerdict::Broken { seq, problem });
    let tenant_id = tx.tenant_id().0;
    let mut link = AuditHead::START;
    let mut last_at = Timestamp::UNIX_EPOCH;
    loop {
        let rows = chain_rows(tx, link.seq, last_at).await?;
        if rows.is_empty() {
            let (head, newest) = chain_end(tx).await?;
            if newest > link.seq {
                // Written since the last batch was read.
                continue;
            }
            return match known {
                _ if head.seq > link.seq => broken(link.seq + 1, AuditProblem::TailCut),
                _ if head.seq < link.seq => broken(head.seq + 1, AuditProblem::BeyondHead),
                _ if head.hash != link.hash => broken(link.seq, AuditProblem::Rewritten),
                Some(known) if known.seq > link.seq => broken(link.seq + 1, AuditProblem::TailCut),
                _ => Ok(AuditVerdict::Intact(link)),
            };
        }
        for row in rows {
            let expected = link.seq + 1;
            if row.seq > expected {
                return broken(expected, AuditProblem::Missing);
            }
            // A second row with a number that was there already.
            if row.seq < expected {
                return broken(row.seq, AuditProblem::Unchained);
            }
            if row.prev_hash != link.hash {
                return broken(row.seq, AuditProblem::Unchained);
            }
            let hash = row.computed_hash(tenant_id, &link.hash);
            if row.hash != hash {
                return broken(row.seq, AuditProblem::Edited);
            }
            if known.is_some_and(|known| known.seq == row.seq && known.hash != hash) {
                return broken(row.seq, AuditProblem::Rewritten);
            }
            link = AuditHead { seq: row.seq, hash };
            last_at = row.at;
        }
    }
}

/// The next rows after a row, by number, then by time in case a number is
/// there twice.
async fn chain_rows(
    tx: &mut TenantTx,
    seq: i64,
    at: Timestamp,
) -> Result<Vec<ChainRow>, StoreError> {
    let tenant_id = tx.tenant_id();
    Ok(sqlx::query_as!(
        ChainRow,
        "SELECT at, seq, actor_user_id, actor_kind, actor_label, on_behalf_of, host(ip) AS ip, user_agent, request_id,
                action, resource_type, resource_id, outcome, level, changes::text AS changes,
                metadata::text AS metadata, prev_hash, hash
           FROM audit_log
          WHERE tenant_id = $1 AND seq >= $2 AND (seq, at) > ($2, $3)
          ORDER BY seq, at
          LIMIT $4",
        tenant_id.0,
        seq,
        at,
        BATCH,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// The head and the newest row's number, as of one moment.
async fn chain_end(tx: &mut TenantTx) -> Result<(AuditHead, i64), StoreError> {
    let tenant_id = tx.tenant_id();
    let end = sqlx::query!(
        r#"SELECT coalesce((SELECT max(seq) FROM audit_log WHERE tenant_id = $1), 0) AS "newest!",
                  (SELECT seq FROM audit_heads WHERE tenant_id = $1) AS seq,
                  (SELECT hash FROM audit_heads WHERE tenant_id = $1) AS hash"#,
        tenant_id.0,
    )
    .fetch_one(tx.conn())
    .await?;
    let head = match (end.seq, end.hash) {
        (Some(seq), Some(hash)) => AuditHead {
            seq,
            hash: hash
                .try_into()
                .map_err(|_| StoreError::other("an audit head's hash is not 32 bytes long"))?,
        },
        _ => AuditHead::START,
    };
    Ok((head, end.newest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_comes_back_from_its_text() {
        let head = AuditHead {
            seq: 42,
            hash: [0xa7; 32],
        };
        assert_eq!(head.to_string().parse(), Ok(head));
        for wrong in [
            "",
            "42",
            "42:",
            "x:00",
            &format!("1:{}", "g".repeat(64)),
            &format!("1:{}", "é".repeat(32)),
        ] {
            assert!(wrong.parse::<AuditHead>().is_err(), "{wrong}");
        }
    }
}
