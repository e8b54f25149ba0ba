/// \file
/// Codec `influx_line`: points in InfluxDB's line protocol, as Telegraf and many devices send them.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/component/codec.h"
#include "catchwater/component/registry.h"
#include "catchwater/config/describe.h"
#include "catchwater/influx/line_protocol.h"

namespace catchwater {

constexpr auto EnumWords(LinePrecision) {
  using Pair = std::pair<LinePrecision, std::string_view>;
  return std::array{Pair{LinePrecision::kNanoseconds, "ns"},
                    Pair{LinePrecision::kMicroseconds, "us"},
                    Pair{LinePrecision::kMilliseconds, "ms"}, Pair{LinePrecision::kSeconds, "s"}};
}

struct InfluxLineConfig {
  LinePrecision precision = LinePrecision::kNanoseconds;
  std::string measurement;
  std::string time;
  std::vector<std::string> tags;
  std::vector<std::string> fields;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("precision", precision, "What the time of a point counts.");
    field.Optional("measurement", measurement, "For writing: measurement of the points.",
                   Example{"readings"});
    field.Optional("time", time, "For writing: the timestamp column.", Example{"ts"});
    field.Optional("tags", tags, "For writing: the columns that are tags.", Count{0, 64},
                   Example{"[sensor_id]"});
    field.Optional("fields", fields,
                   "For writing: the columns that are fields. Default: all others.");
  }
};

/// Immutable.
class InfluxLineCodec final : public Codec {
 public:
  explicit InfluxLineCodec(InfluxLineConfig config) : config_(std::move(config)) {}

  arrow::Result<std::unique_ptr<Framer>> MakeFramer(const DecodeOptions& options) const override;
  /// \retval kConfig if a column's `from` names nothing that a point has
  arrow::Result<std::unique_ptr<Decoder>> MakeDecoder(const DecodeOptions& options) const override;
  /// \retval kConfig without `measurement` and `time`, or with a column that cannot be written
  arrow::Result<std::unique_ptr<Encoder>> MakeEncoder(
      const std::shared_ptr<arrow::Schema>& schema) const override;

 private:
  const InfluxLineConfig config_;
};

arrow::Status RegisterInfluxLineCodec(Registry& registry);

}  // namespace catchwater
