//! Attributes of a memory besides its text: form fields, and facts on its page.

use domain::{
    Timestamp, Vendor,
    memory::{
        ANY_VENDOR, AllowedVendors, DEFAULT_IMPORTANCE, Memory, MemoryAttributes, ONLY_VENDORS,
    },
    persona::Persona,
};
use leptos::prelude::*;

use crate::{
    clock::page_now,
    forms::{FormCall, FormState},
    start::formats,
    ui::{Badge, Choice, Glyph, Icon, SelectField, TextField, Time, Tone},
};

/// Importance levels offered in the form.
const LEVELS: [(f32, &str); 3] = [(0.2, "Low"), (DEFAULT_IMPORTANCE, "Normal"), (0.9, "High")];

/// The label of the importance level, or the number with two decimals.
fn importance_label(importance: f32) -> String {
    LEVELS
        .iter()
        .find(|(level, _)| (level - importance).abs() < 0.005)
        .map_or_else(
            || format!("{importance:.2}"),
            |(_, label)| (*label).to_owned(),
        )
}

/// The AI products that may read a memory.
fn vendors_label(allowed: &AllowedVendors) -> String {
    match allowed {
        AllowedVendors::All => "All products".to_owned(),
        AllowedVendors::Only(vendors) if vendors.is_empty() => "No products".to_owned(),
        AllowedVendors::Only(vendors) => {
            let names: Vec<_> = vendors.iter().map(|vendor| vendor.label()).collect();
            names.join(", ")
        }
    }
}

/// An attribute as pages show it.
#[derive(Clone, PartialEq)]
pub(crate) enum Fact {
    Text(String),
    /// The expiry, in the member's time zone.
    Kept(Option<Timestamp>),
    /// An address of another site.
    Link(Option<String>),
}

impl Fact {
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Kept(_) => false,
            Self::Link(url) => url.is_none(),
        }
    }

    pub(crate) fn view(self) -> AnyView {
        match self {
            Self::Text(text) => text.into_any(),
            Self::Kept(Some(at)) => view! { "Until " <Time at=at /> }.into_any(),
            Self::Kept(None) => "Until deleted".into_any(),
            Self::Link(url) => url
                .map(|url| {
                    let text = url.split_once("://").map_or(&*url, |(_, rest)| rest).to_owned();
                    view! { <a class="link-line wrap" href=url rel="noopener noreferrer nofollow" dir="ltr">{text}</a> }
                })
                .into_any(),
        }
    }
}

/// All attributes with their names.
pub(crate) fn facts(attributes: &MemoryAttributes) -> Vec<(&'static str, Fact)> {
    let vendors = vendors_label(&attributes.allowed_vendors);
    let importance = importance_label(attributes.importance);
    vec![
        ("Retention", Fact::Kept(attributes.expires_at)),
        ("Importance", Fact::Text(importance)),
        ("AI access", Fact::Text(vendors)),
        ("Source URL", Fact::Link(attributes.source_url.clone())),
    ]
}

/// Rows of the memory page's `<dl>` for these attributes.
#[component]
pub(super) fn AttributeList(memory: Memory) -> impl IntoView {
    view! {
        {facts(&memory.attributes)
            .into_iter()
            .filter(|(_, fact)| !fact.is_empty())
            .map(|(name, fact)| view! { <div><dt>{name}</dt><dd>{fact.view()}</dd></div> })
            .collect_view()}
        {memory
            .persona_name
            .map(|name| view! { <div><dt>"Persona"</dt><dd dir="auto">{name}</dd></div> })}
        {memory
            .source_session_id
            .map(|session| view! { <div><dt>"Conversation"</dt><dd class="wrap">{session}</dd></div> })}
    }
}

/// Badge of a memory that expires within a week.
#[component]
pub(super) fn ExpiresSoonBadge(at: Option<Timestamp>) -> impl IntoView {
    let now = page_now();
    at.filter(|at| *at - now < time::Duration::WEEK)
        .map(|_| view! { <Badge tone=Tone::Warning text="Expires soon" /> })
}

/// The fields that most memories don't need, folded by default.
#[component]
pub(super) fn MoreFields<S: FormCall>(
    state: FormState<S>,
    /// `None` for a new memory.
    before: Option<Memory>,
    personas: Vec<Persona>,
) -> impl IntoView {
    let is_reply = before
        .as_ref()
        .is_some_and(|memory| memory.parent_id.is_some());
    let persona = before
        .as_ref()
        .and_then(|memory| memory.persona_id)
        .map(|id| id.to_string())
        .unwrap_or_default();
    let attributes = before.map(|memory| memory.attributes).unwrap_or_default();
    let is_usual = persona.is_empty() && attributes == MemoryAttributes::default();
    let fields = [
        "expires_at",
        "persona_id",
        "importance",
        "allowed_vendors",
        "source_url",
    ];
    let errors = fields.map(|field| state.field_error(field));
    // Open if a value is not the default or a field has an error.
    let open = !is_usual || errors.iter().any(Option::is_some);
    let MemoryAttributes {
        expires_at,
        importance,
        allowed_vendors,
        source_url,
    } = attributes;
    let choices = std::iter::once(Choice::new("", "None"))
        .chain(
            personas
                .into_iter()
                .map(|persona| Choice::new(persona.id.to_string(), persona.name)),
        )
        .collect();
    view! {
        <details class="more" open=open>
            <summary>
                <Glyph icon=Icon::ChevronRight />
                "More options"
            </summary>
            <div class="more-body">
                {if is_reply {
                    view! {
                        // A reply has the expiry and vendors of the memory that
                        // it replies to.
                        <input type="hidden" name="keep" value="always" />
                    }
                        .into_any()
                } else {
                    view! { <KeepFields state=state expires_at=expires_at /> }.into_any()
                }}
                <div class="form-row">
                    <div>
                        <SelectField
                            name="persona_id"
                            label="Persona"
                            choices=choices
                            value=state.typed("persona_id", &persona)
                            error=state.field_error("persona_id")
                        />
                        <p class="field-hint">
                            <a href="/memories/personas">"Manage your personas"</a>
                        </p>
                    </div>
                    <ImportanceField state=state importance=importance />
                </div>
                {(!is_reply).then(|| view! { <VendorFields state=state allowed=allowed_vendors /> })}
                <TextField
                    name="source_url"
                    label="Source URL"
                    hint="Optional. The web page that this memory comes from."
                    value=state.typed("source_url", &source_url.unwrap_or_default())
                    error=state.field_error("source_url")
                />
            </div>
        </details>
    }
}

#[component]
fn KeepFields<S: FormCall>(state: FormState<S>, expires_at: Option<Timestamp>) -> impl IntoView {
    let formats = formats();
    let day = expires_at
        .map(|at| {
            let local = formats.with_value(|formats| formats.zone.local(at));
            // `expires_at` is the midnight after the last day.
            let last = local - time::Duration::MICROSECOND;
            iso_day(last)
        })
        .unwrap_or_default();
    let previous = expires_at
        .and_then(|at| {
            at.format(&time::format_description::well_known::Rfc3339)
                .ok()
        })
        .map(|at| format!("{at} {day}"))
        .unwrap_or_default();
    let keep = if expires_at.is_some() {
        "until"
    } else {
        "always"
    };
    let error = state.field_error("expires_at");
    let is_invalid = error.is_some().then_some("true");
    let choices = vec![
        Choice::new("always", "Until deleted"),
        Choice::new("until", "Until a date"),
    ];
    view! {
        <input type="hidden" name="expires_was" value=previous />
        <div class="form-row">
            <SelectField
                name="keep"
                label="Retention"
                choices=choices
                value=state.typed("keep", keep)
            />
            <div class="field">
                <label for="expires_on">"Last day"</label>
                <input
                    type="date"
                    id="expires_on"
                    name="expires_on"
                    value=state.typed("expires_on", &day)
                    aria-describedby="expires_on-error expires_on-hint"
                    aria-invalid=is_invalid
                />
                <div id="expires_on-error" role="alert">
                    {error.map(|text| view! { <p class="field-error">{text}</p> })}
                </div>
                <p class="field-hint" id="expires_on-hint">
                    "The memory moves to the trash after this day."
                </p>
            </div>
        </div>
    }
}

fn iso_day(at: Timestamp) -> String {
    format!(
        "{:04}-{:02}-{:02}",
        at.year(),
        u8::from(at.month()),
        at.day()
    )
}

#[component]
fn ImportanceField<S: FormCall>(state: FormState<S>, importance: f32) -> impl IntoView {
    let mut choices: Vec<_> = LEVELS
        .iter()
        .map(|(level, label)| Choice::new(level.to_string(), *label))
        .collect();
    let is_level = LEVELS
        .iter()
        .any(|(level, _)| (level - importance).abs() < f32::EPSILON);
    if !is_level {
        // A program's finer value stays unless a level is chosen.
        let value = importance.to_string();
        choices.push(Choice::new(value, format!("Current: {importance:.2}")));
    }
    view! {
        <SelectField
            name="importance"
            label="Importance"
            choices=choices
            value=state.typed("importance", &importance.to_string())
            error=state.field_error("importance")
        />
    }
}

#[component]
fn VendorFields<S: FormCall>(state: FormState<S>, allowed: AllowedVendors) -> impl IntoView {
    let error = state.field_error("allowed_vendors");
    let is_invalid = error.is_some().then_some("true");
    let (mode, selected) = match &allowed {
        AllowedVendors::All => (ANY_VENDOR, Vec::new()),
        AllowedVendors::Only(vendors) => (
            ONLY_VENDORS,
            vendors.iter().map(|v| v.key().to_owned()).collect(),
        ),
    };
    let chosen = state.typed_all("allowed_vendors[]").unwrap_or(selected);
    let choices = vec![
        Choice::new(ANY_VENDOR, "All AI products"),
        Choice::new(ONLY_VENDORS, "Only selected products"),
    ];
    view! {
        <SelectField
            name="vendors"
            label="AI access"
            choices=choices
            value=state.typed("vendors", mode)
        />
        <fieldset
            class="field checks"
            aria-describedby="allowed_vendors-error"
            aria-invalid=is_invalid
        >
            <legend>"AI products"</legend>
            <div id="allowed_vendors-error" role="alert">
                {error.map(|text| view! { <p class="field-error">{text}</p> })}
            </div>
            {Vendor::ALL
                .iter()
                .map(|vendor| {
                    let key = vendor.key();
                    let checked = chosen.iter().any(|chosen| chosen == key);
                    view! {
                        <label class="check">
                            <input type="checkbox" name="allowed_vendors[]" value=key checked=checked />
                            <span>{vendor.label()}</span>
                        </label>
                    }
                })
                .collect_view()}
        </fieldset>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn importance_and_vendors_have_labels() {
        assert_eq!(importance_label(0.5), "Normal");
        assert_eq!(importance_label(0.35), "0.35");
        assert_eq!(vendors_label(&AllowedVendors::All), "All products");
        assert_eq!(vendors_label(&AllowedVendors::Only(vec![])), "No products");
        let two = AllowedVendors::Only(vec![Vendor::Claude, Vendor::Other]);
        assert_eq!(vendors_label(&two), "Claude, Other programs");
    }
}
