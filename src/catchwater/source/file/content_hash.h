/// \file
/// The identity of an input file: XXH3-128 of its bytes, and of the values that its path gives to
/// columns. Without such values it is what `xxh128sum` prints.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/io/interfaces.h>
#include <arrow/result.h>

#include "catchwater/batch/batch.h"

namespace catchwater {

/// Bytes of which the head hash is made.
inline constexpr int64_t kHeadHashBytes = 64 << 10;

/// Hashes content that comes in pieces. One thread at a time.
class ContentHasher {
 public:
  ContentHasher();
  ~ContentHasher();
  void Add(std::string_view bytes);
  int64_t byte_count() const { return byte_count_; }
  /// The same as HashContent of all pieces.
  std::string Finish(const Attributes& attributes,
                     const std::vector<std::string>& identity_names) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  int64_t byte_count_ = 0;
};

/// Returns the hash of the bytes and of the named attributes, 32 hex digits.
std::string HashContent(std::string_view bytes, const Attributes& attributes,
                        const std::vector<std::string>& identity_names);

/// The same of a file's first bytes, or of all if there are fewer, read in portions.
arrow::Result<std::string> HashFile(arrow::io::RandomAccessFile& file, int64_t byte_count_max,
                                    const Attributes& attributes,
                                    const std::vector<std::string>& identity_names);

/// Returns a 64-bit hash of a few bytes: to notice that a file was replaced.
uint64_t HashTail(std::string_view bytes);

}  // namespace catchwater
