/// \file
/// State files of one stream app: a base and the parts that were saved after it.
/// Source: docs/formats/stream_state.md.
#pragma once

#include <cstdint>
#include <functional>
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

/// The state of an operator as a file has it: compressed, if it is large.
struct PackedState {
  std::string bytes;

  static arrow::Result<PackedState> Of(std::string state);
  /// \retval kBadData if the bytes are not what Of makes
  arrow::Result<std::string> Unpack() const;
  int64_t byte_count() const { return static_cast<int64_t>(bytes.size()); }
};

/// Says when a part is not worth it: each byte of one is written once more into a base that is at
/// least as large, so that the cost of a flush follows what it changed, not what there is.
class StateGrowth {
 public:
  /// Files before they are gathered into a new base.
  static constexpr size_t kFilesMax = 16;

  bool is_base_due() const {
    return file_count_ == 0 || file_count_ >= kFilesMax || part_bytes_ >= base_bytes_;
  }
  void Saved(bool is_base, int64_t byte_count) {
    file_count_ = is_base ? 1 : file_count_ + 1;
    base_bytes_ = is_base ? byte_count : base_bytes_;
    part_bytes_ = is_base ? 0 : part_bytes_ + byte_count;
  }

 private:
  size_t file_count_ = 0;
  int64_t base_bytes_ = 0;
  int64_t part_bytes_ = 0;
};

/// One thread at a time.
class StreamState {
 public:
  static constexpr size_t kFilesMax = StateGrowth::kFilesMax;

  StreamState(std::string folder, Files& files) : folder_(std::move(folder)), files_(files) {}

  /// Hands the state in each file to `load`, the base first. \retval kBadData if one is damaged or
  /// of another meaning; kNotFound if one is gone
  arrow::Result<StreamStateHead> Load(
      const std::vector<std::string>& names,
      const std::function<arrow::Status(std::string_view state)>& load);
  /// Writes a durable file: of the part, or of the whole when the parts have grown as large as the
  /// base. whole has taken in the part already. name_stem: never used before.
  /// \return the names that the checkpoint must hold
  arrow::Result<std::vector<std::string>> Save(const std::string& name_stem,
                                               const StreamStateHead& head,
                                               const StreamOperator& whole,
                                               const StreamOperator& part);
  /// The same of bytes that were made before, with the growth that says which is due.
  arrow::Result<std::vector<std::string>> SaveBytes(const std::string& name_stem,
                                                    const StreamStateHead& head,
                                                    const PackedState& state, bool is_base);
  const StateGrowth& growth() const { return growth_; }
  /// The files of the last commit.
  const std::vector<std::string>& names() const { return names_; }
  void Committed(std::vector<std::string> names);
  /// Removes all files that are not of the last commit. \pre the lease is held
  arrow::Status RemoveOthers();

 private:
  const std::string folder_;
  Files& files_;
  std::vector<std::string> names_;
  StateGrowth growth_;
};

}  // namespace catchwater
