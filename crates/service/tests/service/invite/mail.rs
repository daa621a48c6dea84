//! Invites by e-mail.

use ::mail::{
    Mailer,
    testing::{Behavior, Sink},
};
use domain::invite::{InviteInput, InviteManyInput, MailOutcome};

use super::{admin, giving, invite, plain, problem, token};
use crate::{
    call::{invite_create, invite_renew},
    support::World,
};

async fn with_mail(manner: Behavior) -> (World, Sink) {
    let sink = Sink::start(manner).await;
    let mut world = World::without_model().await;
    world.ctx = world
        .ctx
        .with_mailer(Mailer::new(&sink.settings()).unwrap());
    (world, sink)
}

#[tokio::test]
async fn link_is_mailed_if_mail_is_configured() {
    let (world, sink) = with_mail(Behavior::Accept).await;
    let ada = admin(&world).await;
    let viewer = world.role("viewer").await;
    let draft = InviteInput {
        email: "nina@example.org".into(),
        ..giving(Some(viewer), None)
    };
    let made = invite(&world, &ada, &draft).await;
    assert_eq!(made.mail, MailOutcome::Sent);
    let mail = sink.messages().remove(0);
    assert_eq!(mail.recipients(), ["nina@example.org"]);
    assert_eq!(mail.headers("Subject"), ["Ada invites you to acme Ltd"]);
    let text = mail.text();
    assert!(text.contains(&made.link), "{text}");
    assert!(text.contains("You get the role Viewer."), "{text}");

    let renewed = invite_renew(&world.ctx, &ada, made.id, "1").await.unwrap();
    assert_eq!(renewed.mail, MailOutcome::Sent);
    assert!(sink.messages()[1].text().contains(&renewed.link));
    // Without an address no mail is sent.
    assert_eq!(
        invite(&world, &ada, &plain()).await.mail,
        MailOutcome::NotSent
    );
    assert_eq!(sink.messages().len(), 2);
}

#[tokio::test]
async fn each_of_several_invites_is_mailed_to_its_address() {
    let (world, sink) = with_mail(Behavior::Accept).await;
    let ada = admin(&world).await;
    let emails: Vec<_> = (0..9).map(|n| format!("m{n}@example.org")).collect();
    let input = InviteManyInput {
        emails: emails.clone(),
        days: "7".into(),
        ..InviteManyInput::default()
    };
    let made = service::call::<service::InviteCreateMany>(&world.ctx, &ada, input)
        .await
        .unwrap()
        .items;
    assert!(made.iter().all(|made| made.mail == MailOutcome::Sent));
    let mails = sink.messages();
    assert_eq!(mails.len(), emails.len());
    for (made, email) in made.iter().zip(&emails) {
        assert_eq!(made.email.as_ref(), Some(email));
        let mail = mails
            .iter()
            .find(|mail| mail.recipients() == [email.as_str()])
            .unwrap();
        assert!(mail.text().contains(&made.link), "{email}");
    }
}

#[tokio::test]
async fn failed_mail_keeps_the_invite() {
    for (manner, expected) in [
        (
            Behavior::RejectRecipient,
            "550 5.1.1 Nobody here by that name",
        ),
        (Behavior::NoResponse, "does not answer"),
    ] {
        let (world, sink) = with_mail(manner).await;
        let ada = admin(&world).await;
        let draft = InviteInput {
            email: "nina@example.org".into(),
            ..plain()
        };
        let made = invite(&world, &ada, &draft).await;
        let MailOutcome::Failed { reason } = &made.mail else {
            panic!("{:?}", made.mail)
        };
        assert!(reason.contains(expected), "{reason}");
        assert!(!reason.contains(token(&made)));
        assert_eq!(problem(&world, &made).await, None);
        assert!(sink.messages().is_empty());
    }
}

// SEC-B10
#[tokio::test]
async fn invalid_address_never_reaches_the_mail_server() {
    let (world, sink) = with_mail(Behavior::Accept).await;
    let ada = admin(&world).await;
    for email in [
        "nina@example.org\r\nBcc: eve@example.org",
        "nina@example.org, eve@example.org",
        "Nina <nina@example.org>",
    ] {
        let draft = InviteInput {
            email: email.into(),
            ..plain()
        };
        let error = invite_create(&world.ctx, &ada, &draft).await;
        assert!(error.unwrap_err().for_field("email").is_some(), "{email}");
    }
    assert!(sink.received().is_empty());
}
