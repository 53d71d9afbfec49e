"""Sounds built from their physics: struck modes, filtered noise, a room. Mono f64 at 32 kHz.

Every function takes a seed's generator, so the same script gives the same samples.
"""

import numpy as np

SAMPLE_RATE = 32_000


def seconds(length):
    return np.arange(round(length * SAMPLE_RATE)) / SAMPLE_RATE


def shaped_noise(length, gain_at, chance):
    """Gaussian noise of `length` seconds whose spectrum follows `gain_at(hertz)`, rms 1."""
    n = round(length * SAMPLE_RATE)
    spectrum = np.fft.rfft(chance.standard_normal(n)) * gain_at(np.fft.rfftfreq(n, 1 / SAMPLE_RATE))
    noise = np.fft.irfft(spectrum, n)
    return noise / np.sqrt(np.mean(noise**2))


def bumps(*peaks, floor=0.0):
    """A spectrum of bells: (hertz, width in octaves, gain in dB) each, over a floor."""

    def gain_at(hertz):
        octave = np.log2(np.maximum(hertz, 10.0))
        gain = np.full(np.shape(hertz), floor, dtype=float)
        for centre, width, level in peaks:
            gain += 10 ** (level / 20) * np.exp(-0.5 * ((octave - np.log2(centre)) / width) ** 2)
        return gain

    return gain_at


def modes(length, hertz, gains, decays, chance):
    """Struck resonances: decaying sines; a decay is the seconds to 1/e."""
    t = seconds(length)
    out = np.zeros_like(t)
    for f, gain, decay in zip(hertz, gains, decays):
        if f < 0.48 * SAMPLE_RATE:
            out += gain * np.exp(-t / decay) * np.sin(2 * np.pi * (f * t + chance.random()))
    # A blow takes a fraction of a millisecond: no step at the start.
    attack = round(0.0004 * SAMPLE_RATE)
    out[:attack] *= np.linspace(0, 1, attack)
    return out


def add(track, sound, at):
    """Mixes `sound` into `track`, beginning `at` seconds; what hangs over is lost."""
    start = min(round(at * SAMPLE_RATE), len(track))
    stop = min(len(track), start + len(sound))
    track[start:stop] += sound[: stop - start]


def in_room(dry, reverberation, wet, chance, dull=3000.0):
    """With a room around it: `reverberation` is the time to -60 dB; above `dull` hertz the
    walls swallow more. `wet` is the level of the room against the direct sound."""
    t = seconds(reverberation * 1.1)
    tail = np.zeros_like(t)
    for low, high in ((60, 500), (500, 2000), (2000, 5000), (5000, 14000)):
        middle, width = np.sqrt(low * high), np.log2(high / low) / 2.4
        band = shaped_noise(len(t) / SAMPLE_RATE, bumps((middle, width, 0)), chance)
        time = reverberation / (1 + middle / dull)
        tail += band * np.exp(-6.9 * t / time) * np.sqrt(high - low)
    tail *= np.minimum(1, t / 0.004)
    tail *= wet / np.sqrt(np.sum(tail**2))
    n = len(dry) + len(tail)
    echo = np.fft.irfft(np.fft.rfft(dry, n) * np.fft.rfft(tail, n), n)
    out = echo
    out[: len(dry)] += dry
    return out


def room_tone(track, level, chance):
    """The hush of a quiet place, `level` dB below the track's peak."""
    hush = shaped_noise(len(track) / SAMPLE_RATE, lambda f: 1 / np.sqrt(np.maximum(f, 30.0)), chance)
    return track + hush * np.max(np.abs(track)) * 10 ** (level / 20)


def knock(chance):
    """Knuckles on a wooden door, four and two, in a hall."""
    track = np.zeros(len(seconds(2.0)))
    panel = np.array([92, 141, 187, 236, 305, 388, 471, 585, 740, 930, 1180, 1500.0])
    for at, strength in ((0.03, 0.75), (0.24, 0.9), (0.44, 0.8), (0.66, 1.0), (1.12, 0.85), (1.33, 0.95)):
        gains = strength * (panel / 92) ** -0.75 * (0.6 + 0.8 * chance.random(len(panel)))
        decays = 0.030 * (panel / 92) ** -0.45
        hit = modes(0.4, panel * (1 + 0.003 * chance.standard_normal()), gains, decays, chance)
        bone = shaped_noise(0.02, bumps((1400, 0.9, 0), (4200, 0.8, -10)), chance)
        add(hit, 0.5 * strength * bone * np.exp(-seconds(0.02) / 0.003), 0)
        add(track, hit, at + 0.008 * chance.standard_normal())
    return room_tone(in_room(track, 0.7, 0.5, chance, dull=1200.0), -62, chance)


def keyboard(chance):
    """Someone types a line: every key goes down with a clack and up with a smaller one."""
    track = np.zeros(len(seconds(3.6)))
    now = 0.04
    while now < 3.3:
        wide = chance.random() < 0.15
        weight = (1.0 if wide else 0.7) * (0.7 + 0.5 * chance.random())
        plate = np.array([210, 340, 520]) * (0.75 if wide else 1.0) * (1 + 0.08 * chance.standard_normal(3))
        cap = np.array([1150, 1900, 2700, 3900, 5600]) * (1 + 0.10 * chance.standard_normal(5))
        hertz = np.concatenate([plate, cap])
        gains = np.array([0.7, 0.6, 0.5, 0.5, 0.45, 0.35, 0.25, 0.15])
        decays = np.array([0.007, 0.006, 0.006, 0.005, 0.004, 0.003, 0.0025, 0.002])
        hold = 0.07 + 0.05 * chance.random()
        for at, strength, stretch in ((now, 1.0, 1.0), (now + hold, 0.38, 1.15)):
            clack = modes(0.08, hertz * stretch, strength * weight * gains, decays, chance)
            snap = shaped_noise(0.012, bumps((2600, 1.0, 0), (6500, 0.9, -6)), chance)
            add(clack, 0.5 * strength * weight * snap * np.exp(-seconds(0.012) / 0.002), 0)
            add(track, clack, at)
        now += 0.13 + 0.14 * chance.random() + (0.22 if wide else 0.0)
    return room_tone(in_room(track, 0.25, 0.25, chance), -60, chance)


def telephone(chance):
    """An office telephone on its desk: two rings of two bursts, each burst two tones in quick turn."""
    track = np.zeros(len(seconds(3.2)))
    tones = []
    for hertz in (1985.0, 1590.0):
        t = seconds(0.045)
        # A small loudspeaker driven by a square wave, most of whose harmonics it loses.
        wave = sum(np.sin(2 * np.pi * k * hertz * t) / k**1.5 for k in (1, 3, 5))
        tones.append(wave * np.clip(np.minimum(t, t[-1] - t) / 0.005, 0, 1))
    burst = np.concatenate(tones * 5)
    for at in (0.02, 0.62, 1.72, 2.32):
        add(track, (0.9 + 0.1 * chance.random()) * burst, at)
    return room_tone(in_room(track, 0.3, 0.3, chance), -60, chance)


def writing(chance):
    """A pencil on paper on a table: strokes of noise with the grain of the paper."""
    length = 3.0
    n = len(seconds(length))
    grain = shaped_noise(length, bumps((700, 0.7, -4), (2400, 0.9, 0), (5200, 0.7, -3), (9500, 0.6, -10)), chance)
    rough = 0.6 + 0.4 * np.abs(shaped_noise(length, lambda f: 1.0 / (1 + (f / 180) ** 2), chance))
    table = shaped_noise(length, bumps((140, 0.6, 0), (290, 0.5, -3)), chance)
    speed = np.zeros(n)
    thuds = np.zeros(n)
    now = 0.03
    while now < length - 0.35:
        for _ in range(chance.integers(3, 8)):
            stroke = 0.07 + 0.09 * chance.random()
            t = seconds(stroke) / stroke
            skew = 0.6 + 0.8 * chance.random()
            add(speed, (0.5 + 0.6 * chance.random()) * np.sin(np.pi * t**skew) ** 4, now)
            now += stroke * (0.95 + 0.1 * chance.random())
        lift = 0.08 + 0.12 * chance.random()
        tap = modes(0.08, [170, 310, 900, 2300], [1, 0.6, 0.4, 0.3], [0.012, 0.009, 0.004, 0.003], chance)
        add(thuds, 0.8 * (0.5 + chance.random()) * tap, now + lift)
        now += lift
    track = (grain + 0.4 * table) * rough * speed + thuds
    return room_tone(in_room(track, 0.25, 0.9, chance), -34, chance)
