//! Numbers formatted in the viewer's locale.

use domain::preferences::Locale;
use leptos::prelude::*;

use crate::{format::separators, start::Page};

/// `1234567` as `1,234,567`, or as in the viewer's locale.
pub(crate) fn count(n: impl TryInto<i128>) -> String {
    let n: i128 = n.try_into().unwrap_or(i128::MAX);
    group_digits(n, locale())
}

fn locale() -> Locale {
    use_context::<Page>().map_or_else(Locale::default, |page| {
        page.formats.with_value(|formats| formats.locale)
    })
}

fn group_digits(n: i128, locale: Locale) -> String {
    let (group, _) = separators(locale);
    let digits = n.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if n < 0 {
        out.push('−');
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(group);
        }
        out.push(digit);
    }
    out
}

/// `1 memory`, `2 memories`.
pub(crate) fn plural(n: impl TryInto<i128>, one: &str, many: &str) -> String {
    let n: i128 = n.try_into().unwrap_or(i128::MAX);
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// A number of bytes as B, kB or MB, the latter two with one decimal.
pub(crate) fn bytes(n: i64) -> String {
    format_bytes(n, locale())
}

fn format_bytes(n: i64, locale: Locale) -> String {
    let (_, point) = separators(locale);
    let tenths = |unit: i64, name: &str| {
        let tenths = (n * 10 + unit / 2) / unit;
        format!("{}{point}{} {name}", tenths / 10, tenths % 10)
    };
    match n {
        ..1_000 => format!("{n} B"),
        1_000..1_000_000 => tenths(1_000, "kB"),
        _ => tenths(1_000_000, "MB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (-1_234_567, "−1,234,567"),
        ] {
            assert_eq!(count(n), text);
        }
        assert_eq!(group_digits(1_234_567, Locale::DeDe), "1.234.567");
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(plural(1, "memory", "memories"), "1 memory");
        assert_eq!(plural(0, "memory", "memories"), "0 memories");
        assert_eq!(plural(1_000, "memory", "memories"), "1,000 memories");
    }

    #[test]
    fn sizes_have_units() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_500), "1.5 kB");
        assert_eq!(bytes(52_428_800), "52.4 MB");
        assert_eq!(format_bytes(1_550, Locale::DeDe), "1,6 kB");
    }
}
