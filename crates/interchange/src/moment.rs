//! Parsing and formatting of timestamps in files.

use domain::Timestamp;
use time::{
    Date, OffsetDateTime, PrimitiveDateTime, UtcOffset, format_description::well_known::Rfc3339,
    macros::format_description,
};

/// Parses RFC 3339, also with a space for the `T` or without an offset (UTC
/// then), a date alone, or seconds or milliseconds since 1970.
///
/// # Errors
/// The reason, for any other text and for years outside 1900 to 9998.
pub(crate) fn parse(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    let invalid = || {
        format!(
            "“{}” is no moment.",
            text.chars().take(40).collect::<String>()
        )
    };
    if let Ok(number) = text.parse::<f64>() {
        return from_unix(number).ok_or_else(invalid);
    }
    let moment = if let Ok(moment) = OffsetDateTime::parse(text, &Rfc3339) {
        moment
    } else if text.len() == 10 {
        Date::parse(text, format_description!("[year]-[month]-[day]"))
            .map_err(|_| invalid())?
            .midnight()
            .assume_utc()
    } else if let Ok(moment) = OffsetDateTime::parse(&text.replacen(' ', "T", 1), &Rfc3339) {
        moment
    } else {
        let plain = text.replacen(' ', "T", 1);
        PrimitiveDateTime::parse(
            &plain,
            format_description!(
                "[year]-[month]-[day]T[hour]:[minute][optional [:[second][optional [.[subsecond]]]]]"
            ),
        )
        .map_err(|_| invalid())?
        .assume_utc()
    };
    bounded(moment).ok_or_else(invalid)
}

/// Seconds since 1970; values from 1e11 on are taken as milliseconds.
pub(crate) fn from_unix(number: f64) -> Option<Timestamp> {
    let seconds = if number.abs() >= 1e11 {
        number / 1000.0
    } else {
        number
    };
    // Rejects NaN, too.
    if !(-1e11..1e11).contains(&seconds) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "below 1e17 after the check"
    )]
    let micros = (seconds * 1e6).round() as i128;
    let moment = OffsetDateTime::from_unix_timestamp_nanos(micros * 1000).ok()?;
    bounded(moment)
}

/// Converts to UTC and truncates to microseconds, the database's precision.
/// `None` outside the years that a memory can have.
fn bounded(moment: OffsetDateTime) -> Option<Timestamp> {
    let moment = moment.to_offset(UtcOffset::UTC);
    let micros = moment.microsecond();
    let moment = moment.replace_microsecond(micros).ok()?;
    (1900..=9998).contains(&moment.year()).then_some(moment)
}

/// Formats as RFC 3339 in UTC.
pub(crate) fn format(moment: Timestamp) -> String {
    moment
        .to_offset(UtcOffset::UTC)
        .format(&Rfc3339)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_of_other_products_are_parsed() {
        for (text, expected) in [
            ("2024-05-06T07:08:09Z", "2024-05-06T07:08:09Z"),
            (
                "2024-05-06 07:08:09.123456+02:00",
                "2024-05-06T05:08:09.123456Z",
            ),
            (
                "2024-05-06T07:08:09.123456789Z",
                "2024-05-06T07:08:09.123456Z",
            ),
            ("2024-05-06T07:08:09.5", "2024-05-06T07:08:09.5Z"),
            ("2024-05-06 07:08", "2024-05-06T07:08:00Z"),
            ("2024-05-06", "2024-05-06T00:00:00Z"),
            ("1714979289.25", "2024-05-06T07:08:09.25Z"),
            ("1714979289250", "2024-05-06T07:08:09.25Z"),
        ] {
            assert_eq!(parse(text).map(format), Ok(expected.to_owned()), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "0001-01-01",
            "NaN",
            "1e300",
            "2024-13-01",
            "-9999-01-01T00:00:00Z",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
