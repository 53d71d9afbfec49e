"""Writes `log_mel.safetensors`: librosa's log-mel of real clips.

    python log_mel_fixtures.py --corpus CORPUS

The conventions of VGG13's authors: 1024-sample periodic Hann, hop 512, centred, power, 64 Slaney
bands, dB relative to the clip's maximum without a floor at 80 dB; once with the clip reflected at
its edges (`NAME.reflect`, as the authors, and as the weights here were trained) and once with zeros
there (`NAME.constant`). Values are [kept frames, 64]; `NAME.frames` says which frames were
kept, `NAME.frame_count` how many there are. Everything is computed in f64 (with librosa's f32
filters); librosa on f32 samples differs by less than 3e-5 dB, because its FFT is in f64 anyway. An
FFT in f32 does not come that close: torch.stft in f32 is off by up to 0.025 dB in the bands of
`corpus_flute` and `corpus_cough` that lie 115 to 121 dB down. The clips are named in the metadata:
`NAME` to a path from the repository's root or, after `corpus:`, from the corpus' folder. No audio
of the corpus is stored.
"""

import argparse
import pathlib

import librosa
import numpy as np
import soundfile
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
PAD_MODES = ("constant", "reflect")

BUNDLED = {name: f"assets/clips/{name}.flac" for name in ("glockenspiel", "knock", "trumpet")}
CORPUS = {
    "corpus_laughter": "clips/Laughter/miriani-next-24.flac",
    "corpus_bass_drum": "clips/Bass_drum/pearl-master-studio-001.flac",
    "corpus_flute": "clips/Flute/onlinemusicpad-001.flac",
    "corpus_cough": "clips/Cough/virufy-data-44.flac",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=pathlib.Path, required=True, help="the corpus' folder")
    corpus = parser.parse_args().corpus
    tensors, sources = {}, {}
    for name, path in BUNDLED.items():
        add(tensors, name, ROOT / path, every=8)
        sources[name] = path
    for name, path in CORPUS.items():
        add(tensors, name, corpus / path, every=16)
        sources[name] = f"corpus:{path}"
    path = HERE / "log_mel.safetensors"
    made_by = {"made_by": "tests/reference/log_mel_fixtures.py", "librosa": librosa.__version__}
    save_file(tensors, path, sources | made_by)
    print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")


def add(tensors, name, path, every):
    samples, rate = soundfile.read(path, dtype="float32")
    if rate != 32_000 or samples.ndim != 1:
        raise ValueError(f"{path}: not mono at 32 kHz")
    for pad_mode in PAD_MODES:
        exact = log_mel(samples.astype(np.float64), pad_mode)
        rounding = np.abs(log_mel(samples, pad_mode) - exact)
        frames = kept_frames(len(exact), every)
        tensors[f"{name}.{pad_mode}"] = exact[frames].astype(np.float32)
        print(f"{name}.{pad_mode}: {len(exact)} frames, {exact.min():.1f} dB to 0; "
              f"librosa in f32 differs by up to {rounding.max():.1e} dB")
    tensors[f"{name}.frames"] = frames
    tensors[f"{name}.frame_count"] = np.array([len(exact)], dtype=np.int64)


def kept_frames(count, every):
    """Every `every`th frame, and the last two: at the edges the pad modes differ."""
    return np.array(sorted({*range(0, count, every), *range(max(0, count - 2), count)}), dtype=np.int64)


def log_mel(samples, pad_mode):
    """[frames, 64] in dB relative to the maximum, in the precision of the samples."""
    spectrum = librosa.stft(samples, n_fft=1024, hop_length=512, window="hann", center=True, pad_mode=pad_mode)
    filters = librosa.filters.mel(sr=32_000, n_fft=1024, n_mels=64)
    power = filters.astype(samples.dtype) @ np.abs(spectrum) ** 2
    return librosa.power_to_db(power, ref=np.max, top_db=None).T


if __name__ == "__main__":
    main()
