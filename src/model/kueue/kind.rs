//! The kinds of Kueue, and of what belongs to queues: names and versions. What is not served costs nothing.

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum QueueKind {
    Workload,
    ClusterQueue,
    LocalQueue,
    Cohort,
    ResourceFlavor,
    WorkloadPriorityClass,
    AdmissionCheck,
    Topology,
    MultiKueueCluster,
    MultiKueueConfig,
    ProvisioningRequest,
    /// The core group's.
    ResourceQuota,
    /// Volcano's.
    VolcanoQueue,
}

impl QueueKind {
    pub const ALL: [Self; 13] = [
        Self::Workload,
        Self::ClusterQueue,
        Self::LocalQueue,
        Self::Cohort,
        Self::ResourceFlavor,
        Self::WorkloadPriorityClass,
        Self::AdmissionCheck,
        Self::Topology,
        Self::MultiKueueCluster,
        Self::MultiKueueConfig,
        Self::ProvisioningRequest,
        Self::ResourceQuota,
        Self::VolcanoQueue,
    ];

    pub const fn group(self) -> &'static str {
        match self {
            Self::ProvisioningRequest => "autoscaling.x-k8s.io",
            Self::ResourceQuota => "",
            Self::VolcanoQueue => "scheduling.volcano.sh",
            _ => "kueue.x-k8s.io",
        }
    }

    /// Newest first.
    pub const fn versions(self) -> &'static [&'static str] {
        match self {
            Self::ProvisioningRequest => &["v1", "v1beta1"],
            Self::ResourceQuota => &["v1"],
            Self::VolcanoQueue => &["v1beta1"],
            // these two were younger than the rest
            Self::Cohort | Self::Topology => &["v1beta2", "v1beta1", "v1alpha1"],
            _ => &["v1beta2", "v1beta1"],
        }
    }

    /// As its path has it.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Workload => "workloads",
            Self::ClusterQueue => "clusterqueues",
            Self::LocalQueue => "localqueues",
            Self::Cohort => "cohorts",
            Self::ResourceFlavor => "resourceflavors",
            Self::WorkloadPriorityClass => "workloadpriorityclasses",
            Self::AdmissionCheck => "admissionchecks",
            Self::Topology => "topologies",
            Self::MultiKueueCluster => "multikueueclusters",
            Self::MultiKueueConfig => "multikueueconfigs",
            Self::ProvisioningRequest => "provisioningrequests",
            Self::ResourceQuota => "resourcequotas",
            Self::VolcanoQueue => "queues",
        }
    }

    /// `clusterqueue`: as kubectl names one.
    pub fn singular(self) -> &'static str {
        match self {
            Self::Topology => "topology",
            Self::WorkloadPriorityClass => "workloadpriorityclass",
            _ => self.plural().trim_end_matches('s'),
        }
    }

    pub const fn namespaced(self) -> bool {
        matches!(
            self,
            Self::Workload | Self::LocalQueue | Self::ProvisioningRequest | Self::ResourceQuota
        )
    }
}
