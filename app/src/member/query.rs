//! The query of the members list, stored in its URL.

use domain::member::MemberListInput;

use crate::ui::{Query, query_string};

pub(crate) fn from_params(params: &Query) -> MemberListInput {
    let get = |name: &str| params.get(name).to_owned();
    MemberListInput {
        query: get("query").trim().to_owned(),
        status: get("status"),
        role: get("role"),
        team: get("team"),
        kind: get("kind"),
        after: Some(get("after")).filter(|after| !after.is_empty()),
    }
}

/// URL of the list page with this query.
pub(crate) fn path(input: &MemberListInput) -> String {
    let query = query_string(&[
        ("query", &input.query),
        ("status", &input.status),
        ("role", &input.role),
        ("team", &input.team),
        ("kind", &input.kind),
        ("after", input.after.as_deref().unwrap_or_default()),
    ]);
    format!("/members{query}")
}

/// A copy that starts after the cursor `after`; `None` for the first page.
pub(crate) fn starting_after(input: &MemberListInput, after: Option<String>) -> MemberListInput {
    MemberListInput {
        after,
        ..input.clone()
    }
}

pub(crate) fn is_filtered(input: &MemberListInput) -> bool {
    starting_after(input, None) != MemberListInput::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_round_trips_and_empty_fields_are_omitted() {
        let params = Query::parse("query=+mia+&status=active&role=&team=x&kind=agent&after=y");
        let query = from_params(&params);
        assert_eq!(
            path(&query),
            "/members?query=mia&status=active&team=x&kind=agent&after=y"
        );
        assert!(is_filtered(&query) && !is_filtered(&MemberListInput::default()));
        assert_eq!(
            path(&starting_after(&query, None)),
            "/members?query=mia&status=active&team=x&kind=agent"
        );
    }
}
