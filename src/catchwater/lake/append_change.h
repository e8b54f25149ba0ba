/// \file
/// An append: new data files in front of what the table has.
///
/// New entries fold into the youngest small manifest, so that a commit a second does not make a
/// manifest a second: manifests of up to 64 entries are folded always, larger ones when they are
/// not larger than what is folded into them. An entry is so rewritten O(log files) times and a
/// table has O(log files) manifests, until they are full (8,192 entries).
/// Snapshot expiry by the ladder rides along.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "catchwater/lake/catalog.h"
#include "catchwater/lake/partition_writer.h"
#include "catchwater/lake/table_change.h"

namespace catchwater {

/// The files are borrowed.
class AppendChange final : public TableChange {
 public:
  AppendChange(Lake& lake, std::string table_key, const std::vector<WrittenFile>& files,
               std::string positions_json)
      : lake_(lake),
        table_key_(std::move(table_key)),
        files_(files),
        positions_json_(std::move(positions_json)) {}

  const std::string& table_key() const override { return table_key_; }
  arrow::Result<std::optional<PreparedChange>> Prepare(
      const std::shared_ptr<const TableState>& base, const CommitStamp& stamp) override;

 private:
  Lake& lake_;
  const std::string table_key_;
  const std::vector<WrittenFile>& files_;
  const std::string positions_json_;
};

}  // namespace catchwater
