//! What is timed of a model.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor, bail};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution as _, StandardNormal};

use super::case::{Case, interleave};
use super::memory::peak_resident_bytes;
use super::report::Report;
use super::subject::Subject;
use crate::assets::{BUNDLED, BundledClip};
use crate::attacks::{AttackId, AttackSpec, Flow, Goal, Outcome, Problem, Progress, Status};
use crate::audio::{self, SAMPLE_RATE};
use crate::nn::{LogMel, Traced};

/// Samples of a clip that VGG13 cuts into exactly one chunk: 129 frames, of which one is left out.
pub const CHUNK_SAMPLES: usize = 65_536;

/// Length of the clip whose log-mel is timed and whose attack's memory is measured, in seconds.
pub const CLIP_SECONDS: usize = 10;

/// The bundled clip that is attacked.
pub const ATTACKED_CLIP: &BundledClip = &BUNDLED[0];

/// How many class gradients DeepFool asks for at once.
const CLASSES: usize = 10;

/// Inputs of a training step.
const TRAINING_BATCH: usize = 32;

/// Iterations of the attack that is timed: enough to leave the first, cheaper steps behind.
const ITERATIONS: usize = 20;

/// Iterations of the attack whose memory is measured: what one takes is free before the next.
const MEMORY_ITERATIONS: usize = 3;

/// A model, with inputs of every size that is timed.
pub struct Workload {
    subject: Subject,
    log_mel: Option<LogMel>,
    batches: Vec<usize>,
    training: bool,
    clip: Arc<[f32]>,
}

impl Workload {
    /// Everything for these batch sizes, a training step with 32 inputs only if asked for.
    ///
    /// # Errors
    /// Where a batch is empty, or the model's front end or the bundled clip is broken.
    pub fn new(subject: Subject, batches: &[usize], training: bool) -> Result<Self> {
        if batches.contains(&0) {
            bail!("a batch of nothing can't be timed")
        }
        let limit = audio::DEFAULT_LIMIT_SECONDS;
        let clip = audio::load_bytes(ATTACKED_CLIP.name, ATTACKED_CLIP.bytes, limit)
            .map_err(candle_core::Error::wrap)?;
        let log_mel = subject.log_mel.map(LogMel::new).transpose()?;
        Ok(Self { subject, log_mel, batches: batches.to_vec(), training, clip: clip.samples })
    }

    /// What is timed: `forward` and `gradient` of waveforms of [`CHUNK_SAMPLES`],
    /// `network-forward` and `network-gradient` for each batch; `log-mel-forward` and
    /// `log-mel-gradient` of [`CLIP_SECONDS`], where the model has one; `top-10-gradients` of one
    /// chunk; `attack`, whose steps are its iterations; `training-step` if asked for, forward in
    /// training mode, cross entropy and the gradients of all weights, on the CPU. A gradient
    /// includes the forward pass.
    ///
    /// # Errors
    /// Where memory does not suffice for the inputs.
    pub fn cases(&self) -> Result<Vec<Case<'_>>> {
        let mut cases = Vec::new();
        let device = self.subject.classifier.device();
        for &batch in &self.batches {
            let waveform = self.waveforms(batch, CHUNK_SAMPLES, device)?;
            let classify = |waveform: &Traced| self.subject.classifier.trace(waveform);
            cases.extend(pair(["forward", "gradient"], batch, waveform, classify));
            let inputs = self.noise(batch, device)?;
            let names = ["network-forward", "network-gradient"];
            cases.extend(pair(names, batch, inputs, &self.subject.network));
        }
        if let Some(log_mel) = &self.log_mel {
            let clip = self.waveforms(1, CLIP_SECONDS * SAMPLE_RATE as usize, device)?;
            let names = ["log-mel-forward", "log-mel-gradient"];
            cases.extend(pair(names, 1, clip, |clip| log_mel.forward(clip)));
        }
        let waveform = Traced::variable(self.waveforms(1, CHUNK_SAMPLES, device)?);
        let classes = self.classes(device)?;
        cases.push(Case::new("top-10-gradients", 1, move || {
            let scores = self.subject.classifier.trace(&waveform)?;
            scores.gradients(&classes, &[&waveform])?;
            device.synchronize()
        }));
        cases.push(Case::of_steps("attack", 1, || {
            self.attack(&self.clip, ITERATIONS).map(|outcome| outcome.iterations)
        }));
        if self.training {
            let inputs = self.noise(TRAINING_BATCH, &Device::Cpu)?;
            let targets = self.classes(&Device::Cpu)?;
            let count = targets.dim(0)? as u32;
            let rows: Vec<_> = (0..TRAINING_BATCH as u32).map(|row| row % count).collect();
            let targets = targets.index_select(&Tensor::new(rows, &Device::Cpu)?, 0)?;
            let step = self.subject.training_step()?;
            cases.push(Case::new("training-step", TRAINING_BATCH, move || {
                step(&inputs, &targets).map(drop)
            }));
        }
        Ok(cases)
    }

    /// The peak of resident memory, in bytes, after an attack on a clip of [`CLIP_SECONDS`]; none
    /// where the system does not say. The peak is the whole process', so this must come first.
    ///
    /// # Errors
    /// Where the attack fails.
    pub fn attack_memory(&self) -> Result<Option<u64>> {
        let clip: Vec<f32> = self.clip.iter().copied().cycle().take(Self::clip_samples()).collect();
        self.attack(&clip.into(), MEMORY_ITERATIONS)?;
        Ok(peak_resident_bytes())
    }

    /// Measures everything, memory first. `done` hears of every timed run, of which there are
    /// [`Self::runs`].
    ///
    /// # Errors
    /// Where a part of it fails.
    pub fn measure(&self, rounds: usize, done: impl FnMut()) -> Result<Report> {
        let attack_memory = self.attack_memory()?;
        let timings = interleave(&self.cases()?, rounds, done)?;
        Ok(Report { timings, attack_memory, peak_memory: peak_resident_bytes() })
    }

    /// How many runs [`Self::measure`] times.
    pub fn runs(&self, rounds: usize) -> usize {
        let log_mel = 2 * usize::from(self.log_mel.is_some());
        (4 * self.batches.len() + log_mel + 2 + usize::from(self.training)) * (rounds + 1)
    }

    fn clip_samples() -> usize {
        CLIP_SECONDS * SAMPLE_RATE as usize
    }

    /// The bundled clip, over and over, from another place in each row.
    fn waveforms(&self, batch: usize, samples: usize, device: &Device) -> Result<Tensor> {
        let values = (0..batch).flat_map(|row| {
            let start = row * self.clip.len() / batch;
            self.clip.iter().copied().cycle().skip(start).take(samples)
        });
        Tensor::from_vec(values.collect(), (batch, samples), device)
    }

    /// Inputs of the network: numbers as standardised log-mels have them.
    fn noise(&self, batch: usize, device: &Device) -> Result<Tensor> {
        let random = ChaCha8Rng::seed_from_u64(0);
        let shape: Vec<_> = std::iter::once(batch).chain(self.subject.input.clone()).collect();
        let count = shape.iter().product();
        let values: Vec<f32> = StandardNormal.sample_iter(random).take(count).collect();
        Tensor::from_vec(values, shape, device)
    }

    /// One row for each of the first ten classes, or for all where there are fewer: which they are
    /// makes no difference in time.
    fn classes(&self, device: &Device) -> Result<Tensor> {
        let labels = self.subject.classifier.labels().len();
        Tensor::eye(labels, candle_core::DType::F32, device)?.narrow(0, 0, CLASSES.min(labels))
    }

    fn attack(&self, samples: &Arc<[f32]>, iterations: usize) -> Result<Outcome> {
        let spec = AttackSpec {
            searches: Some(1),
            iterations: Some(iterations),
            ..AttackSpec::new(AttackId::CarliniWagner)
        };
        let problem = Problem {
            samples: Arc::clone(samples),
            goal: Goal::Untargeted,
            true_label: None,
            seed: 0,
            sixteen_bit: false,
        };
        let classifier = self.subject.classifier.as_ref();
        let mut observer = |_: &Progress<'_>| Flow::Continue;
        let outcome = spec.build().run(classifier, &problem, &mut observer);
        match &outcome.status {
            Status::Failed(reason) => bail!("the attack failed: {reason}"),
            _ => Ok(outcome),
        }
    }
}

/// A function without and with the gradient of the sum of its values.
fn pair<'a>(
    names: [&'static str; 2],
    batch: usize,
    input: Tensor,
    function: impl Fn(&Traced) -> Result<Traced> + Clone + Send + Sync + 'a,
) -> [Case<'a>; 2] {
    let constant = Traced::constant(input.clone());
    let forward = function.clone();
    // A GPU computes on after the call that asked it to.
    [
        Case::new(names[0], batch, move || forward(&constant)?.tensor().device().synchronize()),
        Case::new(names[1], batch, move || {
            let variable = Traced::variable(input.clone());
            let output = function(&variable)?;
            let weights = output.tensor().ones_like()?;
            output.gradients(&weights, &[&variable])?;
            input.device().synchronize()
        }),
    ]
}
