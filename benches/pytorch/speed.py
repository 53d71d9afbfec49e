"""Our speed beside PyTorch's: same network, weights, shapes, threads and f32, in turn in one run.

    cargo build --release --bin mondegreen --example network_gradients
    python benches/pytorch/speed.py --build target/release [--model gcnn]

Starts `mondegreen bench --on-request` as a child and has it and PyTorch take turns, case by case:
one run of ours, one of PyTorch's, after two pairs that do not count. Prints medians, the range from
10 to 90 % and the ratio of the medians beside the goal, then how far our gradients are from
PyTorch's on bundled clips. Writes `results/speed-THREADS-threads.csv`.

OpenMP's threads, which PyTorch uses, wait for each other actively: another process on one core
costs PyTorch several times what it takes away, and ours much less. So that this does not flatter
us, pairs are repeated until `--rounds` of them were disturbed by no more than 5 % of the processors'
time or `--patience` seconds are over; the least disturbed count, and the table says how much other
processes took during the worst of them (Linux only).

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
from reference import load, vgg13
from safetensors.torch import load_file, save_file
from torch.nn import functional

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
CHUNK_SAMPLES = 65_536
CLIP_SAMPLES = 10 * vgg13.SAMPLE_RATE
# Seconds between two runs: idle threads of both sides' pools spin for a while before they sleep.
PAUSE = 0.02
# Others' share of the processors' time that a pair of runs may have suffered.
QUIET = 0.05

# What ours may take at most, in PyTorch's time.
GOALS = {("network-gradient", 1): 0.5, ("network-gradient", 8): 0.6, ("training-step", 32): 1.0}
FIELDS = [
    "case", "batch", "rounds", "threads", "ours_ms", "ours_low_ms", "ours_high_ms", "pytorch_ms",
    "pytorch_low_ms", "pytorch_high_ms", "ratio", "goal", "others_median", "others_worst",
]  # fmt: skip


class Ours:
    """`mondegreen bench --on-request`: one case a line in, one JSON object a line out."""

    def __init__(self, program, weights, threads, batches, training):
        command = [program, "bench", "--on-request", "--model", weights.stem, "--device", "cpu", "--threads", str(threads)]
        command += ["--batch", ",".join(map(str, batches))]
        command += ["--training"] if training else []
        environment = os.environ | {"MONDEGREEN_MODELS": str(weights.parent)}
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


def training_step(path, channels_last, batch=32):
    """Forward in training mode, cross entropy, gradients of all weights: what an optimiser needs."""
    model = load(path).train().requires_grad_(True)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    pieces, labels = torch.randn(batch, vgg13.CHUNK, vgg13.BANDS), torch.randint(vgg13.LABEL_COUNT, (batch,))
    weights = list(model.parameters())
    return lambda: torch.autograd.grad(functional.cross_entropy(model.logits(pieces), labels), weights)


def pytorch_cases(path, batches, channels_last):
    """(case, batch) -> what PyTorch computes, named as `mondegreen bench` names it."""
    model = load(path)
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    sound = vgg13.read(ROOT / "assets" / "clips" / "glockenspiel.flac")
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


def processor_seconds(path, first, last):
    """Sum of some fields of a file of /proc that counts ticks; 0 where there is none."""
    try:
        fields = pathlib.Path(path).read_text().splitlines()[0].rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[first:last])) / os.sysconf("SC_CLK_TCK")


def others_seconds(child):
    """Processor time that all processes but this one and its child have taken so far."""
    user_to_system = processor_seconds("/proc/stat", 1, 4)
    interrupts_and_stolen = processor_seconds("/proc/stat", 6, 9)
    own = sum(processor_seconds(f"/proc/{pid}/stat", 11, 13) for pid in (os.getpid(), child))
    return user_to_system + interrupts_and_stolen - own


def pair_of_runs(ours, name, batch, job):
    """Milliseconds of ours and of PyTorch's, and others' share of the processors meanwhile."""
    start, others = time.perf_counter(), others_seconds(ours.child.pid)
    time.sleep(PAUSE)
    own = ours.time(name, batch) if ours.offers(name, batch) else float("nan")
    time.sleep(PAUSE)
    theirs = milliseconds(job)
    elapsed = time.perf_counter() - start
    # A tick is 10 ms: less is noise.
    taken = max(0.0, others_seconds(ours.child.pid) - others - 0.01)
    return own, theirs, taken / elapsed / os.cpu_count()


def compare(ours, name, batch, job, rounds, patience):
    """Times one case, in turn. The first two pairs do not count: libraries choose and allocate then."""
    for _ in range(2):
        pair_of_runs(ours, name, batch, job)
    pairs, end = [], time.monotonic() + patience
    while sum(share <= QUIET for *_, share in pairs) < rounds and (len(pairs) < rounds or time.monotonic() < end):
        pairs.append(pair_of_runs(ours, name, batch, job))
    pairs = np.array(sorted(pairs, key=lambda pair: pair[2])[:rounds])
    return np.quantile(pairs[:, :2], (0.5, 0.1, 0.9), axis=0), (np.median(pairs[:, 2]), pairs[-1, 2])


def line(name, batch, quantiles, shares):
    (own, theirs), (own_low, low), (own_high, high) = quantiles
    goal = GOALS.get((name, batch))
    sides = f"{own:9.1f} {own_low:8.1f} to {own_high:7.1f} {theirs:9.1f} {low:8.1f} to {high:7.1f}"
    wanted = "" if goal is None else f"   goal {goal}" + (" missed" if own / theirs > goal else "")
    print(f"{name:18} {batch:5} {sides}   {own / theirs:6.3f} {100 * shares[1]:6.0f} %{wanted}", flush=True)


def row(name, batch, rounds, threads, quantiles, shares):
    own, theirs = quantiles.T.round(3)
    own = ["" if np.isnan(value) else value for value in own]
    ratio = "" if "" in own else round(own[0] / theirs[0], 4)
    ends = [GOALS.get((name, batch), ""), *np.round(shares, 3)]
    return dict(zip(FIELDS, [name, batch, rounds, threads, *own, *theirs, ratio, *ends], strict=True))


def our_network(example, path, pieces, weights):
    """Our logits, and our gradients of `sum(weights * logits)`, in the type of `pieces`."""
    with tempfile.TemporaryDirectory() as folder:
        given, written = pathlib.Path(folder, "in.safetensors"), pathlib.Path(folder, "out.safetensors")
        save_file({"inputs": pieces.contiguous(), "weights": weights.contiguous()}, given)
        environment = os.environ | {"MONDEGREEN_MODELS": str(path.parent)}
        subprocess.run([example, path.stem, given, written], check=True, env=environment)
        return load_file(written)


def log_mel_gradients(path, models, example, weights_path):
    """Gradients of one clip's log-mel, (ours, PyTorch's), for f32 and f64.

    They are those of the best logit's lead over the second of every chunk, taken by either network
    to its input, standardised chunks, and from there by PyTorch to the log-mel: the copies of one
    value with which the last chunk may be padded count as the one value that they are.
    """
    for dtype, model in models.items():
        with torch.no_grad():
            # The same log-mel for both types.
            log_mel = models[torch.float32].log_mel(vgg13.read(path)).to(dtype)
        log_mel.requires_grad_(True)
        pieces = (vgg13.chunks(log_mel) - model.mean) / model.std
        inputs = pieces.detach().requires_grad_(True)
        logits = model.logits(inputs)
        best = logits.topk(2).indices
        one_hot = [functional.one_hot(best[:, i], vgg13.LABEL_COUNT).to(dtype) for i in (0, 1)]
        weights = one_hot[0] - one_hot[1]
        theirs = torch.autograd.grad((logits * weights).sum(), inputs)[0]
        ours = our_network(example, weights_path, inputs.detach(), weights)["gradients"]
        yield [torch.autograd.grad(pieces, log_mel, g, retain_graph=True)[0].double() for g in (ours, theirs)]


def compare_gradients(example, weights):
    """Largest difference of gradients, relative to the clip's largest entry."""
    models = {torch.float32: load(weights), torch.float64: load(weights).double()}
    print("\ngradients to the log-mel: largest difference, relative to the clip's largest entry; beyond: entries")
    print("beyond 1e-4, where rounding put a value on the other side of a rectifier's or max pool's kink")
    print(f"{'':18} {'f32, ours - PyTorch':>20} {'beyond':>7} {'f64, ours - PyTorch':>20} {'PyTorch, f32 - f64':>19} {'beyond':>7}")
    differences = []
    for path in sorted((ROOT / "assets" / "clips").glob("*.flac")):
        (ours, theirs), (ours64, theirs64) = log_mel_gradients(path, models, example, weights)
        both, both64, rounding = (
            (a - b).abs() / b.abs().max() for a, b in ((ours, theirs), (ours64, theirs64), (theirs, theirs64))
        )
        differences.append(float(both.max()))
        beyond, theirs_beyond = (int((d > 1e-4).sum()) for d in (both, rounding))
        print(f"{path.stem:18} {differences[-1]:20.1e} {beyond:7} {float(both64.max()):20.1e} {float(rounding.max()):19.1e} {theirs_beyond:7}")
    within = sum(d <= 1e-4 for d in differences)
    print(f"within the goal of 1e-4: {within} of {len(differences)} clips; median {np.median(differences):.1e}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "target" / "release", help="cargo's output")
    parser.add_argument("--model", default="vgg13", help="vgg13, crnn or gcnn")
    parser.add_argument("--models", type=pathlib.Path, default=ROOT / "models-safetensors", help="folder of its weights")
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of either side")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--training-rounds", type=int, default=5, help="of the training step; 0 for none")
    parser.add_argument("--channels-last", action="store_true", help="PyTorch's other layout")
    parser.add_argument("--patience", type=float, default=60, help="seconds to wait for quiet pairs, each case")
    parser.add_argument("--cases", nargs="+", metavar="NAME", help="only these, such as training-step")
    parser.add_argument("--output", type=pathlib.Path)
    arguments = parser.parse_args()
    layout = "-channels-last" if arguments.channels_last else ""
    weights = arguments.models.resolve() / f"{arguments.model}.safetensors"
    model = "" if arguments.model == "vgg13" else f"{arguments.model}-"
    name = f"speed-{model}{arguments.threads}-threads{layout}.csv"
    output = arguments.output or HERE / "results" / name
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    cases = {key: (job, arguments.rounds) for key, job in pytorch_cases(weights, arguments.batch, arguments.channels_last).items()}
    if arguments.training_rounds:
        cases["training-step", 32] = training_step(weights, arguments.channels_last), arguments.training_rounds
    cases = {key: case for key, case in cases.items() if not arguments.cases or key[0] in arguments.cases}
    print(f"PyTorch {torch.__version__}, {arguments.threads} threads; milliseconds")
    print(f"{'':18} {'batch':>5} {'ours':>9} {'10 % to 90 %':>19} {'PyTorch':>9} {'10 % to 90 %':>19}   {'ratio':>6} {'others':>8}")
    ours = Ours(arguments.build / "mondegreen", weights, arguments.threads, arguments.batch, arguments.training_rounds > 0)
    rows = []
    for (name, batch), (job, rounds) in cases.items():
        quantiles, shares = compare(ours, name, batch, job, rounds, arguments.patience)
        line(name, batch, quantiles, shares)
        rows.append(row(name, batch, rounds, arguments.threads, quantiles, shares))
    ours.close()
    with open(output, "w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    compare_gradients(arguments.build / "examples" / "network_gradients", weights)


if __name__ == "__main__":
    main()
