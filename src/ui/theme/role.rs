//! The list of roles with their names in theme files. Separate so that adding one is adding one line.

macro_rules! roles {
    ($($role:ident $name:literal),* $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Role { $($role,)* }

        impl Role {
            pub(super) const ALL: &'static [Role] = &[$(Role::$role,)*];
            pub(super) const COUNT: usize = Role::ALL.len();

            /// The name in theme files.
            pub(super) fn name(self) -> &'static str {
                match self { $(Role::$role => $name,)* }
            }

            pub(super) fn parse(name: &str) -> Option<Role> {
                Role::ALL.iter().copied().find(|role| role.name() == name)
            }
        }
    };
}

roles! {
    Base "base",
    Text "text",
    Dim "dim",
    Faint "faint",
    Title "title",
    Accent "accent",
    Header "header",
    Selection "selection",
    SelectionUnfocused "selection-unfocused",
    Mark "mark",
    Border "border",
    BorderFocused "border-focused",
    Key "key",
    Hint "hint",
    Disabled "disabled",
    Match "match",
    MatchCurrent "match-current",
    BannerInfo "banner-info",
    BannerOk "banner-ok",
    BannerWarn "banner-warn",
    BannerError "banner-error",
    Tab "tab",
    TabActive "tab-active",
    Popup "popup",
    BarFill "bar-fill",
    BarTrack "bar-track",
    BarTick "bar-tick",
}
