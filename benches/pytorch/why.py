"""Why a clip takes the SNR that it takes, and why models differ: DeepFool's SNR of every clip beside
how sure the model is (the lead of its label in nats), how steep it is, and how much of the clip is
digital silence.

    python why.py --corpus CORPUS --program MONDEGREEN --models FOLDER
"""

import argparse
import csv
import json
import subprocess
from pathlib import Path

import numpy as np
import soundfile
from scipy.stats import spearmanr

HERE = Path(__file__).parent
MODELS = ["vgg13", "crnn", "gcnn", "dense-mel", "dense-wav"]


def explain(program, models, clip, model):
    command = [program, "explain", clip, "--model", model, "--models", models, "--threads", "1"]
    told = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True)
    return json.loads(told.stdout)


def silence(clip):
    """The share of samples below -90 dB of full scale, and the length in seconds."""
    samples, rate = soundfile.read(clip, always_2d=True)
    mono = samples.mean(axis=1)
    return float((np.abs(mono) < 10 ** (-90 / 20)).mean()), len(mono) / rate


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--program", required=True)
    parser.add_argument("--models", required=True)
    options = parser.parse_args()
    columns = ["model", "clip", "snr_db", "lead", "slope_db", "linear_snr_db", "silence", "seconds"]
    rows = []
    for model in MODELS:
        table = HERE / f"results/attacks/ours-deepfool-{model}-quick.csv"
        for row in csv.DictReader(table.open()):
            clip = options.corpus / row["clip"]
            told = explain(options.program, options.models, str(clip), model)
            quiet, seconds = silence(clip)
            # The steepness is relative to the clip: nats for a change as strong as the clip itself.
            slope = told["linear_snr_db"] + 20 * np.log10(abs(told["lead"]))
            snr = float(row["snr_db"])
            rows.append([model, row["clip"], snr, told["lead"], slope, told["linear_snr_db"], quiet,
                         seconds])
    with (HERE / "results/why.csv").open("w") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([[x if isinstance(x, str) else f"{x:.4f}" for x in row] for row in rows])
    print("| model | clips | SNR, dB | lead, nats | steepness, dB | linear, dB "
          "| rho lead | rho steepness | rho silence | rho seconds |")
    print("|---" * 10 + "|")
    for model in MODELS:
        of = np.array([row[2:] for row in rows if row[0] == model], dtype=float)
        median = np.median(of, axis=0)
        rho = [spearmanr(of[:, 0], of[:, column]).statistic for column in (1, 2, 4, 5)]
        print(f"| {model} | {len(of)} | {median[0]:.1f} | {median[1]:.1f} | {median[2]:.1f} "
              f"| {median[3]:.1f} | " + " | ".join(f"{value:+.2f}" for value in rho) + " |")


if __name__ == "__main__":
    main()
