//! Schemas of the types that travel as plain numbers and strings.

use std::borrow::Cow;

use utoipa::openapi::schema::{ObjectBuilder, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::checksum::{Checksum, Crc64Nvme};
use crate::error::ErrorCode;
use crate::limits::MAX_PARTS;
use crate::part::{ETag, PartNumber};
use crate::wire::CreationId;

/// Base64 of eight bytes.
const CRC64_NVME: &str = "^[A-Za-z0-9+/]{11}=$";
/// Base64 of eight bytes or of sixteen.
const EITHER: &str = "^([A-Za-z0-9+/]{11}=|[A-Za-z0-9+/]{22}==)$";

macro_rules! schema {
    ($type:ty, $name:literal, $object:expr) => {
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                RefOr::T(Schema::Object($object.build()))
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    };
}

fn string(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).description(Some(description))
}

schema!(
    PartNumber,
    "PartNumber",
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Integer))
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)))
        .description(Some("The number of a part."))
        .minimum(Some(1))
        .maximum(Some(MAX_PARTS))
);
schema!(CreationId, "CreationId", string("A UUID.").format(Some(SchemaFormat::Custom("uuid".to_owned()))));
schema!(ETag, "ETag", string("An entity tag, with its quotes or without."));
schema!(Crc64Nvme, "Crc64Nvme", string("A CRC-64/NVME, in base64.").pattern(Some(CRC64_NVME)));
schema!(
    Checksum,
    "Checksum",
    string("A CRC-64/NVME or an MD5, in base64: of eight bytes or of sixteen.").pattern(Some(EITHER))
);
schema!(
    ErrorCode,
    "ErrorCode",
    string("A stable code; each has its status and its title.").enum_values(Some(
        ErrorCode::ALL.iter().filter(|code| code.spec().status.is_some()).map(|code| code.as_str())
    ))
);
