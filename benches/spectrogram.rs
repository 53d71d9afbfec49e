//! How long the window waits for the spectrogram of a minute of sound: `cargo bench --bench
//! spectrogram`. Prints medians and the slowest of 21 runs; criterion would say little more here
//! and takes longer to build than to run.

use std::hint::black_box;
use std::time::Instant;

use mondegreen::dsp::{FrequencyAxis, Look, Spectrogram, StftSettings, render};

const RUNS: usize = 21;

fn main() {
    // `cargo test --benches` runs this with `--test`: compiling is the test then.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let samples = sweep_in_noise(60 * 32_000);
    println!("60 s at 32 kHz, {} threads, {RUNS} runs each", rayon::current_num_threads());
    for (window, hop) in [(1024, 256), (1024, 128), (4096, 256), (8192, 1024)] {
        let settings = StftSettings { window, hop };
        let compute = || Spectrogram::compute(black_box(&samples), settings);
        time(&format!("compute {window}/{hop}"), || drop(black_box(compute())));
        let spectrogram = compute();
        for axis in FrequencyAxis::ALL {
            let look = Look { axis, ..Look::default() };
            time(&format!("  render {} to 4096 x 512", axis.name()), || {
                drop(black_box(render(&spectrogram, &look, 4096, 512)));
            });
        }
        time(&format!("compute {window}/{hop} and render"), || {
            drop(black_box(render(&compute(), &Look::default(), 4096, 512)));
        });
    }
}

fn time(what: &str, mut job: impl FnMut()) {
    job();
    let mut milliseconds: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            job();
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    milliseconds.sort_by(f64::total_cmp);
    let (median, slowest) = (milliseconds[RUNS / 2], milliseconds[RUNS - 1]);
    println!("{what:34} median {median:7.1} ms   slowest {slowest:7.1} ms");
}

/// A sine from 50 Hz to 15 kHz with a little noise, so that no two frames are equal.
fn sweep_in_noise(length: usize) -> Vec<f32> {
    let mut phase = 0.0f64;
    let mut state = 7u32;
    (0..length)
        .map(|n| {
            phase += 50.0 * 300f64.powf(n as f64 / length as f64) / 32_000.0;
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
            0.1 * (std::f64::consts::TAU * phase.fract()).sin() as f32 + 1e-3 * noise
        })
        .collect()
}
