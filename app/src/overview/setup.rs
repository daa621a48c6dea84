//! The steps by which a new organisation is set up.

use domain::overview::{SemanticSearch, SetupStep, SetupTask};
use leptos::prelude::*;

use crate::ui::{Glyph, Icon};

/// The steps, if there are any.
pub(super) fn setup(
    tasks: Vec<SetupTask>,
    search: &SemanticSearch,
) -> Option<impl IntoView + use<>> {
    if tasks.is_empty() {
        return None;
    }
    let done = tasks.iter().filter(|task| task.is_done).count();
    let progress = format!("{done} of {} done", tasks.len());
    let items: Vec<_> = tasks
        .into_iter()
        .map(|task| view! { <Task task=task hint=hint_of(task, search) /> })
        .collect();
    Some(view! {
        <section class="section" aria-labelledby="setup">
            <div class="section-head">
                <h2 id="setup">"Set up your organisation"</h2>
                <span class="muted">{progress}</span>
            </div>
            <ul class="rows setup">{items}</ul>
        </section>
    })
}

#[component]
fn Task(task: SetupTask, hint: Option<String>) -> impl IntoView {
    let name = task.step.label();
    let mark = if task.is_done {
        view! { <Glyph icon=Icon::Check /> }.into_any()
    } else {
        view! { <span class="setup-open" aria-hidden="true"></span> }.into_any()
    };
    let title = match path_of(task.step).filter(|_| !task.is_done) {
        Some(path) => view! { <a href=path>{name}</a> }.into_any(),
        None => name.into_any(),
    };
    view! {
        <li>
            {mark}
            <span>
                {title}
                {hint.map(|hint| view! { <span class="muted">{format!(": {hint}")}</span> })}
            </span>
            <span class="muted">{if task.is_done { "Done" } else { "To do" }}</span>
        </li>
    }
}

/// The page on which the step is taken; `None` if it is a setting of the server.
const fn path_of(step: SetupStep) -> Option<&'static str> {
    match step {
        SetupStep::InvitePeople => Some("/invites/new"),
        SetupStep::DirectoryGroups => Some("/groups"),
        SetupStep::FirstMemory => Some("/memories/import"),
        SetupStep::ConnectClient => Some("/connect"),
        SetupStep::SemanticSearch | SetupStep::Mail => None,
    }
}

/// What an open step needs, where its page doesn't say it.
fn hint_of(task: SetupTask, search: &SemanticSearch) -> Option<String> {
    match (task.step, search) {
        _ if task.is_done => None,
        (SetupStep::SemanticSearch, SemanticSearch::Off { reason }) => Some(reason.clone()),
        (SetupStep::Mail, _) => Some(
            "the server’s operator sets ATRIUM_MAIL__HOST. Until then, copy the links of invites."
                .to_owned(),
        ),
        _ => None,
    }
}
