//! A list of sound devices of which one is in use.

use std::sync::Arc;

use eframe::egui::{Button, ComboBox, Ui, vec2};

use super::down_mark;
use crate::audio::SoundDevice;
use crate::ui::theme::{self, CONTROL_HEIGHT};

/// What the system's own choice is called.
const DEFAULT: &str = "System default";

/// Shows the device that was chosen, and all others on a click; the one that people chose now, none
/// within for the system's default. A chosen device that is not there stays, and is told as such.
pub fn device_picker(
    ui: &mut Ui,
    name: &str,
    chosen: Option<&SoundDevice>,
    listed: Option<&Result<Arc<[SoundDevice]>, String>>,
    width: f32,
) -> Option<Option<SoundDevice>> {
    let mut picked = None;
    let there = |device: &SoundDevice| match listed {
        Some(Ok(devices)) => devices.iter().any(|d| d.id == device.id || d.name == device.name),
        _ => true,
    };
    let shown = match chosen {
        None => DEFAULT.to_owned(),
        Some(device) if there(device) => device.name.clone(),
        Some(device) => format!("{} (not there)", device.name),
    };
    let response = ComboBox::from_id_salt(name)
        .icon(down_mark)
        .selected_text(shown)
        .width(width)
        .truncate()
        .show_ui(ui, |ui| {
            let mut offer = |ui: &mut Ui, title: &str, id: &str, device: Option<&SoundDevice>| {
                let selected = chosen.map(|d| &d.id) == device.map(|d| &d.id);
                let size = vec2(ui.available_width(), CONTROL_HEIGHT);
                let button = Button::selectable(selected, title).truncate().min_size(size);
                let response = ui.add(button);
                let response = if id.is_empty() { response } else { response.on_hover_text(id) };
                if response.clicked() && !selected {
                    picked = Some(device.cloned());
                }
            };
            offer(ui, DEFAULT, "Whatever the system's sound settings say", None);
            match listed {
                None => {
                    ui.label(theme::small(ui, "Looking for devices…"));
                }
                Some(Err(reason)) => {
                    ui.label(theme::small(ui, format!("No list of devices: {reason}.")));
                }
                Some(Ok(devices)) if devices.is_empty() => {
                    ui.label(theme::small(ui, "The system names no others."));
                }
                Some(Ok(devices)) => {
                    for device in devices.iter() {
                        offer(ui, &device.name, &device.id, Some(device));
                    }
                }
            }
        })
        .response;
    response.accessible_name(name);
    picked
}
