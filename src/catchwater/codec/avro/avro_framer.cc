#include "catchwater/codec/avro/avro_framer.h"

#include <memory>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr size_t kHeaderBytesMax = 16 << 20;
constexpr size_t kBlockBytesMax = 256 << 20;
constexpr size_t kSizesBytesMax = 20;  // Two numbers of 64 bits.

size_t BehindSync(std::string_view bytes, std::string_view sync) {
  const size_t found = bytes.find(sync);
  return found == bytes.npos ? 0 : found + sync.size();
}

std::string_view SyncOf(const Preamble& preamble) {
  return static_cast<const AvroPreamble&>(preamble).header.sync;
}

}  // namespace

size_t AvroFrameBytes(std::string_view bytes, std::string_view sync, bool is_end) {
  AvroDecoder sizes(bytes);
  const int64_t record_count = sizes.Long();
  const int64_t byte_count = sizes.Long();
  const bool is_plausible = sizes.ok() && record_count >= 0 && byte_count >= 0 &&
                            byte_count <= static_cast<int64_t>(kBlockBytesMax);
  const bool is_cut =
      is_plausible ? bytes.size() - sizes.offset() < static_cast<size_t>(byte_count) + sync.size()
                   : !sizes.ok() && bytes.size() < kSizesBytesMax;
  if (is_cut && !is_end) return 0;
  AvroDecoder in(bytes);
  if (ReadAvroBlock(in, sync)) return in.offset();
  const size_t behind = BehindSync(bytes, sync);
  return behind == 0 && is_end ? bytes.size() : behind;
}

arrow::Result<Framer::Head> AvroFramer::ReadHead(std::string_view bytes, bool is_end) {
  Head head;
  const std::string_view begin = bytes.substr(0, AvroHeader::kMagic.size());
  if (!AvroHeader::kMagic.starts_with(begin)) {
    if (has_messages_) return head;
    return BadData("Not an Avro container file: it does not begin with `Obj` and 1");
  }
  if (bytes.empty()) {
    head.needs_more = !is_end;
    return head;
  }
  auto header = AvroHeader::Parse(bytes);
  if (!header.ok()) {
    if (is_end || bytes.size() > kHeaderBytesMax) return header.status();
    head.needs_more = true;
    return head;
  }
  auto preamble = std::make_shared<AvroPreamble>();
  preamble->header = *std::move(header);
  head.byte_count = static_cast<int64_t>(preamble->header.byte_count);
  head.preamble = std::move(preamble);
  return head;
}

int64_t AvroFramer::Cut(std::string_view bytes, bool is_end) {
  return is_end ? static_cast<int64_t>(bytes.size()) : 0;
}

int64_t AvroFramer::CutAfter(const Preamble* preamble, std::string_view bytes, bool is_end) {
  if (preamble == nullptr || is_end) return Cut(bytes, is_end);
  size_t end = 0;
  while (end < bytes.size()) {
    const size_t byte_count = AvroFrameBytes(bytes.substr(end), SyncOf(*preamble),
                                             /*is_end=*/false);
    if (byte_count == 0) break;
    end += byte_count;
  }
  return static_cast<int64_t>(end);
}

int64_t AvroFramer::Resync(std::string_view) { return -1; }

int64_t AvroFramer::ResyncAfter(const Preamble* preamble, std::string_view bytes) {
  if (preamble == nullptr) return -1;
  const size_t behind = BehindSync(bytes, SyncOf(*preamble));
  return behind == 0 ? -1 : static_cast<int64_t>(behind);
}

}  // namespace catchwater
