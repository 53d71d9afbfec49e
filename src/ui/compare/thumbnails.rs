//! Small pictures of changes, drawn on a thread beside the window.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc;

use eframe::egui::{ColorImage, Context, TextureHandle, TextureOptions};

use crate::dsp::{Look, Spectrogram, StftSettings, render};
use crate::engine::{Background, CommandId};

/// Width and height of a picture in pixels: twice that of its cell, for sharp screens.
const SIZE: [usize; 2] = [220, 56];

/// Samples of a window and of a hop: coarse, as the picture is.
const STFT: StftSettings = StftSettings { window: 1024, hop: 512 };

/// How many dB below its loudest point are shown.
const SPAN_DB: f32 = 80.0;

enum Thumbnail {
    Asked,
    Drawn(TextureHandle),
}

/// The pictures by the command whose result they show.
#[derive(Default)]
pub struct Thumbnails {
    known: HashMap<CommandId, Thumbnail>,
    artist: Option<Artist>,
}

struct Artist {
    orders: mpsc::Sender<Order>,
    drawn: mpsc::Receiver<(CommandId, ColorImage)>,
}

struct Order {
    command: CommandId,
    original: Arc<[f32]>,
    adversarial: Arc<[f32]>,
    look: Look,
}

impl Thumbnails {
    /// Whether a result's picture is there or ordered.
    pub fn has(&self, command: CommandId) -> bool {
        self.known.contains_key(&command)
    }

    /// The picture of a result's change; ordered where it is not there yet.
    pub fn get(
        &mut self,
        ctx: &Context,
        command: CommandId,
        original: &Arc<[f32]>,
        adversarial: &Arc<[f32]>,
        look: Look,
    ) -> Option<&TextureHandle> {
        if !self.known.contains_key(&command) && !adversarial.is_empty() {
            let artist = self.artist.get_or_insert_with(|| Artist::hire(ctx.clone()));
            let (original, adversarial) = (original.clone(), adversarial.clone());
            // A thread that could not be started draws nothing; the table is complete without.
            artist.orders.send(Order { command, original, adversarial, look }).ok();
            self.known.insert(command, Thumbnail::Asked);
        }
        if let Some(artist) = &self.artist {
            while let Ok((command, image)) = artist.drawn.try_recv() {
                let name = format!("thumbnail {}", command.0);
                let texture = ctx.load_texture(name, image, TextureOptions::LINEAR);
                self.known.insert(command, Thumbnail::Drawn(texture));
            }
        }
        match self.known.get(&command)? {
            Thumbnail::Asked => None,
            Thumbnail::Drawn(texture) => Some(texture),
        }
    }

    /// Forgets the pictures of results that are gone.
    pub fn keep(&mut self, wanted: impl Fn(CommandId) -> bool) {
        self.known.retain(|&command, _| wanted(command));
    }
}

impl Artist {
    /// Starts the thread, which ends when its orders do.
    fn hire(ctx: Context) -> Self {
        let (orders, desk) = mpsc::channel::<Order>();
        let (sender, drawn) = mpsc::channel();
        let priority = Background::below_this_thread();
        let work = move || {
            priority.enter();
            for order in desk {
                if sender.send((order.command, draw(&order))).is_err() {
                    return;
                }
                ctx.request_repaint();
            }
        };
        std::thread::Builder::new().name("thumbnails".to_owned()).spawn(work).ok();
        Self { orders, drawn }
    }
}

fn draw(order: &Order) -> ColorImage {
    let change: Vec<f32> =
        order.original.iter().zip(order.adversarial.iter()).map(|(x, y)| y - x).collect();
    let spectrogram = Spectrogram::compute(&change, STFT);
    let ceiling = spectrogram.peak_db();
    let look = Look { ceiling_db: ceiling, floor_db: ceiling - SPAN_DB, ..order.look };
    let picture = render(&spectrogram, &look, SIZE[0], SIZE[1]);
    ColorImage::from_rgb([picture.width, picture.height], &picture.rgb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_louder_part_of_the_change_is_lighter() {
        let original: Arc<[f32]> = vec![0.0; 32_000].into();
        let tone = |i: usize| if i < 16_000 { 0.0 } else { 0.1 * (i as f32 * 0.4).sin() };
        let adversarial: Arc<[f32]> = (0..32_000).map(tone).collect();
        let look = Look::default();
        let image = draw(&Order { command: CommandId(1), original, adversarial, look });
        let light = |columns: std::ops::Range<usize>| -> u32 {
            let pixels = columns.flat_map(|x| (0..image.height()).map(move |y| (x, y)));
            pixels.map(|at| u32::from(image[at].r()) + u32::from(image[at].g())).sum()
        };
        let half = image.width() / 2;
        assert!(light(half + 2..image.width()) > light(0..half - 2));
    }
}
