//! Tables and figures of the rows so far, made on a thread beside the window.

use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use eframe::egui::{ColorImage, Context, TextureHandle, TextureOptions};

use crate::engine::Background;
use crate::experiments::{Results, Table};

/// Width of a figure in pixels: enough for the largest pane of a sharp screen.
const WIDTH: u32 = 1400;

/// Rows arrive faster than tables need to change.
const INTERVAL: Duration = Duration::from_secs(2);

/// A figure as it is shown.
pub struct Shown {
    /// What it is of.
    pub title: String,
    /// The picture.
    pub texture: TextureHandle,
}

/// What was made.
struct Made {
    tables: Vec<Table>,
    figures: Vec<(String, ColorImage)>,
}

/// The tables and figures, and who makes new ones.
#[derive(Default)]
pub struct Digest {
    /// Tables 1 to 5, as far as there are rows for them.
    pub tables: Vec<Table>,
    /// Figures 1 and 2.
    pub figures: Vec<Shown>,
    /// Which state of the rows they are of.
    of: Option<u64>,
    making: Option<(u64, Receiver<Made>)>,
    last: Option<Instant>,
}

impl Digest {
    /// Forgets everything: another run is shown.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether new ones are being made.
    pub fn is_busy(&self) -> bool {
        self.making.is_some()
    }

    /// Takes in what was made, and has new ones made where rows came or changed, as the number
    /// tells that counts this. `results` is only called then, and what it gives on the thread.
    pub fn keep_up<R: FnOnce() -> Results + Send + 'static>(
        &mut self,
        ctx: &Context,
        rows: u64,
        results: impl FnOnce() -> R,
    ) {
        if let Some((of, receiver)) = &self.making {
            match receiver.try_recv() {
                Ok(made) => {
                    self.of = Some(*of);
                    self.tables = made.tables;
                    let shown = |(title, image): (String, ColorImage)| {
                        let texture = ctx.load_texture(&title, image, TextureOptions::LINEAR);
                        Shown { title, texture }
                    };
                    self.figures = made.figures.into_iter().map(shown).collect();
                    self.making = None;
                }
                Err(mpsc::TryRecvError::Empty) => return,
                // It could not be made; the rows are there all the same.
                Err(mpsc::TryRecvError::Disconnected) => {
                    self.of = Some(*of);
                    self.making = None;
                }
            }
        }
        if self.of == Some(rows) {
            return;
        }
        if let Some(wait) = self.last.and_then(|last| INTERVAL.checked_sub(last.elapsed())) {
            ctx.request_repaint_after(wait);
            return;
        }
        let (results, ctx) = (results(), ctx.clone());
        let (sender, receiver) = mpsc::channel();
        let priority = Background::below_this_thread();
        let thread = thread::Builder::new().name("tables".to_owned()).spawn(move || {
            priority.enter();
            sender.send(make(&results())).ok();
            ctx.request_repaint();
        });
        if thread.is_ok() {
            self.last = Some(Instant::now());
            self.making = Some((rows, receiver));
        }
    }
}

fn make(results: &Results) -> Made {
    let mut figures = Vec::new();
    if let Some(png) = results.histograms().and_then(|all| all.to_png(WIDTH).ok()) {
        figures.push(("Figure 1: labels of adversarial clips".to_owned(), png));
    }
    for attack in results.attacks_of(true) {
        if let Some(png) = results.matrices(attack, None).and_then(|all| all.to_png(WIDTH).ok()) {
            figures.push((format!("Figure 2: {}, targeted", attack.title), png));
        }
    }
    let figures = figures.into_iter().filter_map(|(title, png)| Some((title, unpack(&png)?)));
    Made { tables: results.tables(), figures: figures.collect() }
}

/// A PNG as the screen takes it.
fn unpack(png: &[u8]) -> Option<ColorImage> {
    let image = image::load_from_memory(png).ok()?.to_rgba8();
    let size = [image.width() as usize, image.height() as usize];
    Some(ColorImage::from_rgba_unmultiplied(size, &image))
}
