"""Tables of ours from a run of `mondegreen experiment`, for the libraries to be set beside.

    python take_run.py RUN

Writes `results/attacks/ours-ATTACK-MODEL-PRESET.csv` anew for each searching attack of the run; the
clips are the run's. `attacks.py --of-ours --system foolbox --preset PRESET ...` then attacks those.
SNR, gradients and seconds are the run's own, one thread each; whether a clip was fooled is what the
program heard of the final samples, which a 32-bit float WAV holds bit for bit.
"""

import argparse
import tomllib
from pathlib import Path

import goals
import tables

SEARCHING = ("deepfool", "carlini-wagner")


def table_row(row, weights):
    return {
        "clip": row["clip"],
        "label": row["label"],
        "target": "",
        "status": row["status"],
        "adversarial_label": row["new_label"],
        "snr_db": "" if row["snr_db"] is None else f"{row['snr_db']:.3f}",
        "gradient_evaluations": row["gradients"],
        "seconds": f"{row['seconds']:.2f}",
        "confidence_before": f"{row['original_confidence']:.4f}",
        "confidence_after": f"{row['new_confidence']:.4f}",
        "reason": row["reason"] or "",
        "weights": weights[:8],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, metavar="RUN")
    run = parser.parse_args().run
    configuration = tomllib.loads((run / "experiment.toml").read_text())
    if configuration["experiment"] != "untargeted":
        raise SystemExit(f"{run} is no untargeted run: its clips have several targets each")
    presets = {
        entry.get("name", entry["attack"]): entry.get("preset", "quick")
        for entry in configuration["attacks"] if entry["attack"] in SEARCHING
    }
    *_, environment = goals.lines_of(run / "environment.jsonl")
    begun = set()
    for row in goals.rows_of(run):
        if row["attack"] not in presets:
            continue
        path = tables.table_path("ours", row["attack"], False, row["model"], presets[row["attack"]])
        if path not in begun:
            path.unlink(missing_ok=True)
            begun.add(path)
        tables.append(path, table_row(row, environment["weights"][row["model"]]))
    for path in sorted(begun):
        print(f"{path.name}: {len(tables.read(path))} clips")


if __name__ == "__main__":
    main()
