/// \file
/// JSON that stands in columns of the ledger: lists of names and bodies of feed events.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/ledger/commit_plan.h"
#include "catchwater/ledger/delivery.h"

namespace catchwater {

/// `["a","b"]`. Bytes that are not UTF-8 are replaced.
std::string JsonList(const std::vector<std::string>& list);
/// The empty text is the empty list. \retval kBadData if it is not a list of strings
arrow::Result<std::vector<std::string>> ListFromJson(std::string_view text);

/// Body of the event `commit`: id, actor, what each table got.
std::string CommitEventBody(const CommitPlan& plan);

/// Body of the events `input_file` and `data_file`; `reason` may be empty.
struct WorkEventBody {
  int64_t id = 0;
  std::string_view owner;  ///< Input: the pipeline; data: the table.
  WorkState from = WorkState::kToProcess;
  WorkState to = WorkState::kToProcess;
  std::string_view reason;
};
std::string ToJson(const WorkEventBody& body);
/// Body of the event `input_file` for a file that was found.
std::string FoundEventBody(int64_t partition_id, std::string_view pipeline, int64_t byte_count);
/// Body of the event `delivery`: a sink's new state.
std::string DeliveryEventBody(const DeliveryRecord& delivery);

}  // namespace catchwater
