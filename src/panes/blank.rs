//! local only
use super::*;
pub struct Blank;
impl Pane for Blank {
    fn title(&self, _cx: &Cx) -> String {
        "blank".into()
    }
    fn answer<'a>(&self, _cx: &Cx<'a>) -> Line<'a> {
        Line::default()
    }
    fn scopes(&self) -> &'static [Scope] {
        &[Scope::List]
    }
    fn hints(&self, _cx: &Cx) -> Vec<Action> {
        vec![]
    }
    fn draw(&mut self, _cx: &Cx, _area: Rect, _buf: &mut Buffer) {}
    fn act(&mut self, _action: Action, _cx: &Cx) -> Reply {
        Reply::Ignored
    }
    fn wants(&self, _cx: &Cx) -> Vec<Want> {
        vec![]
    }
    fn wake(&self, _cx: &Cx) -> Option<DateTime<Utc>> {
        None
    }
}
