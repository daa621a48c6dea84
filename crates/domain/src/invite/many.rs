//! Inviting several addresses at once.

use serde::{Deserialize, Serialize};

use super::{InviteInput, InviteLink, NewInvite, default_days};
use crate::{
    AppError, RoleId, TeamId, email::EmailAddress, error::quote, form_text, validate::FieldErrors,
};

/// Limit for one call.
pub const MAX_INVITES: usize = 100;

/// Characters of named addresses in one message; the others are counted.
const MAX_NAMED_CHARS: usize = 1_500;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InviteManyInput {
    /// 1 to 100 addresses, each alone or as `Name <address>`. A repeated one
    /// counts once. The link is mailed to each, if the server sends mail.
    #[cfg_attr(
        feature = "schema",
        schemars(extend("examples" = [["Mia Okafor <mia@example.org>", "ben@example.org"]]))
    )]
    pub emails: Vec<String>,
    /// The id of a role that the invites grant.
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<RoleId>"))]
    pub role: String,
    /// The id of a team that the invites add the people to.
    #[serde(
        default,
        deserialize_with = "form_text::text",
        skip_serializing_if = "String::is_empty"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "Option<TeamId>"))]
    pub team: String,
    /// Days for which the links can be accepted: 1, 7 (default) or 30.
    #[serde(default = "default_days", deserialize_with = "form_text::text")]
    #[cfg_attr(feature = "schema", schemars(with = "u16"))]
    pub days: String,
}

/// New invites with their links, in the order of the addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct InviteLinks {
    pub items: Vec<InviteLink>,
}

/// A validated [`InviteManyInput`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewInvites {
    /// At least one, each different.
    pub emails: Vec<EmailAddress>,
    pub role: Option<RoleId>,
    pub team: Option<TeamId>,
    pub lifetime: time::Duration,
}

impl NewInvites {
    /// Validates the input and names every faulty address. `domains` are the
    /// allowed e-mail domains; empty allows any.
    pub fn parse(input: &InviteManyInput, domains: &[String]) -> Result<Self, AppError> {
        let mut errors = FieldErrors::default();
        let emails = errors.check("emails", parse_addresses(&input.emails, domains));
        let without_email = InviteInput {
            email: String::new(),
            role: input.role.clone(),
            team: input.team.clone(),
            days: input.days.clone(),
        };
        let rest = errors.merge(NewInvite::parse(&without_email, &[]))?;
        errors.finish(|| {
            let rest = rest?;
            Some(Self {
                emails: emails?,
                role: rest.role,
                team: rest.team,
                lifetime: rest.lifetime,
            })
        })
    }
}

/// Splits pasted text at line breaks, commas and semicolons, except in quoted
/// names, and addresses that are separated by white space only. Keeps
/// what is not an address, so that it can be named.
pub fn split_addresses(text: &str) -> Vec<String> {
    let mut is_quoted = false;
    let entries = text.split(|c: char| {
        is_quoted = match c {
            '"' => !is_quoted,
            // A name ends on its line.
            '\n' | '\r' => false,
            _ => is_quoted,
        };
        matches!(c, '\n' | '\r' | '\t') || !is_quoted && matches!(c, ',' | ';')
    });
    entries
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .flat_map(|entry| {
            let are_addresses = entry.split_whitespace().all(|word| word.contains('@'));
            let words: Vec<_> = if are_addresses {
                entry.split_whitespace().collect()
            } else {
                vec![entry]
            };
            words.into_iter().map(str::to_owned)
        })
        .collect()
}

/// The address of `Name <address>`, or the whole entry.
fn address_of(entry: &str) -> &str {
    let entry = entry.trim();
    let bracketed = entry
        .strip_suffix('>')
        .and_then(|entry| entry.rsplit_once('<'));
    bracketed.map_or(entry, |(_, address)| address.trim())
}

fn parse_addresses(entries: &[String], domains: &[String]) -> Result<Vec<EmailAddress>, String> {
    if entries.is_empty() {
        return Err("Enter at least one email address.".to_owned());
    }
    if entries.len() > MAX_INVITES {
        return Err(format!(
            "Invite at most {MAX_INVITES} people at once; these are {}.",
            entries.len()
        ));
    }
    let mut emails: Vec<EmailAddress> = Vec::with_capacity(entries.len());
    let (mut invalid, mut foreign) = (Vec::new(), Vec::new());
    for entry in entries {
        let Ok(email) = EmailAddress::parse(address_of(entry)) else {
            invalid.push(entry.as_str());
            continue;
        };
        if !domains.is_empty() && !domains.iter().any(|domain| domain == email.domain()) {
            foreign.push(entry.as_str());
            continue;
        }
        let is_known = |known: &EmailAddress| known.as_str().eq_ignore_ascii_case(email.as_str());
        if !emails.iter().any(is_known) {
            emails.push(email);
        }
    }
    let mut faults = Vec::new();
    if !invalid.is_empty() {
        faults.push(format!(
            "Enter valid email addresses, such as mia@example.org. Not valid: {}.",
            named(&invalid)
        ));
    }
    if !foreign.is_empty() {
        faults.push(format!(
            "You can only invite addresses on {}. Not allowed: {}.",
            domains.join(", "),
            named(&foreign)
        ));
    }
    if faults.is_empty() {
        Ok(emails)
    } else {
        Err(faults.join(" "))
    }
}

/// The entries in quotes; those that would make the message too long are
/// counted.
fn named(entries: &[&str]) -> String {
    let mut text = String::new();
    for (n, entry) in entries.iter().enumerate() {
        if text.len() > MAX_NAMED_CHARS {
            return format!("{text} and {} more", entries.len() - n);
        }
        if n > 0 {
            text.push_str(", ");
        }
        text.push_str(&quote(entry));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, domains: &[&str]) -> Result<Vec<String>, String> {
        let domains: Vec<_> = domains.iter().map(|&domain| domain.to_owned()).collect();
        let emails = parse_addresses(&split_addresses(text), &domains)?;
        Ok(emails
            .iter()
            .map(|email| email.as_str().to_owned())
            .collect())
    }

    #[test]
    fn pasted_addresses_are_found_in_every_usual_form() {
        let all = Ok(vec!["mia@x.org".to_owned(), "ben@y.org".to_owned()]);
        for text in [
            "mia@x.org, ben@y.org",
            "mia@x.org;ben@y.org;",
            "mia@x.org\nben@y.org\n",
            "mia@x.org\r\n\r\n ben@y.org ",
            "mia@x.org ben@y.org",
            "mia@x.org\tben@y.org",
            "Mia Okafor <mia@x.org>, Ben <ben@y.org>",
            "\"Okafor, Mia\" <mia@x.org>; <ben@y.org>",
            "mia@x.org, MIA@x.org, Mia <mia@X.ORG>, ben@y.org",
        ] {
            assert_eq!(parsed(text, &[]), all, "{text}");
        }
    }

    #[test]
    fn a_quote_that_is_not_closed_ends_with_its_line() {
        let error = parsed("\"Mia, mia@x.org\nben@y.org, nobody", &[]).unwrap_err();
        assert!(error.contains("“\"Mia, mia@x.org”, “nobody”"), "{error}");
    }

    #[test]
    fn every_faulty_address_is_named() {
        let error = parsed(
            "mia@x.org, nobody, ben at y.org, @, Jo <jo@>, kim@z.org",
            &["x.org"],
        )
        .unwrap_err();
        assert_eq!(
            error,
            "Enter valid email addresses, such as mia@example.org. Not valid: “nobody”, “ben at y.org”, “@”, \
             “Jo <jo@>”. You can only invite addresses on x.org. Not allowed: “kim@z.org”."
        );
    }

    #[test]
    fn message_names_as_many_as_fit_and_counts_the_others() {
        let text = "nobody-at-all-".repeat(5) + "\n";
        let error = parsed(&text.repeat(MAX_INVITES), &[]).unwrap_err();
        assert!(
            error.ends_with(" more.") && error.chars().count() < 1_900,
            "{error}"
        );
    }

    #[test]
    fn at_least_one_and_at_most_a_hundred_are_invited() {
        let addresses = |n: usize| {
            let all: Vec<_> = (0..n).map(|n| format!("m{n}@x.org")).collect();
            all.join("\n")
        };
        assert_eq!(
            parsed(&addresses(MAX_INVITES), &[]).unwrap().len(),
            MAX_INVITES
        );
        assert!(
            parsed(&addresses(MAX_INVITES + 1), &[])
                .unwrap_err()
                .contains("these are 101")
        );
        assert!(parsed(" ,\n;", &[]).is_err());
    }

    #[test]
    fn all_invalid_fields_are_reported() {
        let input = InviteManyInput {
            emails: vec!["mia".into()],
            role: "owner".into(),
            team: "x".into(),
            days: "31".into(),
        };
        match NewInvites::parse(&input, &[]) {
            Err(AppError::Invalid { fields }) => {
                let names: Vec<_> = fields.into_iter().map(|field| field.field).collect();
                assert_eq!(names, ["emails", "role", "team", "days"]);
            }
            other => panic!("{other:?}"),
        }
    }
}
