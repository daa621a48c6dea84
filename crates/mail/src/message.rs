//! An email message, sent as plain text and HTML.

use std::time::{Duration, SystemTime};

use domain::{Timestamp, email::EmailAddress};
use lettre::{
    Address, Message,
    message::{Mailbox, MultiPart},
};
use uuid::Uuid;

use crate::MailError;

/// A message to one recipient: plain paragraphs and an optional link.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Becomes part of the `Message-ID` header; must be unique.
    pub id: Uuid,
    /// Value of the `Date` header.
    pub at: Timestamp,
    pub to: EmailAddress,
    pub subject: String,
    /// Line breaks inside a paragraph become spaces.
    pub paragraphs: Vec<String>,
    /// Label and URL of a link after the first paragraph.
    pub link: Option<(String, String)>,
}

impl Mail {
    pub(crate) fn to_message(&self, from: &Mailbox) -> Result<Message, MailError> {
        let to: Address = self.to.as_str().parse().map_err(|_| MailError::Message)?;
        let seconds = u64::try_from(self.at.unix_timestamp()).unwrap_or(0);
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        Message::builder()
            .from(from.clone())
            .to(Mailbox::new(None, to))
            .date(date)
            .message_id(Some(format!("<{}@{}>", self.id, from.email.domain())))
            .subject(one_line(&self.subject))
            .multipart(MultiPart::alternative_plain_html(self.text(), self.html()))
            .map_err(|_| MailError::Message)
    }

    fn text(&self) -> String {
        let mut paragraphs = self.paragraphs.iter().map(|text| one_line(text));
        let first = paragraphs.next();
        let link = self.link.iter().map(|(_, target)| target.clone());
        let parts: Vec<_> = first.into_iter().chain(link).chain(paragraphs).collect();
        parts.join("\n\n") + "\n"
    }

    fn html(&self) -> String {
        let paragraph = |text: &String| format!("<p>{}</p>\n", escape_html(&one_line(text)));
        let link = self.link.iter().map(|(label, target)| {
            let (label, target) = (escape_html(label), escape_html(target));
            format!("<p><a href=\"{target}\">{label}</a></p>\n<p>{target}</p>\n")
        });
        let first = self.paragraphs.iter().take(1).map(paragraph);
        let rest = self.paragraphs.iter().skip(1).map(paragraph);
        let body: String = first.chain(link).chain(rest).collect();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{}</title></head>\n\
             <body style=\"font-family: sans-serif; line-height: 1.5; max-width: 36em\">\n{body}</body>\n</html>\n",
            escape_html(&one_line(&self.subject))
        )
    }
}

/// Replaces control characters and runs of white space by one space. Names come
/// from members and issuers and must not inject headers or lines.
fn one_line(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
