//! Relative times: formatted by the server, kept current in the browser.

use std::time::Duration;

use domain::Timestamp;
use leptos::prelude::*;

use crate::page;

/// Time between two updates of relative times.
const INTERVAL: Duration = Duration::from_secs(15);

/// Formats `at` relative to `now`: "just now", "5 min ago", "in 3 h"; `None` if
/// they are more than a week apart.
pub fn relative_text(at: Timestamp, now: Timestamp) -> Option<String> {
    text_of_seconds((now - at).whole_seconds())
}

/// Formats a time that was `seconds` ago.
fn text_of_seconds(seconds: i64) -> Option<String> {
    let span = match seconds.unsigned_abs() {
        // Clocks differ a little: a past event may appear to be in the future.
        6..45 if seconds < 0 => return Some("in a moment".to_owned()),
        0..45 => return Some("just now".to_owned()),
        s @ 45..3_570 => format!("{} min", (s + 30) / 60),
        s @ 3_570..84_600 => format!("{} h", (s + 1_800) / 3_600),
        s @ 84_600..=604_800 => match (s + 43_200) / 86_400 {
            1 => "1 day".to_owned(),
            days => format!("{days} days"),
        },
        _ => return None,
    };
    Some(if seconds < 0 {
        format!("in {span}")
    } else {
        format!("{span} ago")
    })
}

/// Updates the page's relative times from now on.
pub(crate) fn install() {
    let root = document().document_element();
    let now = root.and_then(|root| root.get_attribute("data-now"));
    let Some(server_now) = now.and_then(|now| now.parse::<f64>().ok()) else {
        return;
    };
    // Follows the server's clock: the browser's may be off by hours.
    let offset = server_now - js_sys::Date::now();
    set_interval(move || update(js_sys::Date::now() + offset), INTERVAL);
}

/// Updates all relative times; `now` in milliseconds since 1970.
fn update(now: f64) {
    let Some(root) = document().document_element() else {
        return;
    };
    for time in page::select(&root, "time[data-relative]") {
        let at = js_sys::Date::parse(&time.get_attribute("datetime").unwrap_or_default());
        #[expect(
            clippy::cast_possible_truncation,
            reason = "seconds since 1970 are far below 2^53"
        )]
        let seconds = ((now - at) / 1_000.0) as i64;
        if let Some(text) = text_of_seconds(seconds) {
            time.set_text_content(Some(&text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;

    #[test]
    fn past_times_use_the_largest_fitting_unit() {
        for (seconds, text) in [
            (44, Some("just now")),
            (45, Some("1 min ago")),
            (59 * MINUTE, Some("59 min ago")),
            (3_580, Some("1 h ago")),
            (23 * HOUR, Some("23 h ago")),
            (24 * HOUR, Some("1 day ago")),
            (7 * DAY, Some("7 days ago")),
            (8 * DAY, None),
        ] {
            assert_eq!(text_of_seconds(seconds).as_deref(), text, "{seconds}");
        }
    }

    #[test]
    fn future_times_are_relative_too() {
        for (seconds, text) in [
            (3 * HOUR, Some("in 3 h")),
            (10, Some("in a moment")),
            (5, Some("just now")),
            (8 * DAY, None),
        ] {
            assert_eq!(text_of_seconds(-seconds).as_deref(), text, "{seconds}");
        }
    }
}
