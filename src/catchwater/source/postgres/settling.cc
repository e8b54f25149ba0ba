#include "catchwater/source/postgres/settling.h"

#include <algorithm>

namespace catchwater {
namespace {

/// Leaves those that are there now. \return how many are gone
size_t Keep(std::set<std::string>& waiting, const std::vector<std::string>& now) {
  return std::erase_if(waiting, [&](const std::string& id) {
    return std::find(now.begin(), now.end(), id) == now.end();
  });
}

}  // namespace

void Settling::Begin(const PgTransactions& now) {
  running_ = {now.running.begin(), now.running.end()};
  prepared_ = {now.prepared.begin(), now.prepared.end()};
}

bool Settling::IsDone(const PgTransactions& now) {
  Keep(prepared_, now.prepared);
  // One that is gone may have been prepared: that is no end.
  if (Keep(running_, now.running) > 0) prepared_.insert(now.prepared.begin(), now.prepared.end());
  return running_.empty() && prepared_.empty();
}

}  // namespace catchwater
