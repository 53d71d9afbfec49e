//! For tests of the real window: writes the name, role and place of every control to a file.
//!
//! On only where the environment variable `MONDEGREEN_UI_DUMP` names that file. One line a
//! control: `left top width height role name value`, separated by tabs, in pixels of the window; first
//! a line `frame number`, so that who reads it knows when it has been drawn anew.

use std::fmt::Write as _;
use std::path::PathBuf;

use eframe::egui::{self, FullOutput};

/// The environment variable that names the file.
pub const VARIABLE: &str = "MONDEGREEN_UI_DUMP";

/// The plugin that writes the file.
pub struct Dump {
    path: PathBuf,
    frame: u64,
}

/// Registers the plugin where the environment asks for it.
pub fn install(ctx: &egui::Context) {
    if let Some(path) = std::env::var_os(VARIABLE) {
        ctx.add_plugin(Dump { path: path.into(), frame: 0 });
    }
}

impl egui::Plugin for Dump {
    fn debug_name(&self) -> &'static str {
        "controls to a file"
    }

    fn output_hook(&mut self, ctx: &egui::Context, output: &mut FullOutput) {
        let Some(update) = &output.platform_output.accesskit_update else {
            ctx.enable_accesskit();
            return;
        };
        let scale = f64::from(output.pixels_per_point);
        self.frame += 1;
        let mut text = format!("frame\t{}\n", self.frame);
        for (_, node) in &update.nodes {
            let (Some(bounds), Some(name)) = (node.bounds(), node.label().or(node.value())) else {
                continue;
            };
            let [left, top] = [bounds.x0 * scale, bounds.y0 * scale];
            let [width, height] =
                [(bounds.x1 - bounds.x0) * scale, (bounds.y1 - bounds.y0) * scale];
            let (role, value) = (node.role(), node.value().unwrap_or_default());
            writeln!(
                text,
                "{left:.0}\t{top:.0}\t{width:.0}\t{height:.0}\t{role:?}\t{}\t{}",
                name.replace(['\n', '\t'], " "),
                value.replace(['\n', '\t'], " "),
            )
            .ok();
        }
        // Written beside and renamed, so that a reader never sees half a file.
        let beside = self.path.with_extension("part");
        if std::fs::write(&beside, &text).is_ok() {
            std::fs::rename(&beside, &self.path).ok();
        }
    }
}
