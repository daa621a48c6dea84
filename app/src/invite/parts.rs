//! Components shared by the pages of invites.

use domain::invite::{INVITE_DAYS, Invite, InviteLink, InviteStatus, MailOutcome};
use leptos::prelude::*;

use crate::{
    clock::page_now,
    ui::{Badge, Choice, CopyLine, Glyph, Icon, PageHead, Time, Tone},
};

pub(crate) fn addressee(email: Option<&str>) -> String {
    email.map_or_else(|| "Anyone with the link".to_owned(), str::to_owned)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "a component owns what it shows"
)]
#[component]
pub(crate) fn InviteBadge(invite: Invite) -> impl IntoView {
    let status = invite.status_at(page_now());
    let tone = match status {
        InviteStatus::Pending => Tone::Accent,
        InviteStatus::Accepted => Tone::Good,
        InviteStatus::Expired => Tone::Neutral,
        InviteStatus::Revoked => Tone::Bad,
    };
    view! { <Badge tone=tone text=status.label() /> }
}

/// Choices for the days until an invite expires.
pub(crate) fn day_choices() -> Vec<Choice> {
    INVITE_DAYS
        .iter()
        .map(|days| {
            let unit = if *days == 1 { "day" } else { "days" };
            Choice::new(days.to_string(), format!("{days} {unit}"))
        })
        .collect()
}

/// Shows the link, which cannot be shown again.
#[component]
pub(crate) fn Reveal(made: InviteLink) -> impl IntoView {
    let page = format!("/invites/{}", made.id);
    let (icon, mail) = match (made.mail, made.email) {
        (MailOutcome::Sent, Some(email)) => {
            (Icon::Success, format!("We’re sending the link to {email}."))
        }
        (MailOutcome::Failed { reason }, _) => (
            Icon::Warning,
            format!("The email could not be sent. {reason} Send the link yourself."),
        ),
        (_, Some(email)) => (
            Icon::Info,
            format!("Email is not set up. Send the link to {email} yourself."),
        ),
        (_, None) => (
            Icon::Info,
            "Send the link to the person you want to invite.".to_owned(),
        ),
    };
    view! {
        <PageHead title="Invitation link" lead="Anyone who opens it and signs in joins your organisation." up=("/invites", "Invites") is_answer=true />
        <section class="reveal" aria-labelledby="link">
            <h2 id="link">"Copy it now"</h2>
            <p>
                "You won’t be able to see this link again. It works once and expires "
                <Time at=made.expires_at /> "."
            </p>
            <CopyLine text=made.link what="link" />
            <p class="notice">
                <Glyph icon=icon />
                <span>{mail}</span>
            </p>
            <div class="form-actions">
                <a class="button button-primary" href="/invites">"Done"</a>
                <a class="button button-quiet" href=page rel="external">"View invite"</a>
            </div>
        </section>
    }
}
