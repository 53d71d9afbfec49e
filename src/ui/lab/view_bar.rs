//! What is shown and how: sides, axis, range, colours, window.

use eframe::egui::{ComboBox, Slider, Ui};

use super::LabUi;
use super::insights::PictureMode;
use super::sides::{SIDES, title};
use crate::dsp::{ColourMap, FrequencyAxis, Look};
use crate::ui::UiCommand;
use crate::ui::settings::Settings;
use crate::ui::text;
use crate::ui::theme;
use crate::ui::widgets::{
    Icon, Segment, down_mark, icon_button, popup_button, row, segmented, strip,
};

/// The windows that can be chosen, in samples.
const WINDOWS: [usize; 6] = [256, 512, 1024, 2048, 4096, 8192];
/// The hops that can be chosen, in samples.
const HOPS: [usize; 5] = [64, 128, 256, 512, 1024];

impl LabUi<'_> {
    pub(super) fn view_bar(&mut self, ui: &mut Ui) {
        strip(ui, |ui| {
            ui.set_min_width(ui.available_width());
            let narrow = ui.available_width() < 640.0;
            // Larger letters than the smallest window is made for.
            let cramped = ui.available_width() < 540.0;
            ui.spacing_mut().item_spacing.x = if narrow { 6.0 } else { 10.0 };
            self.which_panes(ui, narrow);
            let mut axis = self.settings.look.axis;
            let segments = [
                Segment {
                    name: "Linear frequency axis",
                    ..Segment::new(FrequencyAxis::Linear, "lin", "Equal steps in Hz")
                },
                Segment {
                    name: "Logarithmic frequency axis",
                    ..Segment::new(FrequencyAxis::Log, "log", "Equal steps per octave")
                },
                Segment {
                    name: "Mel frequency axis",
                    ..Segment::new(
                        FrequencyAxis::Mel,
                        "mel",
                        "As the ear and the models space frequencies",
                    )
                },
            ];
            // A model has bands of its own.
            let free = self.lab.insights.mode != PictureMode::Machine;
            ui.add_enabled_ui(free, |ui| {
                if segmented(ui, if narrow { 108.0 } else { 129.0 }, &segments, &mut axis) {
                    self.settings.look.axis = axis;
                }
            });
            let look = self.settings.look;
            let range = match self.lab.insights.mode {
                PictureMode::Levels => format!(
                    "{}{}{}{}",
                    text::number(look.floor_db.into(), 0),
                    if cramped { "…" } else { " … " },
                    text::number(look.ceiling_db.into(), 0),
                    if cramped { "" } else { " dB" }
                ),
                // Their ranges follow what is there.
                PictureMode::Machine | PictureMode::Listening => "Colours".to_owned(),
            };
            let response = popup_button(
                ui,
                "Picture settings",
                &range,
                if cramped { 120.0 } else { 138.0 },
                |ui| {
                    ui.set_width(300.0);
                    picture_settings(ui, self.settings);
                },
            );
            response.on_hover_text("Range of levels, colours, window and hop");
            let whole = self.lab.view.is_whole();
            let fit = ui
                .add_enabled_ui(!whole, |ui| icon_button(ui, Icon::Fit, "Show all", false))
                .inner
                .on_hover_text("Show all of the clip (F, or double click)")
                .on_disabled_hover_text("All of the clip is shown. Turn the wheel to zoom in.");
            if fit.clicked() {
                self.asked.push(UiCommand::ResetView);
            }
        });
    }

    fn which_panes(&mut self, ui: &mut Ui, narrow: bool) {
        let palette = theme::palette(ui);
        ui.spacing_mut().item_spacing.x = 2.0;
        for (index, side) in SIDES.into_iter().enumerate() {
            let shown = self.settings.panes[index];
            let name = title(side);
            let colour = if shown { palette.side(side) } else { palette.quiet };
            let words = if shown {
                theme::strong(name, if narrow { 12.0 } else { theme::BODY })
            } else {
                eframe::egui::RichText::new(name).size(if narrow { 12.0 } else { theme::BODY })
            };
            let fill = if shown { palette.field_active } else { palette.field };
            let width = [74.0, 92.0, 86.0][index] + if narrow { -4.0 } else { 6.0 };
            let button = eframe::egui::Button::new(words.color(colour))
                .fill(fill)
                .min_size(eframe::egui::vec2(width, theme::CONTROL_HEIGHT));
            let response = ui
                .add(button)
                .on_hover_text(format!("Show or hide the {} picture", name.to_lowercase()));
            let told = format!("Show {}", name.to_lowercase());
            response.widget_info(|| {
                let role = eframe::egui::Role::CheckBox;
                eframe::egui::WidgetInfo::selected(role, true, shown, &told)
            });
            let others = self.settings.panes.iter().filter(|&&pane| pane).count();
            if response.clicked() && (!shown || others > 1) {
                self.settings.panes[index] = !shown;
            }
        }
        ui.spacing_mut().item_spacing.x = if narrow { 6.0 } else { 10.0 };
        ui.add_space(4.0);
    }
}

fn picture_settings(ui: &mut Ui, settings: &mut Settings) {
    ui.spacing_mut().slider_width = 110.0;
    let look = &mut settings.look;
    level(ui, "Darkest", "Levels from here down are darkest", &mut look.floor_db);
    level(ui, "Lightest", "Levels from here up are lightest", &mut look.ceiling_db);
    apart(&mut look.floor_db, &mut look.ceiling_db);
    let by_itself = "The difference gets 80 dB below its own loudest point";
    row(ui, "Difference", |ui| {
        ui.checkbox(&mut settings.difference_auto, "automatic range").on_hover_text(by_itself);
    });
    ui.add_enabled_ui(!settings.difference_auto, |ui| {
        let [floor, ceiling] = &mut settings.difference_range;
        level(ui, "Δ darkest", "The same for the difference, on a range of its own", floor);
        level(ui, "Δ lightest", "The same for the difference, on a range of its own", ceiling);
        apart(floor, ceiling);
    });
    row(ui, "Colours", |ui| {
        ComboBox::from_id_salt("colours")
            .icon(down_mark)
            .selected_text(settings.look.colour_map.title())
            .width(130.0)
            .show_ui(ui, |ui| {
                for map in ColourMap::ALL {
                    ui.selectable_value(&mut settings.look.colour_map, map, map.title());
                }
            })
            .response
            .accessible_name("Colour map")
            .on_hover_text("All are even for the eye: equal steps in level look equally far apart");
    });
    let stft = &mut settings.stft;
    samples(
        ui,
        "Window",
        "Longer windows tell pitches apart, shorter ones moments",
        &WINDOWS,
        |w| {
            stft.window = w.unwrap_or(stft.window);
            stft.window
        },
    );
    samples(ui, "Hop", "The step from one column to the next", &HOPS, |hop| {
        stft.hop = hop.unwrap_or(stft.hop);
        stft.hop
    });
    // Frames that overlap by more than 15/16 cost memory (a minute of long windows would take half
    // a gigabyte a side) and show nothing new.
    stft.hop = stft.hop.clamp(stft.window / 16, stft.window);
    row(ui, "", |ui| {
        let reset = ui.button("Defaults").on_hover_text("Range, colours and window as at first");
        if reset.clicked() {
            let defaults = Settings::default();
            settings.look = Look { axis: settings.look.axis, ..defaults.look };
            settings.difference_range = defaults.difference_range;
            settings.difference_auto = defaults.difference_auto;
            settings.stft = defaults.stft;
        }
    });
}

fn level(ui: &mut Ui, name: &str, tooltip: &str, value: &mut f32) {
    row(ui, name, |ui| {
        ui.name_inputs(format!("{name} level in dB"), |ui| {
            let slider = Slider::new(value, -180.0..=0.0).suffix(" dB").step_by(5.0);
            let slider = slider.custom_formatter(|value, _| text::number(value, 0));
            ui.add(slider).on_hover_text(tooltip);
        });
    });
}

/// Keeps at least 10 dB between the ends of a range.
fn apart(floor: &mut f32, ceiling: &mut f32) {
    *floor = floor.min(-10.0);
    *ceiling = ceiling.max(*floor + 10.0);
}

fn samples(
    ui: &mut Ui,
    name: &str,
    tooltip: &str,
    choices: &[usize],
    mut value: impl FnMut(Option<usize>) -> usize,
) {
    let milliseconds = |samples: usize| {
        let seconds = samples as f64 / f64::from(crate::audio::SAMPLE_RATE);
        format!("{samples} · {} ms", text::number(seconds * 1e3, 0))
    };
    row(ui, name, |ui| {
        ComboBox::from_id_salt(name)
            .icon(down_mark)
            .selected_text(milliseconds(value(None)))
            .width(130.0)
            .show_ui(ui, |ui| {
                for &choice in choices {
                    if ui.selectable_label(value(None) == choice, milliseconds(choice)).clicked() {
                        value(Some(choice));
                    }
                }
            })
            .response
            .accessible_name(format!("{name} in samples"))
            .on_hover_text(tooltip);
    });
}
