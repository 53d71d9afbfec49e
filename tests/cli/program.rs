//! Runs the program as people and scripts do, and reads what it writes.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// How one run ended.
pub struct Run {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

/// The program, ready to run in the repository's root with the weights of the repository.
pub fn command<S: AsRef<OsStr>>(arguments: &[S]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mondegreen"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null());
    command.env_remove("MONDEGREEN_MODELS");
    command
}

/// Runs the program; however it ends, it must not be by a panic or a signal.
pub fn run<S: AsRef<OsStr>>(arguments: &[S]) -> Run {
    finish(command(arguments))
}

/// As [`run`], for a command with more to it than arguments.
pub fn finish(mut command: Command) -> Run {
    let output = command.output().expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("the program writes UTF-8");
    let (stdout, stderr) = (text(output.stdout), text(output.stderr));
    let status = output.status.code().unwrap_or_else(|| panic!("killed by a signal: {stderr}"));
    assert!(!stderr.contains("panicked"), "{stderr}");
    Run { status, stdout, stderr }
}

impl Run {
    /// The output of a run that did all it was asked, without a word on stderr.
    pub fn done(self) -> String {
        assert_eq!(self.status, 0, "{}", self.stderr);
        assert_eq!(self.stderr, "");
        self.stdout
    }

    /// The one JSON object of a run that did all it was asked.
    pub fn json(self) -> Value {
        let stdout = self.done();
        assert_eq!(stdout.lines().count(), 1, "{stdout}");
        serde_json::from_str(&stdout).expect("stdout is one JSON object")
    }

    /// The message of a run that ended with this status and gave no result.
    pub fn message(self, status: i32) -> String {
        assert_eq!(self.status, status, "{}{}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "");
        self.stderr
    }
}

/// Checks that `text` has all of `parts`.
pub fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "“{part}” is not in: {text}");
    }
}

/// The names of an object's fields.
pub fn fields(value: &Value) -> BTreeSet<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// A number of a JSON object.
pub fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

/// A bundled clip, relative to the repository's root.
pub fn bundled(name: &str) -> String {
    let path = format!("assets/clips/{name}.flac");
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path).is_file(), "{path}");
    path
}

/// The first second of the bundled knock, which a few steps of Carlini & Wagner's attack fool.
pub fn knock(folder: &Path) -> PathBuf {
    let knock = Path::new(env!("CARGO_MANIFEST_DIR")).join(bundled("knock"));
    let clip = mondegreen::audio::load(&knock, 60.0).expect("the bundled knock");
    let path = folder.join("knock.wav");
    mondegreen::audio::write_wav_f32(&path, &clip.samples[..32_000]).expect("a WAV");
    path
}

/// The samples of a WAV that must be what DESIGN asks for: 32-bit float, mono, 32 kHz.
pub fn samples(path: &Path) -> Vec<f32> {
    let mut reader = hound::WavReader::open(path).expect("a WAV");
    let expected = hound::WavSpec {
        channels: 1,
        sample_rate: 32_000,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    assert_eq!(reader.spec(), expected);
    let samples: Vec<f32> = reader.samples().map(|sample| sample.expect("a sample")).collect();
    assert!(samples.iter().all(|sample| sample.abs() <= 1.0));
    samples
}

/// 10 log10(sum x^2 / sum (y - x)^2) in dB.
pub fn snr_db(clean: &[f32], adversarial: &[f32]) -> f64 {
    assert_eq!(clean.len(), adversarial.len());
    let energy = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
    let signal = energy(&mut clean.iter().map(|&x| f64::from(x)));
    let pairs = clean.iter().zip(adversarial);
    let noise = energy(&mut pairs.map(|(&x, &y)| f64::from(y) - f64::from(x)));
    10.0 * (signal / noise).log10()
}
