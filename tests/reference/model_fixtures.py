"""Writes `MODEL.safetensors`: what a trained model says of real clips, and its gradient to the waveform.

    python model_fixtures.py --weights models-safetensors/MODEL.safetensors --corpus CORPUS

Everything is computed in f64 with the weights as the file rounds them: in f32, PyTorch's own
rounding (most of it in the front end's FFT) reaches 1e-4 in the scores and some per cent of the
gradient on clips with very quiet bands; `scores_f32` shows it. Of each clip:

- `samples`: how many samples from its beginning are used,
- `scores` [41], `probabilities` [41], of models that hear chunks `chunk_log_probabilities`
  [chunks, 41], whose mean the scores are,
- `scores_f32` [41]: the same scores, PyTorch in f32,
- of the bundled clips and of `corpus_*` in GRADIENTS, `gradient`: of the top label's score with respect to the waveform, every
  7th sample from the first, and `gradient_norm` [1], the L2 norm of the whole gradient.

`fc.bias`, or `heads.bias`, is the weights' own, so that a test can tell when the fixtures belong to other weights.
The clips are named in the metadata: `NAME` to a path from the repository's root or, after
`corpus:`, from the corpus' folder. No audio of the corpus is stored.
"""

import argparse
import copy
import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file

import models
import vgg13

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
GRADIENT_STRIDE = 7

# Name, file, and where to cut it: by frame counts (1 + samples // 512) less than a chunk, exactly
# one, one with a small rest that is dropped, and a whole long clip with an overlapping last chunk.
BUNDLED = [
    ("short", "assets/clips/knock.flac", 20_000),
    ("one_chunk", "assets/clips/trumpet.flac", 127 * 512),
    ("small_rest", "assets/clips/glockenspiel.flac", 150 * 512 + 77),
    ("long", "assets/clips/glockenspiel.flac", None),
]
# In order of length: 19, 24, 91, 117, 128, 136, 159, 163, 231, 267, 289 and 313 frames.
CORPUS = {
    "corpus_hi_hat": "clips/Hi-hat/discord-sfz-gm-002.flac",
    "corpus_bass_drum": "clips/Bass_drum/pearl-master-studio-001.flac",
    "corpus_gunshot": "clips/Gunshot_or_gunfire/miriani-next-7.flac",
    "corpus_electric_piano": "clips/Electric_piano/sf-sonivox-003.flac",
    "corpus_computer_keyboard": "clips/Computer_keyboard/translate-1.flac",
    "corpus_gong": "clips/Gong/philharmonia-001.flac",
    "corpus_glockenspiel": "clips/Glockenspiel/sf-sonivox-001.flac",
    "corpus_laughter": "clips/Laughter/miriani-next-24.flac",
    "corpus_cowbell": "clips/Cowbell/philharmonia-004.flac",
    "corpus_bus": "clips/Bus/zero-hour-assault-src-13.flac",
    "corpus_acoustic_guitar": "clips/Acoustic_guitar/omerdvi-musical-instruments-003.flac",
    "corpus_flute": "clips/Flute/onlinemusicpad-001.flac",
}

# Less than a chunk, exactly one, and two clips with a second and a rest. None of them has a frame of
# digital silence: silent frames are identical, and which of them a max pool's gradient goes to then
# hangs on the machine's rounding.
GRADIENTS = {"corpus_bass_drum", "corpus_computer_keyboard", "corpus_cowbell", "corpus_bus"}
FRAME = 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weights", type=pathlib.Path, required=True)
    parser.add_argument("--corpus", type=pathlib.Path, required=True, help="the corpus' folder")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = models.load(options.weights)
    exact = copy.deepcopy(model).double()
    bias = next(name for name in ("fc.bias", "heads.bias") if name in model.state_dict())
    tensors, sources = {bias: model.state_dict()[bias].numpy()}, {}
    for name, path, length in BUNDLED:
        waveform = vgg13.read(ROOT / path)[:length]
        add_scores(tensors, name, model, exact, waveform)
        add_gradient(tensors, name, model, exact, waveform)
        sources[name] = path
    for name, path in CORPUS.items():
        waveform = vgg13.read(options.corpus / path)
        add_scores(tensors, name, model, exact, waveform)
        if name in GRADIENTS:
            add_gradient(tensors, name, model, exact, waveform)
        sources[name] = f"corpus:{path}"
    path = HERE / options.weights.name
    made_by = {"made_by": "tests/reference/model_fixtures.py", "torch": torch.__version__}
    save_file(tensors, path, sources | made_by)
    print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")


def add_scores(tensors, name, model, exact, waveform):
    with torch.no_grad():
        scores, probabilities = exact.scores(waveform.double()), exact.probabilities(waveform.double())
        if hasattr(exact, "chunk_log_probabilities"):
            chunks = exact.chunk_log_probabilities(waveform.double())
            tensors[f"{name}.chunk_log_probabilities"] = chunks.float().numpy()
        single = model.scores(waveform)
    tensors[f"{name}.samples"] = np.array([len(waveform)], dtype=np.int64)
    tensors[f"{name}.scores"] = scores.float().numpy()
    tensors[f"{name}.probabilities"] = probabilities.float().numpy()
    tensors[f"{name}.scores_f32"] = single.numpy()
    top = int(scores.argmax())
    print(f"{name}: {len(waveform)} samples, {model.labels[top]} "
          f"{float(probabilities[top]):.3f}; scores in f32 differ by {float((single - scores).abs().max()):.1e}")


def add_gradient(tensors, name, model, exact, waveform):
    assert longest_silence(waveform) < FRAME, f"{name} has silent frames"
    gradient = top_gradient(exact, waveform.double())
    single = top_gradient(model, waveform)
    tensors[f"{name}.gradient"] = gradient[::GRADIENT_STRIDE].float().numpy()
    tensors[f"{name}.gradient_norm"] = gradient.norm()[None].numpy()
    print(f"{name}: gradient norm {float(gradient.norm()):.4f}; "
          f"f32 differs by {float((single - gradient).norm() / gradient.norm()):.1e} of it")


def longest_silence(waveform):
    """Samples in the longest run of zeros."""
    sounding = torch.nonzero(waveform).flatten().numpy()
    return int(np.diff(sounding, prepend=-1, append=len(waveform)).max()) - 1


def top_gradient(model, waveform):
    """Gradient of the highest score with respect to the waveform."""
    waveform = waveform.clone().requires_grad_(True)
    model.scores(waveform).max().backward()
    return waveform.grad


if __name__ == "__main__":
    main()
