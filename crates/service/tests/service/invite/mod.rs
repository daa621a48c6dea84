//! Invites: who may invite whom with which role, and what the link grants.

mod mail;
mod many;

use std::str::FromStr as _;

use domain::{
    Actor, AppError, InviteId, Permission, RoleId, SignInProblem, TeamId, UserId,
    access::SystemRole,
    audit::Outcome,
    email::EmailAddress,
    invite::{InviteInput, InviteLink, InviteStatus},
    settings::SettingsInput,
    team::TeamRole,
};
use service::{
    InviteToken, NewOrganisation, Owner, identity::SignInError, invite_accept, invite_find,
};
use sqlx::AssertSqlSafe;
use store::{
    actor::actor_load,
    invite::NewInviteRow,
    login_attempt::FollowedInvite,
    role::{RoleSource, user_role_grant, user_role_grant_by, user_role_revoke},
    team::team_role_set,
    user::{UserStatus, user_status_set},
};
use time::Duration;

use crate::{
    call::{invite_choices, invite_create, invite_get, invite_list, invite_renew, invite_revoke},
    support::World,
};

fn plain() -> InviteInput {
    InviteInput {
        days: "7".into(),
        ..InviteInput::default()
    }
}

fn giving(role: Option<RoleId>, team: Option<TeamId>) -> InviteInput {
    InviteInput {
        role: role.map(|id| id.to_string()).unwrap_or_default(),
        team: team.map(|id| id.to_string()).unwrap_or_default(),
        ..plain()
    }
}

/// An admin's invite without a role or team, written by the store.
pub(crate) async fn stored_invite(world: &World) -> InviteId {
    let ctx = &world.ctx;
    let admin = world.tenant.actor(SystemRole::Admin, "Iva").await;
    let now = ctx.clock.now();
    let new = NewInviteRow {
        id: ctx.ids.id(),
        email: None,
        token_hash: &ctx.ids.bytes(),
        role_id: None,
        team_id: None,
        expires_at: now + Duration::DAY,
    };
    let mut tx = ctx.store.begin(&admin).await.unwrap();
    store::invite::invite_create(&mut tx, &new, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    new.id
}

async fn invite(world: &World, actor: &Actor, draft: &InviteInput) -> InviteLink {
    invite_create(&world.ctx, actor, draft).await.unwrap()
}

fn token(made: &InviteLink) -> &str {
    made.link
        .strip_prefix("https://atrium.example/invite/")
        .unwrap()
}

async fn admin(world: &World) -> Actor {
    world.tenant.actor(SystemRole::Admin, "Ada").await
}

/// A member with these permissions and no others.
async fn holder(world: &World, name: &str, permissions: &[Permission]) -> Actor {
    let role = world.custom_role(name, permissions).await;
    let user_id = world.tenant.user(name).await;
    let mut tx = world.tenant.enter().await;
    let now = world.ctx.clock.now();
    user_role_grant_by(&mut tx, user_id, role, RoleSource::Manual, None, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    world.tenant.actor_of(user_id).await
}

/// Accepts an invite as signing in does.
async fn accept(world: &World, link: &str, user_id: UserId) -> Result<(), SignInError> {
    let known = invite_find(&world.ctx, link).await?;
    let tx = world.ctx.store.begin_auth().await.unwrap();
    let mut tx = tx.enter_as_system(known.tenant_id).await.unwrap();
    let followed = FollowedInvite {
        tenant_id: known.tenant_id,
        id: known.id,
        renewals: known.renewals,
    };
    invite_accept(&world.ctx, &mut tx, followed, user_id).await?;
    tx.commit().await.unwrap();
    Ok(())
}

async fn problem(world: &World, made: &InviteLink) -> Option<SignInProblem> {
    let known = invite_find(&world.ctx, token(made)).await;
    known.err().map(|error| error.problem)
}

async fn standing(world: &World, user_id: UserId) -> (Vec<String>, Vec<TeamId>) {
    let mut tx = world.tenant.enter().await;
    let record = actor_load(&mut tx, user_id).await.unwrap();
    (record.role_keys, record.team_ids)
}

#[tokio::test]
async fn invite_grants_its_role_and_team_once_in_the_name_of_its_inviter() {
    let world = World::without_model().await;
    let ada = admin(&world).await;
    let team = world.tenant.team("Desk", &[]).await;
    let viewer = world.role("viewer").await;
    let draft = InviteInput {
        email: "nina@example.org".into(),
        ..giving(Some(viewer), Some(team))
    };
    let made = invite(&world, &ada, &draft).await;
    let known = invite_find(&world.ctx, token(&made)).await.unwrap();
    assert_eq!(
        (
            known.open.organisation.as_str(),
            known.open.invited_by.as_deref(),
            known.open.role.as_deref(),
            known.open.team.as_deref(),
            known.email.as_deref(),
        ),
        (
            "acme Ltd",
            Some("Ada"),
            Some("Viewer"),
            Some("Desk"),
            Some("nina@example.org")
        )
    );
    let nina = world.tenant.user("Nina").await;
    accept(&world, token(&made), nina).await.unwrap();
    assert_eq!(
        standing(&world, nina).await,
        (vec!["viewer".into()], vec![team])
    );
    let (source, granted_by): (String, uuid::Uuid) =
        sqlx::query_as("SELECT source, granted_by FROM user_roles WHERE user_id = $1")
            .bind(nina)
            .fetch_one(&world.db.admin)
            .await
            .unwrap();
    assert_eq!((source.as_str(), granted_by), ("manual", ada.user_id.0));

    let again = accept(&world, token(&made), nina).await.unwrap_err();
    assert_eq!(again.problem, SignInProblem::InviteUsed);
    let invites = invite_list(&world.ctx, &ada, "").await.unwrap();
    assert_eq!(invites.items[0].status, InviteStatus::Accepted);
    assert_eq!(invites.items[0].accepted_by.as_deref(), Some("Nina"));
}

// SEC-A1: an invite can be used once, also concurrently.
#[tokio::test]
async fn concurrent_acceptances_admit_one() {
    let world = World::without_model().await;
    let ada = admin(&world).await;
    let viewer = world.role("viewer").await;
    for _ in 0..5 {
        let made = invite(&world, &ada, &giving(Some(viewer), None)).await;
        let (nina, nils) = (
            world.tenant.user("Nina").await,
            world.tenant.user("Nils").await,
        );
        let (first, second) = tokio::join!(
            accept(&world, token(&made), nina),
            accept(&world, token(&made), nils)
        );
        assert_eq!(
            u8::from(first.is_ok()) + u8::from(second.is_ok()),
            1,
            "{first:?} {second:?}"
        );
        let refused = first.err().or(second.err()).unwrap();
        assert_eq!(refused.problem, SignInProblem::InviteUsed);
        let holders = [standing(&world, nina).await, standing(&world, nils).await];
        let roles: usize = holders.iter().map(|(roles, _)| roles.len()).sum();
        assert_eq!(roles, 1, "{holders:?}");
    }
}

// SEC-D3, SEC-D5
#[tokio::test]
async fn link_is_not_stored() {
    let world = World::without_model().await;
    let ada = admin(&world).await;
    let made = invite(&world, &ada, &plain()).await;
    invite_renew(&world.ctx, &ada, made.id, "1").await.unwrap();
    invite_revoke(&world.ctx, &ada, made.id).await.unwrap();
    let secret = &token(&made)[5..25];
    assert!(token(&made).starts_with("atri_"), "{}", made.link);
    for table in ["invites", "audit_log", "login_attempts", "jobs"] {
        let sql = format!("SELECT count(*) FROM {table} t WHERE t::text LIKE '%' || $1 || '%'");
        let found: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .bind(secret)
            .fetch_one(&world.db.admin)
            .await
            .unwrap();
        assert_eq!(found, 0, "{table}");
    }
    let parsed = InviteToken::parse(token(&made)).unwrap();
    assert!(!format!("{parsed:?}{made:?}").contains(secret));
}

/// SEC-B7, SEC-G (user enumeration): every invalid token gets the same answer.
#[tokio::test]
async fn invalid_tokens_get_the_same_answer() {
    let world = World::without_model().await;
    let ada = admin(&world).await;
    let made = invite(&world, &ada, &plain()).await;
    let whole = token(&made);
    let key = crate::call::api_key_create(
        &world.ctx,
        &ada,
        None,
        &crate::api_key::key_draft(&[Permission::MemoryRead]),
    )
    .await
    .unwrap();
    for bad in [
        "",
        "x",
        &whole[1..],
        &whole[..whole.len() - 1],
        &whole.to_lowercase(),
        &key.key,
        "atri_000000000000000000000000000000000",
    ] {
        let refused = invite_find(&world.ctx, bad).await.unwrap_err();
        assert_eq!(refused.problem, SignInProblem::InviteUnknown, "{bad}");
        assert_eq!(refused.invite, None);
    }
    // A token whose invite was deleted gets the same answer.
    sqlx::query("DELETE FROM invites")
        .execute(&world.db.admin)
        .await
        .unwrap();
    assert_eq!(
        problem(&world, &made).await,
        Some(SignInProblem::InviteUnknown)
    );
}

#[tokio::test]
async fn link_ends_with_its_time_its_renewal_and_its_revocation() {
    let world = World::without_model().await;
    let ada = admin(&world).await;
    let first = invite(&world, &ada, &plain()).await;
    let second = invite_renew(&world.ctx, &ada, first.id, "1").await.unwrap();
    assert_eq!(
        problem(&world, &first).await,
        Some(SignInProblem::InviteUnknown)
    );
    assert_eq!(problem(&world, &second).await, None);

    world.pass(Duration::days(1));
    assert_eq!(
        problem(&world, &second).await,
        Some(SignInProblem::InviteExpired)
    );
    let listed = invite_list(&world.ctx, &ada, "expired").await.unwrap();
    assert_eq!(listed.items.len(), 1);
    assert_eq!(listed.items[0].status, InviteStatus::Expired);
    let third = invite_renew(&world.ctx, &ada, first.id, "30")
        .await
        .unwrap();
    assert_eq!(problem(&world, &third).await, None);

    invite_revoke(&world.ctx, &ada, first.id).await.unwrap();
    assert_eq!(
        problem(&world, &third).await,
        Some(SignInProblem::InviteRevoked)
    );
    for outcome in [
        invite_revoke(&world.ctx, &ada, first.id).await,
        invite_renew(&world.ctx, &ada, first.id, "7")
            .await
            .map(drop),
    ] {
        assert!(matches!(outcome, Err(AppError::Conflict { .. })));
    }
    let error = invite_renew(&world.ctx, &ada, stored_invite(&world).await, "8").await;
    assert!(error.unwrap_err().for_field("days").is_some());
}

// SEC-G: more permissions than the inviter's own, by an invite.
#[tokio::test]
async fn invite_can_not_exceed_the_inviters_permissions() {
    let world = World::without_model().await;
    let ada = admin(&world).await;
    let (owner, viewer) = (world.role("owner").await, world.role("viewer").await);
    let refused = |permission| AppError::Forbidden { permission };

    let error = invite_create(&world.ctx, &ada, &giving(Some(owner), None)).await;
    assert_eq!(error.unwrap_err(), refused(Permission::OwnerGrant));
    let audited = world.audit().await.remove(0);
    assert_eq!(
        (audited.action.as_str(), audited.outcome),
        ("invite.create", Outcome::Denied)
    );

    // The permission to invite alone grants no roles, and no team that one doesn't lead.
    let hal = holder(
        &world,
        "Hal",
        &[
            Permission::MemberInvite,
            Permission::MemberRead,
            Permission::TeamLead,
        ],
    )
    .await;
    let error = invite_create(&world.ctx, &hal, &giving(Some(viewer), None)).await;
    assert_eq!(error.unwrap_err(), refused(Permission::RoleGrant));
    let led = world.tenant.team("Led", &[hal.user_id]).await;
    let mut tx = world.tenant.enter().await;
    let now = world.ctx.clock.now();
    team_role_set(&mut tx, led, hal.user_id, TeamRole::Lead, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let member_of = world.tenant.team("Joined", &[hal.user_id]).await;
    let hal = world.tenant.actor_of(hal.user_id).await;
    for team in [member_of, world.tenant.team("Others", &[]).await] {
        let error = invite_create(&world.ctx, &hal, &giving(None, Some(team))).await;
        assert_eq!(error.unwrap_err(), refused(Permission::TeamManage));
    }
    invite(&world, &hal, &giving(None, Some(led))).await;
    let offer = invite_choices(&world.ctx, &hal).await.unwrap();
    let teams: Vec<_> = offer.teams.iter().map(|team| team.id).collect();
    assert_eq!((teams, offer.roles.len()), (vec![led], 0));

    // Nor can an invite be renewed that one couldn't create.
    let olga = world.tenant.actor(SystemRole::Owner, "Olga").await;
    let theirs = invite(&world, &olga, &giving(Some(owner), None)).await;
    let error = invite_renew(&world.ctx, &ada, theirs.id, "7").await;
    assert_eq!(error.unwrap_err(), refused(Permission::OwnerGrant));
    assert_eq!(problem(&world, &theirs).await, None);
}

// SEC-B3: permissions that the inviter has lost count when the invite is accepted.
#[tokio::test]
async fn invite_is_checked_against_the_inviters_current_permissions() {
    let world = World::without_model().await;
    let viewer = world.role("viewer").await;
    let clerk = world.custom_role("Clerk", &[Permission::MemoryRead]).await;
    let team = world.tenant.team("Desk", &[]).await;
    let now = world.ctx.clock.now();

    let dora = world.tenant.actor(SystemRole::Admin, "Dora").await;
    let demoted = invite(&world, &dora, &giving(Some(viewer), None)).await;
    let stan = world.tenant.actor(SystemRole::Admin, "Stan").await;
    let suspended = invite(&world, &stan, &plain()).await;
    let gina = world.tenant.actor(SystemRole::Admin, "Gina").await;
    let grown = invite(&world, &gina, &giving(Some(clerk), None)).await;
    let tess = world.tenant.actor(SystemRole::Admin, "Tess").await;
    let teamless = invite(&world, &tess, &giving(None, Some(team))).await;

    let mut tx = world.tenant.enter().await;
    user_role_revoke(&mut tx, dora.user_id, "admin", RoleSource::Manual)
        .await
        .unwrap();
    user_status_set(&mut tx, stan.user_id, UserStatus::Suspended, now)
        .await
        .unwrap();
    // Tess can still invite but no longer manages teams.
    user_role_revoke(&mut tx, tess.user_id, "admin", RoleSource::Manual)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let inviting = world
        .custom_role("Inviting", &[Permission::MemberInvite])
        .await;
    let mut tx = world.tenant.enter().await;
    user_role_grant_by(
        &mut tx,
        tess.user_id,
        inviting,
        RoleSource::Manual,
        None,
        now,
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
    // The role now has a permission that the inviter may not grant.
    sqlx::query("UPDATE roles SET permissions = '{owner.grant}' WHERE id = $1")
        .bind(clerk)
        .execute(&world.db.admin)
        .await
        .unwrap();

    for made in [&demoted, &suspended, &grown, &teamless] {
        let nina = world.tenant.user("Nina").await;
        let refused = accept(&world, token(made), nina).await.unwrap_err();
        assert_eq!(refused.problem, SignInProblem::InviteRefused, "{refused:?}");
        assert_eq!(standing(&world, nina).await, (vec![], vec![]));
        // The invite is not used up: with the permission back it works again.
        assert_eq!(problem(&world, made).await, None);
    }
    let mut tx = world.tenant.enter().await;
    user_role_grant(&mut tx, dora.user_id, "admin", RoleSource::Manual, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let nina = world.tenant.user("Nina").await;
    accept(&world, token(&demoted), nina).await.unwrap();
}

#[tokio::test]
async fn invite_ends_with_its_role_and_its_team() {
    let world = World::without_model().await;
    let olga = world.tenant.actor(SystemRole::Owner, "Olga").await;
    let clerk = world.custom_role("Clerk", &[Permission::MemoryRead]).await;
    let team = world.tenant.team("Desk", &[]).await;
    let by_role = invite(&world, &olga, &giving(Some(clerk), None)).await;
    let by_team = invite(&world, &olga, &giving(None, Some(team))).await;
    crate::call::role_delete(&world.ctx, &olga, clerk, 1, 0)
        .await
        .unwrap();
    crate::call::team_delete(&world.ctx, &olga, team, "Desk")
        .await
        .unwrap();
    for made in [&by_role, &by_team] {
        assert_eq!(
            problem(&world, made).await,
            Some(SignInProblem::InviteUnknown)
        );
    }
}

// SEC-C6
#[tokio::test]
async fn another_organisations_invite_and_role_do_not_exist() {
    let world = World::without_model().await;
    let ada = admin(&world).await;
    let made = invite(&world, &ada, &plain()).await;
    let other = world.db.tenant("other").await;
    let eve = other.actor(SystemRole::Owner, "Eve").await;
    for outcome in [
        invite_get(&world.ctx, &eve, made.id).await.map(drop),
        invite_revoke(&world.ctx, &eve, made.id).await,
        invite_renew(&world.ctx, &eve, made.id, "7").await.map(drop),
        invite_create(
            &world.ctx,
            &eve,
            &giving(Some(world.role("viewer").await), None),
        )
        .await
        .map(drop),
    ] {
        assert_eq!(outcome, Err(AppError::NotFound));
    }
    assert_eq!(problem(&world, &made).await, None);
}

#[tokio::test]
async fn invite_needs_an_address_of_an_allowed_domain() {
    let world = World::without_model().await;
    let olga = world.tenant.actor(SystemRole::Owner, "Olga").await;
    let anybodys = invite(&world, &olga, &plain()).await;
    let mut tx = world.tenant.enter().await;
    let version = store::settings::organisation_get(&mut tx)
        .await
        .unwrap()
        .version;
    drop(tx);
    let settings = SettingsInput {
        name: "Acme".into(),
        invite_domains: "Example.org".into(),
        ..SettingsInput::default()
    };
    crate::call::settings_update(&world.ctx, &olga, version, &settings)
        .await
        .unwrap();
    for (email, is_taken) in [
        ("", false),
        ("nina@elsewhere.example", false),
        ("nina@sub.example.org", false),
        ("Nina@EXAMPLE.org", true),
    ] {
        let draft = InviteInput {
            email: email.into(),
            ..plain()
        };
        let outcome = invite_create(&world.ctx, &olga, &draft).await;
        assert_eq!(outcome.is_ok(), is_taken, "{email}");
        if let Err(error) = outcome {
            assert!(error.for_field("email").is_some(), "{email}");
        }
    }
    let renewed = invite_renew(&world.ctx, &olga, anybodys.id, "7").await;
    assert!(renewed.unwrap_err().for_field("email").is_some());
}

// SEC-A11, SEC-G (first user becomes admin): the owner is the person who has the link.
#[tokio::test]
async fn operators_invite_creates_an_owner_and_members_can_not_change_it() {
    let world = World::without_model().await;
    let organisation = NewOrganisation {
        slug: "nova",
        name: "Nova",
        is_demo: false,
        directory: None,
    };
    let email = EmailAddress::parse("nina@nova.example").unwrap();
    let owner = Owner::Invited {
        email: Some(&email),
    };
    let created = service::tenant_create(&world.ctx, service::Initiator::Cli, &organisation, owner)
        .await
        .unwrap();
    let first = created.invite.unwrap().link("");
    let first = first.strip_prefix("/invite/").unwrap();
    let known = invite_find(&world.ctx, first).await.unwrap();
    assert_eq!(
        (
            known.tenant_id,
            known.open.role.as_deref(),
            known.open.invited_by
        ),
        (created.id, Some("Owner"), None)
    );

    // Existing members, even admins, can't accept it.
    let tx = world.ctx.store.begin_auth().await.unwrap();
    let mut tx = tx.enter_as_system(created.id).await.unwrap();
    let user_id = world.ctx.ids.id();
    let user = store::user::NewUser {
        id: user_id,
        display_name: "Olaf",
        email: None,
        kind: domain::ActorKind::Human,
    };
    let now = world.ctx.clock.now();
    store::user::user_create(&mut tx, &user, now).await.unwrap();
    user_role_grant(&mut tx, user_id, "owner", RoleSource::Manual, now)
        .await
        .unwrap();
    let olaf = actor_load(&mut tx, user_id)
        .await
        .unwrap()
        .to_actor(admin(&world).await.request);
    tx.commit().await.unwrap();
    for outcome in [
        invite_revoke(&world.ctx, &olaf, known.id).await,
        invite_renew(&world.ctx, &olaf, known.id, "7")
            .await
            .map(drop),
    ] {
        assert!(matches!(outcome, Err(AppError::Conflict { .. })));
    }

    // A lost link is replaced by the operator, which ends the old one.
    let second = service::owner_invite_create(&world.ctx, created.id, None)
        .await
        .unwrap()
        .link("");
    let second = second.strip_prefix("/invite/").unwrap();
    let refused = invite_find(&world.ctx, first).await.unwrap_err();
    assert_eq!(refused.problem, SignInProblem::InviteRevoked);
    let fresh = world.ctx.ids.id();
    let tx = world.ctx.store.begin_auth().await.unwrap();
    let mut tx = tx.enter_as_system(created.id).await.unwrap();
    let user = store::user::NewUser { id: fresh, ..user };
    store::user::user_create(&mut tx, &user, now).await.unwrap();
    tx.commit().await.unwrap();
    accept(&world, second, fresh).await.unwrap();
    let tx = world.ctx.store.begin_auth().await.unwrap();
    let mut tx = tx.enter_as_system(created.id).await.unwrap();
    assert_eq!(
        actor_load(&mut tx, fresh).await.unwrap().role_keys,
        ["owner"]
    );
    let nobody = domain::TenantId::from_str("0198f000-0000-7000-8000-000000000001").unwrap();
    let error = service::owner_invite_create(&world.ctx, nobody, None).await;
    assert_eq!(error.unwrap_err(), AppError::NotFound);
}
