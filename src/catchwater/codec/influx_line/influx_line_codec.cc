#include "catchwater/codec/influx_line/influx_line_codec.h"

#include "catchwater/base/error.h"
#include "catchwater/codec/influx_line/influx_line_decoder.h"
#include "catchwater/record/text_line_framer.h"

namespace catchwater {
namespace {

class InfluxLineEncoder final : public Encoder {
 public:
  explicit InfluxLineEncoder(LineProtocol lines) : lines_(std::move(lines)) {}

  arrow::Status Encode(const arrow::RecordBatch& rows, std::string* bytes) override {
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      (void)lines_.Append(rows, row, bytes);  // A point without a field or time is none.
    }
    return arrow::Status::OK();
  }
  arrow::Status Finish(std::string* /*bytes*/) override { return arrow::Status::OK(); }

 private:
  const LineProtocol lines_;
};

}  // namespace

arrow::Result<std::unique_ptr<Framer>> InfluxLineCodec::MakeFramer(const DecodeOptions&) const {
  return std::make_unique<TextLineFramer>();
}

arrow::Result<std::unique_ptr<Decoder>> InfluxLineCodec::MakeDecoder(
    const DecodeOptions& options) const {
  return InfluxLineDecoder::Make(config_.precision, options);
}

arrow::Result<std::unique_ptr<Encoder>> InfluxLineCodec::MakeEncoder(
    const std::shared_ptr<arrow::Schema>& schema) const {
  if (config_.measurement.empty() || config_.time.empty()) {
    return ConfigError("Codec influx_line needs `measurement` and `time` for writing");
  }
  ARROW_ASSIGN_OR_RAISE(LineProtocol lines,
                        LineProtocol::Make(*schema, config_.measurement, config_.time, config_.tags,
                                           config_.fields, config_.precision));
  return std::make_unique<InfluxLineEncoder>(std::move(lines));
}

arrow::Status RegisterInfluxLineCodec(Registry& registry) {
  return registry.AddCodec<InfluxLineConfig>(
      {.name = "influx_line",
       .summary = "Points in InfluxDB's line protocol: measurement, tags, fields, time.",
       .details =
           "A column reads `measurement`, `time`, a tag (`tag.host`) or a field (`field.load`), by "
           "`from` or by its own name; a name alone is the tag of that key or else the field. What "
           "a point does not have is null. Fields keep their type: `1i` and `1u` are whole "
           "numbers, `1` a number, `t` and `f` bools, `\"x\"` a text; one that is not of the "
           "column's type is a dead letter (`column.type`). The time is in `precision`, whatever "
           "the column's `format`; a point without one has a null there. Empty lines and lines "
           "that begin with `#` are no points; a message may hold many. A line that is no point is "
           "a dead letter (`influx_line.syntax`) with the byte where it goes wrong; a line end "
           "inside of a text ends the point. Written points leave nulls out, and rows without any "
           "field."},
      [](InfluxLineConfig config) -> arrow::Result<std::unique_ptr<Codec>> {
        return std::make_unique<InfluxLineCodec>(std::move(config));
      });
}

}  // namespace catchwater
