//! The commands of the little shell.

use super::{Console, Said, cards};
use crate::exporter::DRIVER;

/// Those that every image with a shell has.
pub const NAMES: [&str; 41] = [
    ":", "[", "cat", "cd", "clear", "command", "date", "df", "echo", "env", "exec", "exit",
    "export", "false", "free", "grep", "head", "hostname", "id", "kill", "ls", "mkdir", "nproc",
    "printenv", "ps", "pwd", "rm", "set", "sleep", "sort", "stty", "tail", "tee", "test", "touch",
    "true", "type", "uname", "uptime", "wc", "whoami",
];
/// Those that are no files.
const BUILTINS: [&str; 9] = [
    "cd", "command", "exec", "exit", "export", "set", "type", ":", "false",
];
const FOLDERS: [&str; 9] = [
    "bin",
    "dev",
    "etc",
    "home",
    "proc",
    "root",
    "tmp",
    "usr",
    "workspace",
];

impl Console {
    /// Runs one command; its exit code.
    pub(super) fn command(&mut self, argv: &[String], input: Option<String>) -> i32 {
        let Some(path) = argv.first() else { return 0 };
        let name = path.rsplit('/').next().unwrap_or(path);
        if !self.place.has(name) {
            let shell = if self.place.has("bash") {
                "bash: "
            } else {
                "sh: "
            };
            let not = match path.contains('/') {
                true => "No such file or directory",
                false if self.place.has("bash") => "command not found",
                false => "not found",
            };
            self.fail(&format!("{shell}{path}: {not}"));
            return 127;
        }
        let args = &argv[1..];
        let arg = |at: usize| args.get(at).map(String::as_str).unwrap_or_default();
        let number = |at: usize| args.get(at).and_then(|a| a.parse::<i32>().ok());
        match name {
            "sh" | "bash" => return self.subshell(args, input),
            "exit" => self.leaving = Some(number(0).unwrap_or(self.status) & 0xff),
            "exec" => {
                let code = self.command(args, input);
                if !self.shell && !args.is_empty() {
                    self.leaving = Some(code);
                }
                return code;
            }
            "true" | ":" | "set" | "mkdir" | "kill" => {}
            "false" => return 1,
            "echo" => self.echo(args),
            "sleep" => match arg(0).trim_end_matches('s').parse::<f64>() {
                Ok(seconds) if seconds >= 0.0 => self.said.push(Said::Wait(seconds)),
                _ if arg(0) == "infinity" => self.said.push(Said::Wait(f64::MAX)),
                _ => {
                    self.fail(&format!("sleep: invalid time interval ‘{}’", arg(0)));
                    return 1;
                }
            },
            "pwd" => self.print(&self.folder.clone()),
            "cd" => return self.go(arg(0)),
            "ls" => return self.list(args),
            "cat" | "head" | "tail" | "wc" | "sort" | "grep" | "tee" => {
                return self.filter(name, args, input);
            }
            "touch" => {
                for file in args {
                    let path = self.path(file);
                    self.files.entry(path).or_default();
                }
            }
            "rm" => {
                for file in args.iter().filter(|a| !a.starts_with('-')) {
                    let path = self.path(file);
                    if self.files.remove(&path).is_none() {
                        self.fail(&format!("rm: cannot remove '{file}': No such file or directory"));
                        return 1;
                    }
                }
            }
            "env" | "printenv" if args.is_empty() => {
                let all: Vec<String> = self.env.iter().map(|(k, v)| format!("{k}={v}")).collect();
                self.print(&all.join("\n"));
            }
            "env" => return self.command(args, input),
            "printenv" => match self.env.get(arg(0)).cloned() {
                Some(value) => self.print(&value),
                None => return 1,
            },
            "export" => {
                for pair in args {
                    if let Some((name, value)) = pair.split_once('=') {
                        self.env.insert(name.to_owned(), value.to_owned());
                    }
                }
            }
            "command" | "type" => return self.which(args),
            "test" | "[" => return i32::from(!self.test(args)),
            "hostname" => self.print(&self.place.pod.clone()),
            "whoami" => self.print("root"),
            "id" => self.print("uid=0(root) gid=0(root) groups=0(root)"),
            "uname" if arg(0) == "-a" => {
                let host = self.place.pod.clone();
                self.print(&format!("Linux {host} 6.8.0-85-generic #85-Ubuntu SMP x86_64 GNU/Linux"));
            }
            "uname" => self.print("Linux"),
            "nproc" => self.print("8"),
            "date" => {
                let now = self.place.now.format("%a %b %e %H:%M:%S UTC %Y").to_string();
                self.print(&now);
            }
            "uptime" => {
                let up = (self.place.now - self.place.since).num_minutes();
                let now = self.place.now.format("%H:%M:%S");
                self.print(&format!(" {now} up {up} min,  load average: 3.21, 3.08, 2.95"));
            }
            "clear" => self.out("\u{1b}[H\u{1b}[2J"),
            "stty" if arg(0) == "size" => {
                let (columns, rows) = self.size;
                self.print(&format!("{rows} {columns}"));
            }
            "stty" => {}
            "tput" => {
                let (columns, rows) = self.size;
                match arg(0) {
                    "cols" => self.print(&columns.to_string()),
                    "lines" => self.print(&rows.to_string()),
                    _ => {}
                }
            }
            "ps" => self.processes(),
            "df" => self.print(
                "Filesystem      Size  Used Avail Use% Mounted on\noverlay         1.8T  412G  1.3T  24% /\ntmpfs            64M     0   64M   0% /dev",
            ),
            "free" => self.print(
                "               total        used        free\nMem:           503Gi        96Gi       371Gi\nSwap:             0B          0B          0B",
            ),
            "nvidia-smi" => {
                let now = self.place.now.format("%a %b %e %H:%M:%S %Y").to_string();
                let main = self.place.main.first().cloned().unwrap_or_default();
                let text = cards::nvidia(&self.place.cards, args, DRIVER, &now, &main);
                self.out(text);
            }
            "rocm-smi" => {
                let text = cards::amd(&self.place.cards);
                self.out(text);
            }
            "python" | "python3" if matches!(arg(0), "-V" | "--version") => self.print("Python 3.12.3"),
            "python" | "python3" => {
                self.fail("python: no interpreter runs in a simulated container; try --version");
                return 1;
            }
            _ => {}
        }
        0
    }

    fn subshell(&mut self, args: &[String], input: Option<String>) -> i32 {
        let Some(at) = args
            .iter()
            .position(|arg| arg.starts_with('-') && arg.contains('c'))
        else {
            match input {
                Some(text) => return self.script(&text),
                None => self.shell = true,
            }
            return 0;
        };
        let Some(script) = args.get(at + 1).cloned() else {
            self.fail("sh: -c requires an argument");
            return 2;
        };
        let code = self.script(&script);
        // what it leaves is only itself
        self.leaving.take().unwrap_or(code)
    }

    fn echo(&mut self, args: &[String]) {
        let (plain, args) = match args.split_first() {
            Some((flag, rest)) if flag == "-n" => (true, rest),
            Some((flag, rest)) if flag == "-e" => (false, rest),
            _ => (false, args),
        };
        let text = args.join(" ");
        self.out(if plain { text } else { text + "\n" });
    }

    fn go(&mut self, to: &str) -> i32 {
        let to = match to {
            "" | "~" => "/root".to_owned(),
            other => self.path(other),
        };
        let known =
            to == "/" || FOLDERS.iter().any(|f| to == format!("/{f}")) || self.names(&to).is_some();
        if !known {
            self.fail(&format!("cd: {to}: No such file or directory"));
            return 1;
        }
        self.folder = to;
        0
    }

    /// What every container has, and what was written.
    pub(super) fn read(&self, name: &str) -> Option<String> {
        let path = self.path(name);
        if let Some(text) = self.files.get(&path) {
            return Some(text.clone());
        }
        let place = &self.place;
        Some(match path.as_str() {
            "/etc/hostname" => format!("{}\n", place.pod),
            "/etc/hosts" => format!("127.0.0.1\tlocalhost\n{}\t{}\n", place.ip, place.pod),
            "/etc/resolv.conf" => format!(
                "search {}.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
                place.namespace
            ),
            "/etc/os-release" if place.has_bash() => {
                "PRETTY_NAME=\"Ubuntu 24.04.3 LTS\"\nNAME=\"Ubuntu\"\nVERSION_ID=\"24.04\"\nID=ubuntu\n".into()
            }
            "/etc/os-release" => "NAME=\"Buildroot\"\nID=buildroot\nPRETTY_NAME=\"Buildroot\"\n".into(),
            "/proc/loadavg" => "3.21 3.08 2.95 4/1187 42\n".into(),
            "/proc/1/cmdline" => format!("{}\n", place.main.join(" ")),
            "/run/secrets/kubernetes.io/serviceaccount/namespace"
            | "/var/run/secrets/kubernetes.io/serviceaccount/namespace" => place.namespace.clone(),
            "/workspace/README" => format!(
                "This container is simulated: {} of pod {} in jobdeck's demo cluster.\n",
                place.image, place.pod
            ),
            "/dev/null" => String::new(),
            _ => return None,
        })
    }

    /// The names in a folder; none if there is no such folder.
    fn names(&self, folder: &str) -> Option<Vec<String>> {
        let mut all: Vec<String> = match folder {
            "/" => FOLDERS.map(str::to_owned).to_vec(),
            "/etc" => ["hostname", "hosts", "os-release", "resolv.conf"]
                .map(str::to_owned)
                .to_vec(),
            "/workspace" => vec!["README".into()],
            "/dev" => vec!["null".into()],
            "/tmp" | "/root" | "/home" => Vec::new(),
            "/proc" => vec!["loadavg".into()],
            "/bin" | "/usr" | "/usr/bin" => NAMES
                .iter()
                .filter(|name| !BUILTINS.contains(name))
                .map(|name| (*name).to_owned())
                .collect(),
            _ => Vec::new(),
        };
        let below = format!("{}/", folder.trim_end_matches('/'));
        let own = self
            .files
            .keys()
            .filter_map(|path| path.strip_prefix(&below));
        all.extend(
            own.filter_map(|rest| rest.split('/').next())
                .map(str::to_owned),
        );
        all.sort();
        all.dedup();
        let known = folder == "/"
            || folder == "/usr/bin"
            || FOLDERS.iter().any(|f| folder == format!("/{f}"));
        (known || !all.is_empty()).then_some(all)
    }

    fn list(&mut self, args: &[String]) -> i32 {
        let long = args.iter().any(|a| a.starts_with('-') && a.contains('l'));
        let mut code = 0;
        let mut named: Vec<String> = args
            .iter()
            .filter(|a| !a.starts_with('-'))
            .cloned()
            .collect();
        if named.is_empty() {
            named.push(".".into());
        }
        for name in named {
            let path = self.path(&name);
            let all = match (self.names(&path), self.read(&path)) {
                (Some(all), _) => all,
                (None, Some(_)) => vec![name],
                (None, None) => {
                    self.fail(&format!(
                        "ls: cannot access '{name}': No such file or directory"
                    ));
                    code = 2;
                    continue;
                }
            };
            if all.is_empty() {
                continue;
            }
            let text = match long {
                true => {
                    let when = self.place.since.format("%b %e %H:%M").to_string();
                    let lines = all.iter().map(|name| {
                        let at = self.path(&format!("{path}/{name}"));
                        match self.read(&at) {
                            Some(text) => {
                                format!("-rw-r--r-- 1 root root {:>6} {when} {name}", text.len())
                            }
                            None => format!("drwxr-xr-x 1 root root   4096 {when} {name}"),
                        }
                    });
                    lines.collect::<Vec<_>>().join("\n")
                }
                false => all.join("\n"),
            };
            self.print(&text);
        }
        code
    }

    fn which(&mut self, args: &[String]) -> i32 {
        let Some(name) = args.iter().find(|a| !a.starts_with('-')).cloned() else {
            return 0;
        };
        if !self.place.has(&name) {
            return 127;
        }
        match BUILTINS.contains(&name.as_str()) {
            true => self.print(&name),
            false => self.print(&format!("/usr/bin/{name}")),
        }
        0
    }

    fn test(&self, args: &[String]) -> bool {
        let all: Vec<&str> = args
            .iter()
            .map(String::as_str)
            .filter(|a| *a != "]")
            .collect();
        match all.as_slice() {
            ["-e" | "-f" | "-s" | "-r", name] => self.read(name).is_some(),
            ["-d", name] => self.names(&self.path(name)).is_some(),
            ["-z", text] => text.is_empty(),
            ["-n", text] | [text] => !text.is_empty(),
            [a, "=" | "==" | "-eq", b] => a == b,
            [a, "!=" | "-ne", b] => a != b,
            ["!", ..] => !self.test(&args[1..]),
            _ => false,
        }
    }

    /// What is read: files that are named, else what comes through the pipe, else the session's own input.
    fn filter(&mut self, name: &str, args: &[String], input: Option<String>) -> i32 {
        let mut number = 10;
        let mut names: Vec<&String> = Vec::new();
        let mut flags = String::new();
        let mut rest = args.iter();
        while let Some(arg) = rest.next() {
            match arg.strip_prefix('-').filter(|flag| !flag.is_empty()) {
                Some("n") if matches!(name, "head" | "tail") => {
                    number = rest.next().and_then(|n| n.parse().ok()).unwrap_or(10);
                }
                Some(flag) => {
                    let digits = flag.trim_start_matches('n');
                    match digits.parse() {
                        Ok(n) => number = n,
                        Err(_) => flags.push_str(flag),
                    }
                }
                None => names.push(arg),
            }
        }
        let pattern = match name {
            "grep" if !names.is_empty() => names.remove(0).clone(),
            _ => String::new(),
        };
        let mut text = String::new();
        let mut code = 0;
        if names.is_empty() || name == "tee" {
            self.reads |= input.is_none();
            text = input.or_else(|| self.input.clone()).unwrap_or_default();
        } else {
            for file in &names {
                match self.read(file) {
                    Some(more) => text.push_str(&more),
                    None => {
                        self.fail(&format!("{name}: {file}: No such file or directory"));
                        code = 1;
                    }
                }
            }
        }
        let lines: Vec<&str> = text.lines().collect();
        let joined = |lines: &[&str]| {
            lines
                .iter()
                .map(|line| format!("{line}\n"))
                .collect::<String>()
        };
        match name {
            "head" => self.out(joined(&lines[..lines.len().min(number)])),
            "tail" => self.out(joined(&lines[lines.len().saturating_sub(number)..])),
            "wc" if flags.contains('c') => self.print(&text.len().to_string()),
            "wc" if flags.contains('l') => self.print(&lines.len().to_string()),
            "wc" => {
                let words = text.split_whitespace().count();
                self.print(&format!("{} {words} {}", lines.len(), text.len()));
            }
            "sort" => {
                let mut lines = lines;
                lines.sort_unstable();
                let text = joined(&lines);
                self.out(text);
            }
            "grep" => {
                let inverse = flags.contains('v');
                let found = lines
                    .into_iter()
                    .filter(|line| line.contains(&pattern) != inverse);
                let found: Vec<&str> = found.collect();
                let none = found.is_empty();
                let text = joined(&found);
                self.out(text);
                return i32::from(none);
            }
            "tee" => {
                for file in names {
                    let path = self.path(file);
                    self.files.insert(path, text.clone());
                }
                self.out(text);
            }
            _ => self.out(text),
        }
        code
    }

    fn processes(&mut self) {
        let main = self.place.main.join(" ");
        let shown: String = main
            .chars()
            .take(usize::from(self.size.0).saturating_sub(24).max(40))
            .collect();
        let up = (self.place.now - self.place.since).num_seconds().max(0);
        let (hours, minutes, seconds) = (up / 3600, up / 60 % 60, up % 60);
        let shell = if self.place.has_bash() { "bash" } else { "sh" };
        self.print(&format!(
            "    PID TTY          TIME CMD\n      1 ?        {hours:02}:{minutes:02}:{seconds:02} {shown}\n      7 pts/0    00:00:00 {shell}\n     19 pts/0    00:00:00 ps"
        ));
    }
}
