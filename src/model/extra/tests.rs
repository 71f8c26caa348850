use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value as Json, json};

use super::*;

fn pod() -> Json {
    json!({
        "metadata": {"name": "a", "labels": {"app.kubernetes.io/name": "llama", "team": "ml"},
                     "annotations": {"example.com/cost": "12.5"}},
        "spec": {"nodeName": "n1", "priority": -7, "hostNetwork": true, "nothing": null,
                 "containers": [{"name": "main", "image": "x:1", "ports": [{"port": 80}, {"port": 81}]},
                                {"name": "side", "image": "y:2"}]},
        "status": {"conditions": [{"type": "Ready", "status": "False", "n": 2},
                                  {"type": "Initialized", "status": "True", "n": 10}]},
        "odd key": {"a.b": [1, 2, 3]}
    })
}

#[rstest]
#[case(".spec.nodeName", "n1")]
#[case("{.spec.nodeName}", "n1")]
#[case("{ .spec.nodeName }", "n1")]
#[case("$.spec.nodeName", "n1")]
#[case("spec.nodeName", "n1")]
#[case(".spec['nodeName']", "n1")]
#[case(".spec[\"nodeName\"]", "n1")]
#[case(".spec.priority", "-7")]
#[case(".spec.hostNetwork", "true")]
#[case(".spec.containers[0].image", "x:1")]
#[case(".spec.containers[-1].image", "y:2")]
#[case(".spec.containers[*].name", "main,side")]
#[case(".spec.containers[0:1].name", "main")]
#[case(".spec.containers[1:].name", "side")]
#[case(".spec.containers[-1:].name", "side")]
#[case(".spec.containers[*].ports[*].port", "80,81")]
#[case(".spec.containers[0].ports", r#"[{"port":80},{"port":81}]"#)]
#[case(".metadata.labels.app\\.kubernetes\\.io/name", "llama")]
#[case(".metadata.labels['app.kubernetes.io/name']", "llama")]
#[case(".status.conditions[?(@.type==\"Ready\")].status", "False")]
#[case("{.status.conditions[?(@.type == 'Initialized')].status}", "True")]
#[case(".status.conditions[?(@.type!='Ready')].type", "Initialized")]
#[case(".status.conditions[?(@.n>2)].type", "Initialized")]
#[case(".status.conditions[?(@.n<=2)].type", "Ready")]
#[case(".spec.containers[?(@.ports)].name", "main")]
#[case("..image", "x:1,y:2")]
#[case(".spec..port", "80,81")]
#[case("['odd key']['a.b'][1]", "2")]
#[case(".metadata.labels.*", "llama,ml")]
fn paths_find(#[case] path: &str, #[case] text: &str) {
    let pod = pod();
    let path = Path::parse(path).unwrap();
    assert_eq!(text_of(&path.find(&pod)).as_deref(), Some(text));
}

#[rstest]
#[case(".spec.nothing")]
#[case(".spec.none.deeper[3]")]
#[case(".spec.containers[7].image")]
#[case(".spec.containers[-9].image")]
#[case(".spec.containers[5:2].image")]
#[case(".spec.nodeName.x")]
#[case(".spec.nodeName[0]")]
#[case(".status.conditions[?(@.type=='Odd')].status")]
#[case(".status.conditions[?(@.type>3)].status")]
fn what_is_not_there_is_nothing(#[case] path: &str) {
    let pod = pod();
    assert_eq!(text_of(&Path::parse(path).unwrap().find(&pod)), None);
}

#[rstest]
#[case("", 1, "there is no path")]
#[case("{}", 3, "there is no path")]
#[case(".", 2, "there is no path")]
#[case(".spec.", 7, "name is missing")]
#[case(".spec..", 8, "name is missing")]
#[case("{.spec", 7, "brace")]
#[case(".spec}", 6, "'}' is not expected")]
#[case("{.a}{.b}", 5, "begins a second")]
#[case(".a[", 3, "not closed")]
#[case(".a[0", 3, "not closed")]
#[case(".a[x]", 4, "in brackets")]
#[case(".a['x", 4, "quote does not end")]
#[case(".a[?(.x)]", 6, "@ is missing")]
#[case(".a[?(@.x=1)]", 9, "one of ==")]
#[case(".a[?(@.x==one)]", 11, "quote a text")]
#[case(".a[?(@.x==1 && @.y==2)]", 13, "one comparison")]
#[case(".a[99999999999999999999]", 4, "no number of an item")]
#[case(".a b", 4, "not expected")]
fn what_is_no_path_says_where(#[case] path: &str, #[case] at: usize, #[case] why: &str) {
    let error = Path::parse(path).unwrap_err();
    assert!(error.what.contains(why), "{path}: {error}");
    assert_eq!(error.at, at, "{path}: {error}");
}

#[test]
fn columns_are_written_as_labels_annotations_or_paths() {
    let text = |written: &str| {
        let extra = Extra::parse(written).unwrap();
        let found = text_of(&extra.path().find(&pod()));
        (extra.title.to_string(), found.unwrap_or_default())
    };
    assert_eq!(text("label:team"), ("TEAM".into(), "ml".into()));
    assert_eq!(
        text("label:app.kubernetes.io/name"),
        ("NAME".into(), "llama".into())
    );
    assert_eq!(
        text("annotation:example.com/cost"),
        ("COST".into(), "12.5".into())
    );
    assert_eq!(
        text("jsonpath:.spec.nodeName"),
        ("NODENAME".into(), "n1".into())
    );
    assert_eq!(
        text("{.spec.containers[0].image}"),
        ("IMAGE".into(), "x:1".into())
    );
    assert_eq!(Extra::parse("team"), Err(None));
    assert!(
        Extra::parse("label:")
            .unwrap_err()
            .unwrap()
            .contains("which label")
    );
    let why = Extra::parse("jsonpath:.a[").unwrap_err().unwrap();
    assert!(why.contains(".a[: character 3"), "{why}");
    let extra = Extra::parse("label:team").unwrap().titled("My  Team");
    assert!(extra.is_called("my-team") && extra.is_called("team") && !extra.is_called("tea"));
}

#[test]
fn long_texts_are_cut_between_characters() {
    let long = json!("ä".repeat(500));
    let text = text_of(&[&long]).unwrap();
    assert!(
        text.len() <= LONGEST + 3 && text.ends_with('…'),
        "{}",
        text.len()
    );
}

#[test]
fn values_are_compared_by_what_they_are_worth() {
    use std::cmp::Ordering::Less;

    use crate::model::sort::compare;
    for (a, b) in [
        ("900Mi", "1Gi"),
        ("500m", "1"),
        ("9", "10"),
        ("-3", "2.5"),
        ("job-2", "job-10"),
        ("7", "seven"),
        // the youngest first, as ages go
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"),
    ] {
        assert_eq!(compare(&value(a), &value(b), false), Less, "{a} {b}");
    }
}

#[test]
fn what_is_read_is_kept_while_it_is_shown() {
    let set = |all: &[&str]| -> Set { all.iter().map(|t| Extra::parse(t).unwrap()).collect() };
    let key = |n: u128| Key {
        cluster: ClusterId(0),
        uid: Uid(n),
    };
    let some = |all: &[&str]| -> Texts {
        all.iter()
            .map(|t| (!t.is_empty()).then(|| (*t).into()))
            .collect()
    };
    let rows = |set: &Set, rows: Vec<(Uid, Texts)>| ExtraRows {
        list: List::Pods,
        set: set.clone(),
        rows,
    };
    let mut extras = Extras::default();
    let both = set(&["label:a", "label:b"]);
    let mut sets = Sets::default();
    sets.put(List::Pods, both.clone());
    extras.show(&sets);
    let read = rows(
        &both,
        vec![(Uid(1), some(&["x", ""])), (Uid(2), some(&["", ""]))],
    );
    assert_eq!(extras.apply(ClusterId(0), read.clone()), [key(1)]);
    assert_eq!(
        extras.apply(ClusterId(0), read),
        [],
        "the same again is no change"
    );
    assert_eq!(extras.text(List::Pods, key(1), 0), Some("x"));
    assert_eq!(extras.text(List::Pods, key(1), 1), None);
    assert_eq!(extras.named(List::Pods, key(1), "A"), Some("x"));
    assert_eq!(extras.text(List::Nodes, key(1), 0), None);
    // other columns: what was read before stands under its own until it is read again
    sets.put(List::Pods, set(&["label:b", "label:a"]));
    extras.show(&sets);
    assert_eq!(extras.text(List::Pods, key(1), 1), Some("x"));
    let read = rows(sets.of(List::Pods), vec![(Uid(1), some(&["", ""]))]);
    assert_eq!(extras.apply(ClusterId(0), read), [key(1)]);
    assert_eq!(
        extras.bytes(),
        0,
        "a row with nothing to show takes nothing"
    );
    extras.apply(
        ClusterId(0),
        rows(sets.of(List::Pods), vec![(Uid(3), some(&["y", ""]))]),
    );
    extras.forget(List::Pods, key(3));
    assert_eq!(extras.text(List::Pods, key(3), 0), None);
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        ".{0,6}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Json::from),
            proptest::collection::btree_map("[a-d]", inner, 0..6)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_and_no_object_breaks_it(
        text in prop_oneof![".{0,24}", r#"[.a-d\[\]*?@()'"=<>0-9:\\{}$ -]{0,24}"#],
        object in any_json(),
    ) {
        if let Ok(path) = Path::parse(&text) {
            let _ = text_of(&path.find(&object));
            // what it prints as finds the same, where it prints what it is
            let again = path.to_string();
            if !again.contains('…')
                && let Ok(same) = Path::parse(&again)
            {
                prop_assert_eq!(text_of(&same.find(&object)), text_of(&path.find(&object)));
            }
        }
    }
}
