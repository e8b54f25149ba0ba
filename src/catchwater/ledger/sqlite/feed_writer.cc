#include "catchwater/ledger/sqlite/feed_writer.h"

#include "catchwater/base/error.h"

namespace catchwater {

arrow::Result<int64_t> MoveClock(Connection& connection) {
  ARROW_ASSIGN_OR_RAISE(
      const auto seq,
      connection.QueryNumber("UPDATE ledger_clock SET seq = seq + 1 WHERE one = 1 RETURNING seq"));
  if (!seq) return BadData("Ledger is damaged, run `catchwater ledger rebuild`: no clock");
  return *seq;
}

arrow::Result<int64_t> FeedWriter::Seq() {
  if (!seq_) {
    ARROW_ASSIGN_OR_RAISE(seq_, MoveClock(connection_));
  }
  return *seq_;
}

arrow::Status FeedWriter::Add(std::string_view kind, std::string_view object,
                              std::string_view body_json) {
  ARROW_ASSIGN_OR_RAISE(const int64_t seq, Seq());
  return connection_
      .Execute("INSERT INTO change_feed (seq, ordinal, kind, object, body) VALUES (?, ?, ?, ?, ?)",
               {seq, ordinal_next_++, kind, object, body_json})
      .status();
}

arrow::Status FeedWriter::AddWork(WorkMove::Kind kind, std::string_view path,
                                  const WorkEventBody& body) {
  return Add(kind == WorkMove::Kind::kInput ? "input_file" : "data_file", path, ToJson(body));
}

}  // namespace catchwater
