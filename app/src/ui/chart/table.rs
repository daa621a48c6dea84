//! The table of a chart's figures.

use leptos::prelude::*;

use super::Series;
use crate::ui::count;

/// All figures, the newest day first, and their sums.
#[component]
pub(super) fn Figures(
    id: &'static str,
    title: &'static str,
    dates: Vec<String>,
    series: Vec<Series>,
) -> impl IntoView {
    let names: Vec<_> = series
        .iter()
        .map(|series| view! { <th scope="col" class="number">{series.name}</th> })
        .collect();
    let rows: Vec<_> = dates
        .into_iter()
        .enumerate()
        .rev()
        .map(|(day, date)| {
            let values: Vec<_> = series
                .iter()
                .map(|series| {
                    let value = series.values.get(day).copied().unwrap_or(0);
                    view! { <td class="number">{count(value)}</td> }
                })
                .collect();
            view! { <tr><th scope="row">{date}</th>{values}</tr> }
        })
        .collect();
    let sums: Vec<_> = series
        .into_iter()
        .map(|series| view! { <td class="number">{count(series.values.iter().sum::<i64>())}</td> })
        .collect();
    view! {
        <details class="chart-figures">
            <summary>"Show as table"</summary>
            <div class="table-frame">
                <table id=format!("{id}-figures") aria-label=format!("{title} per day")>
                    <thead><tr><th scope="col">"Day (UTC)"</th>{names}</tr></thead>
                    <tbody>{rows}</tbody>
                    <tfoot><tr><th scope="row">"Total"</th>{sums}</tr></tfoot>
                </table>
            </div>
        </details>
    }
}
