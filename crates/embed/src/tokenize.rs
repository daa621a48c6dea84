//! Text to token ids, in windows that the model can read.

use std::path::Path;

use crate::files::OpenError;
use crate::{EmbedError, MAX_TOKENS};

/// The opening and the closing mark of a window.
const MARKS: usize = 2;

/// A stretch of a text: its token ids between the opening and the closing mark,
/// 2 to [`MAX_TOKENS`] of them.
pub(crate) struct Window {
    /// Which of the texts it belongs to.
    pub(crate) text: usize,
    pub(crate) ids: Vec<u32>,
}

pub(crate) struct Tokenizer {
    inner: tokenizers::Tokenizer,
    open: u32,
    close: u32,
}

impl Tokenizer {
    pub(crate) fn load(path: &Path) -> Result<Self, OpenError> {
        let mut inner = tokenizers::Tokenizer::from_file(path)
            .map_err(|error| OpenError::unusable(path, &error))?;
        // The file asks to cut at 128 tokens and to pad up to them. Windows do the
        // former better, and packed batches need no padding.
        inner.with_padding(None);
        inner
            .with_truncation(None)
            .map_err(|error| OpenError::unusable(path, &error))?;
        let mark = |token: &str| {
            inner
                .token_to_id(token)
                .ok_or_else(|| OpenError::unusable(path, &format!("it has no token {token}")))
        };
        let (open, close) = (mark("[CLS]")?, mark("[SEP]")?);
        Ok(Self { inner, open, close })
    }

    /// Appends the windows of a text, at least one: an empty text has the two marks.
    ///
    /// The windows of a long text are of equal length give or take a token, so that
    /// none is a stub without context.
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
        let count = ids.len().div_ceil(MAX_TOKENS - MARKS).max(1);
        let length = ids.len().div_ceil(count).max(1);
        let window = |content: &[u32]| Window {
            text,
            ids: [&[self.open], content, &[self.close]].concat(),
        };
        if ids.is_empty() {
            into.push(window(&[]));
        }
        into.extend(ids.chunks(length).map(window));
        Ok(())
    }
}
