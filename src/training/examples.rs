//! Batches of training examples: which recordings, how varied, as the network wants them. A batch
//! depends on the seed and the step only, so that a resumed run sees what an uninterrupted one does.

use candle_core::{Device, Tensor};
use rand::{Rng, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Beta, Distribution as _, weighted::WeightedIndex};
use rayon::prelude::*;

use super::augment::{Augmentation, mix};
use super::data_set::Recording;
use super::error::TrainingError;
use super::recordings::Recordings;
use crate::models::{BANDS, FRAME_SAMPLES, Feed};
use crate::nn::{LogMel, PadMode, Traced};

/// How log-mels begin and end, which the weights file states.
pub const PAD: PadMode = PadMode::Reflect;

/// Where examples come from.
pub struct Examples<'a> {
    recordings: &'a Recordings,
    /// Index into `recordings`, label and weight.
    chosen: Vec<(usize, usize, f32)>,
    labels: usize,
    draw: WeightedIndex<f64>,
    feed: Feed,
    log_mel: Option<LogMel>,
    /// Mean and standard deviation of each band, once known.
    standard: Option<(Vec<f32>, Vec<f32>)>,
    smoothing: f32,
    seed: u64,
}

/// What differs from step to step.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    /// How many examples.
    pub size: usize,
    /// What share of the network's full input is cut out of each recording.
    pub length: f64,
    /// What is varied.
    pub augmentation: Augmentation,
}

impl<'a> Examples<'a> {
    /// Examples of the `chosen` ones of all `recordings`, which `list` describes. A label with n of
    /// N recordings is drawn in proportion to `n^(1 - balance)`: 0 is as in the data, 1 evenly.
    /// Targets are mixed with `smoothing` parts of the even distribution.
    ///
    /// # Errors
    /// Where nothing was chosen.
    pub fn new(
        recordings: &'a Recordings,
        list: &[&Recording],
        chosen: &[usize],
        labels: usize,
        feed: Feed,
        [balance, smoothing]: [f64; 2],
        seed: u64,
    ) -> Result<Self, TrainingError> {
        if chosen.is_empty() {
            return Err(TrainingError::Nothing);
        }
        let mut counts = vec![0_usize; labels];
        for &index in chosen {
            counts[list[index].label] += 1;
        }
        let weights = chosen.iter().map(|&index| (counts[list[index].label] as f64).powf(-balance));
        let draw = WeightedIndex::new(weights).map_err(candle_core::Error::wrap)?;
        let chosen = chosen.iter().map(|&i| (i, list[i].label, list[i].weight())).collect();
        let log_mel = feed.log_mel(PAD).map(LogMel::new).transpose()?;
        let smoothing = smoothing as f32;
        Ok(Self {
            recordings,
            chosen,
            labels,
            draw,
            feed,
            log_mel,
            standard: None,
            smoothing,
            seed,
        })
    }

    /// Mean and standard deviation that belong in the weights file, over all chosen recordings: of
    /// each band of the log-mel, or of the waveform divided by its peak. From now on
    /// [`Feed::StandardisedLogMel`] is standardised with them.
    ///
    /// # Errors
    /// Where a recording can't be read any more.
    pub fn measure(&mut self) -> Result<(Vec<f32>, Vec<f32>), TrainingError> {
        let width = if self.is_standardised() { BANDS } else { 1 };
        let sums = |&(index, _, _): &(usize, usize, f32)| -> Result<_, TrainingError> {
            let samples = self.recordings.read(index)?;
            let values =
                if width == BANDS { self.log_mel(&samples)? } else { peak_normalised(samples) };
            let mut sums = vec![[0.0_f64; 2]; width];
            for row in values.chunks(width) {
                for (sum, &value) in sums.iter_mut().zip(row) {
                    sum[0] += f64::from(value);
                    sum[1] += f64::from(value).powi(2);
                }
            }
            Ok((values.len() / width, sums))
        };
        let parts: Vec<_> = self.chosen.par_iter().map(sums).collect();
        let (mut count, mut total) = (0, vec![[0.0; 2]; width]);
        for part in parts {
            let (rows, sums) = part?;
            count += rows;
            for (total, sum) in total.iter_mut().zip(sums) {
                *total = [total[0] + sum[0], total[1] + sum[1]];
            }
        }
        let count = count as f64;
        let mean: Vec<f32> = total.iter().map(|sum| (sum[0] / count) as f32).collect();
        let deviation = |sum: &[f64; 2]| (sum[1] / count - (sum[0] / count).powi(2)).max(1e-12);
        let std: Vec<f32> = total.iter().map(|sum| deviation(sum).sqrt() as f32).collect();
        self.standard = Some((mean.clone(), std.clone()));
        Ok((mean, std))
    }

    fn is_standardised(&self) -> bool {
        matches!(self.feed, Feed::StandardisedLogMel { .. })
    }

    /// The examples of a step: inputs as the feed says, and targets `[size, labels]` whose rows sum
    /// to the example's weight.
    ///
    /// # Errors
    /// Where a recording can't be read any more.
    pub fn batch(&self, step: u64, draw: &Draw) -> Result<(Tensor, Tensor), TrainingError> {
        let rows: Vec<_> = (0..draw.size as u64)
            .into_par_iter()
            .map(|row| {
                let mut random = ChaCha8Rng::seed_from_u64(self.seed);
                random.set_stream(step * draw.size as u64 + row);
                self.example(draw, &mut random)
            })
            .collect();
        let (mut inputs, mut targets) = (Vec::new(), Vec::new());
        for row in rows {
            let (input, target) = row?;
            inputs.extend(input);
            targets.extend(target);
        }
        let size = draw.size;
        let width = inputs.len() / size;
        let inputs = match self.feed {
            Feed::Waveform { .. } => Tensor::from_vec(inputs, (size, width), &Device::Cpu)?,
            _ => Tensor::from_vec(inputs, (size, width / BANDS, BANDS), &Device::Cpu)?,
        };
        Ok((inputs, Tensor::from_vec(targets, (size, self.labels), &Device::Cpu)?))
    }

    fn example(
        &self,
        draw: &Draw,
        random: &mut ChaCha8Rng,
    ) -> Result<(Vec<f32>, Vec<f32>), TrainingError> {
        let augmentation = &draw.augmentation;
        let mut target = vec![0.0; self.labels];
        let (mut samples, label, weight) = self.recording(augmentation, random)?;
        if augmentation.mixup > 0.0 {
            let (other, other_label, other_weight) = self.recording(augmentation, random)?;
            let beta = Beta::new(augmentation.mixup, augmentation.mixup);
            let share = beta.map_err(candle_core::Error::wrap)?.sample(random) as f32;
            // Nearly pure mixtures are common with a small alpha: then the other's power is 0.
            if (0.02..0.98).contains(&share) {
                samples = mix(&samples, &other, share, random);
                target[label] += share * weight;
                target[other_label] += (1.0 - share) * other_weight;
            } else {
                target[label] += weight;
            }
        } else {
            target[label] += weight;
        }
        augmentation.add_noise(&mut samples, random);
        let certain: f32 = target.iter().sum();
        let even = self.smoothing * certain / self.labels as f32;
        target.iter_mut().for_each(|t| *t = *t * (1.0 - self.smoothing) + even);
        Ok((self.input(&samples, draw, random)?, target))
    }

    /// A recording drawn by its label's share, varied.
    fn recording(
        &self,
        augmentation: &Augmentation,
        random: &mut ChaCha8Rng,
    ) -> Result<(Vec<f32>, usize, f32), TrainingError> {
        let (index, label, weight) = self.chosen[self.draw.sample(random)];
        let samples = augmentation.vary(self.recordings.read(index)?, random)?;
        Ok((samples, label, weight))
    }

    /// What the network takes of a sound: a stretch of it, in its form.
    fn input(
        &self,
        samples: &[f32],
        draw: &Draw,
        random: &mut ChaCha8Rng,
    ) -> Result<Vec<f32>, TrainingError> {
        let part = |whole: usize| ((whole as f64 * draw.length).round() as usize).max(1);
        match self.feed {
            Feed::StandardisedLogMel { frames, .. } => {
                let log_mel = self.log_mel(samples)?;
                let mut stretch = stretch_of_frames(&log_mel, part(frames), random);
                if let Some((mean, std)) = &self.standard {
                    for frame in stretch.chunks_mut(BANDS) {
                        for ((value, mean), std) in frame.iter_mut().zip(mean).zip(std) {
                            *value = (*value - mean) / std;
                        }
                    }
                }
                draw.augmentation.mask(&mut stretch, BANDS, 0.0, random);
                Ok(stretch)
            }
            Feed::LogMel { hop, frames } => {
                let stretch = stretch_of_samples(samples, (part(frames) - 1) * hop, random);
                // All as in the model: padding with zeros becomes an offset, which is heard.
                let mut samples = peak_normalised(stretch);
                if let Some(([mean], [std])) =
                    self.standard.as_ref().map(|(mean, std)| (&mean[..], &std[..]))
                {
                    samples.iter_mut().for_each(|s| *s = (*s - mean) / std);
                }
                let mut log_mel = self.log_mel(&samples)?;
                let mean = log_mel.iter().sum::<f32>() / log_mel.len() as f32;
                draw.augmentation.mask(&mut log_mel, BANDS, mean, random);
                Ok(log_mel)
            }
            Feed::Waveform { samples: whole } => {
                Ok(peak_normalised(stretch_of_samples(samples, part(whole), random)))
            }
        }
    }

    fn log_mel(&self, samples: &[f32]) -> Result<Vec<f32>, TrainingError> {
        let Some(log_mel) = &self.log_mel else { return Ok(Vec::new()) };
        // What is too short to be mirrored at its ends is continued with silence.
        let mut samples = samples.to_vec();
        samples.resize(samples.len().max(FRAME_SAMPLES), 0.0);
        let waveform = Tensor::new(samples, &Device::Cpu)?.unsqueeze(0)?;
        let output = log_mel.forward(&Traced::constant(waveform))?;
        Ok(output.tensor().flatten_all()?.to_vec1()?)
    }
}

/// So many frames from a random place; what is shorter begins at a random place of the result,
/// continued with its smallest value as the models continue it.
fn stretch_of_frames(log_mel: &[f32], frames: usize, random: &mut impl Rng) -> Vec<f32> {
    let there = log_mel.len() / BANDS;
    if there >= frames {
        let start = random.random_range(0..=there - frames) * BANDS;
        return log_mel[start..start + frames * BANDS].to_vec();
    }
    let floor = log_mel.iter().copied().fold(f32::INFINITY, f32::min);
    let mut stretch = vec![floor; frames * BANDS];
    // The models put the clip at the beginning; half of the examples have it elsewhere.
    let start =
        if random.random_bool(0.5) { 0 } else { random.random_range(0..=frames - there) * BANDS };
    stretch[start..start + log_mel.len()].copy_from_slice(log_mel);
    stretch
}

/// So many samples from a random place; what is shorter is put at a random place of silence.
fn stretch_of_samples(samples: &[f32], length: usize, random: &mut impl Rng) -> Vec<f32> {
    if samples.len() >= length {
        let start = random.random_range(0..=samples.len() - length);
        return samples[start..start + length].to_vec();
    }
    let mut stretch = vec![0.0; length];
    let start = random.random_range(0..=length - samples.len());
    stretch[start..start + samples.len()].copy_from_slice(samples);
    stretch
}

fn peak_normalised(mut samples: Vec<f32>) -> Vec<f32> {
    let peak = samples.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
    if peak > 0.0 {
        samples.iter_mut().for_each(|s| *s /= peak);
    }
    samples
}
