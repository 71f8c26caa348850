//! From what a node says of its accelerator to the entry of the reference. Separate because labels come in many dialects,
//! and one that is not understood must be told apart from one that is.

use super::data::{Catalog, Gpu};

/// What a label value means.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Meaning<'a> {
    /// The entries it may stand for; none: not known here.
    pub gpus: Vec<&'a Gpu>,
    /// The value without what the device plugin adds.
    pub product: String,
    /// `1g.10gb`, where the value says that every card is cut so.
    pub mig: Option<String>,
    /// Time-sliced or MPS.
    pub shared: bool,
}

/// The value without `-MIG-<profile>` and `-SHARED`, and what those say.
fn bare(value: &str) -> (String, Option<String>, bool) {
    let (value, shared) = match value.strip_suffix("-SHARED") {
        Some(rest) => (rest, true),
        None => (value, false),
    };
    match value.split_once("-MIG-") {
        Some((product, profile)) => (product.to_owned(), Some(profile.to_owned()), shared),
        None => (value.to_owned(), None, shared),
    }
}

impl Catalog {
    /// What a product label and a machine type mean together: the label first, the machine type where there is none.
    pub fn resolve(&self, product: Option<&str>, machine: Option<&str>) -> Meaning<'_> {
        let mut meaning = Meaning::default();
        if let Some(value) = product {
            let (name, mig, shared) = bare(value);
            meaning.gpus = self.by_label(&name);
            (meaning.product, meaning.mig, meaning.shared) = (name, mig, shared);
        }
        let machine = machine.map_or_else(Vec::new, |machine| self.by_machine(machine));
        match meaning.gpus.len() {
            // a label that is there and not known says more than the machine type
            0 if product.is_none() => meaning.gpus = machine,
            0 | 1 => {}
            _ => {
                let both: Vec<&Gpu> = machine
                    .into_iter()
                    .filter(|gpu| meaning.gpus.iter().any(|known| known.id == gpu.id))
                    .collect();
                if !both.is_empty() {
                    meaning.gpus = both;
                }
            }
        }
        meaning
    }

    fn entries<'a>(&'a self, ids: &'a [String]) -> Vec<&'a Gpu> {
        ids.iter().filter_map(|id| self.gpu(id)).collect()
    }

    fn by_label(&self, name: &str) -> Vec<&Gpu> {
        let same = |a: &str, b: &str| a.eq_ignore_ascii_case(b);
        if let Some(label) = self.labels.iter().find(|label| same(&label.value, name)) {
            return self.entries(&label.gpus);
        }
        // drivers add to the names: AMD_Instinct_MI300X_OAM
        let longer = self
            .labels
            .iter()
            .filter(|label| label.value.len() > 6 && label.value.contains(['-', '_']))
            .filter(|label| {
                name.get(..label.value.len())
                    .is_some_and(|head| same(head, &label.value))
                    && name[label.value.len()..].starts_with('_')
            })
            .max_by_key(|label| label.value.len());
        longer.map_or_else(Vec::new, |label| self.entries(&label.gpus))
    }

    fn by_machine(&self, machine: &str) -> Vec<&Gpu> {
        let fits = |family: &str| {
            machine
                .strip_prefix(family)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
        };
        let family = self
            .machines
            .iter()
            .filter(|m| m.family.as_deref().is_some_and(fits))
            .max_by_key(|m| m.family.as_ref().map_or(0, String::len));
        let infix = || {
            self.machines
                .iter()
                .filter(|_| machine.starts_with("Standard_N"))
                .find(|m| {
                    m.infix
                        .as_deref()
                        .is_some_and(|part| machine.contains(part))
                })
        };
        family
            .or_else(infix)
            .map_or_else(Vec::new, |m| self.entries(&m.gpus))
    }

    /// Entries by a name as people type it: the id, the name, a part of it, a label value.
    ///
    /// # Errors
    /// The nearest names there are.
    pub fn named(&self, name: &str) -> Result<Vec<&Gpu>, Vec<&str>> {
        let plain = |s: &str| s.to_lowercase().replace(['-', ' ', '_'], "");
        let wanted = plain(name);
        if let Some(gpu) = self.gpus.iter().find(|gpu| plain(&gpu.id) == wanted) {
            return Ok(vec![gpu]);
        }
        for (column, id) in super::data::SLIDE_COLUMNS {
            if plain(column) == wanted {
                return Ok(self.gpu(id).into_iter().collect());
            }
        }
        let is_word = |text: &str| {
            // `a10` must not find the A100
            let text = text.to_lowercase();
            text.match_indices(&name.to_lowercase()).any(|(at, found)| {
                let before = text[..at].chars().next_back();
                let after = text[at + found.len()..].chars().next();
                !before.is_some_and(char::is_alphanumeric)
                    && !after.is_some_and(char::is_alphanumeric)
            })
        };
        let words: Vec<&Gpu> = self
            .gpus
            .iter()
            .filter(|gpu| {
                let arch = self.arch(gpu);
                is_word(&gpu.name)
                    || is_word(&gpu.id)
                    || arch.is_some_and(|arch| is_word(&arch.name))
                    || gpu.chip.as_ref().is_some_and(|c| plain(&c.value) == wanted)
                    || self.cc(gpu).is_some_and(|cc| cc.value == name)
            })
            .collect();
        if !words.is_empty() && !wanted.is_empty() {
            return Ok(words);
        }
        let known = self.resolve(Some(name), None).gpus;
        if !known.is_empty() {
            return Ok(known);
        }
        let mut near: Vec<(usize, &str)> = self
            .gpus
            .iter()
            .map(|gpu| (distance(&plain(&gpu.id), &wanted), gpu.id.as_str()))
            .collect();
        near.sort_unstable();
        Err(near.into_iter().take(3).map(|(_, id)| id).collect())
    }
}

/// Edits between two words; what only goes on is near.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    let mut best = usize::MAX;
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = corner + usize::from(x != *y);
            corner = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(corner + 1);
        }
        best = best.min(row[b.len()] * 2);
    }
    best.min(row[b.len()] * 2 + 1)
}
