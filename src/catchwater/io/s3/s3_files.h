/// \file
/// Files in S3 and in servers that speak like it: `s3://bucket/key`.
///
/// Invariants:
/// 1. An object becomes visible at once and whole, by Sync or Close, and is never overwritten but
/// by
///    PublishAtomically and Rename.
/// 2. Bytes are read from the version that was opened; one that was replaced since is an error.
#pragma once

#include <memory>

#include "catchwater/io/files.h"
#include "catchwater/io/s3/s3_client.h"

namespace catchwater {

/// Any thread. Rename copies and removes, so it is not atomic, and only for objects up to 5 GB.
std::unique_ptr<Files> MakeS3Files(std::shared_ptr<S3Client> client);

/// `s3://bucket/key` in its parts; the key may be empty. \retval kConfig
arrow::Result<S3Key> ParseS3Path(const std::string& path);

}  // namespace catchwater
