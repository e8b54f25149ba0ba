#include "catchwater/codec/avro/avro_decoder.h"

#include <cstring>

#include <arrow/buffer.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr std::string_view kRuleDamaged = "avro.damaged";
constexpr std::string_view kRuleMagic = "avro.magic";
constexpr std::string_view kRuleSchema = "avro.schema";
constexpr size_t kPlansMax = 256;
constexpr size_t kUncompressedBytesMax = 256 << 20;  // Of all frames of a block together.
constexpr size_t kBeginningBytesMax = 64 << 20;      // As often as a stretch has records.
constexpr size_t kFrameBytes = 36;  // Around a record: count, size and sync marker, rounded up.
constexpr size_t kNumberBytes = 5;  // 0 and 4 bytes.

std::string_view TextOf(const Block& block) {
  return {reinterpret_cast<const char*>(block.bytes->data()),
          static_cast<size_t>(block.bytes->size())};
}

}  // namespace

arrow::Result<std::unique_ptr<Decoder>> AvroBlockDecoder::Make(AvroMessages messages,
                                                               const DecodeOptions& options) {
  ARROW_ASSIGN_OR_RAISE(AvroValues values, AvroValues::Make(options));
  return std::unique_ptr<Decoder>(new AvroBlockDecoder(std::move(messages), std::move(values)));
}

arrow::Result<Split> AvroBlockDecoder::Decode(const Block& block) {
  RecordRows& rows = values_.rows();
  ARROW_RETURN_NOT_OK(rows.Begin(block));
  status_ = arrow::Status::OK();
  uncompressed_bytes_ = 0;
  if (rows.is_rejected()) return rows.Finish();
  const std::string_view text = TextOf(block);
  const RecordPlace whole{.frame_ordinal = block.origin.range.from.ordinal, .text = text};
  if (!block.frame_ends.empty()) {
    rows.ForEachFrame([this](const RecordPlace& place) { TakeMessage(place); });
  } else if (block.preamble != nullptr && !text.starts_with(AvroHeader::kMagic)) {
    const auto preamble = std::static_pointer_cast<const AvroPreamble>(block.preamble);
    TakeBlocks({preamble, &preamble->header}, text, whole, /*is_message=*/false);
  } else if (!text.empty() && rows.OfferFrame(whole)) {
    TakeMessage(whole);
  }
  if (status_.ok()) status_ = ReadStretches();
  stretches_.clear();
  beginnings_.clear();
  auto split = rows.Finish();
  rooms_.clear();
  ARROW_RETURN_NOT_OK(status_);
  return split;
}

/// Each block of a file is a frame; all blocks of a message are the one frame.
void AvroBlockDecoder::TakeBlocks(std::shared_ptr<const AvroHeader> header, std::string_view blocks,
                                  RecordPlace place, bool is_message) {
  const char* const base = blocks.data();
  const uint64_t ordinal = place.frame_ordinal;
  bool is_only = true;
  while (!blocks.empty()) {
    if (blocks == "\n") return;  // What HTTP and replays put behind.
    const size_t byte_count = AvroFrameBytes(blocks, header->sync, /*is_end=*/true);
    const std::string_view bytes = blocks.substr(0, byte_count);
    blocks.remove_prefix(byte_count);
    if (!is_message) {
      place = {.frame_ordinal = ordinal + static_cast<uint64_t>(bytes.data() - base),
               .text = bytes};
      if (!values_.rows().OfferFrame(place)) continue;
    }
    const size_t count_before = stretches_.size();
    const bool is_good = TakeBlock(header, place, bytes, !is_message || is_only);
    if (stretches_.size() > count_before) {
      place.row_in_frame += static_cast<uint32_t>(stretches_.back().record_count);
    }
    if (!is_good) ++place.row_in_frame;
    is_only = false;
  }
}

/// \return false if the block was refused
bool AvroBlockDecoder::TakeBlock(const std::shared_ptr<const AvroHeader>& header,
                                 const RecordPlace& place, std::string_view bytes, bool is_only) {
  const auto refuse = [&](std::string reason) {
    RecordPlace refused = place;
    refused.text = bytes;
    values_.rows().RefuseRecord(refused, kRuleDamaged, std::move(reason), is_only);
    return false;
  };
  AvroDecoder in(bytes);
  const auto block = ReadAvroBlock(in, header->sync);
  if (!block) return refuse("Block of an Avro file is damaged or cut");
  auto& room = rooms_.emplace_back(std::make_unique<std::string>());
  const auto plain = UncompressAvro(header->codec, block->bytes,
                                    kUncompressedBytesMax - uncompressed_bytes_, *room);
  if (!plain.ok()) return refuse(plain.status().message());
  uncompressed_bytes_ += plain->size();
  if (block->record_count > static_cast<int64_t>(plain->size())) {
    return refuse("Block of an Avro file has more records than bytes");
  }
  if (block->record_count == 0) return true;
  Stretch stretch{.place = place,
                  .schema = {header, &header->schema},
                  .bytes = *plain,
                  .sync = header->sync,
                  .record_count = block->record_count,
                  .is_file = true};
  const std::string_view beginning = BeginningOf(*header);
  if (beginning.size() * static_cast<size_t>(block->record_count) <= kBeginningBytesMax) {
    stretch.beginning = beginning;
  }
  stretches_.push_back(std::move(stretch));
  return true;
}

std::string_view AvroBlockDecoder::BeginningOf(const AvroHeader& header) {
  std::string_view& beginning = beginnings_[header.sync];
  if (!beginning.empty()) return beginning;
  AvroEncoder out;
  out.Fixed(AvroHeader::kMagic);
  out.Long(1);  // Without a codec: not compressed.
  out.Bytes("avro.schema");
  out.Bytes(header.metadata.at("avro.schema"));
  out.Long(0);
  out.Fixed(header.sync);
  return beginning = *rooms_.emplace_back(std::make_unique<std::string>(out.bytes()));
}

void AvroBlockDecoder::TakeMessage(const RecordPlace& place) {
  const std::string_view text = place.text;
  if (text.starts_with(AvroHeader::kMagic)) {
    auto header = AvroHeader::Parse(text);
    if (!header.ok()) {
      return values_.rows().RefuseFrame(place, kRuleSchema, header.status().message());
    }
    const std::string_view blocks = text.substr(header->byte_count);
    return TakeBlocks(std::make_shared<const AvroHeader>(*std::move(header)), blocks, place,
                      /*is_message=*/true);
  }
  if (messages_.schema != nullptr) return TakeDatum(place, messages_.schema, text);
  if (text.starts_with('\0')) return TakeNumbered(place);
  values_.rows().RefuseFrame(place, kRuleMagic,
                             "Message is neither a container file nor begins with 0 and the number "
                             "of a schema; for bare records set `schema`");
}

void AvroBlockDecoder::TakeNumbered(const RecordPlace& place) {
  RecordRows& rows = values_.rows();
  if (place.text.size() < kNumberBytes) {
    return rows.RefuseFrame(place, kRuleMagic, "Message is too short for the number of a schema");
  }
  uint32_t id = 0;
  for (size_t i = 1; i < kNumberBytes; ++i) id = id << 8 | static_cast<uint8_t>(place.text[i]);
  if (messages_.registry == nullptr) {
    return rows.RefuseFrame(
        place, kRuleSchema,
        "Message names a schema of a registry, set `registry`, number: " + std::to_string(id));
  }
  if (!status_.ok()) return;
  auto schema = messages_.registry->Get(id);
  if (schema.ok()) {
    return TakeDatum(place, *std::move(schema), place.text.substr(kNumberBytes));
  }
  const ErrorKind kind = KindOf(schema.status());
  if (kind == ErrorKind::kNotFound || kind == ErrorKind::kBadData) {
    return rows.RefuseFrame(place, kRuleSchema, schema.status().message());
  }
  status_ = schema.status();
}

void AvroBlockDecoder::TakeDatum(const RecordPlace& place, SchemaPointer schema,
                                 std::string_view bytes) {
  stretches_.push_back({.place = place, .schema = std::move(schema), .bytes = bytes});
}

const AvroPlan& AvroBlockDecoder::PlanOf(const SchemaPointer& schema) {
  const auto found = plans_.find(schema.get());
  if (found != plans_.end()) return found->second.plan;
  if (plans_.size() >= kPlansMax) plans_.clear();
  return plans_.emplace(schema.get(), Planned{schema, PlanAvro(*schema, values_.columns())})
      .first->second.plan;
}

arrow::Status AvroBlockDecoder::ReadStretches() {
  size_t byte_count = 0;
  bool has_files = false;
  for (const Stretch& stretch : stretches_) {
    has_files = has_files || stretch.is_file;
    byte_count += stretch.is_file
                      ? stretch.bytes.size() + static_cast<size_t>(stretch.record_count) *
                                                   (stretch.beginning.size() + kFrameBytes)
                      : stretch.place.text.size();
  }
  kept_ = nullptr;
  if (has_files) {
    ARROW_ASSIGN_OR_RAISE(std::unique_ptr<arrow::Buffer> kept,
                          arrow::AllocateBuffer(static_cast<int64_t>(byte_count)));
    kept_ = reinterpret_cast<char*>(kept->mutable_data());
    values_.rows().SetBase(std::move(kept));
  }
  for (const Stretch& stretch : stretches_) ReadStretch(stretch);
  return arrow::Status::OK();
}

/// \return the record as it is kept: in a form that can be read alone
std::string_view AvroBlockDecoder::Keep(const Stretch& stretch, std::string_view record) {
  if (!stretch.is_file) record = stretch.place.text;
  if (kept_ == nullptr) return record;
  const char* const begin = kept_;
  const auto append = [this](std::string_view bytes) {
    std::memcpy(kept_, bytes.data(), bytes.size());
    kept_ += bytes.size();
  };
  if (!stretch.beginning.empty()) {
    AvroEncoder sizes;
    sizes.Long(1);
    sizes.Long(static_cast<int64_t>(record.size()));
    append(stretch.beginning);
    append(sizes.bytes());
  }
  append(record);
  if (!stretch.beginning.empty()) append(stretch.sync);
  return {begin, static_cast<size_t>(kept_ - begin)};
}

void AvroBlockDecoder::ReadStretch(const Stretch& stretch) {
  RecordRows& rows = values_.rows();
  const AvroPlan& plan = PlanOf(stretch.schema);
  AvroDecoder in(stretch.bytes);
  RecordPlace place = stretch.place;
  for (int64_t i = 0; i < stretch.record_count; ++i, ++place.row_in_frame) {
    const size_t begin = in.offset();
    rows.StartRow(place);
    const bool is_good = values_.Read(*stretch.schema, plan, in);
    const size_t end = is_good ? in.offset() : stretch.bytes.size();
    rows.SetRowText(Keep(stretch, stretch.bytes.substr(begin, end - begin)));
    if (is_good) continue;
    return rows.RefuseRow(kRuleDamaged,
                          "Record is not as its schema says; what follows in the block is lost "
                          "with it, bytes: " +
                              std::to_string(end - begin));
  }
  const std::string_view rest = stretch.bytes.substr(in.offset());
  if (rest.empty() || rest == "\n") return;
  rows.RefuseRow(kRuleDamaged, "Bytes stand behind the record that its schema does not tell of: " +
                                   std::to_string(rest.size()));
}

}  // namespace catchwater
