//! Changes of members that end sessions. They are endpoints and not operations:
//! their transaction begins with the auth role, which ends the sessions, and
//! continues as the actor.

use domain::{
    Action, Actor, AppError,
    member::{MemberChange, MemberPath, MemberSessionPath},
};

use crate::{
    Ctx,
    member::{member_change, member_session_revoke, member_session_revoke_all},
    operation::{Endpoint, Group, Route, operations},
};

operations! {
    MemberSuspend,
    MemberDeactivate,
    MemberReactivate,
    MemberSessionRevoke,
    MemberSessionRevokeAll,
}

pub struct MemberSuspend;

impl Endpoint for MemberSuspend {
    const ACTION: Action = Action::MemberSuspend;
    const ROUTE: Route = Route::act("/members/{id}/suspend");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Suspend a member";
    const DESCRIPTION: &'static str =
        "Their sessions end, and their API keys are blocked until they are reactivated.";
    type Input = MemberPath;
    type Output = ();

    async fn call(ctx: &Ctx, actor: &Actor, input: MemberPath) -> Result<(), AppError> {
        member_change(ctx, actor, input.id, MemberChange::Suspend).await
    }
}

pub struct MemberDeactivate;

impl Endpoint for MemberDeactivate {
    const ACTION: Action = Action::MemberDeactivate;
    const ROUTE: Route = Route::act("/members/{id}/deactivate");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Deactivate a member";
    const DESCRIPTION: &'static str = "For a member who has left: their sessions end, and their API keys are blocked. Offboarding also revokes keys, roles and teams.";
    type Input = MemberPath;
    type Output = ();

    async fn call(ctx: &Ctx, actor: &Actor, input: MemberPath) -> Result<(), AppError> {
        member_change(ctx, actor, input.id, MemberChange::Deactivate).await
    }
}

pub struct MemberReactivate;

impl Endpoint for MemberReactivate {
    const ACTION: Action = Action::MemberReactivate;
    const ROUTE: Route = Route::act("/members/{id}/reactivate");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "Reactivate a suspended or deactivated member";
    type Input = MemberPath;
    type Output = ();

    async fn call(ctx: &Ctx, actor: &Actor, input: MemberPath) -> Result<(), AppError> {
        member_change(ctx, actor, input.id, MemberChange::Reactivate).await
    }
}

pub struct MemberSessionRevoke;

impl Endpoint for MemberSessionRevoke {
    const ACTION: Action = Action::MemberSessionRevoke;
    const ROUTE: Route = Route::delete("/members/{id}/sessions/{session_id}");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "End one of a member's sessions";
    type Input = MemberSessionPath;
    type Output = ();

    async fn call(ctx: &Ctx, actor: &Actor, input: MemberSessionPath) -> Result<(), AppError> {
        member_session_revoke(ctx, actor, input.id, input.session_id).await
    }
}

pub struct MemberSessionRevokeAll;

impl Endpoint for MemberSessionRevokeAll {
    const ACTION: Action = Action::MemberSessionRevoke;
    const ROUTE: Route = Route::delete("/members/{id}/sessions");
    const GROUP: Group = Group::Members;
    const TITLE: &'static str = "End all sessions of a member";
    type Input = MemberPath;
    type Output = ();

    async fn call(ctx: &Ctx, actor: &Actor, input: MemberPath) -> Result<(), AppError> {
        member_session_revoke_all(ctx, actor, input.id).await?;
        Ok(())
    }
}
