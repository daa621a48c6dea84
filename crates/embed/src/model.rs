//! The loaded model and its public API.

use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::files::{self, OpenError};
use crate::forward::{add, forward};
use crate::tokenize::{Tokenizer, Window};
use crate::weights::Weights;
use crate::{DIMENSIONS, MAX_TOKENS};

/// A vector of length 1.
pub type Embedding = [f32; DIMENSIONS];

/// Approximate number of tokens per batch and thread. Bounds memory (8 kB per
/// token and thread); larger batches are not faster.
const TOKENS_PER_BATCH: usize = 4 * MAX_TOKENS;

/// The least number of tokens that justifies another thread.
const TOKENS_PER_THREAD: usize = MAX_TOKENS;

/// An error of embedding one of the texts.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    #[error("text {text} can't be split into tokens: {source}")]
    Tokenize {
        /// The index of the text.
        text: usize,
        /// The tokenizer's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The vector is zero, or has an infinite or NaN component.
    #[error("the vector of text {text} is not finite; the model in memory may be damaged: restart")]
    NotFinite {
        /// The index of the text.
        text: usize,
    },
}

/// The model in memory, about 100 MB. Share one instance per process.
pub struct Model {
    tokenizer: Tokenizer,
    weights: Weights,
    threads: NonZero<usize>,
}

impl Model {
    /// Opens the model in a folder that holds [`files::FILES`], after checking
    /// their SHA-256.
    ///
    /// The weights stay memory-mapped. To replace a file, rename another one
    /// over it; never write to it while a process has it open.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let tokenizer = files::verify(dir, files::TOKENIZER)?;
        let weights = files::verify(dir, files::WEIGHTS)?;
        Ok(Self {
            tokenizer: Tokenizer::load(&tokenizer)?,
            weights: Weights::load(&weights)?,
            threads: thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
        })
    }

    /// Limits the threads of [`embed_batch`](Self::embed_batch); the default is
    /// all cores.
    #[must_use]
    pub fn with_threads(self, threads: NonZero<usize>) -> Self {
        Self { threads, ..self }
    }

    /// Embeds one text on the calling thread.
    pub fn embed_query(&self, text: &str) -> Result<Embedding, EmbedError> {
        let embeddings = self.embed(&[text], NonZero::<usize>::MIN)?;
        Ok(embeddings[0])
    }

    /// Embeds texts and returns their vectors in the same order. Blocks until
    /// all are done; uses several threads if there is enough work.
    ///
    /// # Errors
    /// An [`EmbedError`] of one text; the vectors of the others are dropped.
    pub fn embed_batch(&self, texts: &[impl AsRef<str>]) -> Result<Vec<Embedding>, EmbedError> {
        self.embed(texts, self.threads)
    }

    fn embed(
        &self,
        texts: &[impl AsRef<str>],
        threads: NonZero<usize>,
    ) -> Result<Vec<Embedding>, EmbedError> {
        let mut windows = Vec::with_capacity(texts.len());
        for (text, content) in texts.iter().enumerate() {
            self.tokenizer
                .windows(text, content.as_ref(), &mut windows)?;
        }
        let mut embeddings = vec![[0.0; DIMENSIONS]; texts.len()];
        let sums = self.sum_windows(&windows, threads.get());
        // Summed in the order of the windows, independent of thread timing, so
        // that the same texts give the same bits. The sum over all tokens has
        // the same direction as their mean, and `normalise` removes the length.
        for (window, sum) in windows.iter().zip(&sums) {
            add(&mut embeddings[window.text], sum);
        }
        for (text, embedding) in embeddings.iter_mut().enumerate() {
            normalise(embedding).ok_or(EmbedError::NotFinite { text })?;
        }
        Ok(embeddings)
    }

    /// The sum over the tokens of each window, in window order.
    fn sum_windows(&self, windows: &[Window], threads: usize) -> Vec<Embedding> {
        let tokens: usize = windows.iter().map(|window| window.ids.len()).sum();
        let threads = threads.min(tokens.div_ceil(TOKENS_PER_THREAD)).max(1);
        // The same number of batches per thread, so that all threads finish
        // together.
        let rounds = tokens.div_ceil(threads * TOKENS_PER_BATCH);
        let batches = pack(windows, threads * rounds);
        let next = AtomicUsize::new(0);
        let work = || {
            let mut results = Vec::new();
            while let index = next.fetch_add(1, Ordering::Relaxed)
                && let Some(batch) = batches.get(index)
            {
                results.push((index, forward(&self.weights, batch)));
            }
            results
        };
        let mut results = thread::scope(|scope| {
            let helpers: Vec<_> = (1..threads.min(batches.len()))
                .map(|_| scope.spawn(work))
                .collect();
            let mut results = work();
            for helper in helpers {
                match helper.join() {
                    Ok(more) => results.extend(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            results
        });
        results.sort_unstable_by_key(|(index, _)| *index);
        results.into_iter().flat_map(|(_, sums)| sums).collect()
    }
}

/// Splits windows into at most `parts` slices with about the same number of
/// tokens. A window belongs to the part that contains its middle.
fn pack(windows: &[Window], parts: usize) -> Vec<&[Window]> {
    let tokens: usize = windows.iter().map(|window| window.ids.len()).sum();
    let mut batches = Vec::with_capacity(parts);
    let (mut start, mut part, mut tokens_before) = (0, 0, 0);
    for (at, window) in windows.iter().enumerate() {
        let target_part = (2 * tokens_before + window.ids.len()) * parts / (2 * tokens);
        if target_part != part {
            batches.push(&windows[start..at]);
            (start, part) = (at, target_part);
        }
        tokens_before += window.ids.len();
    }
    batches.push(&windows[start..]);
    batches.retain(|batch| !batch.is_empty());
    batches
}

/// Scales to length 1. `None` if the vector is zero, infinite or NaN.
fn normalise(vector: &mut Embedding) -> Option<()> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    // NaN is not normal either; a comparison such as `length < limit` would let
    // it through.
    if !length.is_normal() {
        return None;
    }
    for value in vector {
        *value /= length;
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::model;

    #[test]
    fn a_nan_in_the_weights_is_an_error() {
        let mut model = model();
        model.weights.layers[2].widen.bias[7] = f32::NAN;
        let error = model.embed_batch(&["one", "two"]).unwrap_err();
        assert!(
            matches!(error, EmbedError::NotFinite { text: 0 }),
            "{error}"
        );
    }

    #[test]
    fn a_nan_in_attention_is_an_error() {
        let mut model = model();
        model.weights.layers[5].qkv.bias[3] = f32::NAN;
        let error = model.embed_query("one").unwrap_err();
        assert!(
            matches!(error, EmbedError::NotFinite { text: 0 }),
            "{error}"
        );
    }

    #[test]
    fn normalise_rejects_vectors_without_direction() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0] {
            assert_eq!(normalise(&mut [bad; DIMENSIONS]), None, "{bad}");
        }
        let mut mixed = [0.5; DIMENSIONS];
        mixed[383] = f32::NAN;
        assert_eq!(normalise(&mut mixed), None);
        assert_eq!(normalise(&mut [0.5; DIMENSIONS]), Some(()));
    }

    #[test]
    fn parts_are_balanced_and_complete() {
        let lengths = |windows: &[usize], parts| -> Vec<Vec<usize>> {
            let windows: Vec<_> = windows
                .iter()
                .map(|length| Window {
                    text: 0,
                    ids: vec![0; *length],
                })
                .collect();
            pack(&windows, parts)
                .into_iter()
                .map(|batch| batch.iter().map(|window| window.ids.len()).collect())
                .collect()
        };
        assert_eq!(lengths(&[47; 64], 4), vec![vec![47; 16]; 4]);
        assert_eq!(
            lengths(&[5, 5, 1, 30, 4, 6, 1], 3),
            [vec![5, 5, 1], vec![30], vec![4, 6, 1]]
        );
        assert_eq!(lengths(&[256, 1], 2), [vec![256], vec![1]]);
        assert_eq!(lengths(&[3], 4), [vec![3]]);
        assert_eq!(lengths(&[], 2), Vec::<Vec<usize>>::new());
    }
}
