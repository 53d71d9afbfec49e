//! What can't become a clip, or be written, says which file, why, and what to do.

#[path = "support/sound.rs"]
#[allow(dead_code)]
mod sound;

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Instant;

use mondegreen::audio::{
    DEFAULT_LIMIT_SECONDS, LoadError, SaveError, load, load_bytes, write_pair, write_wav_f32,
};
use rand::{Rng as _, SeedableRng as _};
use sound::Folder;

/// The error of loading `path`, whose message must name the file and contain `words`.
fn refused(path: &Path, words: &str) -> LoadError {
    let error = load(path, DEFAULT_LIMIT_SECONDS).expect_err(&path.display().to_string());
    let message = error.to_string();
    assert!(message.contains(&path.display().to_string()), "no file name: {message}");
    assert!(message.contains(words), "\u{201c}{words}\u{201d} is not in: {message}");
    error
}

fn file_with(folder: &Folder, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.path(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// `path` cut to `share` of its bytes.
fn cut(folder: &Folder, path: &Path, share: f64) -> PathBuf {
    let bytes = fs::read(path).unwrap();
    let name = format!("cut-{}", path.file_name().unwrap().to_string_lossy());
    file_with(folder, &name, &bytes[..(bytes.len() as f64 * share) as usize])
}

#[test]
fn what_is_no_file() {
    let folder = Folder::new();
    assert!(matches!(
        refused(&folder.path("no.wav"), "does not exist"),
        LoadError::NotFound { .. }
    ));
    fs::create_dir(folder.path("dir.wav")).unwrap();
    let error = refused(&folder.path("dir.wav"), "is a folder");
    assert!(matches!(error, LoadError::NotAFile { .. }));
    let inside = file_with(&folder, "a.txt", b"x").join("b.wav");
    assert!(matches!(refused(&inside, "does not exist"), LoadError::NotFound { .. }));
    #[cfg(unix)]
    {
        let error = refused(Path::new("/dev/null"), "a device or pipe");
        assert!(matches!(error, LoadError::NotAFile { .. }));
    }
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    let path = folder.wav("secret.wav", 32_000, 1, 0.5);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    // The superuser may read everything, and then so may the program.
    if File::open(&path).is_ok() {
        assert!(load(&path, DEFAULT_LIMIT_SECONDS).is_ok());
    } else {
        assert!(matches!(refused(&path, "may not be read"), LoadError::Denied { .. }));
    }
}

#[test]
fn what_is_no_sound() {
    let folder = Folder::new();
    let empty = file_with(&folder, "empty.wav", b"");
    assert!(matches!(refused(&empty, "is empty"), LoadError::Empty { .. }));
    let text = file_with(&folder, "text.wav", "To be or not to be. ".repeat(500).as_bytes());
    assert!(matches!(refused(&text, "is not a sound file"), LoadError::NotAudio { .. }));
    let short = file_with(&folder, "short.mp3", b"hello");
    assert!(matches!(refused(&short, "is not a sound file"), LoadError::NotAudio { .. }));
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(5);
    let noise: Vec<u8> = (0..50_000).map(|_| random.random()).collect();
    refused(&file_with(&folder, "noise.bin", &noise), "");
    let film = folder.path("film.mp4");
    let mut command = std::process::Command::new("ffmpeg");
    command.args(["-v", "error", "-f", "lavfi", "-i", "testsrc=duration=0.2:size=64x64"]);
    sound::run({
        command.args(["-c:v", "mpeg4"]).arg(&film);
        command
    });
    assert!(matches!(refused(&film, "no sound track"), LoadError::NoTrack { .. }));
    assert!(matches!(
        load_bytes("Bundled", b"nothing", DEFAULT_LIMIT_SECONDS),
        Err(LoadError::NotAudio { file }) if file == "Bundled"
    ));
}

#[test]
fn what_is_cut_off() {
    let folder = Folder::new();
    let source = folder.wav("source.wav", 44_100, 2, 2.0);
    let stated: [(&str, &[&str]); 3] =
        [("a.wav", &[]), ("a.flac", &[]), ("a.mp3", &["-b:a", "192k"])];
    for (name, options) in stated {
        let whole = folder.convert(&source, name, options);
        load(&whole, DEFAULT_LIMIT_SECONDS).unwrap_or_else(|error| panic!("{error}"));
        match refused(&cut(&folder, &whole, 0.6), "is cut off") {
            LoadError::Truncated { read, expected: Some(expected), .. } => {
                assert!((expected - 2.0).abs() < 0.1, "{name}: {expected} s promised");
                assert!((0.8..1.6).contains(&read), "{name}: {read} s read");
            }
            other => panic!("{name}: {other}"),
        }
    }
    // Nothing can be read of these: the index comes last in an ordinary MP4, and the demuxers
    // refuse a chunk that goes beyond the end.
    let refusing: [(&str, &[&str]); 7] = [
        ("slow.m4a", &[]),
        ("fast.m4a", &["-movflags", "+faststart"]),
        ("alac.m4a", &["-c:a", "alac", "-movflags", "+faststart"]),
        ("a.aiff", &[]),
        ("flac.oga", &["-c:a", "flac"]),
        ("a.caf", &["-c:a", "pcm_s16le"]),
        ("a.mkv", &["-c:a", "libvorbis"]),
    ];
    for (name, options) in refusing {
        let whole = folder.convert(&source, name, options);
        let error = refused(&cut(&folder, &whole, 0.6), "is cut off");
        assert!(matches!(error, LoadError::Truncated { read: 0.0, .. }), "{error:?}");
    }
    // Hardly the beginning of the header.
    for name in ["a.wav", "a.flac", "a.aiff"] {
        let error = refused(&cut(&folder, &folder.path(name), 0.0001), "is cut off");
        assert!(matches!(error, LoadError::Truncated { expected: None, .. }), "{error:?}");
    }
}

#[test]
fn what_does_not_state_its_length_gives_what_is_there() {
    let folder = Folder::new();
    let source = folder.wav("source.wav", 44_100, 2, 3.0);
    let streams: [(&str, &[&str]); 3] = [
        ("a.ogg", &["-c:a", "libvorbis"]),
        ("a.aac", &["-c:a", "aac"]),
        ("untagged.mp3", &["-write_xing", "0"]),
    ];
    for (name, options) in streams {
        let whole = folder.convert(&source, name, options);
        let clip = load(&cut(&folder, &whole, 0.6), DEFAULT_LIMIT_SECONDS)
            .unwrap_or_else(|error| panic!("{error}"));
        assert!((1.0..2.4).contains(&clip.seconds()), "{name}: {} s", clip.seconds());
    }
}

#[test]
fn codecs_that_are_not_there() {
    let folder = Folder::new();
    let source = folder.wav("source.wav", 48_000, 2, 0.5);
    for name in ["a.opus", "a.webm", "a.mka"] {
        let path = folder.convert(&source, name, &["-c:a", "libopus"]);
        let error = refused(&path, "holds Opus sound, which can't be decoded here; convert it");
        assert!(matches!(error, LoadError::Codec { .. }));
    }
    let ac3 = folder.convert(&source, "ac3.mka", &["-c:a", "ac3"]);
    assert!(matches!(refused(&ac3, "holds AC-3 sound"), LoadError::Codec { .. }));
    let wma = folder.convert(&source, "wma.mka", &["-c:a", "wmav2"]);
    let error = refused(&wma, "no sound track that can be decoded here");
    assert!(matches!(error, LoadError::NoTrack { .. }));
}

#[test]
fn silence_and_nonsense() {
    let folder = Folder::new();
    let nothing = folder.wav_of("nothing.wav", 44_100, 1, []);
    assert!(matches!(refused(&nothing, "holds no sound"), LoadError::NoSamples { .. }));
    let short = folder.wav("short.wav", 32_000, 1, 0.09);
    assert!(matches!(refused(&short, "too short: 0.090 s"), LoadError::TooShort { .. }));
    assert!(load(&folder.wav("enough.wav", 32_000, 1, 0.1), 60.0).is_ok());
    let silent = folder.wav_of("silent.wav", 32_000, 2, vec![0.0; 20_000]);
    let error = refused(&silent, "is silent; choose");
    assert!(matches!(error, LoadError::Silent { cancels: false, .. }));
    for name in ["silent.mp3", "silent.flac", "silent.m4a"] {
        let path = folder.convert(&silent, name, &[]);
        assert!(matches!(refused(&path, "is silent"), LoadError::Silent { .. }));
    }
    let sides = (0..20_000).flat_map(|i| {
        let sample = (i as f32 * 0.1).sin();
        [sample, -sample]
    });
    let error = refused(&folder.wav_of("cancel.wav", 32_000, 2, sides), "cancel each other");
    assert!(matches!(error, LoadError::Silent { cancels: true, .. }));
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut samples = vec![0.1; 32_000];
        samples[16_000] = bad;
        let path = folder.wav_of("bad.wav", 32_000, 1, samples);
        match refused(&path, "no numbers (NaN or infinity), the first at 0.500 s") {
            LoadError::NonFinite { at, .. } => assert_eq!(at, 0.5),
            other => panic!("{other:?}"),
        }
    }
    let slow = folder.wav("rate.wav", 10, 1, 30.0);
    assert!(matches!(refused(&slow, "10 Hz"), LoadError::Damaged { .. }));
}

#[test]
fn an_hour_is_refused_from_its_header_at_once() {
    let folder = Folder::new();
    let path = folder.wav_of("hour.wav", 44_100, 2, [0.1; 2_000]);
    // The header of an hour, and a hole where the sound would be.
    let bytes = 3_600 * 44_100 * 2 * 4_u32;
    let head = fs::read(&path).unwrap();
    let data = head.windows(4).position(|four| four == b"data").unwrap();
    let mut file = File::options().write(true).open(&path).unwrap();
    file.seek(SeekFrom::Start(4)).unwrap();
    file.write_all(&(bytes + data as u32).to_le_bytes()).unwrap();
    file.seek(SeekFrom::Start(data as u64 + 4)).unwrap();
    file.write_all(&bytes.to_le_bytes()).unwrap();
    file.set_len(u64::from(bytes) + data as u64 + 8).unwrap();
    let error = refused(&path, "is too long: 3600 s, and the limit is 60 s");
    // Exact: read in the header. Decoding would have stopped at the limit without knowing the end.
    assert!(matches!(error, LoadError::TooLong { exact: true, .. }));
}

#[test]
fn the_limit_can_be_changed_and_stops_decoding_where_the_length_is_not_stated() {
    let folder = Folder::new();
    let source = folder.wav("source.wav", 32_000, 2, 3.0);
    assert!(matches!(load(&source, 2.9), Err(LoadError::TooLong { exact: true, .. })));
    assert!(load(&source, 3.0).is_ok());
    let stream = folder.convert(&source, "a.mp3", &["-write_xing", "0"]);
    let error = load(&stream, 2.0).unwrap_err();
    assert!(matches!(error, LoadError::TooLong { exact: false, .. }), "{error:?}");
    assert!(error.to_string().contains("too long: more than 2 s"), "{error}");
    assert!(load(&stream, 4.0).is_ok());
}

#[test]
fn no_damage_takes_the_program_down() {
    let folder = Folder::new();
    let source = folder.wav("source.wav", 22_050, 2, 0.4);
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(11);
    let mut refusals = 0;
    let names = [
        "a.wav",
        "a.aiff",
        "a.flac",
        "a.mp3",
        "a.ogg",
        "a.m4a",
        "a.aac",
        "a.caf",
        "a.mka",
        "adpcm.wav",
    ];
    for name in names {
        let options: &[&str] = if name == "adpcm.wav" { &["-c:a", "adpcm_ms"] } else { &[] };
        let whole = fs::read(folder.convert(&source, &format!("whole-{name}"), options)).unwrap();
        for round in 0..60 {
            let mut bytes = whole.clone();
            // Mostly near the beginning, where the structure is.
            let reach = if round % 2 == 0 { bytes.len().min(400) } else { bytes.len() };
            for _ in 0..random.random_range(1..12) {
                let at = random.random_range(0..reach);
                bytes[at] = random.random();
            }
            if round % 5 == 0 {
                bytes.truncate(random.random_range(1..whole.len()));
            }
            let path = file_with(&folder, name, &bytes);
            let start = Instant::now();
            match load(&path, 5.0) {
                Ok(clip) => assert!(clip.samples.iter().all(|s| s.abs() <= 1.0)),
                Err(error) => {
                    refusals += 1;
                    assert!(error.to_string().contains(name), "{error}");
                }
            }
            assert!(start.elapsed().as_secs() < 5, "{name} round {round} hangs");
        }
    }
    println!("{refusals} of 600 refused");
    assert!(refusals > 50);
}

/// What is in `folder`, by name.
fn listing(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_is_written_comes_back_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let samples: Vec<f32> = (0..20_000).map(|i| (i as f32 * 0.013).sin() * 0.99).collect();
    let path = folder.path().join("a.wav");
    write_wav_f32(&path, &[0.5; 4_000]).unwrap();
    write_wav_f32(&path, &samples).unwrap();
    assert_eq!(listing(folder.path()), ["a.wav"], "no temporary file stays");
    let reader = hound::WavReader::open(&path).unwrap();
    let spec = reader.spec();
    assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (1, 32_000, 32));
    assert_eq!(spec.sample_format, hound::SampleFormat::Float);
    assert_eq!(*load(&path, 60.0).unwrap().samples, *samples);
}

#[test]
fn pairs_overwrite_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (original, adversarial) = (vec![0.1; 4_000], vec![0.2; 4_000]);
    for expected in ["Glock_en", "Glock_en-2", "Glock_en-3"] {
        let paths = write_pair(folder.path(), "Glock/en", &original, &adversarial).unwrap();
        assert_eq!(paths[0], folder.path().join(format!("{expected}_nat.wav")));
        assert_eq!(paths[1], folder.path().join(format!("{expected}_adv.wav")));
        assert_eq!(load(&paths[0], 60.0).unwrap().samples[0], 0.1);
        assert_eq!(load(&paths[1], 60.0).unwrap().samples[0], 0.2);
    }
    assert_eq!(listing(folder.path()).len(), 6);
}

#[test]
fn what_can_not_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("no/such/a.wav");
    let error = write_wav_f32(&missing, &[0.0; 10]).unwrap_err();
    assert!(matches!(error, SaveError::NoFolder { .. }));
    assert!(error.to_string().contains("no/such does not exist; create it"), "{error}");
    let error = write_wav_f32(folder.path(), &[0.0; 10]).unwrap_err();
    assert!(matches!(error, SaveError::IsFolder { .. }));
    // Whoever runs this: nobody can make a file there.
    #[cfg(target_os = "linux")]
    {
        let error = write_wav_f32(Path::new("/sys/a.wav"), &[0.0; 10]).unwrap_err();
        assert!(matches!(error, SaveError::Denied { .. }), "{error:?}");
        assert!(error.to_string().contains("/sys/a.wav"), "{error}");
    }
    let long = folder.path().join(format!("{}.wav", "x".repeat(300)));
    let error = write_wav_f32(&long, &[0.0; 10]).unwrap_err();
    assert!(matches!(error, SaveError::Io { .. }), "{error:?}");
    assert!(listing(folder.path()).is_empty(), "nothing is left behind");
}
