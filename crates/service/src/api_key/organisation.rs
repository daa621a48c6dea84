//! API keys of all members, and the agents and service accounts that have nothing
//! else to authenticate with.

use domain::{
    Action, AppError, NoInput, Page,
    api_key::{
        ApiKey, ApiKeyDetail, ApiKeyListInput, ApiKeyPath, ApiKeyScope, CreatedApiKey,
        CreatedServiceAccount, KeyOwner, NewServiceAccount, OrganisationApiKeyInput,
        ServiceAccount, ServiceAccountInput, ServiceAccountPath,
    },
};
use serde_json::json;
use store::user::{NewUser, user_create};

use super::{create, get, get_owner, list, revoke};
use crate::{
    authorized_tx::{AuditTarget, AuthorizedTx},
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

pub struct ServiceAccountCreate;

impl Operation for ServiceAccountCreate {
    const ACTION: Action = Action::ServiceAccountCreate;
    const ROUTE: Route = Route::create("/service-accounts");
    const GROUP: Group = Group::ApiKeys;
    const TITLE: &'static str = "Create an agent or a service";
    const DESCRIPTION: &'static str = "It has no role. Assign one before using its keys.";
    type Input = ServiceAccountInput;
    type Output = CreatedServiceAccount;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: ServiceAccountInput,
    ) -> Result<Done<CreatedServiceAccount>, AppError> {
        let new = NewServiceAccount::parse(&input)?;
        let user = NewUser {
            id: tx.ctx.ids.id(),
            display_name: &new.name,
            email: None,
            kind: new.kind,
        };
        let now = tx.now();
        user_create(tx, &user, now).await?;
        let after = json!({ "after": { "name": new.name, "kind": new.kind } });
        let target = AuditTarget::of(user.id).with_changes(after);
        let created = CreatedServiceAccount { id: user.id };
        Ok(Done::audited(created, target))
    }
}
