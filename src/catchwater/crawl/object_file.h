/// \file
/// What a file that is no record is: its hash and its media type.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <arrow/result.h>

#include "catchwater/io/files.h"

namespace catchwater {

struct ObjectFacts {
  std::string sha256;      ///< In hexadecimal, lower case.
  std::string media_type;  ///< `image/png`, `application/pdf`; by what the file holds.
  int64_t byte_count = 0;  ///< That were read.
};

/// Tells what files are, by libmagic. One thread at a time.
class ObjectReader {
 public:
  /// \retval kNotFound if libmagic's table of file types is not on this machine
  static arrow::Result<std::unique_ptr<ObjectReader>> Make();
  ~ObjectReader();

  /// Reads the file to its end, a piece at a time.
  arrow::Result<ObjectFacts> Read(Files& files, const std::string& path);
  std::string MediaTypeOf(std::string_view beginning) const;

 private:
  struct Magic;
  explicit ObjectReader(std::unique_ptr<Magic> magic);
  std::unique_ptr<Magic> magic_;
};

}  // namespace catchwater
