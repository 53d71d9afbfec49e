"""Foolbox's Carlini & Wagner attack on VGG13 and real clips: the yardstick of our own.

Untargeted `L2CarliniWagnerAttack` (Foolbox 3) on the waveform, bounds (-1, 1), on the scores that
our attacks differentiate too (mean over chunks of the log-probabilities). Every adversarial clip
is written as 32-bit float WAV; its SNR and its label are taken from that file, not from memory.
Gradients are counted by a hook on the waveform, so that early abort is counted as what it is.

Several step sizes and initial constants make a sweep: every combination on every clip, one CSV a
combination. A clip that a CSV already holds is not attacked again, so an interrupted run resumes.
"""

import argparse
import csv
import itertools
import math
import pathlib
import statistics
import tempfile
import time

import foolbox
import numpy as np
import soundfile
import torch
from torch import nn

from reference import load, vgg13

HERE = pathlib.Path(__file__).parent
FIELDS = (
    "clip", "label", "status", "adversarial_label", "confidence_before", "confidence_after",
    "snr_db", "gradient_evaluations", "seconds",
)


class CountingModel(nn.Module):
    """Waveforms [1, N] to scores [1, 41]; counts the gradients that reach the waveform."""

    def __init__(self, model):
        super().__init__()
        self.model = model
        self.gradients = 0

    def forward(self, waveforms):
        if waveforms.requires_grad:
            waveforms.register_hook(self.count)
        return self.model.scores(waveforms[0])[None]

    def count(self, _gradient):
        self.gradients += 1


def main():
    options = parse_options()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    model = load(options.weights)
    configurations = list(itertools.product(options.stepsize, options.initial_const))
    for clip in clip_paths(options.clips)[: options.first]:
        for stepsize, initial_const in configurations:
            attack = foolbox.attacks.L2CarliniWagnerAttack(
                binary_search_steps=options.binary_search_steps,
                steps=options.steps,
                stepsize=stepsize,
                initial_const=initial_const,
                abort_early=not options.no_abort_early,
            )
            table = table_path(options, stepsize, initial_const)
            if any(row["clip"] == clip for row in read_table(table)):
                continue
            row = attack_clip(model, attack, clip, options)
            append(table, row)
            print(f"{table.stem}: {clip}: {row['status']}, {row['snr_db']} dB, "
                  f"{row['gradient_evaluations']} gradients, {row['seconds']} s", flush=True)
    for stepsize, initial_const in configurations:
        table = table_path(options, stepsize, initial_const)
        print(f"{table.stem}: {summary(read_table(table))}")


def attack_clip(model, attack, clip, options):
    """Attacks one clip and measures what was written; a row of the table."""
    waveform = vgg13.read(options.corpus / clip)
    label, before = model.top(waveform, count=1)[0]
    true_label = pathlib.PurePath(clip).parent.name
    row = {"clip": clip, "label": label, "confidence_before": f"{before:.4f}"}
    if true_label in model.labels and true_label != label:
        return row | {"status": "already misclassified", "snr_db": "", "gradient_evaluations": 0, "seconds": 0}

    counting = CountingModel(model).eval()
    target = foolbox.PyTorchModel(counting, bounds=(-1, 1), device="cpu")
    start = time.perf_counter()
    adversarial = attack.run(target, waveform[None], torch.tensor([model.labels.index(label)]))[0]
    seconds = time.perf_counter() - start

    folder = options.wav_dir or pathlib.Path(tempfile.gettempdir())
    written = folder / f"foolbox-{clip.replace('/', '-')}.wav"
    soundfile.write(written, adversarial.numpy(), vgg13.SAMPLE_RATE, subtype="FLOAT")
    from_file = vgg13.read(written)
    if options.wav_dir is None:
        written.unlink()
    with torch.no_grad():
        probabilities = model.probabilities(from_file)
    new_label = model.labels[int(probabilities.argmax())]
    # Foolbox returns zeros where it found nothing; silence may well be "another label".
    fooled = new_label != label and bool(adversarial.any())
    return row | {
        "status": "fooled" if fooled else "not fooled",
        "adversarial_label": new_label if fooled else "",
        "confidence_after": f"{float(probabilities.max()):.4f}" if fooled else "",
        "snr_db": f"{snr_db(waveform, from_file):.3f}" if fooled else "",
        "gradient_evaluations": counting.gradients,
        "seconds": f"{seconds:.1f}",
    }


def snr_db(original, changed):
    """10 log10(sum x^2 / sum r^2), in dB, summed in f64; infinite where nothing changed."""
    x = original.numpy().astype(np.float64)
    noise = np.sum((changed.numpy().astype(np.float64) - x) ** 2)
    return 10 * math.log10(np.sum(x**2) / noise) if noise > 0 else math.inf


def summary(rows):
    """Success and medians of a table's attacked clips, in one line."""
    attacked = [row for row in rows if row["status"] in ("fooled", "not fooled")]
    fooled = [row for row in attacked if row["status"] == "fooled"]
    if not attacked:
        return "no clips"
    # A failure is worse than any success: in `median of all` it counts as minus infinity.
    everything = statistics.median(float(row["snr_db"] or "-inf") for row in attacked)
    successes = statistics.median(float(row["snr_db"]) for row in fooled) if fooled else math.nan
    gradients = statistics.median(int(row["gradient_evaluations"]) for row in attacked)
    most = max(int(row["gradient_evaluations"]) for row in attacked)
    seconds = statistics.median(float(row["seconds"]) for row in attacked)
    return (f"fooled {len(fooled)} of {len(attacked)}, median SNR {everything:.2f} dB of all, "
            f"{successes:.2f} dB of the fooled, gradients median {gradients:.0f} most {most}, "
            f"median {seconds:.0f} s")


def clip_paths(path):
    """Clip paths from a CSV's column `file`, or one a line."""
    if path.suffix == ".csv":
        with open(path, newline="") as file:
            return [row["file"] for row in csv.DictReader(file)]
    return [line.strip() for line in path.read_text().splitlines() if line.strip()]


def table_path(options, stepsize, initial_const):
    name = f"foolbox-cw-{options.binary_search_steps}x{options.steps}-step{stepsize:g}-const{initial_const:g}"
    return options.results / f"{name}{'-full' if options.no_abort_early else ''}.csv"


def read_table(path):
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def append(path, row):
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with open(path, "a", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=pathlib.Path, required=True, help="VGG13 as safetensors")
    parser.add_argument("--corpus", type=pathlib.Path, required=True, help="folder that the clips' paths start from")
    parser.add_argument("--clips", type=pathlib.Path, default=HERE / "clips20.txt",
                        help="paths, one a line, or a CSV with a column `file`")
    parser.add_argument("--first", type=int, help="attack only so many clips")
    parser.add_argument("--binary-search-steps", type=int, default=4)
    parser.add_argument("--steps", type=int, default=75, help="Adam steps in each binary-search step")
    parser.add_argument("--stepsize", type=float, nargs="+", default=[3e-4])
    parser.add_argument("--initial-const", type=float, nargs="+", default=[1.0])
    parser.add_argument("--no-abort-early", action="store_true",
                        help="spend all steps, also where the loss has stopped falling")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--wav-dir", type=pathlib.Path, help="keep the adversarial WAVs here")
    parser.add_argument("--results", type=pathlib.Path, default=HERE / "results")
    return parser.parse_args()


if __name__ == "__main__":
    main()
