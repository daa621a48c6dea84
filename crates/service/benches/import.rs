//! Time and memory of an import and an export of many memories:
//!
//! `cargo xtask bench import` (`-- --lines 100000 --embed` for more or fewer,
//! and to wait until all can be found by meaning).
//!
//! The file is generated while it is uploaded, so the memory above that of the
//! idle process is the import's own.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use domain::{
    Actor, NoInput,
    access::SystemRole,
    import::{ImportChoiceInput, ImportOptions, ImportPath},
    memory::MemoryFilter,
};
use service::{
    Clock, Ctx, Embedder, Entropy, ExportFormat, ImportConfirm, ImportGet, OverviewGet, Upload,
    WorkerSettings, call, memory_export,
};
use store::{embedding_model::embedding_model_active, testing::TestDb};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

const WORDS: [&str; 24] = [
    "the",
    "invoice",
    "machine",
    "of",
    "spring",
    "coffee",
    "needs",
    "a",
    "second",
    "signature",
    "on",
    "monday",
    "deploy",
    "behind",
    "server",
    "quiet",
    "customer",
    "prefers",
    "letters",
    "north",
    "budget",
    "plan",
    "blue",
    "tea",
];

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let number = |name: &str, otherwise: usize| {
        arguments
            .iter()
            .position(|argument| argument == name)
            .and_then(|at| arguments.get(at + 1)?.parse().ok())
            .unwrap_or(otherwise)
    };
    let lines = number("--lines", 100_000);
    let embed = arguments.iter().any(|argument| argument == "--embed");
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(measure(lines, embed));
}

async fn measure(lines: usize, embed: bool) {
    let db = TestDb::new().await;
    let actor = db
        .tenant("bench")
        .await
        .actor(SystemRole::Member, "Mia")
        .await;
    let embedder = match (embed, env::var_os("ATRIUM_MODEL_DIR")) {
        (true, Some(folder)) => Embedder::open(&PathBuf::from(folder)).await,
        _ => Embedder::off("Not measured."),
    };
    let is_on = embedder.is_on();
    let ctx = Ctx::new(
        db.store.clone(),
        Clock::system(),
        Entropy::system(),
        embedder,
    );
    if is_on {
        // The model is mapped and its buffers are there before the import.
        let mut tx = ctx.store.begin(&actor).await.expect("a session");
        let model = embedding_model_active(&mut tx).await.expect("a model");
        let texts = vec!["warm up".to_owned(); 64];
        ctx.embedder.batch(&model, texts).await.expect("vectors");
    }
    let stop = CancellationToken::new();
    let worker = tokio::spawn(service::work(
        ctx.clone(),
        WorkerSettings::default(),
        stop.clone(),
    ));
    sleep(Duration::from_secs(1)).await;
    println!(
        "{lines} lines; embedding {}",
        if is_on { "on" } else { "off" }
    );
    println!(
        "{:<24}{:>10}{:>12}{:>24}{:>20}{:>24}",
        "",
        "s",
        "per s",
        "peak MB above idle",
        format!(
            "cores busy, of {}",
            std::thread::available_parallelism().map_or(1, usize::from)
        ),
        "with all that runs"
    );

    let meter = Meter::start();
    let (id, bytes) = give(&ctx, &actor, lines).await;
    meter.stop("upload", lines);
    let meter = Meter::start();
    let input = ImportChoiceInput {
        id,
        choice: ImportOptions::default(),
    };
    call::<ImportConfirm>(&ctx, &actor, input)
        .await
        .expect("a file that can be imported");
    loop {
        let import = call::<ImportGet>(&ctx, &actor, ImportPath { id })
            .await
            .expect("the import");
        if import.is_settled() {
            assert_eq!(import.report.imported, lines as u64, "{:?}", import.report);
            break;
        }
        sleep(Duration::from_millis(50)).await;
    }
    meter.stop("import", lines);
    if is_on {
        let meter = Meter::start();
        while call::<OverviewGet>(&ctx, &actor, NoInput {})
            .await
            .expect("the overview")
            .memories
            .is_some_and(|memories| memories.waiting_for_embedding > 0)
        {
            sleep(Duration::from_millis(500)).await;
        }
        meter.stop("embedding, the rest", lines);
    }
    for format in ExportFormat::ALL {
        let meter = Meter::start();
        let mut export = memory_export(&ctx, &actor, &MemoryFilter::default(), *format)
            .await
            .expect("an export");
        let mut size = 0;
        while let Some(chunk) = export.next().await {
            size += chunk.expect("a whole export").len();
        }
        meter.stop(&format!("export {}", format.key()), lines);
        assert!(size > bytes / 20);
    }
    stop.cancel();
    let _ = worker.await;
}

/// Uploads a file of JSON lines.
async fn give(ctx: &Ctx, actor: &Actor, lines: usize) -> (domain::ImportId, usize) {
    let mut upload = Upload::begin(ctx, actor, "bench.jsonl")
        .await
        .expect("an upload");
    let mut piece = String::new();
    let mut bytes = 0;
    for line in 0..lines {
        let words: Vec<_> = (0..40)
            .map(|n| WORDS[(line * 7 + n * n + line / 24) % WORDS.len()])
            .collect();
        // Into memory: it can't fail.
        let _ = writeln!(
            piece,
            "{{\"id\":\"{line}\",\"content\":\"Note {line}: {}.\",\"tags\":[\"tag {}\"]}}",
            words.join(" "),
            line % 100
        );
        if piece.len() > 64 * 1024 || line + 1 == lines {
            bytes += piece.len();
            upload.write(piece.as_bytes()).await.expect("room");
            piece.clear();
        }
    }
    let started = upload.finish(None).await.expect("a file");
    (started.id, bytes)
}

/// Time, the most memory above what there was at the start, and how many cores
/// worked: for this process, and for all on this machine, the database's too.
struct Meter {
    began: Instant,
    idle: u64,
    busy: f64,
    all_busy: f64,
}

impl Meter {
    fn start() -> Self {
        // Forgets the peak so far.
        let _ = fs::write("/proc/self/clear_refs", "5");
        Self {
            began: Instant::now(),
            idle: status("VmRSS:"),
            busy: cpu_seconds(),
            all_busy: all_cpu_seconds(),
        }
    }

    fn stop(&self, what: &str, lines: usize) {
        let seconds = self.began.elapsed().as_secs_f64();
        let peak = status("VmHWM:").saturating_sub(self.idle) / 1024;
        #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
        let rate = lines as f64 / seconds;
        let cores = (cpu_seconds() - self.busy) / seconds;
        let all = (all_cpu_seconds() - self.all_busy) / seconds;
        println!("{what:<24}{seconds:>10.1}{rate:>12.0}{peak:>24}{cores:>20.2}{all:>24.2}");
    }
}

const TICKS_PER_SECOND: f64 = 100.0;

/// How long cores have worked for whatever runs on this machine, in seconds.
fn all_cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    // proc(5): user, nice, system, idle and iowait, irq and softirq.
    let ticks: Vec<f64> = stat
        .lines()
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(1)
        .filter_map(|field| field.parse().ok())
        .collect();
    let working = [0, 1, 2, 5, 6].iter().filter_map(|at| ticks.get(*at));
    working.sum::<f64>() / TICKS_PER_SECOND
}

/// How long cores have worked for this process so far, in seconds.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Behind the name in brackets; user and system time are proc(5)'s fields
    // 14 and 15.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    ticks / TICKS_PER_SECOND
}

/// A line of the process' own status, in kB.
fn status(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}
