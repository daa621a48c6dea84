//! Inviting several addresses at once: all of them or none.

use domain::{
    Action, Actor, AppError, InviteId,
    invite::{InviteLink, InviteLinks, InviteManyInput, MailOutcome, NewInvites},
};
use serde_json::json;
use store::{invite::NewInviteRow, settings::organisation_get};

use super::{InviteToken, grantable, letter};
use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    operation::{Done, Group, Operation, Route},
};

/// Mails that are sent at the same time.
const MAILS_AT_ONCE: usize = 4;

pub struct InviteCreateMany;

impl Operation for InviteCreateMany {
    const ACTION: Action = Action::InviteCreate;
    const ROUTE: Route = Route::post("/invites/batch");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Create several invites";
    const DESCRIPTION: &'static str = "One for each address, or none if any is not valid. Each \
                                       link is in the answer and, if the server sends mail, in \
                                       the mail to its address; it can't be read later.";
    type Input = InviteManyInput;
    type Output = InviteLinks;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        input: InviteManyInput,
    ) -> Result<Done<InviteLinks>, AppError> {
        let (ctx, actor) = (tx.ctx, tx.actor);
        let domains = organisation_get(tx).await?.settings.invite_domains;
        let new = NewInvites::parse(&input, &domains)?;
        let grant = grantable(tx, actor, new.role, new.team).await?;
        let now = tx.now();
        let expires_at = now + new.lifetime;
        let (mut items, mut targets) = (Vec::new(), Vec::new());
        for email in &new.emails {
            let id: InviteId = ctx.ids.id();
            let token = InviteToken::make(ctx);
            let record = NewInviteRow {
                id,
                email: Some(email),
                token_hash: &token.hash(),
                role_id: new.role,
                team_id: new.team,
                expires_at,
            };
            store::invite::invite_create(tx, &record, now).await?;
            targets.push(AuditTarget::of(id).with_changes(json!({ "after": {
                "email": email.as_str(),
                "role": grant.role.as_ref().map(|role| &role.key),
                "team": grant.team.as_ref().map(|team| &team.name),
                "days": new.lifetime.whole_days(),
            } })));
            items.push(InviteLink {
                id,
                link: token.link(&ctx.public_url),
                email: Some(email.as_str().to_owned()),
                expires_at,
                mail: MailOutcome::NotSent,
            });
        }
        // The driver writes the row of the last.
        let last = targets.pop().ok_or(AppError::Internal)?;
        tx.audit_side_effects(Action::InviteCreate, targets).await?;
        Ok(Done::audited(InviteLinks { items }, last))
    }

    async fn after_commit(ctx: &Ctx, actor: &Actor, links: InviteLinks) -> InviteLinks {
        let mut items = Vec::with_capacity(links.items.len());
        for some in links.items.chunks(MAILS_AT_ONCE) {
            let sending: Vec<_> = some
                .iter()
                .map(|link| {
                    let (ctx, actor, link) = (ctx.clone(), actor.clone(), link.clone());
                    tokio::spawn(async move { letter::send(&ctx, &actor, link).await })
                })
                .collect();
            for (link, sent) in some.iter().zip(sending) {
                items.push(sent.await.unwrap_or_else(|error| InviteLink {
                    mail: MailOutcome::Failed {
                        reason: error.to_string(),
                    },
                    ..link.clone()
                }));
            }
        }
        InviteLinks { items }
    }
}
