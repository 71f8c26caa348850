use super::*;
use crate::model::labels::LabelSet;
use crate::panes::fixture;
use crate::panes::stage::Stage;

#[test]
fn flavors_tell_what_is_promised_and_what_is_there() {
    let mut model = fixture::queued();
    let mut nodes: Vec<_> = model.nodes.rows().cloned().collect();
    for node in &mut nodes {
        let product = node.product.as_deref().unwrap_or_default();
        node.labels = LabelSet::new([("nvidia.com/gpu.product", product)]);
    }
    let rows = crate::model::delta::Rows::Nodes(crate::model::delta::Change::Rows(nodes));
    fixture::feed(&mut model, 1, rows);
    let stage = Stage::new(model);
    let mut pane = QueueObjects::default();
    insta::assert_snapshot!(stage.draw(&mut pane, 150, 12));
    stage.type_in(&mut pane, "class");
    assert_eq!(pane.items.len(), 2);
    assert!(matches!(
        stage.act(&mut pane, Action::Open),
        Reply::Open(Target::Yaml(_))
    ));
}
