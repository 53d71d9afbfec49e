//! `mondegreen inspect`: what a model is fed of a clip, and what it says of each part.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::common::{self, Compute, Failure};
use crate::audio::{self, SAMPLE_RATE};
use crate::export::label_json;
use crate::files;
use crate::models::{FeatureKind, Features, Inspection, ModelSource, Part, Verdict};

/// Options of `inspect`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The clip, of any kind that can be decoded
    clip: PathBuf,
    /// Who hears it: vgg13, crnn, gcnn, dense-mel, dense-wav or a .safetensors file
    #[arg(long, default_value = "vgg13", value_parser = ModelSource::find)]
    model: ModelSource,
    /// Write what the network is fed: a line a frame, a column a band
    #[arg(long, value_name = "CSV")]
    features: Option<PathBuf>,
    /// How many labels to show of each part
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..))]
    top: u16,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
    /// Longest clip that is accepted, in seconds
    #[arg(long, default_value_t = audio::DEFAULT_LIMIT_SECONDS, value_parser = common::positive)]
    limit: f64,
    #[command(flatten)]
    compute: Compute,
}

/// Shows a clip as a model takes it in.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(path) = &arguments.features {
        common::check_table(path)?;
    }
    let mut prepared = arguments.compute.prepare()?;
    let clip = common::load(&arguments.clip, arguments.limit)?;
    let model = prepared.model(&arguments.model)?;
    let inspected = prepared.pool.install(|| model.inspect(&clip.samples));
    let inspection =
        inspected.map_err(|error| prepared.failure(&arguments.clip, &error.to_string()))?;
    if let Some(path) = &arguments.features {
        write_features(path, arguments, inspection.features.as_ref())?;
    }
    if arguments.json {
        return common::say(object(arguments, &inspection));
    }
    common::say(format_args!("{}  {}", arguments.clip.display(), arguments.model.title()))?;
    let fed = inspection.features.as_ref().map_or("the waveform".to_owned(), |features| {
        format!(
            "{} bands every {} ms, {}",
            features.bands(),
            1000.0 * seconds(features.hop as f64),
            name(features.kind)
        )
    });
    common::say(format_args!("  is fed       {fed}"))?;
    for part in &inspection.parts {
        let [from, to] = part.samples.map(seconds);
        let heard = words(&part.verdict, arguments.top);
        common::say(format_args!("  {from:6.2}-{to:.2} s  {heard}"))?;
    }
    common::say(format_args!("  the whole    {}", words(&inspection.verdict, arguments.top)))
}

fn seconds(samples: f64) -> f64 {
    samples / f64::from(SAMPLE_RATE)
}

fn words(verdict: &Verdict, top: u16) -> String {
    let ranked = verdict.ranked(usize::from(top)).into_iter();
    let each = ranked
        .map(|(label, probability)| format!("{} {probability:.2}", verdict.labels.title(label)));
    each.collect::<Vec<_>>().join(", ")
}

fn name(kind: FeatureKind) -> &'static str {
    match kind {
        FeatureKind::LogMel => "log-mel in dB below the clip's maximum",
        FeatureKind::StandardisedLogMel => "log-mel in standard deviations of the training data",
        FeatureKind::Filterbank => "learned filters, ln(1 + amplitude)",
    }
}

fn object(arguments: &Arguments, inspection: &Inspection) -> Value {
    let top = |verdict: &Verdict| -> Vec<Value> {
        let ranked = verdict.ranked(usize::from(arguments.top)).into_iter();
        ranked.map(|(label, _)| label_json(verdict, label)).collect()
    };
    let part =
        |part: &Part| json!({"seconds": part.samples.map(seconds), "top": top(&part.verdict)});
    let fed = inspection.features.as_ref().map(|features| {
        json!({
            "kind": name(features.kind),
            "bands": features.bands(),
            "frames": features.frames(),
            "first_seconds": seconds(features.first),
            "hop_seconds": seconds(features.hop as f64),
            "centres_hz": features.centres_hz.as_ref(),
        })
    });
    json!({
        "clip": arguments.clip.to_string_lossy(),
        "model": arguments.model.to_string(),
        "features": fed,
        "parts": inspection.parts.iter().map(part).collect::<Vec<_>>(),
        "top": top(&inspection.verdict),
    })
}

fn write_features(
    path: &Path,
    arguments: &Arguments,
    features: Option<&Features>,
) -> Result<(), Failure> {
    let Some(features) = features else {
        let title = arguments.model.title();
        return Err(Failure::Failed(format!(
            "{title} is fed the waveform itself, so that there is nothing to write to {}",
            path.display()
        )));
    };
    let mut table = String::from("seconds");
    for hz in features.centres_hz.iter() {
        table += &format!(",{hz:.1} Hz");
    }
    for (frame, values) in features.values.chunks_exact(features.bands().max(1)).enumerate() {
        let moment = seconds(features.first + (frame * features.hop) as f64);
        table += &format!("\n{moment}");
        values.iter().for_each(|value| table += &format!(",{value}"));
    }
    table.push('\n');
    files::replace(path, table.as_bytes()).map_err(|error| common::unwritten(path, &error))
}
