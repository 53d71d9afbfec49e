"""What attacks reach over whole runs of `mondegreen experiment`: success and median SNR of each
attack on each model, and Carlini & Wagner beside the others on the same clip, as Markdown.

    python goals.py RUN [RUN...]

Each run is counted for itself. SNR counts as minus infinity where an attack failed, as in
`report.py`.
"""

import argparse
import json
import statistics
from collections import defaultdict
from pathlib import Path

MODELS = ["vgg13", "crnn", "gcnn", "dense-mel", "dense-wav"]
ATTACKS = {
    "white-noise": "White noise",
    "fgsm": "FGSM",
    "deepfool": "DeepFool",
    "carlini-wagner": "C&W",
    "lbfgs": "L-BFGS",
}


def lines_of(path):
    """The objects of a file; half a last line is none."""
    for line in path.read_text().splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            continue


def rows_of(run):
    """The last row of each item as it is planned: none of an attack's earlier revision, of other
    options or other weights."""
    planned = {item["id"]: item["work"] for item in lines_of(run / "plan.jsonl")}
    rows = {row["id"]: row for row in lines_of(run / "results.jsonl")}
    return [row for row in rows.values() if planned.get(row["id"]) == row["work"]]


def snr(row):
    if row["status"] != "fooled" or row["snr_db"] is None:
        return float("-inf")
    return row["snr_db"]


def successes(rows):
    groups = defaultdict(list)
    for row in rows:
        groups[row["attack"], row["model"], row["target"] is not None].append(row)
    print("| attack | model | attempts | fooled | median SNR, dB | gradients, median |")
    print("|---|---|---|---|---|---|")
    for targeted in (False, True):
        for attack, name in ATTACKS.items():
            for model in MODELS:
                group = groups.get((attack, model, targeted))
                if not group:
                    continue
                fooled = sum(row["status"] == "fooled" for row in group)
                gradients = statistics.median(row["gradients"] for row in group)
                if attack in ("white-noise", "fgsm"):
                    # Whether it fools or not, its SNR is the one that was asked for.
                    off = max(abs(row["snr_db"] - 20.0) for row in group if row["snr_db"])
                    level = f"20 ± {off:.4f} (all)"
                else:
                    level = f"{statistics.median(map(snr, group)):.2f}"
                aim = ", targeted" if targeted else ""
                print(
                    f"| {name}{aim} | {model} | {len(group)} | {fooled} "
                    f"({100 * fooled / len(group):.1f} %) | {level} | {gradients:.0f} |"
                )


def beside(rows):
    by_clip = defaultdict(dict)
    for row in rows:
        by_clip[row["clip"], row["model"], row["target"]][row["attack"]] = row
    print("| model | C&W beside | clips | lead, median, dB | below | lowest, dB |")
    print("|---|---|---|---|---|---|")
    for other in ("deepfool", "lbfgs"):
        for model in MODELS:
            leads = []
            for (clip, whose, target), attacks in by_clip.items():
                if whose == model and other in attacks and "carlini-wagner" in attacks:
                    both = snr(attacks["carlini-wagner"]), snr(attacks[other])
                    if both[0] != both[1]:
                        leads.append((both[0] - both[1], clip, target))
            if not leads:
                continue
            lowest, clip, target = min(leads, key=lambda lead: lead[0])
            aim = f" to {target}" if target else ""
            below = sum(lead < 0 for lead, _, _ in leads)
            where = f"{lowest:+.2f} ({Path(clip).parent.name}/{Path(clip).stem}{aim})"
            print(
                f"| {model} | {ATTACKS[other]}{', targeted' if aim else ''} | {len(leads)} "
                f"| {statistics.median(lead for lead, _, _ in leads):+.2f} | {below} | {where} |"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    for run in parser.parse_args().runs:
        rows = rows_of(run)
        print(f"{run.name}: {len(rows)} items\n")
        successes(rows)
        print()
        beside(rows)
        print()


if __name__ == "__main__":
    main()
