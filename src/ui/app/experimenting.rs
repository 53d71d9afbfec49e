//! What the wishes of the Experiments tab do.

use std::path::Path;

use eframe::egui;

use super::App;
use super::attacking::Awaited;
use crate::audio::DEFAULT_LIMIT_SECONDS;
use crate::engine::{ClipSource, Command, ExperimentJob, ExperimentThread};
use crate::experiments::{Configuration, Examples, RunFolder, Share, merge, write_report};
use crate::files;
use crate::models::ModelSource;
use crate::ui::experiments::{Errand, ExperimentWish, Phase};
use crate::ui::lab::Opening;
use crate::ui::tab::Tab;

impl App {
    pub(super) fn experiment(&mut self, ctx: &egui::Context, wish: ExperimentWish) {
        match wish {
            ExperimentWish::ChooseData => self.dialogs.data_set(ctx),
            ExperimentWish::SetData(path) => {
                self.settings.experiment.data = path.to_string_lossy().into_owned();
            }
            ExperimentWish::ChooseRun => self.dialogs.run_folder(ctx),
            ExperimentWish::OpenRun(folder) => self.look_at_run(&folder),
            ExperimentWish::Plan => self.plan(Share::default()),
            ExperimentWish::AcceptChange => {
                self.plan(Share { accept_change: true, ..Share::default() });
            }
            ExperimentWish::Retry => self.plan(Share { retry: true, ..Share::default() }),
            ExperimentWish::GoOrPause => match self.experiments.phase {
                Phase::Working => self.experiments.pause(),
                _ => self.experiments.go_on(),
            },
            ExperimentWish::Stop => self.experiments.stop(),
            ExperimentWish::OpenRow(id) => self.open_row(&id),
            ExperimentWish::WriteReport => self.write_report(),
            ExperimentWish::Join => self.join_shares(),
        }
    }

    /// Takes in what the experiment's thread told.
    pub(super) fn follow_experiment(&mut self, ctx: &egui::Context) {
        if let Some(configuration) = self.experiments.take_in() {
            let models = self.model_names();
            if let Some(folder) = &self.experiments.folder {
                self.settings.experiment.take_up(folder, &configuration, &models);
            }
        }
        if let Some((errand, told)) = self.experiments.told() {
            match told {
                Ok(words) => self.notices.info(words),
                Err(reason) => self.notices.error(reason),
            }
            let joined = self.experiments.folder.clone().filter(|_| errand == Errand::Join);
            if let Some(folder) = joined.filter(|_| !self.experiments.is_busy()) {
                self.read_run(&folder);
            }
        }
        if self.tab == Tab::Experiments {
            self.experiments.keep_up(ctx);
        }
    }

    fn model_names(&self) -> Vec<String> {
        self.lab.models.iter().map(|model| model.source.to_string()).collect()
    }

    /// Shows what a run's folder holds, wherever it was asked for.
    fn look_at_run(&mut self, folder: &Path) {
        self.tab = Tab::Experiments;
        if self.experiments.is_busy() {
            let name = folder.file_name().unwrap_or(folder.as_os_str()).to_string_lossy();
            self.notices.info(format!("Another run is under way here: stop it, then open {name}."));
            return;
        }
        self.read_run(folder);
    }

    /// Reads what a run's folder holds, for tab and form.
    fn read_run(&mut self, folder: &Path) {
        let pace = self.pace.clone();
        match ExperimentThread::look(folder.to_owned(), move || pace.wake()) {
            Ok(thread) => {
                self.experiments.follow(thread, folder, Phase::Looking);
                self.experiments.fill_form = true;
            }
            Err(error) => self.experiments.trouble = Some(no_thread(&error)),
        }
    }

    fn plan(&mut self, share: Share) {
        if self.experiments.is_busy() {
            return;
        }
        match self.job(share) {
            Ok(job) => {
                let folder = job.folder.clone();
                let pace = self.pace.clone();
                match ExperimentThread::start(job, move || pace.wake()) {
                    Ok(thread) => {
                        let phase = Phase::Loading("the models".to_owned());
                        self.experiments.follow(thread, &folder, phase);
                    }
                    Err(error) => self.experiments.trouble = Some(no_thread(&error)),
                }
            }
            Err(reason) => self.experiments.trouble = Some(reason),
        }
    }

    /// What the form asks for. A run that was begun elsewhere keeps what a form can't hold.
    fn job(&self, share: Share) -> Result<ExperimentJob, String> {
        let form = &self.settings.experiment;
        let folder = form.run_folder()?;
        let models = self.model_names();
        let run = RunFolder::new(&folder);
        let configuration = if run.has_configuration() {
            let there = run.configuration().map_err(|error| error.to_string())?;
            let wanted = form.change(&there, &models)?;
            let changed = wanted.differences(&there);
            // Only what people have seen do they change on purpose.
            if self.experiments.folder.as_ref() != Some(&folder) && !changed.is_empty() {
                return Err(format!(
                    "{} holds a run already, which differs from the choices here in: {}. \u{201c}Show this \
                     run\u{201d} takes up its choices; for a new run, name another folder.",
                    folder.display(),
                    changed.join(", ")
                ));
            }
            wanted
        } else {
            form.configuration(&models)?
        };
        Ok(ExperimentJob {
            folder,
            configuration,
            share,
            model_directories: self.engine.model_directories().to_vec(),
            device: self.lab.device.choice,
            jobs: Some(form.jobs.clamp(1, crate::engine::most_threads())),
        })
    }

    /// Shows a row's clip in the Lab and attacks it there as it was: the same seed gives the same
    /// result, with all that a row does not keep.
    fn open_row(&mut self, id: &str) {
        let Some(row) = self.experiments.row(id).cloned() else { return };
        let Some(configuration) = &self.experiments.configuration else { return };
        let file = configuration.models.iter().find(|name| {
            let path = Path::new(name);
            path.file_stem().is_some_and(|stem| stem.to_string_lossy() == row.model)
        });
        let source = ModelSource::find(file.unwrap_or(&row.model)).ok();
        let Some(source) = source.filter(|source| self.lab.models.get(source).is_some()) else {
            self.notices.info(format!(
                "The Lab does not have the row's model, {}: open its file there, then the row.",
                file.unwrap_or(&row.model)
            ));
            return;
        };
        // The data set may have been chosen anew since the run was computed, maybe elsewhere.
        let chosen = files::absolute(Path::new(self.settings.experiment.data.trim()));
        let chosen = Configuration { data: chosen, ..configuration.clone() };
        let mut places = [configuration, &chosen].map(|it| it.clip_path(&row.clip)).into_iter();
        let Some(path) = places.find(|path| path.is_file()) else {
            self.notices.info(format!(
                "The row's recording, {}, is not in {}: choose where the data set lies, then the row.",
                row.clip,
                chosen.data_folder().display()
            ));
            return;
        };
        let entry = configuration.attacks.iter().find(|entry| entry.title() == row.attack);
        let Some(spec) = entry.and_then(|entry| entry.spec().ok()) else {
            self.notices.info(format!(
                "The run's experiment.toml has no attack \u{201c}{}\u{201d} any more, so that the row \
                 can't be computed again.",
                row.attack
            ));
            return;
        };
        let form = &mut self.settings.attack;
        form.set_spec(&spec);
        form.seed = row.seed;
        form.targeted = row.target.is_some();
        form.target = row.target.clone().unwrap_or_default();
        form.target_rule = None;
        let form = Box::new(form.clone());
        self.lab.models.choose(&source);
        let name = row.clip.rsplit('/').next().unwrap_or(&row.clip).to_owned();
        let limit_seconds = configuration.limit_seconds.max(DEFAULT_LIMIT_SECONDS);
        let command =
            self.engine.send(Command::LoadClip { source: ClipSource::File(path), limit_seconds });
        self.lab.opening = Some(Opening { command, name, lab: None });
        self.attack_when_ready = Some(Awaited::Exactly { spec, model: source, form });
        self.tab = Tab::Lab;
        self.notices.info(format!(
            "The row is computed again, with its clip, model, options and seed: it was \u{201c}{}\u{201d}.",
            row.status
        ));
    }

    fn write_report(&mut self) {
        let Some(folder) = self.experiments.folder.clone() else { return };
        let pace = self.pace.clone();
        let wake = move || pace.wake();
        self.experiments.send_on(
            Errand::Report,
            move || {
                let out = folder.join("report");
                write_report(&[RunFolder::new(&folder)], &out, &Examples::Some)
                    .map(|files| {
                        format!("{} files were written to {}.", files.len(), out.display())
                    })
                    .map_err(|error| error.to_string())
            },
            wake,
        );
    }

    fn join_shares(&mut self) {
        let Some(folder) = self.experiments.folder.clone() else { return };
        let pace = self.pace.clone();
        let wake = move || pace.wake();
        self.experiments.send_on(
            Errand::Join,
            move || {
                let run = RunFolder::new(&folder);
                let merged = merge(&run, &run.shares()).map_err(|error| error.to_string())?;
                let (rows, gaps) = (merged.rows, merged.gaps.len());
                match merged.conflicts.len() {
                    0 => Ok(format!("{rows} rows are joined; {gaps} items are still to do.")),
                    conflicts => Err(format!(
                        "{rows} rows are joined, but shares disagree on {conflicts} items: they were \
                         computed by different programs or on different devices. Of each the first \
                         share's row is taken."
                    )),
                }
            },
            wake,
        );
    }
}

fn no_thread(error: &std::io::Error) -> String {
    format!("The experiment can't be started: the system gives no thread ({error}).")
}
