//! Opens the window.

use std::path::PathBuf;

use eframe::egui;
use thiserror::Error;

use super::App;
use crate::engine::EngineOptions;

/// What the window starts with.
#[derive(Default)]
pub struct Options {
    /// A clip to open at once.
    pub clip: Option<PathBuf>,
    /// Device, threads and where the models are.
    pub engine: EngineOptions,
}

/// The window could not be opened.
#[derive(Debug, Error)]
pub enum WindowError {
    /// There is no display to open it on.
    #[error(
        "there is no display to open a window on (neither WAYLAND_DISPLAY nor DISPLAY is set); \
         start it from a desktop session, over `ssh -X`, or under a virtual display: \
         `xvfb-run mondegreen`"
    )]
    NoDisplay,
    /// The display or its OpenGL failed.
    #[error(
        "the window could not be opened: {0}; it needs a display with OpenGL 2 or later \
         (LIBGL_ALWAYS_SOFTWARE=1 draws without a graphics card)"
    )]
    Window(String),
}

/// Opens the window and returns when it is closed.
///
/// # Errors
/// [`WindowError`] where there is no display or it cannot draw.
pub fn run(options: Options) -> Result<(), WindowError> {
    if cfg!(all(unix, not(target_os = "macos"))) {
        let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if !set("DISPLAY") && !set("WAYLAND_DISPLAY") && !set("WAYLAND_SOCKET") {
            return Err(WindowError::NoDisplay);
        }
    }
    let mut viewport = egui::ViewportBuilder::default()
        .with_title("Mondegreen")
        .with_app_id("mondegreen")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([1024.0, 600.0])
        .with_drag_and_drop(true);
    // The picture is our own; without it the window merely has the system's icon.
    if let Ok(icon) = eframe::icon_data::from_png_bytes(include_bytes!("../../assets/icon.png")) {
        viewport = viewport.with_icon(icon);
    }
    let native = eframe::NativeOptions { viewport, ..Default::default() };
    eframe::run_native("mondegreen", native, Box::new(|cc| Ok(Box::new(App::new(cc, options)?))))
        .map_err(|error| WindowError::Window(error.to_string()))
}
