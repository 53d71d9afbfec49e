//! The mixing core: what it plays is compared, sample by sample, with what should be heard.

use std::sync::Arc;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use mondegreen::audio::player::{
    Buffers, Controls, DIFFERENCE_CEILING, FADE_SECONDS, GAIN_SECONDS, Link, Mixer, Side, mixer,
};
use rand::{Rng as _, SeedableRng as _};

/// Aborts the test binary when anything allocates or frees inside `assert_no_alloc`.
#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const RATE: u32 = 32_000;
const FADE: usize = 160;

/// A tone of `hz` at 32 kHz.
fn tone(hz: f64, amplitude: f64, frames: usize) -> Arc<[f32]> {
    let step = std::f64::consts::TAU * hz / f64::from(RATE);
    (0..frames).map(|i| (amplitude * (i as f64 * step + 0.3).sin()) as f32).collect()
}

/// A mixer with a clip, and everything around it.
struct Rig {
    controls: Arc<Controls>,
    mixer: Mixer,
    link: Link,
    sides: [Arc<[f32]>; 3],
}

impl Rig {
    fn new(frames: usize) -> Self {
        let original = tone(200.0, 0.5, frames);
        let adversarial = tone(333.0, 0.4, frames);
        let difference = original.iter().zip(adversarial.iter()).map(|(o, a)| a - o).collect();
        Self::with([original, adversarial, difference])
    }

    fn with(sides: [Arc<[f32]>; 3]) -> Self {
        let controls = Arc::new(Controls::default());
        let (mixer, link) = mixer(controls.clone(), RATE);
        let mut rig = Self { controls, mixer, link, sides };
        rig.send(1, false);
        rig.controls.set_playing(true);
        rig
    }

    fn send(&mut self, generation: u64, keep: bool) {
        let [original, adversarial, difference] = self.sides.clone();
        let attacked = Some([adversarial, difference]);
        let buffers = Buffers::new(original, attacked, RATE, generation, keep);
        self.link.send(Box::new(buffers)).unwrap();
    }

    /// The next `frames` frames, in callbacks of uneven length.
    fn play(&mut self, frames: usize) -> Vec<f32> {
        let mut out = vec![9.0; frames];
        for part in out.chunks_mut(97) {
            self.mixer.render(part, 1);
        }
        out
    }
}

fn assert_near(actual: &[f32], expected: impl IntoIterator<Item = f32>, what: &str) {
    let mut count = 0;
    for (i, (a, e)) in actual.iter().zip(expected).enumerate() {
        assert!((a - e).abs() < 1e-6, "{what}: sample {i} is {a}, not {e}");
        count += 1;
    }
    assert_eq!(count, actual.len(), "{what}: expected too short");
}

/// The k-th step of a linear fade.
fn share(k: usize) -> f32 {
    ((k + 1) as f32 / FADE as f32).min(1.0)
}

#[test]
fn the_fade_lasts_five_milliseconds() {
    assert_eq!((FADE_SECONDS * f64::from(RATE)).round() as usize, FADE);
}

#[test]
fn it_fades_in_and_then_plays_every_sample_and_tells_the_position() {
    let mut rig = Rig::new(32_000);
    let out = rig.play(10_000);
    let original = &rig.sides[0];
    assert_near(&out, (0..10_000).map(|i| original[i] * share(i)), "start");
    assert_eq!(&out[FADE..], &original[FADE..10_000], "bit for bit after the fade-in");
    assert_eq!(rig.controls.position(), 10_000.0 / 32_000.0);
}

#[test]
fn switching_sides_is_sample_locked_with_a_linear_crossfade() {
    let mut rig = Rig::new(32_000);
    rig.play(5_000);
    let mut at = 5_000;
    for (from, to) in [(0, 1), (1, 2), (2, 0), (0, 2), (2, 1), (1, 0)] {
        rig.controls.set_side(Side::ALL[to]);
        let out = rig.play(1_000);
        let expected = (0..1_000).map(|k| {
            let (old, new) = (rig.sides[from][at + k], rig.sides[to][at + k]);
            old * (1.0 - share(k)) + new * share(k)
        });
        assert_near(&out, expected, "switch");
        assert_eq!(&out[FADE..], &rig.sides[to][at + FADE..at + 1_000], "bit for bit");
        at += 1_000;
    }
}

#[test]
fn the_crossfade_has_equal_gain_however_fast_sides_are_switched() {
    let level: Arc<[f32]> = vec![0.25; 64_000].into();
    let mut rig = Rig::with([level.clone(), level.clone(), level]);
    rig.play(1_000);
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    for _ in 0..300 {
        rig.controls.set_side(Side::ALL[random.random_range(0..3)]);
        let frames = random.random_range(1..200);
        for sample in rig.play(frames) {
            assert!((sample - 0.25).abs() < 1e-6, "{sample}");
        }
    }
}

#[test]
fn one_gain_for_all_sides_changes_without_a_step() {
    let mut rig = Rig::new(64_000);
    rig.play(1_000);
    rig.controls.set_gain_db(-6.0);
    let gain = 10.0_f32.powf(-0.3);
    let ramp = (GAIN_SECONDS * f64::from(RATE)).round() as usize;
    let out = rig.play(2_000);
    let expected = (0..2_000).map(|k| {
        let share = ((k + 1) as f32 / ramp as f32).min(1.0);
        rig.sides[0][1_000 + k] * (1.0 + (gain - 1.0) * share)
    });
    assert_near(&out, expected, "gain ramp");
    for (n, side) in Side::ALL.into_iter().enumerate() {
        rig.controls.set_side(side);
        let at = 3_000 + n * 1_000;
        let out = rig.play(1_000);
        let expected = rig.sides[n][at + FADE..at + 1_000].iter().map(|s| s * gain);
        assert_near(&out[FADE..], expected, "settled gain");
    }
}

#[test]
fn only_the_difference_is_magnified_and_what_is_below_the_ceiling_passes_bit_for_bit() {
    let original = tone(200.0, 0.5, 64_000);
    let soft = tone(333.0, 0.02, 64_000);
    let mut rig = Rig::with([original.clone(), original.clone(), soft]);
    rig.controls.set_magnification_db(20.0);
    let out = rig.play(2_000);
    assert_eq!(&out[FADE..], &rig.sides[0][FADE..2_000], "the original is as it was");
    rig.controls.set_side(Side::Difference);
    let out = rig.play(2_000);
    let ten: Vec<f32> = rig.sides[2][2_000 + FADE..4_000].iter().map(|s| s * 10.0).collect();
    assert_eq!(&out[FADE..], ten, "ten times");
    assert_eq!(rig.controls.held_back_db(), 0.0);
}

#[test]
fn the_magnified_difference_is_held_below_its_ceiling_without_being_clipped() {
    let original = tone(200.0, 0.5, 64_000);
    let mut rig = Rig::with([original.clone(), original, tone(333.0, 0.02, 64_000)]);
    rig.controls.set_side(Side::Difference);
    rig.controls.set_magnification_db(60.0);
    rig.play(2_000);
    let out = rig.play(20_000);
    // The same tone, softer: a clipped one would be another.
    let factor = DIFFERENCE_CEILING / 0.02;
    let tone = rig.sides[2][2_000..22_000].iter().map(|s| s * factor);
    for (i, (a, e)) in out.iter().zip(tone).enumerate() {
        assert!((a - e).abs() < 0.002 && a.abs() <= DIFFERENCE_CEILING, "{i}: {a}, not {e}");
    }
    let held = rig.controls.held_back_db();
    let expected = 60.0 - 20.0 * factor.log10();
    assert!((held - expected).abs() < 0.1, "{held} instead of {expected}");
    // The volume turns it down with everything else.
    rig.controls.set_gain_db(-20.0);
    rig.play(2_000);
    let loudest = rig.play(8_000).iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
    assert!((loudest - 0.1 * DIFFERENCE_CEILING).abs() < 1e-3, "{loudest}");
}

#[test]
fn a_difference_as_loud_as_the_clip_is_heard_as_it_is() {
    let mut rig = Rig::new(64_000);
    rig.controls.set_side(Side::Difference);
    let out = rig.play(4_000);
    assert_eq!(&out[FADE..], &rig.sides[2][FADE..4_000], "without magnification");
    rig.controls.set_magnification_db(60.0);
    rig.play(2_000);
    let out = rig.play(4_000);
    for (heard, side) in out.iter().zip(&rig.sides[2][6_000..]) {
        assert!((heard - side).abs() < 0.01 && heard.abs() <= 1.0, "{heard}, not {side}");
    }
}

#[test]
fn whatever_is_turned_up_nothing_exceeds_full_scale_and_nothing_is_cut_off() {
    let mut rig = Rig::new(64_000);
    rig.controls.set_gain_db(24.0);
    rig.controls.set_magnification_db(60.0);
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    rig.controls.set_looping(true);
    let mut at_ceiling = 0;
    for _ in 0..2_000 {
        rig.controls.set_side(Side::ALL[random.random_range(0..3)]);
        if random.random_bool(0.1) {
            rig.controls.seek(random.random_range(0.0..2.0));
        }
        let frames = random.random_range(1..200);
        let out = rig.play(frames);
        assert!(out.iter().all(|sample| sample.abs() <= 1.0));
        // A clipped tone stays at the ceiling, a limited one only touches it.
        at_ceiling += out.windows(3).filter(|w| w.iter().all(|s| s.abs() > 0.999_9)).count();
    }
    assert_eq!(at_ceiling, 0);
}

#[test]
fn pause_and_play_fade_linearly_and_lose_nothing() {
    let mut rig = Rig::new(32_000);
    rig.play(5_000);
    rig.controls.set_playing(false);
    let out = rig.play(1_000);
    let fading = |k: usize| rig.sides[0][5_000 + k] * (1.0 - share(k));
    assert_near(&out[..FADE], (0..FADE).map(fading), "fade-out");
    assert!(out[FADE..].iter().all(|sample| *sample == 0.0));
    let position = 5_000 + FADE;
    assert_eq!(rig.controls.position(), position as f64 / 32_000.0);
    rig.controls.set_playing(true);
    let out = rig.play(1_000);
    assert_near(&out, (0..1_000).map(|k| rig.sides[0][position + k] * share(k)), "resume");
}

#[test]
fn seeking_crossfades_to_the_exact_place() {
    let mut rig = Rig::new(32_000);
    rig.play(5_000);
    rig.controls.seek(0.5);
    assert_eq!(rig.controls.position(), 0.5);
    let out = rig.play(1_000);
    let original = &rig.sides[0];
    let expected = (0..1_000)
        .map(|k| original[5_000 + k] * (1.0 - share(k)) + original[16_000 + k] * share(k));
    assert_near(&out, expected, "seek");
    assert_eq!(rig.controls.position(), 17_000.0 / 32_000.0);
}

#[test]
fn a_seek_while_paused_is_heard_on_play_only() {
    let mut rig = Rig::new(32_000);
    rig.controls.set_playing(false);
    rig.controls.seek(0.25);
    assert!(rig.play(500).iter().all(|sample| *sample == 0.0));
    assert_eq!(rig.controls.position(), 0.25);
    rig.controls.set_playing(true);
    let out = rig.play(500);
    assert_near(&out, (0..500).map(|k| rig.sides[0][8_000 + k] * share(k)), "play after seek");
}

/// What a loop should sound like from its start on: `side` between frames `start` and `end`.
fn looped(side: &[f32], start: usize, end: usize, frames: usize) -> Vec<f32> {
    let mut expected = Vec::new();
    let (mut at, mut tail, mut faded) = (start, None, 0);
    while expected.len() < frames {
        if at + FADE >= end {
            (tail, at, faded) = (Some(at), start, 0);
        }
        let mut sample = side[at];
        if let Some(from) = tail {
            sample = side[from + faded] * (1.0 - share(faded)) + sample * share(faded);
            faded += 1;
            if faded == FADE {
                tail = None;
            }
        }
        expected.push(sample);
        at += 1;
    }
    expected
}

#[test]
fn a_region_loops_with_its_end_crossfaded_into_its_start() {
    let mut rig = Rig::new(32_000);
    rig.controls.set_looping(true);
    rig.controls.set_region(Some((0.25, 0.5)));
    rig.controls.seek(0.25);
    let out = rig.play(60_000);
    let expected = looped(&rig.sides[0], 8_000, 16_000, 60_000);
    assert_near(&out[FADE..], expected[FADE..].iter().copied(), "loop");
}

#[test]
fn the_whole_clip_loops_the_same_way() {
    let mut rig = Rig::new(8_000);
    rig.controls.set_looping(true);
    let out = rig.play(50_000);
    let expected = looped(&rig.sides[0], 0, 8_000, 50_000);
    assert_near(&out[FADE..], expected[FADE..].iter().copied(), "loop");
}

#[test]
fn the_end_fades_out_stops_and_rewinds() {
    let mut rig = Rig::new(8_000);
    let out = rig.play(9_000);
    let expected = (8_000 - FADE..8_000).map(|i| rig.sides[0][i] * (1.0 - share(i + FADE - 8_000)));
    assert_near(&out[8_000 - FADE..8_000], expected, "end");
    assert!(out[8_000..].iter().all(|sample| *sample == 0.0));
    assert!(!rig.controls.playing());
    assert_eq!(rig.controls.position(), 0.0);
    rig.controls.set_playing(true);
    let again = rig.play(8_000);
    assert_eq!(out[..8_000], again[..], "playing again is the same");
}

#[test]
fn it_stops_where_the_end_of_the_clip_is_that_of_a_callback() {
    let mut rig = Rig::new(97 * 50);
    rig.play(97 * 50);
    assert!(rig.play(97 * 50).iter().all(|sample| *sample == 0.0));
    assert!(!rig.controls.playing());
}

#[test]
fn an_exchanged_clip_crossfades_in_place_and_the_old_one_comes_back() {
    let mut rig = Rig::new(32_000);
    rig.controls.set_side(Side::Adversarial);
    rig.play(5_000);
    let old = rig.sides[1].clone();
    rig.sides[1] = tone(250.0, 0.45, 32_000);
    rig.send(2, true);
    let out = rig.play(1_000);
    let expected =
        (0..1_000).map(|k| old[5_000 + k] * (1.0 - share(k)) + rig.sides[1][5_000 + k] * share(k));
    assert_near(&out, expected, "exchange");
    assert_eq!(Arc::strong_count(&old), 2, "the callback frees nothing");
    assert_eq!(rig.link.collect(), 1);
    assert_eq!(Arc::strong_count(&old), 1);
}

#[test]
fn another_clip_falls_silent_first_and_starts_at_its_beginning() {
    let mut rig = Rig::new(32_000);
    rig.play(5_000);
    rig.controls.require(2);
    let out = rig.play(1_000);
    assert!(out[FADE..].iter().all(|sample| *sample == 0.0), "the old clip may not sound");
    rig.sides = [tone(150.0, 0.3, 9_000), tone(160.0, 0.3, 9_000), tone(170.0, 0.3, 9_000)];
    rig.send(2, false);
    let out = rig.play(1_000);
    assert_near(&out, (0..1_000).map(|k| rig.sides[0][k] * share(k)), "new clip");
}

#[test]
fn sound_is_on_the_first_two_channels() {
    for channels in [1, 2, 6] {
        let mut rig = Rig::new(32_000);
        let mut out = vec![9.0; 500 * channels];
        rig.mixer.render(&mut out, channels);
        for (i, frame) in out.chunks(channels).enumerate() {
            for (channel, sample) in frame.iter().enumerate() {
                let expected = if channel < 2 { rig.sides[0][i] * share(i) } else { 0.0 };
                assert!((sample - expected).abs() < 1e-6);
            }
        }
    }
}

#[test]
fn without_a_clip_there_is_silence() {
    let controls = Arc::new(Controls::default());
    let (mut mixer, _link) = mixer(controls.clone(), RATE);
    controls.set_playing(true);
    controls.set_looping(true);
    controls.seek(3.0);
    let mut out = vec![9.0; 4_000];
    mixer.render(&mut out, 2);
    assert!(out.iter().all(|sample| *sample == 0.0));
}

/// One random thing a user may do; returns whether a clip was sent.
fn meddle(rig: &mut Rig, random: &mut impl rand::Rng) {
    let controls = &rig.controls;
    match random.random_range(0..10) {
        0 => controls.set_playing(!controls.playing()),
        1 | 2 => controls.set_side(Side::ALL[random.random_range(0..3)]),
        3 => controls.seek(random.random_range(-0.1..0.6)),
        4 => controls.set_looping(random.random()),
        5 => {
            let (start, end) = (random.random_range(0.0..0.5), random.random_range(0.0..0.5));
            controls.set_region(random.random_bool(0.7).then_some((start, end)));
        }
        6 => controls.set_gain_db(random.random_range(-30.0..0.0)),
        7 => controls.set_magnification_db(random.random_range(0.0..60.0)),
        _ => controls.set_playing(true),
    }
}

#[test]
fn whatever_is_done_nothing_clicks() {
    let mut rig = Rig::new(16_000);
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
    // Tones move by at most 0.06 a sample (difference side); a crossfade of two values that lie
    // 1.8 apart adds 1.8 / 160. A hard cut would reach far beyond.
    let bound = 0.06 + 4.0 * 1.8 / FADE as f32;
    let (mut last, mut sounding, mut generation) = (0.0_f32, 0, 1);
    for round in 0..6_000 {
        meddle(&mut rig, &mut random);
        if round % 10 == 0 {
            generation += 1;
            rig.send(generation, true);
        }
        let frames = random.random_range(1..400);
        for sample in rig.play(frames) {
            assert!((sample - last).abs() < bound, "round {round}: {last} to {sample}");
            sounding += usize::from(sample != 0.0);
            last = sample;
        }
        rig.link.collect();
    }
    assert!(sounding > 300_000, "it played: {sounding}");
}

#[test]
fn the_bound_on_clicks_would_notice_a_hard_cut() {
    let rig = Rig::new(16_000);
    let bound = 0.06 + 4.0 * 1.8 / FADE as f32;
    let cuts = (0..8_000).map(|i| (rig.sides[0][i] - rig.sides[1][i + 1]).abs());
    assert!(cuts.fold(0.0, f32::max) > 4.0 * bound);
}

#[test]
fn rendering_never_allocates_or_frees() {
    let mut rig = Rig::new(16_000);
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(3);
    let mut out = vec![0.0; 2 * 512];
    let mut exchanged = 0;
    for round in 0..3_000_u64 {
        meddle(&mut rig, &mut random);
        if round % 7 == 0 {
            // Now and then a clip that stops the old one.
            let keep = round % 49 != 0;
            if !keep {
                rig.controls.require(round + 2);
            }
            rig.send(round + 2, keep);
        }
        assert_no_alloc(|| rig.mixer.render(&mut out, 2));
        if round % 3 == 0 {
            exchanged += rig.link.collect();
        }
    }
    assert!(exchanged > 200, "clips were exchanged: {exchanged}");
}
