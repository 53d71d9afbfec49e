//! `mondegreen classify`: name clips.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::common::{self, Compute, Failure};
use crate::audio;
use crate::export::label_json;
use crate::models::{ModelSource, Verdict};

/// Options of `classify`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The clips, of any kind that can be decoded
    #[arg(required = true)]
    clips: Vec<PathBuf>,
    /// Who names them: vgg13, crnn, gcnn, dense-mel, dense-wav, a .safetensors file, or `all`
    #[arg(long, default_value = "vgg13", value_parser = common::parse_models)]
    model: common::Models,
    /// How many labels to show
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..))]
    top: u16,
    /// One JSON object a line on stdout
    #[arg(long)]
    json: bool,
    /// Longest clip that is accepted, in seconds
    #[arg(long, default_value_t = audio::DEFAULT_LIMIT_SECONDS, value_parser = common::positive)]
    limit: f64,
    #[command(flatten)]
    compute: Compute,
}

/// Names every clip with every model; a clip that can't be read does not keep the others from
/// being named.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut prepared = arguments.compute.prepare()?;
    let models = prepared.models(&arguments.model)?;
    let mut failed = 0;
    for path in &arguments.clips {
        let clip = match audio::load(path, arguments.limit) {
            Ok(clip) => clip,
            Err(error) => {
                eprintln!("mondegreen: {error}");
                failed += 1;
                continue;
            }
        };
        for (source, model) in &models {
            match prepared.pool.install(|| model.classify(&clip.samples)) {
                Ok(verdict) => print(arguments, path, source, &verdict)?,
                Err(error) => {
                    let error = prepared.compute.explain(&error.to_string());
                    eprintln!("mondegreen: {}: {} failed: {error}", path.display(), source.title());
                    failed += 1;
                }
            }
        }
    }
    if failed > 0 { Err(Failure::Partly(failed)) } else { Ok(()) }
}

fn print(
    arguments: &Arguments,
    path: &Path,
    source: &ModelSource,
    verdict: &Verdict,
) -> Result<(), Failure> {
    let ranked = verdict.ranked(usize::from(arguments.top));
    let (label, confidence) = verdict.top();
    if arguments.json {
        let top: Vec<_> = ranked.iter().map(|&(label, _)| label_json(verdict, label)).collect();
        let line = json!({
            "clip": path.to_string_lossy(),
            "model": source.to_string(),
            "label": verdict.labels.name(label),
            "confidence": confidence,
            "top": top,
        });
        return common::say(line);
    }
    common::say(format_args!("{}  {}", path.display(), source.title()))?;
    for (label, probability) in ranked {
        common::say(format_args!("  {probability:.3}  {}", verdict.labels.title(label)))?;
    }
    Ok(())
}
