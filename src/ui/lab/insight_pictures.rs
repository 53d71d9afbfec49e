//! The pictures of what a model is fed and where it listens, and the measures of the chosen part:
//! made on a thread of their own.

use std::sync::Arc;

use eframe::egui::{self, ColorImage, TextureFilter, TextureHandle, TextureOptions};

use super::newest::Newest;
use super::pictures::slot;
use crate::attacks::Explanation;
use crate::audio::SAMPLE_RATE;
use crate::audio::player::Side;
use crate::dsp::{ColourMap, Grid, Look, Relevance, StftSettings, Weighing, render};
use crate::metrics::{Region, RegionLevel};
use crate::models::{Features, Inspection};
use crate::ui::pace::Pace;

/// How far below the strongest cell a heat map is dark, in dB of power: a thousandth.
pub(super) const HEAT_SPAN_DB: f32 = 30.0;

/// What a picture is of.
#[derive(Clone)]
pub enum Subject {
    /// What the network is fed, in the range of `scale`, the original's.
    Fed {
        /// Of this side.
        of: Arc<Inspection>,
        /// The original side.
        scale: Arc<Inspection>,
    },
    /// By how much two sides' features differ.
    FedDifference {
        /// The adversarial side.
        of: Arc<Inspection>,
        /// The original side.
        less: Arc<Inspection>,
    },
    /// Where the model listens.
    Listening {
        /// The gradient.
        why: Arc<Explanation>,
        /// The samples that it was taken at.
        samples: Arc<[f32]>,
        /// What is shown of it.
        weighing: Weighing,
    },
    /// What the change does to the original's lead.
    Change {
        /// The gradient at the original.
        why: Arc<Explanation>,
        /// The original samples.
        original: Arc<[f32]>,
        /// The adversarial ones.
        adversarial: Arc<[f32]>,
    },
}

impl Subject {
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fed { of: a, scale: b }, Self::Fed { of: c, scale: d })
            | (Self::FedDifference { of: a, less: b }, Self::FedDifference { of: c, less: d }) => {
                Arc::ptr_eq(a, c) && Arc::ptr_eq(b, d)
            }
            (
                Self::Listening { why, samples, weighing },
                Self::Listening { why: why_2, samples: samples_2, weighing: weighing_2 },
            ) => {
                Arc::ptr_eq(why, why_2) && Arc::ptr_eq(samples, samples_2) && weighing == weighing_2
            }
            (
                Self::Change { why, original, adversarial },
                Self::Change { why: why_2, original: original_2, adversarial: adversarial_2 },
            ) => {
                Arc::ptr_eq(why, why_2)
                    && Arc::ptr_eq(original, original_2)
                    && Arc::ptr_eq(adversarial, adversarial_2)
            }
            _ => false,
        }
    }
}

/// What a picture is to show.
#[derive(Clone)]
pub struct InsightRequest {
    /// Of which side.
    pub side: Side,
    /// What.
    pub subject: Subject,
    /// Window and hop of heat maps.
    pub stft: StftSettings,
    /// Axis of heat maps, and colours.
    pub look: Look,
    /// Most columns.
    pub max_width: usize,
    /// Rows of heat maps.
    pub height: usize,
}

impl InsightRequest {
    fn same(&self, other: &Self) -> bool {
        self.subject.same(&other.subject)
            && (self.stft, self.look.axis, self.look.colour_map, self.max_width, self.height)
                == (
                    other.stft,
                    other.look.axis,
                    other.look.colour_map,
                    other.max_width,
                    other.height,
                )
    }
}

/// The numbers behind a picture.
#[derive(Clone)]
pub enum Numbers {
    /// What the network is fed, with the range of the colours.
    Fed(Arc<Grid>, [f32; 2]),
    /// Where the model listens.
    Heat(Arc<Relevance>),
}

/// A picture with the numbers behind it.
pub struct InsightPicture {
    /// All of the clip, and what it was padded with.
    pub texture: TextureHandle,
    /// The numbers.
    pub numbers: Numbers,
    subject: Subject,
}

impl InsightPicture {
    /// When the first column is, how far apart columns' frames are, in seconds, and how many frames
    /// there are.
    pub fn timing(&self) -> (f64, f64, usize) {
        match &self.numbers {
            Numbers::Fed(grid, _) => (grid.start(), grid.hop(), grid.frames()),
            Numbers::Heat(relevance) => {
                let heat = relevance.heat();
                (0.0, heat.settings().hop as f64 / f64::from(SAMPLE_RATE), heat.frames())
            }
        }
    }
}

/// A part of a clip to be measured.
#[derive(Clone)]
pub struct MeasureRequest {
    /// The part.
    pub region: Region,
    /// The clean samples.
    pub original: Arc<[f32]>,
    /// The adversarial ones, where there are any.
    pub adversarial: Option<Arc<[f32]>>,
}

impl MeasureRequest {
    fn same(&self, other: &Self) -> bool {
        let adversarial = match (&self.adversarial, &other.adversarial) {
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            (None, None) => true,
            _ => false,
        };
        adversarial && Arc::ptr_eq(&self.original, &other.original) && self.region == other.region
    }
}

/// What was measured of a part of a clip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// What is in it of the original.
    pub original: RegionLevel,
    /// What is in it of the change, where there is one.
    pub change: Option<RegionLevel>,
}

impl Measured {
    /// The SNR in dB, where there is a change.
    pub fn snr_db(&self) -> Option<f64> {
        self.change.map(|change| self.original.snr_db(&change))
    }
}

enum Job {
    Picture(InsightRequest),
    Measure(MeasureRequest),
}

enum Done {
    Picture(InsightRequest, Numbers, ColorImage),
    Measured(MeasureRequest, Measured),
}

/// All pictures of insights, and the measures of the chosen part.
pub struct InsightPictures {
    worker: Newest<Job, Done>,
    asked: [Option<InsightRequest>; 3],
    shown: [Option<InsightPicture>; 3],
    to_measure: Option<MeasureRequest>,
    measured: Option<(MeasureRequest, Measured)>,
}

impl InsightPictures {
    /// Starts the worker.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn new(pace: &Pace) -> std::io::Result<Self> {
        let worker = Newest::start("insights", 4, pace, |job| match job {
            Job::Picture(request) => {
                let (numbers, image) = paint(&request);
                Done::Picture(request, numbers, image)
            }
            Job::Measure(request) => {
                let measured = measure(&request);
                Done::Measured(request, measured)
            }
        })?;
        Ok(Self {
            worker,
            asked: Default::default(),
            shown: Default::default(),
            to_measure: None,
            measured: None,
        })
    }

    /// Asks for a picture unless it is the one asked for last.
    pub fn ask(&mut self, request: InsightRequest) {
        let index = slot(request.side);
        if self.asked[index].as_ref().is_some_and(|asked| asked.same(&request)) {
            return;
        }
        self.asked[index] = Some(request.clone());
        self.worker.ask(index, Job::Picture(request));
    }

    /// Asks for the measures of a part unless they were asked for last.
    pub fn measure(&mut self, request: MeasureRequest) {
        if self.to_measure.as_ref().is_some_and(|asked| asked.same(&request)) {
            return;
        }
        self.to_measure = Some(request.clone());
        self.worker.ask(3, Job::Measure(request));
    }

    /// What was measured of a part; of the same part with earlier adversarial samples while an
    /// attack goes on.
    pub fn measured(&self, region: Region) -> Option<Measured> {
        let (request, measured) = self.measured.as_ref()?;
        let current = self.to_measure.as_ref()?;
        let same = request.region == region && Arc::ptr_eq(&request.original, &current.original);
        let both = request.adversarial.is_some() == current.adversarial.is_some();
        (same && both).then_some(*measured)
    }

    /// Takes in what the worker has done.
    pub fn receive(&mut self, ctx: &egui::Context) {
        while let Some(done) = self.worker.take() {
            match done {
                Done::Measured(request, measured) => self.measured = Some((request, measured)),
                Done::Picture(request, numbers, image) => {
                    let index = slot(request.side);
                    let options = match numbers {
                        // The model's bands as they are, not smoothed over.
                        Numbers::Fed(..) => TextureOptions {
                            magnification: TextureFilter::Nearest,
                            ..TextureOptions::LINEAR
                        },
                        Numbers::Heat(_) => TextureOptions::LINEAR,
                    };
                    let texture = match self.shown[index].take() {
                        Some(InsightPicture { mut texture, .. }) => {
                            texture.set(image, options);
                            texture
                        }
                        None => ctx.load_texture(format!("insight {index}"), image, options),
                    };
                    let subject = request.subject;
                    self.shown[index] = Some(InsightPicture { texture, numbers, subject });
                }
            }
        }
    }

    /// The picture of a side, if it is of this.
    pub fn get(&self, side: Side, subject: &Subject) -> Option<&InsightPicture> {
        self.shown[slot(side)].as_ref().filter(|picture| picture.subject.same(subject))
    }
}

fn measure(request: &MeasureRequest) -> Measured {
    let MeasureRequest { region, original, adversarial } = request;
    Measured {
        original: region.level_of(original),
        change: adversarial.as_ref().map(|samples| region.level_of_change(original, samples)),
    }
}

/// Features over time, as the eye sees them.
fn grid_of(inspection: &Inspection) -> Grid {
    let Some(features) = &inspection.features else {
        return Grid::new(Arc::new([]), 1, 0.0, 1.0);
    };
    let Features { values, first, hop, .. } = features;
    let rate = f64::from(SAMPLE_RATE);
    Grid::new(values.clone(), features.bands(), first / rate, *hop as f64 / rate)
}

fn paint(request: &InsightRequest) -> (Numbers, ColorImage) {
    let InsightRequest { subject, stft, look, max_width, height, .. } = request;
    let heat = |relevance: Relevance| {
        let look = Look { floor_db: -HEAT_SPAN_DB, ceiling_db: 0.0, ..*look };
        let picture = render(relevance.heat(), &look, *max_width, *height);
        (Numbers::Heat(Arc::new(relevance)), picture)
    };
    let (numbers, picture) = match subject {
        Subject::Fed { of, scale } => {
            fed(grid_of(of), grid_of(scale).range(), look.colour_map, *max_width)
        }
        Subject::FedDifference { of, less } => {
            let (of, less) = (grid_of(of), grid_of(less));
            let difference = of.minus(&less).unwrap_or(of);
            let range = [0.0, difference.bound()];
            fed(difference, range, look.colour_map, *max_width)
        }
        Subject::Listening { why, samples, weighing } => {
            heat(Relevance::compute(&why.gradient, samples, *stft, *weighing))
        }
        Subject::Change { why, original, adversarial } => {
            let change: Vec<f32> =
                original.iter().zip(adversarial.iter()).map(|(x, y)| y - x).collect();
            heat(Relevance::compute(&why.gradient, &change, *stft, Weighing::Added))
        }
    };
    (numbers, ColorImage::from_rgb([picture.width, picture.height], &picture.rgb))
}

fn fed(
    grid: Grid,
    range: [f32; 2],
    colour_map: ColourMap,
    max_width: usize,
) -> (Numbers, crate::dsp::Picture) {
    let span = (range[1] - range[0]).max(1e-6);
    // Of a difference, whose range begins at zero, the size counts.
    let size = |value: f32| if range[0] == 0.0 { value.abs() } else { value };
    let picture = grid.render(|value| (size(value) - range[0]) / span, colour_map, max_width);
    (Numbers::Fed(Arc::new(grid), range), picture)
}
