/// \file
/// Rows -> line protocol: `readings,sensor_id=s1 temperature=21.5,ok=true 1767225600000000`.
/// Source: InfluxDB 1.8 documentation, "Line protocol reference".
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/record_batch.h>
#include <arrow/result.h>

namespace catchwater {

/// What a point's time counts.
enum class LinePrecision { kNanoseconds, kMicroseconds, kMilliseconds, kSeconds };

/// What a backslash protects in a name of a measurement, and in keys and values of tags.
inline constexpr std::string_view kLineMeasurementEscapes = ", ";
inline constexpr std::string_view kLineKeyEscapes = ",= ";

/// Immutable; any thread.
class LineProtocol {
 public:
  /// fields empty: all columns that are neither tag nor time.
  /// \retval kConfig for a column that is not there or cannot be written
  static arrow::Result<LineProtocol> Make(const arrow::Schema& schema, std::string_view measurement,
                                          const std::string& time,
                                          const std::vector<std::string>& tags,
                                          std::vector<std::string> fields,
                                          LinePrecision precision = LinePrecision::kMicroseconds);

  /// Appends one line. Null tags and fields are left out, and so are NaN and infinite numbers.
  /// \return false, and nothing is appended, if no field or no time is left
  bool Append(const arrow::RecordBatch& rows, int64_t row, std::string* lines) const;

 private:
  struct Column {
    int index = 0;
    std::string name;  // Escaped.
  };
  std::string measurement_;  // Escaped.
  int time_ = 0;
  LinePrecision precision_ = LinePrecision::kMicroseconds;
  std::vector<Column> tags_;
  std::vector<Column> fields_;
};

}  // namespace catchwater
