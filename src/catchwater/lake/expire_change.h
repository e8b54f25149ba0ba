/// \file
/// Takes snapshots that the ladder does not keep out of a table that nothing is appended to; else
/// this rides in appends.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <arrow/result.h>

#include "catchwater/lake/catalog.h"
#include "catchwater/lake/table_change.h"

namespace catchwater {

/// One thread at a time.
class ExpireChange final : public TableChange {
 public:
  /// At most removed_max snapshots go at once, the oldest.
  ExpireChange(Lake& lake, std::string table_key, int64_t removed_max)
      : lake_(lake), table_key_(std::move(table_key)), removed_max_(removed_max) {}

  const std::string& table_key() const override { return table_key_; }
  arrow::Result<std::optional<PreparedChange>> Prepare(
      const std::shared_ptr<const TableState>& base, const CommitStamp& stamp) override;

  int64_t removed_count() const { return removed_count_; }  ///< Of the last Prepare.

 private:
  Lake& lake_;
  const std::string table_key_;
  const int64_t removed_max_;
  int64_t removed_count_ = 0;
};

}  // namespace catchwater
