/// \file
/// Reads a spool's durable records in order.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include "catchwater/io/files.h"
#include "catchwater/spool/spool.h"

namespace catchwater {

/// One thread at a time; beside any writer.
class SpoolReader {
 public:
  struct Record {
    uint64_t ordinal = 0;
    uint64_t end_ordinal = 0;
    std::string_view payload;
  };

  /// Begins at the ordinal, which is 0 or where a record began or ended.
  SpoolReader(Files& files, const Spool& spool, uint64_t ordinal)
      : files_(files), spool_(spool), ordinal_(ordinal) {}

  /// Returns the next records, up to about byte_count_max, one at least; empty: none for now. The
  /// payloads are there until the next call.
  /// \retval kBadData damage, with file and offset
  arrow::Result<std::vector<Record>> Read(int64_t byte_count_max);

  uint64_t ordinal() const { return ordinal_; }  ///< Of the next record.

 private:
  arrow::Status Fill(const Spool::Place& place, uint64_t byte_count);

  Files& files_;
  const Spool& spool_;
  uint64_t ordinal_;
  std::string path_;  // Of file_.
  std::shared_ptr<arrow::io::RandomAccessFile> file_;
  std::string bytes_;
};

}  // namespace catchwater
