//! What was measured of a model, and what follows from it.

use super::case::Timing;
use super::workload::{CHUNK_SAMPLES, CLIP_SECONDS};
use crate::audio::SAMPLE_RATE;

/// What was measured of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// All cases, in the order in which they were timed.
    pub timings: Vec<Timing>,
    /// Most resident memory after an attack on a clip of [`CLIP_SECONDS`], in bytes; none where
    /// the system does not say.
    pub attack_memory: Option<u64>,
    /// Most resident memory after everything, in bytes; none where the system does not say.
    pub peak_memory: Option<u64>,
}

impl Report {
    /// How many iterations a second the attack does.
    pub fn attack_iterations_per_second(&self) -> Option<f64> {
        let attack = self.find("attack")?;
        Some(attack.steps as f64 * 1e3 / attack.milliseconds.median)
    }

    /// Time of ten class gradients of one chunk over that of one; none where batch 1 was not timed.
    pub fn top_10_ratio(&self) -> Option<f64> {
        let one = self.find("gradient")?;
        Some(self.find("top-10-gradients")?.milliseconds.median / one.milliseconds.median)
    }

    /// Time of the log-mel and its adjoint, as a share of the network's forward pass and gradient:
    /// both for the same length of sound, [`CLIP_SECONDS`] in chunks that do not overlap. None
    /// where batch 1 was not timed.
    pub fn log_mel_share(&self) -> Option<f64> {
        let chunks = CLIP_SECONDS as f64 * f64::from(SAMPLE_RATE) / CHUNK_SAMPLES as f64;
        let network = self.find("network-gradient")?.milliseconds.median * chunks;
        Some(self.find("log-mel-gradient")?.milliseconds.median / network)
    }

    fn find(&self, name: &str) -> Option<&Timing> {
        self.timings.iter().find(|timing| timing.name == name && timing.batch == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timing::Spread;

    fn report(timings: &[(&'static str, usize, f64, usize)]) -> Report {
        let timings = timings.iter().map(|&(name, batch, median, steps)| {
            let milliseconds = Spread { median, low: median / 2.0, high: 2.0 * median };
            Timing { name, batch, milliseconds, steps }
        });
        Report { timings: timings.collect(), attack_memory: None, peak_memory: None }
    }

    #[test]
    fn ratios_are_those_of_medians_at_batch_1() {
        let report = report(&[
            ("gradient", 8, 999.0, 1),
            ("gradient", 1, 50.0, 1),
            ("network-gradient", 1, 40.0, 1),
            ("log-mel-gradient", 1, 4.0, 1),
            ("top-10-gradients", 1, 250.0, 1),
            ("attack", 1, 4000.0, 20),
        ]);
        assert_eq!(report.top_10_ratio(), Some(5.0));
        assert_eq!(report.attack_iterations_per_second(), Some(5.0));
        let share = report.log_mel_share().unwrap();
        assert!((share - 4.0 / (40.0 * 320_000.0 / 65_536.0)).abs() < 1e-12, "{share}");
    }

    #[test]
    fn without_batch_1_there_are_no_ratios() {
        let report = report(&[("gradient", 8, 999.0, 1), ("top-10-gradients", 1, 250.0, 1)]);
        assert_eq!(report.top_10_ratio(), None);
        assert_eq!(report.log_mel_share(), None);
    }
}
