"""Where clip lists and tables of attacks lie, and how they are read and written."""

import csv
import pathlib

HERE = pathlib.Path(__file__).parent
CLIPS = HERE / "clips"
ATTACKS = HERE / "results" / "attacks"

MODELS = ("vgg13", "crnn", "gcnn", "dense-mel", "dense-wav")
SYSTEMS = ("ours", "foolbox", "art")
PRESETS = ("quick", "paper", "best")
# In the name of a table in which a library took as many gradients on each clip as ours did.
SAME_GRADIENTS = "gradients=ours"
# In the names of tables whose systems took turns, clip by clip.
IN_TURN = "turns=clip"
FIELDS = (
    "clip", "label", "target", "status", "adversarial_label", "snr_db", "gradient_evaluations", "seconds",
    "confidence_before", "confidence_after", "reason", "weights",
)


def clips_of(model):
    """Paths of the clips that `pick_clips.py` chose for a model, relative to the corpus."""
    return (CLIPS / f"{model}.txt").read_text().split()


def table_path(system, attack, targeted, model, preset, changed=()):
    """The CSV of one system, attack, model and preset; `changed` settings are in its name."""
    parts = [system, attack, *(["targeted"] if targeted else []), model, preset, *changed]
    return ATTACKS / ("-".join(parts) + ".csv")


def read(path):
    """Rows by clip; none where there is no such table."""
    if not path.exists():
        return {}
    with open(path, newline="") as file:
        return {row["clip"]: row for row in csv.DictReader(file)}


def append(path, row):
    """Adds one row to a table, which begins with the names of the columns."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with open(path, "a", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)
