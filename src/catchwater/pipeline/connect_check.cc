#include "catchwater/pipeline/connect_check.h"

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/pipeline/attribute_columns.h"
#include "catchwater/pipeline/script_results.h"
#include "catchwater/pipeline/step_chain.h"
#include "catchwater/stream/make_operator.h"

namespace catchwater {
namespace {

arrow::Status CheckSource(const PipelinePlan& plan, const ConnectContext& context) {
  const DecodeOptions decode{.columns = AttributeColumns(plan.columns).payload_columns(),
                             .frame_bytes_max = plan.frame_bytes_max};
  ARROW_ASSIGN_OR_RAISE(
      const auto source,
      plan.source.make({.files = context.files,
                        .clock = context.clock,
                        .project_folder = plan.project_folder,
                        .pipeline = plan.name,
                        .data_folder = plan.lake ? context.data_folder : "",
                        .make_framer = [&] { return plan.codec->MakeFramer(decode); },
                        .frame_bytes_max = plan.frame_bytes_max}));
  ARROW_RETURN_NOT_OK(source->Check());
  if (std::string why = source->nothing_found(); !why.empty()) return NotFound(why);
  return source->Close();
}

arrow::Status CheckSink(const ChosenSink& chosen, const SinkContext& context) {
  ARROW_ASSIGN_OR_RAISE(const auto sink, chosen.make(context));
  ARROW_RETURN_NOT_OK(sink->Check());
  return sink->Close();
}

/// Of what a stream gives to its sinks.
arrow::Result<std::shared_ptr<arrow::Schema>> ResultSchema(
    const PipelinePlan& plan, const StreamPlan& stream,
    const std::shared_ptr<arrow::Schema>& input) {
  if (stream.config.script) return ScriptResultSchema(*stream.config.script);
  const OperatorInput rows{.schema = input, .event_time_column = plan.event_time_column()};
  if (IsOrdered(stream.config)) {
    ARROW_ASSIGN_OR_RAISE(const auto timed, MakeTimedStream(stream.config, rows));
    return timed->op().schema();
  }
  ARROW_ASSIGN_OR_RAISE(const auto whole, MakeMergingOperator(stream.config, rows));
  return whole->schema();
}

class Collector {
 public:
  void Add(const std::string& kind, const std::string& name, const ConfigNode& config,
           arrow::Status status) {
    if (status.ok()) return;
    faults_.push_back({kind + " `" + name + "`", config, std::move(status)});
  }
  std::vector<ConnectFault> Take() { return std::move(faults_); }

 private:
  std::vector<ConnectFault> faults_;
};

}  // namespace

arrow::Result<std::vector<ConnectFault>> CheckConnections(const PipelinePlan& plan,
                                                          const ConnectContext& context) {
  ARROW_ASSIGN_OR_RAISE(const StepChain chain,
                        BuildStepChain(plan, /*lane_count=*/1, context.files, context.clock,
                                       /*table_reader=*/nullptr));
  Collector faults;
  faults.Add("source", plan.source.name, plan.source.config, CheckSource(plan, context));
  const auto sink_context = [&](std::shared_ptr<arrow::Schema> schema) {
    return SinkContext{.schema = std::move(schema),
                       .pipeline = plan.name,
                       .files = context.files,
                       .clock = context.clock,
                       .project_folder = plan.project_folder,
                       .registry = context.registry,
                       .console = context.console};
  };
  std::map<std::string, std::shared_ptr<arrow::Schema>> results;  // By stream.
  for (const StreamPlan& stream : plan.streams) {
    ARROW_ASSIGN_OR_RAISE(results[stream.config.name],
                          ResultSchema(plan, stream, chain.output_schema));
  }
  for (const SinkPlan& sink : plan.sinks) {
    if (sink.is_script) continue;
    SinkContext given =
        sink_context(sink.stream.empty() ? chain.output_schema : results.at(sink.stream));
    given.key = sink.key;
    given.stream = sink.stream;
    given.sink = plan.name + "/" + sink.name;
    given.table_key = sink.table_key;
    faults.Add("sink", sink.name, sink.component.config, CheckSink(sink.component, given));
  }
  for (const StreamPlan& stream : plan.streams) {
    for (const ChosenSink& sink : stream.to) {
      SinkContext given = sink_context(results.at(stream.config.name));
      given.key = stream.config.key;
      given.stream = stream.config.name;
      faults.Add("sink", sink.name, sink.config, CheckSink(sink, given));
    }
  }
  return faults.Take();
}

}  // namespace catchwater
