// What became of dead letters. Source: docs/formats/ledger.md, dead letters.
#include <string>
#include <utility>
#include <vector>

#include "catchwater/ledger/sqlite/sqlite_ledger.h"

namespace catchwater {
namespace {

constexpr std::string_view kSelectMarks =
    "SELECT m.dead_letter_id, m.state, m.seq, c.at_us FROM dead_letter_mark m "
    "LEFT JOIN commit_log c ON c.seq = m.seq ";

DeadLetterMark ReadMark(const Row& row) {
  return {.dead_letter_id = row.Text(0),
          .state = row.Text(1),
          .seq = row.Number(2),
          .at_us = row.OptionalNumber(3).value_or(0)};
}

}  // namespace

arrow::Result<std::vector<DeadLetterMark>> SqliteLedger::MarksAmong(
    const std::vector<std::string>& dead_letter_ids) {
  std::vector<DeadLetterMark> marks;
  const std::string sql = std::string(kSelectMarks) + "WHERE m.dead_letter_id = ?";
  for (const std::string& id : dead_letter_ids) {
    ARROW_RETURN_NOT_OK(Read(sql, {id}, [&](const Row& row) {
      marks.push_back(ReadMark(row));
      return arrow::Status::OK();
    }));
  }
  return marks;
}

arrow::Result<std::vector<DeadLetterMark>> SqliteLedger::Marks(int64_t seq_max) {
  std::vector<DeadLetterMark> marks;
  ARROW_RETURN_NOT_OK(Read(std::string(kSelectMarks) + "WHERE m.seq <= ? ORDER BY m.dead_letter_id",
                           {seq_max}, [&](const Row& row) {
                             marks.push_back(ReadMark(row));
                             return arrow::Status::OK();
                           }));
  return marks;
}

arrow::Result<DeadLetterCounts> SqliteLedger::CountMarks(const std::string& pipeline) {
  DeadLetterCounts counts;
  // The id begins with that of the partition.
  ARROW_RETURN_NOT_OK(
      Read("SELECT state = 'replayed', count(*) FROM dead_letter_mark WHERE "
           "CAST(substr(dead_letter_id, 1, instr(dead_letter_id, ':') - 1) AS INTEGER) IN "
           "(SELECT id FROM source_partition WHERE pipeline = ?1 "
           "UNION SELECT partition_id FROM input_pruned WHERE pipeline = ?1) GROUP BY state",
           {pipeline}, [&](const Row& row) {
             (row.Number(0) != 0 ? counts.replayed : counts.discarded) = row.Number(1);
             return arrow::Status::OK();
           }));
  return counts;
}

}  // namespace catchwater
