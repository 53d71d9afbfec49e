//! Changing the sample rate of a whole clip.

use audioadapter_buffers::direct::InterleavedSlice;
use rubato::audioadapter_buffers;
use rubato::{
    Async, Fft, FixedAsync, FixedSync, Resampler, SincInterpolationParameters, WindowFunction,
};
use thiserror::Error;

/// Frames in a block of the FFT resampler, at the lower of the two rates. Its anti-aliasing filter
/// is as long; 512 taps keep the pass band flat up to 97 % of the lower Nyquist frequency.
const FILTER_FRAMES: usize = 512;

/// Rates whose ratio in lowest terms needs longer blocks than this go through the interpolating
/// resampler: such a filter would ring for a quarter of a second.
const LONGEST_BLOCK: usize = 12_288;

/// The sample rates that are believed, in Hz.
const RATES: std::ops::RangeInclusive<u32> = 1_000..=1_000_000;

/// Why a clip could not be resampled.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum ResampleError {
    /// Outside 1 kHz to 1 MHz.
    #[error("{0} Hz is not a usable sample rate")]
    Rate(u32),
    /// What rubato says.
    #[error("resampling failed: {0}")]
    Failed(String),
}

/// `samples` (mono, at `from` Hz) at `to` Hz: round(length * to / from) samples, aligned with the
/// input (no delay). Values may overshoot the input's range slightly.
///
/// # Errors
/// A rate outside 1 kHz to 1 MHz.
pub fn resample(samples: &[f32], from: u32, to: u32) -> Result<Vec<f32>, ResampleError> {
    for rate in [from, to] {
        if !RATES.contains(&rate) {
            return Err(ResampleError::Rate(rate));
        }
    }
    if from == to || samples.is_empty() {
        return Ok(samples.to_vec());
    }
    let input = InterleavedSlice::new(samples, 1, samples.len()).map_err(failed)?;
    let mut output = resampler(from as usize, to as usize)?
        .process_all(&input, samples.len(), None)
        .map_err(failed)?
        .take_data();
    output.resize(output_length(samples.len(), from, to), 0.0);
    Ok(output)
}

/// Round(length * to / from).
pub(super) fn output_length(length: usize, from: u32, to: u32) -> usize {
    let (length, from, to) = (length as u128, u128::from(from), u128::from(to));
    ((2 * length * to + from) / (2 * from)) as usize
}

fn resampler(from: usize, to: usize) -> Result<Box<dyn Resampler<f32>>, ResampleError> {
    let block = from / gcd(from, to);
    let wanted = FILTER_FRAMES * from.div_ceil(to);
    if block <= LONGEST_BLOCK {
        let window = WindowFunction::BlackmanHarris2;
        // One sub-chunk a chunk: rubato rounds `wanted` up to a whole number of blocks.
        let fft = Fft::new_custom(from, to, wanted, 1, 1, window, FixedSync::Both);
        return Ok(Box::new(fft.map_err(failed)?));
    }
    let sinc_length = FILTER_FRAMES / 2 * from.div_ceil(to);
    let parameters = SincInterpolationParameters::new(sinc_length, WindowFunction::BlackmanHarris2)
        .oversampling_factor(256);
    let ratio = to as f64 / from as f64;
    let sinc = Async::new_sinc(ratio, 1.0, &parameters, 1024, 1, FixedAsync::Input);
    Ok(Box::new(sinc.map_err(failed)?))
}

fn failed(error: impl std::fmt::Display) -> ResampleError {
    ResampleError::Failed(error.to_string())
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}
