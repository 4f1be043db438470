//! Enums whose variants have names.

/// Declares an enum of choices. The name of a choice stands in configurations; its documentation is its description.
macro_rules! named {
    ($(#[$meta:meta])* $type:ident { $($(#[doc = $about:literal])+ $variant:ident = $name:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub enum $type {
            $($(#[doc = $about])+ #[serde(rename = $name)] $variant,)+
        }

        impl $type {
            /// All choices.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The name of the choice in a configuration.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// One line about the choice.
            pub fn about(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!($($about),+).trim_ascii(),)+
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
}

pub(crate) use named;
