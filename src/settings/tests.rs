//! What is read from a settings file, and what is said of one that cannot be.

use super::*;
use crate::model::extra::List;

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
                    columns: ColumnSettings::default(),
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

#[test]
fn columns_are_chosen_for_all_contexts_or_for_one() {
    let text = "[columns]\njobs = [\"name\", \"status\", \"label:team\", { title = \"IMAGE\", jsonpath = \".spec.image\", width = 24 }]\n\
                [contexts.\"prod\".columns]\njobs = [\"*\"]\npods = [\"name\", \"annotation:a.b/c\"]\n";
    let settings = parse(text).unwrap();
    let texts = |context: &str, list| -> Vec<String> {
        let columns = settings.columns_of(context);
        let chosen = columns.of(list).into_iter().flat_map(|all| all.iter());
        chosen.map(|pick| pick.text().to_owned()).collect()
    };
    assert_eq!(
        texts("dev", List::Jobs),
        ["name", "state", "label:team", "jsonpath:.spec.image"]
    );
    assert_eq!(texts("prod", List::Jobs), ["*"]);
    assert_eq!(texts("prod", List::Pods), ["name", "annotation:a.b/c"]);
    assert_eq!(texts("dev", List::Pods), Vec::<String>::new());
    assert_eq!(settings.columns_of("dev").sets().of(List::Jobs).len(), 2);
    assert_eq!(parse(&show(&settings)), Ok(settings));
}

#[test]
fn columns_that_cannot_be_are_told_with_their_place_and_what_there_is() {
    for (text, line, words) in [
        (
            "[columns]\njobs = [\n  \"name\",\n  \"teem\",\n]\n",
            4,
            "jobs have no column \"teem\": there are state, name",
        ),
        ("[columns]\npods = [\"label:\"]\n", 2, "which label"),
        (
            "[columns]\npods = [\"jsonpath:.spec[\"]\n",
            2,
            "character 6",
        ),
        ("[columns]\npods = [\"name\", \"name\"]\n", 2, "twice"),
        ("[columns]\npods = []\n", 2, "no column at all"),
        (
            "[columns]\nnodes = [{ title = \"X\" }]\n",
            2,
            "what does it show",
        ),
        (
            "[columns]\nnodes = [{ label = \"x\", jsonpath = \".y\" }]\n",
            2,
            "not two",
        ),
        (
            "[columns]\nnodes = [{ label = \"x\", width = 900 }]\n",
            2,
            "width from 2 to 200",
        ),
        (
            "[columns]\nnodes = [{ label = \"x\", colour = 1 }]\n",
            2,
            "no key \"colour\"",
        ),
        ("[columns]\nqueues = [\"name\"]\n", 2, "queues"),
        (
            "\n[contexts.\"a\".columns]\nevents = [\"x\"]\n",
            3,
            "events have no column",
        ),
    ] {
        let (at, why) = parse(text).unwrap_err();
        assert!(why.contains(words), "{text}: {why}");
        assert_eq!(at, Some(line), "{text}: {why}");
    }
}

#[test]
fn views_are_lists_as_they_are_looked_at() {
    let text = "[views.broken]\nscreen = \"jobs\"\nfilter = \"state:failed age<1d\"\nsort = \"-age\"\nnamespace = \"*\"\n\
                columns = [\"name\", \"label:team\", { title = \"COST\", annotation = \"a/cost\", width = 9 }]\n\
                [views.\"my pods\"]\nscreen = \"pods\"\n";
    let settings = parse(text).unwrap();
    let broken = &settings.views["broken"];
    assert_eq!(
        broken.0.words(),
        "jobs · all namespaces · state:failed age<1d · by -age · 3 columns"
    );
    assert_eq!(
        views::View::read(&broken.value()).as_ref(),
        Ok(broken),
        "as it is kept"
    );
    assert_eq!(settings.views["my pods"].0.words(), "pods");
    assert_eq!(parse(&show(&settings)), Ok(settings));
    for (keys, words) in [
        ("screen = \"jobs\"\nfilter = \"state>\"", "filter: "),
        (
            "screen = \"jobs\"\nsort = \"-agee\"",
            "jobs are not sorted by \"agee\": there are state",
        ),
        (
            "screen = \"pods\"\ncolumns = [\"loss\"]",
            "columns: pods have no column",
        ),
        ("screen = \"attic\"", "attic"),
        ("filter = \"x\"", "screen"),
        ("screen = \"jobs\"\nsorted = \"age\"", "sorted"),
    ] {
        let (line, why) = parse(&format!("[views.x]\n{keys}\n")).unwrap_err();
        assert!(why.contains(words) && line.is_some(), "{keys}: {why}");
    }
}
