//! The test data: organisations, members and memories. Generated
//! deterministically, so that a later run matches the database of an earlier
//! one.

use crate::dice::Rng;
use domain::{MemoryId, TeamId, TenantId, Timestamp, UserId};
use std::fmt::Write as _;
use time::{Duration, macros::datetime};

pub(crate) const DIMENSIONS: usize = domain::embedding_model::LOCAL_DIMENSIONS as usize;
/// The fixed current time.
pub(crate) const NOW: Timestamp = datetime!(2026-03-02 09:00 UTC);

pub(crate) const TOPICS: usize = 120;
/// Number of groups of similar texts within each topic.
pub(crate) const SUBJECTS: usize = 60;
pub(crate) const VOCABULARY: usize = 30_000;
const TOPIC_WORDS: usize = 400;

/// Everything that determines the rows of `memories`.
pub(crate) struct World {
    pub(crate) tenants: Vec<Tenant>,
    pub(crate) topics: Vec<Vec<f32>>,
    pub(crate) words: Vec<String>,
}

pub(crate) struct Tenant {
    pub(crate) id: TenantId,
    pub(crate) rows: usize,
    pub(crate) members: Vec<UserId>,
    pub(crate) teams: Vec<TeamId>,
    pub(crate) topics: Vec<usize>,
    pub(crate) seed: u64,
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

impl World {
    /// One organisation of `rows` memories with these members, the first of whom
    /// owns a third, and teams.
    pub(crate) fn of_one(
        id: TenantId,
        rows: usize,
        members: Vec<UserId>,
        teams: Vec<TeamId>,
    ) -> Self {
        let mut dice = Rng::new(2);
        Self {
            topics: (0..TOPICS).map(|_| unit_vector(&mut dice)).collect(),
            words: (0..VOCABULARY).map(|_| word(&mut dice)).collect(),
            tenants: vec![Tenant {
                id,
                rows,
                members,
                teams,
                topics: (0..12).map(|_| dice.below(TOPICS)).collect(),
                seed: 1_000,
            }],
        }
    }

    /// A random vector near the centre of a subject; `spread` scales the
    /// distance.
    pub(crate) fn point(
        &self,
        topic: usize,
        subject: usize,
        spread: f32,
        dice: &mut Rng,
    ) -> Vec<f32> {
        let mut subject_dice = Rng::new((topic * SUBJECTS + subject) as u64 + 7_000_000);
        let centre = unit_vector(&mut subject_dice);
        let noise = unit_vector(dice);
        let mut point: Vec<f32> = (0..DIMENSIONS)
            .map(|n| self.topics[topic][n] + 0.7 * centre[n] + spread * noise[n])
            .collect();
        normalise(&mut point);
        point
    }

    pub(crate) fn text(
        &self,
        topic: usize,
        subject: usize,
        count: usize,
        dice: &mut Rng,
    ) -> String {
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
}

pub(crate) fn unit_vector(dice: &mut Rng) -> Vec<f32> {
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
pub(crate) fn word(dice: &mut Rng) -> String {
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
