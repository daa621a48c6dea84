//! Components shared by the pages of invites.

use domain::invite::{INVITE_DAYS, Invite, InviteLink, InviteStatus, MailOutcome};
use leptos::prelude::*;

use crate::{
    clock::page_now,
    ui::{Badge, Choice, CopyBlock, CopyLine, Glyph, Icon, PageHead, Time, Tone, plural},
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

/// The result of mailing a link, as a sentence with its icon.
fn mail_sentence(mail: MailOutcome, email: Option<String>) -> (Icon, String) {
    match (mail, email) {
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
    }
}

/// Shows the links of several invites, which cannot be shown again.
#[component]
pub(crate) fn RevealMany(made: Vec<InviteLink>) -> impl IntoView {
    let title = plural(made.len(), "invite", "invites");
    let expires = made
        .first()
        .map(|link| view! { " Each works once and expires " <Time at=link.expires_at /> "." });
    let all: Vec<_> = made
        .iter()
        .map(|link| {
            format!(
                "{} {}",
                link.email.as_deref().unwrap_or_default(),
                link.link
            )
        })
        .collect();
    let rows: Vec<_> = made
        .into_iter()
        .map(|link| {
            let page = format!("/invites/{}", link.id);
            let name = addressee(link.email.as_deref());
            let (icon, mail) = mail_sentence(link.mail, link.email);
            view! {
                <li class="invite-made">
                    <a dir="auto" href=page>{name}</a>
                    <CopyLine text=link.link what="link" />
                    <p class="muted">
                        <Glyph icon=icon />
                        <span>{mail}</span>
                    </p>
                </li>
            }
        })
        .collect();
    view! {
        <PageHead title=format!("{title} created") lead="Anyone who opens a link and signs in joins your organisation." up=("/invites", "Invites") is_answer=true />
        <section class="reveal" aria-labelledby="links">
            <h2 id="links">"Copy them now"</h2>
            <p>"You won’t be able to see these links again." {expires}</p>
            <ul class="rows">{rows}</ul>
            <details>
                <summary>"All as text"</summary>
                <CopyBlock text=all.join("\n") what="all invites" />
            </details>
            <div class="form-actions">
                <a class="button button-primary" href="/invites">"Done"</a>
            </div>
        </section>
    }
}

/// Shows the link, which cannot be shown again.
#[component]
pub(crate) fn Reveal(made: InviteLink) -> impl IntoView {
    let page = format!("/invites/{}", made.id);
    let (icon, mail) = mail_sentence(made.mail, made.email);
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
