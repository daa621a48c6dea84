//! The page's current time. It starts as the server's, so that relative times
//! hydrate to the same words, and advances in the browser.

use std::time::Duration;

use domain::{
    Timestamp,
    preferences::{Formats, TimeZone},
};
use leptos::prelude::*;

use crate::format;

/// The current time that relative times refer to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageClock(RwSignal<Timestamp>);

impl PageClock {
    /// Starts at `now` and advances in the browser.
    pub(crate) fn starting_at(now: Timestamp) -> Self {
        let clock = Self(RwSignal::new(now));
        // Effects run in the browser only, after hydration.
        Effect::new(move |_| {
            // Follow the server's clock: the browser's may be off by hours.
            let offset = now - browser_now();
            let handle = set_interval_with_handle(
                move || clock.0.set(browser_now() + offset),
                Duration::from_secs(15),
            );
            on_cleanup(move || {
                if let Ok(handle) = handle {
                    handle.clear();
                }
            });
        });
        clock
    }

    /// The current time; effects and views that read it rerun when it advances.
    pub(crate) fn now(self) -> Timestamp {
        self.0.get()
    }

    pub(crate) fn now_untracked(self) -> Timestamp {
        self.0.get_untracked()
    }

    /// The page's clock; outside a page it stands at 1970.
    pub(crate) fn get() -> Self {
        use_context::<Self>().unwrap_or_else(|| Self(RwSignal::new(Timestamp::UNIX_EPOCH)))
    }
}

fn browser_now() -> Timestamp {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds since 1970 are far below 2^53"
    )]
    let millis = js_sys::Date::now() as i64;
    Timestamp::UNIX_EPOCH + time::Duration::milliseconds(millis)
}

/// Formats `at` relative to `now`: "just now", "5 min ago", "in 3 h", or the
/// day in `formats`.
pub(crate) fn relative(at: Timestamp, now: Timestamp, formats: &Formats) -> String {
    let seconds = (now - at).whole_seconds();
    let span = match seconds.unsigned_abs() {
        // Clocks differ a little: a past event may appear to be in the future.
        6..45 if seconds < 0 => return "in a moment".to_owned(),
        0..45 => return "just now".to_owned(),
        s @ 45..3_570 => format!("{} min", (s + 30) / 60),
        s @ 3_570..84_600 => format!("{} h", (s + 1_800) / 3_600),
        s @ 84_600..=604_800 => match (s + 43_200) / 86_400 {
            1 => "1 day".to_owned(),
            days => format!("{days} days"),
        },
        _ => {
            let year = |at| formats.zone.local(at).year();
            return if year(at) == year(now) {
                format::day_and_month(at, formats)
            } else {
                format::date(at, formats)
            };
        }
    };
    if seconds < 0 {
        format!("in {span}")
    } else {
        format!("{span} ago")
    }
}

/// Formats `at` with seconds, for titles: in UTC, preceded by the time in the
/// zone of `formats` if that differs.
pub(crate) fn absolute(at: Timestamp, formats: &Formats) -> String {
    let utc = Formats {
        locale: formats.locale,
        zone: TimeZone::utc(),
    };
    let in_utc = format::date_time(at, &utc);
    if formats.zone.name == TimeZone::UTC {
        in_utc
    } else {
        format!("{} ({in_utc})", format::date_time(at, formats))
    }
}

/// Formats `at` in UTC for the `datetime` attribute.
pub(crate) fn machine(at: Timestamp) -> String {
    let at = at.to_offset(time::UtcOffset::UTC);
    let (hour, minute, second) = at.to_hms();
    format!(
        "{:04}-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z",
        at.year(),
        u8::from(at.month()),
        at.day()
    )
}

#[cfg(test)]
mod tests {
    use time::{Duration, macros::datetime};

    use super::*;

    const NOW: Timestamp = datetime!(2026-11-20 12:00:00 UTC);

    #[test]
    fn past_times_use_the_largest_fitting_unit() {
        for (ago, words) in [
            (Duration::seconds(44), "just now"),
            (Duration::seconds(45), "1 min ago"),
            (Duration::minutes(59), "59 min ago"),
            (Duration::seconds(3_580), "1 h ago"),
            (Duration::hours(23), "23 h ago"),
            (Duration::hours(24), "1 day ago"),
            (Duration::days(7), "7 days ago"),
            (Duration::days(8), "12 Nov"),
            (Duration::days(400), "16 Oct 2025"),
        ] {
            assert_eq!(
                relative(NOW - ago, NOW, &Formats::default()),
                words,
                "{ago}"
            );
        }
    }

    #[test]
    fn future_times_are_relative_too() {
        let formats = Formats::default();
        assert_eq!(relative(NOW + Duration::hours(3), NOW, &formats), "in 3 h");
        assert_eq!(
            relative(NOW + Duration::seconds(10), NOW, &formats),
            "in a moment"
        );
        assert_eq!(
            relative(NOW + Duration::seconds(5), NOW, &formats),
            "just now"
        );
    }

    #[test]
    fn absolute_times_are_in_utc_and_in_the_viewers_zone() {
        let at = datetime!(2026-03-05 01:02:03 +02:00);
        assert_eq!(
            absolute(at, &Formats::default()),
            "4 Mar 2026, 23:02:03 UTC"
        );
        assert_eq!(machine(at), "2026-03-04T23:02:03Z");
        assert_eq!(
            absolute(at, &tokyo()),
            "2026/03/05, 08:02:03 UTC+9 (2026/03/04, 23:02:03 UTC)"
        );
    }

    #[test]
    fn days_are_in_the_viewers_zone() {
        // In Tokyo it is 1 January already.
        let at = datetime!(2025-12-31 20:00 UTC);
        assert_eq!(relative(at, NOW, &Formats::default()), "31 Dec 2025");
        assert_eq!(relative(at, NOW, &tokyo()), "01/01");
    }

    fn tokyo() -> Formats {
        Formats {
            locale: domain::preferences::Locale::JaJp,
            zone: TimeZone {
                name: "Asia/Tokyo".into(),
                offsets: vec![(0, 32_400)],
            },
        }
    }
}
