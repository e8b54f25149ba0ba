/// \file
/// The ledger's words as they are stored and shown, and back.
#pragma once

#include <string_view>

#include <arrow/result.h>

#include "catchwater/batch/batch.h"
#include "catchwater/ledger/commit_plan.h"

namespace catchwater {

/// The consumer of all rows of a pipeline; others are its stream apps, by their names.
inline constexpr char kLakeConsumer[] = "lake";

/// \retval kBadData if the word is none of `to_process`, `processing`, `done`, `failed`
arrow::Result<WorkState> WorkStateFromName(std::string_view name);

/// "frames", "decoded_frames", ... as stored in row_account.
std::string_view BucketName(Bucket bucket);
/// \retval kBadData if the word is no bucket
arrow::Result<Bucket> BucketFromName(std::string_view name);

}  // namespace catchwater
