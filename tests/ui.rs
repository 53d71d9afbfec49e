//! The window without a screen: the real engine, models and clips, driven as people drive them.

#[path = "ui/class.rs"]
mod class;
#[path = "ui/comfort.rs"]
mod comfort;
#[path = "ui/compare.rs"]
mod compare;
#[path = "ui/driver.rs"]
mod driver;
#[path = "ui/experiments.rs"]
mod experiments;
#[path = "ui/keeping.rs"]
mod keeping;
#[path = "ui/lab.rs"]
mod lab;
#[path = "ui/listen.rs"]
mod listen;
#[path = "ui/memory.rs"]
mod memory;
#[path = "ui/models.rs"]
mod models;
#[path = "support/own_model.rs"]
mod own_model;
#[path = "ui/picture.rs"]
mod picture;
#[path = "ui/results.rs"]
mod results;
#[path = "ui/sound.rs"]
mod sound;
#[path = "ui/targets.rs"]
mod targets;
#[path = "ui/threads.rs"]
mod threads;
