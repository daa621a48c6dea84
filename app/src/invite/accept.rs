//! The page behind an invite's link, for visitors who are signed in or not.

use domain::{AppError, SignInProblem, invite::OpenInvite};
use leptos::prelude::*;

use super::api::{OpenedLink, invite_by_link};
use crate::{
    frame::DemoBanner,
    start::LoginOption,
    ui::{ErrorState, Glyph, Icon, PageTitle, Time, path_text, state::set_status},
};

/// The page at `/invite/{token}`.
#[component]
pub(crate) fn InviteAcceptPage() -> impl IntoView {
    let token = path_text("token");
    let link = Suspend::new(async move { show(invite_by_link(token.clone()).await, token) });
    view! {
        <DemoBanner />
        <main class="gate">
            <div class="gate-card">
                <p class="wordmark"><Glyph icon=Icon::Logo />"Atrium"</p>
                {link}
            </div>
        </main>
    }
    .into_any()
}

fn show(link: Result<OpenedLink, AppError>, token: String) -> AnyView {
    match link {
        Ok(OpenedLink::Open {
            invite,
            ways,
            signed_in,
        }) => view! { <Join invite=invite ways=ways signed_in=signed_in token=token /> }.into_any(),
        Ok(OpenedLink::Ended(code)) => {
            let problem = SignInProblem::from_code(&code).unwrap_or(SignInProblem::InviteUnknown);
            set_status(&AppError::NotFound);
            view! {
                <PageTitle text="Invite" />
                <h1>"This invite can’t be used"</h1>
                <p>{problem.sentence()}</p>
                <a class="button button-wide" href="/sign-in" rel="external">"Go to sign-in"</a>
            }
            .into_any()
        }
        Err(error) => view! { <ErrorState error=error whole_page=true /> }.into_any(),
    }
}

#[component]
fn Join(
    invite: OpenInvite,
    ways: Vec<LoginOption>,
    signed_in: Option<String>,
    token: String,
) -> impl IntoView {
    let title = format!("Join {}", invite.organisation);
    let from = invite
        .invited_by
        .unwrap_or_else(|| "The operator of this installation".to_owned());
    let is_only = ways.len() == 1;
    let buttons = ways
        .into_iter()
        .enumerate()
        .map(|(n, option)| {
            let label = if is_only {
                "Sign in and join".to_owned()
            } else {
                format!("Join: {}", option.label)
            };
            view! {
                <form method="post" action="/auth/invite">
                    <input type="hidden" name="token" value=token.clone() />
                    <input type="hidden" name="issuer" value=option.issuer />
                    <button type="submit" class="button button-wide" class:button-primary=n == 0>{label}</button>
                </form>
            }
        })
        .collect::<Vec<_>>();
    let action = if buttons.is_empty() {
        view! {
            <p class="notice">
                <Glyph icon=Icon::Warning />
                <span>"Signing in to this organisation is not set up yet. Contact the person who invited you."</span>
            </p>
        }
        .into_any()
    } else {
        buttons.into_any()
    };
    view! {
        <PageTitle text=title.clone() />
        <h1 dir="auto">{title}</h1>
        <p><bdi>{from}</bdi> " invites you."</p>
        <dl class="facts">
            {invite.role.map(|role| view! { <div><dt>"Role"</dt><dd dir="auto">{role}</dd></div> })}
            {invite.team.map(|team| view! { <div><dt>"Team"</dt><dd dir="auto">{team}</dd></div> })}
            <div><dt>"Expires"</dt><dd><Time at=invite.expires_at /></dd></div>
        </dl>
        {signed_in
            .map(|name| {
                view! {
                    <p>
                        "You are signed in as " <bdi>{name}</bdi>
                        ". To join, sign in again with the account you want to use."
                    </p>
                }
            })}
        {action}
    }
}
