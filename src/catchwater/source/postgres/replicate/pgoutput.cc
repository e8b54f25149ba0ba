#include "catchwater/source/postgres/replicate/pgoutput.h"

#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kEpochUs = 946'684'800'000'000;  // 2000-01-01, since 1970.
// A row has at most 1,600 columns; that many tables can stand in one TRUNCATE of ours.
constexpr uint32_t kColumnsMax = 1'664;
constexpr uint32_t kTruncatedMax = 1 << 20;

/// Reads big-endian numbers and texts; what is not there makes it fail for good.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}

  uint64_t Number(size_t byte_count) {
    const std::string_view taken = Take(byte_count);
    uint64_t number = 0;
    for (const char byte : taken) number = number << 8 | static_cast<uint8_t>(byte);
    return number;
  }
  uint8_t Byte() { return static_cast<uint8_t>(Number(1)); }
  uint16_t Int16() { return static_cast<uint16_t>(Number(2)); }
  uint32_t Int32() { return static_cast<uint32_t>(Number(4)); }
  uint64_t Int64() { return Number(8); }
  /// Microseconds since 1970.
  int64_t Time() { return static_cast<int64_t>(Int64() + static_cast<uint64_t>(kEpochUs)); }
  std::string_view Text() {
    const size_t end = bytes_.find('\0', at_);
    if (end == bytes_.npos) return Fail();
    const std::string_view text = Take(end - at_);
    Take(1);
    return text;
  }
  std::string_view Take(size_t byte_count) {
    if (byte_count > bytes_.size() - at_) return Fail();
    at_ += byte_count;
    return bytes_.substr(at_ - byte_count, byte_count);
  }
  std::string_view Rest() { return Take(bytes_.size() - at_); }
  std::string_view Fail() {
    has_failed_ = true;
    at_ = bytes_.size();
    return {};
  }

  bool has_failed() const { return has_failed_; }
  bool is_at_end() const { return at_ == bytes_.size(); }

 private:
  const std::string_view bytes_;
  size_t at_ = 0;
  bool has_failed_ = false;
};

PgTuple ReadTuple(Reader& reader) {
  const uint32_t count = reader.Int16();
  if (count > kColumnsMax) reader.Fail();
  PgTuple tuple;
  for (uint32_t i = 0; i < count && !reader.has_failed(); ++i) {
    switch (reader.Byte()) {
      case 'n':
        tuple.emplace_back();
        break;
      case 'u':
        tuple.push_back({.kind = PgValue::Kind::kUnchanged});
        break;
      case 't':
        tuple.push_back({.kind = PgValue::Kind::kText, .text = reader.Take(reader.Int32())});
        break;
      default:
        reader.Fail();
    }
  }
  return tuple;
}

PgRelation ReadRelation(Reader& reader) {
  PgRelation relation;
  relation.oid = reader.Int32();
  relation.schema = reader.Text();
  relation.table = reader.Text();
  reader.Byte();  // Its replica identity: the columns say it.
  const uint32_t count = reader.Int16();
  if (count > kColumnsMax) reader.Fail();
  for (uint32_t i = 0; i < count && !reader.has_failed(); ++i) {
    PgRelation::Column& column = relation.columns.emplace_back();
    column.is_identity = (reader.Byte() & 1) != 0;
    column.name = reader.Text();
    column.type_oid = reader.Int32();
    column.type_modifier = static_cast<int32_t>(reader.Int32());
  }
  return relation;
}

PgChange ReadChange(PgChange::Kind kind, Reader& reader) {
  PgChange change{.kind = kind,
                  .relation_oid = reader.Int32(),
                  .before = std::nullopt,
                  .is_before_whole = false,
                  .after = {}};
  uint8_t part = reader.Byte();
  if (kind != PgChange::Kind::kInsert && (part == 'K' || part == 'O')) {
    change.is_before_whole = part == 'O';
    change.before = ReadTuple(reader);
    if (kind == PgChange::Kind::kDelete) return change;
    part = reader.Byte();
  }
  if (part != 'N' || kind == PgChange::Kind::kDelete) {
    reader.Fail();
  } else {
    change.after = ReadTuple(reader);
  }
  return change;
}

PgTruncate ReadTruncate(Reader& reader) {
  const uint32_t count = reader.Int32();
  if (count > kTruncatedMax) reader.Fail();
  reader.Byte();  // CASCADE, RESTART IDENTITY.
  PgTruncate truncate;
  for (uint32_t i = 0; i < count && !reader.has_failed(); ++i) {
    truncate.relation_oids.push_back(reader.Int32());
  }
  return truncate;
}

PgMessage ReadMessage(uint8_t letter, Reader& reader) {
  switch (letter) {
    case 'B': {
      PgBegin begin{.commit_lsn = reader.Int64(), .commit_us = reader.Time()};
      reader.Int32();  // The transaction's id.
      return begin;
    }
    case 'C': {
      reader.Byte();
      PgCommit commit{.commit_lsn = reader.Int64(), .end_lsn = reader.Int64()};
      reader.Int64();
      return commit;
    }
    case 'R':
      return ReadRelation(reader);
    case 'I':
      return ReadChange(PgChange::Kind::kInsert, reader);
    case 'U':
      return ReadChange(PgChange::Kind::kUpdate, reader);
    case 'D':
      return ReadChange(PgChange::Kind::kDelete, reader);
    case 'T':
      return ReadTruncate(reader);
    case 'Y':
    case 'O':
    case 'M':
      reader.Rest();
      return PgOther{};
    default:
      reader.Fail();
      return PgOther{};
  }
}

}  // namespace

arrow::Result<PgMessage> ParsePgOutput(std::string_view bytes) {
  if (bytes.empty()) return BadData("Message of PostgreSQL's pgoutput is empty");
  Reader reader(bytes.substr(1));
  PgMessage message = ReadMessage(static_cast<uint8_t>(bytes[0]), reader);
  if (reader.has_failed() || !reader.is_at_end()) {
    return BadData("Message of PostgreSQL's pgoutput is not well formed, letter and bytes: ",
                   static_cast<int>(static_cast<uint8_t>(bytes[0])), " ", bytes.size());
  }
  return message;
}

arrow::Result<PgWalData> ParsePgWalData(std::string_view bytes) {
  Reader reader(bytes);
  const uint8_t letter = reader.Byte();
  PgWalData data;
  if (letter == 'w') {
    reader.Take(24);  // Where it begins, where the log ends, when it was sent.
    data.message = reader.Rest();
    if (data.message.empty()) reader.Fail();
  } else if (letter == 'k') {
    data.wal_end = reader.Int64();
    reader.Int64();
    data.wants_answer = reader.Byte() != 0;
  } else {
    reader.Fail();
  }
  if (reader.has_failed() || !reader.is_at_end()) {
    return BadData("Message of PostgreSQL's replication is not well formed, letter and bytes: ",
                   static_cast<int>(letter), " ", bytes.size());
  }
  return data;
}

std::string PgStatusUpdate(uint64_t lsn, int64_t now_us, bool wants_answer) {
  std::string bytes = "r";
  const auto add = [&](uint64_t number) {
    for (int shift = 56; shift >= 0; shift -= 8) {
      bytes.push_back(static_cast<char>(number >> shift & 0xFF));
    }
  };
  for (int i = 0; i < 3; ++i) add(lsn);  // Written, flushed, applied.
  add(static_cast<uint64_t>(now_us - kEpochUs));
  bytes.push_back(wants_answer ? 1 : 0);
  return bytes;
}

}  // namespace catchwater
