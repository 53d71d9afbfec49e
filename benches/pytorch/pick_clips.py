"""Picks the clips on which attacks are compared, and writes their paths to `clips/MODEL.txt`.

From the corpus' test split, up to two clips a label that the model names correctly: an attack on a
misnamed clip measures nothing. Labels and clips are in seeded random order, the first clips of all
labels before the second ones, so that the first K clips of a list are a fair sample, too. The
second clip comes from another recording where there is one.
"""

import argparse
import csv
import random

import program
import tables


def main():
    options = parse_options()
    with open(options.corpus / "manifest.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    said = program.Program(options.program, options.models, options.model, options.threads)
    named = said.classify([options.corpus / row["file"] for row in rows])
    right = [row for row, (label, _) in zip(rows, named, strict=True) if row["label"] == label]
    chosen = pick(right, sorted({row["label"] for row in rows}), options.seed)
    path = tables.CLIPS / f"{options.model}.txt"
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{clip}\n" for clip in chosen))
    print(f"{options.model} names {len(right)} of {len(rows)} test clips correctly; {len(chosen)} in {path}")


def pick(rows, labels, seed):
    """Paths: the first clip of every label, then the second ones."""
    # `random.Random` keeps its sequence across Python versions and platforms.
    generator = random.Random(seed)
    generator.shuffle(labels)
    firsts, seconds = [], []
    for label in labels:
        # A number of its own for each clip: what the model names wrongly does not move the others.
        shuffled = [row for row in rows if row["label"] == label]
        shuffled.sort(key=lambda row: random.Random(f"{seed} {row['file']}").random())
        firsts += shuffled[:1]
        others = [row for row in shuffled[1:] if row["group"] != shuffled[0]["group"]]
        seconds += (others or shuffled[1:])[:1]
    return [row["file"] for row in firsts + seconds]


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, choices=tables.MODELS)
    parser.add_argument("--seed", type=int, default=2018)
    program.add_options(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
