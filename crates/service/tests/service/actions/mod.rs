//! Every action by every role: denied or performed, and audited either way.

mod access;
mod given;
mod memory;
mod people;

use domain::{
    Action, Actor, AppError, Permission, access::SystemRole, action::Effect, audit::Outcome,
};

use crate::support::{World, draft, json_text};

/// Performs `action` on objects that `actor` owns. A new action doesn't compile
/// until it is here. Boxed, because one future of all actions is larger than a
/// test's stack.
async fn perform(world: &World, actor: &Actor, action: Action) -> Result<(), AppError> {
    match action {
        Action::MemoryList
        | Action::EventStream
        | Action::MemorySearch
        | Action::MemoryViewList
        | Action::MemoryViewCreate
        | Action::MemoryViewRename
        | Action::MemoryViewDelete
        | Action::MemoryGet
        | Action::MemoryCreate
        | Action::MemoryUpdate
        | Action::MemoryDelete
        | Action::MemoryRestore
        | Action::MemoryShare
        | Action::MemoryUnshare
        | Action::ProposalList
        | Action::ProposalGet
        | Action::ProposalCreate
        | Action::ProposalAccept
        | Action::ProposalDecline
        | Action::ProposalWithdraw
        | Action::MemoryReply
        | Action::MemoryVersionRestore
        | Action::MemoryPurge
        | Action::PersonaList
        | Action::PersonaCreate
        | Action::PersonaUpdate
        | Action::PersonaDelete
        | Action::ImportStart
        | Action::ImportConfirm
        | Action::ImportDiscard
        | Action::MemoryExport
        | Action::ImportGet
        | Action::ImportCancel
        | Action::ImportRetry
        | Action::ImportApply => Box::pin(memory::perform(world, actor, action)).await,
        Action::EmbeddingModelList
        | Action::EmbeddingModelStart
        | Action::EmbeddingModelPause
        | Action::EmbeddingModelResume
        | Action::EmbeddingModelCancel
        | Action::AuditList
        | Action::IsolationProbe
        | Action::ApiKeyList
        | Action::ApiKeyListAll
        | Action::ApiKeyCreate
        | Action::ApiKeyCreateFor
        | Action::ApiKeyRevoke
        | Action::ServiceAccountCreate
        | Action::ApiKeyRevokeAny
        | Action::ProfileGet
        | Action::SessionRevoke
        | Action::PreferencesUpdate
        | Action::SettingsGet
        | Action::SettingsUpdate
        | Action::GroupMappingList
        | Action::GroupMappingSimulate
        | Action::GroupMappingCreate
        | Action::GroupMappingUpdate
        | Action::GroupMappingDelete
        | Action::NotificationList
        | Action::NotificationRead
        | Action::TenantList
        | Action::TenantCreate
        | Action::TenantSuspend
        | Action::TenantResume
        | Action::TenantDelete
        | Action::TenantTierSet => Box::pin(access::perform(world, actor, action)).await,
        Action::MemberList
        | Action::MemberGet
        | Action::MemberSuspend
        | Action::MemberDeactivate
        | Action::MemberReactivate
        | Action::MemberOffboardPreview
        | Action::MemberOffboard
        | Action::MemberSessionRevoke
        | Action::InviteList
        | Action::InviteCreate
        | Action::InviteRenew
        | Action::InviteRevoke
        | Action::RoleList
        | Action::RoleGet
        | Action::RoleCreate
        | Action::RoleUpdate
        | Action::RoleDelete
        | Action::TeamList
        | Action::TeamGet
        | Action::TeamCreate
        | Action::TeamRename
        | Action::TeamMemberChange
        | Action::TeamDelete
        | Action::BreakGlassOpen
        | Action::BreakGlassClose
        | Action::BreakGlassList
        | Action::BreakGlassRead
        | Action::RoleGrant
        | Action::RoleRevoke => Box::pin(people::perform(world, actor, action)).await,
    }
}

/// The role × action matrix as the service enforces it: `domain`'s golden file
/// lists what the roles hold, and this test shows that nothing else decides.
#[tokio::test]
async fn each_role_can_do_what_it_holds_and_nothing_else() {
    let world = World::new().await;
    for role in SystemRole::ALL {
        let actor = world.tenant.actor(*role, role.label()).await;
        for action in Action::ALL {
            let allowed = role.permissions().contains(&action.permission());
            let outcome = perform(&world, &actor, *action).await;
            match (allowed, outcome) {
                (true, Ok(())) => {}
                (false, Err(AppError::Forbidden { permission })) => {
                    assert_eq!(permission, action.permission(), "{role:?} {action}");
                }
                (_, outcome) => panic!("{role:?} {action}: {outcome:?}"),
            }
        }
    }
}

// SEC-E1: every mutation, and every read of another member's private data.
#[tokio::test]
async fn every_mutation_writes_its_audit_row() {
    let world = World::new().await;
    let mut actor = world.tenant.actor(SystemRole::Owner, "Olga").await;
    actor.permissions.insert(Permission::MemoryBreakGlass);
    actor.permissions.insert(Permission::PlatformOperate);
    for action in Action::ALL
        .iter()
        .filter(|action| action.effect() != Effect::Read)
    {
        let before = world.audit().await.len();
        perform(&world, &actor, *action).await.unwrap();
        let after = world.audit().await;
        let new = &after[..after.len() - before];
        let row = new.iter().find(|row| row.action == action.key());
        let row = row.unwrap_or_else(|| panic!("{action} wrote no audit row: {new:?}"));
        assert_eq!(row.outcome, Outcome::Success);
        assert_eq!(row.actor_user_id, Some(actor.user_id));
        assert!(row.resource_type.is_some(), "{row:?}");
        // The audit row must not contain the text of a private memory.
        let changes = json_text(row.changes.as_ref());
        assert!(!changes.contains("Tea"), "{changes}");
    }
    let mut tx = world.tenant.enter().await;
    let verdict = store::audit::audit_verify(&mut tx, &[]).await.unwrap();
    assert!(
        matches!(verdict, store::audit::AuditVerdict::Intact(_)),
        "{verdict:?}"
    );
}

// SEC-E1
#[tokio::test]
async fn every_denial_is_audited_and_changes_nothing() {
    let world = World::new().await;
    let mut actor = world.tenant.actor(SystemRole::Owner, "Nobody").await;
    actor.permissions.clear();
    let jobs = [Action::ImportApply];
    for action in Action::ALL.iter().filter(|action| !jobs.contains(action)) {
        let before = world.audit().await.len();
        let error = perform(&world, &actor, *action).await.unwrap_err();
        assert_eq!(
            error,
            AppError::Forbidden {
                permission: action.permission()
            },
            "{action}"
        );
        let after = world.audit().await;
        assert_eq!(after.len(), before + 1, "{action}");
        assert_eq!(
            (after[0].action.as_str(), after[0].outcome),
            (action.key(), Outcome::Denied)
        );
    }
}

// SEC-E1
#[tokio::test]
async fn action_that_cannot_be_audited_is_rolled_back() {
    let world = World::without_model().await;
    let actor = world.member("Mia").await;
    sqlx::query("REVOKE EXECUTE ON FUNCTION audit_append FROM atrium_app")
        .execute(&world.db.admin)
        .await
        .unwrap();
    let refused = crate::call_memory::memory_create(&world.ctx, &actor, &draft("Tea")).await;
    assert_eq!(refused, Err(AppError::Internal));
    let counts = crate::call::overview_get(&world.ctx, &actor).await.unwrap();
    assert_eq!(counts.memories.unwrap().own, 0);
}
