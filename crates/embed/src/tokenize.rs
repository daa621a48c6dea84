//! Splits text into token ids, in windows that fit the model.

use std::path::Path;

use crate::files::OpenError;
use crate::{EmbedError, MAX_TOKENS};

/// The special tokens of a window: `[CLS]` and `[SEP]`.
const SPECIAL_TOKENS: usize = 2;

/// A part of a text: its token ids between the special tokens, 2 to
/// [`MAX_TOKENS`] in all.
pub(crate) struct Window {
    /// The index of the text.
    pub(crate) text: usize,
    pub(crate) ids: Vec<u32>,
}

pub(crate) struct Tokenizer {
    inner: tokenizers::Tokenizer,
    cls: u32,
    sep: u32,
}

impl Tokenizer {
    pub(crate) fn load(path: &Path) -> Result<Self, OpenError> {
        let mut inner = tokenizers::Tokenizer::from_file(path)
            .map_err(|error| OpenError::unusable(path, &error))?;
        // The file asks to truncate at 128 tokens and to pad to that length.
        // Windows replace truncation, and packed batches need no padding.
        inner.with_padding(None);
        inner
            .with_truncation(None)
            .map_err(|error| OpenError::unusable(path, &error))?;
        let token_id = |token: &str| {
            inner
                .token_to_id(token)
                .ok_or_else(|| OpenError::unusable(path, &format!("it has no token {token}")))
        };
        let (cls, sep) = (token_id("[CLS]")?, token_id("[SEP]")?);
        Ok(Self { inner, cls, sep })
    }

    /// Appends the windows of a text, at least one: that of an empty text has
    /// only the special tokens.
    ///
    /// The windows of a long text differ in length by at most one token, so
    /// that none is a short rest without context.
    pub(crate) fn windows(
        &self,
        text: usize,
        content: &str,
        into: &mut Vec<Window>,
    ) -> Result<(), EmbedError> {
        let encoding = self
            .inner
            .encode_fast(content, false)
            .map_err(|source| EmbedError::Tokenize { text, source })?;
        let ids = encoding.get_ids();
        let count = ids.len().div_ceil(MAX_TOKENS - SPECIAL_TOKENS).max(1);
        let length = ids.len().div_ceil(count).max(1);
        let window = |content: &[u32]| Window {
            text,
            ids: [&[self.cls], content, &[self.sep]].concat(),
        };
        if ids.is_empty() {
            into.push(window(&[]));
        }
        into.extend(ids.chunks(length).map(window));
        Ok(())
    }
}
