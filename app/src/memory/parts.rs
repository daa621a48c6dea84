//! Components shared by the memory pages.

use domain::{
    UserId,
    memory::{MemorySummary, TRASH_DAYS, Visibility},
};
use leptos::prelude::*;
use time::Duration;

use super::attributes::ExpiresSoonBadge;
use crate::{
    start::with_viewer,
    ui::{Badge, Glyph, Icon, Time, Tone, plural},
};

/// The time that a memory stays in the trash.
pub(super) const TRASH_RETENTION: Duration = Duration::days(TRASH_DAYS);
/// Number of tags that a row shows before it counts the rest.
const TAGS_IN_ROW: usize = 2;

/// The title, or the first line of the text, up to 80 characters.
pub(crate) fn display_title(title: &str, text: &str) -> String {
    const MAX_CHARS: usize = 80;
    if !title.is_empty() {
        return title.to_owned();
    }
    let line = text.trim().lines().next().unwrap_or_default();
    let mut shortened: String = line.chars().take(MAX_CHARS).collect();
    if shortened.len() < line.len() {
        shortened.push('…');
    }
    if shortened.is_empty() {
        "Untitled".to_owned()
    } else {
        shortened
    }
}

#[component]
pub(crate) fn MemoryTable(memories: Vec<MemorySummary>) -> impl IntoView {
    view! {
        <div class="table-frame">
            <table class="memories">
                <thead>
                    <tr>
                        <th scope="col">"Memory"</th>
                        <th scope="col" class="optional col-kind">"Kind"</th>
                        <th scope="col" class="optional col-visible">"Visible to"</th>
                        <th scope="col" class="col-time">"Updated"</th>
                    </tr>
                </thead>
                <tbody>
                    {memories.into_iter().map(|memory| view! { <MemoryRow memory=memory /> }).collect_view()}
                </tbody>
            </table>
        </div>
    }
}

#[component]
fn MemoryRow(memory: MemorySummary) -> impl IntoView {
    let title = display_title(&memory.title, &memory.excerpt);
    // Without a title the first line is already the title.
    let excerpt = (!memory.title.is_empty()).then(|| memory.excerpt.clone());
    let visible_tags: Vec<_> = memory.tags.iter().take(TAGS_IN_ROW).cloned().collect();
    let hidden_count = memory.tags.len() - visible_tags.len();
    view! {
        <tr>
            <td>
                <div class="cell-line">
                    <a class="row-title" dir="auto" href=format!("/memories/{}", memory.id)>{title}</a>
                    {excerpt.map(|excerpt| view! { <span class="row-excerpt" dir="auto">{excerpt}</span> })}
                    <span class="row-tags">
                        <ExpiresSoonBadge at=memory.expires_at />
                        {memory
                            .deleted_at
                            .map(|at| view! { <span class="muted">"deleted permanently " <Time at=at + TRASH_RETENTION /></span> })}
                        {memory.parent_id.is_some().then(|| view! { <Badge tone=Tone::Neutral text="Reply" /> })}
                        {(memory.replies > 0)
                            .then(|| view! { <span class="muted">{plural(memory.replies, "reply", "replies")}</span> })}
                        {visible_tags.into_iter().map(|tag| view! { <Badge tone=Tone::Neutral text=tag /> }).collect_view()}
                        {(hidden_count > 0).then(|| view! { <span class="muted">{format!("+{hidden_count}")}</span> })}
                    </span>
                </div>
            </td>
            <td class="optional">{memory.kind.label()}</td>
            <td class="optional"><VisibilityLabel visibility=memory.visibility owner_id=memory.owner_id owner_name=memory.owner_name /></td>
            <td class="col-time"><Time at=memory.updated_at /></td>
        </tr>
    }
}

/// A memory's visibility for a table row: an icon and two or three words.
#[component]
pub(crate) fn VisibilityLabel(
    visibility: Visibility,
    owner_id: UserId,
    owner_name: String,
) -> impl IntoView {
    let (icon, text) = match visibility {
        Visibility::Private => (Icon::Lock, "Private"),
        Visibility::Team => (Icon::Users, "Team"),
        Visibility::Org => (Icon::Building, "Organisation"),
    };
    let is_others = with_viewer(|viewer| viewer.user_id != owner_id).unwrap_or_default();
    view! {
        <span class="sight">
            <Glyph icon=icon />
            <span class="clip">
            {text}
            {is_others.then(|| view! { <span class="muted">" · by " {owner_name}</span> })}
            </span>
        </span>
    }
}

#[cfg(test)]
mod tests {
    use super::display_title;

    #[test]
    fn first_line_is_shown_without_a_title() {
        assert_eq!(display_title("Tea", "x"), "Tea");
        assert_eq!(display_title("", "\n  First line\nsecond"), "First line");
        let long = "é".repeat(81);
        assert_eq!(display_title("", &long), format!("{}…", "é".repeat(80)));
        assert_eq!(display_title("", " "), "Untitled");
    }
}
