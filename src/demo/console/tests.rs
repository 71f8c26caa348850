use super::*;

fn place() -> Place {
    Place {
        pod: "train-0".into(),
        namespace: "ml".into(),
        image: "jobdeck.dev/demo/train:1".into(),
        env: BTreeMap::from([("RANK".into(), "0".into())]),
        main: vec!["jobdeck-train".into(), "--steps=9".into()],
        ..Place::default()
    }
}

fn run(console: &mut Console, text: &str) -> (String, String, i32) {
    let (said, next) = console.line(text);
    let (mut out, mut err) = (String::new(), String::new());
    for one in said {
        match one {
            Said::Out(text) => out.push_str(&text),
            Said::Err(text) => err.push_str(&text),
            Said::Wait(_) => {}
        }
    }
    let Next::Done(code) = next else {
        panic!("{text}: {next:?}")
    };
    (out, err, code)
}

#[test]
fn what_people_try_first() {
    let mut console = Console::new(place(), true);
    for (line, out, code) in [
        ("hostname", "train-0\n", 0),
        ("echo \"rank $RANK of '$WORLD'\"", "rank 0 of ''\n", 0),
        ("cat /etc/hostname", "train-0\n", 0),
        ("A=5; echo ${A}x", "5x\n", 0),
        ("false", "", 1),
        ("false || echo $?", "1\n", 0),
        ("true && echo yes; echo more", "yes\nmore\n", 0),
        (
            "echo b > /tmp/x; echo a >> /tmp/x; sort /tmp/x",
            "a\nb\n",
            0,
        ),
        ("cat /tmp/x | grep b | wc -l", "1\n", 0),
        ("ls /tmp", "x\n", 0),
        ("cd /tmp && pwd", "/tmp\n", 0),
        ("ls nowhere 2>/dev/null", "", 2),
        ("ls nowhere 2>&1 | wc -l", "1\n", 0),
        ("cat nowhere &> /dev/null || echo none", "none\n", 0),
        ("stty size", "24 80\n", 0),
        ("sh -c 'exit 4'", "", 4),
        ("command -v bash", "/usr/bin/bash\n", 0),
        ("printenv RANK", "0\n", 0),
    ] {
        let (said, _, ended) = run(&mut console, line);
        assert_eq!((said.as_str(), ended), (out, code), "{line}");
    }
    let (out, err, code) = run(&mut console, "frobnicate --now");
    assert_eq!((out.as_str(), code), ("", 127));
    assert_eq!(err, "bash: frobnicate: command not found\n");
    assert_eq!(run(&mut console, "nvidia-smi").2, 127);
    assert_eq!(run(&mut console, "echo 'a").2, 2);
    assert_eq!(run(&mut console, "for i in 1; do echo; done").2, 2);
    assert!(
        run(&mut console, "ps")
            .0
            .contains("jobdeck-train --steps=9")
    );
    assert_eq!(run(&mut console, "exit 3").2, 3);
    assert_eq!(console.leaving, Some(3));
}

#[test]
fn cards_are_there_where_the_container_has_some() {
    let card = Card {
        name: "NVIDIA L4".into(),
        uuid: "0a".into(),
        pci: "00000000:01:00.0".into(),
        total_mib: 23_034,
        used_mib: 1_200,
        util: 97,
        watts: 70,
        most_watts: 72,
        celsius: 61,
    };
    let cards = vec![card];
    let mut console = Console::new(Place { cards, ..place() }, false);
    let (out, ..) = run(&mut console, "nvidia-smi -L");
    assert_eq!(out, "GPU 0: NVIDIA L4 (UUID: GPU-0a)\n");
    let (out, ..) = run(&mut console, "nvidia-smi");
    assert!(
        out.contains("1200MiB / 23034MiB") && out.contains("97%"),
        "{out}"
    );
    let table: Vec<usize> = out
        .lines()
        .filter(|l| l.ends_with('|') || l.ends_with('+'))
        .map(str::len)
        .collect();
    assert!(table.windows(2).all(|w| w[0] == w[1]), "{out}");
    assert_eq!(run(&mut console, "rocm-smi").2, 127);
}

#[test]
fn a_shell_is_bash_where_there_is_one_and_none_where_there_is_none() {
    let ask = [
        "sh",
        "-c",
        "command -v bash >/dev/null 2>&1 && exec bash || exec sh",
    ]
    .map(str::to_owned);
    let mut console = Console::new(place(), true);
    assert_eq!(console.start(&ask), (Vec::new(), Next::Shell));
    assert!(console.prompt().starts_with("root@train-0:"));
    let image = "busybox:1.36".into();
    let mut console = Console::new(Place { image, ..place() }, true);
    assert_eq!(console.start(&ask), (Vec::new(), Next::Shell));
    assert_eq!(console.prompt(), "/workspace # ");
    let image = "nvcr.io/dcgm-exporter:4-distroless".into();
    let mut console = Console::new(Place { image, ..place() }, true);
    assert_eq!(console.start(&ask).1, Next::Missing("sh".into()));
}

#[test]
fn input_is_asked_for_only_by_what_reads_it() {
    let mut console = Console::new(place(), false);
    let argv = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(console.start(&argv("wc -l")).1, Next::Input);
    console.input = Some("a\nb\n".into());
    let (said, next) = console.start(&argv("wc -l"));
    assert_eq!((said, next), (vec![Said::Out("2\n".into())], Next::Done(0)));
    let mut console = Console::new(place(), false);
    assert_eq!(console.start(&argv("cat /etc/hostname")).1, Next::Done(0));
}
