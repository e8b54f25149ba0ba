/// \file
/// Messages of pgoutput as a server writes them: for tests.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace catchwater::pg_bytes {

inline std::string Number(uint64_t number, int byte_count) {
  std::string bytes;
  for (int i = byte_count - 1; i >= 0; --i) bytes += static_cast<char>(number >> (8 * i) & 0xFF);
  return bytes;
}
inline std::string Text(std::string_view text) { return std::string(text) + '\0'; }

inline std::string Begin(uint64_t commit_lsn, int64_t pg_us = 0) {
  return "B" + Number(commit_lsn, 8) + Number(static_cast<uint64_t>(pg_us), 8) + Number(7, 4);
}
inline std::string Commit(uint64_t commit_lsn, uint64_t end_lsn) {
  return "C" + Number(0, 1) + Number(commit_lsn, 8) + Number(end_lsn, 8) + Number(0, 8);
}
struct DescribedColumn {
  std::string name;
  uint32_t type_oid = 25;
  bool is_identity = false;
};
inline std::string Relation(uint32_t oid, const std::vector<DescribedColumn>& columns) {
  std::string bytes =
      "R" + Number(oid, 4) + Text("public") + Text("t") + "d" + Number(columns.size(), 2);
  for (const DescribedColumn& column : columns) {
    bytes += Number(column.is_identity ? 1 : 0, 1) + Text(column.name) +
             Number(column.type_oid, 4) + Number(0xFFFFFFFF, 4);
  }
  return bytes;
}
/// A value; nullopt is null, "\1" is unchanged.
using Values = std::vector<std::optional<std::string>>;
inline std::string Tuple(const Values& values) {
  std::string bytes = Number(values.size(), 2);
  for (const auto& value : values) {
    if (!value) {
      bytes += 'n';
    } else if (*value == "\1") {
      bytes += 'u';
    } else {
      bytes += "t" + Number(value->size(), 4) + *value;
    }
  }
  return bytes;
}
inline std::string Insert(uint32_t oid, const Values& row) {
  return "I" + Number(oid, 4) + "N" + Tuple(row);
}
/// `before_letter`: K or O, with the row before; 0: without.
inline std::string Update(uint32_t oid, const Values& row, char before_letter = 0,
                          const Values& before = {}) {
  std::string bytes = "U" + Number(oid, 4);
  if (before_letter != 0) bytes += before_letter + Tuple(before);
  return bytes + "N" + Tuple(row);
}
inline std::string Delete(uint32_t oid, const Values& before, char before_letter = 'K') {
  return "D" + Number(oid, 4) + before_letter + Tuple(before);
}
inline std::string Truncate(std::initializer_list<uint32_t> oids) {
  std::string bytes = "T" + Number(oids.size(), 4) + Number(0, 1);
  for (const uint32_t oid : oids) bytes += Number(oid, 4);
  return bytes;
}

inline std::string WalData(std::string_view message) {
  return "w" + std::string(24, '\0') + std::string(message);
}
inline std::string Keepalive(uint64_t wal_end, bool wants_answer) {
  return "k" + Number(wal_end, 8) + Number(0, 8) + Number(wants_answer ? 1 : 0, 1);
}

}  // namespace catchwater::pg_bytes
