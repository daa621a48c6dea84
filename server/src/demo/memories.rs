//! The memories of the demo's company: written, shared, proposed, reviewed,
//! changed and replied to.

use domain::{
    Actor, MemoryId, ProposalId,
    memory::{AttributesInput, MemoryInput, MemoryPatch, MemoryPath},
    memory_command::BatchOutcome,
    proposal::DecisionInput,
    share::{Audience, ShareInput, ShareOutcome},
};
use serde_json::json;
use time::Duration;

use super::{
    history::History,
    members::HistoryError,
    script::{Change, Memory, Reply},
};

/// A memory of the script.
pub(super) struct Written {
    id: MemoryId,
    /// Its proposal, while it waits.
    proposal: Option<ProposalId>,
}

impl History<'_> {
    pub(super) fn memory(&self, key: &str) -> Result<MemoryId, HistoryError> {
        let found = self.written.get(key).map(|written| written.id);
        found.ok_or_else(|| HistoryError::Unknown("memory", key.to_owned()))
    }

    pub(super) async fn write_memory(&mut self, memory: &Memory) -> Result<(), HistoryError> {
        let author = match &memory.via {
            Some(key) => self.members.with_key(key).await?,
            None => self.members.in_browser(&memory.by).await?,
        };
        let input = self.input_of(memory)?;
        let created = self.call::<service::MemoryCreate>(&author, input).await?;
        let owner = match &memory.via {
            Some(_) if memory.share.is_some() => self.members.in_browser(&memory.by).await?,
            _ => author,
        };
        let proposal = self.share(&owner, memory, created.id).await?;
        let written = Written {
            id: created.id,
            proposal,
        };
        self.written.insert(memory.key().to_owned(), written);
        Ok(())
    }

    /// Shares a new memory as the script says. Returns the proposal, if that needs
    /// a review.
    async fn share(
        &self,
        owner: &Actor,
        memory: &Memory,
        id: MemoryId,
    ) -> Result<Option<ProposalId>, HistoryError> {
        let Some(audience) = &memory.share else {
            return Ok(None);
        };
        let input = ShareInput {
            id,
            version: 1,
            audience: self.audience(audience)?,
            comment: memory.comment.clone(),
        };
        match self.call::<service::MemoryShare>(owner, input).await? {
            ShareOutcome::Proposed { proposal_id } => Ok(Some(proposal_id)),
            ShareOutcome::Shared { .. } | ShareOutcome::Private { .. } => Ok(None),
        }
    }

    /// Writes what a program keeps at once, in one call.
    pub(super) async fn write_memories(&mut self, memories: &[Memory]) -> Result<(), HistoryError> {
        let Some(key) = memories.first().and_then(|first| first.via.as_ref()) else {
            return Ok(());
        };
        let author = self.members.with_key(key).await?;
        let mut rows = Vec::new();
        for memory in memories {
            let mut row = json!({
                "op": "create",
                "title": memory.title,
                "content": memory.text,
                "tags": memory.tags,
            });
            let optional = [
                ("kind", json!(memory.kind)),
                ("importance", json!(memory.importance)),
                ("source_url", json!(memory.url)),
                ("source_session_id", json!(memory.session)),
            ];
            for (field, value) in optional {
                if !value.is_null() {
                    row[field] = value;
                }
            }
            rows.push(row);
        }
        let text = json!({ "items": rows }).to_string();
        let input = service::read_json_input(&text)?;
        let results = self.call::<service::MemoryBatch>(&author, input).await?;
        for (memory, row) in memories.iter().zip(results.rows) {
            let (BatchOutcome::Created, Some(id)) = (row.outcome, row.id) else {
                return Err(HistoryError::Refused(format!(
                    "{}: {:?}",
                    memory.title, row.problem
                )));
            };
            let proposal = self.share(&author, memory, id).await?;
            let written = Written { id, proposal };
            self.written.insert(memory.key().to_owned(), written);
        }
        Ok(())
    }

    fn input_of(&self, memory: &Memory) -> Result<MemoryInput, HistoryError> {
        let now = self.members.ctx.clock.now();
        let persona_id = memory
            .persona
            .as_ref()
            .map(|name| {
                let known = self
                    .personas
                    .get(&(memory.by.clone(), name.clone()))
                    .copied();
                known.ok_or_else(|| HistoryError::Unknown("persona", name.clone()))
            })
            .transpose()?;
        Ok(MemoryInput {
            title: memory.title.clone(),
            content: memory.text.clone(),
            kind: memory.kind.clone(),
            tags: memory.tags.clone(),
            attributes: AttributesInput {
                expires_at: memory
                    .keep
                    .map(|days| Some(now + Duration::days(days.into()))),
                importance: memory.importance,
                source_url: memory.url.clone().map(Some),
                ..AttributesInput::default()
            },
            persona_id,
            source_session_id: memory.session.clone(),
            parent_id: None,
        })
    }

    fn audience(&self, key: &str) -> Result<Audience, HistoryError> {
        match key {
            "org" => Ok(Audience::Org),
            team => Ok(Audience::Team(self.members.team(team)?)),
        }
    }

    /// Decides the proposal of a memory, if sharing it needed one.
    pub(super) async fn decide(&mut self, memory: &Memory) -> Result<(), HistoryError> {
        let written = self.written.get_mut(memory.key());
        let Some(id) = written.and_then(|written| written.proposal.take()) else {
            return Ok(());
        };
        let reviewer = self.reviewer(memory).await?;
        let decision = |comment: &str| DecisionInput {
            id,
            comment: comment.to_owned(),
        };
        match &memory.declined {
            Some(why) => {
                self.call::<service::ProposalDecline>(&reviewer, decision(why))
                    .await
            }
            None => {
                self.call::<service::ProposalAccept>(&reviewer, decision(""))
                    .await
            }
        }
    }

    async fn reviewer(&mut self, memory: &Memory) -> Result<Actor, HistoryError> {
        let reviewer = memory.reviewer.as_deref().unwrap_or("mira");
        self.members.in_browser(reviewer).await
    }

    /// Changes the text as its owner, and has it accepted if that needs a review.
    pub(super) async fn change(
        &mut self,
        memory: &Memory,
        change: &Change,
    ) -> Result<(), HistoryError> {
        let owner = self.members.in_browser(&memory.by).await?;
        let id = self.memory(memory.key())?;
        let now = self
            .call::<service::MemoryGet>(&owner, MemoryPath { id })
            .await?;
        let patch = MemoryPatch {
            content: Some(change.text.clone()),
            reason: Some(change.reason.clone()),
            ..MemoryPatch::new(id, now.version)
        };
        let changed = self.call::<service::MemoryUpdate>(&owner, patch).await?;
        if let Some(id) = changed.proposal_id.filter(|_| !change.waits) {
            let reviewer = self.reviewer(memory).await?;
            let comment = String::new();
            self.call::<service::ProposalAccept>(&reviewer, DecisionInput { id, comment })
                .await?;
        }
        Ok(())
    }

    pub(super) async fn reply(
        &mut self,
        memory: &Memory,
        reply: &Reply,
    ) -> Result<(), HistoryError> {
        let author = self.members.in_browser(&reply.by).await?;
        let input = MemoryInput {
            content: reply.text.clone(),
            parent_id: Some(self.memory(memory.key())?),
            ..MemoryInput::default()
        };
        self.call::<service::MemoryCreate>(&author, input).await?;
        Ok(())
    }
}
