//! A chart of daily figures: an image that needs no scripts, and a table of the
//! same figures.

mod table;

use domain::{
    Timestamp,
    preferences::{Formats, TimeZone},
};
use leptos::prelude::*;

use self::table::Figures;
use super::count;
use crate::{
    format::{date, day_and_month},
    start::formats,
};

/// Units of the image: the height of the plot, the width of a day and of its
/// bar, and the space between the parts of a bar.
const HEIGHT: f64 = 100.0;
const DAY: f64 = 10.0;
const BAR: f64 = 7.0;
const GAP: f64 = 1.0;

/// Days with a label on the horizontal axis.
const LABELS: usize = 4;

/// Figures of one kind, one for each day.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) values: Vec<i64>,
}

/// Stacked bars of at most two series, told apart by colour and pattern.
#[component]
pub(crate) fn DailyChart(
    /// Prefix of the ids in the page.
    id: &'static str,
    /// What is counted, e.g. "Memories created".
    title: &'static str,
    /// The start of each day in UTC.
    days: Vec<Timestamp>,
    series: Vec<Series>,
) -> impl IntoView {
    let max = axis_max(&totals(&series));
    let formats = formats().with_value(|formats| Formats {
        zone: TimeZone::utc(),
        ..formats.clone()
    });
    let labels: Vec<_> = label_days(days.len())
        .map(|day| view! { <span>{day_and_month(days[day], &formats)}</span> })
        .collect();
    let dates: Vec<_> = days.into_iter().map(|day| date(day, &formats)).collect();
    let label = summary(title, dates.len(), &series);
    view! {
        <figure class="chart">
            <figcaption class="chart-head">
                <span class="chart-title">{format!("{title} per day")}</span>
                <Legend id=id series=series.clone() />
            </figcaption>
            <div class="chart-plot">
                <div class="chart-scale" aria-hidden="true">
                    <span>{count(max)}</span>
                    <span>{count(max / 2)}</span>
                    <span>"0"</span>
                </div>
                <Bars id=id label=label max=max dates=dates.clone() series=series.clone() />
                <div class="chart-days" aria-hidden="true">{labels}</div>
                <p class="chart-axis" aria-hidden="true">"Day (UTC)"</p>
            </div>
            <Figures id=id title=title dates=dates series=series />
        </figure>
    }
}

/// The text alternative of the image.
fn summary(title: &str, days: usize, series: &[Series]) -> String {
    let parts: Vec<_> = series
        .iter()
        .map(|series| {
            format!(
                "{} {}",
                series.name,
                count(series.values.iter().sum::<i64>())
            )
        })
        .collect();
    format!("{title} in the last {days} days: {}.", parts.join(", "))
}

#[component]
fn Legend(id: &'static str, series: Vec<Series>) -> impl IntoView {
    let entries: Vec<_> = series
        .into_iter()
        .enumerate()
        .map(|(n, series)| {
            view! {
                <li>
                    <svg width="12" height="12" viewBox="0 0 12 12" aria-hidden="true">
                        <rect class=class_of(n) fill=fill_of(id, n) width="12" height="12"></rect>
                    </svg>
                    {series.name}
                </li>
            }
        })
        .collect();
    view! { <ul class="chart-legend">{entries}</ul> }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "coordinates need no exact counts"
)]
#[component]
fn Bars(
    id: &'static str,
    label: String,
    /// The value at the top of the plot.
    max: i64,
    dates: Vec<String>,
    series: Vec<Series>,
) -> impl IntoView {
    let width = DAY * dates.len() as f64;
    let mut bars = Vec::new();
    for (day, date) in dates.iter().enumerate() {
        let x = DAY.mul_add(day as f64, (DAY - BAR) / 2.0);
        let mut below = 0;
        for (n, series) in series.iter().enumerate() {
            let value = series.values.get(day).copied().unwrap_or(0);
            if value == 0 {
                continue;
            }
            let scale = HEIGHT / max as f64;
            let full = scale * value as f64;
            let height = if below > 0 {
                (full - GAP).max(GAP)
            } else {
                full
            };
            below += value;
            let y = HEIGHT - scale * below as f64;
            bars.push(view! {
                <rect
                    class=class_of(n)
                    fill=fill_of(id, n)
                    x=format!("{x:.1}")
                    y=format!("{y:.1}")
                    width=BAR.to_string()
                    height=format!("{height:.1}")
                >
                    <title>{format!("{date}: {} {}", series.name, count(value))}</title>
                </rect>
            });
        }
    }
    // Stripes across, which stay even when the image is stretched to the width.
    view! {
        <svg class="chart-bars" role="img" aria-label=label viewBox=format!("0 0 {width} {HEIGHT}") preserveAspectRatio="none">
            <defs>
                <pattern id=pattern_of(id) width="4" height="4" patternUnits="userSpaceOnUse">
                    <rect class="chart-2-back" width="4" height="4"></rect>
                    <rect class="chart-2" width="4" height="2.5"></rect>
                </pattern>
            </defs>
            <path class="chart-grid" d=format!("M0 0H{width}M0 {}H{width}M0 {HEIGHT}H{width}", HEIGHT / 2.0)></path>
            {bars}
        </svg>
    }
}

fn pattern_of(id: &str) -> String {
    format!("{id}-stripes")
}

const fn class_of(series: usize) -> &'static str {
    if series == 0 {
        "chart-1"
    } else {
        "chart-2-edge"
    }
}

/// The pattern of the second series; the first has a plain colour.
fn fill_of(id: &str, series: usize) -> Option<String> {
    (series > 0).then(|| format!("url(#{})", pattern_of(id)))
}

/// The sum of all series on each day.
fn totals(series: &[Series]) -> Vec<i64> {
    let days = series.iter().map(|series| series.values.len()).max();
    (0..days.unwrap_or(0))
        .map(|day| {
            series
                .iter()
                .filter_map(|series| series.values.get(day))
                .sum()
        })
        .collect()
}

/// The end of the vertical axis: a round number with a whole half, not below
/// any total.
fn axis_max(totals: &[i64]) -> i64 {
    let most = totals.iter().copied().max().unwrap_or(0);
    let mut power = 1;
    loop {
        for round in [2, 4, 10] {
            if round * power >= most {
                return round * power;
            }
        }
        power *= 10;
    }
}

/// Evenly spread days of `days`, the first and the last among them.
fn label_days(days: usize) -> impl Iterator<Item = usize> {
    let labels = LABELS.min(days);
    (0..labels).map(move |n| n * (days - 1) / (labels - 1).max(1))
}

#[cfg(test)]
mod tests;
