//! Frozen layers from the tensors of a weights file.

use super::network::{BATCH_NORM_EPS, gru_names};
use super::weights::{Weights, WeightsError};
use crate::nn::{BatchNorm, BiGru, Conv, Dense, GruWeights, PadMode, Window};

type Result<T> = std::result::Result<T, WeightsError>;

impl Weights {
    /// How log-mels continue a clip beyond its ends, from the metadata.
    ///
    /// # Errors
    /// Where the file does not say it.
    pub(super) fn pad_mode(&self) -> Result<PadMode> {
        let name = self.metadata("pad_mode");
        name.and_then(PadMode::find).ok_or_else(|| {
            let stated = name.map_or("is missing".to_owned(), |name| format!("is {name}"));
            self.misfit(format!("pad_mode must be zero or reflect, but {stated}"))
        })
    }

    /// The convolution NAME.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    pub(super) fn take_convolution(
        &mut self,
        name: &str,
        inputs: usize,
        outputs: usize,
        window: Window,
    ) -> Result<Conv> {
        let Window { height, width } = window;
        let weight = self.take(&format!("{name}.weight"), &[outputs, inputs, height, width])?;
        let bias = self.take(&format!("{name}.bias"), &[outputs])?;
        Conv::new(&weight, &bias, inputs, window).map_err(|e| self.misfit(e.to_string()))
    }

    /// What `make` makes of the batch norm NAME.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape, or nothing can be made of it.
    pub(super) fn take_batch_norm<T>(
        &mut self,
        name: &str,
        channels: usize,
        make: impl FnOnce(&BatchNorm<'_>) -> candle_core::Result<T>,
    ) -> Result<T> {
        let mut part = |part: &str| self.take(&format!("{name}.{part}"), &[channels]);
        let norm = BatchNorm {
            weight: &part("weight")?,
            bias: &part("bias")?,
            running_mean: &part("running_mean")?,
            running_var: &part("running_var")?,
            eps: BATCH_NORM_EPS,
        };
        make(&norm).map_err(|e| self.misfit(format!("{name}: {e}")))
    }

    /// The dense layer NAME.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    pub(super) fn take_dense(
        &mut self,
        name: &str,
        inputs: usize,
        outputs: usize,
    ) -> Result<Dense> {
        let weight = self.take(&format!("{name}.weight"), &[outputs, inputs])?;
        let bias = self.take(&format!("{name}.bias"), &[outputs])?;
        Dense::new(&weight, &bias, inputs).map_err(|e| self.misfit(e.to_string()))
    }

    /// The bidirectional GRU NAME with so many states a direction.
    ///
    /// # Errors
    /// Where a tensor is missing or of another shape.
    pub(super) fn take_bidirectional_gru(
        &mut self,
        name: &str,
        inputs: usize,
        states: usize,
    ) -> Result<BiGru> {
        let mut direction = |[weight_ih, weight_hh, bias]: &[String; 3]| -> Result<[Vec<f32>; 3]> {
            Ok([
                self.take(weight_ih, &[3 * states, inputs])?,
                self.take(weight_hh, &[3 * states, states])?,
                self.take(bias, &[3 * states])?,
            ])
        };
        let [forwards, backwards] = gru_names(name);
        let (forwards, backwards) = (direction(&forwards)?, direction(&backwards)?);
        let [forwards, backwards] = [&forwards, &backwards]
            .map(|[weight_ih, weight_hh, bias]| GruWeights { weight_ih, weight_hh, bias });
        BiGru::new(&forwards, &backwards, inputs).map_err(|e| self.misfit(e.to_string()))
    }
}
