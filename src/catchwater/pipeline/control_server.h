/// \file
/// What a running program answers to the verbs: its read point, its state, a flush.
///
/// A request is one line of JSON, `{"op": "read_point"}`, `{"op": "status"}`, `{"op": "flush"}` or
/// `{"op": "take_switches"}`: look in the ledger which apps are on;
/// the answer is one line of JSON with `ok`. That of read_point is followed by the unflushed rows
/// of each table as an Arrow IPC stream, whose length stands in the line.
/// Source: docs/formats/control.md.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include <arrow/result.h>
#include <nlohmann/json_fwd.hpp>

#include "catchwater/io/unix_socket.h"
#include "catchwater/pipeline/project_run.h"

namespace catchwater {

/// How the control queues of a pipeline stand: a list. Any thread.
using TellControl = std::function<nlohmann::ordered_json(const std::string& pipeline)>;

/// Owns a thread from Start to its destruction.
class ControlServer {
 public:
  /// tell_control empty: there are none.
  /// \retval kAlreadyExists if another process serves the folder: it answers for both
  static arrow::Result<std::unique_ptr<ControlServer>> Start(const std::string& socket_path,
                                                             ProjectRun& run,
                                                             TellControl tell_control = nullptr);

 private:
  ControlServer(std::unique_ptr<UnixListener> listener, ProjectRun& run, TellControl tell_control);
  void Serve(std::stop_token stop);
  arrow::Status Answer(UnixConnection& connection);

  std::unique_ptr<UnixListener> listener_;
  ProjectRun& run_;
  const TellControl tell_control_;
  std::jthread thread_;
};

/// Asks the program that runs on a data folder for its read point.
/// \return nothing if none runs there
arrow::Result<std::optional<ReadPoint>> AskReadPoint(const std::string& socket_path);

/// Asks for the reports of its pipelines, as JSON. \return nothing if none runs there
arrow::Result<std::optional<std::string>> AskStatus(const std::string& socket_path);

/// Tells it, if one runs there, that the app is about to be switched off (ProjectRun::HoldApp).
arrow::Status TellHold(const std::string& socket_path, const std::string& pipeline,
                       const std::string& app);

/// Tells it that apps were switched; returns when it knows. \return false if none runs there
arrow::Result<bool> TellSwitches(const std::string& socket_path);

/// Asks for its metrics, as Prometheus text. \return nothing if none runs there
arrow::Result<std::optional<std::string>> AskMetrics(const std::string& socket_path);

}  // namespace catchwater
