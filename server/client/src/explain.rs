//! Failures in the words of a program: the machines' own are for pages.

use partway_shared::error::ErrorCode;
use partway_shared::transfer::TransferError;

use crate::http::HttpClient;

/// Says of a failure what this machine knows of it besides.
pub(crate) fn explain(error: &TransferError, http: &HttpClient) -> TransferError {
    use ErrorCode::{FileChanged, FileUnreadable, ServerUnreachable, StoreEtagHidden, StoreUnreachable};
    let detail = match error.code {
        ServerUnreachable | StoreUnreachable => http.why_not().map(|why| why.to_string()),
        FileChanged => Some("it is another file than when it was first read, so nothing was stored; run the same command again to upload it as it is now".to_owned()),
        FileUnreadable => Some("reading it is not permitted, or failed".to_owned()),
        StoreEtagHidden => Some("the store's answer has no ETag".to_owned()),
        _ => None,
    };
    match detail {
        Some(detail) => TransferError { detail, ..error.clone() },
        None => error.clone(),
    }
}

/// Returns the system's error as a sentence.
pub(crate) fn io_reason(error: &std::io::Error) -> String {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::StorageFull => "the disk is full".to_owned(),
        ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
        ErrorKind::PermissionDenied => "writing there is not permitted".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        ErrorKind::IsADirectory => "it is a folder".to_owned(),
        ErrorKind::NotADirectory => "a part of the path is a file, not a folder".to_owned(),
        ErrorKind::FileTooLarge => {
            "the file would be larger than the file system or the limit of this process allows".to_owned()
        }
        ErrorKind::InvalidFilename => "the file system does not take this name".to_owned(),
        _ => error.to_string(),
    }
}
