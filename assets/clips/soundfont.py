"""Plays a line of score on a soundfont with the `fluidsynth` command.

A score is a string of notes in scientific pitch notation: `C5`, a chord `C4+E4+G4`, a rest
`-`; then `:beats` (1 if absent) and `@velocity` (the part's own if absent). Percussion is
written by its General MIDI key number.
"""

import re
import struct
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

SAMPLE_RATE = 32_000
SOUNDFONT = "/usr/share/sounds/sf2/FluidR3_GM.sf2"
DRUM_CHANNEL = 9
TICKS_PER_SECOND = 1000
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
NOTE = re.compile(r"([^:@]+)(?::([\d.]+))?(?:@(\d+))?")
PITCH = re.compile(r"([A-G])([#b]?)(-?\d)")


@dataclass
class Part:
    """One instrument playing one line.

    `program`: General MIDI program, from 0; with `drums`, the kit. `legato`: length of a note
    as a share of its beats. `swell`: loudness (expression, 0..127) at evenly spaced points of
    every note. `vibrato`: depth (modulation wheel, 0..127) that a long note grows to.
    `room`, `wet`: size and level of the reverb, 0..1. `tail`: seconds that ring on.
    """

    program: int
    score: str
    bpm: float = 100
    velocity: int = 90
    legato: float = 0.95
    swell: tuple = ()
    vibrato: int = 0
    bank: int = 0
    drums: bool = False
    room: float = 0.4
    wet: float = 0.35
    tail: float = 1.5
    seed: int = 1
    looseness: float = field(default=0.006)


def key_of(pitch):
    """MIDI key of `C4` (60), `F#5`, `Bb3`, or of a plain number."""
    if pitch.isdigit():
        return int(pitch)
    letter, sign, octave = PITCH.fullmatch(pitch).groups()
    return STEPS[letter] + {"#": 1, "b": -1, "": 0}[sign] + 12 * (int(octave) + 1)


def events_of(part):
    """[(seconds, MIDI message)] and the seconds until the last note ends."""
    chance = np.random.default_rng(part.seed)
    channel = DRUM_CHANNEL if part.drums else 0
    events = [(0.0, bytes((0xB0 | channel, 0, part.bank))), (0.0, bytes((0xC0 | channel, part.program)))]
    now, end, beat = 0.05, 0.0, 60 / part.bpm
    for word in part.score.split():
        pitches, beats, velocity = NOTE.fullmatch(word).groups()
        length = float(beats or 1) * beat
        if pitches != "-":
            start = max(0.02, now + part.looseness * chance.standard_normal())
            stop = start + length * part.legato
            for offset, pitch in enumerate(pitches.split("+")):
                loud = int(velocity or part.velocity) + chance.integers(-4, 5)
                loud = int(np.clip(loud, 1, 127))
                # Nobody strikes a chord at one instant.
                struck = start + 0.008 * offset
                events.append((struck, bytes((0x90 | channel, key_of(pitch), loud))))
                events.append((stop, bytes((0x80 | channel, key_of(pitch), 0))))
            events += shaped(part, channel, start, stop)
            end = max(end, stop)
        now += length
    return sorted(events, key=lambda event: event[0]), end


def shaped(part, channel, start, stop):
    """The controllers that make a held note live."""
    events = []
    if part.swell:
        at = np.linspace(0, 1, len(part.swell))
        for x in np.arange(0, 1, 0.01 / max(stop - start, 0.01)):
            value = int(round(float(np.interp(x, at, part.swell))))
            events.append((start + x * (stop - start), bytes((0xB0 | channel, 11, value))))
    if part.vibrato:
        onset = 0.25
        for x in np.arange(0, stop - start, 0.02):
            value = int(part.vibrato * np.clip((x - onset) / 0.3, 0, 1))
            events.append((start + x, bytes((0xB0 | channel, 1, value))))
    return events


def midi_of(events, end):
    """A type 0 MIDI file whose tick is a millisecond."""

    def variable_length(n):
        out = [n & 0x7F]
        while n := n >> 7:
            out.append(0x80 | n & 0x7F)
        return bytes(reversed(out))

    track, last = bytearray(b"\x00\xff\x51\x03" + (1_000_000).to_bytes(3, "big")), 0
    for seconds, message in events:
        tick = round(seconds * TICKS_PER_SECOND)
        track += variable_length(tick - last) + message
        last = tick
    track += variable_length(max(0, round(end * TICKS_PER_SECOND) - last)) + b"\xff\x2f\x00"
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS_PER_SECOND)
    return header + b"MTrk" + struct.pack(">I", len(track)) + bytes(track)


def render(part):
    """The part as mono f64 samples at 32 kHz."""
    events, end = events_of(part)
    with tempfile.TemporaryDirectory() as folder:
        midi, wav = Path(folder, "part.mid"), Path(folder, "part.wav")
        midi.write_bytes(midi_of(events, end + part.tail))
        settings = {
            "synth.reverb.room-size": part.room,
            "synth.reverb.level": part.wet,
            "synth.reverb.damp": 0.3,
            "synth.reverb.width": 0.6,
            "synth.chorus.active": 0,
            "synth.reverb.active": int(part.wet > 0),
        }
        command = ["fluidsynth", "-ni", "-q", "-g", "0.5", "-r", str(SAMPLE_RATE)]
        command += ["-F", str(wav), "-T", "wav", "-O", "float"]
        for name, value in settings.items():
            command += ["-o", f"{name}={value}"]
        subprocess.run([*command, SOUNDFONT, str(midi)], check=True, capture_output=True)
        samples, _ = soundfile.read(wav, always_2d=True)
    return samples.mean(axis=1)
