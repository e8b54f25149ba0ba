/// \file
/// Which stream apps of a pipeline are switched on. The ledger holds the switches: they outlive the
/// program and hold for every process that may run the pipeline.
/// Source: docs/formats/ledger.md, checkpoints.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/ledger/ledger.h"

namespace catchwater {

/// Whether the app is on, by its name; an app that was never switched is on and lacks.
using AppStates = std::map<std::string, bool>;

arrow::Result<AppStates> ReadAppStates(Ledger& ledger, const std::string& pipeline);

/// Durable when it returns. A program that runs takes it in when it is told, at the latest with its
/// next commit. commit_id: never used before
arrow::Status WriteAppState(Ledger& ledger, const std::string& pipeline, const std::string& app,
                            bool is_on, const std::string& commit_id);

/// What a running pipeline was told. Any thread.
class AppSwitches {
 public:
  explicit AppSwitches(std::string pipeline, const std::vector<std::string>& apps);

  /// Takes in what the ledger says.
  arrow::Status Read(Ledger& ledger);
  /// \pre one of apps
  bool is_on(const std::string& app) const { return is_on_.at(app); }
  bool are_all_on() const;

 private:
  const std::string pipeline_;
  std::map<std::string, std::atomic<bool>, std::less<>> is_on_;  // Its keys never change.
};

}  // namespace catchwater
