//! The time of a page, and times relative to it.

use domain::{
    Timestamp,
    preferences::{Formats, TimeZone},
};
use islands::relative_text;
use leptos::prelude::*;

use crate::format;

/// The time of the request, to which the page's relative times refer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageTime(pub(crate) Timestamp);

/// The time of the page; 1970 outside a page.
pub(crate) fn page_now() -> Timestamp {
    use_context::<PageTime>().map_or(Timestamp::UNIX_EPOCH, |PageTime(now)| now)
}

/// Formats `at` relative to `now`: "just now", "5 min ago", "in 3 h", or the
/// day in `formats`.
pub(crate) fn relative(at: Timestamp, now: Timestamp, formats: &Formats) -> String {
    relative_text(at, now).unwrap_or_else(|| {
        let year = |at| formats.zone.local(at).year();
        if year(at) == year(now) {
            format::day_and_month(at, formats)
        } else {
            format::date(at, formats)
        }
    })
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
    use time::macros::datetime;

    use super::*;

    const NOW: Timestamp = datetime!(2026-11-20 12:00:00 UTC);

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
