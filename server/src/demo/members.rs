//! The members of the demo's company, who act through the same operations as
//! everybody else.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr},
};

use domain::{
    Actor, AppError, NoInput, RequestFacts, RoleId, TeamId, TenantId, Timestamp, UserId, Vendor,
    group_mapping::GroupClaims, memory::Origin,
};
use service::{
    Ctx, RoleList, api_key_actor,
    identity::{
        FollowedInvite, IssuerPolicy, SessionSettings, SignIn, SignInError, Tokens, VerifiedPerson,
        Visit, session_resolve, sign_in,
    },
};
use time::Duration;

use super::{email, identity};

/// How long a browser is used before its member signs in again.
const SIGNED_IN: Duration = Duration::days(6);

const BROWSERS: [&str; 4] = [
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
];

#[derive(Debug, thiserror::Error)]
pub(super) enum HistoryError {
    #[error(transparent)]
    App(#[from] AppError),
    /// The script names something that it didn't create before.
    #[error("there is no {0} “{1}” yet")]
    Unknown(&'static str, String),
    #[error("{0}")]
    Refused(String),
}

impl From<SignInError> for HistoryError {
    fn from(error: SignInError) -> Self {
        Self::Refused(format!("signing in failed: {}", error.reason))
    }
}

/// A key that was created, and its text.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) id: domain::ApiKeyId,
    pub(super) text: String,
}

/// The organisation, and what the script's short names stand for.
pub(super) struct Members<'a> {
    pub(super) ctx: Ctx,
    pub(super) tenant_id: TenantId,
    pub(super) issuer: &'a str,
    slugs: [String; 1],
    sessions: &'a SessionSettings,
    by_key: HashMap<String, Member>,
    pub(super) teams: HashMap<String, TeamId>,
    pub(super) keys: HashMap<String, Key>,
    roles: HashMap<String, RoleId>,
    permissions_version: u32,
}

struct Member {
    id: UserId,
    desk: Desk,
    browser: Option<Browser>,
}

/// A member who is signed in.
struct Browser {
    signed_in_at: Timestamp,
    /// As of `permissions_version`.
    actor: Actor,
    permissions_version: u32,
}

/// What a member signs in with.
struct Desk {
    /// The subject at the issuer.
    key: String,
    name: String,
    /// Decides address and browser.
    number: u8,
    groups: GroupClaims,
}

impl<'a> Members<'a> {
    pub(super) fn new(
        ctx: Ctx,
        tenant_id: TenantId,
        slug: &str,
        issuer: &'a str,
        sessions: &'a SessionSettings,
    ) -> Self {
        Self {
            ctx,
            tenant_id,
            issuer,
            slugs: [slug.to_owned()],
            sessions,
            by_key: HashMap::new(),
            teams: HashMap::new(),
            keys: HashMap::new(),
            roles: HashMap::new(),
            permissions_version: 0,
        }
    }

    /// A member who was added. `groups` are those of the identity provider.
    pub(super) fn add(&mut self, key: &str, id: UserId, name: &str, groups: &[String]) {
        let member = Member {
            id,
            desk: Desk {
                key: key.to_owned(),
                name: name.to_owned(),
                number: self.next_number(),
                groups: GroupClaims::new(groups, [""; 0]),
            },
            browser: None,
        };
        self.by_key.insert(key.to_owned(), member);
    }

    /// Somebody who signs in for the first time, by an invite if one was followed.
    pub(super) async fn add_by_sign_in(
        &mut self,
        key: &str,
        name: &str,
        invite: Option<FollowedInvite>,
    ) -> Result<(), HistoryError> {
        let desk = Desk {
            key: key.to_owned(),
            name: name.to_owned(),
            number: self.next_number(),
            groups: GroupClaims::default(),
        };
        let actor = self.sign_in(&desk, invite).await?;
        let member = Member {
            id: actor.user_id,
            desk,
            browser: Some(self.browser(actor)),
        };
        self.by_key.insert(key.to_owned(), member);
        Ok(())
    }

    fn next_number(&self) -> u8 {
        u8::try_from(self.by_key.len()).unwrap_or(u8::MAX)
    }

    fn find(&self, key: &str) -> Result<&Member, HistoryError> {
        let found = self.by_key.get(key);
        found.ok_or_else(|| HistoryError::Unknown("member", key.to_owned()))
    }

    pub(super) fn id(&self, key: &str) -> Result<UserId, HistoryError> {
        Ok(self.find(key)?.id)
    }

    pub(super) fn name(&self, key: &str) -> Result<&str, HistoryError> {
        Ok(&self.find(key)?.desk.name)
    }

    pub(super) fn team(&self, key: &str) -> Result<TeamId, HistoryError> {
        let found = self.teams.get(key).copied();
        found.ok_or_else(|| HistoryError::Unknown("team", key.to_owned()))
    }

    pub(super) fn key(&self, key: &str) -> Result<&Key, HistoryError> {
        let found = self.keys.get(key);
        found.ok_or_else(|| HistoryError::Unknown("key", key.to_owned()))
    }

    /// The role with this key; `by` reads the roles if it is not known.
    pub(super) async fn role(&mut self, by: &Actor, key: &str) -> Result<RoleId, HistoryError> {
        if !self.roles.contains_key(key) {
            let roles = service::call::<RoleList>(&self.ctx, by, NoInput {}).await?;
            let roles = roles.items.into_iter();
            self.roles.extend(roles.map(|role| (role.key, role.id)));
        }
        let found = self.roles.get(key).copied();
        found.ok_or_else(|| HistoryError::Unknown("role", key.to_owned()))
    }

    /// Facts of a request from the member's desk.
    fn facts(&self, number: u8) -> RequestFacts {
        RequestFacts {
            request_id: self.ctx.ids.id(),
            ip: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10 + number))),
            user_agent: Some(BROWSERS[usize::from(number) % BROWSERS.len()].to_owned()),
            session_id: None,
            api_key_id: None,
        }
    }

    /// Roles or teams have changed, so that the members are read again.
    pub(super) fn permissions_changed(&mut self) {
        self.permissions_version += 1;
    }

    fn browser(&self, actor: Actor) -> Browser {
        Browser {
            signed_in_at: self.ctx.clock.now(),
            actor,
            permissions_version: self.permissions_version,
        }
    }

    /// The member in their browser, with the permissions of this moment. Signs in
    /// if the last time was long ago.
    pub(super) async fn in_browser(&mut self, key: &str) -> Result<Actor, HistoryError> {
        let now = self.ctx.clock.now();
        let member = self.find(key)?;
        let known = member.browser.as_ref();
        let browser = match known.filter(|browser| now - browser.signed_in_at < SIGNED_IN) {
            None => self.browser(self.sign_in(&member.desk, None).await?),
            Some(browser) => {
                let request = RequestFacts {
                    session_id: browser.actor.request.session_id,
                    ..self.facts(member.desk.number)
                };
                let actor = if browser.permissions_version == self.permissions_version {
                    Actor {
                        request,
                        ..browser.actor.clone()
                    }
                } else {
                    let (ctx, tenant_id) = (&self.ctx, self.tenant_id);
                    let found = service::actor_find(ctx, tenant_id, member.id, request).await?;
                    found.ok_or_else(|| HistoryError::Unknown("active member", key.to_owned()))?
                };
                Browser {
                    signed_in_at: browser.signed_in_at,
                    ..self.browser(actor)
                }
            }
        };
        let actor = browser.actor.clone();
        if let Some(member) = self.by_key.get_mut(key) {
            member.browser = Some(browser);
        }
        Ok(actor)
    }

    async fn sign_in(
        &self,
        desk: &Desk,
        invite: Option<FollowedInvite>,
    ) -> Result<Actor, HistoryError> {
        let facts = self.facts(desk.number);
        let person = VerifiedPerson {
            key: identity(self.issuer, &desk.key),
            issuer: self.issuer.to_owned(),
            subject: desk.key.clone(),
            name: Some(desk.name.clone()),
            email: Some(email(&desk.key)),
            sid: None,
            groups: desk.groups.clone(),
        };
        let request = SignIn {
            issuer: IssuerPolicy {
                name: crate::auth::PRIMARY,
                tenants: &self.slugs,
                by_directory: false,
                directories: &[],
                default_role: None,
            },
            person: &person,
            tokens: Tokens {
                id_token: String::new(),
                refresh_token: None,
            },
            refresh_at: None,
            invite,
            replaces: None,
            facts: &facts,
        };
        let issued = sign_in(&self.ctx, self.sessions, &request).await?;
        let visit = Visit {
            is_use: false,
            may_rotate: false,
            is_page: false,
        };
        let session = session_resolve(&self.ctx, &issued.token, &facts, visit).await;
        let session =
            session.map_err(|error| HistoryError::Refused(format!("{}: {error:?}", desk.key)))?;
        Ok(session.actor)
    }

    /// The owner of a key, whose program uses it for `vendor`'s product.
    pub(super) async fn with_key(&self, key: &str) -> Result<Actor, HistoryError> {
        let facts = RequestFacts {
            ip: Some(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7))),
            user_agent: Some("atrium-client/1.4".to_owned()),
            ..self.facts(0)
        };
        let actor = api_key_actor(&self.ctx, &self.key(key)?.text, &facts)
            .await
            .map_err(|error| HistoryError::Refused(format!("the key {key}: {error:?}")))?;
        // As the MCP server does for the keys of AI products.
        let origin = actor.vendor.and_then(Vendor::origin);
        Ok(Actor {
            origin: origin.unwrap_or(Origin::Api),
            ..actor
        })
    }
}
