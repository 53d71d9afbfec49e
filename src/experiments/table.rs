//! A table of a report, and how it is written as Markdown, CSV and LaTeX.

use super::statistics::Mean;

/// What a cell shows.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Words.
    Words(String),
    /// Our mean, if there is one, and the paper's number, if it is known.
    Number {
        /// What we found.
        ours: Option<Mean>,
        /// What the paper says.
        paper: Option<f64>,
        /// Decimals of both.
        decimals: usize,
    },
    /// Neither we nor the paper has anything to put here.
    Nothing,
}

/// A table.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Its name in files, such as `table2`.
    pub name: String,
    /// What it is of.
    pub title: String,
    /// Heads of its columns.
    pub columns: Vec<String>,
    /// Its rows, as many cells as columns each.
    pub rows: Vec<Vec<Cell>>,
    /// What has to be said below it.
    pub notes: Vec<String>,
}

impl Cell {
    /// The cell as a line for people: mean, interval, clips and the paper's number.
    pub fn words(&self) -> String {
        match self {
            Self::Words(words) => words.clone(),
            Self::Nothing => "\u{2013}".to_owned(),
            Self::Number { ours, paper, decimals } => {
                let d = *decimals;
                let ours = ours.map_or(
                    "\u{2013}".to_owned(),
                    |Mean { value, interval, clips, .. }| {
                        let [low, high] = interval;
                        match clips {
                            // One clip tells nothing of how much clips differ.
                            1 => format!("{value:.d$} n=1"),
                            _ => format!("{value:.d$} [{low:.d$}, {high:.d$}] n={clips}"),
                        }
                    },
                );
                match paper {
                    Some(paper) => format!("{ours}; paper {}", as_printed(*paper)),
                    None => ours,
                }
            }
        }
    }

    /// Its mean alone.
    pub fn short(&self) -> String {
        match self {
            Self::Number { ours: Some(mean), decimals, .. } => {
                format!("{:.*}", *decimals, mean.value)
            }
            Self::Words(words) => words.clone(),
            Self::Number { ours: None, .. } | Self::Nothing => "\u{2013}".to_owned(),
        }
    }

    /// Mean, ends of the interval, clips and the paper's number, empty where there is none.
    fn fields(&self) -> [String; 5] {
        let mut fields: [String; 5] = Default::default();
        if let Self::Number { ours, paper, .. } = self {
            if let Some(Mean { value, interval: [low, high], clips, .. }) = ours {
                fields = [value, low, high]
                    .map(|number| format!("{number:.4}"))
                    .into_iter()
                    .chain([clips.to_string(), String::new()])
                    .collect::<Vec<_>>()
                    .try_into()
                    .unwrap_or_default();
            }
            fields[4] = paper.map_or_else(String::new, |paper| paper.to_string());
        }
        fields
    }

    fn is_words(&self) -> bool {
        matches!(self, Self::Words(_))
    }
}

impl Table {
    /// As a section of a Markdown document.
    pub fn to_markdown(&self) -> String {
        let escape = |text: &str| text.replace('|', "\\|");
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let mut text = format!("### {}\n\n", self.title);
        text += &line(self.columns.iter().map(|c| escape(c)).collect());
        text += &line(self.columns.iter().map(|_| "---".to_owned()).collect());
        for row in &self.rows {
            text += &line(row.iter().map(|cell| escape(&cell.words())).collect());
        }
        for note in &self.notes {
            text += &format!("\n{note}\n");
        }
        text
    }

    /// As CSV: a column of numbers becomes five, `mean`, `low`, `high`, `clips` and `paper`.
    pub fn to_csv(&self) -> Vec<u8> {
        let is_words =
            |column: usize| self.rows.iter().all(|row| row.get(column).is_some_and(Cell::is_words));
        let mut head = Vec::new();
        for (column, title) in self.columns.iter().enumerate() {
            if is_words(column) {
                head.push(title.clone());
            } else {
                let parts = ["mean", "low", "high", "clips", "paper"];
                head.extend(parts.map(|part| format!("{title} ({part})")));
            }
        }
        let mut writer = csv::Writer::from_writer(Vec::new());
        // Writing to memory can't fail.
        writer.write_record(&head).ok();
        for row in &self.rows {
            let mut line = Vec::new();
            for (column, cell) in row.iter().enumerate() {
                if is_words(column) {
                    line.push(cell.words());
                } else {
                    line.extend(cell.fields());
                }
            }
            writer.write_record(&line).ok();
        }
        writer.into_inner().unwrap_or_default()
    }

    /// The title without its number, which LaTeX gives itself.
    fn caption(&self) -> &str {
        let numbered = self.title.strip_prefix("Table ").and_then(|rest| rest.split_once(": "));
        numbered.map_or(&self.title, |(_, title)| title)
    }

    /// As a LaTeX table (package `booktabs`): the mean over the interval and the paper's number.
    pub fn to_latex(&self) -> String {
        let shape: String = self.columns.iter().map(|_| 'l').collect();
        let mut text = format!(
            "% Written by mondegreen {}. Needs \\usepackage{{booktabs}}.\n\\begin{{table}}\n  \
             \\caption{{{}}}\n  \\begin{{tabular}}{{{shape}}}\n    \\toprule\n",
            crate::VERSION,
            latex(self.caption())
        );
        let line = |cells: Vec<String>| format!("    {} \\\\\n", cells.join(" & "));
        text += &line(self.columns.iter().map(|column| latex(column)).collect());
        text += "    \\midrule\n";
        for row in &self.rows {
            text += &line(row.iter().map(latex_cell).collect());
        }
        text += "    \\bottomrule\n  \\end{tabular}\n";
        for note in &self.notes {
            text += &format!("  \\par\\footnotesize {}\n", latex(note));
        }
        text + "\\end{table}\n"
    }
}

/// A number of the paper with the digits that it has there: two, or three in Table 1.
pub fn as_printed(paper: f64) -> String {
    let three = format!("{paper:.3}");
    three.strip_suffix('0').unwrap_or(&three).to_owned()
}

fn latex_cell(cell: &Cell) -> String {
    let Cell::Number { ours, paper, decimals: d } = cell else { return latex(&cell.words()) };
    let ours = ours.map_or(
        "--".to_owned(),
        |Mean { value, interval: [low, high], clips, .. }| match clips {
            1 => format!("{value:.d$} \\tiny{{$n=1$}}"),
            _ => format!("{value:.d$} \\tiny{{[{low:.d$}, {high:.d$}], $n={clips}$}}"),
        },
    );
    match paper {
        Some(paper) => format!("{ours} / \\emph{{{}}}", as_printed(*paper)),
        None => ours,
    }
}

/// A text in which nothing means anything to LaTeX.
fn latex(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => escaped.extend(['\\', c]),
            '\\' => escaped.push_str("\\textbackslash{}"),
            '~' => escaped.push_str("\\textasciitilde{}"),
            '^' => escaped.push_str("\\textasciicircum{}"),
            '\u{2013}' => escaped.push_str("--"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mean = Mean { value: 51.25, interval: [50.0, 52.5], clips: 12 };
        let number = |ours, paper| Cell::Number { ours, paper, decimals: 1 };
        Table {
            name: "table2".to_owned(),
            title: "Means & more".to_owned(),
            columns: vec!["Attack".to_owned(), "SNR dB".to_owned()],
            rows: vec![
                vec![Cell::Words("C&W".to_owned()), number(Some(mean), Some(46.23))],
                vec![Cell::Words("a_b|c".to_owned()), number(None, None)],
            ],
            notes: vec!["100 %".to_owned()],
        }
    }

    #[test]
    fn markdown_has_the_interval_the_clips_and_the_paper() {
        let text = table().to_markdown();
        assert!(text.contains("| C&W | 51.2 [50.0, 52.5] n=12; paper 46.23 |"), "{text}");
        assert!(text.contains("| a_b\\|c | \u{2013} |"), "{text}");
    }

    #[test]
    fn csv_has_a_column_for_each_of_them() {
        let text = String::from_utf8(table().to_csv()).unwrap();
        let mut lines = text.lines();
        assert_eq!(
            lines.next().unwrap(),
            "Attack,SNR dB (mean),SNR dB (low),SNR dB (high),SNR dB (clips),SNR dB (paper)"
        );
        assert_eq!(lines.next().unwrap(), "C&W,51.2500,50.0000,52.5000,12,46.23");
        assert_eq!(lines.next().unwrap(), "a_b|c,,,,,");
    }

    #[test]
    fn latex_is_escaped() {
        let text = table().to_latex();
        assert!(
            text.contains("\\caption{Means \\& more}") && text.contains("a\\_b|c & --"),
            "{text}"
        );
        // LaTeX counts tables itself.
        let numbered = Table { title: "Table 2: Means".to_owned(), ..table() }.to_latex();
        assert!(numbered.contains("\\caption{Means}"), "{numbered}");
        assert!(text.contains("/ \\emph{46.23} \\\\") && text.contains("100 \\%"), "{text}");
    }
}
