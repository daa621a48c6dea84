//! The test data: organisations, members and memories. Generated
//! deterministically, so that a later run matches the database of an earlier
//! one.

use crate::dice::Rng;
use domain::{
    Actor, ActorKind, MemoryId, RequestFacts, RequestId, RoleId, TeamId, TenantId, Timestamp,
    UserId, access::SystemRole, memory::Origin,
};
use std::fmt::Write as _;
use time::{Duration, macros::datetime};

pub(crate) const DIMENSIONS: usize = domain::embedding_model::LOCAL_DIMENSIONS as usize;
/// The fixed current time.
pub(crate) const NOW: Timestamp = datetime!(2026-03-02 09:00 UTC);

const TENANTS: usize = 200;
const TOPICS: usize = 120;
/// Number of groups of similar texts within each topic.
const SUBJECTS: usize = 60;
const VOCABULARY: usize = 30_000;
const TOPIC_WORDS: usize = 400;

/// Everything that determines the rows of `memories`.
pub(crate) struct World {
    pub(crate) tenants: Vec<Tenant>,
    topics: Vec<Vec<f32>>,
    words: Vec<String>,
}

pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) rows: usize,
    pub(crate) members: Vec<UserId>,
    pub(crate) teams: Vec<TeamId>,
    pub(crate) roles: [RoleId; SystemRole::ALL.len()],
    topics: Vec<usize>,
    seed: u64,
}

pub(crate) struct Row {
    pub(crate) id: MemoryId,
    pub(crate) owner: UserId,
    pub(crate) kind: &'static str,
    pub(crate) tag: &'static str,
    pub(crate) content: String,
    pub(crate) visibility: &'static str,
    pub(crate) team: Option<TeamId>,
    pub(crate) updated_at: Timestamp,
    pub(crate) vector: Vec<f32>,
}

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
                roles: std::array::from_fn(|_| RoleId(dice.uuid())),
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

    /// A random vector near the centre of a subject; `spread` scales the
    /// distance.
    fn point(&self, topic: usize, subject: usize, spread: f32, dice: &mut Rng) -> Vec<f32> {
        let mut subject_dice = Rng::new((topic * SUBJECTS + subject) as u64 + 7_000_000);
        let centre = unit_vector(&mut subject_dice);
        let noise = unit_vector(dice);
        let mut point: Vec<f32> = (0..DIMENSIONS)
            .map(|n| self.topics[topic][n] + 0.7 * centre[n] + spread * noise[n])
            .collect();
        normalise(&mut point);
        point
    }

    fn text(&self, topic: usize, subject: usize, count: usize, dice: &mut Rng) -> String {
        let mut text = String::new();
        for _ in 0..count {
            let n = match dice.below(10) {
                // Common words,
                0..5 => dice.zipf(VOCABULARY),
                // words of the topic,
                5..9 => VOCABULARY / 20 + topic * 211 % VOCABULARY + dice.zipf(TOPIC_WORDS),
                // and words of the subject.
                _ => VOCABULARY / 10 + (topic * SUBJECTS + subject) * 13 + dice.zipf(12),
            };
            let _ = write!(text, "{} ", self.words[n % VOCABULARY]);
        }
        text.truncate(text.trim_end().len());
        text
    }

    /// The organisation's memories, the same in every run.
    pub(crate) fn rows<'a>(&'a self, tenant: &'a Tenant) -> impl Iterator<Item = Row> + 'a {
        let mut dice = Rng::new(tenant.seed);
        (0..tenant.rows).map(move |n| {
            let topic = tenant.topics[dice.zipf(tenant.topics.len())];
            let subject = dice.below(SUBJECTS);
            // The first member owns at least a third.
            let owner = match dice.below(3) {
                0 => 0,
                _ => dice.below(tenant.members.len()),
            };
            let (visibility, team) = match dice.below(100) {
                0..35 => ("private", None),
                35..65 => ("team", Some(tenant.teams[dice.zipf(tenant.teams.len())])),
                _ => ("org", None),
            };
            let words = 12 + dice.zipf(120);
            Row {
                id: MemoryId(dice.uuid()),
                owner: tenant.members[owner],
                kind: ["fact", "fact", "preference", "context", "event"][dice.below(5)],
                tag: if dice.below(200) == 0 {
                    "seldom"
                } else {
                    "often"
                },
                content: self.text(topic, subject, words, &mut dice),
                visibility,
                team,
                updated_at: NOW
                    - Duration::seconds(i64::try_from(n * 37 % 60_000_000).unwrap_or(0)),
                vector: self.point(topic, subject, 0.5, &mut dice),
            }
        })
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

fn unit_vector(dice: &mut Rng) -> Vec<f32> {
    let mut unit_vector: Vec<f32> = (0..DIMENSIONS).map(|_| dice.normal()).collect();
    normalise(&mut unit_vector);
    unit_vector
}

fn normalise(vector: &mut [f32]) {
    let length = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    for x in vector {
        *x /= length;
    }
}

/// A word of two to four syllables with an ending that stemming leaves alone.
fn word(dice: &mut Rng) -> String {
    const STARTS: [&str; 16] = [
        "b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "t", "v", "z", "br", "tr", "kl",
    ];
    const MIDDLES: [&str; 5] = ["a", "e", "i", "o", "u"];
    let mut word = String::new();
    for _ in 0..2 + dice.below(3) {
        word.push_str(STARTS[dice.below(STARTS.len())]);
        word.push_str(MIDDLES[dice.below(MIDDLES.len())]);
    }
    word.push_str(["k", "x", "m", "p"][dice.below(4)]);
    word
}
