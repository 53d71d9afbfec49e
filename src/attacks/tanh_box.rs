//! Carlini & Wagner's change of variable, which keeps x + r inside [-1, 1].

/// Largest magnitude whose `atanh` is taken, as in the common implementations.
const BOX_MARGIN: f64 = 0.999_999;

/// The change of variable `x + r = tanh(atanh(x) + offset)`.
pub struct TanhBox {
    /// The clean samples.
    pub clean: Vec<f64>,
    /// `atanh` of the clean samples.
    centre: Vec<f64>,
    /// `tanh` of the centre: what an offset of zero decodes to.
    decoded: Vec<f64>,
}

impl TanhBox {
    /// The space around these samples.
    pub fn new(samples: &[f32]) -> Self {
        let clean: Vec<f64> = samples.iter().map(|&x| f64::from(x)).collect();
        let centre: Vec<f64> =
            clean.iter().map(|x| x.clamp(-BOX_MARGIN, BOX_MARGIN).atanh()).collect();
        let decoded = centre.iter().map(|w| w.tanh()).collect();
        Self { clean, centre, decoded }
    }

    /// The perturbation r and the clip x + r.
    pub fn decode(&self, offset: &[f64]) -> (Vec<f64>, Vec<f32>) {
        let points = self.centre.iter().zip(&self.decoded).zip(&self.clean).zip(offset);
        points
            .map(|(((centre, decoded), clean), offset)| {
                let r = if *offset == 0.0 { 0.0 } else { (centre + offset).tanh() - decoded };
                (r, (clean + r).clamp(-1.0, 1.0) as f32)
            })
            .unzip()
    }

    /// The offset that decodes to these samples.
    pub fn offset_of(&self, samples: &[f32]) -> Vec<f64> {
        let points = samples.iter().zip(&self.clean).zip(&self.centre).zip(&self.decoded);
        points
            .map(|(((&y, clean), centre), decoded)| {
                let r = f64::from(y) - clean;
                if r == 0.0 {
                    return 0.0;
                }
                (decoded + r).clamp(-BOX_MARGIN, BOX_MARGIN).atanh() - centre
            })
            .collect()
    }

    /// From the gradient with respect to r to that with respect to the offset.
    pub fn by_offset(&self, offset: &[f64], gradient: &mut [f64]) {
        for ((g, centre), offset) in gradient.iter_mut().zip(&self.centre).zip(offset) {
            *g *= 1.0 - (centre + offset).tanh().powi(2);
        }
    }
}
