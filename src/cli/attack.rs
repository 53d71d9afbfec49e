//! `mondegreen attack`: make a model mishear a clip.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use indicatif::ProgressBar;
use serde_json::Value;

use super::aftermath::Aftermath;
use super::attack_options::Options;
use super::common::{self, Compute, Failure, Models, Prepared};
use super::measures;
use crate::attacks::{AttackId, Flow, Goal, Problem, Progress, Status, TracePoint};
use crate::audio::{self, Clip, WavDepth};
use crate::export::{self, Contents, Destination, Pictures, Record};
use crate::figure::Figure;
use crate::models::{Classifier, Labels, ModelSource, ScoreKind, TargetChoice, TargetRule};
use crate::names::UnknownName;
use crate::survival::Survived;

/// Options of `attack`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The clip, of any kind that can be decoded
    clip: PathBuf,
    /// Whom to fool: vgg13, crnn, gcnn, dense-mel, dense-wav, or a .safetensors file
    #[arg(long, default_value = "vgg13", value_parser = ModelSource::find)]
    model: ModelSource,
    /// With which attack: white-noise, fgsm, pgd, deepfool, carlini-wagner, masked-carlini-wagner,
    /// lbfgs or bayes-opt. Ctrl-C ends a search and keeps the best so far
    #[arg(long, default_value = "carlini-wagner", value_parser = AttackId::find)]
    attack: AttackId,
    /// Into which label (default: any other); `random` draws one from the seed, `least-likely` takes
    /// the one that the model finds least likely
    #[arg(long, value_name = "LABEL")]
    target: Option<String>,
    /// The clip's true label; a clip that the model misnames is then left alone
    #[arg(long, value_name = "TRUE_LABEL")]
    label: Option<String>,
    #[command(flatten)]
    options: Options,
    /// Seed of everything random
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Write the adversarial clip here
    #[arg(short, long, value_name = "ADV.wav")]
    output: Option<PathBuf>,
    /// Write the clean clip here too, as the model heard it
    #[arg(long, value_name = "NAT.wav")]
    original: Option<PathBuf>,
    /// Write the figure here: both spectrograms side by side (PNG or SVG)
    #[arg(long, value_name = "FIG.png")]
    figure: Option<PathBuf>,
    /// Write everything into this folder, or into this ZIP: both clips, the figure, the steps, and
    /// all that is needed to compute it again
    #[arg(long, value_name = "DIR|FILE.zip")]
    export: Option<PathBuf>,
    /// How WAVs hold samples: 32 (float, bit for bit), 24 or 16 bits. What fewer bits do to the
    /// result is said on stderr
    #[arg(long, value_name = "BITS", default_value = "32", value_parser = wav_depth)]
    wav_bits: WavDepth,
    /// Ask the model again after rounding, resampling, compression, filters and noise
    #[arg(long)]
    survival: bool,
    /// Ask the other models, too
    #[arg(long)]
    transfer: bool,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
    /// Longest clip that is accepted, in seconds
    #[arg(long, default_value_t = audio::DEFAULT_LIMIT_SECONDS, value_parser = common::positive)]
    limit: f64,
    #[command(flatten)]
    compute: Compute,
}

/// Attacks one clip, writes what was asked for, and says how it ended.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    arguments.options.check(arguments.attack, arguments.target.is_some())?;
    let writes_wavs = [&arguments.output, &arguments.original, &arguments.export];
    if arguments.wav_bits != WavDepth::Float32 && writes_wavs.iter().all(|path| path.is_none()) {
        return Err(Failure::Usage(
            "--wav-bits is for WAVs, and none is written: name one with -o, --original or --export"
                .to_owned(),
        ));
    }
    check_places(arguments)?;
    let mut prepared = arguments.compute.prepare()?;
    let clip = common::load(&arguments.clip, arguments.limit)?;
    let model = prepared.model(&arguments.model)?;
    let others = if arguments.transfer {
        let others = ModelSource::named().filter(|source| *source != arguments.model);
        prepared.models(&Models { sources: others.collect(), all: true })?
    } else {
        Vec::new()
    };
    let usage = |error: UnknownName| Failure::Usage(error.to_string());
    let name = |name: &String| model.labels().find(name);
    let true_label = arguments.label.as_ref().map(name).transpose().map_err(usage)?;
    let choose = |name: &String| TargetChoice::find(model.labels(), name);
    let target = arguments.target.as_ref().map(choose).transpose().map_err(usage)?;
    let spec = arguments.options.spec(arguments.attack);
    let problem = Problem {
        samples: Arc::clone(&clip.samples),
        goal: goal(arguments, &prepared, model.as_ref(), &clip, (target, true_label))?,
        true_label,
        seed: arguments.seed,
        sixteen_bit: spec.sixteen_bit,
    };
    if problem.true_label.is_some() && problem.true_label == problem.goal.target() {
        return Err(Failure::Usage(
            "the target is the clip's own label; choose another".to_owned(),
        ));
    }
    if spec.log_scores && model.score_kind() == ScoreKind::Logits {
        return Err(Failure::Usage(format!(
            "{} gives logits, which are logarithms already; leave --log-scores away",
            arguments.model.title()
        )));
    }
    if let Some(reason) = spec.misfit(model.score_kind()) {
        return Err(Failure::Usage(format!("{}: {reason}", arguments.model.title())));
    }
    if clip.clipped {
        eprintln!(
            "mondegreen: {}: samples beyond full scale were clipped to it; the clip is heard and \
             attacked so",
            arguments.clip.display()
        );
    }
    let bar = common::progress_bar(1);
    let mut trace = Vec::new();
    let stop = Arc::new(AtomicBool::new(false));
    common::stop_on_signals(&stop)?;
    let mut observer = |progress: &Progress<'_>| {
        show(&bar, progress);
        trace.push(TracePoint::of(progress));
        if stop.load(Ordering::Relaxed) { Flow::Stop } else { Flow::Continue }
    };
    let attack = spec.build();
    let mut outcome = prepared.pool.install(|| attack.run(model.as_ref(), &problem, &mut observer));
    bar.finish_and_clear();
    if let Status::Failed(reason) = &mut outcome.status {
        *reason = prepared.compute.explain(reason);
    }
    let mut record = Record {
        name: None,
        clip,
        model: arguments.model.clone(),
        card: Some(Box::new(model.card().clone())),
        spec,
        true_label: problem.true_label,
        outcome,
        threads: Some(prepared.pool.current_num_threads()),
        device: Some(prepared.compute.name.clone()),
        trace: trace.into(),
        survival: None,
        transfer: None,
    };
    let failed = match &record.outcome.status {
        Status::Failed(reason) => {
            Err(Failure::Failed(format!("{}: {reason}", arguments.clip.display())))
        }
        _ => Ok(()),
    };
    // What it had found until it failed may have taken long.
    if failed.is_err() && record.outcome.samples == record.clip.samples {
        report(arguments, &record, &Aftermath::default(), None, false)?;
        return failed;
    }
    // A full disk must not cost the numbers of a long search.
    let written = write(arguments, &record);
    let mut aftermath = Aftermath::default();
    let (clean, outcome) = (&record.clip.samples, &record.outcome);
    if arguments.survival && failed.is_err() {
        eprintln!("mondegreen: the attack failed, so nobody asks what survives");
    } else if arguments.survival && !(outcome.is_adversarial() && outcome.metrics.peak > 0.0) {
        eprintln!("mondegreen: the result fools nobody, so there is nothing to survive");
    } else if arguments.survival {
        // The search may have been ended by Ctrl-C, which then is not meant for this.
        stop.store(false, Ordering::Relaxed);
        aftermath.survive(&prepared, model.as_ref(), clean, outcome, &stop);
    }
    let asked = if arguments.transfer && failed.is_ok() {
        aftermath.transfer(&prepared, &others, clean, outcome)
    } else {
        Ok(())
    };
    record.survival.clone_from(&aftermath.survival);
    record.transfer.clone_from(&aftermath.transfer);
    let mut rounded = None;
    let written = written.and_then(|()| {
        rounded = heard_rounded(arguments, &record, &aftermath, &prepared, model.as_ref());
        export(arguments, &record, rounded.as_ref())
    });
    report(arguments, &record, &aftermath, rounded.as_ref(), written.is_ok())?;
    if let (Err(_), Err(unwritten)) = (&failed, &written) {
        eprintln!("mondegreen: {unwritten}");
    }
    failed.and(written).and(asked)
}

/// Where the attack is to go. A rule needs to know what the model hears.
fn goal(
    arguments: &Arguments,
    prepared: &Prepared,
    model: &dyn Classifier,
    clip: &Clip,
    (target, true_label): (Option<TargetChoice>, Option<usize>),
) -> Result<Goal, Failure> {
    let rule = match target {
        None => return Ok(Goal::Untargeted),
        Some(TargetChoice::Label(label)) => return Ok(Goal::Targeted(label)),
        Some(TargetChoice::Rule(rule)) => rule,
    };
    let verdict = prepared.pool.install(|| model.classify(&clip.samples));
    let verdict = verdict.map_err(|error| prepared.failure(&arguments.clip, &error.to_string()))?;
    let original = true_label.unwrap_or_else(|| verdict.top().0);
    let target = rule.target(&verdict, original, arguments.seed).ok_or_else(|| {
        Failure::Usage(format!("{} has no other label to aim at", arguments.model.title()))
    })?;
    Ok(Goal::Targeted(target))
}

fn wav_depth(text: &str) -> Result<WavDepth, String> {
    let depth = text.parse().ok().and_then(WavDepth::of_bits);
    depth.ok_or_else(|| "it must be 32, 24 or 16".to_owned())
}

/// The files that were asked for.
fn outputs(arguments: &Arguments) -> impl Iterator<Item = &PathBuf> {
    let Arguments { original, output, figure, export, .. } = arguments;
    [original, output, figure, export].into_iter().flatten()
}

/// A path in the one form that tells whether two are the same file, whether it exists or not.
fn whereabouts(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| {
        let folder = path.parent().filter(|folder| *folder != Path::new(""));
        let folder = folder.unwrap_or(Path::new(".")).canonicalize();
        folder.unwrap_or_default().join(path.file_name().unwrap_or_default())
    })
}

/// Refuses files that can't be written before the attack computes for minutes, not after it.
fn check_places(arguments: &Arguments) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let mut places = vec![whereabouts(&arguments.clip)];
    for path in outputs(arguments) {
        let place = whereabouts(path);
        if place == places[0] {
            let path = path.display();
            return Err(Failure::Usage(format!("{path} is the clip itself; name another file")));
        }
        if places.contains(&place) {
            let path = path.display();
            return Err(Failure::Usage(format!(
                "{path} was given for two outputs; name two files"
            )));
        }
        places.push(place);
    }
    for path in [&arguments.output, &arguments.original].into_iter().flatten() {
        audio::check_place(path).map_err(|e| failed(&e))?;
    }
    let figure = arguments.figure.as_deref();
    figure.map_or(Ok(()), Figure::check_place).map_err(|e| failed(&e))?;
    let export = arguments.export.clone().map(Destination::of);
    export.as_ref().map_or(Ok(()), export::check_destination).map_err(|e| failed(&e))
}

fn show(bar: &ProgressBar, progress: &Progress<'_>) {
    bar.set_length(progress.of as u64);
    bar.set_position(progress.iteration as u64);
    let (label, confidence) = progress.verdict.top();
    let best = progress.best_snr_db.map_or("nothing yet".to_owned(), |db| format!("{db:.1} dB"));
    bar.set_message(format!(
        "best {best}  now {} {confidence:.2}",
        progress.verdict.labels.title(label)
    ));
}

/// Writes the single files that were asked for.
fn write(arguments: &Arguments, record: &Record) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::Failed(error.to_string());
    let depth = arguments.wav_bits;
    if let Some(path) = &arguments.output {
        audio::write_wav(path, &record.outcome.samples, depth).map_err(|e| failed(&e))?;
    }
    if let Some(path) = &arguments.original {
        audio::write_wav(path, &record.clip.samples, depth).map_err(|e| failed(&e))?;
    }
    if let Some(path) = &arguments.figure {
        let figure = record.figure(arguments.model.title(), Pictures::default());
        figure.write(path).map_err(|e| failed(&e))?;
    }
    Ok(())
}

/// The rule that chose the target, where one did.
fn target_rule(arguments: &Arguments, labels: &Labels) -> Option<TargetRule> {
    TargetChoice::find(labels, arguments.target.as_deref()?).ok()?.rule()
}

/// What the model hears in the adversarial clip as it is written, where files hold fewer bits.
fn heard_rounded(
    arguments: &Arguments,
    record: &Record,
    aftermath: &Aftermath,
    prepared: &Prepared,
    model: &dyn Classifier,
) -> Option<Survived> {
    let writes_wavs = arguments.output.is_some() || arguments.export.is_some();
    let transform = export::rounding(arguments.wav_bits).filter(|_| writes_wavs)?;
    let (clean, outcome) = (&record.clip.samples, &record.outcome);
    let rounded = aftermath.after(transform, prepared, model, clean, outcome)?;
    let title = arguments.model.title();
    eprintln!("mondegreen: {}", export::rounding_words(outcome, &rounded, &title).words);
    Some(rounded)
}

/// Writes the folder or ZIP that was asked for.
fn export(
    arguments: &Arguments,
    record: &Record,
    rounded: Option<&Survived>,
) -> Result<(), Failure> {
    let title = arguments.model.title();
    let Some(path) = arguments.export.clone() else { return Ok(()) };
    let contents = Contents { depth: arguments.wav_bits, ..Contents::default() };
    let (pictures, to) = (Pictures::default(), Destination::of(path));
    export::write(record, &title, contents, pictures, rounded, &to)
        .map(|_| ())
        .map_err(|error| Failure::Failed(error.to_string()))
}

fn report(
    arguments: &Arguments,
    record: &Record,
    aftermath: &Aftermath,
    rounded: Option<&Survived>,
    written: bool,
) -> Result<(), Failure> {
    let outcome = &record.outcome;
    if arguments.json {
        let mut fields = export::summary_json(record, &arguments.clip.to_string_lossy());
        let rule = target_rule(arguments, &outcome.original.labels).map(TargetRule::name);
        fields.insert("target_rule".to_owned(), rule.into());
        if let Some(rounded) = rounded.filter(|_| written) {
            let heard = export::survived_json(rounded, outcome);
            fields.insert("written".to_owned(), heard.into());
        }
        return common::say(Value::Object(fields));
    }
    let reason = outcome.remark().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let named =
        |verdict: &crate::models::Verdict| format!("{} {:.2}", verdict.title(), verdict.top().1);
    common::say(format_args!("{}: {}{reason}", arguments.attack.title(), outcome.ended()))?;
    if let Some(target) = outcome.goal.target() {
        let labels = &outcome.original.labels;
        let how = match target_rule(arguments, labels) {
            Some(TargetRule::Random) => format!(" (drawn at random, seed {})", outcome.seed),
            Some(TargetRule::LeastLikely) => " (the least likely)".to_owned(),
            None => String::new(),
        };
        common::say(format_args!("  target       {}{how}", labels.title(target)))?;
    }
    common::say(format_args!("  original     {}", named(&outcome.original)))?;
    common::say(format_args!("  adversarial  {}", named(&outcome.adversarial)))?;
    for (name, words) in measures::lines(&outcome.metrics) {
        common::say(format_args!("  {name:<11}  {words}"))?;
    }
    common::say(format_args!(
        "  effort       {} steps, {} gradients, {:.1} s",
        outcome.iterations, outcome.gradient_evaluations, outcome.seconds
    ))?;
    for line in aftermath.lines() {
        common::say(format_args!("  {line}"))?;
    }
    for path in outputs(arguments).filter(|_| written) {
        common::say(format_args!("  written      {}", path.display()))?;
    }
    Ok(())
}
