//! `mondegreen explain`: where a model listens.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::common::{self, Compute, Failure};
use crate::attacks;
use crate::audio::{self, SAMPLE_RATE};
use crate::dsp::{Relevance, StftSettings, Weighing};
use crate::files;
use crate::models::ModelSource;

/// What a cell of the map tells.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Tells {
    /// How much the lead grows where the cell becomes 1 dB louder
    PerDecibel,
    /// How much the lead changes where something is added to the cell: the gradient's magnitude
    Gradient,
}

/// Options of `explain`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The clip, of any kind that can be decoded
    clip: PathBuf,
    /// Who hears it: vgg13, crnn, gcnn, dense-mel, dense-wav or a .safetensors file
    #[arg(long, default_value = "vgg13", value_parser = ModelSource::find)]
    model: ModelSource,
    /// The label whose cause is looked for (default: what the model hears)
    #[arg(long)]
    label: Option<String>,
    /// Write the map: a line a frame, a column a frequency
    #[arg(long, value_name = "CSV")]
    map: Option<PathBuf>,
    /// What the map's cells tell
    #[arg(long, value_enum, default_value_t = Tells::PerDecibel)]
    tells: Tells,
    /// Samples of the map's window, a power of two
    #[arg(long, default_value_t = 1024)]
    window: usize,
    /// Samples from one of its frames to the next
    #[arg(long, default_value_t = 256)]
    hop: usize,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
    /// Longest clip that is accepted, in seconds
    #[arg(long, default_value_t = audio::DEFAULT_LIMIT_SECONDS, value_parser = common::positive)]
    limit: f64,
    #[command(flatten)]
    compute: Compute,
}

/// A stretch of time or a band of frequencies, and its share of what the answer hangs on.
struct Share {
    from: f64,
    to: f64,
    share: f64,
}

/// Says where in time and frequency a model's answer comes from.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let asked = StftSettings { window: arguments.window, hop: arguments.hop };
    if asked.in_range() != asked {
        let StftSettings { window, hop } = asked.in_range();
        return Err(Failure::Usage(format!(
            "a window of {} and a hop of {} samples are out of range; the nearest are {window} and \
             {hop}",
            asked.window, asked.hop
        )));
    }
    if let Some(path) = &arguments.map {
        common::check_table(path)?;
    }
    let mut prepared = arguments.compute.prepare()?;
    let clip = common::load(&arguments.clip, arguments.limit)?;
    let model = prepared.model(&arguments.model)?;
    let labels = model.labels();
    let label = arguments.label.as_ref().map(|name| labels.find(name)).transpose();
    let label = label.map_err(|error| Failure::Usage(error.to_string()))?;
    let explained =
        prepared.pool.install(|| attacks::explain(model.as_ref(), &clip.samples, label));
    let why = explained.map_err(|error| prepared.failure(&arguments.clip, &error.to_string()))?;
    let weighing = match arguments.tells {
        Tells::PerDecibel => Weighing::PerDecibel,
        Tells::Gradient => Weighing::Gradient,
    };
    let map =
        prepared.pool.install(|| Relevance::compute(&why.gradient, &clip.samples, asked, weighing));
    if let Some(path) = &arguments.map {
        write_map(path, &map)?;
    }
    let linear = why.linear_snr_db(&clip.samples);
    let (when, where_) = (map.shares_of_time(8), map.shares_of_octaves());
    let share = |part: &(f64, f64, f64)| Share { from: part.0, to: part.1, share: part.2 };
    let (when, where_): (Vec<Share>, Vec<Share>) =
        (when.iter().map(share).collect(), where_.iter().map(share).collect());
    if arguments.json {
        let rows = |shares: &[Share], unit: &str| -> Vec<_> {
            let row = |part: &Share| json!({unit: [part.from, part.to], "share": part.share});
            shares.iter().map(row).collect()
        };
        return common::say(json!({
            "clip": arguments.clip.to_string_lossy(),
            "model": arguments.model.to_string(),
            "label": labels.name(why.label),
            "rival": labels.name(why.rival),
            "lead": why.lead,
            "linear_snr_db": linear,
            "lead_per_decibel": matches!(weighing, Weighing::PerDecibel).then(|| map.total()),
            "times": rows(&when, "seconds"),
            "bands": rows(&where_, "hz"),
        }));
    }
    common::say(format_args!("{}  {}", arguments.clip.display(), arguments.model.title()))?;
    common::say(format_args!(
        "  {} leads {} by {:.2} (natural logarithm of the ratio of their probabilities)",
        labels.title(why.label),
        labels.title(why.rival),
        why.lead
    ))?;
    common::say(format_args!(
        "  were that linear, a change at {linear:.1} dB SNR would make both equal; the answer hangs on"
    ))?;
    for (shares, digits, unit) in [(&when, 2, "s"), (&where_, 0, "Hz")] {
        for Share { from, to, share } in shares {
            let bar = "#".repeat((40.0 * share).round() as usize);
            let range = format!("{from:.digits$}-{to:.digits$} {unit}");
            common::say(format_args!("  {range:>16}  {:3.0} %  {bar}", 100.0 * share))?;
        }
    }
    Ok(())
}

fn write_map(path: &Path, map: &Relevance) -> Result<(), Failure> {
    let (settings, bins) = (map.heat().settings(), map.heat().bins());
    let rate = f64::from(SAMPLE_RATE);
    let mut table = String::from("seconds");
    for bin in 0..bins {
        table += &format!(",{} Hz", bin as f64 * rate / settings.window as f64);
    }
    for (frame, values) in map.values().chunks_exact(bins).enumerate() {
        table += &format!("\n{}", (frame * settings.hop) as f64 / rate);
        values.iter().for_each(|value| table += &format!(",{value:e}"));
    }
    table.push('\n');
    files::replace(path, table.as_bytes()).map_err(|error| common::unwritten(path, &error))
}
