//! Deterministic pseudo-random numbers (splitmix64).

use uuid::Uuid;

/// The generator.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "the numbers are generated"
)]
impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in `0.0..1.0`.
    pub(crate) fn part(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u64 << 24) as f32
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }

    /// In `0..count` with a frequency of about 1/n, like words in a text.
    #[expect(clippy::cast_sign_loss, reason = "a power is positive")]
    pub(crate) fn zipf(&mut self, count: usize) -> usize {
        let exponent = self.part() * (count as f32).ln();
        (exponent.exp() as usize).min(count) - 1
    }

    /// Approximately normal: mean 0, standard deviation 1.
    pub(crate) fn normal(&mut self) -> f32 {
        (0..6).map(|_| self.part() - 0.5).sum::<f32>() * 1.414
    }

    pub(crate) fn uuid(&mut self) -> Uuid {
        Uuid::from_u64_pair(self.next(), self.next())
    }
}
