//! Organisations, as sign-in and the command line read and create them.

use domain::{
    AppError, EmbeddingModelId, RoleId, SessionId, TenantId, Timestamp, UserId, access::SystemRole,
    invite::LoginTarget,
};
use uuid::Uuid;

use crate::{
    AuthTx, OperatorTx, StoreError, embedding_model::embedding_model_create_initial,
    error::ConstraintErrors,
};

pub use domain::tenant::TenantStatus;

pub(crate) const CONSTRAINTS: ConstraintErrors = &[
    ("tenants_slug_key", || {
        AppError::field("slug", "An organisation with this slug already exists.")
    }),
    ("tenants_slug_check", || {
        AppError::field(
            "slug",
            "Use 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end.",
        )
    }),
    ("tenants_entra_tenant_id_key", || {
        AppError::field(
            "entra_tenant_id",
            "This directory already belongs to another organisation.",
        )
    }),
    ("tenants_name_check", || {
        AppError::field("name", "Enter a name of 1 to 200 characters.")
    }),
];

/// The facts about an organisation that are read before its tenant is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    pub id: TenantId,
    /// Short name in commands and configuration.
    pub slug: String,
    /// Display name.
    pub name: String,
    pub status: TenantStatus,
}

/// An organisation as the command line lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantListItem {
    pub tenant: Tenant,
    /// True for generated demo data.
    pub is_demo: bool,
    pub created_at: Timestamp,
    /// When the data is purged, if the organisation is deleted.
    pub delete_after: Option<Timestamp>,
}

/// An organisation to be created.
#[derive(Clone, Debug)]
pub struct NewTenant<'a> {
    pub id: TenantId,
    /// Unique among all organisations.
    pub slug: &'a str,
    /// Display name.
    pub name: &'a str,
    /// True for generated demo data.
    pub is_demo: bool,
    /// The Entra directory whose people sign in to it.
    pub entra_tenant_id: Option<Uuid>,
    /// Ids for the system roles, in the order of [`SystemRole::ALL`].
    pub role_ids: [RoleId; SystemRole::ALL.len()],
    /// Id for the organisation's first embedding model.
    pub embedding_model_id: EmbeddingModelId,
}

/// Creates an organisation with its system roles and its first embedding model.
///
/// # Errors
/// [`StoreError::Constraint`] if the slug is taken or invalid.
pub async fn tenant_create(
    tx: &mut OperatorTx,
    tenant: &NewTenant<'_>,
    now: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO tenants (id, slug, name, status, tier, is_demo, entra_tenant_id, settings, version, created_at, updated_at)
         VALUES ($1, $2, $3, 'active', 'free', $4, $5, '{}', 1, $6, $6)",
        tenant.id as _,
        tenant.slug,
        tenant.name,
        tenant.is_demo,
        tenant.entra_tenant_id,
        now,
    )
    .execute(tx.conn())
    .await?;

    tx.tenant_set(tenant.id).await?;
    for (role, id) in SystemRole::ALL.iter().zip(tenant.role_ids) {
        sqlx::query!(
            "INSERT INTO roles (tenant_id, id, key, name, description, permissions, is_system, version, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, '{}', true, 1, $6, $6)",
            tenant.id as _,
            id as _,
            role.key(),
            role.label(),
            role.description(),
            now,
        )
        .execute(tx.conn())
        .await?;
    }
    embedding_model_create_initial(tx, tenant.id, tenant.embedding_model_id, now).await
}

/// All organisations, sorted by slug.
pub async fn tenant_list(tx: &mut OperatorTx) -> Result<Vec<TenantListItem>, StoreError> {
    let rows = sqlx::query!(
        "SELECT id, slug, name, status, is_demo, created_at, delete_after FROM tenants ORDER BY slug"
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| TenantListItem {
            tenant: Tenant {
                id: row.id,
                slug: row.slug,
                name: row.name,
                status: row.status,
            },
            is_demo: row.is_demo,
            created_at: row.created_at,
            delete_after: row.delete_after,
        })
        .collect())
}

/// The organisation with this slug, whatever its status.
pub async fn tenant_find_by_slug(
    tx: &mut AuthTx,
    slug: &str,
) -> Result<Option<Tenant>, StoreError> {
    Ok(sqlx::query_as!(
        Tenant,
        "SELECT id, slug, name, status FROM tenants WHERE slug = $1",
        slug
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// The organisation with this id, whatever its status.
pub async fn tenant_find(tx: &mut AuthTx, id: TenantId) -> Result<Tenant, StoreError> {
    Ok(sqlx::query_as!(
        Tenant,
        "SELECT id, slug, name, status FROM tenants WHERE id = $1",
        id as _
    )
    .fetch_one(tx.conn())
    .await?)
}

/// The facts that decide which issuers an organisation accepts. Ignores other
/// organisations that are deleted.
pub async fn tenant_login_target(
    tx: &mut AuthTx,
    tenant: &Tenant,
) -> Result<LoginTarget, StoreError> {
    let row = sqlx::query!(
        r#"SELECT entra_tenant_id IS NOT NULL AS "has_directory!",
                  NOT EXISTS (SELECT FROM tenants o WHERE o.id <> $1 AND o.status <> 'deleted') AS "is_only!"
             FROM tenants WHERE id = $1"#,
        tenant.id as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(LoginTarget {
        slug: tenant.slug.clone(),
        is_only: row.is_only,
        has_directory: row.has_directory,
    })
}

/// The organisation of an Entra directory, whatever its status.
pub async fn tenant_find_by_directory(
    tx: &mut AuthTx,
    tid: Uuid,
) -> Result<Option<Tenant>, StoreError> {
    Ok(sqlx::query_as!(
        Tenant,
        "SELECT id, slug, name, status FROM tenants WHERE entra_tenant_id = $1",
        tid
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// A person's membership in an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    pub tenant: Tenant,
    /// The member that the person is in it.
    pub user_id: UserId,
    /// The member's identity that matches the person.
    pub identity_id: Uuid,
}

/// The organisations with a member of the same identity as the session's,
/// sorted by name, without deleted ones.
pub async fn session_memberships(
    tx: &mut AuthTx,
    tenant_id: TenantId,
    session_id: SessionId,
) -> Result<Vec<Membership>, StoreError> {
    let rows = sqlx::query!(
        "SELECT t.id, t.slug, t.name, t.status, other.user_id, other.id AS identity_id
           FROM web_sessions s
           JOIN identities mine ON mine.tenant_id = s.tenant_id AND mine.id = s.identity_id
           JOIN identities other
             ON (other.issuer = mine.issuer AND other.subject = mine.subject)
             OR (other.entra_tid = mine.entra_tid AND other.entra_oid = mine.entra_oid)
           JOIN tenants t ON t.id = other.tenant_id
          WHERE s.tenant_id = $1 AND s.id = $2 AND t.status <> 'deleted'
          ORDER BY t.name, t.id",
        tenant_id as _,
        session_id as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Membership {
            tenant: Tenant {
                id: row.id,
                slug: row.slug,
                name: row.name,
                status: row.status,
            },
            user_id: row.user_id,
            identity_id: row.identity_id,
        })
        .collect())
}

/// The organisation of a single-organisation installation; `None` if there is
/// none, or several. Ignores deleted organisations while there is another.
pub async fn tenant_find_only(tx: &mut AuthTx) -> Result<Option<Tenant>, StoreError> {
    let mut tenants = sqlx::query_as!(
        Tenant,
        "SELECT id, slug, name, status FROM tenants
          WHERE status <> 'deleted' OR NOT EXISTS (SELECT FROM tenants WHERE status <> 'deleted')
          LIMIT 2"
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(tenants.pop().filter(|_| tenants.is_empty()))
}
