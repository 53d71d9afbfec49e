//! A window to be driven: opened, waited for, read, clicked.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use eframe::App as _;
use eframe::egui;
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use mondegreen::engine::EngineOptions;
use mondegreen::ui::{App, Options, UiCommand};

/// Generous: a busy machine with two cores computes beside other tests.
const DEADLINE: Duration = Duration::from_secs(300);

/// The window's usual size.
pub const USUAL: [f32; 2] = [1280.0, 800.0];

/// The smallest that it is made for.
pub const SMALLEST: [f32; 2] = [1024.0, 640.0];

/// The window under test.
pub type Lab = Harness<'static, App>;

/// What the window keeps from one run to the next.
#[derive(Clone, Default)]
pub struct Kept(HashMap<String, String>);

impl eframe::Storage for Kept {
    fn get_string(&self, key: &str) -> Option<String> {
        self.0.get(key).cloned()
    }

    fn set_string(&mut self, key: &str, value: String) {
        self.0.insert(key.to_owned(), value);
    }

    fn remove_string(&mut self, key: &str) {
        self.0.remove(key);
    }

    fn flush(&mut self) {}
}

/// The bundled models, whatever else this machine has.
pub fn engine() -> EngineOptions {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models-safetensors");
    EngineOptions { model_directories: vec![folder], ..Default::default() }
}

/// A window with what an earlier one kept.
pub fn open(kept: &Kept, engine: EngineOptions, size: [f32; 2]) -> Lab {
    let kept: &'static Kept = Box::leak(Box::new(kept.clone()));
    let mut harness = Harness::builder().with_size(egui::Vec2::from(size)).build_eframe(|cc| {
        cc.storage = Some(kept);
        App::new(cc, Options { clip: None, engine }).expect("the window's application starts")
    });
    harness.run_steps(3);
    harness
}

/// A new window.
pub fn lab() -> Lab {
    open(&Kept::default(), engine(), USUAL)
}

/// What it would keep if it were closed now.
pub fn keep(lab: &mut Lab) -> Kept {
    let mut kept = Kept::default();
    lab.state_mut().save(&mut kept);
    kept
}

/// Steps until `done`, at the pace of a screen.
pub fn until(lab: &mut Lab, what: &str, mut done: impl FnMut(&Lab) -> bool) {
    let start = Instant::now();
    loop {
        lab.step();
        if done(lab) {
            // What changed is also painted before anybody clicks on it.
            lab.run_steps(2);
            return;
        }
        assert!(start.elapsed() < DEADLINE, "waited in vain: {what}\n{}", tree(lab));
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Steps until something is said.
pub fn until_said(lab: &mut Lab, part: &str) {
    until(lab, part, |lab| has(lab, part));
}

/// All that a screen reader could read, a line each.
pub fn tree(lab: &Lab) -> String {
    let labels = lab.root().children_recursive().filter_map(|node| {
        let node = node.accesskit_node();
        node.label().or_else(|| node.value())
    });
    labels.collect::<Vec<_>>().join("\n")
}

/// Whether something is said.
pub fn has(lab: &Lab, part: &str) -> bool {
    lab.query_all_by_label_contains(part).next().is_some()
}

/// Opens a list and chooses an entry of it.
pub fn choose(lab: &mut Lab, list: &str, entry: &str) {
    lab.get_by_label(list).click();
    lab.run_steps(3);
    lab.query_all_by_label(entry)
        .find(|node| node.accesskit_node().role() == egui::Role::Button)
        .expect("it is offered")
        .click();
    lab.run_steps(3);
}

/// Has something saved; gives the files that were written.
pub fn saved(lab: &mut Lab, wish: UiCommand) -> Vec<PathBuf> {
    let before = lab.state().saved().to_vec();
    lab.state_mut().ask(wish);
    until(lab, "it is saved", |lab| lab.state().saved() != before.as_slice());
    lab.state().saved().to_vec()
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|error| error.to_string())
    }
}

/// Drops files on the window.
pub fn drop_files(lab: &mut Lab, paths: &[&Path]) {
    for path in paths {
        lab.input_mut().dropped_files.push(Arc::new(Dropped(path.to_path_buf())));
    }
    lab.run_steps(2);
}
