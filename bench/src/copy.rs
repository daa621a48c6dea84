//! Writes memories by COPY, many times faster than through the services.

use crate::world::{Row, Tenant, World};
use anyhow::Result;
use sqlx::{PgPool, postgres::PgPoolCopyExt};
use std::fmt::Write as _;

/// Approximate size in bytes of the pieces sent to COPY.
const PIECE: usize = 1 << 20;

/// Copies the organisation's memories into the table, as its owner.
pub(crate) async fn copy_memories(pool: &PgPool, world: &World, tenant: &Tenant) -> Result<()> {
    let mut copy = pool
        .copy_in_raw(
            "COPY memories (tenant_id, id, user_id, kind, title, content, tags, visibility, team_id, origin, importance,
                            version, created_at, updated_at, allowed_vendors, embedding_a)
             FROM STDIN",
        )
        .await?;
    let mut piece = String::with_capacity(PIECE + 10_000);
    for row in world.rows(tenant) {
        write_row(&mut piece, tenant, &row);
        if piece.len() > PIECE {
            copy.send(piece.as_bytes()).await?;
            piece.clear();
        }
    }
    copy.send(piece.as_bytes()).await?;
    copy.finish().await?;
    Ok(())
}

/// Writes a line of COPY's text format; generated text needs no escaping.
fn write_row(out: &mut String, tenant: &Tenant, row: &Row) {
    let team = row.team.map_or("\\N".to_owned(), |team| team.to_string());
    let at = row.updated_at;
    let at = format!("{} {}+00", at.date(), at.time());
    let _ = write!(
        out,
        "{}\t{}\t{}\t{}\t\t{}\t{{{}}}\t{}\t{team}\timport\t0.5\t1\t{at}\t{at}\t{{*}}\t[",
        tenant.id, row.id, row.owner, row.kind, row.content, row.tag, row.visibility,
    );
    for (n, x) in row.vector.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        let _ = write!(out, "{x:.4}");
    }
    let _ = writeln!(out, "]");
}
