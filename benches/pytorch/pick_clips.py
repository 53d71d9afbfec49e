"""Picks the real clips on which attacks are compared, and writes their paths (no audio).

From the corpus' test split, one clip per label, labels and clips in seeded random order, and only
clips that VGG13 names correctly: an attack on a misnamed clip measures nothing.
"""

import argparse
import csv
import pathlib
import random

import torch

from reference import load, vgg13

HERE = pathlib.Path(__file__).parent


def main():
    options = parse_options()
    torch.set_num_threads(options.threads)
    model = load(options.weights)
    with open(options.corpus / "manifest.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    chosen = pick(model, rows, options)
    options.output.write_text("".join(f"{path}\n" for path in chosen))
    print(f"{len(chosen)} clips written to {options.output}")


def pick(model, rows, options):
    """Paths of up to `options.count` clips that the model names correctly, one per label."""
    # `random.Random` keeps its sequence across Python versions and platforms.
    generator = random.Random(options.seed)
    labels = sorted({row["label"] for row in rows})
    generator.shuffle(labels)
    chosen = []
    for label in labels:
        if len(chosen) == options.count:
            break
        candidates = sorted(row["file"] for row in rows if row["label"] == label)
        generator.shuffle(candidates)
        path = next((path for path in candidates if named(model, options.corpus / path) == label), None)
        print(f"{label}: {path or 'none named correctly'}", flush=True)
        if path is not None:
            chosen.append(path)
    return chosen


def named(model, path):
    """The label that the model gives to the clip at `path`."""
    return model.top(vgg13.read(path), count=1)[0][0]


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=pathlib.Path, required=True, help="VGG13 as safetensors")
    parser.add_argument("--corpus", type=pathlib.Path, required=True, help="folder with manifest.csv")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=2018)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "clips20.txt")
    return parser.parse_args()


if __name__ == "__main__":
    main()
