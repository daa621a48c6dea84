//! The organisation's settings.

use domain::{AppError, access::SystemRole, settings::SettingsInput};

use crate::{
    call::{settings_get, settings_update},
    support::World,
};

fn draft(name: &str, idle: &str) -> SettingsInput {
    SettingsInput {
        name: name.into(),
        session_idle_hours: idle.into(),
        ..SettingsInput::default()
    }
}

#[tokio::test]
async fn settings_change_for_one_organisation_and_a_stale_edit_is_a_conflict() {
    let world = World::without_model().await;
    let admin = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let theirs = world.db.tenant("theirs").await;
    let stranger = theirs.actor(SystemRole::Owner, "Sue").await;
    let ctx = &world.ctx;
    let before = settings_get(ctx, &stranger).await.unwrap();

    let seen = settings_get(ctx, &admin).await.unwrap();
    settings_update(ctx, &admin, seen.version, &draft("Acme and daughters", "2"))
        .await
        .unwrap();
    let after = settings_get(ctx, &admin).await.unwrap();
    assert_eq!(after.name, "Acme and daughters");
    assert_eq!(after.settings.session_idle_hours, Some(2));
    assert_eq!(after.slug, seen.slug);
    assert_eq!(settings_get(ctx, &stranger).await.unwrap(), before);

    let stale = settings_update(ctx, &admin, seen.version, &draft("Mine", "")).await;
    assert!(matches!(stale, Err(AppError::Conflict { .. })), "{stale:?}");
    let bad = SettingsInput {
        time_zone: "Mars/Base".into(),
        currency: "XYZ".into(),
        ..draft(" ", "x")
    };
    let bad = settings_update(ctx, &admin, after.version, &bad).await;
    let error = bad.unwrap_err();
    for field in ["name", "session_idle_hours", "time_zone", "currency"] {
        assert!(error.for_field(field).is_some(), "{field}");
    }
    assert_eq!(settings_get(ctx, &admin).await.unwrap(), after);
}
