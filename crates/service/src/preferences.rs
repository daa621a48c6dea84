//! Display preferences of members, and the time zones and currencies to choose
//! from.

use domain::{
    Action, Actor, AppError, NoInput, Timestamp,
    preferences::{
        DisplaySettings, Formats, Preferences, PreferencesDetail, PreferencesInput, ThemeInput,
        TimeZone,
    },
    settings::KnownValues,
};
use jiff::tz;
use serde_json::json;
use store::{
    actor::actor_load,
    preferences::{self, preferences_set},
};
use time::{Date, Duration};

use crate::{
    Ctx,
    authorized_tx::{AuditTarget, AuthorizedTx},
    operation::{Done, Group, Operation, Route, operations},
};

operations! {
    PreferencesGet,
    PreferencesUpdate,
    ThemeSet,
}

/// How far back the time zone offsets sent to pages reach …
const OFFSETS_PAST: Duration = Duration::days(5 * 366);
/// … and how far ahead. Outside that range pages use the nearest one.
const OFFSETS_FUTURE: Duration = Duration::days(2 * 366);

/// Validates names of time zones and codes of currencies in settings forms.
pub(crate) const KNOWN: KnownValues = KnownValues {
    is_time_zone: |name| tz::TimeZone::get(name).is_ok(),
    is_currency: |code| iso_currency::Currency::from_code(code).is_some(),
};

/// The names of all time zones: UTC, then by region and city.
pub fn time_zones() -> Vec<String> {
    const REGIONS: [&str; 10] = [
        "Africa/",
        "America/",
        "Antarctica/",
        "Arctic/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    ];
    let named = jiff::tz::db()
        .available()
        .map(|name| name.to_string())
        .filter(|name| REGIONS.iter().any(|region| name.starts_with(region)));
    let mut all: Vec<_> = std::iter::once(TimeZone::UTC.to_owned())
        .chain(named)
        .collect();
    all[1..].sort_unstable();
    all
}

pub fn currencies() -> Vec<(String, String)> {
    use iso_currency::{Currency, IntoEnumIterator as _};

    let mut all: Vec<_> = Currency::iter()
        // Skips metals, test codes and the like.
        .filter(|currency| !currency.used_by().is_empty())
        .map(|currency| (currency.code().to_owned(), currency.name().to_owned()))
        .collect();
    all.sort_unstable();
    all
}

/// The offsets of the zone `name` around `now`; UTC for an unknown name.
fn load_zone(name: &str, now: Timestamp) -> TimeZone {
    let instant = |at: Timestamp| jiff::Timestamp::from_second(at.unix_timestamp());
    let (Ok(zone), Ok(from), Ok(to)) = (
        tz::TimeZone::get(name),
        instant(now - OFFSETS_PAST),
        instant(now + OFFSETS_FUTURE),
    ) else {
        return TimeZone::utc();
    };
    let first = (from.as_second(), zone.to_offset(from).seconds());
    let later = zone
        .following(from)
        .take_while(|transition| transition.timestamp() < to)
        .map(|transition| {
            (
                transition.timestamp().as_second(),
                transition.offset().seconds(),
            )
        });
    TimeZone {
        name: name.to_owned(),
        offsets: std::iter::once(first).chain(later).collect(),
    }
}

/// The display settings from a member's preferences, with the organisation's
/// time zone as the default.
pub fn display_settings(
    preferences: &Preferences,
    tenant_time_zone: Option<&str>,
    now: Timestamp,
) -> DisplaySettings {
    let time_zone = preferences.time_zone.as_deref().or(tenant_time_zone);
    DisplaySettings {
        theme: preferences.theme,
        formats: Formats {
            locale: preferences.locale.unwrap_or_default(),
            zone: time_zone.map_or_else(TimeZone::utc, |name| load_zone(name, now)),
        },
    }
}

pub struct PreferencesGet;

impl Operation for PreferencesGet {
    const ACTION: Action = Action::ProfileGet;
    const ROUTE: Route = Route::get("/me/preferences");
    const GROUP: Group = Group::Account;
    const TITLE: &'static str = "Get the member's preferences";
    type Input = NoInput;
    type Output = PreferencesDetail;

    async fn run(
        tx: &mut AuthorizedTx<'_>,
        _: NoInput,
    ) -> Result<Done<PreferencesDetail>, AppError> {
        let id = tx.actor.user_id;
        let record = actor_load(tx, id).await?;
        Ok(Done::read(PreferencesDetail {
            preferences: record.preferences,
            tenant_time_zone: record.tenant_time_zone,
        }))
    }
}

/// The end of `day` in the actor's time zone.
pub async fn day_end(ctx: &Ctx, actor: &Actor, day: Date) -> Result<Timestamp, AppError> {
    let mut act = AuthorizedTx::begin(ctx, actor, Action::ProfileGet).await?;
    let record = actor_load(&mut act.tx, actor.user_id).await?;
    let tenant_time_zone = record.tenant_time_zone.as_deref();
    let settings = display_settings(&record.preferences, tenant_time_zone, ctx.clock.now());
    let zone = settings.formats.zone;
    Ok(zone.start_of(day.next_day().unwrap_or(day)))
}

pub struct PreferencesUpdate;

impl Operation for PreferencesUpdate {
    const ACTION: Action = Action::PreferencesUpdate;
    const ROUTE: Route = Route::put("/me/preferences");
    const GROUP: Group = Group::Account;
    const TITLE: &'static str = "Replace the member's preferences";
    const DESCRIPTION: &'static str = "Omitted fields are reset to the default.";
    type Input = PreferencesInput;
    type Output = ();

    async fn run(tx: &mut AuthorizedTx<'_>, input: PreferencesInput) -> Result<Done<()>, AppError> {
        let before = preferences::preferences_get(tx).await?;
        let after = Preferences::parse(&input, KNOWN.is_time_zone)?;
        change(tx, &before, &after).await
    }
}

pub struct ThemeSet;

impl Operation for ThemeSet {
    const ACTION: Action = Action::PreferencesUpdate;
    const ROUTE: Route = Route::put("/me/preferences/theme");
    const GROUP: Group = Group::Account;
    const TITLE: &'static str = "Set the member's theme";
    const DESCRIPTION: &'static str = "The other preferences stay.";
    type Input = ThemeInput;
    type Output = ();

    async fn run(tx: &mut AuthorizedTx<'_>, input: ThemeInput) -> Result<Done<()>, AppError> {
        let before = preferences::preferences_get(tx).await?;
        let after = Preferences {
            theme: Some(input.theme),
            ..before.clone()
        };
        change(tx, &before, &after).await
    }
}

async fn change(
    tx: &mut AuthorizedTx<'_>,
    before: &Preferences,
    after: &Preferences,
) -> Result<Done<()>, AppError> {
    let now = tx.now();
    preferences_set(tx, after, now).await?;
    let changes = json!({ "before": before, "after": after });
    let target = AuditTarget::of(tx.actor.user_id).with_changes(changes);
    Ok(Done::audited((), target))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn zone_has_offsets_for_summer_and_winter_of_displayed_years() {
        let now = datetime!(2026-11-20 12:00 UTC);
        let berlin = load_zone("Europe/Berlin", now);
        for (at, hour) in [
            (now, 13),
            (datetime!(2026-07-01 12:00 UTC), 14),
            (datetime!(2023-01-10 12:00 UTC), 13),
            (datetime!(2028-07-01 12:00 UTC), 14),
        ] {
            assert_eq!(berlin.local(at).hour(), hour, "{at}");
        }
        assert!(berlin.offsets.len() < 20, "{berlin:?}");
        assert_eq!(load_zone("Asia/Kolkata", now).local(now).minute(), 30);
        assert_eq!(load_zone("Mars/Base", now), TimeZone::utc());
    }

    #[test]
    fn offered_time_zones_and_currencies_are_valid() {
        let zones = time_zones();
        assert!(zones.len() > 300 && zones[0] == "UTC", "{}", zones.len());
        assert!(zones.iter().all(|name| (KNOWN.is_time_zone)(name)));
        assert!(zones.iter().all(|name| name.len() <= 64));
        let currencies = currencies();
        assert!(currencies.len() > 100);
        assert!(currencies.iter().all(|(code, _)| (KNOWN.is_currency)(code)));
        assert!(!(KNOWN.is_time_zone)("Mars/Base") && !(KNOWN.is_currency)("usd"));
    }
}
