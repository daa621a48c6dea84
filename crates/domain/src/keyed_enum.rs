//! Enums that are stored, sent and shown by a text key.

/// Declares an enum whose variants have a key and, for pages, a label:
///
/// ```ignore
/// keyed_enum! {
///     Theme {
///         Light = "light", "Light";
///         Dark = "dark", "Dark";
///     }
/// }
/// ```
///
/// It gets `ALL` (in the order of declaration), `key`, `from_key`, `label` if
/// labels are given, serde by key, with the feature `sqlx` it is stored as `text`, and
/// with `schema` it has a JSON Schema. Attributes on the enum are added to the usual derives.
macro_rules! keyed_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $key:literal;)* }) => {
        $(#[$meta])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        pub enum $name { $($(#[$vmeta])* #[serde(rename = $key)] $variant,)* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The value in the database, in forms and in JSON.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),* }
            }

            pub fn from_key(key: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|variant| variant.key() == key)
            }
        }

        #[cfg(feature = "sqlx")]
        $crate::keyed_enum::sql_text!($name);
        #[cfg(feature = "schema")]
        $crate::schema::key_schema!($name);
    };
    ($(#[$meta:meta])* $name:ident {
        $($(#[$vmeta:meta])* $variant:ident = $key:literal, $label:literal;)*
    }) => {
        $crate::keyed_enum::keyed_enum! {
            $(#[$meta])* $name { $($(#[$vmeta])* $variant = $key;)* }
        }

        impl $name {
            /// The name on pages.
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),* }
            }
        }
    };
}

pub(crate) use keyed_enum;

/// Stores a type with `key` and `from_key` as `text`.
#[cfg(feature = "sqlx")]
macro_rules! sql_text {
    ($name:ident) => {
        impl sqlx::Type<sqlx::Postgres> for $name {
            fn type_info() -> sqlx::postgres::PgTypeInfo {
                <str as sqlx::Type<sqlx::Postgres>>::type_info()
            }

            fn compatible(info: &sqlx::postgres::PgTypeInfo) -> bool {
                <str as sqlx::Type<sqlx::Postgres>>::compatible(info)
            }
        }

        impl sqlx::postgres::PgHasArrayType for $name {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo {
                <String as sqlx::postgres::PgHasArrayType>::array_type_info()
            }

            fn array_compatible(info: &sqlx::postgres::PgTypeInfo) -> bool {
                <String as sqlx::postgres::PgHasArrayType>::array_compatible(info)
            }
        }

        impl sqlx::Encode<'_, sqlx::Postgres> for $name {
            fn encode_by_ref(
                &self,
                buffer: &mut sqlx::postgres::PgArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <&str as sqlx::Encode<sqlx::Postgres>>::encode(self.key(), buffer)
            }
        }

        impl<'r> sqlx::Decode<'r, sqlx::Postgres> for $name {
            fn decode(
                value: sqlx::postgres::PgValueRef<'r>,
            ) -> Result<Self, sqlx::error::BoxDynError> {
                let key = <&str as sqlx::Decode<sqlx::Postgres>>::decode(value)?;
                Self::from_key(key)
                    .ok_or_else(|| format!("no {} has the key “{key}”", stringify!($name)).into())
            }
        }
    };
}

#[cfg(feature = "sqlx")]
pub(crate) use sql_text;
