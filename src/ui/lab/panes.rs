//! The row of spectrograms: same time, same frequencies, same levels, side by side.

use eframe::egui::{
    Align2, Color32, FontId, Rect, Sense, TextFormat, Ui, pos2,
    text::{LayoutJob, TextWrapping},
    vec2,
};

use super::insight_pictures::{InsightRequest, MeasureRequest};
use super::insights::PictureMode;
use super::pane::PaneArea;
use super::pictures::Request;
use super::sides::{SIDES, title};
use super::{LabUi, colour_bar};
use crate::audio::player::Side;
use crate::dsp::Look;
use crate::models::Verdict;
use crate::ui::text;
use crate::ui::theme::{self, TITLE};

/// Room for the frequencies left of the first pane.
const LEFT: f32 = 34.0;
/// Room for the times under the panes.
const BELOW: f32 = 18.0;
/// Room for the titles above the panes.
const ABOVE: f32 = 26.0;
/// Space between panes.
const BETWEEN: f32 = 10.0;
/// How many dB of the difference are shown below its loudest point.
const DIFFERENCE_SPAN: f32 = 80.0;

impl LabUi<'_> {
    pub(super) fn panes(&mut self, ui: &mut Ui, height: f32) {
        let Some(clip) = self.lab.clip.clone() else { return };
        let (area, _) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
        let shown: Vec<Side> = SIDES
            .into_iter()
            .zip(self.settings.panes)
            .filter_map(|(side, shown)| shown.then_some(side))
            .collect();
        self.escape_key(ui);
        let scales = self.scales(&shown);
        let right = colour_bar::width(scales.len() > 1);
        let chunks = self.chunks_height();
        let row = Rect::from_min_max(
            pos2(area.left() + LEFT, area.top() + ABOVE),
            pos2(area.right() - right, area.bottom() - BELOW - chunks),
        );
        let gaps = BETWEEN * (shown.len() as f32 - 1.0);
        let width = (row.width() - gaps) / shown.len().max(1) as f32;
        self.ask_for_pictures(ui, &clip.samples, vec2(width, row.height()));

        let panes: Vec<PaneArea> = shown
            .iter()
            .enumerate()
            .map(|(index, &side)| {
                let left = row.left() + index as f32 * (width + BETWEEN);
                let rect = Rect::from_min_size(pos2(left, row.top()), vec2(width, row.height()));
                PaneArea::new(side, rect)
            })
            .collect();
        // First every pane takes its input, so that all show the same pointer in this frame.
        self.lab.cursor = None;
        for pane in &panes {
            self.pane_input(ui, pane, clip.seconds());
        }
        for pane in &panes {
            self.pane_title(ui, pane);
            self.paint_pane(ui, pane, clip.seconds());
            self.chunk_row(ui, pane, clip.seconds());
            let with_chunks = pane.rect.with_max_y(pane.rect.bottom() + chunks);
            self.time_axis(ui, with_chunks, clip.seconds());
        }
        if let Some(first) = panes.first() {
            self.frequency_axis(ui, first.rect);
        }
        let bar = Rect::from_min_max(
            pos2(area.right() - right + 10.0, row.top()),
            pos2(area.right(), row.bottom()),
        );
        colour_bar::show(ui, bar, self.settings.look.colour_map, &scales);
    }

    fn ask_for_pictures(
        &mut self,
        ui: &Ui,
        original: &std::sync::Arc<[f32]>,
        size: eframe::egui::Vec2,
    ) {
        let scale = ui.ctx().pixels_per_point();
        let most = ui.input(|input| input.max_texture_side).max(64);
        // Enough columns for what is zoomed to, in powers of two so that zooming rarely asks anew.
        let columns = f64::from(size.x * scale) / self.lab.view.width();
        let max_width = (columns.ceil() as usize).next_power_of_two().clamp(256, most);
        let height = ((size.y * scale) as usize).next_power_of_two().clamp(256, 1024.min(most));
        let adversarial = self.lab.adversarial().map(|adversarial| adversarial.samples.clone());
        if let Some(region) = self.lab.region().filter(|_| self.lab.drag_from.is_none()) {
            let (original, adversarial) = (original.clone(), adversarial.clone());
            let request = MeasureRequest { region, original, adversarial };
            self.lab.insights.pictures.measure(request);
        }
        for side in SIDES {
            if side != Side::Original && adversarial.is_none() {
                continue;
            }
            if let Some(subject) = self.lab.subject(side) {
                let (stft, look) = (self.settings.stft, self.settings.look);
                let request = InsightRequest { side, subject, stft, look, max_width, height };
                self.lab.insights.pictures.ask(request);
            }
            let look = match side {
                Side::Difference => self.difference_look(),
                Side::Original | Side::Adversarial => self.settings.look,
            };
            self.lab.pictures.ask(Request {
                side,
                original: original.clone(),
                adversarial: adversarial.clone().filter(|_| side != Side::Original),
                stft: self.settings.stft,
                look,
                max_width,
                height,
            });
        }
    }

    /// The look of the difference: the same but for its range.
    fn difference_look(&self) -> Look {
        let [floor_db, ceiling_db] = self.difference_range();
        Look { floor_db, ceiling_db, ..self.settings.look }
    }

    /// The range of the difference, in steps of 10 dB so that it stands still while an attack runs.
    pub(super) fn difference_range(&self) -> [f32; 2] {
        let clip = self.lab.clip.as_ref();
        let picture = clip.and_then(|c| self.lab.pictures.get(Side::Difference, &c.samples));
        match picture {
            Some(picture) if self.settings.difference_auto => {
                let ceiling = (picture.spectrogram.peak_db() / 10.0).ceil() * 10.0;
                let ceiling = ceiling.clamp(-170.0, 0.0);
                [ceiling - DIFFERENCE_SPAN, ceiling]
            }
            _ => self.settings.difference_range,
        }
    }

    fn pane_title(&self, ui: &Ui, pane: &PaneArea) {
        // What does not fit is left out from the end, word by word.
        let mut words = self.title_words(ui, pane.side);
        loop {
            let mut job = LayoutJob {
                wrap: TextWrapping::truncate_at_width(pane.rect.width()),
                ..LayoutJob::default()
            };
            for (text, font_id, color, space) in &words {
                let format =
                    TextFormat { font_id: font_id.clone(), color: *color, ..Default::default() };
                job.append(text, *space, format);
            }
            let galley = ui.painter().layout_job(job);
            if galley.elided && words.len() > 2 {
                words.pop();
                continue;
            }
            let at = pos2(pane.rect.left(), pane.rect.top() - 6.0 - galley.size().y);
            ui.painter().galley(at, galley, theme::palette(ui).text);
            return;
        }
    }

    /// The parts of a title: text, font, colour, space before it.
    fn title_words(&self, ui: &Ui, side: Side) -> Vec<(String, FontId, Color32, f32)> {
        let palette = theme::palette(ui);
        let (plain, aside) = (FontId::proportional(TITLE), FontId::proportional(12.5));
        let heavy = FontId::new(TITLE, theme::semibold());
        let mut words = vec![(title(side).to_owned(), heavy, palette.side(side), 0.0)];
        let mut verdict = |verdict: &Verdict| {
            words.push((verdict.title(), plain.clone(), palette.text, 7.0));
            let probability = format!("{:.2}", verdict.top().1);
            words.push((probability, plain.clone(), palette.text, 5.0));
        };
        match (side, self.lab.verdict(), self.lab.adversarial()) {
            (Side::Original, Some(heard), _) => verdict(heard),
            (Side::Original, None, _) if self.lab.is_naming() => {
                words.push(("listening…".to_owned(), aside.clone(), palette.quiet, 7.0));
            }
            (Side::Adversarial, _, Some(adversarial)) => {
                if let Some(heard) = adversarial.verdict {
                    verdict(heard);
                }
                if let Some(snr) = adversarial.snr_db {
                    let snr = format!("(SNR {})", text::decibels(snr, 1));
                    words.push((snr, aside.clone(), palette.quiet, 8.0));
                }
            }
            (Side::Difference, _, Some(_)) => {
                let what = "adversarial − original".to_owned();
                words.push((String::new(), aside.clone(), palette.quiet, 0.0));
                words.push((what, aside.clone(), palette.quiet, 7.0));
            }
            _ => {}
        }
        let heard = words.len() > 1;
        words.extend(self.why_words(side).map(|why| (why, aside, palette.quiet, 8.0)));
        // What is said of the difference's levels is not what is shown.
        if side == Side::Difference && heard && self.lab.insights.mode != PictureMode::Levels {
            words.drain(1..3);
        }
        words
    }

    /// What else a title says where no levels are shown.
    fn why_words(&self, side: Side) -> Option<String> {
        match (self.lab.insights.mode, side) {
            (PictureMode::Levels, _)
            | (PictureMode::Machine, Side::Original | Side::Adversarial) => None,
            (PictureMode::Machine, Side::Difference) => Some("of what is fed".to_owned()),
            (PictureMode::Listening, _) => {
                let why = self.lab.explanation(side)?;
                let labels = self.lab.labels();
                let (label, rival) = (labels.title(why.label), labels.title(why.rival));
                let heard = match side {
                    Side::Original => self.lab.verdict(),
                    Side::Adversarial => self.lab.adversarial().and_then(|it| it.verdict),
                    Side::Difference => None,
                };
                Some(match (side, heard.map(|verdict| verdict.top().0)) {
                    (Side::Difference, _) => format!("effect on {label}"),
                    (_, Some(heard)) if heard == why.label => format!("over {rival}"),
                    _ => format!("{label} over {rival}"),
                })
            }
        }
    }

    fn frequency_axis(&self, ui: &Ui, rect: Rect) {
        let palette = theme::palette(ui);
        let view = self.lab.view;
        let shown = view.y[1] - view.y[0];
        let about = (f64::from(rect.height()) / 42.0 / shown) as usize;
        let heights = self.heights();
        let mut lowest = f32::INFINITY;
        for (hz, label) in heights.ticks(about) {
            let up = view.up(heights.unit(hz));
            if !(-1e-9..=1.0 + 1e-9).contains(&up) {
                continue;
            }
            let y = rect.bottom() - up as f32 * rect.height();
            // Labels must not touch.
            if lowest - y < 13.0 {
                continue;
            }
            lowest = y;
            let place = y.clamp(rect.top() + 6.0, rect.bottom() - 6.0);
            let font = FontId::proportional(11.0);
            ui.painter().text(
                pos2(rect.left() - 6.0, place),
                Align2::RIGHT_CENTER,
                label,
                font,
                palette.quiet,
            );
        }
        let font = FontId::proportional(11.0);
        let at = pos2(rect.left() - 6.0, rect.top() - 9.0);
        ui.painter().text(at, Align2::RIGHT_BOTTOM, "Hz", font, palette.quiet);
    }

    /// Times under a rectangle that shows the view.
    pub(super) fn time_axis(&self, ui: &Ui, rect: Rect, seconds: f64) {
        let palette = theme::palette(ui);
        let view = self.lab.view;
        let span = view.width() * seconds;
        let step = nice_step(span * 62.0 / f64::from(rect.width().max(1.0)));
        let decimals = if step >= 1.0 { 0 } else { (-step.log10()).ceil() as usize };
        let font = FontId::proportional(11.0);
        let mut tick = (view.x[0] * seconds / step).ceil() * step;
        while tick <= view.x[1] * seconds + 1e-9 {
            let x = rect.left() + view.across(tick / seconds) as f32 * rect.width();
            let unit = if tick < step * 0.5 { " s" } else { "" };
            let label = format!("{}{unit}", text::number(tick, decimals));
            let galley = ui.painter().layout_no_wrap(label, font.clone(), palette.quiet);
            let half = galley.size().x / 2.0;
            let centre = x.clamp(rect.left() + half, (rect.right() - half).max(rect.left() + half));
            ui.painter().galley(pos2(centre - half, rect.bottom() + 3.0), galley, palette.quiet);
            tick += step;
        }
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `least`.
fn nice_step(least: f64) -> f64 {
    let least = least.max(1e-6);
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|&step| step >= least * (1.0 - 1e-9))
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::nice_step;

    #[test]
    fn steps_are_round() {
        for (least, step) in [(0.3, 0.5), (0.05, 0.05), (1.1, 2.0), (7.0, 10.0), (0.0011, 0.002)] {
            assert!((nice_step(least) - step).abs() < 1e-12, "{least}");
        }
    }
}
