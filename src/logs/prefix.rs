//! What stands before the words of a log line: time, rank, pod, logger, level, in whatever order the frameworks, the
//! launchers and kubectl put them. Apart, as both the screen and the metrics need the line without it.

/// How bad a line says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Trace,
    Debug,
    Info,
    Warning,
    Error,
    Fatal,
}

/// The recognised beginning of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Prefix<'a> {
    /// The last timestamp as it is written.
    pub time: Option<&'a str>,
    /// Global rank.
    pub rank: Option<u32>,
    /// Rank on its node.
    pub local_rank: Option<u32>,
    /// Pod, worker or node that a tool put before the line.
    pub pod: Option<&'a str>,
    pub container: Option<&'a str>,
    pub logger: Option<&'a str>,
    pub level: Option<Severity>,
    /// `3: ` at the very beginning: a rank as srun writes it, or a step.
    pub number: Option<u32>,
    /// Where the rest begins, in bytes.
    pub body: usize,
}

impl<'a> Prefix<'a> {
    /// Reads the prefix of a line without escapes.
    pub fn read(line: &'a str) -> Self {
        let mut reader = Reader {
            line,
            at: 0,
            found: Self::default(),
        };
        // Two of everything at most: a tool's before the program's.
        for _ in 0..12 {
            let before = reader.at;
            if !reader.part() {
                reader.at = before;
                break;
            }
            reader.found.body = reader.at;
        }
        reader.found
    }
}

struct Reader<'a> {
    line: &'a str,
    at: usize,
    found: Prefix<'a>,
}

/// A whole number of so many digits.
fn digits(text: &str, least: usize, most: usize) -> Option<(&str, &str)> {
    let end = text.bytes().take_while(u8::is_ascii_digit).count();
    (least <= end && end <= most).then(|| text.split_at(end))
}

/// `15:22:22`, with fractions and zone if it has them; what follows.
fn clock(text: &str) -> Option<&str> {
    let (_, rest) = digits(text, 2, 2)?;
    let (_, rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
    let (_, mut rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
    if let Some((_, after)) = rest
        .strip_prefix(['.', ','])
        .and_then(|fraction| digits(fraction, 1, 12))
    {
        rest = after;
    }
    if let Some(after) = rest.strip_prefix('Z') {
        return Some(after);
    }
    let zone = |rest: &'_ str| {
        let (_, after) = digits(rest.strip_prefix(['+', '-'])?, 2, 4)?;
        let minutes = after.strip_prefix(':').and_then(|m| digits(m, 2, 2));
        Some(rest.len() - minutes.map_or(after, |(_, after)| after).len())
    };
    let zone = zone(rest).unwrap_or(0);
    Some(&rest[zone..])
}

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// A moment in any of the shapes loggers give it; what follows.
fn moment(text: &str) -> Option<&str> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        let text = DAYS
            .iter()
            .find_map(|day| text.strip_prefix(day)?.strip_prefix([' ', ',']))
            .map_or(text, str::trim_start);
        let month = MONTHS.iter().find_map(|month| text.strip_prefix(month))?;
        let (_, rest) = digits(month.strip_prefix(' ')?.trim_start(), 1, 2)?;
        let rest = clock(rest.strip_prefix(' ')?)?;
        let year = rest.strip_prefix(' ').and_then(|y| digits(y, 4, 4));
        return Some(year.map_or(rest, |(_, rest)| rest));
    }
    if text.as_bytes().get(2) == Some(&b':') {
        return clock(text);
    }
    let (first, rest) = digits(text, 2, 4)?;
    let part = |rest: &'_ str| {
        let (_, rest) = digits(rest.strip_prefix(['-', '/'])?, 2, 2)?;
        Some(text.len() - rest.len())
    };
    let rest = &text[part(rest)?..];
    if first.len() == 4 {
        let rest = &text[part(rest)?..];
        let time = rest
            .strip_prefix(['T', ' ', '_'])
            .and_then(|time| clock(time.trim_start()));
        return time.or_else(|| rest.starts_with([' ', ']']).then_some(rest));
    }
    if first.len() != 2 {
        return None;
    }
    // `24/11/2026 15:22:22` too.
    let rest = rest
        .strip_prefix(['-', '/'])
        .and_then(|year| digits(year, 2, 4))
        .map_or(rest, |(_, rest)| rest);
    clock(rest.strip_prefix([' ', 'T'])?)
}

fn level(word: &str) -> Option<Severity> {
    Some(match word {
        "TRACE" | "trace" => Severity::Trace,
        "DEBUG" | "Debug" | "debug" | "DBG" => Severity::Debug,
        "INFO" | "Info" | "info" | "INF" | "NOTICE" => Severity::Info,
        "WARNING" | "Warning" | "warning" | "WARN" | "Warn" | "warn" | "WRN" => Severity::Warning,
        "ERROR" | "Error" | "error" | "ERR" => Severity::Error,
        "FATAL" | "Fatal" | "fatal" | "CRITICAL" | "critical" | "PANIC" => Severity::Fatal,
        _ => return None,
    })
}

/// `I1122 14:27:54.123456`: level and what follows.
fn klog(text: &str) -> Option<(Severity, &str)> {
    let level = match text.as_bytes().first()? {
        b'I' => Severity::Info,
        b'W' => Severity::Warning,
        b'E' => Severity::Error,
        b'F' | b'C' => Severity::Fatal,
        _ => return None,
    };
    let (_, rest) = digits(&text[1..], 3, 4)?;
    Some((level, clock(rest.strip_prefix(' ')?)?))
}

/// Names as Kubernetes allows them.
fn is_dns(word: &str) -> bool {
    word.len() <= 253
        && word
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
        && word.starts_with(|c: char| c.is_ascii_lowercase())
        && !word.ends_with(['-', '.'])
}

/// `worker-0`, `trainer-node-0-1`, `llama-x7k2p`: a name with a number or a random ending.
fn is_pod(word: &str) -> bool {
    let Some((_, end)) = word.rsplit_once('-') else {
        return false;
    };
    let random = |b: u8| b"bcdfghjklmnpqrstvwxz2456789".contains(&b);
    is_dns(word)
        && (digits(end, 1, 5).is_some_and(|(_, rest)| rest.is_empty())
            || (end.len() == 5 && end.bytes().all(random)))
}

fn is_name(word: &str) -> bool {
    !word.is_empty()
        && word.len() <= 48
        && word
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-' | b':' | b'/'))
        && word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// `train.py:12`, `logging.py:107:log_dist`.
fn is_source(word: &str) -> bool {
    word.split_once(':').is_some_and(|(file, line)| {
        is_name(file) && file.contains('.') && line.starts_with(|c: char| c.is_ascii_digit())
    })
}

fn number(text: &str) -> Option<u32> {
    text.trim().parse().ok()
}

fn after_ignoring_case<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let head = text.get(..word.len())?;
    head.eq_ignore_ascii_case(word).then(|| &text[word.len()..])
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    /// Goes on after this remainder of the line and the separators that stand there.
    fn skip_to(&mut self, rest: &'a str) -> bool {
        let mut rest = rest.trim_start_matches(':');
        // A row of a box keeps its edge.
        let boxed = rest.ends_with('|') && rest.bytes().filter(|b| *b == b'|').count() < 4;
        if let Some(after) = rest.strip_prefix("\t") {
            rest = after;
        }
        loop {
            let trimmed = rest.trim_start_matches(' ');
            let Some(after) = trimmed.strip_prefix(['|', '-', '│', ':']) else {
                // Blanks before what is left belong to it if nothing else does: columns line up.
                rest = trimmed;
                break;
            };
            if boxed && trimmed.starts_with('|') || !after.starts_with(' ') {
                rest = trimmed;
                break;
            }
            rest = after;
        }
        self.at = self.line.len() - rest.len();
        true
    }

    /// One part of the prefix.
    fn part(&mut self) -> bool {
        let start = self.at == 0;
        let rest = self.rest();
        let text = rest.trim_start_matches(' ');
        let Some(first) = text.bytes().next() else {
            return false;
        };
        match first {
            b'[' => return self.bracket(&text[1..]),
            b'(' => return self.parenthesis(&text[1..]),
            b'0'..=b'9' => {
                if let Some(after) = moment(text) {
                    self.found.time = Some(&text[..text.len() - after.len()]);
                    return self.skip_to(after);
                }
                // srun's rank, also behind what kubectl and its like put in front.
                let found = &self.found;
                let first = found.rank.is_none()
                    && found.local_rank.is_none()
                    && found.number.is_none()
                    && found.level.is_none()
                    && found.logger.is_none();
                if first
                    && let Some((n, after)) = digits(text, 1, 5)
                    && let Some(after) = after.strip_prefix(": ")
                {
                    self.found.number = number(n);
                    self.at = self.line.len() - after.len();
                    return true;
                }
                return false;
            }
            b'<' => {
                // syslog's priority
                let after = digits(&text[1..], 1, 3).and_then(|(_, r)| r.strip_prefix('>'));
                return start && after.is_some_and(|after| self.skip_to(after));
            }
            _ if !first.is_ascii_alphabetic() && first != b'_' => return false,
            _ => {}
        }
        if let Some((level, after)) = klog(text) {
            self.found.level = Some(level);
            // Thread and source up to the bracket.
            let after = match after.split_once("] ") {
                Some((head, after)) if head.len() < 60 => after,
                _ => after,
            };
            return self.skip_to(after);
        }
        if first.is_ascii_uppercase()
            && let Some(after) = moment(text)
        {
            self.found.time = Some(&text[..text.len() - after.len()]);
            return self.skip_to(after);
        }
        self.word(text, start)
    }

    fn word(&mut self, text: &'a str, start: bool) -> bool {
        let end = text
            .bytes()
            .position(|b| matches!(b, b' ' | b'\t' | b'|' | b'=' | b',' | b'('))
            .unwrap_or(text.len());
        let (word, after) = text.split_at(end);
        let bare = word.trim_end_matches(':');
        // `rank:0 `, `rank=0, `, `Rank 3:`
        if let Some(rest) = after_ignoring_case(text, "rank") {
            let rest = rest.trim_start_matches([':', '=', ' ']);
            if let Some((n, rest)) = digits(rest, 1, 6)
                && rest.starts_with([' ', ':', ',', '|', ']', ')'])
            {
                self.found.rank = number(n);
                return self.skip_to(rest.trim_start_matches([',', ']', ')']));
            }
            return false;
        }
        if let Some(level) = level(bare) {
            let upper = bare.bytes().all(|b| b.is_ascii_uppercase());
            // `Error: …` is a sentence of its own; `ERROR` and `info:` are levels.
            if upper || (self.at > 0 && bare.starts_with(|c: char| c.is_ascii_lowercase())) {
                self.found.level = Some(level);
                return self.skip_to(after);
            }
            return false;
        }
        // `INFO:tensorflow:text`, `INFO:root:text`
        if let Some((head, rest)) = word.split_once(':')
            && let Some(found) = level(head)
            && head.bytes().all(|b| b.is_ascii_uppercase())
        {
            self.found.level = Some(found);
            if let Some((logger, _)) = rest.split_once(':')
                && is_name(logger)
            {
                self.found.logger = Some(logger);
                let rest = &text[head.len() + 1 + logger.len() + 1..];
                return self.skip_to(rest);
            }
            return self.skip_to(&text[head.len() + 1..]);
        }
        if is_source(bare) && self.at > 0 {
            self.found.logger = Some(bare);
            return self.skip_to(after);
        }
        // `node-3:412:1734 [1] NCCL INFO `
        if let Some((source, rest)) = after
            .strip_prefix(" [")
            .and_then(|rest| rest.split_once("] NCCL "))
            .filter(|(gpu, _)| digits(gpu, 1, 3).is_some_and(|(_, rest)| rest.is_empty()))
            && word.bytes().filter(|b| *b == b':').count() == 2
            && !source.is_empty()
        {
            let (said, rest) = rest.split_once(' ').unwrap_or((rest, ""));
            self.found.logger = Some("NCCL");
            self.found.level = level(said).or(self.found.level);
            return self.skip_to(rest);
        }
        if start {
            // pdsh's `worker-0: `, compose's `worker-0  | `
            let next = after.trim_start_matches(' ');
            if is_pod(bare)
                && (word.ends_with(':') && after.starts_with(' ') || next.starts_with(['|', '│']))
            {
                self.found.pod = Some(bare);
                return self.skip_to(after);
            }
            // stern's `pod container `
            if is_pod(word)
                && let Some((container, text)) = next.split_once(' ')
                && is_dns(container)
                && !text.is_empty()
                && after.starts_with(' ')
                && !matches!(container, "loss" | "step" | "epoch" | "iter" | "lr" | "acc")
            {
                (self.found.pod, self.found.container) = (Some(word), Some(container));
                return self.skip_to(text);
            }
        }
        // Columns between tabs up to the level: `time\tnode-0:0\tolmo.train:1012\tINFO\ttext`
        if self.found.time.is_some()
            && self.found.level.is_none()
            && is_name(bare)
            && let Some(columns) = after.strip_prefix('\t')
            && columns
                .split('\t')
                .take(2)
                .any(|cell| level(cell).is_some() && cell.bytes().all(|b| b.is_ascii_uppercase()))
        {
            self.found.logger = Some(bare);
            return self.skip_to(after);
        }
        // A logger's name after a time or a level, with a separator behind it: ` - root - `, `| train | `, `ppdet INFO`
        let known = self.found.time.is_some() || self.found.level.is_some();
        if known && self.at > 0 && is_name(bare) && after.starts_with(' ') {
            let next = after.trim_start_matches(' ');
            let separated =
                next.starts_with("- ") || next.starts_with("| ") || next.starts_with("│ ");
            let then_level = next
                .split([' ', ':'])
                .next()
                .is_some_and(|w| level(w).is_some() && w.bytes().all(|b| b.is_ascii_uppercase()));
            let module = bare.contains('.') && word.ends_with(':') && !bare.ends_with('.');
            // `step - 3` and the like are no loggers: their line has to have one before.
            let before = self.line[..self.at].trim_end_matches(' ');
            let listed = before.ends_with(['-', '|', '│']);
            if then_level || module || separated && listed {
                self.found.logger = Some(bare);
                return self.skip_to(after);
            }
        }
        false
    }

    /// `[ … ]` without its opening bracket.
    fn bracket(&mut self, text: &'a str) -> bool {
        let Some(end) = text.bytes().take(120).position(|b| b == b']') else {
            return false;
        };
        let (inside, after) = (text[..end].trim(), &text[end + 1..]);
        if inside.is_empty() {
            return false;
        }
        if let Some(n) = after_ignoring_case(inside, "rank")
            .map(|n| n.trim_start_matches([' ', ':', '=', '_', '-']))
            .and_then(number)
        {
            self.found.rank = Some(n);
            return self.skip_to(after);
        }
        if after.starts_with("<std") {
            let rank = inside.rsplit(',').next().and_then(number);
            let Some((_, rest)) = after.split_once('>').filter(|_| rank.is_some()) else {
                return false;
            };
            self.found.rank = rank;
            return self.skip_to(rest);
        }
        if let Some(name) = inside.strip_prefix("Pod ").or(inside.strip_prefix("pod ")) {
            self.found.pod = Some(name);
            return self.skip_to(after);
        }
        if let Some(path) = inside.strip_prefix("pod/") {
            let (pod, container) = path.split_once('/').unwrap_or((path, ""));
            self.found.pod = Some(pod);
            self.found.container = Some(container).filter(|c| !c.is_empty());
            return self.skip_to(after);
        }
        if let Some((level, rest)) = klog(inside) {
            self.found.level = Some(level);
            self.found.logger = Some(rest.trim()).filter(|l| !l.is_empty());
            return self.skip_to(after);
        }
        if let Some(rest) = moment(inside) {
            self.found.time = Some(inside[..inside.len() - rest.len()].trim());
            for word in rest.split([' ', ',', '|']).filter(|w| !w.is_empty()) {
                match level(word) {
                    Some(level) => self.found.level = Some(level),
                    None if is_name(word) => self.found.logger = Some(word),
                    None => {}
                }
            }
            return self.skip_to(after);
        }
        let (word, rest) = inside.split_once(' ').unwrap_or((inside, ""));
        if let Some(found) = level(word.trim_end_matches(':')) {
            if !rest.is_empty() && moment(rest.trim()).is_none() && !is_name(rest.trim()) {
                return false;
            }
            self.found.level = Some(found);
            return self.skip_to(after);
        }
        // E ProcessGroupNCCL.cpp:481
        if word.len() == 1 && "IWEFC".contains(word) && is_source(rest) {
            self.found.level = klog(&format!("{word}0101 00:00:00")).map(|found| found.0);
            self.found.logger = Some(rest);
            return self.skip_to(after);
        }
        if is_source(inside) {
            self.found.logger = Some(inside);
            return self.skip_to(after);
        }
        if rest.is_empty() {
            // ESPnet's `[host:0/2]`: rank and how many.
            if let Some((host, place)) = inside.split_once(':')
                && let Some((n, rest)) = digits(place, 1, 5)
                && rest
                    .strip_prefix('/')
                    .and_then(|of| digits(of, 1, 5))
                    .is_some_and(|of| of.1.is_empty())
                && is_name(host)
            {
                self.found.rank = number(n);
                return self.skip_to(after);
            }
            // torchrun's `[default1]:`, `[trainer0]:`
            let name = inside.trim_end_matches(|c: char| c.is_ascii_digit());
            if after.starts_with(':')
                && !name.is_empty()
                && name.len() < inside.len()
                && name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'_')
            {
                self.found.local_rank = number(&inside[name.len()..]);
                return self.skip_to(after);
            }
            if after.starts_with(':') && is_pod(inside) {
                self.found.pod = Some(inside);
                return self.skip_to(after);
            }
            // ESPnet's `[node01] 2026-11-24 03:04:05,123 `
            if is_name(inside) && after.strip_prefix(' ').and_then(moment).is_some() {
                self.found.logger = Some(inside);
                return self.skip_to(after);
            }
            let tag = inside
                .bytes()
                .all(|b| b.is_ascii_alphabetic() || matches!(b, b'_' | b'.' | b'-'));
            if tag && inside.len() <= 40 && !after.is_empty() {
                self.found.logger = Some(inside);
                return self.skip_to(after);
            }
        }
        false
    }

    /// Ray's `(RayTrainWorker pid=12, ip=10.0.0.3) ` without its opening parenthesis.
    fn parenthesis(&mut self, text: &'a str) -> bool {
        let Some((inside, after)) = text.split_once(')') else {
            return false;
        };
        if inside.len() > 120 {
            return false;
        }
        if let Some(n) = after_ignoring_case(inside, "rank")
            .map(|n| n.trim_start_matches([' ', ':', '=']))
            .and_then(number)
        {
            self.found.rank = Some(n);
            return self.skip_to(after);
        }
        // k2's `(1/4)`: rank and how many.
        if self.at > 0
            && self.found.logger.is_some()
            && self.found.rank.is_none()
            && let Some((n, of)) = inside.split_once('/')
            && let (Some(n), Some(of)) = (number(n), number(of))
            && n < of
        {
            self.found.rank = Some(n);
            return self.skip_to(after);
        }
        // (main.py 203), (trainer.py:12), (trainer:762)
        let (source, place) = inside.split_once([' ', ':']).unwrap_or((inside, ""));
        let module =
            inside.contains(':') && is_name(source) && place.bytes().all(|b| b.is_ascii_digit());
        if self.at > 0 && (source.ends_with(".py") || module && self.found.time.is_some()) {
            self.found.logger = Some(inside);
            return self.skip_to(after);
        }
        if inside.contains("pid=") || matches!(inside, "raylet" | "gcs_server") {
            self.found.logger = inside.split([' ', ',']).next();
            return self.skip_to(after);
        }
        false
    }
}

#[cfg(test)]
mod tests;
