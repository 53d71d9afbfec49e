"""Writes `masking.safetensors`: masking thresholds and other measures of real clips.

    python masking_fixtures.py

An implementation of its own of what `src/metrics/` says it computes: the global masking threshold
of ISO/IEC 11172-3 psychoacoustic model 1 with the conventions at the head of
`src/metrics/masking.rs`, noise-to-mask ratio and segmental SNR in numpy (f64), loudness by ffmpeg's
`ebur128` filter. For each bundled clip:

- `NAME.threshold_db` [kept frames, 512]: the threshold in dB SPL, from 31.25 Hz up
- `NAME.frames`: which frames were kept; `NAME.frame_count`: how many there are
- `NAME.measures`: noise-to-mask ratio of all frames, of the worst one, that one's number, and the
  segmental SNR, in dB, of the clip with a hundredth of itself reversed added to it (in f32)
- `NAME.lufs`: integrated loudness of the clip and of the perturbation (made louder by 40 dB, and
  40 dB taken off again)
"""

import pathlib
import re
import subprocess

import numpy as np
import soundfile
from safetensors.numpy import save_file

HERE = pathlib.Path(__file__).parent
CLIPS = HERE.parents[1] / "assets" / "clips"
NAMES = ("glockenspiel", "knock", "trumpet", "applause", "double-bass")
RATE, N, HOP, EVERY = 32_000, 1024, 512, 25

HZ = np.arange(1, N // 2 + 1) * RATE / N
BARK = 13 * np.arctan(0.00076 * HZ) + 3.5 * np.arctan((HZ / 7500) ** 2)
KHZ = HZ / 1000
QUIET = 3.64 * KHZ**-0.8 - 6.5 * np.exp(-0.6 * (KHZ - 3.3) ** 2) + 0.001 * KHZ**4
EDGES = [0, 100, 200, 300, 400, 510, 630, 770, 920, 1080, 1270, 1480, 1720, 2000, 2320, 2700, 3150,
         3700, 4400, 5300, 6400, 7700, 9500, 12000, 15500]
BAND = np.searchsorted(EDGES, HZ, side="right") - 1


def line_powers(samples):
    """[frames, 512]: the lines from 31.25 Hz up; those of a full-scale sine add up to 96 dB."""
    padded = np.concatenate([np.zeros(HOP), samples, np.zeros(2 * N)])
    window = np.sqrt(8 / 3) * np.sin(np.pi * np.arange(N) / N) ** 2
    frames = np.stack([padded[HOP * n : HOP * n + N] for n in range(-(-len(samples) // HOP) + 1)])
    spectrum = np.fft.fft(frames * window, axis=1)[:, 1 : N // 2 + 1] / N
    return np.abs(spectrum) ** 2 * 4 * 10**9.6


def db(power):
    with np.errstate(divide="ignore"):
        return 10 * np.log10(power)


def tonal_lines(level):
    """Line numbers (1 is 31.25 Hz) and how far each was compared."""
    for k in range(3, 501):
        here = level[k - 1]
        reach = 2 if k < 63 else 3 if k < 127 else 6 if k < 255 else 12
        if not (here > level[k - 2] and here >= level[k]):
            continue
        others = [k + side * j for j in range(2, reach + 1) for side in (-1, 1)]
        if all(here - level[j - 1] >= 7 for j in others if j <= 512):
            yield k, reach


def maskers(power):
    """(line, dB SPL, tonal) of everything that masks in a frame."""
    level = db(power)
    remaining = power.copy()
    tonal = []
    for k, reach in tonal_lines(level):
        remaining[max(k - reach, 1) - 1 : k + reach] = 0
        tonal.append((k, float(db(power[k - 2 : k + 1].sum()))))
    tonal = [(k, x) for k, x in tonal if x >= QUIET[k - 1]]
    strongest = []
    for k, x in tonal:
        if strongest and BARK[k - 1] - BARK[strongest[-1][0] - 1] < 0.5:
            strongest[-1] = max(strongest[-1], (k, x), key=lambda masker: masker[1])
        else:
            strongest.append((k, x))
    result = [(k, x, True) for k, x in strongest]
    for band in range(len(EDGES)):
        lines = np.flatnonzero(BAND == band) + 1
        x = float(db(remaining[lines - 1].sum()))
        k = int(np.rint(np.sqrt(lines[0] * lines[-1])))
        if x >= QUIET[k - 1]:
            result.append((k, x, False))
    return result


def threshold(power):
    total = 10 ** (QUIET / 10)
    for k, x, tonal in maskers(power):
        z = BARK[k - 1]
        index = -1.525 - 0.275 * z - 4.5 if tonal else -1.525 - 0.175 * z - 0.5
        d = BARK - z
        shape = np.select(
            [d < -3, d < -1, d < 0, d < 1, d < 8],
            [-np.inf, 17 * (d + 1) - (0.4 * x + 6), (0.4 * x + 6) * d, -17 * d,
             -(d - 1) * (17 - 0.15 * x) - 17],
            -np.inf,
        )
        total = total + 10 ** ((x + index + shape) / 10)
    return total


def segmental_snr(clean, noise):
    values = []
    for start in range(0, len(clean), RATE // 50):
        x, r = clean[start : start + RATE // 50], noise[start : start + RATE // 50]
        if np.mean(x**2) >= 1e-9:
            with np.errstate(divide="ignore"):
                values.append(np.clip(10 * np.log10(np.sum(x**2) / np.sum(r**2)), -10, 35))
    return np.mean(values)


def lufs(samples):
    command = ["ffmpeg", "-hide_banner", "-f", "f64le", "-ar", str(RATE), "-ac", "1", "-i", "-",
               "-af", "ebur128=framelog=verbose", "-f", "null", "-"]
    run = subprocess.run(command, input=samples.astype("<f8").tobytes(), capture_output=True, check=True)
    return float(re.findall(r"I:\s+(-?[\d.]+) LUFS", run.stderr.decode())[-1])


def main():
    tensors, clips = {}, {}
    for name in NAMES:
        path = CLIPS / f"{name}.flac"
        samples, rate = soundfile.read(path, dtype="float32")
        assert rate == RATE and samples.ndim == 1, path
        adversarial = samples + np.float32(0.01) * samples[::-1]
        clean = samples.astype(np.float64)
        noise = adversarial.astype(np.float64) - clean
        mask = np.stack([threshold(power) for power in line_powers(clean)])
        ratios = (line_powers(noise) / mask).sum(axis=1) / len(EDGES)
        worst = int(np.argmax(ratios))
        measures = [db(ratios.mean()), db(ratios[worst]), worst, segmental_snr(clean, noise)]
        kept = np.arange(0, len(mask), EVERY)
        tensors[f"{name}.threshold_db"] = db(mask[kept]).astype(np.float32)
        tensors[f"{name}.frames"] = kept.astype(np.int64)
        tensors[f"{name}.frame_count"] = np.array([len(mask)], dtype=np.int64)
        tensors[f"{name}.measures"] = np.array(measures, dtype=np.float64)
        tensors[f"{name}.lufs"] = np.array([lufs(clean), lufs(noise * 100) - 40], dtype=np.float64)
        clips[name] = f"assets/clips/{name}.flac"
        print(name, len(mask), "frames", np.round(measures, 3), tensors[f"{name}.lufs"])
    path = HERE / "masking.safetensors"
    save_file(tensors, path, clips | {"made_by": "tests/reference/masking_fixtures.py"})
    print(f"{path.name}: {len(tensors)} tensors, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
