//! API keys of all members, and the agents and service accounts that have nothing
//! else to authenticate with.

use domain::{
    Action, AppError, NoInput, Page, Permission,
    api_key::{
        ApiKey, ApiKeyDetail, ApiKeyListInput, ApiKeyPath, ApiKeyScope, CreatedApiKey,
        CreatedServiceAccount, KEY, KeyOwner, NewServiceAccount, OrganisationApiKeyInput,
        ServiceAccount, ServiceAccountChoices, ServiceAccountInput, ServiceAccountPath,
        UNKNOWN_ROLE,
    },
};
use serde_json::json;
use store::user::{NewUser, user_create};

use super::{create, create_in_tx, get, get_owner, list, revoke, set_default_vendor};
use crate::{
    authorized_tx::{AuditTarget, AuthorizedTx},
    member::{grantable_in_tx, role_grant_in_tx},
    operation::{Done, Group, Operation, Route},
};

/// Services on a page; beyond that they are found in the member list.
const MAX_SERVICES: u16 = 200;

pub struct OrganisationApiKeyList;

impl Operation for OrganisationApiKeyList {
    const ACTION: Action = Action::ApiKeyListAll;
    const ROUTE: Route = Route::get("/organisation/api-keys");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "List all API keys";
    const DESCRIPTION: &'static str = "The newest first.";
    type Input = ApiKeyListInput;
    type Output = Page<ApiKey>;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: ApiKeyListInput,
    ) -> Result<Done<Page<ApiKey>>, AppError> {
        list(tx, ApiKeyScope::Any, &input).await
    }
}

pub struct OrganisationApiKeyGet;

impl Operation for OrganisationApiKeyGet {
    const ACTION: Action = Action::ApiKeyListAll;
    const ROUTE: Route = Route::get("/organisation/api-keys/{id}");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "Get an API key of any member";
    const DESCRIPTION: &'static str =
        "With its effective permissions: the scopes that its owner holds now.";
    type Input = ApiKeyPath;
    type Output = ApiKeyDetail;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: ApiKeyPath,
    ) -> Result<Done<ApiKeyDetail>, AppError> {
        get(tx, ApiKeyScope::Any, input.id).await
    }
}

pub struct ServiceAccountOwnerGet;

impl Operation for ServiceAccountOwnerGet {
    const ACTION: Action = Action::ApiKeyListAll;
    const ROUTE: Route = Route::get("/service-accounts/{id}/owner");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "Get an agent or a service as the owner of a new API key";
    const DESCRIPTION: &'static str = "With the scopes that the key could have.";
    type Input = ServiceAccountPath;
    type Output = KeyOwner;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: ServiceAccountPath,
    ) -> Result<Done<KeyOwner>, AppError> {
        get_owner(tx, input.id).await
    }
}

pub struct OrganisationApiKeyCreate;

impl Operation for OrganisationApiKeyCreate {
    const ACTION: Action = Action::ApiKeyCreateFor;
    const ROUTE: Route = Route::create("/organisation/api-keys");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "Create an API key for an agent or a service";
    const DESCRIPTION: &'static str = "The answer has the key, which can't be read later.";
    type Input = OrganisationApiKeyInput;
    type Output = CreatedApiKey;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: OrganisationApiKeyInput,
    ) -> Result<Done<CreatedApiKey>, AppError> {
        create(tx, input.owner_id, input.into_key()).await
    }
}

pub struct OrganisationApiKeyRevoke;

impl Operation for OrganisationApiKeyRevoke {
    const ACTION: Action = Action::ApiKeyRevokeAny;
    const ROUTE: Route = Route::delete("/organisation/api-keys/{id}");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "Revoke an API key of any member";
    const DESCRIPTION: &'static str = "It is blocked from the next request.";
    type Input = ApiKeyPath;
    type Output = ();

    async fn run(tx: &mut AuthorizedTx<'_>, input: ApiKeyPath) -> Result<Done<()>, AppError> {
        revoke(tx, ApiKeyScope::Any, input.id).await
    }
}

pub struct ServiceAccountList;

impl Operation for ServiceAccountList {
    const ACTION: Action = Action::ApiKeyListAll;
    const ROUTE: Route = Route::get("/service-accounts");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "List agents and services";
    const DESCRIPTION: &'static str = "At most 200, by name.";
    type Input = NoInput;
    type Output = Vec<ServiceAccount>;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: NoInput,
    ) -> Result<Done<Vec<ServiceAccount>>, AppError> {
        let NoInput {} = input;
        let now = tx.now();
        let accounts = store::api_key::service_account_list(tx, now, MAX_SERVICES).await?;
        Ok(Done::read(accounts))
    }
}

pub struct ServiceAccountChoicesGet;

impl Operation for ServiceAccountChoicesGet {
    const ACTION: Action = Action::ApiKeyListAll;
    const ROUTE: Route = Route::get("/service-accounts/choices");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "Get the choices for an agent or a service";
    const DESCRIPTION: &'static str =
        "The roles that the member can assign to it, and the permissions of its first key.";
    type Input = NoInput;
    type Output = ServiceAccountChoices;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        NoInput {}: NoInput,
    ) -> Result<Done<ServiceAccountChoices>, AppError> {
        let actor = tx.actor;
        let roles = if tx.holds(Permission::RoleGrant) {
            grantable_in_tx(tx, actor).await?
        } else {
            Vec::new()
        };
        let scopes = Permission::grantable(&actor.permissions).into_iter();
        Ok(Done::read(ServiceAccountChoices {
            roles,
            scopes: scopes.filter(|scope| !scope.is_entrusted()).collect(),
        }))
    }
}

pub struct ServiceAccountCreate;

impl Operation for ServiceAccountCreate {
    const ACTION: Action = Action::ServiceAccountCreate;
    const ROUTE: Route = Route::create("/service-accounts");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "Create an agent or a service";
    const DESCRIPTION: &'static str = "With its roles, which need the permission `role.grant`, and its first key. Without a role its keys can do nothing. \
         The answer has the key, which can't be read later.";
    type Input = ServiceAccountInput;
    type Output = CreatedServiceAccount;

    /// # Errors
    /// [`AppError::Forbidden`] naming the permission that the actor can't grant,
    /// by a role or to the key.
    async fn run(
        tx: &mut AuthorizedTx<'_>,
        mut input: ServiceAccountInput,
    ) -> Result<Done<CreatedServiceAccount>, AppError> {
        let actor = tx.actor;
        if let Some(key) = &mut input.key {
            set_default_vendor(actor, key);
        }
        let new = NewServiceAccount::parse(&input)?;
        let user = NewUser {
            id: tx.ctx.ids.id(),
            display_name: &new.name,
            email: None,
            kind: new.kind,
        };
        let (id, now) = (user.id, tx.now());
        tx.set_about(AuditTarget::of(id));
        user_create(tx, &user, now).await?;
        let after = json!({ "after": { "name": new.name, "kind": new.kind } });
        let mut rows = vec![(
            Action::ServiceAccountCreate,
            AuditTarget::of(id).with_changes(after),
        )];
        if !new.roles.is_empty() {
            actor.authorize(Permission::RoleGrant)?;
        }
        for role in new.roles {
            let granted = role_grant_in_tx(tx, actor, id, role, now).await;
            let changes = granted.map_err(|error| match error {
                AppError::NotFound => AppError::field("roles", UNKNOWN_ROLE),
                other => other,
            })?;
            rows.push((Action::RoleGrant, AuditTarget::of(id).with_changes(changes)));
        }
        let mut created = CreatedServiceAccount { id, key: None };
        if let Some(key) = new.key {
            let (key, target) = create_in_tx(tx, id, key)
                .await
                .map_err(|error| error.within(KEY))?;
            created.key = Some(key);
            rows.push((Action::ApiKeyCreateFor, target));
        }
        // After all other changes, and in their order.
        let (action, target) = rows.pop().ok_or(AppError::Internal)?;
        for (action, target) in rows {
            tx.audit_side_effects(action, [target]).await?;
        }
        tx.set_action(action);
        Ok(Done::audited(created, target))
    }
}
