//! Inviting several addresses at once.

use domain::{
    AppError, Permission, RoleId,
    access::SystemRole,
    audit::Outcome,
    invite::{InviteLinks, InviteListInput, InviteManyInput, MailOutcome},
};
use service::{InviteCreateMany, InviteList, call};

use crate::support::World;

fn input(emails: &[&str], role: Option<RoleId>) -> InviteManyInput {
    InviteManyInput {
        emails: emails.iter().map(|&email| email.to_owned()).collect(),
        role: role.map(|id| id.to_string()).unwrap_or_default(),
        days: "7".into(),
        ..InviteManyInput::default()
    }
}

#[tokio::test]
async fn each_address_gets_an_invite_and_an_audit_row() {
    let world = World::without_model().await;
    let ada = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let viewer = world.role("viewer").await;
    let emails = ["Mia <mia@x.org>", "ben@y.org", "MIA@x.org"];
    let before = world.audit().await.len();
    let InviteLinks { items } =
        call::<InviteCreateMany>(&world.ctx, &ada, input(&emails, Some(viewer)))
            .await
            .unwrap();
    let made: Vec<_> = items
        .iter()
        .filter_map(|made| made.email.as_deref())
        .collect();
    assert_eq!(made, ["mia@x.org", "ben@y.org"]);
    assert!(items.iter().all(|made| made.mail == MailOutcome::NotSent));
    assert_ne!(items[0].link, items[1].link);

    let listed = call::<InviteList>(&world.ctx, &ada, InviteListInput::default())
        .await
        .unwrap();
    let roles = listed
        .items
        .iter()
        .filter_map(|invite| invite.role.as_ref());
    assert_eq!(roles.map(|role| role.id).collect::<Vec<_>>(), [viewer; 2]);

    let audit = world.audit().await;
    assert_eq!(audit.len(), before + 2);
    for entry in &audit[..2] {
        assert_eq!(
            (entry.action.as_str(), entry.outcome),
            ("invite.create", Outcome::Success)
        );
        let id = entry.resource_id.as_deref().unwrap();
        let invite = items.iter().find(|made| made.id.to_string() == id).unwrap();
        let after = &entry.changes.as_ref().unwrap()["after"];
        assert_eq!(after["email"].as_str(), invite.email.as_deref());
        assert_eq!(after["role"], "viewer");
        let text = serde_json::to_string(entry).unwrap();
        assert!(!text.contains("atri_"), "{text}");
    }
}

#[tokio::test]
async fn one_faulty_address_means_that_none_is_invited() {
    let world = World::without_model().await;
    let ada = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let before = world.audit().await.len();
    let error = call::<InviteCreateMany>(&world.ctx, &ada, input(&["mia@x.org", "ben", "@"], None))
        .await
        .unwrap_err();
    let message = error.for_field("emails").unwrap();
    assert!(message.contains("“ben”, “@”"), "{message}");
    let listed = call::<InviteList>(&world.ctx, &ada, InviteListInput::default())
        .await
        .unwrap();
    assert_eq!(listed.items, []);
    assert_eq!(world.audit().await.len(), before);
}

// SEC-G: more permissions than the inviter's own, by an invite.
#[tokio::test]
async fn several_invites_can_not_exceed_the_inviters_permissions() {
    let world = World::without_model().await;
    let ada = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let owner = world.role("owner").await;
    let error =
        call::<InviteCreateMany>(&world.ctx, &ada, input(&["mia@x.org"], Some(owner))).await;
    let permission = Permission::OwnerGrant;
    assert_eq!(error, Err(AppError::Forbidden { permission }));
    let denied = world.audit().await.remove(0);
    assert_eq!(
        (denied.action.as_str(), denied.outcome),
        ("invite.create", Outcome::Denied)
    );
    let mia = world.member("Mia").await;
    let error = call::<InviteCreateMany>(&world.ctx, &mia, input(&["ben@x.org"], None)).await;
    let permission = Permission::MemberInvite;
    assert_eq!(error, Err(AppError::Forbidden { permission }));
}
