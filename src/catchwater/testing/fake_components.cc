#include "catchwater/testing/fake_components.h"

#include <memory>
#include <utility>

namespace catchwater::testing {

arrow::Status RegisterFakes(Registry& registry) {
  const auto no_source = [](const auto&, const SourceContext&) {
    return arrow::Result<std::unique_ptr<Source>>(ConfigError("Fake source cannot be made"));
  };
  const auto no_step = [](const auto&, const StepContext&) {
    return arrow::Result<std::unique_ptr<Step>>(ConfigError("Fake step cannot be made"));
  };
  const auto no_sink = [](const auto&, const SinkContext&) {
    return arrow::Result<std::unique_ptr<Sink>>(ConfigError("Fake sink cannot be made"));
  };
  const auto csv = [](FakeCsvConfig config) -> arrow::Result<std::unique_ptr<Codec>> {
    return std::make_unique<FakeCodec>(std::move(config));
  };
  const auto json = [](FakeEmptyConfig) -> arrow::Result<std::unique_ptr<Codec>> {
    return std::make_unique<FakeCodec>(FakeCsvConfig{});
  };
  ARROW_RETURN_NOT_OK(
      registry.AddSource<FakeFileConfig>({.name = "file", .summary = "Reads files."}, no_source));
  ARROW_RETURN_NOT_OK(registry.AddSource<FakeEmptyConfig>(
      {.name = "simulate", .summary = "Makes rows up."}, no_source));
  ARROW_RETURN_NOT_OK(registry.AddCodec<FakeCsvConfig>({.name = "csv", .summary = "CSV."}, csv));
  ARROW_RETURN_NOT_OK(
      registry.AddCodec<FakeEmptyConfig>({.name = "json", .summary = "JSON."}, json));
  ARROW_RETURN_NOT_OK(registry.AddStep<FakeSelectConfig>(
      {.name = "select", .summary = "Keeps some rows."}, no_step));
  ARROW_RETURN_NOT_OK(registry.AddStep<FakeValidateConfig>(
      {.name = "validate", .summary = "Checks rows."}, no_step));
  ARROW_RETURN_NOT_OK(
      registry.AddStep<FakeEnrichConfig>({.name = "enrich", .summary = "Adds columns."}, no_step));
  ARROW_RETURN_NOT_OK(
      registry.AddSink<FakeEmptyConfig>({.name = "console", .summary = "Prints rows."}, no_sink));
  return registry.AddSink<FakePostgresConfig>(
      {.name = "postgres", .summary = "Writes a table.", .details = "Rows are inserted."}, no_sink);
}

}  // namespace catchwater::testing
