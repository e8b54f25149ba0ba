/// \file
/// Blocks of Avro -> rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/codec/avro/avro_framer.h"
#include "catchwater/codec/avro/avro_plan.h"
#include "catchwater/codec/avro/avro_values.h"
#include "catchwater/codec/avro/schema_registry.h"
#include "catchwater/component/codec.h"

namespace catchwater {

/// What messages are, beside whole container files.
struct AvroMessages {
  std::shared_ptr<SchemaRegistry>
      registry{};                            ///< Of those that begin with 0 and a number; or null.
  std::shared_ptr<const AvroNode> schema{};  ///< Of those without any beginning; or null.
};

/// One thread at a time. Asks the registry for a schema that it has not seen: what a number means
/// never changes, so decoding stays repeatable.
class AvroBlockDecoder final : public Decoder {
 public:
  /// \retval kConfig if a column makes no sense
  static arrow::Result<std::unique_ptr<Decoder>> Make(AvroMessages messages,
                                                      const DecodeOptions& options);

  /// \retval kUnavailable, kDenied if the registry does not answer
  arrow::Result<Split> Decode(const Block& block) override;

 private:
  using SchemaPointer = std::shared_ptr<const AvroNode>;
  struct Planned {
    SchemaPointer schema;  // Pins the key of the map.
    AvroPlan plan;
  };
  /// Records of one schema that follow each other.
  struct Stretch {
    RecordPlace place{};  // Of the first.
    SchemaPointer schema{};
    std::string_view bytes{};      // Uncompressed.
    std::string_view beginning{};  // A file's: with it a record is a file of its own.
    std::string_view sync{};
    int64_t record_count = 1;
    bool is_file = false;
  };

  void TakeBlocks(std::shared_ptr<const AvroHeader> header, std::string_view blocks,
                  RecordPlace place, bool is_message);
  bool TakeBlock(const std::shared_ptr<const AvroHeader>& header, const RecordPlace& place,
                 std::string_view bytes, bool is_only);
  void TakeMessage(const RecordPlace& place);
  void TakeNumbered(const RecordPlace& place);
  void TakeDatum(const RecordPlace& place, SchemaPointer schema, std::string_view bytes);
  const AvroPlan& PlanOf(const SchemaPointer& schema);
  std::string_view BeginningOf(const AvroHeader& header);
  arrow::Status ReadStretches();
  void ReadStretch(const Stretch& stretch);
  std::string_view Keep(const Stretch& stretch, std::string_view record);

  AvroBlockDecoder(AvroMessages messages, AvroValues values)
      : messages_(std::move(messages)), values_(std::move(values)) {}

  const AvroMessages messages_;
  AvroValues values_;
  std::map<const AvroNode*, Planned> plans_;  // At most kPlansMax.

  // Of the current block.
  arrow::Status status_;
  std::vector<Stretch> stretches_;
  std::vector<std::unique_ptr<std::string>> rooms_;          // What stretches refer to.
  std::map<std::string_view, std::string_view> beginnings_;  // By sync marker.
  size_t uncompressed_bytes_ = 0;
  char* kept_ = nullptr;  // Where the next record is kept; null: rows lie in the block itself.
};

}  // namespace catchwater
