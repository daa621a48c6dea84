//! Server functions of the setup page.

use domain::{
    AppError, Permission,
    api_key::{ApiKeyInput, CreatedApiKey},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use super::setup::Client;
use crate::{api, forms};

/// Permissions of a client's key, as far as its owner has them.
const CLIENT_SCOPES: [Permission; 2] = [Permission::MemoryRead, Permission::MemoryWrite];

/// Lifetime of a client's key in days.
pub(super) const CLIENT_KEY_DAYS: u16 = 90;

/// A client and the key that was created for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ConnectedClient {
    /// As in the form.
    pub(super) client: String,
    pub(super) created: CreatedApiKey,
}

/// URL of the MCP endpoint.
pub(crate) async fn connect_get() -> Result<String, AppError> {
    api::caller()?;
    Ok(format!("{}/mcp", api::origin()?))
}

/// Creates a key for one of the clients. The form's page shows the client's
/// setup with the key once: no URL holds it.
#[server(endpoint = "connect_client")]
pub(crate) async fn connect_client(
    #[server(default)] client: String,
) -> Result<ConnectedClient, AppError> {
    let (ctx, actor) = api::caller()?;
    service::authorize_endpoint::<service::ApiKeyCreate>(&ctx, &actor).await?;
    let chosen = Client::from_key(&client)
        .ok_or_else(|| AppError::field("client", "Choose one of the clients."))?;
    let scopes = CLIENT_SCOPES
        .iter()
        .filter(|scope| actor.permissions.contains(scope))
        .map(|scope| scope.key().to_owned())
        .collect();
    let input = ApiKeyInput {
        label: chosen.name().to_owned(),
        scopes,
        vendor: Some(chosen.vendor().key().to_owned()),
        lifetime: CLIENT_KEY_DAYS.to_string(),
    };
    let created = service::call::<service::ApiKeyCreate>(&ctx, &actor, input).await?;
    forms::stay();
    Ok(ConnectedClient { client, created })
}
