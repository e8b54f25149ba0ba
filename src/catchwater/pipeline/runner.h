/// \file
/// Keeps one pipeline running: takes its lease, makes attempts, starts again after conflicts.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/clock.h"
#include "catchwater/component/registry.h"
#include "catchwater/io/files.h"
#include "catchwater/lake/catalog.h"
#include "catchwater/lake/commit.h"
#include "catchwater/ledger/ledger.h"
#include "catchwater/pipeline/attempt.h"
#include "catchwater/pipeline/delay_histogram.h"
#include "catchwater/pipeline/early_results.h"
#include "catchwater/pipeline/plan.h"
#include "catchwater/pipeline/unflushed_rows.h"
#include "catchwater/telemetry/telemetry.h"

namespace catchwater {

/// What all runners of a process share; all outlive the runners.
struct RunnerContext {
  Files& files;
  const Clock& clock;
  const Registry& registry;
  Ledger* ledger = nullptr;  ///< Null if no pipeline has a lake.
  Lake* lake = nullptr;
  TableReader* table_reader = nullptr;
  std::string data_folder{};       ///< Of the ledger, the lake and spools; empty without a lake.
  Telemetry* telemetry = nullptr;  ///< Null: nothing is told.
  std::string owner;               ///< Of leases: host, process id, a random part.
  std::ostream& console;           ///< Standard output, for sinks that print.
  bool is_terminal = false;
  std::function<void()> on_commit{};  ///< By the committer's thread; empty: nobody waits for it.
  /// By stream: ways that its results go before they are committed. All of a stream see the same.
  std::map<std::string, std::vector<EarlyResults*>> early{};
};

struct RunnerOptions {
  bool until_idle = false;
  int lane_count = 2;
  int64_t writer_buffer_bytes = 128LL << 20;  ///< Over all lanes.
  int64_t queue_bytes = 48LL << 20;           ///< Over all lanes.
  int64_t unflushed_bytes_max = 32LL << 20;   ///< Over all lanes; 0: none are kept.
  int64_t lease_ms = 15'000;  ///< How long a process that does not answer keeps the pipeline.
};

/// What a pipeline did since it was started; a copy.
struct RunnerReport {
  std::string pipeline;
  std::string state;  ///< waiting_for_lease | running | done | failed
  std::string last_error;
  int64_t frames = 0;
  int64_t rows = 0;
  int64_t rows_committed = 0;
  int64_t dead_letters = 0;
  int64_t commits = 0;
  int64_t restarts = 0;
  std::vector<std::string> dead_letter_samples;  ///< Without a lake: the first few, with places.
  std::vector<AccountRecord> stream_account;     ///< Without a lake: of rows in each stream.
  DelayHistogram buffer_delay;                   ///< Receipt to commit, by row.
  DelayHistogram commit_time;
};

class RunnerCore;

/// Run: one thread. The others: any thread.
class PipelineRunner {
 public:
  PipelineRunner(std::shared_ptr<const PipelinePlan> plan, RunnerContext context,
                 RunnerOptions options);
  ~PipelineRunner();

  /// Returns when the source is at its end, idle (until_idle) or a stop was requested, or with the
  /// error that cannot be healed by starting again.
  arrow::Status Run(std::stop_token stop);

  RunnerReport Report() const;
  /// Takes in which apps the ledger says are on.
  arrow::Status TakeSwitches();
  /// If an app is off: waits for the end of a commit that began before it was.
  /// \return false if it did not end within the time
  bool AwaitCommit(int64_t timeout_us);
  /// Commits what was read so far. \return false if the time ran out
  bool Flush(int64_t timeout_ms);
  /// Held by a commit while it swaps pointers: who holds it sees rows either in the lake or among
  /// the unflushed ones, never in both.
  std::mutex& read_point_mutex();
  /// \pre read_point_mutex is held
  UnflushedRows::View Unflushed() const;
  const PipelinePlan& plan() const;

 private:
  std::unique_ptr<RunnerCore> core_;
};

}  // namespace catchwater
