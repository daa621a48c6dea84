//! Creating organisations and their first members. Calls from the command line
//! have no actor and are audited in the tenant as done by the system.

use domain::{
    Action, ActorKind, AppError, TenantId, UserId, access::SystemRole, audit::Outcome,
    email::EmailAddress, identity::IdentityKey,
};
use serde_json::json;
use store::{
    OperatorTx, TenantTx,
    audit::{AuditEvent, audit_append},
    identity::{identity_add, identity_find},
    role::{RoleSource, user_role_grant},
    tenant::{NewTenant, TenantListItem},
    user::{NewUser, user_create},
};

pub use store::tenant::Tenant;
use uuid::Uuid;

use crate::{
    Ctx,
    authorized_tx::AuthorizedTx,
    invite::{InviteToken, owner_invite_in_tx},
    tenant_lifecycle::{Initiator, commit_audited},
};

/// A person who is added before their first sign-in.
#[derive(Clone, Debug)]
pub struct Person {
    pub display_name: String,
    /// For display only.
    pub email: Option<String>,
    /// Their identity at the issuer.
    pub identity: IdentityKey,
}

/// The first owner of an organisation.
#[derive(Clone, Copy, Debug)]
pub enum Owner<'a> {
    /// The member who signs in as this person.
    Known(&'a Person),
    /// Whoever accepts the invite that is created with the organisation.
    Invited {
        /// The invited address; a hint only, as with every invite.
        email: Option<&'a EmailAddress>,
    },
}

#[derive(Debug)]
pub struct CreatedOrganisation {
    pub id: TenantId,
    /// The owner's invite for [`Owner::Invited`]. Its token is stored nowhere:
    /// show it once.
    pub invite: Option<InviteToken>,
}

#[derive(Clone, Copy, Debug)]
pub struct NewOrganisation<'a> {
    /// Unique among all organisations.
    pub slug: &'a str,
    pub name: &'a str,
    /// True for generated demo data.
    pub is_demo: bool,
    /// The Entra directory whose people sign in to it, if an issuer serves
    /// several directories.
    pub directory: Option<Uuid>,
}

/// Creates an organisation with its system roles and either its owner or an
/// invite for one; nobody becomes owner by signing in first.
pub async fn tenant_create(
    ctx: &Ctx,
    by: Initiator<'_>,
    organisation: &NewOrganisation<'_>,
    owner: Owner<'_>,
) -> Result<CreatedOrganisation, AppError> {
    let NewOrganisation {
        slug,
        name,
        is_demo,
        directory,
    } = *organisation;
    if let Initiator::Operator(actor) = by {
        AuthorizedTx::authorize(ctx, actor, Action::TenantCreate).await?;
    }
    let id: TenantId = ctx.ids.id();
    let now = ctx.clock.now();
    let mut tx = ctx.store.begin_operator().await?;
    let tenant = NewTenant {
        id,
        slug,
        name,
        is_demo,
        entra_tenant_id: directory,
        role_ids: [(); 5].map(|()| ctx.ids.id()),
        embedding_model_id: ctx.ids.id(),
    };
    store::tenant::tenant_create(&mut tx, &tenant, now).await?;
    let (tx, invite) = match owner {
        Owner::Known(person) => {
            let (tx, _) = member_add_in_tx(ctx, tx, id, person, SystemRole::Owner).await?;
            (tx, None)
        }
        Owner::Invited { email } => {
            let mut tx = tx.enter_as_system(id).await?;
            let invite = owner_invite_in_tx(ctx, &mut tx, email).await?;
            (tx, Some(invite))
        }
    };
    let describe = |event: AuditEvent| AuditEvent {
        resource_type: Some("tenant".to_owned()),
        resource_id: Some(id.to_string()),
        changes: Some(json!({ "after": { "slug": slug, "name": name, "directory": directory } })),
        ..event
    };
    let tx = tx.into_operator().await?;
    commit_audited(ctx, by, Action::TenantCreate, id, tx, describe).await?;
    Ok(CreatedOrganisation { id, invite })
}

/// Adds a member with one role to an organisation.
///
/// # Errors
/// [`AppError::Conflict`] if the identity already belongs to a member.
pub async fn member_add(
    ctx: &Ctx,
    tenant_id: TenantId,
    person: &Person,
    role: SystemRole,
) -> Result<UserId, AppError> {
    let tx = ctx.store.begin_operator().await?;
    let (tx, user_id) = member_add_in_tx(ctx, tx, tenant_id, person, role).await?;
    tx.commit().await?;
    Ok(user_id)
}

/// True if an identity belongs to a member of an organisation.
pub async fn member_exists(
    ctx: &Ctx,
    tenant_id: TenantId,
    identity: &IdentityKey,
) -> Result<bool, AppError> {
    let mut tx = ctx.store.begin_auth().await?;
    Ok(identity_find(&mut tx, tenant_id, identity).await?.is_some())
}

/// All organisations, by slug.
pub async fn tenant_list(ctx: &Ctx) -> Result<Vec<TenantListItem>, AppError> {
    let mut tx = ctx.store.begin_operator().await?;
    Ok(store::tenant::tenant_list(&mut tx).await?)
}

async fn member_add_in_tx(
    ctx: &Ctx,
    mut tx: OperatorTx,
    tenant_id: TenantId,
    person: &Person,
    role: SystemRole,
) -> Result<(TenantTx, UserId), AppError> {
    let now = ctx.clock.now();
    let user_id: UserId = ctx.ids.id();
    identity_add(
        &mut tx,
        ctx.ids.id(),
        tenant_id,
        user_id,
        &person.identity,
        now,
    )
    .await?;
    let mut tx = tx.enter_as_system(tenant_id).await?;
    let user = NewUser {
        id: user_id,
        display_name: &person.display_name,
        email: person.email.as_deref(),
        kind: ActorKind::Human,
    };
    user_create(&mut tx, &user, now).await?;
    user_role_grant(&mut tx, user_id, role.key(), RoleSource::Manual, now).await?;
    let event = AuditEvent {
        resource_type: Some("user".to_owned()),
        resource_id: Some(user_id.to_string()),
        changes: Some(json!({ "after": { "role": role.key() } })),
        ..AuditEvent::by_system("member.create", Outcome::Success, now)
    };
    audit_append(&mut tx, &[event]).await?;
    Ok((tx, user_id))
}
