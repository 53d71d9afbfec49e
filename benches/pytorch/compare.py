"""Our Carlini & Wagner beside Foolbox's on the same clips, with the same number of steps.

    python compare.py --program target/release/mondegreen --corpus CORPUS \
        --foolbox results/foolbox-cw-4x75-step0.0001-const0.01-full.csv

Runs `mondegreen attack` with its default settings (4 x 75 steps) on every clip of `clips20.txt`,
measures the SNR from the two WAV files it wrote, and has the program name the written file again.
Writes `results/mondegreen-cw-4x75.csv` and prints both medians; a clip that was not fooled counts
as minus infinity. A finished clip is not run again. Needs numpy and soundfile.
"""

import argparse
import csv
import json
import pathlib
import statistics
import subprocess
import tempfile

import numpy as np
import soundfile

HERE = pathlib.Path(__file__).parent
FIELDS = ["clip", "status", "label", "adversarial_label", "snr_db", "steps", "gradient_evaluations", "seconds"]


def call(program, *arguments):
    done = subprocess.run([program, *map(str, arguments), "--json"], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def attack(program, path):
    with tempfile.TemporaryDirectory() as folder:
        clean, adversarial = pathlib.Path(folder, "nat.wav"), pathlib.Path(folder, "adv.wav")
        said = call(program, "attack", path, "--original", clean, "-o", adversarial)
        heard = call(program, "classify", adversarial)
        x, y = (soundfile.read(file, dtype="float64")[0] for file in (clean, adversarial))
    label = said["original"]["label"]
    fooled = heard["label"] != label
    noise = np.sum((y - x) ** 2)
    return {
        "status": "fooled" if fooled else "not fooled",
        "label": label,
        "adversarial_label": heard["label"] if fooled else "",
        "snr_db": round(float(10 * np.log10(np.sum(x**2) / noise)), 3) if fooled else "",
        "steps": said["iterations"],
        "gradient_evaluations": said["gradient_evaluations"],
        "seconds": round(said["seconds"], 1),
    }


def read(path):
    with open(path, newline="") as file:
        return {row["clip"]: row for row in csv.DictReader(file)}


def median(rows, clips):
    return statistics.median(float(rows[c]["snr_db"]) if rows[c]["snr_db"] else -np.inf for c in clips)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True)
    parser.add_argument("--corpus", type=pathlib.Path, required=True)
    parser.add_argument("--foolbox", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, default=HERE / "results" / "mondegreen-cw-4x75.csv")
    arguments = parser.parse_args()
    clips = (HERE / "clips20.txt").read_text().split()
    ours = read(arguments.output) if arguments.output.exists() else {}
    for clip in clips:
        if clip in ours:
            continue
        ours[clip] = {"clip": clip} | attack(arguments.program, arguments.corpus / clip)
        with open(arguments.output, "w", newline="") as file:
            writer = csv.DictWriter(file, FIELDS)
            writer.writeheader()
            writer.writerows(ours.values())
    foolbox = read(arguments.foolbox)
    print(f"{'clip':58} {'ours':>9} {'Foolbox':>9}")
    for clip in clips:
        theirs = foolbox.get(clip, {"snr_db": "not run"})["snr_db"]
        print(f"{clip:58} {ours[clip]['snr_db'] or 'failed':>9} {theirs or 'failed':>9}")
    common = [clip for clip in clips if clip in foolbox]
    fooled = [sum(rows[c]["status"] == "fooled" for c in common) for rows in (ours, foolbox)]
    print(f"fooled, of {len(common)} clips: ours {fooled[0]}, Foolbox {fooled[1]}")
    print(f"median SNR, dB: ours {median(ours, common):.2f}, Foolbox {median(foolbox, common):.2f}")


if __name__ == "__main__":
    main()
