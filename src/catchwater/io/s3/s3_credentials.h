/// \file
/// Where the keys for S3 come from when they are not in the configuration.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <arrow/result.h>

#include "catchwater/io/files.h"
#include "catchwater/io/s3/s3_signer.h"

namespace catchwater {

using VariableLookup = std::function<std::optional<std::string>(std::string_view name)>;

/// From AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN; without them from the
/// profile AWS_PROFILE (`default`) of AWS_SHARED_CREDENTIALS_FILE (`~/.aws/credentials`), which is
/// read anew at each call. \retval kConfig with what to set if there are none
arrow::Result<S3Credentials> FindS3Credentials(Files& files, const VariableLookup& variable);

/// The keys of one profile. \retval kConfig if it is not there or incomplete
arrow::Result<S3Credentials> ParseS3Profile(std::string_view text, std::string_view profile);

}  // namespace catchwater
