"""Writes `formula.safetensors`: what each model with weights by formula says of short and long clips.

    python formula_fixtures.py

The weights are those of `formula.py`, rounded to f32 as a weights file has them; everything is
computed in f64. Of each model and clip (`MODEL.CLIP.`): `probabilities` [41], `scores` [41], and of
the gradient of the top label's score with respect to the waveform every 41st sample, `gradient`,
and the L2 norm, `gradient_norm` [1]. The clips are the bundled ones that the metadata names
(`CLIP`), repeated or cut to `CLIP.samples`. Needs torch, numpy, safetensors and soundfile.
"""

import pathlib

import numpy as np
import torch
from safetensors.numpy import save_file

import vgg13
from formula import tensors
from models import MODELS, own_tensors

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
STRIDE = 41
# A tenth of a second, two seconds (one chunk that must be padded), ten (five chunks, the last
# overlapping).
CLIPS = {
    "short": ("assets/clips/knock.flac", 3_200),
    "medium": ("assets/clips/trumpet.flac", 64_000),
    "long": ("assets/clips/glockenspiel.flac", 320_000),
}


def model_by_formula(make):
    model = make([""] * vgg13.LABEL_COUNT)
    values = tensors({name: tuple(value.shape) for name, value in own_tensors(model).items()})
    model.load_state_dict({name: value.float() for name, value in values.items()}, strict=False)
    return model.double().eval().requires_grad_(False)


def main():
    torch.set_num_threads(1)
    out = {f"{clip}.samples": np.array([length], dtype=np.int64) for clip, (_, length) in CLIPS.items()}
    for name, make in MODELS.items():
        model = model_by_formula(make)
        for clip, (path, length) in CLIPS.items():
            sound = vgg13.read(ROOT / path).double()
            waveform = sound.repeat(length // len(sound) + 1)[:length].clone().requires_grad_(True)
            scores = model.scores(waveform)
            scores.max().backward()
            out[f"{name}.{clip}.scores"] = scores.detach().numpy()
            probabilities = model.probabilities(waveform).detach()
            out[f"{name}.{clip}.probabilities"] = probabilities.numpy()
            out[f"{name}.{clip}.gradient"] = waveform.grad[::STRIDE].float().numpy()
            out[f"{name}.{clip}.gradient_norm"] = waveform.grad.norm()[None].numpy()
            best = float(probabilities.max())
            print(f"{name} {clip}: largest probability {best:.3f}, gradient norm {float(waveform.grad.norm()):.3g}")
    path = HERE / "formula.safetensors"
    sources = {clip: path for clip, (path, _) in CLIPS.items()}
    made_by = {"made_by": "tests/reference/formula_fixtures.py", "torch": torch.__version__}
    save_file({name: np.ascontiguousarray(value) for name, value in out.items()}, path, sources | made_by)
    print(f"{path.name}: {len(out)} tensors, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
