"""One attack of one system on the clips of `clips/MODEL.txt`, or with `--of-ours` on those of our
table: a CSV with a row a clip.

    python attacks.py --corpus CORPUS --system foolbox --attack carlini-wagner --model vgg13 --first 20

SNR is 10 log10(sum x^2 / sum r^2) in dB, summed in f64 over the 32-bit float WAVs that were
written, and whether a clip was fooled is what the model says of the written file: our program of
ours, PyTorch's model of the libraries' (which attacked that one). A table that exists is gone on
with where it ended. `--set` changes a setting (of ours: an option of `mondegreen attack`), and
writes a table of its own.
"""

import argparse
import ast
import functools
import hashlib
import math
import os
import pathlib
import random
import tempfile
import time

import numpy as np
import soundfile

import program
import tables

RATE = 32_000
TARGETS = ("Bass_drum", "Snare_drum", "Cello", "Violin_or_fiddle", "Clarinet", "Oboe")
ATTACKS = ("white-noise", "fgsm", "pgd", "deepfool", "carlini-wagner", "lbfgs")


class Ours:
    """An attack of our program."""

    def __init__(self, _system, options, settings):
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

    def __init__(self, system, options, settings):
        import torch

        import libraries

        torch.set_num_threads(options.threads)
        torch.manual_seed(0)
        known = libraries.SETTINGS.get((system, options.attack))
        if known is None:
            raise SystemExit(f"{system} is asked for deepfool and carlini-wagner only")
        weights = options.models / f"{options.model}.safetensors"
        self.library = libraries.Library(
            system, options.attack, options.targeted, weights, known[options.preset] | settings
        )
        self.settings = dict(self.library.settings)
        self.spread = libraries.STEPS.get((system, options.attack))

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


class Series:
    """One system with its settings and its table, which is gone on with where it ended."""

    def __init__(self, options, system, same_gradients=False):
        settings = dict(setting.split("=", 1) for setting in options.set)
        settings = {name: ast.literal_eval(value) for name, value in settings.items()}
        changed = options.set + ([tables.IN_TURN] if options.in_turn else [])
        path = options.models / f"{options.model}.safetensors"
        self.weights = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
        self.targeted = options.targeted
        self.whose = functools.partial(tables.table_path, attack=options.attack, targeted=options.targeted,
                                       model=options.model, preset=options.preset)
        self.table = self.whose(system, changed=changed + ([tables.SAME_GRADIENTS] if same_gradients else []))
        turns = [tables.IN_TURN] if options.in_turn else []
        self.ours = self.whose("ours", changed=turns) if same_gradients else None
        if self.ours and not options.in_turn and not self.ours.exists():
            raise SystemExit(f"there is no {self.ours.name}, whose gradients are to be as many")
        for table in filter(None, (self.table, self.ours)):
            if {row["weights"] for row in tables.read(table).values()} - {self.weights}:
                raise SystemExit(f"{table} belongs to other weights: remove it")
        self.system = (Ours if system == "ours" else Theirs)(system, options, settings)

    def go(self, clip, path):
        """Attacks a clip that has no row yet."""
        if clip in tables.read(self.table):
            return
        budget = {}
        if self.ours:
            ours = tables.read(self.ours).get(clip)
            if not ours or not int(ours["gradient_evaluations"]):
                return
            budget["gradients"] = int(ours["gradient_evaluations"])
        label = pathlib.PurePath(clip).parent.name
        target = target_of(clip, label) if self.targeted else ""
        with tempfile.TemporaryDirectory() as folder:
            row = self.system.attack(path, label, target, pathlib.Path(folder), **budget)
        tables.append(self.table, row | {"clip": clip, "label": label, "target": target, "weights": self.weights})
        print(f"{self.table.stem}: {clip}: {row['status']}, {row.get('snr_db', '')} dB, "
              f"{row['gradient_evaluations']} gradients, {row['seconds']} s {row['reason']}", flush=True)


def others_seconds():
    """Processor time that all other processes of this machine have taken so far."""
    with open("/proc/stat") as file:
        fields = [int(field) for field in file.readline().split()[1:]]
    # Everything but idling and waiting, guests being counted as users already.
    busy = (sum(fields[:3]) + sum(fields[5:8])) / os.sysconf("SC_CLK_TCK")
    return busy - sum(os.times()[:4])


def main():
    options = parse_options()
    search = options.attack == "carlini-wagner"
    if options.of_ours and (options.in_turn or options.system == "ours"):
        raise SystemExit("--of-ours is for a library beside a table of ours that is there")
    if options.same_gradients and (options.system == "ours" or options.in_turn or not search):
        raise SystemExit("--same-gradients is for the libraries' Carlini & Wagner, whose steps can be set")
    if options.in_turn:
        series = [Series(options, system) for system in tables.SYSTEMS]
        series += [Series(options, "foolbox", same_gradients=True)] if search else []
    else:
        series = [Series(options, options.system, options.same_gradients)]
    clips = tables.clips_of(options.model)
    if options.of_ours:
        clips = list(tables.read(series[0].whose("ours")))
    start, others = time.perf_counter(), others_seconds()
    for clip in clips[: options.first]:
        for one in series:
            one.go(clip, options.corpus / clip)
    if options.in_turn:
        share = (others_seconds() - others) / (time.perf_counter() - start) / os.cpu_count()
        print(f"other processes took {100 * share:.0f} % of the processors meanwhile")


def parse_options():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("--system", choices=tables.SYSTEMS)
    whose.add_argument("--in-turn", action="store_true",
                       help="all systems, clip by clip, into tables of their own: their seconds compare")
    parser.add_argument("--attack", required=True, choices=ATTACKS)
    parser.add_argument("--model", required=True, choices=tables.MODELS)
    parser.add_argument("--preset", default="quick", choices=tables.PRESETS)
    parser.add_argument("--targeted", action="store_true", help="into one of the paper's six labels, drawn a clip")
    parser.add_argument("--first", type=int, metavar="N", help="the first N clips only")
    parser.add_argument("--of-ours", action="store_true",
                        help="the clips of our table instead, which take_run.py may have written")
    parser.add_argument("--set", nargs="+", default=[], metavar="NAME=VALUE", help="instead of a setting's value")
    parser.add_argument("--same-gradients", action="store_true",
                        help="a library's Carlini & Wagner: on each clip as many gradients as ours took there")
    program.add_options(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
