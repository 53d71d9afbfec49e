//! Asking the other models about adversarial clips that were kept, without new attacks.

use std::thread;

use rayon::ThreadPool;

use super::configuration::ExperimentKind;
use super::error::ExperimentError;
use super::kept::KeptPair;
use super::machine::{Control, Machine};
use super::row::{Asked, Row};
use super::run::Run;
use super::work;
use crate::attacks::Flow;

/// What asking came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transferred {
    /// Successes that the other models were asked about now.
    pub asked: usize,
    /// Successes that they were asked about before.
    pub before: usize,
    /// Successes whose adversarial clip was not kept.
    pub lost: usize,
    /// Successes that nobody was asked about yet, since it was stopped.
    pub left: usize,
    /// Successes that nobody could be asked about, each with the reason: a model fails, the kept or
    /// the clean clip is gone or no longer what it was.
    pub broken: Vec<String>,
}

/// What becomes of one success.
enum Answer {
    /// What the others say.
    Asked(Vec<Asked>),
    /// Its adversarial clip was not kept.
    Lost,
    /// Why nobody could be asked.
    Broken(String),
}

impl Run {
    /// Asks the other models about each untargeted success that they were not asked about, from
    /// the adversarial clip that was kept. `done` hears of each success.
    ///
    /// # Errors
    /// Where the run has no untargeted successes, or a row can't be written.
    pub fn transfer(
        &mut self,
        machine: &Machine,
        control: &Control,
        mut done: impl FnMut(),
    ) -> Result<Transferred, ExperimentError> {
        if self.configuration.experiment != ExperimentKind::Untargeted {
            return Err(ExperimentError::Nothing(
                "the other models are asked about untargeted successes only; this run has none"
                    .to_owned(),
            ));
        }
        if machine.pools.is_empty() {
            return Err(ExperimentError::Nothing("there are no threads to compute on".to_owned()));
        }
        let names = || machine.models.iter().map(|one| one.name.as_str());
        let successes = self.rows.iter().filter(|row| row.fooled() && self.is_listed(&row.id));
        let (answered, open): (Vec<Row>, Vec<Row>) =
            successes.cloned().partition(|row| row.has_answers_of(names()));
        let mut count = Transferred { before: answered.len(), ..Transferred::default() };
        answered.iter().for_each(|_| done());
        for several in open.chunks(machine.pools.len()) {
            if control.flow() == Flow::Stop {
                count.left += several.len();
                continue;
            }
            let run = &*self;
            let answers: Vec<_> = thread::scope(|scope| {
                let pairs = several.iter().zip(&machine.pools);
                let threads: Vec<_> = pairs
                    .map(|(row, pool)| scope.spawn(move || run.ask_about(row, machine, pool)))
                    .collect();
                threads.into_iter().map(thread::ScopedJoinHandle::join).collect()
            });
            for (row, answer) in several.iter().zip(answers) {
                done();
                let broken = |_| Answer::Broken("the program failed here".to_owned());
                match answer.unwrap_or_else(broken) {
                    Answer::Lost => count.lost += 1,
                    Answer::Broken(reason) => count.broken.push(format!("{}: {reason}", row.id)),
                    Answer::Asked(all) => {
                        self.replace(Row { transfer: Some(all), unasked: None, ..row.clone() })?;
                        count.asked += 1;
                    }
                }
            }
        }
        Ok(count)
    }

    /// Asks the others about one success.
    fn ask_about(&self, row: &Row, machine: &Machine, pool: &ThreadPool) -> Answer {
        let Some(item) = self.items.iter().find(|item| item.id == row.id) else {
            return Answer::Lost;
        };
        let KeptPair { clean, adversarial, .. } =
            match self.folder.kept_pair(&self.configuration, row) {
                Ok(Some(pair)) => pair,
                Ok(None) => return Answer::Lost,
                Err(error) => return Answer::Broken(error.to_string()),
            };
        pool.install(|| work::ask_others(machine, item, &clean.samples, &adversarial))
            .map_or_else(|error| Answer::Broken((machine.explain)(&error)), Answer::Asked)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    use candle_core::{Device, Result, Tensor};

    use super::*;
    use crate::attacks::{AttackId, Preset};
    use crate::audio::write_wav_f32;
    use crate::experiments::configuration::{Configuration, Keep, Split};
    use crate::experiments::{AttackEntry, Contestant, RunFolder, Share};
    use crate::models::{Classifier, Labels, ModelCard, ModelId, ScoreKind};
    use crate::nn::Traced;

    /// Hears "Bark" where samples are positive at the mean, and "Meow" elsewhere.
    struct Average {
        card: ModelCard,
        labels: Labels,
        fails: Arc<AtomicBool>,
    }

    impl Classifier for Average {
        fn card(&self) -> &ModelCard {
            &self.card
        }

        fn labels(&self) -> &Labels {
            &self.labels
        }

        fn device(&self) -> &Device {
            &Device::Cpu
        }

        fn score_kind(&self) -> ScoreKind {
            ScoreKind::Logits
        }

        fn trace(&self, waveform: &Traced) -> Result<Traced> {
            if self.fails.load(Ordering::Relaxed) {
                candle_core::bail!("out of memory")
            }
            waveform.map(|waveform| {
                waveform
                    .mean_keepdim(1)?
                    .broadcast_mul(&Tensor::new(&[[1_f32, -1.0]], &Device::Cpu)?)
            })
        }
    }

    /// VGG13 and CRNN, the latter of which fails as soon as it is told to.
    fn machine(fails: &Arc<AtomicBool>) -> Machine {
        let contestant = |id: ModelId, fails: &Arc<AtomicBool>| {
            let labels = Labels::new(vec!["Bark".to_owned(), "Meow".to_owned()]);
            let card = ModelCard::new(id, labels.clone());
            let model = Average { card, labels, fails: Arc::clone(fails) };
            Contestant::new(&id.into(), Arc::new(model))
        };
        Machine {
            models: vec![
                contestant(ModelId::Vgg13, &Arc::default()),
                contestant(ModelId::Crnn, fails),
            ],
            pools: vec![rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap()],
            device: "CPU".to_owned(),
            explain: Box::new(|error| format!("explained: {error}")),
        }
    }

    /// A run of four items on two clips, all of which are fooled.
    fn open(folder: &Path, machine: &Machine, transfer: bool, keep: Keep, share: Share) -> Run {
        let data = folder.join("data");
        for (label, level) in [("Bark", 0.1), ("Meow", -0.1)] {
            std::fs::create_dir_all(data.join(label)).unwrap();
            write_wav_f32(&data.join(label).join("a.wav"), &[level; 4000]).unwrap();
        }
        // A perturbation twice as large as the clip turns it over.
        let fgsm =
            AttackEntry { snr_db: Some(-6.0), ..AttackEntry::new(AttackId::Fgsm, Preset::Quick) };
        let configuration = Configuration {
            split: Split::All,
            models: vec!["vgg13".to_owned(), "crnn".to_owned()],
            transfer,
            keep,
            attacks: vec![fgsm],
            ..Configuration::new(ExperimentKind::Untargeted, data, Preset::Quick)
        };
        let (place, control) = (RunFolder::new(folder.join("run")), Control::default());
        Run::open(&place, configuration, machine, share, &control, &mut |_| ()).unwrap()
    }

    #[test]
    fn a_model_that_fails_costs_a_success_its_answers_and_stops_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let (fails, control) = (Arc::default(), Control::default());
        let machine = machine(&fails);
        let mut run = open(folder.path(), &machine, false, Keep::Wav, Share::default());
        run.go_on(&machine, &control, &mut |_| ()).unwrap();
        let said: Vec<_> = run.rows.iter().map(|row| (row.status.as_str(), &row.reason)).collect();
        assert_eq!(said, [("fooled", &None); 4]);

        fails.store(true, Ordering::Relaxed);
        let done = run.transfer(&machine, &control, || ()).unwrap();
        assert_eq!((done.asked, done.left), (2, 0), "VGG13 still answers for CRNN's");
        assert_eq!(done.broken.len(), 2);
        assert!(done.broken.iter().all(|reason| reason.contains("explained: out of memory")));

        fails.store(false, Ordering::Relaxed);
        let done = run.transfer(&machine, &control, || ()).unwrap();
        assert_eq!((done.asked, done.before, done.broken.len()), (2, 2, 0));
    }

    #[test]
    fn a_clip_that_a_model_fails_on_is_left_out_for_it_and_named_anew_with_retry() {
        let folder = tempfile::tempdir().unwrap();
        let fails = Arc::<AtomicBool>::default();
        let machine = machine(&fails);
        fails.store(true, Ordering::Relaxed);
        let run = open(folder.path(), &machine, false, Keep::Nothing, Share::default());
        assert!(run.items.iter().all(|item| item.model == "vgg13"), "{:?}", run.items);
        assert_eq!((run.items.len(), run.left_out.len()), (2, 2));
        let words = "a.wav was left out for crnn, which failed: explained: out of memory";
        assert!(run.left_out.iter().all(|clip| clip.to_string().contains(words)));
        drop(run);

        fails.store(false, Ordering::Relaxed);
        let share = Share { retry: true, ..Share::default() };
        let run = open(folder.path(), &machine, false, Keep::Nothing, share);
        assert_eq!((run.items.len(), run.left_out.len()), (4, 0));
    }

    #[test]
    fn models_that_only_fail_end_a_survey_and_leave_nothing_out() {
        let folder = tempfile::tempdir().unwrap();
        let fails = Arc::<AtomicBool>::default();
        let machine = Machine { models: machine(&fails).models.split_off(1), ..machine(&fails) };
        let data = folder.path().join("data");
        for label in ["Bark", "Meow"] {
            std::fs::create_dir_all(data.join(label)).unwrap();
            for n in 0..6 {
                write_wav_f32(&data.join(format!("{label}/{n}.wav")), &[0.1; 4000]).unwrap();
            }
        }
        let configuration = Configuration {
            split: Split::All,
            models: vec!["crnn".to_owned()],
            attacks: Vec::new(),
            ..Configuration::new(ExperimentKind::Accuracy, data, Preset::Quick)
        };
        let open = || {
            let (place, control) = (RunFolder::new(folder.path().join("run")), Control::default());
            let share = Share::default();
            Run::open(&place, configuration.clone(), &machine, share, &control, &mut |_| ())
        };
        fails.store(true, Ordering::Relaxed);
        let said = open().err().expect("an error").to_string();
        assert!(said.contains("10 clips one after the other, first crnn on "), "{said}");
        fails.store(false, Ordering::Relaxed);
        assert!(open().unwrap().left_out.is_empty());
    }

    #[test]
    fn a_success_stays_one_where_another_model_can_not_be_asked_and_a_retry_asks_again() {
        let folder = tempfile::tempdir().unwrap();
        let (fails, control) = (Arc::<AtomicBool>::default(), Control::default());
        let machine = machine(&fails);
        let open = |retry| {
            let share = Share { retry, ..Share::default() };
            open(folder.path(), &machine, true, Keep::Nothing, share)
        };
        let mut run = open(false);
        // Attacks on CRNN itself come to nothing then.
        fails.store(true, Ordering::Relaxed);
        run.go_on(&machine, &control, &mut |_| ()).unwrap();
        let unasked: Vec<&Row> = run.rows.iter().filter(|row| row.fooled()).collect();
        assert_eq!(unasked.len(), 2);
        assert!(unasked.iter().all(|row| row.transfer.is_none()
            && row.reason.is_none()
            && row.unasked.as_ref().is_some_and(|why| why.contains("explained: out of memory"))));
        drop(run);

        fails.store(false, Ordering::Relaxed);
        assert_eq!(open(false).open.len(), 0);
        let mut run = open(true);
        assert_eq!(run.open.len(), 4, "two failed, two lack answers");
        run.go_on(&machine, &control, &mut |_| ()).unwrap();
        assert!(run.rows.iter().all(|row| row.fooled() && row.transfer.is_some()));
        assert!(run.is_whole());
    }
}
