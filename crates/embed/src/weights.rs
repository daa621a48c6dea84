//! The weights, in the layout of the forward pass.

use std::fs::File;
use std::path::Path;

use memmap2::{Mmap, MmapOptions};
use safetensors::{Dtype, SafeTensors};

use crate::files::OpenError;
use crate::{DIMENSIONS, MAX_TOKENS};

pub(crate) const LAYERS: usize = 6;
/// Width of the middle of the feed-forward step.
pub(crate) const INNER: usize = 1536;
/// Width of a token's query, key and value side by side.
pub(crate) const QKV: usize = 3 * DIMENSIONS;

const VOCABULARY: usize = 30_522;
const FLOAT: usize = size_of::<f32>();

pub(crate) type Row = [f32; DIMENSIONS];

pub(crate) struct Weights {
    /// `[VOCABULARY, DIMENSIONS]`, little-endian floats, mapped from the file:
    /// half of the model, of which each text uses only a few rows.
    words: Mmap,
    /// `[MAX_TOKENS]`, with the embedding of token type 0, the only one used,
    /// already added.
    pub(crate) positions: Vec<Row>,
    pub(crate) norm: Norm,
    pub(crate) layers: Vec<Layer>,
}

pub(crate) struct Layer {
    /// `DIMENSIONS → QKV`
    pub(crate) qkv: Linear,
    /// `DIMENSIONS → DIMENSIONS`
    pub(crate) attention_out: Linear,
    pub(crate) attention_norm: Norm,
    /// `DIMENSIONS → INNER`
    pub(crate) widen: Linear,
    /// `INNER → DIMENSIONS`
    pub(crate) narrow: Linear,
    pub(crate) narrow_norm: Norm,
}

/// `y = x · weight + bias`
pub(crate) struct Linear {
    /// `[inputs, outputs]`, transposed from the file, so that the matrix
    /// product can read it without packing.
    pub(crate) weight: Vec<f32>,
    /// `[outputs]`
    pub(crate) bias: Vec<f32>,
}

/// Scale and shift of a layer normalisation.
pub(crate) struct Norm {
    pub(crate) weight: Row,
    pub(crate) bias: Row,
}

impl Weights {
    /// Loads a safetensors file whose hash has been verified.
    pub(crate) fn load(path: &Path) -> Result<Self, OpenError> {
        let file = File::open(path).map_err(|source| OpenError::io(path, source))?;
        // This mapping of the whole file lives only while loading, so the pages
        // touched by copying do not stay resident.
        let all = map(&file, &MmapOptions::new()).map_err(|source| OpenError::io(path, source))?;
        let source = Source {
            tensors: SafeTensors::deserialize(&all)
                .map_err(|error| OpenError::unusable(path, &error))?,
            path,
        };

        let words = source.bytes(
            "embeddings.word_embeddings.weight",
            &[VOCABULARY, DIMENSIONS],
        )?;
        let start = words.as_ptr().addr() - all.as_ptr().addr();
        let words = map(
            &file,
            MmapOptions::new().offset(start as u64).len(words.len()),
        )
        .map_err(|source| OpenError::io(path, source))?;

        let mut positions = source.rows("embeddings.position_embeddings.weight", 512)?;
        positions.truncate(MAX_TOKENS);
        let kinds = source.rows("embeddings.token_type_embeddings.weight", 2)?;
        for position in &mut positions {
            for (value, kind) in position.iter_mut().zip(&kinds[0]) {
                *value += kind;
            }
        }
        Ok(Self {
            words,
            positions,
            norm: source.norm("embeddings.LayerNorm")?,
            layers: (0..LAYERS)
                .map(|layer| source.layer(layer))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The embedding of a token, [`DIMENSIONS`] floats.
    pub(crate) fn word(&self, id: u32) -> impl Iterator<Item = f32> {
        let start = id as usize * DIMENSIONS * FLOAT;
        floats(&self.words[start..start + DIMENSIONS * FLOAT])
    }
}

#[expect(unsafe_code, reason = "mapping a file is unsafe whatever one does")]
fn map(file: &File, options: &MmapOptions) -> std::io::Result<Mmap> {
    // SAFETY: the mapping is read-only and private to this module. If the file
    // were changed in place, floats would change, and nothing here relies on
    // them staying the same; if it were truncated, the process would get a
    // SIGBUS. Hence the rule that a model file is replaced by renaming another
    // over it, never in place.
    unsafe { options.map(file) }
}

fn floats(bytes: &[u8]) -> impl Iterator<Item = f32> {
    bytes
        .as_chunks::<FLOAT>()
        .0
        .iter()
        .map(|&bytes| f32::from_le_bytes(bytes))
}

/// The file's tensors, with its path for error messages.
struct Source<'a> {
    tensors: SafeTensors<'a>,
    path: &'a Path,
}

impl<'a> Source<'a> {
    fn bytes(&self, name: &str, shape: &[usize]) -> Result<&'a [u8], OpenError> {
        let tensor = self
            .tensors
            .tensor(name)
            .map_err(|error| OpenError::unusable(self.path, &error))?;
        if tensor.dtype() != Dtype::F32 || tensor.shape() != shape {
            return Err(OpenError::unusable(
                self.path,
                &format!("{name} is not a tensor of floats of shape {shape:?}"),
            ));
        }
        Ok(tensor.data())
    }

    fn rows(&self, name: &str, rows: usize) -> Result<Vec<Row>, OpenError> {
        let values: Vec<f32> = floats(self.bytes(name, &[rows, DIMENSIONS])?).collect();
        Ok(values.as_chunks().0.to_vec())
    }

    fn norm(&self, name: &str) -> Result<Norm, OpenError> {
        let row = |part: &str| {
            let mut row = [0.0; DIMENSIONS];
            let bytes = self.bytes(&format!("{name}.{part}"), &[DIMENSIONS])?;
            for (value, float) in row.iter_mut().zip(floats(bytes)) {
                *value = float;
            }
            Ok(row)
        };
        Ok(Norm {
            weight: row("weight")?,
            bias: row("bias")?,
        })
    }

    /// Joins the linear layers called `names` into one, their outputs side by
    /// side.
    fn linear(&self, names: &[String], inputs: usize, outputs: usize) -> Result<Linear, OpenError> {
        let all = outputs * names.len();
        let mut weight = vec![0.0; inputs * all];
        let mut bias = Vec::with_capacity(all);
        for (part, name) in names.iter().enumerate() {
            let bytes = self.bytes(&format!("{name}.weight"), &[outputs, inputs])?;
            transpose(bytes, inputs, &mut weight, all, part * outputs);
            let bytes = self.bytes(&format!("{name}.bias"), &[outputs])?;
            bias.extend(floats(bytes));
        }
        Ok(Linear { weight, bias })
    }

    fn layer(&self, index: usize) -> Result<Layer, OpenError> {
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        let dense = |part: &str, inputs, outputs| self.linear(&[name(part)], inputs, outputs);
        Ok(Layer {
            qkv: self.linear(
                &["query", "key", "value"].map(|part| name(&format!("attention.self.{part}"))),
                DIMENSIONS,
                DIMENSIONS,
            )?,
            attention_out: dense("attention.output.dense", DIMENSIONS, DIMENSIONS)?,
            attention_norm: self.norm(&name("attention.output.LayerNorm"))?,
            widen: dense("intermediate.dense", DIMENSIONS, INNER)?,
            narrow: dense("output.dense", INNER, DIMENSIONS)?,
            narrow_norm: self.norm(&name("output.LayerNorm"))?,
        })
    }
}

/// Writes the `[outputs, inputs]` matrix in `bytes` into columns
/// `column..column + outputs` of `into`, `[inputs, width]`.
fn transpose(bytes: &[u8], inputs: usize, into: &mut [f32], width: usize, column: usize) {
    // Sixteen outputs at once fill a cache line of the target.
    const BLOCK: usize = 16;
    for (block, rows) in bytes.chunks(BLOCK * inputs * FLOAT).enumerate() {
        let column = column + block * BLOCK;
        for (input, line) in into.chunks_exact_mut(width).enumerate() {
            for (value, row) in line[column..].iter_mut().zip(rows.chunks(inputs * FLOAT)) {
                let at = input * FLOAT;
                *value = f32::from_le_bytes([row[at], row[at + 1], row[at + 2], row[at + 3]]);
            }
        }
    }
}
