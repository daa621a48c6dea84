//! `--demo`: organisations with fictitious members and their own issuer.

use domain::{access::SystemRole, identity::IdentityKey};
use service::{Ctx, NewOrganisation, Owner, Person};

use crate::{
    auth::demo::{DEMO_ELSEWHERE, DEMO_PEOPLE, DEMO_TENANTS, DemoPerson},
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

/// Creates the demo's organisations and members unless they exist.
///
/// # Errors
/// If the database has an organisation that is not a demo.
pub(crate) async fn prepare(ctx: &Ctx, issuer: &str) -> Result<(), Failure> {
    let tenants = service::tenant_list(ctx).await.map_err(Failure::failed)?;
    if let Some(real) = tenants.iter().find(|listed| !listed.is_demo) {
        return Err(Failure::Failed(format!(
            "This database belongs to “{}”, which is not a demo. Use --data-dir with another folder, \
             or leave out --demo.",
            real.tenant.name
        )));
    }
    for (slug, name) in DEMO_TENANTS {
        let people = || DEMO_PEOPLE.iter().filter(|person| person.tenant == *slug);
        let known = tenants.iter().find(|listed| listed.tenant.slug == *slug);
        let tenant_id = match (
            known,
            people().find(|person| person.role == SystemRole::Owner),
        ) {
            (Some(listed), _) => listed.tenant.id,
            (None, Some(owner)) => {
                let owner = person(issuer, owner);
                let organisation = NewOrganisation {
                    slug,
                    name,
                    is_demo: true,
                    directory: None,
                };
                service::tenant_create(
                    ctx,
                    service::Initiator::Cli,
                    &organisation,
                    Owner::Known(&owner),
                )
                .await
                .map_err(Failure::failed)?
                .id
            }
            (None, None) => {
                return Err(Failure::Failed(format!("The demo's {slug} has no owner.")));
            }
        };
        let guests = DEMO_ELSEWHERE
            .iter()
            .filter(|(_, at, _)| at == slug)
            .filter_map(|(subject, _, role)| {
                let guest = DEMO_PEOPLE
                    .iter()
                    .find(|person| person.subject == *subject)?;
                Some((guest, *role))
            });
        // At another address the issuer differs, so its members are new ones.
        for (other, role) in people().map(|person| (person, person.role)).chain(guests) {
            let member = person(issuer, other);
            if !service::member_exists(ctx, tenant_id, &member.identity)
                .await
                .map_err(Failure::failed)?
            {
                service::member_add(ctx, tenant_id, &member, role)
                    .await
                    .map_err(Failure::failed)?;
            }
        }
    }
    Ok(())
}

fn person(issuer: &str, demo: &DemoPerson) -> Person {
    Person {
        display_name: demo.name.to_owned(),
        email: Some(demo.email.to_owned()),
        identity: IdentityKey::Subject {
            issuer: issuer.to_owned(),
            subject: demo.subject.to_owned(),
        },
    }
}
