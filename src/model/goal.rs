//! What somebody waits for, and whether a job has come to it, may still, or never will.

use super::job::Phase;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Goal {
    /// It succeeded.
    Complete,
    /// It failed.
    Failed,
    /// One or the other.
    Over,
    /// Pods of it are ready, or were: a job that succeeded has run.
    Running,
    /// No queue and no hold keeps it from starting.
    Admitted,
    /// Its object is gone.
    Deleted,
}

/// How a job stands to a goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stand {
    Reached,
    NotYet,
    /// It will not come to it any more.
    Never,
}

impl Goal {
    pub const ALL: [Goal; 6] = [
        Goal::Complete,
        Goal::Failed,
        Goal::Over,
        Goal::Running,
        Goal::Admitted,
        Goal::Deleted,
    ];

    /// As the command line has it.
    pub fn word(self) -> &'static str {
        match self {
            Goal::Complete => "complete",
            Goal::Failed => "failed",
            Goal::Over => "over",
            Goal::Running => "running",
            Goal::Admitted => "admitted",
            Goal::Deleted => "deleted",
        }
    }

    /// How a job of this phase stands to it; `None`: there is no such job any more.
    pub fn stand(self, phase: Option<Phase>) -> Stand {
        use Phase::{
            Failed, Finishing, Pending, Queued, Retrying, Running, Succeeded, Suspended,
            Terminating,
        };
        let Some(phase) = phase else {
            return if self == Goal::Deleted {
                Stand::Reached
            } else {
                Stand::Never
            };
        };
        match (self, phase) {
            (Goal::Deleted, _) => Stand::NotYet,
            (Goal::Complete | Goal::Over, Succeeded) | (Goal::Failed | Goal::Over, Failed) => {
                Stand::Reached
            }
            (Goal::Running, Running | Finishing | Succeeded) => Stand::Reached,
            (Goal::Admitted, Pending | Running | Retrying | Finishing | Succeeded) => {
                Stand::Reached
            }
            (_, Succeeded | Failed | Terminating) => Stand::Never,
            (_, Queued | Suspended | Pending | Running | Retrying | Finishing) => Stand::NotYet,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every phase and none against every goal, in the order of [`Goal::ALL`]: `+` reached, `.` not yet, `-` never.
    #[test]
    fn what_each_phase_means_for_each_goal() {
        let rows = [
            (Some(Phase::Queued), "......"),
            (Some(Phase::Suspended), "......"),
            (Some(Phase::Pending), "....+."),
            (Some(Phase::Running), "...++."),
            (Some(Phase::Retrying), "....+."),
            (Some(Phase::Finishing), "...++."),
            (Some(Phase::Succeeded), "+-+++."),
            (Some(Phase::Failed), "-++--."),
            (Some(Phase::Terminating), "-----."),
            (None, "-----+"),
        ];
        assert_eq!(rows.len(), Phase::ALL.len() + 1);
        for (phase, wanted) in rows {
            let said: String = Goal::ALL
                .iter()
                .map(|goal| match goal.stand(phase) {
                    Stand::Reached => '+',
                    Stand::NotYet => '.',
                    Stand::Never => '-',
                })
                .collect();
            assert_eq!(said, wanted, "{phase:?}");
        }
    }
}
