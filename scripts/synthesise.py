#!/usr/bin/env python3
"""Training clips for the labels that our data has too few of: telephones and microwave ovens.

    python scripts/synthesise.py DATA FOLDER

writes FOLDER/clips/LABEL/*.wav (32 kHz, 16 bits, mono, the same at each run) and FOLDER/manifest.csv,
which lists the data set DATA (it has a manifest.csv) and these clips, all of them with split `train`.
Each family of sounds is a group, so that a validation part taken out by group has no twin of what
was learned. Frequencies and cadences are those of ITU-T Q.23, E.180 and common appliances. Needs
numpy alone.
"""

import csv
import pathlib
import sys
import wave

import numpy as np

RATE = 32000
PER_FAMILY = 4


def seconds(duration):
    return np.arange(int(duration * RATE)) / RATE


def tone(frequency, duration, square=0.0):
    """A sine, or the share `square` of a band-limited square wave in it; 5 ms ramps against clicks."""
    t = seconds(duration)
    x = np.sin(2 * np.pi * frequency * t)
    if square > 0:
        odd = [k for k in range(3, 16, 2) if k * frequency < RATE / 2]
        x = x + square * sum(np.sin(2 * np.pi * k * frequency * t) / k for k in odd)
    ramp = np.minimum(1, np.minimum(t, duration - t) / 0.005)
    return x * np.clip(ramp, 0, 1)


def silence(duration):
    return np.zeros(int(duration * RATE))


def filtered(x, low, high, order=4):
    """Band-pass by a Butterworth-shaped magnitude, zero phase."""
    f = np.fft.rfftfreq(len(x), 1 / RATE)
    shape = 1 / np.sqrt(1 + (f / high) ** (2 * order))
    shape *= (f / low) ** order / np.sqrt(1 + (f / low) ** (2 * order)) if low > 0 else 1
    return np.fft.irfft(np.fft.rfft(x) * shape, len(x))


def room(x, rng, decay):
    """Direct sound and an exponentially decaying noise tail: a small hard room."""
    t = seconds(6 * decay)
    tail = rng.normal(size=len(t)) * np.exp(-t / decay) * 0.02
    tail[0] = 1
    size = len(x) + len(tail) - 1
    return np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(tail, size), size)[: len(x)]


def struck(frequencies, decays, levels, times, duration):
    """Modes struck at `times`: a bell, or the clunk of a door."""
    x = silence(duration)
    for when in times:
        start = int(when * RATE)
        t = seconds(duration)[: len(x) - start]
        for f, d, a in zip(frequencies, decays, levels):
            x[start:] += a * np.sin(2 * np.pi * f * t) * np.exp(-t / d)
    return x


def bell_telephone(rng):
    """A clapper between two gongs, 20 to 27 strikes a second, in rings of one or two seconds."""
    rate, base = rng.uniform(20, 27), rng.uniform(900, 1700)
    ring, duration = rng.uniform(0.9, 1.8), rng.uniform(2, 4)
    x = silence(duration)
    starts = np.arange(0.02, duration, ring + rng.uniform(0.3, 1.5))
    for gong, pitch in enumerate((base, base * rng.uniform(1.1, 1.3))):
        strikes = [s + (2 * k + gong) / rate for s in starts for k in range(int(ring * rate / 2))]
        strikes = [s for s in strikes if s < duration - 0.01]
        ratios = np.array([1, 2.1, 3.2, 4.6, 5.9])
        modes = [f for f in pitch * ratios * rng.uniform(0.97, 1.03, 5) if f < 15000]
        x += struck(modes, 0.25 / np.sqrt(1 + np.arange(5)), 1 / (1 + 0.5 * np.arange(5)), strikes, duration)
    return room(x, rng, 0.05)


def electronic_ringer(rng):
    """Two or three tones in quick turn, a warble."""
    low = rng.uniform(600, 1600)
    notes = [low, low * rng.uniform(1.15, 1.4), low * rng.uniform(1.3, 1.7)][: rng.integers(2, 4)]
    each, square = 1 / rng.uniform(12, 32), rng.uniform(0, 1)
    warble = [tone(notes[k % len(notes)], each, square) for k in range(int(rng.uniform(0.5, 1.2) / each))]
    ring = np.concatenate(warble)
    return room(np.concatenate([ring, silence(rng.uniform(0.2, 0.9)), ring]), rng, rng.uniform(0.02, 0.1))


def mobile_melody(rng):
    """A ring tone: notes of a pentatonic scale, square or frequency-modulated."""
    root, step = 440 * 2 ** (rng.integers(0, 19) / 12), rng.uniform(0.07, 0.16)
    scale = np.array([0, 2, 4, 7, 9, 12, 14, 16])
    motif = scale[rng.integers(0, len(scale), rng.integers(4, 9))]
    square = rng.uniform(0.3, 1)
    notes = [tone(root * 2 ** (n / 12), step * rng.choice([1, 1, 2]), square) for n in np.tile(motif, 2)]
    return filtered(np.concatenate(notes), 400, rng.uniform(5000, 12000))


def keys(rng):
    """Dual-tone keys of a telephone (ITU-T Q.23), heard in its receiver or near it."""
    rows, columns = (697, 770, 852, 941), (1209, 1336, 1477)
    on, off = rng.uniform(0.06, 0.2), rng.uniform(0.05, 0.25)
    digits = []
    for _ in range(rng.integers(4, 12)):
        digits += [tone(rng.choice(rows), on) + tone(rng.choice(columns), on), silence(off)]
    x = np.concatenate(digits)
    return x + rng.normal(size=len(x)) * rng.uniform(0, 0.03)


def line(rng):
    """Dial, ring-back, busy and failure tones of several countries in a 300 to 3400 Hz receiver."""
    kinds = [((350, 440), 3, 0), ((440, 480), 2, 1), ((480, 620), 0.5, 0.5), ((425,), 0.5, 0.5)]
    kinds += [((400, 450), 0.4, 0.2), ((425,), 1, 2), ((480, 620), 0.25, 0.25), ((425,), 3, 0)]
    pitches, on, off = kinds[rng.integers(len(kinds))]
    burst = np.concatenate([sum(tone(p, on, rng.uniform(0, 0.3)) for p in pitches), silence(off)])
    x = np.tile(burst, max(1, int(np.ceil(2.5 / (on + off)))))
    return filtered(x + rng.normal(size=len(x)) * rng.uniform(0.01, 0.08), 300, 3400)


def desk_set(rng):
    """Chirps of an office telephone: short tones that repeat in groups."""
    low, each = rng.uniform(900, 2400), rng.uniform(0.03, 0.06)
    pair = [tone(low, each, 0.4), tone(low * rng.uniform(0.75, 0.9), each, 0.4)]
    group = np.concatenate(pair * rng.integers(3, 7) + [silence(rng.uniform(0.1, 0.2))])
    ring = np.concatenate([group, group, silence(rng.uniform(0.3, 0.8))])
    return room(np.tile(ring, 2), rng, 0.06)


def hum(rng, duration):
    """Transformer and fan: harmonics of twice the mains' frequency and dull noise, slowly turning."""
    mains = rng.choice([50, 60])
    t = seconds(duration)
    harmonics = sum(
        rng.uniform(0.2, 1) / k**0.7 * np.sin(2 * np.pi * mains * k * t + rng.uniform(0, 6.3))
        for k in (1, 2, 4, 6, 8, 10, 12, 16)
    )
    fan = filtered(rng.normal(size=len(t)), 80, rng.uniform(700, 2500), 2) * rng.uniform(1, 4)
    turn = 1 + 0.15 * np.sin(2 * np.pi * rng.uniform(0.5, 3) * t)
    return (harmonics + fan) * turn * 0.2


def beeps(rng, count, on, off):
    pitch, square = rng.uniform(1900, 4100), rng.uniform(0, 0.5)
    return np.concatenate([np.concatenate([tone(pitch, on, square), silence(off)]) for _ in range(count)])


def clunk(rng, duration=0.5):
    """A latch or relay: dull modes that die within 50 ms, and a click."""
    modes = rng.uniform((90, 200, 400, 900), (180, 380, 800, 2500))
    x = struck(modes, (0.05, 0.03, 0.02, 0.01), (1, 0.8, 0.5, 0.5), (0.01,), duration)
    click = silence(duration)
    click[int(0.01 * RATE) :][:160] = rng.normal(size=160) * np.linspace(1, 0, 160)
    return room(x + click, rng, 0.04)


def running(rng):
    """The oven at work, some with the click of its relay."""
    x = hum(rng, rng.uniform(2, 4))
    if rng.random() < 0.5:
        relay = clunk(rng)
        x[: len(relay)] += relay
    return x


def finished(rng):
    """It hums, stops with a click, and beeps."""
    bell = rng.random() < 0.3
    end = beeps(rng, rng.integers(3, 6), rng.uniform(0.15, 0.6), rng.uniform(0.15, 0.5))
    if bell:
        pitch = rng.uniform(1800, 3000)
        end = struck((pitch, pitch * 2.7, pitch * 5.1), (0.5, 0.25, 0.1), (1, 0.5, 0.3), (0.01,), 1.5)
    return np.concatenate([hum(rng, rng.uniform(0.8, 1.6)), clunk(rng), room(end, rng, 0.08)])[: 5 * RATE]


def buttons(rng):
    """Time is keyed in, then it starts."""
    pitch = rng.uniform(1900, 3500)
    pressed = []
    for _ in range(rng.integers(2, 5)):
        pressed += [tone(pitch, rng.uniform(0.06, 0.15), 0.2), silence(rng.uniform(0.12, 0.35))]
    return np.concatenate([room(np.concatenate(pressed), rng, 0.05), clunk(rng), hum(rng, rng.uniform(0.8, 2))])


def done_beeps(rng):
    """The end's beeps alone, over the kitchen's quiet."""
    x = beeps(rng, rng.integers(2, 6), rng.uniform(0.15, 0.9), rng.uniform(0.15, 0.6))[: 5 * RATE]
    return room(x, rng, 0.08) + filtered(rng.normal(size=len(x)), 50, 1500, 2) * rng.uniform(0.005, 0.04)


def door(rng):
    """The door opens or shuts; some start or stop the oven."""
    x = np.concatenate([clunk(rng, rng.uniform(0.15, 0.4)), clunk(rng, rng.uniform(0.5, 0.9))])
    return np.concatenate([x, hum(rng, rng.uniform(0.8, 2))]) if rng.random() < 0.7 else x


FAMILIES = {
    "Telephone": (bell_telephone, electronic_ringer, mobile_melody, keys, line, desk_set),
    "Microwave_oven": (running, finished, buttons, done_beeps, door),
}


def main(data, folder):
    with open(data / "manifest.csv", newline="") as file:
        listed = list(csv.DictReader(file))
    rows = [
        {
            "file": (data / row["file"]).resolve(),
            "label": row["label"],
            "split": row.get("split", "train"),
            "group": row.get("group", ""),
        }
        for row in listed
    ]
    for seed, (label, families) in enumerate(sorted(FAMILIES.items())):
        (folder / "clips" / label).mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(seed)
        for family in families:
            for number in range(PER_FAMILY):
                x = family(rng)[: 5 * RATE]
                x *= 10 ** (rng.uniform(-12, -1) / 20) / np.abs(x).max()
                name = f"clips/{label}/{family.__name__}-{number + 1}.wav"
                with wave.open(str(folder / name), "wb") as out:
                    out.setnchannels(1)
                    out.setsampwidth(2)
                    out.setframerate(RATE)
                    out.writeframes((x * 32767).round().astype("<i2").tobytes())
                rows.append({"file": name, "label": label, "split": "train", "group": f"synthesised-{family.__name__}"})
    with open(folder / "manifest.csv", "w", newline="") as file:
        writer = csv.DictWriter(file, ["file", "label", "split", "group"])
        writer.writeheader()
        writer.writerows(rows)
    print(f"{folder / 'manifest.csv'}: {len(listed)} recordings listed, {len(rows) - len(listed)} clips synthesised")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
