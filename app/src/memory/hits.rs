//! What a search found, and why each memory was found.

use domain::memory::{MemoryHit, ScoreParts, SearchMode, SearchResults, WAITING_COUNTED};
use leptos::prelude::*;

use super::{
    filters::mode_label,
    highlight::stretches,
    parts::{VisibilityLabel, display_title},
    query::MemoryQuery,
    thread::reply_path,
};
use crate::ui::{EmptyState, Glyph, Icon, Time, count, plural};

/// What a question found, or that it found nothing.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a component owns what it shows"
)]
#[component]
pub(super) fn Hits(
    /// What the page is asked for.
    query: MemoryQuery,
    /// What was asked, in words.
    about: String,
    /// What was found.
    results: SearchResults,
) -> impl IntoView {
    let waiting = results.waiting_for_embedding;
    let summary = format!(
        "{} {about}, best first. Compared by {}.",
        found_count(&results),
        mode_label(results.mode).to_lowercase(),
    );
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
                    {format!(
                        "{} of yours can be found by words only for now: computing the meaning takes a moment.",
                        if waiting < WAITING_COUNTED {
                            plural(waiting, "memory", "memories")
                        } else {
                            format!("{} memories or more", count(waiting))
                        },
                    )}
                </span>
            </p>
        }
    });
    if results.hits.is_empty() {
        let narrowed = query.is_filtered() || query.is_trash();
        let without = query.unfiltered().path();
        return view! {
            {notice}
            {waiting}
            <EmptyState
                title="Nothing was found"
                text=if narrowed {
                    "No memory that fits the filters answers this. Try without them, or say it differently."
                } else {
                    "No memory answers this. Say it differently, or write it down for the next time."
                }
            >
                {narrowed.then(|| view! { <a class="button" href=without>"Search without filters"</a> })}
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

/// How much was found.
pub(super) fn found_count(results: &SearchResults) -> String {
    let found = i64::try_from(results.hits.len()).unwrap_or(i64::MAX);
    plural(found, "memory", "memories")
}

/// One memory and why it was found. Without a title, the passage is the link.
#[component]
fn Hit(hit: MemoryHit) -> impl IntoView {
    let MemoryHit {
        memory,
        matched_words,
        similarity,
        score,
        parts,
    } = hit;
    let title = display_title(&memory.title, &memory.excerpt);
    let like = format!("/memories?like={}", memory.id);
    let words = words_once(&matched_words);
    let why_words = words.clone();
    let words = (!words.is_empty())
        .then(|| view! { <span>"Words: " <strong>{words.join(", ")}</strong></span> });
    let near = similarity.map(|similarity| {
        view! {
            <span title="How near the meanings are: 1 is the same, 0 is unrelated">
                "Meaning: " <strong>{format!("{:.2} near", similarity.max(0.0))}</strong>
            </span>
        }
    });
    // A reply is read under what it answers.
    let href = memory.parent_id.map_or_else(
        || format!("/memories/{}", memory.id),
        |root| reply_path(root, memory.id),
    );
    let passage = marked(&memory.excerpt, &matched_words);
    let (head, text) = if memory.title.is_empty() {
        (
            view! { <a class="hit-text" dir="auto" href=href>{passage}</a> }.into_any(),
            None,
        )
    } else {
        let title = marked(&memory.title, &matched_words);
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
                <span class="hit-score" title="Within this search: 1 is the best possible">
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
                {near}
                <span>{memory.kind.label()}</span>
                <VisibilityLabel visibility=memory.visibility owner_id=memory.owner_id owner_name=memory.owner_name />
                <Time at=memory.updated_at />
            </p>
            <div class="hit-more">
                <details>
                    <summary>"Why this score"<span class="visually-hidden">" for " {title.clone()}</span></summary>
                    <Why parts=parts words=why_words />
                </details>
                <a href=like>"More like this"<span class="visually-hidden">": " {title}</span></a>
            </div>
        </li>
    }
}

/// What the score is made of, as a sum that can be checked.
#[component]
fn Why(parts: ScoreParts, words: Vec<String>) -> impl IntoView {
    let matched = if words.is_empty() {
        "None of the words stands in it.".to_owned()
    } else {
        format!("Words that match: {}.", words.join(", "))
    };
    view! {
        <p>{sum(parts)}</p>
        <p>"Each value goes from 0 for the weakest match of this search to 1 for the best one. " {matched}</p>
    }
}

/// Meaning × weight + words × weight = score. Without words or meaning, that
/// part is left out.
fn sum(parts: ScoreParts) -> String {
    let part = |name: &str, value: f32, weight: f32| {
        (weight > 0.0).then(|| format!("{name} {value:.2} × {weight:.1}"))
    };
    let terms: Vec<_> = [
        part("meaning", parts.meaning, parts.meaning_weight),
        part("words", parts.words, parts.words_weight),
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

/// Each word once, whatever its case, in the order of the text.
fn words_once(words: &[String]) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for word in words {
        if !once
            .iter()
            .any(|seen| seen.to_lowercase() == word.to_lowercase())
        {
            once.push(word.clone());
        }
    }
    once
}

fn marked(text: &str, words: &[String]) -> impl IntoView + use<> {
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

#[cfg(all(test, feature = "ssr"))]
mod tests {
    use super::*;

    #[test]
    fn the_score_is_a_sum_that_can_be_checked() {
        let parts = ScoreParts {
            meaning: 0.5,
            meaning_weight: 0.4,
            words: 1.0,
            words_weight: 0.6,
        };
        assert_eq!(sum(parts), "Meaning 0.50 × 0.4 + words 1.00 × 0.6 = 0.80.");
        let by_words = ScoreParts {
            meaning_weight: 0.0,
            words_weight: 1.0,
            ..parts
        };
        assert_eq!(sum(by_words), "Words 1.00 × 1.0 = 1.00.");
    }

    #[test]
    fn a_word_that_matches_twice_is_named_once() {
        let words = ["The", "river", "the"].map(str::to_owned);
        assert_eq!(words_once(&words), ["The", "river"]);
    }

    #[test]
    fn matched_words_are_marked_and_markup_stays_text() {
        let owner = Owner::new();
        owner.set();
        let html = marked("Tea <b> time", &["tea".to_owned()]).to_html();
        assert!(html.starts_with("<mark>Tea<"), "{html}");
        assert!(
            html.contains("&lt;b&gt;") && !html.contains("<b>"),
            "{html}"
        );
    }
}
