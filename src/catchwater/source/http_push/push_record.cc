#include "catchwater/source/http_push/push_record.h"

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr char kVersion = 1;
constexpr uint64_t kNull = 0xFFFFFFFF;

void AppendNumber(uint64_t value, int byte_count, std::string* bytes) {
  for (int i = 0; i < byte_count; ++i) {
    bytes->push_back(static_cast<char>(static_cast<uint8_t>(value >> (8 * i))));
  }
}

/// Takes from the front; once something is missing, everything is.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : rest_(bytes) {}

  uint64_t Number(size_t byte_count) {
    const std::string_view bytes = Bytes(byte_count);
    uint64_t value = 0;
    for (size_t i = bytes.size(); i-- > 0;) value = value << 8 | static_cast<uint8_t>(bytes[i]);
    return value;
  }
  std::string_view Bytes(uint64_t byte_count) {
    is_good_ &= byte_count <= rest_.size();
    if (!is_good_) return {};
    const std::string_view bytes = rest_.substr(0, byte_count);
    rest_.remove_prefix(byte_count);
    return bytes;
  }
  std::string_view rest() const { return rest_; }
  bool is_good() const { return is_good_; }

 private:
  std::string_view rest_;
  bool is_good_ = true;
};

}  // namespace

std::string EncodePushRecord(const PushRecord& record) {
  std::string bytes;
  bytes.reserve(record.body.size() + 64);
  bytes.push_back(kVersion);
  bytes.push_back(record.key ? 1 : 0);
  AppendNumber(static_cast<uint64_t>(record.receive_us), 8, &bytes);
  if (record.key) {
    AppendNumber(record.key->key.low, 8, &bytes);
    AppendNumber(record.key->key.high, 8, &bytes);
    AppendNumber(record.key->body_hash, 8, &bytes);
  }
  AppendNumber(record.fields.size(), 2, &bytes);
  for (const auto& [name, value] : record.fields) {
    AppendNumber(name.size(), 2, &bytes);
    bytes += name;
    AppendNumber(value ? value->size() : kNull, 4, &bytes);
    if (value) bytes += *value;
  }
  bytes += record.body;
  return bytes;
}

arrow::Result<PushRecord> DecodePushRecord(std::string_view bytes) {
  Taker taker(bytes);
  PushRecord record;
  const uint64_t version = taker.Number(1);
  const uint64_t has_key = taker.Number(1);
  if (version != kVersion || has_key > 1) {
    return BadData("Record of the spool is of a version that this program does not know: ",
                   version);
  }
  record.receive_us = static_cast<int64_t>(taker.Number(8));
  if (has_key == 1) {
    PushKey key;
    key.key.low = taker.Number(8);
    key.key.high = taker.Number(8);
    key.body_hash = taker.Number(8);
    record.key = key;
  }
  const uint64_t field_count = taker.Number(2);
  for (uint64_t i = 0; i < field_count && taker.is_good(); ++i) {
    const std::string name(taker.Bytes(taker.Number(2)));
    const uint64_t size = taker.Number(4);
    std::optional<std::string> value;
    if (size != kNull) value = std::string(taker.Bytes(size));
    record.fields.emplace_back(name, std::move(value));
  }
  if (!taker.is_good()) return BadData("Record of the spool is cut short, bytes: ", bytes.size());
  record.body = taker.rest();
  return record;
}

}  // namespace catchwater
