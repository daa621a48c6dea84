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
    ui::{Badge, Column, Glyph, Icon, ListKind, ListUrl, Time, Tone, list_table, plural},
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

/// Lists of memories.
pub(super) const LIST: ListKind = ListKind {
    class: "memories",
    nouns: ("memory", "memories"),
    default_sort: "updated_at",
    export: "",
};

/// A few memories, as in their list.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a component owns what it shows"
)]
#[component]
pub(crate) fn MemoryTable(memories: Vec<MemorySummary>) -> impl IntoView {
    let columns = columns().map(Column::unsorted);
    list_table(LIST, &ListUrl::new("/memories", []), &memories, &columns)
}

pub(super) fn columns() -> [Column<MemorySummary>; 4] {
    [
        Column::new("Memory", title_cell).ascending("title"),
        Column::new("Kind", |memory: &MemorySummary| memory.kind.label())
            .class("optional col-kind")
            .ascending("kind"),
        Column::new("Visible to", |memory: &MemorySummary| {
            let owner_name = memory.owner_name.clone();
            view! { <VisibilityLabel visibility=memory.visibility owner_id=memory.owner_id owner_name=owner_name /> }
        })
        .class("optional col-visible"),
        Column::new("Updated", |memory: &MemorySummary| view! { <Time at=memory.updated_at /> })
            .class("col-time")
            .descending("updated_at"),
    ]
}

fn title_cell(memory: &MemorySummary) -> impl IntoView + use<> {
    let title = display_title(&memory.title, &memory.excerpt);
    // Without a title the first line is already the title.
    let excerpt = (!memory.title.is_empty()).then(|| memory.excerpt.clone());
    let visible_tags: Vec<_> = memory.tags.iter().take(TAGS_IN_ROW).cloned().collect();
    let hidden_count = memory.tags.len() - visible_tags.len();
    view! {
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
