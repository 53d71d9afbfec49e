"""All reference models by name, and their weights from safetensors files.

Run as a script it names clips:

    python models.py WEIGHTS.safetensors CLIP... [--expected EXPECTED.json]

With `--expected` it prints the largest deviation from the probabilities listed there.
"""

import argparse
import json
import pathlib

import torch
from safetensors import safe_open

from crnn import Crnn
from dense import DenseMel, DenseWav
from gcnn import Gcnn
from vgg13 import LABEL_COUNT, Vgg13, parse_labels, read

MODELS = {"vgg13": Vgg13, "crnn": Crnn, "gcnn": Gcnn, "dense-mel": DenseMel, "dense-wav": DenseWav}


def load(path):
    """The model of a safetensors file, in f32, ready to evaluate; its weights are frozen."""
    with safe_open(str(path), framework="pt") as file:
        tensors = {name: file.get_tensor(name).float() for name in file.keys()}
        metadata = file.metadata() or {}
    labels = parse_labels(metadata["labels"])
    if len(labels) != LABEL_COUNT:
        raise ValueError(f"{path}: {len(labels)} labels instead of {LABEL_COUNT}")
    model = MODELS[metadata["model"]](labels, metadata.get("pad_mode", "zero"))
    own = set(own_tensors(model))
    if own != set(tensors):
        raise ValueError(f"{path}: missing or extra tensors: {sorted(own ^ set(tensors))}")
    model.load_state_dict(tensors, strict=False)
    return model.eval().requires_grad_(False)


def own_tensors(model):
    """What a weights file holds of a model, by name."""
    return {
        name: value
        for name, value in model.state_dict().items()
        if not name.endswith("num_batches_tracked")
    }


def deviation(model, expected):
    """Largest |probability - expected| over the clips that a JSON file lists, and their number.

    Its entries are {"file", "top": [[label, probability]]}; files are relative to the data
    set, a folder `corpus` beside the JSON file's own folder.
    """
    expected = pathlib.Path(expected)
    entries = json.loads(expected.read_text())
    worst = 0.0
    for entry in entries:
        waveform = read(expected.parent.parent / "corpus" / entry["file"])
        with torch.no_grad():
            probabilities = model.probabilities(waveform)
        for label, value in entry["top"]:
            worst = max(worst, abs(float(probabilities[model.labels.index(label)]) - value))
    return worst, len(entries)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("weights")
    parser.add_argument("clips", nargs="*")
    parser.add_argument("--expected")
    options = parser.parse_args()
    model = load(options.weights)
    for clip in options.clips:
        named = ", ".join(f"{label} {value:.3f}" for label, value in model.top(read(clip)))
        print(f"{clip}: {named}")
    if options.expected:
        worst, count = deviation(model, options.expected)
        print(f"{count} clips: largest deviation {worst:.2e}")


if __name__ == "__main__":
    main()
