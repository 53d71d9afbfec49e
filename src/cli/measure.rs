//! `mondegreen measure`: how far two clips are apart, as a whole and in a part.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::common::{self, Compute, Failure};
use super::measures;
use crate::audio::{self, SAMPLE_RATE};
use crate::dsp::NYQUIST_HZ;
use crate::export::metrics_json;
use crate::metrics::{Metrics, Region};

/// Options of `measure`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The clean clip
    original: PathBuf,
    /// The changed clip, just as long
    adversarial: PathBuf,
    /// Measure a part as well: from this moment on, in seconds
    #[arg(long, value_name = "SECONDS", value_parser = common::not_negative)]
    from: Option<f64>,
    /// ... to this one
    #[arg(long, value_name = "SECONDS", value_parser = common::positive)]
    to: Option<f64>,
    /// ... from this frequency on
    #[arg(long, value_name = "HZ", value_parser = common::not_negative)]
    low: Option<f64>,
    /// ... to this one
    #[arg(long, value_name = "HZ", value_parser = common::positive)]
    high: Option<f64>,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
    /// Longest clip that is accepted, in seconds
    #[arg(long, default_value_t = audio::DEFAULT_LIMIT_SECONDS, value_parser = common::positive)]
    limit: f64,
    #[command(flatten)]
    compute: Compute,
}

/// Measures the change from one clip to the other.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let original = common::load(&arguments.original, arguments.limit)?;
    let adversarial = common::load(&arguments.adversarial, arguments.limit)?;
    let (x, y) = (&original.samples, &adversarial.samples);
    if x.len() != y.len() {
        return Err(Failure::Failed(format!(
            "{} has {} samples at {SAMPLE_RATE} Hz and {} has {}: only clips of the same length \
             compare",
            arguments.original.display(),
            x.len(),
            arguments.adversarial.display(),
            y.len()
        )));
    }
    let region = region(arguments, original.seconds())?;
    let pool = arguments.compute.pool()?;
    let metrics = pool.install(|| Metrics::of(x, y));
    let part = region.map(|region| {
        let (signal, change) = (region.level_of(x), region.level_of_change(x, y));
        (region, signal.snr_db(&change), change.peak_dbfs())
    });
    if arguments.json {
        let mut fields = metrics_json(&metrics);
        fields.insert("original".to_owned(), json!(arguments.original.to_string_lossy()));
        fields.insert("adversarial".to_owned(), json!(arguments.adversarial.to_string_lossy()));
        if let Some((region, snr, peak)) = part {
            let told = json!({
                "seconds": region.seconds, "hz": region.hz, "snr_db": snr, "peak_dbfs": peak,
            });
            fields.insert("part".to_owned(), told);
        }
        return common::say(Value::Object(fields));
    }
    for (name, words) in measures::lines(&metrics) {
        common::say(format_args!("  {name:<11}  {words}"))?;
    }
    if let Some((Region { seconds: [from, to], hz }, snr, peak)) = part {
        let band = hz.map_or(String::new(), |[low, high]| format!(", {low:.0} to {high:.0} Hz"));
        common::say(format_args!(
            "  in the part  SNR {snr:.2} dB, peak of r {peak:.1} dBFS ({from:.3} to {to:.3} s{band})"
        ))?;
    }
    Ok(())
}

/// The part that is to be measured, where one is.
fn region(arguments: &Arguments, whole: f64) -> Result<Option<Region>, Failure> {
    let Arguments { from, to, low, high, .. } = *arguments;
    if [from, to, low, high].iter().all(Option::is_none) {
        return Ok(None);
    }
    let seconds = [from.unwrap_or(0.0), to.unwrap_or(whole).min(whole)];
    let hz = (low.is_some() || high.is_some())
        .then(|| [low.unwrap_or(0.0), high.unwrap_or(NYQUIST_HZ).min(NYQUIST_HZ)]);
    let refuse = |name: &str, [from, to]: [f64; 2], unit: &str| {
        Failure::Usage(format!("the part has no {name}: it would be from {from} to {to} {unit}"))
    };
    if seconds[0] >= seconds[1] {
        return Err(refuse("length", seconds, "s"));
    }
    if let Some(hz) = hz.filter(|hz| hz[0] >= hz[1]) {
        return Err(refuse("width", hz, "Hz"));
    }
    Ok(Some(Region { seconds, hz }))
}
