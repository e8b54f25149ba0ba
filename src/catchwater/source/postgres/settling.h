/// \file
/// Waits until the transactions of a moment have ended, so that a row that commits late with an
/// old value is there before rows with newer values are read.
#pragma once

#include <set>
#include <string>

#include "catchwater/source/postgres/poll_table.h"

namespace catchwater {

/// Which of the transactions that ran at the first look have not ended. One thread at a time.
class Settling {
 public:
  void Begin(const PgTransactions& now);
  /// \return true if all have ended: what they wrote is seen by the next statement
  bool IsDone(const PgTransactions& now);

 private:
  std::set<std::string> running_;
  std::set<std::string> prepared_;
};

}  // namespace catchwater
