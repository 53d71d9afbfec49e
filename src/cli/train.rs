//! `mondegreen train`: weights from labelled recordings.

use std::path::{Path, PathBuf};
use std::time::Duration;

use candle_core::Device;
use clap::Args;
use indicatif::ProgressBar;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::common::{self, Compute, Failure, Prepared};
use crate::audio;
use crate::files;
use crate::metrics::Classification;
use crate::models::{ModelId, NamedTensors, WEIGHTS_EXTENSION, is_weights_file, network};
use crate::training::{
    Augmentation, DataSet, Epoch, Material, News, Part, Place, Recording, Recordings, Report,
    Settings, Trainer, TrainingError, calibrate, finish, hold_back, write_log,
};

/// Options of `train`.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The model to train
    #[arg(long, value_parser = ModelId::find)]
    model: ModelId,
    /// A folder with one folder a label, a CSV list (file, label, split), or FSDKaggle2018
    #[arg(long, value_name = "DIR|CSV")]
    data: PathBuf,
    /// The weights file to make; beside it come a checkpoint, a log in CSV and its picture
    #[arg(long, value_name = "FILE.safetensors")]
    out: PathBuf,
    /// How often as many examples are seen as there are recordings
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..))]
    epochs: u32,
    /// Examples of a step
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u32).range(2..=4096))]
    batch: u32,
    /// Highest learning rate
    #[arg(long, default_value_t = 1e-3, value_parser = common::positive)]
    learning_rate: f64,
    /// Epochs in which the learning rate rises; then it falls along a cosine
    #[arg(long, default_value_t = 1.0, value_parser = common::not_negative)]
    warm_up: f64,
    /// Decoupled weight decay (AdamW); 0 is Adam
    #[arg(long, default_value_t = 1e-2, value_parser = common::not_negative)]
    weight_decay: f64,
    /// Parts of the even distribution in targets
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    label_smoothing: f64,
    /// 0 draws labels as often as the data has them, 1 equally often
    #[arg(long, default_value_t = 0.75, value_parser = share)]
    balance: f64,
    /// What part of the model's full input an example has at first
    #[arg(long, default_value_t = 1.0, value_parser = part)]
    crop: f64,
    /// After this part of all epochs examples are whole and nothing is mixed
    #[arg(long, default_value_t = 0.85, value_parser = share)]
    full_from: f64,
    /// How much of the averaged weights, which are what comes out, stays at each step
    #[arg(long, default_value_t = 0.998, value_parser = share)]
    averaging: f64,
    /// Share of the training recordings that is held back to validate with, by group
    #[arg(long, default_value_t = 0.1, value_parser = share)]
    validation: f64,
    /// Epochs without a lower validation loss after which it stops with the best weights; 0: never
    #[arg(long, default_value_t = 0)]
    patience: usize,
    /// Mixup's alpha; 0: no mixing
    #[arg(long, default_value_t = 0.4, value_parser = common::not_negative)]
    mixup: f64,
    /// Speed and pitch, up to so many semitones up or down
    #[arg(long, default_value_t = 2.0, value_parser = up_to::<24>)]
    semitones: f64,
    /// Gain, up to so many dB up or down; the five models hear the level of nothing but near silence
    #[arg(long, default_value_t = 6.0, value_parser = up_to::<60>)]
    gain: f64,
    /// Highs louder or softer than lows by up to so many dB
    #[arg(long, default_value_t = 8.0, value_parser = up_to::<60>)]
    shelf: f64,
    /// Share of examples with background noise
    #[arg(long, default_value_t = 0.3, value_parser = share)]
    noise: f64,
    /// Masked stripes of bands and of frames, so many of each
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=32))]
    masks: u8,
    /// For everything random
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Weights to start from: a file of any model, whose tensors of the same names and shapes are taken
    #[arg(long, value_name = "FILE")]
    start: Option<PathBuf>,
    /// Begin anew where a checkpoint of an earlier run is
    #[arg(long)]
    fresh: bool,
    /// Minutes between two checkpoints
    #[arg(long, default_value_t = 3.0, value_parser = common::positive)]
    checkpoint_minutes: f64,
    /// Folder for decoded recordings (default: the user's cache)
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    #[command(flatten)]
    compute: Compute,
    /// Longest recording that is accepted, in seconds
    #[arg(long, default_value_t = audio::DEFAULT_LIMIT_SECONDS, value_parser = common::positive)]
    limit: f64,
    /// One JSON object on stdout at the end
    #[arg(long)]
    json: bool,
}

/// A number from 0 to 1.
fn share(text: &str) -> Result<f64, String> {
    let number = common::finite(text)?;
    if (0.0..=1.0).contains(&number) { Ok(number) } else { Err("it must be 0 to 1".to_owned()) }
}

/// A share that is not too small: the networks' pools must leave a frame.
fn part(text: &str) -> Result<f64, String> {
    let number = share(text)?;
    if number >= 0.25 { Ok(number) } else { Err("it must be 0.25 to 1".to_owned()) }
}

/// A number from 0 to `MOST`.
fn up_to<const MOST: u16>(text: &str) -> Result<f64, String> {
    let number = common::finite(text)?;
    let fits = (0.0..=f64::from(MOST)).contains(&number);
    if fits { Ok(number) } else { Err(format!("it must be 0 to {MOST}")) }
}

impl Arguments {
    fn settings(&self, data: &DataSet, start: Option<String>) -> Settings {
        Settings {
            model: self.model.name().to_owned(),
            epochs: self.epochs as usize,
            batch: self.batch as usize,
            learning_rate: self.learning_rate,
            warm_up: self.warm_up,
            weight_decay: self.weight_decay,
            label_smoothing: self.label_smoothing,
            balance: self.balance,
            crop: self.crop,
            full_from: self.full_from,
            averaging: self.averaging,
            validation: self.validation,
            patience: self.patience,
            augmentation: Augmentation {
                mixup: self.mixup,
                semitones: self.semitones as f32,
                gain_db: self.gain as f32,
                shelf_db: self.shelf as f32,
                noise: self.noise,
                masks: self.masks.into(),
            },
            seed: self.seed,
            data: data.sha256(),
            start,
        }
    }
}

/// Trains, or goes on where an earlier run was stopped.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let failed = |error: TrainingError| Failure::Failed(error.to_string());
    if !is_weights_file(&arguments.out) {
        let name = arguments.out.display();
        return Err(Failure::Usage(format!(
            "--out {name}: weights files end in .{WEIGHTS_EXTENSION}"
        )));
    }
    files::check_place(&arguments.out)
        .map_err(|source| failed(TrainingError::Write { path: arguments.out.clone(), source }))?;
    let Prepared { pool, compute, .. } = arguments.compute.prepare()?;
    let done = pool.install(|| train(arguments, compute.device.clone()));
    let done = done.map_err(|error| Failure::Failed(compute.explain(&error.to_string())))?;
    done.print(arguments)
}

/// What came out.
struct Summary {
    report: Report,
    epochs: usize,
    seconds: f64,
    bytes: usize,
    temperature: Option<f64>,
}

fn train(arguments: &Arguments, device: Device) -> Result<Summary, TrainingError> {
    let data = DataSet::open(&arguments.data)?;
    let (list, test_list) = (data.part(Part::Train), data.part(Part::Test));
    let cache = arguments.cache.clone().unwrap_or_else(default_cache);
    let recordings = decode(&list, arguments.limit, &cache)?;
    let test = decode(&test_list, arguments.limit, &cache)?;
    let [learn, validate] = hold_back(&list, arguments.validation, arguments.seed);
    eprintln!(
        "{}: {} labels; {} recordings to learn from, {} held back, {} to test",
        data.name,
        data.labels.len(),
        learn.len(),
        validate.len(),
        test_list.len()
    );
    let (start, start_hash) = match &arguments.start {
        Some(path) => {
            let (weights, hash) = read_start(path)?;
            (weights, Some(hash))
        }
        None => (Vec::new(), None),
    };
    let settings = arguments.settings(&data, start_hash);
    let pause = Duration::try_from_secs_f64(60.0 * arguments.checkpoint_minutes);
    let pause = pause.unwrap_or(Duration::MAX);
    let place = Place { device, weights: arguments.out.clone(), pause };
    let checkpoint = place.checkpoint();
    if arguments.fresh && checkpoint.exists() {
        std::fs::remove_file(&checkpoint)
            .map_err(|source| TrainingError::Write { path: checkpoint.clone(), source })?;
    }
    let network = network(arguments.model);
    let material = Material {
        data: &data,
        list: &list,
        recordings: &recordings,
        learn: learn.clone(),
        validate,
    };
    let mut trainer = Trainer::new(network, material, settings, &start, place.clone())?;
    let mut history = trainer.history().to_vec();
    let bar = common::progress_bar(0);
    let mut trained = trainer.run(|news| {
        if let News::Epoch(epoch) = news {
            history.push(epoch);
            if let Err(error) = write_log(&history, &arguments.out) {
                bar.suspend(|| eprintln!("mondegreen: {error}"));
            }
        }
        tell(&bar, news);
    })?;
    bar.finish_and_clear();
    let temperature = calibrate(&mut trained, network, trainer.material(), &place)?;
    let lists = [&list[..], &test_list[..]];
    let report = finish(&mut trained, lists, [&recordings, &test], &learn, &place)?;
    let bytes = trained.to_bytes(true)?;
    files::replace(&arguments.out, &bytes)
        .map_err(|source| TrainingError::Write { path: arguments.out.clone(), source })?;
    let seconds = history.last().map_or(0.0, |epoch| epoch.seconds);
    Ok(Summary { report, epochs: history.len(), seconds, bytes: bytes.len(), temperature })
}

fn tell(bar: &ProgressBar, news: News) {
    match news {
        News::Resumed { step } => {
            bar.reset_eta();
            bar.set_position(step);
            eprintln!("goes on after step {step}");
        }
        News::Step { step, steps, loss } => {
            bar.set_length(steps);
            bar.set_position(step);
            bar.set_message(format!("loss {loss:.3}"));
        }
        News::Epoch(epoch) => bar.suspend(|| eprintln!("{}", line(&epoch))),
        News::NotSaved(error) => bar.suspend(|| {
            eprintln!("mondegreen: {error}. Training goes on, and will try to save again");
        }),
    }
}

fn line(epoch: &Epoch) -> String {
    let mut line = format!(
        "epoch {:3}  {:6.0} s  rate {:.1e}  loss {:.3}",
        epoch.epoch, epoch.seconds, epoch.rate, epoch.loss
    );
    let validated = (epoch.accuracy, epoch.map_at_3, epoch.validation_loss);
    if let (Some(accuracy), Some(map), Some(loss)) = validated {
        line += &format!(
            "  validation: accuracy {:.1} %  MAP@3 {map:.3}  loss {loss:.3}",
            100.0 * accuracy
        );
    }
    line
}

impl Summary {
    fn print(&self, arguments: &Arguments) -> Result<(), Failure> {
        let Self { report, epochs, seconds, bytes, temperature } = self;
        let test = report.test.as_ref();
        if arguments.json {
            return common::say(json!({
                "model": arguments.model.name(),
                "out": arguments.out.to_string_lossy(),
                "epochs": epochs,
                "seconds": seconds,
                "bytes": bytes,
                "temperature": temperature,
                "training_accuracy": report.learned.accuracy(),
                "test_accuracy": test.map(Classification::accuracy),
                "test_map_at_3": test.map(Classification::map_at_3),
                "test_confidence_where_correct": test.and_then(Classification::confidence_where_correct),
                "changed_by_rounding": report.changed_by_rounding,
            }));
        }
        common::say(format_args!(
            "{}: {epochs} epochs, {seconds:.0} s; {:.1} % of what it learned from",
            arguments.out.display(),
            100.0 * report.learned.accuracy()
        ))?;
        let Some(test) = test else { return Ok(()) };
        common::say(format_args!(
            "test: accuracy {:.1} %, MAP@3 {:.3}, confidence where correct {}; f16 renames {} of {}",
            100.0 * test.accuracy(),
            test.map_at_3(),
            common::confidence(test.confidence_where_correct()),
            report.changed_by_rounding,
            test.len()
        ))
    }
}

fn default_cache() -> PathBuf {
    directories::ProjectDirs::from("", "", "Mondegreen")
        .map_or_else(std::env::temp_dir, |folders| folders.cache_dir().to_owned())
}

fn decode(list: &[&Recording], limit: f64, cache: &Path) -> Result<Recordings, TrainingError> {
    let bar = common::progress_bar(list.len());
    bar.set_message("decoding");
    let recordings = Recordings::open(list, limit, cache, |done| bar.set_position(done as u64));
    bar.finish_and_clear();
    recordings
}

/// The tensors of a weights file, and its hash.
fn read_start(path: &Path) -> Result<(NamedTensors, String), TrainingError> {
    let bytes = std::fs::read(path)
        .map_err(|source| TrainingError::Read { path: path.to_owned(), source })?;
    let damaged = |error: candle_core::Error| {
        TrainingError::Start(format!("{} is no weights file: {error}", path.display()))
    };
    let tensors = candle_core::safetensors::load_buffer(&bytes, &Device::Cpu).map_err(damaged)?;
    let mut weights = Vec::new();
    for (name, tensor) in tensors {
        weights.push((name, tensor.to_dtype(candle_core::DType::F32)?));
    }
    let hash = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((weights, hash))
}
