//! Every format, rate and channel count becomes the clip that it is.
//!
//! The files are made at test time from a signal known as a formula, so that what comes out is
//! compared with what went in, whatever happened in between.

#[path = "support/sound.rs"]
mod sound;

use std::path::Path;
use std::process::Command;

use mondegreen::audio::{Clip, DEFAULT_LIMIT_SECONDS, LoadError, load, load_bytes, resample};
use sound::{Folder, aligned_snr, expected, run, snr};

fn load_ok(path: &Path) -> Clip {
    load(path, DEFAULT_LIMIT_SECONDS).unwrap_or_else(|error: LoadError| panic!("{error}"))
}

/// How a lossless or uncompressed format should come out: exactly as long, and so many dB good.
fn check(path: &Path, channels: usize, rate: u32, frames: usize, least_snr: f64) {
    let clip = load_ok(path);
    let name = path.file_name().unwrap().to_string_lossy();
    assert_eq!(clip.samples.len(), frames, "{name}: length");
    assert_eq!((clip.source_rate, clip.source_channels), (rate, channels), "{name}");
    assert_eq!(clip.path.as_deref(), Some(path));
    assert_eq!(*clip.name, *path.file_stem().unwrap().to_string_lossy());
    let edge = if rate == 32_000 { 0 } else { 1_500 };
    let snr = snr(&clip.samples, &expected(channels, frames), edge);
    println!("{name}: {snr:.1} dB");
    assert!(snr > least_snr, "{name}: {snr:.1} dB");
}

#[test]
fn every_rate_and_channel_count_is_resampled_and_averaged() {
    let folder = Folder::new();
    let rates = [
        8_000, 11_025, 12_345, 16_000, 22_050, 24_000, 32_000, 44_100, 44_101, 48_000, 88_200,
        96_000, 192_000,
    ];
    for rate in rates {
        for channels in [1, 2, 6] {
            let path = folder.wav(&format!("{rate}x{channels}.wav"), rate, channels, 0.7);
            // 0.7 s is not a whole number of frames at every rate.
            let frames = (0.7 * f64::from(rate)).round() / f64::from(rate) * 32_000.0;
            check(&path, channels, rate, frames.round() as usize, 85.0);
        }
    }
}

#[test]
fn a_rate_of_32_khz_goes_through_bit_for_bit() {
    let folder = Folder::new();
    let samples: Vec<f32> = (0..16_000).map(|i| (i as f32 * 0.1).sin() * 0.9).collect();
    let clip = load_ok(&folder.wav_of("a.wav", 32_000, 1, samples.iter().copied()));
    assert_eq!(*clip.samples, *samples);
    assert!(!clip.clipped);
}

#[test]
fn uncompressed_and_lossless_formats_come_out_within_rounding() {
    let folder = Folder::new();
    let source = folder.wav("source.wav", 32_000, 2, 0.7);
    // Rounding to b bits of this signal (power 0.07) leaves about 6.02 b - 7 dB.
    let formats: [(&str, &[&str], f64); 24] = [
        ("u8.wav", &["-c:a", "pcm_u8"], 40.0),
        ("s16.wav", &["-c:a", "pcm_s16le"], 88.0),
        ("s24.wav", &["-c:a", "pcm_s24le"], 130.0),
        ("s32.wav", &["-c:a", "pcm_s32le"], 135.0),
        ("f32.wav", &["-c:a", "pcm_f32le"], 135.0),
        ("f64.wav", &["-c:a", "pcm_f64le"], 135.0),
        ("alaw.wav", &["-c:a", "pcm_alaw"], 30.0),
        ("mulaw.wav", &["-c:a", "pcm_mulaw"], 30.0),
        ("s16.aiff", &["-c:a", "pcm_s16be"], 88.0),
        ("s24.aiff", &["-c:a", "pcm_s24be"], 130.0),
        ("f32.aiff", &["-c:a", "pcm_f32be"], 135.0),
        ("s16.flac", &["-sample_fmt", "s16"], 88.0),
        ("s24.flac", &["-sample_fmt", "s32"], 130.0),
        ("s16.oga", &["-c:a", "flac", "-sample_fmt", "s16"], 88.0),
        ("alac.m4a", &["-c:a", "alac", "-sample_fmt", "s16p"], 88.0),
        ("alac24.m4a", &["-c:a", "alac", "-sample_fmt", "s32p"], 130.0),
        ("alac.caf", &["-c:a", "alac", "-sample_fmt", "s16p"], 88.0),
        ("s16.caf", &["-c:a", "pcm_s16le"], 88.0),
        ("s24.caf", &["-c:a", "pcm_s24be"], 130.0),
        ("f32.caf", &["-c:a", "pcm_f32le"], 135.0),
        ("s16.mov", &["-c:a", "pcm_s16le"], 88.0),
        ("flac.mkv", &["-c:a", "flac", "-sample_fmt", "s16"], 88.0),
        ("s16.mkv", &["-c:a", "pcm_s16le"], 88.0),
        ("f32.mkv", &["-c:a", "pcm_f32le"], 135.0),
    ];
    for (name, options, least_snr) in formats {
        check(&folder.convert(&source, name, options), 2, 32_000, 22_400, least_snr);
    }
}

#[test]
fn lossy_formats_come_out_alike_aligned_and_as_long() {
    let folder = Folder::new();
    for rate in [44_100, 48_000] {
        let source = folder.wav(&format!("source{rate}.wav"), rate, 2, 2.0);
        // Name, options, least SNR in dB, and how far off in samples at 32 kHz: 0 where the format
        // tells delay and padding, else a codec frame or two. A delay that is no whole number of
        // samples at 32 kHz costs SNR.
        let formats: [(&str, &[&str], f64, isize); 10] = [
            ("a.mp3", &["-b:a", "256k"], 25.0, 1),
            ("vbr.mp3", &["-q:a", "2"], 25.0, 1),
            ("untagged.mp3", &["-b:a", "256k", "-write_xing", "0"], 18.0, 2_600),
            ("a.mp2", &["-b:a", "256k"], 18.0, 2_600),
            ("a.ogg", &["-c:a", "libvorbis", "-q:a", "7"], 20.0, 1),
            ("a.m4a", &["-c:a", "aac", "-b:a", "256k"], 18.0, 2_200),
            ("a.aac", &["-c:a", "aac", "-b:a", "256k"], 18.0, 2_200),
            ("a.webm", &["-c:a", "libvorbis", "-q:a", "7"], 20.0, 1_500),
            ("vorbis.mkv", &["-c:a", "libvorbis", "-q:a", "7"], 20.0, 1_500),
            ("aac.mkv", &["-c:a", "aac", "-b:a", "256k"], 18.0, 2_200),
        ];
        for (name, options, least_snr, reach) in formats {
            let path = folder.convert(&source, &format!("{rate}{name}"), options);
            let clip = load_ok(&path);
            let (snr, shift) = aligned_snr(&clip.samples, &expected(2, 64_000), reach);
            let length = clip.samples.len() as isize - 64_000;
            println!("{rate}{name}: {snr:.1} dB, {shift} late, {length} longer");
            assert!(snr > least_snr, "{rate}{name}: {snr:.1} dB at shift {shift}");
            assert!(length.abs() <= reach.max(1) + 1_000, "{rate}{name}: {length} longer");
            assert_eq!((clip.source_rate, clip.source_channels), (rate, 2));
        }
    }
}

#[test]
fn adpcm_is_decoded() {
    let folder = Folder::new();
    let source = folder.wav("source.wav", 22_050, 1, 2.0);
    for codec in ["adpcm_ms", "adpcm_ima_wav"] {
        let path = folder.convert(&source, &format!("{codec}.wav"), &["-c:a", codec]);
        let clip = load_ok(&path);
        // Four bits a sample are too few to compare with the source: ffmpeg decodes it too.
        let other = load_ok(&folder.convert(&path, "other.wav", &["-c:a", "pcm_s16le"]));
        let exact: Vec<f64> = other.samples.iter().map(|s| f64::from(*s)).collect();
        let snr = snr(&clip.samples, &exact, 1_500);
        assert!(snr > 80.0, "{codec}: {snr:.1} dB");
        // The last block is filled up.
        assert!((64_000..67_000).contains(&clip.samples.len()), "{}", clip.samples.len());
    }
}

#[test]
fn a_wav_that_was_streamed_loses_nothing() {
    let folder = Folder::new();
    folder.wav("source.wav", 32_000, 1, 0.7);
    // Through pipes, so that the writer neither knows the length nor can seek back to write it.
    let ffmpeg = "ffmpeg -v error -i source.wav -c:a pcm_f32le -f wav - | cat > out.wav";
    let sox = "ffmpeg -v error -i source.wav -f f32le - \
        | sox -V1 -t f32 -r 32000 -c 1 - -t wav - | cat > out.wav";
    for (line, unknown) in [(ffmpeg, u32::MAX), (sox, 0x7FFF_F000)] {
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(folder.path(""));
        run(command);
        let path = folder.path("out.wav");
        let head = std::fs::read(&path).unwrap();
        let data = head.windows(4).position(|four| four == b"data").unwrap() + 4;
        let stated = u32::from_le_bytes(head[data..data + 4].try_into().unwrap());
        assert!(stated.abs_diff(unknown) < 4_096, "the length is stated after all: {stated}");
        check(&path, 1, 32_000, 22_400, 135.0);
    }
}

#[test]
fn a_clip_in_memory_is_the_same_as_the_file() {
    let folder = Folder::new();
    let source = folder.wav("source.wav", 44_100, 2, 0.7);
    let path = folder.convert(&source, "a.flac", &["-sample_fmt", "s16"]);
    let bytes: &'static [u8] = std::fs::read(&path).unwrap().leak();
    let clip = load_bytes("Violin", bytes, DEFAULT_LIMIT_SECONDS).unwrap();
    assert_eq!((&*clip.name, &clip.path), ("Violin", &None));
    assert_eq!(clip.samples, load_ok(&path).samples);
}

#[test]
fn overshoot_is_clipped_and_said_and_level_is_never_changed() {
    let folder = Folder::new();
    let hot = (0..32_000).map(|i| 1.5 * (i as f32 * 0.05).sin());
    let clip = load_ok(&folder.wav_of("hot.wav", 32_000, 1, hot.clone()));
    assert!(clip.clipped);
    assert!(clip.samples.iter().zip(hot).all(|(a, e)| *a == e.clamp(-1.0, 1.0)));
    let square = (0..44_100).map(|i| if i / 50 % 2 == 0 { 1.0 } else { -1.0 });
    let clip = load_ok(&folder.wav_of("square.wav", 44_100, 1, square));
    assert!(clip.clipped, "resampling a full-scale square wave overshoots");
    assert!(clip.samples.iter().all(|sample| sample.abs() <= 1.0));
    let quiet = (0..32_000).map(|i| 0.001 * (i as f32 * 0.05).sin());
    let clip = load_ok(&folder.wav_of("quiet.wav", 32_000, 1, quiet));
    let peak = clip.samples.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    assert!(!clip.clipped && (peak - 0.001).abs() < 1e-6, "{peak}");
}

/// A tone of `hz` at `rate`.
fn tone(hz: f64, rate: u32, frames: usize) -> Vec<f32> {
    let step = std::f64::consts::TAU * hz / f64::from(rate);
    (0..frames).map(|i| (0.5 * (i as f64 * step).sin()) as f32).collect()
}

#[test]
fn the_resampler_keeps_tones_and_removes_what_would_alias() {
    for (from, to) in [
        (44_100, 32_000),
        (48_000, 32_000),
        (96_000, 32_000),
        (44_101, 32_000),
        (12_345, 32_000),
        (8_000, 32_000),
        (32_000, 44_100),
        (32_000, 48_000),
    ] {
        let lowest = f64::from(from.min(to)) / 2.0;
        let frames = from as usize;
        for part in [0.05, 0.3, 0.6, 0.9] {
            let hz = lowest * part;
            let out = resample(&tone(hz, from, frames), from, to).unwrap();
            assert_eq!(out.len(), to as usize);
            let exact: Vec<f64> = tone(hz, to, to as usize).into_iter().map(f64::from).collect();
            let snr = snr(&out, &exact, 2_000);
            assert!(snr > 80.0, "{hz:.0} Hz from {from} to {to}: {snr:.1} dB");
        }
        if from > to {
            for part in [1.05, 1.2] {
                // Faded in and out: an abrupt tone has a part below the limit too.
                let faded = tone(lowest * part, from, frames).into_iter().enumerate();
                let faded = faded.map(|(i, sample)| {
                    sample * (std::f32::consts::PI * i as f32 / frames as f32).sin().powi(2)
                });
                let out = resample(&faded.collect::<Vec<_>>(), from, to).unwrap();
                let peak = out.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
                assert!(peak < 0.5e-4, "{part} of {lowest} Hz from {from} leaves {peak}");
            }
        }
    }
}

#[test]
fn the_resampler_agrees_with_sox() {
    let folder = Folder::new();
    let source = folder.wav("source.wav", 44_100, 1, 0.7);
    let other = folder.path("sox.wav");
    let mut command = Command::new("sox");
    command.arg(&source).args(["-b", "32", "-e", "floating-point"]).arg(&other);
    command.args(["rate", "-v", "32000"]);
    run(command);
    let exact: Vec<f64> = load_ok(&other).samples.iter().map(|s| f64::from(*s)).collect();
    let snr = snr(&load_ok(&source).samples, &exact, 1_500);
    assert!(snr > 90.0, "{snr:.1} dB");
}
