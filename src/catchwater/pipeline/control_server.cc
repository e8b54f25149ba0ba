#include "catchwater/pipeline/control_server.h"

#include <utility>
#include <vector>

#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"
#include "catchwater/pipeline/app_report_json.h"

namespace catchwater {
namespace {

using Json = nlohmann::ordered_json;

constexpr int64_t kAcceptWaitMs = 60'000;
constexpr int64_t kTimeoutMs = 10'000;
constexpr size_t kRequestBytesMax = 64 << 10;
constexpr size_t kAnswerBytesMax = 16 << 20;

arrow::Result<std::string> ToIpc(const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches) {
  ARROW_ASSIGN_OR_RAISE(auto sink, arrow::io::BufferOutputStream::Create());
  ARROW_ASSIGN_OR_RAISE(auto writer, arrow::ipc::MakeStreamWriter(sink, batches[0]->schema()));
  for (const auto& batch : batches) ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*batch));
  ARROW_RETURN_NOT_OK(writer->Close());
  ARROW_ASSIGN_OR_RAISE(const auto buffer, sink->Finish());
  return buffer->ToString();
}

arrow::Result<std::vector<std::shared_ptr<arrow::RecordBatch>>> FromIpc(std::string bytes) {
  const auto source =
      std::make_shared<arrow::io::BufferReader>(arrow::Buffer::FromString(std::move(bytes)));
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::ipc::RecordBatchStreamReader::Open(source));
  return reader->ToRecordBatches();
}

arrow::Status AnswerReadPoint(UnixConnection& connection, ProjectRun& run) {
  ARROW_ASSIGN_OR_RAISE(const ReadPoint point, run.TakeReadPoint());
  Json answer{{"ok", true}, {"seq", point.seq}, {"tables", point.metadata_location}};
  answer["unflushed"] = Json::array();
  std::string streams;
  for (const auto& [table_key, batches] : point.unflushed) {
    ARROW_ASSIGN_OR_RAISE(const std::string stream, ToIpc(batches));
    answer["unflushed"].push_back({{"table", table_key}, {"bytes", stream.size()}});
    streams += stream;
  }
  ARROW_RETURN_NOT_OK(connection.Write(answer.dump() + "\n"));
  return connection.Write(streams);
}

Json ToJson(const std::vector<SinkReport>& reports) {
  Json sinks = Json::array();
  for (const SinkReport& report : reports) {
    sinks.push_back({{"sink", report.sink},
                     {"kind", report.kind},
                     {"state", report.state},
                     {"lag_ms", report.lag_ms},
                     {"rows", report.rows},
                     {"files", report.files},
                     {"transactions", report.transactions},
                     {"resyncs", report.resyncs},
                     {"last_error", report.last_error}});
  }
  return sinks;
}

Json ToJson(const std::vector<AppReport>& reports) {
  Json apps = Json::array();
  for (const AppReport& report : reports) apps.push_back(AppReportJson(report));
  return apps;
}

arrow::Status AnswerMetrics(UnixConnection& connection, ProjectRun& run) {
  ARROW_ASSIGN_OR_RAISE(const std::string text, run.MetricsText());
  ARROW_RETURN_NOT_OK(connection.Write(Json{{"ok", true}, {"bytes", text.size()}}.dump() + "\n"));
  return connection.Write(text);
}

Json StatusOf(const ProjectRun& run, const TellControl& tell_control) {
  Json pipelines = Json::array();
  for (const RunnerReport& report : run.Reports()) {
    pipelines.push_back({{"pipeline", report.pipeline},
                         {"state", report.state},
                         {"rows", report.rows},
                         {"rows_committed", report.rows_committed},
                         {"dead_letters", report.dead_letters},
                         {"commits", report.commits},
                         {"restarts", report.restarts},
                         {"last_error", report.last_error},
                         {"sinks", ToJson(run.SinkReports(report.pipeline))},
                         {"apps", ToJson(run.AppReports(report.pipeline))}});
    if (tell_control) pipelines.back()["control"] = tell_control(report.pipeline);
  }
  return {{"ok", true}, {"pipelines", std::move(pipelines)}};
}

/// Sends the request and reads the line of the answer. Nothing: nobody is there.
arrow::Result<std::optional<std::pair<std::unique_ptr<UnixConnection>, Json>>> Ask(
    const std::string& socket_path, const Json& request) {
  auto connected = UnixConnection::Connect(socket_path, kTimeoutMs);
  if (!connected.ok() && KindOf(connected.status()) == ErrorKind::kNotFound) return std::nullopt;
  ARROW_RETURN_NOT_OK(connected.status());
  ARROW_RETURN_NOT_OK((*connected)->Write(request.dump() + "\n"));
  ARROW_ASSIGN_OR_RAISE(const std::string line, (*connected)->ReadLine(kAnswerBytesMax));
  Json answer = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (answer.is_discarded() || !answer.value("ok", false)) {
    return Unavailable("Running program answered: ", line);
  }
  return std::pair(*std::move(connected), std::move(answer));
}

}  // namespace

ControlServer::ControlServer(std::unique_ptr<UnixListener> listener, ProjectRun& run,
                             TellControl tell_control)
    : listener_(std::move(listener)),
      run_(run),
      tell_control_(std::move(tell_control)),
      thread_([this](std::stop_token stop) { Serve(stop); }) {}

arrow::Result<std::unique_ptr<ControlServer>> ControlServer::Start(const std::string& socket_path,
                                                                   ProjectRun& run,
                                                                   TellControl tell_control) {
  ARROW_ASSIGN_OR_RAISE(auto listener, UnixListener::Listen(socket_path));
  return std::unique_ptr<ControlServer>(
      new ControlServer(std::move(listener), run, std::move(tell_control)));
}

void ControlServer::Serve(std::stop_token stop) {
  const std::stop_callback interrupt(stop, [this] { listener_->Interrupt(); });
  while (!stop.stop_requested()) {
    auto connection = listener_->Accept(kAcceptWaitMs, kTimeoutMs);
    if (!connection.ok() || *connection == nullptr) continue;
    const arrow::Status status = Answer(**connection);
    if (status.ok()) continue;
    // If even this does not reach the other side, it is gone.
    static_cast<void>(
        (*connection)->Write(Json{{"ok", false}, {"error", status.message()}}.dump() + "\n"));
  }
}

arrow::Status ControlServer::Answer(UnixConnection& connection) {
  ARROW_ASSIGN_OR_RAISE(const std::string line, connection.ReadLine(kRequestBytesMax));
  const Json request = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  const std::string op = request.is_object() ? request.value("op", "") : "";
  if (op == "read_point") return AnswerReadPoint(connection, run_);
  if (op == "metrics") return AnswerMetrics(connection, run_);
  if (op == "status") return connection.Write(StatusOf(run_, tell_control_).dump() + "\n");
  if (op == "flush") {
    const bool is_flushed = run_.Flush(kTimeoutMs);
    return connection.Write(Json{{"ok", is_flushed}}.dump() + "\n");
  }
  if (op == "hold_app") {
    run_.HoldApp(request.value("pipeline", ""), request.value("app", ""));
    return connection.Write(Json{{"ok", true}}.dump() + "\n");
  }
  if (op == "take_switches") {
    ARROW_RETURN_NOT_OK(run_.TakeSwitches());
    return connection.Write(Json{{"ok", true}}.dump() + "\n");
  }
  return BadData(
      "Unknown request, known are read_point, status, metrics, flush, hold_app, take_switches: ",
      op);
}

arrow::Result<std::optional<ReadPoint>> AskReadPoint(const std::string& socket_path) {
  ARROW_ASSIGN_OR_RAISE(auto asked, Ask(socket_path, {{"op", "read_point"}}));
  if (!asked) return std::nullopt;
  auto& [connection, answer] = *asked;
  ReadPoint point;
  point.seq = answer.value("seq", int64_t{0});
  for (const auto& [table_key, location] : answer["tables"].items()) {
    point.metadata_location[table_key] = location.get<std::string>();
  }
  for (const Json& part : answer["unflushed"]) {
    ARROW_ASSIGN_OR_RAISE(std::string bytes, connection->Read(part["bytes"].get<size_t>()));
    ARROW_ASSIGN_OR_RAISE(point.unflushed[part["table"].get<std::string>()],
                          FromIpc(std::move(bytes)));
  }
  return point;
}

arrow::Result<std::optional<std::string>> AskStatus(const std::string& socket_path) {
  ARROW_ASSIGN_OR_RAISE(auto asked, Ask(socket_path, {{"op", "status"}}));
  if (!asked) return std::nullopt;
  return asked->second["pipelines"].dump();
}

arrow::Status TellHold(const std::string& socket_path, const std::string& pipeline,
                       const std::string& app) {
  return Ask(socket_path, {{"op", "hold_app"}, {"pipeline", pipeline}, {"app", app}}).status();
}

arrow::Result<bool> TellSwitches(const std::string& socket_path) {
  ARROW_ASSIGN_OR_RAISE(const auto asked, Ask(socket_path, {{"op", "take_switches"}}));
  return asked.has_value();
}

arrow::Result<std::optional<std::string>> AskMetrics(const std::string& socket_path) {
  ARROW_ASSIGN_OR_RAISE(auto asked, Ask(socket_path, {{"op", "metrics"}}));
  if (!asked) return std::nullopt;
  auto& [connection, answer] = *asked;
  ARROW_ASSIGN_OR_RAISE(std::string text, connection->Read(answer["bytes"].get<size_t>()));
  return text;
}

}  // namespace catchwater
