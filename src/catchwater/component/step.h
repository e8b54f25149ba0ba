/// \file
/// Seam: select, validate, enrich, derive, deduplicate.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arrow/result.h>
#include <arrow/type.h>

#include "catchwater/batch/batch.h"
#include "catchwater/batch/column.h"
#include "catchwater/batch/sql_rule.h"

namespace catchwater {

/// Something that a step counts beside the account of rows, since its start: for metrics.
struct StepCounter {
  std::string name;  ///< "validate[1].temperature.range.nulled"; a bounded set of words.
  int64_t count = 0;
};

/// Rows -> rows. One thread at a time; a pipeline makes one instance a lane, except for the steps
/// that keep state over batches: those get all batches of the pipeline in source order.
class Step {
 public:
  virtual ~Step() = default;

  /// Applies the step to whole columns. \post good + dead + tallies = rows in.
  virtual arrow::Result<Split> Apply(Batch batch) = 0;

  /// The columns that come out, known before any row flows.
  virtual const std::shared_ptr<arrow::Schema>& output_schema() const = 0;

  /// True: one instance for the pipeline, called in source order.
  virtual bool is_stateful() const { return false; }
  /// True: the step may write dead letters, so rows must carry their origins.
  virtual bool needs_row_origins() const { return false; }

  /// The rules of a step that is nothing but SQL rules, so that neighbours can be run as one
  /// (transform/select/fuse_sql_steps.h); empty for all others.
  virtual std::vector<SqlRule> sql_rules() const { return {}; }

  /// Stateful steps only. Lets the step forget what it learned since the last Committed(): the
  /// rows since then were abandoned.
  virtual void RollBack() {}
  virtual void Committed() {}

  /// What a stateful step rebuilds its state from at start: these columns of the rows in the lake.
  struct SeedRequest {
    std::vector<std::string> columns;
    /// How far back from the greatest event time rows are needed, us.
    int64_t within_us = std::numeric_limits<int64_t>::max();
    /// More rows than this are not needed: the latest ones.
    int64_t row_count_max = std::numeric_limits<int64_t>::max();
  };
  /// Nothing: the step needs no rows.
  virtual std::optional<SeedRequest> seed_request() const { return std::nullopt; }
  /// Takes committed rows (at least the requested columns) before the first Apply; any order, any
  /// number of calls.
  virtual arrow::Status Seed(const arrow::RecordBatch& /*rows*/) { return arrow::Status::OK(); }

  virtual std::vector<StepCounter> counters() const { return {}; }
};

}  // namespace catchwater
