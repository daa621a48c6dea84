//! Converts the criteria of a list or search to the filter that the SQL
//! function `memory_fits` takes.

use domain::{
    Timestamp, UserId,
    memory::{MemoryCriteria, MemoryOwner, Visibility},
};
use serde_json::{Map, Value, json};
use sqlx::PgConnection;
use time::{Date, Time};

use crate::StoreError;

/// The filter of `memory_fits`: each key restricts. Memories that expired by
/// `now` are only in the trash.
pub fn criteria_filter(criteria: &MemoryCriteria, member_id: UserId, now: Timestamp) -> Value {
    let mut filter = Map::new();
    let mut set = |key: &str, value: Value| {
        filter.insert(key.to_owned(), value);
    };
    if let Some(kind) = criteria.kind {
        set("kind", kind.key().into());
    }
    if !criteria.tags.is_empty() {
        set("tags", criteria.tags.join(",").into());
    }
    if let Some(persona_id) = criteria.persona_id {
        set("persona", json!(persona_id));
        // Restricts to the member's own persona: others' personas are private,
        // even on shared memories.
        set("persona_owner", json!(member_id));
    }
    if let Some(term) = criteria.term {
        set("term", term.key().into());
    }
    match criteria.owner {
        Some(MemoryOwner::Mine) => set("owner", json!(member_id)),
        Some(MemoryOwner::Member(id)) => set("owner", json!(id)),
        Some(MemoryOwner::Others) => set("not_owner", json!(member_id)),
        // Row security implies this. Repeating it tells the planner how few
        // rows match.
        None => {
            let mine = criteria.trash || criteria.visibility == Some(Visibility::Private);
            if mine {
                set("owner", json!(member_id));
            }
        }
    }
    if let Some(team_id) = criteria.team_id {
        set("team", json!(team_id));
    }
    if let Some(origin) = criteria.origin {
        set("origin", origin.key().into());
    }
    if let Some(visibility) = criteria.visibility {
        set("visibility", visibility.key().into());
    }
    if let Some(day) = criteria.changed_from {
        set("from", start_of(day).into());
    }
    // `Date::MAX` has no next day, and nothing is later.
    if let Some(next) = criteria.changed_to.and_then(Date::next_day) {
        set("before", start_of(next).into());
    }
    if criteria.trash {
        set("trash", true.into());
    } else {
        set("now", now.unix_timestamp().into());
    }
    Value::Object(filter)
}

fn start_of(day: Date) -> i64 {
    day.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp()
}

/// Makes this transaction plan each statement for its actual values: a generic
/// plan for any filter and tenant would be bad for each. Also disables parallel
/// workers, because starting one takes longer than lists and searches do.
pub(super) async fn force_custom_plans(conn: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query!(
        "SELECT set_config('plan_cache_mode', 'force_custom_plan', true) AS plans,
                set_config('max_parallel_workers_per_gather', '0', true) AS processes"
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use time::macros::{date, datetime};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn filter_has_only_restricting_keys() {
        let me = UserId(Uuid::from_u128(7));
        let now = datetime!(1970-01-01 00:01 UTC);
        let filter = criteria_filter(&MemoryCriteria::default(), me, now);
        assert_eq!(filter, json!({"now": 60}));
        let criteria = MemoryCriteria {
            tags: vec!["a".into(), "b c".into()],
            changed_from: Some(date!(1970 - 01 - 02)),
            changed_to: Some(date!(1970 - 01 - 02)),
            visibility: Some(Visibility::Private),
            trash: true,
            ..MemoryCriteria::default()
        };
        let filter = json!({
            "tags": "a,b c", "from": 86_400, "before": 172_800, "visibility": "private", "owner": me,
            "trash": true
        });
        assert_eq!(criteria_filter(&criteria, me, now), filter);
        let last = MemoryCriteria {
            changed_to: Some(Date::MAX),
            ..MemoryCriteria::default()
        };
        assert_eq!(criteria_filter(&last, me, now), json!({"now": 60}));
    }
}
