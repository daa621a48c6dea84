//! Server functions of invites.

use domain::{
    AppError, InviteId, NoInput,
    invite::{Invite, InviteChoices, InviteLink, OpenInvite},
    invite::{InviteInput, InviteManyInput, InvitePath, InviteRenewInput, split_addresses},
};
use leptos::prelude::*;

use crate::{AppInfo, Flash, api, forms, start::LoginOption};

/// The invite behind an opened link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OpenedLink {
    /// An invite that can be accepted.
    Open {
        invite: OpenInvite,
        /// Issuers whose users may join the organisation.
        ways: Vec<LoginOption>,
        /// Name of the member as whom the visitor is signed in.
        signed_in: Option<String>,
    },
    /// The invite can't be accepted; the code of a `SignInProblem`.
    Ended(String),
}

pub(crate) async fn invite_get(id: InviteId) -> Result<Invite, AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::InviteGet>(&ctx, &actor, InvitePath { id }).await
}

/// The choices for a new invite.
pub(crate) async fn invite_choices_get() -> Result<InviteChoices, AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::InviteChoicesGet>(&ctx, &actor, NoInput {}).await
}

/// Creates an invite for each address in the text, or one for anybody if there
/// is none. The form's page shows the links once: no URL but the link itself
/// contains it.
#[server(endpoint = "invite_create")]
pub(crate) async fn invite_create(
    #[server(default)] emails: String,
    #[server(default)] role: String,
    #[server(default)] team: String,
    #[server(default)] days: String,
) -> Result<Vec<InviteLink>, AppError> {
    let (ctx, actor) = api::caller()?;
    let emails = split_addresses(&emails);
    let links = if emails.is_empty() {
        let input = InviteInput {
            email: String::new(),
            role,
            team,
            days,
        };
        let link = service::call::<service::InviteCreate>(&ctx, &actor, input).await;
        vec![link.map_err(email_to_emails)?]
    } else {
        let input = InviteManyInput {
            emails,
            role,
            team,
            days,
        };
        let links = service::call::<service::InviteCreateMany>(&ctx, &actor, input).await?;
        links.items
    };
    forms::stay();
    Ok(links)
}

/// Names the field of the form, whose text may have several addresses.
fn email_to_emails(error: AppError) -> AppError {
    match error {
        AppError::Invalid { mut fields } => {
            for field in &mut fields {
                if field.field == "email" {
                    "emails".clone_into(&mut field.field);
                }
            }
            AppError::Invalid { fields }
        }
        other => other,
    }
}

/// Replaces the link; the form's page shows the new one once.
#[server(endpoint = "invite_renew")]
pub(crate) async fn invite_renew(
    id: InviteId,
    #[server(default)] days: String,
) -> Result<InviteLink, AppError> {
    let (ctx, actor) = api::caller()?;
    let input = InviteRenewInput { id, days };
    let link = service::call::<service::InviteRenew>(&ctx, &actor, input).await?;
    forms::stay();
    Ok(link)
}

#[server(endpoint = "invite_revoke")]
pub(crate) async fn invite_revoke(id: InviteId) -> Result<(), AppError> {
    let (ctx, actor) = api::caller()?;
    service::call::<service::InviteRevoke>(&ctx, &actor, InvitePath { id }).await?;
    api::redirect_with_flash("/invites", Flash::INVITE_REVOKED);
    Ok(())
}

/// The invite behind a link. Anybody who has the link may read it, so this
/// requires no session: the page is rendered on the server, and browsers never
/// call it.
pub(crate) async fn invite_by_link(token: String) -> Result<OpenedLink, AppError> {
    let ctx = use_context::<service::Ctx>().ok_or(AppError::Internal)?;
    let info = use_context::<AppInfo>().ok_or(AppError::Internal)?;
    let lookup = match service::invite_find(&ctx, &token).await {
        Ok(lookup) => lookup,
        Err(error) => {
            let problem = error.to_problem()?;
            return Ok(OpenedLink::Ended(problem.code().to_owned()));
        }
    };
    let ways = info.login_options.into_iter();
    let actor = use_context::<Option<domain::Actor>>().flatten();
    Ok(OpenedLink::Open {
        ways: ways
            .filter(|way| way.reach.reaches(&lookup.reachable))
            .collect(),
        invite: lookup.open,
        signed_in: actor.map(|actor| actor.label),
    })
}
