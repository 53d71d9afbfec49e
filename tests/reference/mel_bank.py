"""Writes mel_bank.json: mel scale and filter banks as librosa computes them, for src/dsp/mel.rs.

    python tests/reference/mel_bank.py      (needs librosa 0.10 or later)
"""

import json
from pathlib import Path

import librosa
import numpy as np

# (sample rate, transform length, bands, fmin, fmax): the models' front end and one twice as fine,
# and two with other limits, one of them so fine that some of its bands are empty.
BANKS = [
    (32000, 1024, 128, 0, 16000),
    (32000, 1024, 64, 0, 16000),
    (44100, 2048, 40, 20, 14000),
    (32000, 256, 64, 0, 16000),
]


def sparse(bank):
    """[first bin, weights...] of each band's weights that are not zero."""
    rows = []
    for row in bank:
        used = np.flatnonzero(row)
        first, last = (used[0], used[-1]) if used.size else (0, -1)
        rows.append([int(first)] + [float(f"{w:.9e}") for w in row[first : last + 1]])
    return rows


hertz = [0, 20, 440, 999.9, 1000, 1000.1, 2349.3, 16000]
fixture = {
    "librosa": librosa.__version__,
    "hz_to_mel": [[float(hz), float(librosa.hz_to_mel(hz))] for hz in hertz],
    "banks": [
        {
            "sample_rate": sr,
            "n_fft": n_fft,
            "bands": bands,
            "fmin": fmin,
            "fmax": fmax,
            "rows": sparse(
                librosa.filters.mel(
                    sr=sr, n_fft=n_fft, n_mels=bands, fmin=fmin, fmax=fmax, dtype=np.float64
                )
            ),
        }
        for sr, n_fft, bands, fmin, fmax in BANKS
    ],
}
path = Path(__file__).with_suffix(".json")
path.write_text(json.dumps(fixture, separators=(",", ":")).replace("],[", "],\n[") + "\n")
print(path, path.stat().st_size, "bytes")
