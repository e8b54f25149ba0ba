#include "catchwater/source/kafka/kafka_source.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/base/timestamp.h"
#include "catchwater/source/kafka/kafka_source_internal.h"

namespace catchwater {
namespace {

constexpr int64_t kAnswerMs = 10'000;
constexpr int64_t kBlockBytesMax = 1 << 20;
constexpr int64_t kBlockBytesMin = 64 << 10;
constexpr int64_t kBuilderBytes = 16 << 20;  // Over all partitions.
constexpr int64_t kBlocksKept = 32;
constexpr size_t kFetchMax = 8'192;
constexpr std::string_view kTokenEpoch = "epoch=";

std::string NameOf(const KafkaPartition& partition) {
  return partition.first + "[" + std::to_string(partition.second) + "]";
}

/// \pre made by NameOf
KafkaPartition PartitionOf(const std::string& name) {
  const size_t bracket = name.rfind('[');
  CATCHWATER_CHECK(bracket != name.npos, "partitions are named by NameOf");
  int32_t number = 0;
  std::from_chars(name.data() + bracket + 1, name.data() + name.size() - 1, number);
  return {name.substr(0, bracket), number};
}

int32_t EpochOf(std::string_view token) {
  int32_t epoch = -1;
  if (!token.starts_with(kTokenEpoch)) return epoch;
  token.remove_prefix(kTokenEpoch.size());
  std::from_chars(token.data(), token.data() + token.size(), epoch);
  return epoch;
}

Position PositionAt(int64_t offset, int32_t leader_epoch) {
  return {.ordinal = static_cast<uint64_t>(offset),
          .token = std::string(kTokenEpoch) + std::to_string(leader_epoch)};
}

std::optional<int64_t> TimeOfStart(const std::string& start) {
  LocalTime time = ParseIso(start);
  if (time.fault == TimeFault::kNone) time = ToUtc(time);
  if (time.fault != TimeFault::kNone) return std::nullopt;
  return time.us / 1'000;
}

std::string InstanceId(const KafkaSourceConfig& config, const SourceContext& context) {
  if (config.membership == KafkaMembership::kDynamic || context.member.empty()) return "";
  return "catchwater-" + context.pipeline + "-" + context.member;
}

}  // namespace

arrow::Status KafkaSourceConfig::Check() const {
  ARROW_RETURN_NOT_OK(connection.CheckConnection());
  for (const std::string& topic : topics) {
    if (!IsKafkaTopic(topic)) {
      return ConfigError(
          "`topics` holds names of letters, digits, `.`, `_` and `-`; this is none: ", topic);
    }
  }
  if (start != "earliest" && start != "latest" && !TimeOfStart(start)) {
    return ConfigError("`start` is `earliest`, `latest` or an ISO 8601 time, not: ", start);
  }
  return arrow::Status::OK();
}

arrow::Result<std::unique_ptr<KafkaSource>> KafkaSource::Make(const KafkaSourceConfig& config,
                                                              const SourceContext& context) {
  ARROW_RETURN_NOT_OK(config.Check());
  return std::unique_ptr<KafkaSource>(new KafkaSource(config, context));
}

KafkaSource::KafkaSource(KafkaSourceConfig config, const SourceContext& context)
    : config_(std::move(config)),
      clock_(context.clock),
      pipeline_(context.pipeline),
      frame_bytes_max_(context.frame_bytes_max),
      bell_(context.bell),
      instance_id_(InstanceId(config_, context)),
      fetched_(kFetchMax) {}

arrow::Status KafkaSource::Check() {
  if (member_ == nullptr) {
    ARROW_ASSIGN_OR_RAISE(
        member_, GroupMember::Make(
                     {.connection = config_.connection,
                      .topics = config_.topics,
                      .group = config_.group.empty() ? "catchwater-" + pipeline_ : config_.group,
                      .instance_id = instance_id_,
                      .bell = bell_}));
  }
  ARROW_RETURN_NOT_OK(LookAtTopics());
  bool has_made = false;
  for (const std::string& name : config_.topics) {
    if (topics_[name].exists) continue;
    if (!config_.create) {
      return NotFound("Topic does not exist; make it, or set `create: true` (partitions ",
                      config_.partitions, ", replication ", config_.replication, "): ", name);
    }
    ARROW_RETURN_NOT_OK(member_->questions().CreateTopic(
        name, config_.partitions, static_cast<int16_t>(config_.replication), kAnswerMs));
    has_made = true;
  }
  if (has_made) ARROW_RETURN_NOT_OK(LookAtTopics());
  int64_t partition_count = 1;
  for (const auto& [name, topic] : topics_) partition_count += topic.partition_count;
  pool_ = ReadBufferPool::Make(
      std::clamp(kBuilderBytes / partition_count, kBlockBytesMin, kBlockBytesMax), kBlocksKept);
  return arrow::Status::OK();
}

arrow::Status KafkaSource::LookAtTopics() {
  ARROW_ASSIGN_OR_RAISE(const auto found, member_->questions().Topics(config_.topics, kAnswerMs));
  for (const KafkaTopic& topic : found) topics_[topic.name] = topic;
  return arrow::Status::OK();
}

arrow::Result<std::vector<Offer>> KafkaSource::Discover() {
  if (member_ == nullptr) ARROW_RETURN_NOT_OK(Check());
  if (!is_subscribed_) {
    ARROW_RETURN_NOT_OK(member_->Subscribe());
    is_subscribed_ = true;
  }
  bool is_complete = true;
  for (const KafkaPartition& partition : member_->assigned()) {
    is_complete &= readers_.contains(partition);
  }
  // Before they are opened: the id is a part of the identity.
  if (!is_complete) ARROW_RETURN_NOT_OK(LookAtTopics());
  std::vector<Offer> offers;
  for (const KafkaPartition& partition : member_->assigned()) {
    if (!topics_[partition.first].exists) continue;  // Gone again.
    offers.push_back({.name = NameOf(partition),
                      .incarnation = topics_[partition.first].id,
                      .attributes = std::make_shared<const Attributes>(),
                      .file = std::nullopt,
                      .is_bounded = false});
  }
  return offers;
}

arrow::Result<int64_t> KafkaSource::StartOf(const KafkaPartition& partition, bool is_anew) {
  if (is_anew || config_.start == "earliest") {
    ARROW_ASSIGN_OR_RAISE(const auto watermarks, member_->Watermarks(partition));
    return watermarks.first;
  }
  if (config_.start == "latest") {
    ARROW_ASSIGN_OR_RAISE(const auto watermarks, member_->Watermarks(partition));
    return watermarks.second;
  }
  return member_->OffsetAt(partition, *TimeOfStart(config_.start));
}

arrow::Status KafkaSource::Open(const Offer& offer, int64_t partition_id,
                                const Position& resume_at) {
  const KafkaPartition partition = PartitionOf(offer.name);
  Reader reader{.partition = partition,
                .id = partition_id,
                .next_offset = static_cast<int64_t>(resume_at.ordinal),
                .leader_epoch = EpochOf(resume_at.token),
                .builder = BlockBuilder(pool_, frame_columns_)};
  const bool is_new = resume_at.ordinal == 0 && !resume_at.token.starts_with(kTokenEpoch);
  int64_t offset = reader.next_offset;
  if (is_new) {
    ARROW_ASSIGN_OR_RAISE(offset, StartOf(partition, resume_at.token == kNewIncarnation));
  }
  if (config_.guarantee == KafkaDelivery::kAtMostOnce) {
    ARROW_ASSIGN_OR_RAISE(const int64_t committed, member_->Committed(partition));
    offset = std::max(offset, committed);
  }
  ARROW_RETURN_NOT_OK(member_->Read(partition, offset, is_new ? -1 : reader.leader_epoch));
  Reader& opened = readers_.insert_or_assign(partition, std::move(reader)).first->second;
  by_id_[partition_id] = partition;
  if (is_new || offset != opened.next_offset) SkipTo(opened, offset, /*lost=*/0, "start");
  return arrow::Status::OK();
}

void KafkaSource::SkipTo(Reader& reader, int64_t offset, int64_t lost, std::string reason) {
  reader.next_offset = offset;
  ready_.emplace_back(catchwater::Skip{.partition_id = reader.id,
                                       .to = PositionAt(offset, reader.leader_epoch),
                                       .frames_lost = lost,
                                       .reason = std::move(reason)});
}

arrow::Result<NextResult> KafkaSource::Next(std::stop_token stop) {
  if (ready_.empty()) {
    if (member_->TakeChanged()) return OffersChanged{};
    ARROW_RETURN_NOT_OK(HandOverRevoked());
    ARROW_RETURN_NOT_OK(Collect(stop));
  }
  if (!ready_.empty()) {
    NextResult next = std::move(ready_.front());
    ready_.pop_front();
    return next;
  }
  ARROW_RETURN_NOT_OK(member_->client().FatalComplaint());
  return NotYet{.is_caught_up = IsCaughtUp()};
}

bool KafkaSource::IsCaughtUp() const {
  if (!member_->has_joined()) return false;
  return std::all_of(member_->assigned().begin(), member_->assigned().end(),
                     [&](const KafkaPartition& partition) {
                       const auto reader = readers_.find(partition);
                       return reader != readers_.end() && reader->second.is_at_end;
                     });
}

// The pipeline was told in the call before, and has committed and let go.
arrow::Status KafkaSource::HandOverRevoked() {
  if (!is_yielding_) return arrow::Status::OK();
  is_yielding_ = false;
  return member_->Yield();
}

arrow::Status KafkaSource::Collect(std::stop_token stop) {
  ARROW_RETURN_NOT_OK(ReadAgain());
  const int64_t deadline_us = clock_.MonotonicMicros() + config_.linger.ms * 1000;
  bool is_full = false;
  while (!is_full && !stop.stop_requested()) {
    const int64_t left_us = deadline_us - clock_.MonotonicMicros();
    ARROW_ASSIGN_OR_RAISE(const size_t count,
                          member_->Fetch(&fetched_, std::max<int64_t>(0, (left_us + 999) / 1000)));
    arrow::Status status;
    for (size_t i = 0; i < count; ++i) {
      if (status.ok()) status = Take(*fetched_[i]);
      rd_kafka_message_destroy(fetched_[i]);
    }
    ARROW_RETURN_NOT_OK(status);
    is_full = !ready_.empty() || left_us <= 0 || !member_->revoked().empty();
  }
  for (auto& [partition, reader] : readers_) ARROW_RETURN_NOT_OK(Deliver(reader));
  if (member_->revoked().empty() || is_yielding_) return arrow::Status::OK();
  PartitionsRevoked revoked;
  for (const KafkaPartition& partition : member_->revoked()) {
    const auto reader = readers_.find(partition);
    if (reader == readers_.end()) continue;
    revoked.partition_ids.push_back(reader->second.id);
    readers_.erase(reader);
  }
  is_yielding_ = true;
  ready_.emplace_back(std::move(revoked));
  return arrow::Status::OK();
}

arrow::Status KafkaSource::Take(rd_kafka_message_t& message) {
  if (message.rkt == nullptr) return TakeError(message);
  const auto found = readers_.find({rd_kafka_topic_name(message.rkt), message.partition});
  if (found == readers_.end()) return arrow::Status::OK();  // Given away meanwhile.
  Reader& reader = found->second;
  switch (message.err) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      return TakeRecord(reader, message);
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
      return TakeEnd(reader, message.offset);
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__LOG_TRUNCATION:
      return TakeGap(reader, rd_kafka_message_errstr(&message));
    default:
      return TakeError(message);
  }
}

arrow::Status KafkaSource::TakeError(const rd_kafka_message_t& message) {
  switch (message.err) {
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_ID:
      return arrow::Status::OK();  // Deleted; it may come again, and Confirm sees what it is.
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
    case RD_KAFKA_RESP_ERR__FATAL:
      return Conflict("Kafka group has another member of our name: ",
                      rd_kafka_message_errstr(&message));
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
      return member_->client().ErrorOf(message.err, rd_kafka_message_errstr(&message));
    default:
      return arrow::Status::OK();  // librdkafka goes on by itself.
  }
}

arrow::Status KafkaSource::TakeRecord(Reader& reader, const rd_kafka_message_t& message) {
  if (IsToBeReadAgain(reader, message.offset)) return arrow::Status::OK();
  reader.is_at_end = false;
  if (message.offset < std::max(reader.next_offset, reader.behind)) return arrow::Status::OK();
  if (static_cast<int64_t>(message.len) > frame_bytes_max_) return Reject(reader, message);
  if (!reader.builder.HasRoomFor(message)) ARROW_RETURN_NOT_OK(Deliver(reader));
  if (reader.builder.is_empty()) reader.receive_us = clock_.NowMicros();
  ARROW_RETURN_NOT_OK(reader.builder.Add(message));
  reader.behind = message.offset + 1;
  reader.leader_epoch = rd_kafka_message_leader_epoch(&message);
  return arrow::Status::OK();
}

// librdkafka notes the offset behind what it handed over, and goes on there after every change of
// the group's assignment. When it hands over many at once it takes the end of a partition, which
// has the offset of the next record, for a record: that one would be left out in silence. So what
// follows an end at a distance is asked for once more; marks of transactions stay where they are.
bool KafkaSource::IsToBeReadAgain(Reader& reader, int64_t offset) {
  if (reader.is_to_be_read_again) return true;
  const int64_t expected = std::max(reader.next_offset, reader.behind);
  if (!reader.is_at_end || offset <= expected || reader.read_again_at == expected) return false;
  reader.read_again_at = expected;
  reader.is_to_be_read_again = true;
  reader.is_at_end = false;
  return true;
}

arrow::Status KafkaSource::ReadAgain() {
  // The group waits for partitions to be given up: until then nothing else may be unassigned.
  if (member_->must_yield()) return arrow::Status::OK();
  for (auto& [partition, reader] : readers_) {
    if (!std::exchange(reader.is_to_be_read_again, false)) continue;
    ARROW_RETURN_NOT_OK(member_->StopReading(partition));
    ARROW_RETURN_NOT_OK(member_->Read(partition, reader.next_offset, reader.leader_epoch));
  }
  return arrow::Status::OK();
}

arrow::Status KafkaSource::Deliver(Reader& reader) {
  if (reader.builder.is_empty()) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(Block block, reader.builder.Finish());
  block.origin = {.range = {.partition_id = reader.id,
                            .from = PositionAt(reader.next_offset, -1),
                            .to = PositionAt(reader.behind, reader.leader_epoch)},
                  .receive_us = reader.receive_us};
  reader.next_offset = reader.behind;
  if (config_.guarantee == KafkaDelivery::kAtMostOnce) {
    member_->Commit(reader.partition, reader.behind);
  }
  ready_.emplace_back(std::move(block));
  return arrow::Status::OK();
}

arrow::Status KafkaSource::Reject(Reader& reader, const rd_kafka_message_t& message) {
  ARROW_RETURN_NOT_OK(Deliver(reader));
  // Its offset is the beginning of its range, also behind offsets that are no records.
  if (message.offset > reader.next_offset) SkipTo(reader, message.offset, /*lost=*/0, "");
  reader.receive_us = clock_.NowMicros();
  ARROW_RETURN_NOT_OK(reader.builder.Add(message));
  reader.behind = message.offset + 1;
  reader.leader_epoch = rd_kafka_message_leader_epoch(&message);
  ARROW_RETURN_NOT_OK(Deliver(reader));
  Block& block = std::get<Block>(ready_.back());
  block.reject_reason =
      "Record is longer than frame_bytes_max, bytes: " + std::to_string(message.len);
  block.reject_bytes = static_cast<int64_t>(message.len);
  return arrow::Status::OK();
}

// Behind the last record there may be marks of transactions: the position moves over them.
arrow::Status KafkaSource::TakeEnd(Reader& reader, int64_t offset) {
  ARROW_RETURN_NOT_OK(Deliver(reader));
  if (IsToBeReadAgain(reader, offset)) return arrow::Status::OK();
  reader.is_at_end = true;
  if (offset == reader.next_offset) reader.read_again_at = -1;  // An end of its own.
  if (offset > reader.next_offset) SkipTo(reader, offset, /*lost=*/0, "marks of transactions");
  return arrow::Status::OK();
}

arrow::Status KafkaSource::TakeGap(Reader& reader, const std::string& reason) {
  ARROW_RETURN_NOT_OK(Deliver(reader));
  ARROW_RETURN_NOT_OK(Confirm());  // A topic that was made anew has no such offset, either.
  ARROW_ASSIGN_OR_RAISE(const auto watermarks, member_->Watermarks(reader.partition));
  const auto [low, high] = watermarks;
  const std::string place = NameOf(reader.partition) + ", position " +
                            std::to_string(reader.next_offset) + ", records there are " +
                            std::to_string(low) + " to " + std::to_string(high);
  const bool is_out_of_range =
      reason.find(rd_kafka_err2str(RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE)) != reason.npos;
  if (is_out_of_range && low <= reader.next_offset && reader.next_offset <= high) {
    reader.is_to_be_read_again = true;  // It is there: librdkafka asked for the one behind it.
    reader.is_at_end = false;
    return arrow::Status::OK();
  }
  if (low <= reader.next_offset) {
    ready_.emplace_back(PartitionFailed{
        .partition_id = reader.id,
        .reason = "Topic's log was cut behind what was read of it (" + reason +
                  "); give the pipeline another name to read what is there now: " + place,
        .is_retryable = false});
    return arrow::Status::OK();
  }
  const int64_t lost = low - reader.next_offset;
  if (config_.on_gap == OnGap::kFail) {
    ready_.emplace_back(PartitionFailed{
        .partition_id = reader.id,
        .reason = "Gap: up to " + std::to_string(lost) +
                  " records were deleted before they were read; keep them longer in the topic, "
                  "and set `on_gap: skip` to go on behind the gap: " +
                  place,
        .is_retryable = false});
    return arrow::Status::OK();
  }
  SkipTo(reader, low, lost, "records were deleted before they were read: " + place);
  ARROW_RETURN_NOT_OK(member_->StopReading(reader.partition));
  return member_->Read(reader.partition, low, -1);
}

arrow::Status KafkaSource::Confirm() {
  if (readers_.empty()) return arrow::Status::OK();
  std::map<std::string, std::string> ids;
  for (const auto& [partition, reader] : readers_) {
    ids.emplace(partition.first, topics_[partition.first].id);
  }
  ARROW_RETURN_NOT_OK(LookAtTopics());
  for (const auto& [name, id] : ids) {
    if (!topics_[name].exists || topics_[name].id == id) continue;
    return Conflict("Topic was deleted and made anew, name and ids: ", name, " ", id, " ",
                    topics_[name].id);
  }
  return arrow::Status::OK();
}

arrow::Status KafkaSource::Acknowledge(int64_t partition_id, const Position& position) {
  const auto partition = by_id_.find(partition_id);
  if (partition == by_id_.end() || !readers_.contains(partition->second)) {
    return arrow::Status::OK();
  }
  member_->Commit(partition->second, static_cast<int64_t>(position.ordinal));
  return arrow::Status::OK();
}

arrow::Status KafkaSource::Close() {
  readers_.clear();
  ready_.clear();
  member_.reset();
  return arrow::Status::OK();
}

arrow::Status RegisterKafkaSource(Registry& registry) {
  return registry.AddSource<KafkaSourceConfig>(
      {.name = "kafka",
       .summary = "Reads topics as a member of a consumer group.",
       .details =
           "Exactly once: positions are in the commit that makes the rows visible; the broker's "
           "offsets of the group are set afterwards, for people and tools that watch the lag. Only "
           "committed records are read. Several processes on one ledger share the partitions.\n\n"
           "Parts of a message as columns: `from: key`, `topic`, `partition`, `offset`, "
           "`timestamp`, `header[name]`. A field of the payload that has such a name is read by "
           "leaving `from` out, or by its path, `from: $.key`.",
       .frame_columns = {"key", "topic", "partition", "offset", "timestamp", "header[]"},
       .is_group = true},
      [](const KafkaSourceConfig& config, const SourceContext& context)
          -> arrow::Result<std::unique_ptr<Source>> { return KafkaSource::Make(config, context); });
}

}  // namespace catchwater
