//! The form to create or change a memory.

use serde::{Deserialize, Serialize};

use super::{AttributesForm, MemoryInput, MemoryKind, MemoryPatch, Origin, parse_reason};
use crate::{AppError, MemoryId, PersonaId, Timestamp, validate::FieldErrors};

/// The form to create or change a memory, as entered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemoryForm {
    pub title: String,
    pub content: String,
    /// A key of a [`MemoryKind`]; empty means fact.
    pub kind: String,
    /// Separated by commas.
    pub tags: String,
    /// Empty: none.
    pub persona_id: String,
    #[serde(flatten)]
    pub attributes: AttributesForm,
}

impl MemoryForm {
    /// The input to create the memory, in which every error of the form is
    /// reported. `expires_at` is resolved from [`AttributesForm::expiry`].
    pub fn input(
        self,
        expires_at: Result<Option<Timestamp>, AppError>,
        now: Timestamp,
    ) -> Result<MemoryInput, AppError> {
        let mut errors = FieldErrors::default();
        let attributes = errors.merge(self.attributes.input(expires_at))?;
        let persona_id: Option<Option<PersonaId>> = match self.persona_id.as_str() {
            "" => Some(None),
            id => errors
                .check(
                    "persona_id",
                    id.parse().map_err(|_| "Choose one of your personas."),
                )
                .map(Some),
        };
        let input = MemoryInput {
            title: self.title,
            content: with_line_feeds(&self.content),
            kind: Some(self.kind).filter(|kind| !kind.is_empty()),
            tags: self.tags.split(',').map(str::to_owned).collect(),
            attributes: attributes.unwrap_or_default(),
            persona_id: persona_id.flatten(),
            ..MemoryInput::default()
        };
        // The service parses the input again; here for the errors of both.
        errors.merge(input.parse(Origin::Dashboard, now))?;
        errors.finish(|| Some(input))
    }

    /// As [`MemoryForm::input`], to change the memory. Without attribute fields
    /// in the form, attributes and persona stay.
    pub fn patch(
        self,
        id: MemoryId,
        version: i32,
        expires_at: Result<Option<Timestamp>, AppError>,
        reason: String,
        now: Timestamp,
    ) -> Result<MemoryPatch, AppError> {
        let mut errors = FieldErrors::default();
        let input = errors.merge(self.input(expires_at, now))?;
        errors.merge(parse_reason(&reason))?;
        let input = errors.finish(|| input)?;
        let has_attributes = !input.attributes.is_empty();
        Ok(MemoryPatch {
            title: Some(input.title),
            content: Some(input.content),
            kind: Some(
                input
                    .kind
                    .unwrap_or_else(|| MemoryKind::Fact.key().to_owned()),
            ),
            tags: Some(input.tags),
            attributes: input.attributes,
            persona_id: has_attributes.then_some(input.persona_id),
            reason: Some(reason),
            ..MemoryPatch::new(id, version)
        })
    }
}

/// The text of a text area, which holds line feeds. A form posted without
/// JavaScript sends each as CR LF: without the replacement, saving unchanged
/// text would change it.
pub fn with_line_feeds(text: &str) -> String {
    text.replace("\r\n", "\n")
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};

    use super::*;
    use crate::memory::{
        AllowedVendors, AttributesInput, DEFAULT_IMPORTANCE, Expiry, MemoryAttributes, Vendor,
    };

    const NOW: Timestamp = datetime!(2026-11-01 0:00 UTC);

    fn kept(keep: &str, expires_on: &str, expires_was: &str) -> AttributesForm {
        AttributesForm {
            keep: keep.into(),
            expires_on: expires_on.into(),
            expires_was: expires_was.into(),
            ..AttributesForm::default()
        }
    }

    fn form(attributes: AttributesForm) -> MemoryForm {
        MemoryForm {
            content: "Tea".into(),
            attributes,
            ..MemoryForm::default()
        }
    }

    #[test]
    fn unchanged_day_keeps_its_instant_and_new_day_its_end() {
        let was = "2026-12-01T08:15:00Z 2026-12-01";
        for (keep, day, expected) in [
            ("always", "2026-12-01", Expiry::Always),
            ("", "", Expiry::Always),
            (
                "until",
                "2026-12-01",
                Expiry::Until(datetime!(2026-12-01 08:15 UTC)),
            ),
            (
                "until",
                " 2026-12-02 ",
                Expiry::UntilEndOf(date!(2026 - 12 - 02)),
            ),
        ] {
            assert_eq!(kept(keep, day, was).expiry(), Ok(expected), "{keep} {day}");
        }
        for day in ["", "tomorrow", "2026-02-30", "01.12.2026"] {
            let error = kept("until", day, "").expiry().unwrap_err();
            assert!(error.for_field("expires_at").is_some(), "{day}");
        }
    }

    #[test]
    fn all_invalid_fields_are_reported() {
        let bad = MemoryForm {
            content: " ".into(),
            kind: "song".into(),
            persona_id: "work".into(),
            ..form(AttributesForm {
                importance: "very".into(),
                vendors: "only".into(),
                allowed_vendors: vec!["claude".into(), "hal".into()],
                ..kept("always", "", "")
            })
        };
        let error = bad.input(Ok(None), NOW).unwrap_err();
        for field in [
            "content",
            "kind",
            "persona_id",
            "importance",
            "allowed_vendors",
        ] {
            assert!(error.for_field(field).is_some(), "{field}");
        }
        for (vendors, allowed, expected) in [
            ("all", &[][..], "any or only"),
            ("Only", &["claude"], "any or only"),
            ("*", &[], "any or only"),
            ("any", &["hal"], "chatgpt, claude"),
            ("", &["hal"], "chatgpt, claude"),
        ] {
            let bad = form(AttributesForm {
                vendors: vendors.into(),
                allowed_vendors: allowed.iter().map(ToString::to_string).collect(),
                ..kept("always", "", "")
            });
            let error = bad.input(Ok(None), NOW).unwrap_err();
            let message = error.for_field("allowed_vendors").unwrap();
            assert!(message.contains(expected), "{vendors}: {message}");
        }
        let good = form(AttributesForm {
            importance: "0.35".into(),
            vendors: "only".into(),
            allowed_vendors: vec!["claude".into()],
            ..kept("always", "", "")
        });
        let memory = good
            .input(Ok(None), NOW)
            .unwrap()
            .parse(Origin::Dashboard, NOW);
        let attributes = memory.unwrap().attributes;
        assert!((attributes.importance - 0.35).abs() < f32::EPSILON);
        assert_eq!(
            attributes.allowed_vendors,
            AllowedVendors::Only(vec![Vendor::Claude])
        );
        let plain = form(kept("", "", "")).input(Ok(None), NOW).unwrap();
        let plain = plain.parse(Origin::Dashboard, NOW).unwrap();
        assert_eq!(plain.attributes, MemoryAttributes::default());
    }

    #[test]
    fn patch_leaves_attributes_that_the_form_does_not_have() {
        let id = MemoryId(uuid::Uuid::nil());
        let patch = |keep: &str| {
            let form = form(kept(keep, "", ""));
            form.patch(id, 1, Ok(None), String::new(), NOW).unwrap()
        };
        let (plain, whole) = (patch(""), patch("always"));
        assert_eq!(plain.content.as_deref(), Some("Tea"));
        assert_eq!(plain.attributes, AttributesInput::default());
        assert_eq!((plain.persona_id, whole.persona_id), (None, Some(None)));
        assert_eq!(whole.attributes.expires_at, Some(None));
        assert_eq!(whole.attributes.importance, Some(DEFAULT_IMPORTANCE));
        let vendors = whole.attributes.allowed_vendors;
        assert_eq!(vendors, Some(vec!["*".to_owned()]));
    }

    #[test]
    fn line_feeds_stay_as_typed() {
        let posted = MemoryForm {
            content: "a\r\nb\n ".into(),
            tags: "a, b".into(),
            ..MemoryForm::default()
        };
        let input = posted.input(Ok(None), NOW).unwrap();
        assert_eq!(input.content, "a\nb\n ");
        assert_eq!(input.tags, ["a", " b"]);
    }

    #[test]
    fn long_reasons_are_rejected_and_errors_are_combined() {
        assert_eq!(parse_reason("  "), Ok(None));
        assert_eq!(parse_reason(" Typo "), Ok(Some("Typo".into())));
        assert!(parse_reason(&"é".repeat(500)).is_ok());
        for bad in ["é".repeat(501), "a\0b".into()] {
            assert!(
                parse_reason(&bad)
                    .unwrap_err()
                    .for_field("reason")
                    .is_some()
            );
        }
        let attributes = kept("until", "", "");
        let expires_at = attributes.expiry().map(|_| None);
        let id = MemoryId(uuid::Uuid::nil());
        let patch = form(attributes).patch(id, 1, expires_at, "x".repeat(501), NOW);
        let error = patch.unwrap_err();
        assert!(error.for_field("reason").is_some() && error.for_field("expires_at").is_some());
    }
}
