//! What a run computes with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rayon::ThreadPool;

use crate::attacks::Flow;
use crate::models::{Classifier, ModelSource};

/// A model with its name in rows.
#[derive(Clone)]
pub struct Contestant {
    /// Its name: one of the five, or a file's without its ending.
    pub name: String,
    /// The model.
    pub model: Arc<dyn Classifier>,
}

impl Contestant {
    /// A loaded model.
    pub fn new(source: &ModelSource, model: Arc<dyn Classifier>) -> Self {
        Self { name: Self::name_of(source), model }
    }

    /// The name in rows of a model that is asked for like this.
    pub fn name_of(source: &ModelSource) -> String {
        match source {
            ModelSource::Named(id) => id.name().to_owned(),
            ModelSource::File(_) => source.title(),
        }
    }

    /// The beginning of its weights' hash: what rows tell weights apart by.
    pub fn weights(&self) -> String {
        self.model.card().weights_sha256.chars().take(16).collect()
    }
}

/// Models, threads and where they compute.
pub struct Machine {
    /// The models of the configuration, in its order.
    pub models: Vec<Contestant>,
    /// Threads for each of the items that are computed at a time; at least one pool.
    pub pools: Vec<ThreadPool>,
    /// The device's name.
    pub device: String,
    /// What an error of the device means for people.
    pub explain: Box<dyn Fn(&str) -> String + Send + Sync>,
}

impl Machine {
    /// Each model's name and the beginning of its weights' hash.
    pub fn names(&self) -> Vec<(String, String)> {
        self.models.iter().map(|one| (one.name.clone(), one.weights())).collect()
    }

    /// The model of that name.
    pub fn model(&self, name: &str) -> Option<&Arc<dyn Classifier>> {
        self.models.iter().find(|one| one.name == name).map(|one| &one.model)
    }
}

/// Stops and pauses a run from another thread.
#[derive(Debug, Default)]
pub struct Control {
    /// Whether to stop after the current gradient step.
    pub stop: Arc<AtomicBool>,
    /// Whether to wait after the current gradient step.
    pub pause: AtomicBool,
}

impl Control {
    /// Whether it was told to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Waits while paused; says whether to go on.
    pub fn flow(&self) -> Flow {
        while self.pause.load(Ordering::Relaxed) && !self.is_stopped() {
            thread::sleep(Duration::from_millis(20));
        }
        if self.is_stopped() { Flow::Stop } else { Flow::Continue }
    }
}
