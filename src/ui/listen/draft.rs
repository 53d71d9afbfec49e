//! A test while it is put together.

use std::path::PathBuf;

use crate::listening::{ListenError, Protocol, Stimuli, Stimulus, TestFile};

/// A session file that was opened, as it was read.
#[derive(Clone)]
pub struct Opened {
    /// The file.
    pub file: PathBuf,
    /// What it says.
    pub test: TestFile,
}

/// The next pseudonym after one that ends in a number; the same one after others.
pub fn next_pseudonym(name: &str) -> String {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = &name[stem.len()..];
    match number.parse::<u32>() {
        Ok(last) => format!("{stem}{:0width$}", last.saturating_add(1), width = number.len()),
        Err(_) => name.to_owned(),
    }
}

/// A test that can be begun once it has pairs.
#[derive(Clone)]
pub struct Draft {
    /// Everything but the pairs.
    pub test: TestFile,
    /// The pairs.
    pub pairs: Vec<Stimulus>,
    /// SNRs in dB at which every pair is played, as people type them; empty for their own.
    pub ladder: String,
    /// The seed as people type it; empty to have one drawn.
    pub seed: String,
    /// The pseudonym.
    pub participant: String,
    /// Where it comes from, if that is a file.
    pub opened: Option<Opened>,
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            test: TestFile::new("Listening test", Protocol::Abx),
            pairs: Vec::new(),
            ladder: String::new(),
            seed: String::new(),
            participant: "P01".to_owned(),
            opened: None,
        }
    }
}

impl Draft {
    /// The SNRs of the ladder in dB.
    ///
    /// # Errors
    /// What can't be read as one.
    pub fn ladder(&self) -> Result<Vec<f64>, String> {
        let words =
            self.ladder.split([',', ';', ' ']).map(str::trim).filter(|word| !word.is_empty());
        words
            .map(|word| match word.parse::<f64>() {
                Ok(db) if (-20.0..=100.0).contains(&db) => Ok(db),
                _ => Err(format!(
                    "The ladder needs SNRs from -20 to 100 dB, not \u{201c}{word}\u{201d}."
                )),
            })
            .collect()
    }

    /// The test with the typed seed.
    ///
    /// # Errors
    /// Where the seed is no number.
    pub fn test(&self) -> Result<TestFile, String> {
        let seed = match self.seed.trim() {
            "" => None,
            text => {
                Some(text.parse::<u64>().ok().filter(|seed| i64::try_from(*seed).is_ok()).ok_or(
                    "The seed must be a whole number, or empty to have one drawn.".to_owned(),
                )?)
            }
        };
        Ok(TestFile { seed, ..self.test.clone() })
    }

    /// Whether it is the file that was opened, to the last setting.
    pub fn is_opened_file(&self) -> bool {
        let Some(opened) = &self.opened else { return false };
        let same = self.test().is_ok_and(|test| test == opened.test);
        same && self.ladder.trim().is_empty()
    }

    /// Adds a pair, under a name that no other one has: answers are told apart by it.
    pub fn add(&mut self, pair: Stimulus) {
        let numbered = |number: usize| match number {
            1 => pair.name.clone(),
            _ => format!("{} ({number})", pair.name),
        };
        let taken = |name: &String| self.pairs.iter().any(|other| other.name == *name);
        let name = (1..).map(numbered).find(|name| !taken(name)).unwrap_or_default();
        self.pairs_mut().push(Stimulus { name, ..pair });
    }

    /// The pairs, to be changed: then it is no longer the file that was opened.
    pub fn pairs_mut(&mut self) -> &mut Vec<Stimulus> {
        self.opened = None;
        &mut self.pairs
    }

    /// Becomes a session file that is on the disk.
    pub fn be(&mut self, opened: Opened, pairs: Vec<Stimulus>) {
        self.seed = opened.test.seed.map(|seed| seed.to_string()).unwrap_or_default();
        self.test = opened.test.clone();
        self.ladder = String::new();
        self.pairs = pairs;
        self.opened = Some(opened);
    }

    /// How many pairs will be played, ladders counted step by step.
    pub fn pair_count(&self) -> usize {
        self.pairs.len() * self.ladder().map_or(1, |ladder| ladder.len().max(1))
    }

    /// Why it can't begin; nothing if it can.
    pub fn problem(&self) -> Option<String> {
        if self.pairs.is_empty() {
            return Some("Add a pair of sounds first.".to_owned());
        }
        if self.participant.trim().is_empty() {
            return Some("Give the participant a pseudonym, such as P01.".to_owned());
        }
        let ladder = match self.ladder() {
            Ok(ladder) => ladder,
            Err(problem) => return Some(problem),
        };
        let test = match self.test() {
            Ok(test) => test,
            Err(problem) => return Some(problem),
        };
        if test.protocol.is_adaptive() && !ladder.is_empty() {
            return Some("A staircase sets the SNR itself: leave the ladder empty.".to_owned());
        }
        if self.pair_count() > test.trial_count() {
            return Some(format!(
                "There are {} pairs, so there must be as many trials or more.",
                self.pair_count()
            ));
        }
        let mut whole = test;
        whole.stimuli = vec![crate::listening::StimulusEntry {
            folder: Some(PathBuf::from("pairs")),
            ..Default::default()
        }];
        whole.validate().err().map(|error| error.to_string())
    }

    /// Writes the test into a new folder and reads it back.
    ///
    /// # Errors
    /// Where that is not possible.
    pub fn write(
        &self,
        folder: &std::path::Path,
    ) -> Result<(PathBuf, TestFile, Stimuli), ListenError> {
        let problem = |problem| ListenError::Report(problem);
        let mut test = self.test().map_err(problem)?;
        let ladder = self.ladder().map_err(problem)?;
        let file = test.write_with_pairs(folder, &self.pairs, &ladder)?;
        let test = TestFile::read(&file)?;
        let stimuli = test.load(folder)?;
        Ok((file, test, stimuli))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_read_or_complained_about() {
        let mut draft = Draft { ladder: "20, 30;40.5  50".to_owned(), ..Draft::default() };
        assert_eq!(draft.ladder(), Ok(vec![20.0, 30.0, 40.5, 50.0]));
        draft.ladder = "20, many".to_owned();
        assert!(draft.ladder().unwrap_err().contains("many"));
        draft.seed = " 7 ".to_owned();
        assert_eq!(draft.test().unwrap().seed, Some(7));
        assert_eq!(["P01", "P09", "x99", "Ada"].map(next_pseudonym), ["P02", "P10", "x100", "Ada"]);
        draft.seed = "-1".to_owned();
        assert!(draft.test().is_err());
        assert_eq!(draft.problem(), Some("Add a pair of sounds first.".to_owned()));
    }
}
