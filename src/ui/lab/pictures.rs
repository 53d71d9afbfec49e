//! Spectrograms as textures: computed and drawn on a worker thread, uploaded only when changed.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};

use eframe::egui::{self, ColorImage, TextureHandle, TextureOptions};

use super::overview::Overview;
use crate::audio::player::Side;
use crate::dsp::{Look, Spectrogram, StftSettings, render};
use crate::engine::Background;
use crate::ui::pace::Pace;

/// What a picture is to show.
#[derive(Clone)]
pub struct Request {
    /// Of which side.
    pub side: Side,
    /// The clean samples.
    pub original: Arc<[f32]>,
    /// The adversarial samples; needed for the other two sides.
    pub adversarial: Option<Arc<[f32]>>,
    /// Window and hop.
    pub stft: StftSettings,
    /// Axis, colours, range.
    pub look: Look,
    /// Most columns.
    pub max_width: usize,
    /// Rows.
    pub height: usize,
}

impl Request {
    /// Whether both are about the same samples.
    fn same_samples(&self, other: &Self) -> bool {
        let same = |a: &Arc<[f32]>, b: &Arc<[f32]>| Arc::ptr_eq(a, b);
        same(&self.original, &other.original)
            && match (&self.adversarial, &other.adversarial) {
                (Some(a), Some(b)) => same(a, b),
                (None, None) => true,
                _ => false,
            }
    }

    fn same(&self, other: &Self) -> bool {
        self.same_samples(other)
            && (self.stft, self.look, self.max_width, self.height)
                == (other.stft, other.look, other.max_width, other.height)
    }

    fn samples(&self) -> Arc<[f32]> {
        match (self.side, &self.adversarial) {
            (Side::Original, _) | (_, None) => self.original.clone(),
            (Side::Adversarial, Some(adversarial)) => adversarial.clone(),
            (Side::Difference, Some(adversarial)) => {
                self.original.iter().zip(adversarial.iter()).map(|(x, y)| y - x).collect()
            }
        }
    }
}

/// A side's samples as the eye sees them.
pub struct SidePicture {
    /// The picture, all of the clip by all of the axis.
    pub texture: TextureHandle,
    /// The levels behind it.
    pub spectrogram: Arc<Spectrogram>,
    /// The samples that it was made from.
    pub samples: Arc<[f32]>,
    /// Their extremes.
    pub overview: Arc<Overview>,
    /// What was asked for.
    request: Request,
}

struct Done {
    request: Request,
    analysis: Analysis,
    image: ColorImage,
}

#[derive(Clone)]
struct Analysis {
    samples: Arc<[f32]>,
    spectrogram: Arc<Spectrogram>,
    overview: Arc<Overview>,
}

#[derive(Default)]
struct Desk {
    waiting: [Option<Request>; 3],
    quit: bool,
}

type SharedDesk = Arc<(Mutex<Desk>, Condvar)>;

/// The pictures of all three sides.
pub struct Pictures {
    desk: SharedDesk,
    done: mpsc::Receiver<Done>,
    asked: [Option<Request>; 3],
    shown: [Option<SidePicture>; 3],
}

pub(super) fn slot(side: Side) -> usize {
    match side {
        Side::Original => 0,
        Side::Adversarial => 1,
        Side::Difference => 2,
    }
}

fn lock(desk: &Mutex<Desk>) -> MutexGuard<'_, Desk> {
    // Nothing that holds the lock can panic half-way through a change.
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Pictures {
    /// Starts the worker, at a lower priority than the window; it wakes the window whenever a
    /// picture is done.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn new(pace: &Pace) -> std::io::Result<Self> {
        let desk = SharedDesk::default();
        let (sender, done) = mpsc::channel();
        let (shared, pace) = (desk.clone(), pace.clone());
        let priority = Background::below_this_thread();
        std::thread::Builder::new().name("spectrograms".to_owned()).spawn(move || {
            priority.enter();
            work(&shared, |result| {
                let delivered = sender.send(result).is_ok();
                pace.wake();
                delivered
            });
        })?;
        Ok(Self { desk, done, asked: Default::default(), shown: Default::default() })
    }

    /// Asks for a picture unless it is the one asked for last. A newer wish replaces one of the
    /// same side that the worker has not begun.
    pub fn ask(&mut self, request: Request) {
        let index = slot(request.side);
        if self.asked[index].as_ref().is_some_and(|asked| asked.same(&request)) {
            return;
        }
        self.asked[index] = Some(request.clone());
        lock(&self.desk.0).waiting[index] = Some(request);
        self.desk.1.notify_one();
    }

    /// Takes in what the worker has done.
    pub fn receive(&mut self, ctx: &egui::Context) {
        while let Ok(Done { request, analysis, image }) = self.done.try_recv() {
            let index = slot(request.side);
            let options = TextureOptions::LINEAR;
            let texture = match self.shown[index].take() {
                Some(SidePicture { mut texture, .. }) => {
                    texture.set(image, options);
                    texture
                }
                None => ctx.load_texture(format!("spectrogram {index}"), image, options),
            };
            let Analysis { samples, spectrogram, overview } = analysis;
            self.shown[index] =
                Some(SidePicture { texture, spectrogram, samples, overview, request });
        }
    }

    /// The picture of a side of the clip with these clean samples, once there is one. While a
    /// newer one is made it may be of earlier adversarial samples.
    pub fn get(&self, side: Side, original: &Arc<[f32]>) -> Option<&SidePicture> {
        self.shown[slot(side)]
            .as_ref()
            .filter(|picture| Arc::ptr_eq(&picture.request.original, original))
    }
}

impl Drop for Pictures {
    fn drop(&mut self) {
        lock(&self.desk.0).quit = true;
        self.desk.1.notify_one();
    }
}

/// Serves wishes until told to quit or nobody takes the results any more.
fn work(desk: &SharedDesk, deliver: impl Fn(Done) -> bool) {
    let mut known: [Option<(Request, Analysis)>; 3] = Default::default();
    loop {
        let mut guard = lock(&desk.0);
        let request = loop {
            if guard.quit {
                return;
            }
            if let Some(request) = guard.waiting.iter_mut().find_map(Option::take) {
                break request;
            }
            guard = desk.1.wait(guard).unwrap_or_else(PoisonError::into_inner);
        };
        drop(guard);

        let entry = &mut known[slot(request.side)];
        let analysis = match entry {
            Some((of, analysis)) if of.same_samples(&request) && of.stft == request.stft => {
                analysis.clone()
            }
            _ => analyse(&request),
        };
        *entry = Some((request.clone(), analysis.clone()));
        let picture =
            render(&analysis.spectrogram, &request.look, request.max_width, request.height);
        let image = ColorImage::from_rgb([picture.width, picture.height], &picture.rgb);
        if !deliver(Done { request, analysis, image }) {
            return;
        }
    }
}

fn analyse(request: &Request) -> Analysis {
    let samples = request.samples();
    Analysis {
        spectrogram: Arc::new(Spectrogram::compute(&samples, request.stft)),
        overview: Arc::new(Overview::of(&samples)),
        samples,
    }
}
