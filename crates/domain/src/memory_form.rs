//! What the form of a memory says besides its words.

use serde::{Deserialize, Serialize};
use time::{Date, format_description::well_known::Rfc3339, macros::format_description};

use crate::{
    AppError, FieldError, Timestamp,
    memory::{AllowedVendors, MAX_REASON_CHARS, MemoryAttributes, USUAL_IMPORTANCE},
};

/// The form's fields as they came; nothing is checked yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AttributesForm {
    /// `always`, `until`, or empty where the form had none of these fields.
    pub keep: String,
    /// The last day on which it is kept, as `2026-12-31`.
    pub expires_on: String,
    /// When it ends so far and on which day that is, as the form had it:
    /// an instant and a day. The same day keeps the instant.
    pub expires_was: String,
    /// A persona's id, or empty for none.
    pub persona_id: String,
    /// A number, or empty.
    pub importance: String,
    /// [`ANY_VENDOR`], or [`ONLY_VENDORS`]: those named in `allowed_vendors`;
    /// empty where the form had none of these fields.
    pub vendors: String,
    /// Keys of vendors.
    pub allowed_vendors: Vec<String>,
}

/// Every AI product may read it.
pub const ANY_VENDOR: &str = "any";

/// Only the AI products that are named may read it.
pub const ONLY_VENDORS: &str = "only";

/// How long a memory is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Until somebody deletes it.
    Always,
    /// Until this instant.
    Until(Timestamp),
    /// Until this day is over, wherever its owner is.
    UntilEndOf(Date),
}

impl AttributesForm {
    /// The form had none of these fields: what the memory is stays.
    pub fn is_absent(&self) -> bool {
        self.keep.is_empty()
    }

    /// How long it is kept.
    ///
    /// # Errors
    /// [`AppError::Invalid`] naming `expires_at`.
    pub fn keep(&self) -> Result<Keep, AppError> {
        if self.keep != "until" {
            return Ok(Keep::Always);
        }
        let day = self.expires_on.trim();
        if let Some((at, was)) = self.expires_was.split_once(' ')
            && was == day
            && let Ok(at) = Timestamp::parse(at, &Rfc3339)
        {
            return Ok(Keep::Until(at));
        }
        Date::parse(day, format_description!("[year]-[month]-[day]"))
            .map(Keep::UntilEndOf)
            .map_err(|_| {
                AppError::field(
                    "expires_at",
                    "Choose the last day on which it is kept, as in 2026-12-31.",
                )
            })
    }

    /// All of it, with the end that [`AttributesForm::keep`] came to.
    ///
    /// # Errors
    /// [`AppError::Invalid`] with every field at fault.
    pub fn attributes(&self, expires_at: Option<Timestamp>) -> Result<MemoryAttributes, AppError> {
        let mut fields = Vec::new();
        let persona_id = match self.persona_id.as_str() {
            "" => None,
            id => {
                let parsed = id.parse().ok();
                if parsed.is_none() {
                    fields.push(fault("persona_id", "Choose one of your personas."));
                }
                parsed
            }
        };
        let importance = match self.importance.trim() {
            "" => Some(USUAL_IMPORTANCE),
            number => number.parse().ok(),
        };
        if importance.is_none() {
            let message = "Importance is a number from 0 to 1.";
            fields.push(fault("importance", message));
        }
        let (allowed_vendors, ()) = match (importance, fields) {
            (Some(_), fields) if fields.is_empty() => both(self.vendors(), Ok(()))?,
            (_, fields) => both(self.vendors(), Err(AppError::Invalid { fields }))?,
        };
        Ok(MemoryAttributes {
            expires_at,
            persona_id,
            importance: importance.unwrap_or(USUAL_IMPORTANCE),
            allowed_vendors,
        })
    }

    /// What may read it.
    fn vendors(&self) -> Result<AllowedVendors, AppError> {
        match self.vendors.as_str() {
            // Those that are ticked don't count, but are no nonsense either.
            "" | ANY_VENDOR => {
                AllowedVendors::from_keys(&self.allowed_vendors).map(|_| AllowedVendors::All)
            }
            ONLY_VENDORS => AllowedVendors::from_keys(&self.allowed_vendors),
            _ => Err(AppError::field(
                "allowed_vendors",
                format!("Choose {ANY_VENDOR} or {ONLY_VENDORS}."),
            )),
        }
    }
}

/// Why something was changed: `None` where nobody says so.
///
/// # Errors
/// [`AppError::Invalid`] naming `reason` when it is too long or can't be kept.
pub fn reason_parse(typed: &str) -> Result<Option<String>, AppError> {
    let reason = typed.trim();
    if reason.chars().count() > MAX_REASON_CHARS {
        let message = format!("A reason has at most {MAX_REASON_CHARS} characters.");
        return Err(AppError::field("reason", message));
    }
    if reason.contains('\0') {
        return Err(AppError::field(
            "reason",
            "A reason can't contain a NUL character.",
        ));
    }
    Ok((!reason.is_empty()).then(|| reason.to_owned()))
}

/// All that is wrong in several readings of one form, or their results.
///
/// # Errors
/// [`AppError::Invalid`] with every field at fault; any other error as it is.
pub fn both<A, B>(
    first: Result<A, AppError>,
    second: Result<B, AppError>,
) -> Result<(A, B), AppError> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok((first, second)),
        (Err(AppError::Invalid { mut fields }), Err(AppError::Invalid { fields: more })) => {
            fields.extend(more);
            Err(AppError::Invalid { fields })
        }
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

fn fault(field: &str, message: &str) -> FieldError {
    FieldError {
        field: field.to_owned(),
        message: message.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;
    use crate::Vendor;

    fn form(keep: &str, expires_on: &str, expires_was: &str) -> AttributesForm {
        AttributesForm {
            keep: keep.into(),
            expires_on: expires_on.into(),
            expires_was: expires_was.into(),
            ..AttributesForm::default()
        }
    }

    #[test]
    fn the_same_day_keeps_the_instant_and_another_is_kept_to_its_end() {
        let was = "2026-12-01T08:15:00Z 2026-12-01";
        for (keep, day, expected) in [
            ("always", "2026-12-01", Keep::Always),
            ("", "", Keep::Always),
            (
                "until",
                "2026-12-01",
                Keep::Until(datetime!(2026-12-01 08:15 UTC)),
            ),
            (
                "until",
                " 2026-12-02 ",
                Keep::UntilEndOf(date!(2026 - 12 - 02)),
            ),
        ] {
            assert_eq!(form(keep, day, was).keep(), Ok(expected), "{keep} {day}");
        }
        for day in ["", "tomorrow", "2026-02-30", "01.12.2026"] {
            let error = form("until", day, "").keep().unwrap_err();
            assert!(error.for_field("expires_at").is_some(), "{day}");
        }
    }

    #[test]
    fn every_field_at_fault_is_named() {
        let bad = AttributesForm {
            persona_id: "work".into(),
            importance: "very".into(),
            vendors: "only".into(),
            allowed_vendors: vec!["claude".into(), "hal".into()],
            ..form("always", "", "")
        };
        let error = bad.attributes(None).unwrap_err();
        for field in ["persona_id", "importance", "allowed_vendors"] {
            assert!(error.for_field(field).is_some(), "{field}");
        }
        for (vendors, allowed, told) in [
            ("all", &[][..], "any or only"),
            ("Only", &["claude"], "any or only"),
            ("*", &[], "any or only"),
            ("any", &["hal"], "chatgpt, claude"),
            ("", &["hal"], "chatgpt, claude"),
        ] {
            let bad = AttributesForm {
                vendors: vendors.into(),
                allowed_vendors: allowed.iter().map(ToString::to_string).collect(),
                ..form("always", "", "")
            };
            let error = bad.attributes(None).unwrap_err();
            let message = error.for_field("allowed_vendors").unwrap();
            assert!(message.contains(told), "{vendors}: {message}");
        }
        let good = AttributesForm {
            importance: "0.35".into(),
            vendors: "only".into(),
            allowed_vendors: vec!["claude".into()],
            ..form("always", "", "")
        };
        let attributes = good.attributes(None).unwrap();
        assert!((attributes.importance - 0.35).abs() < f32::EPSILON);
        assert_eq!(
            attributes.allowed_vendors,
            AllowedVendors::Only(vec![Vendor::Claude])
        );
        assert_eq!(
            AttributesForm::default().attributes(None),
            Ok(MemoryAttributes::default())
        );
    }

    #[test]
    fn a_reason_has_an_end_and_faults_of_several_parts_come_together() {
        assert_eq!(reason_parse("  "), Ok(None));
        assert_eq!(reason_parse(" Typo "), Ok(Some("Typo".into())));
        assert!(reason_parse(&"é".repeat(500)).is_ok());
        for bad in ["é".repeat(501), "a\0b".into()] {
            assert!(
                reason_parse(&bad)
                    .unwrap_err()
                    .for_field("reason")
                    .is_some()
            );
        }
        let long = reason_parse(&"x".repeat(501));
        let error = both(long, form("until", "", "").keep()).unwrap_err();
        assert!(error.for_field("reason").is_some() && error.for_field("expires_at").is_some());
    }
}
