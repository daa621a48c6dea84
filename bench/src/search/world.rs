//! Organisations of very different sizes, their members and their questions.

use crate::{
    dice::Rng,
    world::{SUBJECTS, TOPICS, Tenant, VOCABULARY, World, unit_vector, word},
};
use domain::{
    Actor, ActorKind, RequestFacts, RequestId, TeamId, TenantId, UserId, access::SystemRole,
    memory::Origin,
};

const TENANTS: usize = 200;

/// A search query and its embedding.
pub(crate) struct Question {
    pub(crate) text: String,
    pub(crate) vector: Vec<f32>,
}

/// Number of memories for each organisation: one with a third of all, two with
/// some percent each, the rest decreasing.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes are small"
)]
fn sizes(rows: usize) -> Vec<usize> {
    let scale = rows as f64 / 300_000.0;
    let rest: f64 = (4..=TENANTS).map(|n| (n as f64).powf(-0.7)).sum();
    let mut sizes: Vec<usize> = [100_000.0, 20_000.0, 13_000.0]
        .into_iter()
        .chain((4..=TENANTS).map(|n| 167_000.0 * (n as f64).powf(-0.7) / rest))
        .map(|size| ((size * scale) as usize).max(20))
        .collect();
    // Exact sizes that the tables refer to.
    let nearest = |sizes: &[usize], size: f64| {
        (3..sizes.len()).min_by_key(|&n| sizes[n].abs_diff((size * scale) as usize))
    };
    for size in [2_000.0, 100.0] {
        if let Some(n) = nearest(&sizes, size) {
            sizes[n] = ((size * scale) as usize).max(20);
        }
    }
    sizes
}

impl World {
    /// Organisations of very different sizes, of `rows` memories together.
    pub(crate) fn new(rows: usize) -> Self {
        let mut dice = Rng::new(1);
        let topics: Vec<_> = (0..TOPICS).map(|_| unit_vector(&mut dice)).collect();
        let words = (0..VOCABULARY).map(|_| word(&mut dice)).collect();
        let tenants = sizes(rows)
            .into_iter()
            .enumerate()
            .map(|(n, rows)| Tenant {
                id: TenantId(dice.uuid()),
                rows,
                members: (0..(rows / 200).clamp(5, 300))
                    .map(|_| UserId(dice.uuid()))
                    .collect(),
                teams: (0..(rows / 1_000).clamp(3, 20))
                    .map(|_| TeamId(dice.uuid()))
                    .collect(),
                topics: (0..12).map(|_| dice.below(TOPICS)).collect(),
                seed: 1_000 + n as u64,
            })
            .collect();
        Self {
            tenants,
            topics,
            words,
        }
    }

    /// The organisation whose number of memories is nearest to `rows`.
    pub(crate) fn tenant_of(&self, rows: usize) -> &Tenant {
        let tenants = self.tenants.iter();
        tenants
            .min_by_key(|tenant| tenant.rows.abs_diff(rows))
            .expect("there are some")
    }

    /// Search queries about the organisation's topics.
    pub(crate) fn questions(&self, tenant: &Tenant, count: usize) -> Vec<Question> {
        let mut dice = Rng::new(tenant.seed + 5_000_000);
        (0..count)
            .map(|_| {
                let topic = tenant.topics[dice.zipf(tenant.topics.len())];
                let subject = dice.below(SUBJECTS);
                let words = 3 + dice.below(7);
                Question {
                    text: self.text(topic, subject, words, &mut dice),
                    vector: self.point(topic, subject, 0.4, &mut dice),
                }
            })
            .collect()
    }
}

impl Tenant {
    /// A member with a third of the memories and half of the teams.
    pub(crate) fn veteran(&self) -> Actor {
        self.actor(0, &self.teams[..self.teams.len() / 2])
    }

    /// A member with an average number of memories and one team.
    pub(crate) fn colleague(&self) -> Actor {
        self.actor(1, &self.teams[..1])
    }

    /// A member without memories and teams.
    pub(crate) fn newcomer(&self) -> Actor {
        let mut actor = self.actor(0, &[]);
        actor.user_id = UserId(uuid::Uuid::from_u128(1));
        actor
    }

    fn actor(&self, member: usize, teams: &[TeamId]) -> Actor {
        Actor {
            tenant_id: self.id,
            user_id: self.members[member],
            kind: ActorKind::Human,
            label: "bench".to_owned(),
            permissions: SystemRole::Member.permissions().iter().copied().collect(),
            team_ids: teams.to_vec(),
            led_team_ids: Vec::new(),
            vendor: None,
            origin: Origin::Dashboard,
            request: RequestFacts {
                request_id: RequestId(uuid::Uuid::from_u128(1)),
                ip: None,
                user_agent: None,
                session_id: None,
                api_key_id: None,
            },
        }
    }
}
