#include "catchwater/source/amqp/amqp_source.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/source/amqp/amqp_source_internal.h"

namespace catchwater {
namespace {

constexpr int64_t kLingerUs = 1'000;
constexpr std::string_view kTokenMark = "mark=";

std::optional<int64_t> TimeOfStart(const std::string& start) {
  LocalTime time = ParseIso(start);
  if (time.fault == TimeFault::kNone) time = ToUtc(time);
  if (time.fault != TimeFault::kNone) return std::nullopt;
  return time.us / 1'000'000;
}

std::optional<uint64_t> MarkOf(std::string_view token) {
  if (!token.starts_with(kTokenMark)) return std::nullopt;
  token.remove_prefix(kTokenMark.size());
  uint64_t mark = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), mark);
  return error == std::errc() ? std::optional(mark) : std::nullopt;
}

}  // namespace

arrow::Status AmqpSourceConfig::Check() const {
  ARROW_RETURN_NOT_OK(broker.CheckBroker());
  for (const std::string& queue : queues) {
    if (queue.empty() || queue.size() > 255) {
      return ConfigError("`queues` has a name that is empty or longer than 255 bytes");
    }
  }
  if (start != "earliest" && start != "latest" && !TimeOfStart(start)) {
    return ConfigError("`start` is `earliest`, `latest` or an ISO 8601 time, not: ", start);
  }
  if (is_stream() && delivery == AmqpDelivery::kAtMostOnce) {
    return ConfigError("`delivery: at_most_once` is not of streams: they are read exactly once");
  }
  if (!is_stream() && start != "earliest") {
    return ConfigError("`start` is of streams: other queues have only what nobody took yet");
  }
  for (const auto& [name, value] : arguments) {
    if (name == "x-queue-type") return ConfigError("`x-queue-type` is the option `type`");
  }
  return arrow::Status::OK();
}

arrow::Result<std::unique_ptr<AmqpSource>> AmqpSource::Make(const AmqpSourceConfig& config,
                                                            const SourceContext& context) {
  ARROW_RETURN_NOT_OK(config.Check());
  ARROW_ASSIGN_OR_RAISE(
      AmqpOptions connection,
      config.broker.Options(context.project_folder, "catchwater " + context.pipeline));
  return std::unique_ptr<AmqpSource>(new AmqpSource(config, context, std::move(connection)));
}

AmqpSource::AmqpSource(const AmqpSourceConfig& config, const SourceContext& context,
                       AmqpOptions connection)
    : config_(config), context_(context), connection_(std::move(connection)) {}

arrow::Status AmqpSource::Check() {
  ARROW_ASSIGN_OR_RAISE(const auto connection, AmqpConnection::Connect(connection_));
  missing_.clear();
  for (const std::string& queue : config_.queues) {
    const arrow::Status found = connection->CountMessages(queue).status();
    if (found.ok()) continue;
    if (KindOf(found) != ErrorKind::kNotFound) return found;
    if (!config_.create) {
      return NotFound("AMQP queue does not exist; make it, or set `create: true` (durable, type ",
                      WordOf(config_.type), "): ", queue);
    }
    missing_.push_back(queue);
  }
  connection->Close();
  return arrow::Status::OK();
}

arrow::Status AmqpSource::MakeMissing() {
  if (missing_.empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const auto connection, AmqpConnection::Connect(connection_));
  AmqpArguments arguments = config_.arguments;
  arguments.emplace_back("x-queue-type", WordOf(config_.type));
  for (const std::string& queue : missing_) {
    ARROW_RETURN_NOT_OK(connection->MakeQueue(queue, arguments));
    for (const AmqpBindingConfig& binding : config_.bindings) {
      ARROW_RETURN_NOT_OK(connection->Bind(queue, binding.exchange, binding.routing_key));
    }
  }
  connection->Close();
  missing_.clear();
  return arrow::Status::OK();
}

arrow::Result<std::vector<Offer>> AmqpSource::Discover() {
  ARROW_RETURN_NOT_OK(MakeMissing());
  std::vector<Offer> offers;
  for (const std::string& queue : config_.queues) {
    offers.push_back({.name = queue,
                      .incarnation = "",
                      .attributes = std::make_shared<const Attributes>(),
                      .file = std::nullopt,
                      .is_bounded = false});
  }
  return offers;
}

AmqpConsumeOptions AmqpSource::StartOptions() const {
  AmqpConsumeOptions options;
  if (!config_.is_stream()) return options;
  options.stream_time_s = TimeOfStart(config_.start);
  if (config_.start == "earliest") options.stream_word = "first";
  if (config_.start == "latest") options.stream_word = "next";
  return options;
}

arrow::Status AmqpSource::Open(const Offer& offer, int64_t partition_id,
                               const Position& resume_at) {
  CATCHWATER_CHECK(intake_ == nullptr, "all queues are opened before the first is read");
  AmqpReading reading{.queue = offer.name, .start = StartOptions()};
  Reader reader{.id = partition_id, .next_ordinal = resume_at.ordinal};
  if (config_.is_stream()) {
    reader.is_new = resume_at.ordinal == 0;
    if (!reader.is_new) reading.next_offset = resume_at.ordinal;
    reading.previous_mark = MarkOf(resume_at.token);
  }
  by_id_[partition_id] = readers_.size();
  readers_.push_back(std::move(reader));
  readings_.push_back(std::move(reading));
  return arrow::Status::OK();
}

void AmqpSource::StartIntake() {
  const bool is_at_most_once = config_.delivery == AmqpDelivery::kAtMostOnce;
  intake_ = std::make_unique<AmqpIntake>(
      AmqpIntakeOptions{.connection = connection_,
                        .is_stream = config_.is_stream(),
                        .is_unacknowledged = is_at_most_once,
                        .prefetch = static_cast<uint16_t>(config_.prefetch),
                        .fields = fields_,
                        .frame_bytes_max = context_.frame_bytes_max,
                        .bell = context_.bell},
      readings_, context_.clock, Random(context_.random_seed));
  intake_->Start();
}

// What an ended session delivered can be acknowledged no more, and comes again: as long as it is
// not committed it is dropped, so that it is not there twice.
arrow::Status AmqpSource::NoteSession(int64_t session) {
  if (session == session_) return arrow::Status::OK();
  session_ = session;
  if (!is_acknowledged()) return arrow::Status::OK();
  for (const Reader& reader : readers_) {
    if (reader.delivered.empty()) continue;
    return Conflict("AMQP connection was lost; what was read and not committed comes again, ",
                    "broker and messages: ", connection_.Address(), " ", reader.delivered_count);
  }
  return arrow::Status::OK();
}

bool AmqpSource::IsCommitDue() const {
  return is_acknowledged() && !context_.data_folder.empty() &&
         std::any_of(readers_.begin(), readers_.end(), [&](const Reader& reader) {
           return reader.delivered_count >= config_.prefetch / 2;
         });
}

arrow::Result<NextResult> AmqpSource::Next(std::stop_token stop) {
  if (stop.stop_requested() || readings_.empty()) return NotYet{};
  if (intake_ == nullptr) StartIntake();
  if (ready_.empty()) {
    // The broker waits for acknowledgements: nobody gives partitions away, but what was read is
    // committed.
    if (IsCommitDue()) return PartitionsRevoked{};
    auto batch = intake_->Take();
    ARROW_RETURN_NOT_OK(NoteSession(batch ? batch->session() : intake_->session()));
    if (batch) ARROW_RETURN_NOT_OK(Deliver(*std::move(batch)));
  }
  if (!ready_.empty()) {
    NextResult next = std::move(ready_.front());
    ready_.pop_front();
    return next;
  }
  ARROW_RETURN_NOT_OK(intake_->failure());
  context_.clock.SleepMicros(kLingerUs, stop);
  return NotYet{};
}

arrow::Status AmqpSource::SkipTo(Reader& reader, const std::string& queue, uint64_t offset) {
  const int64_t lost = reader.is_new ? 0 : static_cast<int64_t>(offset - reader.next_ordinal);
  const std::string place = queue + ", position " + std::to_string(reader.next_ordinal) +
                            ", the first message there is " + std::to_string(offset);
  if (lost > 0 && config_.on_gap == AmqpOnGap::kFail) {
    ready_.emplace_back(PartitionFailed{
        .partition_id = reader.id,
        .reason = "Gap: up to " + std::to_string(lost) +
                  " messages were deleted before they were read; keep them longer in the stream, "
                  "and set `on_gap: skip` to go on behind the gap: " +
                  place,
        .is_retryable = false});
    return arrow::Status::OK();
  }
  ready_.emplace_back(Skip{
      .partition_id = reader.id,
      .to = {.ordinal = offset, .token = ""},
      .frames_lost = lost,
      .reason = lost == 0 ? "start" : "messages were deleted before they were read: " + place});
  reader.next_ordinal = offset;
  return arrow::Status::OK();
}

arrow::Status AmqpSource::Deliver(AmqpBatch batch) {
  Reader& reader = readers_[batch.queue()];
  const std::string& queue = readings_[batch.queue()].queue;
  const bool is_stream = batch.has_offsets();
  if (is_stream && batch.begin_offset() > reader.next_ordinal) {
    ARROW_RETURN_NOT_OK(SkipTo(reader, queue, batch.begin_offset()));
  }
  reader.is_new = false;
  const Position from{.ordinal = reader.next_ordinal, .token = ""};
  const int64_t message_count = batch.message_count();
  Position to{
      .ordinal =
          is_stream ? batch.last_offset() + 1 : from.ordinal + static_cast<uint64_t>(message_count),
      .token = is_stream ? std::string(kTokenMark) + std::to_string(batch.last_mark()) : ""};
  const Delivered delivered{.behind = to.ordinal,
                            .tag = batch.last_tag(),
                            .message_count = message_count,
                            .is_rejected = batch.is_rejected()};
  ARROW_ASSIGN_OR_RAISE(Block block, batch.Finish(from.ordinal));
  reader.next_ordinal = to.ordinal;
  block.origin.range = {.partition_id = reader.id, .from = from, .to = std::move(to)};
  ready_.emplace_back(std::move(block));
  if (!is_acknowledged()) return arrow::Status::OK();
  reader.delivered.push_back(delivered);
  reader.delivered_count += message_count;
  return arrow::Status::OK();
}

// Idle only while the broker is there and has nothing more.
int64_t AmqpSource::pending_count() const {
  if (intake_ == nullptr) return 0;
  return intake_->has_waiting() || intake_->quiet_us() < config_.quiet.us() ? 1 : 0;
}

arrow::Status AmqpSource::Acknowledge(int64_t partition_id, const Position& position) {
  const auto found = by_id_.find(partition_id);
  if (found == by_id_.end() || intake_ == nullptr) return arrow::Status::OK();
  Reader& reader = readers_[found->second];
  uint64_t tag = 0;
  const auto send = [&] {
    if (tag > 0) intake_->Acknowledge(found->second, session_, std::exchange(tag, 0));
  };
  while (!reader.delivered.empty() && reader.delivered.front().behind <= position.ordinal) {
    const Delivered& front = reader.delivered.front();
    if (front.is_rejected) {
      send();
      intake_->Reject(found->second, session_, front.tag);
    } else {
      tag = front.tag;
    }
    reader.delivered_count -= front.message_count;
    reader.delivered.pop_front();
  }
  send();
  return arrow::Status::OK();
}

arrow::Status AmqpSource::Close() {
  intake_.reset();
  ready_.clear();
  return arrow::Status::OK();
}

arrow::Status RegisterAmqpSource(Registry& registry) {
  return registry.AddSource<AmqpSourceConfig>(
      {.name = "amqp",
       .summary = "Reads queues and streams of an AMQP 0.9.1 broker (RabbitMQ).",
       .details =
           "Streams: exactly once, the offset is part of the commit. Classic and quorum queues: a "
           "message is acknowledged after the commit that makes it visible, so nothing is lost; "
           "what the broker delivers again after a crash is removed by `deduplicate` with the "
           "message id or your key. A message that is longer than `frame_bytes_max` goes to the "
           "queue's dead-letter exchange, whole; what cannot be decoded becomes a dead letter of "
           "the table.\n\n"
           "Parts of a message as columns: `from: queue`, `exchange`, `routing_key`, `message_id`, "
           "`correlation_id`, `type`, `app_id`, `timestamp`, `redelivered`, `offset` (of a "
           "stream), `header[name]`. Guide: docs/guide/amqp.md.",
       .frame_columns = {"queue", "exchange", "routing_key", "message_id", "correlation_id", "type",
                         "app_id", "timestamp", "redelivered", "offset", "header[]"},
       .is_live = true},
      [](const AmqpSourceConfig& config, const SourceContext& context)
          -> arrow::Result<std::unique_ptr<Source>> { return AmqpSource::Make(config, context); });
}

}  // namespace catchwater
