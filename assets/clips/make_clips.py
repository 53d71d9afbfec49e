"""Makes the bundled clips: small phrases on a soundfont, and a few synthesised sounds.

    python make_clips.py [NAME...]

writes the FLAC files beside this script (all, or those named). It needs numpy, soundfile, the
`fluidsynth` command and Debian's fluid-soundfont-gm. The same versions give the same samples.
"""

import sys
from pathlib import Path

import numpy as np
import soundfile

import synthesis
from soundfont import SAMPLE_RATE, Part, render

HERE = Path(__file__).parent
PEAK_DBFS = -4.0
LONGEST = 4.0
FADE = 0.05
LEAD = 0.005
# What lies this far below the peak counts as silence, at the start and at the end.
SILENT_START_DB = -45.0
SILENT_END_DB = -50.0

PARTS = {
    "glockenspiel": Part(9, "G6:.5 C7:.5 E7:.5@80 D7:.5 C7:2@100", bpm=130, tail=2),
    "flute": Part(73, "D5 E5:.5 F#5:.5 A5:1.5 G5:.5 F#5:2", bpm=110, swell=(85, 110, 120, 95), vibrato=30),
    "clarinet": Part(71, "G3:.5 B3:.5 D4:.5 G4 F#4:.5 E4:.5 D4:2", bpm=120, swell=(90, 115, 100)),
    "trumpet": Part(56, "C4:.33 E4:.33 G4:.34 C5:1.5 G4:.5 C5:2", bpm=120, velocity=105, swell=(110, 127, 100)),
    "violin": Part(110, "A4:.5 B4:.5 C#5:.5 E5:.5 F#5:.5 E5:.5 C#5:.5 A4:2", bpm=140, vibrato=20),
    "cello": Part(42, "G2 D3 B3:1.5 A3:.5 G3:2", bpm=100, swell=(70, 110, 120, 90), vibrato=35),
    "double-bass": Part(43, "E1:2 G1 A1 E1:2", bpm=100, velocity=100),
    "acoustic-guitar": Part(24, "A2 E3 A3 C4 E4 C4 A3 A2+E3+A3+C4+E4:3", bpm=240, legato=3),
    "electric-piano": Part(4, "C4+E4+G4+B4:2 A3+C4+E4+G4:2", bpm=90, velocity=85),
    "snare-drum": Part(
        0,
        "38@110 38:.5@60 38:.5@70 38@120 38:.25@50 38:.25@60 38:.25@70 38:.25@80 38:2@120",
        bpm=130,
        drums=True,
    ),
    "bass-drum": Part(0, "36@110 - 36@100 36:.5@80 36:1.5@110 36:2@115", bpm=110, drums=True),
    "hi-hat": Part(
        0, "42:.5@100 42:.5@60 42:.5@90 42:.5@60 42:.5@100 42:.5@60 46@100 42:2@90", bpm=120, drums=True
    ),
    "cowbell": Part(0, "56@100 56:.5@70 56:.5@80 56@100 56:.5@70 56:2@100", bpm=130, drums=True),
    "tambourine": Part(0, "54:.5@70 54:.5@60 54@110 54:.5@70 54:.5@60 54:2@110", bpm=130, drums=True),
    # A bell tree, stroked once.
    "chime": Part(40, "84:3@100", bpm=60, drums=True, tail=2),
    "applause": Part(126, "C4:3", bpm=60, tail=0.5),
    "gunshot": Part(127, "72:2.5@120", bpm=60, room=0.7, wet=0.6, tail=1),
}

SOUNDS = {
    "telephone": (synthesis.telephone, 0),
    "knock": (synthesis.knock, 3),
    "computer-keyboard": (synthesis.keyboard, 1),
    "writing": (synthesis.writing, 0),
}


def finished(samples):
    """Without silence at both ends, no longer than 4 s, faded out, peak at -4 dBFS, 16 bit."""
    samples = samples - samples.mean()
    level = np.abs(samples) / np.abs(samples).max()
    start = np.flatnonzero(level > 10 ** (SILENT_START_DB / 20))[0]
    stop = np.flatnonzero(level > 10 ** (SILENT_END_DB / 20))[-1] + 1
    start = max(0, start - round(LEAD * SAMPLE_RATE))
    samples = samples[start : min(stop, start + round(LONGEST * SAMPLE_RATE))]
    fade = np.ones(len(samples))
    length = round(FADE * SAMPLE_RATE)
    # Where the limit cuts into a sound that rings on, a longer fade keeps it natural.
    if stop - start > len(samples):
        length = SAMPLE_RATE
    fade[-length:] = 0.5 * (1 + np.cos(np.pi * np.linspace(0, 1, length)))
    samples = samples * fade
    samples *= 10 ** (PEAK_DBFS / 20) / np.abs(samples).max()
    return np.round(samples * 32767).astype(np.int16)


def make(name):
    """The finished samples of the clip called `name`."""
    if name in PARTS:
        return finished(render(PARTS[name]))
    synthesise, seed = SOUNDS[name]
    return finished(synthesise(np.random.default_rng(seed)))


def main():
    names = sys.argv[1:] or [*PARTS, *SOUNDS]
    unknown = [name for name in names if name not in PARTS and name not in SOUNDS]
    if unknown:
        sys.exit(f"no such clip: {', '.join(unknown)}; there are {', '.join([*PARTS, *SOUNDS])}")
    for name in names:
        samples = make(name)
        path = HERE / f"{name}.flac"
        soundfile.write(path, samples, SAMPLE_RATE, subtype="PCM_16", compression_level=1.0)
        print(f"{path.name}: {len(samples) / SAMPLE_RATE:.2f} s, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
