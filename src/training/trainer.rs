//! The training loop.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

use super::augment::Augmentation;
use super::checkpoint::Checkpoint;
use super::data_set::{DataSet, Recording};
use super::error::TrainingError;
use super::examples::{Draw, Examples, PAD};
use super::export::Trained;
use super::finish::classify_all;
use super::optimiser::{Optimiser, StepSize};
use super::recordings::Recordings;
use super::settings::Settings;
use crate::audio::SAMPLE_RATE;
use crate::metrics::Classification;
use crate::models::{Classifier, NamedTensors, Network, TrainedLayers, Weights, build};
use crate::nn::trained::cross_entropy;

/// The most batches whose statistics the batch norms of the averaged weights get.
const STATISTICS_BATCHES: u64 = 12;

/// What an epoch gave.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct Epoch {
    /// Its number, from 1.
    pub epoch: usize,
    /// Learning rate at its end.
    pub rate: f64,
    /// Mean loss of its steps, on varied and mixed examples.
    pub loss: f64,
    /// Accuracy on the held back recordings, with the averaged weights; none if none were held back.
    pub accuracy: Option<f64>,
    /// Mean average precision at 3 on them.
    pub map_at_3: Option<f64>,
    /// Cross entropy on them.
    pub validation_loss: Option<f64>,
    /// Seconds since the run began, pauses left out.
    pub seconds: f64,
}

/// What a run tells while it goes on.
#[derive(Clone, Debug)]
pub enum News {
    /// It goes on after so many steps of an earlier run.
    Resumed {
        /// Steps done.
        step: u64,
    },
    /// A step was done.
    Step {
        /// Steps done.
        step: u64,
        /// Of so many.
        steps: u64,
        /// The step's loss.
        loss: f64,
    },
    /// An epoch was done.
    Epoch(Epoch),
    /// A checkpoint could not be written, and why; the run goes on and tries again.
    NotSaved(String),
}

/// Where a run learns from.
pub struct Material<'a> {
    /// The data set.
    pub data: &'a DataSet,
    /// Those of its recordings that `recordings` has, in the same order.
    pub list: &'a [&'a Recording],
    /// Their samples.
    pub recordings: &'a Recordings,
    /// Indices into `list` to learn from.
    pub learn: Vec<usize>,
    /// Indices into `list` to validate with.
    pub validate: Vec<usize>,
}

/// Where a run computes, and what it leaves on the way.
#[derive(Clone, Debug)]
pub struct Place {
    /// What the network computes with. Weights, their optimiser and examples are on the CPU.
    pub device: Device,
    /// The weights file that it is for; checkpoints are beside it.
    pub weights: PathBuf,
    /// Time from one checkpoint to the next.
    pub pause: Duration,
}

impl Place {
    /// The file of the checkpoints.
    pub fn checkpoint(&self) -> PathBuf {
        self.weights.with_extension("checkpoint")
    }
}

/// A training run.
pub struct Trainer<'a> {
    network: &'a dyn Network,
    material: Material<'a>,
    examples: Examples<'a>,
    /// Mean and standard deviation for the weights file.
    standard: (Vec<f32>, Vec<f32>),
    state: Checkpoint,
    place: Place,
}

impl<'a> Trainer<'a> {
    /// A run that goes on from its checkpoint, if there is one. Where there is none it begins with
    /// `start`, tensors of the same name and shape replacing random ones.
    ///
    /// # Errors
    /// Where the checkpoint is of other settings or damaged, or the material can't be read.
    pub fn new(
        network: &'a dyn Network,
        material: Material<'a>,
        settings: Settings,
        start: &NamedTensors,
        place: Place,
    ) -> Result<Self, TrainingError> {
        let labels = material.data.labels.len();
        let mut examples = Examples::new(
            material.recordings,
            material.list,
            &material.learn,
            labels,
            network.feed(),
            [settings.balance, settings.label_smoothing],
            settings.seed,
        )?;
        let standard = examples.measure()?;
        let initial = network.initial(labels, settings.seed)?;
        let checkpoint = place.checkpoint();
        let mut taken = 0;
        let state = match Checkpoint::load(&checkpoint)? {
            Some(state) => {
                let differences = settings.differences(&state.settings);
                let reason = if !differences.is_empty() {
                    format!("it was made with other settings ({})", differences.join(", "))
                } else if !state.optimiser.is_of(&initial) {
                    "it is of another network, of another version of the program".to_owned()
                } else {
                    String::new()
                };
                if !reason.is_empty() {
                    let what_to_do = "Give the same ones to go on, or --fresh to begin anew";
                    let reason = format!("{reason}. {what_to_do}");
                    return Err(TrainingError::Checkpoint { path: checkpoint, reason });
                }
                state
            }
            None => {
                let mut weights = initial;
                for (name, value) in &mut weights {
                    let known = start.iter().find(|(known, _)| known == name);
                    if let Some((_, known)) = known.filter(|(_, k)| k.dims() == value.dims()) {
                        *value = known.clone();
                        taken += 1;
                    }
                }
                Checkpoint {
                    settings,
                    step: 0,
                    loss_sum: 0.0,
                    history: Vec::new(),
                    optimiser: Optimiser::new(&weights)?,
                    seconds: 0.0,
                    best: None,
                }
            }
        };
        if taken == 0 && !start.is_empty() && state.step == 0 {
            let reason = "no tensor of the file to start from has a name and shape of this network";
            return Err(TrainingError::Start(reason.to_owned()));
        }
        if state.settings.patience > 0 && material.validate.is_empty() {
            return Err(TrainingError::Data {
                path: PathBuf::from(&material.data.name),
                reason: "nothing is held back to validate with, which --patience needs. Give a \
                         larger --validation"
                    .to_owned(),
            });
        }
        Ok(Self { network, material, examples, standard, state, place })
    }

    /// Steps of an epoch.
    fn epoch_steps(&self) -> u64 {
        (self.material.learn.len() as u64).div_ceil(self.state.settings.batch as u64).max(1)
    }

    /// What it learns from.
    pub fn material(&self) -> &Material<'a> {
        &self.material
    }

    /// The finished epochs.
    pub fn history(&self) -> &[Epoch] {
        &self.state.history
    }

    /// Trains to the end, and gives the weights. Whoever calls installs the threads to compute with.
    ///
    /// # Errors
    /// Where the loss is no number any more, or a file can't be read or written.
    pub fn run(&mut self, mut tell: impl FnMut(News)) -> Result<Trained, TrainingError> {
        let epoch_steps = self.epoch_steps();
        let steps = epoch_steps * self.state.settings.epochs as u64;
        if self.state.step > 0 {
            tell(News::Resumed { step: self.state.step });
        }
        let mut saved = Instant::now();
        while self.state.step < steps && !self.is_enough() {
            let started = Instant::now();
            let loss = self.step(steps)?;
            self.state.loss_sum += loss;
            tell(News::Step { step: self.state.step, steps, loss });
            let at_end = self.state.step.is_multiple_of(epoch_steps);
            if at_end {
                self.finish_epoch(epoch_steps, steps, started)?;
                if let Some(epoch) = self.state.history.last() {
                    tell(News::Epoch(*epoch));
                }
            } else {
                self.state.seconds += started.elapsed().as_secs_f64();
            }
            let over = self.state.step == steps || (at_end && self.is_enough());
            if saved.elapsed() >= self.place.pause || over {
                if let Err(error) = self.state.save(&self.place.checkpoint()) {
                    tell(News::NotSaved(error.to_string()));
                }
                saved = Instant::now();
            }
        }
        match &self.state.best {
            Some((_, trained)) => Ok(trained.clone()),
            None => self.trained(self.state.history.len()),
        }
    }

    /// What the examples of a step are like.
    fn draw(&self, step: u64, steps: u64) -> Draw {
        let settings = &self.state.settings;
        let size = settings.batch;
        if step as f64 > settings.full_from * steps as f64 {
            let augmentation = Augmentation { mixup: 0.0, ..settings.augmentation };
            return Draw { size, length: 1.0, augmentation };
        }
        Draw { size, length: settings.crop, augmentation: settings.augmentation }
    }

    fn step(&mut self, steps: u64) -> Result<f64, TrainingError> {
        let step = self.state.step + 1;
        let (inputs, targets) = self.examples.batch(step, &self.draw(step, steps))?;
        let device = &self.place.device;
        let mut layers = TrainedLayers::new(&self.state.optimiser.weights(false)?, device)?;
        let logits = self.network.forward(&mut layers, &inputs.to_device(device)?)?;
        let (loss, slope) = cross_entropy(&logits, &targets.to_device(device)?)?;
        let variables: Vec<_> = layers.variables().iter().collect();
        let gradients = logits.gradients(&slope, &variables)?;
        let settings = &self.state.settings;
        let size = StepSize {
            step,
            rate: settings.rate(step, steps),
            decay: settings.weight_decay,
            averaging: settings.averaging,
        };
        let norm = self.state.optimiser.step(&gradients, &size)?;
        if !(loss.is_finite() && norm.is_finite()) {
            return Err(TrainingError::Diverged { step, loss, norm });
        }
        self.state.step = step;
        Ok(loss)
    }

    fn finish_epoch(
        &mut self,
        epoch_steps: u64,
        steps: u64,
        started: Instant,
    ) -> Result<(), TrainingError> {
        let mut epoch = Epoch {
            epoch: self.state.history.len() + 1,
            rate: self.state.settings.rate(self.state.step, steps),
            loss: self.state.loss_sum / epoch_steps as f64,
            accuracy: None,
            map_at_3: None,
            validation_loss: None,
            seconds: 0.0,
        };
        if !self.material.validate.is_empty() {
            let trained = self.trained(epoch.epoch)?;
            let said = self.validate(&trained)?;
            epoch.accuracy = Some(said.accuracy());
            epoch.map_at_3 = Some(said.map_at_3());
            epoch.validation_loss = Some(said.cross_entropy());
            let loss = said.cross_entropy();
            if self.state.settings.patience > 0
                && self.state.best.as_ref().is_none_or(|(best, _)| loss < *best)
            {
                self.state.best = Some((loss, trained));
            }
        }
        self.state.loss_sum = 0.0;
        self.state.seconds += started.elapsed().as_secs_f64();
        epoch.seconds = self.state.seconds;
        self.state.history.push(epoch);
        Ok(())
    }

    /// Whether the validation loss has not fallen for too long.
    fn is_enough(&self) -> bool {
        let patience = self.state.settings.patience;
        let losses: Vec<_> = self.state.history.iter().filter_map(|e| e.validation_loss).collect();
        let best = losses.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
        patience > 0 && best.is_some_and(|(index, _)| losses.len() - 1 - index >= patience)
    }

    /// The averaged weights after so many epochs, with statistics of recordings that are neither
    /// varied nor mixed.
    fn trained(&self, epochs: usize) -> Result<Trained, TrainingError> {
        let settings = &self.state.settings;
        let mut tensors = self.state.optimiser.weights(true)?;
        let mut sums: Vec<(String, Vec<f64>, Vec<f64>)> = Vec::new();
        let batches = self.epoch_steps().clamp(2, STATISTICS_BATCHES);
        for batch in 0..batches {
            let draw = Draw { size: settings.batch, length: 1.0, augmentation: Augmentation::NONE };
            // Steps that no training run reaches.
            let (inputs, _) = self.examples.batch((1 << 40) + batch, &draw)?;
            let mut layers = TrainedLayers::frozen(&tensors, &self.place.device)?;
            self.network.forward(&mut layers, &inputs.to_device(&self.place.device)?)?;
            for (index, (name, seen)) in layers.statistics().iter().enumerate() {
                let width = seen.mean.len();
                if sums.len() <= index {
                    sums.push((name.clone(), vec![0.0; width], vec![0.0; width]));
                }
                let (_, mean, square) = &mut sums[index];
                for channel in 0..width {
                    let level = f64::from(seen.mean[channel]);
                    mean[channel] += level;
                    square[channel] += f64::from(seen.variance[channel]) + level * level;
                }
            }
        }
        let vector = |values: Vec<f32>| Tensor::new(values, &Device::Cpu);
        for (name, mean, square) in sums {
            let count = batches as f64;
            let mean: Vec<_> = mean.iter().map(|m| m / count).collect();
            let variance = square.iter().zip(&mean).map(|(s, m)| (s / count - m * m) as f32);
            tensors.push((format!("{name}.running_var"), vector(variance.collect())?));
            let mean = mean.iter().map(|&m| m as f32).collect();
            tensors.push((format!("{name}.running_mean"), vector(mean)?));
        }
        if !matches!(self.network.feed(), crate::models::Feed::Waveform { .. }) {
            tensors.push(("mean".to_owned(), vector(self.standard.0.clone())?));
            tensors.push(("std".to_owned(), vector(self.standard.1.clone())?));
        }
        Ok(Trained { tensors, metadata: self.metadata(epochs)? })
    }

    fn metadata(&self, epochs: usize) -> Result<HashMap<String, String>, TrainingError> {
        let settings = &self.state.settings;
        let labels: Vec<_> = self.material.data.labels.iter().collect();
        let json = |value: serde_json::Result<String>| value.map_err(candle_core::Error::wrap);
        let entries = [
            ("model", self.network.id().name().to_owned()),
            ("labels", json(serde_json::to_string(&labels))?),
            ("sample_rate", SAMPLE_RATE.to_string()),
            ("pad_mode", PAD.name().to_owned()),
            ("training_data", self.material.data.name.clone()),
            ("training_data_sha256", settings.data.clone()),
            ("training_clips", self.material.learn.len().to_string()),
            ("epochs", epochs.to_string()),
            ("seed", settings.seed.to_string()),
            ("settings", json(serde_json::to_string(settings))?),
            ("program_version", crate::VERSION.to_owned()),
        ];
        Ok(entries.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    fn validate(&self, trained: &Trained) -> Result<Classification, TrainingError> {
        let model = model(trained, false, &self.place)?;
        let Material { list, recordings, validate, .. } = &self.material;
        classify_all(model.as_ref(), list, recordings, validate.iter().copied())
    }
}

/// The classifier that trained numbers make, as its file would.
///
/// # Errors
/// Where they do not fit.
pub fn model(
    trained: &Trained,
    half: bool,
    place: &Place,
) -> Result<std::sync::Arc<dyn Classifier>, TrainingError> {
    let weights = Weights::parse(&place.weights, &trained.to_bytes(half)?)?;
    Ok(build(weights, &place.device)?)
}
