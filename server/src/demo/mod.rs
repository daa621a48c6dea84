//! `--demo`: organisations with made-up members and their own issuer, and the
//! history of one of them.

mod history;
mod members;
mod memories;
mod script;
mod steps;
mod timeline;

use domain::{TenantId, access::SystemRole, identity::IdentityKey};
use service::{Ctx, NewOrganisation, Owner, Person, identity::SessionSettings};

use crate::{
    auth::demo::{DemoCast, DemoKind, DemoPerson, DemoTenant},
    config::Config,
    failure::Failure,
};

/// Rejects a demo reachable from other machines, because its issuer asks for no
/// password, and one with other issuers.
pub(crate) fn check_config(config: &Config) -> Result<(), Failure> {
    if !config.is_loopback() {
        return Err(Failure::Usage(format!(
            "--demo signs anybody in without a password, so it listens on this machine only: \
             {} (public URL {}) is not a loopback address.",
            config.addr,
            config.public_url()
        )));
    }
    if config.oidc.is_some() || !config.issuers.is_empty() {
        return Err(Failure::Usage(
            "--demo brings an issuer of its own: unset ATRIUM_OIDC__* and ATRIUM_ISSUERS__*, or leave out --demo."
                .to_owned(),
        ));
    }
    Ok(())
}

/// Creates the demo's organisations, their members and the history of the
/// company, unless they exist. The times of the history are before `ctx`'s.
///
/// # Errors
/// If the database has an organisation that is not a demo.
pub async fn prepare(
    ctx: &Ctx,
    kind: DemoKind,
    issuer: &str,
    sessions: &SessionSettings,
) -> Result<(), Failure> {
    let tenants = service::tenant_list(ctx).await.map_err(Failure::failed)?;
    if let Some(real) = tenants.iter().find(|listed| !listed.is_demo) {
        return Err(Failure::Failed(format!(
            "This database belongs to “{}”, which is not a demo. Use --data-dir with another folder, \
             or leave out --demo.",
            real.tenant.name
        )));
    }
    let cast = kind.cast();
    for (place, tenant) in (0..).zip(cast.tenants) {
        let known = tenants
            .iter()
            .find(|listed| listed.tenant.slug == tenant.slug);
        let known = known.map(|listed| listed.tenant.id);
        match (kind, place, known) {
            (DemoKind::Company, 0, None) => {
                history::write(ctx, cast, tenant, issuer, sessions).await?;
            }
            _ => ensure_organisation(ctx, cast, tenant, issuer, known).await?,
        }
    }
    Ok(())
}

/// Creates an organisation unless it is known, and its members unless they
/// exist. At another address the issuer differs, so its members are new ones.
async fn ensure_organisation(
    ctx: &Ctx,
    cast: &DemoCast,
    tenant: &DemoTenant,
    issuer: &str,
    known: Option<TenantId>,
) -> Result<(), Failure> {
    let id = match known {
        Some(id) => id,
        None => create(ctx, cast, tenant, issuer).await?,
    };
    let guests = cast
        .elsewhere
        .iter()
        .filter(|(_, at, _)| *at == tenant.slug);
    let guests = guests.filter_map(|(subject, _, role)| Some((cast.person(subject)?, *role)));
    let own = cast
        .people_of(tenant.slug)
        .map(|person| (person, person.role));
    for (demo, role) in own.chain(guests) {
        ensure_member(ctx, id, &person(issuer, demo), role).await?;
    }
    Ok(())
}

/// Creates an organisation with its owner.
async fn create(
    ctx: &Ctx,
    cast: &DemoCast,
    tenant: &DemoTenant,
    issuer: &str,
) -> Result<TenantId, Failure> {
    let owner = cast
        .people_of(tenant.slug)
        .find(|person| person.role == SystemRole::Owner)
        .ok_or_else(|| Failure::Failed(format!("The demo's {} has no owner.", tenant.slug)))?;
    let organisation = NewOrganisation {
        slug: tenant.slug,
        name: tenant.name,
        is_demo: true,
        directory: None,
    };
    let owner = person(issuer, owner);
    let created = service::tenant_create(
        ctx,
        service::Initiator::Cli,
        &organisation,
        Owner::Known(&owner),
    );
    Ok(created.await.map_err(Failure::failed)?.id)
}

async fn ensure_member(
    ctx: &Ctx,
    tenant_id: TenantId,
    member: &Person,
    role: SystemRole,
) -> Result<(), Failure> {
    let exists = service::member_exists(ctx, tenant_id, &member.identity).await;
    if !exists.map_err(Failure::failed)? {
        let added = service::member_add(ctx, tenant_id, member, role).await;
        added.map_err(Failure::failed)?;
    }
    Ok(())
}

fn person(issuer: &str, demo: &DemoPerson) -> Person {
    Person {
        display_name: demo.name.to_owned(),
        email: Some(demo.email.to_owned()),
        identity: identity(issuer, demo.subject),
    }
}

fn identity(issuer: &str, subject: &str) -> IdentityKey {
    IdentityKey::Subject {
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
    }
}

/// The address of a member of the company.
fn email(key: &str) -> String {
    format!("{key}@northwind.example")
}
