/// \file
/// Rows of data_file: reading them and moving them from state to state.
#pragma once

#include <cstdint>
#include <string_view>

#include <arrow/result.h>

#include "catchwater/ledger/records.h"
#include "catchwater/ledger/sqlite/connection.h"
#include "catchwater/ledger/sqlite/feed_writer.h"
#include "catchwater/ledger/sqlite/work_conditions.h"

namespace catchwater {

/// SELECT ... FROM data_file, to be followed by WHERE.
std::string_view SelectDataFiles();
arrow::Result<DataFileRecord> ReadDataFile(const Row& row);
WorkConditions DataFileConditions(const WorkQuery& query, int64_t now_us);

/// Writes the fields of the record that go with its state and adds the event. \pre the transition
/// from `from` to the record's state is allowed
arrow::Status MoveDataFileRow(Connection& connection, FeedWriter& feed, WorkState from,
                              const DataFileRecord& to);

/// Out of processing for all files under the fence; their attempts do not count.
arrow::Status GiveBackDataFiles(Connection& connection, FeedWriter& feed, const Fence& fence,
                                int64_t now_us);

/// failed -> to_process for the files of the query that are still in their table. \return how many
arrow::Result<int64_t> RetryDataFiles(Connection& connection, FeedWriter& feed,
                                      const WorkQuery& query);

}  // namespace catchwater
