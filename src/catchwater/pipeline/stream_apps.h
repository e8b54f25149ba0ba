/// \file
/// The stream apps beside a lake: each a consumer with positions, state and results of its own,
/// which move in the very commits of the lake.
///
///   lanes: StreamLane (a part an app) -> epoch -> Prepare (merge, save, results) -> commit
///          OrderedStreams (rows in source order) -> a cut an epoch ^
///
/// Invariants:
/// 1. An app has seen exactly the rows that the pipeline has in the lake: what is committed of both
///    is committed at once.
/// 2. State that does not prove that (none, another meaning, rows that came by another way) is
///    built anew from the table, at the commit that the positions belong to.
/// 3. An app that is switched off has no part in commits: what it saw since its last one is
///    forgotten. Switched on it is built anew from the table, between two commits of the lake.
/// Source: docs/formats/stream_state.md.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/component/context.h"
#include "catchwater/lake/catalog.h"
#include "catchwater/lake/commit.h"
#include "catchwater/pipeline/app_switches.h"
#include "catchwater/pipeline/epoch.h"
#include "catchwater/pipeline/ordered_streams.h"
#include "catchwater/pipeline/pipeline_telemetry.h"
#include "catchwater/pipeline/plan.h"
#include "catchwater/pipeline/result_diff.h"
#include "catchwater/pipeline/result_table.h"
#include "catchwater/pipeline/stream_lane.h"
#include "catchwater/pipeline/stream_state.h"
#include "catchwater/stream/make_operator.h"

namespace catchwater {

using MakeSinkContext =
    std::function<SinkContext(const StreamConfig&, std::shared_ptr<arrow::Schema>)>;

struct StreamAppsContext {
  Lake& lake;
  std::string state_folder;  ///< Of all apps of the pipeline.
  Fence fence;
  MakeSinkContext sink_context;
  const PipelineTelemetry& telemetry;
  AppSwitches& switches;
  const Clock& clock;
  const std::map<std::string, std::vector<EarlyResults*>>& early;  ///< RunnerContext::early.
};

/// One thread at a time: the runner's between attempts, the committer's during one.
class StreamApps {
 public:
  /// \param schema of the rows after all steps
  /// \retval kConfig if an app does not fit the columns
  static arrow::Result<std::unique_ptr<StreamApps>> Make(
      std::shared_ptr<const PipelinePlan> plan, const std::shared_ptr<arrow::Schema>& schema,
      StreamAppsContext context);

  /// Loads the state of the positions that the ledger holds. \pre the lease is held, the tables
  /// exist
  arrow::Status Restore(Committer& committer);
  /// \pre restored
  arrow::Result<std::unique_ptr<StreamLane>> NewLane();

  /// Takes the epoch's parts into the state and adds positions, state files, account and result
  /// rows to the request. After a failure or a refusal the object must not be used any more, and
  /// the data files of the request are the caller's.
  arrow::Status Prepare(const Epoch& epoch, CommitRequest* request, Committer& committer);
  /// The commit stands.
  void Committed();

  /// The input has ended, for now: commits the results of windows that are open.
  arrow::Status End(Committer& committer);

  /// Writes the results so far to all sinks, of apps with windows those that are new. \return the
  /// first failure; the others are written
  arrow::Status WriteResults();

 private:
  /// One of whole and timed is there: rows in any order, or in that of the source.
  struct App {
    const StreamPlan* plan = nullptr;
    bool is_on = true;  // Its state is that of the last commit.
    std::unique_ptr<MergingOperator> whole;
    std::unique_ptr<MergingOperator> model;  // Beside whole: of the parts that lanes make.
    std::unique_ptr<TimedStream> timed;
    std::string meaning;
    std::unique_ptr<StreamState> state;
    std::unique_ptr<AppMeter> meter;  // Null: nothing is measured.
    StreamStateHead head;
    int64_t watermark_us = EventTime::kNone;  // Of timed, with the commit under way.
    std::vector<std::string> names_next;      // The checkpoint of the commit under way.
    std::vector<std::shared_ptr<const TableState>> tables;
    std::shared_ptr<const TableState> late_table;  // Null: late rows are not kept.
    arrow::RecordBatchVector results_next;         // Of timed: in the commit under way.
    arrow::RecordBatchVector results_new;          // Committed, not in the sinks yet.
    std::vector<int64_t> answered_us;              // StreamCut::answered_us of the same commit.
    std::map<int64_t, Position> positions;         // By partition, as the ledger has them.

    const StreamOperator& op() const {
      if (timed != nullptr) return timed->op();
      return *whole;
    }
  };

  StreamApps(std::shared_ptr<const PipelinePlan> plan, OperatorInput input,
             StreamAppsContext context)
      : plan_(std::move(plan)), input_(std::move(input)), context_(std::move(context)) {}

  arrow::Result<App> MakeApp(const StreamPlan& stream) const;
  arrow::Status MakeOperator(App* app) const;
  arrow::Status MakeTables(App* app) const;
  arrow::Status RestoreApp(App* app, Committer& committer);
  arrow::Result<bool> LoadState(App* app);
  arrow::Status Rebuild(App* app, Committer& committer);
  arrow::Result<bool> HasNoRows() const;
  /// retracts: all results that the table has.
  arrow::Status BeginAnew(App* app, bool retracts, CommitRequest* request);
  /// Null: all results come anew, as other rows.
  arrow::Result<std::unique_ptr<ResultDiff>> DiffOf(const App& app) const;
  arrow::Status AddAnew(const App& app, const arrow::RecordBatchVector& results, ResultDiff* diff,
                        CommitRequest* request) const;
  arrow::Result<PartitionFlow> ReadTable(App* app, ResultDiff* diff, CommitRequest* request) const;
  static void CountResultRows(App* app);  ///< \pre timed, and no lane touches it
  arrow::Status CommitAlone(App* app, CommitRequest* request, Committer& committer) const;
  arrow::Status PreparePositions(App* app, const Epoch& epoch, CommitPlan* plan) const;
  /// Lets the app go or join at this epoch, as it is switched. cut null: it merges, as the i-th.
  arrow::Status Switch(App* app, size_t i, const Epoch& epoch, StreamCut* cut,
                       Committer& committer);
  OrderedStream OrderedOf(const App& app) const;
  const std::vector<EarlyResults*>& EarlyOf(const App& app) const;
  /// Which files of the app's table hold the results of the range.
  static void TellFiles(const App& app, const CommitRequest& request, EarlyRange range,
                        EarlyResults* early);
  bool IsWanted(const App& app) const { return context_.switches.is_on(app.plan->config.name); }
  arrow::Status PrepareMerging(App* app, size_t i, const Epoch& epoch, CommitRequest* request);
  arrow::Status PrepareOrdered(App* app, StreamCut cut, CommitRequest* request);
  arrow::Status SaveMerging(App* app, const MergingOperator& part, CommitRequest* request) const;
  arrow::Status SaveBytes(App* app, const PackedState& state, bool is_base,
                          CommitRequest* request) const;
  void Checkpoint(const App& app, CommitRequest* request) const;
  arrow::Status AddResults(const App& app, const arrow::RecordBatchVector& rows,
                           CommitRequest* request) const;
  arrow::Status Append(const std::shared_ptr<const TableState>& table,
                       const arrow::RecordBatchVector& rows, CommitRequest* request) const;
  arrow::Status WriteResultsOf(App& app) const;

  const std::shared_ptr<const PipelinePlan> plan_;
  const OperatorInput input_;
  const StreamAppsContext context_;
  std::vector<App> apps_;
  std::unique_ptr<OrderedStreams> ordered_;  // Null: no app is, or no lane was made yet.
  int64_t lake_rows_ = 0;  // Of the pipeline, as committed (or in the commit under way).
};

}  // namespace catchwater
