use super::*;
use serde_json::json;

fn store() -> (Store, KindId) {
    let mut store = Store::new();
    let kind = store.register(Kind {
        kind: "Thing".to_owned(),
        plural: "things".to_owned(),
        ..Kind::default()
    });
    (store, kind)
}

fn thing(name: &str, x: u32) -> Value {
    json!({"kind": "Thing", "apiVersion": "v1", "metadata": {"name": name, "uid": name}, "x": x})
}

#[test]
fn the_past_can_be_listed_until_it_is_compacted() {
    let (mut store, kind) = store();
    store.put(kind, thing("a", 1));
    let then = store.put(kind, thing("b", 1)).rv;
    store.put(kind, thing("a", 2));
    store.put(kind, thing("c", 1));
    store.remove(kind, "", "b");
    let seen = |after: Option<&str>| -> Vec<(String, Value)> {
        let after = after.map(|name| (String::new(), name.to_owned()));
        let past = store.list_at(kind, None, after.as_ref(), then).unwrap();
        past.map(|o| (o.name.clone(), o.value()["x"].clone()))
            .collect()
    };
    let (a, b) = (("a".to_owned(), json!(1)), ("b".to_owned(), json!(1)));
    assert_eq!(seen(None), [a, b.clone()]);
    assert_eq!(seen(Some("a")), [b]);
    assert_eq!(seen(Some("b")), []);
    store.compact(then + 1);
    let gone = store.list_at(kind, None, None, then).err();
    assert_eq!(gone.map(|g| g.oldest), Some(then + 1));
    assert!(store.list_at(kind, None, None, 1).is_err());
}

#[test]
fn an_object_begins_with_its_kind_and_can_go_without() {
    let (mut store, kind) = store();
    let object = store.put(kind, thing("a", 1));
    let text = String::from_utf8_lossy(object.json()).into_owned();
    assert!(text.starts_with(r#"{"kind":"Thing","apiVersion":"v1","metadata":"#));
    assert!(object.untyped().starts_with(b"\"metadata\":"));
    assert_eq!(object.value()["x"], 1);
}
