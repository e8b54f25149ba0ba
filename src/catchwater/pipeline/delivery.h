/// \file
/// One opened sink that follows one table, commit by commit. Made anew after every failure and
/// every change of the table's columns: it knows nothing that the target and the ledger do not.
///
///   sink's mark -> does the ledger still have all behind it? -> follow, or the whole table anew
///
/// Invariants:
/// 1. The mark moves in the target's own step, with the rows. The ledger's copy comes after it.
/// 2. Before anything is decided on the mark, the ledger holds the files behind it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/component/sink.h"
#include "catchwater/lake/catalog.h"
#include "catchwater/lake/scan.h"
#include "catchwater/ledger/delivery.h"
#include "catchwater/pipeline/early_results.h"

namespace catchwater {

/// What is delivered, and how a sink for it is made.
struct DeliveryTask {
  std::string sink;          ///< `pipeline/name`
  std::string table_key;     ///< Exists.
  int64_t batch_bytes = 0;   ///< Of data files in one transaction.
  int64_t rows_at_once = 0;  ///< Between two looks for a stop; 0: as they are read.
  std::function<arrow::Result<std::unique_ptr<Sink>>(std::shared_ptr<arrow::Schema>)> make;
  EarlyResults* early = nullptr;  ///< Rows that come ahead of their commit; null: none do.
};

/// A data file that was delivered, as part of its commit.
struct DeliveredFile {
  int64_t committed_us = 0;
  int64_t row_count = 0;
};

struct DeliveryStep {
  enum class Kind {
    kNothing,        ///< Nothing waits.
    kDelivered,      ///< One transaction.
    kSchemaChanged,  ///< Make another Delivery.
  };
  Kind kind = Kind::kNothing;
  int64_t file_count = 0;
  int64_t row_count = 0;
  std::optional<int64_t> oldest_us;  ///< When the oldest of the delivered commits was made.
  std::vector<DeliveredFile> files;  ///< In the order of commits; empty after a resync.
};

/// One thread at a time.
class Delivery {
 public:
  /// Makes and opens the sink and finds out where it stands.
  static arrow::Result<std::unique_ptr<Delivery>> Open(Lake& lake, DeliveryTask task);
  ~Delivery();

  /// True if the whole table must come: call Resync before Step.
  bool needs_resync() const { return needs_resync_; }
  /// \retval kCancelled on a stop: the next Delivery begins it anew
  arrow::Result<DeliveryStep> Resync(std::stop_token stop);
  /// Delivers what waits, at most one transaction.
  /// \retval kCancelled on a stop: nothing of the step is visible
  arrow::Result<DeliveryStep> Step(std::stop_token stop);

  /// Sends the results that wait now and are not committed, unless committed ones wait.
  /// \return the rows
  arrow::Result<int64_t> SendEarly(std::stop_token stop);

  const DeliveryMark& mark() const { return mark_; }

 private:
  /// What goes into one transaction.
  struct Share {
    std::vector<DeliveryMark> files;
    std::optional<DeliveryMark> mark;
    bool is_all = false;  // Nothing waits behind it.
  };
  Delivery(Lake& lake, DeliveryTask task) : lake_(lake), task_(std::move(task)) {}
  arrow::Status Start();
  arrow::Result<DeliveryMark> FindMark();
  arrow::Status Record(DeliveryMark mark);
  /// What waits, up to the task's bytes; no mark: nothing does.
  arrow::Result<Share> NextShare(DeliveryStep* step);
  /// Merged files first, then by commit: what was appended later overwrites.
  arrow::Result<std::vector<DataFileRecord>> FilesOf(const TableState& table);
  /// \return the rows
  arrow::Result<int64_t> DeliverShare(const TableState& table, const Share& share,
                                      std::stop_token stop);
  arrow::Result<int64_t> TryShare(const TableState& table, const Share& share,
                                  std::stop_token stop);
  arrow::Status Write(const arrow::RecordBatch& rows, std::stop_token stop);
  arrow::Result<int64_t> WriteFile(const TableState& table, const DeliveryMark& file,
                                   std::stop_token stop);

  Lake& lake_;
  const DeliveryTask task_;
  std::shared_ptr<const TableState> table_;  // Whose columns the sink was made for.
  std::unique_ptr<Sink> sink_;
  DeliveryMark mark_;
  bool needs_resync_ = false;
  bool is_caught_up_ = false;  // Nothing was left by the last Step.
};

}  // namespace catchwater
