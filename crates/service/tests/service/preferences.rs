//! Display preferences of members.

use domain::{
    AppError,
    access::SystemRole,
    preferences::{Locale, Preferences, PreferencesInput, Theme, TimeZone},
    settings::SettingsInput,
};

use crate::{
    call::{preferences_get, preferences_update, settings_update, theme_set},
    support::World,
};

fn draft(theme: &str, time_zone: &str, locale: &str) -> PreferencesInput {
    PreferencesInput {
        theme: theme.into(),
        time_zone: time_zone.into(),
        locale: locale.into(),
    }
}

// SEC-C6
#[tokio::test]
async fn members_have_own_preferences_and_the_organisations_time_zone_by_default() {
    let world = World::without_model().await;
    let ctx = &world.ctx;
    let ada = world.tenant.actor(SystemRole::Admin, "Ada").await;
    let ben = world.tenant.actor(SystemRole::Member, "Ben").await;
    let organisation = SettingsInput {
        name: "Acme".into(),
        time_zone: "Asia/Tokyo".into(),
        currency: "JPY".into(),
        ..SettingsInput::default()
    };
    settings_update(ctx, &ada, 1, &organisation).await.unwrap();

    let shown = preferences_update(ctx, &ada, &draft("", "", ""))
        .await
        .unwrap();
    assert_eq!(
        (shown.theme, shown.formats.zone.name.as_str()),
        (None, "Asia/Tokyo")
    );

    let shown = preferences_update(ctx, &ada, &draft("dark", "Europe/Berlin", "de-DE"))
        .await
        .unwrap();
    assert_eq!(shown.theme, Some(Theme::Dark));
    assert_eq!(shown.formats.locale, Locale::DeDe);
    assert_eq!(shown.formats.zone.name, "Europe/Berlin");
    assert_ne!(shown.formats.zone.offsets, TimeZone::utc().offsets);

    // The theme switch changes the theme only.
    theme_set(ctx, &ada, Theme::Light).await.unwrap();
    let chosen = Preferences {
        theme: Some(Theme::Light),
        time_zone: Some("Europe/Berlin".into()),
        locale: Some(Locale::DeDe),
    };
    let zone = Some("Asia/Tokyo".to_owned());
    assert_eq!(
        preferences_get(ctx, &ada).await,
        Ok((chosen.clone(), zone.clone()))
    );
    assert_eq!(
        preferences_get(ctx, &ben).await,
        Ok((Preferences::default(), zone.clone()))
    );

    let wrong = preferences_update(ctx, &ada, &draft("dark", "Mars/Base", "")).await;
    assert!(matches!(wrong, Err(AppError::Invalid { .. })), "{wrong:?}");
    assert_eq!(preferences_get(ctx, &ada).await, Ok((chosen, zone)));
}
