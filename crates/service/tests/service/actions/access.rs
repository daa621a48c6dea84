//! Actions on keys, the own account, the organisation, the audit log and the installation.

use domain::{
    Action, Actor, AppError, NoInput, Permission,
    access::SystemRole,
    api_key::{ApiKeyScope, ServiceAccountInput},
    audit::AuditListInput,
    embedding_model::EmbeddingModelInput,
    group_mapping::GroupMappingSimulateInput,
    preferences::{PreferencesInput, Theme},
    settings::SettingsInput,
    tenant::{TenantFilter, TenantStatus, TenantTier},
};
use service::{Initiator, NewOrganisation, Owner};

use super::given::{local_again, next_model, notification, own_key, tenant};
use crate::{
    api_key::{key_draft, service_account},
    support::World,
};

#[expect(clippy::too_many_lines, reason = "one arm for each action")]
pub(super) async fn perform(world: &World, actor: &Actor, action: Action) -> Result<(), AppError> {
    let ctx = &world.ctx;
    match action {
        Action::EmbeddingModelList => crate::call::embedding_model_get(ctx, actor).await.map(drop),
        Action::EmbeddingModelStart => {
            next_model(world, actor, true).await;
            let local = EmbeddingModelInput {
                source: "local".into(),
                ..EmbeddingModelInput::default()
            };
            let started = crate::call::embedding_model_start(ctx, actor, &local).await;
            local_again(world, actor).await;
            started.map(drop)
        }
        Action::EmbeddingModelPause => {
            let id = next_model(world, actor, false).await;
            crate::call::embedding_model_pause(ctx, actor, id).await
        }
        Action::EmbeddingModelResume => {
            let id = next_model(world, actor, false).await;
            sqlx::query("UPDATE embedding_models SET status = 'paused' WHERE id = $1")
                .bind(id)
                .execute(&world.db.admin)
                .await
                .unwrap();
            crate::call::embedding_model_resume(ctx, actor, id).await
        }
        Action::EmbeddingModelCancel => {
            let id = next_model(world, actor, false).await;
            crate::call::embedding_model_cancel(ctx, actor, id).await
        }
        Action::AuditList => {
            service::call::<service::AuditList>(ctx, actor, AuditListInput::default())
                .await
                .map(drop)
        }
        Action::IsolationProbe => {
            let report = service::call::<service::IsolationProbe>(ctx, actor, NoInput {}).await?;
            assert!(report.holds(), "{report:?}");
            Ok(())
        }
        Action::ApiKeyList => {
            crate::call::api_key_list(ctx, actor, ApiKeyScope::Own).await?;
            crate::call::api_key_owner(ctx, actor, None).await?;
            let own = own_key(world, actor).await;
            crate::call::api_key_get(ctx, actor, ApiKeyScope::Own, own)
                .await
                .map(drop)
        }
        Action::ApiKeyListAll => {
            crate::call::api_key_list(ctx, actor, ApiKeyScope::Any).await?;
            let own = own_key(world, actor).await;
            crate::call::api_key_get(ctx, actor, ApiKeyScope::Any, own).await?;
            let account = service_account(world, SystemRole::Viewer).await;
            crate::call::api_key_owner(ctx, actor, Some(account)).await?;
            service::call::<service::ServiceAccountList>(ctx, actor, NoInput {})
                .await
                .map(drop)
        }
        Action::ApiKeyCreate => {
            let key = key_draft(&[Permission::MemoryRead]);
            crate::call::api_key_create(ctx, actor, None, &key)
                .await
                .map(drop)
        }
        Action::ApiKeyCreateFor => {
            let account = service_account(world, SystemRole::Viewer).await;
            let key = key_draft(&[Permission::MemoryRead]);
            crate::call::api_key_create(ctx, actor, Some(account), &key)
                .await
                .map(drop)
        }
        Action::ApiKeyRevoke => {
            let own = own_key(world, actor).await;
            crate::call::api_key_revoke(ctx, actor, ApiKeyScope::Own, own).await
        }
        Action::ServiceAccountCreate => {
            let input = ServiceAccountInput {
                name: "Exporter".into(),
                kind: "service".into(),
                ..ServiceAccountInput::default()
            };
            service::call::<service::ServiceAccountCreate>(ctx, actor, input)
                .await
                .map(drop)
        }
        Action::ApiKeyRevokeAny => {
            let other = world.member("Max").await;
            let others = own_key(world, &other).await;
            crate::call::api_key_revoke(ctx, actor, ApiKeyScope::Any, others).await
        }
        Action::ProfileGet => {
            crate::call::profile_get(ctx, actor).await?;
            crate::call::preferences_get(ctx, actor).await?;
            service::session_list(ctx, actor).await?;
            crate::call::overview_get(ctx, actor).await.map(drop)
        }
        Action::SessionRevoke => {
            service::session_revoke(ctx, actor, world.session(actor.user_id).await).await?;
            service::session_revoke_others(ctx, actor).await.map(drop)
        }
        Action::PreferencesUpdate => {
            crate::call::theme_set(ctx, actor, Theme::Dark).await?;
            let input = PreferencesInput::default();
            service::call::<service::PreferencesUpdate>(ctx, actor, input).await
        }
        Action::SettingsGet => crate::call::settings_get(ctx, actor).await.map(drop),
        Action::SettingsUpdate => {
            let mut tx = world.tenant.enter().await;
            let version = store::settings::organisation_get(&mut tx).await?.version;
            let draft = SettingsInput {
                name: "Acme".into(),
                ..SettingsInput::default()
            };
            crate::call::settings_update(ctx, actor, version, &draft).await
        }
        Action::GroupMappingList => crate::call::group_mapping_list(ctx, actor).await.map(drop),
        Action::GroupMappingSimulate => {
            crate::call::group_mapping_simulate(ctx, actor, &GroupMappingSimulateInput::default())
                .await
                .map(drop)
        }
        Action::GroupMappingCreate => {
            let draft = world.rule("finance").await;
            crate::call::group_mapping_create(ctx, actor, &draft)
                .await
                .map(drop)
        }
        Action::GroupMappingUpdate => {
            let (id, draft) = world.stored_rule("sales").await;
            crate::call::group_mapping_update(ctx, actor, id, &draft).await
        }
        Action::GroupMappingDelete => {
            let (id, _) = world.stored_rule("legal").await;
            crate::call::group_mapping_delete(ctx, actor, id).await
        }
        Action::NotificationList => {
            service::frame_get(ctx, actor).await?;
            crate::call::break_glass_reports(ctx, actor).await?;
            crate::call::notification_list(ctx, actor).await.map(drop)
        }
        Action::NotificationRead => {
            let id = notification(world, actor).await;
            crate::call::notification_read(ctx, actor, id).await?;
            crate::call::notification_read_all(ctx, actor).await
        }
        Action::TenantList => {
            service::tenant_page(ctx, actor, &TenantFilter::default(), None).await?;
            service::tenant_get(ctx, actor, tenant(world, TenantStatus::Active).await)
                .await
                .map(drop)
        }
        Action::TenantCreate => {
            let organisation = NewOrganisation {
                slug: "fresh",
                name: "Fresh",
                is_demo: false,
                directory: None,
            };
            let owner = Owner::Invited { email: None };
            service::tenant_create(ctx, Initiator::Operator(actor), &organisation, owner)
                .await
                .map(drop)
        }
        Action::TenantSuspend => {
            let id = tenant(world, TenantStatus::Active).await;
            service::tenant_suspend(ctx, Initiator::Operator(actor), id, "Unpaid").await
        }
        Action::TenantResume => {
            let id = tenant(world, TenantStatus::Suspended).await;
            service::tenant_resume(ctx, Initiator::Operator(actor), id).await
        }
        Action::TenantDelete => {
            let id = tenant(world, TenantStatus::Active).await;
            service::tenant_delete(ctx, Initiator::Operator(actor), id, None, "Left", None).await
        }
        Action::TenantTierSet => {
            let id = tenant(world, TenantStatus::Active).await;
            service::tenant_tier_set(ctx, Initiator::Operator(actor), id, TenantTier::Starter).await
        }
        other => unreachable!("{other} is in another module"),
    }
}
