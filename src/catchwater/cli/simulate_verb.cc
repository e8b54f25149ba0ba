#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catchwater/base/clock.h"
#include "catchwater/base/duration.h"
#include "catchwater/base/error.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/cli/simulate_send.h"
#include "catchwater/cli/workspace.h"
#include "catchwater/source/simulate/simulate_source.h"

namespace catchwater {
namespace {

struct SimulateArguments {
  SimulateConfig config;
  std::string cadence = "1m";
  std::string late_by = "10m";
  std::string format = "ndjson";
  std::string output;
  uint64_t seed = 1;
  SendArguments send;
};

constexpr int64_t kDefaultFromUs = 1'767'225'600'000'000;  // 2026-01-01T00:00:00Z

arrow::Result<SensorModelOptions> ModelOptionsOf(SimulateArguments arguments) {
  ARROW_ASSIGN_OR_RAISE(arguments.config.cadence, ParseDuration(arguments.cadence));
  ARROW_ASSIGN_OR_RAISE(arguments.config.late_by, ParseDuration(arguments.late_by));
  arguments.config.seed = arguments.seed;
  arguments.config.format =
      arguments.format == "csv" ? SimulateFormat::kCsv : SimulateFormat::kNdjson;
  int64_t from_us = kDefaultFromUs;
  if (!arguments.config.from.empty()) {
    const LocalTime time = ToUtc(ParseIso(arguments.config.from));
    if (time.fault != TimeFault::kNone) {
      return BadData("Time of --from cannot be read, ", TimeFaultText(time.fault), ": ",
                     arguments.config.from);
    }
    from_us = time.us;
  }
  return arguments.config.ModelOptions(from_us);
}

arrow::Status Write(const SensorModelOptions& options, std::ostream& out) {
  constexpr int64_t kBufferBytes = 1 << 20;
  const auto pool = ReadBufferPool::Make(kBufferBytes);
  SensorModel model(options);
  if (options.is_csv) out << model.csv_header();
  std::vector<SensorModel::Record> records;
  int64_t slot = 0;
  while (slot < model.slot_count() && out) {
    ReadBuffer buffer = pool->Take();
    records.clear();
    while (slot < model.slot_count() && buffer.free_count() >= SensorModel::kSlotBytesMax) {
      model.AppendSlot(slot++, /*ordinal_min=*/0, buffer, records);
    }
    out << buffer.view();
    pool->Return(std::move(buffer));
  }
  out.flush();
  return out ? arrow::Status::OK() : Unavailable("Simulated records could not be written");
}

arrow::Status Send(const SensorModelOptions& options, const SendArguments& arguments) {
  const SystemClock clock;
  const int64_t begun_us = clock.MonotonicMicros();
  ARROW_ASSIGN_OR_RAISE(const int64_t sent_count, SendSimulated(options, arguments));
  const double seconds = static_cast<double>(clock.MonotonicMicros() - begun_us) / 1e6;
  std::cerr << "sent " << sent_count << " records in " << seconds << " s ("
            << static_cast<int64_t>(static_cast<double>(sent_count) / std::max(seconds, 1e-6))
            << " a second)\n";
  return arrow::Status::OK();
}

arrow::Status Simulate(const SimulateArguments& arguments) {
  ARROW_ASSIGN_OR_RAISE(const SensorModelOptions options, ModelOptionsOf(arguments));
  if (!arguments.send.to.empty()) return Send(options, arguments.send);
  if (arguments.output.empty()) return Write(options, std::cout);
  std::ofstream file(arguments.output, std::ios::binary | std::ios::trunc);
  if (!file) return Denied("File cannot be written: ", arguments.output);
  return Write(options, file);
}

}  // namespace

void AddSimulateVerb(Command& program, GlobalOptions& /*globals*/) {
  Command& verb = program.Sub("simulate", "Write the records of made-up sensors");
  auto arguments = std::make_shared<SimulateArguments>();
  arguments->config.rows = 1'000;
  SimulateConfig& config = arguments->config;
  verb.Option("--sensors", config.sensors, "How many sensors report").Within(1, 1'000'000);
  verb.Option("--rows", config.rows, "Readings before gaps; 0: without end").AtLeast(0);
  verb.Option("--format", arguments->format, "csv or ndjson").OneOf({"csv", "ndjson"});
  verb.Option("--from", config.from, "Event time of the first reading, ISO 8601");
  verb.Option("--cadence", arguments->cadence, "Time between two readings of a sensor");
  verb.Option("--seed", arguments->seed, "The same seed makes the same records");
  verb.Option("--gap-rate", config.gap_rate, "Share never made").WithinFractions(0, 1);
  verb.Option("--duplicate-rate", config.duplicate_rate, "Share sent twice").WithinFractions(0, 1);
  verb.Option("--late-rate", config.late_rate, "Share that arrives late").WithinFractions(0, 1);
  verb.Option("--late-by", arguments->late_by, "How much later");
  verb.Option("--broken-rate", config.broken_rate, "Share that is broken").WithinFractions(0, 1);
  verb.Option("-o,--output", arguments->output, "Write to this file");
  SendArguments& send = arguments->send;
  verb.Option("--to", send.to, "Send to this broker: kafka://, mqtt://, amqp://host:port");
  verb.Option("--topic", send.topic, "Topic or routing key; {sensor_id} is the record's sensor");
  verb.Option("--exchange", send.exchange, "Of amqp://; without it the topic is a queue");
  verb.Flag("--create", send.create, "Make the topic, queue or exchange if it is not there");
  verb.Option("--workers", send.workers, "Connections that send side by side").Within(1, 64);
  verb.Option("--rate", send.rate, "Records a second over all workers; 0: as fast as can be")
      .WithinFractions(0, 1e9);
  verb.Option("--user", send.user, "User at the broker (Kafka: SCRAM-SHA-512)");
  verb.Option("--password-env", send.password_env, "Variable that holds the password");
  verb.Option("--ca", send.ca, "PEM file of who signs the broker's certificate");
  verb.Runs([arguments] {
    const arrow::Status status = Simulate(*arguments);
    return status.ok() ? ExitCode::kOk : ReportFailure(status);
  });
}

}  // namespace catchwater
