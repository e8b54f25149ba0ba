/// \file
/// State files of one stream app: a base and the parts that were saved after it.
/// Source: docs/formats/stream_state.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/io/files.h"
#include "catchwater/stream/stream_operator.h"

namespace catchwater {

/// What stands beside the operator's state in a file.
struct StreamStateHead {
  /// Rows that the pipeline had in the lake with this commit, over all its sources: whoever finds
  /// another number in the account has rows that the app did not see.
  int64_t lake_rows = 0;
  int64_t revision = 0;  ///< Of the last results.
  int64_t epoch = 0;     ///< Of the lease when it was saved.
};

/// One thread at a time.
class StreamState {
 public:
  /// Files before they are gathered into a new base.
  static constexpr size_t kFilesMax = 16;

  StreamState(std::string folder, Files& files) : folder_(std::move(folder)), files_(files) {}

  /// Adds the files to the operator. \retval kBadData if one is damaged or of another meaning;
  /// kNotFound if one is gone
  arrow::Result<StreamStateHead> Load(const std::vector<std::string>& names, StreamOperator* whole);
  /// Writes a durable file: of the part, or of the whole when the parts have grown as large as the
  /// base. whole has taken in the part already. name_stem: never used before.
  /// \return the names that the checkpoint must hold
  arrow::Result<std::vector<std::string>> Save(const std::string& name_stem,
                                               const StreamStateHead& head,
                                               const StreamOperator& whole,
                                               const StreamOperator& part);
  /// The files of the last commit.
  const std::vector<std::string>& names() const { return names_; }
  void Committed(std::vector<std::string> names);
  /// Removes all files that are not of the last commit. \pre the lease is held
  arrow::Status RemoveOthers();

 private:
  const std::string folder_;
  Files& files_;
  std::vector<std::string> names_;
  int64_t base_bytes_ = 0;
  int64_t part_bytes_ = 0;
};

}  // namespace catchwater
