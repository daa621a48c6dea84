//! Converts the criteria of a list or search to the filter that the SQL
//! function `memory_fits` takes.

use domain::{
    Timestamp, UserId,
    memory::{MemoryCriteria, MemoryOwner, Visibility},
};
use serde_json::{Value, json};
use time::{Date, Time};

use crate::StoreError;

/// The filter of `memory_fits`: each key restricts. Memories that expired by
/// `now` are only in the trash.
///
/// # Errors
/// None in practice: criteria can be written as JSON.
pub fn criteria_filter(
    criteria: &MemoryCriteria,
    member_id: UserId,
    now: Timestamp,
) -> Result<Value, StoreError> {
    let mut filter = serde_json::to_value(criteria)
        .map_err(|error| StoreError::other(format!("criteria as JSON: {error}")))?;
    let mut set = |key: &str, value: Value| filter[key] = value;
    if criteria.persona_id.is_some() {
        // Restricts to the member's own persona: others' personas are private,
        // even on shared memories.
        set("persona_owner", json!(member_id));
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
    Ok(filter)
}

fn start_of(day: Date) -> i64 {
    day.with_time(Time::MIDNIGHT).assume_utc().unix_timestamp()
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
        let filter_of = |criteria: &MemoryCriteria| criteria_filter(criteria, me, now).unwrap();
        assert_eq!(filter_of(&MemoryCriteria::default()), json!({"now": 60}));
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
        assert_eq!(filter_of(&criteria), filter);
        let last = MemoryCriteria {
            changed_to: Some(Date::MAX),
            ..MemoryCriteria::default()
        };
        assert_eq!(filter_of(&last), json!({"now": 60}));
    }
}
