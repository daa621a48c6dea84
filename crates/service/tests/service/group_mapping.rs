//! Group mappings: permissions, preview and effect.

use domain::{
    Actor, AppError, GroupMappingId, Permission, UserId,
    access::SystemRole,
    group_mapping::{Granted, GroupClaims, GroupMappingInput, GroupMappingSimulateInput},
};
use store::group_mapping::user_claims_set;

use crate::{
    call::{
        group_mapping_create, group_mapping_delete, group_mapping_list, group_mapping_simulate,
        group_mapping_update,
    },
    support::World,
};

const NO_ROLES: [&str; 0] = [];

impl World {
    /// A rule from a group of this name to a custom role, not stored.
    pub(crate) async fn rule(&self, group: &str) -> GroupMappingInput {
        let role = self.custom_role("Clerk", &[Permission::MemoryRead]).await;
        GroupMappingInput {
            source: "group".into(),
            group_id: group.into(),
            role: role.to_string(),
            ..GroupMappingInput::default()
        }
    }

    /// The same rule, stored.
    pub(crate) async fn stored_rule(&self, group: &str) -> (GroupMappingId, GroupMappingInput) {
        let draft = self.rule(group).await;
        let rule = draft.parse(self.ctx.ids.id()).unwrap();
        let mut tx = self.tenant.enter().await;
        let now = self.ctx.clock.now();
        store::group_mapping::group_mapping_create(&mut tx, &rule, now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        (rule.id, draft)
    }

    /// Stores `groups` as the member's claims at the last sign-in.
    async fn told(&self, member: UserId, groups: &[&str]) {
        let claims = GroupClaims::new(groups, NO_ROLES);
        let mut tx = self.tenant.enter().await;
        user_claims_set(&mut tx, member, &claims, self.ctx.clock.now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    async fn role_id(&self, actor: &Actor, role: SystemRole) -> String {
        let roles = crate::call::role_list(&self.ctx, actor).await.unwrap();
        let role = roles.into_iter().find(|found| found.key == role.key());
        role.unwrap().id.to_string()
    }
}

#[tokio::test]
async fn preview_shows_who_gains_and_loses_what_before_saving() {
    let world = World::without_model().await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let ctx = &world.ctx;
    let mia = world.tenant.user("Mia").await;
    let moe = world.tenant.user("Moe").await;
    world.tenant.user("Never signed in").await;
    world.told(mia, &["finance", "all"]).await;
    world.told(moe, &["all"]).await;
    world.told(admin.user_id, &[]).await;
    let team = world.tenant.team("Kitchen", &[moe]).await;

    let viewer = world.role_id(&admin, SystemRole::Viewer).await;
    let proposal = GroupMappingSimulateInput {
        draft: GroupMappingInput {
            source: "group".into(),
            group_id: "all".into(),
            label: "Everybody".into(),
            role: viewer,
            team: team.to_string(),
            priority: "7".into(),
        },
        member: moe.to_string(),
        ..GroupMappingSimulateInput::default()
    };
    let seen = group_mapping_simulate(ctx, &admin, &proposal)
        .await
        .unwrap();
    assert_eq!((seen.known, seen.unknown, seen.concerned), (3, 1, 2));
    assert_eq!(seen.changed, 2);
    let names: Vec<_> = seen.changes.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["Mia", "Moe"]);
    let role = || Granted::Role("Viewer".into());
    let kitchen = || Granted::Team("Kitchen".into());
    assert_eq!(seen.changes[0].gains, [role(), kitchen()]);
    // Moe was added to the team manually before.
    assert_eq!(seen.changes[1].gains, [role()]);
    let person = seen.person.unwrap();
    let decided: Vec<_> = person
        .reasons
        .iter()
        .map(|r| {
            (
                r.granted.clone(),
                r.decided_by.as_ref().map(|rule| rule.label.as_str()),
            )
        })
        .collect();
    assert_eq!(
        decided,
        [(role(), Some("Everybody")), (kitchen(), Some("Everybody"))]
    );
    // The preview stored nothing.
    assert_eq!(group_mapping_list(ctx, &admin).await.unwrap().rules, []);

    // Removing a rule removes what a member has by it alone.
    let id = group_mapping_create(ctx, &admin, &proposal.draft)
        .await
        .unwrap();
    let rules = store::group_mapping::group_mapping_list(&mut world.tenant.enter().await)
        .await
        .unwrap();
    let mut tx = world.tenant.enter().await;
    let granted = domain::group_mapping::grants(&rules, &GroupClaims::new(["all"], NO_ROLES));
    store::group_mapping::user_grants_set(&mut tx, mia, &granted, ctx.clock.now())
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let removal = GroupMappingSimulateInput {
        rule: id.to_string(),
        remove: true,
        claims: r#"{"groups":["all","x"]}"#.into(),
        ..GroupMappingSimulateInput::default()
    };
    let seen = group_mapping_simulate(ctx, &admin, &removal).await.unwrap();
    let mia_change = seen.changes.iter().find(|c| c.user_id == mia).unwrap();
    assert_eq!(mia_change.loses, [role(), kitchen()]);
    let person = seen.person.unwrap();
    assert_eq!(
        (person.reasons.len(), person.unused),
        (0, vec!["all".to_owned(), "x".to_owned()])
    );
}

// SEC-G: a rule can't grant or remove what its author doesn't hold.
#[tokio::test]
async fn admin_can_not_create_owners_by_a_rule() {
    let world = World::without_model().await;
    let owner = world.tenant.actor(SystemRole::Owner, "Ona").await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let ctx = &world.ctx;
    let error = || AppError::Forbidden {
        permission: Permission::OwnerGrant,
    };
    let draft = GroupMappingInput {
        source: "app_role".into(),
        group_id: "owners".into(),
        role: world.role_id(&owner, SystemRole::Owner).await,
        ..GroupMappingInput::default()
    };
    let offered = group_mapping_list(ctx, &admin).await.unwrap().roles;
    assert!(
        offered.iter().all(|role| role.key != "owner"),
        "{offered:?}"
    );
    assert_eq!(
        group_mapping_create(ctx, &admin, &draft).await,
        Err(error())
    );

    let id = group_mapping_create(ctx, &owner, &draft).await.unwrap();
    let harmless = world.rule("owners").await;
    assert_eq!(
        group_mapping_update(ctx, &admin, id, &harmless).await,
        Err(error())
    );
    assert_eq!(group_mapping_delete(ctx, &admin, id).await, Err(error()));
    let (other, _) = world.stored_rule("staff").await;
    assert_eq!(
        group_mapping_update(ctx, &admin, other, &draft).await,
        Err(error())
    );
    group_mapping_delete(ctx, &owner, id).await.unwrap();
}

// Invalid input, and SEC-C6.
#[tokio::test]
async fn invalid_rule_is_rejected_by_field_name_and_not_saved() {
    let world = World::without_model().await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let ctx = &world.ctx;
    let (id, draft) = world.stored_rule("finance").await;
    let again = group_mapping_create(ctx, &admin, &draft).await.unwrap_err();
    assert!(again.for_field("group_id").is_some(), "{again:?}");
    let with = |change: fn(&mut GroupMappingInput)| {
        let mut draft = draft.clone();
        change(&mut draft);
        draft
    };
    for (bad, field) in [
        (with(|d| d.group_id = " ".into()), "group_id"),
        (with(|d| d.priority = "many".into()), "priority"),
        (with(|d| d.role = String::new()), "role"),
    ] {
        let error = group_mapping_create(ctx, &admin, &bad).await.unwrap_err();
        assert!(error.for_field(field).is_some(), "{error:?}");
    }

    // Another organisation's role, team and rule are not found.
    let theirs = world.db.tenant("theirs").await;
    let stranger = theirs.actor(SystemRole::Owner, "Sue").await;
    let role = world.role_id(&stranger, SystemRole::Viewer).await;
    let mut foreign = draft.clone();
    foreign.role = role;
    assert_eq!(
        group_mapping_create(ctx, &admin, &foreign).await,
        Err(AppError::NotFound)
    );
    let team = theirs.team("Their team", &[]).await;
    let mut foreign = draft.clone();
    foreign.team = team.to_string();
    assert_eq!(
        group_mapping_create(ctx, &admin, &foreign).await,
        Err(AppError::NotFound)
    );
    assert_eq!(
        group_mapping_delete(ctx, &stranger, id).await,
        Err(AppError::NotFound)
    );
    let proposal = GroupMappingSimulateInput {
        rule: id.to_string(),
        remove: true,
        ..GroupMappingSimulateInput::default()
    };
    assert_eq!(
        group_mapping_simulate(ctx, &stranger, &proposal).await,
        Err(AppError::NotFound)
    );
    assert_eq!(
        group_mapping_list(ctx, &admin).await.unwrap().rules.len(),
        1
    );
}
