//! The frame around every page of a member.

use domain::{Action, Actor, AppError, profile::Profile};

use crate::{
    Ctx, ProposalList,
    authorized_tx::{AuthorizedTx, authorize},
    operation::authorize_endpoint,
    profile::profile_of,
    proposal::may_decide,
};

/// The member, and the counts in the navigation.
#[derive(Clone, Debug)]
pub struct Frame {
    pub profile: Profile,
    /// Number of unread notifications.
    pub unread: i64,
    /// Number of proposals that wait for the member's decision; 0 if they can't
    /// decide any.
    pub waiting: i64,
}

/// Reads the frame: one statement, since the page knows the member.
pub async fn frame_get(ctx: &Ctx, actor: &Actor) -> Result<Frame, AppError> {
    authorize(ctx, actor, Action::NotificationList).await?;
    let counts_proposals = may_decide(actor);
    if counts_proposals {
        authorize_endpoint::<ProposalList>(ctx, actor).await?;
    }
    let mut tx = AuthorizedTx::begin(ctx, actor, Action::ProfileGet).await?;
    let counts = store::notification::frame_counts(&mut tx, counts_proposals).await?;
    let known = ctx.page.as_ref().and_then(|page| page.profile_of(actor));
    let profile = if let Some(profile) = known {
        profile.clone()
    } else {
        let record = store::actor::actor_load(&mut tx, actor.user_id).await?;
        profile_of(&record, actor)
    };
    Ok(Frame {
        profile,
        unread: counts.unread,
        waiting: counts.waiting,
    })
}
