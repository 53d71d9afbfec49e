//! The overlay with keys, gestures and what the program is.

use eframe::egui::style::ScrollStyle;
use eframe::egui::{
    Context, Frame, Grid, Id, Label, Margin, Modal, RichText, ScrollArea, Ui, vec2,
};

use super::app::{BINDINGS, UiCommand};
use super::theme;
use super::widgets::{caption, key_hint, quiet_button};

const GESTURES: [(&str, &str); 8] = [
    ("Click", "play from there"),
    ("Drag", "choose a part in time and frequency to loop, measure and zoom to (Z)"),
    ("Flat drag", "or with Shift, or on the waveform: time alone; a narrow drag: a band alone"),
    ("Esc", "give up the chosen part, or leave the presenter's view"),
    ("Wheel", "zoom in time; with Ctrl in time and frequency, with Alt in frequency"),
    ("Shift wheel", "move along"),
    ("Right drag", "move the picture"),
    ("Double click", "show all of the clip, loop all of it"),
];

/// Shows the overlay; whether it is to be closed.
pub fn show(ctx: &Context, device: &str, threads: usize, asked: &mut Vec<UiCommand>) -> bool {
    let palette = theme::Palette::of(ctx.theme());
    let frame = Frame::popup(&ctx.global_style()).fill(palette.card).inner_margin(Margin::same(22));
    let room = ctx.content_rect().size();
    let modal = Modal::new(Id::unique("help")).frame(frame).show(ctx, |ui| {
        let width = (room.x - 90.0).min(760.0);
        ui.set_width(width);
        ui.spacing_mut().item_spacing = vec2(14.0, 6.0);
        ui.spacing_mut().interact_size.y = 18.0;
        let (mut close, mut about_too) = (false, false);
        ui.horizontal(|ui| {
            ui.label(theme::strong("Mondegreen", 20.0));
            ui.label(theme::small(ui, format!("version {}", crate::VERSION)));
            ui.with_layout(eframe::egui::Layout::right_to_left(Default::default()), |ui| {
                close = quiet_button(ui, "Close").clicked();
                let more = quiet_button(ui, "About…");
                let tooltip = "Versions, weights, devices and licences";
                if more.on_hover_text(tooltip).clicked() {
                    (close, about_too) = (true, true);
                }
            });
        });
        // So that people see that there is more.
        ui.spacing_mut().scroll = ScrollStyle::solid();
        ScrollArea::vertical().min_scrolled_height(room.y - 150.0).max_height(room.y - 150.0).show(
            ui,
            |ui| {
                about(ui, device, threads);
                ui.add_space(8.0);
                let columns = if width > 620.0 { 2 } else { 1 };
                ui.columns(columns, |columns| {
                    let (first, rest) = columns.split_at_mut(1);
                    keys(&mut first[0]);
                    gestures(rest.first_mut().unwrap_or(&mut first[0]));
                });
            },
        );
        if about_too {
            asked.push(UiCommand::ToggleAbout);
        }
        close
    });
    modal.inner || modal.should_close()
}

fn about(ui: &mut Ui, device: &str, threads: usize) {
    let quiet = theme::palette(ui).quiet;
    let what = "Hear, see and measure what makes a sound-event classifier mishear: an attack \
                searches the smallest change of a recording that makes a model give it another \
                name. Often nobody hears that change.";
    ui.add(Label::new(what).wrap());
    let device = format!(
        "Models compute on {device} with {threads} threads. Results depend on seed, machine and \
         thread count only. Free software, MIT or Apache-2.0."
    );
    ui.add(Label::new(RichText::new(device).color(quiet)).wrap());
}

fn keys(ui: &mut Ui) {
    caption(ui, "Keys");
    Grid::new("keys").num_columns(2).min_col_width(76.0).show(ui, |ui| {
        for binding in &BINDINGS {
            key_hint(ui, binding.key);
            ui.label(binding.does);
            ui.end_row();
        }
        for (key, does) in
            [("Ctrl +  −  0", "Larger, smaller or usual text"), ("Tab", "Next control")]
        {
            key_hint(ui, key);
            ui.label(does);
            ui.end_row();
        }
    });
}

fn gestures(ui: &mut Ui) {
    caption(ui, "On a spectrogram or waveform");
    Grid::new("gestures").num_columns(2).min_col_width(86.0).show(ui, |ui| {
        for (gesture, does) in GESTURES {
            ui.label(theme::strong(gesture, theme::BODY));
            ui.add(Label::new(does).wrap());
            ui.end_row();
        }
    });
    ui.add_space(8.0);
    caption(ui, "Colours");
    let palette = theme::palette(ui);
    for (name, colour, what) in [
        ("Original", palette.original, "the recording as it came"),
        ("Adversarial", palette.adversarial, "the recording with the change"),
        ("Difference", palette.difference, "the change alone"),
    ] {
        ui.horizontal(|ui| {
            ui.label(theme::strong(name, theme::BODY).color(colour));
            ui.label(what);
        });
    }
}
