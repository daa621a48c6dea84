//! The invite mail. It is sent right after the invite is stored and not by a
//! job, because the token is stored nowhere.

use domain::{
    Actor, AppError, InviteId,
    email::EmailAddress,
    invite::{Invite, InviteLink, MailOutcome},
};
use mail::Mail;

use crate::Ctx;

/// Mails the link if possible and returns it with the outcome. A failed mail
/// doesn't affect the invite.
pub(super) async fn send(ctx: &Ctx, actor: &Actor, link: InviteLink) -> InviteLink {
    let mail = match link.email.as_deref().map(EmailAddress::parse) {
        Some(Ok(to)) if ctx.mailer.is_on() => mail(ctx, actor, &link, to).await,
        _ => MailOutcome::NotSent,
    };
    InviteLink { mail, ..link }
}

async fn mail(ctx: &Ctx, actor: &Actor, link: &InviteLink, to: EmailAddress) -> MailOutcome {
    let (invite, organisation) = match load(ctx, actor, link.id).await {
        Ok(loaded) => loaded,
        Err(error) => {
            let reason = error.to_string();
            return MailOutcome::Failed { reason };
        }
    };
    let grants: Vec<_> = [
        invite
            .role
            .as_ref()
            .map(|role| format!("the role {}", role.name)),
        invite
            .team
            .as_ref()
            .map(|team| format!("the team {}", team.name)),
    ]
    .into_iter()
    .flatten()
    .collect();
    let day = invite.expires_at.date();
    let until = format!("{} {} {}", day.day(), day.month(), day.year());
    let mail = Mail {
        id: ctx.ids.id(),
        at: ctx.clock.now(),
        to,
        subject: format!("{} invites you to {organisation}", actor.label),
        paragraphs: [
            Some(format!(
                "{} invites you to join {organisation} on Atrium.",
                actor.label
            )),
            (!grants.is_empty()).then(|| format!("You get {}.", grants.join(" and "))),
            Some(format!(
                "The link works once, until {until}. Anyone with the link can join, so don't share it."
            )),
            Some("If you don't know what this is about, ignore this email.".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect(),
        link: Some(("Accept the invite".to_owned(), link.link.clone())),
    };
    match ctx.mailer.send(&mail).await {
        Ok(()) => MailOutcome::Sent,
        Err(error) => {
            tracing::warn!(%error, invite = %invite.id, "an invite's mail was not sent");
            let reason = error.to_string();
            MailOutcome::Failed { reason }
        }
    }
}

/// The invite and the name of its organisation.
async fn load(ctx: &Ctx, actor: &Actor, id: InviteId) -> Result<(Invite, String), AppError> {
    let mut tx = ctx.store.begin(actor).await?;
    let invite = store::invite::invite_get(&mut tx, id).await?.invite;
    let organisation = store::settings::organisation_get(&mut tx).await?;
    Ok((invite, organisation.name))
}
