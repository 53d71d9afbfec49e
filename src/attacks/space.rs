//! Where a search for the smallest change moves: its coordinates, and its distance from the clip.

use std::sync::Arc;

use super::masked_distance::MaskedDistance;
use super::shaping::Shaping;
use super::tanh_box::TanhBox;
use super::vector::{norm, wide};
use crate::metrics::masking::MaskingModel;

/// The space around a clip. An offset is a point of it, zero for the clip itself; what it stands
/// for always is in \[-1, 1\].
pub struct Space {
    tanh: TanhBox,
    masked: Option<Masked>,
}

/// What makes steps and distances those of a listener.
struct Masked {
    shaping: Shaping,
    distance: Arc<MaskedDistance>,
}

impl Space {
    /// One coordinate a sample, and the squared Euclidean distance.
    pub fn of_samples(samples: &[f32]) -> Self {
        Self { tanh: TanhBox::new(samples), masked: None }
    }

    /// Coordinates of about equal audibility, and the mean noise-to-mask ratio as the distance.
    pub fn of_hearing(samples: &[f32]) -> Self {
        let thresholds = MaskingModel::new().thresholds(&wide(samples));
        let masked = Masked {
            shaping: Shaping::new(&thresholds, samples.len()),
            distance: Arc::new(MaskedDistance::new(&thresholds)),
        };
        Self { tanh: TanhBox::new(samples), masked: Some(masked) }
    }

    /// The masked distance, where it is that.
    pub fn masked_distance(&self) -> Option<&Arc<MaskedDistance>> {
        self.masked.as_ref().map(|masked| &masked.distance)
    }

    /// The clean samples.
    pub fn clean(&self) -> &[f64] {
        &self.tanh.clean
    }

    /// The offset of the clip itself.
    pub fn origin(&self) -> Vec<f64> {
        let length = self.masked.as_ref().map_or(self.clean().len(), |m| m.shaping.len());
        vec![0.0; length]
    }

    /// The length of the clip itself in these coordinates.
    pub fn clip_length(&self) -> f64 {
        match &self.masked {
            None => norm(self.clean()),
            Some(masked) => norm(&masked.shaping.coordinates(self.clean())),
        }
    }

    /// The perturbation r and the clip x + r.
    pub fn decode(&self, offset: &[f64]) -> (Vec<f64>, Vec<f32>) {
        match &self.masked {
            None => self.tanh.decode(offset),
            Some(masked) => self.tanh.decode(&masked.shaping.waveform(offset)),
        }
    }

    /// The offset that decodes to these samples.
    pub fn offset_of(&self, samples: &[f32]) -> Vec<f64> {
        let offset = self.tanh.offset_of(samples);
        match &self.masked {
            None => offset,
            Some(masked) => masked.shaping.coordinates(&offset),
        }
    }

    /// From the gradient with respect to r to that with respect to the offset.
    pub fn by_offset(&self, offset: &[f64], mut gradient: Vec<f64>) -> Vec<f64> {
        match &self.masked {
            None => {
                self.tanh.by_offset(offset, &mut gradient);
                gradient
            }
            Some(masked) => {
                self.tanh.by_offset(&masked.shaping.waveform(offset), &mut gradient);
                masked.shaping.gradient(&gradient)
            }
        }
    }

    /// The same without the box, which would hold back the loudest samples.
    pub fn by_offset_unbounded(&self, gradient: Vec<f64>) -> Vec<f64> {
        match &self.masked {
            None => gradient,
            Some(masked) => masked.shaping.gradient(&gradient),
        }
    }

    /// The c that holds the balance between both terms of `distance + c f` at a perturbation, where
    /// the gradient of f has the length `slope` in these coordinates; 1 where one of them pulls
    /// nowhere, as at the clean clip.
    pub fn balance(&self, perturbation: &[f64], slope: f64) -> f64 {
        let (_, pull) = self.distance(perturbation);
        let c = norm(&self.by_offset_unbounded(pull)) / slope;
        if c > 0.0 && c.is_finite() { c } else { 1.0 }
    }

    /// The distance of a perturbation, and its gradient with respect to it.
    pub fn distance(&self, perturbation: &[f64]) -> (f64, Vec<f64>) {
        match &self.masked {
            None => {
                let squared = perturbation.iter().map(|r| r * r).sum();
                (squared, perturbation.iter().map(|r| 2.0 * r).collect())
            }
            Some(masked) => masked.distance.with_gradient(perturbation),
        }
    }
}
