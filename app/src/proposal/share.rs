//! Who can see a memory, and the way to more people or back to one.

use domain::{
    memory::{Memory, Visibility},
    proposal::PendingProposal,
    share::{AudienceChoice, MemorySharing},
};
use leptos::prelude::*;

use super::{
    api::{MemoryShare, MemoryUnshare},
    parts::{Names, audience_name, how_many},
};
use crate::{
    forms::{FormState, PostForm},
    profile::Me,
    ui::{Choice, Glyph, Icon, SelectField, TextArea},
};

/// Stands on every memory.
#[component]
pub(crate) fn WhoCanSee(
    /// The memory.
    memory: Memory,
    /// Who sees it, and what may be changed about that.
    sharing: MemorySharing,
) -> impl IntoView {
    let me = Me::of_page();
    let icon = match memory.visibility {
        Visibility::Private => Icon::Lock,
        Visibility::Team => Icon::Users,
        Visibility::Org => Icon::Building,
    };
    let MemorySharing {
        viewers,
        choices,
        may_unshare,
        pending,
    } = sharing;
    let others = viewers.people + viewers.programs > 1;
    let many = others.then(|| how_many(&viewers));
    let (id, version) = (memory.id.to_string(), memory.version);
    let own_id = id.clone();
    let trashed = memory.deleted_at.is_some();
    let narrows = memory.visibility == Visibility::Org;
    view! {
        <section class="who" aria-labelledby="who">
            <h2 id="who"><Glyph icon=icon /> "Who can see this"</h2>
            <Suspense>
                {move || {
                    let tenant = me.member().map(|me| me.tenant_name);
                    view! { <p>{who_can_see(&memory, tenant.as_deref(), trashed)}</p> }
                }}
            </Suspense>
            {many.map(|many| view! { <p>{format!("{many}. Programs with a key of theirs see it as they do.")}</p> })}
            {others.then(|| view! { <Names viewers=viewers /> })}
            {pending.map(|pending| view! { <Pending pending=pending version=version /> })}
            {(!choices.is_empty()).then(|| view! { <ShareForm id=id version=version choices=choices narrows=narrows /> })}
            {may_unshare.then(|| view! { <Unshare id=own_id /> })}
        </section>
    }
}

fn who_can_see(memory: &Memory, tenant: Option<&str>, trashed: bool) -> String {
    if trashed && memory.visibility != Visibility::Private {
        return "Only you, while it is in the trash. Restored, it is shared again.".to_owned();
    }
    match memory.visibility {
        Visibility::Private if memory.is_own => {
            "Only you. Not even owners and admins; should somebody be entrusted with reading it, you are told.".to_owned()
        }
        Visibility::Private => format!("Only {}.", memory.owner_name),
        Visibility::Team => {
            let team = memory.team_name.as_deref().unwrap_or("one team");
            let owner = if memory.is_own {
                "You"
            } else {
                memory.owner_name.as_str()
            };
            format!("{owner} and the members of {team}.")
        }
        Visibility::Org => format!("Everyone in {}.", tenant.unwrap_or("your organisation")),
    }
}

/// What its owner has proposed.
#[component]
fn Pending(pending: PendingProposal, version: i32) -> impl IntoView {
    let whom = audience_name(pending.visibility, pending.team_name.as_deref());
    if pending.is_change {
        return view! {
            <p class="who-pending">
                "You " <a class="link-line" href=format!("/memories/proposals/{}", pending.id)>"proposed a change"</a>
                ". "
                {if pending.is_stale {
                    "It was changed otherwise since, so this can’t be accepted.".into_any()
                } else {
                    view! {
                        "It waits for a review. Until then " <bdi>{whom}</bdi>
                        {format!(" sees version {version}.")}
                    }
                        .into_any()
                }}
            </p>
        }
        .into_any();
    }
    let text = if pending.is_stale {
        "It was changed since, so it can’t be accepted. Propose it again."
    } else {
        "It waits for a decision."
    };
    view! {
        <p class="who-pending">
            "You " <a class="link-line" href=format!("/memories/proposals/{}", pending.id)>"proposed"</a>
            " to share it with "
            <bdi>{whom}</bdi> ". " {text}
        </p>
    }
    .into_any()
}

/// What an edit of a memory does that others see and decide about.
#[component]
pub(crate) fn ReviewHint(
    /// What they see.
    version: i32,
    /// Who sees it.
    visibility: Visibility,
    /// The team, where it is one.
    team: Option<String>,
    /// A change waits already, and is what the form shows.
    is_waiting: bool,
) -> impl IntoView {
    let whom = team.unwrap_or_else(|| audience_name(visibility, None));
    let text = if is_waiting {
        "This is the change that you have proposed. Saving proposes it as it is then, in its place: "
    } else {
        "Saving proposes your change: "
    };
    view! {
        <div class="notice">
            <Glyph icon=Icon::Info />
            <span>
                {text} <bdi>{whom}</bdi> {format!(" sees version {version} until somebody who decides it has reviewed the change.")}
            </span>
        </div>
    }
}

/// What an edit of a memory does to what was proposed of it.
#[component]
pub(crate) fn PendingHint(
    /// What was proposed.
    pending: PendingProposal,
) -> impl IntoView {
    let PendingProposal {
        id,
        visibility,
        team_name,
        ..
    } = pending;
    let whom = team_name.unwrap_or_else(|| audience_name(visibility, None));
    view! {
        <div class="notice notice-warning">
            <Glyph icon=Icon::Warning />
            <span>
                "You " <a class="link-line" href=format!("/memories/proposals/{id}")>"proposed"</a>
                " to share this with " <bdi>{whom}</bdi>
                ". Once you change it, it can’t be accepted any more and has to be proposed again."
            </span>
        </div>
    }
}

#[component]
fn ShareForm(
    id: String,
    version: i32,
    choices: Vec<AudienceChoice>,
    narrows: bool,
) -> impl IntoView {
    let state = expect_context::<FormState<MemoryShare>>();
    let at_once = choices.iter().filter(|choice| choice.at_once).count();
    let act = if narrows {
        "Limit to a team"
    } else if at_once == choices.len() {
        "Share"
    } else if at_once == 0 {
        "Propose"
    } else {
        "Share or propose"
    };
    let mixed = at_once > 0 && at_once < choices.len();
    let chosen = choices
        .first()
        .map(|choice| choice.audience.key())
        .unwrap_or_default();
    let options = choices
        .into_iter()
        .map(|choice| {
            let name = if choice.team_name.is_empty() {
                "Everyone".to_owned()
            } else {
                choice.team_name
            };
            let label = match (mixed, choice.at_once) {
                (false, _) => name,
                (true, true) => format!("At once: {name}"),
                (true, false) => format!("If somebody agrees: {name}"),
            };
            Choice::new(choice.audience.key(), label)
        })
        .collect();
    let hint = if at_once == 0 {
        "Somebody who decides it reads this, and the memory as it is now."
    } else {
        ""
    };
    let failed = state.error();
    view! {
        <details class="confirm" open=move || failed.with(Option::is_some)>
            <summary class="button">{act}</summary>
            <div class="confirm-body">
                <PostForm state=state class="form">
                    <input type="hidden" name="id" value=id />
                    <input type="hidden" name="version" value=version.to_string() />
                    <SelectField
                        name="audience"
                        label="With whom"
                        choices=options
                        value=state.typed("audience", &chosen)
                        error=state.field_error("audience")
                    />
                    {(at_once == 0 || mixed)
                        .then(|| {
                            view! {
                                <TextArea
                                    name="comment"
                                    label="Why they should know"
                                    hint=hint
                                    rows=3
                                    optional=true
                                    value=state.typed("comment", "")
                                    error=state.field_error("comment")
                                />
                            }
                        })}
                    <div class="form-actions">
                        <button type="submit" class="button button-primary">{act} " now"</button>
                    </div>
                </PostForm>
            </div>
        </details>
    }
}

#[component]
fn Unshare(id: String) -> impl IntoView {
    let state = expect_context::<FormState<MemoryUnshare>>();
    view! {
        <PostForm state=state class="inline-form">
            <input type="hidden" name="id" value=id />
            <button type="submit" class="button">
                <Glyph icon=Icon::Undo />
                "Take back"
            </button>
        </PostForm>
    }
}
