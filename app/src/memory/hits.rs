//! Search results, and why each memory matched.

use domain::memory::{MAX_WAITING_COUNT, MemoryHit, ScoreParts, SearchMode, SearchResults};
use leptos::prelude::*;

use super::{
    highlight::stretches,
    parts::{VisibilityLabel, display_title},
    query::MemoryQuery,
    thread::reply_path,
};
use crate::ui::{EmptyState, Glyph, Icon, Time, count, plural};

/// The results, or a notice that there are none.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a component owns what it shows"
)]
#[component]
pub(super) fn Hits(
    query: MemoryQuery,
    /// Describes the search, e.g. `for “tea”`.
    about: String,
    results: SearchResults,
) -> impl IntoView {
    let waiting = results.waiting_for_embedding;
    let summary = format!("{} {about}", found_count(&results));
    let notice = results.notice.map(|text| {
        view! {
            <p class="notice">
                <Glyph icon=Icon::Info />
                <span>{text}</span>
            </p>
        }
    });
    let waiting = (waiting > 0 && results.mode != SearchMode::Words).then(|| {
        view! {
            <p class="notice">
                <Glyph icon=Icon::Info />
                <span>
                    {if waiting == 1 {
                        "1 memory is still being indexed and matches by keyword only.".to_owned()
                    } else {
                        format!(
                            "{}{} memories are still being indexed and match by keyword only.",
                            count(waiting),
                            if waiting < MAX_WAITING_COUNT { "" } else { " or more" },
                        )
                    }}
                </span>
            </p>
        }
    });
    if results.hits.is_empty() {
        let is_filtered = query.is_filtered() || query.is_trash();
        let unfiltered_path = query.unfiltered().path();
        return view! {
            {notice}
            {waiting}
            <EmptyState
                title="No results"
                text=if is_filtered {
                    "No results with these filters. Try other words, or search without filters."
                } else {
                    "Try other words, or create a memory."
                }
            >
                {is_filtered.then(|| view! { <a class="button" href=unfiltered_path>"Search without filters"</a> })}
                <a class="button" href="/memories">"All memories"</a>
            </EmptyState>
        }
        .into_any();
    }
    view! {
        {notice}
        {waiting}
        <div class="hit-results">
            <p class="muted small">{summary}</p>
            <ol class="hits">
                {results.hits.into_iter().map(|hit| view! { <Hit hit=hit /> }).collect_view()}
            </ol>
        </div>
    }
    .into_any()
}

/// The number of results as text.
pub(super) fn found_count(results: &SearchResults) -> String {
    let found = i64::try_from(results.hits.len()).unwrap_or(i64::MAX);
    plural(found, "result", "results")
}

/// One result and why it matched. Without a title, the excerpt is the link.
#[component]
fn Hit(hit: MemoryHit) -> impl IntoView {
    let MemoryHit {
        memory,
        content: _,
        matched_words,
        similarity,
        score,
        parts,
    } = hit;
    let title = display_title(&memory.title, &memory.excerpt);
    let like = format!("/memories?like={}", memory.id);
    let words = distinct_words(&matched_words);
    let why_words = words.clone();
    let words = (!words.is_empty())
        .then(|| view! { <span>"Keyword match: " <strong>{words.join(", ")}</strong></span> });
    let similarity_text = similarity.map(|similarity| {
        view! {
            <span title="How close the meanings are: 100% is identical, 0% is unrelated">
                "Semantic match: " <strong>{format!("{:.0}%", similarity.max(0.0) * 100.0)}</strong>
            </span>
        }
    });
    // A reply is shown on the page of the memory that it replies to.
    let href = memory.parent_id.map_or_else(
        || format!("/memories/{}", memory.id),
        |root| reply_path(root, memory.id),
    );
    let passage = mark_words(&memory.excerpt, &matched_words);
    let (head, text) = if memory.title.is_empty() {
        (
            view! { <a class="hit-text" dir="auto" href=href>{passage}</a> }.into_any(),
            None,
        )
    } else {
        let title = mark_words(&memory.title, &matched_words);
        (
            view! { <a class="row-title" dir="auto" href=href>{title}</a> }.into_any(),
            Some(view! { <p class="hit-text" dir="auto">{passage}</p> }),
        )
    };
    let width = format!("{:.0}", (score.clamp(0.0, 1.0) * 40.0).max(1.0));
    view! {
        <li class="hit">
            <div class="hit-head">
                {head}
                <span class="hit-score" title="Relative score">
                    <svg width="40" height="4" viewBox="0 0 40 4" aria-hidden="true">
                        <rect class="meter-track" width="40" height="4" rx="2"></rect>
                        <rect class="meter-value" width=width height="4" rx="2"></rect>
                    </svg>
                    <span class="visually-hidden">"Score "</span>
                    {format!("{score:.2}")}
                </span>
            </div>
            {text}
            <p class="hit-why">
                {words}
                {similarity_text}
                <span>{memory.kind.label()}</span>
                <VisibilityLabel visibility=memory.visibility owner_id=memory.owner_id owner_name=memory.owner_name />
                <Time at=memory.updated_at />
            </p>
            <div class="hit-more">
                <details>
                    <summary>"Why this score"<span class="visually-hidden">" for " {title.clone()}</span></summary>
                    <ScoreExplanation parts=parts words=why_words />
                </details>
                <a href=like>"More like this"<span class="visually-hidden">": " {title}</span></a>
            </div>
        </li>
    }
}

/// Shows the terms of the score, so that it can be recalculated.
#[component]
fn ScoreExplanation(parts: ScoreParts, words: Vec<String>) -> impl IntoView {
    let matched_text = if words.is_empty() {
        "No keyword match.".to_owned()
    } else {
        format!("Matching words: {}.", words.join(", "))
    };
    view! {
        <p>{sum(parts)}</p>
        <p>"Values are relative to this search: 1 is the best match. " {matched_text}</p>
    }
}

/// Semantic × weight + keyword × weight = score; terms without weight are left
/// out.
fn sum(parts: ScoreParts) -> String {
    let part = |name: &str, value: f32, weight: f32| {
        (weight > 0.0).then(|| format!("{name} {value:.2} × {weight:.1}"))
    };
    let terms: Vec<_> = [
        part("semantic", parts.meaning, parts.meaning_weight),
        part("keyword", parts.words, parts.words_weight),
    ]
    .into_iter()
    .flatten()
    .collect();
    let sum = format!("{} = {:.2}.", terms.join(" + "), parts.score());
    let mut letters = sum.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// The distinct words ignoring case, in the order of the text.
fn distinct_words(words: &[String]) -> Vec<String> {
    let mut distinct: Vec<String> = Vec::new();
    for word in words {
        if !distinct
            .iter()
            .any(|seen| seen.to_lowercase() == word.to_lowercase())
        {
            distinct.push(word.clone());
        }
    }
    distinct
}

fn mark_words(text: &str, words: &[String]) -> impl IntoView + use<> {
    stretches(text, words)
        .into_iter()
        .map(|(part, hit)| {
            let part = part.to_owned();
            if hit {
                view! { <mark>{part}</mark> }.into_any()
            } else {
                part.into_any()
            }
        })
        .collect_view()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn score_is_shown_as_a_sum() {
        let parts = ScoreParts {
            meaning: 0.5,
            meaning_weight: 0.4,
            words: 1.0,
            words_weight: 0.6,
        };
        assert_eq!(
            sum(parts),
            "Semantic 0.50 × 0.4 + keyword 1.00 × 0.6 = 0.80."
        );
        let by_words = ScoreParts {
            meaning_weight: 0.0,
            words_weight: 1.0,
            ..parts
        };
        assert_eq!(sum(by_words), "Keyword 1.00 × 1.0 = 1.00.");
    }

    #[test]
    fn repeated_word_is_listed_once() {
        let words = ["The", "river", "the"].map(str::to_owned);
        assert_eq!(distinct_words(&words), ["The", "river"]);
    }

    #[test]
    fn matched_words_are_marked_and_markup_stays_text() {
        let owner = Owner::new();
        owner.set();
        let html = mark_words("Tea <b> time", &["tea".to_owned()]).to_html();
        assert!(html.starts_with("<mark>Tea<"), "{html}");
        assert!(
            html.contains("&lt;b&gt;") && !html.contains("<b>"),
            "{html}"
        );
    }
}
