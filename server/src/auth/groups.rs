//! Groups and app roles of the person who signs in (SEC-A10).

use domain::{SignInProblem, group_mapping::GroupClaims};
use openidconnect::AccessToken;
use serde_json::Value;
use service::identity::SignInError;

use super::{
    graph,
    issuer::Issuer,
    token::{ExtraClaims, TokenFault},
};

/// The values of a claim that is a string or a list of strings. An absent claim
/// is an empty list, so earlier grants are revoked (SEC-A10).
fn string_list(claim: Option<&Value>) -> Result<Vec<String>, SignInError> {
    match claim {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(word)) => Some(vec![word.clone()]),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| item.as_str().map(str::to_owned))
            .collect(),
        Some(_) => None,
    }
    .ok_or_else(|| TokenFault::Rule("groups or roles are no list of text").into())
}

/// True if the person has more groups than the token can hold.
fn has_group_overage(claims: &ExtraClaims) -> bool {
    let in_claim_names = claims
        .claim_names
        .as_ref()
        .is_some_and(|names| names.get("groups").is_some());
    let has_groups = match &claims.hasgroups {
        Some(Value::Bool(yes)) => *yes,
        Some(Value::String(text)) => text == "true",
        _ => false,
    };
    in_claim_names || has_groups
}

impl Issuer {
    /// The person's groups and app roles: from the token, or from Graph if the
    /// token only says that there are more.
    pub(super) async fn group_claims(
        &self,
        claims: &ExtraClaims,
        access_token: &AccessToken,
    ) -> Result<GroupClaims, SignInError> {
        let app_roles = string_list(claims.roles.as_ref())?;
        if !has_group_overage(claims) {
            return Ok(GroupClaims::new(
                string_list(claims.groups.as_ref())?,
                app_roles,
            ));
        }
        // Without Graph the person's roles would silently be revoked.
        let Some(base) = &self.settings().graph_url else {
            return Err(SignInError::new(SignInProblem::Groups, "graph_unknown"));
        };
        match graph::groups(self.transport(), base, access_token).await {
            Ok(groups) => Ok(GroupClaims::new(groups, app_roles)),
            Err(error) => {
                tracing::warn!(%error, "the person's groups can't be read");
                Err(SignInError::new(SignInProblem::Groups, error.key()))
            }
        }
    }
}
