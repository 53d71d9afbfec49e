//! Above the pictures: what they show, and what was measured of the chosen part.

use eframe::egui::{
    Align, ComboBox, Label, Layout, Role, Sense, Ui, WidgetInfo,
    text::{LayoutJob, TextFormat, TextWrapping},
    vec2,
};

use super::LabUi;
use super::insight_pictures::Measured;
use super::insights::PictureMode;
use crate::audio::player::Side;
use crate::metrics::Region;
use crate::models::FeatureKind;
use crate::ui::UiCommand;
use crate::ui::text;
use crate::ui::theme;
use crate::ui::widgets::{Icon, Segment, down_mark, icon_button, popup_button, row, segmented};

/// Height of the bar.
pub(super) const PICTURE_BAR: f32 = theme::CONTROL_HEIGHT;

/// What the picture of levels is.
const LEVELS: &str = "The sound: how much of each frequency there is at each moment, in dB.";

/// What the picture of what the model is fed is.
const MACHINE: &str = "What the chosen model's network is fed, in its own bands and steps (M). Lines \
                       mark the parts that it hears on their own; under them is what it says of each.";

/// What the heat map is.
const LISTENING: &str = "Where in time and frequency the chosen model listens for what it hears (G): \
                         which cells of the picture its answer hangs on.";

/// What gradient times input is, and what it is not.
const WEIGHTED: &str = "How much the lead ln(p / q) of the label (p) over its strongest rival (q) \
                        changes where a cell becomes 1 dB louder: Re(G* X) · ln 10 / 20, with the \
                        spectrograms X of the clip and G of the gradient of the lead with respect to \
                        the waveform. Colours tell the size, 100 % being the strongest cell; the \
                        read-out tells the sign.\n\nIt is a tangent: it holds for small changes of \
                        this clip. It does not say what the model would hear if a cell were missing, \
                        nor what it listens to in other clips.";

/// What the gradient alone is, and what it is not.
const GRADIENT: &str = "The size of the gradient alone, |G|: where a change of a given amplitude moves \
                        the lead most, whatever the clip has there. It is large where the clip is \
                        silent, since models hear decibels; attacks hide there. It does not say what \
                        the model hears.";

impl LabUi<'_> {
    pub(super) fn picture_bar(&mut self, ui: &mut Ui) {
        let size = vec2(ui.available_width(), PICTURE_BAR);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_height(PICTURE_BAR);
            let narrow = ui.available_width() < 640.0;
            ui.spacing_mut().item_spacing.x = if narrow { 6.0 } else { 10.0 };
            self.modes(ui, narrow);
            if self.lab.insights.mode == PictureMode::Listening {
                self.listening_settings(ui, narrow);
            }
            match self.lab.region() {
                Some(region) => self.region_words(ui, region),
                None => self.mode_words(ui),
            }
        });
    }

    fn modes(&mut self, ui: &mut Ui, narrow: bool) {
        let mut mode = self.lab.insights.mode;
        let segments = [
            Segment { name: "Show levels", ..Segment::new(PictureMode::Levels, "Levels", LEVELS) },
            Segment {
                name: "Show what the model sees",
                ..Segment::new(
                    PictureMode::Machine,
                    if narrow { "Machine" } else { "Machine’s view" },
                    MACHINE,
                )
            },
            Segment {
                name: "Show where the model listens",
                ..Segment::new(
                    PictureMode::Listening,
                    if narrow { "Listens" } else { "Where it listens" },
                    LISTENING,
                )
            },
        ];
        if segmented(ui, if narrow { 198.0 } else { 321.0 }, &segments, &mut mode) {
            self.asked.push(UiCommand::ShowPicture(mode));
        }
    }

    /// The label whose cause is looked for, and how it is shown.
    fn listening_settings(&mut self, ui: &mut Ui, narrow: bool) {
        let labels = self.lab.labels();
        let wanted = self.lab.insights.label.as_ref().and_then(|name| labels.index_of(name));
        let wanted_title = wanted.map(|label| labels.title(label));
        let button = match &wanted_title {
            Some(title) => format!("for {title}"),
            None => "for what is heard".to_owned(),
        };
        // The likeliest first, then all others.
        let mut offered: Vec<usize> = [Side::Original, Side::Adversarial]
            .into_iter()
            .filter_map(|side| match side {
                Side::Original => self.lab.verdict(),
                _ => self.lab.adversarial().and_then(|adversarial| adversarial.verdict),
            })
            .flat_map(|verdict| verdict.ranked(5).into_iter().map(|(label, _)| label))
            .chain(0..labels.len())
            .collect();
        let mut seen = vec![false; labels.len()];
        offered.retain(|&label| {
            seen.get_mut(label).is_some_and(|seen| !std::mem::replace(seen, true))
        });
        let insights = &mut self.lab.insights;
        let width = if narrow { 128.0 } else { 158.0 };
        let response = popup_button(ui, "Listening settings", &button, width, |ui| {
            ui.set_width(290.0);
            row(ui, "Label", |ui| {
                ComboBox::from_id_salt("listening for")
                    .icon(down_mark)
                    .selected_text(wanted_title.as_deref().unwrap_or("what each side is heard as"))
                    .width(190.0)
                    .show_ui(ui, |ui| {
                        let none = insights.label.is_none();
                        if ui.selectable_label(none, "what each side is heard as").clicked() {
                            insights.label = None;
                        }
                        for label in offered {
                            let chosen = wanted == Some(label);
                            if ui.selectable_label(chosen, labels.title(label)).clicked() {
                                insights.label = Some(labels.name(label).to_owned());
                            }
                        }
                    })
                    .response
                    .accessible_name("Label that is listened for")
                    .on_hover_text("Whose lead over its strongest rival is explained");
            });
            row(ui, "Shown", |ui| {
                let segments = [
                    Segment::new(false, "gradient × clip", WEIGHTED),
                    Segment::new(true, "gradient", GRADIENT),
                ];
                segmented(ui, 190.0, &segments, &mut insights.gradient_alone);
            });
            let words = if insights.gradient_alone { GRADIENT } else { WEIGHTED };
            ui.add(Label::new(theme::small(ui, words)).wrap());
        });
        response.on_hover_text("For which label, and what is shown of the gradient");
    }

    /// What the picture is, in a few words.
    fn mode_words(&self, ui: &mut Ui) {
        let chosen = self.lab.models.chosen();
        let title = self.lab.models.title(chosen);
        let features = self.lab.inspection(Side::Original).map(|it| it.features.as_ref());
        let (words, more) = match (self.lab.insights.mode, features) {
            (PictureMode::Levels, _) => (
                "Drag over a picture to choose a part".to_owned(),
                "Drag over a picture to loop a part, zoom to it (Z) and measure the SNR in it. A drag \
                 that is hardly high, or with Shift, takes all frequencies; one that is hardly wide \
                 takes a band of the whole clip."
                    .to_owned(),
            ),
            (PictureMode::Listening, _) => {
                let words = match self.lab.insights.gradient_alone {
                    false => format!("what {title}’s answer hangs on"),
                    true => format!("where {title} is easily moved"),
                };
                let more = if self.lab.insights.gradient_alone { GRADIENT } else { WEIGHTED };
                (words, format!("{more}\n\nBeside it, the difference: gradient times change, Re(G* R) \
                    with the spectrogram R of the change: what each cell of the change does to the \
                    original’s lead, to first order."))
            }
            (PictureMode::Machine, None) => (String::new(), MACHINE.to_owned()),
            (PictureMode::Machine, Some(None)) => {
                (format!("{title} sees the waveform"), MACHINE.to_owned())
            }
            (PictureMode::Machine, Some(Some(features))) => {
                let rate = f64::from(crate::audio::SAMPLE_RATE);
                let step = text::number(features.hop as f64 / rate * 1e3, 0);
                let bands = features.bands();
                match features.kind {
                    FeatureKind::StandardisedLogMel => (
                        format!("{bands} mel bands every {step} ms, standardised"),
                        format!(
                            "{title} sees {bands} mel bands, a column every {step} ms (window 32 ms), \
                             in dB below the clip’s loudest, less the mean that its training data had \
                             in the band, in that band’s standard deviations (σ). It hears chunks of \
                             128 columns on their own; its answer is the geometric mean of theirs. \
                             What is dark at the ends is not heard."
                        ),
                    ),
                    FeatureKind::LogMel => (
                        format!("{bands} mel bands every {step} ms, in dB"),
                        format!(
                            "{title} sees {bands} mel bands of the clip divided by its peak, a column \
                             every {step} ms (window 32 ms), in dB below the loudest. It hears the \
                             clip as a whole; its answer is the average of eight heads."
                        ),
                    ),
                    FeatureKind::Filterbank => (
                        format!("the waveform; here its {bands} learned filters"),
                        format!(
                            "{title} sees the waveform itself and no spectrogram. This is what its \
                             first layer makes of it: {bands} filters that it has learned, sorted by \
                             the frequency that each passes best, rectified, the largest of each \
                             {step} ms, as ln(1 + x). Its answer is the average of eight heads."
                        ),
                    ),
                }
            }
        };
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.add(Label::new(theme::small(ui, words)).truncate()).on_hover_text(more);
        });
    }

    /// The chosen part: where it is, what was measured in it, and what can be done with it.
    fn region_words(&mut self, ui: &mut Ui, region: Region) {
        let measured = self.lab.insights.pictures.measured(region);
        let measured = measured.filter(|_| self.lab.drag_from.is_none());
        let parts = words_of(region, measured);
        let told: Vec<&str> = parts.iter().map(|(words, _)| words.as_str()).collect();
        let told = told.join(" · ");
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let close = icon_button(ui, Icon::Close, "Give up the chosen part", false);
            if close.on_hover_text("Give up the chosen part (Esc, or double click)").clicked() {
                self.asked.push(UiCommand::Select(None));
            }
            let zoom = icon_button(ui, Icon::Zoom, "Zoom to the chosen part", false);
            if zoom.on_hover_text("Zoom to the chosen part (Z)").clicked() {
                self.asked.push(UiCommand::ZoomToRegion);
            }
            let palette = theme::palette(ui);
            let room = ui.available_width();
            // What does not fit is left out from the end.
            let mut shown = parts.len();
            let galley = loop {
                let mut job = LayoutJob {
                    wrap: TextWrapping::truncate_at_width(room),
                    ..LayoutJob::default()
                };
                for (index, (words, strong)) in parts.iter().take(shown).enumerate() {
                    let font_id = if *strong {
                        eframe::egui::FontId::new(theme::BODY, theme::semibold())
                    } else {
                        eframe::egui::FontId::proportional(12.0)
                    };
                    let color = if *strong { palette.text } else { palette.quiet };
                    let format = TextFormat { font_id, color, ..Default::default() };
                    job.append(words, if index == 0 { 0.0 } else { 9.0 }, format);
                }
                let galley = ui.painter().layout_job(job);
                if !galley.elided || shown <= 1 {
                    break galley;
                }
                shown -= 1;
            };
            let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::hover());
            ui.painter().galley(rect.min, galley, palette.text);
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("Chosen part: {told}")));
            response.on_hover_text(format!(
                "{told}\n\nThe SNR in the chosen part: 10 log10 of the original’s energy over the \
                 change’s, both in these moments and frequencies only. A band is cut out by a filter \
                 without delay whose edges are a fifth of it wide (10 to 100 Hz). Peaks are the \
                 largest samples after that, of the original and of the change."
            ));
        });
    }
}

/// What there is to say of a part, the most important first, which is the strong one.
fn words_of(region: Region, measured: Option<Measured>) -> Vec<(String, bool)> {
    let [from, to] = region.seconds;
    let time = format!("{}–{} s", text::number(from, 2), text::number(to, 2));
    let band = match region.hz {
        Some([low, high]) if high >= 1000.0 => {
            let kilo = |hz: f64| text::number(hz / 1e3, 2);
            format!("{}–{} kHz", kilo(low), kilo(high))
        }
        Some([low, high]) => format!("{}–{}", text::number(low, 0), text::hertz(high)),
        None => "all frequencies".to_owned(),
    };
    let mut words = Vec::new();
    if let Some(snr_db) = measured.and_then(|measured| measured.snr_db()) {
        words.push((format!("SNR {}", text::decibels(snr_db, 1)), true));
    }
    words.push((time, false));
    words.push((band, false));
    if let Some(measured) = measured {
        let peak = |level: f64| text::number(level, 0);
        let original = peak(measured.original.peak_dbfs());
        words.push((
            match measured.change {
                Some(change) => format!("peaks {original}, {} dBFS", peak(change.peak_dbfs())),
                None => format!("peak {original} dBFS"),
            },
            false,
        ));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::RegionLevel;

    #[test]
    fn a_part_is_told_with_its_snr_first() {
        let region = Region { seconds: [0.42, 1.308], hz: Some([800.0, 2400.4]) };
        let level = |energy, peak| RegionLevel { energy, peak };
        let measured = Measured { original: level(1.0, 0.5), change: Some(level(1e-4, 0.001)) };
        let told = |measured| {
            let words = words_of(region, measured).into_iter().map(|(words, _)| words);
            words.collect::<Vec<_>>().join(", ")
        };
        assert_eq!(
            told(Some(measured)),
            "SNR 40.0 dB, 0.42–1.31 s, 0.80–2.40 kHz, peaks −6, −60 dBFS"
        );
        assert_eq!(told(None), "0.42–1.31 s, 0.80–2.40 kHz");
        let clean = Measured { change: None, ..measured };
        assert!(told(Some(clean)).ends_with("peak −6 dBFS"));
        let time = Region { hz: None, ..region };
        assert_eq!(words_of(time, None)[1].0, "all frequencies");
        let low = Region { hz: Some([20.4, 150.0]), ..region };
        assert_eq!(words_of(low, None)[1].0, "20–150 Hz");
    }
}
