//! The kernel of the log-mel layer: spectra, mel powers and decibels, and their adjoint.

use std::fmt;
use std::sync::{Arc, OnceLock};

use candle_core::{Result, Tensor, bail};
use rayon::prelude::*;
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};

use super::{LogMelConfig, PadMode};
use crate::dsp::mel;
use crate::nn::element::{Element, FrozenWeights};
use crate::nn::kernel::Kernel;
use crate::nn::portable::LogMelMatrices;

/// Powers below this are taken as this, before and after the reference (librosa's `amin`).
const FLOOR: f64 = 1e-10;

/// Frames that one task transforms; fixed, so that sums do not depend on the thread count.
const BLOCK: usize = 32;

/// One triangular filter without its zeros.
struct Filter {
    first: usize,
    weights: Vec<f64>,
}

impl Filter {
    fn new(weights: &[f64]) -> Self {
        let first = weights.iter().position(|&w| w != 0.0).unwrap_or(0);
        let end = weights.iter().rposition(|&w| w != 0.0).map_or(first, |last| last + 1);
        Self { first, weights: weights[first..end].to_vec() }
    }

    fn apply(&self, power: &[f64]) -> f64 {
        self.weights.iter().zip(&power[self.first..]).map(|(w, p)| w * p).sum()
    }
}

pub(super) struct LogMelKernel {
    config: LogMelConfig,
    window: Vec<f64>,
    filters: Vec<Filter>,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    /// The windowed transform and the filters as matrices, for devices without our transforms.
    transform: OnceLock<FrozenWeights>,
    bank: OnceLock<FrozenWeights>,
}

impl fmt::Debug for LogMelKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogMelKernel").field("config", &self.config).finish_non_exhaustive()
    }
}

/// What the gradient of one clip needs to know of it.
pub struct Analysis {
    powers: Vec<f64>,
    spectra: Vec<Complex<f64>>,
}

/// What a task needs to transform frames.
struct Scratch {
    frame: Vec<f64>,
    power: Vec<f64>,
    fft: Vec<Complex<f64>>,
}

impl LogMelKernel {
    /// With these parameters, which must be valid.
    pub(super) fn new(config: LogMelConfig) -> Self {
        let mut planner = RealFftPlanner::<f64>::new();
        let window = (0..config.window)
            .map(|n| {
                let phase = std::f64::consts::TAU * n as f64 / config.window as f64;
                0.5 - 0.5 * phase.cos()
            })
            .collect();
        let half = config.sample_rate / 2.0;
        let bank = mel::filter_bank(config.sample_rate, config.window, config.bands, 0.0, half);
        Self {
            forward: planner.plan_fft_forward(config.window),
            inverse: planner.plan_fft_inverse(config.window),
            window,
            filters: bank.iter().map(|weights| Filter::new(weights)).collect(),
            transform: OnceLock::new(),
            bank: OnceLock::new(),
            config,
        }
    }

    /// The parameters.
    pub(super) fn config(&self) -> &LogMelConfig {
        &self.config
    }

    /// What the layer is made of off the CPU.
    pub(super) fn matrices(&self, like: &Tensor) -> Result<LogMelMatrices> {
        let LogMelConfig { window, hop, bands, pad, .. } = self.config;
        let bins = window / 2 + 1;
        let transform = self.transform.get_or_init(|| {
            let at = |n: usize, column: usize| {
                let (bin, quarter) = (column % bins, (column / bins) as f64 * 0.25);
                let turns = (n * bin % window) as f64 / window as f64 + quarter;
                self.window[n] * (std::f64::consts::TAU * turns).cos()
            };
            let rows = (0..window).flat_map(|n| (0..2 * bins).map(move |column| (n, column)));
            FrozenWeights::from_f64(rows.map(|(n, column)| at(n, column)).collect())
        });
        let filters = self.bank.get_or_init(|| {
            let mut bank = vec![0.0; bins * bands];
            for (band, filter) in self.filters.iter().enumerate() {
                for (bin, &weight) in (filter.first..).zip(&filter.weights) {
                    bank[bin * bands + band] = weight;
                }
            }
            FrozenWeights::from_f64(bank)
        });
        Ok(LogMelMatrices {
            transform: transform.tensor(&[window, 2 * bins], like)?,
            filters: filters.tensor(&[bins, bands], like)?,
            window,
            hop,
            reflect: pad == PadMode::Reflect,
            floor: FLOOR,
        })
    }

    fn scratch(&self) -> Scratch {
        let length = self.forward.get_scratch_len().max(self.inverse.get_scratch_len());
        Scratch {
            frame: self.forward.make_input_vec(),
            power: vec![0.0; self.config.window / 2 + 1],
            fft: vec![Complex::default(); length],
        }
    }

    /// The clip with half a window before and after it.
    fn padded<T: Element>(&self, samples: &[T]) -> Vec<f64> {
        let pad = self.config.window / 2;
        let count = samples.len() as isize;
        (-(pad as isize)..count + pad as isize)
            .map(|i| self.source(i, samples.len()).map_or(0.0, |source| samples[source].to_f64()))
            .collect()
    }

    /// Which sample stands at position `i` of the continued clip; none where it is zero.
    fn source(&self, i: isize, samples: usize) -> Option<usize> {
        let last = samples as isize - 1;
        let mirrored = match self.config.pad {
            _ if (0..=last).contains(&i) => i,
            PadMode::Zero => return None,
            PadMode::Reflect if i < 0 => -i,
            PadMode::Reflect => 2 * last - i,
        };
        usize::try_from(mirrored).ok().filter(|&source| source < samples)
    }

    /// The spectrum of a frame of a continued clip, into `spectrum`, and its powers into `scratch`.
    fn transform(
        &self,
        padded: &[f64],
        frame: usize,
        scratch: &mut Scratch,
        spectrum: &mut [Complex<f64>],
    ) {
        let start = frame * self.config.hop;
        let source = &padded[start..start + self.config.window];
        for ((out, &x), &w) in scratch.frame.iter_mut().zip(source).zip(&self.window) {
            *out = x * w;
        }
        // Infallible: the buffers were made by the plan itself.
        self.forward.process_with_scratch(&mut scratch.frame, spectrum, &mut scratch.fft).ok();
        for (power, bin) in scratch.power.iter_mut().zip(spectrum) {
            *power = bin.norm_sqr();
        }
    }

    /// Mel powers `[frames, bands]` of one clip and, for its gradient, its spectra
    /// `[frames, window / 2 + 1]`.
    fn analyse<T: Element>(&self, samples: &[T], keep: bool) -> Analysis {
        let (bands, bins) = (self.config.bands, self.config.window / 2 + 1);
        let frames = self.config.frames(samples.len());
        let padded = self.padded(samples);
        let mut powers = vec![0.0; frames * bands];
        let mut spectra = vec![Complex::default(); if keep { frames * bins } else { 0 }];
        let rows_of = |(block, rows): (usize, &mut [f64]),
                       mut kept: Option<&mut [Complex<f64>]>| {
            let mut scratch = self.scratch();
            let mut spectrum = self.forward.make_output_vec();
            for (i, row) in rows.chunks_mut(bands).enumerate() {
                let spectrum = match &mut kept {
                    Some(spectra) => &mut spectra[i * bins..(i + 1) * bins],
                    None => &mut spectrum,
                };
                self.transform(&padded, block * BLOCK + i, &mut scratch, spectrum);
                for (out, filter) in row.iter_mut().zip(&self.filters) {
                    *out = filter.apply(&scratch.power);
                }
            }
        };
        let blocks = powers.par_chunks_mut(BLOCK * bands).enumerate();
        if keep {
            let spectra = spectra.par_chunks_mut(BLOCK * bins);
            blocks.zip(spectra).for_each(|(rows, spectra)| rows_of(rows, Some(spectra)));
        } else {
            blocks.for_each(|rows| rows_of(rows, None));
        }
        Analysis { powers, spectra }
    }

    /// The gradient of one clip's samples from that of its decibels `[frames, bands]`.
    fn adjoint<T: Element>(&self, analysis: &Analysis, gradient: &[T], result: &mut [T]) {
        let (bands, hop, window) = (self.config.bands, self.config.hop, self.config.window);
        let (frames, bins) = (self.config.frames(result.len()), window / 2 + 1);
        let by_power = decibel_adjoint(&analysis.powers, gradient);
        let blocks: Vec<Vec<f64>> = (0..frames.div_ceil(BLOCK))
            .into_par_iter()
            .map(|block| {
                let mut scratch = self.scratch();
                let mut spectrum = self.forward.make_output_vec();
                let rows = block * BLOCK..((block + 1) * BLOCK).min(frames);
                let mut out = vec![0.0; (rows.len() - 1) * hop + window];
                for (offset, frame) in rows.enumerate() {
                    spectrum.copy_from_slice(&analysis.spectra[frame * bins..(frame + 1) * bins]);
                    let by_mel = &by_power[frame * bands..(frame + 1) * bands];
                    self.frame_adjoint(by_mel, &mut scratch, &mut spectrum);
                    let target = &mut out[offset * hop..offset * hop + window];
                    for ((sum, &x), &w) in target.iter_mut().zip(&scratch.frame).zip(&self.window) {
                        *sum += x * w;
                    }
                }
                out
            })
            .collect();
        let mut by_padded = vec![0.0; result.len() + window];
        for (block, values) in blocks.iter().enumerate() {
            for (sum, value) in by_padded[block * BLOCK * hop..].iter_mut().zip(values) {
                *sum += value;
            }
        }
        let pad = window / 2;
        let (before, rest) = by_padded.split_at_mut(pad);
        let (inside, after) = rest.split_at_mut(result.len());
        if self.config.pad == PadMode::Reflect {
            let last = inside.len() - 1;
            for (distance, value) in before.iter().rev().enumerate() {
                inside[distance + 1] += value;
            }
            for (distance, value) in after.iter().enumerate() {
                inside[last - distance - 1] += value;
            }
        }
        for (result, &mut value) in result.iter_mut().zip(inside) {
            *result = T::from_f64(value);
        }
    }

    /// Turns the spectrum X into the gradient of the windowed frame, in `scratch.frame`.
    ///
    /// With p the gradient of |X|^2, `dL/dx[n]` is the sum of `2 p[f] Re(X[f] exp(2 pi i f n / window))`
    /// over the bins f from 0 to window / 2: an unnormalised inverse transform.
    fn frame_adjoint(&self, by_mel: &[f64], scratch: &mut Scratch, spectrum: &mut [Complex<f64>]) {
        scratch.power.fill(0.0);
        for (&g, filter) in by_mel.iter().zip(&self.filters) {
            if g != 0.0 {
                for (sum, w) in scratch.power[filter.first..].iter_mut().zip(&filter.weights) {
                    *sum += g * w;
                }
            }
        }
        let last = scratch.power.len() - 1;
        for (f, (bin, &p)) in spectrum.iter_mut().zip(&scratch.power).enumerate() {
            // The unnormalised inverse counts the inner bins twice already.
            *bin *= if f == 0 || f == last { 2.0 * p } else { p };
        }
        spectrum[0].im = 0.0;
        spectrum[last].im = 0.0;
        // Infallible: the buffers were made by the plan itself and the ends are real.
        self.inverse.process_with_scratch(spectrum, &mut scratch.frame, &mut scratch.fft).ok();
    }
}

/// Index of the largest power, the first of equals.
fn loudest(powers: &[f64]) -> usize {
    powers.iter().enumerate().fold(0, |best, (i, &p)| if p > powers[best] { i } else { best })
}

/// The gradient of mel powers from that of their decibels relative to the maximum.
fn decibel_adjoint<T: Element>(powers: &[f64], gradient: &[T]) -> Vec<f64> {
    let slope = 10.0 / std::f64::consts::LN_10;
    let by = |power: f64| if power > FLOOR { slope / power } else { 0.0 };
    let mut result: Vec<f64> =
        powers.iter().zip(gradient).map(|(&p, g)| g.to_f64() * by(p)).collect();
    let loudest = loudest(powers);
    let total: f64 = gradient.iter().map(|g| g.to_f64()).sum();
    result[loudest] -= total * by(powers[loudest]);
    result
}

impl Kernel for LogMelKernel {
    const NAME: &'static str = "log-mel";

    fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>> {
        let &[batch, samples] = input else { bail!("log-mel: expected [B, N], got {input:?}") };
        let least =
            if self.config.pad == PadMode::Reflect { self.config.window / 2 + 1 } else { 1 };
        if samples < least {
            bail!("log-mel: {samples} samples are too few, at least {least} are needed")
        }
        Ok(vec![batch, self.config.frames(samples), self.config.bands])
    }

    /// The analysis of each clip.
    type Saved<T: Element> = Vec<Analysis>;

    fn forward<T: Element>(
        &self,
        input: &[T],
        shape: &[usize],
        keep: bool,
    ) -> (Vec<T>, Vec<Analysis>) {
        let frames = self.config.frames(shape[1]);
        let mut output = Vec::with_capacity(shape[0] * frames * self.config.bands);
        let mut analyses = Vec::new();
        for samples in input.chunks(shape[1]) {
            let analysis = self.analyse(samples, keep);
            let powers = &analysis.powers;
            let reference = 10.0 * powers[loudest(powers)].max(FLOOR).log10();
            output.par_extend(
                powers
                    .par_iter()
                    .with_min_len(BLOCK * self.config.bands)
                    .map(|p| T::from_f64(10.0 * p.max(FLOOR).log10() - reference)),
            );
            if keep {
                analyses.push(analysis);
            }
        }
        (output, analyses)
    }

    fn backward<T: Element>(
        &self,
        analyses: &Vec<Analysis>,
        gradient: &[T],
        shape: &[usize],
        copies: usize,
    ) -> Vec<T> {
        let of_clip = self.config.frames(shape[1]) * self.config.bands;
        let mut result = vec![T::zero(); copies * shape[0] * shape[1]];
        let clips = result.chunks_mut(shape[1]).zip(gradient.chunks(of_clip));
        for ((result, gradient), analysis) in clips.zip(analyses.iter().cycle()) {
            self.adjoint(analysis, gradient, result);
        }
        result
    }
}
