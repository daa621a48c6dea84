//! The model's forward pass over a batch of windows.
//!
//! The tokens of all windows are concatenated without padding, so each matrix
//! below has one row per token of the batch. Only attention treats windows
//! separately.

use std::ops::Range;

use crate::kernels::{LANES, gelu, layer_norm, softmax};
use crate::matrix::{Matrix, Shape, multiply};
use crate::tokenize::Window;
use crate::weights::{INNER, Linear, QKV, Row, Weights};
use crate::{DIMENSIONS, MAX_TOKENS};

const HEADS: usize = 12;
/// Width of a head.
const HEAD_WIDTH: usize = DIMENSIONS / HEADS;
/// `1 / sqrt(HEAD)`
const SCALE: f32 = 0.176_776_7;

/// For each window, the sum of the last layer's output over its tokens.
pub(crate) fn forward(weights: &Weights, windows: &[Window]) -> Vec<Row> {
    let mut spans: Vec<Range<usize>> = Vec::with_capacity(windows.len());
    let mut hidden: Vec<Row> = Vec::new();
    for window in windows {
        spans.push(hidden.len()..hidden.len() + window.ids.len());
        hidden.extend(
            window
                .ids
                .iter()
                .zip(&weights.positions)
                .map(|(&id, position)| {
                    let mut row = *position;
                    for (value, word) in row.iter_mut().zip(weights.word(id)) {
                        *value += word;
                    }
                    row
                }),
        );
    }
    layer_norm(&mut hidden, &weights.norm);

    let tokens = hidden.len();
    // Holds QKV next to the attention's output, or the middle of the
    // feed-forward step, which has the same width.
    const { assert!(QKV + DIMENSIONS == INNER) };
    let mut wide = vec![0.0; tokens * INNER];
    let mut scores = vec![0.0; MAX_TOKENS * MAX_TOKENS];
    for layer in &weights.layers {
        let (qkv, attended) = wide.split_at_mut(tokens * QKV);
        fill(qkv, &layer.qkv.bias);
        add_product(qkv, hidden.as_flattened(), &layer.qkv);
        for span in &spans {
            attention(
                &qkv[span.start * QKV..span.end * QKV],
                &mut attended[span.start * DIMENSIONS..span.end * DIMENSIONS],
                &mut scores,
            );
        }
        add_linear(hidden.as_flattened_mut(), attended, &layer.attention_out);
        layer_norm(&mut hidden, &layer.attention_norm);

        fill(&mut wide, &layer.widen.bias);
        add_product(&mut wide, hidden.as_flattened(), &layer.widen);
        gelu(&mut wide);
        add_linear(hidden.as_flattened_mut(), &wide, &layer.narrow);
        layer_norm(&mut hidden, &layer.narrow_norm);
    }

    spans
        .into_iter()
        .map(|span| {
            let mut sum = [0.0; DIMENSIONS];
            for row in &hidden[span] {
                add(&mut sum, row);
            }
            sum
        })
        .collect()
}

/// Copies `row` to every row of `rows`.
fn fill(rows: &mut [f32], row: &[f32]) {
    for to in rows.chunks_exact_mut(row.len()) {
        to.copy_from_slice(row);
    }
}

/// `rows += input · weight + bias`. The previous content of `rows` is the
/// residual connection.
fn add_linear(rows: &mut [f32], input: &[f32], linear: &Linear) {
    for row in rows.chunks_exact_mut(linear.bias.len()) {
        add(row, &linear.bias);
    }
    add_product(rows, input, linear);
}

/// `rows += input · weight`
fn add_product(rows: &mut [f32], input: &[f32], linear: &Linear) {
    let columns = linear.bias.len();
    let shape = Shape {
        rows: rows.len() / columns,
        inner: linear.weight.len() / columns,
        columns,
    };
    multiply(
        shape,
        Matrix::new(input, shape.inner),
        Matrix::new(&linear.weight, columns),
        1.0,
        rows,
        columns,
        true,
    );
}

pub(crate) fn add(to: &mut [f32], values: &[f32]) {
    for (to, value) in to.iter_mut().zip(values) {
        *to += value;
    }
}

/// Self-attention within one window. `qkv` is `[length, QKV]`, `out` becomes
/// `[length, DIMENSIONS]`; `scores` is scratch space.
fn attention(qkv: &[f32], out: &mut [f32], scores: &mut [f32]) {
    let length = qkv.len() / QKV;
    let width = length.next_multiple_of(LANES);
    let scores = &mut scores[..length * width];
    for head in 0..HEADS {
        let start = head * HEAD_WIDTH;
        let query = Matrix::new(&qkv[start..], QKV);
        let key = Matrix::new(&qkv[start + DIMENSIONS..], QKV);
        let value = Matrix::new(&qkv[start + 2 * DIMENSIONS..], QKV);
        let shape = Shape {
            rows: length,
            inner: HEAD_WIDTH,
            columns: length,
        };
        multiply(shape, query, key.transposed(), SCALE, scores, width, false);
        for row in scores.chunks_exact_mut(width) {
            row[length..].fill(f32::NEG_INFINITY);
        }
        softmax(scores, width);
        let shape = Shape {
            rows: length,
            inner: length,
            columns: HEAD_WIDTH,
        };
        let out = &mut out[start..];
        multiply(
            shape,
            Matrix::new(scores, width),
            value,
            1.0,
            out,
            DIMENSIONS,
            false,
        );
    }
}
