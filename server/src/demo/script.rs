//! The company's history as written in `server/demo`: memories in one file for
//! each subject, everything else in `events.toml`.

use domain::{Permission, access::SystemRole, api_key::NEVER};
use figment::{
    Figment,
    providers::{Format as _, Toml},
};
use serde::{Deserialize, de::DeserializeOwned};

const EVENTS: &str = include_str!("../../demo/events.toml");
const MEMORIES: &[&str] = &[
    include_str!("../../demo/memories/company.toml"),
    include_str!("../../demo/memories/operations.toml"),
    include_str!("../../demo/memories/platform.toml"),
    include_str!("../../demo/memories/customers.toml"),
    include_str!("../../demo/memories/people.toml"),
    include_str!("../../demo/memories/agents.toml"),
];

/// A file that is imported, with records that are rejected or changed.
pub(super) const IMPORT: &str = include_str!("../../demo/greenhouse-handbook.csv");

/// Everything that happened.
#[derive(Debug)]
pub(super) struct Script {
    /// In the order of the file.
    pub(super) events: Vec<Event>,
    pub(super) memories: Vec<Memory>,
}

impl Script {
    pub(super) fn load() -> Result<Self, ScriptError> {
        let Events { event } = parse(EVENTS)?;
        let mut memories = Vec::new();
        for file in MEMORIES {
            let Memories { memory } = parse(file)?;
            memories.extend(memory);
        }
        Ok(Self {
            events: event,
            memories,
        })
    }
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, ScriptError> {
    let parsed = Figment::from(Toml::string(text)).extract();
    parsed.map_err(|error| ScriptError(Box::new(error)))
}

#[derive(Debug, thiserror::Error)]
#[error("the demo's script can't be read: {0}")]
pub(super) struct ScriptError(Box<figment::Error>);

#[derive(Debug, Deserialize)]
struct Events {
    event: Vec<Event>,
}

#[derive(Debug, Deserialize)]
struct Memories {
    memory: Vec<Memory>,
}

/// Something that a member did. Members, teams and custom roles have short names
/// of their own here; a memory is named by its title.
#[derive(Debug, Deserialize)]
pub(super) struct Event {
    /// Days before the demo's first start.
    pub(super) day: u16,
    /// Who did it; the command line, if empty.
    #[serde(default)]
    pub(super) by: String,
    #[serde(flatten)]
    pub(super) step: Step,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Step {
    System(SystemStep),
    Member(MemberStep),
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum MemberStep {
    Organisation(OrganisationStep),
    Role(RoleStep),
    Key(KeyStep),
    Own(OwnStep),
}

/// Without a member in a browser.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum SystemStep {
    Join {
        member: String,
        name: String,
        #[serde(default = "member")]
        role: SystemRole,
        #[serde(default)]
        groups: Vec<String>,
    },
    Operator {
        member: String,
    },
    /// Joins by the invite to this address.
    Accept {
        email: String,
        member: String,
        name: String,
    },
    /// A program reads the newest memories.
    UseKey {
        key: String,
    },
    /// A program uses a key that has ended.
    RefusedKey {
        key: String,
    },
}

/// Settings, teams and members.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum OrganisationStep {
    Settings {
        time_zone: String,
        currency: String,
        invite_domains: String,
    },
    Preferences {
        time_zone: String,
        locale: String,
    },
    Team {
        team: String,
        name: String,
    },
    TeamMember {
        team: String,
        member: String,
        #[serde(default)]
        leads: bool,
    },
    Invite {
        email: String,
        role: String,
        team: Option<String>,
        days: u16,
    },
    RevokeInvite {
        email: String,
    },
    Suspend {
        member: String,
    },
    Offboard {
        member: String,
        heir: String,
    },
}

/// Roles, and the rules that give them.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum RoleStep {
    Role {
        name: String,
        description: String,
        permissions: Vec<Permission>,
    },
    Grant {
        role: String,
        to: String,
    },
    Revoke {
        role: String,
        from: String,
    },
    Rule {
        group: String,
        label: String,
        role: Option<String>,
        team: Option<String>,
    },
}

/// Agents, services and keys.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum KeyStep {
    Service {
        member: String,
        name: String,
        kind: String,
    },
    Key {
        key: String,
        label: String,
        /// The agent or service that it is for; the member's own, if empty.
        owner: Option<String>,
        vendor: String,
        scopes: Vec<Permission>,
        #[serde(default = "never")]
        lifetime: String,
    },
    RevokeKey {
        key: String,
    },
}

/// What a member keeps and reads.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
pub(super) enum OwnStep {
    Persona {
        name: String,
        description: String,
    },
    View {
        name: String,
        #[serde(default)]
        query: String,
        #[serde(default)]
        tag: String,
        #[serde(default)]
        kind: String,
    },
    Import {
        file_name: String,
        tags: String,
    },
    Delete {
        memory: String,
    },
    BreakGlass {
        of: String,
        reason: String,
        minutes: u16,
        reads: Vec<String>,
    },
    /// Tries to read the audit log without the permission.
    AuditDenied,
    ReadNotifications,
}

const fn member() -> SystemRole {
    SystemRole::Member
}

fn never() -> String {
    NEVER.to_owned()
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Memory {
    pub(super) day: u16,
    pub(super) by: String,
    /// The key that it is written with; a browser, if absent.
    pub(super) via: Option<String>,
    #[serde(default)]
    pub(super) title: String,
    pub(super) text: String,
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) tags: Vec<String>,
    pub(super) importance: Option<f32>,
    pub(super) url: Option<String>,
    /// The conversation that it comes from.
    pub(super) session: Option<String>,
    pub(super) persona: Option<String>,
    /// Days for which it is kept.
    pub(super) keep: Option<u16>,
    /// `org` or a team, with which it is shared right away.
    pub(super) share: Option<String>,
    /// Of the proposal, if sharing needs a review.
    #[serde(default)]
    pub(super) comment: String,
    /// Who reviews the proposal on the next day; the owner of the organisation
    /// or the team's lead, if absent.
    pub(super) reviewer: Option<String>,
    /// The proposal still waits.
    #[serde(default)]
    pub(super) waits: bool,
    /// The comment with which the proposal was declined.
    pub(super) declined: Option<String>,
    #[serde(default)]
    pub(super) changes: Vec<Change>,
    #[serde(default)]
    pub(super) replies: Vec<Reply>,
}

impl Memory {
    /// Names it in this script.
    pub(super) fn key(&self) -> &str {
        if self.title.is_empty() {
            &self.text
        } else {
            &self.title
        }
    }
}

/// A change of a memory's text by its owner.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    pub(super) day: u16,
    pub(super) text: String,
    #[serde(default)]
    pub(super) reason: String,
    /// If it needs a review, it still waits.
    #[serde(default)]
    pub(super) waits: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reply {
    pub(super) day: u16,
    pub(super) by: String,
    pub(super) text: String,
}
