//! What is read from a settings file, and what is said of one that cannot be.

use super::*;

#[test]
fn what_is_shown_can_be_read_back() {
    let settings = Settings {
        namespaces: vec!["ml-team-a".into(), "b\"c".into()],
        ascii: Ascii::Always,
        motion: Motion::Reduced,
        tips: false,
        transport: Transport::Pages,
        mouse: false,
        multikueue: [("west.eu".into(), "west-admin".into())].into(),
        clusters: [("prod".into(), vec!["a".into(), "b".into()])].into(),
        actions: ActionSettings {
            type_above: 0,
            trash: 7,
            mask_secrets: false,
        },
        contexts: [
            (
                "prod".into(),
                ContextSettings {
                    read_only: Some(true),
                    theme: Some("high-contrast".into()),
                    namespace: Some("ml".into()),
                    namespaces: Some(vec!["ml".into(), "op\"s".into()]),
                    transport: Some(Transport::Pages),
                    gpu_use: Some(false),
                },
            ),
            ("a b".into(), ContextSettings::default()),
        ]
        .into(),
        gpu_use: GpuUseSettings {
            enabled: true,
            hot: 91.5,
            namespaces: vec!["gpu-operator".into()],
            selectors: vec!["app=\"x\"".into()],
            ..GpuUseSettings::default()
        },
        logs: LogSettings {
            patterns: [
                Pattern::new(r#"it='(?<step>\d+)' "L"=(?<loss>\S+)"#).unwrap(),
                Pattern::new("(?<throughput>[0-9]+) tok")
                    .unwrap()
                    .with_unit(Some("tokens/s".into()))
                    .with_kind(Some("validation"))
                    .unwrap(),
            ]
            .into(),
            health: Thresholds {
                slow: 0.5,
                frozen_s: 90.0,
                ..Thresholds::default()
            },
            ..LogSettings::default()
        },
        ..Settings::default()
    };
    assert_eq!(parse(&show(&settings)), Ok(settings));
}

#[test]
fn read_only_is_said_for_all_or_for_one_context_and_the_flag_wins() {
    let all = "read-only = true\n[contexts.\"dev\"]\nread-only = false\n";
    let one = "[contexts.\"prod\"]\nread-only = true\n";
    for (text, context, told, expected) in [
        (one, "prod", false, true),
        (one, "dev", false, false),
        (one, "dev", true, true),
        (all, "dev", false, false),
        (all, "dev", true, true),
        (all, "prod", false, true),
        ("", "prod", false, false),
    ] {
        let settings = parse(text).unwrap();
        assert_eq!(
            settings.is_read_only(context, told),
            expected,
            "{text} {context} {told}"
        );
    }
}

#[test]
fn errors_name_the_line_and_the_key() {
    let (line, why) = parse("theme = \"x\"\n\nthemee = 3\n").unwrap_err();
    assert_eq!(line, Some(3));
    assert!(why.contains("themee"), "{why}");
    let (line, why) = parse("[logs]\ntail = \"many\"\n").unwrap_err();
    assert_eq!(line, Some(2));
    assert!(why.contains("u32"), "{why}");
}

#[test]
fn patterns_and_thresholds_that_cannot_be_are_told_with_their_place() {
    for (text, line, words) in [
        (
            "[logs]\ntail = 3\n[[logs.patterns]]\nregex = 'loss (?<loss>[0-9'\n",
            4,
            "logs.patterns.regex: character 14: unclosed character class",
        ),
        ("[[logs.patterns]]\nregex = 'loss'\n", 2, "names no field"),
        (
            "[[logs.patterns]]\nregex = '(?<loss>x)'\nkind = 'odd'\n",
            1,
            "logs.patterns.kind: there is no kind \"odd\"",
        ),
        ("[[logs.patterns]]\nregexp = '(?<loss>x)'\n", 2, "regexp"),
        (
            "[logs.health]\nwarm-up = 3\nslow = 1.5\n",
            3,
            "logs.health.slow: ",
        ),
        (
            "[logs.health]\nfrozen-s = -1\n",
            2,
            "logs.health.frozen-s: ",
        ),
        (
            "[logs.health]\nrecovered = 0.1\n",
            2,
            "logs.health.recovered: ",
        ),
        ("[logs.health]\nplateau = 1\n", 2, "plateau"),
        (
            "[gpu-use]\nenabled = true\ninterval-s = 2\n",
            3,
            "gpu-use.interval-s: 2 is not from 15 to 600",
        ),
        ("[gpu-use]\nhot = 'very'\n", 2, "f32"),
    ] {
        let (at, why) = parse(text).unwrap_err();
        assert_eq!(at, Some(line), "{text}: {why}");
        assert!(why.contains(words), "{text}: {why}");
    }
}

#[test]
fn own_templates_are_the_manifests_of_their_folder() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["b.yaml", "a.yml", "c.json", "notes.txt"] {
        std::fs::write(folder.path().join(name), "# Mine.\n").unwrap();
    }
    std::fs::write(folder.path().join("d.yaml"), [0xff, 0xfe]).unwrap();
    let (all, problems) = templates_of(folder.path());
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert!(
        problems.len() == 1 && problems[0].contains("d.yaml"),
        "{problems:?}"
    );
    assert_eq!(
        templates_of(&folder.path().join("none")),
        Default::default()
    );
}

#[test]
fn a_missing_file_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(
        load(Some(&dir.path().join("none.toml"))),
        (Settings::default(), None)
    );
    let bad = dir.path().join("config.toml");
    std::fs::write(&bad, "mouse = maybe").unwrap();
    let (settings, error) = load(Some(&bad));
    assert_eq!(settings, Settings::default());
    assert!(error.unwrap().to_string().contains("config.toml:1: "));
}

#[test]
fn a_context_has_its_own() {
    let text = "theme = \"a\"\n[gpu-use]\nenabled = true\n[contexts.\"prod\"]\ntheme = \"b\"\nnamespace = \"ml\"\n\
                namespaces = []\ntransport = \"pages\"\ngpu-use = false\n[contexts.\"dev\"]\n";
    let settings = parse(text).unwrap();
    assert_eq!(
        ["prod", "dev", "x"].map(|c| settings.theme_of(c)),
        ["b", "a", "a"]
    );
    assert_eq!(
        ["prod", "dev", "x"].map(|c| settings.asks_gpus_of(c)),
        [false, true, true]
    );
    let ways = settings.ways();
    assert_eq!(
        ways["prod"],
        Way {
            namespace: Some("ml".into()),
            namespaces: Some(Vec::new()),
            stream: Some(false)
        }
    );
    assert_eq!(ways["dev"], Way::default());
}
