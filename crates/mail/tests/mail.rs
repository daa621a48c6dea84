//! Sending over SMTP to a test server, with and without errors.

use domain::{Timestamp, email::EmailAddress};
use mail::{
    Mail, MailError, MailSettings, MailTls, Mailer,
    testing::{Behavior, Sink},
};
use uuid::Uuid;

fn mail() -> Mail {
    Mail {
        id: Uuid::from_u128(7),
        at: Timestamp::UNIX_EPOCH,
        to: EmailAddress::parse("mia@example.org").unwrap(),
        subject: "Join Acme".into(),
        paragraphs: vec!["Ada invites you.".into(), "Until Monday.".into()],
        link: Some(("Join".into(), "https://atrium.example/invite/x".into())),
    }
}

fn mailer(settings: &MailSettings) -> Mailer {
    Mailer::new(settings).unwrap()
}

#[tokio::test]
async fn message_arrives_complete() {
    let sink = Sink::start(Behavior::Accept).await;
    mailer(&sink.settings()).send(&mail()).await.unwrap();
    let got = sink.messages().remove(0);
    assert_eq!(got.recipients(), ["mia@example.org"]);
    assert_eq!(got.headers("Subject"), ["Join Acme"]);
    assert_eq!(got.headers("To"), ["mia@example.org"]);
    assert_eq!(got.headers("From"), ["Atrium <atrium@atrium.example>"]);
    assert_eq!(got.headers("Date"), ["Thu, 01 Jan 1970 00:00:00 +0000"]);
    let id = format!("<{}@atrium.example>", Uuid::from_u128(7));
    assert_eq!(got.headers("Message-ID"), [id]);
    let text = got.text();
    assert!(
        text.contains(
            "Ada invites you.\r\n\r\nhttps://atrium.example/invite/x\r\n\r\nUntil Monday."
        ),
        "{text}"
    );
    assert!(
        text.contains("<a href=\"https://atrium.example/invite/x\">Join</a>"),
        "{text}"
    );
}

#[tokio::test]
async fn errors_are_described_in_a_sentence() {
    let sink = Sink::start(Behavior::RejectRecipient).await;
    let error = mailer(&sink.settings()).send(&mail()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "The mail server 127.0.0.1 refused it: 550 5.1.1 Nobody here by that name."
    );
    assert!(sink.messages().is_empty());

    for manner in [Behavior::NoResponse, Behavior::Disconnect] {
        let sink = Sink::start(manner).await;
        let error = mailer(&sink.settings()).send(&mail()).await.unwrap_err();
        assert!(
            matches!(error, MailError::NoResponse(_) | MailError::Rejected { .. }),
            "{manner:?}: {error}"
        );
    }
    // No server listens on this port.
    let mut settings = sink.settings();
    settings.port = 1;
    let error = mailer(&settings).send(&mail()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "The mail server 127.0.0.1 does not answer."
    );
    assert_eq!(
        Mailer::off().send(&mail()).await,
        Err(MailError::NotConfigured)
    );
}

// SEC-B10
#[tokio::test]
async fn names_can_not_inject_headers_or_commands() {
    let sink = Sink::start(Behavior::Accept).await;
    let evil = "Acme\r\nBcc: eve@example.org\r\n\r\nHello\r\n.\r\nMAIL FROM:<eve@example.org>\r\n";
    let malicious = Mail {
        subject: format!("Join {evil}"),
        paragraphs: vec![evil.into(), "<script>alert(1)</script>".into()],
        ..mail()
    };
    mailer(&sink.settings()).send(&malicious).await.unwrap();
    let got = sink.messages().remove(0);
    assert_eq!(got.recipients(), ["mia@example.org"]);
    assert!(got.headers("Bcc").is_empty(), "{}", got.data);
    assert_eq!(got.headers("Subject").len(), 1);
    let senders = got.commands.iter().filter(|c| c.starts_with("MAIL"));
    assert_eq!(senders.count(), 1, "{:?}", got.commands);
    let (_, html) = got.data.split_once("text/html").unwrap();
    assert!(!html.contains("<script>"), "{html}");
}

#[tokio::test]
async fn non_ascii_names_are_encoded() {
    let sink = Sink::start(Behavior::Accept).await;
    let mail = Mail {
        subject: "Komm zu Bücher Müller".into(),
        paragraphs: vec!["Jörg lädt dich ein.".into()],
        ..mail()
    };
    mailer(&sink.settings()).send(&mail).await.unwrap();
    let got = sink.messages().remove(0);
    let subject = got.headers("Subject")[0];
    assert!(
        subject.is_ascii() && subject.contains("=?utf-8?"),
        "{subject}"
    );
}

// SEC-D3
#[tokio::test]
async fn password_is_never_sent_without_tls() {
    let sink = Sink::start(Behavior::Accept).await;
    let mut settings = sink.settings();
    settings.username = Some("atrium".into());
    settings.password = Some("canary".to_owned().into());
    // The server offers no STARTTLS, so no credentials are sent.
    settings.tls = MailTls::StartTls;
    let error = mailer(&settings).send(&mail()).await.unwrap_err();
    assert_eq!(error, MailError::Tls("127.0.0.1".into()));
    let commands = sink.received().concat_commands();
    assert!(!commands.contains("AUTH"), "{commands}");
    assert!(sink.messages().is_empty());
    assert!(!format!("{settings:?} {:?} {error:?}", mailer(&settings)).contains("canary"));

    settings.tls = MailTls::None;
    mailer(&settings).check().await.unwrap();
    settings.host = "mail.example".into();
    let error = Mailer::new(&settings).unwrap_err().to_string();
    assert!(error.starts_with("mail.tls: "), "{error}");
}

trait Commands {
    fn concat_commands(&self) -> String;
}

impl Commands for Vec<mail::testing::Received> {
    fn concat_commands(&self) -> String {
        self.iter()
            .flat_map(|one| one.commands.clone())
            .collect::<Vec<_>>()
            .join("\n")
    }
}

#[tokio::test]
async fn check_reports_rejected_credentials() {
    let sink = Sink::start(Behavior::RejectLogin).await;
    mailer(&sink.settings()).check().await.unwrap();
    let mut settings = sink.settings();
    settings.username = Some("atrium".into());
    settings.password = Some("wrong".to_owned().into());
    let error = mailer(&settings).check().await.unwrap_err().to_string();
    assert!(error.contains("535"), "{error}");
}

#[test]
fn invalid_settings_are_named() {
    let good = MailSettings {
        host: "mail.example".into(),
        port: 587,
        tls: MailTls::StartTls,
        username: None,
        password: None,
        from: "atrium@example.org".into(),
        limit: None,
    };
    assert!(Mailer::new(&good).is_ok());
    for (key, change) in [
        (
            "mail.host",
            (|s| s.host = " ".into()) as fn(&mut MailSettings),
        ),
        ("mail.username", |s| s.username = Some("a".into())),
        ("mail.from", |s| s.from = "nobody".into()),
        ("mail.from", |s| {
            s.from = "a@b.example\r\nBcc: c@d.example".into();
        }),
    ] {
        let mut bad = good.clone();
        change(&mut bad);
        let error = Mailer::new(&bad).unwrap_err().to_string();
        assert!(error.starts_with(key), "{error}");
    }
}
