//! The organisation's name and settings.

use domain::{
    Action, AppError, NoInput,
    settings::{Organisation, OrganisationUpdate, SettingsInput},
};
use serde_json::json;
use store::settings::{organisation_get, organisation_update};

use crate::{
    authorized_tx::{AuditTarget, AuthorizedTx},
    operation::{Done, Group, Operation, Route, operations},
    preferences::KNOWN,
};

operations! {
    SettingsGet,
    SettingsUpdate,
}

pub struct SettingsGet;

impl Operation for SettingsGet {
    const ACTION: Action = Action::SettingsGet;
    const ROUTE: Route = Route::get("/settings");
    const GROUP: Group = Group::Organisation;
    const TITLE: &'static str = "Get the organisation's settings";
    type Input = NoInput;
    type Output = Organisation;

    async fn run(tx: &mut AuthorizedTx<'_>, _: NoInput) -> Result<Done<Organisation>, AppError> {
        Ok(Done::read(organisation_get(tx).await?))
    }
}

pub struct SettingsUpdate;

impl Operation for SettingsUpdate {
    const ACTION: Action = Action::SettingsUpdate;
    const ROUTE: Route = Route::put("/settings");
    const GROUP: Group = Group::Organisation;
    const TITLE: &'static str = "Replace the organisation's settings";
    const DESCRIPTION: &'static str =
        "Omitted fields are unset. A conflict if they have changed since `version`.";
    type Input = SettingsInput;
    type Output = ();

    async fn run(tx: &mut AuthorizedTx<'_>, input: SettingsInput) -> Result<Done<()>, AppError> {
        let before = organisation_get(tx).await?;
        let after = OrganisationUpdate::parse(&input, KNOWN)?;
        let now = tx.now();
        organisation_update(tx, input.version, &after, now).await?;
        let target = AuditTarget::of(tx.actor.tenant_id).with_changes(json!({
            "before": { "name": before.name, "settings": before.settings },
            "after": { "name": after.name, "settings": after.settings },
        }));
        Ok(Done::audited((), target))
    }
}
