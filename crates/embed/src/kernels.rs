//! The loops between the matrix products.
//!
//! Every loop is plain code over rows of a width that the compiler can
//! vectorise, compiled three times (baseline, AVX2, AVX-512) by `pulp`, which
//! chooses at run time. The loops are structs because a closure can't be marked
//! `inline(always)`, and one that the compiler did not inline took a tenth of
//! the total time.

#![expect(
    clippy::inline_always,
    reason = "a helper that is not inlined into the dispatched loop is compiled for the baseline"
)]

use pulp::{Arch, NullaryFnOnce};

use crate::DIMENSIONS;
use crate::weights::{Norm, Row};

/// Floats processed side by side: one AVX-512 register, two of AVX2.
pub(crate) const LANES: usize = 16;

/// The model's `layer_norm_eps`.
const NORM_EPSILON: f32 = 1e-12;

/// Normalises each row to mean 0 and variance 1, then scales and shifts it.
pub(crate) fn layer_norm(rows: &mut [Row], norm: &Norm) {
    Arch::new().dispatch(LayerNorm { rows, norm });
}

/// The exact Gaussian error linear unit (with `erf`, like the reference).
pub(crate) fn gelu(values: &mut [f32]) {
    Arch::new().dispatch(Gelu { values });
}

/// Softmax of each row of `width` values, a multiple of [`LANES`]. Rows may be
/// padded with negative infinities, whose result is zero to 37 digits.
pub(crate) fn softmax(values: &mut [f32], width: usize) {
    Arch::new().dispatch(Softmax { values, width });
}

struct LayerNorm<'a> {
    rows: &'a mut [Row],
    norm: &'a Norm,
}

impl NullaryFnOnce for LayerNorm<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        #[expect(clippy::cast_precision_loss, reason = "384 is exact")]
        const WIDTH: f32 = DIMENSIONS as f32;
        for row in self.rows {
            let mean = sum(row, |value| value) / WIDTH;
            let variance = sum(row, |value| (value - mean) * (value - mean)) / WIDTH;
            let scale = 1.0 / (variance + NORM_EPSILON).sqrt();
            let weights = self.norm.weight.iter().zip(&self.norm.bias);
            for (value, (weight, bias)) in row.iter_mut().zip(weights) {
                *value = (*value - mean) * scale * weight + bias;
            }
        }
    }
}

struct Gelu<'a> {
    values: &'a mut [f32],
}

impl NullaryFnOnce for Gelu<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for value in self.values {
            *value = 0.5 * *value * (1.0 + erf(*value * std::f32::consts::FRAC_1_SQRT_2));
        }
    }
}

struct Softmax<'a> {
    values: &'a mut [f32],
    width: usize,
}

impl NullaryFnOnce for Softmax<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        for row in self.values.chunks_exact_mut(self.width) {
            let mut max = [f32::NEG_INFINITY; LANES];
            for lanes in row.as_chunks::<LANES>().0 {
                for (max, value) in max.iter_mut().zip(lanes) {
                    *max = if *value > *max { *value } else { *max };
                }
            }
            let max = max.into_iter().fold(f32::NEG_INFINITY, f32::max);
            for value in &mut *row {
                *value = exp(*value - max);
            }
            let scale = 1.0 / sum(row, |value| value);
            for value in row {
                *value *= scale;
            }
        }
    }
}

/// Sums `map(value)` over all values, whose number must be a multiple of
/// [`LANES`].
#[inline(always)]
fn sum(values: &[f32], map: impl Fn(f32) -> f32) -> f32 {
    let mut sums = [0.0; LANES];
    for lanes in values.as_chunks::<LANES>().0 {
        for (sum, value) in sums.iter_mut().zip(lanes) {
            *sum += map(*value);
        }
    }
    sums.into_iter().sum()
}

/// `e^x` for `x ≤ 0`, accurate to 2 units in the last place; NaN stays NaN.
#[inline(always)]
fn exp(x: f32) -> f32 {
    // Adding 1.5 · 2^23 rounds to an integer and leaves it in the low bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in two parts, the first exact when multiplied by a small integer.
    const LN_2_HIGH: f32 = 355.0 / 512.0;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Below -87 the result would be subnormal. `clamp` keeps NaN, `max` would
    // not.
    let x = x.clamp(-87.0, 0.0);
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let power = rounded - ROUND;
    let x = x - power * LN_2_HIGH - power * LN_2_LOW;
    let p = 1.987_569_1e-4;
    let p = p * x + 1.398_2e-3;
    let p = p * x + 8.333_452e-3;
    let p = p * x + 4.166_579_6e-2;
    let p = p * x + 1.666_666_6e-1;
    let p = p * x + 0.5;
    let p = p * x * x + x + 1.0;
    p * f32::from_bits((rounded.to_bits() << 23).wrapping_add(1.0_f32.to_bits()))
}

/// The error function, accurate to 4e-7, as a ratio of polynomials: no branch,
/// no table.
#[inline(always)]
fn erf(x: f32) -> f32 {
    // Beyond ±4 it is ±1 in single precision. `clamp` keeps NaN.
    let x = x.clamp(-4.0, 4.0);
    let square = x * x;
    let p = -2.726_142_3e-10;
    let p = p * square + 2.770_681_4e-8;
    let p = p * square - 2.101_024_1e-6;
    let p = p * square - 5.692_506_4e-5;
    let p = p * square - 7.349_906_3e-4;
    let p = p * square - 2.954_6e-3;
    let p = p * square - 1.609_603_3e-2;
    let q = -1.456_607_2e-5;
    let q = q * square - 2.133_740_6e-4;
    let q = q * square - 1.682_827e-3;
    let q = q * square - 7.373_329e-3;
    let q = q * square - 1.426_473_9e-2;
    x * p / q
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The Maclaurin series, which converges fast enough up to 4.
    fn erf_exact(x: f64) -> f64 {
        let (mut term, mut sum, mut n) = (x, x, 0.0);
        while term.abs() > 1e-18 {
            n += 1.0;
            term *= -x * x / n;
            sum += term / (2.0 * n + 1.0);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    }

    #[test]
    fn erf_is_accurate() {
        for step in -400_i16..=400 {
            let x = f32::from(step) / 100.0;
            let error = (f64::from(erf(x)) - erf_exact(f64::from(x))).abs();
            assert!(error <= 4e-7, "erf({x}) is off by {error}");
        }
        assert!((erf(9.0) - 1.0).abs() <= 4e-7);
        assert!(erf(f32::NAN).is_nan());
    }

    #[test]
    fn exp_is_accurate() {
        for step in 0_i16..=8700 {
            let x = f32::from(-step) / 100.0;
            let exact = f64::from(x).exp();
            let error = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(error <= 2.5e-7, "exp({x}) is off by {error}");
        }
        assert!(exp(f32::NEG_INFINITY) < 1e-37);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn softmax_sums_to_one_and_ignores_the_padding() {
        let mut rows = vec![f32::NEG_INFINITY; 2 * LANES];
        rows[..3].copy_from_slice(&[1.0, 2.0, 3.0]);
        rows[LANES..LANES + 2].copy_from_slice(&[-500.0, 500.0]);
        softmax(&mut rows, LANES);
        let expected = [0.090_030_57, 0.244_728_48, 0.665_240_94];
        for (value, expected) in rows.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-6, "{value} for {expected}");
        }
        assert!(rows[3..LANES].iter().all(|value| *value < 1e-37));
        assert!(rows[LANES] < 1e-37 && (rows[LANES + 1] - 1.0).abs() < 1e-6);
    }

    #[test]
    fn softmax_keeps_a_nan() {
        let mut row = [0.0; LANES];
        row[5] = f32::NAN;
        softmax(&mut row, LANES);
        assert!(row.iter().all(|value| value.is_nan()));
    }
}
