//! The model: texts in, vectors out.

use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::files::{self, OpenError};
use crate::forward::{add, forward};
use crate::tokenize::{Tokenizer, Window};
use crate::weights::Weights;
use crate::{DIMENSIONS, MAX_TOKENS};

/// A text's vector, of length 1.
pub type Embedding = [f32; DIMENSIONS];

/// About how many tokens one thread works on at once. Bounds memory (8 kB a token and
/// thread); larger batches are no quicker.
const TOKENS_AT_ONCE: usize = 4 * MAX_TOKENS;

/// Tokens that are worth a thread of their own.
const TOKENS_PER_THREAD: usize = MAX_TOKENS;

/// Why texts could not be embedded.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The text could not be split into tokens.
    #[error("text {text} can't be split into tokens: {source}")]
    Tokenize {
        /// Which of the texts, from 0.
        text: usize,
        /// What the tokenizer said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The vector holds an infinity or a NaN, or is zero.
    #[error("the vector of text {text} is not finite; the model in memory may be damaged: restart")]
    NotFinite {
        /// Which of the texts, from 0.
        text: usize,
    },
}

/// The embedding model in memory: about 100 MB. Share one per process.
pub struct Model {
    tokenizer: Tokenizer,
    weights: Weights,
    threads: NonZero<usize>,
}

impl Model {
    /// Opens the model in a folder that holds [`files::FILES`], after checking their
    /// SHA-256.
    ///
    /// The weights stay mapped: to replace a file, rename another over it; never write
    /// into it while a process has it open.
    ///
    /// # Errors
    ///
    /// [`OpenError`] says which file and what to do.
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let tokenizer = files::verify(dir, files::TOKENIZER)?;
        let weights = files::verify(dir, files::WEIGHTS)?;
        Ok(Self {
            tokenizer: Tokenizer::load(&tokenizer)?,
            weights: Weights::load(&weights)?,
            threads: thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN),
        })
    }

    /// Limits [`embed_batch`](Self::embed_batch) to so many threads; without it, it
    /// takes all cores.
    #[must_use]
    pub fn with_threads(self, threads: NonZero<usize>) -> Self {
        Self { threads, ..self }
    }

    /// Embeds one text on the calling thread.
    ///
    /// # Errors
    ///
    /// See [`EmbedError`].
    pub fn embed_query(&self, text: &str) -> Result<Embedding, EmbedError> {
        let embeddings = self.embed(&[text], NonZero::<usize>::MIN)?;
        Ok(embeddings[0])
    }

    /// Embeds texts, the result in their order; returns when all are done. Works on
    /// several threads when there is enough to do.
    ///
    /// # Errors
    ///
    /// See [`EmbedError`]; then there is no result for any of the texts.
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
        let sums = self.sums(&windows, threads.get());
        // In the order of the windows, whichever thread was first: the same texts give
        // the same bits. The mean over all tokens of a text points the same way as
        // their sum, and `normalise` takes the length away.
        for (window, sum) in windows.iter().zip(&sums) {
            add(&mut embeddings[window.text], sum);
        }
        for (text, embedding) in embeddings.iter_mut().enumerate() {
            normalise(embedding).ok_or(EmbedError::NotFinite { text })?;
        }
        Ok(embeddings)
    }

    /// For each window the sum over its tokens, in their order.
    fn sums(&self, windows: &[Window], threads: usize) -> Vec<Embedding> {
        let tokens: usize = windows.iter().map(|window| window.ids.len()).sum();
        let threads = threads.min(tokens.div_ceil(TOKENS_PER_THREAD)).max(1);
        // Equally many for each thread: none waits for the last.
        let rounds = tokens.div_ceil(threads * TOKENS_AT_ONCE);
        let batches = pack(windows, threads * rounds);
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            while let index = next.fetch_add(1, Ordering::Relaxed)
                && let Some(batch) = batches.get(index)
            {
                done.push((index, forward(&self.weights, batch)));
            }
            done
        };
        let mut done = thread::scope(|scope| {
            let helpers: Vec<_> = (1..threads.min(batches.len()))
                .map(|_| scope.spawn(work))
                .collect();
            let mut done = work();
            for helper in helpers {
                match helper.join() {
                    Ok(more) => done.extend(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            done
        });
        done.sort_unstable_by_key(|(index, _)| *index);
        done.into_iter().flat_map(|(_, sums)| sums).collect()
    }
}

/// Cuts a list of windows into at most `parts` of about as many tokens each: a
/// window goes where its middle falls.
fn pack(windows: &[Window], parts: usize) -> Vec<&[Window]> {
    let tokens: usize = windows.iter().map(|window| window.ids.len()).sum();
    let mut batches = Vec::with_capacity(parts);
    let (mut start, mut part, mut before) = (0, 0, 0);
    for (at, window) in windows.iter().enumerate() {
        let falls_into = (2 * before + window.ids.len()) * parts / (2 * tokens);
        if falls_into != part {
            batches.push(&windows[start..at]);
            (start, part) = (at, falls_into);
        }
        before += window.ids.len();
    }
    batches.push(&windows[start..]);
    batches.retain(|batch| !batch.is_empty());
    batches
}

/// Makes the length 1; `None` if it can't be, because the vector is zero, infinite or NaN.
fn normalise(vector: &mut Embedding) -> Option<()> {
    let length = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    // A NaN is no normal number either. A comparison such as `length < limit` would
    // let it through.
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
    fn normalise_refuses_what_has_no_direction() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0] {
            assert_eq!(normalise(&mut [bad; DIMENSIONS]), None, "{bad}");
        }
        let mut mixed = [0.5; DIMENSIONS];
        mixed[383] = f32::NAN;
        assert_eq!(normalise(&mut mixed), None);
        assert_eq!(normalise(&mut [0.5; DIMENSIONS]), Some(()));
    }

    #[test]
    fn parts_have_about_as_many_tokens_and_lose_nothing() {
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
