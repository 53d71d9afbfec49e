"""Our speed beside PyTorch's: same network, weights, shapes, threads and f32, in turn in one run.

    cargo build --release --bin mondegreen --example network_gradients
    python benches/pytorch/speed.py --build target/release

Starts `mondegreen bench --on-request` as a child and has it and PyTorch take turns, case by case:
one run of ours, one of PyTorch's, `--rounds` times after two that do not count. Prints medians, the
range from 10 to 90 % and the ratio of the medians beside the goal, then the largest difference
between our f32 gradients and PyTorch's, relative to the largest entry, on chunks of bundled clips
(PyTorch's own f32 beside its f64, too). Writes `results/speed-THREADS-threads.csv`.

PyTorch computes in its default layout, [B, C, H, W]; `--channels-last` has it use the other one.
Cases that our program does not offer are timed for PyTorch alone. Needs torch, numpy, safetensors
and soundfile (tests/reference/requirements.txt).
"""

import argparse
import csv
import json
import os
import pathlib
import subprocess
import tempfile
import time

import numpy as np
import torch
from reference import vgg13
from safetensors.torch import load_file, save_file
from torch.nn import functional

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
WEIGHTS = ROOT / "models-safetensors" / "vgg13.safetensors"
CHUNK_SAMPLES = 65_536
CLIP_SAMPLES = 10 * vgg13.SAMPLE_RATE
# Seconds between two runs: idle threads of both sides' pools spin for a while before they sleep.
PAUSE = 0.02
CLIPS = ("glockenspiel", "knock", "violin", "tambourine", "flute", "gunshot")

# What ours may take at most, in PyTorch's time.
GOALS = {("network-gradient", 1): 0.5, ("network-gradient", 8): 0.6, ("training-step", 32): 1.0}
FIELDS = [
    "case", "batch", "rounds", "threads", "ours_ms", "ours_low_ms", "ours_high_ms",
    "pytorch_ms", "pytorch_low_ms", "pytorch_high_ms", "ratio", "goal", "load_before", "load_after", "note",
]  # fmt: skip


class Ours:
    """`mondegreen bench --on-request`: one case a line in, one JSON object a line out."""

    def __init__(self, program, threads, batches):
        command = [program, "bench", "--on-request", "--model", "vgg13", "--threads", str(threads)]
        command += ["--batch", ",".join(map(str, batches))]
        environment = os.environ | {"MONDEGREEN_MODELS": str(WEIGHTS.parent)}
        pipe = subprocess.PIPE
        self.child = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)
        self.cases = set(self.answer()["cases"])

    def answer(self):
        line = self.child.stdout.readline()
        if not line:
            raise SystemExit(f"mondegreen bench ended with status {self.child.wait()}")
        return json.loads(line)

    def offers(self, name, batch):
        return f"{name} {batch}" in self.cases

    def time(self, name, batch):
        print(f"{name} {batch}", file=self.child.stdin, flush=True)
        return self.answer()["ms"]

    def close(self):
        self.child.stdin.close()
        self.child.wait()


def gradient(function, values):
    """Forward, and the gradient of the sum of the outputs."""
    values = values.detach().requires_grad_(True)
    return torch.autograd.grad(function(values).sum(), values)[0]


def without_gradient(function, values):
    with torch.no_grad():
        return function(values)


def training_step(channels_last, batch=32):
    """Forward in training mode, cross entropy, gradients of all weights: what an optimiser needs."""
    model = vgg13.load(WEIGHTS).train().requires_grad_(True)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    pieces, labels = torch.randn(batch, vgg13.CHUNK, vgg13.BANDS), torch.randint(vgg13.LABEL_COUNT, (batch,))
    weights = list(model.parameters())
    return lambda: torch.autograd.grad(functional.cross_entropy(model.logits(pieces), labels), weights)


def pytorch_cases(batches, channels_last):
    """(case, batch) -> what PyTorch computes, named as `mondegreen bench` names it."""
    model = vgg13.load(WEIGHTS)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    sound = vgg13.read(ROOT / "assets" / "clips" / f"{CLIPS[0]}.flac")
    looped = sound.repeat(CLIP_SAMPLES // len(sound) + 1)
    chunk, clip = looped[:CHUNK_SAMPLES].clone(), looped[:CLIP_SAMPLES].clone()
    cases = {}
    for batch in batches:
        pieces = torch.randn(batch, vgg13.CHUNK, vgg13.BANDS)
        cases["network-forward", batch] = lambda p=pieces: without_gradient(model.logits, p)
        cases["network-gradient", batch] = lambda p=pieces: gradient(model.logits, p)
    cases["forward", 1] = lambda: without_gradient(model.scores, chunk)
    cases["gradient", 1] = lambda: gradient(model.scores, chunk)
    cases["log-mel-forward", 1] = lambda: without_gradient(model.log_mel, clip)
    cases["log-mel-gradient", 1] = lambda: gradient(model.log_mel, clip)
    return cases


def milliseconds(job):
    start = time.perf_counter()
    job()
    return 1e3 * (time.perf_counter() - start)


def compare(ours, name, batch, job, rounds):
    """Times one case, in turn. The first two rounds do not count: libraries choose and allocate then."""
    pairs = []
    for _ in range(2 + rounds):
        time.sleep(PAUSE)
        own = ours.time(name, batch) if ours.offers(name, batch) else float("nan")
        time.sleep(PAUSE)
        pairs.append((own, milliseconds(job)))
    return np.quantile(np.array(pairs[2:]), (0.5, 0.1, 0.9), axis=0)


def line(name, batch, quantiles):
    (own, theirs), (own_low, low), (own_high, high) = quantiles
    goal = GOALS.get((name, batch))
    sides = f"{own:9.1f} {own_low:8.1f} to {own_high:7.1f} {theirs:9.1f} {low:8.1f} to {high:7.1f}"
    wanted = "" if goal is None else f"   goal {goal}" + (" missed" if own / theirs > goal else "")
    print(f"{name:18} {batch:5} {sides}   {own / theirs:6.3f}{wanted}", flush=True)


def row(name, batch, quantiles, arguments, loads):
    own, theirs = quantiles.T.round(3)
    empty = np.isnan(own[0])
    values = ["" if empty else value for value in own], theirs
    ratio = "" if empty else round(quantiles[0, 0] / quantiles[0, 1], 4)
    where = [arguments.rounds, arguments.threads]
    ends = [GOALS.get((name, batch), ""), *loads, arguments.note]
    return dict(zip(FIELDS, [name, batch, *where, *values[0], *values[1], ratio, *ends]))


def compare_gradients(example):
    """Largest differences of logits and of gradients to the network's input, relative to the largest entry.

    One chunk of each clip; the gradient is that of the best logit's lead over the second.
    """
    model = vgg13.load(WEIGHTS)
    pieces = []
    for name in CLIPS:
        log_mel = model.log_mel(vgg13.read(ROOT / "assets" / "clips" / f"{name}.flac"))
        pieces.append(((vgg13.chunks(log_mel) - model.mean) / model.std)[0])
    pieces = torch.stack(pieces)
    best = model.logits(pieces).topk(2).indices
    weights = functional.one_hot(best[:, 0], vgg13.LABEL_COUNT) - functional.one_hot(best[:, 1], vgg13.LABEL_COUNT)

    def evaluate(model, dtype):
        values = pieces.to(dtype).requires_grad_(True)
        logits = model.logits(values)
        slope = torch.autograd.grad((logits * weights.to(dtype)).sum(), values)[0]
        return {"logits": logits.detach().double(), "gradients": slope.double()}

    theirs, exact = evaluate(model, torch.float32), evaluate(vgg13.load(WEIGHTS).double(), torch.float64)
    with tempfile.TemporaryDirectory() as folder:
        given, written = pathlib.Path(folder, "in.safetensors"), pathlib.Path(folder, "out.safetensors")
        save_file({"inputs": pieces.contiguous(), "weights": weights.float()}, given)
        environment = os.environ | {"MONDEGREEN_MODELS": str(WEIGHTS.parent)}
        subprocess.run([example, given, written], check=True, env=environment)
        ours = {name: tensor.double() for name, tensor in load_file(written).items()}

    print("\nlargest difference, relative to the clip's largest entry")
    print(f"{'':16} {'ours - PyTorch':>22} {'ours - f64':>22} {'PyTorch - f64':>22}")
    print(f"{'':16} " + " ".join(f"{'logits':>10} {'gradients':>11}" for _ in range(3)))
    worst = 0.0
    for index, name in enumerate(CLIPS):
        cells = []
        for a, b in ((ours, theirs), (ours, exact), (theirs, exact)):
            for what in ("logits", "gradients"):
                x, y = a[what][index], b[what][index]
                cells.append(float((x - y).abs().max() / y.abs().max()))
        worst = max(worst, cells[1])
        print(f"{name:16} " + " ".join(f"{c:{10 + i % 2}.1e}" for i, c in enumerate(cells)))
    print(f"gradients, ours - PyTorch: at most {worst:.1e}; goal 1e-4" + (" missed" if worst > 1e-4 else ""))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "target" / "release", help="cargo's output")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of either side")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--training-rounds", type=int, default=5, help="of the training step; 0 for none")
    parser.add_argument("--channels-last", action="store_true", help="PyTorch's other layout")
    parser.add_argument("--note", default="", help="kept in the CSV: what else the machine was doing")
    parser.add_argument("--output", type=pathlib.Path)
    arguments = parser.parse_args()
    layout = "-channels-last" if arguments.channels_last else ""
    name = f"speed-{arguments.threads}-threads{layout}.csv"
    output = arguments.output or HERE / "results" / name
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    cases = {key: (job, arguments.rounds) for key, job in pytorch_cases(arguments.batch, arguments.channels_last).items()}
    if arguments.training_rounds:
        cases["training-step", 32] = training_step(arguments.channels_last), arguments.training_rounds
    print(f"PyTorch {torch.__version__}, {arguments.threads} threads; milliseconds")
    print(f"{'':18} {'batch':>5} {'ours':>9} {'10 % to 90 %':>19} {'PyTorch':>9} {'10 % to 90 %':>19}   {'ratio':>6}")
    ours = Ours(arguments.build / "mondegreen", arguments.threads, arguments.batch)
    rows = []
    for (name, batch), (job, rounds) in cases.items():
        before = os.getloadavg()[0]
        quantiles = compare(ours, name, batch, job, rounds)
        line(name, batch, quantiles)
        loads = [round(before, 2), round(os.getloadavg()[0], 2)]
        rows.append(row(name, batch, quantiles, arguments, loads) | {"rounds": rounds})
    ours.close()
    with open(output, "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    compare_gradients(arguments.build / "examples" / "network_gradients")


if __name__ == "__main__":
    main()
