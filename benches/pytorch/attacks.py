"""One attack of one system on the clips of `clips/MODEL.txt`: a CSV with a row a clip.

    python attacks.py --corpus CORPUS --system foolbox --attack carlini-wagner --model vgg13 --first 20

SNR is 10 log10(sum x^2 / sum r^2) in dB, summed in f64 over the 32-bit float WAVs that were
written, and whether a clip was fooled is what the model says of the written file: our program of
ours, PyTorch's model of the libraries' (which attacked that one). A table that exists is gone on
with where it ended. `--set` changes a setting (of ours: an option of `mondegreen attack`), and
writes a table of its own.
"""

import argparse
import ast
import hashlib
import math
import pathlib
import random
import tempfile

import numpy as np
import soundfile

import program
import tables

RATE = 32_000
TARGETS = ("Bass_drum", "Snare_drum", "Cello", "Violin_or_fiddle", "Clarinet", "Oboe")
ATTACKS = ("white-noise", "fgsm", "pgd", "deepfool", "carlini-wagner", "lbfgs")


class Ours:
    """An attack of our program."""

    def __init__(self, options, settings):
        self.said = program.Program(options.program, options.models, options.model, options.threads)
        self.fixed = ["--attack", options.attack]
        # The others search nothing, so that the program takes no preset for them.
        if options.attack not in ("white-noise", "fgsm"):
            self.fixed += ["--preset", options.preset]
        for name, value in settings.items():
            self.fixed += [f"--{name.replace('_', '-')}", *([] if value is True else [value])]

    def attack(self, clip, label, target, folder):
        clean, adversarial = folder / "nat.wav", folder / "adv.wav"
        aim = ["--target", target] if target else []
        [said] = self.said.call(
            "attack", clip, "--label", label, *aim, *self.fixed, "--original", clean, "--output", adversarial
        )
        row = {
            "gradient_evaluations": said["gradient_evaluations"],
            "seconds": f"{said['seconds']:.2f}",
            "confidence_before": f"{said['original']['confidence']:.4f}",
            "reason": said["reason"] or said.get("note") or "",
        }
        if not adversarial.exists():
            return row | {"status": "failed"}
        [heard] = self.said.classify([adversarial])
        row |= verdict(heard, label, target) | {"snr_db": snr_db(clean, adversarial)}
        if (said["status"] == "fooled") != (row["status"] == "fooled"):
            row["reason"] = f"the program said {said['status']}"
        return row


class Theirs:
    """An attack of a library."""

    def __init__(self, options, settings):
        import torch

        import libraries

        torch.set_num_threads(options.threads)
        torch.manual_seed(0)
        known = libraries.SETTINGS.get((options.system, options.attack))
        if known is None:
            raise SystemExit(f"{options.system} is asked for deepfool and carlini-wagner only")
        weights = options.models / f"{options.model}.safetensors"
        self.library = libraries.Library(
            options.system, options.attack, options.targeted, weights, known[options.preset] | settings
        )
        self.settings = dict(self.library.settings)
        self.spread = libraries.STEPS.get((options.system, options.attack))

    def attack(self, clip, label, target, folder, gradients=None):
        if gradients:
            self.library.settings = self.settings | self.spread(self.settings, gradients)
        clean, adversarial = folder / "nat.wav", folder / "adv.wav"
        _, before = self.library.classify(clip)
        x, y, gradients, seconds = self.library.attack(clip, label, target)
        for path, samples in ((clean, x), (adversarial, y)):
            soundfile.write(path, samples, RATE, subtype="FLOAT")
        row = {
            "gradient_evaluations": gradients,
            "seconds": f"{seconds:.2f}",
            "confidence_before": f"{before:.4f}",
            "reason": "",
        }
        # Foolbox gives zeros where it found nothing; silence may well have another label.
        if not y.any():
            return row | {"status": "not fooled", "reason": "zeros"}
        heard = self.library.classify(adversarial)
        return row | verdict(heard, label, target) | {"snr_db": snr_db(clean, adversarial)}


def verdict(heard, label, target):
    """Columns that say what the written file is heard as."""
    fooled = heard[0] == target if target else heard[0] != label
    return {
        "status": "fooled" if fooled else "not fooled",
        "adversarial_label": heard[0],
        "confidence_after": f"{heard[1]:.4f}",
    }


def snr_db(clean, adversarial):
    """SNR in dB of two written files; nothing where they are the same."""
    x, y = (soundfile.read(path, dtype="float64")[0] for path in (clean, adversarial))
    noise = np.sum((y - x) ** 2)
    return f"{10 * math.log10(np.sum(x**2) / noise):.3f}" if noise > 0 else ""


def target_of(clip, label):
    """One of the paper's six labels, not the clip's own: the same for every system and model."""
    choices = [target for target in TARGETS if target != label]
    return random.Random(f"2018 {clip}").choice(choices)


def main():
    options = parse_options()
    settings = dict(setting.split("=", 1) for setting in options.set)
    settings = {name: ast.literal_eval(value) for name, value in settings.items()}
    table = tables.table_path(
        options.system, options.attack, options.targeted, options.model, options.preset,
        options.set + ([tables.SAME_GRADIENTS] if options.same_gradients else []),
    )
    weights = hashlib.sha256((options.models / f"{options.model}.safetensors").read_bytes()).hexdigest()[:8]
    done = tables.read(table)
    ours = {}
    if options.same_gradients:
        if options.system == "ours" or options.attack != "carlini-wagner":
            raise SystemExit("--same-gradients is for the libraries' Carlini & Wagner, whose steps can be set")
        ours = tables.read(
            tables.table_path("ours", options.attack, options.targeted, options.model, options.preset)
        )
    for rows, name in ((done, table), (ours, "our table")):
        if {row["weights"] for row in rows.values()} - {weights}:
            raise SystemExit(f"{name} belongs to other weights: remove it")
    ours = {clip: row for clip, row in ours.items() if int(row["gradient_evaluations"])}
    system = (Ours if options.system == "ours" else Theirs)(options, settings)
    for clip in tables.clips_of(options.model, options.first):
        if clip in done or (options.same_gradients and clip not in ours):
            continue
        label = pathlib.PurePath(clip).parent.name
        target = target_of(clip, label) if options.targeted else ""
        with tempfile.TemporaryDirectory() as folder:
            budget = {"gradients": int(ours[clip]["gradient_evaluations"])} if options.same_gradients else {}
            row = system.attack(options.corpus / clip, label, target, pathlib.Path(folder), **budget)
        row |= {"clip": clip, "label": label, "target": target, "weights": weights}
        tables.append(table, row)
        print(f"{table.stem}: {clip}: {row['status']}, {row.get('snr_db', '')} dB, "
              f"{row['gradient_evaluations']} gradients, {row['seconds']} s {row['reason']}", flush=True)


def parse_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--system", required=True, choices=tables.SYSTEMS)
    parser.add_argument("--attack", required=True, choices=ATTACKS)
    parser.add_argument("--model", required=True, choices=tables.MODELS)
    parser.add_argument("--preset", default="quick", choices=tables.PRESETS)
    parser.add_argument("--targeted", action="store_true", help="into one of the paper's six labels, drawn a clip")
    parser.add_argument("--first", type=int, metavar="N", help="the first N clips only")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="instead of a setting's value")
    parser.add_argument("--same-gradients", action="store_true",
                        help="a library's Carlini & Wagner: on each clip as many gradients as ours took there")
    program.add_options(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
