/// \file
/// The rows of a table as they were when its slot was made, on disk until they are committed: the
/// server has them only as long as one connection lives.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/random.h"
#include "catchwater/io/files.h"
#include "catchwater/spool/spool_reader.h"

namespace catchwater {

/// One thread at a time.
class SnapshotSpool {
 public:
  /// Makes an empty one in the folder; what is there is removed.
  static arrow::Result<std::unique_ptr<SnapshotSpool>> Make(Files& files, std::string folder,
                                                            int64_t bytes_max, Random random);
  /// Opens the one of the id, to be read from the place on.
  /// \retval kNotFound there is none, or another one
  static arrow::Result<std::unique_ptr<SnapshotSpool>> Open(Files& files, std::string folder,
                                                            const std::string& id, uint64_t at,
                                                            Random random);
  /// Removes it and what it has on disk. A missing one is OK.
  static arrow::Status Remove(Files& files, const std::string& folder);

  const std::string& id() const { return spool_->uuid(); }

  /// \retval kConfig it is full
  arrow::Status Add(std::string_view json);
  /// All rows were added: makes them durable.
  arrow::Status Finish();

  /// The next rows; empty: all are read. There until the next call.
  arrow::Result<std::vector<SpoolReader::Record>> Read(int64_t byte_count_max);
  /// Everything before the place is committed.
  arrow::Status Trim(uint64_t at) { return spool_->Trim(at); }

 private:
  SnapshotSpool(Files& files, std::unique_ptr<Spool> spool, uint64_t at);

  std::unique_ptr<Spool> spool_;
  SpoolReader reader_;
  int64_t waiting_bytes_ = 0;
};

}  // namespace catchwater
