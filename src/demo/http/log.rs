//! `pods/log`: which container, which lines, and the stream of a follower.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use hyper::body::Bytes;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::Call;
use super::reply::{self, Reply};
use super::route::Target;
use crate::Shared;
use crate::api::logs::{LogLine, LogQuery, LogView};
use crate::api::options::Query;
use crate::api::status::Cause;
use crate::api::write::Refusal;
use crate::store::KindId;

/// `PodLogOptions`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Options {
    container: String,
    follow: bool,
    previous: bool,
    timestamps: bool,
    tail: Option<usize>,
    limit: Option<usize>,
    since: Option<Since>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Since {
    Seconds(i64),
    Time(DateTime<Utc>),
}

impl Options {
    fn parse(query: &Query, name: &str) -> Result<Self, Refusal> {
        let mut causes = Vec::new();
        let tail = query.number("tailLines")?;
        let limit = query.number("limitBytes")?;
        let seconds = query.number("sinceSeconds")?;
        let mut at_least = |field: &str, value: Option<i64>, least: i64, why: &str| {
            if let Some(n) = value.filter(|n| *n < least) {
                causes.push(Cause::invalid(field, &json!(n), why));
            }
        };
        let not_negative = "must be greater than or equal to 0";
        at_least("tailLines", tail, 0, not_negative);
        at_least("limitBytes", limit, 1, "must be greater than 0");
        let time = match query.text("sinceTime") {
            "" => None,
            text => {
                let at = DateTime::parse_from_rfc3339(text).map_err(|_| {
                    Refusal::bad_request(format!(
                        "parsing time \"{text}\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"{text}\" as \"2006\""
                    ))
                })?;
                // The server keeps whole seconds.
                let whole = DateTime::from_timestamp(at.timestamp(), 0);
                whole.map(Since::Time)
            }
        };
        if seconds.is_some() && time.is_some() {
            let why = "at most one of `sinceTime` or `sinceSeconds` may be specified";
            causes.push(Cause::forbidden("", why));
        } else {
            let mut at_least = |value: Option<i64>| {
                if let Some(n) = value.filter(|n| *n < 1) {
                    let why = "must be greater than 0";
                    causes.push(Cause::invalid("sinceSeconds", &json!(n), why));
                }
            };
            at_least(seconds);
        }
        if !causes.is_empty() {
            return Err(Refusal::invalid("", "PodLogOptions", name, &causes));
        }
        Ok(Self {
            container: query.text("container").to_owned(),
            follow: query.flag("follow"),
            previous: query.flag("previous"),
            timestamps: query.flag("timestamps"),
            tail: tail.and_then(|n| usize::try_from(n).ok()),
            limit: limit.and_then(|n| usize::try_from(n).ok()),
            since: seconds.map(Since::Seconds).or(time),
        })
    }
}

fn names<'a>(pod: &'a Value, field: &str) -> Vec<&'a str> {
    let all = pod["spec"][field].as_array().into_iter().flatten();
    all.filter_map(|c| c["name"].as_str()).collect()
}

/// The container that is meant.
pub(super) fn container(pod: &Value, name: &str, asked: &str) -> Result<String, Refusal> {
    let main = names(pod, "containers");
    let init = names(pod, "initContainers");
    if !asked.is_empty() {
        let others = names(pod, "ephemeralContainers");
        let known = [&main, &init, &others]
            .iter()
            .any(|all| all.contains(&asked));
        return if known {
            Ok(asked.to_owned())
        } else {
            Err(Refusal::bad_request(format!(
                "container {asked} is not valid for pod {name}"
            )))
        };
    }
    match main.as_slice() {
        [one] => Ok((*one).to_owned()),
        [] => Err(Refusal::bad_request(format!(
            "a container name must be specified for pod {name}"
        ))),
        all => {
            let mut why = format!(
                "a container name must be specified for pod {name}, choose one of: [{}]",
                all.join(" ")
            );
            if !init.is_empty() {
                why += &format!(" or one of the init containers: [{}]", init.join(" "));
            }
            Err(Refusal::bad_request(why))
        }
    }
}

fn status<'a>(pod: &'a Value, container: &str) -> Option<&'a Value> {
    ["containerStatuses", "initContainerStatuses"]
        .iter()
        .filter_map(|field| pod["status"][*field].as_array())
        .flatten()
        .find(|c| c["name"] == container)
}

fn restarts(pod: &Value, container: &str) -> i64 {
    let count = status(pod, container).and_then(|c| c["restartCount"].as_i64());
    count.unwrap_or_default()
}

/// Why a container has nothing to show.
fn nothing(pod: &Value, name: &str, container: &str, previous: bool) -> Refusal {
    if previous {
        return Refusal::bad_request(format!(
            "previous terminated container \"{container}\" in pod \"{name}\" not found"
        ));
    }
    let waiting = status(pod, container)
        .map(|c| c["state"]["waiting"]["reason"].clone())
        .unwrap_or_default();
    let why = match waiting.as_str() {
        Some("ErrImagePull") => "image can't be pulled",
        Some("ImagePullBackOff") => "trying and failing to pull image",
        Some(reason) => reason,
        None => "ContainerCreating",
    };
    Refusal::bad_request(format!(
        "container \"{container}\" in pod \"{name}\" is waiting to start: {why}"
    ))
}

const TEXT: &str = "text/plain";

pub fn answer(shared: &Shared, target: &Target, call: &Call) -> Result<Reply, Refusal> {
    let name = target.name.as_str();
    let options = Options::parse(&call.query, name)?;
    let world = shared.lock();
    let cluster = world.cluster();
    let pod = cluster
        .store
        .get(target.id, &target.namespace, name)
        .ok_or_else(|| Refusal::not_found(&target.kind, name))?
        .tree();
    let container = container(&pod, name, &options.container)?;
    if pod["spec"]["nodeName"].as_str().is_none_or(str::is_empty) {
        return Ok(reply::whole(204, TEXT, Bytes::new()));
    }
    let query = LogQuery {
        pod: &pod,
        container: &container,
        previous: options.previous,
        skip: 0,
    };
    let view = world
        .logs()
        .read(cluster, query)
        .ok_or_else(|| nothing(&pod, name, &container, options.previous))?;
    let now = cluster.clock.now();
    let mut writer = Writer {
        timestamps: options.timestamps,
        left: options.limit,
    };
    let read = view.lines.len();
    let first = writer.write(&chosen(&view, &options, now));
    if !options.follow || view.ended || writer.left == Some(0) {
        return Ok(reply::whole(200, TEXT, first));
    }
    let follower = Follower {
        shared: shared.clone(),
        pods: target.id,
        key: (target.namespace.clone(), name.to_owned()),
        uid: pod["metadata"]["uid"].clone(),
        restarts: restarts(&pod, &container),
        previous: options.previous,
        container,
        read,
        writer,
    };
    let changed = cluster.store.subscribe();
    let (feed, body) = mpsc::channel(16);
    let pause = pause(view.next, now);
    tokio::spawn(follower.run(first, pause, changed, feed));
    Ok(reply::fed(TEXT, body))
}

/// The lines that `since` and `tailLines` leave.
fn chosen<'a>(view: &'a LogView, options: &Options, now: DateTime<Utc>) -> Vec<&'a LogLine> {
    let from = options.since.map(|since| match since {
        Since::Time(at) => at,
        Since::Seconds(n) => now - TimeDelta::try_seconds(n).unwrap_or(TimeDelta::MAX),
    });
    let fits = |line: &&LogLine| from.is_none_or(|from| line.at >= from);
    let all: Vec<&LogLine> = view.lines.iter().filter(fits).collect();
    let skip = options.tail.map_or(0, |n| all.len().saturating_sub(n));
    all[skip..].to_vec()
}

fn pause(next: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Option<Duration> {
    next.map(|at| (at - now).to_std().unwrap_or(Duration::ZERO))
}

/// Puts lines on the wire, up to the limit.
struct Writer {
    timestamps: bool,
    left: Option<usize>,
}

impl Writer {
    fn write(&mut self, lines: &[&LogLine]) -> Bytes {
        let mut out = String::new();
        for line in lines {
            if self.timestamps {
                out += &line.at.to_rfc3339_opts(SecondsFormat::Nanos, true);
                out.push(' ');
            }
            out += &line.text;
            out.push('\n');
        }
        let mut bytes = out.into_bytes();
        if let Some(left) = &mut self.left {
            bytes.truncate(*left);
            *left -= bytes.len();
        }
        bytes.into()
    }
}

struct Follower {
    shared: Shared,
    pods: KindId,
    key: (String, String),
    uid: Value,
    restarts: i64,
    previous: bool,
    container: String,
    /// Lines of this instance that were read.
    read: usize,
    writer: Writer,
}

impl Follower {
    async fn run(
        mut self,
        first: Bytes,
        mut pause: Option<Duration>,
        mut changed: tokio::sync::watch::Receiver<u64>,
        feed: mpsc::Sender<Bytes>,
    ) {
        if feed.send(first).await.is_err() {
            return;
        }
        loop {
            tokio::select! {
                () = feed.closed() => return,
                changed = changed.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            }
            changed.borrow_and_update();
            let (bytes, ended, next) = self.step();
            if !bytes.is_empty() && feed.send(bytes).await.is_err() {
                return;
            }
            if ended || self.writer.left == Some(0) {
                return;
            }
            // A line that is due now but not yet written must not make a busy loop.
            pause = next.map(|p| p.max(Duration::from_millis(1)));
        }
    }

    /// What is new, whether it is the end, and when more is due.
    fn step(&mut self) -> (Bytes, bool, Option<Duration>) {
        let world = self.shared.lock();
        let cluster = world.cluster();
        let found = cluster.store.get(self.pods, &self.key.0, &self.key.1);
        let Some(pod) = found.map(|o| o.tree()) else {
            return (Bytes::new(), true, None);
        };
        if pod["metadata"]["uid"] != self.uid {
            return (Bytes::new(), true, None);
        }
        // After a restart, what is left of this instance is in the previous one's log.
        let again = !self.previous && restarts(&pod, &self.container) > self.restarts;
        let query = LogQuery {
            pod: &pod,
            container: &self.container,
            previous: self.previous || again,
            skip: self.read,
        };
        let Some(view) = world.logs().read(cluster, query) else {
            return (Bytes::new(), true, None);
        };
        self.read += view.lines.len();
        let lines: Vec<&LogLine> = view.lines.iter().collect();
        let next = pause(view.next, cluster.clock.now());
        (self.writer.write(&lines), view.ended || again, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> LogView {
        let line = |second: i64, text: &str| LogLine {
            at: DateTime::from_timestamp(second, 0).unwrap(),
            text: text.to_owned(),
        };
        LogView {
            lines: vec![line(10, "one"), line(20, "two"), line(30, "three")],
            ended: true,
            next: None,
        }
    }

    fn asked(text: &str) -> Result<Options, Refusal> {
        Options::parse(&Query::parse(text), "p")
    }

    fn read(text: &str) -> String {
        let options = asked(text).unwrap();
        let mut writer = Writer {
            timestamps: options.timestamps,
            left: options.limit,
        };
        let now = DateTime::from_timestamp(32, 0).unwrap();
        let bytes = writer.write(&chosen(&view(), &options, now));
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[test]
    fn lines_are_chosen_and_cut() {
        assert_eq!(read(""), "one\ntwo\nthree\n");
        assert_eq!(read("tailLines=1"), "three\n");
        assert_eq!(read("limitBytes=5"), "one\nt");
        assert_eq!(read("sinceSeconds=12"), "two\nthree\n");
        assert_eq!(read("sinceTime=1970-01-01T00:00:20.9Z"), "two\nthree\n");
        assert_eq!(
            read("tailLines=1&timestamps=true"),
            "1970-01-01T00:00:30.000000000Z three\n"
        );
    }

    #[test]
    fn bad_options_are_refused() {
        assert_eq!(
            asked("tailLines=-1").unwrap_err().message,
            "PodLogOptions \"p\" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0"
        );
        assert_eq!(
            asked("sinceSeconds=0").unwrap_err().message,
            "PodLogOptions \"p\" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0"
        );
        assert_eq!(asked("tailLines=x").unwrap_err().code, 400);
    }

    #[test]
    fn a_container_must_be_named_where_there_are_several() {
        let pod = json!({"spec": {"containers": [{"name": "one"}, {"name": "two"}], "initContainers": [{"name": "i"}]}});
        assert_eq!(
            container(&pod, "p", "").unwrap_err().message,
            "a container name must be specified for pod p, choose one of: [one two] or one of the init containers: [i]"
        );
        assert_eq!(container(&pod, "p", "i").unwrap(), "i");
        assert_eq!(
            container(&pod, "p", "x").unwrap_err().message,
            "container x is not valid for pod p"
        );
    }
}
