//! Server functions of invites.

use domain::{
    AppError, InviteId, Page,
    invite::{Invite, InviteChoices, InviteFilter, InviteLink, OpenInvite},
};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use crate::start::LoginOption;
#[cfg(feature = "ssr")]
use crate::{AppInfo, Flash, api, forms};

/// What the one who opens a link finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum OpenedLink {
    /// An invite that can be accepted.
    Open {
        /// What it gives.
        invite: OpenInvite,
        /// Issuers whose people may belong to the organisation.
        ways: Vec<LoginOption>,
        /// As whom the visitor is signed in already.
        signed_in: Option<String>,
    },
    /// Nothing that could be; the code of what happened.
    Ended(String),
}

/// One page of invites, newest first; `after` is where it begins, or empty.
#[server(endpoint = "invite_list")]
pub(crate) async fn invite_list(
    #[server(default)] filter: InviteFilter,
    #[server(default)] after: String,
) -> Result<Page<Invite>, AppError> {
    let (ctx, actor) = api::caller()?;
    let after = Some(after).filter(|after| !after.is_empty());
    service::invite_list(&ctx, &actor, &filter, after.as_deref()).await
}

/// One invite.
#[server(endpoint = "invite_get")]
pub(crate) async fn invite_get(id: InviteId) -> Result<Invite, AppError> {
    let (ctx, actor) = api::caller()?;
    service::invite_get(&ctx, &actor, id).await
}

/// What one can choose from when inviting.
#[server(endpoint = "invite_offer")]
pub(crate) async fn invite_offer() -> Result<InviteChoices, AppError> {
    let (ctx, actor) = api::caller()?;
    service::invite_offer(&ctx, &actor).await
}

/// Invites somebody. The page of the form shows the link, once: no URL of ours
/// but the link's own holds it.
#[server(endpoint = "invite_create")]
pub(crate) async fn invite_create(
    #[server(default)] email: String,
    #[server(default)] role: String,
    #[server(default)] team: String,
    #[server(default)] days: String,
) -> Result<InviteLink, AppError> {
    let (ctx, actor) = api::caller()?;
    let draft = domain::invite::InviteDraft {
        email,
        role,
        team,
        days,
    };
    let made = service::invite_create(&ctx, &actor, &draft, &api::origin()?).await?;
    forms::stay();
    Ok(made)
}

/// Makes a new link, which the page of the form shows once.
#[server(endpoint = "invite_renew")]
pub(crate) async fn invite_renew(
    id: InviteId,
    #[server(default)] days: String,
) -> Result<InviteLink, AppError> {
    let (ctx, actor) = api::caller()?;
    let made = service::invite_renew(&ctx, &actor, id, &days, &api::origin()?).await?;
    forms::stay();
    Ok(made)
}

/// Ends an invite.
#[server(endpoint = "invite_revoke")]
pub(crate) async fn invite_revoke(id: InviteId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::invite_revoke(&ctx, &actor, id).await?;
    api::go("/invites", Flash::InviteRevoked);
    Ok(())
}

/// What is behind a link. Anybody who has it may look, so this takes no member:
/// the page is rendered on the server, and browsers never call it.
#[server(endpoint = "invite_look")]
pub(crate) async fn invite_look(token: String) -> Result<OpenedLink, AppError> {
    let ctx = use_context::<service::Ctx>().ok_or(AppError::Internal)?;
    let info = use_context::<AppInfo>().ok_or(AppError::Internal)?;
    let known = match service::invite_known(&ctx, &token).await {
        Ok(known) => known,
        Err(refusal) => {
            let problem = refusal.to_problem()?;
            return Ok(OpenedLink::Ended(problem.code().to_owned()));
        }
    };
    let ways = info.ways_in.into_iter();
    let actor = use_context::<Option<domain::Actor>>().flatten();
    Ok(OpenedLink::Open {
        ways: ways
            .filter(|way| way.reach.reaches(&known.reachable))
            .collect(),
        invite: known.open,
        signed_in: actor.map(|actor| actor.label),
    })
}
