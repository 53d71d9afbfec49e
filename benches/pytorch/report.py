"""The tables of attacks as Markdown: success, SNR, gradients and seconds, ours beside the libraries'.

    python report.py [--preset quick] [--models vgg13 crnn]

A clip that was not fooled counts as minus infinity in medians of SNR, and loses to every success.
Systems are compared on the clips that both have tried.
"""

import argparse
import math
import pathlib
import statistics

import tables

# Published medians, dB, on the authors' own weights.
PAPER = {
    "deepfool": {"vgg13": 52.5, "crnn": 49.4, "gcnn": 51.0, "dense-mel": 55.4, "dense-wav": 41.8},
    "carlini-wagner": {"vgg13": 52.1, "crnn": 50.6, "gcnn": 51.3, "dense-mel": 55.7, "dense-wav": 45.6},
}
NAMES = {
    "ours": "ours", "foolbox": "Foolbox", "art": "ART", "white-noise": "white noise", "fgsm": "FGSM", "pgd": "PGD",
    "deepfool": "DeepFool", "carlini-wagner": "C&W", "lbfgs": "L-BFGS",
}
# By how much ours must be ahead of the better library, in dB.
LEAD = {"deepfool": 0.0, "carlini-wagner": 1.0}
# Share of the library's time that ours may take.
TIME = {"vgg13": 0.5}
# Share of the clips that ours must fool.
SUCCESS = 0.995
# What two attacks' SNRs may differ by and still be called level, dB.
LEVEL = 0.05


def fooled(row):
    return row["status"] == "fooled"


def snr(row):
    """SNR in dB; minus infinity of a failure."""
    return float(row["snr_db"]) if fooled(row) else -math.inf


def median(values):
    values = list(values)
    return statistics.median(values) if values else math.nan


def decibels(value):
    return f"{value:.2f}".replace("-inf", "−∞")


def name(clip):
    """`Label/file` of a clip's path."""
    return "/".join(pathlib.PurePath(clip).with_suffix("").parts[-2:])


def markdown(head, rows):
    """A table; nothing where there are no rows."""
    if rows:
        print("|", " | ".join(head), "|")
        print("|" + "---|" * len(head))
        for row in rows:
            print("|", " | ".join(map(str, row)), "|")
        print()


def summary(rows):
    """Columns of one system's rows."""
    gradients = [int(row["gradient_evaluations"]) for row in rows]
    success = sum(map(fooled, rows))
    return (
        len(rows), f"{success} ({100 * success / len(rows):.1f} %)", decibels(median(map(snr, rows))),
        f"{median(gradients):.0f} ({max(gradients)})", f"{median(float(row['seconds']) for row in rows):.1f}",
    )


def totals(options, attacks, targeted):
    """What each system reached, each on all its clips."""
    rows = []
    for attack in attacks:
        for model in options.models:
            for system in tables.SYSTEMS:
                table = list(options.read(system, attack, targeted, model).values())
                if table:
                    paper = PAPER.get(attack, {}).get(model, "") if not targeted else ""
                    rows.append((NAMES[attack], model, NAMES[system], *summary(table), paper))
    head = ("attack", "model", "system", "clips", "fooled", "median SNR, dB", "gradients, median (most)",
            "seconds, median", "paper's SNR, dB")
    markdown(head, rows)


def besides(options, turns=()):
    """Ours beside each library, and the clips on which ours is behind; with `turns` of the tables
    whose systems took turns, of which alone seconds are judged."""
    rows, behind = [], []
    pairs = [
        (attack, model, library, changed)
        for attack in ("deepfool", "carlini-wagner") for model in options.models
        for library in ("foolbox", "art") for changed in ((tables.SAME_GRADIENTS,), ())
    ]
    for attack, model, library, changed in pairs:
        ours = options.read("ours", attack, False, model, turns)
        theirs = options.read(library, attack, False, model, (*turns, *changed))
        clips = [clip for clip in ours if clip in theirs]
        if not clips:
            continue
        a, b = ([snr(table[clip]) for clip in clips] for table in (ours, theirs))
        ahead = sum(x > y + LEVEL for x, y in zip(a, b))
        lost = [clip for clip, x, y in zip(clips, a, b) if x < y - LEVEL]
        lead = median(a) - median(b)
        successes = [sum(map(fooled, (table[clip] for clip in clips))) for table in (ours, theirs)]
        share = [median(ratio(ours[c], theirs[c], field) for c in clips)
                 for field in ("gradient_evaluations", "seconds")]
        enough = max(successes[1], SUCCESS * len(clips))
        fast = not turns or share[1] <= TIME.get(model, math.inf)
        reached = lead >= LEAD[attack] and successes[0] >= enough and fast
        budget = "its own" if attack == "deepfool" else "our gradients" if changed else "our steps"
        rows.append((
            NAMES[attack], model, NAMES[library], budget, len(clips), f"{successes[0]} : {successes[1]}",
            f"{decibels(median(a))} : {decibels(median(b))}", f"{lead:+.2f}",
            f"{ahead} / {len(clips) - ahead - len(lost)} / {len(lost)}",
            f"{share[0]:.2f}", f"{share[1]:.2f}", "yes" if reached else "**no**",
        ))
        behind += [
            (NAMES[attack], model, name(c), f"{NAMES[library]}, {budget}", decibels(snr(ours[c])),
             decibels(snr(theirs[c])))
            for c in lost
        ]
    head = ("attack", "model", "library", "its budget", "clips of both", "fooled", "median SNR, dB", "lead, dB",
            "ahead / level / behind", "gradients, ratio", "seconds, ratio", "goal")
    if turns and rows:
        print("### In turn\n")
    markdown(head, rows)
    if behind:
        print("Clips on which ours is behind:\n")
    markdown(("attack", "model", "clip", "library", "ours, dB", "theirs, dB"), behind)


def ratio(ours, theirs, field):
    return float(ours[field]) / max(float(theirs[field]), 1e-9)


def above(options):
    """C&W against DeepFool clip by clip, both ours; C&W against L-BFGS on the same pairs."""
    rows = []
    for other, targeted in (("deepfool", False), ("lbfgs", True)):
        for model in options.models:
            best, floor = (options.read("ours", a, targeted, model) for a in ("carlini-wagner", other))
            clips = [clip for clip in best if clip in floor]
            if not clips:
                continue
            lead = {clip: snr(best[clip]) - snr(floor[clip]) for clip in clips}
            # Two failures leave nothing to compare.
            lead = {clip: value for clip, value in lead.items() if not math.isnan(value)}
            below = [clip for clip in lead if lead[clip] < 0]
            worst = min(below, key=lead.get, default=None)
            rows.append((
                model, NAMES[other] + (", targeted" if targeted else ""), len(clips),
                f"{median(lead.values()):+.2f}", len(below),
                f"{lead[worst]:+.2f} ({name(worst)})" if worst else "",
            ))
    markdown(("model", "C&W beside", "clips", "lead, median, dB", "clips below", "lowest, dB"), rows)


def presets(options):
    """What our longer presets add to `quick`, clip by clip."""
    rows = []
    for attack, targeted in (("deepfool", False), ("carlini-wagner", False), ("carlini-wagner", True), ("lbfgs", True)):
        for model in options.models:
            quick = tables.read(tables.table_path("ours", attack, targeted, model, "quick"))
            for preset in ("paper", "best"):
                longer = tables.read(tables.table_path("ours", attack, targeted, model, preset))
                clips = [clip for clip in quick if clip in longer]
                if clips:
                    more = [snr(longer[c]) - snr(quick[c]) for c in clips if fooled(longer[c]) and fooled(quick[c])]
                    rows.append((
                        NAMES[attack] + (", targeted" if targeted else ""), model, preset, len(clips),
                        f"{sum(fooled(quick[c]) for c in clips)} : {sum(fooled(longer[c]) for c in clips)}",
                        f"{median(more):+.2f}",
                        f"{min(more, default=math.nan):+.2f} to {max(more, default=math.nan):+.2f}",
                    ))
    if rows:
        print("### Longer presets beside `quick`\n")
    markdown(("attack", "model", "preset", "clips", "fooled, quick : longer", "gain, median, dB", "gain, dB"), rows)


def failures(options):
    """Every clip that one of our searches did not fool, and why."""
    rows = []
    for attack, targeted in (("deepfool", False), ("carlini-wagner", False), ("carlini-wagner", True), ("lbfgs", True)):
        for model in options.models:
            for clip, row in options.read("ours", attack, targeted, model).items():
                if not fooled(row) or row["reason"]:
                    rows.append((NAMES[attack], model, name(clip), row["target"], row["status"], row["reason"]))
    if rows:
        print("Clips on which ours fails or has something to say:\n")
    markdown(("attack", "model", "clip", "target", "status", "reason"), rows)


def exactness(options):
    """How far attacks of a given size are from it."""
    rows = []
    for attack in ("white-noise", "fgsm", "pgd"):
        for model in options.models:
            table = options.read("ours", attack, False, model).values()
            written = [float(row["snr_db"]) for row in table if row["snr_db"]]
            if written:
                success = sum(map(fooled, table))
                rows.append((NAMES[attack], model, len(table), success, f"{min(written):.3f} to {max(written):.3f}"))
    markdown(("attack", "model", "clips", "fooled", "SNR, dB"), rows)


def sweeps(options):
    """Tables with other settings, beside the default on the same clips."""
    rows = []
    for path in sorted(tables.ATTACKS.glob(f"*-{options.preset}-*=*.csv")):
        stem, changed = path.stem.split(f"-{options.preset}-", 1)
        if changed == tables.SAME_GRADIENTS or tables.IN_TURN in changed:
            continue
        table, default = tables.read(path), tables.read(path.with_stem(f"{stem}-{options.preset}"))
        clips = [clip for clip in table if clip in default]
        if clips and any(stem.endswith(f"-{model}") for model in options.models):
            a, b = ([rows_of[clip] for clip in clips] for rows_of in (table, default))
            better = sum(snr(x) > snr(y) + LEVEL for x, y in zip(a, b))
            worse = sum(snr(x) < snr(y) - LEVEL for x, y in zip(a, b))
            rows.append((
                stem, changed, len(clips), f"{sum(map(fooled, a))} : {sum(map(fooled, b))}",
                f"{decibels(median(map(snr, a)))} : {decibels(median(map(snr, b)))}",
                f"{better} / {worse}",
            ))
    if rows:
        print("### Other settings beside these\n")
    markdown(("attack", "setting", "clips", "fooled, other : this", "median SNR, dB", "other better / worse"), rows)


def main():
    options = parse_options()
    options.read = lambda system, attack, targeted, model, changed=(): tables.read(
        tables.table_path(system, attack, targeted, model, options.preset, changed)
    )
    print(f"### Preset `{options.preset}`, untargeted\n")
    totals(options, ("deepfool", "carlini-wagner"), False)
    besides(options)
    besides(options, (tables.IN_TURN,))
    print("### Targeted\n")
    totals(options, ("carlini-wagner", "lbfgs"), True)
    print("### C&W beside our other attacks\n")
    above(options)
    exactness(options)
    presets(options)
    failures(options)
    sweeps(options)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="quick", choices=tables.PRESETS)
    parser.add_argument("--models", nargs="+", default=tables.MODELS, choices=tables.MODELS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
