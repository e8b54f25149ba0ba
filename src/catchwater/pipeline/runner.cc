#include "catchwater/pipeline/runner.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/ledger/names.h"
#include "catchwater/pipeline/lake_destination.h"
#include "catchwater/pipeline/partition_leases.h"
#include "catchwater/pipeline/runner_core_internal.h"
#include "catchwater/pipeline/seed_steps.h"
#include "catchwater/pipeline/timer.h"

namespace catchwater {
namespace {

constexpr int64_t kLeasePollUs = 100'000;
constexpr int kMembersMax = 64;          // Of a group, on one ledger.
constexpr int kUnavailableTriesMax = 5;  // In a row, before `--until-idle` gives up.
constexpr int64_t kBackOffUsMin = 500'000;
constexpr int64_t kBackOffUsMax = 30'000'000;

}  // namespace

arrow::Result<bool> RunnerCore::IsShared() const {
  // The state of a stream app is one, in one process.
  if (!plan_->lake || !plan_->source.is_group || !plan_->streams.empty()) return false;
  // What a step remembers of other rows is of one process: with such steps one works at a time.
  ARROW_ASSIGN_OR_RAISE(const StepChain chain,
                        BuildStepChain(*plan_, /*lane_count=*/1, context_.files, context_.clock,
                                       context_.table_reader));
  return chain.tail == nullptr;
}

arrow::Result<std::string> RunnerCore::MemberName() const {
  if (!plan_->lake || !plan_->source.is_group) return "";
  ARROW_ASSIGN_OR_RAISE(const std::string ledger, context_.ledger->LedgerUuid());
  const size_t slash = fence_.lease.rfind("/member-");
  return ledger.substr(0, 8) + (slash == fence_.lease.npos ? "" : fence_.lease.substr(slash + 7));
}

arrow::Result<bool> RunnerCore::TakeLease(std::stop_token stop) {
  if (!plan_->lake) return true;
  // What the attempt before left in processing is given back, and a commit of it whose outcome is
  // not known can no longer come: the new epoch begins where the ledger stands.
  ARROW_RETURN_NOT_OK(EndLease());
  SetState("waiting_for_lease");
  const std::string name = "pipeline/" + plan_->name;
  std::vector<std::string> names = {name};
  ARROW_ASSIGN_OR_RAISE(const bool is_shared, IsShared());
  if (is_shared) {
    // A member's own lease covers the files that it writes; the partitions have their own.
    leases_ = std::make_unique<PartitionLeases>(*context_.ledger, plan_->name, context_.owner,
                                                options_.lease_ms);
    names.clear();
    for (int i = 0; i < kMembersMax; ++i) names.push_back(name + "/member-" + std::to_string(i));
  }
  while (!stop.stop_requested()) {
    for (const std::string& one : names) {
      ARROW_ASSIGN_OR_RAISE(const auto epoch,
                            context_.ledger->AcquireLease(one, context_.owner, options_.lease_ms));
      if (!epoch) continue;
      fence_ = {.lease = one, .epoch = *epoch};
      telemetry_.LeaseTaken(fence_);
      return true;
    }
    context_.clock.SleepMicros(kLeasePollUs, stop);
  }
  return false;
}

arrow::Status RunnerCore::EndLease() {
  if (fence_.lease.empty()) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(context_.ledger->ReleaseLease(fence_.lease, fence_.epoch));
  fence_ = {};
  return arrow::Status::OK();
}

arrow::Status RunnerCore::Run(std::stop_token stop) {
  while (true) {
    const arrow::Status status = RunUnderLease(stop);
    if (status.ok()) return status;
    if (!Heals(status, stop)) {
      SetState("failed", status.message());
      telemetry_.Failed(status);
      (void)EndLease();
      return WithContext(status, "pipeline `" + plan_->name + "`");
    }
    telemetry_.Restarted(status);
    std::lock_guard lock(mutex_);
    ++report_.restarts;
    report_.last_error = status.message();
  }
}

arrow::Status RunnerCore::RunUnderLease(std::stop_token stop) {
  ARROW_ASSIGN_OR_RAISE(const bool has_lease, TakeLease(stop));
  if (!has_lease) return arrow::Status::OK();
  SetState("running");
  telemetry_.Started();
  ARROW_RETURN_NOT_OK(RunAttempt(stop));
  ARROW_RETURN_NOT_OK(EndLease());
  SetState("done");
  telemetry_.Ended();
  return arrow::Status::OK();
}

bool RunnerCore::Heals(arrow::Status failure, std::stop_token stop) {
  std::shared_ptr<Attempt> attempt;
  {
    std::lock_guard lock(mutex_);
    attempt = std::move(attempt_);
  }
  if (stop.stop_requested() || !plan_->lake) return false;
  if (const auto failed = attempt ? attempt->failed_input() : std::nullopt) {
    telemetry_.InputFailed(failed->reason);
    failure = context_.ledger->FailInput(failed->partition_id, fence_, failed->reason,
                                         failed->is_retryable);
    if (failure.ok()) return true;
  }
  switch (KindOf(failure)) {
    case ErrorKind::kConflict:
      return true;  // The ledger knows better: begin again at its positions.
    case ErrorKind::kUnavailable:
    case ErrorKind::kThrottled:
    case ErrorKind::kCommitUnknown: {  // TakeLease settles it before anything is read again.
      if (++unavailable_tries_ >= kUnavailableTriesMax && options_.until_idle) return false;
      const int64_t wait_us =
          std::min(kBackOffUsMax, kBackOffUsMin << std::min(unavailable_tries_ - 1, 6));
      return context_.clock.SleepMicros(wait_us, stop);
    }
    default:
      return false;
  }
}

arrow::Status RunnerCore::RunAttempt(std::stop_token stop) {
  ARROW_ASSIGN_OR_RAISE(auto attempt, BuildAttempt());
  {
    std::lock_guard lock(mutex_);
    attempt_ = attempt;
  }
  std::stop_source attempt_stop;
  const std::stop_callback forward(stop, [&] { attempt_stop.request_stop(); });
  std::atomic<bool> is_lease_lost{false};
  std::optional<Timer> renewal;
  if (plan_->lake) {
    // A lost lease only ends the attempt sooner: the fence in each commit is what protects.
    renewal.emplace(context_.clock, options_.lease_ms * 1000 / 3, [&] {
      auto renewed = context_.ledger->RenewLease(fence_.lease, fence_.epoch, options_.lease_ms);
      if (renewed.ok() && *renewed && leases_ != nullptr) renewed = leases_->RenewAll();
      if (!renewed.ok() || *renewed) return;
      is_lease_lost = true;
      telemetry_.LeaseLost(fence_);
      attempt_stop.request_stop();
    });
  }
  const arrow::Status ended = attempt->Run(attempt_stop.get_token());
  renewal.reset();
  if (leases_ != nullptr) (void)leases_->ReleaseAll();
  ARROW_RETURN_NOT_OK(ended);
  // Nothing was under way, so no commit was refused; but the source was not read to its end either.
  if (is_lease_lost && !stop.stop_requested()) {
    return Conflict("Lease was lost, name and epoch: ", fence_.lease, ", ", fence_.epoch);
  }
  if (apps_ != nullptr) {
    if (attempt->is_at_end() && !stop.stop_requested()) {
      ARROW_RETURN_NOT_OK(apps_->End(*committer_));
    }
    return apps_->WriteResults();
  }
  if (plan_->streams.empty() || stop.stop_requested()) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(stream_results_->Finish());
  std::lock_guard lock(mutex_);
  report_.stream_account = stream_results_->account();
  return arrow::Status::OK();
}

arrow::Status RunnerCore::PrepareTables(const std::shared_ptr<arrow::Schema>& schema) {
  TableSpec spec = plan_->lake->table;
  spec.schema = plan_->TableSchema(*schema);
  const std::string actor = "pipeline/" + plan_->name;
  ARROW_ASSIGN_OR_RAISE(table_, context_.lake->EnsureTable(spec, actor, {fence_}));
  ARROW_ASSIGN_OR_RAISE(dead_letter_table_,
                        context_.lake->EnsureTable(plan_->lake->dead_letters, actor, {fence_}));
  committer_ = std::make_unique<Committer>(*context_.lake);
  std::lock_guard lock(read_point_mutex_);
  growth_ = nullptr;
  if (plan_->evolves()) {
    growth_ = std::make_shared<TableGrowth>(*context_.lake, std::move(spec), actor, fence_, table_);
  }
  return arrow::Status::OK();
}

arrow::Result<std::unique_ptr<ExtraColumns>> RunnerCore::BuildExtras(
    const DecodeOptions& decode) const {
  if (plan_->new_fields == nullptr) return nullptr;
  ARROW_ASSIGN_OR_RAISE(auto finder, plan_->new_fields->MakeFieldFinder(decode));
  return std::make_unique<ExtraColumns>(std::move(finder), growth_);
}

arrow::Result<std::unique_ptr<Destination>> RunnerCore::BuildDestination(size_t lane) {
  if (!plan_->lake) return std::make_unique<StreamDestination>(stream_results_, lane);
  LakeDestinationOptions options;
  options.writer = {.lease = fence_.lease,
                    .epoch = fence_.epoch,
                    .target_file_bytes = plan_->lake->target_file_bytes,
                    .buffered_bytes_max = options_.writer_buffer_bytes / options_.lane_count / 2};
  options.event_time_column = plan_->event_time_column();
  if (plan_->lake->retain_ms) options.retain_us = *plan_->lake->retain_ms * 1000;
  options.growth = growth_;
  std::shared_ptr<UnflushedRows> unflushed;
  if (options_.unflushed_bytes_max > 0) {
    unflushed = std::make_shared<UnflushedRows>(options_.unflushed_bytes_max / options_.lane_count);
    std::lock_guard lock(read_point_mutex_);
    unflushed_.push_back(unflushed);
  }
  std::unique_ptr<StreamLane> streams;
  if (apps_ != nullptr) {
    ARROW_ASSIGN_OR_RAISE(streams, apps_->NewLane());
  }
  return LakeDestination::Make(*context_.lake, table_, dead_letter_table_, options, unflushed,
                               std::move(streams));
}

arrow::Result<std::vector<std::unique_ptr<Lane>>> RunnerCore::BuildLanes(
    const DecodeOptions& decode, StepChain chain) {
  const LaneContext names{.pipeline = plan_->name,
                          .source = plan_->source.name,
                          .event_time_column = plan_->event_time_column(),
                          .entity_column = plan_->entity_column(),
                          .telemetry = &telemetry_,
                          .apps = app_input_.get()};
  std::vector<std::unique_ptr<Lane>> lanes;
  for (size_t i = 0; i < chain.lanes.size(); ++i) {
    ARROW_ASSIGN_OR_RAISE(auto decoder, plan_->codec->MakeDecoder(decode));
    ARROW_ASSIGN_OR_RAISE(auto contract,
                          ContractKeeper::Make(plan_->contracts, *plan_->codec, decode));
    ARROW_ASSIGN_OR_RAISE(auto extras, BuildExtras(decode));
    ARROW_ASSIGN_OR_RAISE(auto destination, BuildDestination(i));
    RowPath path(AttributeColumns(plan_->columns), std::move(decoder), std::move(chain.lanes[i]),
                 chain.tail, context_.clock, std::move(contract));
    path.TakeUp(std::move(extras));
    lanes.push_back(std::make_unique<Lane>(names, std::move(path), std::move(destination)));
  }
  return lanes;
}

SinkContext RunnerCore::SinkContextOf(const StreamConfig& stream,
                                      std::shared_ptr<arrow::Schema> schema) const {
  return {.schema = std::move(schema),
          .key = stream.key,
          .pipeline = plan_->name,
          .stream = stream.name,
          .files = context_.files,
          .clock = context_.clock,
          .project_folder = plan_->project_folder,
          .registry = context_.registry,
          .console = context_.console,
          .is_terminal = context_.is_terminal};
}

arrow::Status RunnerCore::BuildEnds(const StepChain& chain) {
  const auto sink_context = [this](const StreamConfig& stream,
                                   std::shared_ptr<arrow::Schema> schema) {
    return SinkContextOf(stream, std::move(schema));
  };
  apps_ = nullptr;
  if (!plan_->lake) {
    ARROW_ASSIGN_OR_RAISE(stream_results_, StreamResults::Make(*plan_, chain.output_schema,
                                                               options_.lane_count, sink_context));
    return arrow::Status::OK();
  }
  ARROW_RETURN_NOT_OK(PrepareTables(chain.output_schema));
  if (chain.tail != nullptr) {
    ARROW_RETURN_NOT_OK(SeedSteps(*context_.lake, plan_->lake->table.table_key, *chain.tail));
  }
  if (plan_->streams.empty()) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(TakeSwitches());
  ARROW_ASSIGN_OR_RAISE(
      apps_, StreamApps::Make(plan_, chain.output_schema,
                              {.lake = *context_.lake,
                               .state_folder = context_.data_folder + "/streams/" + plan_->name,
                               .fence = fence_,
                               .sink_context = sink_context,
                               .telemetry = telemetry_,
                               .switches = switches_,
                               .clock = context_.clock,
                               .early = context_.early}));
  return apps_->Restore(*committer_);
}

std::vector<std::string> RunnerCore::BeginInput(std::vector<std::string> parts) {
  app_input_ = nullptr;
  const bool has_apps = plan_->lake && !plan_->streams.empty();
  if (context_.telemetry == nullptr || !has_apps) return parts;
  app_input_ = std::make_unique<AppInput>(context_.telemetry->metrics, context_.clock, plan_->name,
                                          AppNames(*plan_), switches_);
  const auto& known = plan_->source.frame_columns;
  const bool says_when = std::ranges::find(known, AppInput::kEnqueueTime) != known.end() &&
                         std::ranges::find(parts, AppInput::kEnqueueTime) == parts.end();
  if (says_when) parts.emplace_back(AppInput::kEnqueueTime);
  return parts;
}

arrow::Result<std::shared_ptr<Attempt>> RunnerCore::BuildAttempt() {
  if (context_.table_reader == nullptr && context_.lake != nullptr) {
    context_.table_reader = &lake_tables_.emplace(*context_.lake);
  }
  ARROW_RETURN_NOT_OK(raw_->Recover(fence_));
  ARROW_ASSIGN_OR_RAISE(StepChain chain, BuildStepChain(*plan_, options_.lane_count, context_.files,
                                                        context_.clock, context_.table_reader));
  const AttributeColumns columns(plan_->columns);
  DecodeOptions decode{.columns = columns.payload_columns(),
                       .row_origins = chain.needs_row_origins || !columns.frame_columns().empty() ||
                                      plan_->new_fields != nullptr ||
                                      (plan_->lake && !plan_->event_time_column().empty()),
                       .frame_bytes_max = plan_->frame_bytes_max};
  ARROW_ASSIGN_OR_RAISE(std::string member, MemberName());
  const SourceContext source_context{
      .files = context_.files,
      .clock = context_.clock,
      .random_seed = random_.Next(),
      .project_folder = plan_->project_folder,
      .pipeline = plan_->name,
      .data_folder = plan_->lake ? context_.data_folder : "",
      .member = std::move(member),
      .make_framer = [codec = plan_->codec, decode] { return codec->MakeFramer(decode); },
      .frame_bytes_max = plan_->frame_bytes_max,
      .bell = &bell_};
  ARROW_ASSIGN_OR_RAISE(auto source, plan_->source.make(source_context));
  source->SetIdentityAttributes(columns.attribute_names());
  source->SetFrameColumns(BeginInput(columns.frame_column_names()));
  ARROW_RETURN_NOT_OK(source->Check());
  {
    std::lock_guard lock(read_point_mutex_);
    unflushed_.clear();
  }
  ARROW_RETURN_NOT_OK(BuildEnds(chain));
  ARROW_ASSIGN_OR_RAISE(auto lanes, BuildLanes(decode, std::move(chain)));
  const AttemptOptions attempt_options{
      .until_idle = options_.until_idle,
      .flush_every_ms = plan_->lake ? plan_->lake->flush_every_ms : 0,
      .flush_bytes = plan_->lake ? plan_->lake->flush_bytes : 0,
      .flushes_only_at_end = !plan_->lake.has_value(),
      .queue_bytes_max = options_.queue_bytes / options_.lane_count,
      .telemetry = &telemetry_,
      .apps = app_input_.get(),
      .bell = &bell_};
  return std::make_shared<Attempt>(
      attempt_options,
      IntakeOptions{.pipeline = plan_->name,
                    .source = plan_->source.name,
                    .consumer = kLakeConsumer,
                    .fence = fence_,
                    .leases = leases_.get(),
                    .telemetry = context_.telemetry},
      std::move(source), plan_->lake ? context_.ledger : nullptr, context_.clock, std::move(lanes),
      [this](Epoch& epoch) { return Commit(epoch); }, [this](Epoch& epoch) { Discard(epoch); },
      raw_->NewWriter(fence_, &random_));
}

PipelineRunner::PipelineRunner(std::shared_ptr<const PipelinePlan> plan, RunnerContext context,
                               RunnerOptions options)
    : core_(std::make_unique<RunnerCore>(std::move(plan), std::move(context), options)) {}

PipelineRunner::~PipelineRunner() = default;

arrow::Status PipelineRunner::Run(std::stop_token stop) { return core_->Run(stop); }
RunnerReport PipelineRunner::Report() const { return core_->Report(); }
arrow::Status PipelineRunner::TakeSwitches() { return core_->TakeSwitches(); }
bool PipelineRunner::AwaitCommit(int64_t timeout_us) { return core_->AwaitCommit(timeout_us); }
bool PipelineRunner::Flush(int64_t timeout_ms) { return core_->Flush(timeout_ms); }
std::mutex& PipelineRunner::read_point_mutex() { return core_->read_point_mutex_; }
UnflushedRows::View PipelineRunner::Unflushed() const { return core_->Unflushed(); }
const PipelinePlan& PipelineRunner::plan() const { return *core_->plan_; }

}  // namespace catchwater
