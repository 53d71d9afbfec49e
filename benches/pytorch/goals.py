"""What attacks reach over whole runs of `mondegreen experiment`: success and median SNR of each
attack on each model, and Carlini & Wagner beside the others on the same clip, as Markdown.

    python goals.py RUN [RUN...]

Each run is counted for itself; then each after the first is set beside the first, attack by attack
on the same clip (a longer preset beside `quick`). SNR counts as minus infinity where an attack
failed, as in `report.py`.
"""

import argparse
import json
import math
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
    """The last row of each item as it is planned: none of other options or other weights, and of an
    attack's earlier revision only what it found, where the attack still finds the same."""
    planned = {item["id"]: item for item in lines_of(run / "plan.jsonl")}
    rows = {row["id"]: row for row in lines_of(run / "results.jsonl")}

    def fits(row):
        item = planned.get(row["id"], {})
        found = row["work"] in item.get("same_finds", []) and row["status"] == "fooled"
        return row["work"] == item.get("work") or found

    return [row for row in rows.values() if fits(row)]


def snr(row):
    if row["status"] != "fooled" or row["snr_db"] is None:
        return -math.inf
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
                    # Of two failures neither leads.
                    if max(both) > -math.inf:
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


def gains(first, other):
    """What attacks of another run find on the same clips as those of the first."""
    known = {(row["clip"], row["model"], row["target"], row["attack"]): row for row in first}
    groups = defaultdict(list)
    for row in other:
        same = known.get((row["clip"], row["model"], row["target"], row["attack"]))
        if same and row["attack"] in ATTACKS and max(snr(same), snr(row)) > float("-inf"):
            groups[row["attack"], row["model"]].append((same, row))
    print("| attack | model | clips | gain, median, dB | gain, dB | gradients, ratio |")
    print("|---|---|---|---|---|---|")
    for attack, name in ATTACKS.items():
        for model in MODELS:
            pairs = groups.get((attack, model))
            if not pairs:
                continue
            gain = [snr(row) - snr(same) for same, row in pairs]
            ratio = statistics.median(row["gradients"] / max(1, same["gradients"]) for same, row in pairs)
            print(
                f"| {name} | {model} | {len(pairs)} | {statistics.median(gain):+.2f} "
                f"| {min(gain):+.2f} to {max(gain):+.2f} | {ratio:.1f} |"
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    runs = [(run.name, rows_of(run)) for run in parser.parse_args().runs]
    for name, rows in runs:
        print(f"{name}: {len(rows)} items\n")
        successes(rows)
        print()
        beside(rows)
        print()
    for name, rows in runs[1:]:
        print(f"{name} beside {runs[0][0]}:\n")
        gains(runs[0][1], rows)
        print()


if __name__ == "__main__":
    main()
