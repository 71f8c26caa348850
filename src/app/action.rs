//! Everything the user can ask for. A key, a palette entry and a test all speak in these; help, footer and
//! keymap files are made from this one list, so they cannot disagree with it.

/// Where a key binding holds. A pane names its own scope; `List` and `Text` are shared by all tables and
/// all scrolled texts, `Global` by everything. The narrowest scope wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    Global,
    List,
    Jobs,
    Job,
    Pods,
    Nodes,
    Events,
    Queues,
    Gpus,
    Hardware,
    Inbox,
    Text,
    Logs,
    Start,
    Dialog,
    Columns,
    Editor,
    Past,
}

impl Scope {
    /// The name used in keymap files.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Global => "global",
            Scope::List => "list",
            Scope::Jobs => "jobs",
            Scope::Job => "job",
            Scope::Pods => "pods",
            Scope::Nodes => "nodes",
            Scope::Events => "events",
            Scope::Queues => "queues",
            Scope::Gpus => "gpus",
            Scope::Hardware => "hardware",
            Scope::Inbox => "inbox",
            Scope::Text => "text",
            Scope::Logs => "logs",
            Scope::Start => "start",
            Scope::Dialog => "dialog",
            Scope::Columns => "columns",
            Scope::Editor => "editor",
            Scope::Past => "past",
        }
    }
}

impl crate::ui::Bindable for Action {
    fn all() -> &'static [Self] {
        Self::ALL
    }

    fn name(self) -> &'static str {
        self.name()
    }

    fn describe(self) -> &'static str {
        self.describe()
    }

    fn scope(self) -> &'static str {
        self.scope().name()
    }

    fn parse(name: &str) -> Option<Self> {
        Action::parse(name)
    }

    fn more_scopes() -> &'static [&'static str] {
        &["nodes", "events"]
    }
}

macro_rules! actions {
    ($($variant:ident $name:literal $scope:ident $what:literal;)*) => {
        /// One thing a key can do.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Action { $($variant,)* }

        impl Action {
            /// All actions, in the order help shows them.
            pub const ALL: &'static [Action] = &[$(Action::$variant,)*];

            /// The name used in keymap files and the palette.
            pub fn name(self) -> &'static str {
                match self { $(Action::$variant => $name,)* }
            }

            /// What it does, in a few words.
            pub fn describe(self) -> &'static str {
                match self { $(Action::$variant => $what,)* }
            }

            /// One or two words for the footer.
            pub fn short(self) -> &'static str {
                match self {
                    Action::Command => "go",
                    Action::Help => "keys",
                    Action::SortNext => "sort",
                    Action::ShowEvents => "events",
                    Action::ShowPods => "pods",
                    Action::ShowHardware => "hardware",
                    Action::ShowGpus => "its GPUs",
                    Action::GroupBy => "group by",
                    Action::ColourBy => "colour by",
                    Action::FoldGroup => "fold",
                    Action::GpuFit => "what fits",
                    Action::OnlyFailed => "only failed",
                    Action::DetailSide => "detail",
                    Action::NextSection => "next part",
                    Action::CopyFailed => "copy failed",
                    Action::NextFailed => "next failed",
                    Action::PreviousLogs => "previous logs",
                    Action::TogglePrevious => "previous logs",
                    Action::GoJob => "job",
                    Action::QueueObjects => "flavors",
                    Action::NextResource => "resource",
                    Action::GoNode => "node",
                    Action::SearchNext => "next",
                    Action::SearchPrevious => "previous",
                    Action::NextUnknown => "unknown",
                    Action::Timestamps => "times",
                    Action::NextContainer => "container",
                    Action::LogFilter => "only lines",
                    Action::OpenLine => "open",
                    Action::FoldAll => "fold all",
                    Action::JsonLines => "JSON",
                    Action::FirstFailure => "first failure",
                    Action::NextFailure => "next failure",
                    Action::PreviousFailure => "previous failure",
                    Action::MarkLine => "mark",
                    Action::NextMark => "next mark",
                    Action::PreviousMark => "previous mark",
                    Action::SideBySide => "side by side",
                    Action::NextMetric => "metric",
                    Action::NextRank => "rank",
                    Action::Overlay => "compare",
                    Action::ChartLog => "log scale",
                    Action::ChartSmooth => "smooth",
                    Action::ChartZoomIn => "zoom in",
                    Action::ChartLeft => "left",
                    Action::ChartRight => "right",
                    Action::SaveMetrics => "save CSV",
                    Action::OpenDemo => "demo cluster",
                    Action::ClearLogs => "clear",
                    Action::NextTheme => "theme",
                    Action::ToggleTimes => "times",
                    Action::ToggleMouse => "mouse",
                    Action::InboxRead => "read",
                    Action::InboxReadAll => "all read",
                    Action::InboxDismiss => "dismiss",
                    Action::InboxMute => "mute",
                    Action::InboxShow => "which",
                    Action::AllNamespaces => "all namespaces",
                    Action::NextCluster => "cluster",
                    Action::GpuUse => "gpu use",
                    Action::PortForward => "forward port",
                    Action::StopForward => "stop",
                    Action::Namespaces => "namespace",
                    Action::Contexts => "context",
                    Action::NextPropagation => "propagation",
                    Action::ColumnUp => "to the front",
                    Action::ColumnDown => "to the back",
                    Action::UsualColumns => "usual ones",
                    Action::MoveQueue => "move",
                    Action::SetPriority => "priority",
                    Action::Create => "submit",
                    Action::ToggleCompact => "compact",
                    Action::SaveLayout => "save layout",
                    Action::SplitRight => "split right",
                    Action::SplitDown => "split down",
                    Action::CloseSplit => "close",
                    Action::NextSplit => "next",
                    Action::PreviousSplit => "previous",
                    Action::FocusLeft => "left",
                    Action::FocusRight => "right",
                    Action::FocusUp => "up",
                    Action::FocusDown => "down",
                    Action::SwapSplit => "swap",
                    Action::SplitWider => "wider",
                    Action::SplitNarrower => "narrower",
                    Action::SplitTaller => "taller",
                    Action::SplitShorter => "shorter",
                    Action::SplitEven => "even",
                    Action::OpenBeside => "open beside",
                    Action::LogsBeside => "log beside",
                    Action::YamlBeside => "YAML beside",
                    Action::DryRun => "check",
                    Action::NextProblem => "next problem",
                    Action::ExternalEditor => "$EDITOR",
                    other => other.name(),
                }
            }

            /// The scope in which it makes sense.
            pub fn scope(self) -> Scope {
                match self { $(Action::$variant => Scope::$scope,)* }
            }

            /// By its name.
            pub fn parse(name: &str) -> Option<Action> {
                match name { $($name => Some(Action::$variant),)* _ => None }
            }
        }
    };
}

actions! {
    Quit "quit" Global "quit jobdeck";
    Back "back" Global "back, or clear the filter";
    Forward "forward" Global "forward again";
    Help "help" Global "keys of this screen";
    Command "command" Global "command bar: go to a pane, namespace, context or job";
    Filter "filter" Global "filter rows, or search text";
    Tour "tour" Global "a tour of 90 seconds on the demo cluster; again: ends it";
    TourNext "tour-next" Global "the next step of the tour";
    NextTab "next-tab" Global "next tab";
    PreviousTab "previous-tab" Global "previous tab";
    GoJobs "go-jobs" Global "jobs";
    GoQueues "go-queues" Global "queues";
    GoGpus "go-gpus" Global "GPUs: the map of cards, who holds them, what is free";
    GoPods "go-pods" Global "pods";
    GoNodes "go-nodes" Global "nodes";
    GoEvents "go-events" Global "events";
    GoInbox "go-inbox" Global "inbox: what was found about jobs, and what went wrong here";
    GoForwards "go-forwards" Global "ports of this machine that lead into pods";
    GoHistory "go-history" Global "history: jobs that were seen, also those that are deleted";
    GoSelf "go-self" Global "self: what jobdeck itself takes, asks for and cannot read";
    GoHardware "go-hardware" Global "hardware: what each GPU computes, and how fast";
    Namespaces "namespaces" Global "switch namespace";
    AllNamespaces "all-namespaces" Global "show all namespaces";
    Contexts "contexts" Global "switch context";
    Views "views" Global "saved views: a list with its filter, order and columns";
    Columns "columns" Global "choose the columns of this list";
    SaveView "save-view" Global "save what is looked at as a view";
    Retry "retry" Global "reconnect now";
    Focus "focus" Global "move between the panes on screen";
    Zoom "zoom" Global "give the focused pane the whole screen, and back";
    Wider "wider" Global "the right one of two panes wider";
    Narrower "narrower" Global "the right one of two panes narrower";
    SplitRight "split-right" Global "split the screen: another pane to the right";
    SplitDown "split-down" Global "split the screen: another pane below";
    CloseSplit "close-split" Global "close this pane of a split screen";
    NextSplit "next-split" Global "the next pane of a split screen";
    PreviousSplit "previous-split" Global "the pane before it";
    FocusLeft "focus-left" Global "the pane to the left";
    FocusRight "focus-right" Global "the pane to the right";
    FocusUp "focus-up" Global "the pane above";
    FocusDown "focus-down" Global "the pane below";
    SwapSplit "swap-split" Global "change places with the next pane";
    SplitWider "split-wider" Global "this pane wider";
    SplitNarrower "split-narrower" Global "this pane narrower";
    SplitTaller "split-taller" Global "this pane taller";
    SplitShorter "split-shorter" Global "this pane shorter";
    SplitEven "split-even" Global "all panes the same share";
    ToggleTimes "toggle-times" Global "ages or timestamps";
    NextTheme "next-theme" Global "next theme";
    NextCluster "next-cluster" Global "of several clusters only the next, or all; of one, the context before";
    GpuUse "gpu-use" Global "ask exporters what GPUs do, or stop asking";
    Layouts "layouts" Global "take up a layout of panes by its name";
    SaveLayout "save-layout" Global "save the panes as a layout under a name";
    ToggleCompact "toggle-compact" Global "compact screen for small terminals and slow lines, or not";
    ToggleMouse "toggle-mouse" Global "mouse on, or off so that the terminal selects text";
    TimeMachine "time-machine" Global "back over the last hour, to how everything was then; again: back to now";
    Record "record" Global "record what the cluster tells into a file to replay; again: ends it";
    Redraw "redraw" Global "draw the screen anew";

    Up "up" List "up";
    Down "down" List "down";
    PageUp "page-up" List "page up";
    PageDown "page-down" List "page down";
    Top "top" List "first row";
    Bottom "bottom" List "last row";
    Left "left" List "left";
    Right "right" List "right";
    Open "open" List "open what is selected";
    OpenBeside "open-beside" List "open it in a pane beside, which follows the cursor";
    LogsBeside "logs-beside" List "its log in a pane beside, which follows the cursor";
    YamlBeside "yaml-beside" List "its YAML in a pane beside, which follows the cursor";
    Mark "mark" List "mark, and move on";
    MarkRange "mark-range" List "mark from the last mark to here";
    MarkClear "mark-clear" List "clear all marks";
    SortNext "sort-next" List "sort by the next column";
    SortPrevious "sort-previous" List "sort by the previous column";
    SortReverse "sort-reverse" List "reverse the order";
    Copy "copy" List "copy the name";
    Yaml "yaml" List "show the object as YAML";
    Logs "logs" List "logs of what is selected";
    Why "why" List "why it waits: its place in the queue, or the job of a workload";
    ShowEvents "show-events" List "events of what is selected";
    ShowPods "show-pods" List "pods of what is selected";
    ShowGpus "show-gpus" List "its GPUs on the map";
    ShowHardware "show-hardware" List "its GPU in the hardware reference";
    Delete "delete" List "delete it, or what is marked, after a question";
    Hold "hold" List "hold it, or let it go on: a job, CronJob, queue; a node is cordoned";
    Undo "undo" List "make again what was deleted";
    Resubmit "resubmit" List "submit it again: cleaned, under a new name, in an editor";
    Submit "submit" List "submit from a template, a file, or what was not sent before";
    Trigger "trigger" List "make a Job of a CronJob now";
    Scale "scale" List "more or fewer pods at a time";
    SetPriority "set-priority" List "another priority class in its queue";
    MoveQueue "move-queue" List "to another local queue, while it waits";
    Drain "drain" List "hold a queue and evict what it admitted";
    Evict "evict" List "evict a pod: disruption budgets are kept to";
    Shell "shell" List "a shell in the pod, or in a pod of the job";
    PortForward "port-forward" List "lead a port of this machine into the pod: dashboards, notebooks";
    StopForward "stop-forward" List "stop leading a port into a pod";

    OnlyFailed "only-failed" Jobs "show failed only, or all again";
    Expand "expand" Jobs "show or hide what the selected one is made of";
    DetailSide "detail-side" Jobs "show or hide the detail beside the list";

    NextSection "next-section" Job "next part of the detail";
    PreviousSection "previous-section" Job "previous part of the detail";
    NextFailed "next-failed" Job "next failed index";
    PreviousFailed "previous-failed" Job "previous failed index";
    CopyFailed "copy-failed" Job "copy the failed indexes as ranges";

    NextResource "next-resource" Queues "quota of the next resource";
    PreviousResource "previous-resource" Queues "quota of the previous resource";
    QueueObjects "queue-objects" Queues "flavors, checks, priority classes, topologies, worker clusters";

    InboxRead "inbox-read" Inbox "read, or unread again";
    InboxReadAll "inbox-read-all" Inbox "all read";
    InboxDismiss "inbox-dismiss" Inbox "off the list, until it comes up again";
    InboxMute "inbox-mute" Inbox "nothing more about this job; again: all are heard";
    InboxShow "inbox-show" Inbox "everything, findings only, jobdeck's own messages only";

    GroupBy "group-by" Gpus "nodes by product, pool, zone, block, NVLink domain, or all together";
    ColourBy "colour-by" Gpus "colours and ledger by workload, queue, namespace or pod; colours by use";
    FoldGroup "fold-group" Gpus "fold a group into blocks, or open it";
    GpuFit "fit" Gpus "where pods of a shape would fit: typed, or the workload's under the cursor";
    GpuAlarms "alarms" Gpus "what is wrong with GPUs, each with its node; and back";

    Compare "compare" Hardware "the marked GPUs side by side";

    PreviousLogs "previous-logs" Pods "logs of the container before it restarted";
    GoJob "go-job" Pods "the job this belongs to";
    GoNode "go-node" Pods "the node it runs on";

    SearchNext "search-next" Text "next match";
    SearchPrevious "search-previous" Text "previous match";
    NextUnknown "next-unknown" Text "next field its schema does not know";
    Wrap "wrap" Text "wrap long lines, or not";
    Save "save" Text "save to a file";
    Fold "fold" Text "show or hide managedFields";

    Charts "charts" Logs "show or hide the charts of what the lines say in numbers";
    NextMetric "next-metric" Logs "chart of the next metric";
    NextRank "next-rank" Logs "curves of the next rank or pod alone, and of all again";
    Overlay "overlay" Logs "draw another job's run over this one";
    ChartLog "chart-log" Logs "logarithmic scale, or linear";
    ChartSmooth "chart-smooth" Logs "smooth the curves: not, some, more, most";
    ChartZoomIn "chart-zoom-in" Logs "chart of fewer steps, around the cursor or at the end";
    ChartZoomOut "chart-zoom-out" Logs "chart of more steps";
    ChartLeft "chart-left" Logs "cursor of the chart to the left";
    ChartRight "chart-right" Logs "cursor of the chart to the right";
    SaveMetrics "save-metrics" Logs "save all curves as CSV";
    Follow "follow" Logs "follow the end, or pause";
    Timestamps "timestamps" Logs "times: none, as the server stamped them, local, ago";
    LogFilter "log-filter" Logs "only lines: text /regex/ !not level:warn+ rank:0-3 step>9";
    OpenLine "open-line" Logs "open what is folded on this line, or pretty-print its JSON; and back";
    FoldAll "fold-all" Logs "open or fold all failures and repeated lines";
    JsonLines "json-lines" Logs "JSON lines: message first, pretty-printed, as written";
    FirstFailure "first-failure" Logs "go to the first failure of any rank";
    NextFailure "next-failure" Logs "next failure";
    PreviousFailure "previous-failure" Logs "previous failure";
    MarkLine "mark-line" Logs "mark this line; copy and save take what is between marks";
    NextMark "next-mark" Logs "next marked line";
    PreviousMark "previous-mark" Logs "previous marked line";
    Unmark "unmark" Logs "clear all marks";
    SideBySide "side-by-side" Logs "two to four streams side by side, or merged again";
    Align "align" Logs "columns stand at the same time, or each where it was left";
    Pager "pager" Logs "open the lines shown in $PAGER";
    NextContainer "next-container" Logs "next container";
    TogglePrevious "toggle-previous" Logs "current or previous container";
    SinceAll "since-all" Logs "everything the server still has";
    SinceTail "since-tail" Logs "the last lines only";
    SinceMinute "since-1m" Logs "the last minute";
    SinceFive "since-5m" Logs "the last 5 minutes";
    SinceQuarter "since-15m" Logs "the last 15 minutes";
    SinceHour "since-1h" Logs "the last hour";
    ClearLogs "clear-logs" Logs "forget the lines shown so far";

    OpenDemo "open-demo" Start "open the demo cluster";

    NextPropagation "propagation" Dialog "what becomes of the pods: background, foreground, orphan";
    Force "force" Dialog "grace 0, for pods that do not end; and back";

    ColumnUp "column-up" Columns "this column further in front";
    ColumnDown "column-down" Columns "this column further back";
    UsualColumns "usual-columns" Columns "those of the settings, or the usual ones, again";

    Create "create" Editor "have the server check it, then create it";
    DryRun "dry-run" Editor "have the server check it, and create nothing";
    Diff "diff" Editor "what differs from what it was made from, and back";
    Options "options" Editor "queue, priority, image, pods, GPUs, only what failed: changed in one step";
    ExternalEditor "external-editor" Editor "edit it in $VISUAL or $EDITOR";
    NextProblem "next-problem" Editor "go to the next line that is wrong";
    EditUndo "edit-undo" Editor "undo the last change";
    EditRedo "edit-redo" Editor "do it again";
    EditCut "edit-cut" Editor "cut what is selected (shift with the arrows selects)";
    EditCopy "edit-copy" Editor "copy what is selected";
    EditPaste "edit-paste" Editor "insert what was cut or copied";
    Close "close" Editor "leave the text; one that was changed asks first";

    PastPause "past-pause" Past "play, or pause";
    PastNext "past-next" Past "to the next change";
    PastPrevious "past-previous" Past "back to the change before";
    PastSecond "past-second" Past "on by a second";
    PastSecondBack "past-second-back" Past "back by a second";
    PastForward "past-forward" Past "on by ten seconds";
    PastBack "past-back" Past "back by ten seconds";
    PastMinute "past-minute" Past "on by a minute";
    PastMinuteBack "past-minute-back" Past "back by a minute";
    PastFaster "past-faster" Past "play faster: x2, x10, x60, from change to change";
    PastSlower "past-slower" Past "play slower";
    PastStart "past-start" Past "to the beginning";
    PastEnd "past-end" Past "to the end";
}

impl Action {
    /// It changes the cluster. Refused as one where nothing may be written; a test goes through all of them.
    pub fn writes(self) -> bool {
        match self {
            Action::Delete
            | Action::Hold
            | Action::Undo
            | Action::Resubmit
            | Action::Submit
            | Action::Create
            | Action::DryRun
            | Action::Trigger
            | Action::Scale
            | Action::SetPriority
            | Action::MoveQueue
            | Action::Drain
            | Action::Evict
            | Action::Shell
            | Action::PortForward => true,
            // the dialog's own are about a question that was asked already
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_kebab_case_and_parse_back() {
        let mut seen = std::collections::HashSet::new();
        for action in Action::ALL {
            assert!(seen.insert(action.name()), "{} twice", action.name());
            assert!(
                action
                    .name()
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            );
            assert_eq!(Action::parse(action.name()), Some(*action));
            assert!(!action.describe().is_empty());
        }
    }
}
