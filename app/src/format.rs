//! Dates, times and digit separators in the viewer's locale and time zone.

use domain::{
    Timestamp,
    preferences::{Formats, Locale},
};

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The thousands and the decimal separator.
pub(crate) const fn separators(locale: Locale) -> (char, char) {
    match locale {
        Locale::EnGb | Locale::EnUs | Locale::JaJp => (',', '.'),
        Locale::DeDe | Locale::EsEs => ('.', ','),
        Locale::DeCh => ('’', '.'),
        // A narrow no-break space, as in CLDR.
        Locale::FrFr => ('\u{202f}', ','),
        Locale::SvSe => ('\u{a0}', ','),
    }
}

/// Formats the day of `at` in the zone of `formats`.
pub(crate) fn date(at: Timestamp, formats: &Formats) -> String {
    local_date(formats.zone.local(at), formats.locale)
}

/// Formats the day of `at` in the zone of `formats`, without the year.
pub(crate) fn day_and_month(at: Timestamp, formats: &Formats) -> String {
    let (_, month, day) = formats.zone.local(at).to_calendar_date();
    let (number, name) = (u8::from(month), MONTHS[usize::from(u8::from(month)) - 1]);
    match formats.locale {
        Locale::EnGb => format!("{day} {name}"),
        Locale::EnUs => format!("{name} {day}"),
        Locale::DeDe | Locale::DeCh => format!("{day:02}.{number:02}."),
        Locale::FrFr | Locale::EsEs => format!("{day:02}/{number:02}"),
        Locale::SvSe => format!("{number:02}-{day:02}"),
        Locale::JaJp => format!("{number:02}/{day:02}"),
    }
}

/// Formats `at` to the second, with its UTC offset.
pub(crate) fn date_time(at: Timestamp, formats: &Formats) -> String {
    let at = formats.zone.local(at);
    let (hours, minutes, _) = at.offset().as_hms();
    let zone = match (hours, minutes) {
        (0, 0) => "UTC".to_owned(),
        (hours, 0) => format!("UTC{hours:+}"),
        (hours, minutes) => {
            let sign = if at.offset().is_negative() {
                '−'
            } else {
                '+'
            };
            format!("UTC{sign}{}:{:02}", hours.abs(), minutes.abs())
        }
    };
    format!(
        "{}, {} {zone}",
        local_date(at, formats.locale),
        local_time(at, formats.locale)
    )
    .replace("UTC-", "UTC−")
}

/// Formats the day of `at` in its own offset.
fn local_date(at: Timestamp, locale: Locale) -> String {
    let (year, month, day) = at.to_calendar_date();
    let (number, name) = (u8::from(month), MONTHS[usize::from(u8::from(month)) - 1]);
    match locale {
        Locale::EnGb => format!("{day} {name} {year}"),
        Locale::EnUs => format!("{name} {day}, {year}"),
        Locale::DeDe | Locale::DeCh => format!("{day:02}.{number:02}.{year}"),
        Locale::FrFr | Locale::EsEs => format!("{day:02}/{number:02}/{year}"),
        Locale::SvSe => format!("{year}-{number:02}-{day:02}"),
        Locale::JaJp => format!("{year}/{number:02}/{day:02}"),
    }
}

/// Formats the time of `at` in its own offset, to the second.
fn local_time(at: Timestamp, locale: Locale) -> String {
    let (hour, minute, second) = at.to_hms();
    if locale == Locale::EnUs {
        let half = if hour < 12 { "AM" } else { "PM" };
        let hour = (hour + 11) % 12 + 1;
        format!("{hour}:{minute:02}:{second:02} {half}")
    } else {
        format!("{hour:02}:{minute:02}:{second:02}")
    }
}

#[cfg(test)]
mod tests {
    use domain::preferences::TimeZone;
    use time::macros::datetime;

    use super::*;

    const AT: Timestamp = datetime!(2026-11-20 13:05:09 UTC);

    fn berlin() -> TimeZone {
        TimeZone {
            name: "Europe/Berlin".into(),
            // Daylight saving time of 2026.
            offsets: vec![(0, 3600), (1_774_746_000, 7200), (1_792_890_000, 3600)],
        }
    }

    #[test]
    fn each_locale_has_its_own_date_and_time_format() {
        for (locale, day, short, time) in [
            (Locale::EnGb, "20 Nov 2026", "20 Nov", "13:05:09"),
            (Locale::EnUs, "Nov 20, 2026", "Nov 20", "1:05:09 PM"),
            (Locale::DeDe, "20.11.2026", "20.11.", "13:05:09"),
            (Locale::FrFr, "20/11/2026", "20/11", "13:05:09"),
            (Locale::SvSe, "2026-11-20", "11-20", "13:05:09"),
            (Locale::JaJp, "2026/11/20", "11/20", "13:05:09"),
        ] {
            let formats = Formats {
                locale,
                ..Formats::default()
            };
            assert_eq!(date(AT, &formats), day);
            assert_eq!(day_and_month(AT, &formats), short);
            assert_eq!(local_time(AT, locale), time);
        }
        assert_eq!(
            local_time(datetime!(2026-11-20 00:00:00 UTC), Locale::EnUs),
            "12:00:00 AM"
        );
    }

    #[test]
    fn date_time_uses_the_offset_of_its_instant() {
        let text = |at, zone| {
            let locale = Locale::EnGb;
            date_time(at, &Formats { locale, zone })
        };
        assert_eq!(text(AT, berlin()), "20 Nov 2026, 14:05:09 UTC+1");
        assert_eq!(
            text(datetime!(2026-07-01 23:30 UTC), berlin()),
            "2 Jul 2026, 01:30:00 UTC+2"
        );
        assert_eq!(text(AT, TimeZone::utc()), "20 Nov 2026, 13:05:09 UTC");
        let fixed_zone = |seconds| TimeZone {
            name: "x".into(),
            offsets: vec![(0, seconds)],
        };
        assert_eq!(
            text(AT, fixed_zone(-12_600)),
            "20 Nov 2026, 09:35:09 UTC−3:30"
        );
        assert_eq!(text(AT, fixed_zone(-18_000)), "20 Nov 2026, 08:05:09 UTC−5");
    }
}
